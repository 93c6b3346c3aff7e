//  tidepool - the command that speaks with a node
//
//  Exit status: 0 it is done, 1 the node refused, 2 it was called wrongly, 3 no node answers.

#include "tools/command/command.h"

#include <locale.h>

static int run (command_t *command)
{
    if (option_given (command, OPTION_HELP))
        return help_print (command);
    if (option_given (command, OPTION_VERSION))
        return version_print (command);
    return command->entry->run (command);
}

int main (int argc, char *argv[])
{
    command_t command;
    setlocale (LC_CTYPE, "C.UTF-8"); // texts are UTF-8, wherever we are; numbers stay C's
    int status = options_read (argc, argv, &command);
    if (status == EXIT_DONE)
        status = run (&command);
    if (fflush (stdout) || ferror (stdout)) {
        perror ("tidepool: standard output");
        status = status ? status : EXIT_REFUSED;
    }
    options_release (&command);
    return status;
}

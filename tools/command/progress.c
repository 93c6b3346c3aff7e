//  progress - one line on a terminal that says how far something long has come

#include "tools/command/progress.h"

#include <stdarg.h>
#include <unistd.h>

bool progress_wanted (const command_t *command)
{
    return isatty (fileno (command->err.file));
}

progress_t progress_on (const command_t *command)
{
    return (progress_t){.file = command->err.file};
}

void progress_show (progress_t *self, const char *format, ...)
{
    char text[160];
    buffer_t safe = {NULL, 0, 0};
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    show_escape (slice_text (text), &safe);
    fprintf (self->file, "\r\x1b[K%.*s", (int)safe.size, (const char *)safe.data);
    fflush (self->file);
    buffer_release (&safe);
    self->shown = true;
}

void progress_end (progress_t *self)
{
    if (self->shown)
        fputs ("\r\x1b[K", self->file);
    self->shown = false;
}

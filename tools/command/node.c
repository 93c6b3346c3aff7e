//  node - init, stop

#include "tools/command/connection.h"
#include "tools/command/place.h"
#include "tools/command/progress.h"

#include "actors/shell/home.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define STOP_MS 60000
#define LOOK_MS 50

//  ---- init

static void home_show (const command_t *self, const char *dir, const identity_t *identity)
{
    char client[UUID_TEXT_SIZE], key[Z85_KEY_SIZE];
    buffer_t map = {NULL, 0, 0};
    char *real = realpath (dir, NULL);
    const char *path = real ? real : dir;
    uuid_to_text (&identity->client, client);
    key_to_z85 (&identity->curve, key);
    if (self->json) {
        pack_map (&map, 3);
        pack_string (&map, "key");
        pack_string (&map, key);
        pack_string (&map, "client");
        pack_bin (&map, slice_of (&identity->client, sizeof identity->client));
        pack_string (&map, "dir");
        pack_string (&map, path);
        document_print (self, buffer_slice (&map));
        buffer_release (&map);
    } else {
        fputs ("made      ", self->out.file);
        show_text (&self->out, slice_text (path));
        fprintf (self->out.file, "\nclient    %s\nkey       %s\nstart it  tidepoold ", client, key);
        show_text (&self->out, slice_text (dir));
        fputc ('\n', self->out.file);
    }
    free (real);
}

//  --name and --listen are settings like any other, put before them.
static char **sets_of (const command_t *self, size_t *ret_count)
{
    static const char *const prefixes[OPTION_COUNT] = {
        [OPTION_NAME] = "node/name=", [OPTION_LISTEN] = "node/listen=", [OPTION_SET] = ""};
    static const int order[] = {OPTION_NAME, OPTION_LISTEN, OPTION_SET};
    char **sets = calloc (self->given_count + 1, sizeof *sets);
    size_t count = 0;
    for (size_t i = 0; sets && i < sizeof order / sizeof *order; i++) {
        size_t at = 0;
        for (const char *value; (value = option_next (self, order[i], &at)); count++)
            if (asprintf (&sets[count], "%s%s", prefixes[order[i]], value) < 0)
                abort ();
    }
    if (!sets)
        abort ();
    *ret_count = count;
    return sets;
}

int command_init (command_t *self)
{
    const char *dir = self->word_count ? self->words[0] : self->dir;
    why_t why = {""};
    identity_t identity;
    size_t count = 0;
    if (!dir)
        return usage_fail (self, "init where?");
    char **sets = sets_of (self, &count);
    int rc = keys_start ();
    if (rc == 0)
        rc = home_create (dir, (const char *const *)sets, count, &identity, &why);
    if (rc == 0)
        home_show (self, dir, &identity);
    for (size_t i = 0; i < count; i++)
        free (sets[i]);
    free (sets);
    return rc ? command_fail_error (self, rc, why.text) : EXIT_DONE;
}

//  ---- stop

//  True when its process is gone; where that cannot be seen, when its socket is.
static bool is_gone (connection_t *connection, int process)
{
    struct pollfd item = {.fd = process, .events = POLLIN};
    if (process >= 0)
        return poll (&item, 1, LOOK_MS) > 0;
    poll (NULL, 0, LOOK_MS);
    return !connection_stands (connection);
}

int command_stop (command_t *self)
{
    connection_t *connection = NULL;
    ask_t ask = {.verb = "stop"};
    place_t place = {.pid = 0};
    why_t why;
    slice_t answer;
    bool gone = false;
    int status = connection_open (self, "admin", &connection);
    if (status)
        return status;
    //  Opened before it is told to stop, so that it is this process and none that got its number later.
    if (place_find (self->dir, "admin", &place, &why))
        place.pid = 0;
    int process = place.pid > 0 ? pidfd_open ((pid_t)place.pid, 0) : -1;
    status = connection_send (connection, &ask);
    if (status == EXIT_DONE)
        status = connection_try (connection, STOP_MS, &answer);
    //  Its answer may go down with it; and when it is slow to answer, that it ends is what counts.
    if (status == CONNECTION_LOST || status == CONNECTION_WAITS)
        status = EXIT_DONE;
    for (int waited = 0; status == EXIT_DONE && !gone && waited < STOP_MS; waited += LOOK_MS)
        gone = is_gone (connection, process);
    if (process >= 0)
        close (process);
    if (status == EXIT_DONE && !gone && connection_stands (connection))
        status = command_fail_error (self, ERR_BUSY, "it is still stopping");
    connection_destroy (&connection);
    buffer_t map = {NULL, 0, 0};
    pack_map (&map, 1);
    pack_string (&map, "stopped");
    pack_bool (&map, true);
    if (status == EXIT_DONE && self->json)
        document_print (self, buffer_slice (&map));
    else if (status == EXIT_DONE)
        fputs ("stopped\n", self->out.file);
    buffer_release (&map);
    return status;
}

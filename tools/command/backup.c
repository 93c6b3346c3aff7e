//  backup - a data directory as one file, and one made of it: backup, restore
//
//  Neither asks a node: the file is read from the store beside the node that writes it.

#include "tools/command/command.h"

#include "actors/shell/backup.h"

#include <stdlib.h>
#include <time.h>

static uint64_t wall_now (void)
{
    struct timespec now;
    if (clock_gettime (CLOCK_REALTIME, &now) || now.tv_sec < 0)
        return 0;
    return time_from_ns ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

static void backup_show (const command_t *self, const char *file, uint64_t size)
{
    char number[SHOW_SIZE];
    buffer_t map = {NULL, 0, 0};
    if (self->json) {
        pack_map (&map, 2);
        pack_string (&map, "file");
        pack_string (&map, file);
        pack_string (&map, "bytes");
        pack_uint (&map, size);
        document_print (self, buffer_slice (&map));
        buffer_release (&map);
        return;
    }
    fputs ("written   ", self->out.file);
    show_text (&self->out, slice_text (file));
    fprintf (self->out.file, ", %s bytes\n", show_number (size, number));
    fputs ("It holds the node's secret key: whoever has it can pose as this client.\n",
        self->out.file);
}

int command_backup (command_t *self)
{
    why_t why = {""};
    home_t home;
    uint64_t size = 0;
    if (!self->dir)
        return usage_fail (self, "of which node? -d DIR, or TIDEPOOL_DIR");
    int rc = keys_start ();
    if (rc == 0)
        rc = home_open (self->dir, &home, &why);
    if (rc == 0)
        rc = backup_make (&home, self->words[0], wall_now (), &size, &why);
    if (rc)
        return command_fail_error (self, rc, why.text);
    backup_show (self, self->words[0], size);
    return EXIT_DONE;
}

static void restore_show (
    const command_t *self, const char *dir, bool asks, const identity_t *identity, uint64_t time)
{
    char client[UUID_TEXT_SIZE], made[TIMESTAMP_TEXT_SIZE];
    buffer_t map = {NULL, 0, 0};
    uuid_to_text (&identity->client, client);
    time_to_text (time, made);
    if (self->json) {
        pack_map (&map, 3);
        pack_string (&map, "client");
        pack_bin (&map, slice_of (&identity->client, sizeof identity->client));
        pack_string (&map, "dir");
        pack_string (&map, dir);
        pack_string (&map, "made");
        pack_string (&map, made);
        document_print (self, buffer_slice (&map));
        buffer_release (&map);
        return;
    }
    fputs ("restored  ", self->out.file);
    show_text (&self->out, slice_text (dir));
    fprintf (self->out.file, ", as it was at %s\nclient    %s\nstart it  tidepoold ", made, client);
    show_text (&self->out, slice_text (dir));
    fputs (
        asks ? "\nIt writes nothing before each member of its pool has said what it has of it that "
               "is newer.\n"
             : "\nIt asks nobody: what members have of it that is newer it cannot take back.\n",
        self->out.file);
}

int command_restore (command_t *self)
{
    why_t why = {""};
    identity_t identity;
    uint64_t time = 0;
    bool asks = !option_given (self, OPTION_ALONE);
    int rc = keys_start ();
    if (rc == 0)
        rc = backup_restore (self->words[0], self->words[1], asks, &identity, &time, &why);
    if (rc)
        return command_fail_error (self, rc, why.text);
    restore_show (self, self->words[1], asks, &identity, time);
    return EXIT_DONE;
}

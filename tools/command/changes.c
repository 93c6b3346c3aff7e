//  changes - what changed since a cursor, and what goes on changing
//
//  The feed loses what a slow subscriber does not take, and says nothing. So it is only the bell here: what is shown is
//  always read by `changes` at our cursor, and a bell that was lost makes it later by LOOK_MS at most.

#include "tools/command/connection.h"
#include "tools/command/field.h"
#include "tools/command/json.h"
#include "tools/command/value.h"

#include <inttypes.h>
#include <zmq.h>

#define LOOK_MS 1000

typedef struct follow {
    const command_t *command;
    connection_t *connection;
    uint64_t cursor;
    uint64_t shown;
    bool lines; // --follow
    bool begun;
    bool reset;
    bool more;
} follow_t;

//  ---- showing

static void change_show (const show_t *show, slice_t change)
{
    char uuid[UUID_TEXT_SIZE];
    buffer_t text = {NULL, 0, 0};
    bool deleted = field_bool (change, "deleted");
    field_uuid_text (change, "uuid", uuid);
    fprintf (show->file, "%s%8" PRIu64 "%s  ", show_begin (show, STYLE_FAINT),
        field_uint (change, "cursor"), show_end (show, STYLE_FAINT));
    show_escape (field_text (change, "resource"), &text);
    fprintf (show->file, "%-14.*s  %s  ", (int)text.size, (const char *)text.data, uuid);
    buffer_clear (&text);
    if (deleted)
        fprintf (
            show->file, "%sdeleted%s", show_begin (show, STYLE_BAD), show_end (show, STYLE_BAD));
    else
        value_show_all (field_find (change, "value"), &text);
    if (text.size)
        fwrite (text.data, 1, text.size, show->file);
    fputc ('\n', show->file);
    buffer_release (&text);
}

static void changes_show (follow_t *self, slice_t changes)
{
    const show_t *show = &self->command->out;
    walk_t walk = walk_array (changes);
    slice_t change;
    while (walk_next (&walk, NULL, &change)) {
        buffer_t text = {NULL, 0, 0};
        if (!self->command->json)
            change_show (show, change);
        else {
            json_write (change, &text);
            fputs (self->shown && !self->lines ? ", " : "", show->file);
            fwrite (text.data, 1, text.size, show->file);
            fputs (self->lines ? "\n" : "", show->file);
        }
        self->shown++;
        buffer_release (&text);
    }
}

//  The node has dropped what lay behind our cursor: all begins again at 0, and who reads has to know.
static void begin_again (follow_t *self)
{
    self->cursor = 0;
    self->reset = true;
    if (!self->command->json)
        fputs ("The cursor is too old: this is everything, from the beginning.\n",
            self->command->err.file);
    else if (self->lines)
        fputs ("{\"reset\": true}\n", self->command->out.file);
}

//  ---- reading

static int page_ask (follow_t *self)
{
    slice_t answer;
    ask_t ask = {.verb = "changes"};
    ask_uint (&ask, "since", self->cursor);
    int status = connection_ask (self->connection, &ask, ANSWER_MS, &answer);
    if (status)
        return status;
    if (field_bool (answer, "reset") && self->cursor) {
        begin_again (self);
        self->more = true;
        return EXIT_DONE;
    }
    if (self->command->json && !self->lines && !self->begun)
        fputs ("{\"changes\": [", self->command->out.file);
    self->begun = true;
    changes_show (self, field_find (answer, "changes"));
    self->cursor = field_uint (answer, "cursor");
    self->more = field_bool (answer, "more");
    return EXIT_DONE;
}

static int pages_ask (follow_t *self)
{
    int status;
    do
        status = page_ask (self);
    while (status == EXIT_DONE && self->more && !ferror (self->command->out.file));
    fflush (self->command->out.file);
    return status;
}

static void bell_wait (void *feed)
{
    zmq_pollitem_t item = {feed, 0, ZMQ_POLLIN, 0};
    zmq_msg_t message;
    zmq_poll (&item, 1, LOOK_MS);
    zmq_msg_init (&message);
    while (zmq_msg_recv (&message, feed, ZMQ_DONTWAIT) >= 0)
        continue;
    zmq_msg_close (&message);
}

static int follow_run (follow_t *self)
{
    void *feed = connection_feed (self->connection);
    int status = feed ? EXIT_DONE : EXIT_NO_ANSWER;
    while (status == EXIT_DONE && !ferror (self->command->out.file)) {
        status = pages_ask (self);
        if (status == EXIT_DONE)
            bell_wait (feed);
    }
    if (status == EXIT_NO_ANSWER)
        fprintf (
            self->command->err.file, "To go on from here: --since %" PRIu64 "\n", self->cursor);
    return status;
}

static int read_once (follow_t *self)
{
    FILE *file = self->command->out.file;
    int status = pages_ask (self);
    if (status == EXIT_DONE && self->command->json)
        fprintf (file, "], \"cursor\": %" PRIu64 ", \"more\": false%s}\n", self->cursor,
            self->reset ? ", \"reset\": true" : "");
    return status;
}

int command_changes (command_t *self)
{
    const char *since = option_value (self, OPTION_SINCE);
    follow_t follow = {.command = self, .lines = option_given (self, OPTION_FOLLOW)};
    int status = since ? word_number (self, since, &follow.cursor) : EXIT_DONE;
    if (status == EXIT_DONE)
        status = connection_open (self, "api", &follow.connection);
    if (status == EXIT_DONE)
        status = follow.lines ? follow_run (&follow) : read_once (&follow);
    connection_destroy (&follow.connection);
    return status;
}

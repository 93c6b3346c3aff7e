//  pool - pool, invite, join, remove, pause, resume

#include "tools/command/client.h"
#include "tools/command/field.h"
#include "tools/command/progress.h"

#include <inttypes.h>
#include <time.h>

#define JOIN_LOOK_MS 200
#define JOIN_CALM                                                                                  \
    2 // looks without a join under way, one after the other, until it is believed to be over

int command_pool (command_t *self)
{
    ask_t ask = {.verb = "pool"};
    buffer_t answer = {NULL, 0, 0};
    char pool[UUID_TEXT_SIZE];
    int status = connection_ask_once (self, "admin", &ask, ANSWER_MS, &answer);
    slice_t map = buffer_slice (&answer);
    if (status == EXIT_DONE && self->json)
        document_print (self, map);
    else if (status == EXIT_DONE) {
        slice_t clients = field_find (map, "clients");
        size_t invitations = walk_count (field_find (map, "invitations"));
        field_uuid_text (map, "pool", pool);
        fprintf (self->out.file, "pool %s, %zu client%s", pool, walk_count (clients),
            walk_count (clients) == 1 ? "" : "s");
        if (invitations)
            fprintf (self->out.file, ", %zu open invitation%s", invitations,
                invitations == 1 ? "" : "s");
        fputs ("\n\n", self->out.file);
        clients_show (self, clients, request_nil, true);
    }
    buffer_release (&answer);
    return status;
}

//  The members alone, for who looks for one of them.
int command_clients (command_t *self)
{
    ask_t ask = {.verb = "pool"};
    buffer_t answer = {NULL, 0, 0}, map = {NULL, 0, 0};
    int status = connection_ask_once (self, "admin", &ask, ANSWER_MS, &answer);
    slice_t clients = field_find (buffer_slice (&answer), "clients");
    if (status == EXIT_DONE && self->json) {
        pack_map (&map, 1);
        pack_string (&map, "clients");
        pack_raw (&map, clients);
        document_print (self, buffer_slice (&map));
    } else if (status == EXIT_DONE)
        clients_show (self, clients, request_nil, true);
    buffer_release (&answer);
    buffer_release (&map);
    return status;
}

int command_invite (command_t *self)
{
    ask_t ask = {.verb = "invite"};
    buffer_t answer = {NULL, 0, 0};
    int status = connection_ask_once (self, "admin", &ask, ANSWER_MS, &answer);
    if (status == EXIT_DONE && self->json)
        document_print (self, buffer_slice (&answer));
    else if (status == EXIT_DONE) {
        show_text (&self->out, field_text (buffer_slice (&answer), "ticket"));
        fputc ('\n', self->out.file);
        fflush (self->out.file);
        if (progress_wanted (self))
            fputs ("Good once and for a day. On the other node: tidepool -d DIR join TICKET\n",
                self->err.file);
    }
    buffer_release (&answer);
    return status;
}

//  ---- join

typedef struct join {
    uuid16_t pool;
    uint64_t records;
    progress_t progress;
} join_t;

//  CONNECTION_WAITS while it goes on.
static int join_look (const command_t *self, connection_t *connection, join_t *join)
{
    ask_t ask = {.verb = "status"};
    slice_t answer;
    char number[SHOW_SIZE];
    int status = connection_ask (connection, &ask, ANSWER_MS, &answer);
    if (status || field_is_nil (answer, "joining"))
        return status;
    slice_t joining = field_find (answer, "joining");
    slice_t state = field_text (joining, "state");
    join->records = field_uint (joining, "records");
    if (progress_wanted (self))
        progress_show (&join->progress, "%.*s: %s records", (int)state.size,
            (const char *)state.data, show_number (join->records, number));
    return CONNECTION_WAITS;
}

//  Admitted and told so, the node may not have begun yet with what it then has to do.
static int join_wait (const command_t *self, connection_t *connection, join_t *join)
{
    const struct timespec pause = {0, JOIN_LOOK_MS * 1000000};
    int status = EXIT_DONE;
    for (int calm = 0; calm < JOIN_CALM && (status == EXIT_DONE || status == CONNECTION_WAITS);) {
        status = join_look (self, connection, join);
        calm = status == EXIT_DONE ? calm + 1 : 0;
        nanosleep (&pause, NULL);
    }
    progress_end (&join->progress);
    return status;
}

static void join_show (const command_t *self, const join_t *join, bool waited)
{
    char pool[UUID_TEXT_SIZE];
    buffer_t map = {NULL, 0, 0};
    uuid_to_text (&join->pool, pool);
    if (!self->json) {
        fprintf (self->out.file, "%s pool %s\n", waited ? "joined" : "admitted to", pool);
        return;
    }
    pack_map (&map, 2);
    pack_string (&map, "pool");
    pack_bin (&map, slice_of (&join->pool, sizeof join->pool));
    pack_string (&map, "ready");
    pack_bool (&map, waited);
    document_print (self, buffer_slice (&map));
    buffer_release (&map);
}

int command_join (command_t *self)
{
    connection_t *connection = NULL;
    join_t join = {.progress = progress_on (self)};
    ask_t ask = {.verb = "join"};
    slice_t answer;
    bool wait = !option_given (self, OPTION_NO_WAIT);
    int status = connection_open (self, "admin", &connection);
    ask_text (&ask, "ticket", self->words[0]);
    if (status == EXIT_DONE) {
        if (progress_wanted (self))
            progress_show (&join.progress, "knocking at the door");
        status = connection_ask (connection, &ask, FOR_EVER, &answer);
        progress_end (&join.progress);
    }
    buffer_release (&ask.fields);
    if (status == EXIT_DONE) {
        field_uuid (answer, "pool", &join.pool);
        status = wait ? join_wait (self, connection, &join) : EXIT_DONE;
    }
    connection_destroy (&connection);
    if (status == EXIT_DONE)
        join_show (self, &join, wait);
    return status;
}

//  ---- what is asked of one client

//  Asks and, as JSON, prints {client, NAME: value}.
static int ask_about (command_t *self, const char *verb, const char *name, bool value,
    bool ask_value, uuid16_t *ret_client)
{
    connection_t *connection = NULL;
    ask_t ask = {.verb = verb};
    buffer_t map = {NULL, 0, 0};
    slice_t answer;
    bool named = self->word_count > 0;
    int status = connection_open (self, "admin", &connection);
    if (status == EXIT_DONE && named)
        status = client_find (connection, self, self->words[0], ret_client);
    if (status == EXIT_DONE) {
        if (named)
            ask_uuid (&ask, "client", ret_client);
        if (ask_value)
            ask_bool (&ask, name, value);
        status = connection_ask (connection, &ask, ANSWER_MS, &answer);
    }
    connection_destroy (&connection);
    if (status || !self->json)
        return status;
    pack_map (&map, 2);
    pack_string (&map, "client");
    if (named)
        pack_bin (&map, slice_of (ret_client, sizeof *ret_client));
    else
        pack_nil (&map);
    pack_string (&map, name);
    pack_bool (&map, value);
    document_print (self, buffer_slice (&map));
    buffer_release (&map);
    return status;
}

int command_remove (command_t *self)
{
    uuid16_t client;
    char text[UUID_TEXT_SIZE];
    bool drop = option_given (self, OPTION_DROP_ROWS);
    int status = ask_about (self, "remove", "drop_rows", drop, true, &client);
    if (status || self->json)
        return status;
    uuid_to_text (&client, text);
    fprintf (self->out.file, "removed %s; its rows are %s\n", text, drop ? "dropped" : "kept");
    return status;
}

static int pause_or_resume (command_t *self, const char *verb, bool paused)
{
    uuid16_t client;
    char text[UUID_TEXT_SIZE] = "all links";
    int status = ask_about (self, verb, "paused", paused, false, &client);
    if (status || self->json)
        return status;
    if (self->word_count)
        uuid_to_text (&client, text);
    fprintf (self->out.file, "%s %s\n", paused ? "paused" : "resumed", text);
    return status;
}

int command_pause (command_t *self)
{
    return pause_or_resume (self, "pause", true);
}

int command_resume (command_t *self)
{
    return pause_or_resume (self, "resume", false);
}

//  client - the clients of a pool, as people name them

#include "tools/command/client.h"

#include "tools/command/field.h"
#include "tools/command/table.h"

#include <strings.h>
#include <time.h>

#define SHORT_DIGITS 8
#define PREFIX_MIN   4

//  ---- finding

static bool matches (slice_t client, const char *text, bool by_name)
{
    char uuid[UUID_TEXT_SIZE];
    if (by_name)
        return slice_equal (field_text (client, "name"), slice_text (text));
    field_uuid_text (client, "client", uuid);
    return strlen (text) >= PREFIX_MIN && strncasecmp (uuid, text, strlen (text)) == 0;
}

//  A removed client's name is free again.
static size_t find_among (slice_t clients, const char *text, bool by_name, uuid16_t *ret_client)
{
    walk_t walk = walk_array (clients);
    slice_t client;
    size_t found = 0;
    while (walk_next (&walk, NULL, &client))
        if (matches (client, text, by_name) && !(by_name && field_bool (client, "removed")) &&
            field_uuid (client, "client", ret_client))
            found++;
    return found;
}

int client_find (
    connection_t *connection, const command_t *command, const char *text, uuid16_t *ret_client)
{
    ask_t ask = {.verb = "pool"};
    slice_t answer;
    char why[400];
    if (uuid_from_text (slice_text (text), ret_client) == 0)
        return EXIT_DONE;
    int status = connection_ask (connection, &ask, ANSWER_MS, &answer);
    if (status)
        return status;
    slice_t clients = field_find (answer, "clients");
    size_t found = find_among (clients, text, true, ret_client);
    if (found == 0)
        found = find_among (clients, text, false, ret_client);
    if (found == 1)
        return EXIT_DONE;
    snprintf (why, sizeof why,
        found ? "more than one client is called %.128s: say which by its uuid"
              : "there is no client %.128s in the pool",
        text);
    return command_fail_error (command, ERR_NOT_FOUND, why);
}

int client_find_once (const command_t *command, const char *text, uuid16_t *ret_client)
{
    connection_t *connection = NULL;
    if (uuid_from_text (slice_text (text), ret_client) == 0)
        return EXIT_DONE;
    int status = connection_open (command, "admin", &connection);
    if (status == EXIT_DONE)
        status = client_find (connection, command, text, ret_client);
    connection_destroy (&connection);
    return status;
}

//  ---- showing

void client_short (slice_t clients, const uuid16_t *client, char ret_text[UUID_TEXT_SIZE])
{
    walk_t walk = walk_array (clients);
    slice_t other;
    uuid16_t uuid;
    uuid_to_text (client, ret_text);
    while (walk_next (&walk, NULL, &other))
        if (field_uuid (other, "client", &uuid) && !uuid_equal (&uuid, client) &&
            memcmp (&uuid, client, SHORT_DIGITS / 2) == 0)
            return;
    ret_text[SHORT_DIGITS] = 0;
}

static bool is_paused (slice_t paused, const uuid16_t *client)
{
    walk_t walk = walk_array (paused);
    slice_t item;
    uuid16_t uuid;
    while (walk_next (&walk, NULL, &item)) {
        cursor_t cursor = cursor_over (item);
        if (cursor_bin_exact (&cursor, &uuid, sizeof uuid) == 0 && uuid_equal (&uuid, client))
            return true;
    }
    return false;
}

static void state_add (table_t *table, slice_t client, bool paused)
{
    if (field_bool (client, "removed"))
        table_add_text (table, STYLE_FAINT, "removed");
    else if (paused)
        table_add_text (table, STYLE_WARNING, "paused");
    else if (field_bool (client, "returning"))
        table_add_text (table, STYLE_WARNING, "returning");
    else if (field_bool (client, "stale")) // linked or not: nothing passes but its return
        table_add_text (table, STYLE_WARNING, "stale");
    else if (field_bool (client, "online"))
        table_add_text (table, STYLE_GOOD, "online");
    else
        table_add_text (table, STYLE_WARNING, "offline");
}

static void row_add (table_t *table, slice_t clients, slice_t client, slice_t paused, bool whole)
{
    char text[SHOW_SIZE], uuid[UUID_TEXT_SIZE];
    uuid16_t id = {{0}};
    uint64_t now = time_from_ns ((uint64_t)time (NULL) * 1000000000u);
    field_uuid (client, "client", &id);
    if (whole)
        uuid_to_text (&id, uuid);
    else
        client_short (clients, &id, uuid);
    table_add_text (table, STYLE_PLAIN, uuid);
    table_add (table, STYLE_BOLD, field_text (client, "name"));
    state_add (table, client, is_paused (paused, &id));
    table_add_text (table, STYLE_PLAIN, show_age (now, field_time (client, "last_seen"), text));
    table_add_text (
        table, STYLE_PLAIN, show_age (now, field_time (client, "last_synchronized"), text));
    if (field_is_nil (client, "behind"))
        table_add_text (table, STYLE_FAINT, "?");
    else
        table_add_text (table, field_uint (client, "behind") ? STYLE_WARNING : STYLE_PLAIN,
            show_number (field_uint (client, "behind"), text));
}

void clients_show (const command_t *command, slice_t clients, slice_t paused, bool whole)
{
    static const char *const heads[] = {
        "CLIENT", "NAME", "STATE", "SEEN", "SYNCHRONIZED", "BATCHES BEHIND"};
    table_t *table = table_new ("lflllr", heads);
    walk_t walk = walk_array (clients);
    slice_t client;
    while (walk_next (&walk, NULL, &client))
        row_add (table, clients, client, paused, whole);
    table_print (table, &command->out);
    table_destroy (&table);
}

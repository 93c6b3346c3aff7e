//  why - `get --why`: why a record shows what it shows, for people

#include "tools/command/why.h"

#include "messages/limits.h"
#include "messages/record_why.h"
#include "tools/command/client.h"
#include "tools/command/field.h"
#include "tools/command/table.h"
#include "tools/command/value.h"

#include <time.h>

#define WHO_SIZE (LIMIT_NAME_BYTES + UUID_TEXT_SIZE + 4)

//  ---- who and when

static bool stamp_of (slice_t map, const char *name, timestamp_t *ret_stamp)
{
    cursor_t cursor = cursor_over (field_find (map, name));
    return timestamp_unpack (&cursor, ret_stamp) == 0;
}

static char *time_local (uint64_t stamp, char text[SHOW_SIZE])
{
    time_t seconds = (time_t)(stamp >> 32);
    struct tm local;
    if (!localtime_r (&seconds, &local) ||
        strftime (text, SHOW_SIZE, "%Y-%m-%d %H:%M:%S", &local) == 0)
        snprintf (text, SHOW_SIZE, "?");
    return text;
}

//  "desk (1f2e3d4c)", and the uuid alone of a client that nobody named.
static char *who (slice_t clients, const uuid16_t *client, char text[WHO_SIZE])
{
    char uuid[UUID_TEXT_SIZE];
    walk_t walk = walk_array (clients);
    slice_t other, name = {NULL, 0};
    uuid16_t known;
    client_short (clients, client, uuid);
    while (walk_next (&walk, NULL, &other))
        if (field_uuid (other, "client", &known) && uuid_equal (&known, client))
            name = field_text (other, "name");
    if (name.size)
        snprintf (text, WHO_SIZE, "%.*s (%s)", (int)name.size, (const char *)name.data, uuid);
    else
        snprintf (text, WHO_SIZE, "%s", uuid);
    return text;
}

//  ---- why

static void rule_text (slice_t clients, slice_t why, slice_t property, char *text, size_t size)
{
    slice_t name = field_text (property, "rule");
    char when[SHOW_SIZE], by[WHO_SIZE];
    timestamp_t floor;
    int rule;
    if (why_from_name (name, &rule)) {
        snprintf (text, size, "%.*s", (int)name.size, (const char *)name.data);
        return;
    }
    bool lww = slice_equal (field_text (why, "crdt"), slice_text ("lww"));
    bool at_floor = rule >= WHY_AFTER_OVERWRITE && rule <= WHY_BELOW_DELETION;
    if (at_floor && stamp_of (why, "floor", &floor))
        snprintf (text, size, "%s at %s by %s", why_text (rule), time_local (floor.time, when),
            who (clients, &floor.client, by));
    else
        snprintf (text, size, "%s%s", why_text (rule), rule == WHY_FIRST && lww ? " (ignore)" : "");
}

static void beaten_add (table_t *table, slice_t clients, slice_t resource, slice_t property)
{
    slice_t beaten = field_find (property, "beat");
    char when[SHOW_SIZE], by[WHO_SIZE];
    timestamp_t stamp;
    buffer_t text = {NULL, 0, 0};
    if (!stamp_of (beaten, "updated", &stamp)) {
        table_add_text (table, STYLE_FAINT, "-");
        return;
    }
    value_show (resource, field_text (property, "name"), field_find (beaten, "value"), &text);
    table_add_format (table, STYLE_PLAIN, "%.*s, %s by %s", (int)text.size, (const char *)text.data,
        time_local (stamp.time, when), who (clients, &stamp.client, by));
    buffer_release (&text);
}

static void properties_show (
    const command_t *command, slice_t clients, slice_t why, const char *list, slice_t resource)
{
    static const char *const heads[] = {"PROPERTY", "VALUE", "WRITTEN", "BY", "WHY", "WON OVER"};
    bool shown = strcmp (list, "properties") == 0;
    table_t *table = table_new (shown ? "lfllll" : "lflll", heads);
    walk_t walk = walk_array (field_find (why, list));
    slice_t property;
    while (walk_next (&walk, NULL, &property)) {
        timestamp_t stamp = {0};
        char when[SHOW_SIZE], by[WHO_SIZE], rule[512];
        buffer_t text = {NULL, 0, 0};
        slice_t name = field_text (property, "name");
        stamp_of (property, "updated", &stamp);
        value_show (resource, name, field_find (property, "value"), &text);
        table_add (table, STYLE_BOLD, name);
        table_add (table, STYLE_PLAIN, buffer_slice (&text));
        table_add_text (table, STYLE_PLAIN, time_local (stamp.time, when));
        table_add_text (table, STYLE_PLAIN, who (clients, &stamp.client, by));
        rule_text (clients, why, property, rule, sizeof rule);
        table_add_text (table, STYLE_PLAIN, rule);
        if (shown)
            beaten_add (table, clients, resource, property);
        buffer_release (&text);
    }
    if (table_rows (table)) {
        if (!shown)
            fputs ("\nhidden\n", command->out.file);
        table_print (table, &command->out);
    }
    table_destroy (&table);
}

static void deletion_show (
    const command_t *command, slice_t clients, slice_t why, const timestamp_t *deletion)
{
    char when[SHOW_SIZE], by[WHO_SIZE], text[3 * WHO_SIZE];
    timestamp_t written;
    int size = snprintf (text, sizeof text, "deleted %s by %s: ", time_local (deletion->time, when),
        who (clients, &deletion->client, by));
    if (slice_equal (field_text (why, "delete"), slice_text ("latest")) &&
        stamp_of (why, "written", &written))
        snprintf (text + size, sizeof text - (size_t)size, "later than the last write, %s by %s",
            time_local (written.time, when), who (clients, &written.client, by));
    else
        snprintf (text + size, sizeof text - (size_t)size,
            "deleting takes precedence over all that had not seen it");
    show_text (&command->out, slice_text (text));
    fputc ('\n', command->out.file);
}

int why_show (const command_t *command, slice_t answer)
{
    ask_t ask = {.verb = "pool"};
    buffer_t pool = {NULL, 0, 0};
    timestamp_t deletion;
    int status = connection_ask_once (command, "admin", &ask, ANSWER_MS, &pool);
    if (status)
        return status;
    slice_t clients = field_find (buffer_slice (&pool), "clients");
    slice_t why = field_find (answer, "why");
    slice_t resource = field_text (field_find (answer, "record"), "resource");
    if (stamp_of (why, "deleted", &deletion))
        deletion_show (command, clients, why, &deletion);
    properties_show (command, clients, why, "properties", resource);
    properties_show (command, clients, why, "hidden", resource);
    buffer_release (&pool);
    return EXIT_DONE;
}

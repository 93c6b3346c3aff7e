//  status - how the node is, on one screen

#include "tools/command/client.h"
#include "tools/command/field.h"
#include "tools/command/json.h"
#include "tools/command/table.h"
#include "tools/command/value.h"

#include <inttypes.h>
#include <stdarg.h>

#define DIGEST_DIGITS 8

//  A line of the head: a name, and what stands behind it.
static void line_show (const show_t *show, const char *name, slice_t text, int style)
{
    fprintf (show->file, "%s%-10s%s  %s", show_begin (show, STYLE_FAINT), name,
        show_end (show, STYLE_FAINT), show_begin (show, style));
    show_text (show, text);
    fprintf (show->file, "%s\n", show_end (show, style));
}

static void line_format (const show_t *show, const char *name, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static void line_format (const show_t *show, const char *name, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    line_show (show, name, slice_text (text), STYLE_PLAIN);
}

//  ---- the head

static void who_show (const show_t *show, slice_t map)
{
    char uuid[UUID_TEXT_SIZE], duration[SHOW_SIZE];
    slice_t version = field_text (map, "version");
    line_show (show, "node", field_text (map, "name"), STYLE_BOLD);
    field_uuid_text (map, "client", uuid);
    line_show (show, "client", slice_text (uuid), STYLE_PLAIN);
    field_uuid_text (map, "pool", uuid);
    line_show (show, "pool", slice_text (uuid), STYLE_PLAIN);
    line_format (show, "version", "%.*s, up %s", (int)version.size, (const char *)version.data,
        show_duration (field_uint (map, "uptime"), duration));
}

static void joining_show (const show_t *show, slice_t joining)
{
    char number[SHOW_SIZE];
    slice_t state = field_text (joining, "state");
    line_format (show, "joining", "%.*s, %s records so far", (int)state.size,
        (const char *)state.data, show_number (field_uint (joining, "records"), number));
}

static void clock_show (const show_t *show, slice_t clock)
{
    char stamp[TIMESTAMP_TEXT_SIZE];
    uint64_t ahead = field_uint (clock, "ahead_ms");
    time_to_text (field_uint (clock, "wall"), stamp);
    if (ahead)
        line_format (show, "clock", "%s, the logical one %" PRIu64 " ms ahead", stamp, ahead);
    else
        line_format (show, "clock", "%s", stamp);
}

static void amounts_show (const show_t *show, slice_t map)
{
    char one[SHOW_SIZE], two[SHOW_SIZE], three[SHOW_SIZE];
    slice_t pending = field_find (map, "pending"), store = field_find (map, "store");
    line_format (show, "pending", "%s batches, %s operations, %s",
        show_number (field_uint (pending, "batches"), one),
        show_number (field_uint (pending, "operations"), two),
        show_size (field_uint (pending, "bytes"), three));
    line_format (show, "database", "%s of %s", show_size (field_uint (store, "used"), one),
        show_size (field_uint (store, "size"), two));
}

static void endpoints_show (const show_t *show, slice_t endpoints)
{
    walk_t walk = walk_map (endpoints);
    slice_t name, value, one;
    while (walk_next (&walk, &name, &value)) {
        char label[16];
        snprintf (label, sizeof label, "%.*s", (int)(name.size < 15 ? name.size : 15),
            (const char *)name.data);
        walk_t list = walk_array (value);
        cursor_t cursor = cursor_over (value);
        if (cursor_text (&cursor, &one) == 0)
            line_show (show, label, one, STYLE_PLAIN);
        while (walk_next (&list, NULL, &value)) {
            cursor = cursor_over (value);
            if (cursor_text (&cursor, &one) == 0)
                line_show (show, label, one, STYLE_PLAIN);
        }
    }
}

//  ---- the tables

static void digest_add (table_t *table, slice_t digest)
{
    char text[DIGEST_DIGITS + 1] = "";
    uint8_t bytes[16];
    cursor_t cursor = cursor_over (digest);
    if (cursor_bin_exact (&cursor, bytes, sizeof bytes) == 0)
        for (size_t i = 0; i < DIGEST_DIGITS / 2; i++)
            snprintf (text + 2 * i, 3, "%02x", bytes[i]);
    table_add_text (table, STYLE_FAINT, text);
}

static void resources_show (const show_t *show, slice_t resources)
{
    static const char *const heads[] = {"RESOURCE", "KIND", "RECORDS", "CONFLICTS", "DIGEST"};
    char number[SHOW_SIZE];
    table_t *table = table_new ("llrrl", heads);
    walk_t walk = walk_map (resources);
    slice_t name, resource;
    while (walk_next (&walk, &name, &resource)) {
        table_add (table, STYLE_BOLD, name);
        table_add (table, STYLE_PLAIN, field_text (resource, "kind"));
        table_add_text (table, STYLE_PLAIN, show_number (field_uint (resource, "count"), number));
        table_add_text (
            table, STYLE_PLAIN, show_number (field_uint (resource, "conflicts"), number));
        digest_add (table, field_find (resource, "digest"));
    }
    table_print (table, show);
    table_destroy (&table);
}

static void locations_show (const show_t *show, slice_t locations)
{
    static const char *const heads[] = {"FOLDER", "STATE", "ENTRIES", "TO IDENTIFY"};
    char number[SHOW_SIZE];
    table_t *table = table_new ("flrr", heads);
    walk_t walk = walk_array (locations);
    slice_t location;
    while (walk_next (&walk, NULL, &location)) {
        table_add (table, STYLE_BOLD, field_text (location, "path"));
        table_add (table, STYLE_PLAIN, field_text (location, "state"));
        table_add_text (table, STYLE_PLAIN, show_number (field_uint (location, "entries"), number));
        table_add_text (
            table, STYLE_PLAIN, show_number (field_uint (location, "unidentified"), number));
    }
    if (table_rows (table)) {
        fputc ('\n', show->file);
        table_print (table, show);
    }
    table_destroy (&table);
}

static void alarms_show (const show_t *show, slice_t alarms)
{
    walk_t walk = walk_array (alarms);
    slice_t alarm, text;
    bool first = true;
    while (walk_next (&walk, NULL, &alarm)) {
        cursor_t cursor = cursor_over (alarm);
        if (cursor_text (&cursor, &text))
            continue;
        fputs (first ? "\n" : "", show->file);
        line_show (show, "ALARM", text, STYLE_BAD);
        first = false;
    }
}

static void status_show (const command_t *self, slice_t map)
{
    const show_t *show = &self->out;
    who_show (show, map);
    if (!field_is_nil (map, "joining"))
        joining_show (show, field_find (map, "joining"));
    clock_show (show, field_find (map, "clock"));
    amounts_show (show, map);
    endpoints_show (show, field_find (map, "endpoints"));
    fputc ('\n', show->file);
    clients_show (self, field_find (map, "clients"), field_find (map, "paused"), false);
    fputc ('\n', show->file);
    resources_show (show, field_find (map, "resources"));
    locations_show (show, field_find (map, "locations"));
    alarms_show (show, field_find (map, "alarms"));
}

int command_status (command_t *self)
{
    ask_t ask = {.verb = "status"};
    buffer_t answer = {NULL, 0, 0};
    int status = connection_ask_once (self, "admin", &ask, ANSWER_MS, &answer);
    if (status == EXIT_DONE && self->json)
        document_print (self, buffer_slice (&answer));
    else if (status == EXIT_DONE)
        status_show (self, buffer_slice (&answer));
    buffer_release (&answer);
    return status;
}

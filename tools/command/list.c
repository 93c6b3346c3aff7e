//  list - the records of a resource, page by page
//
//  As JSON one document, written while it comes: a resource may be larger than memory.

#include "tools/command/client.h"
#include "tools/command/field.h"
#include "tools/command/json.h"
#include "tools/command/table.h"
#include "tools/command/value.h"

#include <inttypes.h>
#include <stdlib.h>

#define LIMIT_USUAL 100
#define PAGE        1000
#define COLUMNS_MAX 16 // of properties; the rest is for --json

typedef struct list {
    const command_t *command;
    uint64_t left; // of what was asked for
    uint64_t shown;
    bool begun;
    buffer_t next; // the last page's, packed
    char *names[COLUMNS_MAX];
    size_t name_count;
} list_t;

//  ---- as JSON

static void page_write (list_t *self, slice_t records)
{
    FILE *file = self->command->out.file;
    walk_t walk = walk_array (records);
    slice_t record;
    while (walk_next (&walk, NULL, &record)) {
        buffer_t text = {NULL, 0, 0};
        json_write (record, &text);
        fputs (self->shown++ ? ", " : "", file);
        fwrite (text.data, 1, text.size, file);
        buffer_release (&text);
    }
}

static void end_write (const list_t *self)
{
    FILE *file = self->command->out.file;
    buffer_t text = {NULL, 0, 0};
    json_write (buffer_slice (&self->next), &text);
    fprintf (file, "], \"next\": %.*s}\n", (int)text.size, (const char *)text.data);
    buffer_release (&text);
}

//  ---- as a table

static int name_find (const list_t *self, slice_t name)
{
    for (size_t i = 0; i < self->name_count; i++)
        if (slice_equal (name, slice_text (self->names[i])))
            return (int)i;
    return -1;
}

static void names_forget (list_t *self)
{
    while (self->name_count)
        free (self->names[--self->name_count]);
}

//  The properties that any record of the page has, in their order of appearance.
static void names_collect (list_t *self, slice_t records)
{
    walk_t walk = walk_array (records);
    slice_t record, name, value;
    names_forget (self);
    while (walk_next (&walk, NULL, &record)) {
        walk_t inside = walk_map (field_find (record, "value"));
        while (walk_next (&inside, &name, &value)) {
            if (self->name_count == COLUMNS_MAX || name_find (self, name) >= 0)
                continue;
            char *copy = strndup ((const char *)name.data, name.size);
            if (!copy)
                abort ();
            self->names[self->name_count++] = copy;
        }
    }
}

//  What people look for stands first: path, then name, then the rest.
static void names_order (list_t *self)
{
    static const char *const first[] = {"name", "path"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        int at = name_find (self, slice_text (first[i]));
        if (at <= 0)
            continue;
        char *name = self->names[at];
        memmove (self->names + 1, self->names, (size_t)at * sizeof *self->names);
        self->names[0] = name;
    }
}

static bool any_owner (slice_t records)
{
    walk_t walk = walk_array (records);
    slice_t record;
    while (walk_next (&walk, NULL, &record))
        if (!field_is_nil (record, "owner"))
            return true;
    return false;
}

static void row_add (const list_t *self, table_t *table, slice_t record, bool owners)
{
    char text[UUID_TEXT_SIZE];
    slice_t map = field_find (record, "value");
    field_uuid_text (record, "uuid", text);
    table_add_text (table, STYLE_PLAIN, text);
    if (owners) {
        field_uuid_text (record, "owner", text);
        text[text[0] == '-' ? 1 : 8] = 0;
        table_add_text (table, STYLE_FAINT, text);
    }
    for (size_t i = 0; i < self->name_count; i++) {
        buffer_t shown = {NULL, 0, 0};
        slice_t value;
        if (map_find (map, self->names[i], &value))
            value_show (
                field_text (record, "resource"), slice_text (self->names[i]), value, &shown);
        table_add (table, STYLE_PLAIN, buffer_slice (&shown));
        buffer_release (&shown);
    }
}

static void page_show (list_t *self, slice_t records)
{
    const char *heads[COLUMNS_MAX + 2] = {"UUID", "OWNER"};
    char columns[COLUMNS_MAX + 3] = "ll";
    bool owners = any_owner (records);
    size_t count = owners ? 2 : 1;
    names_collect (self, records);
    names_order (self);
    for (size_t i = 0; i < self->name_count; i++) {
        heads[count] = self->names[i];
        columns[count++] = 'f';
    }
    columns[count] = 0;
    table_t *table = table_new (columns, heads);
    walk_t walk = walk_array (records);
    slice_t record;
    while (walk_next (&walk, NULL, &record)) {
        row_add (self, table, record, owners);
        self->shown++;
    }
    if (table_rows (table))
        table_print (table, &self->command->out);
    table_destroy (&table);
}

//  ---- all

static int page_ask (list_t *self, connection_t *connection, const uuid16_t *owner)
{
    slice_t answer;
    ask_t ask = {.verb = "list"};
    ask_text (&ask, "resource", self->command->words[0]);
    ask_uint (&ask, "limit", self->left < PAGE ? self->left : PAGE);
    if (owner)
        ask_uuid (&ask, "owner", owner);
    if (self->next.size)
        ask_raw (&ask, "after", buffer_slice (&self->next));
    int status = connection_ask (connection, &ask, ANSWER_MS, &answer);
    if (status)
        return status;
    slice_t records = field_find (answer, "records"), next = field_find (answer, "next");
    size_t count = walk_count (records);
    self->left -= count < self->left ? count : self->left;
    buffer_clear (&self->next);
    buffer_append (&self->next, next.data, next.size);
    if (self->command->json && !self->begun)
        fputs ("{\"records\": [", self->command->out.file);
    if (self->command->json)
        page_write (self, records);
    else
        page_show (self, records);
    self->begun = true;
    return EXIT_DONE;
}

static bool at_end (const list_t *self)
{
    cursor_t cursor = cursor_over (buffer_slice (&self->next));
    return self->left == 0 || cursor_nil (&cursor) == 0;
}

static int list_run (list_t *self, const uuid16_t *owner)
{
    connection_t *connection = NULL;
    int status = connection_open (self->command, "api", &connection);
    do {
        if (status == EXIT_DONE)
            status = page_ask (self, connection, owner);
    } while (status == EXIT_DONE && !at_end (self));
    connection_destroy (&connection);
    if (status == EXIT_DONE && self->command->json)
        end_write (self);
    else if (status == EXIT_DONE && self->left == 0 &&
             !slice_equal (buffer_slice (&self->next), request_nil))
        fprintf (self->command->err.file,
            "The first %" PRIu64 "; there are more: --limit N, --all\n", self->shown);
    names_forget (self);
    buffer_release (&self->next);
    return status;
}

int command_list (command_t *self)
{
    uuid16_t owner;
    const char *owner_text = option_value (self, OPTION_OWNER);
    const char *limit = option_value (self, OPTION_LIMIT);
    list_t list = {.command = self, .left = LIMIT_USUAL};
    int status = limit ? word_number (self, limit, &list.left) : EXIT_DONE;
    if (status == EXIT_DONE && list.left == 0)
        status = usage_fail (self, "--limit is at least 1");
    if (status == EXIT_DONE && owner_text)
        status = client_find_once (self, owner_text, &owner);
    if (status)
        return status;
    if (option_given (self, OPTION_ALL))
        list.left = UINT64_MAX;
    return list_run (&list, owner_text ? &owner : NULL);
}

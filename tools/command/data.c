//  data - create, update, delete, get, count, declare

#include "tools/command/client.h"
#include "tools/command/field.h"
#include "tools/command/json.h"
#include "tools/command/show.h"
#include "tools/command/table.h"
#include "tools/command/value.h"
#include "tools/command/why.h"

#include <inttypes.h>
#include <time.h>

//  ---- writing

//  One operation. Takes the value's memory.
static int apply (
    command_t *self, const char *action, const uuid16_t *uuid, buffer_t *value, buffer_t *out)
{
    const char *on_conflict = option_value (self, OPTION_ON_CONFLICT);
    ask_t operation = {.count = 0}, ask = {.verb = "apply"};
    buffer_t ops = {NULL, 0, 0};
    ask_text (&operation, "action", action);
    ask_text (&operation, "resource", self->words[0]);
    ask_text (&operation, "on_conflict", on_conflict);
    if (uuid)
        ask_uuid (&operation, "uuid", uuid);
    if (value->size)
        ask_raw (&operation, "value", buffer_slice (value));
    pack_array (&ops, 1);
    pack_map (&ops, operation.count);
    pack_raw (&ops, buffer_slice (&operation.fields));
    ask_raw (&ask, "ops", buffer_slice (&ops));
    int status = connection_ask_once (self, "api", &ask, ANSWER_MS, out);
    buffer_release (&operation.fields);
    buffer_release (&ops);
    buffer_release (value);
    return status;
}

static void applied_show (const command_t *self, slice_t answer, bool uuid_only)
{
    slice_t uuids = field_find (answer, "uuids"), uuid;
    walk_t walk = walk_array (uuids);
    uuid16_t first = {{0}};
    char text[UUID_TEXT_SIZE];
    if (walk_next (&walk, NULL, &uuid)) {
        cursor_t cursor = cursor_over (uuid);
        cursor_bin_exact (&cursor, &first, sizeof first);
    }
    uuid_to_text (&first, text);
    if (!self->json) {
        if (uuid_only)
            fprintf (self->out.file, "%s\n", text);
        return;
    }
    buffer_t map = {NULL, 0, 0};
    pack_map (&map, 4);
    pack_string (&map, "uuid");
    pack_bin (&map, slice_of (&first, sizeof first));
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"uuids", "timestamp", "cursor"};
        pack_string (&map, names[i]);
        pack_raw (&map, field_find (answer, names[i]));
    }
    document_print (self, buffer_slice (&map));
    buffer_release (&map);
}

//  Reads what stands behind the resource (and the uuid), applies it and shows what came of it.
static int write_record (command_t *self, const char *action, const char *uuid_text, int first)
{
    uuid16_t uuid;
    buffer_t value = {NULL, 0, 0}, answer = {NULL, 0, 0};
    int status = uuid_text ? word_uuid (self, uuid_text, &uuid) : EXIT_DONE;
    bool create = strcmp (action, "create") == 0;
    if (status == EXIT_DONE && first)
        status = value_read (self, self->words + first, self->word_count - first, &value);
    if (status == EXIT_DONE)
        status = apply (self, action, uuid_text ? &uuid : NULL, &value, &answer);
    if (status == EXIT_DONE)
        applied_show (self, buffer_slice (&answer), create);
    buffer_release (&value);
    buffer_release (&answer);
    return status;
}

int command_create (command_t *self)
{
    return write_record (self, "create", option_value (self, OPTION_UUID), 1);
}

int command_update (command_t *self)
{
    return write_record (self, "update", self->words[1], 2);
}

int command_delete (command_t *self)
{
    return write_record (self, "delete", self->words[1], 0);
}

//  ---- reading

static void record_show (const command_t *self, slice_t record)
{
    static const char *const names[] = {"uuid", "owner"};
    char text[UUID_TEXT_SIZE], age[SHOW_SIZE], stamp[TIMESTAMP_TEXT_SIZE];
    table_t *table = table_new ("ll", NULL);
    slice_t name, value;
    table_add_text (table, STYLE_FAINT, "resource");
    table_add (table, STYLE_PLAIN, field_text (record, "resource"));
    for (size_t i = 0; i < 2; i++) {
        if (field_is_nil (record, names[i]))
            continue;
        field_uuid_text (record, names[i], text);
        table_add_text (table, STYLE_FAINT, names[i]);
        table_add_text (table, STYLE_PLAIN, text);
    }
    uint64_t updated = field_time (record, "updated");
    time_to_text (updated, stamp);
    table_add_text (table, STYLE_FAINT, "updated");
    table_add_format (table, STYLE_PLAIN, "%s (%s)", stamp,
        show_age (time_from_ns ((uint64_t)time (NULL) * 1000000000u), updated, age));
    walk_t walk = walk_map (field_find (record, "value"));
    while (walk_next (&walk, &name, &value)) {
        buffer_t shown = {NULL, 0, 0};
        value_show (field_text (record, "resource"), name, value, &shown);
        table_add (table, STYLE_BOLD, name);
        table_add (table, STYLE_PLAIN, buffer_slice (&shown));
        buffer_release (&shown);
    }
    table_print (table, &self->out);
    table_destroy (&table);
}

int command_get (command_t *self)
{
    uuid16_t uuid, owner;
    const char *owner_text = option_value (self, OPTION_OWNER);
    buffer_t answer = {NULL, 0, 0};
    ask_t ask = {.verb = "get"};
    int status = word_uuid (self, self->words[1], &uuid);
    if (status == EXIT_DONE && owner_text)
        status = client_find_once (self, owner_text, &owner);
    if (status)
        return status;
    ask_text (&ask, "resource", self->words[0]);
    ask_uuid (&ask, "uuid", &uuid);
    if (owner_text)
        ask_uuid (&ask, "owner", &owner);
    if (option_given (self, OPTION_WHY))
        ask_bool (&ask, "why", true);
    status = connection_ask_once (self, "api", &ask, ANSWER_MS, &answer);
    if (status == EXIT_DONE && self->json)
        document_print (self, buffer_slice (&answer));
    else if (status == EXIT_DONE && option_given (self, OPTION_WHY))
        status = why_show (self, buffer_slice (&answer));
    else if (status == EXIT_DONE)
        record_show (self, field_find (buffer_slice (&answer), "record"));
    buffer_release (&answer);
    return status;
}

int command_count (command_t *self)
{
    buffer_t answer = {NULL, 0, 0};
    ask_t ask = {.verb = "count"};
    ask_text (&ask, "resource", self->words[0]);
    int status = connection_ask_once (self, "api", &ask, ANSWER_MS, &answer);
    if (status == EXIT_DONE && self->json)
        document_print (self, buffer_slice (&answer));
    else if (status == EXIT_DONE)
        fprintf (self->out.file, "%" PRIu64 "\n", field_uint (buffer_slice (&answer), "count"));
    buffer_release (&answer);
    return status;
}

//  ---- declaring

//  Each --keep, and each of several between commas.
static void keeps_ask (command_t *self, ask_t *ask)
{
    buffer_t items = {NULL, 0, 0}, list = {NULL, 0, 0};
    size_t at = 0, count = 0;
    for (const char *keep; (keep = option_next (self, OPTION_KEEP, &at));)
        for (size_t size; *keep; keep += size + (keep[size] == ',')) {
            size = strcspn (keep, ",");
            pack_text (&items, slice_of (keep, size));
            count++;
        }
    pack_array (&list, count);
    pack_raw (&list, buffer_slice (&items));
    if (count)
        ask_raw (ask, "keep", buffer_slice (&list));
    buffer_release (&items);
    buffer_release (&list);
}

int command_declare (command_t *self)
{
    static const struct {
        int option;
        const char *name;
    } parts[] = {{OPTION_KIND, "kind"}, {OPTION_CRDT, "crdt"}, {OPTION_DELETE, "delete"},
        {OPTION_FROM, "from"}, {OPTION_KEY, "key"}};
    ask_t declaration = {.count = 0}, ask = {.verb = "declare"};
    buffer_t resources = {NULL, 0, 0}, answer = {NULL, 0, 0}, map = {NULL, 0, 0};
    if (!option_given (self, OPTION_KIND))
        return usage_fail (self, "declare wants --kind");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ask_text (&declaration, parts[i].name, option_value (self, parts[i].option));
    keeps_ask (self, &declaration);
    pack_map (&resources, 1);
    pack_string (&resources, self->words[0]);
    pack_map (&resources, declaration.count);
    pack_raw (&resources, buffer_slice (&declaration.fields));
    ask_raw (&ask, "resources", buffer_slice (&resources));
    int status = connection_ask_once (self, "api", &ask, ANSWER_MS, &answer);
    if (status == EXIT_DONE && self->json) {
        pack_map (&map, 1);
        pack_string (&map, "resources");
        pack_raw (&map, buffer_slice (&resources));
        document_print (self, buffer_slice (&map));
    }
    buffer_release (&declaration.fields);
    buffer_release (&resources);
    buffer_release (&answer);
    buffer_release (&map);
    return status;
}

//  resource - declarations: their map, their rules, and the set a fresh node starts with

#include "messages/resource.h"

#define CLIENTS_NAME "clients" // reserved: client.h

static const char *const kind_names[] = {
    [RESOURCE_SHARED] = "shared",
    [RESOURCE_OWNED] = "owned",
    [RESOURCE_DERIVED] = "derived",
    [RESOURCE_LOCAL] = "local",
};
static const char *const crdt_names[] = {[CRDT_LWW] = "lww", [CRDT_GSET] = "gset"};
static const char *const delete_names[] = {[DELETE_WINS] = "wins", [DELETE_LATEST] = "latest"};

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

// clang-format off
#define SHARED(text) { .name = (text), .kind = RESOURCE_SHARED, .rule = { CRDT_LWW, DELETE_WINS } }

const resource_t resource_defaults[] = {
    SHARED ("tags"),
    SHARED ("comments"),
    SHARED ("albums"),
    SHARED ("jobs"),
    SHARED ("tags_on_files"),
    { .name = "file_paths", .kind = RESOURCE_OWNED },
    { .name = "files", .kind = RESOURCE_DERIVED, .from = "file_paths", .key = "content_id",
        .keep_count = 4, .keep = { "size", "kind=mime", "paths=#rows", "clients=#owners" } },
};
// clang-format on
const size_t resource_default_count = COUNT (resource_defaults);

bool resource_name_valid (slice_t name)
{
    if (name.size < 1 || name.size > LIMIT_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t character = name.data[i];
        bool digit = character >= '0' && character <= '9';
        bool letter = (character >= 'a' && character <= 'z') || character == '_';
        if (!letter && !(digit && i > 0))
            return false;
    }
    return !slice_equal (name, slice_text (CLIENTS_NAME));
}

const char *resource_kind_name (int kind)
{
    return kind_names[kind];
}

//  ---- packing

static bool has_delete (const resource_t *self)
{
    return self->kind == RESOURCE_SHARED && self->rule.crdt == CRDT_LWW;
}

static void pack_field (buffer_t *out, const char *name, const char *value)
{
    pack_string (out, name);
    pack_string (out, value);
}

void resource_pack (const resource_t *self, buffer_t *out)
{
    bool shared = self->kind == RESOURCE_SHARED;
    bool derived = self->kind == RESOURCE_DERIVED;
    pack_map (out, 1u + shared + has_delete (self) + (derived ? 3 : 0));
    pack_field (out, "kind", kind_names[self->kind]);
    if (shared)
        pack_field (out, "crdt", crdt_names[self->rule.crdt]);
    if (has_delete (self))
        pack_field (out, "delete", delete_names[self->rule.delete_rule]);
    if (!derived)
        return;
    pack_field (out, "from", self->from);
    pack_field (out, "key", self->key);
    pack_string (out, "keep");
    pack_array (out, self->keep_count);
    for (size_t i = 0; i < self->keep_count; i++)
        pack_string (out, self->keep[i]);
}

//  ---- unpacking: read_fields takes the map apart, apply_fields says what it means

enum declared {
    DECLARED_KIND,
    DECLARED_CRDT,
    DECLARED_DELETE,
    DECLARED_FROM,
    DECLARED_KEY,
    DECLARED_KEEP,
    DECLARED_COUNT
};

static const char *const declared_names[DECLARED_COUNT] = {
    [DECLARED_KIND] = "kind",
    [DECLARED_CRDT] = "crdt",
    [DECLARED_DELETE] = "delete",
    [DECLARED_FROM] = "from",
    [DECLARED_KEY] = "key",
    [DECLARED_KEEP] = "keep",
};

//  The number of the name in the list; the list's length if it is not there.
static size_t number_of (slice_t name, const char *const *names, size_t count)
{
    size_t number = 0;
    while (number < count && !slice_equal (name, slice_text (names[number])))
        number++;
    return number;
}

//  Each field's value as it is packed; empty where it is nil or left out. Answers what is wrong, or
//  NULL. An unknown field is refused, not skipped: two nodes that read one declaration differently
//  would show different data.
static const char *read_fields (cursor_t *cursor, slice_t values[DECLARED_COUNT])
{
    size_t count;
    bool given[DECLARED_COUNT] = {false};
    if (cursor_map (cursor, &count))
        return "a declaration is a map";
    for (size_t i = 0; i < count; i++) {
        slice_t name;
        slice_t value;
        if (cursor_text (cursor, &name))
            return "a declaration's fields are named by texts";
        size_t field = number_of (name, declared_names, DECLARED_COUNT);
        if (field == DECLARED_COUNT)
            return "a declaration's fields are kind, crdt, delete, from, key and keep";
        if (given[field])
            return "a field is declared twice";
        given[field] = true;
        bool absent = cursor_kind (cursor) == PACK_NIL;
        if (cursor_skip (cursor, &value))
            return "a field's value is not sound msgpack";
        if (!absent)
            values[field] = value;
    }
    return NULL;
}

//  One of the names, or the first where the field is absent.
static bool read_choice (slice_t value, const char *const *names, size_t count, int *ret_choice)
{
    *ret_choice = 0;
    if (value.size == 0)
        return true;
    cursor_t cursor = cursor_over (value);
    slice_t name;
    if (cursor_text (&cursor, &name))
        return false;
    size_t number = number_of (name, names, count);
    *ret_choice = (int)number;
    return number < count;
}

//  A text of at least one character; false where the field is absent, too.
static bool read_name (slice_t value, char ret_name[LIMIT_NAME_BYTES + 1])
{
    cursor_t cursor = cursor_over (value);
    return cursor_string (&cursor, ret_name, LIMIT_NAME_BYTES + 1) == 0 && ret_name[0];
}

//  The name that an entry of keep shows: what stands before the first '='.
static slice_t shown_name (const char *entry)
{
    return slice_of (entry, strcspn (entry, "="));
}

static const char *check_keep_entry (const char *entry)
{
    slice_t shown = shown_name (entry);
    const char *source = entry[shown.size] ? entry + shown.size + 1 : entry;
    if (shown.size == 0 || entry[0] == '#' || !source[0])
        return "an entry of keep is name, name=property, name=#rows or name=#owners";
    if (source[0] == '#' && strcmp (source, "#rows") != 0 && strcmp (source, "#owners") != 0)
        return "keep counts #rows or #owners";
    return NULL;
}

static const char *read_keep (slice_t value, resource_t *resource)
{
    cursor_t cursor = cursor_over (value);
    size_t count;
    if (value.size == 0)
        return NULL;
    if (cursor_array (&cursor, &count))
        return "keep is a list of texts";
    if (count > RESOURCE_KEEP_MAX)
        return "keep has too many entries";
    for (size_t i = 0; i < count; i++) {
        char *entry = resource->keep[i];
        if (cursor_string (&cursor, entry, sizeof resource->keep[i]))
            return "keep is a list of texts";
        const char *why = check_keep_entry (entry);
        if (why)
            return why;
        for (size_t j = 0; j < i; j++)
            if (slice_equal (shown_name (entry), shown_name (resource->keep[j])))
                return "keep shows one name twice";
    }
    resource->keep_count = count;
    return NULL;
}

static const char *apply_derived (const slice_t values[DECLARED_COUNT], resource_t *resource)
{
    if (!read_name (values[DECLARED_FROM], resource->from) ||
        !resource_name_valid (slice_text (resource->from)))
        return "from is the name of the owned resource that this is derived from";
    if (strcmp (resource->from, resource->name) == 0)
        return "a resource is not derived from itself";
    if (!read_name (values[DECLARED_KEY], resource->key))
        return "key is the property that groups the rows";
    return read_keep (values[DECLARED_KEEP], resource);
}

static const char *apply_fields (const slice_t values[DECLARED_COUNT], resource_t *resource)
{
    if (!read_choice (values[DECLARED_KIND], kind_names, COUNT (kind_names), &resource->kind))
        return "kind is shared, owned, derived or local";
    record_rule_t *rule = &resource->rule;
    if (!read_choice (values[DECLARED_CRDT], crdt_names, COUNT (crdt_names), &rule->crdt))
        return "crdt is lww or gset";
    if (!read_choice (
            values[DECLARED_DELETE], delete_names, COUNT (delete_names), &rule->delete_rule))
        return "delete is wins or latest";
    if (values[DECLARED_CRDT].size && resource->kind != RESOURCE_SHARED)
        return "crdt is for shared resources only";
    if (values[DECLARED_DELETE].size && !has_delete (resource))
        return "delete is for shared lww resources only";
    if (resource->kind == RESOURCE_DERIVED)
        return apply_derived (values, resource);
    if (values[DECLARED_FROM].size || values[DECLARED_KEY].size || values[DECLARED_KEEP].size)
        return "from, key and keep are for derived resources only";
    return NULL;
}

int resource_unpack (slice_t name, cursor_t *cursor, resource_t *ret_resource, const char **ret_why)
{
    cursor_t next = *cursor;
    resource_t resource = {.name = ""};
    slice_t values[DECLARED_COUNT] = {{NULL, 0}};
    const char *why = NULL;
    if (!resource_name_valid (name))
        why = "a resource's name is 1 to 128 of a-z, 0-9 and _, begins with no digit, and is not "
              "clients";
    else
        memcpy (resource.name, name.data, name.size);
    if (!why)
        why = read_fields (&next, values);
    if (!why)
        why = apply_fields (values, &resource);
    if (why) {
        if (ret_why)
            *ret_why = why;
        return ERR_BAD_REQUEST;
    }
    *cursor = next;
    *ret_resource = resource;
    return 0;
}

//  ---- comparing

//  The same entries in any order: what a derived record shows is a map.
static bool keep_equal (const resource_t *a, const resource_t *b)
{
    if (a->keep_count != b->keep_count)
        return false;
    for (size_t i = 0; i < a->keep_count; i++) {
        size_t j = 0;
        while (j < b->keep_count && strcmp (a->keep[i], b->keep[j]) != 0)
            j++;
        if (j == b->keep_count)
            return false;
    }
    return true;
}

bool resource_equal (const resource_t *a, const resource_t *b, const char **ret_difference)
{
    const char *difference = NULL;
    if (strcmp (a->name, b->name) != 0)
        difference = "name";
    else if (a->kind != b->kind)
        difference = "kind";
    else if (a->kind == RESOURCE_SHARED && a->rule.crdt != b->rule.crdt)
        difference = "crdt";
    else if (has_delete (a) && a->rule.delete_rule != b->rule.delete_rule)
        difference = "delete";
    else if (strcmp (a->from, b->from) != 0)
        difference = "from";
    else if (strcmp (a->key, b->key) != 0)
        difference = "key";
    else if (!keep_equal (a, b))
        difference = "keep";
    if (difference && ret_difference)
        *ret_difference = difference;
    return !difference;
}

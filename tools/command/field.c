//  field - reading what a node answered

#include "tools/command/field.h"

slice_t field_find (slice_t map, const char *name)
{
    slice_t value;
    return map_find (map, name, &value) ? value : request_nil;
}

uint64_t field_uint (slice_t map, const char *name)
{
    cursor_t cursor = cursor_over (field_find (map, name));
    uint64_t value = 0;
    cursor_uint (&cursor, &value);
    return value;
}

bool field_bool (slice_t map, const char *name)
{
    cursor_t cursor = cursor_over (field_find (map, name));
    bool value = false;
    cursor_bool (&cursor, &value);
    return value;
}

slice_t field_text (slice_t map, const char *name)
{
    cursor_t cursor = cursor_over (field_find (map, name));
    slice_t value = {NULL, 0};
    cursor_text (&cursor, &value);
    return value;
}

bool field_is_nil (slice_t map, const char *name)
{
    cursor_t cursor = cursor_over (field_find (map, name));
    return cursor_nil (&cursor) == 0;
}

bool field_uuid (slice_t map, const char *name, uuid16_t *ret_uuid)
{
    cursor_t cursor = cursor_over (field_find (map, name));
    return cursor_bin_exact (&cursor, ret_uuid, sizeof *ret_uuid) == 0;
}

uint64_t field_time (slice_t map, const char *name)
{
    cursor_t cursor = cursor_over (field_find (map, name));
    timestamp_t timestamp = {.time = 0};
    timestamp_unpack (&cursor, &timestamp);
    return timestamp.time;
}

void field_uuid_text (slice_t map, const char *name, char ret_text[UUID_TEXT_SIZE])
{
    uuid16_t uuid;
    if (field_uuid (map, name, &uuid))
        uuid_to_text (&uuid, ret_text);
    else
        memcpy (ret_text, "-", 2);
}

//  ---- walks

walk_t walk_array (slice_t array)
{
    walk_t self = {cursor_over (array), 0};
    if (cursor_array (&self.cursor, &self.left))
        self.left = 0;
    return self;
}

walk_t walk_map (slice_t map)
{
    walk_t self = {cursor_over (map), 0};
    if (cursor_map (&self.cursor, &self.left))
        self.left = 0;
    return self;
}

bool walk_next (walk_t *self, slice_t *ret_name, slice_t *ret_value)
{
    if (self->left == 0)
        return false;
    self->left--;
    if (ret_name && cursor_text (&self->cursor, ret_name))
        return false;
    return cursor_skip (&self->cursor, ret_value) == 0;
}

size_t walk_count (slice_t array)
{
    return walk_array (array).left;
}

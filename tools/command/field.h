//  field - reading what a node answered
//
//  A field that is missing, or is something else, is zero, false or empty: an answer of another version is shown as
//  far as it is understood.

#ifndef TIDEPOOL_FIELD_H
#define TIDEPOOL_FIELD_H

#include "messages/request.h"

slice_t field_find (slice_t map, const char *name); // request_nil
uint64_t field_uint (slice_t map, const char *name);
bool field_bool (slice_t map, const char *name);
slice_t field_text (slice_t map, const char *name);
bool field_is_nil (slice_t map, const char *name);
bool field_uuid (slice_t map, const char *name, uuid16_t *ret_uuid);
uint64_t field_time (slice_t map, const char *name); // of a timestamp

//  The uuid's text: the whole, or "-".
void field_uuid_text (slice_t map, const char *name, char ret_text[UUID_TEXT_SIZE]);

//  A walk over an array, or over a map (then with names; ret_name is NULL for an array).
typedef struct walk {
    cursor_t cursor;
    size_t left;
} walk_t;

walk_t walk_array (slice_t array);
walk_t walk_map (slice_t map);
bool walk_next (walk_t *self, slice_t *ret_name, slice_t *ret_value);

size_t walk_count (slice_t array);

#endif

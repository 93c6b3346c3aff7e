//  stretch - the shared records of a range of uuids, as two nodes compare them
//
//  A range is the uuids from `from` on and before `to`, or, where it is open, to the end of the resource. A stretch is
//  records behind each other in the order of their uuids, each [uuid bin 16, record] (record.h, clients as bin 16):
//  all that is known of each, so deleted ones too.

#ifndef TIDEPOOL_STRETCH_H
#define TIDEPOOL_STRETCH_H

#include "messages/record.h"

typedef struct range {
    uuid16_t from;
    uuid16_t to;
    bool open;
} range_t;

static inline bool range_has (const range_t *self, const uuid16_t *uuid)
{
    return uuid_compare (&self->from, uuid) <= 0 &&
           (self->open || uuid_compare (uuid, &self->to) < 0);
}

static inline bool range_is_empty (const range_t *self)
{
    return !self->open && uuid_compare (&self->from, &self->to) >= 0;
}

//  Begins the range behind this uuid, which is in it.
void range_pass (range_t *self, const uuid16_t *uuid);

//  Where a range ends, in msgpack: bin 16, or nil where it is open.
void range_end_pack (const range_t *self, buffer_t *out);
int range_end_unpack (cursor_t *cursor, range_t *self); // sets to and open

void stretch_add (const uuid16_t *uuid, const record_t *record, buffer_t *out);

//  The next record; it borrows from the cursor's bytes. ERR_NOT_FOUND at the end, ERR_MALFORMED.
int stretch_next (cursor_t *cursor, uuid16_t *ret_uuid, record_t *ret_record, slice_t *ret_bytes);

//  What somebody else sent: ascending, within the range, sound to its depths, showing canonical values, and nothing in
//  it from beyond the vector for which it is said to stand. ERR_MALFORMED.
int stretch_check (
    slice_t records, const range_t *range, const vector_t *vector, record_rule_t rule);

//  Of the records that do not show the same on both sides, those of theirs go to take and those of ours to give. Both
//  stretches were checked, or are our own; what lies outside the range is not looked at.
void stretch_compare (slice_t ours, slice_t theirs, const range_t *range, record_rule_t rule,
    buffer_t *take, buffer_t *give);

#endif

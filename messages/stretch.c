//  stretch - records of a range: their form, their soundness, their differences

#include "messages/stretch.h"

#include "messages/error.h"

//  ---- ranges

void range_pass (range_t *self, const uuid16_t *uuid)
{
    self->from = *uuid;
    for (size_t i = sizeof self->from.bytes; i-- > 0;)
        if (++self->from.bytes[i] != 0)
            return;
    //  There is none behind the last uuid of all: an empty range.
    self->from = *uuid;
    self->to = *uuid;
    self->open = false;
}

void range_end_pack (const range_t *self, buffer_t *out)
{
    if (self->open)
        pack_nil (out);
    else
        pack_bin (out, slice_of (self->to.bytes, sizeof self->to.bytes));
}

int range_end_unpack (cursor_t *cursor, range_t *self)
{
    if (cursor_kind (cursor) == PACK_NIL) {
        self->open = true;
        self->to = (uuid16_t){{0}};
        return cursor_nil (cursor);
    }
    self->open = false;
    return cursor_bin_exact (cursor, self->to.bytes, sizeof self->to.bytes);
}

//  ---- records

void stretch_add (const uuid16_t *uuid, const record_t *record, buffer_t *out)
{
    pack_array (out, 2);
    pack_bin (out, slice_of (uuid->bytes, sizeof uuid->bytes));
    record_pack (record, NULL, out); // without numbers it cannot fail
}

int stretch_next (cursor_t *cursor, uuid16_t *ret_uuid, record_t *ret_record, slice_t *ret_bytes)
{
    if (cursor_done (cursor))
        return ERR_NOT_FOUND;
    const uint8_t *start = cursor->at;
    size_t count;
    if (cursor_array (cursor, &count) || count != 2 ||
        cursor_bin_exact (cursor, ret_uuid->bytes, sizeof ret_uuid->bytes) ||
        record_unpack (cursor, NULL, ret_record))
        return ERR_MALFORMED;
    *ret_bytes = slice_of (start, (size_t)(cursor->at - start));
    return 0;
}

static bool properties_covered (const properties_t *properties, const vector_t *vector)
{
    for (size_t i = 0; i < properties->count; i++)
        if (!vector_covers (vector, &properties->entries[i].stamp))
            return false;
    return true;
}

static bool stamp_covered (const timestamp_t *stamp, const vector_t *vector)
{
    return timestamp_is_none (stamp) || vector_covers (vector, stamp);
}

static bool record_covered (const record_t *record, const vector_t *vector)
{
    if (!stamp_covered (&record->created, vector) || !stamp_covered (&record->written, vector) ||
        !stamp_covered (&record->floor, vector))
        return false;
    for (size_t i = 0; i < record->deleted_count; i++)
        if (!vector_covers (vector, &record->deleted[i]))
            return false;
    return properties_covered (&record->strong, vector) &&
           properties_covered (&record->weak, vector);
}

static void shown_make (const record_t *record, record_rule_t rule, buffer_t *out)
{
    buffer_clear (out);
    if (record_alive (record, rule))
        record_show (record, rule, out);
}

static bool one_is_sound (
    const record_t *record, const vector_t *vector, record_rule_t rule, buffer_t *out)
{
    if (record_is_nothing (record) || !record_covered (record, vector))
        return false;
    shown_make (record, rule, out);
    return out->size == 0 || value_check (buffer_slice (out)) == 0;
}

int stretch_check (
    slice_t records, const range_t *range, const vector_t *vector, record_rule_t rule)
{
    cursor_t cursor = cursor_over (records);
    record_t record = {0};
    buffer_t shown = {NULL, 0, 0};
    uuid16_t uuid, last = {{0}};
    slice_t bytes;
    bool first = true;
    int rc;
    while ((rc = stretch_next (&cursor, &uuid, &record, &bytes)) == 0) {
        bool ascends = first || uuid_compare (&last, &uuid) < 0;
        if (!ascends || !range_has (range, &uuid) ||
            !one_is_sound (&record, vector, rule, &shown)) {
            rc = ERR_MALFORMED;
            break;
        }
        last = uuid;
        first = false;
    }
    record_release (&record);
    buffer_release (&shown);
    return rc == ERR_NOT_FOUND ? 0 : ERR_MALFORMED;
}

//  ---- differences

//  One side of a comparison: its next record within the range.
typedef struct side {
    cursor_t cursor;
    const range_t *range;
    bool done;
    uuid16_t uuid;
    record_t record;
    slice_t bytes;
    buffer_t shown;
} side_t;

static void side_step (side_t *self, record_rule_t rule)
{
    do
        self->done = stretch_next (&self->cursor, &self->uuid, &self->record, &self->bytes) != 0;
    while (!self->done && !range_has (self->range, &self->uuid));
    if (!self->done)
        shown_make (&self->record, rule, &self->shown);
}

static void side_release (side_t *self)
{
    record_release (&self->record);
    buffer_release (&self->shown);
}

void stretch_compare (slice_t ours, slice_t theirs, const range_t *range, record_rule_t rule,
    buffer_t *take, buffer_t *give)
{
    side_t we = {.cursor = cursor_over (ours), .range = range};
    side_t they = {.cursor = cursor_over (theirs), .range = range};
    side_step (&we, rule);
    side_step (&they, rule);
    while (!we.done || !they.done) {
        int order = we.done ? 1 : they.done ? -1 : uuid_compare (&we.uuid, &they.uuid);
        //  A record of which one side has nothing shows nothing there.
        bool differs = order < 0 ? we.shown.size > 0
                       : order > 0
                           ? they.shown.size > 0
                           : !slice_equal (buffer_slice (&we.shown), buffer_slice (&they.shown));
        if (differs && order <= 0)
            buffer_append (give, we.bytes.data, we.bytes.size);
        if (differs && order >= 0)
            buffer_append (take, they.bytes.data, they.bytes.size);
        if (order <= 0)
            side_step (&we, rule);
        if (order >= 0)
            side_step (&they, rule);
    }
    side_release (&we);
    side_release (&they);
}

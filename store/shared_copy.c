//  shared_copy - the shared records in order, out of one store and into another
//
//  The order is that of resource names, then uuids: all nodes have it, whereas numbers are each
//  node's own.

#include "store/shared.h"

#include "messages/news.h"
#include "store/damage.h"
#include "store/state.h"

//  ---- places

static int place_compare (const position_t *self, slice_t resource, const uuid16_t *uuid)
{
    if (self->end)
        return 1;
    int order = slice_compare (slice_text (self->resource), resource);
    return order ? order : uuid_compare (&self->uuid, uuid);
}

bool position_covers (const position_t *self, slice_t resource, const uuid16_t *uuid)
{
    return place_compare (self, resource, uuid) >= 0;
}

static position_t place_of (const slot_t *slot, const uuid16_t *uuid)
{
    position_t place = {.uuid = *uuid};
    memcpy (place.resource, slot->entry.resource.name, sizeof place.resource);
    return place;
}

//  The next record of any resource behind the place; moves the place to it. Its state is in
//  txn->record. ERR_NOT_FOUND where nothing is left, with the place at the end.
static int place_step (txn_t *txn, position_t *place, slot_t **ret_slot, state_t *ret_state)
{
    slot_t *slot = NULL;
    int rc = place->end ? ERR_NOT_FOUND : 0;
    bool within = false; // of the place's own resource the uuid counts
    if (!rc && place->resource[0]) {
        rc = slot_find (txn, slice_text (place->resource), &slot);
        within = rc == 0;
        if (rc == ERR_UNKNOWN_RESOURCE)
            rc = slot_next (txn, slice_text (place->resource), &slot);
    } else if (!rc)
        rc = slot_next (txn, slice_of (NULL, 0), &slot);
    while (!rc) {
        uuid16_t uuid = place->uuid;
        int found = ERR_NOT_FOUND;
        if (slot->entry.resource.kind == RESOURCE_SHARED)
            found = state_next (txn, slot, within ? &uuid : NULL, &uuid, ret_state, &txn->record);
        while (!found && record_is_nothing (&txn->record))
            found = state_next (txn, slot, &uuid, &uuid, ret_state, &txn->record);
        if (found != ERR_NOT_FOUND) {
            if (!found) {
                *place = place_of (slot, &uuid);
                *ret_slot = slot;
            }
            return found;
        }
        within = false;
        rc = slot_next (txn, slice_text (slot->entry.resource.name), &slot);
    }
    if (rc == ERR_NOT_FOUND)
        *place = (position_t){.end = true};
    return rc;
}

//  ---- out

int shared_copy_out (txn_t *txn, const position_t *from, size_t size_max, buffer_t *out,
    size_t *ret_count, position_t *ret_to)
{
    size_t start = out->size, count = 0;
    position_t place = *from;
    int rc = 0;
    while (!rc && (count == 0 || out->size - start < size_max)) {
        slot_t *slot;
        state_t state;
        rc = place_step (txn, &place, &slot, &state);
        if (rc)
            break;
        pack_array (out, 3);
        pack_string (out, slot->entry.resource.name);
        pack_bin (out, slice_of (place.uuid.bytes, sizeof place.uuid.bytes));
        rc = record_pack (&txn->record, NULL, out);
        count++;
    }
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    *ret_count = count;
    *ret_to = place;
    return 0;
}

//  ---- in

typedef struct copy {
    txn_t *txn;
    position_t place; // how far it has come
    const position_t *to;
    const vector_t *mine; // NULL: nothing is put aside
    const vector_t *theirs;
    const position_t *frontier;
} copy_t;

//  What was here may have something to say to the member. Of a record that could not be read nothing is known, also
//  not that it is gone.
static int put_aside (copy_t *self, const slot_t *slot, const uuid16_t *uuid)
{
    bool unreadable = false;
    int rc = 0;
    if (record_is_empty (&self->txn->record))
        rc = damage_is (self->txn, slice_text (slot->entry.resource.name), uuid, &unreadable);
    return rc || unreadable ? rc : aside_put (self->txn, slot, uuid, &self->txn->record);
}

//  The record's state becomes `record`, whatever it was; its old state must be in txn->record.
static int replace (copy_t *self, slot_t *slot, const uuid16_t *uuid, state_t *state,
    const record_t *record, const timestamp_t *fallback)
{
    txn_t *txn = self->txn;
    state_show (slot, &txn->record, &txn->before);
    bool ours = self->mine &&
                !position_covers (self->frontier, slice_text (slot->entry.resource.name), uuid);
    if (ours && news_may_be (&txn->record, self->mine, record, self->theirs)) {
        int rc = put_aside (self, slot, uuid);
        if (rc)
            return rc;
    }
    return state_store (txn, slot, uuid, state, record, fallback);
}

//  Drops what lies behind the place and before `to`, or at it too if `including`.
static int drop_until (copy_t *self, const position_t *to, bool including)
{
    txn_t *txn = self->txn;
    position_t place = self->place;
    for (;;) {
        slot_t *slot;
        state_t state;
        int rc = place_step (txn, &place, &slot, &state);
        if (rc)
            return rc == ERR_NOT_FOUND ? 0 : rc;
        int order = place_compare (to, slice_text (place.resource), &place.uuid);
        if (order < 0 || (order == 0 && !including))
            return 0;
        timestamp_t written = txn->record.written;
        record_clear (&txn->other);
        rc = replace (self, slot, &place.uuid, &state, &txn->other, &written);
        if (rc)
            return rc;
    }
}

static int record_take (
    cursor_t *cursor, slice_t *ret_resource, uuid16_t *ret_uuid, record_t *record)
{
    size_t count;
    int rc = cursor_array (cursor, &count);
    if (!rc)
        rc = count == 3 ? cursor_text (cursor, ret_resource) : ERR_MALFORMED;
    if (!rc)
        rc = cursor_bin_exact (cursor, ret_uuid->bytes, sizeof ret_uuid->bytes);
    if (!rc)
        rc = record_unpack (cursor, NULL, record);
    return rc || record_is_nothing (record) ? ERR_MALFORMED : 0;
}

static int copy_one (copy_t *self, cursor_t *cursor)
{
    txn_t *txn = self->txn;
    slice_t resource;
    uuid16_t uuid;
    slot_t *slot;
    state_t state;
    //  Dropping uses the scratch records, so this one is only looked at, and taken again behind it.
    cursor_t again = *cursor;
    int rc = record_take (cursor, &resource, &uuid, &txn->other);
    if (rc)
        return rc;
    if (position_covers (&self->place, resource, &uuid) ||
        !position_covers (self->to, resource, &uuid))
        return ERR_MALFORMED;
    rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    if (rc)
        return rc;
    position_t here = place_of (slot, &uuid);
    rc = drop_until (self, &here, false);
    if (!rc)
        rc = record_take (&again, &resource, &uuid, &txn->other);
    if (!rc)
        rc = state_load (txn, slot, &uuid, &state, &txn->record);
    if (!rc && !record_equal (&txn->record, &txn->other))
        rc = replace (self, slot, &uuid, &state, &txn->other, &txn->other.written);
    self->place = here;
    return rc;
}

int shared_copy_in (txn_t *txn, const position_t *from, const position_t *to, size_t count,
    slice_t records, const vector_t *mine, const vector_t *theirs, const position_t *frontier)
{
    copy_t copy = {txn, *from, to, mine, theirs, frontier};
    cursor_t cursor = cursor_over (records);
    for (size_t i = 0; i < count; i++) {
        int rc = copy_one (&copy, &cursor);
        if (rc)
            return rc;
    }
    if (!cursor_done (&cursor))
        return ERR_MALFORMED;
    return drop_until (&copy, to, true);
}

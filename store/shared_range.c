//  shared_range - ranges of shared records: sums, stretches, and the merge of what differs

#include "messages/record_merge.h"
#include "store/shared_range.h"
#include "store/state.h"

//  The first record of the range, which begins behind it then; its state is in txn->record. ERR_NOT_FOUND at the end;
//  *ret_readable is false of one that does not pass its checksum.
static int range_step (
    txn_t *txn, const slot_t *slot, range_t *range, uuid16_t *ret_uuid, bool *ret_readable)
{
    table_key_t from;
    slice_t key = {NULL, 0}, value;
    uint32_t number;
    state_t state;
    if (range_is_empty (range))
        return ERR_NOT_FOUND;
    key_record (&from, slot->entry.number, &range->from);
    int rc = table_seek (txn, TABLE_SHARED, key_slice (&from), &key, &value);
    if (rc && (rc != ERR_CORRUPT || !key.data))
        return rc;
    if (!take_u32 (&key, &number) || !take_uuid (&key, ret_uuid) || key.size)
        return txn_corrupt (txn);
    bool ended = number != slot->entry.number || !range_has (range, ret_uuid);
    if (!rc && !ended)
        rc = state_unpack (txn, value, &state, &txn->record);
    if (rc == ERR_CORRUPT)
        txn->failed = 0; // it says nothing of this transaction
    *ret_readable = rc == 0;
    if (ended)
        return ERR_NOT_FOUND;
    range_pass (range, ret_uuid);
    return 0;
}

int shared_range_sum (txn_t *txn, slice_t resource, range_t *range, uint64_t count_max,
    size_t *budget, range_sum_t *sum)
{
    slot_t *slot;
    uuid16_t uuid;
    bool readable;
    int rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    while (!rc && *budget && sum->count < count_max) {
        rc = range_step (txn, slot, range, &uuid, &readable);
        if (rc)
            break;
        (*budget)--;
        if (!readable)
            continue;
        state_show (slot, &txn->record, &txn->after);
        if (txn->after.size == 0)
            continue;
        digest_t item = digest_of_record (NULL, &uuid, buffer_slice (&txn->after));
        digest_add (&sum->digest, &item);
        sum->count++;
    }
    return rc;
}

int shared_range_out (
    txn_t *txn, slice_t resource, range_t *range, size_t size_max, size_t record_max, buffer_t *out)
{
    slot_t *slot;
    uuid16_t uuid;
    bool readable;
    size_t start = out->size;
    int rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    while (!rc && out->size - start < size_max) {
        rc = range_step (txn, slot, range, &uuid, &readable);
        size_t before = out->size;
        if (rc || !readable || record_is_nothing (&txn->record))
            continue;
        stretch_add (&uuid, &txn->record, out);
        if (out->size - before > record_max)
            out->size = before;
    }
    return rc;
}

int shared_merge (
    txn_t *txn, slice_t resource, const uuid16_t *uuid, const record_t *theirs, bool *ret_changed)
{
    slot_t *slot;
    state_t state;
    int rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    if (!rc)
        rc = state_load (txn, slot, uuid, &state, &txn->record);
    if (rc)
        return rc;
    state_show (slot, &txn->record, &txn->before);
    record_merge (&txn->record, theirs, slot->entry.resource.rule, &txn->other);
    bool changed = !record_equal (&txn->record, &txn->other);
    bool named = true;
    if (changed && state.mark.cursor)
        rc = changes_names (txn, state.mark.cursor, slot, uuid, &named);
    if (!named)
        state.mark = (mark_t){0, 0}; // it is somebody else's entry, or none
    if (!rc && changed)
        rc = state_store (txn, slot, uuid, &state, &txn->other, &theirs->written);
    else if (
        !rc &&
        txn->before
            .size) // it may be ours that was altered: who follows `changes` has not heard of it
        rc = state_relist (txn, slot, uuid, &state, &txn->record);
    if (!rc)
        *ret_changed = changed;
    return rc;
}

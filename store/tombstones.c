//  tombstones - origin u32, time u64, resource u32, uuid 16 -> nothing
//
//  An index: where each remembered deletion is, in the order in which its client made them. So what
//  has become causally stable is found by one seek for each client, and the table of records is
//  never walked for it.

#include "store/shared.h"
#include "store/state.h"

#include <stdlib.h>

static int tombstone_key (txn_t *txn, const slot_t *slot, const uuid16_t *uuid,
    const timestamp_t *deleted, table_key_t *ret_key)
{
    uint32_t origin;
    int rc = origins_intern (txn, &deleted->client, &origin);
    key_clear (ret_key);
    key_u32 (ret_key, origin);
    key_u64 (ret_key, deleted->time);
    key_u32 (ret_key, slot->entry.number);
    key_uuid (ret_key, uuid);
    return rc;
}

void tombstones_note (txn_t *txn, const record_t *record)
{
    txn->tombstone_count = 0;
    if (!txn->write || record->deleted_count == 0)
        return;
    if (record->deleted_count > txn->tombstone_capacity) {
        timestamp_t *grown =
            realloc (txn->tombstones, record->deleted_count * sizeof *txn->tombstones);
        if (!grown)
            abort ();
        txn->tombstones = grown;
        txn->tombstone_capacity = record->deleted_count;
    }
    memcpy (txn->tombstones, record->deleted, record->deleted_count * sizeof *record->deleted);
    txn->tombstone_count = record->deleted_count;
}

static bool holds (const timestamp_t *all, size_t count, const timestamp_t *one)
{
    for (size_t i = 0; i < count; i++)
        if (timestamp_compare (&all[i], one) == 0)
            return true;
    return false;
}

int tombstones_move (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, const record_t *record)
{
    table_key_t key;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < txn->tombstone_count; i++)
        if (!holds (record->deleted, record->deleted_count, &txn->tombstones[i])) {
            rc = tombstone_key (txn, slot, uuid, &txn->tombstones[i], &key);
            if (rc == 0)
                rc = table_delete (txn, TABLE_TOMBSTONES, key_slice (&key));
            if (rc == ERR_NOT_FOUND)
                rc = 0; // a deletion that was written behind the node's back
        }
    for (size_t i = 0; rc == 0 && i < record->deleted_count; i++)
        if (!holds (txn->tombstones, txn->tombstone_count, &record->deleted[i])) {
            rc = tombstone_key (txn, slot, uuid, &record->deleted[i], &key);
            if (rc == 0)
                rc = table_put (txn, TABLE_TOMBSTONES, key_slice (&key), slice_of (NULL, 0));
        }
    return rc;
}

//  ---- forgetting

//  An entry of the index whose record remembers nothing of it goes: the record was altered or damaged.
static int record_forget (
    txn_t *txn, slice_t entry, uint32_t resource, const uuid16_t *uuid, const vector_t *stable)
{
    slot_t *slot;
    state_t state;
    int rc = slot_by_number (txn, resource, &slot);
    if (rc == 0)
        rc = state_load (txn, slot, uuid, &state, &txn->record);
    if (rc)
        return rc;
    state_show (slot, &txn->record, &txn->before);
    if (!record_purge (&txn->record, stable, slot->entry.resource.rule))
        return table_delete (txn, TABLE_TOMBSTONES, entry);
    return state_store (txn, slot, uuid, &state, &txn->record, NULL);
}

//  Of one client the deletions up to its entry in the vector.
static int origin_forget (txn_t *txn, const watermark_t *upto, const vector_t *stable, size_t most,
    size_t *count, bool *left)
{
    table_key_t from;
    slice_t key, value;
    uint32_t number, origin, resource;
    uint64_t time;
    uuid16_t uuid;
    int rc = origins_find (txn, &upto->client, &number);
    key_clear (&from);
    key_u32 (&from, number);
    while (rc == 0) {
        rc = table_seek (txn, TABLE_TOMBSTONES, key_slice (&from), &key, &value);
        if (rc)
            break;
        key_clear (&from);
        key_add (&from, key.data, key.size);
        key_u8 (&from, 0); // the next time: what lies behind this one
        if (!take_u32 (&key, &origin) || !take_u64 (&key, &time) || !take_u32 (&key, &resource) ||
            !take_uuid (&key, &uuid))
            return txn_corrupt (txn);
        if (origin != number || time > upto->upto)
            return 0;
        if (*count == most) {
            *left = true;
            return 0;
        }
        rc = record_forget (txn, slice_of (from.bytes, from.size - 1), resource, &uuid, stable);
        (*count)++;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int shared_forget (
    txn_t *txn, const vector_t *stable, size_t most, size_t *ret_count, bool *ret_left)
{
    int rc = 0;
    *ret_count = 0;
    *ret_left = false;
    for (size_t i = 0; rc == 0 && i < stable->count && !*ret_left; i++)
        rc = origin_forget (txn, &stable->entries[i], stable, most, ret_count, ret_left);
    return rc;
}

int shared_tombstones (txn_t *txn, uint64_t *ret_count)
{
    return table_count (txn, TABLE_TOMBSTONES, ret_count);
}

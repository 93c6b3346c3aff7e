//  owned - owned:         resource u32, owner 16, uuid 16 -> mark, updated u64, value
//          owned_updated: owner u32, updated u64 -> resource u32, uuid 16
//          owned_markers: owner u32, updated u64 -> nothing: which entries of owned_updated are markers
//
//  The first key holds the whole owner, since rows are wanted in the order of (owner, uuid); the
//  second its number. A row without a value is the marker of a deletion.

#include "store/owned.h"
#include "store/tallies.h"
#include "store/visible.h"

static void row_key (
    uint32_t resource, const uuid16_t *owner, const uuid16_t *uuid, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u32 (ret_key, resource);
    if (owner)
        key_uuid (ret_key, owner);
    if (uuid)
        key_uuid (ret_key, uuid);
}

static void index_key (uint32_t owner, uint64_t updated, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u32 (ret_key, owner);
    key_u64 (ret_key, updated);
}

//  ---- one row

typedef struct kept {
    bool present;
    mark_t mark;
    uint64_t updated;
    slice_t value; // of the transaction; empty: a marker
} kept_t;

static int kept_take (txn_t *txn, slice_t value, kept_t *ret_kept)
{
    kept_t kept = {.present = true};
    if (!mark_take (&value, &kept.mark) || !take_u64 (&value, &kept.updated))
        return txn_corrupt (txn);
    kept.value = value;
    *ret_kept = kept;
    return 0;
}

static int kept_load (
    txn_t *txn, uint32_t resource, const uuid16_t *owner, const uuid16_t *uuid, kept_t *ret_kept)
{
    table_key_t key;
    slice_t value;
    row_key (resource, owner, uuid, &key);
    int rc = table_get (txn, TABLE_OWNED, key_slice (&key), &value);
    if (rc == ERR_NOT_FOUND) {
        *ret_kept = (kept_t){0};
        return 0;
    }
    return rc ? rc : kept_take (txn, value, ret_kept);
}

int owned_visible (txn_t *txn, const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    uint64_t *ret_updated, slice_t *ret_value)
{
    kept_t kept;
    int rc = kept_load (txn, slot->entry.number, owner, uuid, &kept);
    if (rc)
        return rc;
    if (!kept.value.size)
        return ERR_NOT_FOUND;
    *ret_updated = kept.updated;
    *ret_value = kept.value;
    return 0;
}

int owned_get (
    txn_t *txn, slice_t resource, const uuid16_t *owner, const uuid16_t *uuid, row_t *ret_row)
{
    slot_t *slot;
    kept_t kept;
    int rc = slot_of_kind (txn, resource, RESOURCE_OWNED, &slot);
    if (!rc)
        rc = kept_load (txn, slot->entry.number, owner, uuid, &kept);
    if (rc)
        return rc;
    if (!kept.present)
        return ERR_NOT_FOUND;
    *ret_row = (row_t){slice_text (slot->entry.resource.name), *uuid, kept.updated, kept.value};
    return 0;
}

//  ---- writing

//  The index's entry of an owner at a time; ERR_NOT_FOUND.
static int index_get (
    txn_t *txn, const table_key_t *key, uint32_t *ret_resource, uuid16_t *ret_uuid)
{
    slice_t value;
    int rc = table_get (txn, TABLE_OWNED_UPDATED, key_slice (key), &value);
    if (!rc && (!take_u32 (&value, ret_resource) || !take_uuid (&value, ret_uuid)))
        rc = txn_corrupt (txn);
    return rc;
}

//  Moves the row's entry in the index. An owner that gives one time to two rows breaks its own
//  stream: refused.
static int index_move (
    txn_t *txn, const slot_t *slot, const uuid16_t *owner, const row_t *row, const kept_t *kept)
{
    table_key_t key;
    uint32_t number;
    int rc = origins_intern (txn, owner, &number);
    if (rc)
        return rc;
    index_key (number, row->updated, &key);
    buffer_clear (&txn->packed);
    add_u32 (&txn->packed, slot->entry.number);
    add_uuid (&txn->packed, &row->uuid);
    rc = table_insert (txn, TABLE_OWNED_UPDATED, key_slice (&key), buffer_slice (&txn->packed));
    if (rc || !kept->present)
        return rc == ERR_EXISTS ? ERR_MALFORMED : rc;
    index_key (number, kept->updated, &key);
    return table_delete (txn, TABLE_OWNED_UPDATED, key_slice (&key));
}

//  The list of markers follows what the row was and what it is.
static int markers_move (
    txn_t *txn, const uuid16_t *owner, const row_t *row, const kept_t *kept, bool was_marker)
{
    table_key_t key;
    uint32_t number;
    int rc = origins_intern (txn, owner, &number);
    if (!rc && was_marker) {
        index_key (number, kept->updated, &key);
        rc = table_delete (txn, TABLE_OWNED_MARKERS, key_slice (&key));
        rc = rc == ERR_NOT_FOUND ? 0 : rc; // it was made before there was a list
    }
    if (!rc && row && !row->value.size) {
        index_key (number, row->updated, &key);
        rc = table_put (txn, TABLE_OWNED_MARKERS, key_slice (&key), slice_of ("", 0));
    }
    return rc;
}

static int row_store (
    txn_t *txn, const slot_t *slot, const uuid16_t *owner, const row_t *row, const mark_t *mark)
{
    table_key_t key;
    row_key (slot->entry.number, owner, &row->uuid, &key);
    buffer_clear (&txn->packed);
    mark_add (mark, &txn->packed);
    add_u64 (&txn->packed, row->updated);
    buffer_append (&txn->packed, row->value.data, row->value.size);
    return table_put (txn, TABLE_OWNED, key_slice (&key), buffer_slice (&txn->packed));
}

static void keep_before (txn_t *txn, slice_t value)
{
    buffer_clear (&txn->row);
    buffer_append (&txn->row, value.data, value.size);
}

int owned_put (txn_t *txn, const uuid16_t *owner, const row_t *row)
{
    slot_t *slot;
    kept_t kept;
    int rc = slot_of_kind (txn, row->resource, RESOURCE_OWNED, &slot);
    if (!rc)
        rc = kept_load (txn, slot->entry.number, owner, &row->uuid, &kept);
    if (rc || (kept.present && kept.updated >= row->updated))
        return rc;
    keep_before (txn, kept.value);
    slice_t before = buffer_slice (&txn->row);
    timestamp_t stamp = {row->updated, *owner};
    row_t old = {row->resource, row->uuid, kept.updated, before};
    rc = tallies_prepare (txn, owner);
    if (!rc)
        rc = index_move (txn, slot, owner, row, &kept);
    if (!rc)
        rc = tallies_follow (txn, owner, &old, row);
    if (!rc)
        rc = markers_move (txn, owner, row, &kept, kept.present && !before.size);
    if (!rc)
        rc = visible_change (txn, slot, owner, &row->uuid, before, row->value, &stamp, &kept.mark);
    if (!rc)
        rc = row_store (txn, slot, owner, row, &kept.mark);
    return rc ? rc : derived_follow (txn, slot, owner, row, before);
}

//  Takes a row out of its table as if it had never been; `changes` tells that it is gone.
static int row_drop (
    txn_t *txn, slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid, uint64_t updated)
{
    kept_t kept;
    table_key_t key;
    int rc = kept_load (txn, slot->entry.number, owner, uuid, &kept);
    if (rc)
        return rc;
    keep_before (txn, kept.value);
    slice_t before = buffer_slice (&txn->row);
    timestamp_t stamp = {updated, *owner};
    row_t row = {slice_text (slot->entry.resource.name), *uuid, updated, {NULL, 0}};
    row_t old = {row.resource, *uuid, kept.updated, before};
    row_key (slot->entry.number, owner, uuid, &key);
    rc = tallies_follow (txn, owner, &old, &row);
    if (!rc)
        rc = markers_move (txn, owner, NULL, &kept, kept.present && !before.size);
    if (!rc)
        rc = table_delete (txn, TABLE_OWNED, key_slice (&key));
    if (rc)
        return rc == ERR_NOT_FOUND ? txn_corrupt (txn) : rc;
    rc = visible_change (txn, slot, owner, uuid, before, row.value, &stamp, &kept.mark);
    return rc ? rc : derived_follow (txn, slot, owner, &row, before);
}

//  ---- the stream of an owner

//  The owner's first entry in the index at or behind `from`.
static int stream_seek (txn_t *txn, const uuid16_t *owner, uint64_t from, uint64_t *ret_updated,
    uint32_t *ret_resource, uuid16_t *ret_uuid)
{
    table_key_t at;
    slice_t key, value;
    uint32_t number, found;
    int rc = origins_find (txn, owner, &number);
    if (rc)
        return rc;
    index_key (number, from, &at);
    rc = table_seek (txn, TABLE_OWNED_UPDATED, key_slice (&at), &key, &value);
    if (rc)
        return rc;
    if (!take_u32 (&key, &found) || !take_u64 (&key, ret_updated) ||
        !take_u32 (&value, ret_resource) || !take_uuid (&value, ret_uuid))
        return txn_corrupt (txn);
    return found == number ? 0 : ERR_NOT_FOUND;
}

int owned_stream (txn_t *txn, const uuid16_t *owner, uint64_t after, row_t *ret_row)
{
    uint64_t updated;
    uint32_t resource;
    uuid16_t uuid;
    slot_t *slot;
    kept_t kept;
    if (after == UINT64_MAX)
        return ERR_NOT_FOUND;
    int rc = stream_seek (txn, owner, after + 1, &updated, &resource, &uuid);
    if (!rc)
        rc = slot_by_number (txn, resource, &slot);
    if (!rc)
        rc = kept_load (txn, resource, owner, &uuid, &kept);
    if (rc)
        return rc;
    if (!kept.present || kept.updated != updated)
        return txn_corrupt (txn);
    *ret_row = (row_t){slice_text (slot->entry.resource.name), uuid, updated, kept.value};
    return 0;
}

//  A new time is never later than the old one, and the earlier rows have moved away already: it is free.
static int row_rename (txn_t *txn, const uuid16_t *owner, const row_t *old, uint64_t updated)
{
    slot_t *slot;
    kept_t kept;
    int rc = slot_of_kind (txn, old->resource, RESOURCE_OWNED, &slot);
    if (!rc)
        rc = kept_load (txn, slot->entry.number, owner, &old->uuid, &kept);
    if (rc)
        return rc;
    keep_before (txn, kept.value);
    row_t row = {
        slice_text (slot->entry.resource.name), old->uuid, updated, buffer_slice (&txn->row)};
    row_t before = row;
    before.updated = kept.updated;
    rc = tallies_follow (txn, owner, &before, &row);
    if (!rc)
        rc = index_move (txn, slot, owner, &row, &kept);
    if (!rc)
        rc = markers_move (txn, owner, &row, &kept, !row.value.size);
    return rc ? rc : row_store (txn, slot, owner, &row, &kept.mark);
}

int owned_rename (txn_t *txn, const renaming_t *renaming)
{
    uint64_t after = renaming->past;
    row_t row;
    int rc;
    while ((rc = owned_stream (txn, &renaming->client, after, &row)) == 0) {
        uint64_t updated = renaming_time (renaming, row.updated);
        after = row.updated;
        if (updated != row.updated)
            rc = row_rename (txn, &renaming->client, &row, updated);
        if (rc)
            break;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int owned_last (txn_t *txn, const uuid16_t *owner, uint64_t *ret_updated)
{
    table_key_t behind;
    slice_t key, value;
    uint32_t number, found;
    uint64_t updated = 0;
    int rc = origins_find (txn, owner, &number);
    if (!rc) {
        index_key (number + 1, 0, &behind);
        rc = table_before (txn, TABLE_OWNED_UPDATED, key_slice (&behind), &key, &value);
    }
    if (!rc && (!take_u32 (&key, &found) || !take_u64 (&key, &updated)))
        return txn_corrupt (txn);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    *ret_updated = !rc && found == number ? updated : 0;
    return 0;
}

//  Takes the entry of the index at this time out of it, and the row it leads to.
static int entry_drop (
    txn_t *txn, const uuid16_t *owner, uint64_t updated, uint32_t resource, const uuid16_t *uuid)
{
    slot_t *slot;
    table_key_t key;
    uint32_t number;
    int rc = slot_by_number (txn, resource, &slot);
    if (!rc)
        rc = row_drop (
            txn, slot, owner, uuid, updated); // the index is whole still: sums may be counted
    if (!rc)
        rc = origins_find (txn, owner, &number);
    if (rc)
        return rc;
    index_key (number, updated, &key);
    return table_delete (txn, TABLE_OWNED_UPDATED, key_slice (&key));
}

int owned_drop (txn_t *txn, const uuid16_t *owner, uint64_t after, size_t most, bool *ret_left)
{
    uint64_t updated;
    uint32_t resource;
    uuid16_t uuid;
    int rc = after == UINT64_MAX ? ERR_NOT_FOUND
                                 : stream_seek (txn, owner, after + 1, &updated, &resource, &uuid);
    for (size_t i = 0; !rc && i < most; i++) {
        rc = entry_drop (txn, owner, updated, resource, &uuid);
        if (rc)
            return rc;
        rc = stream_seek (txn, owner, after + 1, &updated, &resource, &uuid);
    }
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    *ret_left = rc == 0;
    return 0;
}

//  The owner's oldest marker; ERR_NOT_FOUND.
static int marker_first (
    txn_t *txn, const uuid16_t *owner, uint64_t *ret_updated, uint32_t *ret_number)
{
    table_key_t at;
    slice_t key, value;
    uint32_t number, found;
    int rc = origins_find (txn, owner, &number);
    if (rc)
        return rc;
    index_key (number, 0, &at);
    rc = table_seek (txn, TABLE_OWNED_MARKERS, key_slice (&at), &key, &value);
    if (rc)
        return rc;
    if (!take_u32 (&key, &found) || !take_u64 (&key, ret_updated))
        return txn_corrupt (txn);
    *ret_number = number;
    return found == number ? 0 : ERR_NOT_FOUND;
}

int owned_forget (txn_t *txn, const uuid16_t *owner, uint64_t upto, size_t most,
    size_t *ret_forgotten, bool *ret_left)
{
    uint64_t updated;
    uint32_t number, resource;
    uuid16_t uuid;
    table_key_t key;
    size_t count = 0;
    int rc = marker_first (txn, owner, &updated, &number);
    while (!rc && updated <= upto && count < most) {
        index_key (number, updated, &key);
        rc = index_get (txn, &key, &resource, &uuid);
        if (!rc)
            rc = entry_drop (txn, owner, updated, resource, &uuid);
        if (rc)
            return rc == ERR_NOT_FOUND ? txn_corrupt (txn) : rc;
        count++;
        rc = marker_first (txn, owner, &updated, &number);
    }
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    *ret_forgotten = count;
    *ret_left = rc == 0 && updated <= upto;
    return 0;
}

int owned_markers (txn_t *txn, uint64_t *ret_count)
{
    return table_count (txn, TABLE_OWNED_MARKERS, ret_count);
}

//  ---- the rows of a resource in order

int owned_next (txn_t *txn, slice_t resource, const uuid16_t *owner_only,
    const uuid16_t *after_owner, const uuid16_t *after_uuid, uuid16_t *ret_owner, row_t *ret_row)
{
    slot_t *slot;
    table_key_t from, prefix;
    slice_t key, value;
    kept_t kept;
    int rc = slot_of_kind (txn, resource, RESOURCE_OWNED, &slot);
    if (rc)
        return rc;
    row_key (slot->entry.number, owner_only, NULL, &prefix);
    bool begun = after_owner && after_uuid;
    row_key (
        slot->entry.number, begun ? after_owner : owner_only, begun ? after_uuid : NULL, &from);
    rc = begun ? table_next (txn, TABLE_OWNED, key_slice (&from), &key, &value)
               : table_seek (txn, TABLE_OWNED, key_slice (&from), &key, &value);
    for (; !rc; rc = table_next (txn, TABLE_OWNED, key, &key, &value)) {
        if (!slice_begins (key, key_slice (&prefix)))
            return ERR_NOT_FOUND;
        rc = kept_take (txn, value, &kept);
        if (rc || kept.value.size)
            break;
    }
    if (rc)
        return rc;
    uint32_t number;
    uuid16_t owner, uuid;
    if (!take_u32 (&key, &number) || !take_uuid (&key, &owner) || !take_uuid (&key, &uuid))
        return txn_corrupt (txn);
    *ret_owner = owner;
    *ret_row = (row_t){slice_text (slot->entry.resource.name), uuid, kept.updated, kept.value};
    return 0;
}

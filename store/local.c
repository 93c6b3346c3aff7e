//  local - resource u32, uuid 16 -> mark, updated u64, value
//
//  Without a value it is a mark, for as long as `changes` tells of its end.

#include "store/owned.h"
#include "store/visible.h"

typedef struct kept {
    mark_t mark;
    uint64_t updated;
    slice_t value; // of the transaction; empty: nothing is visible
} kept_t;

static int kept_take (txn_t *txn, slice_t value, kept_t *ret_kept)
{
    kept_t kept;
    if (!mark_take (&value, &kept.mark) || !take_u64 (&value, &kept.updated))
        return txn_corrupt (txn);
    kept.value = value;
    *ret_kept = kept;
    return 0;
}

static int kept_load (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, kept_t *ret_kept)
{
    table_key_t key;
    slice_t value;
    key_record (&key, slot->entry.number, uuid);
    int rc = table_get (txn, TABLE_LOCAL, key_slice (&key), &value);
    if (rc == ERR_NOT_FOUND) {
        *ret_kept = (kept_t){0};
        return 0;
    }
    return rc ? rc : kept_take (txn, value, ret_kept);
}

int local_visible (
    txn_t *txn, const slot_t *slot, const uuid16_t *uuid, uint64_t *ret_updated, slice_t *ret_value)
{
    kept_t kept;
    int rc = kept_load (txn, slot, uuid, &kept);
    if (rc)
        return rc;
    if (!kept.value.size)
        return ERR_NOT_FOUND;
    *ret_updated = kept.updated;
    *ret_value = kept.value;
    return 0;
}

int local_get (
    txn_t *txn, slice_t resource, const uuid16_t *uuid, uint64_t *ret_updated, slice_t *ret_value)
{
    slot_t *slot;
    int rc = slot_of_kind (txn, resource, RESOURCE_LOCAL, &slot);
    return rc ? rc : local_visible (txn, slot, uuid, ret_updated, ret_value);
}

int local_put (txn_t *txn, slice_t resource, const uuid16_t *uuid, uint64_t updated, slice_t value)
{
    slot_t *slot;
    kept_t kept;
    table_key_t key;
    int rc = slot_of_kind (txn, resource, RESOURCE_LOCAL, &slot);
    if (!rc)
        rc = kept_load (txn, slot, uuid, &kept);
    if (rc)
        return rc;
    buffer_clear (&txn->row);
    buffer_append (&txn->row, kept.value.data, kept.value.size);
    timestamp_t stamp = {.time = updated};
    rc =
        visible_change (txn, slot, NULL, uuid, buffer_slice (&txn->row), value, &stamp, &kept.mark);
    if (rc)
        return rc;
    key_record (&key, slot->entry.number, uuid);
    if (value.size == 0 && kept.mark.cursor == 0) {
        rc = table_delete (txn, TABLE_LOCAL, key_slice (&key));
        return rc == ERR_NOT_FOUND ? 0 : rc;
    }
    buffer_clear (&txn->packed);
    mark_add (&kept.mark, &txn->packed);
    add_u64 (&txn->packed, updated);
    buffer_append (&txn->packed, value.data, value.size);
    return table_put (txn, TABLE_LOCAL, key_slice (&key), buffer_slice (&txn->packed));
}

int local_next (txn_t *txn, slice_t resource, const uuid16_t *after, uuid16_t *ret_uuid,
    uint64_t *ret_updated, slice_t *ret_value)
{
    slot_t *slot;
    table_key_t from;
    slice_t key, value;
    kept_t kept;
    int rc = slot_of_kind (txn, resource, RESOURCE_LOCAL, &slot);
    if (rc)
        return rc;
    key_clear (&from);
    key_u32 (&from, slot->entry.number);
    slice_t prefix = slice_of (from.bytes, from.size);
    if (after)
        key_uuid (&from, after);
    rc = after ? table_next (txn, TABLE_LOCAL, key_slice (&from), &key, &value)
               : table_seek (txn, TABLE_LOCAL, key_slice (&from), &key, &value);
    for (; !rc; rc = table_next (txn, TABLE_LOCAL, key, &key, &value)) {
        if (!slice_begins (key, prefix))
            return ERR_NOT_FOUND;
        rc = kept_take (txn, value, &kept);
        if (rc || kept.value.size)
            break;
    }
    if (rc)
        return rc;
    memcpy (ret_uuid->bytes, key.data + 4, sizeof ret_uuid->bytes);
    *ret_updated = kept.updated;
    *ret_value = kept.value;
    return 0;
}

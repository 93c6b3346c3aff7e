//  damage - node 'd', resource text, 0, uuid 16 -> the value as it stood, its checksum included

#include "store/damage.h"

#include "store/node.h"
#include "store/visible.h"

static void key_of (slice_t resource, const uuid16_t *uuid, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_add (ret_key, resource.data, resource.size);
    key_u8 (ret_key, 0);
    key_uuid (ret_key, uuid);
}

uint64_t damage_count (txn_t *txn)
{
    return txn->damaged;
}

int damage_aside (txn_t *txn, const slot_t *slot, const uuid16_t *uuid)
{
    table_key_t key, aside;
    slice_t bytes;
    key_record (&key, slot->entry.number, uuid);
    key_of (slice_text (slot->entry.resource.name), uuid, &aside);
    if (table_get_raw (txn, TABLE_SHARED, key_slice (&key), &bytes))
        return ERR_CORRUPT;
    txn->failed = 0; // it was this value, and it goes
    buffer_clear (&txn->row);
    buffer_append (&txn->row, bytes.data, bytes.size);
    int rc = node_put (txn, NODE_DAMAGED, key_slice (&aside), buffer_slice (&txn->row));
    if (!rc)
        rc = table_delete (txn, TABLE_SHARED, key_slice (&key));
    if (rc)
        return rc;
    txn->damaged++;
    return ERR_NOT_FOUND;
}

int damage_next (txn_t *txn, char resource[LIMIT_NAME_BYTES + 1], uuid16_t *uuid)
{
    table_key_t after;
    slice_t key, value;
    key_of (slice_text (resource), uuid, &after);
    int rc = resource[0] ? node_next (txn, NODE_DAMAGED, key_slice (&after), &key, &value)
                         : node_seek (txn, NODE_DAMAGED, slice_of (NULL, 0), &key, &value);
    if (rc)
        return rc;
    if (key.size <= sizeof uuid->bytes + 1 || key.size > sizeof uuid->bytes + 1 + LIMIT_NAME_BYTES)
        return txn_corrupt (txn);
    size_t name_size = key.size - sizeof uuid->bytes - 1;
    memcpy (resource, key.data, name_size);
    resource[name_size] = 0;
    memcpy (uuid->bytes, key.data + name_size + 1, sizeof uuid->bytes);
    return 0;
}

int damage_is (txn_t *txn, slice_t resource, const uuid16_t *uuid, bool *ret_is)
{
    table_key_t key;
    slice_t value;
    key_of (resource, uuid, &key);
    int rc = node_get (txn, NODE_DAMAGED, key_slice (&key), &value);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    *ret_is = rc == 0;
    return 0;
}

int damage_end (txn_t *txn, slice_t resource, const uuid16_t *uuid, bool *ret_was)
{
    table_key_t key;
    bool was;
    int rc = damage_is (txn, resource, uuid, &was);
    key_of (resource, uuid, &key);
    if (!rc && was)
        rc = node_delete (txn, NODE_DAMAGED, key_slice (&key));
    if (!rc)
        *ret_was = was;
    return rc;
}

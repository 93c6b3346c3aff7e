//  watermarks - kind u8, client 16 -> upto u64, hash 32
//  published  - origin 16, client 16 -> upto u64
//
//  Keys hold whole clients, not their numbers: there are few entries, and they are wanted in the
//  order of the clients, as a vector has them.

#include "store/watermarks.h"
#include "store/table.h"

static void watermark_key (enum watermark_kind kind, const uuid16_t *client, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u8 (ret_key, (uint8_t)kind);
    key_uuid (ret_key, client);
}

int watermarks_load (txn_t *txn, enum watermark_kind kind, vector_t *ret_vector)
{
    table_key_t at;
    slice_t key, value;
    vector_clear (ret_vector);
    key_clear (&at);
    key_u8 (&at, (uint8_t)kind);
    int rc = table_seek (txn, TABLE_WATERMARKS, key_slice (&at), &key, &value);
    while (!rc && key.data[0] == (uint8_t)kind) {
        watermark_t watermark;
        slice_t rest = slice_of (key.data + 1, key.size - 1);
        if (!take_uuid (&rest, &watermark.client) || !take_u64 (&value, &watermark.upto) ||
            !take_bytes (&value, watermark.hash.bytes, HASH_SIZE))
            return txn_corrupt (txn);
        vector_set (ret_vector, &watermark.client, watermark.upto, &watermark.hash);
        rc = table_next (txn, TABLE_WATERMARKS, key, &key, &value);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int watermarks_put (txn_t *txn, enum watermark_kind kind, const watermark_t *watermark)
{
    table_key_t key;
    watermark_key (kind, &watermark->client, &key);
    buffer_clear (&txn->packed);
    add_u64 (&txn->packed, watermark->upto);
    buffer_append (&txn->packed, watermark->hash.bytes, HASH_SIZE);
    return table_put (txn, TABLE_WATERMARKS, key_slice (&key), buffer_slice (&txn->packed));
}

int watermarks_forget (txn_t *txn, enum watermark_kind kind, const uuid16_t *client)
{
    table_key_t key;
    watermark_key (kind, client, &key);
    int rc = table_delete (txn, TABLE_WATERMARKS, key_slice (&key));
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int watermarks_clear (txn_t *txn, enum watermark_kind kind)
{
    vector_t all = {NULL, 0, 0};
    int rc = watermarks_load (txn, kind, &all);
    for (size_t i = 0; rc == 0 && i < all.count; i++) {
        table_key_t key;
        watermark_key (kind, &all.entries[i].client, &key);
        rc = table_delete (txn, TABLE_WATERMARKS, key_slice (&key));
    }
    vector_release (&all);
    return rc;
}

//  ---- published

static void published_key (const uuid16_t *origin, const uuid16_t *client, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_uuid (ret_key, origin);
    if (client)
        key_uuid (ret_key, client);
}

int published_load (txn_t *txn, const uuid16_t *origin, vector_t *ret_vector)
{
    table_key_t prefix;
    slice_t key, value;
    vector_clear (ret_vector);
    published_key (origin, NULL, &prefix);
    int rc = table_seek (txn, TABLE_PUBLISHED, key_slice (&prefix), &key, &value);
    while (!rc && slice_begins (key, key_slice (&prefix))) {
        uuid16_t client;
        uint64_t upto;
        slice_t rest = slice_of (key.data + prefix.size, key.size - prefix.size);
        if (!take_uuid (&rest, &client) || !take_u64 (&value, &upto))
            return txn_corrupt (txn);
        vector_set (ret_vector, &client, upto, NULL);
        rc = table_next (txn, TABLE_PUBLISHED, key, &key, &value);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int published_raise (txn_t *txn, const uuid16_t *origin, const vector_t *seen)
{
    for (size_t i = 0; i < seen->count; i++) {
        table_key_t key;
        slice_t value;
        uint64_t upto = 0;
        published_key (origin, &seen->entries[i].client, &key);
        int rc = table_get (txn, TABLE_PUBLISHED, key_slice (&key), &value);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        if (!rc && !take_u64 (&value, &upto))
            return txn_corrupt (txn);
        if (upto >= seen->entries[i].upto)
            continue;
        upto = __builtin_bswap64 (seen->entries[i].upto);
        rc = table_put (txn, TABLE_PUBLISHED, key_slice (&key), slice_of (&upto, sizeof upto));
        if (rc)
            return rc;
    }
    return 0;
}

int published_next (txn_t *txn, const uuid16_t *after, uuid16_t *ret_origin)
{
    static const uuid16_t zero;
    uuid16_t last;
    table_key_t from;
    slice_t key, value;
    memset (last.bytes, 0xFF, sizeof last.bytes);
    published_key (after ? after : &zero, after && !uuid_is_zero (after) ? &last : NULL, &from);
    int rc = table_next (txn, TABLE_PUBLISHED, key_slice (&from), &key, &value);
    if (rc)
        return rc;
    return take_uuid (&key, ret_origin) ? 0 : txn_corrupt (txn);
}

int published_clear (txn_t *txn)
{
    return table_clear (txn, TABLE_PUBLISHED);
}

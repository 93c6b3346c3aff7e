//  origins - clients as small numbers, so that a timestamp in a record costs one byte for its
//  client
//
//      'c' client 16  ->  number u32
//      'n' number u32 ->  client 16
//  Numbers rise from 1 and are this node's own: they never leave it, and are never given back.

#include "store/table.h"

static void key_of_client (const uuid16_t *client, table_key_t *key)
{
    key_clear (key);
    key_u8 (key, 'c');
    key_uuid (key, client);
}

static void key_of_number (uint32_t number, table_key_t *key)
{
    key_clear (key);
    key_u8 (key, 'n');
    key_u32 (key, number);
}

static origin_t *place_of_client (txn_t *txn, const uuid16_t *client)
{
    uint64_t words[2];
    memcpy (words, client->bytes, sizeof words);
    uint64_t mixed = (words[0] ^ words[1]) * 0x9E3779B97F4A7C15ull;
    return &txn->by_client[mixed >> 58 & (ORIGIN_CACHE - 1)];
}

static void remember (txn_t *txn, uint32_t number, const uuid16_t *client)
{
    origin_t origin = {number, *client};
    *place_of_client (txn, client) = origin;
    txn->by_number[number & (ORIGIN_CACHE - 1)] = origin;
}

int origins_find (txn_t *txn, const uuid16_t *client, uint32_t *ret_number)
{
    const origin_t *cached = place_of_client (txn, client);
    if (cached->number && uuid_equal (&cached->client, client)) {
        *ret_number = cached->number;
        return 0;
    }
    table_key_t key;
    slice_t value;
    uint32_t number;
    key_of_client (client, &key);
    int rc = table_get (txn, TABLE_ORIGINS, key_slice (&key), &value);
    if (rc)
        return rc;
    if (!take_u32 (&value, &number))
        return txn_corrupt (txn);
    remember (txn, number, client);
    *ret_number = number;
    return 0;
}

int origins_intern (txn_t *txn, const uuid16_t *client, uint32_t *ret_number)
{
    int rc = origins_find (txn, client, ret_number);
    if (rc != ERR_NOT_FOUND)
        return rc;
    counters_t *counters;
    rc = counters_get (txn, &counters);
    if (rc)
        return rc;
    uint32_t number = counters->origins + 1;
    uint32_t bytes = __builtin_bswap32 (number);
    table_key_t key;
    key_of_client (client, &key);
    rc = table_put (txn, TABLE_ORIGINS, key_slice (&key), slice_of (&bytes, sizeof bytes));
    key_of_number (number, &key);
    if (!rc)
        rc = table_put (
            txn, TABLE_ORIGINS, key_slice (&key), slice_of (client->bytes, sizeof client->bytes));
    if (rc)
        return rc;
    counters->origins = number;
    txn->counters_dirty = true;
    remember (txn, number, client);
    *ret_number = number;
    return 0;
}

int origins_client (txn_t *txn, uint32_t number, uuid16_t *ret_client)
{
    const origin_t *cached = &txn->by_number[number & (ORIGIN_CACHE - 1)];
    if (number && cached->number == number) {
        *ret_client = cached->client;
        return 0;
    }
    table_key_t key;
    slice_t value;
    uuid16_t client;
    key_of_number (number, &key);
    int rc = table_get (txn, TABLE_ORIGINS, key_slice (&key), &value);
    if (rc == ERR_NOT_FOUND || (!rc && !take_uuid (&value, &client)))
        return txn_corrupt (txn);
    if (rc)
        return rc;
    remember (txn, number, &client);
    *ret_client = client;
    return 0;
}

static int number_of (void *self, const uuid16_t *client, uint32_t *ret_number)
{
    return origins_intern (self, client, ret_number);
}

static int client_of (void *self, uint32_t number, uuid16_t *ret_client)
{
    return origins_client (self, number, ret_client);
}

origins_t origins_of (txn_t *txn)
{
    return (origins_t){txn, number_of, client_of};
}

//  table - entries of any table, behind their checksums

#include <xxhash.h>

#include "store/table.h"

#define CHECKSUM_SIZE 8

void add_varint (buffer_t *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    buffer_append (out, bytes, size);
}

bool take_bytes (slice_t *from, void *ret_bytes, size_t size)
{
    if (from->size < size)
        return false;
    memcpy (ret_bytes, from->data, size);
    *from = slice_of (from->data + size, from->size - size);
    return true;
}

bool take_u32 (slice_t *from, uint32_t *ret_value)
{
    uint32_t value;
    if (!take_bytes (from, &value, sizeof value))
        return false;
    *ret_value = __builtin_bswap32 (value);
    return true;
}

bool take_u64 (slice_t *from, uint64_t *ret_value)
{
    uint64_t value;
    if (!take_bytes (from, &value, sizeof value))
        return false;
    *ret_value = __builtin_bswap64 (value);
    return true;
}

bool take_uuid (slice_t *from, uuid16_t *ret_value)
{
    return take_bytes (from, ret_value->bytes, sizeof ret_value->bytes);
}

bool take_varint (slice_t *from, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < from->size && i < 10; i++) {
        uint64_t bits = from->data[i] & 0x7F;
        if (i == 9 && bits > 1)
            return false;
        value |= bits << (7 * i);
        if (from->data[i] < 0x80) {
            *from = slice_of (from->data + i + 1, from->size - i - 1);
            *ret_value = value;
            return true;
        }
    }
    return false;
}

//  ---- errors

int txn_fail (txn_t *txn, int error)
{
    bool kills = error == ERR_STORAGE_FAILED || error == ERR_STORAGE_FULL ||
                 error == ERR_MAP_FULL || error == ERR_CORRUPT;
    if (kills && !txn->failed)
        txn->failed = error;
    return error;
}

//  What stands before each access: a dead transaction stays dead, a test may kill it here.
static int txn_check (txn_t *txn)
{
    if (txn->failed)
        return txn->failed;
    int error = store_fault (txn->store);
    return error ? txn_fail (txn, error) : 0;
}

static int txn_result (txn_t *txn, int rc)
{
    if (rc == MDB_SUCCESS)
        return 0;
    if (rc == MDB_NOTFOUND)
        return ERR_NOT_FOUND;
    return txn_fail (txn, store_error (txn->store, rc));
}

//  ---- checksums

static uint64_t checksum (slice_t key, const void *value, size_t size)
{
    return __builtin_bswap64 (XXH3_64bits_withSeed (value, size, checksum_of (key)));
}

static int verified (txn_t *txn, slice_t key, const MDB_val *data, slice_t *ret_value)
{
    if (data->mv_size < CHECKSUM_SIZE)
        return txn_corrupt (txn);
    const uint8_t *value = (const uint8_t *)data->mv_data + CHECKSUM_SIZE;
    size_t size = data->mv_size - CHECKSUM_SIZE;
    uint64_t expected = checksum (key, value, size);
    if (memcmp (&expected, data->mv_data, CHECKSUM_SIZE) != 0)
        return txn_corrupt (txn);
    *ret_value = slice_of (value, size);
    return 0;
}

//  ---- single entries

static MDB_val val_of (slice_t slice)
{
    return (MDB_val){slice.size, (void *)slice.data};
}

int table_get (txn_t *txn, enum table table, slice_t key, slice_t *ret_value)
{
    int rc = txn_check (txn);
    if (rc)
        return rc;
    MDB_val k = val_of (key), data;
    rc = txn_result (txn, mdb_get (txn->mdb, txn->store->tables[table], &k, &data));
    return rc ? rc : verified (txn, key, &data, ret_value);
}

int table_get_raw (txn_t *txn, enum table table, slice_t key, slice_t *ret_bytes)
{
    MDB_val k = val_of (key), data;
    int rc = mdb_get (txn->mdb, txn->store->tables[table], &k, &data);
    if (rc)
        return rc == MDB_NOTFOUND ? ERR_NOT_FOUND : txn_fail (txn, store_error (txn->store, rc));
    *ret_bytes = slice_of (data.mv_data, data.mv_size);
    return 0;
}

//  A cursor of its own for what is put: an entry that belongs beside the one before, on the same page, is put there
//  without a search from the root. So whoever puts many puts them in the order of their keys.
static int writer_of (txn_t *txn, enum table table, MDB_cursor **ret_cursor)
{
    MDB_cursor **cursor = &txn->writers[table];
    int rc = *cursor ? 0 : mdb_cursor_open (txn->mdb, txn->store->tables[table], cursor);
    *ret_cursor = *cursor;
    return rc;
}

//  After a deletion its page may be another's.
static void writer_forget (txn_t *txn, enum table table)
{
    if (txn->writers[table])
        mdb_cursor_close (txn->writers[table]);
    txn->writers[table] = NULL;
}

static int put (txn_t *txn, enum table table, slice_t key, slice_t value, unsigned int flags)
{
    assert (txn->write);
    MDB_cursor *cursor;
    int rc = txn_check (txn);
    if (rc)
        return rc;
    uint64_t sum = checksum (key, value.data, value.size);
    MDB_val k = val_of (key), data = {CHECKSUM_SIZE + value.size, NULL};
    rc = writer_of (txn, table, &cursor);
    if (rc == 0)
        rc = mdb_cursor_put (cursor, &k, &data, flags | MDB_RESERVE);
    if (rc == MDB_KEYEXIST)
        return flags & MDB_NOOVERWRITE ? ERR_EXISTS : txn_corrupt (txn);
    if (rc)
        return txn_result (txn, rc);
    memcpy (data.mv_data, &sum, CHECKSUM_SIZE);
    if (value.size)
        memcpy ((uint8_t *)data.mv_data + CHECKSUM_SIZE, value.data, value.size);
    return 0;
}

int table_put (txn_t *txn, enum table table, slice_t key, slice_t value)
{
    return put (txn, table, key, value, 0);
}

int table_insert (txn_t *txn, enum table table, slice_t key, slice_t value)
{
    return put (txn, table, key, value, MDB_NOOVERWRITE);
}

int table_append (txn_t *txn, enum table table, slice_t key, slice_t value)
{
    return put (txn, table, key, value, MDB_APPEND);
}

int table_delete (txn_t *txn, enum table table, slice_t key)
{
    assert (txn->write);
    int rc = txn_check (txn);
    if (rc)
        return rc;
    MDB_val k = val_of (key);
    writer_forget (txn, table);
    return txn_result (txn, mdb_del (txn->mdb, txn->store->tables[table], &k, NULL));
}

int table_clear (txn_t *txn, enum table table)
{
    assert (txn->write);
    int rc = txn_check (txn);
    writer_forget (txn, table);
    return rc ? rc : txn_result (txn, mdb_drop (txn->mdb, txn->store->tables[table], 0));
}

int table_count (txn_t *txn, enum table table, uint64_t *ret_count)
{
    MDB_stat stat;
    int rc = txn_check (txn);
    if (rc == 0)
        rc = txn_result (txn, mdb_stat (txn->mdb, txn->store->tables[table], &stat));
    if (rc == 0)
        *ret_count = stat.ms_entries;
    return rc;
}

//  ---- neighbours

static int cursor_of (txn_t *txn, enum table table, MDB_cursor **ret_cursor)
{
    int rc = txn_check (txn);
    if (!rc && !txn->cursors[table])
        rc = txn_result (
            txn, mdb_cursor_open (txn->mdb, txn->store->tables[table], &txn->cursors[table]));
    if (!rc)
        *ret_cursor = txn->cursors[table];
    return rc;
}

static int found (
    txn_t *txn, int rc, const MDB_val *k, const MDB_val *data, slice_t *ret_key, slice_t *ret_value)
{
    rc = txn_result (txn, rc);
    if (rc)
        return rc;
    *ret_key = slice_of (k->mv_data, k->mv_size);
    return verified (txn, *ret_key, data, ret_value);
}

//  LMDB wants a key of at least one byte, and a search for "" means the beginning.
static int search (MDB_cursor *cursor, slice_t key, MDB_val *k, MDB_val *data)
{
    *k = val_of (key);
    return mdb_cursor_get (cursor, k, data, key.size ? MDB_SET_RANGE : MDB_FIRST);
}

int table_seek (txn_t *txn, enum table table, slice_t key, slice_t *ret_key, slice_t *ret_value)
{
    MDB_cursor *cursor;
    int rc = cursor_of (txn, table, &cursor);
    if (rc)
        return rc;
    MDB_val k, data;
    rc = search (cursor, key, &k, &data);
    return found (txn, rc, &k, &data, ret_key, ret_value);
}

//  A writer's deletions leave a cursor between entries, so only a reader trusts where it stands.
static bool stands_at (txn_t *txn, MDB_cursor *cursor, slice_t key)
{
    MDB_val k;
    return !txn->write && mdb_cursor_get (cursor, &k, NULL, MDB_GET_CURRENT) == 0 &&
           slice_equal (slice_of (k.mv_data, k.mv_size), key);
}

int table_next (txn_t *txn, enum table table, slice_t after, slice_t *ret_key, slice_t *ret_value)
{
    MDB_cursor *cursor;
    int rc = cursor_of (txn, table, &cursor);
    if (rc)
        return rc;
    MDB_val k, data;
    if (stands_at (txn, cursor, after))
        rc = mdb_cursor_get (cursor, &k, &data, MDB_NEXT);
    else {
        rc = search (cursor, after, &k, &data);
        if (rc == 0 && slice_equal (slice_of (k.mv_data, k.mv_size), after))
            rc = mdb_cursor_get (cursor, &k, &data, MDB_NEXT);
    }
    return found (txn, rc, &k, &data, ret_key, ret_value);
}

int table_before (txn_t *txn, enum table table, slice_t key, slice_t *ret_key, slice_t *ret_value)
{
    MDB_cursor *cursor;
    int rc = cursor_of (txn, table, &cursor);
    if (rc)
        return rc;
    MDB_val k, data;
    rc = search (cursor, key, &k, &data);
    if (rc == 0)
        rc = mdb_cursor_get (cursor, &k, &data, MDB_PREV);
    else if (rc == MDB_NOTFOUND)
        rc = mdb_cursor_get (cursor, &k, &data, MDB_LAST);
    return found (txn, rc, &k, &data, ret_key, ret_value);
}

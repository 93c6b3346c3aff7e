//  table - what the tables of the store have in common (private to store/)
//
//  A transaction knows its tables by number, builds keys on the stack, and reads and writes values
//  behind a checksum of 8 bytes:
//
//      value = XXH3-64 (what follows, seeded with XXH3-64 of the key's bytes), big endian 8
//              what follows
//
//  so a value that was changed on the disk, or that stands under another key than its own, does
//  not pass. Numbers in keys are big endian; numbers inside values are big endian where their
//  size is fixed, else varints: seven bits a byte, least significant first, the top bit set on
//  all but the last.

#ifndef TIDEPOOL_STORE_TABLE_H
#define TIDEPOOL_STORE_TABLE_H

#include <assert.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store/resources.h"
#include "store/store.h"

enum table {
    TABLE_META,
    TABLE_ORIGINS,
    TABLE_RESOURCES,
    TABLE_PENDING,
    TABLE_PENDING_INDEX,
    TABLE_WATERMARKS,
    TABLE_PUBLISHED,
    TABLE_CLIENTS,
    TABLE_SHARED,
    TABLE_TOMBSTONES,
    TABLE_ASIDE,
    TABLE_OWNED,
    TABLE_OWNED_UPDATED,
    TABLE_OWNED_MARKERS,
    TABLE_TALLIES,
    TABLE_DERIVED,
    TABLE_DERIVED_SOURCES,
    TABLE_LOCAL,
    TABLE_CHANGES,
    TABLE_NODE,
    TABLE_COUNT
};

//  The numbers that outlive the rows they counted; one value of `meta`, written at commit.
typedef struct counters {
    uint64_t sequence;   // of the last batch in the log
    uint64_t batches;    // that are in it
    uint64_t operations; // in these
    uint64_t bytes;      // of these
    uint64_t cursor;     // of the last change
    uint64_t forgotten;  // largest cursor of a deletion that `changes` has forgotten
    uint32_t origins;    // last number given to a client
    uint32_t resources;  // last number given to a resource
} counters_t;

#define ORIGIN_CACHE 64 // a power of two

typedef struct origin {
    uint32_t number; // 0: an empty place
    uuid16_t client;
} origin_t;

//  How far the recount of all tables has come (scrub.h). What lies at or before the place is counted in the sums; a
//  change of it moves them too, so that they are exact whatever is written meanwhile.
typedef struct recount {
    char resource[LIMIT_NAME_BYTES + 1]; // being counted, or counted last; empty: none yet
    bool running;                        // being counted
    uint32_t number;
    uint8_t place[36]; // the key that was read last
    size_t place_size; // 0: none yet
    uint64_t count;
    digest_t digest;
} recount_t;

typedef struct slot slot_t;                     // a resource as a transaction knows it: visible.h
typedef struct changed_record changed_record_t; // visible.h

struct store {
    MDB_env *env;
    MDB_dbi tables[TABLE_COUNT];
    pthread_rwlock_t lock; // shared: a transaction; exclusive: the map is being changed
    uint64_t map_size;
    uint64_t map_size_max;
    unsigned int flags; // of mdb_env_open
    char *dir;
    txn_t *writer; // the one writing transaction; keeps its memory
    atomic_int fail_error;
    _Atomic uint64_t fail_after;
    recount_t scrub; // as of the last commit
};

struct txn {
    store_t *store;
    MDB_txn *mdb;
    bool write;
    int failed; // the error that killed it
    MDB_cursor *cursors[TABLE_COUNT];
    MDB_cursor *writers[TABLE_COUNT]; // stands where the last entry was put; NULL after a deletion

    bool counters_loaded;
    bool counters_dirty;
    counters_t counters;

    origin_t by_number[ORIGIN_CACHE];
    origin_t by_client[ORIGIN_CACHE];

    slot_t **slots; // the first slot_count are in use, slot_allocated have memory
    size_t slot_count;
    size_t slot_allocated;
    size_t slot_capacity;
    slot_t *slot_last;
    bool slots_linked; // all resources are here, derived ones hang from their sources

    changed_record_t *group; // changes of the group that is open, by cursor
    size_t group_count;
    size_t group_capacity;

    recount_t scrub;
    uint64_t damaged;        // records that were set aside in this transaction
    timestamp_t *tombstones; // the deletions of the record that was loaded last
    size_t tombstone_count;
    size_t tombstone_capacity;

    record_t record; // scratch, kept from call to call
    record_t other;
    buffer_t before;
    buffer_t after;
    buffer_t row;
    buffer_t packed;
    buffer_t loaded; // a writer's own copy of the record that it loaded last
};

//  ---- keys

typedef struct table_key {
    uint8_t bytes[464];
    size_t size;
} table_key_t;

static inline slice_t key_slice (const table_key_t *self)
{
    return slice_of (self->bytes, self->size);
}

static inline void key_clear (table_key_t *self)
{
    self->size = 0;
}

static inline void key_add (table_key_t *self, const void *data, size_t size)
{
    assert (self->size + size <= sizeof self->bytes);
    if (size)
        memcpy (self->bytes + self->size, data, size);
    self->size += size;
}

static inline void key_u8 (table_key_t *self, uint8_t value)
{
    key_add (self, &value, sizeof value);
}

static inline void key_u32 (table_key_t *self, uint32_t value)
{
    value = __builtin_bswap32 (value);
    key_add (self, &value, sizeof value);
}

static inline void key_u64 (table_key_t *self, uint64_t value)
{
    value = __builtin_bswap64 (value);
    key_add (self, &value, sizeof value);
}

static inline void key_uuid (table_key_t *self, const uuid16_t *value)
{
    key_add (self, value->bytes, sizeof value->bytes);
}

//  (resource, uuid): the key of `shared`, `derived` and `local`.
static inline void key_record (table_key_t *self, uint32_t resource, const uuid16_t *uuid)
{
    key_clear (self);
    key_u32 (self, resource);
    key_uuid (self, uuid);
}

static inline bool slice_begins (slice_t self, slice_t prefix)
{
    return self.size >= prefix.size && memcmp (self.data, prefix.data, prefix.size) == 0;
}

//  ---- values

static inline void add_u32 (buffer_t *out, uint32_t value)
{
    value = __builtin_bswap32 (value);
    buffer_append (out, &value, sizeof value);
}

static inline void add_u64 (buffer_t *out, uint64_t value)
{
    value = __builtin_bswap64 (value);
    buffer_append (out, &value, sizeof value);
}

static inline void add_uuid (buffer_t *out, const uuid16_t *value)
{
    buffer_append (out, value->bytes, sizeof value->bytes);
}

void add_varint (buffer_t *out, uint64_t value);

//  Each takes from the front of the slice; false, with nothing taken, where that is not there.
bool take_bytes (slice_t *from, void *ret_bytes, size_t size);
bool take_u32 (slice_t *from, uint32_t *ret_value);
bool take_u64 (slice_t *from, uint64_t *ret_value);
bool take_uuid (slice_t *from, uuid16_t *ret_value);
bool take_varint (slice_t *from, uint64_t *ret_value);

//  ---- reading and writing

//  The value without its checksum; ERR_NOT_FOUND.
int table_get (txn_t *txn, enum table table, slice_t key, slice_t *ret_value);
//  The value as it stands, checksum and all, passed or not; also in a transaction that ERR_CORRUPT killed.
int table_get_raw (txn_t *txn, enum table table, slice_t key, slice_t *ret_bytes);
int table_put (txn_t *txn, enum table table, slice_t key, slice_t value);
//  ERR_EXISTS where there is an entry of this key already.
int table_insert (txn_t *txn, enum table table, slice_t key, slice_t value);
//  The key is larger than all that are there; ERR_CORRUPT if it is not.
int table_append (txn_t *txn, enum table table, slice_t key, slice_t value);
int table_delete (txn_t *txn, enum table table, slice_t key); // ERR_NOT_FOUND
int table_clear (txn_t *txn, enum table table);

//  The first entry >= key, or > key; ERR_NOT_FOUND at the end of the table. A reader that goes on
//  from the key it was given last pays one step, not a search. With ERR_CORRUPT for a value that does not pass,
//  *ret_key is its key all the same.
int table_seek (txn_t *txn, enum table table, slice_t key, slice_t *ret_key, slice_t *ret_value);
int table_next (txn_t *txn, enum table table, slice_t after, slice_t *ret_key, slice_t *ret_value);
//  How many entries there are.
int table_count (txn_t *txn, enum table table, uint64_t *ret_count);
//  The last entry < key.
int table_before (txn_t *txn, enum table table, slice_t key, slice_t *ret_key, slice_t *ret_value);

//  Marks the transaction dead if the error is one that kills it; answers the error.
int txn_fail (txn_t *txn, int error);
//  What LMDB or errno says, as one of our errors.
int store_error (store_t *self, int rc);
//  An injected failure (store_fail_after), or 0.
int store_fault (store_t *self);
//  The error of a value that does not have the form it was written in.
static inline int txn_corrupt (txn_t *txn)
{
    txn_fail (txn, ERR_CORRUPT);
    return ERR_CORRUPT;
}

//  ---- open.c: the environment, its map and its tables

int environment_open (store_t *self);
void environment_close (store_t *self);
int environment_resize (store_t *self, uint64_t map_size);
int tables_open (store_t *self);

//  ---- counters.c

//  In a writing transaction the caller may change what it gets, and then sets counters_dirty.
int counters_get (txn_t *txn, counters_t **ret_counters);
int counters_flush (txn_t *txn);

//  ---- origins.c: clients as small numbers

int origins_find (txn_t *txn, const uuid16_t *client, uint32_t *ret_number); // ERR_NOT_FOUND
int origins_intern (txn_t *txn, const uuid16_t *client, uint32_t *ret_number);
int origins_client (txn_t *txn, uint32_t number, uuid16_t *ret_client); // ERR_CORRUPT
origins_t origins_of (txn_t *txn); // for record_pack and record_unpack

#endif

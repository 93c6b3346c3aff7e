//  store - what is kept: one LMDB environment and its transactions
//
//  One environment per data directory and process. Readers open short transactions in any thread
//  (none lives across a poll, none longer than 100 ms); one thread, the actor oplog's, opens
//  writing ones. Everything that a function hands out of a transaction borrows its memory until
//  the transaction ends, or, in a writing one, until the next write.
//
//  Caveats first: see README.md ("What LMDB does not do for us"): every value carries a checksum,
//  the map grows by itself, a commit that fails loses that transaction only.
//
//  All functions answer 0 or one of: ERR_STORAGE_FAILED (the disk), ERR_STORAGE_FULL,
//  ERR_MAP_FULL (the transaction is dead: abort it, store_grow, run it again), ERR_CORRUPT
//  (checksum), ERR_NOT_FOUND where said. A writing transaction in which any function failed with
//  one of the first four must be aborted.

#ifndef TIDEPOOL_STORE_H
#define TIDEPOOL_STORE_H

#include "messages/batch.h"
#include "messages/client.h"
#include "messages/digest.h"
#include "messages/error.h"
#include "messages/record.h"
#include "messages/resource.h"
#include "messages/row.h"
#include "messages/vector.h"

typedef struct store store_t;
typedef struct txn txn_t;

typedef struct store_options {
    uint64_t map_size;     // bytes to map at the start; 0: 1 TiB, or less where that does not fit
    uint64_t map_size_max; // never more than this; 0: no bound
    bool no_sync;          // only for tests on a RAM disk
} store_options_t;

//  Opens DIR/data.mdb (and lock.mdb), making them 0600 where they are not. Checks that the file
//  is as long as its meta page says (a file cut short would fault later), the version of each
//  table, clears the reader slots of dead processes. ERR_CORRUPT, ERR_WRONG_VERSION,
//  ERR_STORAGE_FAILED. Interns nothing, declares nothing: a fresh store is empty but for its
//  versions.
int store_open (const char *dir, const store_options_t *options, store_t **ret_store);
void store_destroy (store_t **self_p);

int store_begin (store_t *self, bool write, txn_t **ret_txn);
//  Commits and frees the transaction whatever happens; on failure nothing of it is kept. A writing
//  transaction in which nothing was written costs nothing.
int store_commit (txn_t **txn_p);
void store_abort (txn_t **txn_p);

//  Makes the map larger; waits until every transaction of the process is at rest, so the calling
//  thread must have none. ERR_STORAGE_FULL at map_size_max.
int store_grow (store_t *self);

//  Bytes of the file in use and of the map.
void store_usage (store_t *self, uint64_t *ret_used, uint64_t *ret_map);

//  Frees slots of readers that died (each minute).
void store_sweep_readers (store_t *self);

//  A write, commit or read of a table fails with this error, once, after so many calls that still
//  succeed; for tests of what is done then. 0 clears.
void store_fail_after (store_t *self, uint64_t after, int error);

#endif

//  owned - rows that only their client writes; derived - what follows from them; local - what
//  never travels
//
//  A row lives under (resource, owner, uuid); an index (owner, updated) -> row is what a link
//  reads. A deleted row stays as a marker, until that is forgotten. Each put keeps count, digest, `changes`, the sums of
//  its owner (tallies.h) and every resource derived from this one in step, in the same transaction.
//
//  All answer ERR_UNKNOWN_RESOURCE where the resource is not declared, ERR_MALFORMED where it is of
//  another kind.

#ifndef TIDEPOOL_STORE_OWNED_H
#define TIDEPOOL_STORE_OWNED_H

#include "messages/renaming.h"
#include "store/store.h"

//  Stores the row if its `updated` is past what is here for it; otherwise changes nothing (0). An
//  empty value deletes. ERR_MALFORMED if another row of this owner has the same `updated`.
int owned_put (txn_t *txn, const uuid16_t *owner, const row_t *row);

//  The row as it is, markers included (empty value); ERR_NOT_FOUND.
int owned_get (
    txn_t *txn, slice_t resource, const uuid16_t *owner, const uuid16_t *uuid, row_t *ret_row);

//  Visible rows in the order of (owner, uuid); begin with NULLs; owner_only (may be NULL) keeps
//  to one owner. ERR_NOT_FOUND at the end.
int owned_next (txn_t *txn, slice_t resource, const uuid16_t *owner_only,
    const uuid16_t *after_owner, const uuid16_t *after_uuid, uuid16_t *ret_owner, row_t *ret_row);

//  The owner's row with the smallest `updated` > after, markers included; ERR_NOT_FOUND.
int owned_stream (txn_t *txn, const uuid16_t *owner, uint64_t after, row_t *ret_row);

//  The largest `updated` of this owner's rows; 0 where it has none.
int owned_last (txn_t *txn, const uuid16_t *owner, uint64_t *ret_updated);

//  Stamps the owner's rows anew (messages/renaming.h): they keep their order, and all else.
int owned_rename (txn_t *txn, const renaming_t *renaming);

//  Drops the rows of an owner with `updated` > after, markers included, in slices: at most `most` rows; *ret_left says
//  whether some are left. They are gone as if they had never been, but for what `changes` tells.
int owned_drop (txn_t *txn, const uuid16_t *owner, uint64_t after, size_t most, bool *ret_left);

//  Forgets the owner's markers with `updated` <= upto, the oldest first, at most `most` of them.
int owned_forget (txn_t *txn, const uuid16_t *owner, uint64_t upto, size_t most,
    size_t *ret_forgotten, bool *ret_left);

//  How many markers there are, of all owners.
int owned_markers (txn_t *txn, uint64_t *ret_count);

//  ---- derived (read only; owned_put writes them). `updated` is that of the row it shows, and
//  whose row that is: what `changes` says of it, too.
int derived_get (txn_t *txn, slice_t resource, const uuid16_t *uuid, timestamp_t *ret_updated,
    slice_t *ret_value);
int derived_next (txn_t *txn, slice_t resource, const uuid16_t *after, uuid16_t *ret_uuid,
    timestamp_t *ret_updated, slice_t *ret_value);

//  Compares derived records with the rows that they come from, resource by resource, and puts right what differs: sources,
//  records, count and digest. Begin with a zeroed struct, and go on, each time in a writing transaction of its own, until
//  *ret_done; others may write in between. `most` bounds a slice, in rows or records; a record of very many rows is
//  one of them. Where nothing differs nothing is written.
typedef struct rebuild {
    char resource[LIMIT_NAME_BYTES + 1];
    int phase;      // derived_rebuild.c
    bool has_place; // owner and uuid say how far it has come
    uuid16_t owner;
    uuid16_t uuid;
    uint64_t mended; // what was put right
    uint64_t mended_before;
} rebuild_t;
int derived_rebuild (txn_t *txn, rebuild_t *self, size_t most, bool *ret_done);

//  ---- local
int local_get (
    txn_t *txn, slice_t resource, const uuid16_t *uuid, uint64_t *ret_updated, slice_t *ret_value);
//  An empty value deletes.
int local_put (txn_t *txn, slice_t resource, const uuid16_t *uuid, uint64_t updated, slice_t value);
int local_next (txn_t *txn, slice_t resource, const uuid16_t *after, uuid16_t *ret_uuid,
    uint64_t *ret_updated, slice_t *ret_value);

#endif

//  tallies - of each owner: how many rows are here and their digest, and what it has signed of them last
//
//  The sums follow each change of a row (owned_put, owned_drop). An owner whose sums are not stored, because its rows
//  were there before this table was, has them counted once, by a walk over its rows.

#ifndef TIDEPOOL_STORE_TALLIES_H
#define TIDEPOOL_STORE_TALLIES_H

#include "messages/tally.h"
#include "store/store.h"

//  The visible rows of this owner that are here, of all resources.
int tallies_sums (txn_t *txn, const uuid16_t *owner, uint64_t *ret_count, digest_t *ret_digest);

//  The newest tally with which what is here agreed when its `upto` was the watermark here; ERR_NOT_FOUND.
int tallies_get (txn_t *txn, const uuid16_t *owner, tally_t *ret_tally);
int tallies_put (txn_t *txn, const tally_t *tally);
int tallies_forget (txn_t *txn, const uuid16_t *owner); // the tally, not the sums

//  ---- private to store/

//  Counts the owner's rows, if their sums are not stored yet: before any of them, or the index, changes.
int tallies_prepare (txn_t *txn, const uuid16_t *owner);

//  One row becomes another; an empty value counts for nothing. Where the sums may have to be counted first, before the
//  index changes.
int tallies_follow (txn_t *txn, const uuid16_t *owner, const row_t *before, const row_t *after);

#endif

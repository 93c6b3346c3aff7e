//  watermarks - this node's version vectors, and what each origin has published to have seen

#ifndef TIDEPOOL_STORE_WATERMARKS_H
#define TIDEPOOL_STORE_WATERMARKS_H

#include "store/store.h"

enum watermark_kind {
    WATERMARK_SHARED, // batches
    WATERMARK_ROWS,   // owned rows, per owner; no hash
    WATERMARK_BASE    // batches that have left the log, or never were in it: what the log stands on
};

//  Loads the whole vector (cleared first).
int watermarks_load (txn_t *txn, enum watermark_kind kind, vector_t *ret_vector);
int watermarks_put (txn_t *txn, enum watermark_kind kind, const watermark_t *watermark);

//  Takes a client's watermark away: what is here of it is to be fetched again, or, of rows, was dropped.
int watermarks_forget (txn_t *txn, enum watermark_kind kind, const uuid16_t *client);

//  All of a kind; only for a copy.
int watermarks_clear (txn_t *txn, enum watermark_kind kind);

//  What an origin has published to have seen, accumulated over its batches (uptos, no hashes):
//  loads into a cleared vector.
int published_load (txn_t *txn, const uuid16_t *origin, vector_t *ret_vector);
//  Raises the origin's published vector by these entries; acknowledgements never fall.
int published_raise (txn_t *txn, const uuid16_t *origin, const vector_t *seen);
//  Walks the origins that have published something: the first > after (zero: from the start);
//  ERR_NOT_FOUND.
int published_clear (txn_t *txn); // all of it; only for a copy
int published_next (txn_t *txn, const uuid16_t *after, uuid16_t *ret_origin);

#endif

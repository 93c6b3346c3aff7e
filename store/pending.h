//  pending - the log: `pending_operations`
//
//  Sealed batches in this node's commit order, by sequence number (1, 2, …, never reused), as
//  they came. The truth; all record tables are its materialisation. An index (origin, upto) ->
//  sequence finds a peer's place.

#ifndef TIDEPOOL_STORE_PENDING_H
#define TIDEPOOL_STORE_PENDING_H

#include "store/store.h"

//  Appends the batch's bytes, and nothing else.
int pending_append (txn_t *txn, const batch_t *batch, uint64_t *ret_sequence);

//  A batch that the disk has spoilt, so that its checksum does not pass, keeps its place here: its entry in the index says whose it is. It harms no other, and the transaction lives on. It is taken once more
//  from a member (pending_mend), or is flushed by its key.

//  The batch at this sequence, or the first behind it that can be read; ERR_NOT_FOUND at the end of the log.
int pending_read (txn_t *txn, uint64_t from, uint64_t *ret_sequence, slice_t *ret_bytes);

//  The same, but of one that is spoilt says so: ERR_CORRUPT, and its sequence.
int pending_look (txn_t *txn, uint64_t from, uint64_t *ret_sequence, slice_t *ret_bytes);

//  Whose batch is at this sequence? Walks the whole index: for one that cannot be read. ERR_NOT_FOUND.
int pending_whose (txn_t *txn, uint64_t sequence, uuid16_t *ret_origin, uint64_t *ret_upto);

//  Puts the bytes of the batch back where they were spoilt; whoever calls has seen that it is this one.
int pending_mend (txn_t *txn, uint64_t sequence, const batch_t *batch);

//  Puts another batch of the same origin into the place of one whose upto is `before`; ERR_NOT_FOUND.
int pending_replace (txn_t *txn, uint64_t sequence, uint64_t before, const batch_t *batch);

//  Where the batch of this origin with the smallest upto > `after` is; ERR_NOT_FOUND.
int pending_place (
    txn_t *txn, const uuid16_t *origin, uint64_t after, uint64_t *ret_upto, uint64_t *ret_sequence);

//  That batch; ERR_CORRUPT where it is spoilt.
int pending_find (
    txn_t *txn, const uuid16_t *origin, uint64_t after, uint64_t *ret_sequence, slice_t *ret_bytes);

//  The smallest sequence whose batch the vector does not cover; last + 1 if it covers all.
int pending_first_uncovered (txn_t *txn, const vector_t *vector, uint64_t *ret_sequence);

int pending_last (txn_t *txn, uint64_t *ret_sequence); // 0 for a log that never had any

//  Drops batches that the vector covers, at most `most` of them; *ret_left says whether there may be
//  more. A chain is dropped from its beginning. What is dropped the base of the log rises to
//  (watermarks.h, WATERMARK_BASE).
int pending_flush (
    txn_t *txn, const vector_t *stable, size_t most, size_t *ret_count, bool *ret_left);

//  Drops the whole log; sequences go on. Only for a copy.
int pending_clear (txn_t *txn);

typedef struct pending_totals {
    uint64_t batches;
    uint64_t operations;
    uint64_t bytes;
} pending_totals_t;
int pending_totals (txn_t *txn, pending_totals_t *ret_totals);

#endif

//  shared_range - what two nodes compare of a shared resource where their digests differ, and the merge of what differs
//
//  A range is read in slices, so that no transaction lives long: each function moves the range behind what it has read.
//  Records that cannot be read are passed over: they count as not there.

#ifndef TIDEPOOL_STORE_SHARED_RANGE_H
#define TIDEPOOL_STORE_SHARED_RANGE_H

#include "messages/stretch.h"
#include "store/store.h"

//  Count and digest of what is visible in a range.
typedef struct range_sum {
    uint64_t count;
    digest_t digest;
} range_sum_t;

//  Adds what the range shows, until the sum has `count_max` records or *budget records were read (visible or not).
//  0: there may be more; ERR_NOT_FOUND: the range is through; ERR_UNKNOWN_RESOURCE, ERR_MALFORMED (not a shared one).
int shared_range_sum (txn_t *txn, slice_t resource, range_t *range, uint64_t count_max,
    size_t *budget, range_sum_t *sum);

//  Appends the range's records as a stretch, deleted ones too, until about size_max bytes. ERR_NOT_FOUND: the range is
//  through. A record that alone is larger than record_max is left out.
int shared_range_out (txn_t *txn, slice_t resource, range_t *range, size_t size_max,
    size_t record_max, buffer_t *out);

//  Merges a state of somebody else's into the record (record_merge.h), in a writing transaction, and keeps count,
//  digest and `changes` in step. *ret_changed says whether anything of it became other.
int shared_merge (
    txn_t *txn, slice_t resource, const uuid16_t *uuid, const record_t *theirs, bool *ret_changed);

#endif

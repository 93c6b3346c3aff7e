//  scrub - counts and digests, computed anew from the tables, slice by slice
//
//  The counters follow each change; of what is altered behind the node's back they know nothing, nor of a bit that
//  flips. So oplog reads everything again and again, a slice now and then, and puts right what does not match: only then
//  can a peer see that two nodes differ. The sums hold what lies at or before the place that the recount has come to;
//  a change at or before it moves the sums by the same as the counters (scrub_follow). So they are exact at the end of a
//  resource however much is written meanwhile, and no resource need hold still.
//
//  The place lives in the store's memory, moves with each commit, and begins anew when the store is opened.

#ifndef TIDEPOOL_STORE_SCRUB_H
#define TIDEPOOL_STORE_SCRUB_H

#include "store/store.h"

enum scrub_what {
    SCRUB_GOES_ON,    // the budget is used up
    SCRUB_SOUND,      // the resource's counters are right
    SCRUB_MISCOUNTED, // they were not, and are now
    SCRUB_DAMAGED,    // a record cannot be read: a shared one is set aside now (damage.h)
    SCRUB_PASSED      // all resources are done; the next call begins with the first
};

typedef struct scrub_found {
    enum scrub_what what;
    char resource[LIMIT_NAME_BYTES + 1];
    bool shared;      // of its kind
    uuid16_t uuid;    // SCRUB_DAMAGED
    uint64_t counted; // SCRUB_MISCOUNTED: what the counters said …
    uint64_t count;   // … and how many there are
} scrub_found_t;

//  Goes on, in a writing transaction, until something is found or *budget is used up: one for a record, and one for
//  each KiB of a value.
int scrub_step (txn_t *txn, uint64_t *budget, scrub_found_t *ret_found);

//  ---- private to store/

typedef struct slot slot_t;

void scrub_follow (txn_t *txn, const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    const digest_t *item, bool come);

#endif

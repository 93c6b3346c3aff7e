//  damage - shared records that cannot be read any more
//
//  A value that does not pass its checksum says nothing, and would stop every transaction that meets it. So whoever
//  meets one in a writing transaction sets it aside: its bytes go to the node table (NODE_DAMAGED), for people; the
//  record counts as one that never was, and is taken as it is from a peer (semantics.md, "Divergence"). Count and
//  digest of the resource still hold what it once showed, which nobody knows any more: a recount puts them right
//  (scrub.h).

#ifndef TIDEPOOL_STORE_DAMAGE_H
#define TIDEPOOL_STORE_DAMAGE_H

#include "store/store.h"

//  How many were set aside in this transaction.
uint64_t damage_count (txn_t *txn);

//  Walks those that are aside: begin with an empty resource and any uuid, and go on with what was given;
//  ERR_NOT_FOUND at the end.
int damage_next (txn_t *txn, char resource[LIMIT_NAME_BYTES + 1], uuid16_t *uuid);

//  Is the record aside?
int damage_is (txn_t *txn, slice_t resource, const uuid16_t *uuid, bool *ret_is);

//  The record is whole again: forgets its bytes. *ret_was says whether it was aside.
int damage_end (txn_t *txn, slice_t resource, const uuid16_t *uuid, bool *ret_was);

//  ---- private to store/

typedef struct slot slot_t;

//  Sets the record aside in a transaction that ERR_CORRUPT has just killed, which lives on then: ERR_NOT_FOUND, as of
//  a record that is not there. ERR_CORRUPT where more than this one value is at fault.
int damage_aside (txn_t *txn, const slot_t *slot, const uuid16_t *uuid);

#endif

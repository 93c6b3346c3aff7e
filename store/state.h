//  state - one shared record as it is stored (private to store/)

#ifndef TIDEPOOL_STORE_STATE_H
#define TIDEPOOL_STORE_STATE_H

#include "store/visible.h"

typedef struct state {
    bool present; // has an entry in the table
    mark_t mark;
} state_t;

//  A record that is not there is "never was", with 0. The record borrows from the transaction.
int state_load (
    txn_t *txn, const slot_t *slot, const uuid16_t *uuid, state_t *ret_state, record_t *record);
int state_unpack (txn_t *txn, slice_t value, state_t *ret_state, record_t *record);

//  The first of this resource > after (NULL: from the start), visible or not; ERR_NOT_FOUND.
int state_next (txn_t *txn, const slot_t *slot, const uuid16_t *after, uuid16_t *ret_uuid,
    state_t *ret_state, record_t *record);

//  Makes out the visible value; empty where none is visible.
void state_show (const slot_t *slot, const record_t *record, buffer_t *out);

//  Writes the record's new state. What it showed before must be in txn->before. `fallback` (may be
//  NULL) stamps a deletion of which the record itself remembers nothing.
int state_store (txn_t *txn, slot_t *slot, const uuid16_t *uuid, state_t *state,
    const record_t *record, const timestamp_t *fallback);

//  Moves a visible record's entry in `changes` to a new cursor, or gives it one of its own if it has none: for what was
//  altered where nothing kept them in step.
int state_relist (
    txn_t *txn, slot_t *slot, const uuid16_t *uuid, state_t *state, const record_t *record);
//  ---- aside.c
int aside_put (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, const record_t *record);

//  ---- tombstones.c: the index of what a record's `deleted` holds

//  Keeps in mind which deletions the record had when it was loaded; state_load and state_next do it.
void tombstones_note (txn_t *txn, const record_t *record);
//  Brings the index from those to what the record has now.
int tombstones_move (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, const record_t *record);

#endif

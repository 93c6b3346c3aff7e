//  derived - one derived record as it is stored (private to store/)

#ifndef TIDEPOOL_STORE_DERIVED_H
#define TIDEPOOL_STORE_DERIVED_H

#include "store/visible.h"

typedef struct derived {
    mark_t mark;
    uint64_t rows;
    uint64_t owners;
    uuid16_t owner; // of the first row
    uuid16_t row;
    slice_t value; // of the transaction; empty where there are no rows
} derived_t;

//  The uuid of the derived record that a row belongs to; false if it belongs to none.
bool derived_uuid_of_row (const slot_t *slot, slice_t map, uuid16_t *ret_uuid);
//  What a derived record shows, from its first row's map.
void derived_build (const slot_t *slot, const derived_t *self, slice_t map, buffer_t *out);

//  All zero where there is none.
int derived_load (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, derived_t *ret_derived);
//  Its new value is in txn->after, what it showed before in txn->before.
int derived_store (
    txn_t *txn, slot_t *slot, const uuid16_t *uuid, derived_t *self, const timestamp_t *stamp);
//  The map of its first row.
int derived_first_map (
    txn_t *txn, const slot_t *slot, const derived_t *self, uint64_t *ret_updated, slice_t *ret_map);

#endif

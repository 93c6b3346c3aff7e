//  aside - own records that a copy replaces, kept until the return is complete

#ifndef TIDEPOOL_STORE_ASIDE_H
#define TIDEPOOL_STORE_ASIDE_H

#include "store/store.h"

//  Begin with a zeroed place.
typedef struct aside_place {
    uint8_t key[20];
    size_t size;
} aside_place_t;

//  The next record that was put aside; ERR_NOT_FOUND at the end. Names and values borrow from the
//  transaction until its next write; the record is the caller's to release.
int aside_next (txn_t *txn, aside_place_t *place, slice_t *ret_resource, uuid16_t *ret_uuid,
    record_rule_t *ret_rule, record_t *ret_record);

int aside_clear (txn_t *txn);

#endif

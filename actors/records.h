//  records - the visible records of a resource, whatever its kind
//
//  What api lists and admin verifies. Order: by (owner, uuid) where records have owners, else by uuid.

#ifndef TIDEPOOL_RECORDS_H
#define TIDEPOOL_RECORDS_H

#include "store/resources.h"

typedef struct shown {
    uuid16_t uuid;
    bool has_owner; // an owned one
    uuid16_t owner;
    timestamp_t updated; // of its last write
    slice_t value;       // canonical
} shown_t;

//  A walk. It remembers the key of the last record and nothing of the transaction, so it can go
//  on in another one.
typedef struct records {
    slice_t resource;    // its name; outlives the walk
    int kind;            // enum resource_kind
    uuid16_t client;     // this node: whose writes local records are
    bool has_owner_only; // owned: keeps to one owner
    uuid16_t owner_only;
    bool begun; // owner and uuid are those of the last record
    uuid16_t owner;
    uuid16_t uuid;
    buffer_t scratch; // the value of the last record; records_release
} records_t;

//  The next record; ERR_NOT_FOUND at the end. ret_shown->value is good until the next call, or the end of the transaction.
int records_next (records_t *self, txn_t *txn, shown_t *ret_shown);

//  The record `uuid`; of an owned resource the one of owner_only, or without that of this client, or
//  of the first owner that has it. ERR_NOT_FOUND. Does not move the walk.
int records_get (records_t *self, txn_t *txn, const uuid16_t *uuid, shown_t *ret_shown);

void records_release (records_t *self);

#endif

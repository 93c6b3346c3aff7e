//  members - the pool as it is stored: who is in it, and what each has published to have seen
//
//  For readers (link, admin) that ask messages/counting.h; oplog has all of it in memory.

#ifndef TIDEPOOL_MEMBERS_H
#define TIDEPOOL_MEMBERS_H

#include "messages/counting.h"
#include "store/clients.h"

//  A zeroed struct has none.
typedef struct members {
    client_t *clients; // ascending by uuid
    size_t count;
    vector_t shared;    // this node's own watermarks
    txn_t *txn;         // borrowed: a view reads on in it
    vector_t published; // of whom was asked last
} members_t;

int members_load (txn_t *txn, members_t *self); // 0, or an error of the store
void members_release (members_t *self);

//  Good as long as the members and their transaction are. What it says an origin has published is good until
//  it is asked for another.
pool_view_t members_view (members_t *self, const uuid16_t *me);

//  This client's own watermarks from before the copy that it takes: what it returns with. ERR_NOT_FOUND while it takes none.
int members_return_vector (txn_t *txn, vector_t *ret_mine);

#endif

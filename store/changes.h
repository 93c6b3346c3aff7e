//  changes - one entry per record at its latest visible change, in commit order
//
//  A cursor is a uint64, rising with each change, never reused. Cursor 0 is before everything, so
//  reading from 0 gives the whole visible database. An entry whose record changed again moves to
//  its new cursor.

#ifndef TIDEPOOL_STORE_CHANGES_H
#define TIDEPOOL_STORE_CHANGES_H

#include "store/store.h"

typedef struct change {
    uint64_t cursor;
    char resource[LIMIT_NAME_BYTES + 1];
    uuid16_t uuid;
    bool has_owner; // owned resources
    uuid16_t owner;
    bool deleted;
    uint64_t born;       // cursor at which it last became visible (of a deleted one: had become)
    uint64_t end;        // the last cursor of the transaction that made this change
    uint64_t updated;    // NTP time of the record's last write
    uuid16_t updated_by; // and whose it was; zero for a local one
    slice_t value;       // visible, canonical; empty where deleted; until the next call
} change_t;

//  The first change with a cursor > since; ERR_NOT_FOUND at the end. `scratch` holds the value.
//  In a writing transaction it closes the group that is open.
int changes_next (txn_t *txn, uint64_t since, buffer_t *scratch, change_t *ret_change);

int changes_last (txn_t *txn, uint64_t *ret_cursor); // of the latest change; 0 where there was none

//  Groups: all changes between two calls (or up to the commit) belong to one transaction of an app
//  or one batch; call before each. A record that changes twice in a group has one change, one that
//  comes and goes in it has none: cursors rise, but may leave gaps. An error shows at the commit.
void changes_begin_group (txn_t *txn);

#endif

//  renamed - a client's timestamps, stamped anew in the tables of records (messages/renaming.h)
//
//  What a record shows does not change, so neither do count, digest and `changes`; only the deletions that
//  `changes` tells of bear other times. Rows are this client's own.

#ifndef TIDEPOOL_STORE_RENAMED_H
#define TIDEPOOL_STORE_RENAMED_H

#include "messages/renaming.h"
#include "store/store.h"

//  Adds all timestamps that the tables of records hold.
int renamed_collect (txn_t *txn, renaming_t *renaming);

//  Renames them, in a writing transaction in which nothing else was written.
int renamed_apply (txn_t *txn, const renaming_t *renaming);

#endif

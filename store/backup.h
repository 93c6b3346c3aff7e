//  backup - all that is kept, copied out; and what a node has to know that was put back from such a copy
//
//  actors/shell/backup.h makes a file of the copy, and a data directory of the file.

#ifndef TIDEPOOL_STORE_BACKUP_H
#define TIDEPOOL_STORE_BACKUP_H

#include "store/store.h"

//  Writes what is committed now to the descriptor, without what is free: an environment's data.mdb. Others may read and
//  write meanwhile. ERR_STORAGE_FULL, ERR_STORAGE_FAILED.
int backup_copy (store_t *self, int file);

//  Nothing may be written by a node that was put back before this client's own chain is back up to this time. UNASKED:
//  members were not asked yet how far they have it. 0: nothing is missing. (actors/oplog/README.md, "Restored")
#define RESTORED_UNASKED UINT64_MAX

int restored_get (txn_t *txn, uint64_t *ret_until);
int restored_put (txn_t *txn, uint64_t until);

#endif

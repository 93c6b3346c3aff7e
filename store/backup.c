//  backup - all that is kept, copied out; and what a node has to know that was put back from such a copy

#include "store/backup.h"

#include "store/node.h"
#include "store/table.h"

static const char restored_name[] = "restored";

int backup_copy (store_t *self, int file)
{
    return store_error (self, mdb_env_copyfd2 (self->env, file, MDB_CP_COMPACT));
}

int restored_get (txn_t *txn, uint64_t *ret_until)
{
    int rc = node_get_uint (txn, restored_name, ret_until);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int restored_put (txn_t *txn, uint64_t until)
{
    return until ? node_put_uint (txn, restored_name, until)
                 : node_delete (txn, NODE_SETTINGS, slice_text (restored_name));
}

//  oplog_restored - nothing is written by a node that was put back before all that it had written is back (README.md,
//  "Restored")

#include "actors/oplog/oplog.h"

#include "store/backup.h"

int oplog_restored_load (oplog_t *self, txn_t *txn)
{
    return restored_get (txn, &self->own_until);
}

bool oplog_is_restoring (const oplog_t *self)
{
    return self->own_until > vector_upto (&self->shared, &self->setup->identity->client);
}

const char *oplog_busy (const oplog_t *self)
{
    if (self->joining)
        return "the node is joining a pool";
    if (!oplog_is_restoring (self))
        return NULL;
    return self->own_until == RESTORED_UNASKED
               ? "the node was restored from a backup: its members have yet to say what they have "
                 "of it"
               : "the node was restored from a backup: what it wrote later is on its way back";
}

//  All members were asked; once more where one that held most was removed meanwhile.
int oplog_told (oplog_t *self, step_t *step, const mail_t *mail)
{
    told_t told;
    if (step_unpack (step, mail, &told_type, &told) || !self->own_until)
        return 0;
    int rc = restored_put (step->txn, told.upto);
    self->own_until = told.upto;
    self->joined_changed = true;
    return rc;
}

int oplog_restored_end (oplog_t *self, step_t *step)
{
    if (!self->own_until || self->joining || oplog_is_restoring (self))
        return 0;
    self->own_until = 0;
    self->joined_changed = true;
    return restored_put (step->txn, 0);
}

//  oplog_seal - what a transaction of ours adds to the log and to the watermarks

#include "actors/oplog/oplog.h"

int oplog_stamp (oplog_t *self, uint64_t *ret_time)
{
    if (self->next_stamp > self->last_stamp)
        return ERR_CLOCK;
    *ret_time = self->next_stamp++;
    return 0;
}

int oplog_join (oplog_t *self, step_t *step, const operation_t *operation, const vector_t *seen)
{
    if (slice_equal (operation->resource, slice_text (CLIENTS_RESOURCE)))
        return oplog_clients_operation (self, step, operation);
    if (self->joining && !position_covers (&self->place, operation->resource, &operation->uuid))
        return 0;
    past_t past = {seen, operation->stamp};
    return shared_join (step->txn, operation, &past);
}

int oplog_shared_raise (
    oplog_t *self, step_t *step, const uuid16_t *origin, uint64_t upto, const hash_t *hash)
{
    watermark_t watermark = {*origin, upto, *hash};
    vector_set (&self->shared, origin, upto, hash);
    vector_set (&self->shared_rose, origin, upto, hash);
    return watermarks_put (step->txn, WATERMARK_SHARED, &watermark);
}

void oplog_rows_raise (oplog_t *self, const uuid16_t *owner, uint64_t upto)
{
    if (!vector_raise (&self->rows, owner, upto, NULL))
        return;
    vector_raise (&self->rows_rose, owner, upto, NULL);
    self->forgets = true;
}

void oplog_writer_begin (oplog_t *self)
{
    const watermark_t *own = vector_find (&self->shared, &self->setup->identity->client);
    batch_writer_begin (&self->writer, &self->setup->identity->client, own ? own->upto : 0,
        own ? &own->hash : NULL);
}

//  Which watermarks of others have risen since this node's previous batch; all of them in one that issues anew.
static void own_seen_fill (oplog_t *self, const vector_t *published)
{
    const uuid16_t *me = &self->setup->identity->client;
    vector_clear (&self->own_seen);
    for (size_t i = 0; i < self->shared.count; i++) {
        const watermark_t *mark = &self->shared.entries[i];
        if (!uuid_equal (&mark->client, me) &&
            (!published || mark->upto > vector_upto (published, &mark->client)))
            vector_set (&self->own_seen, &mark->client, mark->upto, &mark->hash);
    }
}

int oplog_seal (oplog_t *self, step_t *step, uint64_t upto, const vector_t *covers)
{
    const identity_t *identity = self->setup->identity;
    vector_t *published = oplog_past (self, &identity->client);
    hash_t hash;
    batch_t batch = {.bytes = {NULL, 0}};
    uint64_t sequence;
    own_seen_fill (self, covers ? NULL : published);
    buffer_clear (&self->sealed);
    batch_writer_seal (
        &self->writer, upto, &self->own_seen, covers, identity, &self->sealed, &hash);
    int rc = batch_decode (buffer_slice (&self->sealed), &batch);
    if (rc == 0)
        rc = pending_append (step->txn, &batch, &sequence);
    if (rc == 0)
        rc = oplog_shared_raise (self, step, &identity->client, upto, &hash);
    if (rc == 0)
        rc = published_raise (step->txn, &identity->client, &self->own_seen);
    if (rc == 0)
        rc = oplog_owes_no_more (self, step);
    if (rc == 0) {
        vector_merge (published, &self->own_seen);
        self->sealed_ns = step->now.mono_ns;
        self->sweep = true;
        metric_add (step->metrics, METRIC_BATCHES_SEALED, 1);
    }
    batch_release (&batch);
    return rc == ERR_MALFORMED || rc == ERR_TOO_LARGE ? ERR_INTERNAL : rc;
}

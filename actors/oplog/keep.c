//  oplog_keep - what is kept, and for how long: acknowledging, flushing, purging
//
//  Each batch of ours publishes what we have seen; when we have nothing to write, an empty one does,
//  not more often than `ack_interval_s` and only if something that is not empty came: so an idle pool
//  falls silent. What every member that counts has published to have seen is stable
//  (messages/counting.h): batches leave the log, deletions are forgotten, some a transaction.

#include "actors/oplog/oplog.h"

#include "messages/counting.h"

#define FLUSH_A_TRANSACTION  256 // batches
#define FORGET_A_TRANSACTION 512 // deletions

//  ---- acknowledging

static uint64_t ack_at (const oplog_t *self)
{
    return self->sealed_ns + self->setup->config->ack_interval_s * 1000000000ull;
}

static bool ack_is_due (const oplog_t *self, const step_t *step)
{
    return self->owes && !oplog_busy (self) && step->now.mono_ns >= ack_at (self);
}

//  What everybody has leaves the log, acknowledged here or not: of two nodes it leaves the reader's at once. From then on
//  a setting says that it is owed.
static int owes_note (oplog_t *self, step_t *step)
{
    if (!self->owes || self->owes_noted)
        return 0;
    self->owes_noted = true;
    return node_put_uint (step->txn, "owes", 1);
}

int oplog_owes_no_more (oplog_t *self, step_t *step)
{
    bool was_noted = self->owes_noted;
    self->owes = self->owes_noted = false;
    return was_noted ? node_delete (step->txn, NODE_SETTINGS, slice_text ("owes")) : 0;
}

static int owes_noted_load (oplog_t *self, step_t *step)
{
    slice_t stored;
    int rc = node_get (step->txn, NODE_SETTINGS, slice_text ("owes"), &stored);
    self->owes = self->owes_noted = rc == 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  Is there anything that our published `seen` does not cover and that deserves an answer?
int oplog_owes_load (oplog_t *self, step_t *step)
{
    const vector_t *published = oplog_past (self, &self->setup->identity->client);
    int error = owes_noted_load (self, step);
    if (error)
        return error;
    for (size_t i = 0; !self->owes && i < self->shared.count; i++) {
        const uuid16_t *origin = &self->shared.entries[i].client;
        uint64_t after = vector_upto (published, origin), sequence;
        slice_t bytes;
        int rc = 0;
        if (uuid_equal (origin, &self->setup->identity->client))
            continue;
        while (rc == 0 && !self->owes) {
            batch_head_t head;
            uint64_t upto;
            rc = pending_place (step->txn, origin, after, &upto, &sequence);
            if (rc == 0)
                rc = pending_find (step->txn, origin, after, &sequence, &bytes);
            if (rc && rc != ERR_CORRUPT)
                break;
            //  For one that is spoilt it is at worst said once too often.
            self->owes = rc || batch_peek (bytes, &head) || batch_wants_ack (&head);
            after = upto;
        }
        if (self->owes)
            return 0;
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
    }
    return 0;
}

//  When we last sealed is known from the time of our last batch, as well as a clock can tell.
void oplog_sealed_load (oplog_t *self, const step_t *step)
{
    uint64_t interval = self->setup->config->ack_interval_s * 1000000000ull;
    uint64_t upto = vector_upto (&self->shared, &self->setup->identity->client);
    uint64_t ago = step->now.wall > upto ? time_to_ns (step->now.wall - upto) : 0;
    ago = ago < interval ? ago : interval;
    self->sealed_ns = step->now.mono_ns > ago ? step->now.mono_ns - ago : 0;
}

int oplog_acknowledge (oplog_t *self, step_t *step)
{
    uint64_t upto;
    if (self->writer.count || !ack_is_due (self, step))
        return 0;
    int rc = oplog_stamp (self, &upto);
    if (rc)
        return 0; // this group was not granted one: the next will be
    metric_add (step->metrics, METRIC_BATCHES_EMPTY, 1);
    return oplog_seal (self, step, upto, NULL);
}

//  ---- flushing and purging

static const vector_t *published_of (const void *context, const uuid16_t *origin)
{
    static const vector_t none;
    const oplog_t *self = context;
    for (size_t i = 0; i < self->past_count; i++)
        if (uuid_equal (&self->pasts[i].origin, origin))
            return &self->pasts[i].seen;
    return &none;
}

pool_view_t oplog_pool_view (const oplog_t *self)
{
    return (pool_view_t){.me = self->setup->identity->client,
        .clients = self->clients,
        .count = self->client_count,
        .shared = &self->shared,
        .published = published_of,
        .context = self};
}

//  Whoever is found to be counted out is noted as that: what was once dropped for it stays dropped.
static int counted_out_note (oplog_t *self, step_t *step, const pool_view_t *view)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < self->client_count; i++) {
        client_t *client = &self->clients[i];
        const timestamp_t *declared = client_declared (client);
        if (!declared || timestamp_compare (declared, &client->counted_out) == 0 ||
            pool_counts (view, client))
            continue;
        client->counted_out = *declared;
        self->clients_changed = true;
        rc = clients_put (step->txn, client);
    }
    return rc;
}

int oplog_sweep (oplog_t *self, step_t *step)
{
    pool_view_t view = oplog_pool_view (self);
    size_t flushed, forgotten = 0;
    bool log_left, deletions_left = false;
    const client_t *me = oplog_client (self, &self->setup->identity->client);
    if (!self->sweep || oplog_busy (self))
        return 0;
    if (!me || !client_is_member (me)) { // not yet, or no longer: there is nobody to keep it for
        self->sweep = false;
        return 0;
    }
    int rc = counted_out_note (self, step, &view);
    if (rc)
        return rc;
    pool_stable (&view, &self->stable);
    rc = pending_flush (step->txn, &self->stable, FLUSH_A_TRANSACTION, &flushed, &log_left);
    if (rc == 0 && !pool_somebody_returns (&view))
        rc = shared_forget (
            step->txn, &self->stable, FORGET_A_TRANSACTION, &forgotten, &deletions_left);
    if (rc)
        return rc;
    if (flushed && (rc = owes_note (self, step)) != 0)
        return rc;
    metric_add (step->metrics, METRIC_BATCHES_FLUSHED, flushed);
    metric_add (step->metrics, METRIC_DELETIONS_FORGOTTEN, forgotten);
    self->sweep = log_left || deletions_left;
    return 0;
}

//  ---- when

bool oplog_keep_is_due (const oplog_t *self, const step_t *step)
{
    return self->sweep || ack_is_due (self, step) ||
           (!oplog_busy (self) && (self->drops || self->forgets));
}

void oplog_keep_wake (const oplog_t *self, step_t *step)
{
    if (oplog_busy (self))
        return;
    if (self->sweep || self->drops || self->forgets)
        step_wake_at (step, step->now.mono_ns);
    else if (self->owes)
        step_wake_at (step, ack_at (self));
}

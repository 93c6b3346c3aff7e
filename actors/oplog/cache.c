//  oplog_cache - what oplog remembers of the store
//
//  It runs ahead of the store during a transaction. When that fails it is stale, and is made anew at the
//  start of the next one.

#include "actors/oplog/oplog.h"

#include <stdlib.h>

static int clients_load (oplog_t *self, txn_t *txn)
{
    uuid16_t after;
    client_t client;
    int rc;
    self->client_count = 0;
    for (rc = clients_next (txn, NULL, &client); rc == 0;
         rc = clients_next (txn, &after, &client)) {
        client_t *grown = realloc (self->clients, (self->client_count + 1) * sizeof *grown);
        if (!grown)
            return ERR_NO_MEMORY;
        self->clients = grown;
        self->clients[self->client_count++] = client;
        after = client.uuid;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void pasts_clear (oplog_t *self)
{
    for (size_t i = 0; i < self->past_count; i++)
        vector_release (&self->pasts[i].seen);
    self->past_count = 0;
}

static int pasts_load (oplog_t *self, txn_t *txn)
{
    uuid16_t after = {{0}}, origin;
    int rc;
    pasts_clear (self);
    while ((rc = published_next (txn, &after, &origin)) == 0) {
        rc = published_load (txn, &origin, oplog_past (self, &origin));
        if (rc)
            return rc;
        after = origin;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int oplog_cache_load (oplog_t *self, txn_t *txn)
{
    slice_t pool;
    int rc = watermarks_load (txn, WATERMARK_SHARED, &self->shared);
    if (rc == 0)
        rc = watermarks_load (txn, WATERMARK_ROWS, &self->rows);
    if (rc == 0)
        rc = clients_load (self, txn);
    if (rc == 0)
        rc = pasts_load (self, txn);
    if (rc == 0)
        rc = oplog_position_load (self, txn);
    if (rc == 0)
        rc = oplog_restored_load (self, txn);
    if (rc == 0)
        rc = oplog_drops_load (self, txn);
    if (rc == 0) {
        rc = node_get (txn, NODE_SETTINGS, slice_text ("pool"), &pool);
        self->has_pool = rc == 0;
        rc = rc == ERR_NOT_FOUND ? 0 : rc;
    }
    return rc;
}

client_t *oplog_client (oplog_t *self, const uuid16_t *client)
{
    size_t low = 0, high = self->client_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = uuid_compare (&self->clients[middle].uuid, client);
        if (order == 0)
            return &self->clients[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

vector_t *oplog_past (oplog_t *self, const uuid16_t *origin)
{
    size_t at = 0;
    while (at < self->past_count && uuid_compare (&self->pasts[at].origin, origin) < 0)
        at++;
    if (at < self->past_count && uuid_equal (&self->pasts[at].origin, origin))
        return &self->pasts[at].seen;
    origin_past_t *grown = realloc (self->pasts, (self->past_count + 1) * sizeof *grown);
    if (!grown)
        abort ();
    self->pasts = grown;
    memmove (grown + at + 1, grown + at, (self->past_count - at) * sizeof *grown);
    grown[at] = (origin_past_t){*origin, {NULL, 0, 0}};
    self->past_count++;
    return &grown[at].seen;
}

//  A cache made anew knows nothing of what is owed or could go.
int oplog_cache_make (oplog_t *self, step_t *step)
{
    int rc = oplog_cache_load (self, step->txn);
    if (rc == 0)
        rc = oplog_owes_load (self, step);
    if (self->sealed_ns == 0)
        oplog_sealed_load (self, step);
    self->sweep = self->forgets = true;
    //  Own rows that came in the transaction that failed are not here: they come once more.
    self->back.upto = self->back.count = 0;
    self->back.digest = (digest_t){0, 0};
    return rc;
}

static bool is_admission_again (const client_t *known, const operation_t *operation)
{
    return operation->action == ACTION_CREATE && !timestamp_is_none (&known->admitted) &&
           uuid_equal (&operation->stamp.client, &operation->uuid);
}

//  This node's own word that it is back. Of all such words the record keeps the last, and another's, for its half, may come
//  later and hide it.
static int own_word_keep (oplog_t *self, step_t *step, const operation_t *operation)
{
    const uuid16_t *me = &self->setup->identity->client;
    client_t said = {.uuid = *me};
    if (!uuid_equal (&operation->uuid, me) || !uuid_equal (&operation->stamp.client, me) ||
        !client_join (&said, operation) || timestamp_is_none (&said.back))
        return 0;
    return node_put_uint (step->txn, "came_back", said.back.time);
}

//  An operation on `clients`. Who admits itself is heard once, as the founder of a pool: a client that
//  was alone before it joined brings that operation along, and it says nothing any more.
int oplog_clients_operation (oplog_t *self, step_t *step, const operation_t *operation)
{
    client_t fresh = {.uuid = operation->uuid};
    client_t *known = oplog_client (self, &operation->uuid);
    if (known && is_admission_again (known, operation))
        return 0;
    client_t client = known ? *known : fresh;
    int rc = own_word_keep (self, step, operation);
    if (rc || !client_join (&client, operation))
        return rc;
    rc = clients_put (step->txn, &client);
    if (rc)
        return rc;
    self->clients_changed = true;
    if (known) {
        *known = client;
        return 0;
    }
    return clients_load (self, step->txn);
}

void oplog_cache_release (oplog_t *self)
{
    vector_release (&self->shared);
    vector_release (&self->rows);
    pasts_clear (self);
    free (self->pasts);
    free (self->clients);
}

//  pool_record - what this client says of itself; the beginning of a pool

#include "actors/pool/pool.h"

static void client_name_set (client_t *client, const char *name)
{
    size_t size = strlen (name);
    size = size < sizeof client->name ? size : sizeof client->name - 1;
    memcpy (client->name, name, size);
    client->name[size] = 0;
}

static void record_now (const pool_t *self, client_t *client)
{
    const config_t *config = self->setup->config;
    const endpoint_list_t *list = config->advertise.count ? &config->advertise : &self->endpoints;
    size_t size = strlen (self->setup->version);
    client_name_set (client, config->name);
    size = size < sizeof client->version ? size : sizeof client->version - 1;
    memcpy (client->version, self->setup->version, size);
    client->version[size] = 0;
    client->endpoint_count = list->count;
    memcpy (client->endpoints, list->items, sizeof client->endpoints);
}

static bool record_differs (const client_t *a, const client_t *b)
{
    if (strcmp (a->name, b->name) != 0 || strcmp (a->version, b->version) != 0 ||
        a->endpoint_count != b->endpoint_count)
        return true;
    for (size_t i = 0; i < a->endpoint_count; i++)
        if (strcmp (a->endpoints[i], b->endpoints[i]) != 0)
            return true;
    return false;
}

//  States the record anew if what the log says of this client is no longer so.
void pool_record_state (pool_t *self, step_t *step)
{
    client_t stored, now;
    slice_t joining;
    if (!self->has_pool || !self->bound || self->stating ||
        node_get (step->txn, NODE_SETTINGS, slice_text ("joining"), &joining) == 0 ||
        clients_get (step->txn, &self->me, &stored) || !client_is_member (&stored))
        return;
    now = stored;
    record_now (self, &now);
    if (!record_differs (&stored, &now))
        return;
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0};
    client_pack_record (&now, &value);
    pool_clients_put (&clients, ACTION_UPDATE, &self->me, &value);
    self->stating = true;
    pool_write (
        self, step, pool_task (self, TASK_RECORD, NULL), "this client's record", &clients, NULL);
    buffer_release (&value);
    buffer_release (&clients);
}

//  The beginning of a pool: an identifier, and this client admitted by itself.
void pool_genesis (pool_t *self, step_t *step)
{
    client_t founder;
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0}, node = {NULL, 0, 0};
    memset (&founder, 0, sizeof founder);
    founder.uuid = self->me;
    founder.key = self->setup->identity->key;
    client_name_set (&founder, self->setup->config->name);
    step->random (step->context, &self->pool, sizeof self->pool);
    client_pack_admission (&founder, &self->pool, &value);
    pool_clients_put (&clients, ACTION_CREATE, &self->me, &value);
    pool_node_put (
        &node, NODE_SETTINGS, slice_text ("pool"), slice_of (&self->pool, sizeof self->pool));
    pool_write (self, step, pool_task (self, TASK_GENESIS, NULL), "the beginning of a pool",
        &clients, &node);
    buffer_release (&value);
    buffer_release (&clients);
    buffer_release (&node);
}

//  pool_stale - whom nobody has seen for too long
//
//  A member that no member has seen for stale_after_s is declared stale, by an operation in the log:
//  once that is causally stable nothing is kept for it any more, and it has to return
//  (semantics.md, "Flushing and purging"). Who has just come back itself does not judge: it first
//  meets others for as long as it takes, an hour at most, to hear whom they have seen.

#include "actors/pool/pool.h"

#include "messages/counting.h"

#define MEETING_S 3600
#define STALE_PINGS                                                                                \
    6 // who is linked pings, and an age that comes over another is some pings late (seen.c)

static uint64_t later (uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

//  Never less than what it takes to hear of somebody who is there.
static uint64_t stale_after_s (const pool_t *self)
{
    const config_t *config = self->setup->config;
    return later (config->stale_after_s, STALE_PINGS * config->ping_interval_s);
}

//  When the client was last seen, by anybody; not before it was admitted, or came back.
static uint64_t seen_at (const pool_t *self, const client_t *client)
{
    uint64_t at = later (client->admitted.time, later (client->back.time, client->returning.time));
    for (size_t i = 0; i < self->seen_count; i++)
        if (uuid_equal (&self->seen[i].client, &client->uuid))
            return later (at, self->seen[i].time);
    return at;
}

static bool may_judge (const pool_t *self, step_t *step)
{
    uint64_t after = stale_after_s (self);
    uint64_t meeting = after < MEETING_S ? after : MEETING_S;
    client_t me;
    slice_t joining;
    return self->has_pool && step->now.mono_ns - self->begun_ns >= meeting * POOL_SECOND_NS &&
           node_get (step->txn, NODE_SETTINGS, slice_text ("joining"), &joining) != 0 &&
           clients_get (step->txn, &self->me, &me) == 0 && client_is_member (&me) &&
           !client_declared (&me);
}

static bool is_stale (const pool_t *self, const step_t *step, const client_t *client)
{
    uint64_t seen = seen_at (self, client);
    uint64_t silent = step->now.wall > seen ? step->now.wall - seen : 0;
    return client_is_member (client) && !client_declared (client) &&
           !uuid_equal (&client->uuid, &self->me) && silent >> 32 >= stale_after_s (self);
}

static bool is_being_declared (const pool_t *self, const uuid16_t *client)
{
    for (const pool_task_t *task = self->tasks; task; task = task->next)
        if (task->kind == TASK_STALE && uuid_equal (&task->client, client))
            return true;
    return false;
}

void pool_declare_stale (pool_t *self, step_t *step)
{
    client_t client;
    uuid16_t after;
    if (!may_judge (self, step))
        return;
    int rc;
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0};
        after = client.uuid;
        if (!is_stale (self, step, &client) || is_being_declared (self, &client.uuid))
            continue;
        pool_task_t *task = pool_task (self, TASK_STALE, NULL);
        task->client = client.uuid;
        client_pack_stale (true, &value);
        pool_clients_put (&clients, ACTION_UPDATE, &client.uuid, &value);
        pool_write (self, step, task, "a client that nobody has seen", &clients, NULL);
        step_say (step, SAY_WARNING,
            "%s was not seen for %llu s: from now on nothing is kept for it, and it will return",
            client.name, (unsigned long long)stale_after_s (self));
        buffer_release (&value);
        buffer_release (&clients);
    }
}

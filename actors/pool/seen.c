//  pool_seen - when everybody was last seen

#include "actors/pool/pool.h"

#include <stdlib.h>

static void seen_raise (pool_t *self, const uuid16_t *client, uint64_t time)
{
    for (size_t i = 0; i < self->seen_count; i++)
        if (uuid_equal (&self->seen[i].client, client)) {
            if (time > self->seen[i].time) {
                self->seen[i].time = time;
                self->seen[i].saved = false;
            }
            return;
        }
    if (self->seen_count >= LIMIT_MEMBERS)
        return;
    last_seen_t *grown = realloc (self->seen, (self->seen_count + 1) * sizeof *grown);
    if (!grown)
        abort ();
    self->seen = grown;
    self->seen[self->seen_count++] = (last_seen_t){*client, time, false};
}

//  When somebody was seen is kept as a time of this node's wall clock, and means an age. If that clock is set
//  forward or back, by a second or more, the times follow, so that the ages stay.
void pool_seen_follow (pool_t *self, const step_t *step)
{
    const uint64_t second = 1ull << 32;
    uint64_t offset = step->now.wall - time_from_ns (step->now.mono_ns);
    uint64_t stepped = offset - self->wall_offset; // modulo 2^64: back is as good as forward
    if (stepped < second || -stepped < second)
        return;
    self->wall_offset = offset;
    for (size_t i = 0; i < self->seen_count; i++) {
        self->seen[i].time += stepped;
        self->seen[i].saved = false;
    }
}

//  Ages become times of this node's own clock: a wrong clock elsewhere poisons nobody's.
void pool_on_seen (pool_t *self, step_t *step, const mail_t *mail)
{
    seen_t seen;
    client_t client;
    size_t count, pair;
    if (step_unpack (step, mail, &seen_type, &seen))
        return;
    cursor_t cursor = cursor_over (seen.ages);
    if (cursor_array (&cursor, &count))
        return;
    while (count--) {
        uuid16_t uuid;
        uint64_t age;
        if (cursor_array (&cursor, &pair) || pair != 2 ||
            cursor_bin_exact (&cursor, &uuid, sizeof uuid) || cursor_uint (&cursor, &age))
            return;
        if (!uuid_equal (&uuid, &self->me) && age < step->now.wall &&
            clients_get (step->txn, &uuid, &client) == 0)
            seen_raise (self, &uuid, step->now.wall - age);
    }
}

//  What link tells of it is as old as this mail, up to the next one, and as the way there takes. An age that is
//  told too young comes back and is believed, again and again: who is gone would be seen ever later. So what
//  is told is the most that it can be by then.
void pool_ages_tell (pool_t *self, step_t *step)
{
    const uint64_t late = (self->setup->config->ping_interval_s + 1) << 32;
    buffer_t ages = {NULL, 0, 0};
    pack_array (&ages, self->seen_count);
    for (size_t i = 0; i < self->seen_count; i++) {
        uint64_t time = self->seen[i].time;
        pack_array (&ages, 2);
        pack_bin (&ages, slice_of (&self->seen[i].client, sizeof (uuid16_t)));
        pack_uint (&ages, (step->now.wall > time ? step->now.wall - time : 0) + late);
    }
    peers_t peers = {.ages = buffer_slice (&ages)};
    step_send (step, ACTOR_LINK, MAIL_PEERS, 0, &peers_type, &peers, NULL, 0);
    buffer_release (&ages);
}

void pool_seen_save (pool_t *self, step_t *step)
{
    buffer_t node = {NULL, 0, 0};
    for (size_t i = 0; i < self->seen_count; i++) {
        uint8_t time[8];
        if (self->seen[i].saved)
            continue;
        for (int byte = 0; byte < 8; byte++)
            time[byte] = (uint8_t)(self->seen[i].time >> (56 - 8 * byte));
        pool_node_put (&node, NODE_LAST_SEEN, slice_of (&self->seen[i].client, sizeof (uuid16_t)),
            slice_of (time, sizeof time));
        self->seen[i].saved = true;
    }
    if (node.size)
        pool_write (self, step, pool_task (self, TASK_SAVE, NULL), "when clients were last seen",
            NULL, &node);
    buffer_release (&node);
}

int pool_seen_load (pool_t *self, step_t *step)
{
    slice_t key, value;
    uuid16_t client = {{0}};
    int rc = node_seek (step->txn, NODE_LAST_SEEN, slice_of (NULL, 0), &key, &value);
    while (rc == 0) {
        uint64_t time = 0;
        if (key.size == sizeof client && value.size == 8) {
            memcpy (&client, key.data, sizeof client);
            for (int byte = 0; byte < 8; byte++)
                time = time << 8 | value.data[byte];
            //  What a clock that ran ahead has saved says nothing.
            if (time <= step->now.wall) {
                seen_raise (self, &client, time);
                self->seen[self->seen_count - 1].saved = true;
            }
        }
        rc = node_next (step->txn, NODE_LAST_SEEN, key, &key, &value);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  run_conflict - both nodes update the same records at the same time, until both are equal

#include "tools/bench/node.h"

#include <stdlib.h>

#define SIZE 1000

static void wait_equal (pair_t *pair)
{
    uint8_t digests[2][16];
    for (double end = clock_now () + ASK_SECONDS_MAX;;) {
        node_digest (pair->a, LOAD_RESOURCE, digests[0]);
        node_digest (pair->b, LOAD_RESOURCE, digests[1]);
        if (memcmp (digests[0], digests[1], sizeof digests[0]) == 0)
            return;
        if (clock_now () > end)
            die ("the nodes do not become equal");
        clock_sleep (0.002);
    }
}

static load_t load_of (const char *action, const uuid16_t *uuids, size_t count, const char *name)
{
    const load_options_t options = {
        .action = action, .uuids = uuids, .operations = count, .size = SIZE, .name = name};
    return load_make (&options);
}

void run_conflict (bench_t *self)
{
    size_t count = bench_scale (self, 40000, 5000);
    uuid16_t *uuids = uuids_make (UUID_RANDOM, count);
    pair_t pair = pair_start (self);
    load_t create = load_of ("create", uuids, count, "tag");
    lane_t lane = {.ask = &pair.a->api, .load = &create, .end = create.count};
    lanes_drive (&lane, 1, self->in_flight);
    node_wait_count (pair.b, LOAD_RESOURCE, count);
    load_t updates[2] = {
        load_of ("update", uuids, count, "by a"), load_of ("update", uuids, count, "by b")};
    lane_t lanes[2] = {{.ask = &pair.a->api, .load = &updates[0], .end = updates[0].count},
        {.ask = &pair.b->api, .load = &updates[1], .end = updates[1].count}};
    double begin = clock_now ();
    double acknowledged = lanes_drive (lanes, 2, self->in_flight);
    wait_equal (&pair);
    double seconds = clock_now () - begin;
    char limit[FIGURE_PART_MAX + 16];
    snprintf (
        limit, sizeof limit, "raw_pair/%zu in flight, of %d/operations", self->in_flight, SIZE);
    const figure_id_t one = {"conflict", "1000, random uuids", "acknowledged", "op/s", NULL};
    const figure_id_t both = {"conflict", "1000, random uuids", "equal on both", "op/s", limit};
    figure_add (&self->figures, &one, 2 * (double)count / acknowledged);
    figure_add (&self->figures, &both, 2 * (double)count / seconds);
    node_memory (pair.a, self, "conflict: one");
    load_release (&create);
    load_release (&updates[0]);
    load_release (&updates[1]);
    free (uuids);
    pair_stop (&pair);
}

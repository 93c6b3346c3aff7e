//  test_random - pools under random writes, cuts, kills and failing disks, by seed; after the last fault they converge
//  and nothing that was acknowledged and not deleted is missing

#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#define RECORDS 24

typedef struct story {
    sim_t *sim;
    bool acknowledged[RECORDS]; // created, and nobody ever tried to delete it
    bool deleted[RECORDS];      // somebody did
} story_t;

//  Records under delete = wins, and under latest.
static const char *resource_of (uint64_t record)
{
    static const char *const resources[] = {"albums", "tags", "latest"};
    return resources[record % 3];
}

static void write_something (story_t *self)
{
    static const char *const actions[] = {"create", "create", "update", "update", "delete"};
    sim_t *sim = self->sim;
    int node = (int)sim_random (sim, sim->count);
    const char *action = actions[sim_random (sim, 5)];
    uint64_t record = sim_random (sim, RECORDS);
    uuid16_t uuid = sim_uuid (record + 1);
    char name[32];
    snprintf (name, sizeof name, "%llu", (unsigned long long)sim_random (sim, 1000000));
    if (!sim->nodes[node].running)
        return;
    bool deletes = action[0] == 'd';
    int rc = sim_apply (sim, node, action, resource_of (record), &uuid, deletes ? NULL : name);
    if (getenv ("SIM_TRACE"))
        fprintf (stderr, "%10.4f  node %d: %s %llu %s: %s\n", (double)sim->mono_ns / 1e9, node,
            action, (unsigned long long)record, name, error_name (rc));
    if (rc == 0 && deletes)
        self->deleted[record] = true;
    else if (rc == 0)
        self->acknowledged[record] = true;
}

static void disturb (story_t *self)
{
    sim_t *sim = self->sim;
    int a = (int)sim_random (sim, sim->count), b = (int)sim_random (sim, sim->count);
    switch (sim_random (sim, 6)) {
    case 0:
    case 1:
        if (a != b)
            sim_cut (sim, a, b, !sim->cut[a][b]);
        break;
    case 2:
        if (sim->nodes[a].running)
            sim_kill (sim, a);
        break;
    case 3:
        if (!sim->nodes[a].running)
            sim_start (sim, a);
        break;
    case 4: sim->nodes[a].fail_commits = sim_random (sim, 4); break;
    default: sim_pass (sim, sim_random (sim, 20));
    }
}

//  Which half of the nodes sees which: now and then, for long, so that members are counted out.
static void divide (sim_t *sim)
{
    uint64_t half = sim_random (sim, 2) ? sim_random (sim, 1u << sim->count) : 0;
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < a; b++)
            sim_cut (sim, a, b, (half >> a & 1) != (half >> b & 1));
    sim_pass (sim, sim_random (sim, 2) ? 10 : 200);
}

static void calm_down (sim_t *sim)
{
    for (size_t a = 0; a < sim->count; a++) {
        if (!sim->nodes[a].running)
            sim_start (sim, (int)a);
        sim->nodes[a].fail_commits = 0;
        for (size_t b = 0; b < a; b++)
            sim_cut (sim, (int)a, (int)b, false);
    }
}

static void live (uint64_t seed, size_t nodes, size_t events, bool stale)
{
    story_t story = {.sim = sim_new (seed, nodes)};
    cr_assert_eq (sim_declare (story.sim, 0, "latest", "latest"), 0);
    if (stale)
        sim_intervals (story.sim, 120, 5);
    for (size_t node = 1; node < nodes; node++)
        sim_pair (story.sim, (int)sim_random (story.sim, node), (int)node);
    for (size_t event = 0; event < events; event++) {
        if (stale && sim_random (story.sim, 8) == 0)
            divide (story.sim);
        else if (sim_random (story.sim, 4) == 0)
            disturb (&story);
        else
            write_something (&story);
    }
    calm_down (story.sim);
    //  Who stalls half way of a return holds up others until it is declared anew.
    sim_expect_converged (story.sim, stale ? 1500 : 300);
    for (uint64_t record = 0; record < RECORDS; record++) {
        uuid16_t uuid = sim_uuid (record + 1);
        if (story.acknowledged[record] && !story.deleted[record])
            cr_assert_str_not_empty (sim_name (story.sim, 0, resource_of (record), &uuid),
                "seed %llu lost record %llu", (unsigned long long)seed, (unsigned long long)record);
    }
    sim_destroy (&story.sim);
}

//  SIM_SEED runs one seed alone, SIM_SEEDS that many: seeds 1000, 1001, …
static void live_all (uint64_t seeds, size_t events, bool stale)
{
    const char *one = getenv ("SIM_SEED"), *many = getenv ("SIM_SEEDS");
    uint64_t first = one ? strtoull (one, NULL, 10) : 1000;
    uint64_t count = one ? 1 : many ? strtoull (many, NULL, 10) : seeds;
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (getenv ("SIM_TRACE"))
            fprintf (stderr, "seed %llu\n", (unsigned long long)seed);
        live (seed, 2 + seed % 4, events, stale);
    }
}

Test (random, pools_converge_after_faults_and_lose_nothing)
{
    live_all (60, 150, false);
}

Test (random, pools_whose_members_are_counted_out_come_together_and_lose_nothing)
{
    live_all (40, 100, true);
}

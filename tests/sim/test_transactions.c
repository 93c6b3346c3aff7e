//  test_transactions - what one request submits is there as a whole, or not at all, at every node and moment

#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORDS = 8 };

//  One request: `action` on records 1 to count, each with this name.
static int write_all (sim_t *sim, int node, const char *action, uint64_t count, const char *name)
{
    buffer_t ops = {NULL, 0, 0};
    pack_array (&ops, count);
    for (uint64_t i = 1; i <= count; i++) {
        uuid16_t uuid = sim_uuid (i);
        pack_map (&ops, 4);
        pack_string (&ops, "action");
        pack_string (&ops, action);
        pack_string (&ops, "resource");
        pack_string (&ops, i % 2 ? "tags" : "albums");
        pack_string (&ops, "uuid");
        pack_bin (&ops, slice_of (&uuid, sizeof uuid));
        pack_string (&ops, "value");
        pack_map (&ops, 1);
        pack_string (&ops, "name");
        pack_string (&ops, name);
    }
    int rc = sim_apply_ops (sim, node, buffer_slice (&ops));
    buffer_release (&ops);
    return rc;
}

//  True where a running node shows half of a transaction.
static bool is_halved (sim_t *sim, void *context)
{
    uint64_t count = *(uint64_t *)context;
    for (size_t n = 0; n < sim->count; n++) {
        char first[16] = "";
        if (!sim->nodes[n].running)
            continue;
        for (uint64_t i = 1; i <= count; i++) {
            uuid16_t uuid = sim_uuid (i);
            const char *name = sim_name (sim, (int)n, i % 2 ? "tags" : "albums", &uuid);
            if (i == 1)
                snprintf (first, sizeof first, "%.15s", name);
            else if (strncmp (first, name, 15) != 0)
                return true;
        }
    }
    return false;
}

static void expect_whole (sim_t *sim, uint64_t count, uint64_t seconds)
{
    cr_assert_not (sim_until (sim, is_halved, &count, seconds), "seed %llu shows a half",
        (unsigned long long)sim->seed);
}

Test (transactions, are_whole_at_every_node_and_moment)
{
    for (uint64_t seed = 100; seed < 106; seed++) {
        sim_t *sim = sim_new (seed, 3);
        char name[16];
        sim_cut (sim, 0, 2, true);
        sim_pair (sim, 0, 1);
        sim_pair (sim, 1, 2);
        cr_assert_eq (write_all (sim, 0, "create", RECORDS, "0"), 0);
        expect_whole (sim, RECORDS, 5);
        for (int i = 1; i <= 12; i++) {
            snprintf (name, sizeof name, "%d", i);
            int node = (int)sim_random (sim, 3), other = (int)sim_random (sim, 2);
            if (sim->nodes[node].running)
                write_all (sim, node, "update", RECORDS, name);
            expect_whole (sim, RECORDS, sim_random (sim, 2));
            switch (sim_random (sim, 4)) {
            case 0: sim_cut (sim, other, other + 1, true); break;
            case 1: sim_cut (sim, other, other + 1, false); break;
            case 2:
                sim_kill (sim, node);
                expect_whole (sim, RECORDS, 1);
                sim_start (sim, node);
                break;
            case 3: sim->nodes[node].fail_commits = 1; break;
            }
            expect_whole (sim, RECORDS, sim_random (sim, 4));
        }
        sim_cut (sim, 0, 1, false);
        sim_cut (sim, 1, 2, false);
        expect_whole (sim, RECORDS, 30);
        sim_expect_converged (sim, 60);
        sim_destroy (&sim);
    }
}

Test (transactions, larger_than_a_frame_come_in_pieces_and_appear_whole)
{
    enum { COUNT = 36, BYTES = 100000 };
    sim_t *sim = sim_new (110, 2);
    char *name = malloc (BYTES + 1);
    memset (name, 'x', BYTES);
    name[BYTES] = 0;
    sim_pair (sim, 0, 1);
    sim_expect_converged (sim, 60);
    cr_assert_eq (write_all (sim, 0, "create", COUNT, name), 0);
    uint64_t end = sim->mono_ns + 400000; // some of the pieces are on their way
    for (uint64_t count = COUNT; sim->mono_ns < end;) {
        sim_step (sim);
        cr_assert_not (is_halved (sim, &count));
    }
    sim_cut (sim, 0, 1, true);
    sim_pass (sim, 1);
    sim_cut (sim, 0, 1, false);
    expect_whole (sim, COUNT, 5);
    sim_expect_converged (sim, 60);
    uuid16_t uuid = sim_uuid (COUNT);
    cr_assert_eq (strlen (sim_name (sim, 1, "albums", &uuid)), 255); // as much as sim_name tells
    free (name);
    sim_destroy (&sim);
}

//  Two requests that become one batch, each with nearly as many elements as a message may have.
Test (transactions, of_one_group_may_have_more_elements_together_than_a_message)
{
    sim_t *sim = sim_new (111, 2);
    sim_node_t *node = &sim->nodes[0];
    sim_pair (sim, 0, 1);
    sim_expect_converged (sim, 60);
    for (uint64_t i = 1; i <= 2; i++) {
        buffer_t ops = {NULL, 0, 0};
        uuid16_t uuid = sim_uuid (i);
        apply_t apply = {.intake = true};
        step_t step = {.self = ACTOR_API};
        size_t nils = i == 1 ? 500000 : 1000000;
        pack_array (&ops, 1);
        pack_map (&ops, 4);
        pack_string (&ops, "action");
        pack_string (&ops, "create");
        pack_string (&ops, "resource");
        pack_string (&ops, "tags");
        pack_string (&ops, "uuid");
        pack_bin (&ops, slice_of (&uuid, sizeof uuid));
        pack_string (&ops, "value");
        pack_map (&ops, 2);
        pack_string (&ops, "a");
        pack_array (&ops, nils);
        for (size_t n = 0; n < nils; n++)
            pack_nil (&ops);
        pack_string (&ops, "name");
        pack_string (&ops, "rich");
        slice_t frame = buffer_slice (&ops);
        step_send (&step, ACTOR_OPLOG, MAIL_APPLY, i, &apply_type, &apply, &frame, 1);
        mail_list_append (&node->boxes[ACTOR_OPLOG], mail_list_take (&step.out));
        buffer_release (&ops);
    }
    sim_pass (sim, 1);
    sim_expect_converged (sim, 60);
    for (uint64_t i = 1; i <= 2; i++) {
        uuid16_t uuid = sim_uuid (i);
        cr_assert_str_eq (sim_name (sim, 1, "tags", &uuid), "rich");
    }
    cr_assert_eq (metric_get (&sim->nodes[1].metrics, METRIC_PEER_GARBAGE), 0);
    sim_destroy (&sim);
}

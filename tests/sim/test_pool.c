//  test_pool - a few nodes live through what pools live through

#include "actors/link/link.h"
#include "tests/sim/sim.h"

Test (pool, two_nodes_pair_and_each_has_what_the_other_wrote)
{
    sim_t *sim = sim_new (1, 2);
    uuid16_t a = sim_uuid (1), b = sim_uuid (2);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &a, "of the first"), 0);
    sim_pair (sim, 0, 1);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &a), "of the first");
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &b, "of the second"), 0);
    sim_expect_converged (sim, 30);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &b), "of the second");
    sim_destroy (&sim);
}

Test (pool, what_a_joining_client_holds_comes_along)
{
    sim_t *sim = sim_new (2, 3);
    uuid16_t a = sim_uuid (1), b = sim_uuid (2), both = sim_uuid (3);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &a, "pool"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &both, "pool"), 0);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &b, "newcomer"), 0);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &both, "newcomer"), 0);
    sim_pair (sim, 0, 2);
    sim_pair (sim, 0, 1);
    sim_expect_converged (sim, 60);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &a), "pool");
        cr_assert_str_eq (sim_name (sim, node, "tags", &b), "newcomer");
        cr_assert_str_eq (sim_name (sim, node, "tags", &both), "newcomer");
    }
    sim_destroy (&sim);
}

Test (pool, three_in_a_line_relay)
{
    sim_t *sim = sim_new (3, 3);
    uuid16_t a = sim_uuid (1), c = sim_uuid (2);
    sim_cut (sim, 0, 2, true);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 1, 2);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &a, "from a"), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &c, "from c"), 0);
    sim_expect_converged (sim, 60);
    cr_assert_str_eq (sim_name (sim, 2, "tags", &a), "from a");
    cr_assert_str_eq (sim_name (sim, 0, "tags", &c), "from c");
    sim_destroy (&sim);
}

Test (pool, a_partition_heals_and_a_deletion_beats_what_is_concurrent)
{
    sim_t *sim = sim_new (4, 3);
    uuid16_t x = sim_uuid (1), y = sim_uuid (2);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "before"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &y, "before"), 0);
    sim_expect_converged (sim, 60);
    sim_cut (sim, 0, 2, true);
    sim_cut (sim, 1, 2, true);
    cr_assert_eq (sim_apply (sim, 2, "update", "tags", &x, "apart"), 0);
    cr_assert_eq (sim_apply (sim, 2, "update", "tags", &y, "apart"), 0);
    sim_pass (sim, 1);
    cr_assert_eq (sim_apply (sim, 0, "update", "tags", &y, "later"), 0);
    cr_assert_eq (sim_apply (sim, 1, "delete", "tags", &x, NULL), 0);
    sim_pass (sim, 60);
    cr_assert_not (sim_converged (sim, NULL));
    sim_cut (sim, 0, 2, false);
    sim_cut (sim, 1, 2, false);
    sim_expect_converged (sim, 60);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &x), "");
        cr_assert_str_eq (sim_name (sim, node, "tags", &y), "later");
    }
    sim_destroy (&sim);
}

Test (pool, a_removed_client_is_given_nothing_more)
{
    sim_t *sim = sim_new (5, 3);
    uuid16_t x = sim_uuid (1);
    buffer_t uuid = {NULL, 0, 0};
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_expect_converged (sim, 60);
    pack_bin (&uuid, slice_of (&sim->nodes[2].identity.client, 16));
    cr_assert_eq (
        sim_command (sim, 0, ACTOR_POOL, "remove", "client", buffer_slice (&uuid), NULL), 0);
    sim_pass (sim, 10);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "secret"), 0);
    sim_pass (sim, 60);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &x), "secret");
    cr_assert_str_eq (sim_name (sim, 2, "tags", &x), "");
    cr_assert_gt (metric_get (&sim->nodes[0].metrics, METRIC_PEERS_DENIED), 0);
    buffer_release (&uuid);
    sim_destroy (&sim);
}

Test (pool, a_ticket_is_good_once)
{
    sim_t *sim = sim_new (6, 3);
    buffer_t map = {NULL, 0, 0};
    slice_t name, ticket;
    size_t count;
    cr_assert_eq (sim_command (sim, 0, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, 1, ACTOR_POOL, "join", "ticket", ticket, NULL), 0);
    cr_assert_eq (sim_command (sim, 2, ACTOR_POOL, "join", "ticket", ticket, NULL), ERR_NO_ANSWER);
    buffer_release (&map);
    sim_destroy (&sim);
}

Test (pool, a_client_that_is_not_alone_does_not_join)
{
    sim_t *sim = sim_new (7, 3);
    buffer_t map = {NULL, 0, 0};
    slice_t name, ticket;
    size_t count;
    sim_pair (sim, 0, 1);
    cr_assert_eq (sim_command (sim, 2, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, 1, ACTOR_POOL, "join", "ticket", ticket, NULL), ERR_NOT_ALONE);
    buffer_release (&map);
    sim_destroy (&sim);
}

Test (pool, a_clock_that_runs_ahead_holds_up_only_itself)
{
    sim_t *sim = sim_new (8, 3);
    uuid16_t ahead = sim_uuid (1), other = sim_uuid (2);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_expect_converged (sim, 60);
    sim->nodes[1].skew_ns = 600ll * 1000000000;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &ahead, "tomorrow"), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &other, "today"), 0);
    sim_pass (sim, 60);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &ahead), "");
    cr_assert_str_eq (sim_name (sim, 0, "tags", &other), "today");
    cr_assert (sim_alarm (sim, 0, "CLOCK_AHEAD"));
    cr_assert (sim_alarm (sim, 1, "CLOCK_AHEAD"));
    sim_expect_converged (sim, 700);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &ahead), "tomorrow");
    sim_destroy (&sim);
}

Test (pool, a_full_disk_refuses_and_loses_nothing)
{
    sim_t *sim = sim_new (9, 2);
    uuid16_t x = sim_uuid (1), y = sim_uuid (2), z = sim_uuid (3);
    sim_pair (sim, 0, 1);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    sim->nodes[0].fail_commits = 1;
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &y, "y"), ERR_STORAGE_FULL);
    sim->nodes[1].fail_commits = 3;
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &z, "z"), 0);
    sim_expect_converged (sim, 60);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &x), "x");
    cr_assert_str_eq (sim_name (sim, 1, "tags", &y), "");
    cr_assert_str_eq (sim_name (sim, 1, "tags", &z), "z");
    sim_destroy (&sim);
}

//  Records so large that a copy takes several chunks.
static void fill (sim_t *sim, int node, uint64_t records)
{
    static char name[200001];
    memset (name, 'x', sizeof name - 1);
    for (uint64_t i = 0; i < records; i++) {
        uuid16_t uuid = sim_uuid (1000 + i);
        cr_assert_eq (sim_apply (sim, node, "create", "tags", &uuid, name), 0);
    }
}

static bool copy_is_begun (sim_t *sim, void *context)
{
    txn_t *txn;
    slice_t stored;
    position_t position;
    const sim_node_t *node = context;
    (void)sim;
    cr_assert_eq (store_begin (node->store, false, &txn), 0);
    bool begun = node_get (txn, NODE_SETTINGS, slice_text ("joining"), &stored) == 0 &&
                 position_unpack (stored, &position) == 0 && position.resource[0];
    store_abort (&txn);
    return begun;
}

static void join_without_waiting (sim_t *sim, int inviter, int joiner)
{
    buffer_t map = {NULL, 0, 0};
    slice_t name, ticket;
    size_t count;
    cr_assert_eq (
        sim_command (sim, inviter, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, joiner, ACTOR_POOL, "join", "ticket", ticket, NULL), 0);
    buffer_release (&map);
}

Test (pool, a_copy_whose_giver_is_gone_goes_on_with_another_member)
{
    sim_t *sim = sim_new (10, 3);
    uuid16_t late = sim_uuid (1);
    sim_pair (sim, 0, 1);
    fill (sim, 0, 60); // more than the giver's credit lets be under way when it is killed
    sim_pass (sim, 60);
    join_without_waiting (sim, 0, 2);
    cr_assert (sim_until (sim, copy_is_begun, &sim->nodes[2], 60));
    sim_cut (sim, 1, 2, true); // or that one may have given the rest before the app is answered
    sim_kill (sim, 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &late, "early"), ERR_BUSY);
    sim_cut (sim, 1, 2, false);
    sim_pass (sim, 60);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &late, "late"), 0);
    sim_start (sim, 0);
    sim_expect_converged (sim, 60);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &late), "late");
    sim_destroy (&sim);
}

Test (pool, a_copy_survives_a_kill_at_any_chunk)
{
    sim_t *sim = sim_new (11, 2);
    uuid16_t mine = sim_uuid (1);
    fill (sim, 0, 12);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &mine, "mine"), 0);
    join_without_waiting (sim, 0, 1);
    for (int i = 0; i < 6; i++) {
        sim_pass (sim, 0);
        sim_until (sim, copy_is_begun, &sim->nodes[1], 5);
        sim_kill (sim, 1);
        sim_start (sim, 1);
        if (i % 2) {
            sim_kill (sim, 0);
            sim_start (sim, 0);
        }
    }
    sim_expect_converged (sim, 120);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &mine), "mine");
    sim_destroy (&sim);
}

Test (pool, an_alarm_of_a_clock_ends_with_its_cause)
{
    sim_t *sim = sim_new (12, 2);
    uuid16_t ahead = sim_uuid (1);
    sim_pair (sim, 0, 1);
    sim->nodes[1].skew_ns = 20ll * 1000000000;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &ahead, "soon"), 0);
    sim_pass (sim, 5);
    cr_assert (sim_alarm (sim, 0, "CLOCK_AHEAD") && sim_alarm (sim, 1, "CLOCK_AHEAD"));
    sim_expect_converged (sim, 120);
    sim_pass (sim, 10);
    cr_assert_not (sim_alarm (sim, 0, "CLOCK_AHEAD"));
    cr_assert_not (sim_alarm (sim, 1, "CLOCK_AHEAD"));
    sim_destroy (&sim);
}

//  test_declarations - what is declared on one node, and what the others make of it

#include "actors/link/link.h"
#include "tests/sim/sim.h"

#include "store/resources.h"

static bool declared (sim_t *sim, int node, const char *name)
{
    txn_t *txn;
    resource_entry_t entry;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    int rc = resources_find (txn, slice_text (name), &entry);
    store_abort (&txn);
    return rc == 0;
}

static uint64_t refused (sim_t *sim)
{
    uint64_t count = 0;
    for (size_t i = 0; i < sim->count; i++)
        count += metric_get (&sim->nodes[i].metrics, METRIC_BATCHES_REFUSED);
    return count;
}

Test (declarations, conflict_refuses_the_link_and_both_nodes_say_so)
{
    sim_t *sim = sim_new (21, 2);
    uuid16_t a = sim_uuid (1), b = sim_uuid (2);
    sim_pair (sim, 0, 1);
    sim_expect_converged (sim, 60);
    sim_cut (sim, 0, 1, true);
    cr_assert_eq (sim_declare (sim, 0, "stars", "wins"), 0);
    cr_assert_eq (sim_declare (sim, 1, "stars", "latest"), 0);
    sim_cut (sim, 0, 1, false);
    sim_pass (sim, 60);
    for (int node = 0; node < 2; node++) {
        cr_assert (sim_alarm (sim, node, "CONFLICTING_DECLARATION"), "node %d", node);
        cr_assert_eq (metric_get (&sim->nodes[node].metrics, METRIC_PEERS_ONLINE), 0);
    }
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &a, "a"), 0);
    cr_assert_eq (sim_apply (sim, 1, "create", "stars", &b, "b"), 0);
    sim_pass (sim, 60);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &a), "");
    cr_assert_str_eq (sim_name (sim, 0, "stars", &b), "");
    sim_destroy (&sim);
}

Test (declarations, conflict_of_a_linked_pair_ends_the_link_on_both_sides)
{
    sim_t *sim = sim_new (22, 2);
    sim_pair (sim, 0, 1);
    sim_expect_converged (sim, 60);
    sim_hold_link (sim, 0, true);
    sim_hold_link (sim, 1, true);
    cr_assert_eq (sim_declare (sim, 0, "stars", "wins"), 0);
    cr_assert_eq (sim_declare (sim, 1, "stars", "latest"), 0);
    sim_hold_link (sim, 0, false);
    sim_hold_link (sim, 1, false);
    sim_pass (sim, 60);
    for (int node = 0; node < 2; node++)
        cr_assert (sim_alarm (sim, node, "CONFLICTING_DECLARATION"), "node %d", node);
    sim_destroy (&sim);
}

Test (declarations, conflict_is_refused_at_the_door_and_the_ticket_stays_good)
{
    sim_t *sim = sim_new (23, 3);
    buffer_t map = {NULL, 0, 0};
    slice_t name, ticket;
    size_t count;
    cr_assert_eq (sim_declare (sim, 0, "stars", "wins"), 0);
    cr_assert_eq (sim_declare (sim, 1, "stars", "latest"), 0);
    cr_assert_eq (sim_command (sim, 0, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, 1, ACTOR_POOL, "join", "ticket", ticket, NULL),
        ERR_CONFLICTING_DECLARATION);
    uuid16_t still = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 1, "create", "stars", &still, "mine"), 0); // it goes on alone
    cr_assert_eq (sim_command (sim, 2, ACTOR_POOL, "join", "ticket", ticket, NULL), 0);
    buffer_release (&map);
    sim_destroy (&sim);
}

Test (declarations, made_while_linked_go_ahead_of_their_data)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        sim_t *sim = sim_new (seed, 3);
        uuid16_t a = sim_uuid (1), b = sim_uuid (2);
        sim_cut (sim, 0, 2, true);
        sim_pair (sim, 0, 1);
        sim_pair (sim, 1, 2);
        sim_expect_converged (sim, 60);
        //  link sees the data in the store before it hears of the declaration.
        sim_hold_link (sim, 0, true);
        cr_assert_eq (sim_declare (sim, 0, "stars", "latest"), 0);
        cr_assert_eq (sim_apply (sim, 0, "create", "stars", &a, "a"), 0);
        sim_pass (sim, 20);
        sim_hold_link (sim, 0, false);
        cr_assert_eq (sim_apply (sim, 0, "create", "stars", &b, "b"), 0);
        sim_expect_converged (sim, 60);
        cr_assert_str_eq (sim_name (sim, 2, "stars", &a), "a");
        cr_assert_str_eq (sim_name (sim, 2, "stars", &b), "b");
        cr_assert_eq (refused (sim), 0, "seed %llu", (unsigned long long)seed);
        sim_destroy (&sim);
    }
}

//  Our hello is said, and theirs has not been heard.
static bool is_greeting (const sim_t *sim, int node)
{
    const link_t *link = sim->nodes[node].cores[ACTOR_LINK];
    for (size_t i = 0; i < link->line_count; i++)
        if (link->lines[i]->greeted && link->lines[i]->state != LINE_OPEN)
            return true;
    return false;
}

Test (declarations, made_between_the_greeting_and_the_link_go_ahead_too)
{
    size_t met = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        sim_t *sim = sim_new (seed, 2);
        uuid16_t a = sim_uuid (1);
        sim_pair (sim, 0, 1);
        sim_expect_converged (sim, 60);
        sim_cut (sim, 0, 1, true);
        sim_pass (sim, 1);
        sim_cut (sim, 0, 1, false);
        uint64_t end = sim->mono_ns + 30000000000;
        while (!is_greeting (sim, 0) && !is_greeting (sim, 1) && sim->mono_ns < end)
            sim_step (sim);
        int who = is_greeting (sim, 0) ? 0 : 1;
        met += is_greeting (sim, who);
        cr_assert_eq (sim_declare (sim, who, "stars", "latest"), 0);
        cr_assert_eq (sim_apply (sim, who, "create", "stars", &a, "a"), 0);
        sim_expect_converged (sim, 60);
        cr_assert_str_eq (sim_name (sim, 1 - who, "stars", &a), "a");
        cr_assert_eq (refused (sim), 0, "seed %llu", (unsigned long long)seed);
        sim_destroy (&sim);
    }
    cr_assert_gt (met, 20);
}

Test (declarations, operations_that_a_node_never_uses_are_kept_and_relayed_by_it)
{
    sim_t *sim = sim_new (24, 3);
    uuid16_t a = sim_uuid (1);
    sim_cut (sim, 0, 2, true);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 1, 2);
    sim_expect_converged (sim, 60);
    cr_assert_eq (sim_declare (sim, 0, "stars", "latest"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "stars", &a, "from a"), 0);
    sim_expect_converged (sim, 60);
    cr_assert_str_eq (sim_name (sim, 2, "stars", &a), "from a");
    cr_assert (declared (sim, 1, "stars"));
    cr_assert_str_eq (sim_name (sim, 1, "stars", &a), "from a"); // kept
    //  Kept over a restart, and given to who was not there then.
    sim_kill (sim, 1);
    sim_kill (sim, 0);
    sim_start (sim, 1);
    cr_assert (declared (sim, 1, "stars"));
    cr_assert_str_eq (sim_name (sim, 1, "stars", &a), "from a");
    sim_destroy (&sim);
}

Test (declarations, are_all_or_none)
{
    sim_t *sim = sim_new (25, 1);
    cr_assert_eq (sim_declare (sim, 0, "stars", "wins"), 0);
    cr_assert_eq (sim_declare (sim, 0, "stars", "wins"), 0); // the same again is no fault
    cr_assert_eq (sim_declare (sim, 0, "stars", "latest"), ERR_CONFLICTING_DECLARATION);
    cr_assert_eq (
        sim_declare_two (sim, 0, "fresh", "stars", "latest"), ERR_CONFLICTING_DECLARATION);
    cr_assert_not (declared (sim, 0, "fresh"));
    cr_assert_eq (sim_declare_two (sim, 0, "fresh", "Bad", "latest"), ERR_BAD_REQUEST);
    cr_assert_not (declared (sim, 0, "fresh"));
    cr_assert_eq (sim_declare_two (sim, 0, "fresh", "fresher", "latest"), 0);
    cr_assert (declared (sim, 0, "fresh") && declared (sim, 0, "fresher"));
    sim_destroy (&sim);
}

//  test_keep - what is kept and for how long (semantics.md, "Flushing and purging")

#include "tests/sim/sim.h"

//  Three members, all linked.
static sim_t *three (uint64_t seed)
{
    sim_t *sim = sim_new (seed, 3);
    sim_intervals (sim, 2592000, 60);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 10);
    return sim;
}

static void cut_off (sim_t *sim, int node, bool cut)
{
    for (int other = 0; other < (int)sim->count; other++)
        if (other != node)
            sim_cut (sim, node, other, cut);
}

Test (keep, a_batch_leaves_the_log_when_every_member_that_counts_has_published_it)
{
    sim_t *sim = three (1);
    uuid16_t uuid = sim_uuid (1);
    sim_pass (sim, 300);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 1);
    cr_assert_geq (sim_log (sim, 0), 1);
    sim_pass (sim, 300);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &uuid), "a");
        //  What is left are acknowledgements that nobody acknowledges.
        cr_assert_leq (sim_log (sim, node), 3, "node %d keeps %llu", node,
            (unsigned long long)sim_log (sim, node));
    }
    sim_destroy (&sim);
}

//  Of two, the reader's log drops at once what it takes: both have it.
Test (keep, what_has_left_the_log_before_it_was_acknowledged_is_acknowledged_after_a_restart)
{
    sim_t *sim = sim_new (8, 2);
    uuid16_t uuid = sim_uuid (1);
    sim_intervals (sim, 2592000, 60);
    sim_pair (sim, 0, 1);
    sim_pass (sim, 300);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &uuid, NULL), 0);
    sim_expect_converged (sim, 5);
    sim_pass (sim, 1);
    cr_assert_eq (sim_tombstones (sim, 0), 1);
    sim_kill (sim, 1);
    sim_start (sim, 1);
    sim_pass (sim, 300);
    cr_assert_eq (sim_tombstones (sim, 0), 0, "nobody says that it was seen");
    cr_assert_leq (sim_log (sim, 0), 1);
    //  Said once: an idle pool is silent.
    uint64_t spoken = sim->spoken;
    sim_pass (sim, 600);
    cr_assert_eq (sim->spoken, spoken);
    sim_destroy (&sim);
}

Test (keep, nothing_leaves_the_log_before_a_member_that_is_away_has_it)
{
    sim_t *sim = three (2);
    sim_pass (sim, 300);
    cut_off (sim, 2, true);
    for (uint64_t i = 1; i <= 20; i++) {
        uuid16_t uuid = sim_uuid (i);
        cr_assert_eq (sim_apply (sim, (int)(i % 2), "create", "tags", &uuid, "a"), 0);
    }
    sim_pass (sim, 3600);
    cr_assert_geq (sim_log (sim, 0), 20);
    cr_assert_geq (sim_log (sim, 1), 20);
    cut_off (sim, 2, false);
    sim_expect_converged (sim, 60);
    sim_pass (sim, 300);
    for (int node = 0; node < 3; node++)
        cr_assert_leq (sim_log (sim, node), 3);
    sim_destroy (&sim);
}

Test (keep, a_member_that_never_acknowledged_anything_counts)
{
    sim_t *sim = sim_new (3, 2);
    uuid16_t uuid = sim_uuid (1);
    sim_intervals (sim, 2592000, 2000000);
    sim_pair (sim, 0, 1);
    cut_off (sim, 1, true);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 3600);
    cr_assert_geq (sim_log (sim, 0), 1);
    sim_destroy (&sim);
}

Test (keep, a_deletion_is_forgotten_when_it_is_causally_stable_and_not_before)
{
    sim_t *sim = three (4);
    uuid16_t uuid = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 300);
    cut_off (sim, 2, true);
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &uuid, NULL), 0);
    sim_pass (sim, 3600);
    cr_assert_eq (sim_tombstones (sim, 0), 1);
    cr_assert_eq (sim_tombstones (sim, 1), 1);
    cut_off (sim, 2, false);
    sim_pass (sim, 300);
    for (int node = 0; node < 3; node++)
        cr_assert_eq (sim_tombstones (sim, node), 0, "node %d", node);
    sim_expect_converged (sim, 10);
    sim_destroy (&sim);
}

//  Both have heard of the deletion, and one of them has forgotten it.
static bool moved (sim_t *sim, void *unused)
{
    uuid16_t uuid = sim_uuid (1);
    (void)unused;
    return sim_name (sim, 0, "tags", &uuid)[0] == 0 && sim_name (sim, 2, "tags", &uuid)[0] == 0 &&
           (sim_tombstones (sim, 0) == 0) != (sim_tombstones (sim, 2) == 0);
}

Test (keep, a_record_made_again_where_its_deletion_was_purged_and_where_not_ends_equal)
{
    sim_t *sim = three (5);
    uuid16_t uuid = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 300);
    cr_assert_eq (sim_apply (sim, 1, "delete", "tags", &uuid, NULL), 0);
    cr_assert (sim_until (sim, moved, NULL, 300));
    cut_off (sim, 0, true);
    cut_off (sim, 2, true);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "from 0"), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &uuid, "from 2"), 0);
    cut_off (sim, 0, false);
    cut_off (sim, 2, false);
    sim_expect_converged (sim, 120);
    cr_assert_str_not_empty (sim_name (sim, 1, "tags", &uuid));
    sim_destroy (&sim);
}

static uint64_t sealed (sim_t *sim)
{
    uint64_t count = 0;
    for (size_t i = 0; i < sim->count; i++)
        count += sim_metric (sim, (int)i, METRIC_BATCHES_SEALED);
    return count;
}

Test (keep, an_idle_pool_acknowledges_once_and_falls_silent)
{
    sim_t *sim = three (6);
    uuid16_t uuid = sim_uuid (1);
    sim_pass (sim, 600);
    uint64_t before = sealed (sim);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 600);
    //  The write, and an empty batch of each of the two others.
    cr_assert_eq (sealed (sim) - before, 3);
    sim_pass (sim, 36000);
    cr_assert_eq (sealed (sim) - before, 3);
    sim_destroy (&sim);
}

Test (keep, acknowledgements_come_no_oftener_than_their_interval)
{
    sim_t *sim = three (7);
    sim_pass (sim, 600);
    uint64_t before = sim_metric (sim, 1, METRIC_BATCHES_EMPTY);
    for (uint64_t i = 1; i <= 300; i++) {
        uuid16_t uuid = sim_uuid (i);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
        sim_pass (sim, 2);
    }
    uint64_t empty = sim_metric (sim, 1, METRIC_BATCHES_EMPTY) - before;
    cr_assert (empty >= 9 && empty <= 11, "%llu in ten minutes", (unsigned long long)empty);
    sim_destroy (&sim);
}

Test (keep, what_was_acknowledged_stays_so_over_a_restart)
{
    sim_t *sim = three (8);
    uuid16_t uuid = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 300);
    uint64_t before = sealed (sim);
    for (int node = 0; node < 3; node++) {
        sim_kill (sim, node);
        sim_start (sim, node);
    }
    sim_pass (sim, 600);
    cr_assert_eq (sealed (sim), before);
    sim_destroy (&sim);
}

Test (keep, a_client_alone_keeps_nothing)
{
    sim_t *sim = sim_new (9, 1);
    uuid16_t uuid = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &uuid, NULL), 0);
    sim_pass (sim, 2);
    cr_assert_eq (sim_log (sim, 0), 0);
    cr_assert_eq (sim_tombstones (sim, 0), 0);
    sim_destroy (&sim);
}

Test (keep, a_removed_client_is_waited_for_no_more)
{
    sim_t *sim = three (10);
    uuid16_t uuid = sim_uuid (1);
    uuid16_t gone = sim->nodes[2].identity.client;
    buffer_t packed = {NULL, 0, 0};
    sim_pass (sim, 300);
    cut_off (sim, 2, true);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 600);
    cr_assert_geq (sim_log (sim, 0), 1);
    pack_bin (&packed, slice_of (gone.bytes, sizeof gone.bytes));
    cr_assert_eq (
        sim_command (sim, 0, ACTOR_POOL, "remove", "client", buffer_slice (&packed), NULL), 0);
    buffer_release (&packed);
    sim_pass (sim, 600);
    for (int node = 0; node < 2; node++)
        cr_assert_leq (sim_log (sim, node), 2);
    sim_destroy (&sim);
}

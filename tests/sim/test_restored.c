//  test_restored - a client whose data directory is put back from a backup

#include "store/backup.h"
#include "tests/sim/away.h"

Test (return, a_restored_client_takes_back_its_own_later_batches)
{
    sim_t *sim = away_pool (50, 3);
    uuid16_t before = sim_uuid (1), after = sim_uuid (2), next = sim_uuid (3);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &before, "before"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_start (sim, 1);
    away_part (sim, 4, true); // one that is away keeps the log from being flushed
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &after, "after"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_restore (sim, 1);
    sim_start (sim, 1);
    sim_pass (sim, 30);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &after), "after");
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &next, "next"), 0);
    away_part (sim, 4, false);
    away_expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 2, "tags", &next), "next");
    cr_assert_not (sim_alarm (sim, 0, "FORKED") || sim_alarm (sim, 1, "FORKED"));
    sim_destroy (&sim);
}

Test (return, a_restored_client_that_needs_what_was_flushed_returns)
{
    sim_t *sim = away_pool (51, 3);
    uuid16_t before = sim_uuid (1), after = sim_uuid (2), next = sim_uuid (3), gone = sim_uuid (4);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &before, "before"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &gone, "gone"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_start (sim, 1);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &after, "after"), 0);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &gone, NULL), 0);
    sim_pass (sim, 300);
    cr_assert_eq (sim_tombstones (sim, 0), 0);
    sim_kill (sim, 1);
    sim_restore (sim, 1);
    sim_start (sim, 1);
    away_expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &after), "after");
    cr_assert_str_eq (sim_name (sim, 1, "tags", &gone), "");
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &next, "next"), 0);
    away_expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &next), "next");
    sim_destroy (&sim);
}

//  ---- put back by `tidepool restore`: it asks before it writes

static bool is_asking (sim_t *sim, void *node)
{
    return sim_has_setting (sim, *(int *)node, "restored");
}

static bool is_whole (sim_t *sim, void *node)
{
    return !is_asking (sim, node) && sim_is_ready (sim, *(int *)node);
}

static int write_try (sim_t *sim, int node, uint64_t record)
{
    uuid16_t uuid = sim_uuid (record);
    return sim_apply (sim, node, "create", "tags", &uuid, "tried");
}

//  As the restored one shows it.
static const char *name_of (sim_t *sim, uint64_t record)
{
    uuid16_t uuid = sim_uuid (record);
    return sim_name (sim, 1, "tags", &uuid);
}

static void expect_no_fork (sim_t *sim)
{
    for (int node = 0; node < (int)sim->count; node++)
        cr_expect_not (sim_alarm (sim, node, "FORKED"), "at node %d", node);
}

//  Node 1 wrote `after` past its backup, which node 2 alone has; it is put back, and starts.
static sim_t *put_back_beside (uint64_t seed, uuid16_t *ret_after)
{
    sim_t *sim = away_pool (seed, 3);
    *ret_after = sim_uuid (2);
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_start (sim, 1);
    sim_pass (sim, 60);
    sim_cut (sim, 0, 1, true);
    sim_cut (sim, 0, 2, true);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", ret_after, "after"), 0);
    sim_pass (sim, 10);
    sim_kill (sim, 1);
    sim_restore_asking (sim, 1);
    return sim;
}

Test (restored, writes_nothing_before_every_member_has_said_what_it_has)
{
    uuid16_t after;
    sim_t *sim = put_back_beside (52, &after);
    int node = 1;
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 1, 2, true);
    sim_start (sim, 1);
    sim_pass (sim, 60);
    cr_expect_eq (write_try (sim, 1, 3), ERR_BUSY, "node 2 was not asked yet");
    cr_expect (sim_alarm (sim, 1, "RESTORED"));
    sim_kill (sim, 1); // it is not forgotten
    sim_start (sim, 1);
    sim_pass (sim, 60);
    cr_expect_eq (write_try (sim, 1, 3), ERR_BUSY);
    sim_cut (sim, 1, 2, false);
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, is_whole, &node, 60));
    cr_expect_str_eq (sim_name (sim, 1, "tags", &after), "after");
    cr_expect_eq (write_try (sim, 1, 3), 0);
    away_expect_whole (sim);
    cr_expect_not (sim_alarm (sim, 1, "RESTORED"));
    expect_no_fork (sim);
    sim_destroy (&sim);
}

Test (restored, takes_part_in_nothing_while_it_asks)
{
    uuid16_t after;
    sim_t *sim = put_back_beside (53, &after);
    uint64_t before;
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 1, 2, true);
    sim_start (sim, 1);
    sim_pass (sim, 30);
    before = sim_log (sim, 0);
    cr_assert_eq (write_try (sim, 0, 4), 0);
    sim_pass (sim, 120); // of all acknowledgements that were due
    cr_expect_str_eq (name_of (sim, 4), "", "it has taken nothing");
    cr_expect_eq (sim_log (sim, 0), before + 1, "it has acknowledged nothing");
    sim_destroy (&sim);
}

Test (restored, alone_in_its_pool_asks_nobody)
{
    sim_t *sim = sim_new (54, 1);
    int node = 0;
    cr_assert_eq (write_try (sim, 0, 1), 0);
    sim_kill (sim, 0);
    sim_backup (sim, 0);
    sim_restore_asking (sim, 0);
    sim_start (sim, 0);
    cr_assert (sim_until (sim, is_whole, &node, 60));
    cr_expect_eq (write_try (sim, 0, 2), 0);
    sim_destroy (&sim);
}

//  Who holds its later batches is removed: what that one alone has is given up, and it goes on.
Test (restored, waits_no_more_for_who_was_removed)
{
    uuid16_t after;
    buffer_t two = {NULL, 0, 0};
    sim_t *sim = put_back_beside (55, &after);
    int node = 1;
    pack_bin (&two, slice_of (&sim->nodes[2].identity.client, sizeof (uuid16_t)));
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 1, 2, true);
    sim_start (sim, 1);
    sim_pass (sim, 60);
    cr_expect_eq (write_try (sim, 1, 3), ERR_BUSY);
    cr_assert_eq (
        sim_command (sim, 0, ACTOR_POOL, "remove", "client", buffer_slice (&two), NULL), 0);
    buffer_release (&two);
    cr_assert (sim_until (sim, is_whole, &node, 60));
    cr_expect_eq (write_try (sim, 1, 3), 0);
    cr_expect_str_eq (sim_name (sim, 1, "tags", &after), "");
    sim_destroy (&sim);
}

//  It was declared long ago, and a member has joined since: that one has to be asked too, and whoever could tell of it
//  keeps the restored one out until it returns.
Test (restored, asks_a_member_that_it_has_never_heard_of)
{
    sim_t *sim = sim_new (56, 4);
    int node = 1;
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    cr_assert_eq (write_try (sim, 1, 1), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_pass (sim, 1200);
    cr_assert (sim_is_declared (sim, 0, 1));
    sim_pair (sim, 0, 3);
    cr_assert_eq (write_try (sim, 3, 2), 0);
    sim_pass (sim, 120);
    sim_restore_asking (sim, 1);
    sim_cut (sim, 1, 3, true);
    sim_start (sim, 1);
    sim_pass (sim, 120);
    cr_expect (is_asking (sim, &node), "the newcomer was not asked");
    sim_cut (sim, 1, 3, false);
    cr_assert (sim_until (sim, is_whole, &node, 120));
    away_expect_whole (sim);
    cr_expect_str_eq (name_of (sim, 2), "tried");
    expect_no_fork (sim);
    sim_destroy (&sim);
}

//  What it wrote is flushed everywhere: it returns, to whoever has it, when all have said.
Test (restored, returns_for_what_nobody_keeps_any_more)
{
    sim_t *sim = away_pool (57, 3);
    uuid16_t after = sim_uuid (2), gone = sim_uuid (4);
    int node = 1;
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &gone, "gone"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_start (sim, 1);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &after, "after"), 0);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &gone, NULL), 0);
    sim_pass (sim, 300);
    cr_assert_eq (sim_tombstones (sim, 0), 0);
    sim_kill (sim, 1);
    sim_restore_asking (sim, 1);
    sim_cut (sim, 1, 2, true);
    sim_start (sim, 1);
    sim_pass (sim, 60);
    cr_expect (is_asking (sim, &node) && sim_is_ready (sim, 1), "it returned before all had said");
    sim_cut (sim, 1, 2, false);
    cr_assert (sim_until (sim, is_whole, &node, 300));
    away_expect_whole (sim);
    cr_expect_str_eq (sim_name (sim, 1, "tags", &after), "after");
    cr_expect_str_eq (sim_name (sim, 1, "tags", &gone), "");
    cr_expect_eq (write_try (sim, 1, 5), 0);
    away_expect_whole (sim);
    expect_no_fork (sim);
    sim_destroy (&sim);
}

//  Two halves that declared each other: it is let return by the one that has less of its chain, and goes to the other.
static sim_t *put_back_between_halves (uint64_t seed, uuid16_t *ret_after)
{
    sim_t *sim = put_back_beside (seed, ret_after);
    sim_pass (sim, 1200);
    cr_assert (sim_is_declared (sim, 0, 1) && sim_is_declared (sim, 2, 1));
    cr_assert (sim_is_declared (sim, 0, 2) && sim_is_declared (sim, 2, 0));
    return sim;
}

Test (restored, returns_to_who_has_most_of_it)
{
    uuid16_t after;
    sim_t *sim = put_back_between_halves (58, &after);
    int node = 1;
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 1, 2, true);
    sim_start (sim, 1);
    sim_pass (sim, 60);
    cr_expect (is_asking (sim, &node) && sim_is_ready (sim, 1));
    sim_cut (sim, 1, 2, false);
    cr_assert (sim_until (sim, is_whole, &node, 300));
    cr_expect_str_eq (sim_name (sim, 1, "tags", &after), "after");
    sim_cut (sim, 0, 2, false);
    away_expect_whole (sim);
    cr_expect_str_eq (sim_name (sim, 0, "tags", &after), "after");
    expect_no_fork (sim);
    sim_destroy (&sim);
}

static bool was_told (sim_t *sim, void *unused)
{
    uint64_t until = RESTORED_UNASKED;
    txn_t *txn;
    (void)unused;
    cr_assert_eq (store_begin (sim->nodes[1].store, false, &txn), 0);
    cr_assert_eq (restored_get (txn, &until), 0);
    store_abort (&txn);
    return until != RESTORED_UNASKED;
}

//  It has said what it has, and is gone before it gave it, for good. That it was removed is known only where the restored
//  one has to return first.
static void expect_given_up (uint64_t seed, bool restarts)
{
    uuid16_t after;
    buffer_t two = {NULL, 0, 0};
    sim_t *sim = put_back_between_halves (seed, &after);
    int node = 1;
    pack_bin (&two, slice_of (&sim->nodes[2].identity.client, sizeof (uuid16_t)));
    sim_cut (sim, 0, 1, false);
    sim_start (sim, 1);
    cr_assert (sim_until (sim, was_told, NULL, 60));
    sim_cut (sim, 1, 2, true);
    if (restarts) {
        sim_kill (sim, 1);
        sim_start (sim, 1);
    }
    sim_pass (sim, 60);
    cr_expect (is_asking (sim, &node) && sim_is_ready (sim, 1));
    sim_kill (sim, 2);
    cr_assert_eq (
        sim_command (sim, 0, ACTOR_POOL, "remove", "client", buffer_slice (&two), NULL), 0);
    sim_cut (sim, 0, 1, true); // it greets anew, and asks again
    sim_pass (sim, 10);
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, is_whole, &node, 300));
    cr_expect_eq (write_try (sim, 1, 5), 0);
    cr_expect_str_eq (sim_name (sim, 1, "tags", &after), "");
    buffer_release (&two);
    sim_destroy (&sim);
}

Test (restored, gives_up_what_only_one_has_that_was_removed_where_it_returns)
{
    expect_given_up (59, false);
    expect_given_up (60, true);
}

Test (restored, is_not_seen_while_it_asks)
{
    uuid16_t after;
    sim_t *sim = put_back_beside (62, &after);
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 1, 2, true);
    sim_cut (sim, 0, 2, false);
    sim_start (sim, 1);
    sim_pass (sim, 700);
    cr_expect (sim_is_declared (sim, 0, 1), "it acknowledges nothing, and is linked all the same");
    sim_cut (sim, 1, 2, false);
    away_expect_whole (sim);
    cr_expect_str_eq (sim_name (sim, 1, "tags", &after), "after");
    expect_no_fork (sim);
    sim_destroy (&sim);
}

//  What all have said is stored in a transaction of its own, which fails.
Test (restored, goes_on_once_the_disk_takes_again_what_all_have_said)
{
    sim_t *sim = away_pool (70, 2);
    int node = 1;
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_restore_asking (sim, 1);
    sim_start (sim, 1);
    sim->nodes[1].fail_commits = 4;
    sim_pass (sim, 2);
    cr_assert (is_asking (sim, &node));
    sim->nodes[1].fail_commits = 0;
    cr_assert (sim_until (sim, is_whole, &node, 60), "it is not stored again");
    cr_expect_eq (write_try (sim, 1, 3), 0);
    sim_destroy (&sim);
}

//  As of the backup node 1 was out; since then it has come back, and has what was written here later.
Test (restored, asks_also_who_was_out_when_the_backup_was_made)
{
    sim_t *sim = away_pool (71, 2);
    uuid16_t after = sim_uuid (2);
    int node = 0;
    sim_cut (sim, 0, 1, true);
    sim_say_stale (sim, 0, 1 << 1, true);
    sim_kill (sim, 0);
    sim_backup (sim, 0);
    sim_start (sim, 0);
    sim_cut (sim, 0, 1, false);
    away_expect_whole (sim);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &after, "after"), 0);
    sim_pass (sim, 10);
    sim_kill (sim, 0);
    sim_restore_asking (sim, 0);
    sim_cut (sim, 0, 1, true);
    sim_start (sim, 0);
    sim_pass (sim, 60);
    cr_expect_eq (write_try (sim, 0, 3), ERR_BUSY, "node 1 was not asked yet");
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, is_whole, &node, 600));
    cr_expect_str_eq (sim_name (sim, 0, "tags", &after), "after");
    away_expect_whole (sim);
    expect_no_fork (sim);
    sim_destroy (&sim);
}

//  Whoever it copies from is put back too, and has forgotten that it returns: first that one hears what it has itself written.
Test (restored, answers_the_giver_of_its_copy_that_was_put_back_too)
{
    sim_t *sim = away_pool (73, 2);
    uuid16_t after = sim_uuid (2);
    int node = 0;
    for (int i = 0; i < 2; i++) {
        sim_kill (sim, i);
        sim_backup (sim, i);
        sim_start (sim, i);
        if (i == 0)
            cr_assert_eq (sim_apply (sim, 0, "create", "tags", &after, "after"), 0);
        sim_pass (sim, 300);
    }
    sim_kill (sim, 0);
    sim_restore_asking (sim, 0);
    sim_start (sim, 0);
    cr_assert (sim_until (sim, away_takes_a_copy, &node, 60));
    sim_kill (sim, 1);
    sim_restore_asking (sim, 1);
    sim_start (sim, 1);
    away_expect_whole (sim);
    cr_expect (is_whole (sim, &node));
    sim_destroy (&sim);
}

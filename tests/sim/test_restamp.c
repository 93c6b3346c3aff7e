//  test_restamp - what was written while a clock ran ahead, stamped anew (actors/oplog/README.md, "Re-stamping …")
//
//  A node's wall clock is ahead by skew_ns, then it is put right. What it wrote meanwhile nobody takes.

#include "tests/sim/rows.h"

#include "messages/request.h"
#include "store/shared.h"
#include "store/watermarks.h"

#define SECOND 1000000000ll
#define DAY    (24 * 3600 * SECOND)
#define START  1767225600ull // as in sim.c

static sim_t *pool_of (uint64_t seed, size_t nodes)
{
    sim_t *sim = sim_new (seed, nodes);
    sim_intervals (sim, 30 * 86400, 20);
    for (size_t node = 1; node < nodes; node++)
        sim_pair (sim, 0, (int)node);
    sim_pass (sim, 60);
    return sim;
}

//  0, or the error it was refused with. *ret_count: of timestamps.
static int restamp (sim_t *sim, int node, uint64_t *ret_count)
{
    buffer_t map = {NULL, 0, 0};
    slice_t value;
    int rc = sim_command (sim, node, ACTOR_LINK, "restamp", NULL, slice_of (NULL, 0), &map);
    *ret_count = 0;
    if (rc == 0) {
        cr_assert (map_find (buffer_slice (&map), "timestamps", &value));
        cursor_t cursor = cursor_over (value);
        cr_assert_eq (cursor_uint (&cursor, ret_count), 0);
    }
    buffer_release (&map);
    return rc;
}

//  By how much the node's newest batch or row is ahead of the true time, in seconds.
static uint64_t seconds_ahead (sim_t *sim, int node, enum watermark_kind kind)
{
    txn_t *txn;
    vector_t vector = {NULL, 0, 0};
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (watermarks_load (txn, kind, &vector), 0);
    uint64_t upto = vector_upto (&vector, &sim->nodes[node].identity.client);
    vector_release (&vector);
    store_abort (&txn);
    return hlc_ahead (time_from_ns (START * SECOND + sim->mono_ns), upto) >> 32;
}

//  Of a record that is gone `changes` tells when, also where the record itself has forgotten.
static void expect_deleted_by_now (sim_t *sim, int node, const uuid16_t *uuid)
{
    txn_t *txn;
    timestamp_t deletion;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (shared_deletion (txn, slice_text ("tags"), uuid, &deletion), 0);
    cr_assert_eq (hlc_ahead (time_from_ns (START * SECOND + sim->mono_ns), deletion.time), 0);
    store_abort (&txn);
}

Test (restamp, what_nobody_has_taken_bears_times_of_now_and_is_taken_at_once)
{
    for (uint64_t seed = 400; seed < 404; seed++) {
        sim_t *sim = pool_of (seed, 3);
        uuid16_t old = sim_uuid (1), gone = sim_uuid (2), fresh = sim_uuid (3), row = sim_uuid (4);
        uint64_t count;
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &old, "old"), 0);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &gone, "gone"), 0);
        sim_pass (sim, 60);
        sim->nodes[1].skew_ns = DAY;
        cr_assert_eq (sim_apply (sim, 1, "update", "tags", &old, "tomorrow"), 0);
        cr_assert_eq (sim_apply (sim, 1, "delete", "tags", &gone, NULL), 0);
        cr_assert_eq (sim_apply (sim, 1, "create", "tags", &fresh, "fresh"), 0);
        cr_assert_eq (sim_apply (sim, 1, "create", "file_paths", &row, "a row"), 0);
        sim_pass (sim, 60);
        cr_assert_eq (sim_apply (sim, 0, "update", "tags", &old, "today"), 0);
        sim_pass (sim, 60);
        cr_assert_str_eq (sim_name (sim, 1, "tags", &old), "tomorrow");
        cr_assert_str_eq (sim_name (sim, 0, "tags", &fresh), "");
        sim->nodes[1].skew_ns = 0;
        sim_pass (sim, 30);
        cr_assert_geq (seconds_ahead (sim, 1, WATERMARK_SHARED), 86000);
        cr_assert_eq (restamp (sim, 1, &count), 0, "seed %llu", (unsigned long long)seed);
        cr_assert_geq (count, 4);
        cr_assert_eq (seconds_ahead (sim, 1, WATERMARK_SHARED), 0);
        cr_assert_eq (seconds_ahead (sim, 1, WATERMARK_ROWS), 0);
        expect_deleted_by_now (sim, 1, &gone);
        sim_expect_converged (sim, 60);
        rows_expect_proven (sim, 1, 60);
        for (int node = 0; node < 3; node++) {
            cr_assert_str_eq (sim_name (sim, node, "tags", &old), "tomorrow");
            cr_assert_str_eq (sim_name (sim, node, "tags", &gone), "");
            cr_assert_str_eq (sim_name (sim, node, "tags", &fresh), "fresh");
        }
        cr_assert_eq (sim_apply (sim, 1, "update", "tags", &old, "now"), 0);
        cr_assert_eq (seconds_ahead (sim, 1, WATERMARK_SHARED), 0, "its clock is back as well");
        sim_pass (sim, 120);
        for (int node = 0; node < 3; node++) {
            cr_assert_str_eq (sim_name (sim, node, "tags", &old), "now");
            cr_assert_eq (sim_tombstones (sim, node), 0, "nothing is kept that nobody waits for");
        }
        for (int node = 0; node < 3; node++)
            cr_assert_not (sim_alarm (sim, node, "CLOCK_AHEAD"));
        sim_destroy (&sim);
    }
}

//  It had no log any more: nobody else counted.
Test (restamp, a_node_that_was_alone_stamps_anew_what_it_has_flushed)
{
    sim_t *sim = sim_new (410, 2);
    uuid16_t early = sim_uuid (1), late = sim_uuid (2);
    uint64_t count;
    sim->nodes[0].skew_ns = DAY;
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &early, "early"), 0);
    sim_pass (sim, 60);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &late, "late"), 0);
    sim_pass (sim, 60);
    cr_assert_eq (sim_log (sim, 0), 0);
    sim->nodes[0].skew_ns = 0;
    sim_kill (sim, 0);
    sim_start (sim, 0);
    cr_assert_eq (restamp (sim, 0, &count), 0);
    cr_assert_geq (count, 2);
    sim_pair (sim, 0, 1);
    sim_expect_converged (sim, 60);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &early), "early");
    cr_assert_str_eq (sim_name (sim, 1, "tags", &late), "late");
    sim_destroy (&sim);
}

Test (restamp, with_nothing_ahead_there_is_nothing_to_do)
{
    sim_t *sim = pool_of (411, 2);
    uuid16_t tag = sim_uuid (1);
    vector_t before = {NULL, 0, 0}, after = {NULL, 0, 0};
    uint64_t count;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &tag, "tag"), 0);
    sim_pass (sim, 60);
    sim_vector (sim, 1, &before);
    cr_assert_eq (restamp (sim, 1, &count), 0);
    cr_assert_eq (count, 0);
    sim_vector (sim, 1, &after);
    cr_assert (vector_equal (&before, &after));
    vector_release (&before);
    vector_release (&after);
    sim_destroy (&sim);
}

//  A guess would fork the chain: whoever cannot be asked may have it.
Test (restamp, is_refused_while_a_member_cannot_be_asked)
{
    sim_t *sim = pool_of (412, 3);
    uuid16_t tag = sim_uuid (1);
    uint64_t count;
    sim->nodes[1].skew_ns = DAY;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &tag, "tomorrow"), 0);
    sim->nodes[1].skew_ns = 0;
    sim_cut (sim, 1, 2, true);
    sim_pass (sim, 60);
    cr_assert_eq (restamp (sim, 1, &count), ERR_BUSY);
    cr_assert_geq (seconds_ahead (sim, 1, WATERMARK_SHARED), 86000);
    sim_cut (sim, 1, 2, false);
    sim_pass (sim, 60);
    cr_assert_eq (restamp (sim, 1, &count), 0);
    sim_expect_converged (sim, 60);
    sim_destroy (&sim);
}

//  Also who is declared stale, for it may have it, and comes back.
Test (restamp, asks_a_member_that_is_out)
{
    sim_t *sim = sim_new (413, 3);
    uuid16_t tag = sim_uuid (1), mine = sim_uuid (2);
    uint64_t count;
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 60);
    sim_cut (sim, 0, 2, true);
    sim_cut (sim, 1, 2, true);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "of whom is out"), 0);
    sim_pass (sim, 1500);
    cr_assert (sim_is_declared (sim, 1, 2));
    sim->nodes[1].skew_ns = DAY;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &tag, "tomorrow"), 0);
    sim->nodes[1].skew_ns = 0;
    sim_pass (sim, 30);
    cr_assert_eq (restamp (sim, 1, &count), ERR_BUSY);
    sim_cut (sim, 1, 2, false);
    sim_pass (sim, 20);
    cr_assert_eq (restamp (sim, 1, &count), 0);
    cr_assert_geq (count, 1);
    sim_cut (sim, 0, 2, false);
    sim_expect_converged (sim, 600);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &tag), "tomorrow");
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "of whom is out");
    }
    sim_destroy (&sim);
}

//  What somebody has taken keeps its name; and as it is ahead itself, so would be all that is stamped behind it.
Test (restamp, what_a_member_has_taken_stays)
{
    sim_t *sim = pool_of (414, 3);
    uuid16_t taken = sim_uuid (1), not_taken = sim_uuid (2);
    vector_t before = {NULL, 0, 0}, after = {NULL, 0, 0};
    uint64_t count;
    sim->nodes[1].skew_ns = sim->nodes[2].skew_ns = DAY;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &taken, "taken"), 0);
    sim_pass (sim, 60);
    cr_assert_str_eq (sim_name (sim, 2, "tags", &taken), "taken");
    sim->nodes[2].skew_ns = 0;
    sim->nodes[1].skew_ns = 2 * DAY;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &not_taken, "not taken"), 0);
    sim->nodes[1].skew_ns = 0;
    sim_pass (sim, 60);
    sim_vector (sim, 1, &before);
    cr_assert_eq (restamp (sim, 1, &count), ERR_CLOCK_AHEAD);
    sim_vector (sim, 1, &after);
    cr_assert (vector_equal (&before, &after));
    //  A day later what was taken is no longer ahead, and the rest may have names behind it.
    for (int node = 0; node < 3; node++)
        sim->nodes[node].skew_ns = DAY + 3600 * SECOND;
    sim_pass (sim, 120);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &taken), "taken");
    cr_assert_eq (restamp (sim, 1, &count), 0);
    cr_assert_geq (count, 1);
    sim_expect_converged (sim, 60);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &not_taken), "not taken");
    vector_release (&before);
    vector_release (&after);
    sim_destroy (&sim);
}

//  All of it is there with the commit, or nothing is.
Test (restamp, that_is_not_committed_has_not_been)
{
    sim_t *sim = pool_of (415, 2);
    uuid16_t tag = sim_uuid (1);
    uint64_t count;
    sim->nodes[1].skew_ns = DAY;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &tag, "tomorrow"), 0);
    sim->nodes[1].skew_ns = 0;
    sim_pass (sim, 60);
    sim->nodes[1].fail_commits = 1;
    cr_assert_neq (restamp (sim, 1, &count), 0);
    cr_assert_geq (seconds_ahead (sim, 1, WATERMARK_SHARED), 86000);
    sim_kill (sim, 1);
    sim_start (sim, 1);
    sim_pass (sim, 20);
    cr_assert_eq (restamp (sim, 1, &count), 0);
    sim_expect_converged (sim, 60);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &tag), "tomorrow");
    sim_destroy (&sim);
}

//  Its own return, and what it says there of its own chain.
Test (restamp, a_return_that_nobody_has_taken_covers_only_what_was_accepted)
{
    sim_t *sim = sim_new (416, 3);
    uuid16_t mine = sim_uuid (1), late = sim_uuid (2);
    uint64_t count;
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 60);
    sim_cut (sim, 0, 1, true);
    sim_cut (sim, 1, 2, true);
    sim->nodes[1].skew_ns = DAY;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &mine, "before the return"), 0);
    sim->nodes[1].skew_ns = 0;
    sim_pass (sim, 1500);
    cr_assert (sim_is_declared (sim, 0, 1));
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 1, 2, false);
    sim_pass (sim, 300);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &late, "behind it"), 0);
    cr_assert_geq (seconds_ahead (sim, 1, WATERMARK_SHARED), 80000);
    cr_assert_eq (restamp (sim, 1, &count), 0);
    cr_assert_geq (count, 3);
    sim_expect_converged (sim, 300);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "before the return");
        cr_assert_str_eq (sim_name (sim, node, "tags", &late), "behind it");
        cr_assert_not (sim_is_declared (sim, node, 1));
    }
    sim_destroy (&sim);
}

//  test_return - being counted out, and coming back (semantics.md, "Joining, and returning")

#include "tests/sim/away.h"

#include "messages/counting.h"
#include "store/pending.h"

Test (return, a_member_that_nobody_sees_is_declared_and_nothing_is_kept_for_it)
{
    sim_t *sim = away_pool (20, 3);
    uuid16_t x = sim_uuid (1), y = sim_uuid (2);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    sim_pass (sim, 60);
    away_part (sim, 4, true);
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &x, NULL), 0);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &y, "y"), 0);
    sim_pass (sim, 500);
    cr_assert_geq (sim_log (sim, 0), 2);
    cr_assert_not (sim_is_declared (sim, 0, 2));
    sim_pass (sim, 600);
    cr_assert (sim_is_declared (sim, 0, 2) && sim_is_declared (sim, 1, 2));
    cr_assert_leq (sim_log (sim, 0), 2);
    cr_assert_eq (sim_tombstones (sim, 0), 0);
    sim_destroy (&sim);
}

Test (return, a_returning_client_brings_what_was_never_seen_and_resurrects_nothing)
{
    sim_t *sim = away_pool (21, 3);
    uuid16_t gone = sim_uuid (1), updated = sim_uuid (2), mine = sim_uuid (3),
             theirs = sim_uuid (4), both = sim_uuid (5), killed = sim_uuid (6);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &gone, "gone"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &updated, "old"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &both, "both"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &killed, "killed"), 0);
    sim_pass (sim, 60);
    away_part (sim, 4, true);
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &gone, NULL), 0);
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &updated, NULL), 0);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &theirs, "theirs"), 0);
    cr_assert_eq (sim_apply (sim, 1, "update", "tags", &both, "earlier"), 0);
    sim_pass (sim, 60);
    cr_assert_eq (sim_apply (sim, 2, "update", "tags", &updated, "in vain"), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
    cr_assert_eq (sim_apply (sim, 2, "update", "tags", &both, "later"), 0);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &killed, NULL), 0);
    sim_pass (sim, 1500);
    cr_assert_eq (sim_tombstones (sim, 0), 0);
    away_part (sim, 4, false);
    away_expect_whole (sim);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &gone), "");
        cr_assert_str_eq (sim_name (sim, node, "tags", &updated), "");
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
        cr_assert_str_eq (sim_name (sim, node, "tags", &theirs), "theirs");
        cr_assert_str_eq (sim_name (sim, node, "tags", &both), "later");
        cr_assert_str_eq (sim_name (sim, node, "tags", &killed), "");
    }
    cr_assert (sim_is_found (sim, 2, &updated));
    cr_assert_eq (sim_found (sim, 2), 1);
    sim_pass (sim, 300);
    for (int node = 0; node < 3; node++) {
        cr_assert_eq (sim_tombstones (sim, node), 0);
        cr_assert_leq (sim_log (sim, node), 3);
    }
    sim_destroy (&sim);
}

//  Whoever wrote what a return ends finds it, though another life begins in its place; but not what the deletion had seen.
Test (return, what_it_ends_and_had_not_seen_is_found_by_whoever_wrote_it)
{
    sim_t *sim = away_pool (22, 3);
    uuid16_t unseen = sim_uuid (1), seen = sim_uuid (2);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &unseen, "first"), 0);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &seen, "first"), 0);
    sim_pass (sim, 60);
    away_part (sim, 4, true);
    cr_assert_eq (sim_apply (sim, 0, "update", "tags", &unseen, "ours"), 0);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &unseen, NULL), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &unseen, "anew"), 0);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &seen, NULL), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &seen, "anew"), 0);
    sim_pass (sim, 1500);
    away_part (sim, 4, false);
    away_expect_whole (sim);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &unseen), "anew");
        cr_assert_str_eq (sim_name (sim, node, "tags", &seen), "anew");
    }
    cr_assert (sim_is_found (sim, 0, &unseen));
    cr_assert_eq (sim_found (sim, 0), 1);
    cr_assert_eq (sim_found (sim, 1), 0);
    cr_assert_eq (sim_found (sim, 2), 0);
    sim_destroy (&sim);
}

//  What the returning half had said of the other comes along, and is taken back in the same batch.
static bool who_stayed_is_out (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_is_declared (sim, 0, 1) || sim_is_declared (sim, 1, 0);
}

Test (return, two_halves_that_declared_each_other_come_together)
{
    for (uint64_t seed = 30; seed < 34; seed++) {
        sim_t *sim = away_pool (seed, 4);
        uuid16_t a = sim_uuid (1), b = sim_uuid (2), shared = sim_uuid (3);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &shared, "shared"), 0);
        sim_pass (sim, 60);
        away_part (sim, 12, true);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &a, "a"), 0);
        cr_assert_eq (sim_apply (sim, 3, "create", "tags", &b, "b"), 0);
        cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &shared, NULL), 0);
        sim_pass (sim, 1500);
        cr_assert (sim_is_declared (sim, 0, 2) && sim_is_declared (sim, 2, 0));
        cr_assert_eq (sim_tombstones (sim, 2), 0);
        away_part (sim, 12, false);
        cr_assert_not (sim_until (sim, who_stayed_is_out, NULL, 60));
        away_expect_whole (sim);
        for (int node = 0; node < 4; node++) {
            cr_assert_str_eq (sim_name (sim, node, "tags", &a), "a");
            cr_assert_str_eq (sim_name (sim, node, "tags", &b), "b");
            cr_assert_str_eq (sim_name (sim, node, "tags", &shared), "");
        }
        sim_destroy (&sim);
    }
}

Test (return, a_client_that_only_the_other_half_had_admitted_returns_in_its_turn)
{
    sim_t *sim = sim_new (40, 4);
    uuid16_t mine = sim_uuid (1), late = sim_uuid (2);
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 60);
    for (int other = 0; other < 2; other++) {
        sim_cut (sim, 2, other, true);
        sim_cut (sim, 3, other, true);
    }
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &mine, "mine"), 0);
    sim_pair (sim, 2, 3);
    sim_pass (sim, 1500);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &late, "late"), 0);
    for (int other = 0; other < 2; other++) {
        sim_cut (sim, 2, other, false);
        sim_cut (sim, 3, other, false);
    }
    away_expect_whole (sim);
    for (int node = 0; node < 4; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
        cr_assert_str_eq (sim_name (sim, node, "tags", &late), "late");
    }
    sim_destroy (&sim);
}

Test (return, a_return_that_is_killed_at_any_moment_is_taken_up_again)
{
    for (uint64_t kills = 0; kills < 24; kills++) {
        sim_t *sim = away_pool (60 + kills, 3);
        uuid16_t mine = sim_uuid (1), theirs = sim_uuid (2);
        away_part (sim, 4, true);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &theirs, "theirs"), 0);
        sim_pass (sim, 1500);
        cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
        away_part (sim, 4, false);
        //  The next of its commits fails, and the one after, and it is killed between.
        uint64_t commits = sim->nodes[2].commits + kills / 2;
        for (int i = 0; i < 3000 && sim->nodes[2].commits < commits; i++)
            sim->mono_ns += 1000000, sim_step (sim);
        sim_kill (sim, 2);
        if (kills % 2)
            sim_kill (sim, 0);
        sim_start (sim, 2);
        if (kills % 2)
            sim_start (sim, 0);
        away_expect_whole (sim);
        for (int node = 0; node < 3; node++) {
            cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
            cr_assert_str_eq (sim_name (sim, node, "tags", &theirs), "theirs");
        }
        sim_destroy (&sim);
    }
}

static bool is_returning (sim_t *sim, void *unused)
{
    (void)unused;
    return !sim_is_declared (sim, 0, 3);
}

static bool is_gone_there (sim_t *sim, void *uuid)
{
    return !sim_name (sim, 2, "tags", uuid)[0];
}

//  3 is away, and counted out; 2, away later, has 3's deletion, and makes the record again. 1 meets 2 just before 2 would
//  be declared, while 0 declares it. So the deletion comes to 0 on the plain way after 3 has begun to return there.
Test (return, a_deletion_that_came_before_is_not_forgotten_while_its_writer_returns)
{
    sim_t *sim = away_pool (70, 4);
    uuid16_t x = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "first"), 0);
    sim_pass (sim, 60);
    away_part (sim, 8, true);
    sim_pass (sim, 300);
    sim_cut (sim, 2, 0, true);
    sim_cut (sim, 2, 1, true);
    sim_cut (sim, 2, 3, false);
    cr_assert_eq (sim_apply (sim, 3, "delete", "tags", &x, NULL), 0);
    cr_assert (sim_until (sim, is_gone_there, &x, 30));
    sim_cut (sim, 2, 3, true); // 3 knows nothing of 2 that 0 lacks
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &x, "second"), 0);
    sim_pass (sim, 500);
    cr_assert (sim_is_declared (sim, 0, 3) && !sim_is_declared (sim, 0, 2));
    sim_cut (sim, 0, 1, true);
    sim_cut (sim, 2, 1, false);
    sim_pass (sim, 200);
    cr_assert (sim_is_declared (sim, 0, 2) && !sim_is_declared (sim, 1, 2));
    sim_cut (sim, 3, 0, false);
    cr_assert (sim_until (sim, is_returning, NULL, 60));
    sim_cut (sim, 3, 0, true);
    sim_cut (sim, 0, 1, false);
    sim_pass (sim, 200);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &x), "second");
    cr_assert_eq (sim_tombstones (sim, 0), 1);
    away_part (sim, 8, false);
    sim_cut (sim, 2, 0, false);
    away_expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 3, "tags", &x), "second");
    cr_assert_eq (sim_tombstones (sim, 0), 0);
    sim_destroy (&sim);
}

//  The vectors of the batch that issues anew in node 0's log; false while there is none.
typedef struct anew {
    vector_t seen, covers;
} anew_t;

static bool is_issued_anew (sim_t *sim, void *ret_anew)
{
    txn_t *txn;
    uint64_t sequence = 0;
    slice_t bytes;
    batch_head_t head = {.count = 0};
    anew_t *anew = ret_anew;
    cr_assert_eq (store_begin (sim->nodes[0].store, false, &txn), 0);
    while (!head.issues_anew && pending_read (txn, sequence + 1, &sequence, &bytes) == 0)
        cr_assert_eq (batch_peek (bytes, &head), 0);
    if (head.issues_anew) {
        cr_assert_eq (batch_seen (bytes, &anew->seen), 0);
        cr_assert_eq (batch_covers (bytes, &anew->covers), 0);
    }
    store_abort (&txn);
    return head.issues_anew;
}

//  Also of what it had published before; and it says how far it was itself. 3 is gone long ago, and says nothing new.
Test (return, its_batch_has_seen_the_members_whole_vector_and_covers_its_own)
{
    sim_t *sim = away_pool (84, 4);
    anew_t anew = {.seen = {NULL, 0, 0}};
    vector_t mine = {NULL, 0, 0}, theirs = {NULL, 0, 0};
    uuid16_t x = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &x, "of 3"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 3);
    sim_pass (sim, 1500);
    away_part (sim, 4, true);
    sim_pass (sim, 1500);
    sim_vector (sim, 2, &mine);
    sim_vector (sim, 0, &theirs);
    vector_remove (&theirs, &sim->nodes[2].identity.client);
    away_part (sim, 4, false);
    cr_assert (sim_until (sim, is_issued_anew, &anew, 300));
    cr_assert (vector_covers_all (&anew.seen, &theirs) && anew.seen.count == 3);
    cr_assert (vector_equal (&anew.covers, &mine));
    sim_start (sim, 3);
    away_expect_whole (sim);
    vector_release (&anew.seen);
    vector_release (&anew.covers);
    vector_release (&mine);
    vector_release (&theirs);
    sim_destroy (&sim);
}

static uint64_t sealed (sim_t *sim)
{
    uint64_t count = 0;
    for (size_t i = 0; i < sim->count; i++)
        count += sim_metric (sim, (int)i, METRIC_BATCHES_SEALED);
    return count;
}

//  The word that it returns, its batch, and an acknowledgement of each member; its batch acknowledges the copy itself.
Test (return, costs_few_batches_and_then_the_pool_is_silent)
{
    sim_t *sim = away_pool (96, 3);
    away_part (sim, 4, true);
    sim_pass (sim, 1500);
    uint64_t before = sealed (sim), own = sim_metric (sim, 2, METRIC_BATCHES_SEALED);
    away_part (sim, 4, false);
    away_expect_whole (sim);
    sim_pass (sim, 300);
    cr_assert_eq (sim_metric (sim, 2, METRIC_BATCHES_SEALED) - own, 1, "%llu",
        (unsigned long long)(sim_metric (sim, 2, METRIC_BATCHES_SEALED) - own));
    cr_assert_leq (sealed (sim) - before, 5, "%llu", (unsigned long long)(sealed (sim) - before));
    before = sealed (sim);
    sim_pass (sim, 36000);
    cr_assert_eq (sealed (sim), before);
    sim_destroy (&sim);
}

//  However short the time is that was configured: who pings is seen.
Test (return, nobody_is_declared_between_two_pings)
{
    sim_t *sim = sim_new (97, 3);
    sim_intervals (sim, 1, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    for (int i = 0; i < 300; i++) {
        sim_pass (sim, 1);
        for (int node = 0; node < 3; node++)
            for (int other = 0; other < 3; other++)
                cr_assert_not (
                    sim_is_declared (sim, node, other), "%d by %d after %d s", other, node, i);
    }
    sim_destroy (&sim);
}

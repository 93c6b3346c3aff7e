//  test_return - being counted out, and coming back (semantics.md, "Joining, and returning")

#include "tests/sim/sim.h"

#include "messages/counting.h"
#include "messages/peer.h"
#include "store/clients.h"
#include "store/node.h"
#include "store/pending.h"
#include "store/watermarks.h"

#include <stdlib.h>

static sim_t *pool_of (uint64_t seed, size_t nodes)
{
    sim_t *sim = sim_new (seed, nodes);
    sim_intervals (sim, 600, 20);
    for (size_t node = 1; node < nodes; node++)
        sim_pair (sim, 0, (int)node);
    sim_pass (sim, 60);
    return sim;
}

static void part (sim_t *sim, unsigned half, bool cut)
{
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < a; b++)
            if ((half >> a & 1) != (half >> b & 1))
                sim_cut (sim, a, b, cut);
}

static bool nobody_is_declared (sim_t *sim, void *unused)
{
    (void)unused;
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < (int)sim->count; b++)
            if (sim_is_declared (sim, a, b))
                return false;
    return sim_converged (sim, NULL);
}

static void expect_whole (sim_t *sim)
{
    cr_assert (sim_until (sim, nobody_is_declared, NULL, 600), "seed %llu does not come together",
        (unsigned long long)sim->seed);
}

Test (return, a_member_that_nobody_sees_is_declared_and_nothing_is_kept_for_it)
{
    sim_t *sim = pool_of (20, 3);
    uuid16_t x = sim_uuid (1), y = sim_uuid (2);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    sim_pass (sim, 60);
    part (sim, 4, true);
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
    sim_t *sim = pool_of (21, 3);
    uuid16_t gone = sim_uuid (1), updated = sim_uuid (2), mine = sim_uuid (3),
             theirs = sim_uuid (4), both = sim_uuid (5), killed = sim_uuid (6);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &gone, "gone"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &updated, "old"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &both, "both"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &killed, "killed"), 0);
    sim_pass (sim, 60);
    part (sim, 4, true);
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
    part (sim, 4, false);
    expect_whole (sim);
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

//  What the returning half had said of the other comes along, and is taken back in the same batch.
static bool who_stayed_is_out (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_is_declared (sim, 0, 1) || sim_is_declared (sim, 1, 0);
}

Test (return, two_halves_that_declared_each_other_come_together)
{
    for (uint64_t seed = 30; seed < 34; seed++) {
        sim_t *sim = pool_of (seed, 4);
        uuid16_t a = sim_uuid (1), b = sim_uuid (2), shared = sim_uuid (3);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &shared, "shared"), 0);
        sim_pass (sim, 60);
        part (sim, 12, true);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &a, "a"), 0);
        cr_assert_eq (sim_apply (sim, 3, "create", "tags", &b, "b"), 0);
        cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &shared, NULL), 0);
        sim_pass (sim, 1500);
        cr_assert (sim_is_declared (sim, 0, 2) && sim_is_declared (sim, 2, 0));
        cr_assert_eq (sim_tombstones (sim, 2), 0);
        part (sim, 12, false);
        cr_assert_not (sim_until (sim, who_stayed_is_out, NULL, 60));
        expect_whole (sim);
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
    expect_whole (sim);
    for (int node = 0; node < 4; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
        cr_assert_str_eq (sim_name (sim, node, "tags", &late), "late");
    }
    sim_destroy (&sim);
}

Test (return, a_restored_client_takes_back_its_own_later_batches)
{
    sim_t *sim = pool_of (50, 3);
    uuid16_t before = sim_uuid (1), after = sim_uuid (2), next = sim_uuid (3);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &before, "before"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_start (sim, 1);
    part (sim, 4, true); // one that is away keeps the log from being flushed
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &after, "after"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_restore (sim, 1);
    sim_start (sim, 1);
    sim_pass (sim, 30);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &after), "after");
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &next, "next"), 0);
    part (sim, 4, false);
    expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 2, "tags", &next), "next");
    cr_assert_not (sim_alarm (sim, 0, "FORKED") || sim_alarm (sim, 1, "FORKED"));
    sim_destroy (&sim);
}

Test (return, a_restored_client_that_needs_what_was_flushed_returns)
{
    sim_t *sim = pool_of (51, 3);
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
    expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &after), "after");
    cr_assert_str_eq (sim_name (sim, 1, "tags", &gone), "");
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &next, "next"), 0);
    expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &next), "next");
    sim_destroy (&sim);
}

Test (return, a_return_that_is_killed_at_any_moment_is_taken_up_again)
{
    for (uint64_t kills = 0; kills < 24; kills++) {
        sim_t *sim = pool_of (60 + kills, 3);
        uuid16_t mine = sim_uuid (1), theirs = sim_uuid (2);
        part (sim, 4, true);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &theirs, "theirs"), 0);
        sim_pass (sim, 1500);
        cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
        part (sim, 4, false);
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
        expect_whole (sim);
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
    sim_t *sim = pool_of (70, 4);
    uuid16_t x = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "first"), 0);
    sim_pass (sim, 60);
    part (sim, 8, true);
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
    part (sim, 8, false);
    sim_cut (sim, 2, 0, false);
    expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 3, "tags", &x), "second");
    cr_assert_eq (sim_tombstones (sim, 0), 0);
    sim_destroy (&sim);
}

//  ---- who waits for whom

static client_t client_at (sim_t *sim, int node, int other)
{
    txn_t *txn;
    client_t client = {.drop_rows = false};
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    clients_get (txn, &sim->nodes[other].identity.client, &client);
    store_abort (&txn);
    return client;
}

static bool one_returns (sim_t *sim, void *unused)
{
    client_t client = client_at (sim, 0, 1);
    (void)unused;
    return client_returns (&client);
}

static bool two_is_declared_no_more (sim_t *sim, void *unused)
{
    (void)unused;
    return !sim_is_declared (sim, 0, 2);
}

//  Somebody may hold a batch of it that this one lacks, of a record that is purged.
Test (return, waits_until_the_client_is_counted_out)
{
    sim_t *sim = pool_of (80, 3);
    part (sim, 4, true);
    sim_pass (sim, 550);
    part (sim, 2, true); // it counts for ten minutes more, and never hears of the declaration
    sim_pass (sim, 150);
    cr_assert (sim_is_declared (sim, 0, 2));
    sim_cut (sim, 0, 2, false);
    sim_pass (sim, 300);
    cr_assert (sim_is_declared (sim, 0, 2), "it did not wait");
    cr_assert_not (sim_is_declared (sim, 0, 1));
    cr_assert (sim_until (sim, two_is_declared_no_more, NULL, 600));
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 1, 2, false);
    expect_whole (sim);
    sim_destroy (&sim);
}

Test (return, of_one_waits_until_that_of_another_is_over)
{
    sim_t *sim = pool_of (81, 3);
    part (sim, 1, true);
    sim_cut (sim, 1, 2, true);
    sim_pass (sim, 1500);
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, one_returns, NULL, 60));
    sim_kill (sim, 1); // half way
    sim_cut (sim, 0, 2, false);
    sim_pass (sim, 300);
    cr_assert (sim_is_declared (sim, 0, 2), "it did not wait");
    cr_assert (one_returns (sim, NULL));
    cr_assert (sim_until (sim, two_is_declared_no_more, NULL, 900), "it waits for ever");
    sim_start (sim, 1);
    sim_cut (sim, 1, 2, false);
    expect_whole (sim);
    sim_destroy (&sim);
}

//  3 was admitted by 2 alone, and is away when 2 returns: it is a member then, and stale.
Test (return, admits_whom_only_the_returning_half_had_admitted_as_stale)
{
    sim_t *sim = sim_new (82, 4);
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 60);
    part (sim, 12, true);
    sim_pass (sim, 1500);
    sim_pair (sim, 2, 3); // so lately that nobody declares it for its silence
    part (sim, 8, true);
    sim_cut (sim, 2, 0, false);
    sim_cut (sim, 2, 1, false);
    cr_assert (sim_until (sim, two_is_declared_no_more, NULL, 60));
    sim_pass (sim, 30);
    client_t client = client_at (sim, 0, 3);
    cr_assert_not (timestamp_is_none (&client.admitted), "the admission came along");
    cr_assert (sim_is_declared (sim, 0, 3));
    part (sim, 8, false);
    expect_whole (sim);
    sim_destroy (&sim);
}

//  ---- what its batch says

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
    sim_t *sim = pool_of (84, 4);
    anew_t anew = {.seen = {NULL, 0, 0}};
    vector_t mine = {NULL, 0, 0}, theirs = {NULL, 0, 0};
    uuid16_t x = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &x, "of 3"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 3);
    sim_pass (sim, 1500);
    part (sim, 4, true);
    sim_pass (sim, 1500);
    sim_vector (sim, 2, &mine);
    sim_vector (sim, 0, &theirs);
    vector_remove (&theirs, &sim->nodes[2].identity.client);
    part (sim, 4, false);
    cr_assert (sim_until (sim, is_issued_anew, &anew, 300));
    cr_assert (vector_covers_all (&anew.seen, &theirs) && anew.seen.count == 3);
    cr_assert (vector_equal (&anew.covers, &mine));
    sim_start (sim, 3);
    expect_whole (sim);
    vector_release (&anew.seen);
    vector_release (&anew.covers);
    vector_release (&mine);
    vector_release (&theirs);
    sim_destroy (&sim);
}

//  ---- what happens while it copies

static bool copy_is_begun (sim_t *sim, void *context)
{
    txn_t *txn;
    slice_t stored, from = slice_of (context, 1);
    cr_assert_eq (store_begin (sim->nodes[2].store, false, &txn), 0);
    bool begun = node_get (txn, NODE_SETTINGS, slice_text ("joining"), &stored) == 0 &&
                 stored.size > 1 && stored.data[1] != from.data[0];
    store_abort (&txn);
    return begun;
}

//  A batch says nothing to a record that is not copied yet: it would end what was written here unheard.
Test (return, what_is_deleted_while_the_copy_is_under_way_is_reported)
{
    sim_t *sim = pool_of (483, 3);
    static char large[200001];
    uint8_t nowhere = 0xa0; // the empty name of a place before all records
    uuid16_t last;
    memset (large, 'x', sizeof large - 1);
    memset (last.bytes, 0xff, sizeof last.bytes);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &last, "old"), 0);
    for (uint64_t i = 0; i < 60; i++) {
        uuid16_t uuid = sim_uuid (1000 + i);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, large), 0);
    }
    sim_expect_converged (sim, 60);
    part (sim, 4, true);
    cr_assert_eq (sim_apply (sim, 2, "update", "tags", &last, "mine"), 0);
    sim_pass (sim, 1500);
    part (sim, 4, false);
    cr_assert (sim_until (sim, copy_is_begun, &nowhere, 300));
    part (sim, 4, true); // so that it stands where it is
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &last, NULL), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &last, "x"), ERR_BUSY, "it is over");
    cr_assert_str_eq (sim_name (sim, 2, "tags", &last), "mine", "it has come to the end");
    part (sim, 4, false);
    expect_whole (sim);
    for (int node = 0; node < 3; node++)
        cr_assert_str_eq (sim_name (sim, node, "tags", &last), "");
    cr_assert (sim_is_found (sim, 2, &last), "what it wrote is gone without a word");
    sim_destroy (&sim);
}

//  What a node says of another's return, at which the two are cut off.
typedef struct word {
    int node, other;
} word_t;

static bool is_said (sim_t *sim, void *context)
{
    const word_t *word = context;
    return sim_is_returning (sim, word->node, word->other);
}

static void cut_everything (sim_t *sim, bool cut)
{
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < a; b++)
            sim_cut (sim, a, b, cut);
}

//  Two were told at once that they may return, and neither heard it: the later one waits for the earlier, not both for
//  each other until somebody declares them anew.
Test (return, two_that_were_let_return_at_once_do_not_wait_for_each_other)
{
    sim_t *sim = sim_new (90, 4);
    uuid16_t mine = sim_uuid (1), other = sim_uuid (2);
    sim_intervals (sim, 6000, 20);
    for (int node = 1; node < 4; node++)
        sim_pair (sim, 0, node);
    sim_pass (sim, 60);
    part (sim, 12, true);
    sim_pass (sim, 13000);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &other, "other"), 0);
    cut_everything (sim, true);
    for (int node = 0; node < 2; node++) {
        word_t word = {node, node + 2};
        sim_cut (sim, node, node + 2, false);
        cr_assert (sim_until (sim, is_said, &word, 120));
        sim_cut (sim, node, node + 2, true);
        cr_assert_not (sim_has_setting (sim, node + 2, "joining"));
    }
    sim_cut (sim, 0, 1, false);
    sim_pass (sim, 60);
    cut_everything (sim, false);
    expect_whole (sim);
    for (int node = 0; node < 4; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
        cr_assert_str_eq (sim_name (sim, node, "tags", &other), "other");
    }
    sim_destroy (&sim);
}

static bool takes_a_copy (sim_t *sim, void *node)
{
    return sim_has_setting (sim, *(int *)node, "joining");
}

static bool is_back (sim_t *sim, void *node)
{
    return !sim_is_declared (sim, 0, *(int *)node) && !sim_is_returning (sim, 0, *(int *)node);
}

//  Who was let return, and is gone for good in the middle of it: another may return soon all the same; and when it was
//  not seen for stale_after_s, it is declared anew, and nothing is kept for it any more.
Test (return, one_that_dies_half_way_holds_up_nobody_for_long)
{
    sim_t *sim = sim_new (91, 4);
    uuid16_t mine = sim_uuid (1);
    int dies = 2, next = 3;
    sim_intervals (sim, 6000, 20);
    for (int node = 1; node < 4; node++)
        sim_pair (sim, 0, node);
    sim_pass (sim, 60);
    part (sim, 4, true);
    part (sim, 8, true);
    sim_pass (sim, 13000);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &mine, "mine"), 0);
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, takes_a_copy, &dies, 120));
    sim_kill (sim, 2);
    sim_cut (sim, 0, 3, false);
    cr_assert (sim_until (sim, is_back, &next, 900));
    cr_assert_str_eq (sim_name (sim, 0, "tags", &mine), "mine");
    cr_assert_not (sim_is_declared (sim, 0, 2));
    sim_pass (sim, 7000);
    cr_assert (sim_is_declared (sim, 0, 2));
    cr_assert_leq (sim_log (sim, 0), 3);
    sim_destroy (&sim);
}

//  So that a copy takes more than one transaction.
static void large_records (sim_t *sim, int node, uint64_t first)
{
    enum { SIZE = 300000 };
    char *name = malloc (SIZE + 1);
    memset (name, 'n', SIZE);
    name[SIZE] = 0;
    for (uint64_t record = first; record < first + 4; record++) {
        uuid16_t uuid = sim_uuid (record);
        cr_assert_eq (sim_apply (sim, node, "create", "tags", &uuid, name), 0);
    }
    free (name);
}

static bool copies (sim_t *sim, void *node)
{
    return sim_has_setting (sim, *(int *)node, "return");
}

//  How long ago, in seconds, `node` believes that the other was seen.
static uint64_t age_of (sim_t *sim, int node, int other)
{
    buffer_t map = {NULL, 0, 0};
    slice_t name, skipped;
    size_t count, seen, pair;
    uint64_t time = 0, found = 0;
    uuid16_t uuid;
    cr_assert_eq (sim_command (sim, node, ACTOR_POOL, "report", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert_eq (cursor_map (&cursor, &count), 0);
    while (count-- && cursor_text (&cursor, &name) == 0)
        if (!slice_equal (name, slice_text ("last_seen"))) {
            cr_assert_eq (cursor_skip (&cursor, &skipped), 0);
        } else {
            cr_assert_eq (cursor_array (&cursor, &seen), 0);
            while (seen--) {
                cr_assert (cursor_array (&cursor, &pair) == 0 &&
                           cursor_bin_exact (&cursor, &uuid, sizeof uuid) == 0 &&
                           cursor_uint (&cursor, &time) == 0);
                if (uuid_equal (&uuid, &sim->nodes[other].identity.client))
                    found = time;
            }
        }
    buffer_release (&map);
    return (time_from_ns (1767225600ull * 1000000000 + sim->mono_ns) - found) >> 32;
}

//  Who takes a copy is linked with whoever may give it, fenced off or not: what it says of others keeps nobody from
//  being declared.
Test (return, who_takes_a_copy_makes_nobody_look_seen)
{
    sim_t *sim = pool_of (92, 3);
    int back = 1;
    buffer_t ages = {NULL, 0, 0}, ping = {NULL, 0, 0};
    static const uint8_t none[] = {0x90}, nothing[] = {0x80};
    part (sim, 2, true);
    large_records (sim, 0, 100);
    sim_pass (sim, 1500);
    part (sim, 4, true);
    sim_pass (sim, 100);
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, copies, &back, 120));
    pack_array (&ages, 1);
    pack_array (&ages, 2);
    pack_bin (&ages, slice_of (&sim->nodes[2].identity.client, sizeof (uuid16_t)));
    pack_uint (&ages, 1);
    peer_ping_t said = {.verb = PEER_PING,
        .shared = slice_of (none, 1),
        .rows = slice_of (none, 1),
        .digests = slice_of (nothing, 1),
        .ages = buffer_slice (&ages),
        .linked = slice_of (none, 1)};
    message_pack (&peer_ping_type, &said, &ping);
    slice_t frame = buffer_slice (&ping);
    cr_assert (sim_say (sim, 1, 0, &frame, 1));
    sim_pass (sim, 5);
    cr_assert_geq (age_of (sim, 0, 2), 90);
    cr_assert_leq (age_of (sim, 0, 1), 20);
    buffer_release (&ages);
    buffer_release (&ping);
    sim_destroy (&sim);
}

Test (return, who_is_refused_a_copy_asks_again_ever_later)
{
    sim_t *sim = sim_new (93, 4);
    int early = 3, late = 2;
    sim_intervals (sim, 6000, 20);
    for (int node = 1; node < 4; node++)
        sim_pair (sim, 0, node);
    sim_pass (sim, 60);
    part (sim, 4, true);
    part (sim, 8, true);
    sim_pass (sim, 13000);
    sim_cut (sim, 0, 1, true);
    sim_cut (sim, 1, 3, false);
    cr_assert (sim_until (sim, takes_a_copy, &early, 120));
    sim_kill (sim, 3);
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, takes_a_copy, &late, 120));
    sim_cut (sim, 0, 2, true);
    sim_cut (sim, 1, 2, false); // where somebody else returns
    sim_pass (sim, 60);
    uint64_t before = sim->messages;
    sim_pass (sim, 300);
    cr_assert (takes_a_copy (sim, &late));
    cr_assert_leq (
        sim->messages - before, 800, "%llu", (unsigned long long)(sim->messages - before));
    sim_pass (sim, 600);
    cr_assert_not (takes_a_copy (sim, &late));
    sim_destroy (&sim);
}

static uint64_t upto_at (sim_t *sim, int node, int of)
{
    txn_t *txn;
    vector_t vector = {NULL, 0, 0};
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (watermarks_load (txn, WATERMARK_SHARED, &vector), 0);
    store_abort (&txn);
    uint64_t upto = vector_upto (&vector, &sim->nodes[of].identity.client);
    vector_release (&vector);
    return upto;
}

static bool copies_what_0_wrote (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_has_setting (sim, 2, "joining") && upto_at (sim, 2, 0) == upto_at (sim, 0, 0);
}

//  What only the giver had that is gone for good is in the copier's log: the next giver gets it from there.
Test (return, that_was_begun_with_a_giver_that_dies_goes_on_with_another)
{
    sim_t *sim = pool_of (94, 3);
    int back = 2;
    word_t known = {1, 2};
    uuid16_t x = sim_uuid (1), mine = sim_uuid (2);
    part (sim, 4, true);
    for (uint64_t i = 0; i < 6; i++)
        large_records (sim, 0, 100 + 4 * i);
    sim_pass (sim, 1500);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, is_said, &known, 120));
    sim_cut (sim, 0, 1, true);
    cr_assert (sim_until (sim, copies, &back, 120));
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    cr_assert (sim_until (sim, copies_what_0_wrote, NULL, 10));
    sim_kill (sim, 0);
    cr_assert (copies (sim, &back));
    sim_cut (sim, 1, 2, false);
    sim_pass (sim, 300);
    cr_assert_not (copies (sim, &back));
    for (int node = 1; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &x), "x");
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
    }
    sim_destroy (&sim);
}

//  Declared before its copy has ended: it is let return, and is as if it had not been away.
Test (return, a_newcomer_that_is_declared_before_its_copy_ends_gets_it_all_the_same)
{
    sim_t *sim = sim_new (95, 3);
    int new = 2;
    uuid16_t mine = sim_uuid (1), x = sim_uuid (2), gone = sim_uuid (100);
    buffer_t map = {NULL, 0, 0};
    size_t count;
    slice_t name, ticket;
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
    for (uint64_t i = 0; i < 6; i++)
        large_records (sim, 0, 100 + 4 * i);
    cr_assert_eq (sim_command (sim, 0, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, 2, ACTOR_POOL, "join", "ticket", ticket, NULL), 0);
    cr_assert (sim_until (sim, copies, &new, 60));
    cut_everything (sim, true);
    sim_cut (sim, 0, 1, false);
    cr_assert (copies (sim, &new));
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    cr_assert_eq (sim_apply (sim, 1, "delete", "tags", &gone, NULL), 0);
    sim_pass (sim, 2000);
    cr_assert (sim_is_declared (sim, 1, 2));
    cr_assert_leq (sim_log (sim, 0), 3);
    cut_everything (sim, false);
    expect_whole (sim);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &x), "x");
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
        cr_assert_str_eq (sim_name (sim, node, "tags", &gone), "");
    }
    cr_assert_eq (sim_apply (sim, 2, "update", "tags", &x, "new"), 0);
    expect_whole (sim);
    buffer_release (&map);
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
    sim_t *sim = pool_of (96, 3);
    part (sim, 4, true);
    sim_pass (sim, 1500);
    uint64_t before = sealed (sim), own = sim_metric (sim, 2, METRIC_BATCHES_SEALED);
    part (sim, 4, false);
    expect_whole (sim);
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

static void remove_client (sim_t *sim, int node, int other)
{
    buffer_t packed = {NULL, 0, 0};
    pack_bin (&packed, slice_of (&sim->nodes[other].identity.client, sizeof (uuid16_t)));
    cr_assert_eq (
        sim_command (sim, node, ACTOR_POOL, "remove", "client", buffer_slice (&packed), NULL), 0);
    buffer_release (&packed);
}

//  2 returns to 1, with a copy that takes some time.
static sim_t *returning_to_1 (uint64_t seed)
{
    sim_t *sim = pool_of (seed, 3);
    int back = 2;
    uuid16_t mine = sim_uuid (1);
    part (sim, 4, true);
    for (uint64_t i = 0; i < 6; i++)
        large_records (sim, 0, 100 + 4 * i);
    sim_pass (sim, 1500);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
    sim_cut (sim, 1, 2, false);
    cr_assert (sim_until (sim, copies, &back, 120));
    return sim;
}

Test (return, to_a_member_that_is_removed_meanwhile_ends_with_another)
{
    sim_t *sim = returning_to_1 (98);
    uuid16_t mine = sim_uuid (1), x = sim_uuid (2);
    remove_client (sim, 0, 1);
    sim_cut (sim, 0, 2, false);
    sim_pass (sim, 1500);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    sim_pass (sim, 60);
    cr_assert_not (sim_has_setting (sim, 2, "joining"));
    cr_assert_not (sim_is_declared (sim, 0, 2) || sim_is_returning (sim, 0, 2));
    cr_assert_str_eq (sim_name (sim, 0, "tags", &mine), "mine");
    cr_assert_str_eq (sim_name (sim, 2, "tags", &x), "x");
    cr_assert_leq (sim_log (sim, 0), 3);
    sim_destroy (&sim);
}

Test (return, of_a_client_that_is_removed_meanwhile_holds_up_nobody)
{
    sim_t *sim = returning_to_1 (99);
    uuid16_t x = sim_uuid (2);
    remove_client (sim, 1, 2);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &x, NULL), 0);
    sim_pass (sim, 300);
    for (int node = 0; node < 2; node++) {
        cr_assert_leq (sim_log (sim, node), 3);
        cr_assert_eq (sim_tombstones (sim, node), 0);
    }
    sim_cut (sim, 0, 2, false);
    sim_pass (sim, 300);
    cr_assert (sim_alarm (sim, 2, "REMOVED"));
    cr_assert_not (sim_alarm (sim, 2, "INTERNAL") || sim_alarm (sim, 0, "INTERNAL"));
    sim_destroy (&sim);
}

//  test_return_turns - who waits for whom before it returns

#include "tests/sim/away.h"

#include "messages/counting.h"
#include "store/clients.h"
#include "store/pending.h"

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
    sim_t *sim = away_pool (80, 3);
    away_part (sim, 4, true);
    sim_pass (sim, 550);
    away_part (sim, 2, true); // it counts for ten minutes more, and never hears of the declaration
    sim_pass (sim, 150);
    cr_assert (sim_is_declared (sim, 0, 2));
    sim_cut (sim, 0, 2, false);
    sim_pass (sim, 300);
    cr_assert (sim_is_declared (sim, 0, 2), "it did not wait");
    cr_assert_not (sim_is_declared (sim, 0, 1));
    cr_assert (sim_until (sim, two_is_declared_no_more, NULL, 600));
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 1, 2, false);
    away_expect_whole (sim);
    sim_destroy (&sim);
}

Test (return, of_one_waits_until_that_of_another_is_over)
{
    sim_t *sim = away_pool (81, 3);
    away_part (sim, 1, true);
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
    away_expect_whole (sim);
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
    away_part (sim, 12, true);
    sim_pass (sim, 1500);
    sim_pair (sim, 2, 3); // so lately that nobody declares it for its silence
    away_part (sim, 8, true);
    sim_cut (sim, 2, 0, false);
    sim_cut (sim, 2, 1, false);
    cr_assert (sim_until (sim, two_is_declared_no_more, NULL, 60));
    sim_pass (sim, 30);
    client_t client = client_at (sim, 0, 3);
    cr_assert_not (timestamp_is_none (&client.admitted), "the admission came along");
    cr_assert (sim_is_declared (sim, 0, 3));
    away_part (sim, 8, false);
    away_expect_whole (sim);
    sim_destroy (&sim);
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
    away_part (sim, 12, true);
    sim_pass (sim, 13000);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &other, "other"), 0);
    away_part_all (sim, true);
    for (int node = 0; node < 2; node++) {
        away_word_t word = {node, node + 2};
        sim_cut (sim, node, node + 2, false);
        cr_assert (sim_until (sim, away_is_said, &word, 120));
        sim_cut (sim, node, node + 2, true);
        cr_assert_not (sim_has_setting (sim, node + 2, "joining"));
    }
    sim_cut (sim, 0, 1, false);
    sim_pass (sim, 60);
    away_part_all (sim, false);
    away_expect_whole (sim);
    for (int node = 0; node < 4; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
        cr_assert_str_eq (sim_name (sim, node, "tags", &other), "other");
    }
    sim_destroy (&sim);
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
    away_part (sim, 4, true);
    away_part (sim, 8, true);
    sim_pass (sim, 13000);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &mine, "mine"), 0);
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, away_takes_a_copy, &dies, 120));
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

Test (return, who_is_refused_a_copy_asks_again_ever_later)
{
    sim_t *sim = sim_new (93, 4);
    int early = 3, late = 2;
    sim_intervals (sim, 6000, 20);
    for (int node = 1; node < 4; node++)
        sim_pair (sim, 0, node);
    sim_pass (sim, 60);
    away_part (sim, 4, true);
    away_part (sim, 8, true);
    sim_pass (sim, 13000);
    sim_cut (sim, 0, 1, true);
    sim_cut (sim, 1, 3, false);
    cr_assert (sim_until (sim, away_takes_a_copy, &early, 120));
    sim_kill (sim, 3);
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, away_takes_a_copy, &late, 120));
    sim_cut (sim, 0, 2, true);
    sim_cut (sim, 1, 2, false); // where somebody else returns
    sim_pass (sim, 60);
    uint64_t before = sim->messages;
    sim_pass (sim, 300);
    cr_assert (away_takes_a_copy (sim, &late));
    cr_assert_leq (
        sim->messages - before, 800, "%llu", (unsigned long long)(sim->messages - before));
    sim_pass (sim, 600);
    cr_assert_not (away_takes_a_copy (sim, &late));
    sim_destroy (&sim);
}

//  What a node has sealed last.
static void last_batch (sim_t *sim, int from, buffer_t *ret_bytes)
{
    const uuid16_t *origin = &sim->nodes[from].identity.client;
    vector_t vector = {NULL, 0, 0};
    uint64_t sequence;
    slice_t bytes;
    txn_t *txn;
    sim_vector (sim, from, &vector);
    cr_assert_eq (store_begin (sim->nodes[from].store, false, &txn), 0);
    cr_assert_eq (
        pending_find (txn, origin, vector_upto (&vector, origin) - 1, &sequence, &bytes), 0);
    buffer_append (ret_bytes, bytes.data, bytes.size);
    store_abort (&txn);
    vector_release (&vector);
}

//  Each says so of the one before it, and hears the others past every fence, as if it had been under way.
static void declare_all (sim_t *sim)
{
    buffer_t said[3] = {{NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}};
    for (int node = 0; node < 3; node++) {
        sim_say_stale (sim, node, 1u << (node + 2) % 3, true);
        last_batch (sim, node, &said[node]);
    }
    for (int node = 0; node < 3; node++)
        for (int by = 2; by > 0; by--) // the last is of itself
            cr_assert_eq (sim_take (sim, node, buffer_slice (&said[(node + by) % 3])), 0);
    for (int node = 0; node < 3; node++)
        buffer_release (&said[node]);
}

//  Each has heard that it is out, and nobody may let anybody return but whoever was admitted first; that one returns in
//  its turn.
Test (return, where_all_are_out_they_come_together_by_the_earliest)
{
    for (uint64_t seed = 90; seed < 94; seed++) {
        sim_t *sim = away_pool (seed, 3);
        uuid16_t mine[3] = {sim_uuid (1), sim_uuid (2), sim_uuid (3)};
        away_part_all (sim, true);
        declare_all (sim);
        for (int node = 0; node < 3; node++)
            cr_assert_eq (sim_apply (sim, node, "create", "tags", &mine[node], "mine"), 0);
        sim_pass (sim, 60);
        for (int pair = 0; pair < 9; pair++)
            cr_assert (sim_is_declared (sim, pair / 3, pair % 3));
        away_part_all (sim, false);
        away_expect_whole (sim);
        for (int pair = 0; pair < 9; pair++)
            cr_assert_str_eq (sim_name (sim, pair / 3, "tags", &mine[pair % 3]), "mine");
        sim_destroy (&sim);
    }
}

static bool two_is_back (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_is_ready (sim, 2) && !sim_is_declared (sim, 0, 2) && !sim_is_returning (sim, 0, 2);
}

//  2 had declared 0; 1, 3 and 4 have counted 0 out since, and forgotten a deletion of 2's. 2 returns to 0, with that deletion,
//  and says there that 0 is not out any more: true of its own word only. For 3 it is not, before 0 has come to it.
static void two_returns_to_zero (sim_t *sim, const uuid16_t *x)
{
    buffer_t said = {NULL, 0, 0};
    sim_cut (sim, 0, 3, false);
    sim_say_stale (sim, 3, 1 << 2, true);
    sim_pass (sim, 40);
    sim_cut (sim, 0, 3, true);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", x, NULL), 0);
    last_batch (sim, 2, &said);
    sim_say_stale (sim, 2, 1 << 0, true);
    last_batch (sim, 2, &said);
    cr_assert_eq (
        sim_take (sim, 1, buffer_slice (&said)), 0); // 2 hears nothing of 1 that 0 would lack
    sim_say_stale (sim, 0, 1 << 1 | 1 << 4, true);
    cr_assert_eq (sim_apply (sim, 0, "update", "tags", x, "zero"), 0);
    sim_cut (sim, 1, 3, false);
    sim_cut (sim, 3, 4, false);
    sim_pass (sim, 100);
    cr_assert_eq (sim_tombstones (sim, 1) + sim_tombstones (sim, 3), 0);
    sim_cut (sim, 1, 3, true);
    sim_cut (sim, 3, 4, true);
    buffer_clear (&said);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", x, "anew"), 0);
    last_batch (sim, 1, &said);
    cr_assert_eq (sim_take (sim, 3, buffer_slice (&said)), 0);
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, two_is_back, NULL, 60));
    buffer_release (&said);
}

Test (return, nobodys_word_brings_back_a_third_that_was_counted_out)
{
    for (uint64_t seed = 94; seed < 98; seed++) {
        sim_t *sim = away_pool (seed, 5);
        uuid16_t x = sim_uuid (1);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "first"), 0);
        sim_pass (sim, 60);
        away_part_all (sim, true);
        two_returns_to_zero (sim, &x);
        sim_cut (sim, 0, 3, false);
        sim_pass (sim, 30);
        away_part_all (sim, false);
        away_expect_whole (sim);
        for (int node = 0; node < 5; node++)
            cr_assert_str_eq (sim_name (sim, node, "tags", &x), "anew", "seed %llu, node %d",
                (unsigned long long)seed, node);
        sim_destroy (&sim);
    }
}

//  Members 0 and 2 keep each other out. By a word of member 0 it may return there; it returns to member 2, whose later word
//  member 0 does not hear: by the old one nobody would see that it has been there.
Test (return, who_is_let_return_by_an_old_word_returns_once)
{
    sim_t *sim = away_pool (88, 3);
    int node = 1;
    away_word_t let = {0, 1};
    away_part_all (sim, true);
    sim_say_stale (sim, 0, 1 << 1 | 1 << 2, true);
    sim_say_stale (sim, 2, 1 << 1 | 1 << 0, true);
    sim_pass (sim, 30);
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, away_is_said, &let, 60));
    sim_cut (sim, 0, 1, true);
    sim_pass (sim, 1);
    sim_cut (sim, 1, 2, false);
    sim_pass (sim, 60);
    cr_assert (sim_is_ready (sim, node));
    uint64_t messages = sim->messages;
    sim_cut (sim, 0, 1, false);
    sim_pass (sim, 60);
    cr_assert_lt (sim->messages - messages, 2000, "it returns again and again");
    sim_cut (sim, 0, 2, false);
    away_expect_whole (sim);
    sim_destroy (&sim);
}

//  0 and 2 keep 1 out, 1 both of them, and 2 also 0, which has not heard of it: so 0 has to return to 2, 2 to 1, and 1 to 0.
static sim_t *ring_pool (uint64_t seed)
{
    sim_t *sim = away_pool (seed, 3);
    away_part (sim, 1 << 1, true);
    sim_say_stale (sim, 1, 1 << 0 | 1 << 2, true);
    sim_say_stale (sim, 2, 1 << 1, true);
    sim_pass (sim, 60); // 0 has heard of that, and 2 knows
    sim_cut (sim, 0, 2, true);
    sim_say_stale (sim, 2, 1 << 0, true);
    for (int node = 0; node < 3; node++) {
        uuid16_t uuid = sim_uuid (1 + (uint64_t)node);
        cr_assert_eq (sim_apply (sim, node, "create", "tags", &uuid, "mine"), 0);
    }
    sim_pass (sim, 30);
    return sim;
}

static void ring_expect_whole (sim_t *sim)
{
    away_expect_whole (sim);
    for (int pair = 0; pair < 9; pair++) {
        uuid16_t uuid = sim_uuid (1 + (uint64_t)pair % 3);
        cr_assert_str_eq (sim_name (sim, pair / 3, "tags", &uuid), "mine");
    }
}

//  All three are let return before any of them hears it: each would wait for who comes to it.
Test (return, three_of_a_ring_that_were_let_return_at_once_do_not_wait_for_one_another)
{
    sim_t *sim = ring_pool (110);
    for (int node = 0; node < 3; node++)
        sim->nodes[node].fail_commits = 1000; // until all have asked
    away_part_all (sim, false);
    sim_pass (sim, 30);
    for (int node = 0; node < 3; node++) {
        sim->nodes[node].fail_commits = 0;
        sim_deafen (sim, node, (node + 2) % 3, true);
    }
    sim_pass (sim, 7);
    for (int node = 0; node < 3; node++) {
        away_word_t let = {(node + 2) % 3, node};
        cr_assert (away_is_said (sim, &let));
    }
    for (int node = 0; node < 3; node++)
        sim_deafen (sim, node, (node + 2) % 3, false);
    ring_expect_whole (sim);
    sim_destroy (&sim);
}

//  Who was let return hears of something new before it hears that, and the giver lacks it: each would wait for the other.
Test (return, of_who_has_got_more_since_it_asked_is_asked_for_once_more)
{
    for (uint64_t seed = 110; seed < 130; seed++) {
        sim_t *sim = ring_pool (seed);
        sim->latency_ns = 300000000;
        for (int node = 0; node < 3; node++) // so that all dial at once
            sim_kill (sim, node);
        away_part_all (sim, false);
        for (int node = 0; node < 3; node++)
            sim_start (sim, node);
        ring_expect_whole (sim);
        sim_destroy (&sim);
    }
}

//  test_half - who returned to another half than this one (actors/link/README.md, "Returning")

#include "tests/sim/sim.h"

#include "messages/limits.h"
#include "store/clients.h"

#include <stdlib.h>

//  By whose word a node returned last, as another knows it.
static int returned_to (sim_t *sim, int node, int who)
{
    txn_t *txn;
    client_t client;
    int giver = -1;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (clients_get (txn, &sim->nodes[who].identity.client, &client), 0);
    for (int other = 0; other < (int)sim->count; other++)
        if (uuid_equal (&client.returning.client, &sim->nodes[other].identity.client))
            giver = other;
    store_abort (&txn);
    return giver;
}

static void cut (sim_t *sim, int who, bool from_first, bool from_second, bool from_third)
{
    bool cuts[] = {from_first, from_second, from_third};
    for (int other = 0, at = 0; other < 4; other++)
        if (other != who)
            sim_cut (sim, who, other, cuts[at++]);
}

static bool is_back (sim_t *sim, void *node)
{
    return !sim_is_declared (sim, *(int *)node, 3) && !sim_is_returning (sim, *(int *)node, 3);
}

//  Until 2 has heard from 0 that 1 is declared, and 0 has not heard that it has.
static void declare_one (sim_t *sim)
{
    sim_pass (sim, 300);
    sim_kill (sim, 2); // it declares nobody before it has been up for as long
    sim_start (sim, 2);
    for (int slice = 0; slice < 200 && !sim_is_declared (sim, 2, 1); slice++) {
        uuid16_t uuid = sim_uuid (100 + (uint64_t)slice);
        cr_assert_eq (sim_apply (sim, 2, "create", "tags", &uuid, "so it owes nothing"), 0);
        sim_pass (sim, 5);
    }
    sim_cut (sim, 0, 2, true);
}

//  Node 3 is declared, then 1; 3 returns to 1, which has not heard that it is out itself: 0 and 2 do not count either, and
//  forget without them. What 3 compared with 1 says nothing to them: 2 has forgotten a deletion that 0 remembers, and with
//  3's batch the two would differ. So it returns to them once more.
Test (half, who_returned_to_somebody_who_is_out_is_out_too)
{
    for (uint64_t seed = 60; seed < 64; seed++) {
        sim_t *sim = sim_new (seed, 4);
        uuid16_t both = sim_uuid (1), mine = sim_uuid (2);
        int one = 1, zero = 0;
        sim_intervals (sim, 600, 20);
        for (int node = 1; node < 4; node++)
            sim_pair (sim, 0, node);
        sim_pass (sim, 60);
        cut (sim, 3, true, true, true);
        sim_pass (sim, 1500);
        cr_assert (sim_is_declared (sim, 1, 3));
        cr_assert_eq (sim_apply (sim, 3, "create", "tags", &both, "ours"), 0);
        cr_assert_eq (sim_apply (sim, 3, "create", "tags", &mine, "mine"), 0);
        sim_kill (sim, 1);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &both, "theirs"), 0);
        cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &both, NULL), 0);
        declare_one (sim);
        cr_assert (sim_is_declared (sim, 0, 1) && sim_is_declared (sim, 2, 1));
        cr_assert_eq (sim_tombstones (sim, 0), 1);
        cr_assert_eq (sim_tombstones (sim, 2), 0);
        cut (sim, 1, true, true, false);
        sim_start (sim, 1);
        cr_assert (sim_until (sim, is_back, &one, 300), "seed %llu", (unsigned long long)seed);
        cr_assert_eq (returned_to (sim, 1, 3), 1);
        cut (sim, 3, false, true, true);
        cr_assert_not (sim_until (sim, is_back, &zero, 60), "seed %llu", (unsigned long long)seed);
        sim_cut (sim, 0, 2, false);
        cr_assert (sim_until (sim, is_back, &zero, 300), "seed %llu", (unsigned long long)seed);
        cr_assert_eq (returned_to (sim, 0, 3), 0);
        cut (sim, 1, false, false, false);
        cut (sim, 3, false, false, false);
        sim_expect_converged (sim, 900);
        for (int node = 0; node < 4; node++)
            cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
        sim_destroy (&sim);
    }
}

//  ---- its own word, and another's

static timestamp_t returning (sim_t *sim, int node, int who)
{
    txn_t *txn;
    client_t client;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (clients_get (txn, &sim->nodes[who].identity.client, &client), 0);
    store_abort (&txn);
    return client.returning;
}

static bool has_said_it (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_has_setting (sim, 1, "came_back");
}

static bool one_is_back (sim_t *sim, void *node)
{
    return !sim_is_declared (sim, *(int *)node, 1) && !sim_is_returning (sim, *(int *)node, 1);
}

//  Node 1 returns to 0, and is cut off before 0 has its batch. Then 2 says of 1 that it is back, for its own half, later than 1 did: at 1
//  too that is the last such word. 0 takes 1's batch all the same, and does not let it return again.
Test (half, a_later_word_of_another_does_not_hide_its_own)
{
    sim_t *sim = sim_new (75, 3);
    int zero = 0, two = 2;
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 60);
    sim_cut (sim, 0, 1, true);
    sim_cut (sim, 1, 2, true);
    sim_pass (sim, 1500);
    cr_assert (sim_is_declared (sim, 0, 1) && sim_is_declared (sim, 2, 1));
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, has_said_it, NULL, 300));
    sim_cut (sim, 0, 1, true);
    cr_assert (sim_is_returning (sim, 0, 1));
    timestamp_t before = returning (sim, 0, 1);
    sim_cut (sim, 0, 2, true);
    sim_cut (sim, 1, 2, false);
    cr_assert (sim_until (sim, one_is_back, &two, 300));
    sim_say_stale (sim, 2, 1 << 1, false);
    sim_pass (sim, 30);
    sim_cut (sim, 1, 2, true);
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, one_is_back, &zero, 300));
    timestamp_t after = returning (sim, 0, 1);
    cr_assert_eq (timestamp_compare (&before, &after), 0);
    sim_cut (sim, 0, 2, false);
    sim_cut (sim, 1, 2, false);
    sim_expect_converged (sim, 900);
    sim_destroy (&sim);
}

//  ---- a copy whose giver returns

#define LARGE   900000 // bytes: a chunk of a copy each
#define RECORDS 8

static void write_large (sim_t *sim, int node, uint64_t record)
{
    char *text = malloc (LARGE + 1);
    uuid16_t uuid = sim_uuid (record);
    memset (text, 'x', LARGE);
    text[LARGE] = 0;
    cr_assert_eq (sim_apply (sim, node, "create", "tags", &uuid, text), 0);
    free (text);
}

static bool copy_is_half_done (sim_t *sim, void *unused)
{
    uuid16_t first = sim_uuid (1), last = sim_uuid (RECORDS);
    (void)unused;
    return *sim_name (sim, 3, "tags", &first) && !*sim_name (sim, 3, "tags", &last);
}

static bool two_is_back (sim_t *sim, void *unused)
{
    (void)unused;
    return !sim_is_declared (sim, 0, 2) && !sim_is_returning (sim, 0, 2) &&
           !sim_has_setting (sim, 2, "joining");
}

static bool begins_once_more (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_has_setting (sim, 3, "frontier");
}

//  Each is its own half. 3 takes a copy from 2, which gives itself up to the others' half before it is complete: what was copied is no
//  half's any more, and what the others bring was compared with it, not added to it.
Test (half, whose_giver_returns_meanwhile_begins_its_copy_once_more)
{
    sim_t *sim = sim_new (70, 4);
    uuid16_t mine = sim_uuid (100);
    sim_intervals (sim, 600, 20);
    for (int node = 1; node < 4; node++)
        sim_pair (sim, 0, node);
    sim_pass (sim, 60);
    cut (sim, 2, true, true, true);
    cut (sim, 3, true, true, true);
    for (uint64_t record = 1; record <= RECORDS; record++)
        write_large (sim, 2, record);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &mine, "mine"), 0);
    sim_pass (sim, 1500);
    sim_cut (sim, 2, 3, false);
    cr_assert (sim_until (sim, copy_is_half_done, NULL, 300));
    sim_cut (sim, 2, 3, true);
    cut (sim, 2, false, false, true);
    cr_assert (sim_until (sim, two_is_back, NULL, 600));
    cr_assert_not (begins_once_more (sim, NULL));
    sim_cut (sim, 2, 3, false);
    cr_assert (sim_until (sim, begins_once_more, NULL, 120));
    cut (sim, 3, false, false, false);
    sim_expect_converged (sim, 900);
    for (int node = 0; node < 4; node++)
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
    sim_destroy (&sim);
}

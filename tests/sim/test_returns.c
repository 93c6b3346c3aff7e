//  test_returns - more than one that returns (messages/README.md, "A return")

#include "tests/sim/sim.h"

#include <stdlib.h>

#define LARGE   200000 // bytes: a few of them fill what is under way to a peer
#define RECORDS 40

//  Cuts a node off from the first `others` nodes, or lets it through.
static void cut_off (sim_t *sim, int who, int others, bool cut)
{
    for (int other = 0; other < others; other++)
        sim_cut (sim, who, other, cut);
}

static void create_large (sim_t *sim, int node, uint64_t record)
{
    char *text = malloc (LARGE + 1);
    uuid16_t uuid = sim_uuid (record);
    memset (text, 'x', LARGE);
    text[LARGE] = 0;
    cr_assert_eq (sim_apply (sim, node, "create", "tags", &uuid, text), 0);
    free (text);
}

//  Node 3's copy has come past the record under test that is first, and not to the one that is last.
static bool copy_is_between (sim_t *sim, void *unused)
{
    uuid16_t first = sim_uuid (1), last;
    memset (last.bytes, 0xff, sizeof last.bytes);
    (void)unused;
    return strcmp (sim_name (sim, 3, "tags", &first), "theirs") == 0 &&
           strcmp (sim_name (sim, 3, "tags", &last), "old") == 0;
}

static bool two_is_back (sim_t *sim, void *unused)
{
    (void)unused;
    return !sim_is_declared (sim, 0, 2) && !sim_is_returning (sim, 0, 2) &&
           !sim_has_setting (sim, 2, "joining");
}

static bool three_is_ready (sim_t *sim, void *unused)
{
    (void)unused;
    cr_assert_not (sim_has_setting (sim, 3, "frontier"), "it begins once more");
    return !sim_has_setting (sim, 3, "joining");
}

//  What 2 brings of the first record is joined to the copy, what it brings of the last is in the record when that is copied:
//  neither twice, neither not at all.
Test (returns, a_return_of_another_during_a_copy_is_joined_as_far_as_the_copy_has_come)
{
    for (uint64_t seed = 490; seed < 492; seed++) {
        sim_t *sim = sim_new (seed, 4);
        uuid16_t first = sim_uuid (1), last, gone, of_two = sim_uuid (2), of_three = sim_uuid (3);
        memset (last.bytes, 0xff, sizeof last.bytes);
        memset (gone.bytes, 0xfe, sizeof gone.bytes);
        sim_intervals (sim, 3000, 20);
        for (int node = 1; node < 4; node++)
            sim_pair (sim, 0, node);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &first, "old"), 0);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &last, "old"), 0);
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &gone, "old"), 0);
        for (uint64_t record = 100; record < 100 + RECORDS; record++)
            create_large (sim, 0, record);
        sim_expect_converged (sim, 120);
        cut_off (sim, 2, 2, true);
        cut_off (sim, 3, 3, true);
        sim_pass (sim, 6000);
        cr_assert (sim_is_declared (sim, 0, 2) && sim_is_declared (sim, 0, 3));
        cr_assert_eq (sim_apply (sim, 0, "update", "tags", &first, "theirs"), 0);
        cr_assert_eq (sim_apply (sim, 2, "update", "tags", &first, "of 2"), 0);
        cr_assert_eq (sim_apply (sim, 2, "update", "tags", &last, "of 2"), 0);
        cr_assert_eq (sim_apply (sim, 2, "create", "tags", &of_two, "of 2"), 0);
        cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &gone, NULL), 0);
        cr_assert_eq (sim_apply (sim, 3, "update", "tags", &gone, "in vain"), 0);
        cr_assert_eq (sim_apply (sim, 3, "create", "tags", &of_three, "of 3"), 0);
        sim_cut (sim, 3, 0, false);
        cr_assert (
            sim_until (sim, copy_is_between, NULL, 300), "seed %llu", (unsigned long long)seed);
        sim_cut (sim, 3, 0, true);
        sim_pass (sim, 700); // nobody waits for it any more
        sim_cut (sim, 2, 0, false);
        cr_assert (sim_until (sim, two_is_back, NULL, 600), "seed %llu", (unsigned long long)seed);
        cr_assert (copy_is_between (sim, NULL));
        sim_cut (sim, 3, 0, false);
        cr_assert (sim_until (sim, three_is_ready, NULL, 300));
        cut_off (sim, 3, 3, false);
        cut_off (sim, 2, 2, false);
        sim_expect_converged (sim, 900);
        for (int node = 0; node < 4; node++) {
            cr_assert_str_eq (sim_name (sim, node, "tags", &first), "of 2");
            cr_assert_str_eq (sim_name (sim, node, "tags", &last), "of 2");
            cr_assert_str_eq (sim_name (sim, node, "tags", &gone), "");
            cr_assert_str_eq (sim_name (sim, node, "tags", &of_two), "of 2");
            cr_assert_str_eq (sim_name (sim, node, "tags", &of_three), "of 3");
        }
        cr_assert (sim_is_found (sim, 3, &gone), "what it wrote is gone without a word");
        sim_destroy (&sim);
    }
}

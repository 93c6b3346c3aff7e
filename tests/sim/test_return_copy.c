//  test_return_copy - what happens while a client that returns takes its copy

#include "tests/sim/away.h"

#include "messages/peer.h"
#include "store/node.h"
#include "store/watermarks.h"

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
    sim_t *sim = away_pool (483, 3);
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
    away_part (sim, 4, true);
    cr_assert_eq (sim_apply (sim, 2, "update", "tags", &last, "mine"), 0);
    sim_pass (sim, 1500);
    away_part (sim, 4, false);
    cr_assert (sim_until (sim, copy_is_begun, &nowhere, 300));
    away_part (sim, 4, true); // so that it stands where it is
    cr_assert_eq (sim_apply (sim, 0, "delete", "tags", &last, NULL), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &last, "x"), ERR_BUSY, "it is over");
    cr_assert_str_eq (sim_name (sim, 2, "tags", &last), "mine", "it has come to the end");
    away_part (sim, 4, false);
    away_expect_whole (sim);
    for (int node = 0; node < 3; node++)
        cr_assert_str_eq (sim_name (sim, node, "tags", &last), "");
    cr_assert (sim_is_found (sim, 2, &last), "what it wrote is gone without a word");
    sim_destroy (&sim);
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
    sim_t *sim = away_pool (92, 3);
    int back = 1;
    buffer_t ages = {NULL, 0, 0}, ping = {NULL, 0, 0};
    static const uint8_t none[] = {0x90}, nothing[] = {0x80};
    away_part (sim, 2, true);
    away_large_records (sim, 0, 100);
    sim_pass (sim, 1500);
    away_part (sim, 4, true);
    sim_pass (sim, 100);
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, away_copies, &back, 120));
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
    sim_t *sim = away_pool (94, 3);
    int back = 2;
    away_word_t known = {1, 2};
    uuid16_t x = sim_uuid (1), mine = sim_uuid (2);
    away_part (sim, 4, true);
    for (uint64_t i = 0; i < 6; i++)
        away_large_records (sim, 0, 100 + 4 * i);
    sim_pass (sim, 1500);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, away_is_said, &known, 120));
    sim_cut (sim, 0, 1, true);
    cr_assert (sim_until (sim, away_copies, &back, 120));
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    cr_assert (sim_until (sim, copies_what_0_wrote, NULL, 10));
    sim_kill (sim, 0);
    cr_assert (away_copies (sim, &back));
    sim_cut (sim, 1, 2, false);
    sim_pass (sim, 300);
    cr_assert_not (away_copies (sim, &back));
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
        away_large_records (sim, 0, 100 + 4 * i);
    cr_assert_eq (sim_command (sim, 0, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, 2, ACTOR_POOL, "join", "ticket", ticket, NULL), 0);
    cr_assert (sim_until (sim, away_copies, &new, 60));
    away_part_all (sim, true);
    sim_cut (sim, 0, 1, false);
    cr_assert (away_copies (sim, &new));
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "x"), 0);
    cr_assert_eq (sim_apply (sim, 1, "delete", "tags", &gone, NULL), 0);
    sim_pass (sim, 2000);
    cr_assert (sim_is_declared (sim, 1, 2));
    cr_assert_leq (sim_log (sim, 0), 3);
    away_part_all (sim, false);
    away_expect_whole (sim);
    for (int node = 0; node < 3; node++) {
        cr_assert_str_eq (sim_name (sim, node, "tags", &x), "x");
        cr_assert_str_eq (sim_name (sim, node, "tags", &mine), "mine");
        cr_assert_str_eq (sim_name (sim, node, "tags", &gone), "");
    }
    cr_assert_eq (sim_apply (sim, 2, "update", "tags", &x, "new"), 0);
    away_expect_whole (sim);
    buffer_release (&map);
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
    sim_t *sim = away_pool (seed, 3);
    int back = 2;
    uuid16_t mine = sim_uuid (1);
    away_part (sim, 4, true);
    for (uint64_t i = 0; i < 6; i++)
        away_large_records (sim, 0, 100 + 4 * i);
    sim_pass (sim, 1500);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &mine, "mine"), 0);
    sim_cut (sim, 1, 2, false);
    cr_assert (sim_until (sim, away_copies, &back, 120));
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

//  ---- another's return, while it copies

static void join_begin (sim_t *sim, int inviter, int joiner)
{
    buffer_t map = {NULL, 0, 0};
    size_t count;
    slice_t name, ticket;
    cr_assert_eq (
        sim_command (sim, inviter, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, joiner, ACTOR_POOL, "join", "ticket", ticket, NULL), 0);
    buffer_release (&map);
}

typedef struct middle {
    int node;
    uuid16_t first, last; // the first and the last of the large records
} middle_t;

//  The copy has brought the first of the large records, and not the last.
static bool is_in_the_middle (sim_t *sim, void *context)
{
    middle_t *middle = context;
    return *sim_name (sim, middle->node, "tags", &middle->first) &&
           !*sim_name (sim, middle->node, "tags", &middle->last);
}

static bool two_is_back (sim_t *sim, void *unused)
{
    int two = 2;
    (void)unused;
    return !sim_is_declared (sim, 0, 2) && !sim_is_returning (sim, 0, 2) &&
           !away_takes_a_copy (sim, &two);
}

//  2 returns while 3 stands in the middle of its first copy. What 2 issues anew before that place is joined there, for no chunk
//  brings it any more; what it issues behind it waits for the chunk, or it would end unheard what 3 itself had written.
Test (return, of_another_during_a_copy_is_joined_up_to_its_place)
{
    sim_t *sim = sim_new (486, 4);
    uuid16_t before = sim_uuid (1), gone = sim_uuid (2), behind, ended;
    middle_t middle = {3, sim_uuid (100), sim_uuid (123)};
    memset (behind.bytes, 0xfe, sizeof behind.bytes);
    memset (ended.bytes, 0xff, sizeof ended.bytes);
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    for (uint64_t i = 0; i < 6; i++)
        away_large_records (sim, 0, 100 + 4 * i);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &gone, "of 0"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &ended, "of 0"), 0);
    sim_pass (sim, 60);
    away_part (sim, 4, true);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &before, "of 2"), 0);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &behind, "of 2"), 0);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &gone, NULL), 0);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &ended, NULL), 0);
    cr_assert_eq (sim_apply (sim, 3, "create", "tags", &ended, "of 3"), 0);
    sim_kill (sim,
        2); // or it would declare the others, and with its word that they are back each copy begins anew
    sim_pass (sim, 1500);
    cr_assert (sim_is_declared (sim, 0, 2));
    join_begin (sim, 0, 3);
    cr_assert (sim_until (sim, is_in_the_middle, &middle, 60));
    away_part (sim, 8, true); // it stands where it is
    sim_start (sim, 2);
    away_part (sim, 4, false);
    away_part (sim, 8, true);
    cr_assert (sim_until (sim, two_is_back, NULL, 300));
    cr_assert (is_in_the_middle (sim, &middle));
    cr_assert_str_eq (sim_name (sim, 3, "tags", &gone), "of 0");
    away_part (sim, 8, false);
    away_expect_whole (sim);
    for (int node = 0; node < 4; node++) {
        cr_assert_eq (sim_metric (sim, node, METRIC_REPAIRS), 0, "it came out unequal");
        cr_assert_str_eq (sim_name (sim, node, "tags", &before), "of 2");
        cr_assert_str_eq (sim_name (sim, node, "tags", &behind), "of 2");
        cr_assert_str_eq (sim_name (sim, node, "tags", &gone), "");
        cr_assert_str_eq (sim_name (sim, node, "tags", &ended), "");
    }
    cr_assert (sim_is_found (sim, 3, &ended), "what 3 wrote is gone without a word");
    sim_destroy (&sim);
}

static bool has_some_of_the_log (sim_t *sim, void *node)
{
    uint64_t log = sim_log (sim, *(int *)node);
    return away_takes_a_copy (sim, node) && log > 3 && log < 20; // what it had is set aside
}

//  Node 1 had acknowledged what it copies now, and node 2, which had not, does so when half of it is sent: it leaves the giver's
//  log, and the copy begins anew.
Test (return, begins_to_copy_anew_when_the_rest_has_left_the_log)
{
    sim_t *sim = sim_new (485, 3);
    int node = 1;
    sim_intervals (sim, 600, 2);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 60);
    for (int other = 0; other < 2; other++)
        sim_deafen (sim, 2, other, true);
    for (uint64_t first = 1; first <= 21; first += 4)
        away_large_records (sim, 0, first);
    sim_pass (sim, 4);
    away_part (sim, 1 << 1, true);
    sim_say_stale (sim, 2, 1 << 1, true);
    sim_pass (sim, 1);
    cr_assert_gt (sim_log (sim, 0), 20, "node 2 has them");
    sim_cut (sim, 0, 1, false);
    cr_assert (sim_until (sim, away_takes_a_copy, &node, 5));
    for (int other = 0; other < 2; other++)
        sim_deafen (sim, 2, other, false);
    cr_assert (sim_until (sim, has_some_of_the_log, &node, 5));
    sim_deafen (sim, 0, 1, true); // so that it gives no credit
    sim_pass (sim, 8);
    cr_assert_lt (sim_log (sim, 0), 20, "node 0 keeps them");
    sim_deafen (sim, 0, 1, false);
    away_part (sim, 1 << 1, false);
    away_expect_whole (sim);
    sim_destroy (&sim);
}

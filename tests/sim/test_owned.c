//  test_owned - owned rows: what their owner signs, relays that lie, owners that were restored

#include "tests/sim/rows.h"

#include "messages/peer.h"
#include "messages/tally.h"
#include "store/owned.h"

//  ---- signing and comparing

Test (owned, rows_are_signed_by_their_owner_and_everybody_holds_that_through_relays_too)
{
    sim_t *sim = rows_pool (300, 3);
    sim_cut (sim, 0, 2, true);
    rows_write (sim, 0, "create", 1, 20, "a");
    rows_expect_proven (sim, 0, 60);
    rows_write (sim, 0, "update", 5, 3, "b");
    rows_write (sim, 0, "delete", 7, 4, NULL);
    rows_expect_proven (sim, 0, 60);
    for (int node = 1; node < 3; node++)
        cr_assert (rows_same (sim, node, 0, 0));
    cr_assert_eq (rows_visible (sim, 2, 0), 16);
    for (int node = 0; node < 3; node++) {
        cr_assert_eq (sim_metric (sim, node, METRIC_ROWS_ALTERED), 0);
        cr_assert_not (sim_alarm (sim, node, "ROWS_ALTERED"));
    }
    sim_destroy (&sim);
}

static bool has_signed (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_proven (sim, 0, 0) == rows_mark (sim, 0, 0);
}

//  A relay's link may send a stretch when its oplog has taken the next one, in which a row has moved: the tally that it
//  knows of then counts one that it did not send.
Test (owned, rows_that_are_written_again_on_their_way_accuse_no_relay)
{
    for (uint64_t seed = 340; seed < 350; seed++) {
        sim_t *sim = rows_pool (seed, 3);
        sim_cut (sim, 0, 2, true);
        rows_write (sim, 0, "create", 1, 1, "a");
        for (int round = 0; round < 30; round++) {
            sim_pass (sim, 3);
            sim_deafen (sim, 1, 0, true); // so that it hears all of this at once
            rows_write (sim, 0, "update", 1, 1, "b");
            cr_assert (sim_until (sim, has_signed, NULL, 60));
            for (int again = 0; again < 5; again++)
                rows_write (sim, 0, "update", 1, 1, "c");
            sim_deafen (sim, 1, 0, false);
        }
        rows_expect_proven (sim, 0, 60);
        cr_assert_eq (sim_metric (sim, 2, METRIC_ROWS_ALTERED), 0);
        sim_destroy (&sim);
    }
}

//  What a relay does to an owner's rows behind everybody's back.
enum lie { LIE_CHANGES, LIE_LEAVES_OUT, LIE_ADDS, LIE_COUNT };

static void lie (sim_t *sim, int node, int owner, enum lie lie)
{
    static const uint8_t value[] = {0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa4, 'l', 'i', 'e', 's'};
    uuid16_t uuid = sim_uuid (lie == LIE_ADDS ? 1000 : 3), third = sim_uuid (3);
    const uuid16_t *client = rows_client (sim, owner);
    row_t row;
    bool left;
    txn_t *txn;
    cr_assert_eq (store_begin (sim->nodes[node].store, true, &txn), 0);
    cr_assert_eq (owned_get (txn, slice_text (ROWS), client, &third, &row), 0);
    uint64_t updated = row.updated;
    if (lie != LIE_ADDS)
        cr_assert_eq (owned_drop (txn, client, updated - 1, 1, &left), 0);
    row = (row_t){slice_text (ROWS), uuid, lie == LIE_ADDS ? updated - 1 : updated,
        slice_of (value, sizeof value)};
    if (lie != LIE_LEAVES_OUT)
        cr_assert_eq (owned_put (txn, client, &row), 0);
    cr_assert_eq (store_commit (&txn), 0);
}

static bool have_them_1_2 (sim_t *sim, void *unused)
{
    uint64_t upto = rows_mark (sim, 0, 0);
    (void)unused;
    return rows_proven (sim, 1, 0) == upto && rows_proven (sim, 2, 0) == upto;
}

//  0 owns rows and is away. 1 lies; 3 was away, and at first meets only 1.
static sim_t *with_a_liar (uint64_t seed, enum lie what)
{
    sim_t *sim = rows_pool (seed, 4);
    rows_cut_off (sim, 3, true);
    //  Time between them, so that there is a place for one more.
    for (uint64_t i = 1; i <= 30; i++)
        rows_write (sim, 0, "create", i, 1, "a");
    cr_assert (sim_until (sim, have_them_1_2, NULL, 60));
    sim_kill (sim, 0);
    sim_cut (sim, 1, 2, true); // 2 would tell it
    sim_pass (sim, 5);
    lie (sim, 1, 0, what);
    sim_cut (sim, 1, 3, false);
    return sim;
}

static bool altered_once (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_metric (sim, 3, METRIC_ROWS_ALTERED) == 1 && rows_visible (sim, 3, 0) == 0;
}

static bool altered_again (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_metric (sim, 3, METRIC_ROWS_ALTERED) == 2 && rows_visible (sim, 3, 0) == 0;
}

static bool right_at_3 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_same (sim, 3, 2, 0) && rows_proven (sim, 3, 0) &&
           !sim_alarm (sim, 3, "ROWS_ALTERED");
}

Test (owned, a_copy_that_a_relay_altered_is_noticed_dropped_and_fetched_from_another)
{
    for (enum lie what = LIE_CHANGES; what < LIE_COUNT; what++) {
        sim_t *sim = with_a_liar (310 + what, what);
        cr_assert (sim_until (sim, altered_once, NULL, 60), "lie %d is noticed", what);
        cr_assert (sim_alarm (sim, 3, "ROWS_ALTERED"));
        //  It is asked again after a while, and not before, and goes on lying.
        sim_pass (sim, 50);
        cr_assert (altered_once (sim, NULL));
        cr_assert (sim_until (sim, altered_again, NULL, 120));
        //  Another member is there: it has the rows that the owner signed.
        sim_cut (sim, 3, 2, false);
        cr_assert (sim_until (sim, right_at_3, NULL, 60), "lie %d is mended", what);
        cr_assert_eq (rows_visible (sim, 3, 0), 30);
        cr_assert_str_eq (rows_name (sim, 3, 0, 3), "a");
        cr_assert_str_eq (rows_name (sim, 3, 0, 1000), "");
        sim_destroy (&sim);
    }
}

static bool equal_1_2 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_same (sim, 1, 2, 0) && rows_visible (sim, 1, 0) == 30;
}

//  What lies altered at somebody is found when he meets one who is right, and not only when it is given on.
Test (owned, rows_that_were_altered_where_they_lie_are_found_at_the_next_meeting)
{
    sim_t *sim = with_a_liar (320, LIE_CHANGES);
    sim_kill (sim, 3);
    cr_assert_not (rows_same (sim, 1, 2, 0));
    sim_cut (sim, 1, 2, false);
    cr_assert (sim_until (sim, equal_1_2, NULL, 60));
    cr_assert_eq (sim_metric (sim, 1, METRIC_ROWS_ALTERED), 1);
    cr_assert_eq (sim_metric (sim, 2, METRIC_ROWS_ALTERED), 0);
    sim_destroy (&sim);
}

//  A tally is a peer's word like any: what is not signed by the owner ends the line.
Test (owned, what_somebody_else_signed_in_an_owners_name_is_refused)
{
    sim_t *sim = rows_pool (330, 3);
    buffer_t packed = {NULL, 0, 0}, frame = {NULL, 0, 0};
    rows_write (sim, 0, "create", 1, 5, "a");
    rows_expect_proven (sim, 0, 60);
    tally_t tally = {.owner = *rows_client (sim, 0), .upto = rows_mark (sim, 2, 0), .count = 4};
    tally_sign (&tally, &sim->nodes[1].identity);
    tally_pack (&tally, &packed);
    peer_tally_t message = {.verb = PEER_TALLY, .tally = buffer_slice (&packed)};
    message_pack (&peer_tally_type, &message, &frame);
    uint64_t before = sim_metric (sim, 2, METRIC_PEER_GARBAGE);
    slice_t bytes = buffer_slice (&frame);
    cr_assert (sim_say (sim, 1, 2, &bytes, 1));
    sim_pass (sim, 30);
    cr_assert_eq (sim_metric (sim, 2, METRIC_PEER_GARBAGE), before + 1);
    cr_assert_eq (rows_visible (sim, 2, 0), 5);
    buffer_release (&packed);
    buffer_release (&frame);
    sim_destroy (&sim);
}

//  Says a stretch of one row to `to` over the line of `from`.
static void say_row (sim_t *sim, int from, int to, int owner, uint64_t after, uint64_t updated)
{
    static const uint8_t value[] = {0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa4, 'l', 'i', 'e', 's'};
    row_t row = {slice_text (ROWS), sim_uuid (77), updated, slice_of (value, sizeof value)};
    peer_rows_t rows = {
        .verb = PEER_ROWS, .owner = *rows_client (sim, owner), .after = after, .upto = updated};
    buffer_t head = {NULL, 0, 0}, body = {NULL, 0, 0};
    message_pack (&peer_rows_type, &rows, &head);
    row_pack (&row, &body);
    slice_t frames[] = {buffer_slice (&head), buffer_slice (&body)};
    cr_assert (sim_say (sim, from, to, frames, 2));
    buffer_release (&head);
    buffer_release (&body);
}

Test (owned, a_peer_that_offers_a_clients_own_rows_to_it_is_refused)
{
    sim_t *sim = rows_pool (340, 2);
    rows_write (sim, 0, "create", 1, 5, "a");
    rows_expect_proven (sim, 0, 60);
    uint64_t before = sim_metric (sim, 0, METRIC_PEER_GARBAGE);
    uint64_t at = rows_mark (sim, 0, 0);
    say_row (sim, 1, 0, 0, 0, at + 1000);
    sim_pass (sim, 30);
    cr_assert_geq (sim_metric (sim, 0, METRIC_PEER_GARBAGE), before + 1);
    cr_assert_str_eq (rows_name (sim, 0, 0, 77), "");
    cr_assert_eq (rows_mark (sim, 0, 0), at);
    cr_assert_eq (rows_visible (sim, 0, 0), 5);
    sim_destroy (&sim);
}

static bool five_of_0_at_2 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_visible (sim, 2, 0) == 5 && rows_name (sim, 2, 0, 77)[0] == 0 &&
           rows_proven (sim, 2, 0) == rows_mark (sim, 2, 0);
}

//  A relay may claim to have later rows than the owner: then the owner says once more what they are.
Test (owned, rows_that_their_owner_never_had_go_when_it_is_met)
{
    sim_t *sim = rows_pool (350, 3);
    rows_write (sim, 0, "create", 1, 5, "a");
    rows_expect_proven (sim, 0, 60);
    rows_cut_off (sim, 0, true);
    uint64_t at = rows_mark (sim, 2, 0);
    say_row (sim, 1, 2, 0, at, at + 1000);
    sim_pass (sim, 5);
    cr_assert_str_eq (rows_name (sim, 2, 0, 77), "lies");
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, five_of_0_at_2, NULL, 120));
    sim_destroy (&sim);
}

//  ---- an owner whose directory is put back

//  Node 0 owns ten rows when it is backed up; then it changes, deletes and adds, and all have that; then it is put back.
static sim_t *put_back (uint64_t seed)
{
    sim_t *sim = rows_pool (seed, 3);
    rows_write (sim, 0, "create", 1, 10, "before");
    rows_expect_proven (sim, 0, 60);
    sim_pass (sim, 120);
    sim_kill (sim, 0);
    sim_backup (sim, 0);
    sim_start (sim, 0);
    rows_expect_proven (sim, 0, 60);
    rows_write (sim, 0, "update", 1, 2, "after");
    rows_write (sim, 0, "delete", 3, 2, NULL);
    rows_write (sim, 0, "create", 11, 1500, "after");
    rows_expect_proven (sim, 0, 60);
    sim_kill (sim, 0);
    sim_restore (sim, 0);
    return sim;
}

static bool back_at_0 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_visible (sim, 0, 0) == 1508 && !sim_alarm (sim, 0, "RESTORED");
}

static bool told_at_0 (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_alarm (sim, 0, "RESTORED");
}

static void expect_as_before (sim_t *sim)
{
    rows_expect_proven (sim, 0, 60);
    for (int node = 0; node < 3; node++) {
        cr_assert_eq (rows_visible (sim, node, 0), 1508, "node %d", node);
        cr_assert_str_eq (rows_name (sim, node, 0, 1), "after");
        cr_assert_str_eq (rows_name (sim, node, 0, 3), "");
        cr_assert_str_eq (rows_name (sim, node, 0, 5), "before");
        cr_assert_eq (sim_metric (sim, node, METRIC_ROWS_ALTERED), 0);
    }
}

//  The markers of what it had deleted may be forgotten everywhere by then: it has these rows again, and loses them again.
Test (owned, an_owner_that_was_restored_takes_its_rows_back)
{
    for (int forgotten = 0; forgotten <= 1; forgotten++) {
        sim_t *sim = put_back (370 + (uint64_t)forgotten);
        uint64_t at = rows_mark (sim, 1, 0);
        sim_pass (sim, forgotten ? 60 : 0);
        cr_assert_eq (rows_markers (sim, 1, 0), forgotten ? 0 : 2);
        sim_start (sim, 0);
        cr_assert (sim_until (sim, told_at_0, NULL, 60));
        cr_assert (sim_until (sim, back_at_0, NULL, 60));
        cr_assert_eq (rows_mark (sim, 0, 0), at);
        cr_assert_geq (sim_metric (sim, 0, METRIC_ROWS_TAKEN_BACK), 1508);
        expect_as_before (sim);
        rows_write (sim, 0, "update", 1, 1, "second life");
        rows_expect_proven (sim, 0, 60);
        for (int node = 0; node < 3; node++)
            cr_assert_str_eq (rows_name (sim, node, 0, 1), "second life");
        sim_expect_converged (sim, 60);
        sim_destroy (&sim);
    }
}

//  It writes before it meets anybody: what it wrote stays, and what it had written before comes back too. Whoever dials.
static void expect_both (uint64_t seed)
{
    sim_t *sim = put_back (seed);
    rows_cut_off (sim, 0, true);
    sim_start (sim, 0);
    rows_write (sim, 0, "update", 5, 1, "alone");
    rows_write (sim, 0, "create", 5000, 1, "alone");
    sim_kill (sim, 0); // and is started once more meanwhile
    sim_start (sim, 0);
    sim_pass (sim, 1 + sim_random (sim, 30));
    rows_cut_off (sim, 0, false);
    rows_expect_proven (sim, 0, 60);
    for (int node = 0; node < 3; node++) {
        cr_assert_eq (rows_visible (sim, node, 0), 1509, "seed %llu, node %d",
            (unsigned long long)seed, node);
        cr_assert_str_eq (rows_name (sim, node, 0, 1), "after");
        cr_assert_str_eq (rows_name (sim, node, 0, 5), "alone");
        cr_assert_str_eq (rows_name (sim, node, 0, 5000), "alone");
        cr_assert_eq (sim_metric (sim, node, METRIC_ROWS_ALTERED), 0);
    }
    sim_expect_converged (sim, 60);
    sim_destroy (&sim);
}

Test (owned, an_owner_that_was_restored_and_wrote_before_it_met_anybody_keeps_both)
{
    for (uint64_t seed = 380; seed < 390; seed++)
        expect_both (seed);
}

static bool mark_moved_at_0 (sim_t *sim, void *context)
{
    return rows_mark (sim, 0, 0) > *(uint64_t *)context;
}

Test (owned, taking_back_goes_on_after_a_cut_and_after_a_kill)
{
    for (int kill = 0; kill <= 1; kill++) {
        sim_t *sim = put_back (372 + (uint64_t)kill);
        sim_start (sim, 0);
        uint64_t at = rows_mark (sim, 0, 0);
        cr_assert (sim_until (sim, mark_moved_at_0, &at, 60));
        if (kill) {
            sim_kill (sim, 0);
            sim_start (sim, 0);
        } else {
            rows_cut_off (sim, 0, true);
            sim_pass (sim, 20);
            rows_cut_off (sim, 0, false);
        }
        cr_assert (sim_until (sim, back_at_0, NULL, 60));
        expect_as_before (sim);
        sim_destroy (&sim);
    }
}

static bool altered_at_0 (sim_t *sim, void *unused)
{
    (void)unused;
    return sim_metric (sim, 0, METRIC_ROWS_ALTERED) == 1;
}

static bool equal_0_1 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_same (sim, 0, 1, 0);
}

//  The first member that it meets altered a row that came after the backup, and one from before.
Test (owned, a_restored_owner_takes_back_nothing_that_it_did_not_sign)
{
    sim_t *sim = put_back (375);
    sim_cut (sim, 1, 2, true);
    sim_cut (sim, 0, 2, true);
    sim_pass (sim, 5);
    static const uint8_t value[] = {0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa4, 'l', 'i', 'e', 's'};
    txn_t *txn;
    row_t row;
    bool left;
    uuid16_t kept = sim_uuid (5), later = sim_uuid (20);
    const uuid16_t *client = rows_client (sim, 0);
    cr_assert_eq (store_begin (sim->nodes[1].store, true, &txn), 0);
    cr_assert_eq (owned_get (txn, slice_text (ROWS), client, &later, &row), 0);
    uint64_t updated = row.updated;
    cr_assert_eq (owned_drop (txn, client, updated - 1, 1, &left), 0);
    row = (row_t){slice_text (ROWS), kept, updated, slice_of (value, sizeof value)};
    cr_assert_eq (owned_put (txn, client, &row), 0);
    cr_assert_eq (store_commit (&txn), 0);
    sim_start (sim, 0);
    cr_assert (sim_until (sim, altered_at_0, NULL, 60));
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, back_at_0, NULL, 60));
    cr_assert_str_eq (rows_name (sim, 0, 0, 5), "before");
    cr_assert_str_eq (rows_name (sim, 0, 0, 20), "after");
    //  And the one that altered them has them from the owner.
    cr_assert (sim_until (sim, equal_0_1, NULL, 300));
    rows_expect_proven (sim, 0, 60);
    sim_destroy (&sim);
}

//  test_rows - owned rows: many of them, streams that are cut, what is sent how often, markers, removed owners, derived data

#include "tests/sim/rows.h"

#include <stdio.h>

#include "store/owned.h"
#include "store/pending.h"
#include "store/resources.h"

//  ---- many rows

static bool has_mark_of_0 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_mark (sim, 1, 0) == rows_mark (sim, 0, 0);
}

//  Larger than any page, all written at once: their times follow each other by the smallest step.
Test (rows, ten_thousand_and_one_that_were_written_at_once_each_arrive_once)
{
    sim_t *sim = rows_pool (400, 2);
    rows_cut_off (sim, 1, true);
    rows_write (sim, 0, "create", 1, 10001, "a");
    uint64_t before = sim_metric (sim, 1, METRIC_ROWS_TAKEN);
    rows_cut_off (sim, 1, false);
    rows_expect_proven (sim, 0, 120);
    cr_assert_eq (rows_visible (sim, 1, 0), 10001);
    cr_assert_eq (sim_metric (sim, 1, METRIC_ROWS_TAKEN) - before, 10001);
    cr_assert (rows_same (sim, 0, 1, 0));
    sim_destroy (&sim);
}

static bool moved (sim_t *sim, void *context)
{
    return rows_mark (sim, 1, 0) > *(uint64_t *)context;
}

//  The stream ends behind each of its chunks, now at the wire, now with either node.
Test (rows, a_stream_that_is_cut_between_any_two_chunks_misses_nothing_and_sends_nothing_twice)
{
    sim_t *sim = rows_pool (401, 2);
    char name[201];
    memset (name, 'x', sizeof name - 1);
    name[200] = 0;
    rows_cut_off (sim, 1, true);
    for (uint64_t i = 0; i < 8; i++)
        rows_write (sim, 0, "create", 1 + i * 1000, 1000, name);
    uint64_t last = 0, pieces = 0, before = sim_metric (sim, 1, METRIC_ROWS_TAKEN);
    while (!has_mark_of_0 (sim, NULL)) {
        rows_cut_off (sim, 1, false);
        cr_assert (sim_until (sim, moved, &last, 60));
        last = rows_mark (sim, 1, 0);
        pieces++;
        if (pieces % 3 == 0) {
            int node = (int)(pieces / 3 % 2);
            sim_kill (sim, node);
            sim_start (sim, node);
        }
        rows_cut_off (sim, 1, true);
    }
    cr_assert_geq (pieces, 5);
    rows_cut_off (sim, 1, false);
    rows_expect_proven (sim, 0, 60);
    cr_assert_eq (rows_visible (sim, 1, 0), 8000);
    cr_assert_eq (sim_metric (sim, 1, METRIC_ROWS_TAKEN) - before, 8000);
    cr_assert_eq (sim_metric (sim, 1, METRIC_ROWS_ALTERED), 0);
    sim_destroy (&sim);
}

//  While they are being sent the owner changes some that were sent, some that were not, deletes and adds.
Test (rows, an_owner_that_changes_rows_while_they_are_sent_ends_with_their_last_state_everywhere)
{
    for (uint64_t seed = 410; seed < 414; seed++) {
        sim_t *sim = rows_pool (seed, 3);
        char name[201];
        memset (name, 'x', sizeof name - 1);
        name[200] = 0;
        rows_cut_off (sim, 1, true);
        for (uint64_t i = 0; i < 6; i++)
            rows_write (sim, 0, "create", 1 + i * 1000, 1000, name);
        rows_cut_off (sim, 1, false);
        uint64_t last = 0;
        for (uint64_t i = 0; i < 5; i++) {
            cr_assert (sim_until (sim, moved, &last, 60));
            last = rows_mark (sim, 1, 0);
            rows_write (sim, 0, "update", 1 + sim_random (sim, 5800), 100, "changed");
            rows_write (sim, 0, "delete", 5901 + i * 10, 10, NULL);
            rows_write (sim, 0, "create", 10001 + i * 10, 10, "new");
            if (i == 2) {
                sim_cut (sim, 0, 1, true); // from here on through 2
                sim_cut (sim, 0, 1, false);
            }
        }
        rows_expect_proven (sim, 0, 120);
        for (int node = 1; node < 3; node++) {
            cr_assert (rows_same (sim, node, 0, 0), "seed %llu", (unsigned long long)seed);
            cr_assert_eq (rows_visible (sim, node, 0), 6000);
            cr_assert_eq (sim_metric (sim, node, METRIC_ROWS_ALTERED), 0);
        }
        sim_expect_converged (sim, 60);
        sim_destroy (&sim);
    }
}

Test (rows, one_that_was_changed_a_thousand_times_travels_once_to_who_was_away)
{
    sim_t *sim = rows_pool (420, 2);
    char name[16];
    rows_write (sim, 0, "create", 1, 1, "0");
    rows_expect_proven (sim, 0, 60);
    rows_cut_off (sim, 1, true);
    for (int i = 1; i <= 1000; i++) {
        snprintf (name, sizeof name, "%d", i);
        rows_write (sim, 0, "update", 1, 1, name);
    }
    uint64_t before = sim_metric (sim, 1, METRIC_ROWS_TAKEN);
    rows_cut_off (sim, 1, false);
    rows_expect_proven (sim, 0, 60);
    cr_assert_str_eq (rows_name (sim, 1, 0, 1), "1000");
    cr_assert_eq (sim_metric (sim, 1, METRIC_ROWS_TAKEN) - before, 1);
    sim_destroy (&sim);
}

//  Two relays have them, and the owner is away: they come from one of the two.
Test (rows, each_arrives_once_where_two_members_have_them)
{
    sim_t *sim = sim_new (421, 4);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pair (sim, 0, 3);
    sim_expect_converged (sim, 60);
    rows_cut_off (sim, 3, true);
    for (uint64_t i = 0; i < 5; i++)
        rows_write (sim, 0, "create", 1 + i * 1000, 1000, "a row that two members have");
    cr_assert (sim_until (sim, has_mark_of_0, NULL, 60));
    sim_pass (sim, 30);
    sim_kill (sim, 0);
    uint64_t before = sim_metric (sim, 3, METRIC_ROWS_TAKEN);
    rows_cut_off (sim, 3, false);
    sim_expect_converged (sim, 60);
    cr_assert_eq (rows_visible (sim, 3, 0), 5000);
    cr_assert_eq (sim_metric (sim, 3, METRIC_ROWS_TAKEN) - before, 5000);
    sim_destroy (&sim);
}

static bool newest_at_3 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_proven (sim, 3, 0) && rows_proven (sim, 3, 0) == rows_proven (sim, 2, 0);
}

static bool proven_at_1 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_proven (sim, 1, 0) == rows_mark (sim, 0, 0);
}

//  1 has 15,000 rows from before the owner changed some, 2 from after; the owner is away, and 3 has none.
static sim_t *with_an_old_and_a_new (uint64_t seed)
{
    sim_t *sim = rows_pool (seed, 4);
    char name[201];
    memset (name, 'x', sizeof name - 1);
    name[200] = 0;
    rows_cut_off (sim, 3, true);
    for (uint64_t i = 0; i < 15; i++)
        rows_write (sim, 0, "create", 1 + i * 1000, 1000, name);
    cr_assert (sim_until (sim, proven_at_1, NULL, 60));
    rows_cut_off (sim, 1, true);
    name[0] = 'y'; // what is the same is not written
    rows_write (sim, 0, "update", 1, 2000, name);
    sim_pass (sim, 10);
    cr_assert_eq (rows_proven (sim, 2, 0), rows_mark (sim, 0, 0));
    sim_kill (sim, 0);
    return sim;
}

static void expect_newest (sim_t *sim)
{
    cr_assert (sim_until (sim, newest_at_3, NULL, 120), "seed %llu", (unsigned long long)sim->seed);
    cr_assert_eq (rows_visible (sim, 3, 0), 15000);
    cr_assert_eq (sim_metric (sim, 3, METRIC_ROWS_ALTERED), 0, "nobody lied");
    cr_assert_not (sim_alarm (sim, 3, "ROWS_ALTERED"));
}

Test (rows, of_two_members_that_are_not_at_the_same_place_leave_no_gap)
{
    for (uint64_t seed = 422; seed < 434; seed++) {
        sim_t *sim = with_an_old_and_a_new (seed);
        sim_cut (sim, 3, 1, false);
        sim_cut (sim, 3, 2, false);
        expect_newest (sim);
        cr_assert_leq (sim_metric (sim, 3, METRIC_ROWS_TAKEN), 17000, "nothing was dropped");
        sim_destroy (&sim);
    }
}

static bool some_at_3 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_mark (sim, 3, 0) > 0;
}

//  First some of the new, whose changed rows come last; then the old: those that were changed are in neither part.
Test (rows, that_came_from_one_member_and_then_from_an_older_one_accuse_nobody)
{
    for (uint64_t seed = 435; seed < 440; seed++) {
        sim_t *sim = with_an_old_and_a_new (seed);
        sim_cut (sim, 3, 2, false);
        cr_assert (sim_until (sim, some_at_3, NULL, 60));
        sim_cut (sim, 3, 2, true);
        sim_kill (sim, 3); // with what was under way
        sim_start (sim, 3);
        cr_assert_lt (rows_mark (sim, 3, 0), rows_mark (sim, 1, 0), "it was cut in the middle");
        sim_cut (sim, 3, 1, false);
        sim_pass (sim, 20);
        cr_assert (rows_same (sim, 3, 1, 0));
        cr_assert_eq (rows_visible (sim, 3, 0), 15000);
        sim_cut (sim, 3, 2, false);
        expect_newest (sim);
        sim_destroy (&sim);
    }
}

//  ---- what may not come

//  What oplog answers to one stretch of rows of this owner, as if a peer had brought it.
static int hand (sim_t *sim, int node, const uuid16_t *owner, uint64_t after, uint64_t upto,
    const row_t *rows, size_t count)
{
    take_rows_t take = {.line = 1, .owner = *owner, .after = after, .upto = upto};
    buffer_t packed = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++)
        row_pack (&rows[i], &packed);
    slice_t frame = buffer_slice (&packed);
    int rc = sim_hand (sim, node, MAIL_TAKE_ROWS, &take_rows_type, &take, &frame);
    buffer_release (&packed);
    return rc;
}

Test (rows, that_may_not_come_or_are_not_sound_are_refused)
{
    static const uint8_t map[] = {0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa1, 'x'};
    sim_t *sim = rows_pool (425, 2);
    rows_write (sim, 0, "create", 1, 3, "a");
    rows_expect_proven (sim, 0, 60);
    const uuid16_t *owner = rows_client (sim, 0), *me = rows_client (sim, 1);
    uuid16_t stranger = {{9, 9, 9}};
    uint64_t mark = rows_mark (sim, 1, 0);
    slice_t value = slice_of (map, sizeof map);
    row_t good = {slice_text (ROWS), sim_uuid (50), mark + 5, value};
    row_t past = good, shared = good, derived = good, unknown = good, two[2] = {good, good};
    past.updated = mark + 11;
    shared.resource = slice_text ("tags");
    derived.resource = slice_text ("files");
    unknown.resource = slice_text ("nowhere");
    two[1].uuid = sim_uuid (51);
    two[1].updated = mark + 4; // descending
    cr_expect_eq (hand (sim, 1, &stranger, 0, mark + 10, &good, 1), ERR_NOT_MEMBER);
    cr_expect_eq (hand (sim, 1, me, 0, mark + 10, &good, 1), ERR_NOT_OWNER);
    cr_expect_eq (hand (sim, 1, owner, mark + 1, mark + 10, &good, 1), ERR_TOO_EARLY, "a gap");
    cr_expect_eq (hand (sim, 1, owner, mark, mark + 10, &past, 1), ERR_MALFORMED);
    cr_expect_eq (hand (sim, 1, owner, mark, mark + 10, &shared, 1), ERR_MALFORMED);
    cr_expect_eq (hand (sim, 1, owner, mark, mark + 10, &derived, 1), ERR_MALFORMED);
    cr_expect_eq (hand (sim, 1, owner, mark, mark + 10, &unknown, 1), ERR_UNKNOWN_RESOURCE);
    cr_expect_eq (rows_mark (sim, 1, 0), mark, "none of these raises the watermark");
    cr_expect_str_eq (rows_name (sim, 1, 0, 50), "");
    cr_expect_eq (hand (sim, 1, owner, mark, mark + 10, two, 2), ERR_MALFORMED);
    cr_expect_eq (rows_mark (sim, 1, 0), mark);
    cr_expect_eq (
        hand (sim, 1, owner, 0, mark, &good, 1), 0, "what is here already is passed over");
    cr_expect_eq (rows_mark (sim, 1, 0), mark);
    sim_destroy (&sim);
}

//  ---- markers

static void expect_markers (sim_t *sim, int owner, uint64_t count)
{
    for (int node = 0; node < (int)sim->count; node++)
        if (sim->nodes[node].running)
            cr_assert_eq (rows_markers (sim, node, owner), count, "node %d has %llu", node,
                (unsigned long long)rows_markers (sim, node, owner));
}

Test (rows, markers_are_kept_until_every_member_that_counts_is_past_them_and_then_forgotten)
{
    sim_t *sim = rows_pool (430, 4);
    sim_cut (sim, 0, 3, true); // through the others only
    sim_cut (sim, 0, 2, true);
    rows_write (sim, 0, "create", 1, 20, "a");
    rows_expect_proven (sim, 0, 60);
    rows_cut_off (sim, 3, true);
    rows_write (sim, 0, "delete", 1, 5, NULL);
    sim_pass (sim, 3600);
    for (int node = 0; node < 3; node++) {
        cr_assert_eq (rows_markers (sim, node, 0), 5, "node %d", node);
        cr_assert_eq (rows_visible (sim, node, 0), 15);
    }
    cr_assert_eq (rows_visible (sim, 3, 0), 20);
    sim_cut (sim, 3, 2, false);
    rows_expect_proven (sim, 0, 60);
    cr_assert_eq (rows_visible (sim, 3, 0), 15, "it heard of the deletions");
    sim_pass (sim, 60);
    expect_markers (sim, 0, 0);
    cr_assert_eq (sim_metric (sim, 0, METRIC_MARKERS_FORGOTTEN), 5);
    cr_assert_eq (sim_metric (sim, 3, METRIC_ROWS_ALTERED), 0);
    //  A row that comes back is a row.
    rows_write (sim, 0, "create", 2, 1, "again");
    rows_expect_proven (sim, 0, 60);
    cr_assert_str_eq (rows_name (sim, 3, 0, 2), "again");
    sim_destroy (&sim);
}

Test (rows, markers_of_a_client_alone_go_at_once)
{
    sim_t *sim = sim_new (431, 1);
    rows_write (sim, 0, "create", 1, 5, "a");
    rows_write (sim, 0, "delete", 1, 5, NULL);
    sim_pass (sim, 2);
    cr_assert_eq (rows_markers (sim, 0, 0), 0);
    sim_destroy (&sim);
}

Test (rows, a_newcomer_while_markers_are_kept_shows_what_all_show)
{
    sim_t *sim = sim_new (432, 4);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    rows_write (sim, 0, "create", 1, 20, "a");
    rows_expect_proven (sim, 0, 60);
    rows_cut_off (sim, 2, true);
    rows_write (sim, 0, "delete", 1, 5, NULL);
    sim_pass (sim, 30);
    sim_pair (sim, 1, 3);
    rows_cut_off (sim, 2, false);
    rows_expect_proven (sim, 0, 60);
    sim_pass (sim, 60);
    expect_markers (sim, 0, 0);
    for (int node = 0; node < 4; node++)
        cr_assert_eq (rows_visible (sim, node, 0), 15);
    sim_destroy (&sim);
}

static bool gone_at_2 (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_visible (sim, 2, 0) == 15 && rows_same (sim, 2, 0, 0);
}

//  It was counted out, and the markers of what was deleted meanwhile are forgotten: nothing tells it but the tally.
Test (rows, who_returns_after_markers_were_forgotten_keeps_no_deleted_row)
{
    sim_t *sim = sim_new (433, 3);
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    rows_write (sim, 0, "create", 1, 20, "a");
    rows_expect_proven (sim, 0, 60);
    rows_cut_off (sim, 2, true);
    rows_write (sim, 0, "delete", 1, 5, NULL);
    sim_pass (sim, 3000);
    cr_assert_eq (rows_markers (sim, 0, 0), 0, "nobody that counts is waited for");
    cr_assert_eq (rows_visible (sim, 2, 0), 20);
    rows_cut_off (sim, 2, false);
    cr_assert (sim_until (sim, gone_at_2, NULL, 600));
    sim_destroy (&sim);
}

//  ---- removed owners

static void remove_client (sim_t *sim, int node, int gone, bool drop)
{
    buffer_t request = {NULL, 0, 0};
    const uuid16_t *client = rows_client (sim, gone);
    pack_map (&request, 2);
    pack_string (&request, "client");
    pack_bin (&request, slice_of (client->bytes, sizeof client->bytes));
    pack_string (&request, "drop_rows");
    pack_bool (&request, drop);
    cr_assert_eq (sim_request (sim, node, ACTOR_POOL, "remove", buffer_slice (&request)), 0);
    buffer_release (&request);
}

//  2 has more of the rows of 3 than the others have.
static sim_t *with_one_to_remove (uint64_t seed)
{
    sim_t *sim = sim_new (seed, 5);
    for (int i = 1; i < 4; i++)
        sim_pair (sim, 0, i);
    rows_write (sim, 3, "create", 1, 3000, "a");
    rows_expect_proven (sim, 3, 60);
    sim_cut (sim, 3, 0, true);
    sim_cut (sim, 3, 1, true);
    sim_cut (sim, 2, 0, true);
    sim_cut (sim, 2, 1, true);
    rows_write (sim, 3, "create", 3001, 10, "b");
    sim_pass (sim, 10);
    cr_assert_eq (rows_visible (sim, 2, 3), 3010);
    cr_assert_eq (rows_visible (sim, 0, 3), 3000);
    return sim;
}

static bool kept_everywhere (sim_t *sim, void *unused)
{
    (void)unused;
    return rows_visible (sim, 0, 3) == 3010 && rows_visible (sim, 1, 3) == 3010;
}

Test (rows, of_a_removed_client_are_kept_and_what_some_had_taken_comes_through_them)
{
    sim_t *sim = with_one_to_remove (440);
    remove_client (sim, 0, 3, false);
    sim_pass (sim, 30);
    cr_assert_eq (rows_visible (sim, 0, 3), 3000);
    sim_cut (sim, 2, 0, false);
    cr_assert (sim_until (sim, kept_everywhere, NULL, 60));
    sim_kill (sim, 3);
    sim_pair (sim, 0, 4);
    sim_expect_converged (sim, 60);
    cr_assert_eq (rows_visible (sim, 4, 3), 3010);
    sim_destroy (&sim);
}

static bool dropped_everywhere (sim_t *sim, void *unused)
{
    (void)unused;
    for (int node = 0; node < 3; node++)
        if (rows_visible (sim, node, 3) || rows_markers (sim, node, 3))
            return false;
    return true;
}

Test (rows, of_a_client_that_is_removed_with_them_are_dropped_and_do_not_come_back)
{
    sim_t *sim = with_one_to_remove (441);
    remove_client (sim, 0, 3, true);
    sim_pass (sim, 30);
    cr_assert_eq (rows_visible (sim, 0, 3), 0);
    cr_assert_eq (rows_visible (sim, 2, 3), 3010, "it has not heard of it yet");
    uint64_t taken = sim_metric (sim, 0, METRIC_ROWS_TAKEN);
    sim_cut (sim, 2, 0, false);
    cr_assert (sim_until (sim, dropped_everywhere, NULL, 60));
    sim_kill (sim, 3);
    sim_pass (sim, 60);
    cr_assert (dropped_everywhere (sim, NULL));
    cr_assert_eq (sim_metric (sim, 0, METRIC_ROWS_TAKEN), taken, "not even for a moment");
    sim_pair (sim, 0, 4);
    sim_expect_converged (sim, 60);
    cr_assert_eq (rows_visible (sim, 4, 3), 0);
    sim_destroy (&sim);
}

//  ---- derived data

//  Rows of a node with this content and size, as files are.
static void write_file (sim_t *sim, int node, uint64_t number, uint64_t content, uint64_t size)
{
    buffer_t ops = {NULL, 0, 0};
    uuid16_t uuid = sim_uuid (number), id = sim_uuid (content);
    pack_array (&ops, 1);
    pack_map (&ops, 5);
    pack_string (&ops, "action");
    pack_string (&ops, "create");
    pack_string (&ops, "on_conflict");
    pack_string (&ops, "merge");
    pack_string (&ops, "resource");
    pack_string (&ops, ROWS);
    pack_string (&ops, "uuid");
    pack_bin (&ops, slice_of (&uuid, sizeof uuid));
    pack_string (&ops, "value");
    pack_map (&ops, 3);
    pack_string (&ops, "content_id");
    pack_bin (&ops, slice_of (&id, sizeof id));
    pack_string (&ops, "mime");
    pack_string (&ops, "image/jpeg");
    pack_string (&ops, "size");
    pack_uint (&ops, size);
    cr_assert_eq (sim_apply_ops (sim, node, buffer_slice (&ops)), 0);
    buffer_release (&ops);
}

//  What `files` shows of a content: the property; 0 where there is no record.
static uint64_t file_says (sim_t *sim, int node, uint64_t content, const char *property)
{
    txn_t *txn;
    timestamp_t updated;
    slice_t value, key;
    uuid16_t id = sim_uuid (content);
    size_t count;
    uint64_t number = 0;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    if (derived_get (txn, slice_text ("files"), &id, &updated, &value) == 0) {
        cursor_t cursor = cursor_over (value);
        cr_assert_eq (cursor_map (&cursor, &count), 0);
        while (count--) {
            cr_assert_eq (cursor_text (&cursor, &key), 0);
            if (slice_equal (key, slice_text (property)))
                cr_assert_eq (cursor_uint (&cursor, &number), 0);
            else
                cr_assert_eq (cursor_skip (&cursor, NULL), 0);
        }
    }
    store_abort (&txn);
    return number;
}

//  The same photo on two clients is one record with two paths; a tag on it made on one is seen on the other.
Test (derived, the_same_photo_on_two_clients_is_one_record_and_a_tag_on_it_is_seen_by_both)
{
    sim_t *sim = rows_pool (450, 3);
    uuid16_t tagged = sim_uuid (7);
    write_file (sim, 0, 1, 100, 5000);
    write_file (sim, 1, 2, 100, 5000);
    write_file (sim, 1, 3, 101, 7);
    sim_expect_converged (sim, 60);
    for (int node = 0; node < 3; node++) {
        cr_assert_eq (file_says (sim, node, 100, "paths"), 2);
        cr_assert_eq (file_says (sim, node, 100, "clients"), 2);
        cr_assert_eq (file_says (sim, node, 100, "size"), 5000);
        cr_assert_eq (file_says (sim, node, 101, "paths"), 1);
    }
    cr_assert_eq (sim_apply (sim, 0, "create", "tags_on_files", &tagged, "on file 100"), 0);
    sim_expect_converged (sim, 60);
    cr_assert_str_eq (sim_name (sim, 1, "tags_on_files", &tagged), "on file 100");
    rows_write (sim, 1, "delete", 2, 1, NULL);
    sim_expect_converged (sim, 60);
    for (int node = 0; node < 3; node++)
        cr_assert_eq (file_says (sim, node, 100, "paths"), 1);
    sim_destroy (&sim);
}

//  Digests are compared by sim_expect_converged: derived records travel never, and are the same everywhere at all times.
Test (derived, is_the_same_everywhere_after_random_changes_drops_and_fetches)
{
    for (uint64_t seed = 460; seed < 466; seed++) {
        sim_t *sim = rows_pool (seed, 3);
        for (int i = 0; i < 200; i++) {
            int node = (int)sim_random (sim, 3);
            uint64_t row = 1 + sim_random (sim, 12);
            if (sim_random (sim, 4))
                write_file (sim, node, row, 100 + sim_random (sim, 5), sim_random (sim, 3));
            else if (rows_visible (sim, node, node))
                sim_apply (sim, node, "delete", ROWS, &(uuid16_t){{(uint8_t)row}}, NULL);
            if (sim_random (sim, 20) == 0)
                rows_cut_off (sim, (int)sim_random (sim, 3), true);
            if (sim_random (sim, 10) == 0)
                for (int other = 0; other < 3; other++)
                    rows_cut_off (sim, other, false);
        }
        for (int other = 0; other < 3; other++)
            rows_cut_off (sim, other, false);
        sim_expect_converged (sim, 120);
        for (int owner = 0; owner < 3; owner++)
            rows_expect_proven (sim, owner, 60);
        sim_destroy (&sim);
    }
}

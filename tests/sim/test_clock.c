//  test_clock - pools whose wall clocks are wrong
//
//  A node's wall clock is ahead by skew_ns; monotonic time is everybody's. What a status says as a text is
//  tests/system/test_clocks.py's; here it is the alarm's code.

#include "tests/sim/sim.h"

#include <stdio.h>

#include "store/watermarks.h"

#define SECOND 1000000000ll
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define START  1767225600ull // as in sim.c

static uint64_t true_wall (const sim_t *sim)
{
    return time_from_ns (START * SECOND + sim->mono_ns);
}

//  The newest timestamp of a client's batches, or rows, that a node holds.
static uint64_t upto_at (sim_t *sim, int node, enum watermark_kind kind, int client)
{
    txn_t *txn;
    vector_t vector = {NULL, 0, 0};
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (watermarks_load (txn, kind, &vector), 0);
    uint64_t upto = vector_upto (&vector, &sim->nodes[client].identity.client);
    vector_release (&vector);
    store_abort (&txn);
    return upto;
}

//  A write of this node's bears a timestamp of today: what it received has not moved its clock.
static void expect_clock_of_today (sim_t *sim, int node, uint64_t record)
{
    uuid16_t uuid = sim_uuid (record);
    cr_assert_eq (sim_apply (sim, node, "create", "tags", &uuid, "today"), 0);
    uint64_t upto = upto_at (sim, node, WATERMARK_SHARED, node);
    cr_expect_eq (hlc_ahead (true_wall (sim), upto), 0, "node %d", node);
}

static sim_t *pool_of_three (uint64_t seed)
{
    sim_t *sim = sim_new (seed, 3);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_expect_converged (sim, 60);
    return sim;
}

static void restart (sim_t *sim, int node)
{
    sim_kill (sim, node);
    sim_start (sim, node);
}

//  ---- the actor itself: one question, with the time in it

//  The answer's first stamp; *ret_ahead is by how much `time` was refused. time 0: none is received. own: this client's
//  newest timestamp in its store.
static uint64_t ask_own (
    sim_t *sim, uint64_t wall, uint64_t time, uint64_t own, uint64_t *ret_ahead)
{
    sim_node_t *node = &sim->nodes[0];
    step_t ask_step = {.self = ACTOR_OPLOG};
    step_t step = {.self = ACTOR_CLOCK,
        .now = {wall, sim->mono_ns},
        .metrics = &node->metrics,
        .wake_ns = UINT64_MAX};
    buffer_t times = {NULL, 0, 0};
    clock_grant_t grant;
    size_t count;
    pack_array (&times, time ? 1 : 0);
    if (time)
        pack_uint (&times, time);
    clock_ask_t body = {.count = 1, .times = buffer_slice (&times), .own = own};
    step_send (&ask_step, ACTOR_CLOCK, MAIL_CLOCK_ASK, 0, &clock_ask_type, &body, NULL, 0);
    mail_t *mail = mail_list_take (&ask_step.out);
    clock_class.receive (node->cores[ACTOR_CLOCK], &step, &mail);
    mail_destroy (&mail);
    mail = mail_list_take (&step.out);
    cr_assert (mail && message_unpack (&clock_grant_type, mail->body, &grant, NULL) == 0);
    cursor_t cursor = cursor_over (grant.ahead);
    *ret_ahead = 0;
    if (time)
        cr_assert (cursor_array (&cursor, &count) == 0 && cursor_uint (&cursor, ret_ahead) == 0);
    uint64_t first = grant.first;
    mail_destroy (&mail);
    mail_list_clear (&step.out);
    buffer_release (&times);
    return first;
}

static uint64_t ask (sim_t *sim, uint64_t wall, uint64_t time, uint64_t *ret_ahead)
{
    return ask_own (sim, wall, time, 0, ret_ahead);
}

Test (clock, accepts_exactly_100_ms_ahead_and_defers_one_tick_more)
{
    sim_t *sim = sim_new (200, 1);
    uint64_t wall = hlc_physical (true_wall (sim)) + (10ull << 32), ahead;
    uint64_t edge = wall + time_from_ms (100);
    cr_expect_eq (ask (sim, wall, edge + 1, &ahead), wall, "refused: the clock has not moved");
    cr_expect_eq (ahead, time_from_ms (100) + 1, "and the answer says how far ahead");
    cr_expect_eq (ask (sim, wall, edge, &ahead), edge + 1, "accepted: the clock goes on from it");
    cr_expect_eq (ahead, 0);
    sim_destroy (&sim);
}

Test (clock, gives_sixteen_stamps_in_a_tick_and_the_seventeenth_in_the_next)
{
    sim_t *sim = sim_new (201, 1);
    uint64_t wall = hlc_physical (true_wall (sim)) + (10ull << 32), ahead;
    for (uint64_t i = 0; i < 16; i++)
        cr_expect_eq (ask (sim, wall + i, 0, &ahead), wall + i);
    cr_expect_eq (ask (sim, wall + 15, 0, &ahead), wall + 16);
    sim_destroy (&sim);
}

Test (clock, goes_on_behind_what_this_client_has_stamped_however_far_ahead_that_is)
{
    sim_t *sim = sim_new (210, 1);
    uint64_t wall = hlc_physical (true_wall (sim)) + (10ull << 32), ahead;
    cr_expect_eq (
        ask_own (sim, wall, 0, wall + (3600ull << 32), &ahead), wall + (3600ull << 32) + 1);
    cr_expect_eq (ask (sim, wall, 0, &ahead), wall + (3600ull << 32) + 2);
    sim_destroy (&sim);
}

//  ---- a wall clock that is ahead

Test (clock, one_batch_from_tomorrow_moves_nobodys_clock_and_is_accepted_when_tomorrow_comes)
{
    sim_t *sim = pool_of_three (202);
    uuid16_t tomorrow = sim_uuid (1), after = sim_uuid (2);
    sim->nodes[1].skew_ns = DAY;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &tomorrow, "tomorrow"), 0);
    sim->nodes[1].skew_ns = 0;
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &after, "put right"), 0);
    sim_pass (sim, 60);
    for (int node = 0; node <= 2; node += 2) {
        cr_expect (sim_alarm (sim, node, "CLOCK_AHEAD"), "who defers says so");
        cr_expect_str_eq (sim_name (sim, node, "tags", &tomorrow), "");
        cr_expect_str_eq (sim_name (sim, node, "tags", &after), "", "the chain has no gaps");
        expect_clock_of_today (sim, node, 10 + (uint64_t)node);
    }
    cr_expect (sim_alarm (sim, 1, "CLOCK_AHEAD"), "who is deferred says so");
    restart (sim, 0);
    expect_clock_of_today (sim, 0, 20);
    sim_pass (sim, 60);
    for (uint64_t record = 10; record <= 20; record += record == 10 ? 2 : 8)
        for (int node = 0; node < 3; node++) { // nothing else is held up, at the late one neither
            uuid16_t uuid = sim_uuid (record);
            cr_expect_str_eq (sim_name (sim, node, "tags", &uuid), "today");
        }
    cr_assert (sim_alarm (sim, 0, "CLOCK_AHEAD"), "it is offered again, and refused again");
    sim_pass (sim, 24 * 3600 - 600);
    cr_expect_str_eq (sim_name (sim, 0, "tags", &tomorrow), "");
    sim_expect_converged (sim, 700);
    for (int node = 0; node < 3; node++) {
        cr_expect_str_eq (sim_name (sim, node, "tags", &tomorrow), "tomorrow");
        cr_expect_str_eq (sim_name (sim, node, "tags", &after), "put right");
    }
    sim_pass (sim, 60);
    for (int node = 0; node < 3; node++)
        cr_expect_not (sim_alarm (sim, node, "CLOCK_AHEAD"), "node %d", node);
    sim_destroy (&sim);
}

static bool rows_are_told (sim_t *sim, void *context)
{
    (void)context;
    return sim_alarm (sim, 0, "CLOCK_AHEAD") && sim_alarm (sim, 1, "CLOCK_AHEAD") &&
           sim_alarm (sim, 2, "CLOCK_AHEAD");
}

Test (clock, rows_from_tomorrow_move_nobodys_clock_and_are_accepted_when_tomorrow_comes)
{
    sim_t *sim = pool_of_three (203);
    uuid16_t row = sim_uuid (1), own = sim_uuid (2);
    sim->nodes[1].skew_ns = DAY;
    cr_assert_eq (sim_apply (sim, 1, "create", "file_paths", &row, "tomorrow"), 0);
    cr_assert (sim_until (sim, rows_are_told, NULL, 60), "who defers, and who is deferred, say so");
    sim->nodes[1].skew_ns = 0;
    cr_assert_eq (sim_apply (sim, 2, "create", "file_paths", &own, "today"), 0);
    uint64_t stamp = upto_at (sim, 1, WATERMARK_ROWS, 1);
    uint64_t todays = upto_at (sim, 2, WATERMARK_ROWS, 2);
    restart (sim, 0);
    expect_clock_of_today (sim, 0, 10);
    sim_pass (sim, 60);
    expect_clock_of_today (sim, 2, 11);
    cr_expect_lt (upto_at (sim, 0, WATERMARK_ROWS, 1), stamp, "they wait");
    cr_expect_eq (upto_at (sim, 0, WATERMARK_ROWS, 2), todays, "and nobody else's do");
    cr_expect_eq (upto_at (sim, 1, WATERMARK_ROWS, 2), todays);
    sim_pass (sim, 24 * 3600 - 600);
    sim_expect_converged (sim, 700);
    cr_expect_eq (upto_at (sim, 0, WATERMARK_ROWS, 1), stamp);
    sim_pass (sim, 60);
    for (int node = 0; node < 3; node++)
        cr_expect_not (sim_alarm (sim, node, "CLOCK_AHEAD"), "node %d", node);
    sim_destroy (&sim);
}

Test (clock, ninety_ms_ahead_is_no_drift_and_what_is_written_over_it_stays)
{
    sim_t *sim = pool_of_three (204);
    uuid16_t uuid = sim_uuid (1);
    sim->nodes[1].skew_ns = 90 * 1000000;
    for (int i = 0; i < 20; i++) {
        cr_assert_eq (sim_apply (sim, 1, i ? "update" : "create", "tags", &uuid, "ahead"), 0);
        sim_expect_converged (sim, 60);
        cr_assert_eq (sim_apply (sim, 2, "update", "tags", &uuid, "over it"), 0);
        sim_expect_converged (sim, 60);
        cr_assert_str_eq (sim_name (sim, 0, "tags", &uuid), "over it");
    }
    for (int node = 0; node < 3; node++)
        cr_expect_not (sim_alarm (sim, node, "CLOCK_AHEAD"));
    sim_destroy (&sim);
}

//  ---- a wall clock that is behind

//  Node 0 writes, its wall clock goes back by an hour, it writes again: the second write is the later one.
static void set_back (sim_t *sim, bool restarted)
{
    uuid16_t uuid = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "first"), 0);
    uint64_t first = upto_at (sim, 0, WATERMARK_SHARED, 0);
    sim_expect_converged (sim, 60);
    if (restarted)
        sim_kill (sim, 0);
    sim->nodes[0].skew_ns = -HOUR;
    if (restarted)
        sim_start (sim, 0);
    cr_assert_eq (sim_apply (sim, 0, "update", "tags", &uuid, "second"), 0);
    uint64_t second = upto_at (sim, 0, WATERMARK_SHARED, 0);
    cr_expect_gt (second, first);
    cr_expect_lt (second - first, 1 << 20, "it counts on, and does not jump");
    sim_pass (sim, 10);
    for (int node = 0; node < 3; node++)
        cr_expect_str_eq (sim_name (sim, node, "tags", &uuid), "second");
    cr_expect (sim_alarm (sim, 0, "CLOCK_AHEAD"), "its status says that its wall clock is behind");
}

Test (clock, a_wall_clock_set_back_an_hour_repeats_nothing)
{
    sim_t *sim = pool_of_three (205);
    set_back (sim, false);
    //  What the others write is an hour ahead for it: deferred there, until its clock is put right.
    uuid16_t other = sim_uuid (2);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &other, "of the others"), 0);
    sim_pass (sim, 60);
    cr_expect_str_eq (sim_name (sim, 0, "tags", &other), "");
    cr_expect_str_eq (sim_name (sim, 1, "tags", &other), "of the others");
    sim->nodes[0].skew_ns = 0;
    sim_expect_converged (sim, 120);
    sim_pass (sim, 60);
    for (int node = 0; node < 3; node++)
        cr_expect_not (sim_alarm (sim, node, "CLOCK_AHEAD"), "node %d", node);
    sim_destroy (&sim);
}

Test (clock, a_restart_with_the_wall_clock_behind_repeats_nothing)
{
    sim_t *sim = pool_of_three (206);
    set_back (sim, true);
    sim_pass (sim, 3600 + 120); // and those of the others' acknowledgements
    cr_expect_not (sim_alarm (sim, 0, "CLOCK_AHEAD"), "its wall clock has caught up");
    sim_destroy (&sim);
}

//  What a person overwrites after having seen it stays overwritten.
Test (clock, a_restart_with_the_wall_clock_behind_stamps_past_what_it_has_seen)
{
    sim_t *sim = pool_of_three (211);
    uuid16_t uuid = sim_uuid (1);
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &uuid, "seen"), 0);
    sim_expect_converged (sim, 60);
    sim_kill (sim, 0);
    sim->nodes[0].skew_ns = -HOUR;
    sim_start (sim, 0);
    cr_assert_eq (sim_apply (sim, 0, "update", "tags", &uuid, "over it"), 0);
    cr_expect_gt (upto_at (sim, 0, WATERMARK_SHARED, 0), upto_at (sim, 0, WATERMARK_SHARED, 2));
    sim_pass (sim, 30);
    for (int node = 0; node < 3; node++)
        cr_expect_str_eq (sim_name (sim, node, "tags", &uuid), "over it");
    sim_destroy (&sim);
}

//  ---- a data directory that was put back

static void file_copy (const sim_node_t *node, const char *from, const char *to)
{
    static char block[1 << 16];
    char from_path[192], to_path[192];
    size_t size;
    snprintf (from_path, sizeof from_path, "%s/%s", node->dir, from);
    snprintf (to_path, sizeof to_path, "%s/%s", node->dir, to);
    FILE *in = fopen (from_path, "rb"), *out = fopen (to_path, "wb");
    cr_assert (in && out);
    while ((size = fread (block, 1, sizeof block, in)) > 0)
        cr_assert_eq (fwrite (block, 1, size, out), size);
    fclose (in);
    cr_assert_eq (fclose (out), 0);
}

//  Node 1 is copied, writes (which the others take), and is put back to the copy, with its wall clock behind by
//  `behind_ns`. Answers its newest timestamp before.
static uint64_t put_back (sim_t *sim, int64_t behind_ns)
{
    char copy[192];
    uuid16_t uuid = sim_uuid (1);
    sim_kill (sim, 1);
    file_copy (&sim->nodes[1], "data.mdb", "copy.mdb");
    sim_start (sim, 1);
    sim_pass (sim, 30);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &uuid, "first life"), 0);
    sim_expect_converged (sim, 60);
    uint64_t last = upto_at (sim, 1, WATERMARK_SHARED, 1);
    sim_kill (sim, 1);
    file_copy (&sim->nodes[1], "copy.mdb", "data.mdb");
    snprintf (copy, sizeof copy, "%s/copy.mdb", sim->nodes[1].dir);
    remove (copy);
    sim->nodes[1].skew_ns = -behind_ns;
    sim_start (sim, 1);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &uuid), "");
    return last;
}

static bool restored_is_told (sim_t *sim, void *context)
{
    (void)context;
    return sim_alarm (sim, 1, "RESTORED");
}

static bool has_its_own (sim_t *sim, void *context)
{
    return upto_at (sim, 1, WATERMARK_SHARED, 1) >= *(uint64_t *)context;
}

static void expect_taken_back (sim_t *sim, int64_t behind_ns)
{
    uuid16_t uuid = sim_uuid (1);
    uint64_t last = put_back (sim, behind_ns);
    cr_assert (sim_until (sim, restored_is_told, NULL, 60), "its status says what has happened");
    cr_assert (sim_until (sim, has_its_own, &last, 60), "its own batches come back to it");
    cr_assert_eq (sim_apply (sim, 1, "update", "tags", &uuid, "second life"), 0);
    cr_expect_gt (upto_at (sim, 1, WATERMARK_SHARED, 1), last, "no timestamp is used again");
    sim_expect_converged (sim, 60);
    for (int node = 0; node < 3; node++) {
        cr_expect_str_eq (sim_name (sim, node, "tags", &uuid), "second life");
        cr_expect_not (sim_alarm (sim, node, "RESTORED"));
        cr_expect_not (sim_alarm (sim, node, "FORKED"));
    }
}

Test (clock, a_restored_directory_takes_its_own_batches_back_and_goes_on_behind_them)
{
    sim_t *sim = pool_of_three (207);
    expect_taken_back (sim, 0);
    sim_destroy (&sim);
}

Test (clock, a_restored_directory_repeats_nothing_with_the_wall_clock_behind_either)
{
    sim_t *sim = pool_of_three (208);
    expect_taken_back (sim, HOUR);
    sim_destroy (&sim);
}

//  What nobody can know beforehand is told afterwards: nothing is merged in silence.
Test (clock, a_restored_directory_that_writes_before_it_meets_anybody_is_told_that_it_forked)
{
    sim_t *sim = pool_of_three (209);
    uuid16_t alone = sim_uuid (2);
    put_back (sim, HOUR);
    sim_cut (sim, 1, 0, true);
    sim_cut (sim, 1, 2, true);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &alone, "alone"), 0);
    sim_cut (sim, 1, 0, false);
    sim_pass (sim, 60);
    cr_expect (sim_alarm (sim, 1, "FORKED"));
    cr_expect_str_eq (sim_name (sim, 0, "tags", &alone), "");
    sim_destroy (&sim);
}

//  A pool of two of which one was counted out: the other is alone, so its log stands on what it wrote itself, an hour ahead.
Test (clock, a_copy_does_not_begin_with_a_giver_that_is_ahead_and_begins_when_its_time_has_come)
{
    sim_t *sim = sim_new (95, 2);
    uuid16_t x = sim_uuid (1);
    sim_intervals (sim, 600, 20);
    sim_pair (sim, 0, 1);
    sim_pass (sim, 60);
    sim_cut (sim, 0, 1, true);
    sim->nodes[0].skew_ns = HOUR;
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &x, "ahead"), 0);
    sim_pass (sim, 1500);
    cr_assert (sim_is_declared (sim, 0, 1));
    sim->nodes[0].skew_ns = 0;
    sim_cut (sim, 0, 1, false);
    sim_pass (sim, 300);
    cr_expect (sim_alarm (sim, 1, "CLOCK_AHEAD"));
    cr_expect_str_eq (sim_name (sim, 1, "tags", &x), "");
    cr_expect_eq (hlc_ahead (true_wall (sim), upto_at (sim, 1, WATERMARK_SHARED, 0)), 0);
    sim_pass (sim, 3600);
    sim_expect_converged (sim, 600);
    cr_expect_str_eq (sim_name (sim, 1, "tags", &x), "ahead");
    cr_expect_not (sim_alarm (sim, 1, "CLOCK_AHEAD"));
    expect_clock_of_today (sim, 1, 2);
    sim_destroy (&sim);
}

//  test_relay - what nodes seal, and how it goes through others (semantics.md, "Operations and batches", "Causal
//  delivery")

#include "tests/sim/wires.h"

#include "store/pending.h"

//  Nothing leaves a log while this goes on, for a fourth member is away; and nobody seals but who writes.
static sim_t *line_of_three (uint64_t seed)
{
    sim_t *sim = sim_new (seed, 4);
    sim_intervals (sim, 2592000, 1000000);
    sim_pair (sim, 1, 3);
    sim_cut (sim, 0, 2, true);
    sim_pair (sim, 1, 0);
    sim_pair (sim, 1, 2);
    sim_pass (sim, 300);
    sim_kill (sim, 3);
    return sim;
}

static void write_at (sim_t *sim, int node, uint64_t record)
{
    uuid16_t uuid = sim_uuid (record);
    cr_assert_eq (sim_apply (sim, node, "create", "tags", &uuid, "x"), 0);
}

//  The node's whole log, batch behind batch.
static void log_read (sim_t *sim, int node, const uuid16_t *origin, buffer_t *out)
{
    txn_t *txn;
    uint64_t sequence = 0;
    slice_t bytes;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    while (pending_read (txn, sequence + 1, &sequence, &bytes) == 0) {
        batch_head_t head;
        cr_assert_eq (batch_peek (bytes, &head), 0);
        if (!origin || uuid_equal (&head.origin, origin))
            buffer_append (out, bytes.data, bytes.size);
    }
    store_abort (&txn);
}

Test (relay, a_batch_is_the_same_bytes_at_every_node)
{
    sim_t *sim = line_of_three (300);
    for (uint64_t i = 1; i <= 9; i++) {
        write_at (sim, (int)(i % 3), i);
        sim_pass (sim, 2);
    }
    sim_expect_converged (sim, 60);
    for (int origin = 0; origin < 3; origin++) {
        buffer_t at[3] = {0};
        for (int node = 0; node < 3; node++)
            log_read (sim, node, &sim->nodes[origin].identity.client, &at[node]);
        //  What was there before somebody joined it may have got as records.
        for (int node = 0; node < 3; node++) {
            size_t size = at[node].size < at[origin].size ? at[node].size : at[origin].size;
            cr_assert_gt (size, 3 * 150, "node %d, of %d: %zu", node, origin, size);
            cr_assert_arr_eq (at[node].data + at[node].size - size,
                at[origin].data + at[origin].size - size, size, "node %d, of %d", node, origin);
        }
        for (int node = 0; node < 3; node++)
            buffer_release (&at[node]);
    }
    sim_destroy (&sim);
}

static slice_t last_of (const buffer_t *log)
{
    slice_t bytes = {NULL, 0};
    for (cursor_t cursor = cursor_over (buffer_slice (log)); !cursor_done (&cursor);)
        cr_assert_eq (batch_skip (&cursor, &bytes), 0);
    return bytes;
}

//  A batch is left to its origin where that is linked with the peer; but not for ever.
Test (relay, a_batch_that_its_own_origin_does_not_give_comes_through_another)
{
    sim_t *sim = sim_new (303, 3);
    buffer_t log = {NULL, 0, 0};
    uuid16_t uuid = sim_uuid (1);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_expect_converged (sim, 60);
    sim_pass (sim, 30);
    sim_hold_link (sim, 0, true);
    write_at (sim, 0, 1);
    log_read (sim, 0, &sim->nodes[0].identity.client, &log);
    cr_assert_eq (sim_take (sim, 1, last_of (&log)), 0);
    sim_pass (sim, 1);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &uuid), "x");
    cr_assert_str_eq (sim_name (sim, 2, "tags", &uuid), "", "it is left to its origin");
    sim_pass (sim, 5);
    cr_assert_str_eq (sim_name (sim, 2, "tags", &uuid), "x");
    sim_hold_link (sim, 0, false);
    sim_expect_converged (sim, 60);
    buffer_release (&log);
    sim_destroy (&sim);
}

//  The `seen` of a node's newest batch says of this client so much; 0: nothing.
static uint64_t published_last (sim_t *sim, int node, int of)
{
    buffer_t log = {NULL, 0, 0};
    vector_t seen = {NULL, 0, 0};
    log_read (sim, node, &sim->nodes[node].identity.client, &log);
    cr_assert_eq (batch_seen (last_of (&log), &seen), 0);
    uint64_t upto = vector_upto (&seen, &sim->nodes[of].identity.client);
    vector_release (&seen);
    buffer_release (&log);
    return upto;
}

static uint64_t upto_of (sim_t *sim, int node, int client)
{
    vector_t vector = {NULL, 0, 0};
    sim_vector (sim, node, &vector);
    uint64_t upto = vector_upto (&vector, &sim->nodes[client].identity.client);
    vector_release (&vector);
    return upto;
}

Test (relay, a_batch_has_seen_what_its_origin_advanced_since_its_previous_one_and_no_more)
{
    sim_t *sim = line_of_three (301);
    write_at (sim, 1, 1); // whatever came before is published
    write_at (sim, 0, 2);
    sim_expect_converged (sim, 30);
    write_at (sim, 1, 3);
    cr_assert_eq (published_last (sim, 1, 0), upto_of (sim, 0, 0));
    cr_assert_eq (published_last (sim, 1, 2), 0);
    write_at (sim, 1, 4);
    cr_assert_eq (published_last (sim, 1, 0), 0);
    write_at (sim, 2, 5);
    sim_expect_converged (sim, 30);
    write_at (sim, 1, 6);
    cr_assert_eq (published_last (sim, 1, 0), 0);
    cr_assert_eq (published_last (sim, 1, 2), upto_of (sim, 2, 2));
    sim_destroy (&sim);
}

//  What a person overwrites after having seen it stays overwritten.
static void expect_later_than_seen (slice_t bytes)
{
    batch_t batch;
    batch_walk_t walk = {.index = 0};
    operation_t operation;
    cr_assert_eq (batch_decode (bytes, &batch), 0);
    while (!batch.issues_anew && batch_next (&batch, &walk, &operation))
        for (size_t i = 0; i < batch.seen.count; i++)
            cr_assert_gt (operation.stamp.time, batch.seen.entries[i].upto);
    batch_release (&batch);
}

Test (relay, an_operation_is_later_than_all_that_its_batch_has_seen)
{
    sim_t *sim = line_of_three (302);
    buffer_t log = {NULL, 0, 0};
    slice_t bytes;
    size_t count = 0;
    sim->nodes[1].skew_ns = 90000000; // no drift yet
    sim->nodes[2].skew_ns = -3600000000000;
    for (uint64_t i = 1; i <= 60; i++) {
        write_at (sim, (int)sim_random (sim, 3), i);
        if (sim_random (sim, 2))
            sim_pass (sim, 1);
    }
    //  Node 2 defers what the others write: but what it takes it is later than.
    sim_pass (sim, 10);
    log_read (sim, 1, NULL, &log);
    for (cursor_t cursor = cursor_over (buffer_slice (&log)); !cursor_done (&cursor); count++) {
        cr_assert_eq (batch_skip (&cursor, &bytes), 0);
        expect_later_than_seen (bytes);
    }
    cr_assert_gt (count, 40);
    buffer_release (&log);
    sim_destroy (&sim);
}

static bool has_all_of (sim_t *sim, void *context)
{
    const int *pair = context; // the first has all that the second has
    vector_t has = {NULL, 0, 0}, wants = {NULL, 0, 0};
    sim_vector (sim, pair[0], &has);
    sim_vector (sim, pair[1], &wants);
    bool all = vector_covers_all (&has, &wants);
    vector_release (&has);
    vector_release (&wants);
    return all;
}

static bool is_something_on_its_way (sim_t *sim, void *unused)
{
    (void)unused;
    return wires_next (sim) != UINT64_MAX;
}

//  While nodes 0 and 2 greet each other, slowly, both get a batch from node 1, and it leaves the log of node 2: so nothing
//  that is sent to node 0, nor what that one acknowledges, shows that it has it. What stands on it goes with the next ping.
Test (relay, what_stands_on_what_the_peer_got_elsewhere_is_sent)
{
    sim_t *sim = sim_new (306, 3);
    int pair[] = {0, 2};
    sim_pair (sim, 1, 0);
    sim_pair (sim, 1, 2);
    sim_cut (sim, 0, 2, true);
    sim_pass (sim, 300);
    sim->latency_ns = 800000000;
    sim_cut (sim, 0, 2, false);
    cr_assert (sim_until (sim, is_something_on_its_way, NULL, 60));
    write_at (sim, 1, 1);
    sim_pass (sim, 1);
    sim_cut (sim, 0, 1, true);
    write_at (sim, 2, 2);
    cr_assert (sim_until (sim, has_all_of, pair, 30), "it is not sent");
    sim_destroy (&sim);
}

//  test_spoilt - a batch in the log that the disk has changed (actors/link/README.md, "A batch that the disk has spoilt")

#include "tests/sim/sim.h"

#include <stdlib.h>

#include "messages/peer.h"
#include "store/pending.h"
#include "store/table.h"
#include "store/watermarks.h"

enum how { FLIPPED, ALTERED, CUT_SHORT, HOWS };

//  The last batch of a node's log that is another's and says something.
static uint64_t last_of (sim_t *sim, int node, int origin)
{
    txn_t *txn;
    uint64_t sequence = 0, last = 0;
    slice_t bytes;
    batch_head_t head;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    while (pending_read (txn, sequence + 1, &sequence, &bytes) == 0)
        if (batch_peek (bytes, &head) == 0 && head.count &&
            uuid_equal (&head.origin, &sim->nodes[origin].identity.client))
            last = sequence;
    store_abort (&txn);
    cr_assert_neq (last, 0, "node %d has nothing of node %d in its log", node, origin);
    return last;
}

//  Batches in the log, but for the empty ones, which nobody acknowledges.
static uint64_t kept (sim_t *sim, int node)
{
    txn_t *txn;
    uint64_t sequence = 0, empty = 0;
    slice_t bytes;
    batch_head_t head;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    while (pending_read (txn, sequence + 1, &sequence, &bytes) == 0)
        empty += batch_peek (bytes, &head) == 0 && head.count == 0;
    store_abort (&txn);
    return sim_log (sim, node) - empty;
}

//  Its bytes change, with a right checksum or not.
static void spoil_at (sim_t *sim, int node, uint64_t sequence, enum how how)
{
    txn_t *txn;
    slice_t bytes;
    uint64_t key = __builtin_bswap64 (sequence);
    slice_t k = slice_of (&key, sizeof key);
    cr_assert_eq (store_begin (sim->nodes[node].store, true, &txn), 0);
    cr_assert_eq (table_get_raw (txn, TABLE_PENDING, k, &bytes), 0);
    uint8_t *copy = malloc (bytes.size);
    memcpy (copy, bytes.data, bytes.size);
    copy[bytes.size - 2] ^= 4; // in the signature
    if (how == FLIPPED) {
        MDB_val data = {bytes.size, copy}, at = {sizeof key, &key};
        cr_assert_eq (mdb_put (txn->mdb, txn->store->tables[TABLE_PENDING], &at, &data, 0), 0);
    } else {
        size_t size = how == ALTERED ? bytes.size - 8 : 20;
        cr_assert_eq (table_put (txn, TABLE_PENDING, k, slice_of (copy + 8, size)), 0);
    }
    cr_assert_eq (store_commit (&txn), 0);
    free (copy);
}

static uint64_t spoil (sim_t *sim, int node, int origin, enum how how)
{
    uint64_t sequence = last_of (sim, node, origin);
    spoil_at (sim, node, sequence, how);
    return sequence;
}

static void expect_equal_bytes (sim_t *sim, int node, uint64_t sequence, int other)
{
    txn_t *txn, *other_txn;
    uint64_t found;
    slice_t bytes, others;
    batch_head_t head;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (store_begin (sim->nodes[other].store, false, &other_txn), 0);
    cr_assert_eq (pending_look (txn, sequence, &found, &bytes), 0);
    cr_assert_eq (found, sequence);
    cr_assert_eq (batch_peek (bytes, &head), 0);
    cr_assert_eq (pending_find (other_txn, &head.origin, head.upto - 1, &found, &others), 0);
    cr_assert (slice_equal (bytes, others));
    store_abort (&txn);
    store_abort (&other_txn);
}

static bool is_told (sim_t *sim, void *node)
{
    return sim_alarm (sim, *(int *)node, "DAMAGED");
}

static bool is_over (sim_t *sim, void *node)
{
    return !sim_alarm (sim, *(int *)node, "DAMAGED");
}

//  Nodes 0 and 1 have a record that node 2, which is away, has not.
static sim_t *pool (uint64_t seed)
{
    sim_t *sim = sim_new (seed, 3);
    uuid16_t uuid = sim_uuid (1), before = sim_uuid (3);
    sim_intervals (sim, 2592000, 60);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 300);
    sim_cut (sim, 2, 0, true);
    sim_cut (sim, 2, 1, true);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &before, "x"), 0);
    sim_pass (sim, 10); // node 1 has acknowledged that, and says nothing for a while
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 5);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &uuid), "a");
    return sim;
}

//  Node 1 would relay it, and has it from its origin; or it is the origin's own, and node 1 has it.
Test (spoilt, batch_is_given_to_nobody_told_and_taken_once_more_from_who_has_it)
{
    for (int how = 0; how < HOWS; how++)
        for (int node = 0; node < 2; node++) {
            sim_t *sim = pool (1 + (uint64_t)(2 * how + node));
            uuid16_t one = sim_uuid (1), two = sim_uuid (2);
            uint64_t sequence = spoil (sim, node, 0, (enum how)how);
            sim_cut (sim, 0, 1, true);
            sim_cut (sim, 2, node, false);
            cr_assert (
                sim_until (sim, is_told, &node, 30), "%d, node %d: nobody saw it", how, node);
            //  It writes, and gets what others write; only what follows on what is spoilt waits.
            cr_assert_eq (sim_apply (sim, node, "create", "tags", &two, "b"), 0);
            sim_pass (sim, 120);
            cr_assert_str_eq (sim_name (sim, 2, "tags", &one), "");
            cr_assert (sim_alarm (sim, node, "DAMAGED"));
            cr_assert_eq (sim_metric (sim, 2, METRIC_BATCHES_REFUSED), 0);
            cr_assert_eq (sim_metric (sim, 2, METRIC_PEER_GARBAGE), 0);
            sim_cut (sim, 0, 1, false);
            cr_assert (sim_until (sim, is_over, &node, 60), "%d, node %d: not mended", how, node);
            sim_cut (sim, 2, !node, true); // so it comes over the one that was mended
            expect_equal_bytes (sim, node, sequence, !node);
            sim_pass (sim, 30);
            cr_assert_str_eq (sim_name (sim, 2, "tags", &one), "a");
            cr_assert_str_eq (sim_name (sim, 2, "tags", &two), "b");
            cr_assert_eq (sim_metric (sim, node, METRIC_BATCHES_MENDED), 1);
            sim_cut (sim, 2, !node, false);
            sim_expect_converged (sim, 60);
            sim_pass (sim, 300);
            for (int at = 0; at < 3; at++)
                cr_assert_eq (kept (sim, at), 0);
            sim_destroy (&sim);
        }
}

//  Node 1 is started with it, before it has acknowledged it.
Test (spoilt, batch_stops_neither_writing_nor_acknowledging_after_a_start)
{
    for (int how = 0; how < HOWS; how++) {
        sim_t *sim = pool (20 + (uint64_t)how);
        uuid16_t two = sim_uuid (2);
        spoil (sim, 1, 0, (enum how)how);
        sim_kill (sim, 1);
        sim_start (sim, 1);
        sim_pass (sim, 5);
        cr_assert_eq (sim_apply (sim, 1, "create", "tags", &two, "b"), 0);
        sim_cut (sim, 2, 0, false); // everybody has it from its origin
        sim_cut (sim, 2, 1, false);
        sim_expect_converged (sim, 60);
        sim_pass (sim, 300);
        for (int at = 0; at < 3; at++) {
            cr_assert_eq (kept (sim, at), 0);
            cr_assert_not (sim_alarm (sim, at, "CORRUPT"));
            cr_assert_not (sim_alarm (sim, at, "DAMAGED"));
        }
        sim_destroy (&sim);
    }
}

//  Node 1 acknowledges what it took although it cannot read it any more, and writes nothing itself.
Test (spoilt, batch_is_acknowledged_after_a_start_all_the_same)
{
    for (int how = 0; how < HOWS; how++) {
        sim_t *sim = pool (40 + (uint64_t)how);
        spoil (sim, 1, 0, (enum how)how);
        sim_kill (sim, 1);
        sim_start (sim, 1);
        sim_cut (sim, 2, 0, false);
        sim_pass (sim, 300);
        for (int at = 0; at < 3; at++)
            cr_assert_eq (kept (sim, at), 0);
        sim_destroy (&sim);
    }
}

//  What stands in the log under a sequence, for the test to keep.
static buffer_t bytes_of (sim_t *sim, int node, uint64_t sequence)
{
    txn_t *txn;
    uint64_t found;
    slice_t bytes;
    buffer_t copy = {NULL, 0, 0};
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (pending_look (txn, sequence, &found, &bytes), 0);
    cr_assert_eq (found, sequence);
    buffer_append (&copy, bytes.data, bytes.size);
    store_abort (&txn);
    return copy;
}

//  What cannot be read stops more than one batch here, and for good: what each node has published. What it is due to do is
//  then tried now and then, and an app is told at once.
Test (spoilt, table_is_no_reason_to_try_without_a_pause)
{
    sim_t *sim = pool (55);
    txn_t *txn;
    uuid16_t two = sim_uuid (2), first = {{0}}, origin;
    slice_t key, value;
    cr_assert_eq (store_begin (sim->nodes[1].store, true, &txn), 0);
    cr_assert_eq (published_next (txn, &first, &origin), 0);
    cr_assert_eq (
        table_seek (txn, TABLE_PUBLISHED, slice_of (&origin, sizeof origin), &key, &value), 0);
    cr_assert_eq (table_put (txn, TABLE_PUBLISHED, key, slice_of ("no", 2)), 0);
    cr_assert_eq (store_commit (&txn), 0);
    sim_kill (sim, 1);
    sim_start (sim, 1);
    uint64_t from = sim->mono_ns;
    for (int i = 0; i < 500000 && sim->mono_ns - from < 20000000000ull; i++)
        sim_step (sim);
    cr_assert_geq (sim->mono_ns - from, 20000000000ull, "time stands still");
    cr_assert (sim_alarm (sim, 1, "CORRUPT"));
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &two, "b"), ERR_CORRUPT);
    sim_destroy (&sim);
}

//  Only what its origin signed mends it.
Test (spoilt, batch_is_not_mended_by_what_its_origin_did_not_sign)
{
    for (int how = 0; how < HOWS; how++) {
        sim_t *sim = pool (60 + (uint64_t)how);
        uuid16_t two = sim_uuid (2);
        uint64_t sequence = last_of (sim, 1, 0);
        buffer_t right = bytes_of (sim, 1, sequence), wrong = {NULL, 0, 0};
        //  Not the end of its chain: there another hash would be a fork.
        cr_assert_eq (sim_apply (sim, 0, "create", "tags", &two, "b"), 0);
        sim_pass (sim, 5);
        sim_cut (sim, 0, 1, true);
        buffer_append (&wrong, right.data, right.size);
        wrong.data[wrong.size - 2] ^= 1;
        spoil_at (sim, 1, sequence, (enum how)how);
        cr_assert_eq (sim_take (sim, 1, buffer_slice (&wrong)), 0);
        cr_assert_eq (sim_metric (sim, 1, METRIC_BATCHES_MENDED), 0);
        cr_assert_eq (sim_take (sim, 1, buffer_slice (&right)), 0);
        cr_assert_eq (sim_metric (sim, 1, METRIC_BATCHES_MENDED), 1);
        buffer_release (&right);
        buffer_release (&wrong);
        sim_destroy (&sim);
    }
}

//  Nobody asks for it before it is flushed; a newcomer then copies on top of that.
Test (spoilt, batch_that_all_have_leaves_the_log_by_its_key_and_copies_go_on_behind_it)
{
    for (int how = 0; how < HOWS; how++)
        for (int node = 0; node < 2; node++) {
            sim_t *sim = sim_new (30 + (uint64_t)(2 * how + node), 4);
            uuid16_t one = sim_uuid (1), two = sim_uuid (2), before = sim_uuid (3);
            int other = !node;
            sim_intervals (sim, 2592000, 60);
            sim_pair (sim, 0, 1);
            sim_pair (sim, 0, 2);
            sim_pass (sim, 300);
            cr_assert_eq (sim_apply (sim, 0, "create", "tags", &before, "x"), 0);
            sim_pass (sim, 10); // it has acknowledged that, and says nothing for a while
            cr_assert_eq (sim_apply (sim, 0, "create", "tags", &one, "a"), 0);
            sim_pass (sim, 5);
            spoil (sim, node, 0, (enum how)how);
            sim_pass (sim, 300);
            cr_assert_eq (kept (sim, node), 0);
            cr_assert_not (sim_alarm (sim, node, "CORRUPT"));
            sim_pair (sim, node, 3);
            cr_assert_eq (sim_apply (sim, 0, "create", "tags", &two, "b"), 0);
            sim_expect_converged (sim, 60);
            cr_assert_str_eq (sim_name (sim, 3, "tags", &one), "a");
            cr_assert_str_eq (sim_name (sim, 3, "tags", &two), "b");
            cr_assert_not (sim_alarm (sim, 3, "FORKED"));
            cr_assert_not (sim_alarm (sim, other, "FORKED"));
            sim_destroy (&sim);
        }
}

//  What is asked for and not here, or is flushed, is answered by nothing; garbage by hanging up.
Test (spoilt, batch_that_nobody_has_is_asked_for_in_vain)
{
    sim_t *sim = pool (50);
    peer_lacks_t lacks = {.verb = PEER_LACKS, .client = sim_uuid (9), .upto = 5};
    buffer_t packed = {NULL, 0, 0};
    message_pack (&peer_lacks_type, &lacks, &packed);
    slice_t frame = buffer_slice (&packed);
    cr_assert (sim_say (sim, 0, 1, &frame, 1));
    sim_pass (sim, 5);
    cr_assert_eq (sim_metric (sim, 1, METRIC_PEER_GARBAGE), 0);
    lacks.upto = 0;
    buffer_clear (&packed);
    message_pack (&peer_lacks_type, &lacks, &packed);
    frame = buffer_slice (&packed);
    cr_assert (sim_say (sim, 0, 1, &frame, 1));
    sim_pass (sim, 5);
    cr_assert_eq (sim_metric (sim, 1, METRIC_PEER_GARBAGE), 1);
    buffer_release (&packed);
    sim_cut (sim, 2, 0, false);
    sim_cut (sim, 2, 1, false);
    sim_expect_converged (sim, 60);
    sim_destroy (&sim);
}

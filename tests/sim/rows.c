//  rows - owned rows of simulated pools: what is there, what is done

#include "tests/sim/rows.h"

#include <stdio.h>

#include "store/node.h"
#include "store/owned.h"
#include "store/tallies.h"
#include "store/watermarks.h"

//  ---- what is there

static txn_t *reading (sim_t *sim, int node)
{
    txn_t *txn;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    return txn;
}

const uuid16_t *rows_client (sim_t *sim, int node)
{
    return &sim->nodes[node].identity.client;
}

//  What a node has of an owner's rows: visible ones, and markers.
static void rows_count (
    sim_t *sim, int node, int owner, uint64_t *ret_visible, uint64_t *ret_markers)
{
    txn_t *txn = reading (sim, node);
    row_t row = {.updated = 0};
    *ret_visible = *ret_markers = 0;
    while (owned_stream (txn, rows_client (sim, owner), row.updated, &row) == 0)
        *(row.value.size ? ret_visible : ret_markers) += 1;
    store_abort (&txn);
}

uint64_t rows_visible (sim_t *sim, int node, int owner)
{
    uint64_t rows, markers;
    rows_count (sim, node, owner, &rows, &markers);
    return rows;
}

uint64_t rows_markers (sim_t *sim, int node, int owner)
{
    uint64_t rows, all;
    rows_count (sim, node, owner, &rows, &all);
    return all;
}

//  Two nodes have the same rows of an owner, byte for byte; markers aside.
bool rows_same (sim_t *sim, int one, int other, int owner)
{
    txn_t *first = reading (sim, one), *second = reading (sim, other);
    uint64_t count[2];
    digest_t digest[2];
    cr_assert_eq (tallies_sums (first, rows_client (sim, owner), &count[0], &digest[0]), 0);
    cr_assert_eq (tallies_sums (second, rows_client (sim, owner), &count[1], &digest[1]), 0);
    store_abort (&first);
    store_abort (&second);
    return count[0] == count[1] && digest[0].low == digest[1].low &&
           digest[0].high == digest[1].high;
}

uint64_t rows_mark (sim_t *sim, int node, int owner)
{
    txn_t *txn = reading (sim, node);
    vector_t rows = {NULL, 0, 0};
    cr_assert_eq (watermarks_load (txn, WATERMARK_ROWS, &rows), 0);
    uint64_t upto = vector_upto (&rows, rows_client (sim, owner));
    vector_release (&rows);
    store_abort (&txn);
    return upto;
}

//  What a node holds as signed by an owner: up to where; 0: nothing.
uint64_t rows_proven (sim_t *sim, int node, int owner)
{
    txn_t *txn = reading (sim, node);
    tally_t tally = {.upto = 0};
    int rc = tallies_get (txn, rows_client (sim, owner), &tally);
    cr_assert (rc == 0 || rc == ERR_NOT_FOUND);
    store_abort (&txn);
    return rc ? 0 : tally.upto;
}

//  The text in "name" of a row, "" where none is visible.
const char *rows_name (sim_t *sim, int node, int owner, uint64_t number)
{
    static char name[64];
    txn_t *txn = reading (sim, node);
    uuid16_t uuid = sim_uuid (number);
    row_t row;
    size_t count;
    slice_t key, text;
    name[0] = 0;
    if (owned_get (txn, slice_text (ROWS), rows_client (sim, owner), &uuid, &row) == 0 &&
        row.value.size) {
        cursor_t cursor = cursor_over (row.value);
        cr_assert_eq (cursor_map (&cursor, &count), 0);
        cr_assert (cursor_text (&cursor, &key) == 0 && cursor_text (&cursor, &text) == 0);
        snprintf (name, sizeof name, "%.*s", (int)text.size, (const char *)text.data);
    }
    store_abort (&txn);
    return name;
}

//  ---- what is done

//  Rows first … first + count - 1 of a node in one request; name NULL deletes them.
void rows_write (
    sim_t *sim, int node, const char *action, uint64_t first, uint64_t count, const char *name)
{
    buffer_t ops = {NULL, 0, 0};
    pack_array (&ops, count);
    for (uint64_t i = first; i < first + count; i++) {
        uuid16_t uuid = sim_uuid (i);
        pack_map (&ops, name ? 4 : 3);
        pack_string (&ops, "action");
        pack_string (&ops, action);
        pack_string (&ops, "resource");
        pack_string (&ops, ROWS);
        pack_string (&ops, "uuid");
        pack_bin (&ops, slice_of (&uuid, sizeof uuid));
        if (name) {
            pack_string (&ops, "value");
            pack_map (&ops, 1);
            pack_string (&ops, "name");
            pack_string (&ops, name);
        }
    }
    cr_assert_eq (sim_apply_ops (sim, node, buffer_slice (&ops)), 0);
    buffer_release (&ops);
}

void rows_cut_off (sim_t *sim, int node, bool cut)
{
    for (int other = 0; other < (int)sim->count; other++)
        if (other != node)
            sim_cut (sim, node, other, cut);
}

//  0 is linked with all; the others with each other.
sim_t *rows_pool (uint64_t seed, size_t nodes)
{
    sim_t *sim = sim_new (seed, nodes);
    for (size_t i = 1; i < nodes; i++)
        sim_pair (sim, 0, (int)i);
    sim_expect_converged (sim, 60);
    return sim;
}

//  Is the node in the owner's pool?
static bool is_member (sim_t *sim, int node, int owner)
{
    uuid16_t pools[2] = {{{0}}};
    const int both[2] = {node, owner};
    for (int i = 0; i < 2; i++) {
        txn_t *txn = reading (sim, both[i]);
        slice_t pool;
        if (node_get (txn, NODE_SETTINGS, slice_text ("pool"), &pool) == 0)
            memcpy (&pools[i], pool.data, sizeof pools[i]);
        store_abort (&txn);
    }
    return uuid_equal (&pools[0], &pools[1]);
}

static bool all_proven (sim_t *sim, void *context)
{
    int owner = *(int *)context;
    uint64_t upto = rows_mark (sim, owner, owner);
    for (int node = 0; node < (int)sim->count; node++)
        if (sim->nodes[node].running && is_member (sim, node, owner) &&
            (rows_proven (sim, node, owner) != upto || rows_mark (sim, node, owner) != upto))
            return false;
    return true;
}

//  All running nodes stand at the owner's watermark, and hold what it has signed of it.
void rows_expect_proven (sim_t *sim, int owner, uint64_t seconds)
{
    cr_assert (sim_until (sim, all_proven, &owner, seconds), "seed %llu, owner %d",
        (unsigned long long)sim->seed, owner);
}

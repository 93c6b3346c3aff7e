//  sim_look - what the nodes have stored, and whether they agree

#include "tests/sim/sim.h"

#include <stdio.h>

#include "messages/counting.h"
#include "store/clients.h"
#include "store/node.h"
#include "store/pending.h"
#include "store/resources.h"
#include "store/shared.h"
#include "store/watermarks.h"

uint64_t sim_metric (sim_t *self, int index, enum metric metric)
{
    return metric_get (&self->nodes[index].metrics, metric);
}

static txn_t *reading (sim_t *self, int index)
{
    txn_t *txn;
    cr_assert_eq (store_begin (self->nodes[index].store, false, &txn), 0);
    return txn;
}

uint64_t sim_log (sim_t *self, int index)
{
    txn_t *txn = reading (self, index);
    pending_totals_t totals;
    cr_assert_eq (pending_totals (txn, &totals), 0);
    store_abort (&txn);
    return totals.batches;
}

uint64_t sim_tombstones (sim_t *self, int index)
{
    txn_t *txn = reading (self, index);
    uint64_t count;
    cr_assert_eq (shared_tombstones (txn, &count), 0);
    store_abort (&txn);
    return count;
}

static uint64_t found (sim_t *self, int index, const uuid16_t *uuid)
{
    txn_t *txn = reading (self, index);
    uint64_t count = 0;
    slice_t key, value;
    int rc = node_seek (txn, NODE_FOUND, slice_of (NULL, 0), &key, &value);
    while (rc == 0) {
        count += !uuid || memcmp (key.data + 8, uuid->bytes, 16) == 0;
        rc = node_next (txn, NODE_FOUND, key, &key, &value);
    }
    store_abort (&txn);
    return count;
}

uint64_t sim_found (sim_t *self, int index)
{
    return found (self, index, NULL);
}

bool sim_is_found (sim_t *self, int index, const uuid16_t *uuid)
{
    return found (self, index, uuid) > 0;
}

bool sim_is_declared (sim_t *self, int index, int other)
{
    txn_t *txn = reading (self, index);
    client_t client;
    bool declared = clients_get (txn, &self->nodes[other].identity.client, &client) == 0 &&
                    client_declared (&client);
    store_abort (&txn);
    return declared;
}

bool sim_is_returning (sim_t *self, int index, int other)
{
    txn_t *txn = reading (self, index);
    client_t client;
    bool returning = clients_get (txn, &self->nodes[other].identity.client, &client) == 0 &&
                     client_returns (&client);
    store_abort (&txn);
    return returning;
}

bool sim_has_setting (sim_t *self, int index, const char *name)
{
    txn_t *txn = reading (self, index);
    slice_t value;
    bool has = node_get (txn, NODE_SETTINGS, slice_text (name), &value) == 0;
    store_abort (&txn);
    return has;
}

bool sim_is_ready (sim_t *self, int index)
{
    return !sim_has_setting (self, index, "joining");
}

static uuid16_t pool_of (sim_t *self, int index)
{
    txn_t *txn = reading (self, index);
    uuid16_t pool = {{0}};
    slice_t stored;
    if (node_get (txn, NODE_SETTINGS, slice_text ("pool"), &stored) == 0)
        memcpy (&pool, stored.data, sizeof pool);
    store_abort (&txn);
    return pool;
}

bool sim_is_with (sim_t *self, int index, int other)
{
    uuid16_t pools[] = {pool_of (self, index), pool_of (self, other)};
    return sim_is_ready (self, index) && uuid_equal (&pools[0], &pools[1]);
}

uuid16_t sim_uuid (uint64_t number)
{
    uuid16_t uuid = {{0}};
    memcpy (uuid.bytes, &number, sizeof number);
    return uuid;
}

void sim_value (
    sim_t *self, int index, const char *resource, const uuid16_t *uuid, buffer_t *ret_value)
{
    txn_t *txn = reading (self, index);
    timestamp_t written;
    int rc = shared_show (txn, slice_text (resource), uuid, &written, ret_value);
    cr_assert (rc == 0 || rc == ERR_NOT_FOUND);
    store_abort (&txn);
}

void sim_vector (sim_t *self, int index, vector_t *ret_vector)
{
    txn_t *txn = reading (self, index);
    cr_assert_eq (watermarks_load (txn, WATERMARK_SHARED, ret_vector), 0);
    store_abort (&txn);
}

const char *sim_name (sim_t *self, int index, const char *resource, const uuid16_t *uuid)
{
    static char name[256];
    buffer_t value = {NULL, 0, 0};
    size_t count = 0;
    name[0] = 0;
    sim_value (self, index, resource, uuid, &value);
    cursor_t cursor = cursor_over (buffer_slice (&value));
    if (value.size)
        cr_assert_eq (cursor_map (&cursor, &count), 0);
    while (count--) {
        slice_t key, text;
        cr_assert_eq (cursor_text (&cursor, &key), 0);
        if (slice_equal (key, slice_text ("name")) && cursor_text (&cursor, &text) == 0)
            snprintf (name, sizeof name, "%.*s", (int)text.size, (const char *)text.data);
        else
            cursor_skip (&cursor, NULL);
    }
    buffer_release (&value);
    return name;
}

//  ---- convergence

static void shown (sim_node_t *node, buffer_t *out)
{
    txn_t *txn;
    vector_t vector = {NULL, 0, 0};
    resource_entry_t entry;
    cr_assert_eq (store_begin (node->store, false, &txn), 0);
    for (int kind = WATERMARK_SHARED; kind <= WATERMARK_ROWS; kind++) {
        cr_assert_eq (watermarks_load (txn, (enum watermark_kind)kind, &vector), 0);
        vector_pack (&vector, out);
    }
    for (int rc = resources_next (txn, slice_text (""), &entry); rc == 0;
         rc = resources_next (txn, slice_text (entry.resource.name), &entry)) {
        uint8_t digest[16];
        if (entry.resource.kind == RESOURCE_LOCAL)
            continue;
        digest_to_bytes (&entry.digest, digest);
        pack_string (out, entry.resource.name);
        pack_uint (out, entry.count);
        pack_bin (out, slice_of (digest, sizeof digest));
    }
    vector_release (&vector);
    store_abort (&txn);
}

bool sim_converged (sim_t *self, void *unused)
{
    buffer_t first = {NULL, 0, 0}, other = {NULL, 0, 0};
    bool equal = true;
    (void)unused;
    for (size_t i = 0; equal && i < self->count; i++) {
        if (!self->nodes[i].running)
            continue;
        buffer_clear (&other);
        equal = sim_is_ready (self, (int)i); // who still copies is not there yet
        shown (&self->nodes[i], &other);
        if (first.size == 0)
            buffer_append (&first, other.data, other.size);
        equal = equal && slice_equal (buffer_slice (&first), buffer_slice (&other));
    }
    buffer_release (&first);
    buffer_release (&other);
    return equal;
}

static int index_of (sim_t *self, const uuid16_t *client)
{
    for (size_t i = 0; i < self->count; i++)
        if (uuid_equal (&self->nodes[i].identity.client, client))
            return (int)i;
    return -1;
}

static void log_tell (sim_t *self, txn_t *txn)
{
    uint64_t sequence = 0;
    slice_t bytes;
    while (pending_read (txn, sequence + 1, &sequence, &bytes) == 0) {
        batch_t batch;
        cr_assert_eq (batch_decode (bytes, &batch), 0);
        fprintf (stderr, "    log %llu: %d %llu..%llu, %zu operations, %zu records, seen",
            (unsigned long long)sequence, index_of (self, &batch.origin),
            (unsigned long long)(batch.after >> 20 & 0xFFFFFFFF),
            (unsigned long long)(batch.upto >> 20 & 0xFFFFFFFF), batch.count, batch.record_count);
        for (size_t i = 0; i < batch.seen.count; i++)
            fprintf (stderr, " %d:%llu", index_of (self, &batch.seen.entries[i].client),
                (unsigned long long)(batch.seen.entries[i].upto >> 20 & 0xFFFFFFFF));
        for (size_t i = 0; i < batch.covers.count; i++)
            fprintf (stderr, "%s %d:%llu", i ? "" : ", covers",
                index_of (self, &batch.covers.entries[i].client),
                (unsigned long long)(batch.covers.entries[i].upto >> 20 & 0xFFFFFFFF));
        fprintf (stderr, "\n");
        batch_release (&batch);
    }
}

//  What each node knows of the others, for who looks for the reason.
void sim_tell (sim_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (!self->nodes[i].running)
            continue;
        txn_t *txn = reading (self, (int)i);
        vector_t shared = {NULL, 0, 0}, published = {NULL, 0, 0};
        client_t client;
        uuid16_t after;
        cr_assert_eq (watermarks_load (txn, WATERMARK_SHARED, &shared), 0);
        fprintf (stderr, "node %zu%s\n", i, sim_is_ready (self, (int)i) ? "" : " joining");
        for (int rc = clients_next (txn, NULL, &client); rc == 0;
             rc = clients_next (txn, &after, &client)) {
            after = client.uuid;
            const timestamp_t *out = client_out (&client);
            cr_assert_eq (published_load (txn, &client.uuid, &published), 0);
            fprintf (stderr, "    %d upto %llu %s%s, has published", index_of (self, &client.uuid),
                (unsigned long long)(vector_upto (&shared, &client.uuid) >> 20 & 0xFFFFFFFF),
                !out                       ? "counts"
                : client_returns (&client) ? "returns"
                                           : "declared",
                out && timestamp_compare (out, &client.counted_out) == 0 ? ", counted out" : "");
            for (size_t at = 0; at < published.count; at++)
                fprintf (stderr, " %d:%llu", index_of (self, &published.entries[at].client),
                    (unsigned long long)(published.entries[at].upto >> 20 & 0xFFFFFFFF));
            fprintf (stderr, "\n");
        }
        log_tell (self, txn);
        vector_release (&shared);
        vector_release (&published);
        store_abort (&txn);
    }
}

void sim_expect_converged (sim_t *self, uint64_t seconds)
{
    bool converged = sim_until (self, sim_converged, NULL, seconds);
    if (!converged)
        sim_tell (self);
    cr_assert (converged, "seed %llu: convergence: not reached", (unsigned long long)self->seed);
}

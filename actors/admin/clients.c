//  admin_clients - the members as status and pool show them
//
//  `behind` is the number of batches of this node's log that a client's vector, as last heard, lacks. It
//  is counted within a budget of batches and bytes for all clients together, since each batch that is read is
//  checked; for those that are past it, it is the distance to the end of the log: never too few.

#include "actors/admin/admin.h"

#include "messages/counting.h"

#include "store/clients.h"
#include "store/node.h"
#include "store/pending.h"
#include "store/watermarks.h"

#define BEHIND_BATCHES_MAX 10000
#define BEHIND_BYTES_MAX   (64u << 20)

typedef struct listing {
    admin_t *admin;
    step_t *step;
    const asked_t *asked;
    vector_t watermarks; // this node's, of batches
    uint64_t batches;    // of the budget that is left
    uint64_t bytes;
    buffer_t *out;
    size_t count;
    bool has_self;
} listing_t;

static bool is_self (const listing_t *self, const uuid16_t *client)
{
    return uuid_equal (client, &self->admin->setup->identity->client);
}

//  [bin 16, …]
static bool uuids_have (slice_t uuids, const uuid16_t *client)
{
    cursor_t cursor = cursor_over (uuids);
    uuid16_t item;
    size_t count;
    if (cursor_array (&cursor, &count))
        return false;
    while (cursor_bin_exact (&cursor, &item, sizeof item) == 0)
        if (uuid_equal (&item, client))
            return true;
    return false;
}

//  [[bin 16, value], …]
static bool pairs_find (slice_t pairs, const uuid16_t *client, slice_t *ret_value)
{
    cursor_t cursor = cursor_over (pairs);
    uuid16_t item;
    size_t count;
    if (cursor_array (&cursor, &count))
        return false;
    while (!cursor_done (&cursor)) {
        if (cursor_array (&cursor, &count) || count != 2 ||
            cursor_bin_exact (&cursor, &item, sizeof item) || cursor_skip (&cursor, ret_value))
            return false;
        if (uuid_equal (&item, client))
            return true;
    }
    return false;
}

//  ---- last seen

static uint64_t stored_last_seen (txn_t *txn, const uuid16_t *client)
{
    slice_t value;
    uint64_t time = 0;
    if (node_get (txn, NODE_LAST_SEEN, slice_of (client, sizeof *client), &value) ||
        value.size != sizeof time)
        return 0;
    for (size_t i = 0; i < sizeof time; i++)
        time = time << 8 | value.data[i];
    return time;
}

//  By this node's clock; 0: never.
static uint64_t last_seen (const listing_t *self, const uuid16_t *client)
{
    slice_t value;
    uint64_t time = 0;
    slice_t pairs = admin_reported (self->asked, REPORT_POOL, "last_seen", request_nil);
    if (is_self (self, client))
        return self->step->now.wall;
    if (pairs_find (pairs, client, &value)) {
        cursor_t cursor = cursor_over (value);
        if (cursor_uint (&cursor, &time) == 0)
            return time;
    }
    return stored_last_seen (self->step->txn, client);
}

//  ---- behind

static int behind_count (listing_t *self, const vector_t *vector, uint64_t *ret_behind)
{
    uint64_t last, at, behind = 0;
    slice_t bytes;
    batch_head_t head;
    txn_t *txn = self->step->txn;
    int rc = pending_last (txn, &last);
    if (rc == 0)
        rc = pending_first_uncovered (txn, vector, &at);
    while (rc == 0 && at <= last) {
        if (self->batches == 0 || self->bytes == 0) {
            behind += last - at + 1;
            break;
        }
        rc = pending_read (txn, at, &at, &bytes);
        if (rc)
            break;
        behind += batch_peek (bytes, &head) == 0 && vector_upto (vector, &head.origin) < head.upto;
        self->batches--;
        self->bytes -= bytes.size < self->bytes ? bytes.size : self->bytes;
        at++;
    }
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        *ret_behind = behind;
        rc = 0;
    }
    return rc;
}

//  nil where the client's vector was never heard.
static int behind_pack (listing_t *self, const uuid16_t *client)
{
    slice_t value, pairs = admin_reported (self->asked, REPORT_LINK, "vectors", request_nil);
    vector_t vector = {NULL, 0, 0};
    uint64_t behind = 0;
    int rc = 0;
    if (is_self (self, client))
        pack_uint (self->out, 0);
    else if (!pairs_find (pairs, client, &value))
        pack_nil (self->out);
    else {
        cursor_t cursor = cursor_over (value);
        rc = vector_unpack (&cursor, &vector);
        if (rc == 0)
            rc = behind_count (self, &vector, &behind);
        if (rc == 0)
            pack_uint (self->out, behind);
    }
    vector_release (&vector);
    return rc;
}

//  ---- a client

static void time_pack (uint64_t time, const uuid16_t *client, buffer_t *out)
{
    timestamp_t stamp = {time, *client};
    if (time)
        timestamp_pack (&stamp, out);
    else
        pack_nil (out);
}

static int client_show (listing_t *self, const client_t *client)
{
    buffer_t *out = self->out;
    const uuid16_t *uuid = &client->uuid;
    slice_t online = admin_reported (self->asked, REPORT_LINK, "online", request_nil);
    pack_map (out, 9);
    pack_string (out, "client");
    pack_bin (out, slice_of (uuid, sizeof *uuid));
    pack_string (out, "name");
    pack_string (out, client->name);
    pack_string (out, "online");
    pack_bool (out, is_self (self, uuid) || uuids_have (online, uuid));
    pack_string (out, "stale");
    pack_bool (out, timestamp_compare (&client->stale, &client->back) > 0);
    pack_string (out, "returning");
    pack_bool (out, client_returns (client));
    pack_string (out, "removed");
    pack_bool (out, !timestamp_is_none (&client->removed));
    pack_string (out, "last_seen");
    time_pack (last_seen (self, uuid), &self->admin->setup->identity->client, out);
    pack_string (out, "last_synchronized");
    time_pack (vector_upto (&self->watermarks, uuid), uuid, out);
    pack_string (out, "behind");
    self->count++;
    self->has_self |= is_self (self, uuid);
    return behind_pack (self, uuid);
}

//  A node that is in no pool yet is a client all the same.
static int self_show (listing_t *self)
{
    client_t client = {.uuid = self->admin->setup->identity->client};
    memcpy (client.name, self->admin->setup->config->name, sizeof client.name);
    return client_show (self, &client);
}

int admin_clients_pack (admin_t *self, step_t *step, const asked_t *asked, buffer_t *out)
{
    listing_t listing = {.admin = self,
        .step = step,
        .asked = asked,
        .batches = BEHIND_BATCHES_MAX,
        .bytes = BEHIND_BYTES_MAX,
        .out = out};
    client_t client = {0};
    size_t at = list_begin (out);
    int rc = watermarks_load (step->txn, WATERMARK_SHARED, &listing.watermarks);
    if (rc == 0)
        rc = clients_next (step->txn, NULL, &client);
    while (rc == 0) {
        uuid16_t uuid = client.uuid;
        rc = client_show (&listing, &client);
        if (rc == 0)
            rc = clients_next (step->txn, &uuid, &client);
    }
    if (rc == ERR_NOT_FOUND)
        rc = listing.has_self ? 0 : self_show (&listing);
    list_end (out, at, listing.count);
    vector_release (&listing.watermarks);
    return rc;
}

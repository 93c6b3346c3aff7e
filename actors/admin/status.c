//  admin_status - status and pool: what this node and its actors know, put together
//
//  A report that did not come leaves its part empty.

#include "actors/admin/admin.h"

#include "store/node.h"
#include "store/pending.h"

static const uint8_t empty_array_bytes[] = {0x90};
static const slice_t empty_array = {empty_array_bytes, sizeof empty_array_bytes};

int admin_resources_pack (txn_t *txn, buffer_t *out)
{
    resource_entry_t entry = {0};
    buffer_t items = {NULL, 0, 0};
    size_t count = 0;
    int rc = resources_next (txn, slice_of ("", 0), &entry);
    for (; rc == 0; count++) {
        char name[LIMIT_NAME_BYTES + 1];
        uint8_t digest[16];
        memcpy (name, entry.resource.name, sizeof name);
        digest_to_bytes (&entry.digest, digest);
        pack_string (&items, name);
        pack_map (&items, 4);
        pack_string (&items, "kind");
        pack_string (&items, resource_kind_name (entry.resource.kind));
        pack_string (&items, "count");
        pack_uint (&items, entry.count);
        pack_string (&items, "digest");
        pack_bin (&items, slice_of (digest, sizeof digest));
        pack_string (&items, "conflicts");
        pack_uint (&items, entry.conflicts);
        rc = resources_next (txn, slice_text (name), &entry);
    }
    if (rc == ERR_NOT_FOUND) {
        pack_map (out, count);
        pack_raw (out, buffer_slice (&items));
        rc = 0;
    }
    buffer_release (&items);
    return rc;
}

//  nil while it is in no pool.
static int pool_pack (txn_t *txn, buffer_t *out)
{
    slice_t pool;
    int rc = node_get (txn, NODE_SETTINGS, slice_text ("pool"), &pool);
    if (rc == 0)
        pack_bin (out, pool);
    else if (rc == ERR_NOT_FOUND) {
        pack_nil (out);
        rc = 0;
    }
    return rc;
}

static int pending_pack (txn_t *txn, buffer_t *out)
{
    pending_totals_t totals;
    int rc = pending_totals (txn, &totals);
    if (rc)
        return rc;
    pack_map (out, 3);
    pack_string (out, "batches");
    pack_uint (out, totals.batches);
    pack_string (out, "operations");
    pack_uint (out, totals.operations);
    pack_string (out, "bytes");
    pack_uint (out, totals.bytes);
    return 0;
}

static void store_pack (const admin_t *self, buffer_t *out)
{
    uint64_t used = 0, size = 0;
    if (self->setup->store)
        store_usage (self->setup->store, &used, &size);
    pack_map (out, 2);
    pack_string (out, "used");
    pack_uint (out, used);
    pack_string (out, "size");
    pack_uint (out, size);
}

//  An endpoint out of a report's map `endpoints`.
static slice_t endpoint_of (const asked_t *asked, int report, const char *name, slice_t otherwise)
{
    slice_t value;
    slice_t map = admin_reported (asked, report, "endpoints", request_nil);
    return map_find (map, name, &value) ? value : otherwise;
}

//  Link reports where a socket listens as a list; a door has one place at most.
static slice_t first_of (slice_t value)
{
    cursor_t cursor = cursor_over (value);
    size_t count;
    if (cursor_array (&cursor, &count))
        return value;
    return count && cursor_skip (&cursor, &value) == 0 ? value : request_nil;
}

static void endpoints_pack (const admin_t *self, const asked_t *asked, buffer_t *out)
{
    pack_map (out, 6);
    pack_string (out, "peers");
    pack_raw (out, endpoint_of (asked, REPORT_LINK, "peers", empty_array));
    pack_string (out, "door");
    pack_raw (out, first_of (endpoint_of (asked, REPORT_LINK, "door", request_nil)));
    pack_string (out, "api");
    pack_raw (out, endpoint_of (asked, REPORT_API, "api", request_nil));
    pack_string (out, "feed");
    pack_raw (out, endpoint_of (asked, REPORT_API, "feed", request_nil));
    pack_string (out, "intake");
    pack_raw (out, endpoint_of (asked, REPORT_API, "intake", request_nil));
    pack_string (out, "admin");
    pack_string (out, self->endpoint);
}

static void clock_pack (const step_t *step, buffer_t *out)
{
    pack_map (out, 1);
    pack_string (out, "wall");
    pack_uint (out, step->now.wall);
}

enum part {
    PART_POOL,
    PART_ENDPOINTS,
    PART_CLOCK,
    PART_RESOURCES,
    PART_CLIENTS,
    PART_PENDING,
    PART_STORE,
    PART_ALARMS,
    PART_COUNT
};

static void status_answer (admin_t *self, step_t *step, const asked_t *asked, const buffer_t *parts)
{
    slice_t clock = buffer_slice (&parts[PART_CLOCK]);
    status_answer_t answer = {.id = asked->caller.id,
        .ok = true,
        .client = self->setup->identity->client,
        .name = slice_text (self->setup->config->name),
        .pool = buffer_slice (&parts[PART_POOL]),
        .version = slice_text (self->setup->version),
        .uptime = (step->now.mono_ns - self->opened_ns) / 1000000000ull,
        .endpoints = buffer_slice (&parts[PART_ENDPOINTS]),
        .clock = admin_reported (asked, REPORT_CLOCK, "clock", clock),
        .resources = buffer_slice (&parts[PART_RESOURCES]),
        .clients = buffer_slice (&parts[PART_CLIENTS]),
        .pending = buffer_slice (&parts[PART_PENDING]),
        .store = buffer_slice (&parts[PART_STORE]),
        .alarms = buffer_slice (&parts[PART_ALARMS]),
        .paused = admin_reported (asked, REPORT_LINK, "paused", empty_array),
        .locations = admin_reported (asked, REPORT_INGEST, "locations", empty_array),
        .joining = admin_reported (asked, REPORT_LINK, "joining", request_nil)};
    caller_answer (step, &asked->caller, &status_answer_type, &answer);
}

void admin_status (admin_t *self, step_t *step, const asked_t *asked)
{
    buffer_t parts[PART_COUNT] = {{NULL, 0, 0}};
    endpoints_pack (self, asked, &parts[PART_ENDPOINTS]);
    clock_pack (step, &parts[PART_CLOCK]);
    store_pack (self, &parts[PART_STORE]);
    admin_alarms_pack (self, &parts[PART_ALARMS]);
    int rc = pool_pack (step->txn, &parts[PART_POOL]);
    if (rc == 0)
        rc = admin_resources_pack (step->txn, &parts[PART_RESOURCES]);
    if (rc == 0)
        rc = admin_clients_pack (self, step, asked, &parts[PART_CLIENTS]);
    if (rc == 0)
        rc = pending_pack (step->txn, &parts[PART_PENDING]);
    if (rc)
        admin_refuse (step, &asked->caller, rc);
    else
        status_answer (self, step, asked, parts);
    for (size_t i = 0; i < PART_COUNT; i++)
        buffer_release (&parts[i]);
}

void admin_pool (admin_t *self, step_t *step, const asked_t *asked)
{
    buffer_t pool = {NULL, 0, 0}, clients = {NULL, 0, 0};
    int rc = pool_pack (step->txn, &pool);
    if (rc == 0)
        rc = admin_clients_pack (self, step, asked, &clients);
    pool_answer_t answer = {.id = asked->caller.id,
        .ok = true,
        .pool = buffer_slice (&pool),
        .clients = buffer_slice (&clients),
        .invitations = admin_reported (asked, REPORT_POOL, "invitations", empty_array)};
    if (rc)
        admin_refuse (step, &asked->caller, rc);
    else
        caller_answer (step, &asked->caller, &pool_answer_type, &answer);
    buffer_release (&pool);
    buffer_release (&clients);
}

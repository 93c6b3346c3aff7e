//  admin_metrics - metrics, as a map and as Prometheus' exposition text; and lost and found
//
//  https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4). In the map a bucket of the histogram has
//  the name that it has in the text, label included.

#include "actors/admin/admin.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/node.h"
#include "store/pending.h"

#define FOUND_MOST 1000
#include "store/resources.h"

#define HISTOGRAM "tidepool_commit_seconds"
#define CONFLICTS "tidepool_conflicts_total"

typedef struct exposition {
    buffer_t map; // the entries
    size_t count;
    buffer_t text;
} exposition_t;

static void text_add (buffer_t *out, const char *text)
{
    buffer_append (out, text, strlen (text));
}

static void line_add (buffer_t *out, const char *what, const char *name, const char *text)
{
    text_add (out, what);
    text_add (out, name);
    text_add (out, " ");
    text_add (out, text);
    text_add (out, "\n");
}

static void head_add (exposition_t *self, const char *name, const char *kind, const char *help)
{
    line_add (&self->text, "# HELP ", name, help);
    line_add (&self->text, "# TYPE ", name, kind);
}

static void value_add (exposition_t *self, const char *name, uint64_t value)
{
    char text[32];
    snprintf (text, sizeof text, "%" PRIu64, value);
    line_add (&self->text, "", name, text);
    pack_string (&self->map, name);
    pack_uint (&self->map, value);
    self->count++;
}

static void gauge_add (exposition_t *self, const char *name, const char *help, uint64_t value)
{
    head_add (self, name, "gauge", help);
    value_add (self, name, value);
}

//  The last bucket holds all that is longer, too.
static void histogram_add (exposition_t *self, metrics_t *metrics)
{
    char text[32];
    uint64_t sum = 0;
    double seconds = (double)atomic_load_explicit (&metrics->commit_ns, memory_order_relaxed) / 1e9;
    head_add (self, HISTOGRAM, "histogram", "how long commits took");
    for (size_t i = 0; i < METRIC_COMMIT_BUCKETS; i++) {
        char name[64];
        sum += atomic_load_explicit (&metrics->commit_buckets[i], memory_order_relaxed);
        if (i + 1 < METRIC_COMMIT_BUCKETS)
            snprintf (
                name, sizeof name, HISTOGRAM "_bucket{le=\"%g\"}", 0.0001 * (double)(1u << i));
        else
            snprintf (name, sizeof name, HISTOGRAM "_bucket{le=\"+Inf\"}");
        value_add (self, name, sum);
    }
    snprintf (text, sizeof text, "%.9g", seconds);
    line_add (&self->text, "", HISTOGRAM "_sum", text);
    pack_string (&self->map, HISTOGRAM "_sum");
    pack_double (&self->map, seconds);
    self->count++;
    value_add (self, HISTOGRAM "_count", sum);
}

static void list_add (exposition_t *self, metrics_t *metrics)
{
#define X(name, kind, prometheus, help)                                                            \
    head_add (self, prometheus, #kind, help);                                                      \
    value_add (self, prometheus, metric_get (metrics, METRIC_##name));
    METRIC_LIST (X)
#undef X
}

//  Of shared resources only: nowhere else can two writes meet. They are kept with the resource, and so outlive a
//  restart, unlike what is counted in memory.
static int conflicts_add (exposition_t *self, step_t *step)
{
    resource_entry_t entry;
    int rc;
    head_add (self, CONFLICTS, "counter", "operations that contradicted a concurrent one");
    for (rc = resources_next (step->txn, slice_text (""), &entry); rc == 0;
         rc = resources_next (step->txn, slice_text (entry.resource.name), &entry)) {
        char name[sizeof CONFLICTS "{resource=\"\"}" + LIMIT_NAME_BYTES];
        if (entry.resource.kind != RESOURCE_SHARED)
            continue;
        snprintf (name, sizeof name, CONFLICTS "{resource=\"%s\"}", entry.resource.name);
        value_add (self, name, entry.conflicts);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int gauges_add (exposition_t *self, const admin_t *admin, step_t *step)
{
    pending_totals_t totals;
    uint64_t used = 0, size = 0;
    int rc = pending_totals (step->txn, &totals);
    if (rc)
        return rc;
    if (admin->setup->store)
        store_usage (admin->setup->store, &used, &size);
    gauge_add (self, "tidepool_uptime_seconds", "since the node started",
        (step->now.mono_ns - admin->opened_ns) / 1000000000ull);
    gauge_add (self, "tidepool_pending_batches", "batches that are kept", totals.batches);
    gauge_add (self, "tidepool_pending_operations", "operations in them", totals.operations);
    gauge_add (self, "tidepool_pending_bytes", "bytes of them", totals.bytes);
    gauge_add (self, "tidepool_store_used_bytes", "bytes of the database in use", used);
    gauge_add (self, "tidepool_store_size_bytes", "bytes that are mapped for it", size);
    gauge_add (self, "tidepool_alarms", "alarms that stand", admin->alarm_count);
    return 0;
}

void admin_metrics (admin_t *self, step_t *step, const caller_t *caller)
{
    exposition_t exposition = {.count = 0};
    buffer_t map = {NULL, 0, 0};
    list_add (&exposition, step->metrics);
    histogram_add (&exposition, step->metrics);
    int rc = conflicts_add (&exposition, step);
    if (rc == 0)
        rc = gauges_add (&exposition, self, step);
    pack_map (&map, exposition.count);
    pack_raw (&map, buffer_slice (&exposition.map));
    metrics_answer_t answer = {.id = caller->id,
        .ok = true,
        .metrics = buffer_slice (&map),
        .text = buffer_slice (&exposition.text)};
    if (rc)
        admin_refuse (step, caller, rc);
    else
        caller_answer (step, caller, &metrics_answer_type, &answer);
    buffer_release (&exposition.map);
    buffer_release (&exposition.text);
    buffer_release (&map);
}

//  ---- lost and found

static int found_pack (txn_t *txn, buffer_t *out)
{
    slice_t key, value;
    size_t count = 0, list = list_begin (out);
    int rc = node_seek (txn, NODE_FOUND, slice_of (NULL, 0), &key, &value);
    while (rc == 0 && count < FOUND_MOST) {
        pack_raw (out, value);
        count++;
        rc = node_next (txn, NODE_FOUND, key, &key, &value);
    }
    list_end (out, list, count);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

void admin_found (step_t *step, const caller_t *caller)
{
    buffer_t found = {NULL, 0, 0};
    int rc = found_pack (step->txn, &found);
    found_answer_t answer = {.id = caller->id, .ok = true, .found = buffer_slice (&found)};
    if (rc)
        admin_refuse (step, caller, rc);
    else
        caller_answer (step, caller, &found_answer_type, &answer);
    buffer_release (&found);
}

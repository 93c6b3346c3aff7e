//  run_apply - operations into one node of a pair, until it has acknowledged them, and until the other has them

#include "tools/bench/node.h"

#include <stdlib.h>

#define APPS 64

//  What a pair has used so far.
typedef struct used {
    uint64_t wire;
    uint64_t disk;
    double cpu;
} used_t;

static used_t used_by (const pair_t *pair)
{
    return (used_t){.wire = node_metric (pair->a, "tidepool_peer_bytes_out_total") +
                            node_metric (pair->b, "tidepool_peer_bytes_out_total"),
        .disk = node_used (pair->a),
        .cpu = node_cpu (pair->a) + node_cpu (pair->b)};
}

typedef struct outcome {
    double acknowledged; // seconds
    double both;
    used_t before;
    used_t after;
} outcome_t;

static void outcome_add (bench_t *bench, const outcome_t *self, const char *name, const char *row,
    size_t operations, const char *limit, const char *pair_limit)
{
    double count = (double)operations;
    const figure_id_t one = {name, row, "acknowledged", "op/s", limit};
    const figure_id_t both = {name, row, "on both", "op/s", pair_limit};
    const figure_id_t wire = {name, row, "wire", "B/op", NULL};
    const figure_id_t disk = {name, row, "disk", "B/record", NULL};
    const figure_id_t cpu = {name, row, "CPU of both", "us/op", NULL};
    figure_add (&bench->figures, &one, count / self->acknowledged);
    figure_add (&bench->figures, &both, count / self->both);
    figure_add (&bench->figures, &wire, (double)(self->after.wire - self->before.wire) / count);
    figure_add (
        &bench->figures, &disk, ((double)self->after.disk - (double)self->before.disk) / count);
    figure_add (&bench->figures, &cpu, (self->after.cpu - self->before.cpu) / count * 1e6);
}

//  Drives the lanes at a, waits for b. All that was there before is on both.
static outcome_t measure (pair_t *pair, lane_t *lanes, size_t count, size_t in_flight, size_t all)
{
    outcome_t outcome = {.before = used_by (pair)};
    double begin = clock_now ();
    outcome.acknowledged = lanes_drive (lanes, count, in_flight);
    node_wait_count (pair->b, LOAD_RESOURCE, all);
    outcome.both = clock_now () - begin;
    outcome.after = used_by (pair);
    return outcome;
}

static size_t apply_size (
    bench_t *self, pair_t *pair, enum uuid_kind kind, size_t index, size_t had)
{
    static const size_t operations[BENCH_SIZES] = {2000, 10000, 40000, 100000};
    static const size_t quick[BENCH_SIZES] = {200, 1000, 5000, 10000};
    size_t count = bench_scale (self, operations[index], quick[index]);
    uuid16_t *uuids = uuids_make (kind, count);
    const load_options_t options = {.action = "create",
        .uuids = uuids,
        .operations = count,
        .size = bench_sizes[index],
        .name = "tag"};
    load_t load = load_make (&options);
    lane_t lane = {.ask = &pair->a->api, .load = &load, .end = load.count};
    outcome_t outcome = measure (pair, &lane, 1, self->in_flight, had + count);
    char row[FIGURE_PART_MAX], limit[FIGURE_PART_MAX], pair_limit[FIGURE_PART_MAX + 16];
    snprintf (row, sizeof row, "%zu, %s uuids", bench_sizes[index], uuid_kind_names[kind]);
    snprintf (limit, sizeof limit, "raw_commits/%zu a commit/operations", bench_sizes[index]);
    snprintf (pair_limit, sizeof pair_limit, "raw_pair/%zu in flight, of %zu/operations",
        self->in_flight, bench_sizes[index]);
    outcome_add (self, &outcome, "apply", row, count, limit, pair_limit);
    load_release (&load);
    free (uuids);
    return had + count;
}

void run_apply (bench_t *self)
{
    for (int kind = UUID_RANDOM; kind <= UUID_ORDERED; kind++) {
        pair_t pair = pair_start (self);
        size_t had = 0;
        for (size_t i = 0; i < BENCH_SIZES; i++)
            had = apply_size (self, &pair, (enum uuid_kind)kind, i, had);
        char row[FIGURE_PART_MAX];
        snprintf (row, sizeof row, "apply, %s: writer", uuid_kind_names[kind]);
        node_memory (pair.a, self, row);
        snprintf (row, sizeof row, "apply, %s: other", uuid_kind_names[kind]);
        node_memory (pair.b, self, row);
        pair_stop (&pair);
    }
}

//  ---- many apps

void run_apps (bench_t *self)
{
    size_t each = bench_scale (self, 100, 10), count = APPS * each;
    pair_t pair = pair_start (self);
    uuid16_t *uuids = uuids_make (UUID_RANDOM, count);
    const load_options_t options = {
        .action = "create", .uuids = uuids, .operations = count, .size = 1, .name = "tag"};
    load_t load = load_make (&options);
    ask_t asks[APPS];
    lane_t lanes[APPS];
    for (size_t i = 0; i < APPS; i++) {
        ask_open (&asks[i], self->context, pair.a->api.endpoint);
        lanes[i] =
            (lane_t){.ask = &asks[i], .load = &load, .first = i * each, .end = (i + 1) * each};
    }
    outcome_t outcome = measure (&pair, lanes, APPS, 1, count);
    outcome_add (self, &outcome, "apps", "64 apps, 1 op each", count,
        "raw_pair/64 in flight, of 1/operations", "raw_pair/64 in flight, of 1/operations");
    node_memory (pair.a, self, "apps: writer");
    for (size_t i = 0; i < APPS; i++)
        ask_close (&asks[i]);
    load_release (&load);
    free (uuids);
    pair_stop (&pair);
}

//  run_bootstrap - a third node joins a pair that has records: from the request to join until it is ready

#include "tools/bench/node.h"

#include <stdlib.h>

void run_bootstrap (bench_t *self)
{
    size_t count = bench_scale (self, 100000, 10000);
    uuid16_t *uuids = uuids_make (UUID_RANDOM, count);
    const load_options_t options = {
        .action = "create", .uuids = uuids, .operations = count, .size = 1000, .name = "tag"};
    load_t load = load_make (&options);
    pair_t pair = pair_start (self);
    lane_t lane = {.ask = &pair.a->api, .load = &load, .end = load.count};
    lanes_drive (&lane, 1, self->in_flight);
    node_wait_count (pair.b, LOAD_RESOURCE, count);
    node_t *third = node_start (self, "c");
    uint64_t wire = node_metric (pair.a, "tidepool_peer_bytes_out_total");
    uint64_t disk = node_used (third);
    double begin = clock_now ();
    node_join (third, pair.a);
    double seconds = clock_now () - begin;
    node_wait_count (third, LOAD_RESOURCE, count);
    wire = node_metric (pair.a, "tidepool_peer_bytes_out_total") - wire;
    disk = node_used (third) - disk;
    const char *row = self->quick ? "10,000 records, random" : "100,000 records, random";
    const figure_id_t rate = {"bootstrap", row, "records", "/s", "raw_copy/one table/records"};
    const figure_id_t on_wire = {"bootstrap", row, "wire", "B/record", NULL};
    const figure_id_t on_disk = {"bootstrap", row, "disk", "B/record", NULL};
    figure_add (&self->figures, &rate, (double)count / seconds);
    figure_add (&self->figures, &on_wire, (double)wire / (double)count);
    figure_add (&self->figures, &on_disk, (double)disk / (double)count);
    node_memory (pair.a, self, "bootstrap: giver");
    node_memory (third, self, "bootstrap: newcomer");
    node_stop (&third);
    pair_stop (&pair);
    load_release (&load);
    free (uuids);
}

//  raw_pair - the bare loop: two threads, each with a log of its own, over CURVE: commit, send, commit, acknowledge
//
//  The first commits as many requests as the window leaves room for in one transaction, sends each as a frame; the second
//  commits all that has arrived in one transaction and acknowledges each frame by 8 bytes. Group commit at both ends, as the node
//  does it, and nothing else: no signatures, no records, no checks.

#include "tools/bench/load.h"
#include "tools/bench/raw.h"

#include <pthread.h>
#include <stdlib.h>

#define COPY_FRAME_BYTES (512u << 10)
#define COPY_WINDOW      8

//  ---- the second

typedef struct second {
    raw_log_t log;
    void *socket;
} second_t;

static void *second_run (void *argument)
{
    second_t *self = argument;
    zmq_msg_t message;
    zmq_msg_init (&message);
    for (bool end = false; !end;) {
        size_t count = 0;
        raw_receive (self->socket, &message);
        MDB_txn *txn = raw_log_begin (&self->log);
        do {
            end = zmq_msg_size (&message) == 0;
            raw_log_put (&self->log, txn, zmq_msg_data (&message), zmq_msg_size (&message));
            count += !end;
        } while (!end && raw_receive_now (self->socket, &message));
        raw_log_end (txn);
        for (size_t i = 0; i < count; i++)
            raw_send (self->socket, "00000000", 8);
    }
    zmq_msg_close (&message);
    return NULL;
}

//  ---- the first

typedef struct bare {
    raw_log_t log;
    raw_wire_t wire;
    second_t second;
    pthread_t thread;
    uint8_t *frame;
    size_t size; // of a request, in operations
    size_t window;
} bare_t;

static void bare_open (bare_t *self, bench_t *bench, size_t size, size_t window)
{
    self->size = size;
    self->window = window;
    raw_log_open (&self->log, bench, "first");
    raw_log_open (&self->second.log, bench, "second");
    raw_wire_open (&self->wire);
    self->second.socket = self->wire.sockets[1];
    self->frame = calloc (size, self->log.operation_size);
    if (!self->frame)
        abort ();
    if (pthread_create (&self->thread, NULL, second_run, &self->second))
        die ("no thread");
}

static void bare_close (bare_t *self)
{
    raw_send (self->wire.sockets[0], "", 0);
    pthread_join (self->thread, NULL);
    raw_wire_close (&self->wire);
    raw_log_close (&self->second.log);
    raw_log_close (&self->log);
    free (self->frame);
}

//  Waits for one acknowledgement, takes what else is there.
static size_t bare_hear (bare_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    size_t count = 1;
    raw_receive (self->wire.sockets[0], &message);
    while (raw_receive_now (self->wire.sockets[0], &message))
        count++;
    zmq_msg_close (&message);
    return count;
}

static double bare_drive (bare_t *self, size_t requests)
{
    size_t sent = 0, acknowledged = 0;
    double begin = clock_now ();
    while (acknowledged < requests) {
        size_t room = self->window - (sent - acknowledged);
        room = room > requests - sent ? requests - sent : room;
        if (room) {
            raw_log_commit (&self->log, room * self->size);
            for (size_t i = 0; i < room; i++)
                raw_send (
                    self->wire.sockets[0], self->frame, self->size * self->log.operation_size);
            sent += room;
        }
        acknowledged += bare_hear (self);
    }
    return clock_now () - begin;
}

//  ---- the benchmarks

static void pair_of (bench_t *self, size_t size, size_t window, size_t requests)
{
    bare_t bare;
    bare_open (&bare, self, size, window);
    bare_drive (&bare, 20 + window); // connected, warm
    double seconds = bare_drive (&bare, requests);
    bare_close (&bare);
    char row[FIGURE_PART_MAX];
    snprintf (row, sizeof row, "%zu in flight, of %zu", window, size);
    const figure_id_t rate = {"raw_pair", row, "operations", "/s", NULL};
    figure_add (&self->figures, &rate, (double)(requests * size) / seconds);
}

void raw_pair (bench_t *self)
{
    static const size_t requests[BENCH_SIZES] = {2000, 1500, 1000, 300};
    for (size_t i = 0; i < BENCH_SIZES; i++)
        pair_of (self, bench_sizes[i], self->in_flight,
            bench_scale (self, requests[i], requests[i] / 10));
    pair_of (self, 1, 64, bench_scale (self, 10000, 1000));
}

void raw_turn (bench_t *self)
{
    bare_t bare;
    size_t count = bench_scale (self, 500, 60);
    double *ms = calloc (count, sizeof *ms);
    if (!ms)
        abort ();
    bare_open (&bare, self, 1, 1);
    bare_drive (&bare, 20);
    for (size_t i = 0; i < count; i++)
        ms[i] = bare_drive (&bare, 1) * 1e3;
    bare_close (&bare);
    const figure_id_t p50 = {"raw_turn", "one at a time", "p50", "ms", NULL};
    const figure_id_t p99 = {"raw_turn", "one at a time", "p99", "ms", NULL};
    figure_add (&self->figures, &p50, percentile (ms, count, 0.5));
    figure_add (&self->figures, &p99, percentile (ms, count, 0.99));
    free (ms);
}

//  ---- a whole table copied, in its order

//  Reads the log from its beginning into frames, with COPY_WINDOW of them in flight.
static size_t copy_drive (bare_t *self)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    buffer_t frame = {NULL, 0, 0};
    size_t under_way = 0, records = 0;
    if (mdb_txn_begin (self->log.env, NULL, MDB_RDONLY, &txn) ||
        mdb_cursor_open (txn, self->log.table, &cursor))
        die ("LMDB does not read");
    int rc = mdb_cursor_get (cursor, &key, &value, MDB_FIRST);
    while (rc == 0 || frame.size) {
        if (rc == 0) {
            buffer_append (&frame, value.mv_data, value.mv_size);
            records++;
            rc = mdb_cursor_get (cursor, &key, &value, MDB_NEXT);
        }
        if (rc == 0 && frame.size < COPY_FRAME_BYTES)
            continue;
        while (under_way >= COPY_WINDOW)
            under_way -= bare_hear (self);
        raw_send (self->wire.sockets[0], frame.data, frame.size);
        under_way++;
        buffer_clear (&frame);
    }
    while (under_way)
        under_way -= bare_hear (self);
    mdb_cursor_close (cursor);
    mdb_txn_abort (txn);
    buffer_release (&frame);
    return records;
}

void raw_copy (bench_t *self)
{
    bare_t bare;
    size_t records = bench_scale (self, 500000, 20000);
    bare_open (&bare, self, 1, 1);
    bare_drive (&bare, 20);
    for (size_t i = 0; i < records; i += 10000)
        raw_log_commit (&bare.log, 10000);
    double begin = clock_now ();
    size_t copied = copy_drive (&bare);
    double seconds = clock_now () - begin;
    bare_close (&bare);
    const figure_id_t rate = {"raw_copy", "one table", "records", "/s", NULL};
    figure_add (&self->figures, &rate, (double)copied / seconds);
}

//  raw_log - durable commits straight into LMDB

#include "tools/bench/raw.h"
#include "tools/bench/load.h"
#include "tools/bench/place.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAP_BYTES (8ull << 30) // sparse

static void check (int rc)
{
    if (rc)
        die ("LMDB: %s", mdb_strerror (rc));
}

void raw_log_open (raw_log_t *self, const bench_t *bench, const char *name)
{
    *self = (raw_log_t){.next = 0};
    snprintf (self->dir, sizeof self->dir, "%s/%s", bench->place, name);
    if (mkdir (self->dir, 0700))
        die ("%s: %s", self->dir, strerror (errno));
    self->operation_size = load_operation_bytes ();
    self->operation = malloc (self->operation_size);
    if (!self->operation)
        abort ();
    memset (self->operation, 'o', self->operation_size);
    MDB_txn *txn;
    check (mdb_env_create (&self->env));
    check (mdb_env_set_mapsize (self->env, MAP_BYTES));
    check (mdb_env_open (self->env, self->dir, MDB_NOTLS, 0600));
    check (mdb_txn_begin (self->env, NULL, 0, &txn));
    check (mdb_dbi_open (txn, NULL, 0, &self->table));
    check (mdb_txn_commit (txn));
}

void raw_log_close (raw_log_t *self)
{
    mdb_env_close (self->env);
    place_remove (self->dir);
    free (self->operation);
}

MDB_txn *raw_log_begin (raw_log_t *self)
{
    MDB_txn *txn;
    check (mdb_txn_begin (self->env, NULL, 0, &txn));
    return txn;
}

void raw_log_end (MDB_txn *txn)
{
    check (mdb_txn_commit (txn));
}

void raw_log_put (raw_log_t *self, MDB_txn *txn, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + self->operation_size <= size; at += self->operation_size) {
        uint64_t big_endian = __builtin_bswap64 (self->next++);
        MDB_val key = {sizeof big_endian, &big_endian};
        MDB_val value = {self->operation_size, (void *)(bytes + at)};
        check (mdb_put (txn, self->table, &key, &value, MDB_APPEND));
    }
}

void raw_log_commit (raw_log_t *self, size_t operations)
{
    MDB_txn *txn = raw_log_begin (self);
    for (size_t i = 0; i < operations; i++)
        raw_log_put (self, txn, self->operation, self->operation_size);
    raw_log_end (txn);
}

//  ---- the benchmark

void raw_commits (bench_t *self)
{
    static const size_t commits[BENCH_SIZES] = {800, 600, 400, 200};
    for (size_t i = 0; i < BENCH_SIZES; i++) {
        raw_log_t log;
        raw_log_open (&log, self, "raw");
        //  The first commits into a fresh file are slow; so they are in a node, whose file is not fresh.
        for (int warm = 0; warm < 20; warm++)
            raw_log_commit (&log, bench_sizes[i]);
        size_t count = bench_scale (self, commits[i], commits[i] / 10);
        double *ms = calloc (count, sizeof *ms);
        if (!ms)
            abort ();
        double begin = clock_now ();
        for (size_t k = 0; k < count; k++) {
            double since = clock_now ();
            raw_log_commit (&log, bench_sizes[i]);
            ms[k] = (clock_now () - since) * 1e3;
        }
        double seconds = clock_now () - begin;
        bench_check_interrupt ();
        raw_log_close (&log);
        char row[FIGURE_PART_MAX];
        snprintf (row, sizeof row, "%zu a commit", bench_sizes[i]);
        const figure_id_t rate = {"raw_commits", row, "operations", "/s", NULL};
        const figure_id_t p50 = {"raw_commits", row, "p50", "ms", NULL};
        const figure_id_t p99 = {"raw_commits", row, "p99", "ms", NULL};
        figure_add (&self->figures, &rate, (double)(count * bench_sizes[i]) / seconds);
        figure_add (&self->figures, &p50, percentile (ms, count, 0.5));
        figure_add (&self->figures, &p99, percentile (ms, count, 0.99));
        free (ms);
    }
}

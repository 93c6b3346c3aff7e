//  metrics - what a node counts
//
//  One table: enum, Prometheus name and help. Counters are atomics without order: any actor adds, admin
//  reads.

#ifndef TIDEPOOL_METRICS_H
#define TIDEPOOL_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

//  clang-format off
#define METRIC_LIST(X)                                                                             \
    X (REQUESTS, counter, "tidepool_requests_total", "requests of apps")                           \
    X (REQUESTS_REFUSED, counter, "tidepool_requests_refused_total",                               \
        "requests answered with an error")                                                         \
    X (INTAKE_REFUSED, counter, "tidepool_intake_refused_total", "intake messages refused")        \
    X (GARBAGE, counter, "tidepool_garbage_total",                                                 \
        "messages that were not what the contract says")                                           \
    X (OPERATIONS, counter, "tidepool_operations_total", "operations written by this node's apps") \
    X (COMMITS, counter, "tidepool_commits_total", "transactions committed")                       \
    X (COMMITS_FAILED, counter, "tidepool_commits_failed_total",                                   \
        "transactions that the disk or the map refused")                                           \
    X (BATCHES_SEALED, counter, "tidepool_batches_sealed_total", "batches sealed here")            \
    X (BATCHES_TAKEN, counter, "tidepool_batches_taken_total", "batches of others applied")        \
    X (BATCHES_EMPTY, counter, "tidepool_batches_empty_total",                                     \
        "empty batches sealed here to acknowledge")                                                \
    X (BATCHES_FLUSHED, counter, "tidepool_batches_flushed_total",                                 \
        "batches that left the log: every member that counts has them")                            \
    X (DELETIONS_FORGOTTEN, counter, "tidepool_deletions_forgotten_total",                         \
        "remembered deletions that became causally stable")                                        \
    X (BATCHES_REFUSED, counter, "tidepool_batches_refused_total", "batches of others refused")    \
    X (BATCHES_FORKED, counter, "tidepool_batches_forked_total",                                   \
        "batches joined beside others in their chain")                                             \
    X (BATCHES_DEFERRED, counter, "tidepool_batches_deferred_total", "batches from too far ahead") \
    X (ROWS_DEFERRED, counter, "tidepool_rows_deferred_total",                                     \
        "stretches of rows from too far ahead")                                                    \
    X (ROWS_TAKEN, counter, "tidepool_rows_taken_total", "rows of others stored")                  \
    X (ROWS_ALTERED, counter, "tidepool_rows_altered_total",                                       \
        "times that an owner's rows here were not what it had signed, and were dropped")           \
    X (ROWS_TAKEN_BACK, counter, "tidepool_rows_taken_back_total",                                 \
        "own rows taken back after a restore")                                                     \
    X (MARKERS_FORGOTTEN, counter, "tidepool_markers_forgotten_total",                             \
        "markers of deleted rows that every member that counts is past")                           \
    X (ROWS_WRITTEN, counter, "tidepool_rows_written_total", "own rows written")                   \
    X (PEER_BYTES_IN, counter, "tidepool_peer_bytes_in_total", "bytes from peers")                 \
    X (PEER_BYTES_OUT, counter, "tidepool_peer_bytes_out_total", "bytes to peers")                 \
    X (PEER_GARBAGE, counter, "tidepool_peer_garbage_total",                                       \
        "messages of peers that were refused")                                                     \
    X (PEERS_DENIED, counter, "tidepool_peers_denied_total", "handshakes of strangers refused")    \
    X (PEERS_UNREACHABLE, counter, "tidepool_peers_unreachable_total",                             \
        "dials that found nobody, or somebody else")                                               \
    X (MAIL_REFUSED, counter, "tidepool_mail_refused_total",                                       \
        "mail between actors that was malformed")                                                  \
    X (FILES_SCANNED, counter, "tidepool_files_scanned_total", "entries walked")                   \
    X (FILES_HASHED, counter, "tidepool_files_hashed_total", "files identified")                   \
    X (BYTES_HASHED, counter, "tidepool_bytes_hashed_total", "bytes read to identify files")       \
    X (FILES_UNREADABLE, counter, "tidepool_files_unreadable_total",                               \
        "entries that could not be read")                                                          \
    X (SCRUBS, counter, "tidepool_scrubs_total", "times that all counts were computed anew")       \
    X (MISCOUNTS, counter, "tidepool_miscounts_total",                                             \
        "counts and digests of a resource that were wrong, and were put right")                    \
    X (RECORDS_DAMAGED, counter, "tidepool_records_damaged_total",                                 \
        "stored records that could not be read")                                                   \
    X (BATCHES_SPOILT, counter, "tidepool_batches_spoilt_total",                                   \
        "batches in the log that were not what their origin signed")                               \
    X (BATCHES_MENDED, counter, "tidepool_batches_mended_total",                                   \
        "of these, that were taken once more from a member")                                       \
    X (REPAIRS, counter, "tidepool_repairs_total", "comparisons with a peer that differed")        \
    X (REPAIR_MESSAGES, counter, "tidepool_repair_messages_total",                                 \
        "messages sent to find and repair differences")                                            \
    X (RECORDS_REPAIRED, counter, "tidepool_records_repaired_total",                               \
        "records merged with a peer's, where both differed")                                       \
    X (PEERS_ONLINE, gauge, "tidepool_peers_online", "peers linked now")                           \
    X (CLOCK_GRANTS, counter, "tidepool_clock_grants_total", "ranges of timestamps given")
//  clang-format on

enum metric {
#define X(name, kind, prometheus, help) METRIC_##name,
    METRIC_LIST (X)
#undef X
        METRIC_COUNT
};

//  Commit times in powers of two of 100 microseconds: a bucket i holds commits under 100 us << i.
#define METRIC_COMMIT_BUCKETS 16

typedef struct metrics {
    _Atomic uint64_t values[METRIC_COUNT];
    _Atomic uint64_t commit_buckets[METRIC_COMMIT_BUCKETS];
    _Atomic uint64_t commit_ns;
} metrics_t;

static inline void metric_add (metrics_t *self, enum metric metric, uint64_t count)
{
    atomic_fetch_add_explicit (&self->values[metric], count, memory_order_relaxed);
}

static inline void metric_set (metrics_t *self, enum metric metric, uint64_t value)
{
    atomic_store_explicit (&self->values[metric], value, memory_order_relaxed);
}

static inline uint64_t metric_get (metrics_t *self, enum metric metric)
{
    return atomic_load_explicit (&self->values[metric], memory_order_relaxed);
}

#endif

//  raw - what the raw limits share: a log in LMDB, and a pair of CURVE sockets
//
//  The log is one sequential table: 8-byte ascending keys (MDB_APPEND), an operation's bytes as the value, LMDB's default
//  flags, so that every commit is synced twice (data, meta page) like a node's.

#ifndef TIDEPOOL_RAW_H
#define TIDEPOOL_RAW_H

#include "tools/bench/bench.h"

#include <lmdb.h>
#include <zmq.h>

typedef struct raw_log {
    MDB_env *env;
    MDB_dbi table;
    char dir[128];
    uint8_t *operation; // as an app sends one
    size_t operation_size;
    uint64_t next;
} raw_log_t;

void raw_log_open (raw_log_t *self, const bench_t *bench, const char *name);
void raw_log_close (raw_log_t *self); // and removes it

//  One durable commit of so many operations.
void raw_log_commit (raw_log_t *self, size_t operations);

//  Appends whole frames of operations to the transaction, `self->operation_size` bytes each.
void raw_log_put (raw_log_t *self, MDB_txn *txn, const uint8_t *bytes, size_t size);
MDB_txn *raw_log_begin (raw_log_t *self);
void raw_log_end (MDB_txn *txn);

//  Two DEALERs over tcp on 127.0.0.1 with CURVE, each in a context (and I/O thread) of its own, connected.
typedef struct raw_wire {
    void *contexts[2];
    void *sockets[2]; // [1] belongs to the second thread
} raw_wire_t;

void raw_wire_open (raw_wire_t *self);
void raw_wire_close (raw_wire_t *self);

void raw_send (void *socket, const void *data, size_t size);
//  Waits; the message is initialised by the caller.
void raw_receive (void *socket, zmq_msg_t *message);
bool raw_receive_now (void *socket, zmq_msg_t *message);

#endif

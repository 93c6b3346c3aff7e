//  node - real nodes, each a process of its own, below the benchmark's place
//
//  Their settings are the defaults. Whatever still runs at exit is killed; a node that ends by itself ends the benchmark, with the
//  last lines of its log.

#ifndef TIDEPOOL_BENCH_NODE_H
#define TIDEPOOL_BENCH_NODE_H

#include "tools/bench/ask.h"
#include "tools/bench/bench.h"

#include <sys/types.h>

typedef struct node {
    char name[32];
    char dir[128];
    pid_t pid;
    ask_t api;
    ask_t admin;
    double anon_peak; // MB, the largest that was seen
} node_t;

//  Makes a data directory, starts the node, waits until it answers.
node_t *node_start (bench_t *bench, const char *name);

//  Stops it and removes its directory.
void node_stop (node_t **self_p);

//  The others join the first's pool; returns when all see each other online.
void nodes_pair (node_t **nodes, size_t count);

//  Looks after all that run: dies if one has ended or the program was interrupted; reads their memory now and then.
void nodes_look (void);

//  A pair, started and linked.
typedef struct pair {
    node_t *a;
    node_t *b;
} pair_t;

pair_t pair_start (bench_t *bench);
void pair_stop (pair_t *self);

//  ---- looks at one

void node_join (node_t *self, node_t *inviter); // until it is ready
bool node_ready (node_t *self);                 // no join is under way
size_t node_count (node_t *self, const char *resource);
void node_wait_count (node_t *self, const char *resource, size_t count);
uint64_t node_metric (node_t *self, const char *name);
uint64_t node_used (node_t *self); // bytes of the store
void node_digest (node_t *self, const char *resource, uint8_t ret_digest[16]);

//  Processor time, in seconds, of all its threads so far.
double node_cpu (const node_t *self);

//  Adds "memory" figures: the peaks of its resident memory, and of what is its own (without LMDB's pages).
void node_memory (node_t *self, bench_t *bench, const char *row);

#endif

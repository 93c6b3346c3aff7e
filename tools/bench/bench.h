//  bench - what the parts of tidepool-bench share
//
//  One run measures raw limits and nodes in turn, several times over; every measurement goes into the table of figures
//  (figure.h). A benchmark that cannot go on says so and ends the program (die): what it started and made is
//  cleared away at exit.

#ifndef TIDEPOOL_BENCH_H
#define TIDEPOOL_BENCH_H

#include "messages/slice.h"
#include "tools/bench/figure.h"

typedef struct bench {
    bool quick;
    size_t repeat;
    size_t in_flight;
    size_t files;      // of ingest's tree
    const char *place; // a fresh directory, removed at exit
    const char *bin;   // the directory of the programs
    void *context;     // ZeroMQ's
    figures_t figures;
} bench_t;

//  Sizes of requests, in operations.
#define BENCH_SIZES 4
extern const size_t bench_sizes[BENCH_SIZES];

//  The part of the whole that --quick leaves.
static inline size_t bench_scale (const bench_t *self, size_t whole, size_t quick)
{
    return self->quick ? quick : whole;
}

//  ---- the end

//  Says what went wrong and exits with 1.
void die (const char *format, ...) __attribute__ ((noreturn, format (printf, 1, 2)));

//  Ends the program if somebody asked for it (SIGINT, SIGTERM). Whatever waits calls it.
void bench_check_interrupt (void);

//  ---- time, in seconds

double clock_now (void);
void clock_sleep (double seconds);

//  ---- raw limits: each names its figures raw_…

void raw_commits (bench_t *self);
void raw_frames (bench_t *self);
void raw_pair (bench_t *self);
void raw_turn (bench_t *self);
void raw_copy (bench_t *self);

//  ---- nodes

void run_apply (bench_t *self);
void run_apps (bench_t *self);
void run_latency (bench_t *self);
void run_conflict (bench_t *self);
void run_bootstrap (bench_t *self);
void run_ingest (bench_t *self);
void run_identify (bench_t *self);

#endif

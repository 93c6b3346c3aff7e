//  pool - clients that write, deliver, copy and purge many records, step by step
//
//  A step says who does what. What comes of it depends on what there is, so that any part of a list of
//  steps is a list of steps too: so they can be shrunk.

#ifndef TIDEPOOL_TESTS_JOIN_POOL_H
#define TIDEPOOL_TESTS_JOIN_POOL_H

#include "tests/join/history.h"

#define RECORDS_MAX 24

enum step_kind { STEP_WRITE, STEP_PULL, STEP_ACK, STEP_PURGE, STEP_COPY, STEP_KINDS };

typedef struct step {
    int kind;
    int client;
    int other; // pull, copy: from whom
    int record;
    int action;
    int on_conflict;
    unsigned properties;
    unsigned
        amount; // write: how far its clock is ahead; pull: how much at most, and where to begin
} step_t;

typedef struct pool_tally {
    size_t writes;
    size_t refused;
    size_t deliveries;
    size_t duplicates;
    size_t copies;
    size_t purges;
} pool_tally_t;

//  What went wrong.
typedef struct pool_fault {
    const char *why;
    size_t step; // at which; the number of steps: at the end
    int client;
    int record;
} pool_fault_t;

//  Plays the steps, then lets everybody have everything and purge, checking all the way. False at the
//  first fault.
bool pool_play (record_rule_t rule, const step_t *steps, size_t count, pool_tally_t *ret_tally,
    pool_fault_t *ret_fault);

#endif

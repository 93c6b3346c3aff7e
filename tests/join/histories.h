//  histories - every small history, each once

#ifndef TIDEPOOL_TESTS_JOIN_HISTORIES_H
#define TIDEPOOL_TESTS_JOIN_HISTORIES_H

#include "tests/join/worlds.h"

typedef struct task {
    record_rule_t rule;
    size_t size;      // events, of as many clients at most
    bool all_actions; // each with either property; else each with one of them
    unsigned share;   // the continuations of one out of so many shorter histories, by hash; 1: all
    tally_t tally;
} task_t;

//  True if no history had a fault; the first one is shrunk and printed.
bool task_run (task_t *self);

//  Whether an app could do it: each event admitted at what its writer had seen, nothing purged there.
bool history_is_possible (history_t *self);

#endif

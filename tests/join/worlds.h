//  worlds - everything that can become of one history
//
//  Nodes differ in the order in which the events reach them, and in when they purge what they may; and
//  what a writer has purged may show in the operation that it seals. A world is one choice of all that.

#ifndef TIDEPOOL_TESTS_JOIN_WORLDS_H
#define TIDEPOOL_TESTS_JOIN_WORLDS_H

#include "tests/join/history.h"

#define SMALL_MAX 5 // events of a history all of whose worlds are looked at

typedef struct tally {
    uint64_t histories;
    uint64_t
        orders; // causal orders of delivery of the whole histories, without the moments of purging
    uint64_t states; // (delivered set, state) pairs that were checked
    uint64_t joins;
    uint64_t purges;   // that changed something
    uint64_t variants; // operations that differ by what their writer had purged
} tally_t;

typedef struct fault {
    const char *why;
    set_t delivered; // the events that the node had then
} fault_t;

//  Looks at all worlds of the history; false at the first fault.
bool worlds_check (const history_t *history, tally_t *tally, fault_t *ret_fault);

#endif

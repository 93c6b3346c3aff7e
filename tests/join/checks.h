//  checks - what must hold of a record's state, given the events that were delivered to it

#ifndef TIDEPOOL_TESTS_JOIN_CHECKS_H
#define TIDEPOOL_TESTS_JOIN_CHECKS_H

#include "messages/digest.h"
#include "tests/join/history.h"

//  What the events of a set must show, by definition; made once for many states.
typedef struct expected {
    buffer_t shown; // empty if not alive
    digest_t digest;
} expected_t;
void expect (expected_t *self, const history_t *history, const set_t *set);

//  NULL, or what is wrong with the state: that it shows what the definition does, in bytes and in digest;
//  so that all orders agree, and purged and unpurged ones.
const char *check_state (const history_t *history, record_t *state, const expected_t *expected);

//  The same of a set of events and what it shows, whatever the definition says: no loss (a create that
//  has seen every deletion stands), no ghost (nothing shows that a deletion had seen).
const char *check_meaning (const history_t *history, const set_t *set, const expected_t *expected);

#endif

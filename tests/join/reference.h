//  reference - what a set of events means, by definition

#ifndef TIDEPOOL_TESTS_JOIN_REFERENCE_H
#define TIDEPOOL_TESTS_JOIN_REFERENCE_H

#include "tests/join/history.h"

bool reference_alive (const history_t *history, const set_t *set);

//  Appends what the set shows as record_show does; nothing if it is not alive.
void reference_show (const history_t *history, const set_t *set, buffer_t *out);

//  The last deletion in the past of a create whose writer saw a dead record there, under `latest`; else -1.
int reference_stands_on (const history_t *history, size_t event);

#endif

//  random - long histories of many records, by seed

#ifndef TIDEPOOL_TESTS_JOIN_RANDOM_H
#define TIDEPOOL_TESTS_JOIN_RANDOM_H

#include "tests/join/history.h"

//  True if all went well; else what happened is shrunk and printed.
bool random_run (record_rule_t rule, uint64_t seed);

#endif

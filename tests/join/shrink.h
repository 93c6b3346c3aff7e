//  shrink - the smallest history that still has a fault

#ifndef TIDEPOOL_TESTS_JOIN_SHRINK_H
#define TIDEPOOL_TESTS_JOIN_SHRINK_H

#include "tests/join/history.h"

//  Drops events, makes actions plainer, and merges clients as long as a fault is left; then prints.
void shrink_and_print (history_t *history);

#endif

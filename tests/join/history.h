//  history - what people did to one record, each knowing of some of the rest
//
//  An event is an app's action at one client; its past is the set of events that its writer had seen,
//  always closed and with all of its own client's. What the action becomes, the operation, depends on the
//  state that its writer found, and so on what was purged there: see worlds.c.

#ifndef TIDEPOOL_TESTS_JOIN_HISTORY_H
#define TIDEPOOL_TESTS_JOIN_HISTORY_H

#include "messages/record.h"

#include <stdio.h>

#define EVENTS_MAX     192 // of one record, in a long history
#define CLIENTS_MAX    8
#define PROPERTIES_MAX 4

typedef struct set {
    uint64_t words[EVENTS_MAX / 64];
} set_t;

static inline bool set_has (const set_t *self, size_t i)
{
    return self->words[i / 64] >> (i % 64) & 1;
}

static inline void set_add (set_t *self, size_t i)
{
    self->words[i / 64] |= 1ull << (i % 64);
}

static inline void set_remove (set_t *self, size_t i)
{
    self->words[i / 64] &= ~(1ull << (i % 64));
}

static inline set_t set_of (uint64_t small)
{
    return (set_t){{small}};
}

typedef struct event {
    set_t past;
    int client;
    int action;
    int on_conflict;
    unsigned properties; // which, as bits; none for a delete
    timestamp_t stamp;
    int stands_on; // the deletion that a create on a dead record stands on, or -1; by reference.c
    vector_t seen; // the past, of other clients
    watermark_t entries[CLIENTS_MAX];
} event_t;

typedef struct history {
    record_rule_t rule;
    size_t count;
    event_t events[EVENTS_MAX];
} history_t;

uuid16_t client_of (int number);

//  A canonical value {property: number of the event}, which lives as long as the program.
slice_t value_of (unsigned properties, size_t event);

//  The event as an operation, before it is admitted anywhere.
operation_t operation_of (const history_t *self, size_t event);

//  Fills stamp (time = place + 1), seen and stands_on of the last event from its past.
void history_settle (history_t *self);

//  Copies; the vectors of the copy are its own.
void history_copy (history_t *self, const history_t *from);

void history_print (const history_t *self, FILE *out);
const char *rule_name (record_rule_t rule);

#endif

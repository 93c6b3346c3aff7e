//  harness - one core on a store of its own, with mail, time and randomness in the test's hands

#ifndef TIDEPOOL_TEST_HARNESS_H
#define TIDEPOOL_TEST_HARNESS_H

#include <criterion/criterion.h>

#include "actors/actor.h"
#include "actors/sockets.h"
#include "tests/unit/actors/notation.h"

#define WALL    (1700000000ull << 32) // now, in every test
#define MONO_NS 1000000000000ull

typedef struct harness {
    char dir[128];
    store_t *store;
    config_t config;
    identity_t identity;
    metrics_t metrics;
    actor_setup_t setup;
    const actor_class_t *class;
    void *core;
    step_t step;
    txn_t *writing;
    char said[512]; // the last line for the log
    size_t said_count;
    void **kept; // memory that lives as long as the test
    size_t kept_count;
} harness_t;

//  An actor on a store with the default resources, not opened yet.
harness_t *harness_new (const actor_class_t *class);
void harness_open (harness_t *self);
void harness_destroy (harness_t **self_p); // and the store's directory

//  Writes into the store, in one transaction.
txn_t *harness_write (harness_t *self);
void harness_commit (harness_t *self);
//  create and update a shared record {name: 'text'}, delete it: each a group of its own, at this time, by client 900.
void harness_create (
    harness_t *self, const char *resource, uint64_t uuid, uint64_t time, const char *name);
void harness_update (
    harness_t *self, const char *resource, uint64_t uuid, uint64_t time, const char *name);
void harness_delete (harness_t *self, const char *resource, uint64_t uuid, uint64_t time);
//  An owned row; value in notation, NULL deletes. owner 0 is this node.
void harness_row (harness_t *self, uint64_t owner, uint64_t uuid, uint64_t time, const char *value);

//  One mail, in a round of its own.
void harness_mail (harness_t *self, int from, int verb, uint64_t ticket, const message_type_t *type,
    const void *body, const slice_t *frames, size_t frame_count);
//  A tick, if the core wanted one by now. True if it did.
bool harness_tick (harness_t *self);

//  The first mail of the verb that waits to be sent, NULL where there is none; lives as long as the test.
const mail_t *harness_take (harness_t *self, int verb);
size_t harness_waiting (const harness_t *self); // mails that wait to be sent
void harness_drop (harness_t *self);            // throws them away

//  Memory that lives as long as the test: msgpack of a notation, the notation of msgpack.
slice_t packed (harness_t *self, const char *notation);
const char *shown_as (harness_t *self, slice_t encoded);
void *harness_keep (harness_t *self, void *memory);

//  A message comes in at the core's socket 0, on line 4.
void harness_message (harness_t *self, const slice_t *frames, size_t frame_count);
//  What goes out, in answer, as one frame, in notation; "nothing" where there is none. It must go to line 4.
const char *harness_answer (harness_t *self);
//  Both: a request in notation, as a DEALER sends it, and its answer.
const char *harness_ask (harness_t *self, const char *request);

#endif

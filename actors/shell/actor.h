//  actor - the one common shell: a core in a thread, with sockets, a clock and a timer
//
//  Each actor is a zactor. Its pipe carries only:
//      from the actor   READY, and the body of an EDGE_BOUND for each of its listening sockets
//                       FAILED, and why; it ends then
//      to the actor     $TERM; it ends then
//  All else is mail (mailbox.h). How a round goes: actors/actor.h and README.md.

#ifndef TIDEPOOL_SHELL_ACTOR_H
#define TIDEPOOL_SHELL_ACTOR_H

#include "actors/shell/edge.h"

typedef struct actor_handle actor_t;

//  All that is pointed to must outlive the actor.
typedef struct actor_options {
    const char *instance; // names the mailboxes of one node: inproc://<instance>/<actor>
    const actor_class_t *class;
    const edge_class_t *edge; // NULL: it has no sockets of its own
    const actor_setup_t *setup;
    store_t *store; // NULL only in tests, for a core under TXN_NONE
    metrics_t *metrics;
} actor_options_t;

//  Starts the thread and waits until it says READY, or FAILED: then answers its error and why.
int actor_start (const actor_options_t *options, actor_t **ret_self, why_t *why);

//  Tells it to stop, and waits until it has.
void actor_destroy (actor_t **self_p);

const char *actor_title (const actor_t *self);
int actor_number (const actor_t *self); // enum actor

//  A socket to be polled: readable when the actor has something to say, which after READY is only
//  that it failed or ended.
void *actor_pipe (const actor_t *self);

//  After that: true, and why, if it will do nothing any more.
bool actor_ended (actor_t *self, why_t *why);

//  What it listens on: the bodies of its EDGE_BOUND mails, in order; an empty slice past the last.
slice_t actor_bound (const actor_t *self, size_t index);

//  The time as actors are given it.
now_t clock_now (void);

#endif

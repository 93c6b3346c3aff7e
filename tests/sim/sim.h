//  sim - a pool of nodes in one process, in virtual time
//
//  Each node has a real store (in memory-backed files, a small map) and the real cores of clock, oplog, pool and
//  link. What is replaced is the edges: sockets, time, randomness. One scheduler steps one actor at a time, chosen by
//  the seed, so that a seed replays a run exactly. App and operator are the test itself.

#ifndef TIDEPOOL_SIM_H
#define TIDEPOOL_SIM_H

#include <criterion/criterion.h>

#include "actors/actor.h"
#include "actors/sockets.h"
#include "messages/digest.h"
#include "messages/peer.h"

#define SIM_NODES_MAX 8

typedef struct sim sim_t;

//  A node ends at a commit, before or after it: whoever committed has said no more than the first things that it had to
//  say, and the others go on for a few steps.
typedef struct crash {
    uint64_t commits; // until that one; 0: it does not
    uint64_t steps;   // of the pool, until the node is gone
    int actor;        // that ended; 0: none has
    bool early;       // nothing is committed
} crash_t;

typedef struct sim_node {
    sim_t *sim;
    int index;
    bool running;
    char dir[128];
    config_t config;
    identity_t identity;
    actor_setup_t setup;
    store_t *store;
    metrics_t metrics;
    int64_t skew_ns;    // its wall clock is ahead by this
    uint64_t wall_most; // the latest that it has shown to an actor
    void *cores[ACTOR_COUNT];
    step_t steps[ACTOR_COUNT];
    mail_list_t boxes[ACTOR_COUNT];
    uint64_t next_ticket;
    mail_t *answer;  // to the last request of the test, also one that a crash kept from being said
    uint64_t wanted; // its ticket
    timestamp_t stamped; // of the last operation that an app's request was granted
    bool holding;        // sim_hold_link
    mail_list_t held;
    buffer_t admitted[2]; // [bin 32, …] that its sockets let in
    char alarms[16][64];  // codes that stand
    size_t alarm_count;
    //  Faults.
    uint64_t fail_commits; // the next commits fail
    uint64_t commits;
    crash_t crash;
    bool outside; // it is not in the pool yet: no app writes there
} sim_node_t;

struct sim {
    uint64_t seed;
    uint64_t random;
    uint64_t mono_ns;
    sim_node_t nodes[SIM_NODES_MAX];
    size_t count;
    struct sim_wire *wires;
    uint64_t next_even;
    uint64_t latency_ns; // the most that a message takes, about; 0: none. Connections from then on
    bool cut[SIM_NODES_MAX][SIM_NODES_MAX];
    bool deaf[SIM_NODES_MAX][SIM_NODES_MAX]; // sim_deafen: to what the second says
    uint64_t messages;                       // between nodes so far
    uint64_t spoken;                         // those that are more than pings
    uint64_t hash;                           // of all mail so far, in its order
    bool tells_wires;                        // in the trace
    void (*watch) (void *context, int node); // after each commit of a node; NULL: nobody
    void *watch_context;
};

//  A condition that a checker of that name demands of the pool.
#define sim_check(self, condition, checker, format, ...)                                           \
    cr_assert (condition, "seed %llu: " checker ": " format,                                       \
        (unsigned long long)(self)->seed __VA_OPT__ (, ) __VA_ARGS__)

//  A line of the trace: what happens now. SIM_TRACE=1 prints it, and 2 each message's verb too.
void sim_note (const sim_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

sim_t *sim_new (uint64_t seed, size_t nodes);
void sim_destroy (sim_t **self_p);

uint64_t sim_random (sim_t *self, uint64_t below);

//  Steps until the predicate holds, or virtual seconds have passed; true if it holds.
typedef bool (sim_predicate_t) (sim_t *self, void *context);
bool sim_until (sim_t *self, sim_predicate_t *predicate, void *context, uint64_t seconds);
void sim_pass (sim_t *self, uint64_t seconds);
void sim_step (sim_t *self); // one actor, or a millisecond

//  A cut lets nothing through and ends what was connected.
void sim_cut (sim_t *self, int a, int b, bool cut);

//  What `from` says does not reach `to`, and waits on its way; the other direction is open.
void sim_deafen (sim_t *self, int to, int from, bool deaf);

//  Ends the node at once, losing all that was not committed; starts it again.
void sim_kill (sim_t *self, int node);
void sim_start (sim_t *self, int node);

//  Every node's stale_after_s and ack_interval_s; before anything else.
void sim_intervals (sim_t *self, uint64_t stale_after_s, uint64_t ack_interval_s);

//  A copy of what a node that is not running has stored, and that copy put back in its place.
void sim_backup (sim_t *self, int node);
void sim_restore (sim_t *self, int node);
void sim_restore_asking (sim_t *self, int node); // as `tidepool restore` does

//  ---- what is kept
uint64_t sim_metric (sim_t *self, int node, enum metric metric);
uint64_t sim_log (sim_t *self, int node);        // batches in the log
uint64_t sim_tombstones (sim_t *self, int node); // deletions that are remembered
uint64_t sim_found (sim_t *self, int node);      // entries in lost and found
bool sim_is_found (sim_t *self, int node, const uuid16_t *uuid);
bool sim_is_declared (sim_t *self, int node, int other); // stale, as `node` knows it
bool sim_is_returning (sim_t *self, int node, int other);
bool sim_has_setting (sim_t *self, int node, const char *name); // "joining": it takes a copy
bool sim_is_ready (sim_t *self, int node);                      // it takes none

//  ---- what an app and an operator do; each waits for the answer

#define SIM_CRASHED (-1000) // the node ended before it did what it was asked for

//  {verb: …} to an actor; 0, or the error it was refused with. *ret_map (may be NULL) gets the answer's map.
int sim_command (sim_t *self, int node, int actor, const char *verb, const char *key, slice_t value,
    buffer_t *ret_map);

//  The same with a whole request, without its answer.
int sim_request (sim_t *self, int node, int actor, const char *verb, slice_t request);

//  One operation. value is {"name": text}; NULL for a delete. Answers 0 or the error.
int sim_apply (sim_t *self, int node, const char *action, const char *resource,
    const uuid16_t *uuid, const char *name);

//  Operations as an app submits them, one request: a packed array of maps.
int sim_apply_ops (sim_t *self, int node, slice_t ops);

//  Declares a shared resource, "wins" or "latest", as an app does.
int sim_declare (sim_t *self, int node, const char *name, const char *delete_rule);
int sim_declare_gset (sim_t *self, int node, const char *name);
int sim_declare_two (
    sim_t *self, int node, const char *one, const char *other, const char *delete_rule);

//  While it is held, a node's link does not hear from its oplog what was committed, as if it were slow.
void sim_hold_link (sim_t *self, int node, bool hold);

//  Says something to a node over its line with another as if that one's link had said it; false if there is no line.
bool sim_say (sim_t *self, int from, int to, const slice_t *frames, size_t count);

//  Hands a node's oplog batches as if a peer had brought them; 0, or the error they were refused with.
int sim_take (sim_t *self, int node, slice_t batches);
int sim_take_from (sim_t *self, int node, const uuid16_t *peer, slice_t batches);

//  Hands it anything that link hands it, and waits; 0, or the error that it answers.
int sim_hand (sim_t *self, int node, int verb, const message_type_t *type, const void *body,
    const slice_t *frame);

//  Invites on one, joins with the other, and waits until that is ready.
void sim_pair (sim_t *self, int inviter, int joiner);

//  The same without waiting; 0, or the error with which either refuses.
int sim_invite (sim_t *self, int inviter, int joiner);

//  A node says that those are stale whose bits are set, or back.
void sim_say_stale (sim_t *self, int node, unsigned others, bool stale);

//  Are both in one pool, and is the first one ready there?
bool sim_is_with (sim_t *self, int node, int other);

//  The text in "name" of a visible record, or "" where none is visible.
const char *sim_name (sim_t *self, int node, const char *resource, const uuid16_t *uuid);

//  Appends what a shared record shows; nothing where none is visible.
void sim_value (
    sim_t *self, int node, const char *resource, const uuid16_t *uuid, buffer_t *ret_value);

//  A node's watermarks of batches; the vector is cleared first.
void sim_vector (sim_t *self, int node, vector_t *ret_vector);

//  Equal vectors, and equal counts and digests of every resource, at all running nodes.
bool sim_converged (sim_t *self, void *unused);
void sim_expect_converged (sim_t *self, uint64_t seconds);
void sim_tell (sim_t *self); // what each node knows of the others, to stderr

uuid16_t sim_uuid (uint64_t number);
bool sim_alarm (sim_t *self, int node, const char *code);

#endif

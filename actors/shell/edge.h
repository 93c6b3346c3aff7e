//  edge - an actor's own sockets and descriptors, inside its shell
//
//  The core never sees a socket. What comes in reaches it as mail from ACTOR_EDGE (EDGE_IN,
//  EDGE_EVENT, EDGE_BOUND), and what it wants done it sends to ACTOR_EDGE (EDGE_OUT, EDGE_DIAL,
//  EDGE_HANG_UP, EDGE_ADMIT, EDGE_HOLD). An edge is this small table; it runs in its actor's
//  thread and nowhere else. Sockets' numbers: actors/sockets.h.
//
//  Raw calls of libzmq throughout: czmq's constructors assert where descriptors run out, and a
//  peer or an app must never be able to end the process.

#ifndef TIDEPOOL_EDGE_H
#define TIDEPOOL_EDGE_H

#include "actors/shell/why.h"
#include "actors/actor.h"

#include <zmq.h>

#define EDGE_SOCKETS_MAX 4 // that listen, of one edge

//  What an actor waits for.
typedef struct poll_list {
    zmq_pollitem_t *items;
    size_t count;
    size_t capacity;
} poll_list_t;

//  Adds a socket, or where it is NULL a descriptor, to be waited for until it is readable.
void poll_list_add (poll_list_t *self, void *socket, int descriptor);
void poll_list_release (poll_list_t *self);

typedef struct edge_setup {
    const actor_setup_t *actor;
    store_t *store; // may be NULL in tests
    metrics_t *metrics;
    int owner; // enum actor: whose edge this is
} edge_setup_t;

typedef struct edge_class {
    //  Opens and binds. Puts what the core should know into `in`: an EDGE_BOUND for each socket
    //  that listens.
    int (*open) (const edge_setup_t *setup, mail_list_t *in, void **ret_self, why_t *why);
    //  Adds what is to be waited for.
    void (*poll) (void *self, poll_list_t *items);
    //  After the wait: `items` is exactly what poll added. Reads a bounded number of messages
    //  into `in`. True if there may be more that waiting would not show.
    bool (*read) (void *self, const zmq_pollitem_t *items, mail_list_t *in);
    //  Does what the mail says and takes it; what comes of it goes into `in`.
    void (*write) (void *self, mail_t **mail_p, mail_list_t *in);
    void (*close) (void **self_p);
} edge_class_t;

extern const edge_class_t edge_link;
extern const edge_class_t edge_api;
extern const edge_class_t edge_admin;

//  ---- what the edges share

//  Puts a mail from the edge into `in`; takes the frames.
void edge_tell (mail_list_t *in, int owner, int verb, const message_type_t *type, const void *body,
    frame_t *frames, size_t frame_count);
void edge_tell_event (
    mail_list_t *in, int owner, int socket, uint64_t line, int event, const char *detail);
void edge_tell_bound (
    mail_list_t *in, int owner, int socket, const char *const *endpoints, size_t count);

//  A stranger was refused: counts it, and tells the core unless it has been told too often lately
//  (a stranger must not be able to keep the node busy with saying so).
typedef struct denials {
    uint64_t since_ns;
    unsigned told;
} denials_t;
void edge_tell_denied (
    denials_t *self, const edge_setup_t *setup, int socket, const char *detail, mail_list_t *in);

//  Decodes a mail of the core's to its edge: false (and said) if it is not what its verb says.
bool edge_understand (int owner, const mail_t *mail, const message_type_t *type, void *ret_body);

#endif

//  server - a ROUTER that listens, and its lines: a number for each connection
//
//  A ROUTER knows a connection by a routing id, tells nobody when one comes or goes, and a client
//  may choose its id itself. A core wants a number that means one connection, for ever. So:
//
//      message ──> descriptor of its connection (ZMQ_SRCFD) ──> slot[descriptor] { line, routing id }
//      line = (serial << 20 | descriptor) << 1        even; serial never comes again
//      monitor: ACCEPTED (descriptor), DISCONNECTED (descriptor) ──> LOST, when all that it had sent has been read
//
//  A message whose slot holds another routing id belongs to a later connection on the same
//  descriptor: the earlier one is lost.

#ifndef TIDEPOOL_SERVER_H
#define TIDEPOOL_SERVER_H

#include "actors/shell/edge.h"

typedef struct server server_t;

typedef struct server_options {
    const edge_setup_t *setup; // outlives the server
    int number;                // of the socket: actors/sockets.h
    int64_t frame_bytes_max;
    int receive_max;
    const identity_t *identity; // NULL: plain
    const char *domain;
    int garbage; // enum metric: counts messages of too many frames
} server_options_t;

int server_new (const server_options_t *options, server_t **ret_self, why_t *why);
void server_destroy (server_t **self_p);

//  May be called again for another endpoint.
int server_bind (server_t *self, const char *endpoint, const char *kept,
    char ret_bound[LIMIT_ENDPOINT_BYTES + 1], why_t *why);

//  Adds two items to the list, or one while on hold; read takes what poll added, and *items_p
//  steps over them.
void server_poll (server_t *self, poll_list_t *items);
bool server_read (server_t *self, const zmq_pollitem_t **items_p, mail_list_t *in);

//  Sends the mail's frames. A line that is not known (any more) is passed over in silence; one
//  that does not take it is lost.
void server_write (server_t *self, uint64_t line, mail_t *mail, mail_list_t *in);

//  Forgets the line. (A ROUTER cannot close one connection: what still comes from it bears a new
//  line.)
void server_hang_up (server_t *self, uint64_t line);

void server_hold (server_t *self, bool hold);

#endif

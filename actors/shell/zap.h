//  zap - who may come in: ZeroMQ's authentication requests (RFC 27) answered in the link actor's
//  own thread
//
//  ZeroMQ asks at inproc://zeromq.zap.01 for each CURVE handshake of the process. A key is
//  admitted if it is in the set of the server's domain; the answer's User-Id is the key as Z85,
//  and comes back with every message of that connection. It must be bound before any CURVE server
//  of the process is: a client that comes before is let in. What is not a request as RFC 27 has
//  it gets no answer.
//
//  czmq's zauth was rejected: it is one more thread, takes keys only as files in a directory, and
//  with CURVE_ALLOW_ANY it leaves User-Id empty.

#ifndef TIDEPOOL_ZAP_H
#define TIDEPOOL_ZAP_H

#include "actors/shell/edge.h"

enum zap_domain { ZAP_PEERS, ZAP_DOOR, ZAP_APP, ZAP_DOMAIN_COUNT };

extern const char *const zap_domain_names[ZAP_DOMAIN_COUNT];

typedef struct zap zap_t;

int zap_new (const edge_setup_t *setup, zap_t **ret_self, why_t *why);
void zap_destroy (zap_t **self_p);

void zap_poll (zap_t *self, poll_list_t *items); // one item
void zap_read (zap_t *self, mail_list_t *in);

//  The keys that may come in from now on, instead of those before. Connections that stand are not
//  closed.
void zap_admit (zap_t *self, int domain, const public_key_t *keys, size_t count);

#endif

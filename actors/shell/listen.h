//  listen - making sockets that face the outside, with the options that each of them must have
//
//  The options and the reason for each: README.md, "Options of sockets".

#ifndef TIDEPOOL_LISTEN_H
#define TIDEPOOL_LISTEN_H

#include "actors/shell/why.h"
#include "messages/keys.h"
#include "messages/limits.h"

typedef struct listen_options {
    int type; // ZMQ_ROUTER, …
    int64_t frame_bytes_max;
    int receive_max; // messages that wait here, a connection
    int send_max;
    const identity_t *identity; // whose CURVE server it is; NULL: plain, for ipc only
    const char *domain;         // ZAP: "peers", "door" or "app"; a dialler has none
    const public_key_t *server; // a dialler: the key that must answer
    const uint8_t *secret;      // a dialler: its own CURVE secret, 32 bytes …
    const public_key_t *key;    // … and what the world sees of it
} listen_options_t;

//  NULL, and why, if the process has no descriptors or sockets left.
void *listen_socket (const listen_options_t *options, why_t *why);

//  Closes it and forgets its monitor first (a monitor whose reader is gone would block ZeroMQ's
//  I/O thread). NULLs are fine.
void listen_close (void **socket_p, void **monitor_p);

//  A PAIR from which the socket's events come.
void *listen_monitor (void *socket, int events, why_t *why);

//  Reads one event; false when there is none. `value`: a descriptor, an errno or a status, as the
//  event says.
bool listen_event (void *monitor, int *ret_event, uint32_t *ret_value);

//  Binds. Where the port is `*`, the port of `kept` (may be NULL or empty) is tried first. A path
//  of ipc that is somebody else's (a file, a socket that answers) is refused: ZeroMQ would delete
//  it. ret_bound: where it really listens.
int listen_bind (void *socket, const char *endpoint, const char *kept,
    char ret_bound[LIMIT_ENDPOINT_BYTES + 1], why_t *why);

int listen_connect (void *socket, const char *endpoint, why_t *why);

//  Removes the file that a socket of ipc leaves behind (ZeroMQ does not).
void listen_unlink (const char *endpoint);

bool endpoint_is_ipc (const char *endpoint);

#endif

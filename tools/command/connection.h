//  connection - one node's socket, asked and answered
//
//  A DEALER that speaks as a REQ does. Where the socket is says DIR/endpoints.zpl, which a running node writes; without it
//  DIR/NAME.sock is tried. Other than over ipc it is CURVE, with DIR's own identity.
//
//  What can go wrong is said on standard error here, and answered as the exit status. Only one thing is not an end:
//  CONNECTION_WAITS, nothing has come yet.

#ifndef TIDEPOOL_CONNECTION_H
#define TIDEPOOL_CONNECTION_H

#include "tools/command/command.h"

#define CONNECTION_WAITS -1
#define CONNECTION_LOST  -2

#define CONNECT_MS 5000  // for a node to be there
#define ANSWER_MS  60000 // for an answer to what is done at once
#define FOR_EVER   -1    // for one that takes as long as it takes, while the node is there

//  A request under construction.
typedef struct ask {
    const char *verb;
    size_t count;
    buffer_t fields;
} ask_t;

void ask_text (ask_t *self, const char *name, const char *text);
void ask_uint (ask_t *self, const char *name, uint64_t value);
void ask_bool (ask_t *self, const char *name, bool value);
void ask_uuid (ask_t *self, const char *name, const uuid16_t *uuid);
void ask_raw (ask_t *self, const char *name, slice_t value);

typedef struct connection connection_t;

//  `name`: api or admin.
int connection_open (const command_t *command, const char *name, connection_t **ret_self);
void connection_destroy (connection_t **self_p);

//  Sends the request and releases its fields. One at a time is under way.
int connection_send (connection_t *self, ask_t *ask);

//  The answer that is {ok: true, …}; it lives until the next call. A refusal is said. CONNECTION_WAITS after timeout_ms.
int connection_receive (connection_t *self, int timeout_ms, slice_t *ret_answer);

//  The same; that the node went away is not said, but answered: CONNECTION_LOST.
int connection_try (connection_t *self, int timeout_ms, slice_t *ret_answer);

//  Send and receive. No answer in time is an end here.
int connection_ask (connection_t *self, ask_t *ask, int timeout_ms, slice_t *ret_answer);

//  Opens, asks, closes. The answer is appended to the buffer.
int connection_ask_once (
    const command_t *command, const char *name, ask_t *ask, int timeout_ms, buffer_t *out);

//  True while the node is there.
bool connection_stands (connection_t *self);

//  A SUB on the feed; NULL if it cannot be made, which is said. The connection keeps and closes it.
void *connection_feed (connection_t *self);

#endif

//  ask - requests to a node, one at a time or several in flight

#ifndef TIDEPOOL_ASK_H
#define TIDEPOOL_ASK_H

#include "messages/pack.h"
#include "tools/bench/load.h"

#include <zmq.h>

#define ASK_SECONDS_MAX 120 // without an answer

//  One DEALER. It leaves the empty frame of a REQ out.
typedef struct ask {
    void *socket;
    zmq_msg_t answer; // the last one
    char endpoint[128];
} ask_t;

void ask_open (ask_t *self, void *context, const char *endpoint);
void ask_close (ask_t *self);

void ask_send (ask_t *self, slice_t request);

//  The next answer, borrowed until the next one; false after timeout_ms without one.
bool ask_receive (ask_t *self, int timeout_ms, slice_t *ret_answer);

//  Sends, waits, dies if it is refused.
slice_t ask (ask_t *self, slice_t request);

//  Begins {"do": verb, …}; the caller appends the entries.
void request_begin (buffer_t *out, const char *verb, size_t more);

//  Dies unless it says "ok".
void answer_check (slice_t answer, const char *of);

//  "a.b.c" of nested maps; dies where there is nothing (answer_find says false).
bool answer_find (slice_t answer, const char *path, slice_t *ret_value);
uint64_t answer_uint (slice_t answer, const char *path);
void answer_text (slice_t answer, const char *path, char *ret_text, size_t size);

//  ---- several in flight

typedef struct lane {
    ask_t *ask;
    const load_t *load;
    size_t first; // the requests of the load that this lane sends: [first, end)
    size_t end;
    size_t sent;
    size_t answered;
} lane_t;

//  Sends what the lanes hold, each with so many in flight, until all is answered. Seconds that it took.
double lanes_drive (lane_t *lanes, size_t count, size_t in_flight);

#endif

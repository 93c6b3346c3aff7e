//  dial - a connection that this node opens: one DEALER, one line

#include "actors/shell/dial.h"
#include "actors/shell/listen.h"
#include "actors/shell/wire.h"
#include "actors/sockets.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define READ_MAX    64 // messages of one dial in one round
#define RECEIVE_MAX 100
#define SEND_MAX    1000

typedef struct dial {
    void *socket;
    void *monitor;
    uint64_t line;
    int number; // LINK_PEERS or LINK_DOOR
    public_key_t server;
    bool connected;
    int ended; // EDGE_LOST, EDGE_UNREACHABLE, EDGE_REFUSED, or -1: it goes on
    char why[96];
} dial_t;

struct dials {
    edge_setup_t setup;
    dial_t *items;
    size_t count;
    size_t capacity;
};

dials_t *dials_new (const edge_setup_t *setup)
{
    dials_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    self->setup = *setup;
    return self;
}

void dials_destroy (dials_t **self_p)
{
    dials_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        listen_close (&self->items[i].socket, &self->items[i].monitor);
    free (self->items);
    free (self);
    *self_p = NULL;
}

static dial_t *dial_of_line (dials_t *self, uint64_t line)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].line == line)
            return &self->items[i];
    return NULL;
}

//  Closes it; the last takes its place.
static void dial_drop (dials_t *self, dial_t *dial)
{
    listen_close (&dial->socket, &dial->monitor);
    *dial = self->items[--self->count];
}

static void dial_tell (
    dials_t *self, const dial_t *dial, int event, const char *detail, mail_list_t *in)
{
    edge_tell_event (in, self->setup.owner, dial->number, dial->line, event, detail);
}

//  ---- opening

static int dial_connect (dials_t *self, dial_t *dial, const edge_dial_t *ask, why_t *why)
{
    const identity_t *identity = self->setup.actor->identity;
    public_key_t key = identity->curve;
    uint8_t secret[32];
    memcpy (secret, identity->curve_secret, sizeof secret);
    if (ask->secret.size == sizeof secret)
        curve_of_secret (ask->secret.data, &key, secret);
    const listen_options_t options = {.type = ZMQ_DEALER,
        .frame_bytes_max = LIMIT_PEER_FRAME_BYTES,
        .receive_max = RECEIVE_MAX,
        .send_max = SEND_MAX,
        .server = &ask->server,
        .key = &key,
        .secret = secret};
    dial->socket = listen_socket (&options, why);
    if (dial->socket)
        dial->monitor = listen_monitor (dial->socket,
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED,
            why);
    if (!dial->monitor)
        return ERR_SYSTEM;
    char endpoint[LIMIT_ENDPOINT_BYTES + 1];
    if (ask->endpoint.size > LIMIT_ENDPOINT_BYTES)
        return why_fail (why, ERR_BAD_REQUEST, "the endpoint is too long");
    snprintf (endpoint, sizeof endpoint, "%.*s", (int)ask->endpoint.size,
        (const char *)ask->endpoint.data);
    return listen_connect (dial->socket, endpoint, why);
}

void dials_open (dials_t *self, const edge_dial_t *ask, mail_list_t *in)
{
    assert (ask->line & 1);
    why_t why = {""};
    dial_t dial = {.line = ask->line,
        .server = ask->server,
        .ended = -1,
        .number = ask->secret.size ? LINK_DOOR : LINK_PEERS};
    if (dial_connect (self, &dial, ask, &why)) {
        listen_close (&dial.socket, &dial.monitor);
        dial_tell (self, &dial, EDGE_UNREACHABLE, why.text, in);
        return;
    }
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 16;
        self->items = realloc (self->items, self->capacity * sizeof *self->items);
        if (!self->items)
            abort ();
    }
    self->items[self->count++] = dial;
}

//  ---- reading

static void dial_end (dial_t *dial, int event, const char *why)
{
    if (dial->ended >= 0)
        return;
    dial->ended = event;
    snprintf (dial->why, sizeof dial->why, "%s", why);
}

static void dial_event (dials_t *self, dial_t *dial, int event, uint32_t value, mail_list_t *in)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        dial->connected = true;
        dial_tell (self, dial, EDGE_CONNECTED, NULL, in);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        dial_end (dial, EDGE_REFUSED, "it does not admit this node");
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        dial_end (dial, EDGE_UNREACHABLE, "it does not speak CURVE as we do");
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        //  A CURVE server that cannot open our first box (made for another key) just closes.
        dial_end (dial, EDGE_UNREACHABLE,
            value == EAGAIN ? "it does not answer" : "it hung up in the handshake: another key?");
        break;
    case ZMQ_EVENT_CONNECT_RETRIED:
        dial_end (dial, EDGE_UNREACHABLE, "there is no such host or address");
        break;
    case ZMQ_EVENT_CLOSED: dial_end (dial, EDGE_UNREACHABLE, "nobody listens there"); break;
    case ZMQ_EVENT_DISCONNECTED:
        dial_end (dial, dial->connected ? EDGE_LOST : EDGE_UNREACHABLE, "disconnected");
        break;
    default: break;
    }
}

//  True if everything that had arrived has been read.
static bool dial_read (dials_t *self, dial_t *dial, mail_list_t *in)
{
    frame_t frames[MAIL_FRAMES_MAX];
    for (int i = 0; i < READ_MAX; i++) {
        size_t count;
        int rc = wire_receive (dial->socket, frames, MAIL_FRAMES_MAX, &count);
        if (rc == ERR_TOO_LARGE) {
            metric_add (self->setup.metrics, METRIC_PEER_GARBAGE, 1);
            continue;
        }
        if (rc)
            return true;
        edge_in_t body = {
            .socket = (uint64_t)dial->number, .line = dial->line, .key = dial->server};
        edge_tell (in, self->setup.owner, MAIL_EDGE_IN, &edge_in_type, &body, frames, count);
    }
    return false;
}

void dials_poll (dials_t *self, poll_list_t *items)
{
    for (size_t i = 0; i < self->count; i++) {
        poll_list_add (items, self->items[i].monitor, 0);
        poll_list_add (items, self->items[i].socket, 0);
    }
}

bool dials_read (dials_t *self, const zmq_pollitem_t *items, mail_list_t *in)
{
    bool more = false;
    for (size_t i = self->count;
         i-- > 0;) { // from the end: dropping moves the last, which has been read
        dial_t *dial = &self->items[i];
        int event;
        uint32_t value;
        if (items[2 * i].revents)
            while (listen_event (dial->monitor, &event, &value))
                dial_event (self, dial, event, value, in);
        bool all = true;
        if (items[2 * i + 1].revents || dial->ended >= 0)
            all = dial_read (self, dial, in);
        if (dial->ended >= 0 && all) {
            dial_tell (self, dial, dial->ended, dial->why, in);
            dial_drop (self, dial);
        }
        more = more || !all;
    }
    return more;
}

//  ---- writing

bool dials_write (dials_t *self, uint64_t line, mail_t *mail, mail_list_t *in)
{
    dial_t *dial = dial_of_line (self, line);
    if (!dial)
        return false;
    size_t count = mail->frame_count;
    mail->frame_count = 0;
    int rc = count ? wire_send_all (dial->socket, mail->frames, count) : 0;
    if (rc) {
        dial_tell (self, dial, EDGE_LOST, rc == ERR_BUSY ? "it takes nothing" : "disconnected", in);
        dial_drop (self, dial);
    }
    return true;
}

bool dials_hang_up (dials_t *self, uint64_t line)
{
    dial_t *dial = dial_of_line (self, line);
    if (dial)
        dial_drop (self, dial);
    return dial != NULL;
}

//  server - a ROUTER that listens, and its lines

#include "actors/shell/server.h"
#include "actors/shell/listen.h"
#include "actors/shell/log.h"
#include "actors/shell/wire.h"

#include <assert.h>
#include <stdlib.h>

#define READ_MAX     64   // messages in one round
#define SEND_MAX     1000 // answers that wait for a client that does not read
#define LINE_SHIFT   20
#define LINE_FD_MASK ((1u << LINE_SHIFT) - 1)

typedef struct slot {
    uint64_t line; // 0: no connection that has said anything
    bool alive;    // between ACCEPTED and DISCONNECTED
    bool gone;     // disconnected, and not yet told
    uint8_t id_size;
    uint8_t *id; // routing id
} slot_t;

struct server {
    server_options_t options;
    void *socket;
    void *monitor;
    denials_t denials;
    bool hold;
    size_t gone_count;
    size_t slot_count; // descriptors are small numbers: a plain array
    slot_t *slots;
};

int server_new (const server_options_t *options, server_t **ret_self, why_t *why)
{
    const listen_options_t listen = {.type = ZMQ_ROUTER,
        .frame_bytes_max = options->frame_bytes_max,
        .receive_max = options->receive_max,
        .send_max = SEND_MAX,
        .identity = options->identity,
        .domain = options->domain};
    server_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    self->options = *options;
    self->socket = listen_socket (&listen, why);
    if (self->socket)
        self->monitor = listen_monitor (self->socket,
            ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, why);
    if (!self->monitor) {
        server_destroy (&self);
        return ERR_SYSTEM;
    }
    *ret_self = self;
    return 0;
}

void server_destroy (server_t **self_p)
{
    server_t *self = *self_p;
    if (!self)
        return;
    listen_close (&self->socket, &self->monitor);
    for (size_t i = 0; i < self->slot_count; i++)
        free (self->slots[i].id);
    free (self->slots);
    free (self);
    *self_p = NULL;
}

int server_bind (server_t *self, const char *endpoint, const char *kept,
    char ret_bound[LIMIT_ENDPOINT_BYTES + 1], why_t *why)
{
    return listen_bind (self->socket, endpoint, kept, ret_bound, why);
}

void server_hold (server_t *self, bool hold)
{
    self->hold = hold;
}

//  ---- slots

static slot_t *slot_at (server_t *self, uint32_t descriptor)
{
    if (descriptor > LINE_FD_MASK)
        return NULL;
    if (descriptor >= self->slot_count) {
        size_t count = (descriptor | 63u) + 1;
        self->slots = realloc (self->slots, count * sizeof *self->slots);
        if (!self->slots)
            abort ();
        memset (
            self->slots + self->slot_count, 0, (count - self->slot_count) * sizeof *self->slots);
        self->slot_count = count;
    }
    return &self->slots[descriptor];
}

static slot_t *slot_of_line (server_t *self, uint64_t line)
{
    size_t descriptor = line >> 1 & LINE_FD_MASK;
    bool known = line && descriptor < self->slot_count && self->slots[descriptor].line == line;
    return known ? &self->slots[descriptor] : NULL;
}

static void slot_forget (server_t *self, slot_t *slot)
{
    if (slot->gone)
        self->gone_count--;
    slot->gone = false;
    slot->line = 0;
}

static void slot_lose (server_t *self, slot_t *slot, const char *detail, mail_list_t *in)
{
    uint64_t line = slot->line;
    slot_forget (self, slot);
    edge_tell_event (in, self->options.setup->owner, self->options.number, line, EDGE_LOST, detail);
}

static void slot_go (server_t *self, slot_t *slot)
{
    if (slot->line && !slot->gone) {
        slot->gone = true;
        self->gone_count++;
    }
}

static void slot_begin (server_t *self, slot_t *slot, uint32_t descriptor, slice_t id)
{
    static _Atomic uint64_t serial;
    slot->line = (++serial << LINE_SHIFT | descriptor) << 1;
    slot->id = realloc (slot->id, id.size ? id.size : 1);
    if (!slot->id)
        abort ();
    memcpy (slot->id, id.data, id.size);
    slot->id_size = (uint8_t)id.size;
    if (!slot->alive) // its last words: lost as soon as they are read
        slot_go (self, slot);
}

//  ---- reading

static void read_events (server_t *self, mail_list_t *in)
{
    int event;
    uint32_t value;
    while (listen_event (self->monitor, &event, &value)) {
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
            if (self->options.identity)
                edge_tell_denied (&self->denials, self->options.setup, self->options.number,
                    "it does not speak CURVE, or expects another key of this node", in);
            continue;
        }
        slot_t *slot = slot_at (self, value);
        if (!slot)
            continue;
        if (event == ZMQ_EVENT_ACCEPTED && slot->line)
            slot_lose (self, slot, "disconnected", in);
        slot->alive = event == ZMQ_EVENT_ACCEPTED;
        if (!slot->alive)
            slot_go (self, slot);
    }
}

static slot_t *slot_of_message (server_t *self, const frame_t *frames, mail_list_t *in)
{
    int descriptor = wire_descriptor (&frames[1]);
    slot_t *slot = descriptor < 0 ? NULL : slot_at (self, (uint32_t)descriptor);
    if (!slot)
        return NULL;
    slice_t id = frames[0].bytes;
    if (slot->line && slice_equal (slice_of (slot->id, slot->id_size), id))
        return slot;
    read_events (self, in); // so that it is known whether this connection still stands
    slot = slot_at (self, (uint32_t)descriptor);
    if (slot->line)
        slot_lose (self, slot, "disconnected", in);
    slot_begin (self, slot, (uint32_t)descriptor, id);
    return slot;
}

//  False: there was nothing to read.
static bool read_message (server_t *self, mail_list_t *in)
{
    frame_t frames[1 + MAIL_FRAMES_MAX];
    size_t count;
    int rc = wire_receive (self->socket, frames, 1 + MAIL_FRAMES_MAX, &count);
    if (rc && rc != ERR_TOO_LARGE)
        return false;
    slot_t *slot = rc == 0 && count > 1 ? slot_of_message (self, frames, in) : NULL;
    if (!slot) {
        metric_add (self->options.setup->metrics, (enum metric)self->options.garbage, 1);
        if (rc == 0)
            wire_release_all (frames, count);
        return true;
    }
    edge_in_t body = {.socket = (uint64_t)self->options.number, .line = slot->line};
    const char *key = wire_property (&frames[1], "User-Id");
    if (key && key_from_z85 (slice_text (key), &body.key))
        memset (&body.key, 0, sizeof body.key);
    edge_tell (
        in, self->options.setup->owner, MAIL_EDGE_IN, &edge_in_type, &body, frames + 1, count - 1);
    wire_release_all (frames, 1);
    return true;
}

static void tell_gone (server_t *self, mail_list_t *in)
{
    for (size_t i = 0; i < self->slot_count && self->gone_count; i++)
        if (self->slots[i].gone)
            slot_lose (self, &self->slots[i], "disconnected", in);
}

void server_poll (server_t *self, poll_list_t *items)
{
    poll_list_add (items, self->monitor, 0);
    if (!self->hold)
        poll_list_add (items, self->socket, 0);
}

bool server_read (server_t *self, const zmq_pollitem_t **items_p, mail_list_t *in)
{
    const zmq_pollitem_t *items = *items_p;
    *items_p += self->hold ? 1 : 2;
    if (items[0].revents)
        read_events (self, in);
    if (self->hold)
        return false;
    size_t count = 0;
    if (items[1].revents || self->gone_count)
        while (count < READ_MAX && read_message (self, in))
            count++;
    if (count < READ_MAX)
        tell_gone (self, in);
    return self->gone_count > 0;
}

//  ---- writing

void server_write (server_t *self, uint64_t line, mail_t *mail, mail_list_t *in)
{
    slot_t *slot = slot_of_line (self, line);
    if (!slot || mail->frame_count == 0)
        return;
    frame_t frames[1 + MAIL_FRAMES_MAX];
    frames[0] = frame_copy (slice_of (slot->id, slot->id_size));
    memcpy (frames + 1, mail->frames, mail->frame_count * sizeof *frames);
    size_t count = 1 + mail->frame_count;
    mail->frame_count = 0;
    int rc = wire_send_all (self->socket, frames, count);
    if (rc)
        slot_lose (self, slot, rc == ERR_BUSY ? "it does not read" : "disconnected", in);
}

void server_hang_up (server_t *self, uint64_t line)
{
    slot_t *slot = slot_of_line (self, line);
    if (slot)
        slot_forget (self, slot);
}

//  wires - see wires.h

#include "tests/sim/wires.h"

#include <stdlib.h>

//  A message on its way.
typedef struct sim_flight {
    mail_t *mail; // to the link at the other end
    uint64_t due_ns;
    struct sim_flight *next;
} sim_flight_t;

enum direction { TO_LISTENER, TO_DIALLER, DIRECTIONS };

//  A connection between two nodes, as both ends name it.
typedef struct sim_wire {
    int dialler, listener;
    uint64_t dialler_line, listener_line;
    uint64_t socket;
    public_key_t dialler_key;
    struct sim_wire *next;
    uint64_t latency_ns[DIRECTIONS];
    sim_flight_t *flights[DIRECTIONS]; // in their order
} sim_wire_t;

//  ---- messages on their way

static int far_end (const sim_wire_t *wire, int direction)
{
    return direction == TO_LISTENER ? wire->listener : wire->dialler;
}

static bool is_deaf (const sim_t *self, const sim_wire_t *wire, int direction)
{
    return direction == TO_LISTENER ? self->deaf[wire->listener][wire->dialler]
                                    : self->deaf[wire->dialler][wire->listener];
}

//  The first arrives.
static void land (sim_t *self, sim_wire_t *wire, int direction)
{
    sim_flight_t *flight = wire->flights[direction];
    wire->flights[direction] = flight->next;
    mail_list_append (&self->nodes[far_end (wire, direction)].boxes[ACTOR_LINK], flight->mail);
    free (flight);
}

static void lose_all (sim_wire_t *wire, int direction)
{
    while (wire->flights[direction]) {
        sim_flight_t *flight = wire->flights[direction];
        wire->flights[direction] = flight->next;
        mail_destroy (&flight->mail);
        free (flight);
    }
}

static void land_all (sim_t *self, sim_wire_t *wire, int direction)
{
    while (wire->flights[direction] && !is_deaf (self, wire, direction))
        land (self, wire, direction);
}

//  The connection ends: some of what is on its way has come through.
static void land_some (sim_t *self, sim_wire_t *wire, int direction)
{
    while (wire->flights[direction] && !is_deaf (self, wire, direction) && sim_random (self, 4))
        land (self, wire, direction);
    lose_all (wire, direction);
}

//  It never overtakes what was said before it.
static void fly (sim_t *self, sim_wire_t *wire, int direction, mail_t *mail)
{
    sim_flight_t **last = &wire->flights[direction];
    uint64_t latency = wire->latency_ns[direction];
    uint64_t due = self->mono_ns + latency + sim_random (self, latency / 4 + 1);
    for (; *last; last = &(*last)->next)
        due = (*last)->due_ns > due ? (*last)->due_ns : due;
    *last = calloc (1, sizeof **last);
    **last = (sim_flight_t){mail, due, NULL};
}

//  When the first arrives; UINT64_MAX where none is on its way, or nothing gets through.
static uint64_t due_of (const sim_t *self, const sim_wire_t *wire, int direction)
{
    const sim_flight_t *flight = wire->flights[direction];
    return flight && !is_deaf (self, wire, direction) ? flight->due_ns : UINT64_MAX;
}

void wires_deliver (sim_t *self)
{
    for (sim_wire_t *wire = self->wires; wire; wire = wire->next)
        for (int direction = 0; direction < DIRECTIONS; direction++)
            while (due_of (self, wire, direction) <= self->mono_ns)
                land (self, wire, direction);
}

uint64_t wires_next (const sim_t *self)
{
    uint64_t next = UINT64_MAX;
    for (const sim_wire_t *wire = self->wires; wire; wire = wire->next)
        for (int direction = 0; direction < DIRECTIONS; direction++) {
            uint64_t due = due_of (self, wire, direction);
            next = due < next ? due : next;
        }
    return next;
}

//  ---- wires

static sim_wire_t *wire_of (sim_t *self, int node, uint64_t line, bool *ret_is_dialler)
{
    for (sim_wire_t *wire = self->wires; wire; wire = wire->next) {
        *ret_is_dialler = wire->dialler == node && wire->dialler_line == line;
        if (*ret_is_dialler || (wire->listener == node && wire->listener_line == line))
            return wire;
    }
    return NULL;
}

static void wire_remove (sim_t *self, sim_wire_t *wire)
{
    for (sim_wire_t **at = &self->wires; *at; at = &(*at)->next)
        if (*at == wire) {
            *at = wire->next;
            lose_all (wire, TO_LISTENER);
            lose_all (wire, TO_DIALLER);
            free (wire);
            return;
        }
}

//  As if the edge said it to link.
static mail_t *mail_make (
    int verb, const message_type_t *type, const void *body, const slice_t *frames, size_t count)
{
    step_t step = {.self = ACTOR_EDGE};
    step_send (&step, ACTOR_LINK, verb, 0, type, body, frames, count);
    return mail_list_take (&step.out);
}

void wires_give (sim_node_t *node, int verb, const message_type_t *type, const void *body,
    const slice_t *frames, size_t count)
{
    mail_list_append (&node->boxes[ACTOR_LINK], mail_make (verb, type, body, frames, count));
}

static void event_give (sim_node_t *node, uint64_t socket, uint64_t line, int event)
{
    edge_event_mail_t mail = {.socket = socket, .line = line, .event = (uint64_t)event};
    wires_give (node, MAIL_EDGE_EVENT, &edge_event_mail_type, &mail, NULL, 0);
}

static bool lets_in (const sim_node_t *node, uint64_t socket, const public_key_t *key)
{
    cursor_t cursor = cursor_over (buffer_slice (&node->admitted[socket]));
    size_t count;
    public_key_t admitted;
    if (node->admitted[socket].size == 0 || cursor_array (&cursor, &count))
        return false;
    while (count--)
        if (cursor_bin_exact (&cursor, &admitted, sizeof admitted) == 0 &&
            memcmp (&admitted, key, sizeof admitted) == 0)
            return true;
    return false;
}

static uint64_t latency_draw (sim_t *self)
{
    return self->latency_ns ? 1 + sim_random (self, self->latency_ns) : 0;
}

static void edge_dial (sim_node_t *node, const edge_dial_t *dial)
{
    sim_t *self = node->sim;
    uint64_t socket = dial->secret.size ? LINK_DOOR : LINK_PEERS;
    int to = dial->endpoint.size > 6 ? dial->endpoint.data[6] - '0' : -1;
    public_key_t key = node->identity.curve;
    uint8_t secret[32];
    if (dial->secret.size)
        curve_of_secret (dial->secret.data, &key, secret);
    sim_node_t *other = to >= 0 && to < (int)self->count ? &self->nodes[to] : NULL;
    bool there = other && other->running && !self->cut[node->index][to] &&
                 !self->deaf[node->index][to] && !self->deaf[to][node->index];
    bool right = there && memcmp (&other->identity.curve, &dial->server, sizeof dial->server) == 0;
    if (!right || !lets_in (other, socket, &key)) {
        if (there)
            event_give (other, socket, 0, EDGE_DENIED);
        event_give (node, socket, dial->line, right ? EDGE_REFUSED : EDGE_UNREACHABLE);
        return;
    }
    sim_wire_t *wire = calloc (1, sizeof *wire);
    *wire = (sim_wire_t){node->index, to, dial->line, self->next_even, socket, key, self->wires,
        {latency_draw (self), latency_draw (self)}, {NULL, NULL}};
    self->next_even += 2;
    self->wires = wire;
    event_give (node, socket, dial->line, EDGE_CONNECTED);
}

static void edge_out (sim_node_t *node, const edge_out_t *out, const mail_t *mail)
{
    sim_t *self = node->sim;
    bool is_dialler;
    slice_t frames[MAIL_FRAMES_MAX];
    sim_wire_t *wire = wire_of (self, node->index, out->line, &is_dialler);
    if (!wire)
        return;
    sim_node_t *other = &self->nodes[is_dialler ? wire->listener : wire->dialler];
    edge_in_t in = {.socket = wire->socket,
        .line = is_dialler ? wire->listener_line : wire->dialler_line,
        .key = is_dialler ? wire->dialler_key : node->identity.curve};
    for (size_t i = 0; i < mail->frame_count; i++) {
        frames[i] = mail->frames[i].bytes;
        cr_assert_leq (frames[i].size, LIMIT_PEER_FRAME_BYTES);
    }
    uint64_t verb;
    self->messages++;
    if (peer_verb_of (frames[0], &verb))
        verb = 0;
    self->spoken += verb != PEER_PING && verb != PEER_PONG;
    if (self->tells_wires)
        sim_note (self, "node %d says %llu to node %d", node->index, (unsigned long long)verb,
            other->index);
    int direction = is_dialler ? TO_LISTENER : TO_DIALLER;
    if (wire->latency_ns[direction] || wire->flights[direction] || is_deaf (self, wire, direction))
        fly (self, wire, direction,
            mail_make (MAIL_EDGE_IN, &edge_in_type, &in, frames, mail->frame_count));
    else
        wires_give (other, MAIL_EDGE_IN, &edge_in_type, &in, frames, mail->frame_count);
}

static void wire_end (sim_t *self, sim_wire_t *wire, bool tell_dialler)
{
    if (tell_dialler && !is_deaf (self, wire, TO_DIALLER))
        event_give (&self->nodes[wire->dialler], wire->socket, wire->dialler_line, EDGE_LOST);
    wire_remove (self, wire);
}

void wires_take (sim_node_t *node, const mail_t *mail)
{
    edge_dial_t dial;
    edge_out_t out;
    edge_admit_t admit;
    edge_hang_up_t hang;
    bool is_dialler;
    switch (mail->envelope.verb) {
    case MAIL_EDGE_DIAL:
        cr_assert_eq (message_unpack (&edge_dial_type, mail->body, &dial, NULL), 0);
        edge_dial (node, &dial);
        break;
    case MAIL_EDGE_OUT:
        cr_assert_eq (message_unpack (&edge_out_type, mail->body, &out, NULL), 0);
        edge_out (node, &out, mail);
        break;
    case MAIL_EDGE_ADMIT:
        cr_assert_eq (message_unpack (&edge_admit_type, mail->body, &admit, NULL), 0);
        buffer_clear (&node->admitted[admit.socket]);
        buffer_append (&node->admitted[admit.socket], admit.keys.data, admit.keys.size);
        break;
    case MAIL_EDGE_HANG_UP:
        cr_assert_eq (message_unpack (&edge_hang_up_type, mail->body, &hang, NULL), 0);
        sim_wire_t *wire = wire_of (node->sim, node->index, hang.line, &is_dialler);
        if (wire) { // what was said before it is heard
            land_all (node->sim, wire, is_dialler ? TO_LISTENER : TO_DIALLER);
            wire_end (node->sim, wire, !is_dialler);
        }
        break;
    }
}

void sim_cut (sim_t *self, int a, int b, bool cut)
{
    self->cut[a][b] = self->cut[b][a] = cut;
    for (sim_wire_t *wire = self->wires, *next; wire; wire = next) {
        next = wire->next;
        if (!cut || !((wire->dialler == a && wire->listener == b) ||
                        (wire->dialler == b && wire->listener == a)))
            continue;
        land_some (self, wire, TO_LISTENER);
        land_some (self, wire, TO_DIALLER);
        wire_end (self, wire, true);
    }
}

void sim_deafen (sim_t *self, int to, int from, bool deaf)
{
    self->deaf[to][from] = deaf;
}

void wires_kill (sim_t *self, int index)
{
    for (sim_wire_t *wire = self->wires, *next; wire; wire = next) {
        next = wire->next;
        if (wire->dialler != index && wire->listener != index)
            continue;
        land_some (self, wire, wire->dialler == index ? TO_LISTENER : TO_DIALLER);
        wire_end (self, wire, wire->dialler != index);
    }
}

void wires_destroy (sim_t *self)
{
    while (self->wires)
        wire_remove (self, self->wires);
}

bool sim_say (sim_t *self, int from, int to, const slice_t *frames, size_t count)
{
    for (sim_wire_t *wire = self->wires; wire; wire = wire->next) {
        bool dials = wire->dialler == from && wire->listener == to;
        if (wire->socket != LINK_PEERS ||
            (!dials && (wire->dialler != to || wire->listener != from)))
            continue;
        edge_in_t in = {.socket = wire->socket,
            .line = dials ? wire->listener_line : wire->dialler_line,
            .key = dials ? wire->dialler_key : self->nodes[from].identity.curve};
        wires_give (&self->nodes[to], MAIL_EDGE_IN, &edge_in_type, &in, frames, count);
        return true;
    }
    return false;
}

//  edge - what the edges share

#include "actors/shell/edge.h"
#include "actors/shell/actor.h"
#include "actors/shell/log.h"

#include <stdlib.h>

void poll_list_add (poll_list_t *self, void *socket, int descriptor)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 16;
        self->items = realloc (self->items, self->capacity * sizeof *self->items);
        if (!self->items)
            abort ();
    }
    self->items[self->count++] = (zmq_pollitem_t){socket, descriptor, ZMQ_POLLIN, 0};
}

void poll_list_release (poll_list_t *self)
{
    free (self->items);
    *self = (poll_list_t){NULL, 0, 0};
}

void edge_tell (mail_list_t *in, int owner, int verb, const message_type_t *type, const void *body,
    frame_t *frames, size_t frame_count)
{
    step_t step = {.self = ACTOR_EDGE, .out = *in};
    step_send_frames (&step, owner, verb, 0, type, body, frames, frame_count);
    *in = step.out;
}

void edge_tell_event (
    mail_list_t *in, int owner, int socket, uint64_t line, int event, const char *detail)
{
    edge_event_mail_t body = {.socket = (uint64_t)socket,
        .line = line,
        .event = (uint64_t)event,
        .detail = slice_text (detail)};
    edge_tell (in, owner, MAIL_EDGE_EVENT, &edge_event_mail_type, &body, NULL, 0);
}

void edge_tell_bound (
    mail_list_t *in, int owner, int socket, const char *const *endpoints, size_t count)
{
    buffer_t packed = {NULL, 0, 0};
    pack_array (&packed, count);
    for (size_t i = 0; i < count; i++)
        pack_string (&packed, endpoints[i]);
    edge_bound_t body = {.socket = (uint64_t)socket, .endpoints = buffer_slice (&packed)};
    edge_tell (in, owner, MAIL_EDGE_BOUND, &edge_bound_type, &body, NULL, 0);
    buffer_release (&packed);
}

#define DENIALS_MAX 10
#define DENIALS_NS  (10 * 1000000000ull)

void edge_tell_denied (
    denials_t *self, const edge_setup_t *setup, int socket, const char *detail, mail_list_t *in)
{
    uint64_t now = clock_now ().mono_ns;
    metric_add (setup->metrics, METRIC_PEERS_DENIED, 1);
    if (now - self->since_ns > DENIALS_NS)
        *self = (denials_t){now, 0};
    if (self->told++ < DENIALS_MAX)
        edge_tell_event (in, setup->owner, socket, 0, EDGE_DENIED, detail);
}

bool edge_understand (int owner, const mail_t *mail, const message_type_t *type, void *ret_body)
{
    const char *field;
    int rc = message_unpack (type, mail->body, ret_body, &field);
    if (rc)
        log_printf (owner, SAY_ERROR, "mail %s to the edge refused: %s (%s)",
            mail_verb_name (mail->envelope.verb), error_name (rc), field ? field : "form");
    return rc == 0;
}

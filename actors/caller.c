//  caller - envelopes and answers

#include "actors/caller.h"

#include <stdio.h>
#include <stdlib.h>

//  ---- the envelope

//  How many frames stand before the body: up to the first empty one, and with it. 0 where there is none,
//  or where what stands before it cannot be names of connections.
static size_t hops_count (const mail_t *mail)
{
    for (size_t i = 0; i + 1 < mail->frame_count; i++) {
        size_t size = mail_frame (mail, i).size;
        if (size == 0)
            return i + 1;
        if (size > CALLER_HOP_BYTES_MAX)
            return 0;
    }
    return 0;
}

//  Fills hops, and the body. ERR_BAD_REQUEST if it is neither of the forms; hops are filled then too, so
//  that a REQ that sent too much gets an answer that it can receive.
static int envelope_read (const mail_t *mail, caller_t *self, slice_t *ret_body)
{
    if (mail->frame_count == 0)
        return ERR_BAD_REQUEST;
    size_t last = mail->frame_count - 1;
    self->hop_count = hops_count (mail);
    for (size_t i = 0; i < self->hop_count; i++)
        self->hops[i] = mail_frame (mail, i);
    *ret_body = mail_frame (mail, last);
    return self->hop_count == last ? 0 : ERR_BAD_REQUEST;
}

int caller_hear (step_t *step, const mail_t *mail, const edge_in_t *in, caller_t *ret_caller,
    request_t *ret_request)
{
    const char *why = "a request is one frame, or an empty frame and one more";
    slice_t body = {NULL, 0};
    caller_t caller = {.socket = (int)in->socket, .line = in->line, .id = request_nil};
    int rc = envelope_read (mail, &caller, &body);
    if (rc == 0) {
        rc = request_unpack (body, ret_request, &why);
        caller.id = ret_request->id;
    }
    if (rc) {
        metric_add (step->metrics, METRIC_GARBAGE, 1);
        caller_refuse (step, &caller, rc, slice_text (why), 0);
        return rc;
    }
    *ret_caller = caller;
    return 0;
}

//  ---- keeping

static slice_t copy_into (uint8_t **at, slice_t from)
{
    if (from.size)
        memcpy (*at, from.data, from.size);
    slice_t copy = slice_of (*at, from.size);
    *at += from.size;
    return copy;
}

caller_t caller_keep (const caller_t *self)
{
    caller_t kept = *self;
    size_t size = self->id.size;
    for (size_t i = 0; i < self->hop_count; i++)
        size += self->hops[i].size;
    uint8_t *at = malloc (size);
    if (!at)
        abort (); // as buffer_reserve: these are a few bytes, bounded by the edge
    kept.memory = at;
    kept.id = copy_into (&at, self->id);
    for (size_t i = 0; i < self->hop_count; i++)
        kept.hops[i] = copy_into (&at, self->hops[i]);
    return kept;
}

void caller_release (caller_t *self)
{
    free (self->memory);
    self->memory = NULL;
}

//  ---- answers

void caller_answer_packed (step_t *step, const caller_t *self, buffer_t *body)
{
    frame_t frames[MAIL_FRAMES_MAX];
    for (size_t i = 0; i < self->hop_count; i++)
        frames[i] = frame_copy (self->hops[i]);
    frames[self->hop_count] = frame_take (body);
    edge_out_t out = {.socket = (uint64_t)self->socket, .line = self->line};
    step_send_frames (
        step, ACTOR_EDGE, MAIL_EDGE_OUT, 0, &edge_out_type, &out, frames, self->hop_count + 1);
}

void caller_answer (
    step_t *step, const caller_t *self, const message_type_t *type, const void *answer)
{
    buffer_t body = {NULL, 0, 0};
    message_pack (type, answer, &body);
    caller_answer_packed (step, self, &body);
}

//  What an outsider is told: how we read and store is no business of theirs.
static int error_for_callers (int error)
{
    switch (error) {
    case ERR_MALFORMED:
    case ERR_TRUNCATED: return ERR_BAD_REQUEST;
    case ERR_STORAGE_FAILED:
    case ERR_CORRUPT:
    case ERR_MAP_FULL:
    case ERR_NO_MEMORY:
    case ERR_SYSTEM: return ERR_INTERNAL;
    default: return error;
    }
}

void caller_refuse (step_t *step, const caller_t *self, int error, slice_t message, size_t op)
{
    buffer_t index = {NULL, 0, 0};
    refusal_t refusal = {.id = self->id,
        .error = slice_text (error_name (error_for_callers (error))),
        .message = message.size ? message : slice_text (error_text (error))};
    if (op) {
        pack_uint (&index, op - 1);
        refusal.op = buffer_slice (&index);
    }
    if (step->self == ACTOR_API)
        metric_add (step->metrics, METRIC_REQUESTS_REFUSED, 1);
    caller_answer (step, self, &refusal_type, &refusal);
    buffer_release (&index);
}

int caller_unpack (step_t *step, const caller_t *self, const request_t *request,
    const message_type_t *type, void *ret_fields)
{
    char text[128];
    const char *field = NULL;
    int rc = message_unpack (type, request->body, ret_fields, &field);
    if (rc == 0)
        return 0;
    metric_add (step->metrics, METRIC_GARBAGE, 1);
    if (field)
        snprintf (text, sizeof text, "`%s` is missing, or not what it should be", field);
    else
        snprintf (text, sizeof text, "%s", error_text (ERR_BAD_REQUEST));
    caller_refuse (step, self, ERR_BAD_REQUEST, slice_text (text), 0);
    return ERR_BAD_REQUEST;
}

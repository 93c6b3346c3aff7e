//  api - speaks with apps
//
//  Takes    EDGE_IN, EDGE_BOUND (edge); APPLIED, WRITTEN, ADVANCED (oplog); COMMAND report (admin)
//  Sends    EDGE_OUT, EDGE_HOLD (edge); APPLY, DECLARE (oplog); COMMANDED (admin)
//  Keeps    nothing on disk
//
//  What is read is answered at once, from the round's transaction. What is written goes to oplog with a
//  ticket, and the answer waits for oplog's; how much may wait is bounded (api.h), and beyond it
//  nothing is read from the sockets, so that ZeroMQ, and then the apps, wait too.

#include "actors/api/api.h"

#include <stdlib.h>

#define SAY_EVERY_NS 1000000000ull

//  ---- towards oplog

static size_t mail_bytes (const mail_t *mail)
{
    size_t bytes = 0;
    for (size_t i = 0; i < mail->frame_count; i++)
        bytes += mail_frame (mail, i).size;
    return bytes;
}

static int kind_of (slice_t encoded)
{
    cursor_t cursor = cursor_over (encoded);
    return cursor_kind (&cursor);
}

static void apply_send (api_t *self, step_t *step, slice_t ops, const waiting_t *waiting)
{
    apply_t apply = {.intake = waiting->intake};
    uint64_t ticket = api_waiting_add (self, step, waiting);
    step_send (step, ACTOR_OPLOG, MAIL_APPLY, ticket, &apply_type, &apply, &ops, 1);
}

static void on_apply (
    api_t *self, step_t *step, const mail_t *mail, const caller_t *caller, const request_t *request)
{
    apply_request_t apply;
    if (caller_unpack (step, caller, request, &apply_request_type, &apply))
        return;
    if (kind_of (apply.ops) != PACK_ARRAY) {
        caller_refuse (step, caller, ERR_BAD_REQUEST, slice_text ("`ops` is not an array"), 0);
        return;
    }
    waiting_t waiting = {
        .bytes = mail_bytes (mail), .verb = API_APPLY, .caller = caller_keep (caller)};
    apply_send (self, step, apply.ops, &waiting);
}

static void on_declare (
    api_t *self, step_t *step, const mail_t *mail, const caller_t *caller, const request_t *request)
{
    declare_request_t fields;
    if (caller_unpack (step, caller, request, &declare_request_type, &fields))
        return;
    if (kind_of (fields.resources) != PACK_MAP) {
        caller_refuse (step, caller, ERR_BAD_REQUEST, slice_text ("`resources` is not a map"), 0);
        return;
    }
    waiting_t waiting = {
        .bytes = mail_bytes (mail), .verb = API_DECLARE, .caller = caller_keep (caller)};
    uint64_t ticket = api_waiting_add (self, step, &waiting);
    declare_t declare = {.resources = fields.resources};
    step_send (step, ACTOR_OPLOG, MAIL_DECLARE, ticket, &declare_type, &declare, NULL, 0);
}

static void on_request (api_t *self, step_t *step, const mail_t *mail, const edge_in_t *in)
{
    caller_t caller;
    request_t request;
    metric_add (step->metrics, METRIC_REQUESTS, 1);
    if (caller_hear (step, mail, in, &caller, &request))
        return;
    int verb = request_verb_find (api_verbs, API_VERB_COUNT, request.verb);
    if (verb < 0)
        caller_refuse (step, &caller, verb, slice_of (NULL, 0), 0);
    else if (verb == API_APPLY)
        on_apply (self, step, mail, &caller, &request);
    else if (verb == API_DECLARE)
        on_declare (self, step, mail, &caller, &request);
    else
        api_read (self, step, verb, &caller, &request);
}

//  ---- the intake

//  A line a second at most: a pipeline gone wrong must not fill the log.
static void intake_refused (api_t *self, step_t *step, int error, slice_t message)
{
    metric_add (step->metrics, METRIC_INTAKE_REFUSED, 1);
    self->refused_unsaid++;
    if (self->refused_said_ns && step->now.mono_ns - self->refused_said_ns < SAY_EVERY_NS)
        return;
    step_say (step, SAY_WARNING, "intake: %llu refused, the last one with %s: %.*s",
        (unsigned long long)self->refused_unsaid, error_name (error), (int)message.size,
        (const char *)message.data);
    self->refused_said_ns = step->now.mono_ns;
    self->refused_unsaid = 0;
}

static void on_intake (api_t *self, step_t *step, const mail_t *mail)
{
    apply_request_t apply;
    slice_t body =
        mail->frame_count ? mail_frame (mail, mail->frame_count - 1) : slice_of (NULL, 0);
    if (pack_check (body) || message_unpack (&apply_request_type, body, &apply, NULL) ||
        kind_of (apply.ops) != PACK_ARRAY) {
        metric_add (step->metrics, METRIC_GARBAGE, 1);
        intake_refused (
            self, step, ERR_BAD_REQUEST, slice_text ("each message is a map with an array `ops`"));
        return;
    }
    waiting_t waiting = {.bytes = mail_bytes (mail), .verb = API_APPLY, .intake = true};
    apply_send (self, step, apply.ops, &waiting);
}

//  ---- back from oplog

static void on_applied (api_t *self, step_t *step, const mail_t *mail)
{
    applied_t applied;
    waiting_t *waiting = api_waiting_find (self, mail->envelope.ticket);
    if (!waiting || step_unpack (step, mail, &applied_type, &applied))
        return;
    int error = -(int)applied.error;
    if (error && waiting->intake)
        intake_refused (self, step, error, applied.message);
    else if (error)
        caller_refuse (step, &waiting->caller, error, applied.message, applied.op);
    else if (!waiting->intake) {
        buffer_t stamp = {NULL, 0, 0};
        apply_answer_t answer = {.id = waiting->caller.id,
            .ok = true,
            .uuids = applied.uuids,
            .timestamp = request_nil,
            .cursor = applied.cursor};
        if (!timestamp_is_none (&applied.timestamp)) {
            timestamp_pack (&applied.timestamp, &stamp);
            answer.timestamp = buffer_slice (&stamp);
        }
        if (!answer.uuids.size)
            answer.uuids = request_nil;
        caller_answer (step, &waiting->caller, &apply_answer_type, &answer);
        buffer_release (&stamp);
    }
    api_waiting_end (self, step, waiting);
}

static void on_written (api_t *self, step_t *step, const mail_t *mail)
{
    written_t written;
    waiting_t *waiting = api_waiting_find (self, mail->envelope.ticket);
    if (!waiting || step_unpack (step, mail, &written_type, &written))
        return;
    done_answer_t answer = {.id = waiting->caller.id, .ok = true};
    if (written.error)
        caller_refuse (step, &waiting->caller, -(int)written.error, written.message, 0);
    else
        caller_answer (step, &waiting->caller, &done_answer_type, &answer);
    api_waiting_end (self, step, waiting);
}

//  ---- the rest

static void on_bound (api_t *self, step_t *step, const mail_t *mail)
{
    edge_bound_t bound;
    slice_t text;
    size_t count;
    if (step_unpack (step, mail, &edge_bound_type, &bound) || bound.socket > API_INTAKE)
        return;
    cursor_t cursor = cursor_over (bound.endpoints);
    if (cursor_array (&cursor, &count) || count == 0 || cursor_text (&cursor, &text) ||
        text.size > LIMIT_ENDPOINT_BYTES)
        return;
    memcpy (self->endpoints[bound.socket], text.data, text.size);
    self->endpoints[bound.socket][text.size] = 0;
}

static void on_command (api_t *self, step_t *step, const mail_t *mail)
{
    static const char *const names[] = {"api", "feed", "intake"};
    buffer_t answer = {NULL, 0, 0};
    pack_map (&answer, 1);
    pack_string (&answer, "endpoints");
    pack_map (&answer, 3);
    for (size_t i = 0; i < 3; i++) {
        pack_string (&answer, names[i]);
        pack_string (&answer, self->endpoints[i]);
    }
    commanded_t commanded = {.answer = buffer_slice (&answer)};
    step_send (step, mail->envelope.from, MAIL_COMMANDED, mail->envelope.ticket, &commanded_type,
        &commanded, NULL, 0);
    buffer_release (&answer);
}

static void on_edge_in (api_t *self, step_t *step, const mail_t *mail)
{
    edge_in_t in;
    if (step_unpack (step, mail, &edge_in_type, &in))
        return;
    if (in.socket == API_REQUESTS)
        on_request (self, step, mail, &in);
    else if (in.socket == API_INTAKE)
        on_intake (self, step, mail);
    else if (in.socket == API_FEED)
        api_feed_subscription (self, mail_frame (mail, 0));
}

static void api_receive (void *core, step_t *step, mail_t **mail_p)
{
    switch ((*mail_p)->envelope.verb) {
    case MAIL_EDGE_IN: on_edge_in (core, step, *mail_p); break;
    case MAIL_EDGE_BOUND: on_bound (core, step, *mail_p); break;
    case MAIL_EDGE_EVENT: break; // an answer to a line that is gone is dropped by the edge
    case MAIL_APPLIED: on_applied (core, step, *mail_p); break;
    case MAIL_WRITTEN: on_written (core, step, *mail_p); break;
    case MAIL_ADVANCED: api_feed_publish (core, step); break;
    case MAIL_COMMAND: on_command (core, step, *mail_p); break;
    default: metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
    }
}

static void api_tick (void *core, step_t *step)
{
    api_feed_publish (core, step);
}

static void api_close (void **core_p)
{
    api_t *self = *core_p;
    if (!self)
        return;
    api_waiting_release (self);
    feed_marks_release (&self->fed);
    buffer_release (&self->scratch[0]);
    buffer_release (&self->scratch[1]);
    free (self);
    *core_p = NULL;
}

static int api_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    api_t *self = calloc (1, sizeof *self);
    if (!self)
        return ERR_NO_MEMORY;
    self->setup = setup;
    memcpy (self->endpoints[API_REQUESTS], setup->config->api, sizeof setup->config->api);
    memcpy (self->endpoints[API_FEED], setup->config->feed, sizeof setup->config->feed);
    memcpy (self->endpoints[API_INTAKE], setup->config->intake, sizeof setup->config->intake);
    void *core = self;
    int rc = api_feed_open (self, step);
    if (rc)
        api_close (&core);
    else
        *ret_self = self;
    return rc;
}

const actor_class_t api_class = {
    .actor = ACTOR_API,
    .txn = TXN_READ,
    .open = api_open,
    .receive = api_receive,
    .tick = api_tick,
    .close = api_close,
};

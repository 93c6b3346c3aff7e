//  admin - speaks with operators
//
//  Takes    EDGE_IN, EDGE_BOUND (edge); ALARM (all); COMMANDED (link, pool, clock, ingest, api, node)
//  Sends    EDGE_OUT (edge); COMMAND (the same); SCRUB, REBUILD (oplog)
//  Keeps    nothing on disk
//
//  What the store or the metrics say is answered at once. For status and pool the others are asked for
//  a report each; the answer goes out when all have come, or after two seconds without those that
//  have not. Every other verb is an actor's own: it gets the whole request, and its answer is passed on.

#include "actors/admin/admin.h"

#include <stdlib.h>

static const int reporters[REPORT_COUNT] = {
    ACTOR_LINK, ACTOR_POOL, ACTOR_CLOCK, ACTOR_INGEST, ACTOR_API};

//  ---- asking other actors

static asked_t *asked_new (admin_t *self, step_t *step, int verb, const caller_t *caller)
{
    if (self->asked_count == ADMIN_ASKED_MAX) {
        admin_refuse (step, caller, ERR_BUSY);
        return NULL;
    }
    asked_t *asked = calloc (1, sizeof *asked);
    if (!asked)
        abort (); // as buffer_reserve
    asked->ticket = ++self->ticket;
    asked->verb = verb;
    asked->caller = caller_keep (caller);
    asked->deadline_ns = UINT64_MAX;
    asked->next = self->asked;
    self->asked = asked;
    self->asked_count++;
    return asked;
}

static void asked_destroy (admin_t *self, asked_t *asked)
{
    for (asked_t **at = &self->asked; *at; at = &(*at)->next)
        if (*at == asked) {
            *at = asked->next;
            break;
        }
    for (size_t i = 0; i < REPORT_COUNT; i++)
        buffer_release (&asked->reports[i]);
    caller_release (&asked->caller);
    free (asked);
    self->asked_count--;
}

static void command_send (
    step_t *step, int actor, const asked_t *asked, const char *verb, slice_t request)
{
    command_t command = {.verb = slice_text (verb), .request = request};
    step_send (step, actor, MAIL_COMMAND, asked->ticket, &command_type, &command, NULL, 0);
}

static void reports_ask (
    admin_t *self, step_t *step, int verb, const caller_t *caller, const request_t *request)
{
    asked_t *asked = asked_new (self, step, verb, caller);
    if (!asked)
        return;
    asked->deadline_ns = step->now.mono_ns + ADMIN_REPORT_NS;
    step_wake_at (step, asked->deadline_ns);
    for (size_t i = 0; i < REPORT_COUNT; i++)
        command_send (step, reporters[i], asked, "report", request->body);
}

static void forward (admin_t *self, step_t *step, int verb, int actor, const caller_t *caller,
    const request_t *request)
{
    asked_t *asked = asked_new (self, step, verb, caller);
    if (asked)
        command_send (step, actor, asked, admin_verbs[verb].name, request->body);
}

slice_t admin_reported (const asked_t *asked, int report, const char *key, slice_t otherwise)
{
    slice_t value;
    return map_find (buffer_slice (&asked->reports[report]), key, &value) ? value : otherwise;
}

static void reports_answer (admin_t *self, step_t *step, asked_t *asked)
{
    if (asked->verb == ADMIN_STATUS)
        admin_status (self, step, asked);
    else
        admin_pool (self, step, asked);
    asked_destroy (self, asked);
}

static void on_report (
    admin_t *self, step_t *step, asked_t *asked, int from, const commanded_t *commanded)
{
    size_t missing = 0;
    for (size_t i = 0; i < REPORT_COUNT; i++) {
        if (reporters[i] == from && !asked->reported[i]) {
            asked->reported[i] = true;
            buffer_append (&asked->reports[i], commanded->answer.data, commanded->answer.size);
        }
        missing += !asked->reported[i];
    }
    if (missing == 0)
        reports_answer (self, step, asked);
}

//  {id, ok, …} with the entries of the actor's own map behind them.
static void on_forwarded (step_t *step, const asked_t *asked, const commanded_t *commanded)
{
    buffer_t body = {NULL, 0, 0};
    cursor_t cursor = cursor_over (commanded->answer);
    size_t count = 0;
    if (commanded->answer.size && cursor_map (&cursor, &count)) {
        admin_refuse (step, &asked->caller, ERR_INTERNAL);
        return;
    }
    pack_map (&body, count + 2);
    pack_string (&body, "id");
    pack_raw (&body, asked->caller.id);
    pack_string (&body, "ok");
    pack_bool (&body, true);
    pack_raw (&body, slice_of (cursor.at, (size_t)(cursor.end - cursor.at)));
    caller_answer_packed (step, &asked->caller, &body);
}

static void on_commanded (admin_t *self, step_t *step, const mail_t *mail)
{
    commanded_t commanded;
    asked_t *asked = self->asked;
    while (asked && asked->ticket != mail->envelope.ticket)
        asked = asked->next;
    if (!asked || step_unpack (step, mail, &commanded_type, &commanded))
        return;
    if (asked->verb == ADMIN_STATUS || asked->verb == ADMIN_POOL) {
        on_report (self, step, asked, mail->envelope.from, &commanded);
        return;
    }
    if (commanded.error)
        caller_refuse (step, &asked->caller, -(int)commanded.error, commanded.message, 0);
    else
        on_forwarded (step, asked, &commanded);
    asked_destroy (self, asked);
}

//  ---- requests

void admin_refuse (step_t *step, const caller_t *caller, int error)
{
    if (error == ERR_STORAGE_FAILED || error == ERR_CORRUPT)
        step_say (step, SAY_ERROR, "a read failed: %s", error_text (error));
    caller_refuse (step, caller, error, slice_of (NULL, 0), 0);
}

static int actor_of (int verb)
{
    switch (verb) {
    case ADMIN_INVITE:
    case ADMIN_JOIN:
    case ADMIN_REMOVE: return ACTOR_POOL;
    case ADMIN_PAUSE:
    case ADMIN_RESTAMP:
    case ADMIN_RESUME: return ACTOR_LINK;
    case ADMIN_INGEST: return ACTOR_INGEST;
    default: return ACTOR_NODE; // stop, log
    }
}

static void on_edge_in (admin_t *self, step_t *step, const mail_t *mail)
{
    edge_in_t in;
    caller_t caller;
    request_t request;
    if (step_unpack (step, mail, &edge_in_type, &in) ||
        caller_hear (step, mail, &in, &caller, &request))
        return;
    int verb = request_verb_find (admin_verbs, ADMIN_VERB_COUNT, request.verb);
    switch (verb) {
    case ERR_UNKNOWN_VERB: admin_refuse (step, &caller, verb); break;
    case ADMIN_STATUS:
    case ADMIN_POOL: reports_ask (self, step, verb, &caller, &request); break;
    case ADMIN_METRICS: admin_metrics (self, step, &caller); break;
    case ADMIN_PENDING: admin_pending (self, step, &caller); break;
    case ADMIN_FOUND: admin_found (step, &caller); break;
    case ADMIN_VERIFY: admin_verify_begin (self, step, &caller, &request); break;
    default: forward (self, step, verb, actor_of (verb), &caller, &request);
    }
}

static void on_bound (admin_t *self, step_t *step, const mail_t *mail)
{
    edge_bound_t bound;
    slice_t text;
    size_t count;
    if (step_unpack (step, mail, &edge_bound_type, &bound))
        return;
    cursor_t cursor = cursor_over (bound.endpoints);
    if (cursor_array (&cursor, &count) || count == 0 || cursor_text (&cursor, &text) ||
        text.size > LIMIT_ENDPOINT_BYTES)
        return;
    memcpy (self->endpoint, text.data, text.size);
    self->endpoint[text.size] = 0;
}

//  ---- the class

static void admin_receive (void *core, step_t *step, mail_t **mail_p)
{
    switch ((*mail_p)->envelope.verb) {
    case MAIL_EDGE_IN: on_edge_in (core, step, *mail_p); break;
    case MAIL_EDGE_BOUND: on_bound (core, step, *mail_p); break;
    case MAIL_EDGE_EVENT: break; // an answer to a line that is gone is dropped by the edge
    case MAIL_COMMANDED: on_commanded (core, step, *mail_p); break;
    case MAIL_REBUILT: admin_verify_rebuilt (core, step, *mail_p); break;
    case MAIL_ALARM: admin_alarm (core, step, *mail_p); break;
    default: metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
    }
}

static void admin_tick (void *core, step_t *step)
{
    admin_t *self = core;
    asked_t *next;
    for (asked_t *asked = self->asked; asked; asked = next) {
        next = asked->next;
        if (asked->deadline_ns <= step->now.mono_ns)
            reports_answer (self, step, asked);
        else
            step_wake_at (step, asked->deadline_ns);
    }
    admin_verify_go_on (self, step);
}

static void admin_close (void **core_p)
{
    admin_t *self = *core_p;
    if (!self)
        return;
    while (self->asked)
        asked_destroy (self, self->asked);
    admin_alarms_release (self);
    admin_verify_release (&self->verify);
    free (self);
    *core_p = NULL;
}

static int admin_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    admin_t *self = calloc (1, sizeof *self);
    if (!self)
        return ERR_NO_MEMORY;
    self->setup = setup;
    self->opened_ns = step->now.mono_ns;
    memcpy (self->endpoint, setup->config->admin, sizeof self->endpoint);
    *ret_self = self;
    return 0;
}

const actor_class_t admin_class = {
    .actor = ACTOR_ADMIN,
    .txn = TXN_READ,
    .open = admin_open,
    .receive = admin_receive,
    .tick = admin_tick,
    .close = admin_close,
};

//  link_hear - what a peer says

#include "actors/link/link.h"
#include "actors/link/repair.h"

#include <stdio.h>

void link_refuse (link_t *self, step_t *step, line_t *line, int error, const char *what)
{
    const peer_t *peer = link_peer (self, &line->client);
    metric_add (step->metrics, METRIC_PEER_GARBAGE, 1);
    step_say (step, SAY_WARNING, "%s from %s refused: %s", what, peer ? peer->name : "a stranger",
        error_text (error));
    link_line_close (self, step, line, error, what);
}

//  Ends the alarms about clients' batches and rows that wait, as far as `taken` shows that they were taken: one of the
//  two vectors covers the timestamp, and then its time has come for the other too.
void link_alarm_over (step_t *step, const char *code, vector_t *waiting, const vector_t *taken)
{
    for (size_t i = waiting->count; i-- > 0;) {
        char subject[UUID_TEXT_SIZE];
        uuid16_t client = waiting->entries[i].client;
        if (vector_upto (taken, &client) < waiting->entries[i].upto)
            continue;
        uuid_to_text (&client, subject);
        step_alarm (step, code, subject, NULL);
        vector_remove (waiting, &client);
    }
}

static void on_ack (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_ack_t ack;
    vector_t vector = {NULL, 0, 0};
    int rc = message_unpack (&peer_ack_type, frame, &ack, NULL);
    cursor_t shared = cursor_over (ack.shared), rows = cursor_over (ack.rows);
    if (rc == 0 && ack.credit > line->in_flight)
        rc = ERR_MALFORMED;
    if (rc == 0 && (rc = vector_unpack (&shared, &vector)) == 0) {
        vector_merge (&line->shared, &vector);
        vector_merge (&line->shared_sent, &vector);
        peer_t *peer = link_peer (self, &line->client);
        if (peer)
            vector_merge (&peer->shared, &vector);
    }
    if (rc == 0 && (rc = vector_unpack (&rows, &vector)) == 0) {
        vector_merge (&line->rows, &vector);
        vector_merge (&line->rows_sent, &vector);
    }
    if (rc == 0) {
        line->in_flight -= ack.credit;
        link_alarm_over (step, error_name (ERR_CLOCK_AHEAD), &line->refused, &line->shared);
        link_alarm_over (step, error_name (ERR_CLOCK_AHEAD), &line->refused, &line->rows);
    } else
        link_refuse (self, step, line, rc, "an acknowledgement");
    vector_release (&vector);
}

//  What is held back there is offered again when its time has come; what builds on it waits too, for nothing is sent
//  whose past was not.
static void on_defer (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_defer_t defer;
    char subject[UUID_TEXT_SIZE], text[256];
    int rc = message_unpack (&peer_defer_type, frame, &defer, NULL);
    if (rc) {
        link_refuse (self, step, line, rc, "a deferral");
        return;
    }
    const peer_t *peer = link_peer (self, &line->client);
    uuid_to_text (&defer.client, subject);
    snprintf (text, sizeof text,
        "%s does not take what client %s wrote: its clock is %llu.%03llu s ahead",
        peer ? peer->name : "a member", subject, (unsigned long long)(defer.ahead >> 32),
        (unsigned long long)((defer.ahead & 0xffffffff) * 1000 >> 32));
    step_alarm (step, error_name (ERR_CLOCK_AHEAD), subject, text);
    vector_raise (&line->refused, &defer.client, defer.upto, NULL);
    uint64_t wait = (defer.ahead >> 32) + 1;
    vector_set (&line->deferred, &defer.client,
        step->now.mono_ns + (wait < DEFER_MOST_S ? wait : DEFER_MOST_S) * SECOND_NS, NULL);
    vector_copy (&line->shared_sent, &line->shared);
    vector_copy (&line->rows_sent, &line->rows);
    link_feed_from (self, step, line);
}

static void on_again (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_again_t again;
    int rc = message_unpack (&peer_again_type, frame, &again, NULL);
    cursor_t shared = cursor_over (again.shared), rows = cursor_over (again.rows);
    if (rc == 0)
        rc = vector_unpack (&shared, &line->shared);
    if (rc == 0)
        rc = vector_unpack (&rows, &line->rows);
    if (rc) {
        link_refuse (self, step, line, rc, "a call to begin again");
        return;
    }
    step_say (step, SAY_DEBUG, "begins again: %.*s", (int)again.reason.size,
        (const char *)again.reason.data);
    vector_copy (&line->shared_sent, &line->shared);
    vector_copy (&line->rows_sent, &line->rows);
    vector_clear (&line->tallies_sent);
    line->gives_back = false;
    line->again_ns = step->now.mono_ns + AGAIN_NS;
    link_feed_from (self, step, line);
    step_wake_at (step, line->again_ns);
}

static void on_declare (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_declare_t declare;
    int rc = message_unpack (&peer_declare_type, frame, &declare, NULL);
    if (rc) {
        link_refuse (self, step, line, rc, "a declaration");
        return;
    }
    declare_t message = {.resources = declare.resources};
    step_send (step, ACTOR_OPLOG, MAIL_DECLARE, line->number, &declare_type, &message, NULL, 0);
}

//  Who was removed never takes its own removal: what a member says of it is all that it hears, and it is kept.
static void removal_keep (step_t *step, const peer_t *peer)
{
    buffer_t put = {NULL, 0, 0};
    slice_t known;
    if (node_get (step->txn, NODE_SETTINGS, slice_text ("removed"), &known) == 0)
        return;
    pack_array (&put, 3);
    pack_uint (&put, NODE_SETTINGS);
    pack_bin (&put, slice_text ("removed"));
    pack_bin (&put, slice_text (peer->name));
    slice_t frames[] = {{NULL, 0}, {NULL, 0}, buffer_slice (&put)};
    write_out_t write = {.what = slice_text ("that this client was removed")};
    step_send (step, ACTOR_OPLOG, MAIL_WRITE, 0, &write_out_type, &write, frames, 3);
    buffer_release (&put);
}

//  Two reasons are a person's to know, here as well as there.
static void bye_tell (link_t *self, step_t *step, const peer_t *peer, const peer_bye_t *bye)
{
    char text[2 * LIMIT_NAME_BYTES];
    if (slice_equal (bye->error, slice_text (error_name (ERR_CONFLICTING_DECLARATION))))
        link_refused (self, step, &peer->client, ERR_CONFLICTING_DECLARATION, bye->text);
    if (slice_equal (bye->error, slice_text (error_name (ERR_REMOVED)))) {
        snprintf (text, sizeof text, "%s says: this client was removed from the pool", peer->name);
        step_alarm (step, error_name (ERR_REMOVED), "pool", text);
        removal_keep (step, peer);
    }
}

static void on_bye (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_bye_t bye;
    peer_t *peer = link_peer (self, &line->client);
    bool was_open = line->state == LINE_OPEN;
    if (message_unpack (&peer_bye_type, frame, &bye, NULL) == 0 && peer) {
        step_say (step, SAY_INFO, "%s says goodbye: %.*s", peer->name,
            (int)(bye.text.size > 200 ? 200 : bye.text.size), (const char *)bye.text.data);
        bye_tell (self, step, peer, &bye);
    }
    link_line_drop (self, step, line);
    if (peer && !was_open)
        link_peer_lost (step, peer);
}

static void checked (link_t *self, step_t *step, line_t *line, int rc)
{
    if (rc)
        link_refuse (self, step, line, rc, "a word about returning");
}

static void hear_open (link_t *self, step_t *step, line_t *line, mail_t *mail, uint64_t verb)
{
    slice_t frame = mail_frame (mail, 0);
    switch (verb) {
    case PEER_PING:
    case PEER_PONG: link_on_ping (self, step, line, frame, verb); break;
    case PEER_BATCHES: link_on_batches (self, step, line, mail); break;
    case PEER_ROWS: link_on_rows (self, step, line, mail); break;
    case PEER_ACK: on_ack (self, step, line, frame); break;
    case PEER_DEFER: on_defer (self, step, line, frame); break;
    case PEER_AGAIN: on_again (self, step, line, frame); break;
    case PEER_DECLARE: on_declare (self, step, line, frame); break;
    case PEER_COPY: link_on_copy (self, step, line, frame); break;
    case PEER_COPY_STATE: link_on_copy_state (self, step, line, frame); break;
    case PEER_COPY_CHUNK: link_on_copy_chunk (self, step, line, mail); break;
    case PEER_RANGES:
    case PEER_DIGESTS:
    case PEER_WANT:
    case PEER_RECORDS: link_repair_hear (self, step, line, mail, verb); break;
    case PEER_HOLDS: link_on_holds (self, step, line, frame); break;
    case PEER_LACKS: link_on_lacks (self, step, line, frame); break;
    case PEER_HELD: link_on_held (self, step, line, frame); break;
    case PEER_TALLY: link_on_tally (self, step, line, frame); break;
    case PEER_MINE: link_on_mine (self, step, line, frame); break;
    case PEER_OUTSIDE: checked (self, step, line, link_on_outside (self, step, line, frame)); break;
    case PEER_RETURN: checked (self, step, line, link_on_return (self, step, line, frame)); break;
    case PEER_WELCOME: checked (self, step, line, link_on_welcome (self, step, line, frame)); break;
    default: link_refuse (self, step, line, ERR_MALFORMED, "a second hello");
    }
}

//  What comes while the peer's declarations are being stored waits for them, bounded by the credit that it has.
static bool line_waits (line_t *line, mail_t **mail_p)
{
    if (line->state != LINE_DECLARING || line->waiting.count >= LINE_WAITING_MOST)
        return false;
    mail_list_append (&line->waiting, *mail_p);
    *mail_p = NULL;
    return true;
}

void link_hear (link_t *self, step_t *step, line_t *line, mail_t **mail_p)
{
    slice_t frame = mail_frame (*mail_p, 0);
    uint64_t verb;
    int rc = pack_check (frame);
    if (rc == 0)
        rc = peer_verb_of (frame, &verb);
    line->heard_ns = step->now.mono_ns;
    if (rc)
        link_refuse (self, step, line, rc, "a message");
    else if (verb == PEER_BYE)
        on_bye (self, step, line, frame);
    else if (line->state == LINE_OPEN)
        hear_open (self, step, line, *mail_p, verb);
    else if (verb == PEER_HELLO && line->state == LINE_GREETING)
        link_on_hello (self, step, line, frame);
    else if (!line_waits (line, mail_p))
        link_refuse (self, step, line, ERR_TOO_EARLY, "a message before the hello");
}

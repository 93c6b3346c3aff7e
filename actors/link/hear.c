//  link_hear - what a peer says

#include "actors/link/link.h"
#include "actors/link/repair.h"

#include "messages/counting.h"

#include <stdio.h>
#include <stdlib.h>

enum taking { TAKING_BATCHES = 1, TAKING_ROWS, TAKING_BEGIN, TAKING_CHUNK }; // tickets to oplog

static void garbage (link_t *self, step_t *step, line_t *line, int error, const char *what)
{
    const peer_t *peer = link_peer (self, &line->client);
    metric_add (step->metrics, METRIC_PEER_GARBAGE, 1);
    step_say (step, SAY_WARNING, "%s from %s refused: %s", what, peer ? peer->name : "a stranger",
        error_text (error));
    link_line_close (self, step, line, error, what);
}

void link_refuse (link_t *self, step_t *step, line_t *line, int error, const char *what)
{
    garbage (self, step, line, error, what);
}

//  ---- pings

static void digests_pack (step_t *step, buffer_t *out)
{
    buffer_t body = {NULL, 0, 0};
    resource_entry_t entry;
    uint8_t digest[16];
    size_t count = 0;
    int rc;
    for (rc = resources_next (step->txn, slice_text (""), &entry); rc == 0;
         rc = resources_next (step->txn, slice_text (entry.resource.name), &entry)) {
        if (entry.resource.kind == RESOURCE_LOCAL)
            continue;
        digest_to_bytes (&entry.digest, digest);
        pack_string (&body, entry.resource.name);
        pack_array (&body, 2);
        pack_uint (&body, entry.count);
        pack_bin (&body, slice_of (digest, sizeof digest));
        count++;
    }
    pack_map (out, count);
    pack_raw (out, buffer_slice (&body));
    buffer_release (&body);
}

//  Vectors and digests come from one reading transaction: what the digests show is what the vectors say.
void link_ping (link_t *self, step_t *step, line_t *line, uint64_t verb)
{
    buffer_t shared = {NULL, 0, 0}, rows = {NULL, 0, 0};
    buffer_t digests = {NULL, 0, 0}, linked = {NULL, 0, 0};
    vector_t stored = {NULL, 0, 0};
    if (watermarks_load (step->txn, WATERMARK_SHARED, &stored) == 0)
        vector_pack (&stored, &shared);
    else
        pack_array (&shared, 0);
    if (watermarks_load (step->txn, WATERMARK_ROWS, &stored) == 0)
        vector_pack (&stored, &rows);
    else
        pack_array (&rows, 0);
    digests_pack (step, &digests);
    link_linked_pack (self, &linked);
    peer_ping_t ping = {.verb = verb,
        .time = step->now.wall,
        .shared = buffer_slice (&shared),
        .rows = buffer_slice (&rows),
        .digests = buffer_slice (&digests),
        .ages = buffer_slice (&self->ages),
        .linked = buffer_slice (&linked)};
    link_line_send (step, line, &peer_ping_type, &ping, NULL);
    if (verb == PEER_PING)
        line->pinged_ns = step->now.mono_ns;
    vector_release (&stored);
    buffer_release (&shared);
    buffer_release (&rows);
    buffer_release (&digests);
    buffer_release (&linked);
}

//  Who is seen: the one that speaks, now; and whom it has seen, as long ago as it says.
static void seen_tell (step_t *step, const line_t *line, slice_t ages)
{
    cursor_t cursor = cursor_over (ages);
    buffer_t all = {NULL, 0, 0};
    size_t count;
    if (cursor_array (&cursor, &count) == 0 && count < LIMIT_MEMBERS) {
        pack_array (&all, count + 1);
        pack_array (&all, 2);
        pack_bin (&all, slice_of (&line->client, sizeof line->client));
        pack_uint (&all, 0);
        pack_raw (&all, slice_of (cursor.at, (size_t)(cursor.end - cursor.at)));
        seen_t seen = {.ages = buffer_slice (&all)};
        step_send (step, ACTOR_POOL, MAIL_SEEN, 0, &seen_type, &seen, NULL, 0);
    }
    buffer_release (&all);
}

static void on_ping (link_t *self, step_t *step, line_t *line, slice_t frame, uint64_t verb)
{
    peer_ping_t ping;
    int rc = message_unpack (&peer_ping_type, frame, &ping, NULL);
    cursor_t shared = cursor_over (ping.shared), rows = cursor_over (ping.rows);
    peer_t *peer = link_peer (self, &line->client);
    if (rc == 0)
        rc = vector_unpack (&shared, &line->shared);
    if (rc == 0) {
        vector_copy (&line->rows_before, &line->rows);
        rc = vector_unpack (&rows, &line->rows);
    }
    if (rc == 0)
        rc = link_linked_unpack (line, ping.linked);
    if (rc) {
        garbage (self, step, line, rc, "a ping");
        return;
    }
    line->impatient = vector_equal (&line->rows, &line->rows_before) &&
                      !vector_covers_all (&line->rows, &self->rows);
    if (peer)
        vector_copy (&peer->shared, &line->shared);
    if (!line->outside &&
        !line->returns) // who is fenced off is not seen: it is declared in its turn
        seen_tell (step, line, ping.ages);
    link_digests_compare (self, step, line, ping.digests);
    if (verb == PEER_PING)
        link_ping (self, step, line, PEER_PONG);
}

//  ---- data

//  A mail's frame goes on to oplog as it is: its memory changes hands.
static frame_t frame_move (mail_t *mail, size_t index)
{
    frame_t frame = mail->frames[index];
    mail->frames[index].release = NULL;
    return frame;
}

static void batches_take (step_t *step, line_t *line, frame_t frame)
{
    take_batches_t take = {.peer = line->client, .line = line->number, .fence = line->fence};
    line->taking += frame.bytes.size;
    step_send_frames (
        step, ACTOR_OPLOG, MAIL_TAKE_BATCHES, TAKING_BATCHES, &take_batches_type, &take, &frame, 1);
}

//  Collects the pieces of one large batch.
static int piece_take (step_t *step, line_t *line, const peer_batches_t *batches, slice_t piece)
{
    if (batches->size > LIMIT_RETURN_BYTES || piece.size == 0)
        return ERR_TOO_LARGE;
    if (batches->at == 0) {
        buffer_clear (&line->partial);
        line->partial_size = batches->size;
    }
    if (batches->at != line->partial.size || batches->size != line->partial_size ||
        piece.size > batches->size - batches->at)
        return ERR_MALFORMED;
    buffer_append (&line->partial, piece.data, piece.size);
    if (line->partial.size == line->partial_size)
        batches_take (step, line, frame_take (&line->partial));
    return 0;
}

//  May this peer bring data now? While we copy, only the giver may.
static bool may_bring (link_t *self, const line_t *line, slice_t payload)
{
    return payload.size <= LIMIT_PEER_FRAME_BYTES &&
           line->taking + line->partial.size + payload.size <=
               LIMIT_CREDIT_BYTES + LIMIT_RETURN_BYTES + LIMIT_PEER_FRAME_BYTES &&
           (!self->joining || uuid_equal (&line->client, &self->giver));
}

static void on_batches (link_t *self, step_t *step, line_t *line, mail_t *mail)
{
    peer_batches_t batches;
    slice_t payload = mail_frame (mail, 1);
    int rc = message_unpack (&peer_batches_type, mail_frame (mail, 0), &batches, NULL);
    if (rc == 0 && (mail->frame_count != 2 || !may_bring (self, line, payload)))
        rc = ERR_TOO_LARGE;
    if (rc == 0 && batches.size)
        rc = piece_take (step, line, &batches, payload);
    else if (rc == 0)
        batches_take (step, line, frame_move (mail, 1));
    if (rc)
        garbage (self, step, line, rc, "a stretch of the log");
}

static void on_rows (link_t *self, step_t *step, line_t *line, mail_t *mail)
{
    peer_rows_t rows;
    slice_t payload = mail_frame (mail, 1);
    int rc = message_unpack (&peer_rows_type, mail_frame (mail, 0), &rows, NULL);
    if (rc == 0 && (mail->frame_count != 2 || !may_bring (self, line, payload)))
        rc = ERR_TOO_LARGE;
    if (rc) {
        garbage (self, step, line, rc, "a stretch of rows");
        return;
    }
    take_rows_t take = {.peer = line->client,
        .line = line->number,
        .owner = rows.owner,
        .after = rows.after,
        .upto = rows.upto};
    frame_t frame = frame_move (mail, 1);
    line->taking += frame.bytes.size;
    step_send_frames (
        step, ACTOR_OPLOG, MAIL_TAKE_ROWS, TAKING_ROWS, &take_rows_type, &take, &frame, 1);
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
        garbage (self, step, line, rc, "an acknowledgement");
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
        garbage (self, step, line, rc, "a deferral");
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
        garbage (self, step, line, rc, "a call to begin again");
        return;
    }
    step_say (step, SAY_DEBUG, "begins again: %.*s", (int)again.reason.size,
        (const char *)again.reason.data);
    vector_copy (&line->shared_sent, &line->shared);
    vector_copy (&line->rows_sent, &line->rows);
    line->again_ns = step->now.mono_ns + AGAIN_NS;
    link_feed_from (self, step, line);
    step_wake_at (step, line->again_ns);
}

static void on_declare (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_declare_t declare;
    int rc = message_unpack (&peer_declare_type, frame, &declare, NULL);
    if (rc) {
        garbage (self, step, line, rc, "a declaration");
        return;
    }
    declare_t message = {.resources = declare.resources};
    step_send (step, ACTOR_OPLOG, MAIL_DECLARE, line->number, &declare_type, &message, NULL, 0);
}

//  ---- copies

void link_copy_ask (link_t *self, step_t *step, line_t *line)
{
    slice_t place;
    if (!self->joining || !uuid_equal (&line->client, &self->giver) ||
        node_get (step->txn, NODE_SETTINGS, slice_text ("joining"), &place))
        return;
    peer_copy_t copy = {.verb = PEER_COPY, .place = place};
    link_line_send (step, line, &peer_copy_type, &copy, NULL);
}

//  A copy that was begun elsewhere goes on here when all that it holds is here: what is not, it gives us first. If it lacks
//  what our log no longer keeps, it begins once more.
void link_copy_go_on (link_t *self, step_t *step, line_t *line)
{
    position_t place = line->place;
    vector_t base = {NULL, 0, 0};
    bool begun = place.resource[0] || place.end;
    client_t client;
    if (!line->copy_waits || self->joining || clients_get (step->txn, &line->client, &client) ||
        client_declared (&client) || (begun && !vector_covers_all (&self->shared, &line->shared)) ||
        (!begun && !link_may_return (self, step, &line->client, &line->shared)))
        return;
    if (link_base (step, &base) == 0) {
        if (!vector_covers_all (&line->shared, &base))
            place = (position_t){.end = false};
        link_copy_start (self, step, line, &place);
    }
    vector_release (&base);
}

//  A copy goes on with whoever knows that it is to be: that the copier was admitted, or returns. Where that is not known,
//  or it was declared meanwhile, it is stated first.
static void on_copy (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_copy_t copy;
    client_t client;
    int rc = message_unpack (&peer_copy_type, frame, &copy, NULL);
    if (rc == 0)
        rc = position_unpack (copy.place, &line->place);
    if (rc == 0 && (self->joining || !line->peer_joins))
        rc = ERR_NOT_ALLOWED;
    if (rc) {
        garbage (self, step, line, rc, "a wish for a copy");
        return;
    }
    bool known = clients_get (step->txn, &line->client, &client) == 0;
    bool begun = line->place.resource[0] || line->place.end;
    bool admitted = known && !vector_covers (&line->shared, &client.admitted);
    line->copy_waits = true;
    if (known && (client_returns (&client) || (!client_out (&client) && (admitted || begun))))
        link_copy_go_on (self, step, line);
    else if (known && !self->going && !link_somebody_returns (step, &line->client) &&
             link_may_return (self, step, &line->client, &line->shared))
        link_return_state (step, line);
    else
        link_line_close (
            self, step, line, ERR_BUSY, "it is not known here that it is to have a copy");
}

static void on_copy_state (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    if (!self->joining || !uuid_equal (&line->client, &self->giver)) {
        garbage (self, step, line, ERR_NOT_ALLOWED, "a copy");
        return;
    }
    copy_begin_t begin = {.peer = line->client, .line = line->number, .state = frame};
    step_send (step, ACTOR_OPLOG, MAIL_COPY_BEGIN, TAKING_BEGIN, &copy_begin_type, &begin, NULL, 0);
}

static void on_copy_chunk (link_t *self, step_t *step, line_t *line, mail_t *mail)
{
    peer_copy_chunk_t chunk;
    int rc = message_unpack (&peer_copy_chunk_type, mail_frame (mail, 0), &chunk, NULL);
    if (rc == 0 &&
        (mail->frame_count != 2 || !self->joining || !may_bring (self, line, mail_frame (mail, 1))))
        rc = ERR_NOT_ALLOWED;
    if (rc) {
        garbage (self, step, line, rc, "records of a copy");
        return;
    }
    copy_chunk_t take = {.peer = line->client,
        .line = line->number,
        .from = chunk.from,
        .to = chunk.to,
        .count = chunk.count,
        .vector = chunk.vector};
    frame_t frame = frame_move (mail, 1);
    line->taking += frame.bytes.size;
    self->copied += chunk.count;
    step_send_frames (
        step, ACTOR_OPLOG, MAIL_COPY_CHUNK, TAKING_CHUNK, &copy_chunk_type, &take, &frame, 1);
}

//  ---- the switch

//  Two reasons are a person's to know, here as well as there.
static void bye_tell (link_t *self, step_t *step, const peer_t *peer, const peer_bye_t *bye)
{
    char text[2 * LIMIT_NAME_BYTES];
    if (slice_equal (bye->error, slice_text (error_name (ERR_CONFLICTING_DECLARATION))))
        link_refused (self, step, &peer->client, ERR_CONFLICTING_DECLARATION, bye->text);
    if (slice_equal (bye->error, slice_text (error_name (ERR_REMOVED)))) {
        snprintf (text, sizeof text, "%s says: this client was removed from the pool", peer->name);
        step_alarm (step, error_name (ERR_REMOVED), "pool", text);
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
        garbage (self, step, line, rc, "a word about returning");
}

static void hear_open (link_t *self, step_t *step, line_t *line, mail_t *mail, uint64_t verb)
{
    slice_t frame = mail_frame (mail, 0);
    switch (verb) {
    case PEER_PING:
    case PEER_PONG: on_ping (self, step, line, frame, verb); break;
    case PEER_BATCHES: on_batches (self, step, line, mail); break;
    case PEER_ROWS: on_rows (self, step, line, mail); break;
    case PEER_ACK: on_ack (self, step, line, frame); break;
    case PEER_DEFER: on_defer (self, step, line, frame); break;
    case PEER_AGAIN: on_again (self, step, line, frame); break;
    case PEER_DECLARE: on_declare (self, step, line, frame); break;
    case PEER_COPY: on_copy (self, step, line, frame); break;
    case PEER_COPY_STATE: on_copy_state (self, step, line, frame); break;
    case PEER_COPY_CHUNK: on_copy_chunk (self, step, line, mail); break;
    case PEER_RANGES:
    case PEER_DIGESTS:
    case PEER_WANT:
    case PEER_RECORDS: link_repair_hear (self, step, line, mail, verb); break;
    case PEER_OUTSIDE: checked (self, step, line, link_on_outside (self, step, line, frame)); break;
    case PEER_RETURN: checked (self, step, line, link_on_return (self, step, line, frame)); break;
    case PEER_WELCOME: checked (self, step, line, link_on_welcome (self, step, line, frame)); break;
    default: garbage (self, step, line, ERR_MALFORMED, "a second hello");
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
        garbage (self, step, line, rc, "a message");
    else if (verb == PEER_BYE)
        on_bye (self, step, line, frame);
    else if (line->state == LINE_OPEN)
        hear_open (self, step, line, *mail_p, verb);
    else if (verb == PEER_HELLO && line->state == LINE_GREETING)
        link_on_hello (self, step, line, frame);
    else if (!line_waits (line, mail_p))
        garbage (self, step, line, ERR_TOO_EARLY, "a message before the hello");
}

//  ---- what oplog made of it

static void again_say (link_t *self, step_t *step, line_t *line, uint64_t error)
{
    buffer_t shared = {NULL, 0, 0}, rows = {NULL, 0, 0};
    vector_pack (&self->shared, &shared);
    vector_pack (&self->rows, &rows);
    peer_again_t again = {.verb = PEER_AGAIN,
        .shared = buffer_slice (&shared),
        .rows = buffer_slice (&rows),
        .reason = slice_text (error_name (-(int)error))};
    link_line_send (step, line, &peer_again_type, &again, NULL);
    link_copy_ask (self, step, line);
    buffer_release (&shared);
    buffer_release (&rows);
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

static void defer_say (link_t *self, step_t *step, line_t *line, const taken_t *taken)
{
    vector_raise (&self->ahead, &taken->client, taken->upto, NULL);
    peer_defer_t defer = {
        .verb = PEER_DEFER, .client = taken->client, .upto = taken->upto, .ahead = taken->ahead};
    char subject[UUID_TEXT_SIZE], text[200];
    link_line_send (step, line, &peer_defer_type, &defer, NULL);
    uuid_to_text (&taken->client, subject);
    snprintf (text, sizeof text, "client %s writes from %llu.%03llu s ahead: its batches wait",
        subject, (unsigned long long)(taken->ahead >> 32),
        (unsigned long long)((taken->ahead & 0xffffffff) * 1000 >> 32));
    step_alarm (step, error_name (ERR_CLOCK_AHEAD), subject, text);
}

static bool is_peers_fault (uint64_t error)
{
    switch (-(int)error) {
    case ERR_MALFORMED:
    case ERR_TRUNCATED:
    case ERR_TOO_LARGE:
    case ERR_BAD_SIGNATURE:
    case ERR_FORKED:
    case ERR_WRONG_VERSION:
    case ERR_NOT_OWNER: return true;
    }
    return false;
}

void link_on_taken (link_t *self, step_t *step, const mail_t *mail)
{
    taken_t taken;
    if (step_unpack (step, mail, &taken_type, &taken))
        return;
    line_t *line = link_line (self, taken.line);
    if (!line || line->state != LINE_OPEN)
        return;
    line->taking -= taken.bytes < line->taking ? taken.bytes : line->taking;
    line->credit_due += taken.bytes;
    if (taken.error == 0)
        return;
    if (-(int)taken.error == ERR_CLOCK_AHEAD)
        defer_say (self, step, line, &taken);
    else if (is_peers_fault (taken.error))
        garbage (self, step, line, -(int)taken.error, "data");
    else
        again_say (self, step, line, taken.error);
}

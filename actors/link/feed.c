//  link_feed - what a peer is sent: the log at its watermark, rows, records of a copy
//
//  There is no queue: a cursor into our log, what the peer has, what is under way, and its credit. The log is sent in
//  our own commit order, which is causal. A batch is passed over if the peer has it, or if it does not follow on
//  what was sent (its origin's chain has a gap there: something was deferred). A batch of another client that the
//  peer is itself linked with is left to that client for PATIENCE_NS: so in a full mesh each batch crosses each link
//  once, and where links are missing it is relayed. What was passed over for what the peer lacked is looked at again when a
//  ping shows that it has more: what it lacked may have left our log. A client whose batch the peer deferred is passed over until
//  it is offered again, and so is all that has seen that batch. So it is with a batch that the disk has spoilt (spoilt.c).

#include "actors/link/link.h"

#include <stdlib.h>

void link_feed_from (link_t *self, step_t *step, line_t *line)
{
    if (pending_first_uncovered (step->txn, &line->shared_sent, &line->cursor))
        line->cursor = 1;
    line->hold_sequence = 0;
    line->passed_early = false;
    (void)self;
}

//  What it has got from others counts as sent, and what stands on that may go now.
void link_feed_heard (link_t *self, step_t *step, line_t *line)
{
    if (line->copying || vector_covers_all (&line->shared_sent, &line->shared))
        return;
    vector_merge (&line->shared_sent, &line->shared);
    if (line->passed_early)
        link_feed_from (self, step, line);
}

static uint64_t room (const line_t *line)
{
    return line->credit > line->in_flight ? line->credit - line->in_flight : 0;
}

//  ---- the log

static bool is_linked_with (const line_t *line, const uuid16_t *client)
{
    for (size_t i = 0; i < line->linked_count; i++)
        if (uuid_equal (&line->linked[i], client))
            return true;
    return false;
}

//  Is this batch to be left to its own origin for now?
static bool is_left (
    link_t *self, step_t *step, line_t *line, uint64_t sequence, const uuid16_t *origin)
{
    if (uuid_equal (origin, &self->me) || line->copying || !is_linked_with (line, origin))
        return false;
    if (line->hold_sequence == 0)
        line->hold_until_ns = step->now.mono_ns + PATIENCE_NS;
    line->hold_sequence = sequence;
    if (step->now.mono_ns >= line->hold_until_ns)
        return false;
    step_wake_at (step, line->hold_until_ns);
    return true;
}

enum verdict { FEED_SEND, FEED_PASS, FEED_WAIT };

static enum verdict judge (
    link_t *self, step_t *step, line_t *line, uint64_t sequence, slice_t bytes)
{
    batch_head_t head;
    if (batch_peek (bytes, &head))
        return FEED_PASS;
    uint64_t sent = vector_upto (&line->shared_sent, &head.origin);
    bool own =
        uuid_equal (&head.origin, &line->client) && head.upto > line->its_own && !line->copying;
    bool gap = head.after > sent && !head.issues_anew;
    if (head.upto <= sent || own)
        return FEED_PASS;
    line->passed_early = line->passed_early || gap;
    if (gap || vector_upto (&line->deferred, &head.origin) > step->now.mono_ns)
        return FEED_PASS;
    if (batch_seen (bytes, &self->seen))
        return FEED_PASS;
    //  Its own chain it has, whatever we heard of it last, but for what it forgot.
    if (!line->copying && vector_upto (&self->seen, &line->client) > line->its_own)
        vector_remove (&self->seen, &line->client);
    if (!vector_covers_all (&line->shared_sent, &self->seen)) {
        line->passed_early = true;
        return FEED_PASS;
    }
    return is_left (self, step, line, sequence, &head.origin) ? FEED_WAIT : FEED_SEND;
}

static void batches_send (step_t *step, line_t *line, buffer_t *payload)
{
    peer_batches_t header = {.verb = PEER_BATCHES};
    if (payload->size == 0)
        return;
    line->in_flight += payload->size;
    link_line_send (step, line, &peer_batches_type, &header, payload);
}

//  What is over the size of a message goes in pieces.
static buffer_t piece_of (const buffer_t *all, size_t at)
{
    buffer_t piece = {NULL, 0, 0};
    size_t left = all->size - at;
    buffer_append (&piece, all->data + at, left < LIMIT_CHUNK_BYTES ? left : LIMIT_CHUNK_BYTES);
    return piece;
}

static void pieces_send (step_t *step, line_t *line, slice_t bytes)
{
    for (size_t at = 0; at < bytes.size;) {
        size_t size = bytes.size - at < LIMIT_CHUNK_BYTES ? bytes.size - at : LIMIT_CHUNK_BYTES;
        peer_batches_t header = {.verb = PEER_BATCHES, .size = bytes.size, .at = at};
        buffer_t piece = {NULL, 0, 0};
        buffer_append (&piece, bytes.data + at, size);
        link_line_send (step, line, &peer_batches_type, &header, &piece);
        at += size;
    }
    line->in_flight += bytes.size;
}

//  What the peer will have once it has taken this batch.
static void sent_note (link_t *self, line_t *line, slice_t bytes)
{
    batch_head_t head;
    if (batch_peek (bytes, &head))
        return;
    if (head.issues_anew && batch_covers (bytes, &self->seen) == 0) {
        if (!line->copying)
            vector_remove (&self->seen, &line->client);
        vector_merge (&line->shared_sent, &self->seen);
    }
    vector_raise (&line->shared_sent, &head.origin, head.upto, NULL);
}

void link_batch_give (step_t *step, line_t *line, slice_t bytes)
{
    buffer_t payload = {NULL, 0, 0};
    if (room (line) && bytes.size > LIMIT_CHUNK_BYTES)
        pieces_send (step, line, bytes);
    else if (room (line)) {
        buffer_append (&payload, bytes.data, bytes.size);
        batches_send (step, line, &payload);
    }
    buffer_release (&payload);
}

//  Sends the log from the cursor on. True if it is at its end.
static bool log_feed (link_t *self, step_t *step, line_t *line, size_t budget)
{
    buffer_t payload = {NULL, 0, 0};
    uint64_t sequence = 0;
    slice_t bytes;
    bool end = false;
    size_t sent = 0;
    while (sent < budget && payload.size < room (line)) {
        int rc = pending_look (step->txn, line->cursor, &sequence, &bytes);
        batch_head_t head;
        bool spoilt = (rc == ERR_CORRUPT && sequence) || (rc == 0 && batch_peek (bytes, &head));
        end = rc == ERR_NOT_FOUND;
        if ((rc && !spoilt) || sequence > self->sequence)
            break; // what oplog has not told of yet may need a declaration that goes ahead of it
        enum verdict verdict = spoilt ? FEED_PASS : judge (self, step, line, sequence, bytes);
        if (spoilt ||
            (verdict == FEED_SEND && !link_batch_is_sound (self, step, sequence, bytes))) {
            link_spoilt_note (self, step, sequence);
            verdict = FEED_PASS;
        }
        if (verdict == FEED_WAIT)
            break;
        line->cursor = sequence + 1;
        if (verdict == FEED_PASS)
            continue;
        sent_note (self, line, bytes);
        sent += bytes.size;
        if (bytes.size > LIMIT_CHUNK_BYTES || payload.size + bytes.size > LIMIT_CHUNK_BYTES)
            batches_send (step, line, &payload);
        if (bytes.size > LIMIT_CHUNK_BYTES)
            pieces_send (step, line, bytes);
        else
            buffer_append (&payload, bytes.data, bytes.size);
    }
    batches_send (step, line, &payload);
    buffer_release (&payload);
    if (sent >= budget)
        step_wake_at (step, 0);
    return end;
}

//  ---- rows

//  Rows, in pieces where they are larger than a message: one row may be.
static void rows_send (step_t *step, line_t *line, const peer_rows_t *all, buffer_t *payload)
{
    peer_rows_t rows = *all;
    line->in_flight += payload->size;
    if (payload->size <= LIMIT_CHUNK_BYTES) {
        if (payload->size == 0)
            buffer_reserve (payload, 1);
        link_line_send (step, line, &peer_rows_type, &rows, payload);
        return;
    }
    rows.size = payload->size;
    for (size_t at = 0; at < payload->size; at += LIMIT_CHUNK_BYTES) {
        buffer_t piece = piece_of (payload, at);
        rows.at = at;
        link_line_send (step, line, &peer_rows_type, &rows, &piece);
    }
}

//  One stretch of an owner's rows behind what was sent; false if there was none.
static bool owner_feed (step_t *step, line_t *line, const uuid16_t *owner, uint64_t mark)
{
    uint64_t after = vector_upto (&line->rows_sent, owner), last = after;
    buffer_t payload = {NULL, 0, 0};
    row_t row;
    int rc = 0;
    while (payload.size < LIMIT_CHUNK_BYTES / 2 &&
           (rc = owned_stream (step->txn, owner, last, &row)) == 0) {
        if (row.updated > mark) {
            rc = ERR_NOT_FOUND; // oplog has not told of it yet
            break;
        }
        row_pack (&row, &payload);
        last = row.updated;
    }
    if (rc == ERR_NOT_FOUND && mark > last)
        last = mark; // rows that were there have moved on: the watermark covers their places too
    if (last == after || (rc && rc != ERR_NOT_FOUND)) {
        buffer_release (&payload);
        return false;
    }
    peer_rows_t header = {.verb = PEER_ROWS, .owner = *owner, .after = after, .upto = last};
    vector_raise (&line->rows_sent, owner, last, NULL);
    rows_send (step, line, &header, &payload);
    buffer_release (&payload);
    return true;
}

//  Rows of others are left to their owner where the peer is linked with it, unless nothing comes.
static void rows_feed (link_t *self, step_t *step, line_t *line)
{
    size_t budget = 4;
    tally_t tally;
    for (size_t i = 0; i < self->rows.count; i++) {
        const watermark_t *mark = &self->rows.entries[i];
        bool own = uuid_equal (&mark->client, &self->me);
        bool its = uuid_equal (&mark->client, &line->client);
        if (own ? link_own_waits (self, line) : its && !line->gives_back)
            continue;
        if (vector_upto (&line->deferred, &mark->client) > step->now.mono_ns ||
            (!own && !its && !line->impatient && is_linked_with (line, &mark->client)))
            continue;
        //  Its own, after a restore: as far as it has signed them, and no further.
        uint64_t upto =
            its && tallies_get (step->txn, &mark->client, &tally) == 0 ? tally.upto : mark->upto;
        while (budget && room (line) && vector_upto (&line->rows_sent, &mark->client) < upto &&
               owner_feed (step, line, &mark->client, upto))
            budget--;
    }
    if (!budget)
        step_wake_at (step, 0);
}

//  ---- a copy

//  The watermarks on which our log stands.
int link_base (step_t *step, vector_t *base)
{
    vector_t shared = {NULL, 0, 0};
    int rc = watermarks_load (step->txn, WATERMARK_BASE, base);
    if (rc == 0)
        rc = watermarks_load (step->txn, WATERMARK_SHARED, &shared);
    for (size_t i = base->count; rc == 0 && i-- > 0;) {
        uuid16_t client = base->entries[i].client;
        const watermark_t *mark = vector_find (&shared, &client);
        if (!mark)
            vector_remove (base, &client);
        else if (mark->upto <
                 base->entries[i].upto) // a return covered more of our own than we have
            base->entries[i] = *mark;
    }
    vector_release (&shared);
    return rc;
}

static void clients_pack (step_t *step, buffer_t *out)
{
    buffer_t body = {NULL, 0, 0};
    client_t client;
    uuid16_t after;
    size_t count = 0;
    int rc;
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        client_pack (&client, &body);
        after = client.uuid;
        count++;
    }
    pack_array (out, count);
    pack_raw (out, buffer_slice (&body));
    buffer_release (&body);
}

static void published_pack (step_t *step, buffer_t *out)
{
    buffer_t body = {NULL, 0, 0};
    vector_t seen = {NULL, 0, 0};
    uuid16_t after = {{0}}, origin;
    size_t count = 0;
    while (published_next (step->txn, &after, &origin) == 0) {
        if (published_load (step->txn, &origin, &seen))
            break;
        pack_array (&body, 2);
        pack_bin (&body, slice_of (&origin, sizeof origin));
        vector_pack (&seen, &body);
        after = origin;
        count++;
    }
    pack_array (out, count);
    pack_raw (out, buffer_slice (&body));
    vector_release (&seen);
    buffer_release (&body);
}

void link_copy_start (link_t *self, step_t *step, line_t *line, const position_t *place)
{
    line->copying = true;
    line->copy_waits = false;
    line->place = *place;
    line->records_end = place->end;
    if (place->resource[0] || place->end) {
        link_feed_from (self, step, line); // goes on where another, or we, had left it
        return;
    }
    buffer_t clients = {NULL, 0, 0}, base = {NULL, 0, 0}, published = {NULL, 0, 0};
    if (link_base (step, &line->shared_sent) == 0) {
        vector_copy (&line->shared, &line->shared_sent);
        clients_pack (step, &clients);
        vector_pack (&line->shared_sent, &base);
        published_pack (step, &published);
        peer_copy_state_t state = {.verb = PEER_COPY_STATE,
            .pool = self->pool,
            .clients = buffer_slice (&clients),
            .base = buffer_slice (&base),
            .published = buffer_slice (&published)};
        link_line_send (step, line, &peer_copy_state_type, &state, NULL);
        link_feed_from (self, step, line);
    }
    buffer_release (&clients);
    buffer_release (&base);
    buffer_release (&published);
}

//  Records of a copy, in pieces where they are larger than a message: one record may be.
static void chunk_send (
    step_t *step, const line_t *line, const peer_copy_chunk_t *all, buffer_t *payload)
{
    peer_copy_chunk_t chunk = *all;
    if (payload->size <= LIMIT_CHUNK_BYTES) {
        if (payload->size == 0)
            buffer_reserve (payload, 1);
        link_line_send (step, line, &peer_copy_chunk_type, &chunk, payload);
        return;
    }
    chunk.size = payload->size;
    for (size_t at = 0; at < payload->size; at += LIMIT_CHUNK_BYTES) {
        buffer_t piece = piece_of (payload, at);
        chunk.at = at;
        link_line_send (step, line, &peer_copy_chunk_type, &chunk, &piece);
    }
}

//  Records are sent only when the whole log was, out of the same reading transaction: so they stand for exactly our
//  watermarks. What the peer deferred was not: then they wait.
static void records_feed (step_t *step, line_t *line)
{
    buffer_t payload = {NULL, 0, 0}, from = {NULL, 0, 0}, to = {NULL, 0, 0}, vector = {NULL, 0, 0};
    vector_t shared = {NULL, 0, 0};
    position_t place;
    size_t count;
    int rc = watermarks_load (step->txn, WATERMARK_SHARED, &shared);
    bool all_sent = rc == 0 && vector_covers_all (&line->shared_sent, &shared);
    if (rc == 0 && all_sent)
        rc = shared_copy_out (step->txn, &line->place, LIMIT_CHUNK_BYTES, &payload, &count, &place);
    if (rc == 0 && all_sent) {
        position_pack (&line->place, &from);
        position_pack (&place, &to);
        vector_pack (&shared, &vector);
        peer_copy_chunk_t chunk = {.verb = PEER_COPY_CHUNK,
            .from = buffer_slice (&from),
            .to = buffer_slice (&to),
            .count = count,
            .vector = buffer_slice (&vector)};
        line->in_flight += payload.size;
        line->place = place;
        line->records_end =
            place.end; // from here the log alone goes on, until it says that it has enough
        chunk_send (step, line, &chunk, &payload);
        step_wake_at (step, 0);
    }
    vector_release (&shared);
    buffer_release (&payload);
    buffer_release (&from);
    buffer_release (&to);
    buffer_release (&vector);
}

//  What it had seen before it began to copy may leave our log once all others have it, while it defers that, or what is before it:
//  then the log does not bring it any more.
static bool is_behind_base (link_t *self, step_t *step, const line_t *line)
{
    vector_clear (&self->seen);
    return link_base (step, &self->seen) == 0 &&
           !vector_covers_all (&line->shared_sent, &self->seen);
}

static void copy_feed (link_t *self, step_t *step, line_t *line)
{
    static const position_t beginning = {.end = false};
    if (is_behind_base (self, step, line))
        link_copy_start (self, step, line, &beginning);
    else if (!line->records_end && room (line))
        records_feed (step, line);
}

//  ---- all of it

//  What was deferred is offered again when its time has come.
static void deferred_retry (link_t *self, step_t *step, line_t *line)
{
    bool due = false;
    for (size_t i = line->deferred.count; i-- > 0;) {
        const watermark_t *deferred = &line->deferred.entries[i];
        if (deferred->upto > step->now.mono_ns) {
            step_wake_at (step, deferred->upto);
            continue;
        }
        uuid16_t client = deferred->client;
        vector_remove (&line->deferred, &client);
        due = true;
    }
    if (due) {
        vector_copy (&line->shared_sent, &line->shared);
        vector_copy (&line->rows_sent, &line->rows);
        link_feed_from (self, step, line);
    }
}

void link_feed (link_t *self, step_t *step, line_t *line)
{
    if (line->outside || line->returns || (line->peer_joins && !line->copying) ||
        self->restamp.active)
        return;
    //  Who copies gives to its giver what another giver had told it, and nothing else.
    if (self->joining && !(self->begun && uuid_equal (&line->client, &self->giver)))
        return;
    if (step->now.mono_ns < line->again_ns) {
        step_wake_at (step, line->again_ns);
        return;
    }
    deferred_retry (self, step, line);
    bool all = log_feed (self, step, line, FEED_ROUND_BYTES);
    if (all && line->copying)
        copy_feed (self, step, line);
    if (!line->peer_joins && !self->joining) {
        if (room (line))
            rows_feed (self, step, line);
        link_tallies_feed (self, step, line);
    }
}

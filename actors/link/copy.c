//  link_copy - asking for a copy, giving one, taking one

#include "actors/link/link.h"

#include "messages/counting.h"

void link_copy_ask (link_t *self, step_t *step, line_t *line)
{
    slice_t place;
    if (!self->joining || !uuid_equal (&line->client, &self->giver) ||
        node_get (step->txn, NODE_SETTINGS, slice_text ("joining"), &place))
        return;
    peer_copy_t copy = {.verb = PEER_COPY, .place = place};
    link_line_send (step, line, &peer_copy_type, &copy, NULL);
}

//  Have we returned since the copy was begun? Then what it has is of another half, which is over: compared with, not added to.
//  Others' word that we are back, theirs for theirs, may hide our own: so any counts, and a copy begins in vain now and then.
static bool has_returned_since (link_t *self, step_t *step, const line_t *line)
{
    client_t me;
    return clients_get (step->txn, &self->me, &me) == 0 && !vector_covers (&line->shared, &me.back);
}

//  A copy that was begun elsewhere goes on here when all that it holds is here: what is not, it gives us first; its log has
//  nothing of its own any more. If it lacks what our log no longer keeps, or we
//  have ourselves returned since, it begins once more.
void link_copy_go_on (link_t *self, step_t *step, line_t *line)
{
    position_t place = line->place;
    vector_t base = {NULL, 0, 0};
    bool begun = place.resource[0] || place.end;
    client_t client;
    if (!line->copy_waits || self->joining || self->own_until || self->restamp.active ||
        clients_get (step->txn, &line->client, &client) || client_declared (&client))
        return;
    line->copy_known = true;
    line->fence = begun && client_returns (&client) ? client.returning.time : 0;
    if ((begun && !vector_covers_all (&self->shared, &line->shared)) ||
        (!begun && !link_may_return (self, step, line, &line->shared)))
        return;
    if (link_base (step, &base) == 0) {
        if (!vector_covers_all (&line->shared, &base) || has_returned_since (self, step, line))
            place = (position_t){.end = false};
        link_copy_start (self, step, line, &place);
    }
    vector_release (&base);
}

//  It waited so long that it was declared anew: it asks again, and may be let return again.
bool link_copy_is_over (step_t *step, const line_t *line)
{
    client_t client;
    return line->copy_waits && line->copy_known &&
           clients_get (step->txn, &line->client, &client) == 0 && client_declared (&client);
}

//  A copy goes on with whoever knows that it is to be: that the copier was admitted, or returns. Where that is not known,
//  or it was declared meanwhile, it is stated first.
void link_on_copy (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_copy_t copy;
    client_t client;
    int rc = message_unpack (&peer_copy_type, frame, &copy, NULL);
    if (rc == 0)
        rc = position_unpack (copy.place, &line->place);
    if (rc == 0 && (self->joining || !line->peer_joins))
        rc = ERR_NOT_ALLOWED;
    if (rc) {
        link_refuse (self, step, line, rc, "a wish for a copy");
        return;
    }
    bool known = clients_get (step->txn, &line->client, &client) == 0;
    bool begun = line->place.resource[0] || line->place.end;
    bool admitted = known && !vector_covers (&line->shared, &client.admitted);
    line->copy_waits = true;
    if (known && (client_returns (&client) || (!client_out (&client) && (admitted || begun))))
        link_copy_go_on (self, step, line);
    else if (known && !self->going && !self->own_until &&
             !link_somebody_returns (self, step, &line->client) &&
             link_may_return (self, step, line, &line->shared))
        link_return_state (self, step, line);
    else if (!self->own_until) // while we ask it is to answer; all lines are renewed then
        link_line_close (
            self, step, line, ERR_BUSY, "it is not known here that it is to have a copy");
}

void link_on_copy_state (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    if (!self->joining || !uuid_equal (&line->client, &self->giver)) {
        link_refuse (self, step, line, ERR_NOT_ALLOWED, "a copy");
        return;
    }
    copy_begin_t begin = {.peer = line->client, .line = line->number, .state = frame};
    step_send (step, ACTOR_OPLOG, MAIL_COPY_BEGIN, TAKING_BEGIN, &copy_begin_type, &begin, NULL, 0);
}

void link_on_copy_chunk (link_t *self, step_t *step, line_t *line, mail_t *mail)
{
    peer_copy_chunk_t chunk;
    int rc = message_unpack (&peer_copy_chunk_type, mail_frame (mail, 0), &chunk, NULL);
    if (rc == 0 && (mail->frame_count != 2 || !self->joining ||
                       !link_may_bring (self, line, mail_frame (mail, 1))))
        rc = ERR_NOT_ALLOWED;
    bool whole = true;
    if (rc == 0 && chunk.size)
        rc = link_piece_take (line, chunk.size, chunk.at, mail_frame (mail, 1), &whole);
    if (rc)
        link_refuse (self, step, line, rc, "records of a copy");
    if (rc || !whole)
        return;
    copy_chunk_t take = {.peer = line->client,
        .line = line->number,
        .from = chunk.from,
        .to = chunk.to,
        .count = chunk.count,
        .vector = chunk.vector};
    frame_t frame = chunk.size ? frame_take (&line->partial) : link_frame_move (mail, 1);
    line->taking += frame.bytes.size;
    self->copied += chunk.count;
    step_send_frames (
        step, ACTOR_OPLOG, MAIL_COPY_CHUNK, TAKING_CHUNK, &copy_chunk_type, &take, &frame, 1);
}

//  link_take - data that a peer brings, and what oplog made of it

#include "actors/link/link.h"

#include <stdio.h>

//  A mail's frame goes on to oplog as it is: its memory changes hands.
frame_t link_frame_move (mail_t *mail, size_t index)
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

//  Collects the pieces of what is larger than a message, in line->partial.
int link_piece_take (line_t *line, uint64_t size, uint64_t at, slice_t piece, bool *ret_whole)
{
    if (size > LIMIT_RETURN_BYTES || piece.size == 0)
        return ERR_TOO_LARGE;
    if (at == 0) {
        buffer_clear (&line->partial);
        line->partial_size = size;
    }
    if (at != line->partial.size || size != line->partial_size || piece.size > size - at)
        return ERR_MALFORMED;
    buffer_append (&line->partial, piece.data, piece.size);
    *ret_whole = line->partial.size == line->partial_size;
    return 0;
}

//  May this peer bring data now? While we copy, only the giver may.
bool link_may_bring (link_t *self, const line_t *line, slice_t payload)
{
    return payload.size <= LIMIT_PEER_FRAME_BYTES &&
           line->taking + line->partial.size + payload.size <=
               LIMIT_CREDIT_BYTES + LIMIT_RETURN_BYTES + LIMIT_PEER_FRAME_BYTES &&
           (!self->joining || uuid_equal (&line->client, &self->giver));
}

void link_on_batches (link_t *self, step_t *step, line_t *line, mail_t *mail)
{
    peer_batches_t batches;
    slice_t payload = mail_frame (mail, 1);
    int rc = message_unpack (&peer_batches_type, mail_frame (mail, 0), &batches, NULL);
    if (rc == 0 && (mail->frame_count != 2 || !link_may_bring (self, line, payload)))
        rc = ERR_TOO_LARGE;
    if (rc == 0 && !link_restored_may_take (self, line)) {
        line->credit_due += payload.size;
        return;
    }
    bool whole = true;
    if (rc == 0 && batches.size)
        rc = link_piece_take (line, batches.size, batches.at, payload, &whole);
    if (rc == 0 && whole)
        batches_take (
            step, line, batches.size ? frame_take (&line->partial) : link_frame_move (mail, 1));
    if (rc)
        link_refuse (self, step, line, rc, "a stretch of the log");
}

void link_on_rows (link_t *self, step_t *step, line_t *line, mail_t *mail)
{
    peer_rows_t rows;
    slice_t payload = mail_frame (mail, 1);
    int rc = message_unpack (&peer_rows_type, mail_frame (mail, 0), &rows, NULL);
    if (rc == 0 && (mail->frame_count != 2 || !link_may_bring (self, line, payload)))
        rc = ERR_TOO_LARGE;
    //  What was passed over is so as a whole.
    bool passes = rows.size && rows.at && line->skipping;
    bool wanted = rc || (!passes && link_rows_wanted (self, step, line, &rows.owner));
    line->skipping = !wanted;
    if (!wanted) {
        line->credit_due += payload.size;
        return;
    }
    bool whole = true;
    if (rc == 0 && rows.size)
        rc = link_piece_take (line, rows.size, rows.at, payload, &whole);
    if (rc)
        link_refuse (self, step, line, rc, "a stretch of rows");
    if (rc || !whole)
        return;
    take_rows_t take = {.peer = line->client,
        .line = line->number,
        .owner = rows.owner,
        .after = rows.after,
        .upto = rows.upto};
    frame_t frame = rows.size ? frame_take (&line->partial) : link_frame_move (mail, 1);
    line->taking += frame.bytes.size;
    step_send_frames (
        step, ACTOR_OPLOG, MAIL_TAKE_ROWS, TAKING_ROWS, &take_rows_type, &take, &frame, 1);
}

void link_again_say (link_t *self, step_t *step, line_t *line, int error)
{
    buffer_t shared = {NULL, 0, 0}, rows = {NULL, 0, 0};
    vector_pack (&self->shared, &shared);
    vector_pack (&self->rows, &rows);
    peer_again_t again = {.verb = PEER_AGAIN,
        .shared = buffer_slice (&shared),
        .rows = buffer_slice (&rows),
        .reason = slice_text (error_name (error))};
    link_line_send (step, line, &peer_again_type, &again, NULL);
    link_copy_ask (self, step, line);
    buffer_release (&shared);
    buffer_release (&rows);
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
    if (mail->envelope.ticket == TAKING_TALLY) {
        link_on_tally_taken (self, step, line, &taken);
        return;
    }
    if (taken.error == 0)
        return;
    bool own_rows = mail->envelope.ticket == TAKING_ROWS && uuid_equal (&taken.client, &self->me);
    if (-(int)taken.error == ERR_CLOCK_AHEAD) {
        defer_say (self, step, line, &taken);
        if (mail->envelope.ticket ==
            TAKING_BEGIN) // another giver, or this one when time has caught up
            link_line_close (self, step, line, ERR_CLOCK_AHEAD, "a copy would begin ahead of time");
    } else if (own_rows && !is_peers_fault (taken.error))
        link_line_close (self, step, line, -(int)taken.error, "own rows are to come once more");
    else if (is_peers_fault (taken.error))
        link_refuse (self, step, line, -(int)taken.error, "data");
    else
        link_again_say (self, step, line, -(int)taken.error);
}

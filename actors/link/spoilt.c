//  link_spoilt - batches in the log that the disk has changed (README.md, "A batch that the disk has spoilt")
//
//  A batch is the same bytes everywhere and signed, so whoever has it can give it. Which ones are spoilt is not stored: it
//  is found when they are to be sent.

#include "actors/link/link.h"

#include <stdio.h>

//  ---- what is sound

static bool is_signed (step_t *step, slice_t bytes)
{
    batch_t batch = {.bytes = {NULL, 0}};
    client_t origin;
    int rc = batch_decode (bytes, &batch);
    if (rc == 0 && clients_get (step->txn, &batch.origin, &origin) == 0)
        rc = batch_verify (&batch, &origin.key);
    batch_release (&batch);
    return rc == 0;
}

//  A signature costs as much as a commit: of each batch it is looked at once, as long as its bytes are the same.
bool link_batch_is_sound (link_t *self, step_t *step, uint64_t sequence, slice_t bytes)
{
    sound_t *known = &self->sound[sequence & (SOUND_MOST - 1)];
    uint64_t sum = checksum_of (bytes);
    if (known->sequence == sequence && known->sum == sum)
        return true;
    if (!is_signed (step, bytes))
        return false;
    *known = (sound_t){sequence, sum};
    return true;
}

//  ---- what is not

static void spoilt_tell (step_t *step, const uuid16_t *client, bool over)
{
    char name[UUID_TEXT_SIZE], subject[UUID_TEXT_SIZE + 32], text[300];
    uuid_to_text (client, name);
    snprintf (subject, sizeof subject, "pending_operations %s", name);
    snprintf (text, sizeof text,
        "a batch of client %s in the log is not what that client signed: the disk has changed it. "
        "It and what "
        "follows on it are given to nobody until a member that still has it gives it once more",
        name);
    step_alarm (step, "DAMAGED", subject, over ? NULL : text);
}

static bool is_noted (const link_t *self, const uuid16_t *client)
{
    for (size_t i = 0; i < self->spoilt_count; i++)
        if (uuid_equal (&self->spoilt[i].client, client))
            return true;
    return false;
}

static void ask (step_t *step, const line_t *line, const spoilt_t *spoilt)
{
    peer_lacks_t lacks = {.verb = PEER_LACKS, .client = spoilt->client, .upto = spoilt->upto};
    if (line->state == LINE_OPEN && !line->outside && !line->returns && !line->peer_joins)
        link_line_send (step, line, &peer_lacks_type, &lacks, NULL);
}

void link_spoilt_note (link_t *self, step_t *step, uint64_t sequence)
{
    spoilt_t spoilt;
    if (self->spoilt_count == SPOILT_MOST ||
        pending_whose (step->txn, sequence, &spoilt.client, &spoilt.upto))
        return; // it is met again when one of the others is whole
    for (size_t i = 0; i < self->spoilt_count; i++)
        if (self->spoilt[i].upto == spoilt.upto &&
            uuid_equal (&self->spoilt[i].client, &spoilt.client))
            return;
    self->spoilt[self->spoilt_count++] = spoilt;
    metric_add (step->metrics, METRIC_BATCHES_SPOILT, 1);
    spoilt_tell (step, &spoilt.client, false);
    for (size_t i = 0; i < self->line_count; i++)
        ask (step, self->lines[i], &spoilt);
}

void link_spoilt_ask (link_t *self, step_t *step, line_t *line)
{
    for (size_t i = 0; !self->joining && i < self->spoilt_count; i++)
        ask (step, line, &self->spoilt[i]);
}

//  Whole again, or flushed?
static bool is_over (link_t *self, step_t *step, const spoilt_t *spoilt)
{
    uint64_t upto, sequence;
    slice_t bytes;
    int rc = pending_place (step->txn, &spoilt->client, spoilt->upto - 1, &upto, &sequence);
    if (rc == ERR_NOT_FOUND || (rc == 0 && upto != spoilt->upto))
        return true;
    return rc == 0 &&
           pending_find (step->txn, &spoilt->client, spoilt->upto - 1, &sequence, &bytes) == 0 &&
           link_batch_is_sound (self, step, sequence, bytes);
}

void link_spoilt_tick (link_t *self, step_t *step)
{
    bool any = false;
    if (!self->spoilt_look)
        return;
    self->spoilt_look = false;
    for (size_t i = self->spoilt_count; i-- > 0;) {
        spoilt_t spoilt = self->spoilt[i];
        if (!is_over (self, step, &spoilt))
            continue;
        self->spoilt[i] = self->spoilt[--self->spoilt_count];
        any = true;
        if (!is_noted (self, &spoilt.client))
            spoilt_tell (step, &spoilt.client, true);
    }
    for (size_t i = 0; any && i < self->line_count; i++)
        if (self->lines[i]->state == LINE_OPEN)
            link_feed_from (self, step, self->lines[i]);
}

//  ---- what a peer lacks

void link_on_lacks (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_lacks_t lacks;
    uint64_t upto, sequence;
    slice_t bytes;
    int rc = message_unpack (&peer_lacks_type, frame, &lacks, NULL);
    if (rc == 0 && lacks.upto == 0)
        rc = ERR_MALFORMED;
    if (rc) {
        link_refuse (self, step, line, rc, "a question for a batch");
        return;
    }
    if (line->outside || line->returns || line->peer_joins || self->joining || self->restamp.active)
        return;
    if (pending_place (step->txn, &lacks.client, lacks.upto - 1, &upto, &sequence) == 0 &&
        upto == lacks.upto && sequence <= self->sequence &&
        pending_find (step->txn, &lacks.client, lacks.upto - 1, &sequence, &bytes) == 0 &&
        link_batch_is_sound (self, step, sequence, bytes))
        link_batch_give (step, line, bytes);
}

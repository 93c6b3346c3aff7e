//  oplog_rebuild - derived records, made anew from their rows: `tidepool verify --rebuild`
//
//  A slice for each mail, in a transaction of its own between two groups: what it meets must harm no group. The
//  mail bears the place, and the answer, which goes out with the commit, the next one: so a slice that is not
//  committed is no step.

#include "actors/oplog/oplog.h"

#include <stdio.h>

#define SLICE_ITEMS 1000 // rows or records

static int place_read (const rebuild_mail_t *mail, rebuild_t *ret_place)
{
    rebuild_t place = {.phase = (int)mail->phase,
        .has_place = mail->has_place,
        .owner = mail->owner,
        .uuid = mail->uuid,
        .mended = mail->mended,
        .mended_before = mail->mended_before};
    if (mail->resource.size > LIMIT_NAME_BYTES)
        return ERR_MALFORMED;
    memcpy (place.resource, mail->resource.data, mail->resource.size);
    *ret_place = place;
    return 0;
}

static void answer (oplog_t *self, step_t *step, const rebuild_t *place, bool done, int error)
{
    rebuilt_t rebuilt = {.error = (uint64_t)-error,
        .done = done,
        .resource = slice_text (place->resource),
        .phase = (uint64_t)place->phase,
        .has_place = place->has_place,
        .owner = place->owner,
        .uuid = place->uuid,
        .mended = place->mended,
        .mended_before = place->mended_before};
    step_send (step, self->rebuild->envelope.from, MAIL_REBUILT, self->rebuild->envelope.ticket,
        &rebuilt_type, &rebuilt, NULL, 0);
}

void oplog_rebuild_ask (oplog_t *self, mail_t **mail_p)
{
    mail_destroy (&self->rebuild); // who asks again waits for nothing else
    self->rebuild = *mail_p;
    *mail_p = NULL;
}

int oplog_rebuild (oplog_t *self, step_t *step)
{
    rebuild_mail_t asked;
    rebuild_t place = {.phase = 0};
    uint64_t cursor = 0;
    bool done = true;
    if (step_unpack (step, self->rebuild, &rebuild_mail_type, &asked) ||
        place_read (&asked, &place)) {
        answer (self, step, &place, true, ERR_MALFORMED);
        return 0;
    }
    int rc = changes_last (step->txn, &cursor);
    changes_begin_group (step->txn);
    if (rc == 0)
        rc = derived_rebuild (step->txn, &place, SLICE_ITEMS, &done);
    if (rc == 0)
        rc = oplog_listed (self, step, cursor);
    if (rc && oplog_is_fatal (rc))
        return rc; // answered when it is settled
    answer (self, step, &place, done, rc);
    return 0;
}

void oplog_rebuild_settle (oplog_t *self, step_t *step, int error)
{
    static const rebuild_t nowhere = {.phase = 0};
    if (error)
        answer (self, step, &nowhere, true, error);
    mail_destroy (&self->rebuild);
}

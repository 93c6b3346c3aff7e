//  oplog_repair - a peer's records where both nodes differ: merged, component by component
//
//  Both sides had the same watermarks when the records were compared (link/repair.c). They are merged only if these are
//  still the watermarks here: a state that is behind or ahead would bring back what was deleted meanwhile. The peer
//  merges ours under the same condition, and a merge gives the same on both sides.

#include "actors/oplog/oplog.h"

#include "messages/stretch.h"
#include "store/damage.h"
#include "store/shared_range.h"

#include <stdio.h>

void oplog_repair_answer (step_t *step, const mail_t *mail, int error, const buffer_t *uuids)
{
    repair_t repair;
    static const uint8_t none[] = {0x90};
    if (step_unpack (step, mail, &repair_type, &repair))
        return;
    repaired_t repaired = {.peer = repair.peer,
        .line = repair.line,
        .error = (uint64_t)-error,
        .resource = repair.resource,
        .uuids = uuids ? buffer_slice (uuids) : slice_of (none, sizeof none)};
    step_send (step, mail->envelope.from, MAIL_REPAIRED, mail->envelope.ticket, &repaired_type,
        &repaired, NULL, 0);
}

static bool vector_is_ours (const oplog_t *self, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    vector_t theirs = {NULL, 0, 0};
    bool equal = vector_unpack (&cursor, &theirs) == 0 && vector_equal (&theirs, &self->shared);
    vector_release (&theirs);
    return equal;
}

static int damage_over (step_t *step, slice_t resource, const uuid16_t *uuid)
{
    char name[UUID_TEXT_SIZE], subject[LIMIT_NAME_BYTES + UUID_TEXT_SIZE + 2];
    bool was;
    int rc = damage_end (step->txn, resource, uuid, &was);
    if (rc || !was)
        return rc;
    uuid_to_text (uuid, name);
    snprintf (
        subject, sizeof subject, "%.*s %s", (int)resource.size, (const char *)resource.data, name);
    step_alarm (step, "DAMAGED", subject, NULL);
    return 0;
}

//  A copy has brought each record that the member has; those of which only the spoilt bytes are left stay aside.
int oplog_damage_copied (step_t *step)
{
    char resource[LIMIT_NAME_BYTES + 1] = "";
    uuid16_t uuid = {{0}};
    record_t record = {.created = {0}};
    int rc;
    while ((rc = damage_next (step->txn, resource, &uuid)) == 0) {
        rc = shared_get (step->txn, slice_text (resource), &uuid, &record);
        if (rc == 0 && !record_is_nothing (&record))
            rc = damage_over (step, slice_text (resource), &uuid);
        if (rc)
            break;
    }
    record_release (&record);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int records_merge (
    step_t *step, slice_t resource, slice_t records, buffer_t *uuids, size_t *ret_count)
{
    cursor_t cursor = cursor_over (records);
    record_t record = {0};
    uuid16_t uuid;
    slice_t bytes;
    size_t count = 0;
    int rc;
    while ((rc = stretch_next (&cursor, &uuid, &record, &bytes)) == 0) {
        bool changed;
        rc = shared_merge (step->txn, resource, &uuid, &record, &changed);
        if (rc == 0)
            rc = damage_over (step, resource, &uuid);
        if (rc)
            break;
        if (!changed)
            continue;
        pack_bin (uuids, slice_of (uuid.bytes, sizeof uuid.bytes));
        count++;
    }
    record_release (&record);
    *ret_count = count;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int oplog_repair (oplog_t *self, step_t *step, const mail_t *mail)
{
    repair_t repair;
    buffer_t body = {NULL, 0, 0}, uuids = {NULL, 0, 0};
    size_t count = 0;
    if (step_unpack (step, mail, &repair_type, &repair))
        return 0;
    if (self->joining || !vector_is_ours (self, repair.vector)) {
        oplog_repair_answer (step, mail, ERR_BUSY, NULL);
        return 0;
    }
    int rc = records_merge (step, repair.resource, mail_frame (mail, 0), &body, &count);
    self->sweep |= count > 0; // deletions that everybody has seen may have come back with them
    if (rc == 0) {
        pack_array (&uuids, count);
        pack_raw (&uuids, buffer_slice (&body));
        oplog_repair_answer (step, mail, 0, &uuids);
    }
    buffer_release (&body);
    buffer_release (&uuids);
    //  It was checked before it came here: half of it may be merged.
    return rc && !oplog_is_fatal (rc) ? ERR_INTERNAL : rc;
}

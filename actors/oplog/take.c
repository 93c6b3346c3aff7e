//  oplog_take - what a peer brings: batches and rows
//
//  A batch is applied only if it follows on what is here of its origin, all that it has seen is here, its
//  origin's key has signed it and its time is not too far ahead. What a peer did wrong is answered; the rest of its
//  mail is left, for what comes behind in the log may build on what was refused.

#include "actors/oplog/oplog.h"

#include "messages/counting.h"

#include <stdio.h>

static size_t frames_size (const mail_t *mail)
{
    size_t size = 0;
    for (size_t i = 0; i < mail->frame_count; i++)
        size += mail->frames[i].bytes.size;
    return size;
}

//  peer and line come from the mail that is answered, bytes from its frames.
void oplog_take_answer (step_t *step, const mail_t *mail, const taken_t *answer)
{
    taken_t taken = *answer;
    taken.bytes = frames_size (mail);
    if (mail->envelope.verb == MAIL_TAKE_BATCHES) {
        take_batches_t take;
        if (step_unpack (step, mail, &take_batches_type, &take))
            return;
        taken.peer = take.peer;
        taken.line = take.line;
    } else if (mail->envelope.verb == MAIL_TAKE_ROWS) {
        take_rows_t take;
        if (step_unpack (step, mail, &take_rows_type, &take))
            return;
        taken.peer = take.peer;
        taken.line = take.line;
    } else if (mail->envelope.verb == MAIL_TAKE_TALLY) {
        take_tally_t take;
        if (step_unpack (step, mail, &take_tally_type, &take))
            return;
        taken.peer = take.peer;
        taken.line = take.line;
    } else if (mail->envelope.verb == MAIL_COPY_BEGIN) {
        copy_begin_t begin;
        if (step_unpack (step, mail, &copy_begin_type, &begin))
            return;
        taken.peer = begin.peer;
        taken.line = begin.line;
    } else {
        copy_chunk_t chunk;
        if (step_unpack (step, mail, &copy_chunk_type, &chunk))
            return;
        taken.peer = chunk.peer;
        taken.line = chunk.line;
    }
    step_send (
        step, mail->envelope.from, MAIL_TAKEN, mail->envelope.ticket, &taken_type, &taken, NULL, 0);
}

//  ---- batches

//  0: it is next; ERR_DUPLICATE, ERR_TOO_EARLY, ERR_FORKED.
static int chain_check (const oplog_t *self, const batch_t *batch)
{
    static const watermark_t none;
    const watermark_t *mark = vector_find (&self->shared, &batch->origin);
    if (!mark)
        mark = &none;
    if (batch->upto == mark->upto)
        return hash_equal (&mark->hash, &batch->hash) ? ERR_DUPLICATE : ERR_FORKED;
    if (batch->upto < mark->upto)
        return ERR_DUPLICATE;
    if (batch->after > mark->upto)
        return ERR_TOO_EARLY;
    //  A return goes on where the member was that it returned to; some of what came directly may be here.
    if (batch->issues_anew && batch->after < mark->upto)
        return vector_upto (&batch->covers, &batch->origin) >= mark->upto ? 0 : ERR_FORKED;
    return batch->after == mark->upto && hash_equal (&mark->hash, &batch->previous) ? 0
                                                                                    : ERR_FORKED;
}

//  Every resource that a batch speaks of is known here: declarations travel ahead of data.
static int resources_check (step_t *step, const batch_t *batch)
{
    resource_entry_t entry;
    for (size_t i = 0; i < batch->resource_count; i++) {
        if (slice_equal (batch->resources[i], slice_text (CLIENTS_RESOURCE)))
            continue;
        int rc = resources_find (step->txn, batch->resources[i], &entry);
        if (rc)
            return rc;
        if (entry.resource.kind != RESOURCE_SHARED)
            return ERR_MALFORMED;
    }
    return 0;
}

static void fork_alarm (step_t *step, const uuid16_t *client)
{
    char subject[UUID_TEXT_SIZE], text[160];
    uuid_to_text (client, subject);
    snprintf (text, sizeof text,
        "two different batches claim one place in the chain of client %s: is its data directory in "
        "use twice?",
        subject);
    step_alarm (step, error_name (ERR_FORKED), subject, text);
}

//  Beside what is here of a chain (a client that lies, or a copied directory): its own link is refused, and so is what claims
//  to be ours. But who passes it on took it in good faith, and builds on it: so it is told, and joined as any. What
//  one of two has then and the other never gets shows in their digests, and is repaired.
static bool is_passed_on (const oplog_t *self, const batch_t *batch, const uuid16_t *peer)
{
    return !uuid_equal (&batch->origin, peer) &&
           !uuid_equal (&batch->origin, &self->setup->identity->client);
}

static int batch_check (
    oplog_t *self, step_t *step, const batch_t *batch, const uuid16_t *peer, uint64_t ahead)
{
    const client_t *origin = oplog_client (self, &batch->origin);
    if (!origin || timestamp_is_none (&origin->admitted))
        return ERR_NOT_MEMBER;
    int rc = chain_check (self, batch);
    bool forked = rc == ERR_FORKED;
    if (forked && (rc = batch_verify (batch, &origin->key)) == 0) {
        fork_alarm (step, &batch->origin);
        rc = !is_passed_on (self, batch, peer)                            ? ERR_FORKED
             : batch->upto <= vector_upto (&self->shared, &batch->origin) ? ERR_DUPLICATE
                                                                          : 0;
    }
    //  What this client has stamped itself is never too far ahead: its clock goes on from there.
    if (rc == 0 && ahead && !uuid_equal (&batch->origin, &self->setup->identity->client))
        rc = ERR_CLOCK_AHEAD;
    if (rc == 0 && !vector_covers_all (&self->shared, &batch->seen))
        rc = ERR_TOO_EARLY;
    if (rc == 0 && !forked)
        rc = batch_verify (batch, &origin->key);
    if (rc == 0)
        rc = resources_check (step, batch);
    if (rc == 0 && forked)
        metric_add (step->metrics, METRIC_BATCHES_FORKED, 1);
    return rc;
}

//  ---- what a return brings

//  A deletion that was purged in the returner's half is issued as a new one, and may end what was written here since;
//  whoever wrote that finds it. (A copy's records are the member's: what is ours was put aside.)
static int record_take (oplog_t *self, step_t *step, const batch_record_t *record,
    const vector_t *seen, const vector_t *covers)
{
    found_t found = {.ended = false};
    bool deletes = record->record.deleted_count > 0 && !self->joining;
    int had = deletes ? oplog_found_look (self, step, record, covers, &found) : ERR_NOT_FOUND;
    int rc = had == ERR_NOT_FOUND ? 0 : had;
    if (rc == 0)
        rc = shared_news_join (
            step->txn, record->resource, &record->uuid, &record->record, record->flags, seen);
    if (rc == 0 && had == 0)
        rc = oplog_found_after (step, record, &found);
    buffer_release (&found.value);
    return rc;
}

static int records_take (oplog_t *self, step_t *step, const batch_t *batch)
{
    batch_walk_t walk = {.index = 0};
    batch_record_t record = {.flags = 0};
    vector_t seen = {NULL, 0, 0};
    int rc = 0;
    vector_copy (&seen, &batch->seen);
    if (batch->after)
        vector_set (&seen, &batch->origin, batch->after, NULL); // of its own: what the member had
    while (rc == 0 && batch_record_next (batch, &walk, &record))
        if (!self->joining || position_covers (&self->place, record.resource, &record.uuid))
            rc = record_take (self, step, &record, &seen, &batch->covers);
    record_release (&record.record);
    vector_release (&seen);
    return rc;
}

int oplog_covers_raise (oplog_t *self, step_t *step, const uuid16_t *origin, const vector_t *covers)
{
    int rc = published_raise (step->txn, origin, covers);
    vector_merge (oplog_past (self, origin), covers);
    for (size_t i = 0; rc == 0 && i < covers->count; i++) {
        const watermark_t *mark = &covers->entries[i];
        //  Our own only we raise; but while we copy it is what the member has.
        bool ours = !self->joining && uuid_equal (&mark->client, &self->setup->identity->client);
        if (!ours && !uuid_equal (&mark->client, origin) &&
            vector_upto (&self->shared, &mark->client) < mark->upto)
            rc = oplog_shared_raise (self, step, &mark->client, mark->upto, &mark->hash);
    }
    return rc;
}

int oplog_apply_batch (oplog_t *self, step_t *step, const batch_t *batch)
{
    uint64_t sequence;
    batch_walk_t walk = {.index = 0};
    operation_t operation;
    changes_begin_group (step->txn);
    int rc = pending_append (step->txn, batch, &sequence);
    if (rc == 0)
        rc = published_raise (step->txn, &batch->origin, &batch->seen);
    vector_t *past = oplog_past (self, &batch->origin);
    vector_merge (past, &batch->seen);
    self->sweep = self->forgets = true;
    self->owes |= batch->count || batch->issues_anew;
    if (rc == 0 && batch->issues_anew)
        rc = records_take (self, step, batch);
    while (rc == 0 && batch_next (batch, &walk, &operation))
        rc = oplog_join (self, step, &operation, past);
    if (rc == 0 && batch->issues_anew)
        rc = oplog_covers_raise (self, step, &batch->origin, &batch->covers);
    return rc ? rc : oplog_shared_raise (self, step, &batch->origin, batch->upto, &batch->hash);
}

//  A batch that is here already is taken once more where the disk has spoilt it (../link/spoilt.c).
static int batch_mend (oplog_t *self, step_t *step, const batch_t *batch)
{
    const client_t *origin = oplog_client (self, &batch->origin);
    batch_t here = {.bytes = {NULL, 0}};
    uint64_t upto, sequence;
    slice_t bytes;
    int rc = pending_place (step->txn, &batch->origin, batch->upto - 1, &upto, &sequence);
    if (rc || upto != batch->upto)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    rc = pending_find (step->txn, &batch->origin, batch->upto - 1, &sequence, &bytes);
    if (rc == 0 && slice_equal (bytes, batch->bytes))
        return 0;
    bool sound =
        rc == 0 && batch_decode (bytes, &here) == 0 && batch_verify (&here, &origin->key) == 0;
    batch_release (&here);
    if (rc && rc != ERR_CORRUPT)
        return rc;
    if (sound || batch_verify (batch, &origin->key))
        return 0;
    metric_add (step->metrics, METRIC_BATCHES_MENDED, 1);
    return pending_mend (step->txn, sequence, batch);
}

static int batch_take (oplog_t *self, step_t *step, slice_t bytes, const uuid16_t *peer,
    uint64_t ahead, taken_t *answer)
{
    batch_t batch = {.bytes = {NULL, 0}};
    int rc = batch_decode (bytes, &batch);
    if (rc == 0)
        rc = batch_check (self, step, &batch, peer, ahead);
    if (rc == 0) {
        rc = oplog_apply_batch (self, step, &batch);
        if (rc == 0)
            metric_add (step->metrics, METRIC_BATCHES_TAKEN, 1);
        else if (!oplog_is_fatal (rc))
            rc = ERR_INTERNAL; // it was checked; half of it may be applied
    } else if (!oplog_is_fatal (rc) && rc != ERR_DUPLICATE) {
        bool deferred = rc == ERR_CLOCK_AHEAD;
        metric_add (step->metrics, deferred ? METRIC_BATCHES_DEFERRED : METRIC_BATCHES_REFUSED, 1);
        *answer = (taken_t){
            .error = (uint64_t)-rc, .client = batch.origin, .ahead = ahead, .upto = batch.upto};
    }
    if (rc == ERR_DUPLICATE && !self->joining)
        rc = batch_mend (self, step, &batch);
    batch_release (&batch);
    return oplog_is_fatal (rc) ? rc : 0;
}

//  Nothing is taken over the link of a client that is out, nor by one that is: it has to return. link says which
//  statement it knew of when it opened the line: of one that came since it may not have heard.
static bool is_fenced (oplog_t *self, const take_batches_t *take)
{
    const client_t *client = oplog_client (self, &take->peer);
    const client_t *me = oplog_client (self, &self->setup->identity->client);
    const timestamp_t *out = client ? client_out (client) : NULL;
    return !self->joining && ((out && out->time != take->fence) || (me && client_out (me)));
}

int oplog_take_batches (oplog_t *self, step_t *step, const mail_t *mail)
{
    cursor_t cursor = cursor_over (mail_frame (mail, 0));
    taken_t answer = {.error = 0};
    take_batches_t take;
    slice_t bytes;
    int rc = 0;
    if (step_unpack (step, mail, &take_batches_type, &take) == 0 && is_fenced (self, &take))
        answer.error = (uint64_t)-ERR_STALE;
    else if (self->joining && !self->copy_begun)
        answer.error = (uint64_t)-ERR_BUSY; // it would be taken for none of the records
    while (rc == 0 && answer.error == 0 && !cursor_done (&cursor)) {
        uint64_t ahead = 0;
        batch_head_t head;
        if (batch_skip (&cursor, &bytes) || batch_peek (bytes, &head)) {
            answer.error = (uint64_t)-ERR_MALFORMED;
            metric_add (step->metrics, METRIC_BATCHES_REFUSED, 1);
            break;
        }
        if (!cursor_done (&self->ahead_cursor) && cursor_uint (&self->ahead_cursor, &ahead))
            return ERR_INTERNAL;
        rc = batch_take (self, step, bytes, &take.peer, ahead, &answer);
    }
    //  What was left unread of this mail has its place among the clock's answers all the same.
    while (rc == 0 && !cursor_done (&cursor) && batch_skip (&cursor, &bytes) == 0) {
        uint64_t ahead;
        batch_head_t head;
        if (batch_peek (bytes, &head))
            break;
        if (!cursor_done (&self->ahead_cursor) && cursor_uint (&self->ahead_cursor, &ahead))
            return ERR_INTERNAL;
    }
    if (rc == 0)
        rc = oplog_copy_try_end (self, step);
    if (rc == 0)
        oplog_take_answer (step, mail, &answer);
    return rc;
}

//  ---- rows

static int row_check (oplog_t *self, step_t *step, const row_t *row, uint64_t after, uint64_t upto)
{
    resource_entry_t entry;
    (void)self;
    if (row->updated <= after || row->updated > upto)
        return ERR_MALFORMED;
    int rc = resources_find (step->txn, row->resource, &entry);
    return rc == 0 && entry.resource.kind != RESOURCE_OWNED ? ERR_MALFORMED : rc;
}

static int rows_put (oplog_t *self, step_t *step, const mail_t *mail, const take_rows_t *take)
{
    cursor_t cursor = cursor_over (mail_frame (mail, 0));
    uint64_t last = take->after;
    bool own = uuid_equal (&take->owner, &self->setup->identity->client);
    row_t row;
    int rc = own ? oplog_back_put (self, step, take, mail_frame (mail, 0)) : 0;
    if (rc)
        return rc;
    while (!cursor_done (&cursor)) {
        rc = row_unpack (&cursor, &row);
        if (rc == 0)
            rc = row_check (self, step, &row, last, take->upto);
        if (rc == 0)
            rc = owned_put (step->txn, &take->owner, &row);
        if (rc)
            return rc;
        last = row.updated;
        metric_add (step->metrics, METRIC_ROWS_TAKEN, !own);
    }
    return 0;
}

static int rows_check (oplog_t *self, step_t *step, const take_rows_t *take, bool *ret_gone)
{
    const client_t *owner = oplog_client (self, &take->owner);
    *ret_gone = false;
    if (!owner || timestamp_is_none (&owner->admitted))
        return ERR_NOT_MEMBER;
    return oplog_rows_check (self, step, take, owner, ret_gone);
}

//  Rows are judged one by one while they are stored: what came before a bad one stays, without its
//  watermark, and is the same when it comes again.
int oplog_take_rows (oplog_t *self, step_t *step, const mail_t *mail)
{
    take_rows_t take;
    taken_t answer = {.error = 0};
    if (step_unpack (step, mail, &take_rows_type, &take))
        return 0;
    uint64_t ahead = 0;
    if (!cursor_done (&self->ahead_cursor) && cursor_uint (&self->ahead_cursor, &ahead))
        return ERR_INTERNAL;
    bool gone;
    int rc = rows_check (self, step, &take, &gone);
    if (rc == 0 && ahead)
        rc = ERR_CLOCK_AHEAD;
    if (rc == 0 && !gone)
        rc = rows_put (self, step, mail, &take);
    if (rc == 0)
        oplog_rows_taken (self, &take);
    if (rc && oplog_is_fatal (rc))
        return rc;
    if (rc && rc != ERR_DUPLICATE) {
        bool deferred = rc == ERR_CLOCK_AHEAD;
        metric_add (step->metrics, deferred ? METRIC_ROWS_DEFERRED : METRIC_PEER_GARBAGE, 1);
        answer = (taken_t){
            .error = (uint64_t)-rc, .client = take.owner, .ahead = ahead, .upto = take.upto};
    }
    oplog_take_answer (step, mail, &answer);
    return 0;
}

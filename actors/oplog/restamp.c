//  oplog_restamp - what nobody has accepted, stamped anew: `tidepool restamp` (README.md, "Re-stamping after a wrong clock")
//
//  In a transaction of its own between two groups, so no timestamps are granted meanwhile. It is all there with the
//  commit, or nothing is: a crash asks again.

#include "actors/oplog/oplog.h"

#include "store/renamed.h"

#include <stdio.h>

void oplog_restamp_ask (oplog_t *self, mail_t **mail_p)
{
    mail_destroy (&self->restamp); // link asks once at a time
    self->restamp = *mail_p;
    *mail_p = NULL;
}

static void answer (oplog_t *self, step_t *step, const restamped_t *restamped)
{
    step_send (step, self->restamp->envelope.from, MAIL_RESTAMPED, self->restamp->envelope.ticket,
        &restamped_type, restamped, NULL, 0);
}

//  ---- what is to be renamed

//  The largest time of all that is here or accepted elsewhere and is not to be renamed.
static uint64_t all_else (
    const oplog_t *self, const step_t *step, const watermark_t *accepted, uint64_t rows)
{
    const uuid16_t *me = &self->setup->identity->client;
    uint64_t last = step->now.wall;
    last = accepted->upto > last ? accepted->upto : last;
    last = rows > last ? rows : last;
    for (size_t i = 0; i < self->shared.count; i++)
        if (!uuid_equal (&self->shared.entries[i].client, me) &&
            self->shared.entries[i].upto > last)
            last = self->shared.entries[i].upto;
    return last;
}

//  Batches of this client that end past the time, one after the other; ERR_NOT_FOUND behind the last.
static int own_batch_next (oplog_t *self, step_t *step, uint64_t past, uint64_t *after,
    uint64_t *ret_sequence, slice_t *ret_bytes)
{
    batch_head_t head;
    uint64_t from = *after > past ? *after : past;
    int rc =
        pending_find (step->txn, &self->setup->identity->client, from, ret_sequence, ret_bytes);
    if (rc == 0 && batch_peek (*ret_bytes, &head))
        return ERR_CORRUPT;
    if (rc == 0)
        *after = head.upto;
    return rc;
}

static int log_collect (oplog_t *self, step_t *step, renaming_t *renaming)
{
    uint64_t after = 0, sequence;
    slice_t bytes;
    int rc;
    while ((rc = own_batch_next (self, step, renaming->past, &after, &sequence, &bytes)) == 0) {
        batch_t batch = {.bytes = {NULL, 0}};
        if (batch_decode (bytes, &batch) == 0)
            renaming_add_batch (renaming, &batch);
        else
            rc = ERR_CORRUPT;
        batch_release (&batch);
        if (rc)
            return rc;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void mark_collect (const vector_t *vector, renaming_t *renaming)
{
    timestamp_t upto = {vector_upto (vector, &renaming->client), renaming->client};
    renaming_add (renaming, &upto);
}

static int marks_collect (oplog_t *self, step_t *step, renaming_t *renaming)
{
    vector_t base = {NULL, 0, 0};
    int rc = watermarks_load (step->txn, WATERMARK_BASE, &base);
    mark_collect (&self->shared, renaming);
    mark_collect (&self->rows, renaming);
    mark_collect (&base, renaming);
    for (size_t i = 0; rc == 0 && i < self->client_count; i++)
        renaming_add_client (renaming, &self->clients[i]);
    vector_release (&base);
    return rc;
}

static int collect (oplog_t *self, step_t *step, renaming_t *renaming)
{
    int rc = marks_collect (self, step, renaming);
    if (rc == 0)
        rc = log_collect (self, step, renaming);
    if (rc == 0)
        rc = renamed_collect (step->txn, renaming);
    renaming_close (renaming);
    return rc;
}

//  ---- renaming

//  The hash of what stands in front of the first batch that is renamed.
static int hash_before (slice_t bytes, hash_t *ret_hash)
{
    batch_t batch = {.bytes = {NULL, 0}};
    int rc = batch_decode (bytes, &batch) ? ERR_CORRUPT : 0;
    *ret_hash = batch.previous;
    batch_release (&batch);
    return rc;
}

static int batch_replace (oplog_t *self, step_t *step, const renaming_t *renaming, slice_t old,
    uint64_t sequence, uint64_t old_upto, const watermark_t *accepted, hash_t *hash)
{
    batch_t batch = {.bytes = {NULL, 0}};
    buffer_clear (&self->sealed);
    int rc =
        renaming_batch (renaming, old, accepted, hash, self->setup->identity, &self->sealed, hash);
    if (rc == 0)
        rc = batch_decode (buffer_slice (&self->sealed), &batch);
    if (rc)
        rc = ERR_INTERNAL;
    if (rc == 0)
        rc = pending_replace (step->txn, sequence, old_upto, &batch);
    batch_release (&batch);
    return rc;
}

//  *ret_hash: of the last batch; as it was where there is none.
static int log_rename (oplog_t *self, step_t *step, const renaming_t *renaming,
    const watermark_t *accepted, hash_t *ret_hash)
{
    uint64_t after = 0, sequence;
    slice_t bytes;
    hash_t hash;
    bool first = true;
    int rc;
    while ((rc = own_batch_next (self, step, renaming->past, &after, &sequence, &bytes)) == 0) {
        if (first)
            rc = hash_before (bytes, &hash);
        first = false;
        if (rc == 0)
            rc = batch_replace (self, step, renaming, bytes, sequence, after, accepted, &hash);
        if (rc)
            return rc;
        *ret_hash = hash;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int mark_rename (step_t *step, enum watermark_kind kind, const vector_t *vector,
    const renaming_t *renaming, const hash_t *hash)
{
    const watermark_t *found = vector_find (vector, &renaming->client);
    if (!found || found->upto <= renaming->past)
        return 0;
    watermark_t mark = {
        found->client, renaming_time (renaming, found->upto), hash ? *hash : found->hash};
    return watermarks_put (step->txn, kind, &mark);
}

static int marks_rename (
    oplog_t *self, step_t *step, const renaming_t *renaming, const hash_t *hash)
{
    vector_t base = {NULL, 0, 0};
    int rc = watermarks_load (step->txn, WATERMARK_BASE, &base);
    if (rc == 0)
        rc = mark_rename (step, WATERMARK_BASE, &base, renaming, NULL);
    if (rc == 0)
        rc = mark_rename (step, WATERMARK_SHARED, &self->shared, renaming, hash);
    if (rc == 0)
        rc = mark_rename (step, WATERMARK_ROWS, &self->rows, renaming, NULL);
    for (size_t i = 0; rc == 0 && i < self->client_count; i++)
        if (renaming_client (renaming, &self->clients[i]))
            rc = clients_put (step->txn, &self->clients[i]);
    vector_release (&base);
    return rc;
}

static int own_word_rename (step_t *step, const renaming_t *renaming)
{
    uint64_t back;
    int rc = node_get_uint (step->txn, "came_back", &back);
    if (rc == 0 && back > renaming->past)
        rc = node_put_uint (step->txn, "came_back", renaming_time (renaming, back));
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int rename_all (
    oplog_t *self, step_t *step, const renaming_t *renaming, const watermark_t *accepted)
{
    const watermark_t *own = vector_find (&self->shared, &renaming->client);
    hash_t hash = own ? own->hash : (hash_t){{0}};
    int rc = log_rename (self, step, renaming, accepted, &hash);
    if (rc == 0)
        rc = marks_rename (self, step, renaming, &hash);
    if (rc == 0)
        rc = own_word_rename (step, renaming);
    if (rc == 0)
        rc = renamed_apply (step->txn, renaming);
    uint64_t rows = vector_upto (&self->rows, &renaming->client);
    if (rc == 0)
        rc = oplog_sign_anew (self, step, renaming->past,
            rows > renaming->past ? renaming_time (renaming, rows) : rows);
    if (rc == 0)
        rc = node_put_uint (step->txn, "clock", renaming_last (renaming));
    return rc;
}

//  ---- the transaction

static void clock_put_back (step_t *step, uint64_t last)
{
    clock_back_t back = {.last = last};
    step_send (step, ACTOR_CLOCK, MAIL_CLOCK_BACK, 0, &clock_back_type, &back, NULL, 0);
}

static int accepted_read (const oplog_t *self, slice_t packed, watermark_t *ret_accepted)
{
    vector_t vector = {NULL, 0, 0};
    cursor_t cursor = cursor_over (packed);
    int rc = vector_unpack (&cursor, &vector);
    const watermark_t *found = vector_find (&vector, &self->setup->identity->client);
    watermark_t nothing = {self->setup->identity->client, 0, {{0}}};
    *ret_accepted = found ? *found : nothing;
    vector_release (&vector);
    return rc;
}

static int restamp (oplog_t *self, step_t *step, const watermark_t *accepted, uint64_t rows,
    restamped_t *ret_restamped)
{
    renaming_t renaming = {
        .client = self->setup->identity->client, .past = all_else (self, step, accepted, rows)};
    ret_restamped->past = renaming.past;
    if (oplog_busy (self))
        return ERR_BUSY;
    if (hlc_ahead (step->now.wall, renaming.past) >
        time_from_ms (self->setup->config->max_drift_ms))
        return ERR_CLOCK_AHEAD;
    int rc = collect (self, step, &renaming);
    if (rc == 0 && renaming.count) {
        rc = rename_all (self, step, &renaming, accepted);
        ret_restamped->count = renaming.count;
        ret_restamped->before = renaming.times[renaming.count - 1];
        ret_restamped->after = renaming_last (&renaming);
        clock_put_back (step, ret_restamped->after);
    }
    renaming_release (&renaming);
    self->joined_changed = true; // who remembers watermarks or members reads them anew
    if (rc == 0)
        rc = oplog_cache_make (self, step);
    return rc ? rc : oplog_announce (self, step);
}

int oplog_restamp (oplog_t *self, step_t *step)
{
    restamp_t asked;
    watermark_t accepted;
    restamped_t restamped = {.error = 0};
    vector_clear (&self->shared_rose);
    vector_clear (&self->rows_rose);
    self->clients_changed = self->resources_changed = self->joined_changed = false;
    int rc = step_unpack (step, self->restamp, &restamp_type, &asked);
    if (rc == 0)
        rc = accepted_read (self, asked.accepted, &accepted);
    if (rc == 0)
        rc = restamp (self, step, &accepted, asked.rows, &restamped);
    if (rc && oplog_is_fatal (rc))
        return rc; // answered when it is settled
    restamped.error = (uint64_t)-rc;
    answer (self, step, &restamped);
    return 0;
}

void oplog_restamp_settle (oplog_t *self, step_t *step, int error)
{
    restamped_t restamped = {.error = (uint64_t)-error};
    if (error)
        answer (self, step, &restamped);
    mail_destroy (&self->restamp);
}

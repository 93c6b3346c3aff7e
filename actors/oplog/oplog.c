//  oplog - the one that writes
//
//  Takes    APPLY (api), DECLARE (api, link), WRITE (pool, ingest, link), TAKE_BATCHES, TAKE_ROWS, TAKE_TALLY, SIGN_ROWS,
//           MARKS, COPY_BEGIN, COPY_CHUNK, GO_BACK, TOLD, REPAIR, RESTAMP (link), SCRUB, REBUILD (admin), CLOCK_GRANT (clock)
//  Keeps    the log until all that count have it: keep.c
//  Sends    CLOCK_ASK, CLOCK_BACK (clock); APPLIED, WRITTEN, TAKEN, REPAIRED, REBUILT, RESTAMPED to who asked; ADVANCED (link, pool, api); ALARM (admin)
//
//  Group commit is the natural one: what arrives while a group waits for the clock or is being
//  committed is the next group.
//
//        held --- enough ---> group --- CLOCK_ASK ---> granted --- work ---> commit --- settle
//         ^                                                                               |
//         +----------------------- arrives meanwhile <------------------------------------+
//
//  Within a group what comes from others goes first, then own writes: so whatever an own batch says to
//  have seen had been applied before each of its operations, and each of its timestamps is larger.

#include "actors/oplog/oplog.h"

#include "store/damage.h"

#include <stdlib.h>

#define RETRY_NS           1000000000ull // after a failure
#define STAMPS_OF_A_RETURN (1u << 14)    // its batch, and what it says of each member

//  ---- the queue

static bool comes_from_others (int verb)
{
    return verb != MAIL_APPLY && verb != MAIL_WRITE && verb != MAIL_SIGN_ROWS;
}

//  An upper bound of the timestamps that a mail needs: 2^32 of them make a second, so that asking
//  for some too many costs nothing.
static uint64_t stamps_wanted (const oplog_t *self, const mail_t *mail)
{
    //  With either of these a copy may be complete.
    if (mail->envelope.verb == MAIL_COPY_CHUNK ||
        (mail->envelope.verb == MAIL_TAKE_BATCHES && (self->joining || self->stale)))
        return STAMPS_OF_A_RETURN;
    if (comes_from_others (mail->envelope.verb))
        return 0;
    return 1 + mail_frame (mail, 0).size / 4 + mail_frame (mail, 1).size / 4;
}

static size_t times_append (const mail_t *mail, buffer_t *times)
{
    size_t count = 0;
    cursor_t cursor = cursor_over (mail_frame (mail, 0));
    slice_t bytes;
    batch_head_t head;
    take_rows_t rows;
    if (mail->envelope.verb == MAIL_TAKE_ROWS &&
        message_unpack (&take_rows_type, mail->body, &rows, NULL) == 0) {
        pack_uint (times, rows.upto);
        return 1;
    }
    if (mail->envelope.verb == MAIL_COPY_BEGIN) {
        pack_uint (times, oplog_copy_newest (mail));
        return 1;
    }
    if (mail->envelope.verb != MAIL_TAKE_BATCHES)
        return 0;
    while (!cursor_done (&cursor) && batch_skip (&cursor, &bytes) == 0 &&
           batch_peek (bytes, &head) == 0) {
        pack_uint (times, head.upto);
        count++;
    }
    return count;
}

//  This client's newest timestamp that is here.
static uint64_t own_newest (const oplog_t *self)
{
    const uuid16_t *me = &self->setup->identity->client;
    uint64_t shared = vector_upto (&self->shared, me), rows = vector_upto (&self->rows, me);
    return shared > rows ? shared : rows;
}

static void ask_clock (oplog_t *self, step_t *step)
{
    clock_ask_t ask = {.own = own_newest (self)};
    buffer_t times = {NULL, 0, 0}, packed = {NULL, 0, 0};
    size_t bytes = 0, count = 0;
    while (self->held.head && (bytes == 0 || bytes < LIMIT_SEAL_BYTES)) {
        mail_t *mail = mail_list_take (&self->held);
        bytes += mail_frame (mail, 0).size + mail_frame (mail, 1).size;
        ask.count += stamps_wanted (self, mail);
        count += times_append (mail, &times);
        mail_list_append (&self->group, mail);
    }
    ask.count += oplog_keep_is_due (self, step); // an empty batch bears a timestamp
    pack_array (&packed, count);
    pack_raw (&packed, buffer_slice (&times));
    ask.times = buffer_slice (&packed);
    step_send (step, ACTOR_CLOCK, MAIL_CLOCK_ASK, 0, &clock_ask_type, &ask, NULL, 0);
    self->asked = true;
    self->granted = false;
    buffer_release (&times);
    buffer_release (&packed);
}

static void on_grant (oplog_t *self, step_t *step, const mail_t *mail)
{
    clock_grant_t grant;
    if (!self->asked || step_unpack (step, mail, &clock_grant_type, &grant))
        return;
    self->grant = grant;
    buffer_clear (&self->ahead);
    buffer_append (&self->ahead, grant.ahead.data, grant.ahead.size);
    self->granted = true;
}

static void oplog_receive (void *core, step_t *step, mail_t **mail_p)
{
    oplog_t *self = core;
    switch ((*mail_p)->envelope.verb) {
    case MAIL_CLOCK_GRANT: on_grant (self, step, *mail_p); return;
    case MAIL_APPLY:
    case MAIL_DECLARE:
    case MAIL_WRITE:
    case MAIL_DROP_ROWS:
    case MAIL_TAKE_BATCHES:
    case MAIL_TAKE_ROWS:
    case MAIL_TAKE_TALLY:
    case MAIL_SIGN_ROWS:
    case MAIL_COPY_BEGIN:
    case MAIL_COPY_CHUNK:
    case MAIL_REPAIR:
    case MAIL_GO_BACK:
    case MAIL_TOLD:
        mail_list_append (&self->held, *mail_p);
        *mail_p = NULL;
        break;
    case MAIL_MARKS: oplog_on_marks (self, step, *mail_p); break;
    case MAIL_SCRUB: oplog_scrub_hurry (self, step); break;
    case MAIL_REBUILD: oplog_rebuild_ask (self, mail_p); break;
    case MAIL_RESTAMP: oplog_restamp_ask (self, mail_p); break;
    default: metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
    }
}

//  A slice of what has a transaction of its own.
static bool alone_is_due (oplog_t *self, const step_t *step, bool rests)
{
    return self->restamp || self->rebuild || (!rests && oplog_scrub_due (self, step));
}

static int alone_work (oplog_t *self, step_t *step)
{
    return self->restamp   ? oplog_restamp (self, step)
           : self->rebuild ? oplog_rebuild (self, step)
                           : oplog_scrub (self, step);
}

static void alone_settle (oplog_t *self, step_t *step, int error)
{
    if (self->restamp)
        oplog_restamp_settle (self, step, error);
    else if (self->rebuild)
        oplog_rebuild_settle (self, step, error);
}

//  What failed may fail for long: what is due by itself is then tried once a second, and not at once again.
static bool is_resting (const oplog_t *self, const step_t *step)
{
    return self->failing && step->now.mono_ns < self->retry_ns;
}

//  The shell asks this once a round, when all that has arrived was received: the moment to close a group.
static bool oplog_ready (void *core, step_t *step)
{
    oplog_t *self = core;
    bool rests = is_resting (self, step);
    if (!self->asked && alone_is_due (self, step, rests))
        return true; // a slice, in a transaction of its own: what it meets must harm no group
    if (!self->asked && (self->held.head || (!rests && oplog_keep_is_due (self, step))))
        ask_clock (self, step);
    return self->asked && self->granted;
}

//  ---- the transaction

static void work_begin (oplog_t *self)
{
    size_t count;
    self->next_stamp = self->grant.first;
    self->last_stamp = self->grant.count ? self->grant.first + self->grant.count - 1 : 0;
    if (self->grant.count == 0)
        self->next_stamp = 1;
    self->ahead_cursor = cursor_over (buffer_slice (&self->ahead));
    if (self->ahead.size && cursor_array (&self->ahead_cursor, &count))
        self->ahead_cursor = cursor_over (slice_of (NULL, 0));
    vector_clear (&self->shared_rose);
    vector_clear (&self->rows_rose);
    self->clients_changed = self->resources_changed = self->joined_changed = false;
}

//  What was taken back of this client's own chain, after a restore, comes before what it writes now. The clock had
//  not heard of it at the grant; it does at the next question.
static void own_begin (oplog_t *self)
{
    uint64_t newest = own_newest (self);
    if (self->grant.count && self->next_stamp <= newest) {
        self->next_stamp = newest + 1;
        self->last_stamp = newest + self->grant.count;
    }
    oplog_writer_begin (self);
}

static int work_mail (oplog_t *self, step_t *step, const mail_t *mail)
{
    changes_begin_group (step->txn);
    switch (mail->envelope.verb) {
    case MAIL_APPLY: return oplog_apply (self, step, mail);
    case MAIL_DECLARE: return oplog_declare (self, step, mail);
    case MAIL_WRITE: return oplog_write (self, step, mail);
    case MAIL_DROP_ROWS: return oplog_drop_rows (self, step, mail);
    case MAIL_TAKE_BATCHES: return oplog_take_batches (self, step, mail);
    case MAIL_TAKE_ROWS: return oplog_take_rows (self, step, mail);
    case MAIL_TAKE_TALLY: return oplog_take_tally (self, step, mail);
    case MAIL_SIGN_ROWS: return oplog_sign_rows (self, step, mail);
    case MAIL_COPY_BEGIN: return oplog_copy_begin (self, step, mail);
    case MAIL_COPY_CHUNK: return oplog_copy_chunk (self, step, mail);
    case MAIL_REPAIR: return oplog_repair (self, step, mail);
    case MAIL_GO_BACK: return oplog_return (self, step, mail);
    case MAIL_TOLD: return oplog_told (self, step, mail);
    }
    return 0;
}

static int rows_save (oplog_t *self, step_t *step)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < self->rows_rose.count; i++)
        rc = watermarks_put (step->txn, WATERMARK_ROWS, &self->rows_rose.entries[i]);
    return rc;
}

int oplog_announce (oplog_t *self, step_t *step)
{
    static const int listeners[] = {ACTOR_LINK, ACTOR_API, ACTOR_POOL};
    buffer_t shared = {NULL, 0, 0}, rows = {NULL, 0, 0}, fell = {NULL, 0, 0};
    advanced_t advanced = {.clients = self->clients_changed,
        .resources = self->resources_changed,
        .joined = self->joined_changed};
    int rc = pending_last (step->txn, &advanced.sequence);
    if (rc == 0)
        rc = changes_last (step->txn, &advanced.cursor);
    vector_pack (&self->shared_rose, &shared);
    vector_pack (&self->rows_rose, &rows);
    advanced.shared = buffer_slice (&shared);
    advanced.rows = buffer_slice (&rows);
    pack_array (&fell, self->fell_count);
    pack_raw (&fell, buffer_slice (&self->fell));
    advanced.fell = buffer_slice (&fell);
    for (size_t i = 0; rc == 0 && i < sizeof listeners / sizeof *listeners; i++)
        step_send (step, listeners[i], MAIL_ADVANCED, 0, &advanced_type, &advanced, NULL, 0);
    buffer_release (&shared);
    buffer_release (&rows);
    buffer_release (&fell);
    return rc;
}

static int oplog_work (void *core, step_t *step)
{
    oplog_t *self = core;
    int rc = self->stale ? oplog_cache_make (self, step) : 0;
    if (rc)
        return rc;
    self->stale = true; // until it is settled: the cache runs ahead of the store now
    if (!self->asked)
        return alone_work (self, step);
    work_begin (self);
    for (int own = 0; own <= 1; own++) {
        if (own)
            own_begin (self);
        for (mail_t *mail = self->group.head; rc == 0 && mail; mail = mail->next)
            if (comes_from_others (mail->envelope.verb) == !own)
                rc = work_mail (self, step, mail);
    }
    if (rc == 0)
        rc = oplog_restored_end (self, step);
    if (rc == 0 && self->writer.count)
        rc = oplog_seal (self, step, self->writer.time, NULL);
    else if (rc == 0)
        rc = oplog_acknowledge (self, step);
    if (rc == 0)
        rc = rows_save (self, step);
    if (rc == 0 && self->grant.count)
        rc = node_put_uint (step->txn, "clock", self->last_stamp);
    if (rc == 0)
        rc = oplog_sweep (self, step);
    if (rc == 0)
        rc = oplog_markers_forget (self, step);
    if (rc == 0)
        rc = oplog_drops_go_on (self, step);
    if (rc == 0)
        rc = oplog_announce (self, step);
    if (rc == 0 && damage_count (step->txn))
        rc = oplog_damaged (self, step);
    return rc;
}

bool oplog_is_fatal (int error)
{
    return error == ERR_MAP_FULL || error == ERR_STORAGE_FAILED || error == ERR_STORAGE_FULL ||
           error == ERR_CORRUPT || error == ERR_NO_MEMORY || error == ERR_INTERNAL;
}

static void refuse_group (oplog_t *self, step_t *step, int error)
{
    for (mail_t *mail = self->group.head; mail; mail = mail->next)
        switch (mail->envelope.verb) {
        case MAIL_APPLY: oplog_apply_refuse (step, mail, error, NULL, 0); break;
        case MAIL_TAKE_BATCHES:
        case MAIL_TAKE_ROWS:
        case MAIL_TAKE_TALLY:
        case MAIL_COPY_BEGIN:
        case MAIL_COPY_CHUNK: {
            taken_t taken = {.error = (uint64_t)-error};
            oplog_take_answer (step, mail, &taken);
            break;
        }
        case MAIL_REPAIR: oplog_repair_answer (step, mail, error, NULL); break;
        default: oplog_write_answer (step, mail, error, NULL);
        }
}

static void wake_plan (oplog_t *self, step_t *step)
{
    if (is_resting (self, step)) {
        step_wake_at (step, self->retry_ns);
        return;
    }
    oplog_keep_wake (self, step);
    oplog_scrub_plan (self, step);
}

static void oplog_settle (void *core, step_t *step, int error)
{
    oplog_t *self = core;
    self->stale = error != 0;
    if (!self->asked)
        alone_settle (self, step, error);
    if (error) {
        refuse_group (self, step, error);
        if (error == ERR_TOO_LARGE)
            oplog_return_too_large (step);
        else if (!self->failing)
            step_alarm (step, error_name (error), "store", error_text (error));
    } else if (self->failing) {
        step_alarm (step, error_name (ERR_STORAGE_FULL), "store", NULL);
        step_alarm (step, error_name (ERR_STORAGE_FAILED), "store", NULL);
    }
    self->failing = error != 0;
    self->retry_ns = step->now.mono_ns + RETRY_NS;
    buffer_clear (&self->fell); // it was told, or did not happen
    self->fell_count = 0;
    mail_list_clear (&self->group);
    self->asked = self->granted = false;
    if (self->restamp || self->rebuild)
        step_wake_at (step, step->now.mono_ns);
    else if (self->held.head && (error || !oplog_scrub_due (self, step)))
        ask_clock (self, step);
    wake_plan (self, step);
}

//  What is due is worked when it is due; here only the next wake is set.
static void oplog_tick (void *core, step_t *step)
{
    wake_plan (core, step);
}

//  ---- life

static int oplog_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    int rc = oplog_configured (setup->config, step);
    if (rc)
        return rc;
    oplog_t *self = calloc (1, sizeof *self);
    if (!self)
        return ERR_NO_MEMORY;
    self->setup = setup;
    self->stale = self->sweep = true;
    step_wake_at (step, step->now.mono_ns);
    *ret_self = self;
    step_wake_at (step, 0);
    return oplog_damage_tell (step);
}

static void oplog_close (void **core_p)
{
    oplog_t *self = *core_p;
    if (!self)
        return;
    mail_list_clear (&self->held);
    mail_list_clear (&self->group);
    mail_destroy (&self->rebuild);
    mail_destroy (&self->restamp);
    buffer_release (&self->ahead);
    buffer_release (&self->fell);
    vector_release (&self->accused);
    oplog_markers_release (self);
    vector_release (&self->shared_rose);
    vector_release (&self->rows_rose);
    vector_release (&self->own_seen);
    vector_release (&self->stable);
    oplog_cache_release (self);
    batch_writer_release (&self->writer);
    buffer_release (&self->values);
    buffer_release (&self->sealed);
    buffer_release (&self->uuids);
    free (self->ops);
    free (self->entries);
    free (self);
    *core_p = NULL;
}

const actor_class_t oplog_class = {
    .actor = ACTOR_OPLOG,
    .txn = TXN_WRITE,
    .open = oplog_open,
    .receive = oplog_receive,
    .ready = oplog_ready,
    .work = oplog_work,
    .settle = oplog_settle,
    .tick = oplog_tick,
    .close = oplog_close,
};

//  ingest - the actor: its inbox, and the phases of a job

#include "actors/ingest/ingest.h"

#include <assert.h>
#include <stdlib.h>

static int ingest_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    ingest_t *self = calloc (1, sizeof *self);
    if (!self)
        return ERR_NO_MEMORY;
    self->setup = setup;
    int rc = ingest_location_load (self, step);
    if (rc) {
        while (self->locations)
            ingest_location_drop (self, self->locations);
        free (self);
        return rc;
    }
    for (location_t *location = self->locations; location; location = location->next)
        if (!location->removing)
            ingest_location_start (step, location);
    ingest_regain_ask (self, step);
    ingest_undone_leave (self, step);
    step_wake_at (step, step->now.mono_ns);
    *ret_self = self;
    return 0;
}

static void ingest_close (void **self_p)
{
    ingest_t *self = *self_p;
    if (!self)
        return;
    mail_list_clear (&self->inbox);
    mail_destroy (&self->listing);
    ingest_compare_reset (self);
    ingest_write_release (self);
    for (size_t i = 0; i < INGEST_WAITERS; i++) {
        buffer_release (&self->waiters[i].path);
        buffer_release (&self->waiters[i].exclude);
    }
    while (self->locations)
        ingest_location_drop (self, self->locations);
    free (self);
    *self_p = NULL;
}

//  ---- a job's beginning and end

static int job_begin (ingest_t *self, step_t *step, const mail_t *mail)
{
    scan_begin_t begin;
    if (step_unpack (step, mail, &scan_begin_type, &begin))
        return 0;
    ingest_compare_reset (self);
    self->begin = begin;
    self->job_is_scan = true;
    self->job_uuid = begin.location;
    self->job = ingest_location (self, &begin.location);
    self->phase = PHASE_LISTING;
    location_t *location = self->job;
    self->distrust = location && location->inode && begin.inode && location->inode != begin.inode;
    self->unmounted = self->distrust && location->mount && !begin.mount;
    if (location && begin.whole) {
        location->scanning = true;
        location->begun_ns = step->now.mono_ns;
        location->listed = 0;
    }
    return 0;
}

//  What scan said of the location as a whole.
static void job_note_whole (ingest_t *self, step_t *step)
{
    location_t *location = self->job;
    const scan_done_t *done = &self->done;
    uint64_t ms = (step->now.mono_ns - location->begun_ns) / 1000000 + 1;
    location->per_s = done->entries * 1000 / ms;
    location->skipped = done->skipped;
    location->ignored = done->ignored;
    location->unreadable = done->unreadable;
    ingest_want_restart (location);
}

static void job_done (ingest_t *self, step_t *step, const mail_t *mail)
{
    if (step_unpack (step, mail, &scan_done_type, &self->done))
        self->done = (scan_done_t){.location = self->job_uuid, .error = -ERR_MALFORMED};
    self->phase = PHASE_DRAINING;
    location_t *location = self->job;
    if (location == NULL)
        return;
    if (self->done.error || self->distrust) {
        //  Nothing that was not seen is missing: nobody looked.
        self->missing_count = 0;
        buffer_clear (&self->left);
        location->missing |= (int)self->done.error == -ERR_NOT_FOUND || self->distrust;
        return;
    }
    location->missing = false;
    location->watched = self->done.watched;
    if (self->done.readable)
        location->unreadable = 0;
    else if (location->unreadable == 0)
        location->unreadable = self->done.unreadable;
    if (self->done.whole)
        job_note_whole (self, step);
}

static void job_begin_removal (ingest_t *self, location_t *location)
{
    ingest_compare_reset (self);
    self->job = location;
    self->job_uuid = location->uuid;
    self->job_is_scan = false;
    self->forgotten = false;
    self->phase = PHASE_RESOLVING;
    ingest_undone_begin (self, true);
    ingest_branch_push (self, slice_of ("", 0), NULL);
}

//  Inodes that no row went with. True if there were some.
static bool inodes_forget (ingest_t *self, step_t *step, int *ret_error)
{
    uint8_t key[INODE_KEY_SIZE];
    slice_t at = slice_of (self->job_uuid.bytes, 16), found, value;
    size_t count = 0;
    int rc = 0;
    for (; rc == 0 && count < INGEST_SLICE; count++) {
        rc = node_next (step->txn, NODE_INODES, at, &found, &value);
        if (rc || found.size != sizeof key || memcmp (found.data, self->job_uuid.bytes, 16) != 0)
            break;
        memcpy (key, found.data, sizeof key);
        at = slice_of (key, sizeof key);
        ingest_put_node (self, NODE_INODES, at, slice_of (NULL, 0));
    }
    ingest_flush (self, step);
    *ret_error = rc == ERR_NOT_FOUND ? 0 : rc;
    return *ret_error || count;
}

//  True if it is over.
static bool job_forget (ingest_t *self, step_t *step, int *ret_error)
{
    if (!self->forgotten && inodes_forget (self, step, ret_error))
        return false;
    if (!self->forgotten) {
        self->forgotten = true;
        ingest_put_node (
            self, NODE_LOCATIONS, slice_of (self->job_uuid.bytes, 16), slice_of (NULL, 0));
        ingest_flush (self, step);
        return false;
    }
    ingest_location_drop (self, self->job);
    return true;
}

static bool is_good (const ingest_t *self)
{
    return self->job && (!self->job_is_scan || (!self->done.error && !self->distrust));
}

bool ingest_is_whole (const ingest_t *self)
{
    return is_good (self) && (!self->job_is_scan || self->done.whole);
}

static void job_settle (ingest_t *self, step_t *step, int *ret_error)
{
    location_t *location = self->job;
    if (is_good (self) && ingest_undone_clear (self, step, ret_error))
        return;
    if (!is_good (self) && self->undone.noted)
        ingest_undone_leave (self, step);
    self->undone.noted = false;
    if (!self->job_is_scan && !job_forget (self, step, ret_error))
        return;
    if (self->job_is_scan) {
        scan_settled_t settled = {
            .location = self->job_uuid, .missing = location && location->missing};
        step_send (step, ACTOR_SCAN, MAIL_SCAN_SETTLED, 0, &scan_settled_type, &settled, NULL, 0);
        if (location && self->done.whole) {
            location->scanning = false;
            ingest_command_scanned (self, step, location);
        }
    }
    ingest_compare_reset (self);
    self->job = NULL;
    self->phase = PHASE_IDLE;
}

//  All that the job found is decided; what the location's record says of it goes along.
static void job_resolved (ingest_t *self, step_t *step)
{
    location_t *location = self->job;
    if (self->job_is_scan && ingest_is_whole (self)) {
        uint64_t entries = self->done.unreadable ? location->entries : self->done.entries;
        bool news = !location->scanned || location->inode != self->begin.inode ||
                    location->mount != self->begin.mount || location->entries != entries;
        location->scanned = true;
        location->inode = self->begin.inode;
        location->mount = self->begin.mount;
        location->entries = entries;
        if (news)
            ingest_put_location (self, location);
    }
    ingest_flush (self, step);
    self->phase = PHASE_SETTLING;
}

//  ---- working off the inbox: each answers whether there may be more to do now

static location_t *removal_find (const ingest_t *self)
{
    location_t *location = self->locations;
    while (location && !(location->removing && !location->adding))
        location = location->next;
    return location;
}

static bool identified_go (ingest_t *self, step_t *step, int *ret_error)
{
    if (!ingest_identified_fits (self, step, self->inbox.head))
        return false;
    mail_t *mail = mail_list_take (&self->inbox);
    *ret_error = ingest_identified (self, step, mail);
    mail_destroy (&mail);
    return true;
}

static bool idle_go (ingest_t *self, step_t *step, int *ret_error)
{
    const mail_t *first = self->inbox.head;
    location_t *removal = removal_find (self);
    bool waits = removal || self->regain.asked || first; // for all that is under way to be durable
    if (first && first->envelope.verb == MAIL_IDENTIFIED)
        return identified_go (self, step, ret_error);
    if (!waits)
        ingest_identify (self, step);
    //  What was found during one commit is the next.
    if (waits || ingest_is_quiet (self))
        ingest_flush_if_room (self, step);
    if (!waits || !ingest_is_durable (self))
        return false;
    if (removal)
        job_begin_removal (self, removal);
    else if (self->regain.asked) {
        ingest_regain_begin (self);
        self->phase = PHASE_REGAINING;
    } else {
        mail_t *mail = mail_list_take (&self->inbox);
        if (mail->envelope.verb == MAIL_SCAN_BEGIN)
            *ret_error = job_begin (self, step, mail);
        mail_destroy (&mail);
    }
    return true;
}

static void listing_end (ingest_t *self, step_t *step)
{
    scan_credit_t credit = {.listings = 1};
    step_send (step, ACTOR_SCAN, MAIL_SCAN_CREDIT, 0, &scan_credit_type, &credit, NULL, 0);
    mail_destroy (&self->listing);
}

static bool listing_go (ingest_t *self, step_t *step, int *ret_error)
{
    if (!ingest_has_room (self, step))
        return false;
    if (self->sweeping) {
        *ret_error = ingest_sweep (self, step);
        return true;
    }
    if (self->listing && cursor_done (&self->sections)) {
        listing_end (self, step);
        return true;
    }
    if (self->listing) {
        *ret_error = ingest_compare (self, step);
        return true;
    }
    mail_t *mail = mail_list_take (&self->inbox);
    if (mail == NULL)
        return false;
    if (mail->envelope.verb == MAIL_SCAN_LISTING) {
        self->listing = mail;
        self->sections = cursor_over (mail_frame (mail, 0));
        return true;
    }
    if (mail->envelope.verb == MAIL_SCAN_DONE)
        job_done (self, step, mail);
    mail_destroy (&mail);
    return true;
}

static bool phase_go (ingest_t *self, step_t *step, int *ret_error)
{
    bool done = false;
    switch (self->phase) {
    case PHASE_IDLE: return idle_go (self, step, ret_error);
    case PHASE_LISTING: return listing_go (self, step, ret_error);
    case PHASE_DRAINING:
        if (!ingest_flush_if_room (self, step) || !ingest_is_durable (self))
            return false;
        ingest_resolve_begin (self);
        self->phase = PHASE_RESOLVING;
        return true;
    case PHASE_RESOLVING:
        *ret_error = ingest_resolve (self, step, &done);
        if (*ret_error == 0 && done && ingest_flush_if_room (self, step))
            job_resolved (self, step);
        return *ret_error == 0 && self->phase != PHASE_RESOLVING;
    case PHASE_SETTLING:
        if (!ingest_is_durable (self))
            return false;
        job_settle (self, step, ret_error);
        return true;
    case PHASE_REGAINING:
        *ret_error = ingest_regain (self, step, &done);
        if (*ret_error == 0 && done)
            self->phase = PHASE_REGAINED;
        return *ret_error == 0 && done;
    case PHASE_REGAINED:
        if (!ingest_flush_if_room (self, step) || !ingest_is_durable (self))
            return false;
        ingest_regain_end (self, step);
        self->phase = PHASE_IDLE;
        return true;
    }
    return false;
}

//  The store cannot be read: the job ends without a decision, and the next scan makes it.
static void ingest_fail (ingest_t *self, step_t *step, int error)
{
    if (self->phase ==
        PHASE_REGAINING) { // what can be read is done; the setting has it begin again at the next start
        self->regain.asked = false;
        self->phase = PHASE_REGAINED;
    }
    step_say (step, SAY_ERROR, "files: %s; the next scan goes on", error_text (error));
    if (self->phase == PHASE_LISTING && self->listing)
        self->sections = cursor_over (slice_of (NULL, 0));
    self->missing_count = 0;
    buffer_clear (&self->left);
    self->sweeping = false;
    buffer_clear (&self->branches);
    buffer_clear (&self->unlike);
    self->placed = self->candidate_count;
    ingest_undone_leave (self, step);
    if (self->phase == PHASE_RESOLVING && !self->job_is_scan)
        ingest_branch_push (self, slice_of ("", 0), NULL); // a removal begins again
    self->pause_ns = step->now.mono_ns + INGEST_PAUSE_NS;
}

static void ingest_go (ingest_t *self, step_t *step)
{
    ingest_slots_age (self, step);
    ingest_retry (self, step);
    if (step->now.mono_ns < self->pause_ns) {
        step_wake_at (step, self->pause_ns);
        return;
    }
    size_t slices = 0;
    for (bool more = true; more;) {
        int error = 0;
        more = phase_go (self, step, &error);
        if (error) {
            ingest_fail (self, step, error);
            step_wake_at (step, self->pause_ns);
            return;
        }
        if (more && ++slices == INGEST_ROUND_SLICES) {
            step_wake_at (step, step->now.mono_ns);
            return;
        }
    }
    if ((self->phase == PHASE_RESOLVING || self->phase == PHASE_REGAINING) &&
        ingest_has_room (self, step))
        step_wake_at (step, step->now.mono_ns);
}

//  ---- the actor

static void ingest_receive (void *self_, step_t *step, mail_t **mail_p)
{
    ingest_t *self = self_;
    switch ((*mail_p)->envelope.verb) {
    case MAIL_COMMAND: ingest_command (self, step, *mail_p); break;
    case MAIL_SCAN_LOOKED: ingest_looked (self, step, *mail_p); break;
    case MAIL_WRITTEN: ingest_written (self, step, *mail_p); break;
    case MAIL_ROWS_BACK: self->regain.asked = true; break;
    case MAIL_SCAN_BEGIN:
    case MAIL_SCAN_LISTING:
    case MAIL_SCAN_DONE:
    case MAIL_IDENTIFIED:
        mail_list_append (&self->inbox, *mail_p);
        *mail_p = NULL;
        break;
    default: metric_add (step->metrics, METRIC_MAIL_REFUSED, 1); break;
    }
    step_wake_at (step, step->now.mono_ns);
}

static void ingest_tick (void *self_, step_t *step)
{
    ingest_go (self_, step);
}

const actor_class_t ingest_class = {
    .actor = ACTOR_INGEST,
    .txn = TXN_READ,
    .open = ingest_open,
    .receive = ingest_receive,
    .tick = ingest_tick,
    .close = ingest_close,
};

//  scan - the actor: its mail, and what it does next

#include "actors/scan/scan.h"

#include <assert.h>
#include <stdlib.h>

static int scan_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    (void)step;
    assert (setup->disk);
    scan_t *self = aligned_alloc (_Alignof(scan_t), sizeof *self); // libsodium's state asks for 64
    if (!self)
        return ERR_NO_MEMORY;
    memset (self, 0, sizeof *self);
    self->bytes = malloc (SCAN_READ_BYTES);
    if (!self->bytes) {
        free (self);
        return ERR_NO_MEMORY;
    }
    self->disk = setup->disk;
    self->config = setup->config;
    *ret_self = self;
    return 0;
}

static void scan_close (void **self_p)
{
    scan_t *self = *self_p;
    if (!self)
        return;
    scan_level_release (self);
    while (self->locations)
        scan_location_destroy (self, self->locations);
    scan_hash_release (self);
    lookup_release (&self->watches);
    buffer_release (&self->walk.path);
    buffer_release (&self->walk.unreadable);
    buffer_release (&self->walk.names);
    free (self->walk.levels);
    buffer_release (&self->listing);
    buffer_release (&self->section);
    free (self->bytes);
    free (self);
    *self_p = NULL;
}

//  ---- what to do next

static bool dirty_is_due (const scan_location_t *location, uint64_t now)
{
    return location->dirty.count && (now - location->last_event_ns >= SCAN_QUIET_NS ||
                                        now - location->first_event_ns >= SCAN_PATIENCE_NS);
}

static void scan_begin_what_is_due (scan_t *self, step_t *step)
{
    uint64_t now = step->now.mono_ns;
    for (scan_location_t *location = self->locations; location; location = location->next)
        if (location->due || now >= location->rescan_ns) {
            scan_walk_begin (self, step, location, true);
            return;
        }
    for (scan_location_t *location = self->locations; location; location = location->next)
        if (location->locked.count && now >= location->locked_ns)
            scan_locked_retry (location, step);
    for (scan_location_t *location = self->locations; location; location = location->next)
        if (dirty_is_due (location, now)) {
            scan_walk_begin (self, step, location, false);
            return;
        }
}

static void scan_schedule (scan_t *self, step_t *step)
{
    if (self->walk.state == WALK_SETTLING)
        return;
    if (self->walk.state == WALK_GOING) {
        if (self->unanswered < SCAN_LISTINGS_MAX)
            step_wake_at (step, step->now.mono_ns);
        return;
    }
    if (scan_hash_is_due (self))
        step_wake_at (step, step->now.mono_ns);
    for (scan_location_t *location = self->locations; location; location = location->next) {
        step_wake_at (step, location->due ? step->now.mono_ns : location->rescan_ns);
        if (location->locked.count)
            step_wake_at (step, location->locked_ns);
        if (location->dirty.count) {
            uint64_t quiet = location->last_event_ns + SCAN_QUIET_NS;
            uint64_t patience = location->first_event_ns + SCAN_PATIENCE_NS;
            step_wake_at (step, quiet < patience ? quiet : patience);
        }
    }
}

static void scan_tick (void *self_, step_t *step)
{
    scan_t *self = self_;
    if (self->walk.state == WALK_IDLE)
        scan_begin_what_is_due (self, step);
    if (self->walk.state == WALK_GOING)
        scan_walk_slice (self, step);
    else if (self->walk.state == WALK_IDLE && scan_hash_is_due (self))
        scan_hash_slice (self, step);
    scan_schedule (self, step);
}

//  ---- mail

static void on_look (scan_t *self, step_t *step, const mail_t *mail)
{
    scan_look_t look;
    if (step_unpack (step, mail, &scan_look_type, &look))
        return;
    disk_dir_t *dir;
    entry_t entry = {0};
    int rc = self->disk->open (self->disk->self, NULL, look.path, &dir, &entry);
    if (rc == 0)
        self->disk->close (self->disk->self, dir);
    scan_looked_t looked = {.error = (uint64_t)-rc, .inode = entry.inode, .mount = entry.mount};
    step_send (step, ACTOR_INGEST, MAIL_SCAN_LOOKED, mail->envelope.ticket, &scan_looked_type,
        &looked, NULL, 0);
}

static void on_start (scan_t *self, step_t *step, const mail_t *mail)
{
    scan_start_t start;
    if (step_unpack (step, mail, &scan_start_type, &start) == 0)
        scan_location_start (self, &start);
}

static void on_stop (scan_t *self, step_t *step, const mail_t *mail)
{
    scan_stop_t stop;
    if (step_unpack (step, mail, &scan_stop_type, &stop))
        return;
    scan_hash_forget (self, &stop.location);
    scan_location_t *location = scan_location_get (self, &stop.location);
    if (location == NULL)
        return;
    if (location->alarmed)
        step_alarm (step, "WATCHES", (const char *)location->path.data, NULL);
    if (self->walk.state != WALK_IDLE && self->walk.location == location)
        location->stopped = true;
    else
        scan_location_destroy (self, location);
}

static void on_credit (scan_t *self, step_t *step, const mail_t *mail)
{
    scan_credit_t credit;
    if (step_unpack (step, mail, &scan_credit_type, &credit) == 0) {
        assert (credit.listings <= self->unanswered);
        self->unanswered -= credit.listings;
    }
}

static void on_settled (scan_t *self, step_t *step, const mail_t *mail)
{
    scan_settled_t settled;
    assert (self->walk.state == WALK_SETTLING);
    scan_location_t *location = self->walk.location;
    self->walk.state = WALK_IDLE;
    self->walk.location = NULL;
    //  Nothing tells when something is mounted.
    if (step_unpack (step, mail, &scan_settled_type, &settled) == 0 && settled.missing)
        location->rescan_ns = step->now.mono_ns + SCAN_MISSING_NS;
    if (location->stopped)
        scan_location_destroy (self, location);
}

static void scan_receive (void *self_, step_t *step, mail_t **mail_p)
{
    scan_t *self = self_;
    switch ((*mail_p)->envelope.verb) {
    case MAIL_SCAN_LOOK: on_look (self, step, *mail_p); break;
    case MAIL_SCAN_START: on_start (self, step, *mail_p); break;
    case MAIL_SCAN_STOP: on_stop (self, step, *mail_p); break;
    case MAIL_SCAN_CREDIT: on_credit (self, step, *mail_p); break;
    case MAIL_SCAN_SETTLED: on_settled (self, step, *mail_p); break;
    case MAIL_SCAN_EVENTS: scan_watch_events (self, step, *mail_p); break;
    case MAIL_IDENTIFY:
        mail_list_append (&self->requests, *mail_p);
        *mail_p = NULL;
        break;
    default: metric_add (step->metrics, METRIC_MAIL_REFUSED, 1); break;
    }
    scan_schedule (self, step);
}

const actor_class_t scan_class = {
    .actor = ACTOR_SCAN,
    .txn = TXN_NONE,
    .open = scan_open,
    .receive = scan_receive,
    .tick = scan_tick,
    .close = scan_close,
};

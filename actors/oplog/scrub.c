//  oplog_scrub - counts and digests, computed anew now and then
//
//  The counters of a resource follow its changes, so they say nothing of a record that was altered behind the node's
//  back. Here everything is read again and again, a slice of SLICE_UNITS at a time: one each ping_interval_s, more often
//  only where all would not be read within scrub_interval_s otherwise. So what is small is counted anew with each ping,
//  and a table of a million records costs as much as a small one. When something is known to be wrong (a record that
//  cannot be read, or `verify` says so) the next pass is made with hardly a pause.
//
//  It is oplog that does this, although it mostly reads: only whoever writes can count while others write (scrub.h).
//  A slice is a transaction of its own, between two groups; one that finds nothing writes nothing.

#include "actors/oplog/oplog.h"

#include "store/damage.h"
#include "store/scrub.h"

#include <stdio.h>

#define SLICE_UNITS 1000     // records, or KiB where they are large
#define HURRY_NS    10000000 // between two slices of a pass in a hurry
#define SECOND_NS   1000000000ull

static bool runs (const oplog_t *self)
{
    return self->setup->config->scrub_interval_s || self->scrub.hurry;
}

bool oplog_scrub_due (oplog_t *self, const step_t *step)
{
    return runs (self) && step->now.mono_ns >= self->scrub.next_ns;
}

void oplog_scrub_plan (oplog_t *self, step_t *step)
{
    if (runs (self) && !self->asked)
        step_wake_at (step, self->scrub.next_ns);
}

void oplog_scrub_hurry (oplog_t *self, step_t *step)
{
    self->scrub.hurry = 2; // what is left of the pass under way, and a whole one
    self->scrub.next_ns = step->now.mono_ns;
    oplog_scrub_plan (self, step);
}

static uint64_t pause_ns (const oplog_t *self)
{
    const config_t *config = self->setup->config;
    uint64_t slices = self->scrub.pass / SLICE_UNITS + 1;
    uint64_t pause = config->scrub_interval_s * SECOND_NS / slices;
    uint64_t ping = config->ping_interval_s * SECOND_NS;
    if (self->scrub.hurry || pause < HURRY_NS)
        return HURRY_NS;
    return pause < ping ? pause : ping;
}

//  ---- what is told

//  A message of admin's holds what is one alarm a record.
int oplog_damage_tell (step_t *step)
{
    char resource[LIMIT_NAME_BYTES + 1] = "", text[400];
    char subject[sizeof resource + UUID_TEXT_SIZE + 1], name[UUID_TEXT_SIZE];
    uuid16_t uuid = {{0}};
    int rc;
    while ((rc = damage_next (step->txn, resource, &uuid)) == 0) {
        uuid_to_text (&uuid, name);
        snprintf (subject, sizeof subject, "%s %s", resource, name);
        snprintf (text, sizeof text,
            "%s cannot be read: the disk has changed it. It is taken from a member that has it",
            subject);
        step_alarm (step, "DAMAGED", subject, text);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int oplog_damaged (oplog_t *self, step_t *step)
{
    uint64_t count = damage_count (step->txn);
    metric_add (step->metrics, METRIC_RECORDS_DAMAGED, count);
    step_say (step, SAY_ERROR, "%llu stored records cannot be read, and were set aside",
        (unsigned long long)count);
    oplog_scrub_hurry (self, step);
    return oplog_damage_tell (step);
}

static void damage_found (oplog_t *self, step_t *step, const scrub_found_t *found)
{
    char name[UUID_TEXT_SIZE];
    uuid_to_text (&found->uuid, name);
    step_say (
        step, SAY_ERROR, "%s %s cannot be read: the disk has changed it", found->resource, name);
    metric_add (step->metrics, METRIC_RECORDS_DAMAGED, 1);
    if (found->shared)
        self->scrub.hurry = self->scrub.hurry ? self->scrub.hurry : 1;
    else
        step_alarm (
            step, "DAMAGED", found->resource, "a stored record cannot be read: see the log");
}

//  The place of a resource's alarm, or a free one; NULL where there is none.
static uint64_t *altered_find (oplog_t *self, uint64_t name)
{
    for (size_t i = 0; i < SCRUB_ALTERED_MOST; i++)
        if (self->scrub.altered[i] == name)
            return &self->scrub.altered[i];
    return NULL;
}

//  The alarm ends when the resource is found sound.
static void sound_found (oplog_t *self, step_t *step, const scrub_found_t *found)
{
    uint64_t *altered = altered_find (self, checksum_of (slice_text (found->resource)));
    if (!altered)
        return;
    *altered = 0;
    step_alarm (step, "ALTERED", found->resource, NULL);
}

static void miscount_found (oplog_t *self, step_t *step, const scrub_found_t *found)
{
    uint64_t name = checksum_of (slice_text (found->resource));
    uint64_t *altered = altered_find (self, name);
    if (!altered)
        altered = altered_find (self, 0);
    if (altered)
        *altered = name;
    char text[400];
    snprintf (text, sizeof text,
        "%s does not hold what was counted (%llu records, %llu counted): it was altered behind the "
        "node's back, or the disk is at fault. Count and digest are right now",
        found->resource, (unsigned long long)found->count, (unsigned long long)found->counted);
    step_say (step, SAY_WARNING, "%s", text);
    metric_add (step->metrics, METRIC_MISCOUNTS, 1);
    if (altered)
        step_alarm (step, "ALTERED", found->resource, text);
}

//  ---- a slice

static void passed (oplog_t *self, step_t *step)
{
    self->scrub.pass = self->scrub.records;
    self->scrub.records = 0;
    self->scrub.hurry -= self->scrub.hurry > 0;
    metric_add (step->metrics, METRIC_SCRUBS, 1);
}

//  Records that `changes` did not name stand there now.
int oplog_listed (oplog_t *self, step_t *step, uint64_t cursor_before)
{
    uint64_t cursor;
    int rc = changes_last (step->txn, &cursor);
    if (rc || cursor == cursor_before)
        return rc;
    vector_clear (&self->shared_rose);
    vector_clear (&self->rows_rose);
    self->clients_changed = self->resources_changed = self->joined_changed = false;
    return oplog_announce (self, step);
}

//  One pass at most.
int oplog_scrub (oplog_t *self, step_t *step)
{
    uint64_t budget = SLICE_UNITS, cursor = 0;
    bool told = false;
    scrub_found_t found = {.what = SCRUB_GOES_ON};
    int rc = changes_last (step->txn, &cursor);
    changes_begin_group (step->txn);
    while (rc == 0 && budget && found.what != SCRUB_PASSED) {
        uint64_t before = budget;
        rc = scrub_step (step->txn, &budget, &found);
        self->scrub.records += before - budget;
        if (rc)
            break;
        switch (found.what) {
        case SCRUB_DAMAGED:
            damage_found (self, step, &found);
            told = true;
            break;
        case SCRUB_MISCOUNTED: miscount_found (self, step, &found); break;
        case SCRUB_SOUND: sound_found (self, step, &found); break;
        case SCRUB_PASSED: passed (self, step); break;
        default: break;
        }
    }
    if (rc == 0 && told)
        rc = oplog_damage_tell (step);
    if (rc == 0)
        rc = oplog_listed (self, step, cursor);
    self->scrub.next_ns = step->now.mono_ns + pause_ns (self);
    return rc;
}

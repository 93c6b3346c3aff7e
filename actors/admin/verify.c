//  admin_verify - counts and digests of every resource, computed anew from its records
//
//  A resource is walked in slices, one a round, each in its round's own transaction, so that none lives
//  long; the walk remembers the last key. Between two rounds the resource may change: its counters say so (each visible
//  change moves the digest), and the store's cursor does for a change that was taken back. What
//  does not match then proves nothing, and the walk begins again with a slice twice as large. A resource
//  that does not hold still in all attempts is reported as BUSY.
//
//  With `rebuild` oplog first makes the derived records anew, a slice for each mail (oplog/rebuild.c).

#include "actors/admin/admin.h"

#include "store/changes.h"

#define SLICE_RECORDS 1000 // of the first attempt
#define SLICE_BYTES   (4u << 20)
#define ATTEMPTS_MAX  6

//  ---- results

//  What was found here oplog finds too when it counts anew, and puts right what it can: the counters, so that peers see
//  the difference at the next ping, and records that cannot be read.
static void difference_tell (step_t *step, const verify_t *self)
{
    scrub_t scrub = {.why = slice_text (self->entry.resource.name)};
    step_say (
        step, SAY_WARNING, "verify: %s does not hold what was counted", self->entry.resource.name);
    step_send (step, ACTOR_OPLOG, MAIL_SCRUB, 0, &scrub_type, &scrub, NULL, 0);
}

static void result_add (verify_t *self, step_t *step, int error)
{
    uint8_t digest[16];
    buffer_t *out = &self->results;
    digest_to_bytes (&self->digest, digest);
    pack_string (out, self->entry.resource.name);
    pack_map (out, error ? 4 : 3);
    pack_string (out, "count");
    pack_uint (out, self->count);
    pack_string (out, "digest");
    pack_bin (out, slice_of (digest, sizeof digest));
    pack_string (out, "ok");
    pack_bool (out, error == 0);
    if (error) {
        pack_string (out, "error");
        pack_string (out, error_name (error));
    }
    self->result_count++;
    self->sound &= error == 0;
    if (error == ERR_CORRUPT)
        difference_tell (step, self);
}

static void finish (verify_t *self, step_t *step, int error)
{
    buffer_t resources = {NULL, 0, 0};
    pack_map (&resources, self->result_count);
    pack_raw (&resources, buffer_slice (&self->results));
    verify_answer_t answer = {.id = self->caller.id,
        .ok = true,
        .resources = buffer_slice (&resources),
        .sound = self->sound,
        .mended = request_nil};
    buffer_t mended = {NULL, 0, 0};
    pack_uint (&mended, self->mended);
    if (self->rebuilt)
        answer.mended = buffer_slice (&mended);
    if (error)
        admin_refuse (step, &self->caller, error);
    else
        caller_answer (step, &self->caller, &verify_answer_type, &answer);
    buffer_release (&mended);
    buffer_release (&resources);
    admin_verify_release (self);
}

//  ---- one resource

//  Begins the walk of self->entry's resource as it is now.
static int walk_begin (admin_t *admin, step_t *step)
{
    verify_t *self = &admin->verify;
    buffer_t scratch = self->walk.scratch;
    self->count = 0;
    self->digest = (digest_t){0, 0};
    self->walk = (records_t){.resource = slice_text (self->entry.resource.name),
        .kind = self->entry.resource.kind,
        .client = admin->setup->identity->client,
        .scratch = scratch};
    return changes_last (step->txn, &self->cursor);
}

//  The next resource by name; ERR_NOT_FOUND behind the last.
static int resource_begin (admin_t *admin, step_t *step)
{
    verify_t *self = &admin->verify;
    char name[LIMIT_NAME_BYTES + 1];
    memcpy (name, self->entry.resource.name, sizeof name);
    int rc = resources_next (step->txn, slice_text (name), &self->entry);
    self->attempt = 0;
    return rc ? rc : walk_begin (admin, step);
}

//  ERR_NOT_FOUND at the resource's end.
static int slice_walk (verify_t *self, step_t *step)
{
    size_t records = (size_t)SLICE_RECORDS << self->attempt;
    size_t bytes = (size_t)SLICE_BYTES << self->attempt;
    shown_t shown;
    for (size_t read = 0; records > 0 && read < bytes; records--) {
        int rc = records_next (&self->walk, step->txn, &shown);
        if (rc)
            return rc;
        digest_t item =
            digest_of_record (shown.has_owner ? &shown.owner : NULL, &shown.uuid, shown.value);
        digest_add (&self->digest, &item);
        self->count++;
        read += shown.value.size;
    }
    return 0;
}

static bool same (uint64_t count, const digest_t *digest, const resource_entry_t *entry)
{
    return count == entry->count && digest->low == entry->digest.low &&
           digest->high == entry->digest.high;
}

//  At the end of a walk: reports the resource and begins the next one, or walks it again.
static int resource_end (admin_t *admin, step_t *step)
{
    verify_t *self = &admin->verify;
    resource_entry_t now;
    uint64_t cursor;
    int rc = resources_find (step->txn, slice_text (self->entry.resource.name), &now);
    if (rc == 0)
        rc = changes_last (step->txn, &cursor);
    if (rc)
        return rc;
    bool moved = cursor != self->cursor;
    if (same (self->count, &self->digest, &now))
        result_add (self, step, 0);
    else if (!moved)
        result_add (self, step, ERR_CORRUPT);
    else if (self->attempt + 1 == ATTEMPTS_MAX)
        result_add (
            self, step, same (now.count, &now.digest, &self->entry) ? ERR_CORRUPT : ERR_BUSY);
    else {
        self->attempt++;
        self->entry = now;
        return walk_begin (admin, step);
    }
    return resource_begin (admin, step);
}

//  ---- the whole

static void walks_begin (admin_t *self, step_t *step)
{
    int rc = resource_begin (self, step);
    if (rc)
        finish (&self->verify, step, rc == ERR_NOT_FOUND ? 0 : rc);
    else
        step_wake_at (step, step->now.mono_ns);
}

void admin_verify_begin (
    admin_t *self, step_t *step, const caller_t *caller, const request_t *request)
{
    verify_request_t asked;
    if (self->verify.running) {
        admin_refuse (step, caller, ERR_BUSY);
        return;
    }
    if (message_unpack (&verify_request_type, request->body, &asked, NULL)) {
        admin_refuse (step, caller, ERR_BAD_REQUEST);
        return;
    }
    self->verify = (verify_t){.running = true, .caller = caller_keep (caller), .sound = true};
    if (!asked.rebuild) {
        walks_begin (self, step);
        return;
    }
    const rebuild_mail_t begin = {.resource = slice_text ("")};
    self->verify.rebuilding = true;
    self->verify.ticket = ++self->ticket;
    step_send (
        step, ACTOR_OPLOG, MAIL_REBUILD, self->verify.ticket, &rebuild_mail_type, &begin, NULL, 0);
}

//  A slice is durable: the next one, or what was asked for.
void admin_verify_rebuilt (admin_t *self, step_t *step, const mail_t *mail)
{
    verify_t *verify = &self->verify;
    rebuilt_t rebuilt;
    if (!verify->rebuilding || mail->envelope.ticket != verify->ticket ||
        step_unpack (step, mail, &rebuilt_type, &rebuilt))
        return;
    if (rebuilt.error) {
        finish (verify, step, -(int)rebuilt.error);
        return;
    }
    if (rebuilt.done) {
        verify->rebuilding = false;
        verify->rebuilt = true;
        verify->mended = rebuilt.mended;
        step_wake_at (step, step->now.mono_ns); // this round's transaction may be older
        return;
    }
    const rebuild_mail_t next = {.resource = rebuilt.resource,
        .phase = rebuilt.phase,
        .has_place = rebuilt.has_place,
        .owner = rebuilt.owner,
        .uuid = rebuilt.uuid,
        .mended = rebuilt.mended,
        .mended_before = rebuilt.mended_before};
    verify->ticket = ++self->ticket;
    step_send (step, ACTOR_OPLOG, MAIL_REBUILD, verify->ticket, &rebuild_mail_type, &next, NULL, 0);
}

void admin_verify_go_on (admin_t *admin, step_t *step)
{
    verify_t *self = &admin->verify;
    if (!self->running || self->rebuilding)
        return;
    if (self->entry.resource.name[0] == 0) {
        walks_begin (admin, step);
        return;
    }
    int rc = self->broken ? resource_begin (admin, step) : slice_walk (self, step);
    if (self->broken)
        self->broken = false;
    else if (rc == ERR_NOT_FOUND)
        rc = resource_end (admin, step);
    else if (rc) {
        step_say (step, SAY_ERROR, "verify: %s: %s", self->entry.resource.name, error_text (rc));
        result_add (self, step, rc);
        self->broken = true; // this round's transaction says nothing more
        rc = 0;
    }
    if (rc)
        finish (self, step, rc == ERR_NOT_FOUND ? 0 : rc);
    else
        step_wake_at (step, step->now.mono_ns);
}

void admin_verify_release (verify_t *self)
{
    caller_release (&self->caller);
    records_release (&self->walk);
    buffer_release (&self->results);
    *self = (verify_t){.running = false};
}

//  What the one that writes does when, apart from what it writes (the simulator has that).

#include "messages/stretch.h"
#include "tests/unit/actors/harness.h"

static void apply (harness_t *self)
{
    apply_t body = {.intake = false};
    slice_t ops = packed (self, "[{action: 'create', resource: 'tags', value: {name: 'a'}}]");
    harness_mail (self, ACTOR_API, MAIL_APPLY, 7, &apply_type, &body, &ops, 1);
}

static harness_t *opened (uint64_t scrub_interval_s)
{
    harness_t *self = harness_new (&oplog_class);
    self->config.ping_interval_s = 5;
    self->config.scrub_interval_s = scrub_interval_s;
    harness_open (self);
    harness_drop (self);
    return self;
}

static void work (harness_t *self)
{
    cr_assert_eq (store_begin (self->store, true, &self->step.txn), 0);
    cr_assert_eq (oplog_class.work (self->core, &self->step), 0);
    cr_assert_eq (store_commit (&self->step.txn), 0);
    oplog_class.settle (self->core, &self->step, 0);
}

//  What is due at the start is done.
static void settle (harness_t *self)
{
    clock_grant_t grant = {.count = 0};
    while (oplog_class.ready (self->core, &self->step) || harness_take (self, MAIL_CLOCK_ASK)) {
        harness_mail (self, ACTOR_CLOCK, MAIL_CLOCK_GRANT, 0, &clock_grant_type, &grant, NULL, 0);
        work (self);
    }
    harness_drop (self);
}

//  Between the clock's grant and the commit nothing is applied, and before the grant nothing is worked at all.
Test (oplog, counts_nothing_anew_while_a_group_waits_for_the_clock)
{
    harness_t *self = opened (86400);
    cr_assert (oplog_class.ready (self->core, &self->step), "a slice is due at the start");
    work (self);
    apply (self);
    oplog_class.ready (self->core, &self->step);
    cr_assert_not_null (harness_take (self, MAIL_CLOCK_ASK));
    self->step.now.mono_ns += 3600ull * 1000000000;
    cr_assert_not (oplog_class.ready (self->core, &self->step));
    harness_destroy (&self);
}

Test (oplog, counts_nothing_anew_where_it_is_told_not_to_but_on_demand)
{
    harness_t *self = opened (0);
    settle (self);
    scrub_t scrub = {.why = slice_text ("verify")};
    self->step.now.mono_ns += 3600ull * 1000000000;
    cr_assert_not (oplog_class.ready (self->core, &self->step));
    harness_mail (self, ACTOR_ADMIN, MAIL_SCRUB, 0, &scrub_type, &scrub, NULL, 0);
    cr_assert (oplog_class.ready (self->core, &self->step));
    harness_destroy (&self);
}

//  However much there is to write, a slice that is due comes before the next group begins.
Test (oplog, counts_anew_between_two_groups)
{
    harness_t *self = opened (86400);
    apply (self);
    cr_assert (oplog_class.ready (self->core, &self->step));
    cr_assert_null (harness_take (self, MAIL_CLOCK_ASK));
    work (self);
    cr_assert_not_null (harness_take (self, MAIL_CLOCK_ASK));
    harness_destroy (&self);
}

//  What stands for another vector is behind or ahead of what is here: it is not merged.
static const char *repaired_with (harness_t *self, bool ours)
{
    uuid16_t uuid = {{7}};
    property_t property = {slice_text ("name"), slice_of ("\xa1z", 2), {5, self->identity.client}};
    record_t record = {.created = property.stamp, .written = property.stamp};
    buffer_t records = {NULL, 0, 0}, vector = {NULL, 0, 0};
    vector_t stands_for = {NULL, 0, 0};
    record.strong = (properties_t){&property, 1, 1};
    stretch_add (&uuid, &record, &records);
    if (!ours)
        vector_set (&stands_for, &self->identity.client, 9, NULL);
    vector_pack (&stands_for, &vector);
    repair_t repair = {
        .line = 4, .resource = slice_text ("tags"), .vector = buffer_slice (&vector)};
    slice_t frame = buffer_slice (&records);
    clock_grant_t grant = {.count = 0};
    harness_mail (self, ACTOR_LINK, MAIL_REPAIR, 1, &repair_type, &repair, &frame, 1);
    oplog_class.ready (self->core, &self->step);
    harness_mail (self, ACTOR_CLOCK, MAIL_CLOCK_GRANT, 0, &clock_grant_type, &grant, NULL, 0);
    oplog_class.ready (self->core, &self->step);
    work (self);
    const mail_t *mail = harness_take (self, MAIL_REPAIRED);
    repaired_t repaired;
    cr_assert_not_null (mail);
    cr_assert_eq (message_unpack (&repaired_type, mail->body, &repaired, NULL), 0);
    buffer_release (&records);
    buffer_release (&vector);
    vector_release (&stands_for);
    return repaired.error ? error_name (-(int)repaired.error) : shown_as (self, repaired.uuids);
}

Test (oplog, merges_only_what_stands_for_its_own_vector)
{
    harness_t *self = opened (0);
    settle (self);
    cr_expect_str_eq (repaired_with (self, false), "BUSY");
    cr_expect_str_neq (repaired_with (self, true), "[]");
    cr_expect_str_eq (repaired_with (self, true), "[]", "the second time nothing changes");
    harness_destroy (&self);
}

//  ---- derived records, anew

static rebuilt_t slice (harness_t *self, uint64_t ticket, const rebuild_mail_t *ask, int error)
{
    rebuilt_t rebuilt;
    harness_mail (self, ACTOR_ADMIN, MAIL_REBUILD, ticket, &rebuild_mail_type, ask, NULL, 0);
    cr_assert (oplog_class.ready (self->core, &self->step));
    cr_assert_null (harness_take (self, MAIL_CLOCK_ASK), "no group is opened for it");
    if (error)
        oplog_class.settle (self->core, &self->step, error);
    else
        work (self);
    const mail_t *mail = harness_take (self, MAIL_REBUILT);
    cr_assert_not_null (mail);
    cr_assert_eq (mail->envelope.to, ACTOR_ADMIN);
    cr_assert_eq (mail->envelope.ticket, ticket);
    cr_assert_eq (message_unpack (&rebuilt_type, mail->body, &rebuilt, NULL), 0);
    return rebuilt;
}

Test (oplog, makes_derived_records_anew_slice_by_slice)
{
    harness_t *self = opened (0);
    settle (self);
    rebuild_mail_t ask = {.resource = slice_text ("")};
    size_t slices = 0;
    for (rebuilt_t rebuilt = {.done = false}; !rebuilt.done; slices++) {
        rebuilt = slice (self, 5 + slices, &ask, 0);
        cr_assert_eq (rebuilt.error, 0);
        ask = (rebuild_mail_t){.resource = rebuilt.resource,
            .phase = rebuilt.phase,
            .has_place = rebuilt.has_place,
            .owner = rebuilt.owner,
            .uuid = rebuilt.uuid,
            .mended = rebuilt.mended,
            .mended_before = rebuilt.mended_before};
        cr_assert_lt (slices, 10);
    }
    cr_assert_eq (slices, 3, "rows, records, and that there is nothing behind them");
    cr_assert_not (oplog_class.ready (self->core, &self->step));
    harness_destroy (&self);
}

Test (oplog, slice_that_was_not_committed_is_answered_with_its_error)
{
    harness_t *self = opened (0);
    settle (self);
    const rebuild_mail_t ask = {.resource = slice_text ("")};
    rebuilt_t rebuilt = slice (self, 5, &ask, ERR_STORAGE_FULL);
    cr_assert_eq (rebuilt.error, (uint64_t)-ERR_STORAGE_FULL);
    rebuilt = slice (self, 6, &ask, 0);
    cr_assert_eq (rebuilt.error, 0);
    const rebuild_mail_t wrong = {.resource = slice_text ("tags"), .phase = 1};
    rebuilt = slice (self, 7, &wrong, 0);
    cr_assert (rebuilt.error != 0, "it is not derived");
    harness_destroy (&self);
}

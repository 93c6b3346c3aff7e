//  What the one that writes does when, apart from what it writes (the simulator has that).

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

//  Between the clock's grant and the commit nothing is applied, and before the grant nothing is worked at all.
Test (oplog, counts_nothing_anew_while_a_group_waits_for_the_clock)
{
    harness_t *self = opened (86400);
    cr_assert (oplog_class.ready (self->core, &self->step), "a slice is due at the start");
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
    scrub_t scrub = {.why = slice_text ("verify")};
    self->step.now.mono_ns += 3600ull * 1000000000;
    cr_assert_not (oplog_class.ready (self->core, &self->step));
    harness_mail (self, ACTOR_ADMIN, MAIL_SCRUB, 0, &scrub_type, &scrub, NULL, 0);
    cr_assert (oplog_class.ready (self->core, &self->step));
    harness_destroy (&self);
}

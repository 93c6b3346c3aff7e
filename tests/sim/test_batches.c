//  test_batches - what a node takes of a member's batches, and what it does not
//
//  Node 1 is a member and then gone; the test has its key, and writes its next batches as a faulty or hostile member
//  would.

#include "tests/sim/sim.h"

#include "store/watermarks.h"

typedef struct forger {
    sim_t *sim;
    const identity_t *identity;
    batch_writer_t writer;
    watermark_t last; // of its chain at node 0
    buffer_t bytes;
} forger_t;

static watermark_t mark_of (sim_t *sim, int node, const uuid16_t *client)
{
    txn_t *txn;
    vector_t vector = {NULL, 0, 0};
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (watermarks_load (txn, WATERMARK_SHARED, &vector), 0);
    const watermark_t *found = vector_find (&vector, client);
    watermark_t mark = found ? *found : (watermark_t){.client = *client};
    vector_release (&vector);
    store_abort (&txn);
    return mark;
}

static forger_t forger_new (uint64_t seed)
{
    forger_t self = {.sim = sim_new (seed, 2)};
    sim_pair (self.sim, 0, 1);
    sim_expect_converged (self.sim, 60);
    sim_kill (self.sim, 1);
    sim_pass (self.sim, 30);
    self.identity = &self.sim->nodes[1].identity;
    self.last = mark_of (self.sim, 0, &self.identity->client);
    return self;
}

static void forger_destroy (forger_t *self)
{
    batch_writer_release (&self->writer);
    buffer_release (&self->bytes);
    sim_destroy (&self->sim);
}

static uint64_t wall (const forger_t *self)
{
    return time_from_ns (1767225600ull * 1000000000 + self->sim->mono_ns);
}

static operation_t create (const forger_t *self, uint64_t record, uint64_t time)
{
    static const uint8_t value[] = {0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa1, 'x'};
    return (operation_t){.stamp = {time, self->identity->client},
        .resource = slice_text ("tags"),
        .uuid = sim_uuid (record),
        .action = ACTION_CREATE,
        .value = slice_of (value, sizeof value)};
}

//  Appends a batch of one create to self->bytes and makes it the newest of the chain.
static void batch_add (
    forger_t *self, uint64_t record, uint64_t time, const vector_t *seen, const identity_t *signer)
{
    static const vector_t nothing = {NULL, 0, 0};
    hash_t hash;
    operation_t operation = create (self, record, time);
    batch_writer_begin (&self->writer, &signer->client, self->last.upto, &self->last.hash);
    operation.stamp.client = signer->client;
    batch_writer_add (&self->writer, &operation);
    batch_writer_seal (
        &self->writer, time, seen ? seen : &nothing, NULL, signer, &self->bytes, &hash);
    self->last.upto = time;
    self->last.hash = hash;
}

static int take_from (forger_t *self, const uuid16_t *peer)
{
    int rc = sim_take_from (self->sim, 0, peer, buffer_slice (&self->bytes));
    buffer_clear (&self->bytes);
    return rc;
}

//  Over the link of whose batches they are.
static int take (forger_t *self)
{
    return take_from (self, &self->identity->client);
}

static bool shows (forger_t *self, uint64_t record)
{
    uuid16_t uuid = sim_uuid (record);
    return sim_name (self->sim, 0, "tags", &uuid)[0] != 0;
}

Test (batch_taken, that_follows_on_its_chain_is_applied_and_again_changes_nothing)
{
    forger_t self = forger_new (100);
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    buffer_t copy = {NULL, 0, 0};
    buffer_append (&copy, self.bytes.data, self.bytes.size);
    cr_assert_eq (take (&self), 0);
    cr_assert (shows (&self, 1));
    cr_assert_eq (sim_take (self.sim, 0, buffer_slice (&copy)), 0);
    batch_add (&self, 2, wall (&self) + 1000, NULL, self.identity);
    cr_assert_eq (take (&self), 0);
    cr_assert_eq (sim_take (self.sim, 0, buffer_slice (&copy)), 0, "nor when others follow it");
    cr_assert_not (sim_alarm (self.sim, 0, "FORKED"));
    buffer_release (&copy);
    forger_destroy (&self);
}

Test (batch_taken, whose_past_is_not_here_waits)
{
    forger_t self = forger_new (101);
    vector_t seen = {NULL, 0, 0};
    const uuid16_t *other = &self.sim->nodes[0].identity.client;
    vector_set (&seen, other, mark_of (self.sim, 0, other).upto + 1, NULL);
    batch_add (&self, 1, wall (&self), &seen, self.identity);
    cr_assert_eq (take (&self), ERR_TOO_EARLY);
    cr_assert_not (shows (&self, 1));
    vector_release (&seen);
    forger_destroy (&self);
}

Test (batch_taken, behind_a_gap_in_its_chain_waits)
{
    forger_t self = forger_new (102);
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    buffer_clear (&self.bytes);
    batch_add (&self, 2, wall (&self) + 100, NULL, self.identity);
    cr_assert_eq (take (&self), ERR_TOO_EARLY);
    cr_assert_not (shows (&self, 2));
    forger_destroy (&self);
}

Test (batch_taken, beside_another_in_its_chain_is_a_fork_and_is_told)
{
    forger_t self = forger_new (103);
    watermark_t before = self.last;
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    cr_assert_eq (take (&self), 0);
    self.last = before;
    batch_add (&self, 2, wall (&self) + 1000, NULL, self.identity);
    cr_assert_eq (take (&self), ERR_FORKED);
    cr_assert_not (shows (&self, 2));
    cr_assert (sim_alarm (self.sim, 0, "FORKED"));
    forger_destroy (&self);
}

//  Who passes it on had it in good faith, and builds on it.
Test (batch_taken, beside_another_in_its_chain_over_a_third_members_link_is_told_and_joined)
{
    forger_t self = forger_new (115);
    static const uuid16_t third = {{3}};
    watermark_t before = self.last;
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    cr_assert_eq (take (&self), 0);
    self.last = before;
    batch_add (&self, 2, wall (&self) + 1000, NULL, self.identity);
    batch_add (&self, 3, wall (&self) + 2000, NULL, self.identity);
    cr_assert_eq (take_from (&self, &third), 0);
    cr_assert (shows (&self, 1) && shows (&self, 2) && shows (&self, 3));
    cr_assert (sim_alarm (self.sim, 0, "FORKED"));
    cr_assert_eq (
        sim_metric (self.sim, 0, METRIC_BATCHES_FORKED), 1, "the next goes on from there");
    uint64_t upto = self.last.upto;
    self.last = before;
    batch_add (&self, 4, upto, NULL, self.identity);
    cr_assert_eq (take_from (&self, &third), 0, "no place for it here, and nobody's fault");
    cr_assert_not (shows (&self, 4));
    forger_destroy (&self);
}

//  Its own signature is what tells of a fork: nobody else can make one of its chain.
Test (batch_taken, beside_another_and_signed_by_nobody_is_no_fork)
{
    forger_t self = forger_new (116);
    static const uuid16_t third = {{3}};
    self.last.hash.bytes[0] ^= 1;
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    self.bytes.data[self.bytes.size - 1] ^= 1;
    cr_assert_eq (take_from (&self, &third), ERR_BAD_SIGNATURE);
    cr_assert_not (sim_alarm (self.sim, 0, "FORKED"));
    forger_destroy (&self);
}

//  The watermark has the hash.
Test (batch_taken, beside_one_that_has_left_the_log_is_a_fork_too)
{
    forger_t self = forger_new (111);
    uuid16_t mine = sim_uuid (9);
    watermark_t before = self.last;
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    cr_assert_eq (take (&self), 0);
    cr_assert_eq (sim_apply (self.sim, 0, "create", "tags", &mine, "mine"), 0);
    sim_pass (self.sim, 30);
    cr_assert_eq (sim_log (self.sim, 0), 1, "only what node 1 has not acknowledged");
    uint64_t upto = self.last.upto;
    self.last = before;
    batch_add (&self, 2, upto, NULL, self.identity);
    cr_assert_eq (take (&self), ERR_FORKED);
    self.last = before;
    batch_add (&self, 2, wall (&self), NULL, self.identity);
    cr_assert_eq (take (&self), ERR_FORKED);
    cr_assert_not (shows (&self, 2));
    forger_destroy (&self);
}

//  The past is never a drift.
Test (batch_taken, of_a_week_ago_is_welcome)
{
    forger_t self = forger_new (112);
    uint64_t then = wall (&self);
    self.sim->mono_ns += 7 * 86400ull * 1000000000;
    batch_add (&self, 1, then, NULL, self.identity);
    cr_assert_eq (take (&self), 0);
    cr_assert (shows (&self, 1));
    forger_destroy (&self);
}

//  What others had taken before still comes through them.
Test (batch_taken, over_the_link_of_a_declared_client_is_refused_and_over_anothers_taken)
{
    forger_t self = forger_new (113);
    static const uuid16_t third = {{3}};
    const uuid16_t *declared = &self.identity->client;
    sim_intervals (self.sim, 600, 20);
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    sim_pass (self.sim, 1500);
    cr_assert (sim_is_declared (self.sim, 0, 1));
    cr_assert_eq (sim_take_from (self.sim, 0, declared, buffer_slice (&self.bytes)), ERR_STALE);
    cr_assert_not (shows (&self, 1));
    cr_assert_eq (take_from (&self, &third), 0);
    cr_assert (shows (&self, 1));
    forger_destroy (&self);
}

Test (batch_taken, with_the_wrong_hash_of_the_one_before_is_a_fork)
{
    forger_t self = forger_new (104);
    self.last.hash.bytes[0] ^= 1;
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    cr_assert_eq (take (&self), ERR_FORKED);
    forger_destroy (&self);
}

Test (batch_taken, that_was_altered_on_the_way_is_refused)
{
    forger_t self = forger_new (105);
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    for (size_t i = 0; i + 1 < self.bytes.size; i++)
        if (self.bytes.data[i] == 0xa1 && self.bytes.data[i + 1] == 'x')
            self.bytes.data[i + 1] = 'y';
    cr_assert_eq (take (&self), ERR_BAD_SIGNATURE);
    cr_assert_not (shows (&self, 1));
    forger_destroy (&self);
}

Test (batch_taken, of_a_client_that_nobody_admitted_is_refused)
{
    forger_t self = forger_new (106);
    identity_t stranger;
    static const uint8_t seed[SEED_SIZE] = {7};
    cr_assert_eq (identity_from_seed (seed, &stranger), 0);
    self.last = (watermark_t){.client = stranger.client};
    batch_add (&self, 1, wall (&self), NULL, &stranger);
    cr_assert_eq (take (&self), ERR_NOT_MEMBER);
    forger_destroy (&self);
}

Test (batch_taken, from_too_far_ahead_waits_and_the_clock_stays)
{
    forger_t self = forger_new (107);
    uuid16_t mine = sim_uuid (9);
    uint64_t ahead = wall (&self) + (3600ull << 32);
    batch_add (&self, 1, ahead, NULL, self.identity);
    cr_assert_eq (take (&self), ERR_CLOCK_AHEAD);
    cr_assert_eq (sim_apply (self.sim, 0, "create", "tags", &mine, "mine"), 0);
    cr_assert_lt (mark_of (self.sim, 0, &self.sim->nodes[0].identity.client).upto, ahead);
    forger_destroy (&self);
}

Test (batch_taken, of_an_undeclared_resource_waits_for_its_declaration)
{
    forger_t self = forger_new (108);
    static const vector_t nothing = {NULL, 0, 0};
    hash_t hash;
    operation_t operation = create (&self, 1, wall (&self));
    operation.resource = slice_text ("unheard_of");
    batch_writer_begin (&self.writer, &self.identity->client, self.last.upto, &self.last.hash);
    batch_writer_add (&self.writer, &operation);
    batch_writer_seal (
        &self.writer, operation.stamp.time, &nothing, NULL, self.identity, &self.bytes, &hash);
    cr_assert_eq (take (&self), ERR_UNKNOWN_RESOURCE);
    forger_destroy (&self);
}

Test (batch_taken, good_ones_before_a_bad_one_stay_and_what_follows_waits)
{
    forger_t self = forger_new (109);
    batch_add (&self, 1, wall (&self), NULL, self.identity);
    self.last.hash.bytes[5] ^= 1;
    batch_add (&self, 2, wall (&self) + 100, NULL, self.identity);
    batch_add (&self, 3, wall (&self) + 200, NULL, self.identity);
    cr_assert_eq (take (&self), ERR_FORKED);
    cr_assert (shows (&self, 1) && !shows (&self, 2) && !shows (&self, 3));
    forger_destroy (&self);
}

Test (batch_taken, garbage_is_refused_and_harms_no_app)
{
    forger_t self = forger_new (110);
    uuid16_t mine = sim_uuid (9);
    cr_assert_eq (sim_take (self.sim, 0, slice_of ("\xff\xff\xff", 3)), ERR_MALFORMED);
    cr_assert_eq (sim_take (self.sim, 0, slice_of ("\x91\x01", 2)), ERR_MALFORMED);
    cr_assert_eq (sim_apply (self.sim, 0, "create", "tags", &mine, "mine"), 0);
    forger_destroy (&self);
}

//  ---- batches that issue anew, of a client that does not return

//  Appends one that brings a record, not past its end, and covers the vector.
static void anew_add (forger_t *self, const char *resource, uint64_t record, const vector_t *covers)
{
    static const vector_t nothing = {NULL, 0, 0};
    uint64_t upto = wall (self);
    property_t property = {
        slice_text ("name"), slice_of ("\xa1x", 2), {upto - 1, self->identity->client}};
    record_t state = {.created = property.stamp, .written = property.stamp};
    uuid16_t uuid = sim_uuid (record);
    hash_t hash;
    state.strong = (properties_t){&property, 1, 1};
    batch_writer_begin (&self->writer, &self->identity->client, self->last.upto, &self->last.hash);
    batch_writer_add_record (&self->writer, slice_text (resource), &uuid, 0, &state);
    batch_writer_seal (&self->writer, upto, &nothing, covers, self->identity, &self->bytes, &hash);
    self->last.upto = upto;
    self->last.hash = hash;
}

Test (batch_taken, that_issues_anew_is_joined_whoever_sealed_it)
{
    forger_t self = forger_new (120);
    vector_t covers = {NULL, 0, 0};
    anew_add (&self, "tags", 1, &covers);
    cr_assert_eq (take (&self), 0);
    cr_assert (shows (&self, 1));
    forger_destroy (&self);
}

//  What is said of clients is said in operations: else the whole group would fail, again and again.
Test (batch_taken, that_brings_a_client_as_a_record_is_refused_alone)
{
    forger_t self = forger_new (121);
    vector_t covers = {NULL, 0, 0};
    anew_add (&self, "clients", 1, &covers);
    cr_assert_eq (take (&self), ERR_MALFORMED);
    cr_assert_not (sim_alarm (self.sim, 0, "INTERNAL"));
    forger_destroy (&self);
}

//  A watermark of tomorrow would shut out all that its client writes until then, and move the clock that starts from it.
Test (batch_taken, that_covers_what_is_past_its_own_end_is_refused)
{
    forger_t self = forger_new (122);
    const uuid16_t *other = &self.sim->nodes[0].identity.client;
    vector_t covers = {NULL, 0, 0};
    uuid16_t stranger = sim_uuid (77);
    vector_set (&covers, &stranger, UINT64_MAX, NULL);
    anew_add (&self, "tags", 1, &covers);
    cr_assert_eq (take (&self), ERR_MALFORMED);
    cr_assert_not (shows (&self, 1));
    cr_assert_eq (mark_of (self.sim, 0, &stranger).upto, 0);
    vector_clear (&covers);
    self.last = mark_of (self.sim, 0, &self.identity->client);
    vector_set (&covers, other, wall (&self) - 1, NULL);
    uint64_t own = mark_of (self.sim, 0, other).upto;
    anew_add (&self, "tags", 1, &covers);
    cr_assert_eq (take (&self), 0);
    cr_assert_eq (mark_of (self.sim, 0, other).upto, own, "its own only it raises");
    vector_release (&covers);
    forger_destroy (&self);
}

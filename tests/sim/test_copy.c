//  test_copy - what a node takes of a copy, mail by mail
//
//  Node 1 is a member and then gone; the test hands node 0 what link would hand it if node 1 gave it a copy.

#include "tests/sim/sim.h"

#include "messages/peer.h"
#include "store/clients.h"
#include "store/watermarks.h"

#include <stdlib.h>

typedef struct giver {
    sim_t *sim;
    const identity_t *identity;
    vector_t base;
    vector_t shared; // of node 0, before
} giver_t;

static giver_t giver_new (uint64_t seed)
{
    giver_t self = {.sim = sim_new (seed, 2)};
    txn_t *txn;
    sim_intervals (self.sim, 1000000, 10);
    sim_pair (self.sim, 0, 1);
    sim_expect_converged (self.sim, 60);
    sim_pass (self.sim, 60);
    sim_kill (self.sim, 1);
    sim_pass (self.sim, 30);
    self.identity = &self.sim->nodes[1].identity;
    cr_assert_eq (store_begin (self.sim->nodes[0].store, false, &txn), 0);
    cr_assert_eq (watermarks_load (txn, WATERMARK_SHARED, &self.shared), 0);
    store_abort (&txn);
    vector_copy (&self.base, &self.shared);
    return self;
}

static void giver_destroy (giver_t *self)
{
    vector_release (&self->base);
    vector_release (&self->shared);
    sim_destroy (&self->sim);
}

static uint64_t wall (const giver_t *self)
{
    return time_from_ns (1767225600ull * 1000000000 + self->sim->mono_ns);
}

static bool is_joining (giver_t *self)
{
    return sim_has_setting (self->sim, 0, "joining");
}

//  Node 0 begins to return to node 1.
static void go_back (giver_t *self)
{
    vector_t mine = {NULL, 0, 0};
    buffer_t asked = {NULL, 0, 0};
    sim_vector (self->sim, 0, &mine);
    vector_pack (&mine, &asked);
    go_back_t back = {.giver = self->identity->client, .asked = buffer_slice (&asked)};
    cr_assert_eq (sim_hand (self->sim, 0, MAIL_GO_BACK, &go_back_type, &back, NULL), 0);
    buffer_release (&asked);
    vector_release (&mine);
    cr_assert (is_joining (self));
}

//  The state that the copy begins with: the members as node 0 knows them.
static int begin (giver_t *self)
{
    buffer_t clients = {NULL, 0, 0}, packed = {NULL, 0, 0}, base = {NULL, 0, 0},
             state = {NULL, 0, 0};
    static const uint8_t none[] = {0x90};
    client_t client;
    uuid16_t after;
    size_t count = 0;
    txn_t *txn;
    cr_assert_eq (store_begin (self->sim->nodes[0].store, false, &txn), 0);
    for (int rc = clients_next (txn, NULL, &client); rc == 0;
         rc = clients_next (txn, &after, &client)) {
        after = client.uuid;
        client_pack (&client, &packed);
        count++;
    }
    store_abort (&txn);
    pack_array (&clients, count);
    pack_raw (&clients, buffer_slice (&packed));
    vector_pack (&self->base, &base);
    peer_copy_state_t said = {.verb = PEER_COPY_STATE,
        .clients = buffer_slice (&clients),
        .base = buffer_slice (&base),
        .published = slice_of (none, 1)};
    message_pack (&peer_copy_state_type, &said, &state);
    copy_begin_t mail = {.line = 1, .state = buffer_slice (&state)};
    int rc = sim_hand (self->sim, 0, MAIL_COPY_BEGIN, &copy_begin_type, &mail, NULL);
    buffer_release (&clients);
    buffer_release (&packed);
    buffer_release (&base);
    buffer_release (&state);
    return rc;
}

static void place_pack (bool end, buffer_t *out)
{
    static const uuid16_t zero;
    pack_array (out, 3);
    pack_string (out, "");
    pack_bin (out, slice_of (&zero, sizeof zero));
    pack_bool (out, end);
}

//  All records there are, at once.
static int chunk (giver_t *self, size_t count, slice_t records)
{
    buffer_t from = {NULL, 0, 0}, to = {NULL, 0, 0}, vector = {NULL, 0, 0};
    place_pack (false, &from);
    place_pack (true, &to);
    vector_pack (&self->base, &vector);
    copy_chunk_t mail = {.line = 1,
        .from = buffer_slice (&from),
        .to = buffer_slice (&to),
        .count = count,
        .vector = buffer_slice (&vector)};
    int rc = sim_hand (self->sim, 0, MAIL_COPY_CHUNK, &copy_chunk_type, &mail, &records);
    buffer_release (&from);
    buffer_release (&to);
    buffer_release (&vector);
    return rc;
}

//  The next batch of node 1's chain, behind `after`: empty.
static int batch (giver_t *self, const watermark_t *after, uint64_t upto)
{
    batch_writer_t writer = {.count = 0};
    buffer_t bytes = {NULL, 0, 0};
    static const vector_t nothing;
    batch_writer_begin (&writer, &self->identity->client, after->upto, &after->hash);
    batch_writer_seal (&writer, upto, &nothing, NULL, self->identity, &bytes, NULL);
    int rc = sim_take (self->sim, 0, buffer_slice (&bytes));
    batch_writer_release (&writer);
    buffer_release (&bytes);
    return rc;
}

static int write_something (giver_t *self)
{
    uuid16_t uuid = sim_uuid (9);
    return sim_apply (self->sim, 0, "create", "tags", &uuid, "mine");
}

Test (copy, ends_with_the_chunk_that_completes_it)
{
    giver_t self = giver_new (130);
    go_back (&self);
    cr_assert_eq (write_something (&self), ERR_BUSY);
    cr_assert_eq (begin (&self), 0);
    cr_assert_eq (chunk (&self, 0, slice_of (NULL, 0)), 0);
    cr_assert_not (is_joining (&self));
    cr_assert_eq (write_something (&self), 0);
    giver_destroy (&self);
}

//  All records are here, but the giver has not all that was here of a member that counts: a batch may end the copy too.
Test (copy, ends_with_the_batch_that_completes_it)
{
    giver_t self = giver_new (131);
    watermark_t before = *vector_find (&self.shared, &self.identity->client);
    uint64_t upto = wall (&self);
    cr_assert_eq (batch (&self, &before, upto), 0);
    go_back (&self);
    cr_assert_eq (begin (&self), 0);
    cr_assert_eq (chunk (&self, 0, slice_of (NULL, 0)), 0);
    cr_assert (is_joining (&self));
    cr_assert_eq (batch (&self, &before, upto), 0);
    cr_assert_not (is_joining (&self));
    cr_assert_eq (write_something (&self), 0);
    giver_destroy (&self);
}

Test (copy, whose_records_come_before_its_beginning_waits)
{
    giver_t self = giver_new (132);
    go_back (&self);
    cr_assert_eq (chunk (&self, 0, slice_of (NULL, 0)), ERR_TOO_EARLY);
    cr_assert (is_joining (&self));
    cr_assert_not (sim_alarm (self.sim, 0, "INTERNAL"));
    giver_destroy (&self);
}

//  No signature proves what a copy stands on: the clock is asked about it as about a batch.
Test (copy, that_stands_on_what_is_too_far_ahead_does_not_begin)
{
    giver_t self = giver_new (133);
    const uuid16_t *whose[] = {&self.identity->client, &self.sim->nodes[0].identity.client};
    go_back (&self);
    for (size_t i = 0; i < 2; i++) {
        vector_copy (&self.base, &self.shared);
        vector_set (&self.base, whose[i], UINT64_MAX - 5, NULL);
        cr_assert_eq (begin (&self), ERR_CLOCK_AHEAD);
        cr_assert_not (sim_has_setting (self.sim, 0, "return"));
    }
    vector_copy (&self.base, &self.shared);
    cr_assert_eq (begin (&self), 0);
    cr_assert_eq (chunk (&self, 0, slice_of (NULL, 0)), 0);
    cr_assert_eq (write_something (&self), 0);
    giver_destroy (&self);
}

//  While a batch is deferred its records would stand for more than is there: none are sent.
Test (copy, waits_in_silence_for_a_batch_that_is_too_far_ahead)
{
    sim_t *sim = sim_new (135, 3);
    buffer_t map = {NULL, 0, 0};
    size_t count;
    slice_t name, ticket;
    uuid16_t uuid = sim_uuid (1);
    sim_intervals (sim, 1000000, 10);
    sim_pair (sim, 0, 1);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &uuid, "a"), 0);
    sim_pass (sim, 60);
    sim->nodes[0].skew_ns = 3600 * 1000000000ll;
    cr_assert_eq (sim_command (sim, 0, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, 2, ACTOR_POOL, "join", "ticket", ticket, NULL), 0);
    sim_pass (sim, 60);
    uint64_t before = sim->messages;
    sim_pass (sim, 600);
    cr_assert (sim_has_setting (sim, 2, "joining") && sim_alarm (sim, 2, "CLOCK_AHEAD"));
    cr_assert_leq (
        sim->messages - before, 1000, "%llu", (unsigned long long)(sim->messages - before));
    sim_pass (sim, 3600);
    cr_assert_not (sim_has_setting (sim, 2, "joining"));
    cr_assert_str_eq (sim_name (sim, 2, "tags", &uuid), "a");
    buffer_release (&map);
    sim_destroy (&sim);
}

//  {action: create, resource, uuid, value: {property: size bytes}}
static int write_large (
    sim_t *sim, int node, const char *resource, uint64_t record, const char *property, size_t size)
{
    uuid16_t uuid = sim_uuid (record);
    buffer_t ops = {NULL, 0, 0};
    char *text = malloc (size + 1);
    memset (text, 'x', size);
    text[size] = 0;
    pack_array (&ops, 1);
    pack_map (&ops, 5);
    pack_string (&ops, "action");
    pack_string (&ops, "create");
    pack_string (&ops, "on_conflict");
    pack_string (&ops, "merge");
    pack_string (&ops, "resource");
    pack_string (&ops, resource);
    pack_string (&ops, "uuid");
    pack_bin (&ops, slice_of (&uuid, sizeof uuid));
    pack_string (&ops, "value");
    pack_map (&ops, 1);
    pack_string (&ops, property);
    pack_string (&ops, text);
    int rc = sim_apply_ops (sim, node, buffer_slice (&ops));
    buffer_release (&ops);
    free (text);
    return rc;
}

//  The simulator refuses frames that a socket would hang up on.
Test (copy, brings_records_that_fill_a_message_alone)
{
    sim_t *sim = sim_new (136, 2);
    cr_assert_eq (write_large (sim, 0, "tags", 1, "name", 400000), 0);
    cr_assert_eq (write_large (sim, 0, "tags", 2, "name", 1000000), 0);
    sim_pair (sim, 0, 1);
    sim_expect_converged (sim, 60);
    sim_destroy (&sim);
}

Test (copy, brings_a_record_that_is_larger_than_any_message)
{
    sim_t *sim = sim_new (137, 2);
    cr_assert_eq (write_large (sim, 0, "tags", 1, "a", 1000000), 0);
    cr_assert_eq (write_large (sim, 0, "tags", 1, "b", 1000000), 0);
    cr_assert_eq (write_large (sim, 0, "tags", 2, "name", 1), 0);
    sim_pair (sim, 0, 1);
    sim_expect_converged (sim, 60);
    sim_destroy (&sim);
}

Test (rows, that_fill_a_message_alone_come_too)
{
    sim_t *sim = sim_new (138, 2);
    sim_pair (sim, 0, 1);
    sim_cut (sim, 0, 1, true);
    cr_assert_eq (write_large (sim, 0, "file_paths", 1, "path", 200000), 0);
    cr_assert_eq (write_large (sim, 0, "file_paths", 2, "path", 1000000), 0);
    cr_assert_eq (write_large (sim, 0, "file_paths", 3, "path", 1048560), 0);
    cr_assert_eq (write_large (sim, 0, "file_paths", 4, "path", 1), 0);
    sim_cut (sim, 0, 1, false);
    sim_expect_converged (sim, 60);
    sim_destroy (&sim);
}

//  A newcomer that was alone with so many megabytes.
static sim_t *newcomer_with (uint64_t seed, uint64_t megabytes)
{
    sim_t *sim = sim_new (seed, 2);
    buffer_t map = {NULL, 0, 0};
    size_t count;
    slice_t name, ticket;
    for (uint64_t i = 1; i <= megabytes; i++)
        cr_assert_eq (write_large (sim, 1, "tags", i, "name", 1000000), 0);
    cr_assert_eq (sim_command (sim, 0, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, &ticket) == 0);
    cr_assert_eq (sim_command (sim, 1, ACTOR_POOL, "join", "ticket", ticket, NULL), 0);
    buffer_release (&map);
    return sim;
}

//  The map is full in the middle of the copy's transaction: what it had read into memory by then goes with it.
Test (copy, whose_transaction_is_run_again_on_a_larger_map_loses_nothing)
{
    sim_t *sim = newcomer_with (140, 50);
    sim_expect_converged (sim, 60);
    for (uint64_t i = 1; i <= 50; i++) {
        uuid16_t uuid = sim_uuid (i);
        cr_assert_str_not_empty (sim_name (sim, 0, "tags", &uuid));
    }
    sim_destroy (&sim);
}

//  What it has to bring would be larger than any batch: it says so, and tries again at leisure; nothing of it is lost.
Test (copy, whose_end_would_bring_too_much_is_told)
{
    sim_t *sim = newcomer_with (139, 63);
    sim_pass (sim, 30);
    cr_assert (sim_alarm (sim, 1, "TOO_LARGE"));
    cr_assert_not (sim_alarm (sim, 1, "INTERNAL"));
    uint64_t before = sim->messages;
    sim_pass (sim, 60);
    cr_assert_leq (
        sim->messages - before, 200, "%llu", (unsigned long long)(sim->messages - before));
    cr_assert (sim_has_setting (sim, 1, "joining"));
    sim_destroy (&sim);
}

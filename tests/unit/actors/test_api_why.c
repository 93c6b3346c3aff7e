//  `get` with `why`: the rules themselves are tested with messages/record_why.

#include "tests/unit/actors/api_kit.h"

#include "messages/request.h"
#include "store/changes.h"
#include "store/pending.h"
#include "store/resources.h"
#include "store/shared.h"

//  Joins one operation of client 900 + who, which has seen nothing of others, and keeps it in the log if `logged`.
static void write_as (harness_t *self, uint64_t who, const char *action, uint64_t time,
    const char *on_conflict, const char *value, bool logged)
{
    static identity_t identities[4];
    identity_t *identity = &identities[who];
    uint8_t seed[SEED_SIZE] = {(uint8_t)(who + 1)};
    batch_writer_t writer = {0};
    vector_t nothing = {NULL, 0, 0};
    buffer_t sealed = {NULL, 0, 0};
    batch_t batch;
    hash_t hash;
    uint64_t sequence;
    cr_assert_eq (identity_from_seed (seed, identity), 0);
    notation_name (who == 1 ? "one" : who == 2 ? "two" : "three", &identity->client);
    operation_t operation = {
        .stamp = {time, identity->client}, .resource = slice_text ("tags"), .uuid = uuid_n (1)};
    cr_assert_eq (action_from_name (slice_text (action), &operation.action), 0);
    cr_assert_eq (conflict_from_name (slice_text (on_conflict), &operation.on_conflict), 0);
    if (value)
        operation.value = packed (self, value);
    past_t past = {&nothing, operation.stamp};
    harness_write (self);
    changes_begin_group (self->writing);
    cr_assert_eq (shared_join (self->writing, &operation, &past), 0);
    batch_writer_begin (&writer, &identity->client, 0, NULL);
    batch_writer_add (&writer, &operation);
    batch_writer_seal (&writer, time, &nothing, NULL, identity, &sealed, &hash);
    cr_assert_eq (batch_decode (buffer_slice (&sealed), &batch), 0);
    if (logged)
        cr_assert_eq (pending_append (self->writing, &batch, &sequence), 0);
    harness_commit (self);
    batch_release (&batch);
    batch_writer_release (&writer);
    buffer_release (&sealed);
}

#define ASK "{do: 'get', resource: 'tags', uuid: #1, why: true}"

Test (why, tells_of_each_property_when_by_whom_and_by_which_rule)
{
    harness_t *self = api_new ();
    write_as (self, 1, "create", 10, "merge", "{name: 'sea'}", false);
    write_as (self, 2, "create", 20, "merge", "{depth: 7, name: 'mer'}", false);
    is (harness_ask (self, ASK),
        "{id: nil, ok: true, record: {resource: 'tags', uuid: #1, value: {depth: 7, name: 'mer'}, "
        "updated: [20, @two], owner: nil}, why: {kind: 'shared', crdt: 'lww', delete: 'wins', "
        "created: [10, @one], written: [20, @two], floor: nil, deleted: nil, deletions: [], "
        "properties: [{name: 'depth', value: 7, updated: [20, @two], rule: 'largest', beat: nil}, "
        "{name: 'name', value: 'mer', updated: [20, @two], rule: 'largest', beat: nil}], "
        "hidden: []}}");
    harness_destroy (&self);
}

Test (why, tells_what_a_property_beat_last_while_the_log_still_has_it)
{
    harness_t *self = api_new ();
    write_as (self, 1, "create", 10, "merge", "{name: 'sea'}", true);
    write_as (self, 3, "create", 15, "merge", "{name: 'mare'}", true);
    write_as (self, 2, "create", 20, "merge", "{name: 'mer'}", true);
    cr_assert_not_null (strstr (harness_ask (self, ASK),
        "{name: 'name', value: 'mer', updated: [20, @two], rule: 'largest', "
        "beat: {value: 'mare', updated: [15, @three]}}"));
    harness_destroy (&self);
}

Test (why, tells_of_the_values_that_are_hidden)
{
    harness_t *self = api_new ();
    write_as (self, 1, "create", 10, "ignore", "{name: 'sea'}", false);
    write_as (self, 2, "create", 20, "merge", "{name: 'mer'}", false);
    const char *answer = harness_ask (self, ASK);
    cr_assert_not_null (
        strstr (answer, "properties: [{name: 'name', value: 'mer', updated: [20, @two], rule: "
                        "'largest', beat: {value: 'sea', updated: [10, @one]}}], hidden: [{name: "
                        "'name', value: 'sea', updated: [10, @one], rule: 'ignored'}]"),
        "%s", answer);
    harness_destroy (&self);
}

Test (why, tells_which_deletion_hides_a_record)
{
    harness_t *self = api_new ();
    write_as (self, 1, "create", 10, "merge", "{name: 'sea'}", true);
    write_as (self, 2, "delete", 20, "merge", NULL, true);
    is (harness_ask (self, ASK),
        "{id: nil, ok: true, record: nil, why: {kind: 'shared', crdt: 'lww', delete: 'wins', "
        "created: nil, written: nil, floor: nil, deleted: [20, @two], deletions: [[20, @two]], "
        "properties: [], hidden: []}}");
    begins (harness_ask (self, "{do: 'get', resource: 'tags', uuid: #1}"), ERROR ("NOT_FOUND"));
    begins (harness_ask (self, "{do: 'get', resource: 'tags', uuid: #2, why: true}"),
        ERROR ("NOT_FOUND"));
    harness_destroy (&self);
}

Test (why, of_a_record_with_one_writer_is_that_writer)
{
    harness_t *self = api_new ();
    harness_row (self, 20, 1, 5, "{path: 'a'}");
    const char *answer =
        harness_ask (self, "{do: 'get', resource: 'file_paths', uuid: #1, why: true}");
    cr_assert_not_null (
        strstr (answer, "why: {kind: 'owned', properties: [{name: 'path', value: 'a', "
                        "updated: [5, #20], rule: 'owner', beat: nil}]}"),
        "%s", answer);
    harness_destroy (&self);
}

Test (why, a_conflict_is_counted_with_its_resource)
{
    harness_t *self = api_new ();
    resource_entry_t entry;
    txn_t *txn;
    write_as (self, 1, "create", 10, "merge", "{name: 'sea'}", false);
    write_as (self, 2, "create", 20, "merge", "{name: 'mer'}", false);
    write_as (self, 2, "update", 30, "merge", "{other: 1}", false);
    cr_assert_eq (store_begin (self->store, false, &txn), 0);
    cr_assert_eq (resources_find (txn, slice_text ("tags"), &entry), 0);
    cr_assert_eq (entry.conflicts, 1);
    cr_assert_eq (resources_find (txn, slice_text ("albums"), &entry), 0);
    cr_assert_eq (entry.conflicts, 0);
    store_abort (&txn);
    harness_destroy (&self);
}

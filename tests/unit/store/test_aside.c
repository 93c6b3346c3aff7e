//  What a copy replaces and what is kept of it (store/aside.h, shared_copy_in), and what a return brings into a
//  record (shared_news_join). Client 1 is the member, client 2 this one.

#include "tests/unit/store/kit.h"

#include "messages/news.h"
#include "store/aside.h"
#include "store/damage.h"

#include <stdio.h>
#include <stdlib.h>

static const position_t beginning, all = {.end = true};

static void make (kit_t *kit, uint64_t uuid, uint64_t time, uint64_t client)
{
    join (kit->txn, create ("tags", uuid, stamp_n (time, client), map_of ("name", "a", NULL)));
}

//  A member with tags 1 to 9, created by it at 11 to 19, and this client with the same.
typedef struct pair {
    kit_t member, self;
    vector_t mine, theirs;
} pair_t;

static pair_t pair_new (void)
{
    pair_t pair = {.member = kit_new (), .self = kit_new ()};
    uuid16_t one = client_n (1), two = client_n (2);
    kit_begin (&pair.member);
    kit_begin (&pair.self);
    for (uint64_t i = 1; i < 10; i++) {
        make (&pair.member, i, 10 + i, 1);
        make (&pair.self, i, 10 + i, 1);
    }
    vector_set (&pair.mine, &one, 20, NULL);
    vector_set (&pair.mine, &two, 50, NULL);
    vector_set (&pair.theirs, &one, 40, NULL);
    return pair;
}

static void pair_destroy (pair_t *self)
{
    kit_destroy (&self->member);
    kit_destroy (&self->self);
    vector_release (&self->mine);
    vector_release (&self->theirs);
}

//  Copies all of the member's records; both transactions go on.
static void copy (pair_t *self, const position_t *frontier)
{
    buffer_t out = {0};
    position_t to;
    size_t count;
    is (shared_copy_out (self->member.txn, &beginning, SIZE_MAX, &out, &count, &to), 0);
    is (shared_copy_in (self->self.txn, &beginning, &to, count, buffer_slice (&out), &self->mine,
            &self->theirs, frontier),
        0);
    buffer_release (&out);
}

//  "uuid:created uuid:created …" of what was put aside; 0 where there was none.
static const char *aside_text (kit_t *kit)
{
    static char out[1024];
    size_t used = 0;
    aside_place_t place = {.size = 0};
    slice_t resource;
    uuid16_t uuid;
    record_rule_t rule;
    record_t record = {.created = {0}};
    out[0] = 0;
    int rc;
    while ((rc = aside_next (kit->txn, &place, &resource, &uuid, &rule, &record)) == 0) {
        cr_assert (slice_equal (resource, text ("tags")) && rule.delete_rule == DELETE_WINS);
        used += (size_t)snprintf (out + used, sizeof out - used, "%s%d:%d", used ? " " : "",
            uuid.bytes[15], (int)record.created.time);
    }
    is (rc, ERR_NOT_FOUND);
    record_release (&record);
    return out;
}

Test (aside, has_only_what_may_have_something_to_say)
{
    pair_t pair = pair_new ();
    join (pair.self.txn, update ("tags", 2, stamp_n (50, 2), map_of ("name", "b", NULL)));
    join (pair.self.txn, delete ("tags", 4, stamp_n (51, 2)));
    make (&pair.self, 20, 52, 2);
    join (pair.member.txn, update ("tags", 6, stamp_n (30, 1), map_of ("name", "c", NULL)));
    join (pair.member.txn, delete ("tags", 8, stamp_n (31, 1)));
    copy (&pair, &beginning);
    //  2 was written here, 4 deleted, 20 created; 6 and 8 changed at the member alone.
    cr_assert_str_eq (aside_text (&pair.self), "2:12 4:0 20:52");
    kit_commit (&pair.self);
    kit_read (&pair.self);
    check_sums (pair.self.txn);
    pair_destroy (&pair);
}

//  Deleted and purged here: there is nothing to put aside, and that is what has to be said.
Test (aside, has_an_empty_record_where_the_members_is_gone_here)
{
    pair_t pair = pair_new ();
    join (pair.self.txn, delete ("tags", 4, stamp_n (49, 2)));
    vector_t stable = {0};
    uuid16_t two = client_n (2);
    size_t count;
    bool left;
    vector_set (&stable, &two, 50, NULL);
    is (shared_forget (pair.self.txn, &stable, 100, &count, &left), 0);
    make (&pair.member, 30, 35, 1); // new here: this client's vector does not cover it
    copy (&pair, &beginning);
    cr_assert_str_eq (aside_text (&pair.self), "4:0");
    vector_release (&stable);
    pair_destroy (&pair);
}

//  What a copy that was broken off had replaced already is the member's, not this client's.
Test (aside, has_nothing_from_before_the_frontier_of_an_earlier_copy)
{
    pair_t pair = pair_new ();
    position_t frontier = {.resource = "tags", .uuid = uuid_n (4)};
    for (uint64_t i = 2; i < 8; i += 2)
        join (pair.self.txn, update ("tags", i, stamp_n (50 + i, 2), map_of ("name", "b", NULL)));
    copy (&pair, &frontier);
    cr_assert_str_eq (aside_text (&pair.self), "6:16");
    pair_destroy (&pair);
}

Test (aside, is_walked_on_while_records_are_written_and_cleared_at_the_end)
{
    pair_t pair = pair_new ();
    aside_place_t place = {.size = 0};
    slice_t resource;
    uuid16_t uuid;
    record_rule_t rule;
    record_t record = {.created = {0}};
    for (uint64_t i = 1; i < 10; i++)
        join (pair.self.txn, update ("tags", i, stamp_n (50 + i, 2), map_of ("name", "b", NULL)));
    copy (&pair, &beginning);
    kit_again (&pair.self);
    for (uint64_t i = 1; i < 10; i++) {
        uuid16_t expected = uuid_n (i);
        is (aside_next (pair.self.txn, &place, &resource, &uuid, &rule, &record), 0);
        cr_assert (uuid_equal (&uuid, &expected));
        cr_assert_eq (record.written.time, 50 + i);
        make (&pair.self, 100 + i, 70 + i, 2);
    }
    is (aside_clear (pair.self.txn), 0);
    cr_assert_str_eq (aside_text (&pair.self), "");
    record_release (&record);
    pair_destroy (&pair);
}

Test (aside, that_cannot_be_read_is_an_error)
{
    kit_t kit = kit_new ();
    static const uint8_t keys[2][20] = {{0, 0, 0, 1}, {0}};
    const size_t sizes[2] = {20, 7}; // a value that is no record; a key that is too short
    for (size_t i = 0; i < 2; i++) {
        aside_place_t place = {.size = 0};
        slice_t resource;
        uuid16_t uuid;
        record_rule_t rule;
        record_t record = {.created = {0}};
        kit_begin (&kit);
        is (table_put (kit.txn, TABLE_ASIDE, slice_of (keys[i], sizes[i]), text ("none")), 0);
        is (aside_next (kit.txn, &place, &resource, &uuid, &rule, &record), ERR_CORRUPT);
        is (store_commit (&kit.txn), ERR_CORRUPT);
        record_release (&record);
    }
    kit_destroy (&kit);
}

static buffer_t chunk;
static size_t chunk_count;
static pair_t *chunk_pair;

static int take_chunk (txn_t *txn)
{
    return shared_copy_in (txn, &beginning, &all, chunk_count, buffer_slice (&chunk),
        &chunk_pair->mine, &chunk_pair->theirs, &beginning);
}

Test (aside, of_a_copy_that_fails_anywhere_has_nothing)
{
    pair_t pair = pair_new ();
    position_t to;
    join (pair.self.txn, update ("tags", 2, stamp_n (50, 2), map_of ("name", "b", NULL)));
    join (pair.self.txn, delete ("tags", 4, stamp_n (51, 2)));
    make (&pair.self, 20, 52, 2);
    kit_commit (&pair.self);
    is (shared_copy_out (pair.member.txn, &beginning, SIZE_MAX, &chunk, &chunk_count, &to), 0);
    chunk_pair = &pair;
    cr_assert_gt (kit_whole_or_nothing (&pair.self, take_chunk), 10);
    kit_read (&pair.self);
    cr_assert_str_eq (aside_text (&pair.self), "2:12 4:0 20:52");
    check_sums (pair.self.txn);
    buffer_release (&chunk);
    pair_destroy (&pair);
}

//  ---- a disk that has spoilt a record

static void spoil (kit_t *kit, uint64_t n)
{
    table_key_t key;
    uuid16_t uuid = uuid_n (n);
    key_record (&key, 1, &uuid);
    is (table_put (kit->txn, TABLE_SHARED, key_slice (&key), text ("spoilt")), 0);
}

static void expect_equal (pair_t *pair)
{
    buffer_t one = {0}, two = {0};
    size_t count;
    position_t to;
    is (shared_copy_out (pair->member.txn, &beginning, SIZE_MAX, &one, &count, &to), 0);
    is (shared_copy_out (pair->self.txn, &beginning, SIZE_MAX, &two, &count, &to), 0);
    cr_assert (slice_equal (buffer_slice (&one), buffer_slice (&two)));
    buffer_release (&one);
    buffer_release (&two);
}

//  Nothing of it is known: also not that it is gone. Or the return would delete it at the members.
Test (aside, has_nothing_of_a_record_that_cannot_be_read_and_the_copy_goes_on)
{
    pair_t pair = pair_new ();
    spoil (&pair.self, 3);
    spoil (&pair.self, 30); // the member has none of this
    copy (&pair, &beginning);
    cr_assert_str_eq (aside_text (&pair.self), "");
    expect_equal (&pair);
    cr_assert_eq (damage_count (pair.self.txn), 2);
    pair_destroy (&pair);
}

Test (aside, has_nothing_of_a_record_that_was_set_aside_as_spoilt_before)
{
    pair_t pair = pair_new ();
    uuid16_t uuid = uuid_n (3);
    record_t record = {.created = {0}};
    spoil (&pair.self, 3);
    is (shared_get (pair.self.txn, text ("tags"), &uuid, &record), 0);
    cr_assert (record_is_empty (&record));
    kit_again (&pair.self);
    copy (&pair, &beginning);
    cr_assert_str_eq (aside_text (&pair.self), "");
    expect_equal (&pair);
    record_release (&record);
    pair_destroy (&pair);
}

//  ---- what a return brings

static property_t name_at (const char *packed, timestamp_t stamp)
{
    return (property_t){text ("name"), text (packed), stamp};
}

static void expect_name (kit_t *kit, uint64_t n, const char *wanted)
{
    buffer_t out = {0};
    timestamp_t written;
    uuid16_t uuid = uuid_n (n);
    is (shared_show (kit->txn, text ("tags"), &uuid, &written, &out), 0);
    cr_assert (slice_equal (buffer_slice (&out), map_of ("name", wanted, NULL)));
    buffer_release (&out);
}

Test (news, are_joined_with_count_digest_changes_and_tombstones_in_step)
{
    kit_t kit = kit_new ();
    vector_t seen = {0};
    uuid16_t one = client_n (1), first = uuid_n (1), second = uuid_n (2), third = uuid_n (3);
    property_t property = name_at ("\xa1z", stamp_n (60, 2));
    timestamp_t deletion = stamp_n (61, 2);
    record_t written = {.written = property.stamp, .strong = {&property, 1, 1}};
    record_t created = {
        .created = property.stamp, .written = property.stamp, .strong = {&property, 1, 1}};
    record_t deleted = {.deleted = &deletion, .deleted_count = 1, .deleted_capacity = 1};
    uint64_t count;
    kit_begin (&kit);
    make (&kit, 1, 10, 1);
    make (&kit, 2, 11, 1);
    kit_again (&kit);
    vector_set (&seen, &one, 20, NULL);
    is (shared_news_join (kit.txn, text ("tags"), &first, &written, 0, &seen), 0);
    is (shared_news_join (kit.txn, text ("tags"), &second, &deleted, 0, &seen), 0);
    is (shared_news_join (kit.txn, text ("tags"), &third, &created, 0, &seen), 0);
    kit_again (&kit);
    expect_name (&kit, 1, "z");
    expect_name (&kit, 3, "z");
    is (shared_tombstones (kit.txn, &count), 0);
    cr_assert_eq (count, 1);
    kit_commit (&kit);
    kit_read (&kit);
    check_sums (kit.txn);
    char *told = changes_text (kit.txn, 2);
    cr_assert_not_null (strstr (told, "tags 2 gone"), "%s", told);
    free (told);
    vector_release (&seen);
    kit_destroy (&kit);
}

Test (news, that_come_again_write_nothing)
{
    kit_t kit = kit_new ();
    vector_t seen = {0};
    uuid16_t first = uuid_n (1);
    timestamp_t deletion = stamp_n (61, 2);
    record_t deleted = {.deleted = &deletion, .deleted_count = 1, .deleted_capacity = 1};
    kit_begin (&kit);
    make (&kit, 1, 10, 1);
    is (shared_news_join (kit.txn, text ("tags"), &first, &deleted, 0, &seen), 0);
    kit_again (&kit);
    char *before = dump (kit.txn, TABLE_SHARED), *changes = dump (kit.txn, TABLE_CHANGES);
    is (shared_news_join (kit.txn, text ("tags"), &first, &deleted, 0, &seen), 0);
    kit_again (&kit);
    char *after = dump (kit.txn, TABLE_SHARED), *later = dump (kit.txn, TABLE_CHANGES);
    cr_assert_str_eq (before, after);
    cr_assert_str_eq (changes, later);
    free (before);
    free (after);
    free (changes);
    free (later);
    kit_destroy (&kit);
}

Test (news, of_what_is_not_declared_or_of_another_kind_are_refused)
{
    kit_t kit = kit_new ();
    vector_t seen = {0};
    uuid16_t first = uuid_n (1);
    record_t nothing = {.created = {0}};
    kit_begin (&kit);
    is (shared_news_join (kit.txn, text ("nothing"), &first, &nothing, 0, &seen),
        ERR_UNKNOWN_RESOURCE);
    is (shared_news_join (kit.txn, text ("file_paths"), &first, &nothing, 0, &seen), ERR_MALFORMED);
    is (shared_news_join (kit.txn, text ("files"), &first, &nothing, 0, &seen), ERR_MALFORMED);
    kit_destroy (&kit);
}

static int join_news (txn_t *txn)
{
    vector_t seen = {0};
    uuid16_t first = uuid_n (1);
    timestamp_t deletion = stamp_n (61, 2);
    property_t property = name_at ("\xa1z", stamp_n (70, 2));
    record_t anew = {.created = property.stamp,
        .written = property.stamp,
        .deleted = &deletion,
        .deleted_count = 1,
        .deleted_capacity = 1,
        .strong = {&property, 1, 1}};
    return shared_news_join (txn, text ("tags"), &first, &anew, 0, &seen);
}

Test (news, of_a_transaction_that_fails_anywhere_leave_nothing)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    make (&kit, 1, 10, 1);
    kit_commit (&kit);
    cr_assert_gt (kit_whole_or_nothing (&kit, join_news), 10);
    kit_read (&kit);
    expect_name (&kit, 1, "z");
    check_sums (kit.txn);
    kit_destroy (&kit);
}

#include <stdlib.h>

#include "store/damage.h"
#include "store/scrub.h"
#include "store/shared_range.h"
#include "store/state.h"
#include "tests/unit/store/kit.h"

//  ---- altering: past all that keeps counters in step

static table_key_t key_of (kit_t *kit, const char *resource, uint64_t n)
{
    resource_entry_t entry;
    table_key_t key;
    uuid16_t uuid = uuid_n (n);
    is (resources_find (kit->txn, text (resource), &entry), 0);
    key_record (&key, entry.number, &uuid);
    return key;
}

static void take_away (kit_t *kit, uint64_t n)
{
    table_key_t key = key_of (kit, "tags", n);
    is (table_delete (kit->txn, TABLE_SHARED, key_slice (&key)), 0);
}

static void flip_bit (kit_t *kit, uint64_t n)
{
    table_key_t key = key_of (kit, "tags", n);
    slice_t bytes;
    uint8_t copy[512];
    is (table_get_raw (kit->txn, TABLE_SHARED, key_slice (&key), &bytes), 0);
    memcpy (copy, bytes.data, bytes.size);
    copy[bytes.size - 1] ^= 1;
    MDB_val k = {key.size, key.bytes}, data = {bytes.size, copy};
    cr_assert_eq (mdb_put (kit->txn->mdb, kit->store->tables[TABLE_SHARED], &k, &data, 0), 0);
}

static void fill (kit_t *kit, uint64_t count)
{
    for (uint64_t i = 1; i <= count; i++)
        join (kit->txn, create ("tags", i, stamp_n (100 + i, 1), map_of ("name", "a", NULL)));
}

//  ---- a pass, in one transaction

typedef struct pass {
    size_t sound;
    size_t miscounted;
    size_t damaged;
    scrub_found_t last; // that was miscounted or damaged
} pass_t;

static pass_t pass_all (kit_t *kit)
{
    pass_t self = {0};
    for (;;) {
        uint64_t budget = 7;
        scrub_found_t found;
        is (scrub_step (kit->txn, &budget, &found), 0);
        self.sound += found.what == SCRUB_SOUND;
        self.miscounted += found.what == SCRUB_MISCOUNTED;
        self.damaged += found.what == SCRUB_DAMAGED;
        if (found.what == SCRUB_MISCOUNTED || found.what == SCRUB_DAMAGED)
            self.last = found;
        if (found.what == SCRUB_PASSED)
            return self;
    }
}

Test (scrub, finds_what_is_right_right_of_every_kind)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    fill (&kit, 50);
    join (kit.txn, delete ("tags", 7, stamp_n (500, 1)));
    for (uint64_t i = 1; i <= 20; i++)
        put_row (kit.txn, i % 3, i, 100 + i, map_with ("content_id", i % 5, "name", "x"));
    kit_again (&kit);
    pass_t pass = pass_all (&kit);
    cr_assert (pass.miscounted == 0 && pass.damaged == 0 && pass.sound >= 7);
    kit_destroy (&kit);
}

Test (scrub, puts_right_what_was_altered_behind_the_stores_back)
{
    kit_t kit = kit_new ();
    resource_entry_t entry;
    kit_begin (&kit);
    fill (&kit, 50);
    kit_again (&kit);
    take_away (&kit, 9);
    pass_t pass = pass_all (&kit);
    cr_assert_eq (pass.miscounted, 1);
    cr_assert_str_eq (pass.last.resource, "tags");
    cr_assert (pass.last.counted == 50 && pass.last.count == 49);
    kit_again (&kit);
    is (resources_find (kit.txn, text ("tags"), &entry), 0);
    cr_assert_eq (entry.count, 49);
    check_sums (kit.txn);
    cr_assert_eq (pass_all (&kit).miscounted, 0);
    kit_destroy (&kit);
}

//  Whatever is written between two slices, before and behind the place, the sums are exact at the end.
Test (scrub, is_exact_while_others_write)
{
    kit_t kit = kit_new ();
    uint64_t state = 5, miscounted = 0, passes = 0;
    kit_begin (&kit);
    fill (&kit, 60);
    for (uint64_t i = 0; i < 4000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t n = 1 + (state >> 33) % 120, budget = 1 + (state >> 50) % 9;
        timestamp_t stamp = stamp_n (1000 + i, 1);
        scrub_found_t found;
        if ((state >> 40) % 3 == 0)
            join (kit.txn, delete ("tags", n, stamp));
        else
            join (kit.txn, create ("tags", n, stamp, map_of ("name", i % 2 ? "b" : "c", NULL)));
        if (i % 4 == 0)
            put_row (kit.txn, n % 3, n, 5000 + i, map_with ("content_id", n % 5, "name", "x"));
        is (scrub_step (kit.txn, &budget, &found), 0);
        miscounted += found.what == SCRUB_MISCOUNTED;
        passes += found.what == SCRUB_PASSED;
        if (i % 7 == 0)
            kit_again (&kit);
    }
    cr_assert_eq (miscounted, 0);
    cr_assert_gt (passes, 20);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

//  What a slice counted goes with its transaction, and so does what followed.
Test (scrub, forgets_what_was_aborted)
{
    kit_t kit = kit_new ();
    scrub_found_t found = {.what = SCRUB_GOES_ON};
    kit_begin (&kit);
    fill (&kit, 50);
    kit_commit (&kit);
    for (int round = 0; found.what != SCRUB_PASSED; round++) {
        uint64_t budget = 3;
        kit_begin (&kit);
        is (scrub_step (kit.txn, &budget, &found), 0);
        cr_assert_neq (found.what, SCRUB_MISCOUNTED);
        if (found.what == SCRUB_PASSED)
            break;
        if (round % 2) {
            join (kit.txn, delete ("tags", 1, stamp_n (900, 1)));
            store_abort (&kit.txn);
        } else
            kit_commit (&kit);
    }
    kit_destroy (&kit);
}

//  Somebody's copy of a record stands in `changes` where the record itself does, or nowhere.
Test (scrub, gives_a_record_that_changes_does_not_name_an_entry_of_its_own)
{
    kit_t kit = kit_new ();
    slice_t value;
    kit_begin (&kit);
    fill (&kit, 20);
    kit_again (&kit);
    table_key_t from = key_of (&kit, "tags", 5), to = key_of (&kit, "tags", 70);
    is (table_get (kit.txn, TABLE_SHARED, key_slice (&from), &value), 0);
    buffer_t copy = {0};
    buffer_append (&copy, value.data, value.size);
    is (table_put (kit.txn, TABLE_SHARED, key_slice (&to), buffer_slice (&copy)), 0);
    cr_assert_eq (pass_all (&kit).miscounted, 1);
    kit_again (&kit);
    check_sums (kit.txn); // `changes` tells of exactly the visible records
    join (kit.txn, delete ("tags", 70, stamp_n (900, 1)));
    kit_again (&kit);
    check_sums (kit.txn);
    buffer_release (&copy);
    kit_destroy (&kit);
}

Test (shared_range, a_merge_into_a_copy_leaves_the_original_its_entry)
{
    kit_t kit = kit_new ();
    slice_t value;
    uuid16_t copied = uuid_n (70);
    buffer_t copy = {0};
    record_t theirs = {0};
    property_t property = {text ("name"), slice_of ("\xa1z", 2), stamp_n (900, 1)};
    bool changed;
    kit_begin (&kit);
    fill (&kit, 20);
    kit_again (&kit);
    table_key_t from = key_of (&kit, "tags", 5), to = key_of (&kit, "tags", 70);
    is (table_get (kit.txn, TABLE_SHARED, key_slice (&from), &value), 0);
    buffer_append (&copy, value.data, value.size);
    is (table_put (kit.txn, TABLE_SHARED, key_slice (&to), buffer_slice (&copy)), 0);
    theirs.created = theirs.written = property.stamp;
    theirs.strong = (properties_t){&property, 1, 1};
    is (shared_merge (kit.txn, text ("tags"), &copied, &theirs, &changed), 0);
    kit_again (&kit);
    size_t lines = 0;
    char *told = changes_text (kit.txn, 0);
    for (const char *at = told; *at; at++)
        lines += *at == '\n';
    cr_assert_eq (lines, 21);
    free (told);
    pass_all (&kit);
    kit_again (&kit);
    check_sums (kit.txn);
    buffer_release (&copy);
    kit_destroy (&kit);
}

Test (scrub, replaces_an_entry_of_changes_that_cannot_be_read)
{
    kit_t kit = kit_new ();
    table_key_t key;
    kit_begin (&kit);
    fill (&kit, 20);
    kit_again (&kit);
    key_clear (&key);
    key_u64 (&key, 7);
    uint8_t noise[] = {1, 2, 3, 4, 5};
    MDB_val k = {key.size, key.bytes}, data = {sizeof noise, noise};
    cr_assert_eq (mdb_put (kit.txn->mdb, kit.store->tables[TABLE_CHANGES], &k, &data, 0), 0);
    pass_all (&kit);
    kit_again (&kit);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (shared_range, a_merge_that_leaves_ours_tells_those_who_follow_changes_all_the_same)
{
    kit_t kit = kit_new ();
    uuid16_t third = uuid_n (3);
    record_t theirs = {0};
    property_t property = {text ("name"), slice_of ("\xa0", 1), stamp_n (103, 1)};
    uint64_t before, after;
    bool changed;
    kit_begin (&kit);
    fill (&kit, 10);
    kit_again (&kit);
    is (changes_last (kit.txn, &before), 0);
    theirs.created = theirs.written = property.stamp;
    theirs.strong = (properties_t){&property, 1, 1};
    is (shared_merge (kit.txn, text ("tags"), &third, &theirs, &changed), 0);
    cr_assert_not (changed);
    is (changes_last (kit.txn, &after), 0);
    cr_assert_eq (after, before + 1);
    kit_again (&kit);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

//  ---- what cannot be read

Test (damage, is_set_aside_by_a_pass_and_counted_out)
{
    kit_t kit = kit_new ();
    char resource[LIMIT_NAME_BYTES + 1] = "";
    uuid16_t uuid, ninth = uuid_n (9);
    record_t record = {0};
    kit_begin (&kit);
    fill (&kit, 50);
    flip_bit (&kit, 9);
    kit_commit (&kit);
    kit_begin (&kit);
    pass_t pass = pass_all (&kit);
    cr_assert (pass.damaged == 1 && pass.miscounted == 1);
    cr_assert_eq (damage_count (kit.txn), 1);
    kit_again (&kit);
    check_sums (kit.txn);
    is (damage_next (kit.txn, resource, &uuid), 0);
    cr_assert (strcmp (resource, "tags") == 0 && uuid_equal (&uuid, &ninth));
    is (damage_next (kit.txn, resource, &uuid), ERR_NOT_FOUND);
    is (shared_get (kit.txn, text ("tags"), &ninth, &record), 0);
    cr_assert (record_is_nothing (&record));
    record_release (&record);
    kit_destroy (&kit);
}

Test (damage, stops_no_write_to_the_record)
{
    kit_t kit = kit_new ();
    uuid16_t ninth = uuid_n (9);
    buffer_t value = {0};
    timestamp_t written;
    bool was;
    kit_begin (&kit);
    fill (&kit, 50);
    flip_bit (&kit, 9);
    kit_commit (&kit);
    kit_begin (&kit);
    join (kit.txn, create ("tags", 9, stamp_n (900, 1), map_of ("name", "b", NULL)));
    kit_again (&kit);
    is (shared_show (kit.txn, text ("tags"), &ninth, &written, &value), 0);
    cr_assert (slice_equal (buffer_slice (&value), map_of ("name", "b", NULL)));
    cr_assert_eq (pass_all (&kit).miscounted, 1); // what it showed before nobody can say
    is (damage_end (kit.txn, text ("tags"), &ninth, &was), 0);
    cr_assert (was);
    is (damage_end (kit.txn, text ("tags"), &ninth, &was), 0);
    cr_assert_not (was);
    kit_again (&kit);
    cr_assert_eq (pass_all (&kit).miscounted, 0);
    buffer_release (&value);
    kit_destroy (&kit);
}

//  The index of deletions is no reason for a transaction to die, nor to be looked through for ever.
Test (damage, of_deletions_and_their_index_is_outlived)
{
    kit_t kit = kit_new ();
    vector_t stable = {0};
    uuid16_t client = client_n (1);
    uint64_t count;
    size_t forgotten;
    bool left;
    kit_begin (&kit);
    fill (&kit, 10);
    join (kit.txn, delete ("tags", 3, stamp_n (900, 1)));
    join (kit.txn, delete ("tags", 9, stamp_n (901, 1)));
    kit_again (&kit);
    take_away (&kit, 9); // its entry in the index stays
    vector_set (&stable, &client, 2000, NULL);
    is (shared_forget (kit.txn, &stable, 100, &forgotten, &left), 0);
    kit_again (&kit);
    is (shared_tombstones (kit.txn, &count), 0);
    cr_assert_eq (count, 0);
    join (kit.txn, delete ("tags", 5, stamp_n (902, 1)));
    is (table_clear (kit.txn, TABLE_TOMBSTONES), 0);
    join (kit.txn, delete ("tags", 5, stamp_n (903, 1)));
    kit_again (&kit);
    is (shared_tombstones (kit.txn, &count), 0);
    cr_assert_eq (count, 1);
    vector_release (&stable);
    kit_destroy (&kit);
}

Test (damage, leaves_a_reader_of_changes_the_rest)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    fill (&kit, 5);
    kit_again (&kit);
    take_away (&kit, 3);
    kit_commit (&kit);
    kit_read (&kit);
    size_t lines = 0;
    char *told = changes_text (kit.txn, 0);
    for (const char *at = told; *at; at++)
        lines += *at == '\n';
    cr_assert_eq (lines, 4);
    free (told);
    kit_destroy (&kit);
}

//  ---- ranges

static range_sum_t sum_of (kit_t *kit, range_t range, uint64_t count_max, size_t slice)
{
    range_sum_t sum = {0};
    int rc = 0;
    while (rc == 0 && sum.count < count_max) {
        size_t budget = slice;
        rc = shared_range_sum (kit->txn, text ("tags"), &range, count_max, &budget, &sum);
    }
    cr_assert (rc == 0 || rc == ERR_NOT_FOUND);
    return sum;
}

Test (shared_range, sums_in_slices_are_those_of_the_whole_and_its_parts_add_up)
{
    kit_t kit = kit_new ();
    resource_entry_t entry;
    kit_begin (&kit);
    fill (&kit, 100);
    for (uint64_t i = 1; i <= 100; i += 3)
        join (kit.txn, delete ("tags", i, stamp_n (900 + i, 1)));
    join (kit.txn, create ("albums", 1, stamp_n (2000, 1), map_of ("name", "a", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    is (resources_find (kit.txn, text ("tags"), &entry), 0);
    for (size_t slice = 1; slice < 200; slice += 13) {
        range_sum_t whole = sum_of (&kit, (range_t){.open = true}, UINT64_MAX, slice);
        range_sum_t low = sum_of (&kit, (range_t){.to = uuid_n (40)}, UINT64_MAX, slice);
        range_sum_t high =
            sum_of (&kit, (range_t){.from = uuid_n (40), .open = true}, UINT64_MAX, slice);
        cr_assert (whole.count == entry.count && whole.digest.low == entry.digest.low &&
                   whole.digest.high == entry.digest.high);
        digest_add (&low.digest, &high.digest);
        cr_assert (low.count + high.count == whole.count && low.digest.low == whole.digest.low);
    }
    cr_assert_eq (sum_of (&kit, (range_t){.open = true}, 10, 3).count, 10);
    kit_destroy (&kit);
}

Test (shared_range, passes_over_what_cannot_be_read_and_leaves_the_reader_alive)
{
    kit_t kit = kit_new ();
    range_t range = {.open = true};
    buffer_t out = {0};
    kit_begin (&kit);
    fill (&kit, 10);
    flip_bit (&kit, 4);
    kit_commit (&kit);
    kit_read (&kit);
    cr_assert_eq (sum_of (&kit, range, UINT64_MAX, 100).count, 9);
    is (shared_range_out (kit.txn, text ("tags"), &range, 1 << 20, 1 << 20, &out), ERR_NOT_FOUND);
    cr_assert_eq (sum_of (&kit, (range_t){.open = true}, UINT64_MAX, 100).count, 9);
    buffer_release (&out);
    kit_destroy (&kit);
}

Test (shared_range, a_stretch_ends_where_it_is_full_and_the_next_begins_there)
{
    kit_t kit = kit_new ();
    range_t range = {.open = true};
    buffer_t out = {0};
    record_t record = {0};
    uuid16_t uuid;
    slice_t bytes;
    size_t count = 0, stretches = 0;
    kit_begin (&kit);
    fill (&kit, 100);
    join (kit.txn, delete ("tags", 50, stamp_n (900, 1)));
    kit_commit (&kit);
    kit_read (&kit);
    for (int rc = 0; rc == 0; stretches++)
        rc = shared_range_out (kit.txn, text ("tags"), &range, 500, 1 << 20, &out);
    cursor_t cursor = cursor_over (buffer_slice (&out));
    while (stretch_next (&cursor, &uuid, &record, &bytes) == 0) {
        uuid16_t expected = uuid_n (++count);
        cr_assert (uuid_equal (&uuid, &expected));
    }
    cr_assert (count == 100 && stretches > 5);
    buffer_clear (&out);
    range = (range_t){.open = true};
    is (shared_range_out (kit.txn, text ("tags"), &range, 500, 10, &out), ERR_NOT_FOUND);
    cr_assert_eq (out.size, 0, "each is larger than may travel");
    record_release (&record);
    buffer_release (&out);
    kit_destroy (&kit);
}

Test (shared_range, a_merge_keeps_count_digest_and_changes_in_step)
{
    kit_t kit = kit_new ();
    uuid16_t third = uuid_n (3), fresh = uuid_n (99);
    record_t theirs = {0};
    slice_t value = slice_of ("\xa1z", 2);
    property_t property = {text ("name"), value, stamp_n (103, 1)};
    bool changed;
    kit_begin (&kit);
    fill (&kit, 10);
    kit_again (&kit);
    theirs.created = theirs.written = property.stamp;
    theirs.strong = (properties_t){&property, 1, 1};
    is (shared_merge (kit.txn, text ("tags"), &third, &theirs, &changed), 0);
    cr_assert (changed);
    is (shared_merge (kit.txn, text ("tags"), &third, &theirs, &changed), 0);
    cr_assert_not (changed);
    is (shared_merge (kit.txn, text ("tags"), &fresh, &theirs, &changed), 0);
    cr_assert (changed);
    is (shared_merge (kit.txn, text ("file_paths"), &fresh, &theirs, &changed), ERR_MALFORMED);
    kit_again (&kit);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

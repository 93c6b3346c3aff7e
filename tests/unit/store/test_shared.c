#include "tests/unit/store/kit.h"

#include <stdlib.h>

static slice_t shown (kit_t *kit, const char *resource, uint64_t n)
{
    static buffer_t out;
    timestamp_t written;
    uuid16_t uuid = uuid_n (n);
    buffer_clear (&out);
    is (shared_show (kit->txn, text (resource), &uuid, &written, &out), 0);
    return buffer_slice (&out);
}

Test (shared, shows_what_was_joined_before_and_after_the_commit)
{
    kit_t kit = kit_new ();
    slice_t value = map_of ("colour", "red", "name", "a", NULL);
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    join (kit.txn, update ("tags", 1, stamp_n (101, 2), map_of ("colour", "red", NULL)));
    cr_assert (slice_equal (shown (&kit, "tags", 1), value));
    kit_commit (&kit);
    kit_read (&kit);
    cr_assert (slice_equal (shown (&kit, "tags", 1), value));
    kit_destroy (&kit);
}

Test (shared, forgets_what_was_aborted_with_count_and_cursor)
{
    kit_t kit = kit_new ();
    uuid16_t uuid = uuid_n (1);
    record_t record = {0};
    resource_entry_t entry;
    uint64_t cursor;
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    store_abort (&kit.txn);
    kit_begin (&kit);
    is (shared_get (kit.txn, text ("tags"), &uuid, &record), 0);
    cr_assert (record_is_nothing (&record));
    is (resources_find (kit.txn, text ("tags"), &entry), 0);
    cr_assert_eq (entry.count, 0);
    is (changes_last (kit.txn, &cursor), 0);
    cr_assert_eq (cursor, 0);
    join (kit.txn, create ("tags", 1, stamp_n (100, 3), map_of ("name", "a", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    is (shared_get (kit.txn, text ("tags"), &uuid, &record), 0);
    uuid16_t client = client_n (3);
    cr_assert (uuid_equal (&record.created.client, &client));
    record_release (&record);
    kit_destroy (&kit);
}

Test (shared, walks_the_visible_records_in_the_order_of_their_uuids)
{
    kit_t kit = kit_new ();
    buffer_t out = {0};
    uuid16_t uuid = uuid_n (0);
    timestamp_t written;
    kit_begin (&kit);
    for (uint64_t i = 50; i > 0; i--)
        join (kit.txn, create ("tags", i, stamp_n (200 - i, 1), map_of ("name", "a", NULL)));
    for (uint64_t i = 1; i <= 50; i += 2)
        join (kit.txn, delete ("tags", i, stamp_n (300 + i, 1)));
    join (kit.txn, create ("albums", 1, stamp_n (500, 1), map_of ("name", "a", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    int rc = shared_next (kit.txn, text ("tags"), NULL, &uuid, &written, &out);
    for (uint64_t i = 2; i <= 50; i += 2) {
        uuid16_t wanted = uuid_n (i);
        is (rc, 0);
        cr_assert (uuid_equal (&uuid, &wanted));
        cr_assert_eq (written.time, 200 - i);
        rc = shared_next (kit.txn, text ("tags"), &uuid, &uuid, &written, &out);
    }
    is (rc, ERR_NOT_FOUND);
    buffer_release (&out);
    kit_destroy (&kit);
}

Test (shared, refuses_what_is_not_declared_or_of_another_kind)
{
    kit_t kit = kit_new ();
    vector_t seen = {0};
    operation_t op = create ("nothing", 1, stamp_n (100, 1), map_of ("name", "a", NULL));
    past_t past = {&seen, op.stamp};
    record_t record = {0};
    kit_begin (&kit);
    is (shared_join (kit.txn, &op, &past), ERR_UNKNOWN_RESOURCE);
    op.resource = text ("file_paths");
    is (shared_join (kit.txn, &op, &past), ERR_MALFORMED);
    is (shared_get (kit.txn, text ("files"), &op.uuid, &record), ERR_MALFORMED);
    kit_destroy (&kit);
}

Test (shared, keeps_no_entry_for_a_record_that_is_nothing)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, update ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    char *text = dump (kit.txn, TABLE_SHARED);
    cr_assert_str_eq (text, "");
    free (text);
    kit_destroy (&kit);
}

Test (shared, keeps_no_entry_for_a_deletion_that_a_copy_does_not_know)
{
    kit_t kit = kit_new ();
    position_t from = {.end = false}, to = {.end = true};
    kit_begin (&kit);
    join (kit.txn, delete ("tags", 1, stamp_n (100, 1)));
    is (shared_copy_in (kit.txn, &from, &to, 0, slice_of (NULL, 0), NULL, NULL, NULL), 0);
    char *text = dump (kit.txn, TABLE_SHARED);
    cr_assert_str_eq (text, "");
    free (text);
    kit_destroy (&kit);
}

//  ---- copying

static const position_t beginning, all = {.end = true};

static void fill (kit_t *kit, uint64_t from, uint64_t to, uint64_t step, const char *name)
{
    kit_begin (kit);
    for (uint64_t i = from; i < to; i += step) {
        join (kit->txn, create ("tags", i, stamp_n (1000 + i, 1), map_of ("name", name, NULL)));
        join (kit->txn, create ("jobs", i, stamp_n (1000 + i, 2), map_of ("name", name, NULL)));
        if (i % 7 == 0)
            join (kit->txn, delete ("jobs", i, stamp_n (5000 + i, 3)));
    }
    kit_commit (kit);
}

static void copy (kit_t *from, kit_t *to, size_t size)
{
    position_t place = beginning;
    while (!place.end) {
        buffer_t out = {0};
        position_t next;
        size_t count;
        kit_read (from);
        is (shared_copy_out (from->txn, &place, size, &out, &count, &next), 0);
        store_abort (&from->txn);
        kit_begin (to);
        is (shared_copy_in (to->txn, &place, &next, count, buffer_slice (&out), NULL, NULL, NULL),
            0);
        kit_commit (to);
        buffer_release (&out);
        place = next;
    }
}

static void same (kit_t *a, kit_t *b)
{
    buffer_t one = {0}, two = {0};
    size_t count;
    position_t to;
    kit_read (a);
    kit_read (b);
    is (shared_copy_out (a->txn, &beginning, SIZE_MAX, &one, &count, &to), 0);
    is (shared_copy_out (b->txn, &beginning, SIZE_MAX, &two, &count, &to), 0);
    cr_assert (slice_equal (buffer_slice (&one), buffer_slice (&two)));
    check_sums (a->txn);
    check_sums (b->txn);
    store_abort (&a->txn);
    store_abort (&b->txn);
    buffer_release (&one);
    buffer_release (&two);
}

Test (shared, is_the_same_after_a_copy_in_chunks_of_any_size)
{
    static const size_t sizes[] = {1, 500, 1 << 20};
    for (size_t i = 0; i < 3; i++) {
        kit_t from = kit_new (), to = kit_empty ();
        const char *difference;
        kit_begin (&to); // other numbers there
        for (size_t j = resource_default_count; j-- > 0;)
            if (resource_defaults[j].kind != RESOURCE_DERIVED)
                is (resources_declare (to.txn, &resource_defaults[j], &difference), 0);
        kit_commit (&to);
        fill (&from, 1, 60, 1, "from");
        fill (&to, 2, 90, 3, "to");
        copy (&from, &to, sizes[i]);
        same (&from, &to);
        kit_destroy (&from);
        kit_destroy (&to);
    }
}

Test (shared, takes_in_no_copy_that_is_out_of_order_or_range)
{
    kit_t from = kit_new (), to = kit_new ();
    buffer_t out = {0};
    position_t next;
    size_t count;
    fill (&from, 1, 4, 1, "a");
    kit_read (&from);
    is (shared_copy_out (from.txn, &beginning, 1 << 20, &out, &count, &next), 0);
    cr_assert_eq (count, 6);
    cr_assert (next.end);
    slice_t records = buffer_slice (&out);
    position_t middle = {.resource = "tags", .uuid = uuid_n (2)};
    kit_begin (&to);
    is (shared_copy_in (to.txn, &beginning, &middle, count, records, NULL, NULL, NULL),
        ERR_MALFORMED);
    is (shared_copy_in (to.txn, &middle, &all, count, records, NULL, NULL, NULL), ERR_MALFORMED);
    is (shared_copy_in (to.txn, &beginning, &all, count - 1, records, NULL, NULL, NULL),
        ERR_MALFORMED);
    is (shared_copy_in (to.txn, &beginning, &all, count + 1, records, NULL, NULL, NULL),
        ERR_MALFORMED);
    for (size_t i = 0; i < records.size; i++)
        cr_assert_neq (shared_copy_in (to.txn, &beginning, &all, count, slice_of (records.data, i),
                           NULL, NULL, NULL),
            0);
    is (shared_copy_in (to.txn, &beginning, &all, count, records, NULL, NULL, NULL), 0);
    buffer_release (&out);
    kit_destroy (&from);
    kit_destroy (&to);
}

Test (shared, knows_what_lies_before_a_place)
{
    position_t place = {.resource = "jobs", .uuid = uuid_n (5)};
    uuid16_t four = uuid_n (4), five = uuid_n (5), six = uuid_n (6);
    cr_assert (position_covers (&place, text ("jobs"), &four));
    cr_assert (position_covers (&place, text ("jobs"), &five));
    cr_assert_not (position_covers (&place, text ("jobs"), &six));
    cr_assert (position_covers (&place, text ("albums"), &six));
    cr_assert_not (position_covers (&place, text ("tags"), &four));
    cr_assert_not (position_covers (&beginning, text ("albums"), &four));
    cr_assert (position_covers (&all, text ("tags"), &six));
}

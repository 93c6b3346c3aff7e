#include "tests/unit/store/kit.h"

Test (owned, keeps_the_newest_of_a_row)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1), uuid = uuid_n (1);
    row_t row;
    kit_begin (&kit);
    put_row (kit.txn, 1, 1, 100, map_of ("name", "a", NULL));
    put_row (kit.txn, 1, 1, 90, map_of ("name", "old", NULL));
    put_row (kit.txn, 1, 1, 100, map_of ("name", "same", NULL));
    is (owned_get (kit.txn, text ("file_paths"), &owner, &uuid, &row), 0);
    cr_assert (slice_equal (row.value, map_of ("name", "a", NULL)));
    put_row (kit.txn, 1, 1, 110, map_of ("name", "b", NULL));
    is (owned_get (kit.txn, text ("file_paths"), &owner, &uuid, &row), 0);
    cr_assert (slice_equal (row.value, map_of ("name", "b", NULL)));
    cr_assert_eq (row.updated, 110);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (owned, streams_an_owners_rows_and_markers_oldest_first)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1), nobody = client_n (9);
    row_t row;
    uint64_t last;
    kit_begin (&kit);
    put_row (kit.txn, 1, 5, 100, map_of ("name", "a", NULL));
    put_row (kit.txn, 2, 5, 101, map_of ("name", "of another", NULL));
    put_row (kit.txn, 1, 4, 102, map_of ("name", "b", NULL));
    put_row (kit.txn, 1, 3, 103, map_of ("name", "c", NULL));
    put_row (kit.txn, 1, 5, 104, slice_of (NULL, 0));
    static const uint64_t times[] = {102, 103, 104};
    uint64_t after = 0;
    for (size_t i = 0; i < 3; i++) {
        is (owned_stream (kit.txn, &owner, after, &row), 0);
        cr_assert_eq (row.updated, times[i]);
        after = row.updated;
    }
    cr_assert_eq (row.value.size, 0);
    is (owned_stream (kit.txn, &owner, after, &row), ERR_NOT_FOUND);
    is (owned_stream (kit.txn, &owner, UINT64_MAX, &row), ERR_NOT_FOUND);
    is (owned_stream (kit.txn, &nobody, 0, &row), ERR_NOT_FOUND);
    is (owned_last (kit.txn, &owner, &last), 0);
    cr_assert_eq (last, 104);
    is (owned_last (kit.txn, &nobody, &last), 0);
    cr_assert_eq (last, 0);
    kit_destroy (&kit);
}

Test (owned, walks_in_the_order_of_owner_and_uuid_past_markers)
{
    kit_t kit = kit_new ();
    uuid16_t owner, two = client_n (2), uuid;
    row_t row;
    kit_begin (&kit);
    put_row (kit.txn, 3, 1, 100, map_of ("name", "a", NULL)); // interned before the smaller ones
    put_row (kit.txn, 2, 9, 101, map_of ("name", "a", NULL));
    put_row (kit.txn, 2, 8, 102, map_of ("name", "a", NULL));
    put_row (kit.txn, 1, 9, 103, map_of ("name", "a", NULL));
    put_row (kit.txn, 1, 9, 104, slice_of (NULL, 0));
    kit_commit (&kit);
    kit_read (&kit);
    static const uint64_t rows[][2] = {{2, 8}, {2, 9}, {3, 1}};
    int rc = owned_next (kit.txn, text ("file_paths"), NULL, NULL, NULL, &owner, &row);
    for (size_t i = 0; i < 3; i++) {
        uuid16_t wanted = client_n (rows[i][0]), wanted_uuid = uuid_n (rows[i][1]);
        is (rc, 0);
        cr_assert (uuid_equal (&owner, &wanted));
        cr_assert (uuid_equal (&row.uuid, &wanted_uuid));
        uuid = row.uuid;
        rc = owned_next (kit.txn, text ("file_paths"), NULL, &owner, &uuid, &owner, &row);
    }
    is (rc, ERR_NOT_FOUND);
    size_t count = 0;
    rc = owned_next (kit.txn, text ("file_paths"), &two, NULL, NULL, &owner, &row);
    for (; !rc; count++) {
        uuid = row.uuid;
        rc = owned_next (kit.txn, text ("file_paths"), &two, &owner, &uuid, &owner, &row);
    }
    cr_assert_eq (count, 2);
    kit_destroy (&kit);
}

Test (owned, refuses_one_time_for_two_rows_and_changes_nothing)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1);
    kit_begin (&kit);
    put_row (kit.txn, 1, 1, 100, map_of ("name", "a", NULL));
    row_t row = {text ("file_paths"), uuid_n (2), 100, map_of ("name", "b", NULL)};
    is (owned_put (kit.txn, &owner, &row), ERR_MALFORMED);
    is (owned_get (kit.txn, text ("file_paths"), &owner, &row.uuid, &row), ERR_NOT_FOUND);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (owned, drops_an_owner_in_slices)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1);
    resource_entry_t entry;
    row_t row;
    bool left;
    kit_begin (&kit);
    for (uint64_t i = 1; i <= 25; i++)
        put_row (kit.txn, 1, i, 100 + i, map_with ("content_id", i % 4, "name", "f"));
    put_row (kit.txn, 1, 1, 200, slice_of (NULL, 0));
    put_row (kit.txn, 2, 1, 300, map_with ("content_id", 1, "name", "f"));
    for (int slices = 1;; slices++) {
        kit_again (&kit);
        is (owned_drop (kit.txn, &owner, 10, &left), 0);
        check_sums (kit.txn);
        if (!left) {
            cr_assert_eq (slices, 3);
            break;
        }
    }
    is (owned_stream (kit.txn, &owner, 0, &row), ERR_NOT_FOUND);
    is (resources_find (kit.txn, text ("file_paths"), &entry), 0);
    cr_assert_eq (entry.count, 1);
    is (resources_find (kit.txn, text ("files"), &entry), 0);
    cr_assert_eq (entry.count, 1);
    kit_destroy (&kit);
}

#include "tests/unit/store/kit.h"

#include "store/tallies.h"

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
        is (owned_drop (kit.txn, &owner, 0, 10, &left), 0);
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

//  Counts the owner's rows anew, and compares with what followed the changes.
static void check_tally (txn_t *txn, const uuid16_t *owner, uint64_t visible)
{
    uint64_t count, walked = 0;
    digest_t digest, sum = {0, 0};
    buffer_t scratch = {NULL, 0, 0};
    row_t row = {.updated = 0};
    while (owned_stream (txn, owner, row.updated, &row) == 0) {
        if (!row.value.size)
            continue;
        digest_t item = tally_item (owner, &row, &scratch);
        digest_add (&sum, &item);
        walked++;
    }
    is (tallies_sums (txn, owner, &count, &digest), 0);
    cr_assert_eq (count, visible);
    cr_assert_eq (count, walked);
    cr_assert (digest.low == sum.low && digest.high == sum.high);
    buffer_release (&scratch);
}

Test (owned, keeps_sums_of_each_owner_in_step)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1), other = client_n (2), nobody = client_n (3);
    row_t same = {text ("file_paths"), uuid_n (9), 105, map_of ("name", "x", NULL)};
    bool left;
    kit_begin (&kit);
    check_tally (kit.txn, &nobody, 0);
    put_row (kit.txn, 1, 1, 100, map_of ("name", "a", NULL));
    put_row (kit.txn, 1, 2, 101, map_of ("name", "b", NULL));
    put_row (kit.txn, 2, 1, 102, map_of ("name", "c", NULL));
    check_tally (kit.txn, &owner, 2);
    put_row (kit.txn, 1, 1, 103, map_of ("name", "a", NULL)); // equal, and still another row
    check_tally (kit.txn, &owner, 2);
    put_row (kit.txn, 1, 1, 99, map_of ("name", "late", NULL));
    put_row (kit.txn, 1, 2, 105, slice_of (NULL, 0));
    check_tally (kit.txn, &owner, 1);
    is (owned_put (kit.txn, &owner, &same), ERR_MALFORMED);
    check_tally (kit.txn, &owner, 1);
    put_row (kit.txn, 1, 2, 106, map_of ("name", "again", NULL));
    kit_again (&kit);
    check_tally (kit.txn, &owner, 2);
    is (owned_drop (kit.txn, &owner, 103, 10, &left), 0);
    cr_assert_not (left);
    check_tally (kit.txn, &owner, 1);
    check_tally (kit.txn, &other, 1);
    kit_destroy (&kit);
}

Test (owned, counts_the_rows_of_an_owner_whose_sums_are_not_stored)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1);
    bool left;
    for (int drops = 0; drops <= 1; drops++) {
        kit_begin (&kit);
        for (uint64_t i = 1; i <= 5; i++)
            put_row (kit.txn, 1, i, 100 * (1 + (uint64_t)drops) + i, map_of ("name", "a", NULL));
        is (table_delete (kit.txn, TABLE_TALLIES, slice_of (&owner, sizeof owner)), 0);
        kit_again (&kit);
        check_tally (kit.txn, &owner, 5);
        if (drops)
            is (owned_drop (kit.txn, &owner, 204, 10, &left), 0);
        else
            put_row (kit.txn, 1, 1, 150, slice_of (NULL, 0));
        kit_again (&kit);
        check_tally (kit.txn, &owner, 4);
        kit_commit (&kit);
    }
    kit_destroy (&kit);
}

Test (owned, keeps_the_last_tally_beside_the_sums)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1);
    tally_t tally = {.owner = owner, .upto = 7, .count = 3, .digest = {1, 2}}, found;
    memset (tally.signature, 5, sizeof tally.signature);
    kit_begin (&kit);
    is (tallies_get (kit.txn, &owner, &found), ERR_NOT_FOUND);
    put_row (kit.txn, 1, 1, 100, map_of ("name", "a", NULL));
    is (tallies_put (kit.txn, &tally), 0);
    put_row (kit.txn, 1, 2, 101, map_of ("name", "a", NULL));
    kit_again (&kit);
    is (tallies_get (kit.txn, &owner, &found), 0);
    cr_assert_eq (memcmp (&found, &tally, sizeof tally), 0);
    check_tally (kit.txn, &owner, 2);
    is (tallies_forget (kit.txn, &owner), 0);
    is (tallies_get (kit.txn, &owner, &found), ERR_NOT_FOUND);
    check_tally (kit.txn, &owner, 2);
    kit_destroy (&kit);
}

Test (owned, forgets_markers_up_to_a_time_some_at_once)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1), nobody = client_n (9);
    uint64_t markers;
    size_t forgotten;
    bool left;
    row_t row;
    kit_begin (&kit);
    for (uint64_t i = 1; i <= 10; i++)
        put_row (kit.txn, 1, i, 100 + i, map_with ("content_id", i % 4, "name", "f"));
    for (uint64_t i = 1; i <= 6; i++)
        put_row (kit.txn, 1, i, 200 + i, slice_of (NULL, 0));
    put_row (kit.txn, 2, 1, 150, map_of ("name", "f", NULL));
    put_row (kit.txn, 2, 1, 151, slice_of (NULL, 0));
    put_row (kit.txn, 1, 6, 300, map_of ("name", "back", NULL)); // no marker any more
    is (owned_markers (kit.txn, &markers), 0);
    cr_assert_eq (markers, 6);
    is (owned_forget (kit.txn, &nobody, 1000, 10, &forgotten, &left), 0);
    cr_assert (forgotten == 0 && !left);
    is (owned_forget (kit.txn, &owner, 204, 3, &forgotten, &left), 0);
    cr_assert (forgotten == 3 && left);
    is (owned_forget (kit.txn, &owner, 204, 3, &forgotten, &left), 0);
    cr_assert (forgotten == 1 && !left);
    kit_again (&kit);
    for (uint64_t i = 1; i <= 10; i++) {
        uuid16_t uuid = uuid_n (i);
        is (owned_get (kit.txn, text ("file_paths"), &owner, &uuid, &row),
            i <= 4 ? ERR_NOT_FOUND : 0);
    }
    is (owned_markers (kit.txn, &markers), 0);
    cr_assert_eq (markers, 2);
    check_tally (kit.txn, &owner, 5);
    check_sums (kit.txn);
    put_row (kit.txn, 1, 1, 400, map_of ("name", "anew", NULL));
    check_tally (kit.txn, &owner, 6);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (owned, that_is_stamped_anew_keeps_its_sums_and_its_markers)
{
    kit_t kit = kit_new ();
    uuid16_t owner = client_n (1);
    renaming_t renaming = {.client = owner, .past = 150};
    uint64_t markers;
    size_t forgotten;
    bool left;
    kit_begin (&kit);
    put_row (kit.txn, 1, 1, 100, map_of ("name", "a", NULL));
    put_row (kit.txn, 1, 2, 101, map_of ("name", "b", NULL));
    put_row (kit.txn, 1, 3, 900, map_of ("name", "c", NULL));
    put_row (kit.txn, 1, 2, 901, slice_of (NULL, 0));
    for (uint64_t time = 900; time <= 901; time++)
        renaming_add (&renaming, &(timestamp_t){time, owner});
    renaming_close (&renaming);
    is (owned_rename (kit.txn, &renaming), 0);
    kit_again (&kit);
    check_tally (kit.txn, &owner, 2);
    is (owned_markers (kit.txn, &markers), 0);
    cr_assert_eq (markers, 1);
    is (owned_forget (kit.txn, &owner, 160, 10, &forgotten, &left), 0);
    cr_assert (forgotten == 1 && !left);
    check_sums (kit.txn);
    renaming_release (&renaming);
    kit_destroy (&kit);
}

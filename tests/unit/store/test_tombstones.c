//  Where remembered deletions are, and how they are forgotten (store/shared.h)

#include "tests/unit/store/kit.h"

#include <stdio.h>
#include <stdlib.h>

//  The index as text: "client:time/uuid …" in its order.
static const char *index_text (kit_t *kit)
{
    static char out[4096];
    size_t used = 0;
    slice_t key, value;
    out[0] = 0;
    int rc = table_seek (kit->txn, TABLE_TOMBSTONES, slice_of (NULL, 0), &key, &value);
    while (!rc) {
        slice_t rest = key;
        uint32_t origin, resource;
        uint64_t time;
        uuid16_t uuid, client;
        cr_assert (take_u32 (&rest, &origin) && take_u64 (&rest, &time) &&
                   take_u32 (&rest, &resource) && take_uuid (&rest, &uuid));
        is (origins_client (kit->txn, origin, &client), 0);
        used += (size_t)snprintf (out + used, sizeof out - used, "%s%d:%d/%d", used ? " " : "",
            client.bytes[15], (int)time, uuid.bytes[15]);
        rc = table_next (kit->txn, TABLE_TOMBSTONES, key, &key, &value);
    }
    is (rc, ERR_NOT_FOUND);
    return out;
}

static void make (kit_t *kit, const char *resource, uint64_t uuid, uint64_t time)
{
    join (kit->txn, create (resource, uuid, stamp_n (time, 1), map_of ("name", "a", NULL)));
}

static void end (kit_t *kit, const char *resource, uint64_t uuid, uint64_t time, uint64_t client)
{
    join (kit->txn, delete (resource, uuid, stamp_n (time, client)));
}

static void declare_latest (kit_t *kit)
{
    resource_t latest = {.name = "latest", .rule = {CRDT_LWW, DELETE_LATEST}};
    const char *difference;
    is (resources_declare (kit->txn, &latest, &difference), 0);
}

//  Forgets up to client 1's, 2's and 3's times.
static size_t forget (
    kit_t *kit, uint64_t one, uint64_t two, uint64_t three, size_t most, bool left)
{
    const uint64_t uptos[] = {one, two, three};
    vector_t stable = {0};
    size_t count;
    bool more;
    for (uint64_t i = 0; i < 3; i++) {
        uuid16_t client = client_n (i + 1);
        if (uptos[i])
            vector_set (&stable, &client, uptos[i], NULL);
    }
    is (shared_forget (kit->txn, &stable, most, &count, &more), 0);
    cr_assert_eq (more, left);
    vector_release (&stable);
    return count;
}

static size_t deletions (kit_t *kit, const char *resource, uint64_t n)
{
    record_t record = {.created = {0}};
    uuid16_t uuid = uuid_n (n);
    is (shared_get (kit->txn, text (resource), &uuid, &record), 0);
    size_t count = record.deleted_count;
    record_release (&record);
    return count;
}

Test (tombstones, are_where_the_deletions_of_the_records_are)
{
    kit_t kit = kit_new ();
    uint64_t count;
    kit_begin (&kit);
    for (uint64_t i = 1; i <= 4; i++)
        make (&kit, "tags", i, 10 + i);
    cr_assert_str_eq (index_text (&kit), "");
    end (&kit, "tags", 3, 40, 1);
    end (&kit, "tags", 1, 30, 1);
    end (&kit, "tags", 1, 35, 2); // concurrent
    end (&kit, "tags", 4, 20, 2);
    cr_assert_str_eq (index_text (&kit), "1:30/1 1:40/3 2:20/4 2:35/1");
    is (shared_tombstones (kit.txn, &count), 0);
    cr_assert_eq (count, 4);
    kit_destroy (&kit);
}

Test (tombstones, follow_a_clients_largest_deletion)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    make (&kit, "tags", 1, 10);
    end (&kit, "tags", 1, 30, 1);
    make (&kit, "tags", 1, 40);
    cr_assert_str_eq (index_text (&kit), "1:30/1"); // remembered in the new life too
    kit_again (&kit);
    end (&kit, "tags", 1, 50, 1);
    cr_assert_str_eq (index_text (&kit), "1:50/1");
    end (&kit, "tags", 1, 45, 1); // an earlier one comes late
    cr_assert_str_eq (index_text (&kit), "1:50/1");
    kit_destroy (&kit);
}

Test (tombstones, are_forgotten_when_they_are_covered_and_not_before)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    for (uint64_t i = 1; i <= 3; i++)
        make (&kit, "tags", i, 10 + i);
    end (&kit, "tags", 1, 30, 1);
    end (&kit, "tags", 2, 40, 1);
    end (&kit, "tags", 3, 35, 2);
    kit_again (&kit);
    cr_assert_eq (forget (&kit, 29, 34, 99, 100, false), 0);
    cr_assert_eq (forget (&kit, 30, 0, 0, 100, false), 1);
    cr_assert_str_eq (index_text (&kit), "1:40/2 2:35/3");
    cr_assert_eq (deletions (&kit, "tags", 1), 0);
    cr_assert_eq (deletions (&kit, "tags", 2), 1);
    cr_assert_eq (forget (&kit, 99, 99, 99, 100, false), 2);
    cr_assert_str_eq (index_text (&kit), "");
    kit_commit (&kit);
    kit_read (&kit);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (tombstones, of_one_record_go_one_by_one_under_wins)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    make (&kit, "tags", 1, 10);
    end (&kit, "tags", 1, 30, 1);
    end (&kit, "tags", 1, 40, 2);
    cr_assert_eq (forget (&kit, 99, 39, 0, 100, false), 1);
    cr_assert_str_eq (index_text (&kit), "2:40/1");
    cr_assert_eq (deletions (&kit, "tags", 1), 1);
    kit_destroy (&kit);
}

Test (tombstones, of_one_record_go_with_the_last_under_latest)
{
    kit_t kit = kit_new ();
    uuid16_t uuid = uuid_n (1);
    record_t record = {.created = {0}};
    kit_begin (&kit);
    declare_latest (&kit);
    make (&kit, "latest", 1, 10);
    end (&kit, "latest", 1, 30, 1);
    end (&kit, "latest", 1, 40, 2);
    cr_assert_eq (forget (&kit, 0, 40, 0, 100, false), 1);
    cr_assert_str_eq (index_text (&kit), "");
    is (shared_get (kit.txn, text ("latest"), &uuid, &record), 0);
    cr_assert (record_is_empty (&record));
    make (&kit, "latest", 2, 50);
    end (&kit, "latest", 2, 45, 3); // what was written since keeps it
    cr_assert_eq (forget (&kit, 0, 0, 45, 100, false), 1);
    cr_assert_str_eq (index_text (&kit), "");
    uuid = uuid_n (2);
    is (shared_get (kit.txn, text ("latest"), &uuid, &record), 0);
    cr_assert (record.created.time == 50 && record.deleted_count == 0);
    kit_commit (&kit);
    kit_read (&kit);
    check_sums (kit.txn);
    record_release (&record);
    kit_destroy (&kit);
}

Test (tombstones, are_forgotten_so_many_at_a_time)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    for (uint64_t i = 1; i <= 5; i++) {
        make (&kit, "tags", i, 10 + i);
        end (&kit, "tags", i, 30 + i, 1 + i % 2);
    }
    cr_assert_eq (forget (&kit, 99, 99, 0, 2, true), 2);
    cr_assert_eq (forget (&kit, 99, 99, 0, 2, true), 2);
    cr_assert_eq (forget (&kit, 99, 99, 0, 2, false), 1);
    cr_assert_str_eq (index_text (&kit), "");
    kit_destroy (&kit);
}

//  A record that is alive keeps what it shows: nobody can tell.
Test (tombstones, that_are_forgotten_change_nothing_to_see)
{
    kit_t kit = kit_new ();
    uint64_t before, after;
    kit_begin (&kit);
    make (&kit, "tags", 1, 10);
    make (&kit, "tags", 2, 11);
    kit_again (&kit);
    end (&kit, "tags", 1, 30, 1);
    end (&kit, "tags", 2, 31, 1);
    make (&kit, "tags", 1, 40);
    kit_again (&kit);
    is (changes_last (kit.txn, &before), 0);
    cr_assert_eq (forget (&kit, 99, 0, 0, 100, false), 2);
    is (changes_last (kit.txn, &after), 0);
    cr_assert_eq (before, after);
    kit_commit (&kit);
    kit_read (&kit);
    char *told = changes_text (kit.txn, 0);
    cr_assert_not_null (strstr (told, "tags 2 gone"), "%s", told); // `changes` still tells
    check_sums (kit.txn);
    free (told);
    kit_destroy (&kit);
}

Test (tombstones, whose_key_is_not_sound_are_an_error)
{
    kit_t kit = kit_new ();
    vector_t stable = {0};
    uuid16_t client = client_n (1);
    static const uint8_t key[] = {0, 0, 0, 1, 0, 0};
    size_t count;
    bool left;
    kit_begin (&kit);
    make (&kit, "tags", 1, 10);
    is (table_put (kit.txn, TABLE_TOMBSTONES, slice_of (key, sizeof key), slice_of (NULL, 0)), 0);
    vector_set (&stable, &client, 99, NULL);
    is (shared_forget (kit.txn, &stable, 100, &count, &left), ERR_CORRUPT);
    is (store_commit (&kit.txn), ERR_CORRUPT);
    vector_release (&stable);
    kit_destroy (&kit);
}

static int delete_and_forget (txn_t *txn)
{
    watermark_t mark = {.client = client_n (1), .upto = 50};
    vector_t stable = {.entries = &mark, .count = 1}, nothing = {0};
    operation_t op = delete ("tags", 2, stamp_n (60, 2));
    past_t past = {&nothing, op.stamp};
    size_t count;
    bool left;
    int rc = shared_join (txn, &op, &past);
    return rc ? rc : shared_forget (txn, &stable, 100, &count, &left);
}

Test (tombstones, of_a_transaction_that_fails_anywhere_stay_with_their_records)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    make (&kit, "tags", 1, 10);
    make (&kit, "tags", 2, 11);
    end (&kit, "tags", 1, 30, 1);
    kit_commit (&kit);
    cr_assert_gt (kit_whole_or_nothing (&kit, delete_and_forget), 15);
    kit_read (&kit);
    cr_assert_str_eq (index_text (&kit), "2:60/2");
    check_sums (kit.txn);
    kit_destroy (&kit);
}

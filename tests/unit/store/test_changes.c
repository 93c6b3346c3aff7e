#include "tests/unit/store/kit.h"

#include <stdlib.h>

static void expect (kit_t *kit, uint64_t since, const char *wanted)
{
    char *text = changes_text (kit->txn, since);
    cr_assert_str_eq (text, wanted);
    free (text);
    check_sums (kit->txn);
}

Test (changes, tell_of_each_record_at_its_latest_change)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    join (kit.txn, create ("tags", 2, stamp_n (101, 1), map_of ("name", "b", NULL)));
    kit_again (&kit);
    join (kit.txn, update ("tags", 1, stamp_n (102, 2), map_of ("name", "c", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0, "2 tags 2 born 2 end 2 at 101/c1\n3 tags 1 born 1 end 3 at 102/c2\n");
    expect (&kit, 2, "3 tags 1 born 1 end 3 at 102/c2\n");
    expect (&kit, 3, "");
    kit_destroy (&kit);
}

Test (changes, of_one_group_share_their_end)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    changes_begin_group (kit.txn);
    for (uint64_t i = 1; i <= 3; i++)
        join (kit.txn, create ("tags", i, stamp_n (100 + i, 1), map_of ("name", "a", NULL)));
    changes_begin_group (kit.txn);
    join (kit.txn, create ("tags", 4, stamp_n (104, 1), map_of ("name", "a", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0,
        "1 tags 1 born 1 end 3 at 101/c1\n"
        "2 tags 2 born 2 end 3 at 102/c1\n"
        "3 tags 3 born 3 end 3 at 103/c1\n"
        "4 tags 4 born 4 end 4 at 104/c1\n");
    kit_destroy (&kit);
}

Test (changes, of_one_record_in_one_group_are_one)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    join (kit.txn, create ("tags", 2, stamp_n (101, 1), map_of ("name", "b", NULL)));
    join (kit.txn, update ("tags", 1, stamp_n (102, 1), map_of ("name", "c", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0, "1 tags 1 born 1 end 2 at 102/c1\n2 tags 2 born 2 end 2 at 101/c1\n");
    kit_destroy (&kit);
}

Test (changes, are_none_for_what_comes_and_goes_in_one_group)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 2, stamp_n (99, 1), map_of ("name", "b", NULL)));
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    join (kit.txn, delete ("tags", 1, stamp_n (101, 1)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0, "1 tags 2 born 1 end 1 at 99/c1\n");
    store_abort (&kit.txn);
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (102, 1), map_of ("name", "a", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 1, "3 tags 1 born 3 end 3 at 102/c1\n");
    kit_destroy (&kit);
}

Test (changes, keep_an_older_deletion_where_nothing_new_was_to_be_seen)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    kit_again (&kit);
    join (kit.txn, delete ("tags", 1, stamp_n (101, 1)));
    kit_again (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (102, 1), map_of ("name", "b", NULL)));
    join (kit.txn, delete ("tags", 1, stamp_n (103, 1)));
    join (kit.txn, create ("tags", 1, stamp_n (104, 1), map_of ("name", "b", NULL)));
    join (kit.txn, delete ("tags", 1, stamp_n (105, 1)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0, "2 tags 1 gone born 1 end 2 at 101/c1\n");
    store_abort (&kit.txn);
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (106, 1), map_of ("name", "b", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0, "5 tags 1 born 5 end 5 at 106/c1\n");
    kit_destroy (&kit);
}

Test (changes, show_no_birth_where_a_record_was_there_before_and_after)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    kit_again (&kit);
    join (kit.txn, delete ("tags", 1, stamp_n (101, 1)));
    join (kit.txn, create ("tags", 1, stamp_n (102, 1), map_of ("name", "b", NULL)));
    kit_again (&kit);
    join (kit.txn, delete ("tags", 1, stamp_n (103, 1)));
    kit_again (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (104, 1), map_of ("name", "b", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0, "4 tags 1 born 4 end 4 at 104/c1\n");
    kit_destroy (&kit);
}

Test (changes, are_none_where_nothing_visible_changed)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    kit_again (&kit);
    join (kit.txn, update ("tags", 1, stamp_n (101, 1), map_of ("name", "a", NULL)));
    join (kit.txn, update ("tags", 1, stamp_n (90, 2), map_of ("name", "z", NULL)));
    join (kit.txn, delete ("tags", 9, stamp_n (102, 1)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0, "1 tags 1 born 1 end 1 at 101/c1\n");
    uint64_t last;
    is (changes_last (kit.txn, &last), 0);
    cr_assert_eq (last, 1);
    kit_destroy (&kit);
}

Test (changes, never_reuse_the_cursor_of_a_change_that_was_undone)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    join (kit.txn, delete ("tags", 1, stamp_n (101, 1)));
    kit_commit (&kit);
    kit_close (&kit);
    kit_open (&kit);
    kit_begin (&kit);
    join (kit.txn, create ("tags", 2, stamp_n (102, 1), map_of ("name", "a", NULL)));
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0, "2 tags 2 born 2 end 2 at 102/c1\n");
    kit_destroy (&kit);
}

Test (changes, tell_of_every_kind_of_record)
{
    kit_t kit = kit_new ();
    resource_t local = {.name = "drafts", .kind = RESOURCE_LOCAL};
    const char *difference;
    uuid16_t uuid = uuid_n (5);
    kit_begin (&kit);
    is (resources_declare (kit.txn, &local, &difference), 0);
    is (local_put (kit.txn, text ("drafts"), &uuid, 70, map_of ("text", "x", NULL)), 0);
    put_row (kit.txn, 2, 7, 200, map_with ("content_id", 6, "name", "f"));
    kit_again (&kit);
    is (local_put (kit.txn, text ("drafts"), &uuid, 71, slice_of (NULL, 0)), 0);
    kit_commit (&kit);
    kit_read (&kit);
    expect (&kit, 0,
        "2 file_paths 7/c2 born 2 end 3 at 200/c2\n"
        "3 files 6 born 3 end 3 at 200/c2\n"
        "4 drafts 5 gone born 1 end 4 at 71/0\n");
    kit_destroy (&kit);
}

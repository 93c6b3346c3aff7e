#include "tests/unit/store/kit.h"

static uint64_t conflicts (kit_t *kit, const char *resource)
{
    resource_entry_t entry;
    is (resources_find (kit->txn, text (resource), &entry), 0);
    return entry.conflicts;
}

Test (conflicts, are_counted_once_with_the_transaction_and_outlive_a_restart)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    kit_again (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (101, 2), map_of ("name", "b", NULL)));
    cr_assert_eq (conflicts (&kit, "tags"), 1);
    store_abort (&kit.txn);
    kit_begin (&kit);
    cr_assert_eq (conflicts (&kit, "tags"), 0); // that transaction was lost, and so is its count
    join (kit.txn, create ("tags", 1, stamp_n (101, 2), map_of ("name", "b", NULL)));
    kit_commit (&kit);
    kit_close (&kit);
    kit_open (&kit);
    kit_read (&kit);
    cr_assert_eq (conflicts (&kit, "tags"), 1);
    cr_assert_eq (conflicts (&kit, "albums"), 0);
    kit_destroy (&kit);
}

Test (conflicts, of_an_operation_that_changes_nothing_are_counted_too)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (100, 1), map_of ("name", "a", NULL)));
    join (kit.txn, delete ("tags", 1, stamp_n (101, 1)));
    join (kit.txn, update ("tags", 1, stamp_n (102, 2), map_of ("name", "b", NULL)));
    cr_assert_eq (conflicts (&kit, "tags"), 1);
    kit_commit (&kit);
    kit_read (&kit);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

#include "tests/unit/store/kit.h"

#include <stdio.h>

Test (resources, are_found_by_name_and_number_with_what_was_declared)
{
    kit_t kit = kit_new ();
    resource_entry_t entry, same;
    const char *difference;
    kit_read (&kit);
    for (size_t i = 0; i < resource_default_count; i++) {
        is (resources_find (kit.txn, text (resource_defaults[i].name), &entry), 0);
        cr_assert (resource_equal (&entry.resource, &resource_defaults[i], &difference));
        cr_assert_str_eq (entry.resource.name, resource_defaults[i].name);
        cr_assert_eq (entry.count, 0);
        is (resources_by_number (kit.txn, entry.number, &same), 0);
        cr_assert_str_eq (entry.resource.name, same.resource.name);
    }
    is (resources_find (kit.txn, text ("nothing"), &entry), ERR_UNKNOWN_RESOURCE);
    is (resources_find (kit.txn, text (""), &entry), ERR_UNKNOWN_RESOURCE);
    is (resources_by_number (kit.txn, 99, &entry), ERR_UNKNOWN_RESOURCE);
    is (resources_by_number (kit.txn, 0, &entry), ERR_UNKNOWN_RESOURCE);
    kit_destroy (&kit);
}

Test (resources, may_be_declared_again_equally_and_not_differently)
{
    kit_t kit = kit_new ();
    resource_t tags = {.name = "tags", .rule = {CRDT_LWW, DELETE_LATEST}};
    const char *difference = NULL;
    kit_begin (&kit);
    is (resources_declare (kit.txn, &resource_defaults[0], &difference), 0);
    is (resources_declare (kit.txn, &tags, &difference), ERR_CONFLICTING_DECLARATION);
    cr_assert_str_eq (difference, "delete");
    kit_destroy (&kit);
}

Test (resources, come_in_the_order_of_their_names)
{
    kit_t kit = kit_new ();
    static const char *const names[] = {
        "albums", "comments", "file_paths", "files", "jobs", "tags", "tags_on_files"};
    resource_entry_t entry;
    kit_read (&kit);
    int rc = resources_next (kit.txn, slice_of (NULL, 0), &entry);
    for (size_t i = 0; i < 7; i++) {
        is (rc, 0);
        cr_assert_str_eq (entry.resource.name, names[i]);
        rc = resources_next (kit.txn, text (names[i]), &entry);
    }
    is (rc, ERR_NOT_FOUND);
    is (resources_next (kit.txn, text ("b"), &entry), 0);
    cr_assert_str_eq (entry.resource.name, "comments");
    kit_destroy (&kit);
}

Test (resources, keep_counting_across_commits_and_after_an_abort)
{
    kit_t kit = kit_new ();
    resource_entry_t entry;
    for (uint64_t i = 1; i <= 6; i++) {
        kit_begin (&kit);
        join (kit.txn, create ("tags", i, stamp_n (100 + i, 1), map_of ("name", "a", NULL)));
        if (i % 2)
            store_abort (&kit.txn);
        else
            kit_commit (&kit);
    }
    kit_close (&kit);
    kit_open (&kit);
    kit_read (&kit);
    is (resources_find (kit.txn, text ("tags"), &entry), 0);
    cr_assert_eq (entry.count, 3);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (resources, are_as_many_as_the_limit_and_no_more)
{
    kit_t kit = kit_empty ();
    resource_t resource = {.kind = RESOURCE_LOCAL};
    const char *difference;
    kit_begin (&kit);
    for (unsigned i = 0; i <= LIMIT_RESOURCES; i++) {
        snprintf (resource.name, sizeof resource.name, "r%u", i);
        int wanted = i < LIMIT_RESOURCES ? 0 : ERR_TOO_LARGE;
        is (resources_declare (kit.txn, &resource, &difference), wanted);
    }
    kit_commit (&kit);
    kit_destroy (&kit);
}

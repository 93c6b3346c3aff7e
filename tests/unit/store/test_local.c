#include "tests/unit/store/kit.h"

Test (local, keeps_walks_and_deletes)
{
    kit_t kit = kit_new ();
    resource_t drafts = {.name = "drafts", .kind = RESOURCE_LOCAL};
    const char *difference;
    uuid16_t uuid;
    uint64_t updated;
    slice_t value, name = text ("drafts");
    kit_begin (&kit);
    is (resources_declare (kit.txn, &drafts, &difference), 0);
    for (uint64_t i = 5; i > 0; i--) {
        uuid = uuid_n (i);
        is (local_put (kit.txn, name, &uuid, 100 + i, map_of ("text", "x", NULL)), 0);
    }
    kit_again (&kit);
    uuid = uuid_n (3);
    is (local_put (kit.txn, name, &uuid, 200, slice_of (NULL, 0)), 0);
    is (local_get (kit.txn, name, &uuid, &updated, &value), ERR_NOT_FOUND);
    uuid = uuid_n (9);
    is (local_put (kit.txn, name, &uuid, 201, slice_of (NULL, 0)), 0);
    check_sums (kit.txn);
    kit_commit (&kit);
    kit_read (&kit);
    static const uint64_t wanted[] = {1, 2, 4, 5};
    int rc = local_next (kit.txn, name, NULL, &uuid, &updated, &value);
    for (size_t i = 0; i < 4; i++) {
        uuid16_t expected = uuid_n (wanted[i]);
        is (rc, 0);
        cr_assert (uuid_equal (&uuid, &expected));
        cr_assert_eq (updated, 100 + wanted[i]);
        rc = local_next (kit.txn, name, &uuid, &uuid, &updated, &value);
    }
    is (rc, ERR_NOT_FOUND);
    is (local_get (kit.txn, text ("tags"), &uuid, &updated, &value), ERR_MALFORMED);
    kit_destroy (&kit);
}

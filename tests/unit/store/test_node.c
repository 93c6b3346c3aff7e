#include "tests/unit/store/kit.h"

Test (node, keeps_each_space_apart_and_sorted)
{
    kit_t kit = kit_empty ();
    slice_t key, value;
    kit_begin (&kit);
    is (node_put (kit.txn, NODE_SETTINGS, text ("b"), text ("2")), 0);
    is (node_put (kit.txn, NODE_SETTINGS, text ("a"), text ("1")), 0);
    is (node_put (kit.txn, NODE_FOUND, text ("a"), text ("other")), 0);
    is (node_put (kit.txn, NODE_SETTINGS, text ("b"), text ("3")), 0);
    kit_commit (&kit);
    kit_read (&kit);
    is (node_seek (kit.txn, NODE_SETTINGS, text (""), &key, &value), 0);
    cr_assert (slice_equal (key, text ("a")) && slice_equal (value, text ("1")));
    is (node_next (kit.txn, NODE_SETTINGS, key, &key, &value), 0);
    cr_assert (slice_equal (key, text ("b")) && slice_equal (value, text ("3")));
    is (node_next (kit.txn, NODE_SETTINGS, key, &key, &value), ERR_NOT_FOUND);
    is (node_seek (kit.txn, NODE_SETTINGS, text ("b"), &key, &value), 0);
    cr_assert (slice_equal (key, text ("b")));
    is (node_seek (kit.txn, NODE_SETTINGS, text ("c"), &key, &value), ERR_NOT_FOUND);
    is (node_seek (kit.txn, NODE_PLACES, text (""), &key, &value), ERR_NOT_FOUND);
    is (node_seek (kit.txn, NODE_WANTED, text (""), &key, &value), ERR_NOT_FOUND);
    kit_destroy (&kit);
}

Test (node, walks_on_past_keys_that_are_deleted_on_the_way)
{
    kit_t kit = kit_empty ();
    slice_t key, value;
    uint8_t name[1];
    kit_begin (&kit);
    for (name[0] = 0; name[0] < 200; name[0]++)
        is (node_put (kit.txn, NODE_INODES, slice_of (name, 1), text ("x")), 0);
    unsigned count = 0;
    int rc = node_seek (kit.txn, NODE_INODES, text (""), &key, &value);
    for (; !rc; count++) {
        name[0] = key.data[0];
        cr_assert_eq (name[0], count);
        is (node_delete (kit.txn, NODE_INODES, slice_of (name, 1)), 0);
        rc = node_next (kit.txn, NODE_INODES, slice_of (name, 1), &key, &value);
    }
    cr_assert_eq (count, 200);
    is (node_delete (kit.txn, NODE_INODES, slice_of (name, 1)), 0);
    kit_destroy (&kit);
}

Test (node, keeps_numbers)
{
    kit_t kit = kit_empty ();
    uint64_t value = 5;
    kit_begin (&kit);
    is (node_get_uint (kit.txn, "clock", &value), ERR_NOT_FOUND);
    cr_assert_eq (value, 0);
    is (node_put_uint (kit.txn, "clock", 0x0102030405060708), 0);
    is (node_get_uint (kit.txn, "clock", &value), 0);
    cr_assert_eq (value, 0x0102030405060708);
    kit_destroy (&kit);
}

Test (node, takes_keys_of_400_bytes_and_no_more)
{
    kit_t kit = kit_empty ();
    static uint8_t key[401];
    slice_t value;
    kit_begin (&kit);
    is (node_put (kit.txn, NODE_FOUND, slice_of (key, 400), text ("x")), 0);
    is (node_get (kit.txn, NODE_FOUND, slice_of (key, 400), &value), 0);
    is (node_put (kit.txn, NODE_FOUND, slice_of (key, 401), text ("x")), ERR_TOO_LARGE);
    is (node_put (kit.txn, NODE_FOUND, slice_of (key, 0), slice_of (NULL, 0)), 0);
    is (node_get (kit.txn, NODE_FOUND, slice_of (key, 0), &value), 0);
    cr_assert_eq (value.size, 0);
    kit_destroy (&kit);
}

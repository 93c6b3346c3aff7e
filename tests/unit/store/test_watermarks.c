#include "tests/unit/store/kit.h"

Test (watermarks, keep_a_vector_of_each_kind)
{
    kit_t kit = kit_empty ();
    vector_t vector = {0};
    kit_begin (&kit);
    for (uint64_t i = 9; i > 0; i--) {
        watermark_t watermark = {.client = client_n (i), .upto = i * 10};
        watermark.hash.bytes[31] = (uint8_t)i;
        is (watermarks_put (kit.txn, WATERMARK_SHARED, &watermark), 0);
    }
    watermark_t rows = {.client = client_n (4), .upto = 7};
    is (watermarks_put (kit.txn, WATERMARK_ROWS, &rows), 0);
    kit_commit (&kit);
    kit_read (&kit);
    is (watermarks_load (kit.txn, WATERMARK_SHARED, &vector), 0);
    cr_assert_eq (vector.count, 9);
    for (uint64_t i = 1; i <= 9; i++) {
        uuid16_t client = client_n (i);
        const watermark_t *found = vector_find (&vector, &client);
        cr_assert_eq (found->upto, i * 10);
        cr_assert_eq (found->hash.bytes[31], i);
    }
    is (watermarks_load (kit.txn, WATERMARK_ROWS, &vector), 0);
    cr_assert_eq (vector.count, 1);
    cr_assert_eq (vector.entries[0].upto, 7);
    vector_release (&vector);
    kit_destroy (&kit);
}

Test (watermarks, are_cleared_of_one_kind_and_no_other)
{
    kit_t kit = kit_empty ();
    vector_t vector = {0};
    kit_begin (&kit);
    for (int kind = WATERMARK_SHARED; kind <= WATERMARK_BASE; kind++)
        for (uint64_t i = 1; i <= 3; i++) {
            watermark_t watermark = {.client = client_n (i), .upto = 10 * i + (uint64_t)kind};
            is (watermarks_put (kit.txn, (enum watermark_kind)kind, &watermark), 0);
        }
    kit_again (&kit);
    is (watermarks_clear (kit.txn, WATERMARK_ROWS), 0);
    is (watermarks_clear (kit.txn, WATERMARK_ROWS), 0);
    for (int kind = WATERMARK_SHARED; kind <= WATERMARK_BASE; kind++) {
        is (watermarks_load (kit.txn, (enum watermark_kind)kind, &vector), 0);
        cr_assert_eq (vector.count, kind == WATERMARK_ROWS ? 0 : 3, "kind %d", kind);
        for (size_t i = 0; i < vector.count; i++)
            cr_assert_eq (vector.entries[i].upto, 10 * (i + 1) + (uint64_t)kind);
    }
    vector_release (&vector);
    kit_destroy (&kit);
}

Test (watermarks, that_cannot_be_read_are_an_error_and_no_vector)
{
    kit_t kit = kit_empty ();
    vector_t vector = {0};
    static const uint8_t key[] = {WATERMARK_BASE, 1, 2, 3}; // no whole client
    kit_begin (&kit);
    is (table_put (kit.txn, TABLE_WATERMARKS, slice_of (key, sizeof key), text ("short")), 0);
    is (watermarks_load (kit.txn, WATERMARK_BASE, &vector), ERR_CORRUPT);
    is (store_commit (&kit.txn), ERR_CORRUPT);
    vector_release (&vector);
    kit_destroy (&kit);
}

static void raise_to (kit_t *kit, uint64_t origin, uint64_t client, uint64_t upto)
{
    uuid16_t by = client_n (origin), of = client_n (client);
    vector_t seen = {0};
    vector_set (&seen, &of, upto, NULL);
    is (published_raise (kit->txn, &by, &seen), 0);
    vector_release (&seen);
}

Test (published, never_falls)
{
    kit_t kit = kit_empty ();
    vector_t vector = {0};
    uuid16_t one = client_n (1), two = client_n (2), three = client_n (3);
    kit_begin (&kit);
    raise_to (&kit, 1, 2, 50);
    raise_to (&kit, 1, 3, 60);
    raise_to (&kit, 1, 2, 40);
    raise_to (&kit, 3, 2, 99);
    is (published_load (kit.txn, &one, &vector), 0);
    cr_assert_eq (vector.count, 2);
    cr_assert_eq (vector_upto (&vector, &two), 50);
    cr_assert_eq (vector_upto (&vector, &three), 60);
    is (published_load (kit.txn, &two, &vector), 0);
    cr_assert_eq (vector.count, 0);
    vector_release (&vector);
    kit_destroy (&kit);
}

Test (published, walks_the_origins_once_each)
{
    kit_t kit = kit_empty ();
    uuid16_t at = {{0}}, three = client_n (3), one = client_n (1);
    kit_begin (&kit);
    for (uint64_t i = 10; i < 15; i++) {
        raise_to (&kit, 3, i, 50);
        raise_to (&kit, 1, i, 50);
    }
    kit_commit (&kit);
    kit_read (&kit);
    is (published_next (kit.txn, &at, &at), 0);
    cr_assert (uuid_equal (&at, &one));
    is (published_next (kit.txn, &at, &at), 0);
    cr_assert (uuid_equal (&at, &three));
    is (published_next (kit.txn, &at, &at), ERR_NOT_FOUND);
    kit_destroy (&kit);
}

Test (published, is_cleared_for_a_copy)
{
    kit_t kit = kit_empty ();
    vector_t vector = {0};
    uuid16_t at = {{0}}, one = client_n (1);
    kit_begin (&kit);
    raise_to (&kit, 1, 2, 50);
    raise_to (&kit, 3, 2, 60);
    kit_again (&kit);
    is (published_clear (kit.txn), 0);
    is (published_next (kit.txn, &at, &at), ERR_NOT_FOUND);
    is (published_load (kit.txn, &one, &vector), 0);
    cr_assert_eq (vector.count, 0);
    raise_to (&kit, 1, 2, 7); // what the giver says may be less
    is (published_load (kit.txn, &one, &vector), 0);
    cr_assert_eq (vector.count, 1);
    cr_assert_eq (vector.entries[0].upto, 7);
    vector_release (&vector);
    kit_destroy (&kit);
}

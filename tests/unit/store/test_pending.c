#include "tests/unit/store/kit.h"

#include <stdio.h>
#include <stdlib.h>

//  The log does not look inside: origin, upto, count and some bytes are a batch to it.
static uint64_t append (kit_t *kit, uint64_t origin, uint64_t upto, size_t count, const char *bytes)
{
    batch_t batch = {
        .bytes = text (bytes), .origin = client_n (origin), .upto = upto, .count = count};
    uint64_t sequence = 0;
    is (pending_append (kit->txn, &batch, &sequence), 0);
    return sequence;
}

Test (pending, reads_batches_in_the_order_they_were_appended)
{
    kit_t kit = kit_empty ();
    uint64_t sequence;
    slice_t bytes;
    kit_begin (&kit);
    is (pending_read (kit.txn, 0, &sequence, &bytes), ERR_NOT_FOUND);
    is (pending_last (kit.txn, &sequence), 0);
    cr_assert_eq (sequence, 0);
    cr_assert_eq (append (&kit, 2, 50, 1, "first"), 1);
    cr_assert_eq (append (&kit, 1, 10, 2, "second"), 2);
    kit_again (&kit);
    cr_assert_eq (append (&kit, 2, 60, 3, "third"), 3);
    kit_commit (&kit);
    kit_read (&kit);
    static const char *const wanted[] = {"first", "second", "third"};
    for (uint64_t i = 1; i <= 3; i++) {
        is (pending_read (kit.txn, i, &sequence, &bytes), 0);
        cr_assert_eq (sequence, i);
        cr_assert (slice_equal (bytes, text (wanted[i - 1])));
    }
    is (pending_read (kit.txn, 4, &sequence, &bytes), ERR_NOT_FOUND);
    pending_totals_t totals;
    is (pending_totals (kit.txn, &totals), 0);
    cr_assert_eq (totals.batches, 3);
    cr_assert_eq (totals.operations, 6);
    cr_assert_eq (totals.bytes, 16);
    kit_destroy (&kit);
}

Test (pending, finds_the_batch_that_follows_in_an_origins_chain)
{
    kit_t kit = kit_empty ();
    uuid16_t one = client_n (1), nobody = client_n (9);
    uint64_t sequence;
    slice_t bytes;
    kit_begin (&kit);
    append (&kit, 1, 10, 1, "a");
    append (&kit, 2, 15, 1, "b");
    append (&kit, 1, 20, 1, "c");
    is (pending_find (kit.txn, &one, 0, &sequence, &bytes), 0);
    cr_assert_eq (sequence, 1);
    is (pending_find (kit.txn, &one, 10, &sequence, &bytes), 0);
    cr_assert_eq (sequence, 3);
    cr_assert (slice_equal (bytes, text ("c")));
    is (pending_find (kit.txn, &one, 20, &sequence, &bytes), ERR_NOT_FOUND);
    is (pending_find (kit.txn, &one, UINT64_MAX, &sequence, &bytes), ERR_NOT_FOUND);
    is (pending_find (kit.txn, &nobody, 0, &sequence, &bytes), ERR_NOT_FOUND);
    kit_destroy (&kit);
}

static uint64_t first_uncovered (kit_t *kit, const vector_t *vector)
{
    uint64_t sequence = 0;
    is (pending_first_uncovered (kit->txn, vector, &sequence), 0);
    return sequence;
}

Test (pending, finds_the_first_batch_that_a_vector_lacks_as_a_scan_would)
{
    kit_t kit = kit_empty ();
    unsigned seed = 11;
    uint64_t origins[200], uptos[200];
    vector_t vector = {0};
    kit_begin (&kit);
    cr_assert_eq (first_uncovered (&kit, &vector), 1);
    for (uint64_t i = 0; i < 200; i++) {
        origins[i] = 1 + (uint64_t)rand_r (&seed) % 5;
        uptos[i] = 10 * i + 10;
        append (&kit, origins[i], uptos[i], 1, "x");
    }
    for (int round = 0; round < 300; round++) {
        vector_clear (&vector);
        for (uint64_t origin = 1; origin <= 5; origin++) {
            uuid16_t client = client_n (origin);
            uint64_t upto = (uint64_t)rand_r (&seed) % 2500;
            if (rand_r (&seed) % 8 == 0)
                upto = UINT64_MAX;
            if (upto && rand_r (&seed) % 8)
                vector_set (&vector, &client, upto, NULL);
        }
        uint64_t wanted = 0;
        for (; wanted < 200; wanted++) {
            uuid16_t client = client_n (origins[wanted]);
            if (vector_upto (&vector, &client) < uptos[wanted])
                break;
        }
        cr_assert_eq (first_uncovered (&kit, &vector), wanted + 1, "round %d", round);
    }
    vector_release (&vector);
    kit_destroy (&kit);
}

Test (pending, never_gives_a_sequence_again)
{
    kit_t kit = kit_empty ();
    uint64_t last;
    kit_begin (&kit);
    append (&kit, 1, 10, 1, "a");
    kit_again (&kit);
    append (&kit, 1, 20, 1, "b");
    store_abort (&kit.txn);
    kit_begin (&kit);
    cr_assert_eq (append (&kit, 1, 20, 1, "b"), 2);
    is (table_clear (kit.txn, TABLE_PENDING), 0); // as a flush would
    kit_commit (&kit);
    kit_close (&kit);
    kit_open (&kit);
    kit_begin (&kit);
    is (pending_last (kit.txn, &last), 0);
    cr_assert_eq (last, 2);
    cr_assert_eq (append (&kit, 1, 30, 1, "c"), 3);
    kit_destroy (&kit);
}

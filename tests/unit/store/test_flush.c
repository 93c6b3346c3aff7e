//  What leaves the log, and what the log stands on then (store/pending.h, WATERMARK_BASE)

#include "tests/unit/store/kit.h"

typedef struct author {
    identity_t identity;
    uint64_t upto;
    hash_t hash; // of its last batch
} author_t;

static author_t author_of (uint8_t number)
{
    author_t author = {.upto = 0};
    uint8_t seed[SEED_SIZE] = {number};
    cr_assert_eq (keys_start (), 0);
    cr_assert_eq (identity_from_seed (seed, &author.identity), 0);
    return author;
}

//  Seals one batch with so many operations, and appends it. covers: NULL, or it issues anew.
static void append (kit_t *kit, author_t *author, uint64_t upto, int count, const vector_t *covers)
{
    batch_writer_t writer = {.count = 0};
    vector_t seen = {0};
    buffer_t bytes = {0};
    batch_t batch;
    uint64_t sequence;
    batch_writer_begin (&writer, &author->identity.client, author->upto, &author->hash);
    for (int i = count; i > 0; i--) {
        operation_t op =
            create ("tags", upto, (timestamp_t){upto - (uint64_t)i + 1, author->identity.client},
                map_of ("name", "a", NULL));
        batch_writer_add (&writer, &op);
    }
    batch_writer_seal (&writer, upto, &seen, covers, &author->identity, &bytes, &author->hash);
    author->upto = upto;
    cr_assert_eq (batch_decode (buffer_slice (&bytes), &batch), 0);
    is (pending_append (kit->txn, &batch, &sequence), 0);
    batch_release (&batch);
    batch_writer_release (&writer);
    buffer_release (&bytes);
}

static void flush (kit_t *kit, const vector_t *stable, size_t most, size_t count, bool left)
{
    size_t flushed;
    bool more;
    is (pending_flush (kit->txn, stable, most, &flushed, &more), 0);
    cr_assert_eq (flushed, count);
    cr_assert_eq (more, left);
}

static void expect_totals (kit_t *kit, uint64_t batches, uint64_t operations)
{
    pending_totals_t totals;
    uint64_t sequence = 0, walked = 0, bytes = 0;
    slice_t batch;
    is (pending_totals (kit->txn, &totals), 0);
    cr_assert_eq (totals.batches, batches);
    cr_assert_eq (totals.operations, operations);
    while (pending_read (kit->txn, sequence + 1, &sequence, &batch) == 0) {
        walked++;
        bytes += batch.size;
    }
    cr_assert_eq (walked, batches);
    cr_assert_eq (totals.bytes, bytes);
}

static uint64_t base_upto (kit_t *kit, const uuid16_t *client, hash_t *ret_hash)
{
    vector_t base = {0};
    is (watermarks_load (kit->txn, WATERMARK_BASE, &base), 0);
    const watermark_t *mark = vector_find (&base, client);
    uint64_t upto = mark ? mark->upto : 0;
    if (mark && ret_hash)
        *ret_hash = mark->hash;
    vector_release (&base);
    return upto;
}

Test (flush, drops_a_chain_from_its_beginning_up_to_what_is_stable)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1), two = author_of (2);
    vector_t stable = {0};
    uint64_t sequence;
    slice_t bytes;
    kit_begin (&kit);
    append (&kit, &one, 10, 1, NULL);
    append (&kit, &two, 15, 2, NULL);
    append (&kit, &one, 20, 3, NULL);
    append (&kit, &one, 30, 4, NULL);
    vector_set (&stable, &one.identity.client, 29, NULL);
    flush (&kit, &stable, 100, 2, false);
    expect_totals (&kit, 2, 6);
    is (pending_find (kit.txn, &one.identity.client, 0, &sequence, &bytes), 0);
    cr_assert_eq (sequence, 4);
    flush (&kit, &stable, 100, 0, false);
    vector_set (&stable, &one.identity.client, 30, NULL);
    vector_set (&stable, &two.identity.client, 14, NULL);
    flush (&kit, &stable, 100, 1, false);
    is (pending_find (kit.txn, &one.identity.client, 0, &sequence, &bytes), ERR_NOT_FOUND);
    is (pending_find (kit.txn, &two.identity.client, 0, &sequence, &bytes), 0);
    vector_release (&stable);
    kit_destroy (&kit);
}

Test (flush, drops_so_many_at_a_time_and_says_that_there_may_be_more)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1);
    vector_t stable = {0};
    kit_begin (&kit);
    for (uint64_t i = 1; i <= 5; i++)
        append (&kit, &one, 10 * i, 1, NULL);
    vector_set (&stable, &one.identity.client, 50, NULL);
    flush (&kit, &stable, 2, 2, true);
    cr_assert_eq (base_upto (&kit, &one.identity.client, NULL), 20);
    kit_again (&kit);
    flush (&kit, &stable, 2, 2, true);
    flush (&kit, &stable, 2, 1, false);
    expect_totals (&kit, 0, 0);
    vector_release (&stable);
    kit_destroy (&kit);
}

//  A fork shows after a flush too: the base has the hash.
Test (flush, raises_the_base_to_the_end_and_the_hash_of_what_it_drops)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1), two = author_of (2);
    vector_t stable = {0};
    hash_t first, hash = {{0}};
    kit_begin (&kit);
    append (&kit, &one, 10, 1, NULL);
    first = one.hash;
    append (&kit, &one, 20, 0, NULL);
    append (&kit, &two, 25, 1, NULL);
    cr_assert_eq (base_upto (&kit, &one.identity.client, NULL), 0);
    vector_set (&stable, &one.identity.client, 19, NULL);
    flush (&kit, &stable, 100, 1, false);
    cr_assert_eq (base_upto (&kit, &one.identity.client, &hash), 10);
    cr_assert (hash_equal (&hash, &first));
    cr_assert_eq (base_upto (&kit, &two.identity.client, NULL), 0);
    kit_commit (&kit);
    kit_close (&kit);
    kit_open (&kit);
    kit_read (&kit);
    cr_assert_eq (base_upto (&kit, &one.identity.client, NULL), 10);
    vector_release (&stable);
    kit_destroy (&kit);
}

Test (flush, of_what_issued_anew_raises_the_base_to_what_that_covered)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1);
    vector_t stable = {0}, covers = {0};
    uuid16_t half = client_n (7), ahead = client_n (8);
    watermark_t known = {.client = ahead, .upto = 99};
    kit_begin (&kit);
    is (watermarks_put (kit.txn, WATERMARK_BASE, &known), 0);
    vector_set (&covers, &half, 44, NULL);
    vector_set (&covers, &ahead, 45, NULL);
    append (&kit, &one, 50, 0, &covers);
    vector_set (&stable, &one.identity.client, 50, NULL);
    flush (&kit, &stable, 100, 1, false);
    cr_assert_eq (base_upto (&kit, &one.identity.client, NULL), 50);
    cr_assert_eq (base_upto (&kit, &half, NULL), 44);
    cr_assert_eq (base_upto (&kit, &ahead, NULL), 99, "it never falls");
    vector_release (&stable);
    vector_release (&covers);
    kit_destroy (&kit);
}

Test (flush, knows_nothing_of_clients_that_never_wrote)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1);
    vector_t stable = {0};
    uuid16_t nobody = client_n (9);
    kit_begin (&kit);
    append (&kit, &one, 10, 1, NULL);
    vector_set (&stable, &nobody, UINT64_MAX, NULL);
    flush (&kit, &stable, 100, 0, false);
    expect_totals (&kit, 1, 1);
    vector_release (&stable);
    kit_destroy (&kit);
}

//  Bytes that are no batch, or do not pass their checksum; as many as before.
static void spoil (kit_t *kit, uint64_t sequence, bool flips)
{
    uint64_t bytes = __builtin_bswap64 (sequence);
    uint8_t zeros[1000] = {0};
    slice_t key = slice_of (&bytes, sizeof bytes), raw;
    is (table_get_raw (kit->txn, TABLE_PENDING, key, &raw), 0);
    cr_assert_leq (raw.size, sizeof zeros);
    MDB_val k = {sizeof bytes, &bytes}, data = {raw.size, zeros};
    if (flips)
        cr_assert_eq (mdb_put (kit->txn->mdb, kit->store->tables[TABLE_PENDING], &k, &data, 0), 0);
    else
        is (table_put (kit->txn, TABLE_PENDING, key, slice_of (zeros, raw.size - 8)), 0);
}

Test (flush, of_a_batch_that_is_spoilt_goes_by_its_key_and_the_chain_says_what_the_log_stands_on)
{
    for (int flips = 0; flips < 2; flips++)
        for (uint64_t spoilt = 1; spoilt <= 3; spoilt++) {
            kit_t kit = kit_new ();
            author_t one = author_of (1), two = author_of (2);
            vector_t stable = {0}, base = {0}, covers = {0};
            hash_t hashes[3], other;
            kit_begin (&kit);
            append (&kit, &two, 9, 1, NULL);
            other = two.hash;
            watermark_t mark = {two.identity.client, 9, two.hash};
            is (watermarks_put (kit.txn, WATERMARK_SHARED, &mark), 0);
            vector_set (&covers, &two.identity.client, 9, &two.hash);
            for (uint64_t i = 0; i < 3; i++) {
                append (&kit, &one, 10 * (i + 1), 1, i == 1 ? &covers : NULL);
                hashes[i] = one.hash;
            }
            mark = (watermark_t){one.identity.client, 30, one.hash};
            is (watermarks_put (kit.txn, WATERMARK_SHARED, &mark), 0);
            spoil (&kit, spoilt + 1, flips);
            kit_again (&kit);
            vector_set (&stable, &one.identity.client, 10 * spoilt, NULL);
            vector_set (&stable, &two.identity.client, 9, NULL);
            flush (&kit, &stable, 100, spoilt + 1, false);
            kit_again (&kit);
            is (watermarks_load (kit.txn, WATERMARK_BASE, &base), 0);
            cr_assert_eq (base.count, 2);
            const watermark_t *ends = vector_find (&base, &one.identity.client);
            cr_assert_eq (ends->upto, 10 * spoilt);
            cr_assert (hash_equal (&ends->hash, &hashes[spoilt - 1]));
            ends = vector_find (&base, &two.identity.client);
            cr_assert_eq (ends->upto, 9);
            cr_assert (hash_equal (&ends->hash, &other));
            expect_totals (&kit, 3 - spoilt, spoilt == 3 ? 0 : 4 - spoilt);
            vector_release (&stable);
            vector_release (&base);
            vector_release (&covers);
            kit_destroy (&kit);
        }
}

Test (flush, of_a_batch_that_is_spoilt_and_covered_others_raises_the_base_to_what_is_stable)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1), two = author_of (2);
    vector_t stable = {0}, base = {0}, covers = {0};
    kit_begin (&kit);
    //  What two wrote came with the return of one alone: it never was in this log.
    watermark_t mark = {two.identity.client, 9, {{7}}};
    is (watermarks_put (kit.txn, WATERMARK_SHARED, &mark), 0);
    vector_set (&covers, &two.identity.client, 9, &mark.hash);
    append (&kit, &one, 10, 1, &covers);
    mark = (watermark_t){one.identity.client, 10, one.hash};
    is (watermarks_put (kit.txn, WATERMARK_SHARED, &mark), 0);
    spoil (&kit, 1, true);
    vector_set (&stable, &one.identity.client, 10, NULL);
    vector_set (&stable, &two.identity.client, 9, NULL);
    flush (&kit, &stable, 100, 1, false);
    is (watermarks_load (kit.txn, WATERMARK_BASE, &base), 0);
    const watermark_t *ends = vector_find (&base, &two.identity.client);
    cr_assert (ends && ends->upto == 9 && ends->hash.bytes[0] == 7);
    vector_release (&stable);
    vector_release (&base);
    vector_release (&covers);
    kit_destroy (&kit);
}

Test (pending, passes_over_a_batch_that_is_spoilt_and_takes_it_once_more)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1);
    uint64_t sequence, upto;
    slice_t bytes;
    uuid16_t whose;
    batch_t batch;
    buffer_t copy = {NULL, 0, 0};
    pending_totals_t before, after;
    kit_begin (&kit);
    append (&kit, &one, 10, 1, NULL);
    append (&kit, &one, 20, 2, NULL);
    append (&kit, &one, 30, 1, NULL);
    is (pending_read (kit.txn, 2, &sequence, &bytes), 0);
    buffer_append (&copy, bytes.data, bytes.size);
    is (pending_totals (kit.txn, &before), 0);
    spoil (&kit, 2, true);
    kit_again (&kit);
    is (pending_read (kit.txn, 2, &sequence, &bytes), 0);
    cr_assert_eq (sequence, 3);
    is (pending_look (kit.txn, 2, &sequence, &bytes), ERR_CORRUPT);
    cr_assert_eq (sequence, 2);
    is (pending_find (kit.txn, &one.identity.client, 10, &sequence, &bytes), ERR_CORRUPT);
    is (pending_place (kit.txn, &one.identity.client, 10, &upto, &sequence), 0);
    cr_assert (upto == 20 && sequence == 2);
    is (pending_whose (kit.txn, 2, &whose, &upto), 0);
    cr_assert (upto == 20 && uuid_equal (&whose, &one.identity.client));
    is (pending_whose (kit.txn, 4, &whose, &upto), ERR_NOT_FOUND);
    cr_assert_eq (batch_decode (buffer_slice (&copy), &batch), 0);
    is (pending_mend (kit.txn, 2, &batch), 0);
    batch_release (&batch);
    kit_again (&kit);
    is (pending_read (kit.txn, 2, &sequence, &bytes), 0);
    cr_assert (sequence == 2 && slice_equal (bytes, buffer_slice (&copy)));
    is (pending_totals (kit.txn, &after), 0);
    cr_assert_eq (after.operations, before.operations);
    cr_assert_eq (after.batches, before.batches);
    buffer_release (&copy);
    kit_destroy (&kit);
}

static watermark_t all_of_one;

static int flush_all (txn_t *txn)
{
    vector_t stable = {.entries = &all_of_one, .count = 1};
    size_t count;
    bool left;
    return pending_flush (txn, &stable, 100, &count, &left);
}

Test (flush, that_fails_anywhere_drops_nothing)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1);
    kit_begin (&kit);
    append (&kit, &one, 10, 1, NULL);
    append (&kit, &one, 20, 1, NULL);
    kit_commit (&kit);
    all_of_one = (watermark_t){.client = one.identity.client, .upto = 20};
    cr_assert_gt (kit_whole_or_nothing (&kit, flush_all), 8);
    kit_read (&kit);
    expect_totals (&kit, 0, 0);
    cr_assert_eq (base_upto (&kit, &one.identity.client, NULL), 20);
    kit_destroy (&kit);
}

Test (flush, of_the_whole_log_for_a_copy_leaves_sequences_and_base_as_they_were)
{
    kit_t kit = kit_new ();
    author_t one = author_of (1);
    uint64_t last;
    watermark_t known = {.client = one.identity.client, .upto = 5};
    kit_begin (&kit);
    append (&kit, &one, 10, 2, NULL);
    append (&kit, &one, 20, 2, NULL);
    is (watermarks_put (kit.txn, WATERMARK_BASE, &known), 0);
    kit_again (&kit);
    is (pending_clear (kit.txn), 0);
    expect_totals (&kit, 0, 0);
    kit_again (&kit);
    is (pending_last (kit.txn, &last), 0);
    cr_assert_eq (last, 2);
    append (&kit, &one, 30, 1, NULL);
    is (pending_last (kit.txn, &last), 0);
    cr_assert_eq (last, 3);
    expect_totals (&kit, 1, 1);
    cr_assert_eq (base_upto (&kit, &one.identity.client, NULL), 5);
    kit_destroy (&kit);
}

//  Fingerprints of what is visible.

#include <criterion/criterion.h>
#include <xxhash.h>

#include "messages/digest.h"
#include "tests/unit/messages/bytes.h"

static bool same (const digest_t *a, const digest_t *b)
{
    return a->low == b->low && a->high == b->high;
}

static digest_t record (uint8_t owner, uint8_t uuid, const char *value)
{
    uuid16_t by = uuid_from (owner), which = uuid_from (uuid);
    return digest_of_record (&by, &which, slice_text (value));
}

Test (digest, is_xxh3_of_owner_uuid_and_value)
{
    uuid16_t owner = uuid_from (0xa0), uuid = uuid_from (0xb0);
    for (size_t size = 0; size < 1000; size += 37) {
        slice_t value = bytes_repeat (0x5a, size);
        buffer_t all = {0};
        buffer_append (&all, owner.bytes, 16);
        buffer_append (&all, uuid.bytes, 16);
        buffer_append (&all, value.data, value.size);
        XXH128_hash_t hash = XXH3_128bits (all.data, all.size);
        digest_t digest = digest_of_record (&owner, &uuid, value);
        cr_expect (digest.low == hash.low64 && digest.high == hash.high64, "%zu", size);
        buffer_release (&all);
    }
}

Test (digest, without_an_owner_is_that_of_sixteen_zeros)
{
    uuid16_t nobody = {{0}}, uuid = uuid_from (1);
    digest_t a = digest_of_record (NULL, &uuid, slice_text ("x"));
    digest_t b = digest_of_record (&nobody, &uuid, slice_text ("x"));
    cr_expect (same (&a, &b));
}

Test (digest, golden_bytes_stay)
{
    uuid16_t uuid = uuid_from (0xb0);
    uint8_t bytes[16];
    digest_t digest = digest_of_record (NULL, &uuid, bytes_hex ("81a16101"));
    digest_to_bytes (&digest, bytes);
    bytes_expect (slice_of (bytes, 16), "fb8a29562da512378604cfaa90847c72");
}

Test (digest, does_not_depend_on_order_and_takes_back_what_it_was_given)
{
    digest_t items[50], forward = {0}, backward = {0};
    for (int i = 0; i < 50; i++)
        items[i] = record ((uint8_t)(i % 3), (uint8_t)i, "value");
    for (int i = 0; i < 50; i++) {
        digest_add (&forward, &items[i]);
        digest_add (&backward, &items[49 - i]);
    }
    cr_expect (same (&forward, &backward));
    cr_expect (forward.low || forward.high);
    for (int i = 0; i < 50; i++)
        digest_subtract (&forward, &items[(i * 7) % 50]);
    cr_expect (forward.low == 0 && forward.high == 0);
}

Test (digest, tells_owners_records_and_values_apart)
{
    digest_t base = record (1, 2, "x");
    digest_t others[] = {record (2, 2, "x"), record (1, 3, "x"), record (1, 2, "y"),
        record (2, 1, "x"), record (1, 2, "")};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect_not (same (&base, &others[i]), "%zu", i);
}

Test (digest, carries_and_borrows_across_its_halves)
{
    digest_t sum = {.low = UINT64_MAX, .high = 1};
    digest_t one = {.low = 1, .high = 0};
    digest_add (&sum, &one);
    cr_expect (sum.low == 0 && sum.high == 2);
    digest_subtract (&sum, &one);
    cr_expect (sum.low == UINT64_MAX && sum.high == 1);
    digest_t all = {UINT64_MAX, UINT64_MAX};
    digest_add (&all, &one);
    cr_expect (all.low == 0 && all.high == 0, "modulo 2^128");
    digest_subtract (&all, &one);
    cr_expect (all.low == UINT64_MAX && all.high == UINT64_MAX);
}

Test (digest, bytes_are_big_endian_and_lead_back)
{
    digest_t digest = {.low = 0x1011121314151617, .high = 0x0001020304050607}, again;
    uint8_t bytes[16];
    digest_to_bytes (&digest, bytes);
    bytes_expect (slice_of (bytes, 16), "00010203040506071011121314151617");
    digest_from_bytes (bytes, &again);
    cr_expect (same (&digest, &again));
}

//  xxHash's own test values.
Test (checksum, is_xxh3_of_64_bits)
{
    cr_expect (checksum_of (slice_of (NULL, 0)) == 0x2d06800538d394c2);
    cr_expect (checksum_of (slice_text ("abc")) == XXH3_64bits ("abc", 3));
}

Test (checksum, sees_each_flipped_bit)
{
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31);
    uint64_t sum = checksum_of (slice_of (bytes, sizeof bytes));
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect (checksum_of (slice_of (bytes, sizeof bytes)) != sum);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

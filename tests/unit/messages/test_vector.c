//  Version vectors of watermarks.

#include <criterion/criterion.h>

#include "messages/error.h"
#include "messages/limits.h"
#include "messages/vector.h"
#include "tests/unit/messages/bytes.h"

static const hash_t ones = {{0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
    0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
    0x11, 0x11, 0x11, 0x11}};

static bool same_hash (const hash_t *a, const hash_t *b)
{
    return memcmp (a->bytes, b->bytes, HASH_SIZE) == 0;
}

//  What must hold of every vector.
static void expect_sound (const vector_t *vector)
{
    cr_assert (vector->count <= vector->capacity);
    for (size_t i = 0; i < vector->count; i++) {
        cr_assert (vector->entries[i].upto > 0);
        cr_assert (i == 0 ||
                   uuid_compare (&vector->entries[i - 1].client, &vector->entries[i].client) < 0);
    }
}

Test (vector, empty_has_nobody_and_covers_nothing_but_none)
{
    vector_t empty = {0};
    uuid16_t client = uuid_from (1);
    timestamp_t none = {0};
    timestamp_t first = {1, client};
    cr_expect_null (vector_find (&empty, &client));
    cr_expect (vector_upto (&empty, &client) == 0);
    cr_expect (vector_covers (&empty, &none));
    cr_expect_not (vector_covers (&empty, &first));
    cr_expect (vector_covers_all (&empty, &empty));
    vector_remove (&empty, &client);
    cr_expect_null (empty.entries);
    vector_release (&empty);
}

Test (vector, keeps_its_clients_in_ascending_order_however_they_come)
{
    uint64_t state = 21;
    for (int round = 0; round < 200; round++) {
        vector_t vector = {0};
        uint64_t expected[256] = {0};
        for (int i = 0; i < 300; i++) {
            uint8_t which = (uint8_t)number_next (&state);
            uuid16_t client = uuid_from (which);
            if (number_next (&state) % 4 == 0) {
                vector_remove (&vector, &client);
                expected[which] = 0;
            } else {
                expected[which] = 1 + number_next (&state) % 1000;
                vector_set (&vector, &client, expected[which], &ones);
            }
        }
        expect_sound (&vector);
        for (int which = 0; which < 256; which++) {
            uuid16_t client = uuid_from ((uint8_t)which);
            const watermark_t *watermark = vector_find (&vector, &client);
            cr_assert (vector_upto (&vector, &client) == expected[which]);
            cr_assert ((watermark != NULL) == (expected[which] > 0));
            cr_assert (!watermark || same_hash (&watermark->hash, &ones));
        }
        vector_release (&vector);
    }
}

Test (vector, set_puts_the_watermark_whatever_it_was)
{
    vector_t vector = {0};
    uuid16_t client = uuid_from (1);
    vector_set (&vector, &client, 9, &ones);
    vector_set (&vector, &client, 3, NULL);
    const watermark_t *watermark = vector_find (&vector, &client);
    cr_expect (vector.count == 1 && watermark->upto == 3 && watermark->hash.bytes[0] == 0);
    vector_release (&vector);
}

Test (vector, raise_only_ever_rises)
{
    vector_t vector = {0};
    uuid16_t client = uuid_from (1);
    cr_expect_not (vector_raise (&vector, &client, 0, NULL));
    cr_expect (vector.count == 0);
    cr_expect (vector_raise (&vector, &client, 5, NULL));
    cr_expect_not (vector_raise (&vector, &client, 4, &ones));
    cr_expect_not (vector_raise (&vector, &client, 5, &ones));
    cr_expect (vector_find (&vector, &client)->hash.bytes[0] == 0, "the hash stays with its upto");
    cr_expect (vector_raise (&vector, &client, 6, &ones));
    cr_expect (vector_upto (&vector, &client) == 6);
    cr_expect (same_hash (&vector_find (&vector, &client)->hash, &ones));
    vector_release (&vector);
}

Test (vector, raise_takes_arguments_from_inside_itself)
{
    vector_t vector = {0};
    for (uint8_t i = 200; i > 100; i--) {
        uuid16_t client = uuid_from (i);
        vector_set (&vector, &client, i, &ones);
        watermark_t *last = &vector.entries[vector.count - 1];
        vector_raise (&vector, &last->client, last->upto + 1, &last->hash);
    }
    expect_sound (&vector);
    cr_expect (vector.count == 100 && vector.entries[99].upto == 300);
    vector_release (&vector);
}

static vector_t some_vector (uint64_t *state)
{
    vector_t vector = {0};
    for (uint8_t i = 0; i < 6; i++) {
        uuid16_t client = uuid_from (i);
        uint64_t upto = number_next (state) % 5;
        if (upto)
            vector_set (&vector, &client, upto, NULL);
    }
    return vector;
}

//  merge is the least upper bound, and covers_all its order.
Test (vector, merge_is_the_join_of_a_lattice)
{
    uint64_t state = 31;
    for (int round = 0; round < 5000; round++) {
        vector_t a = some_vector (&state), b = some_vector (&state), c = some_vector (&state);
        vector_t ab = {0}, ba = {0}, ab_c = {0}, bc = {0}, a_bc = {0};
        vector_copy (&ab, &a);
        bool rose = vector_merge (&ab, &b);
        cr_assert (rose == !vector_covers_all (&a, &b));
        cr_assert (vector_covers_all (&ab, &a) && vector_covers_all (&ab, &b));
        cr_assert_not (vector_merge (&ab, &b));
        cr_assert_not (vector_merge (&ab, &ab));
        vector_copy (&ba, &b);
        vector_merge (&ba, &a);
        cr_assert (vector_equal (&ab, &ba));
        vector_copy (&ab_c, &ab);
        vector_merge (&ab_c, &c);
        vector_copy (&bc, &b);
        vector_merge (&bc, &c);
        vector_copy (&a_bc, &a);
        vector_merge (&a_bc, &bc);
        cr_assert (vector_equal (&ab_c, &a_bc));
        expect_sound (&ab_c);
        cr_assert (
            vector_equal (&a, &b) == (vector_covers_all (&a, &b) && vector_covers_all (&b, &a)));
        vector_t *all[] = {&a, &b, &c, &ab, &ba, &ab_c, &bc, &a_bc};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            vector_release (all[i]);
    }
}

Test (vector, covers_a_timestamp_at_or_below_its_clients_watermark)
{
    vector_t vector = {0};
    uuid16_t client = uuid_from (1), other = uuid_from (2);
    vector_set (&vector, &client, 5, NULL);
    static const struct {
        uint64_t time;
        bool covered, of_other;
    } rows[] = {{1, true, false}, {4, true, false}, {5, true, false}, {6, false, false},
        {UINT64_MAX, false, false}, {0, true, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        timestamp_t mine = {rows[i].time, client};
        timestamp_t theirs = {rows[i].time, other};
        cr_expect (vector_covers (&vector, &mine) == rows[i].covered, "%zu", i);
        cr_expect (vector_covers (&vector, &theirs) == rows[i].of_other, "%zu", i);
    }
    vector_release (&vector);
}

Test (vector, equality_is_of_clients_and_uptos_only)
{
    vector_t a = {0}, b = {0};
    uuid16_t client = uuid_from (1), other = uuid_from (2);
    cr_expect (vector_equal (&a, &b));
    vector_set (&a, &client, 5, &ones);
    cr_expect_not (vector_equal (&a, &b));
    vector_set (&b, &other, 5, &ones);
    cr_expect_not (vector_equal (&a, &b));
    vector_clear (&b);
    vector_set (&b, &client, 5, NULL);
    cr_expect (vector_equal (&a, &b));
    vector_set (&b, &client, 6, NULL);
    cr_expect_not (vector_equal (&a, &b));
    vector_release (&a);
    vector_release (&b);
}

Test (vector, copy_is_its_own)
{
    vector_t a = {0}, b = {0};
    uuid16_t client = uuid_from (1), other = uuid_from (2);
    vector_set (&b, &other, 7, NULL);
    vector_set (&a, &client, 5, &ones);
    vector_copy (&b, &a);
    vector_copy (&b, &b);
    vector_set (&a, &client, 6, NULL);
    cr_expect (b.count == 1 && vector_upto (&b, &client) == 5);
    vector_clear (&a);
    cr_expect (a.count == 0 && a.capacity > 0);
    vector_copy (&b, &a);
    cr_expect (b.count == 0);
    vector_release (&a);
    vector_release (&b);
}

//  ---- packed

#define A      "c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define B      "c410 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define HASHED "c420 1111111111111111111111111111111111111111111111111111111111111111"
#define ZEROS  "c420 0000000000000000000000000000000000000000000000000000000000000000"
#define PACKED "92 93" A "01 c0 93" B "cfffffffffffffffff" HASHED

//  What is taken is sound, and packed again and taken again it is the same.
static int decode (slice_t bytes)
{
    cursor_t cursor = cursor_over (bytes);
    vector_t vector = {0}, again = {0};
    int rc = vector_unpack (&cursor, &vector);
    cr_assert (rc == 0 || (cursor.at == bytes.data && vector.count == 0));
    if (rc == 0) {
        buffer_t out = {0};
        expect_sound (&vector);
        vector_pack (&vector, &out);
        cursor_t second = cursor_over (buffer_slice (&out));
        cr_assert (vector_unpack (&second, &again) == 0 && cursor_done (&second));
        cr_assert (vector_equal (&vector, &again));
        buffer_release (&out);
    }
    vector_release (&vector);
    vector_release (&again);
    return rc;
}

Test (vector, is_packed_as_watermarks_in_ascending_order)
{
    vector_t vector = {0};
    buffer_t out = {0};
    vector_pack (&vector, &out);
    bytes_expect (buffer_slice (&out), "90");
    uuid16_t a = uuid_from (0xa0), b = uuid_from (0xb0);
    vector_set (&vector, &b, UINT64_MAX, &ones);
    vector_set (&vector, &a, 1, NULL);
    buffer_clear (&out);
    vector_pack (&vector, &out);
    bytes_expect (buffer_slice (&out), PACKED);
    cr_expect (decode (buffer_slice (&out)) == 0);
    buffer_release (&out);
    vector_release (&vector);
}

Test (vector, unpacked_replaces_what_was_there)
{
    vector_t vector = {0};
    uuid16_t a = uuid_from (0xa0), b = uuid_from (0xb0), c = uuid_from (0xc0);
    vector_set (&vector, &c, 3, NULL);
    cursor_t cursor = cursor_over (bytes_hex (PACKED));
    cr_assert (vector_unpack (&cursor, &vector) == 0 && cursor_done (&cursor));
    cr_expect (vector.count == 2 && vector_upto (&vector, &a) == 1);
    cr_expect (vector_upto (&vector, &b) == UINT64_MAX);
    cr_expect (same_hash (&vector_find (&vector, &b)->hash, &ones));
    cursor = cursor_over (bytes_hex ("91c0"));
    cr_expect (vector_unpack (&cursor, &vector) == ERR_MALFORMED && vector.count == 0);
    vector_release (&vector);
}

Test (vector, what_breaks_a_rule_is_refused)
{
    static const struct {
        const char *why, *hex;
    } rows[] = {
        {"not an array", "c0"},
        {"a map", "80"},
        {"an entry is no array", "91c0"},
        {"two elements", "9192" A "01"},
        {"four elements", "9194" A "01 c0 c0"},
        {"a short client", "9193 c401a0 01 c0"},
        {"a client in text", "9193 b061616161616161616161616161616161 01 c0"},
        {"upto 0", "9193" A "00 c0"},
        {"upto below 0", "9193" A "ff c0"},
        {"a short hash", "9193" A "01 c401aa"},
        {"a hash of zeros", "9193" A "01" ZEROS},
        {"a hash of another kind", "9193" A "01 c2"},
        {"a client twice", "92 93" A "01 c0 93" A "02 c0"},
        {"descending", "92 93" B "01 c0 93" A "01 c0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect (decode (bytes_hex (rows[i].hex)) == ERR_MALFORMED, "%s", rows[i].why);
    expect_truncations_refused (bytes_hex (PACKED), decode);
    expect_mutations_survived (bytes_hex (PACKED), 20000, decode);
    cr_expect (decode (bytes_hex ("ddffffffff"
                                  "93" A "01 c0")) == ERR_TRUNCATED);
}

Test (vector, has_at_most_all_members_of_a_pool)
{
    for (uint32_t extra = 0; extra < 2; extra++) {
        buffer_t out = {0};
        pack_array (&out, LIMIT_MEMBERS + extra);
        for (uint32_t i = 0; i < LIMIT_MEMBERS + extra; i++) {
            uuid16_t client = {{(uint8_t)(i >> 8), (uint8_t)i}};
            pack_array (&out, 3);
            pack_bin (&out, slice_of (client.bytes, sizeof client.bytes));
            pack_uint (&out, 1);
            pack_nil (&out);
        }
        cr_expect (decode (buffer_slice (&out)) == (extra ? ERR_MALFORMED : 0));
        buffer_release (&out);
    }
}

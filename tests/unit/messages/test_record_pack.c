//  The packed form of a record's state.

#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const record_rule_t WINS = {CRDT_LWW, DELETE_WINS};
static const record_rule_t LATEST = {CRDT_LWW, DELETE_LATEST};

static void join (record_t *record, record_rule_t rule, const char *text)
{
    sample_t sample;
    sample_parse (text, &sample);
    past_t past = {&sample.seen, sample.operation.stamp};
    record_join (record, &sample.operation, &past, rule);
}

//  Clients as small numbers: of A 1, of B 2, …; of Z none.
static int number_of (void *self, const uuid16_t *client, uint32_t *ret_number)
{
    (void)self;
    if (client->bytes[0] == 'Z')
        return ERR_INTERNAL;
    *ret_number = client->bytes[0] - 'A' + 1u;
    return 0;
}

static int client_of (void *self, uint32_t number, uuid16_t *ret_client)
{
    (void)self;
    if (number == 0 || number > 25)
        return ERR_CORRUPT;
    *ret_client = sample_client ((char)('A' + number - 1));
    return 0;
}

static const origins_t numbers = {NULL, number_of, client_of};

#define A "c41041414141414141414141414141414141"
#define B "c41042424242424242424242424242424242"

Test (record_pack, golden_bytes)
{
    record_t record = {0};
    buffer_t out = {0};
    join (&record, LATEST, "A1 create a=1 b=2");
    join (&record, LATEST, "B300 update overwrite c=nil");
    join (&record, LATEST, "A2 update ignore d=4");
    join (&record, LATEST, "B5 delete");
    cr_assert_eq (record_pack (&record, NULL, &out), 0);
    cr_expect_str_eq (sample_hex (buffer_slice (&out)),
        sample_hex (sample_bytes ("97"
                                  "98 01" A "02" A "05" B "cd012c" B    // A1 A2 B5 B300
                                  "00 03 03"                            // created, written, floor
                                  "91 02"                               // deleted
                                  "99 a161 00 01 a162 00 02 a163 03 c0" // strong
                                  "93 a164 01 04")));                   // weak
    buffer_clear (&out);
    cr_assert_eq (record_pack (&record, &numbers, &out), 0);
    cr_expect_str_eq (sample_hex (buffer_slice (&out)),
        sample_hex (sample_bytes ("97 98 0101 0201 0502 cd012c02 00 03 03 91 02"
                                  "99 a161 00 01 a162 00 02 a163 03 c0 93 a164 01 04")));
    buffer_release (&out);
    record_release (&record);
}

Test (record_pack, golden_bytes_of_a_deleted_record_and_of_none)
{
    record_t record = {0};
    buffer_t out = {0};
    record_pack (&record, NULL, &out);
    cr_expect_str_eq (sample_hex (buffer_slice (&out)), "9790c0c0c0909090");
    buffer_clear (&out);
    join (&record, WINS, "A1 create a=1");
    join (&record, WINS, "B3 delete");
    join (&record, WINS, "A2 delete");
    record_pack (&record, &numbers, &out);
    cr_expect_str_eq (sample_hex (buffer_slice (&out)),
        sample_hex (sample_bytes ("97 94 0201 0302 c0 c0 c0 92 00 01 90 90")));
    buffer_release (&out);
    record_release (&record);
}

Test (record_pack, client_without_a_number_fails_and_leaves_out_as_it_was)
{
    record_t record = {0};
    buffer_t out = {0};
    buffer_append (&out, "x", 1);
    join (&record, WINS, "Z1 create a=1");
    cr_expect_eq (record_pack (&record, &numbers, &out), ERR_INTERNAL);
    cr_expect_eq (out.size, 1);
    cursor_t cursor = cursor_over (sample_bytes ("97 92 01 00 c0 c0 c0 90 90 90"));
    cr_expect_eq (record_unpack (&cursor, &numbers, &record), ERR_CORRUPT);
    buffer_release (&out);
    record_release (&record);
}

typedef struct refusal {
    const char *why;
    const char *hex;
} refusal_t;

Test (record_pack, what_is_no_packed_record_is_refused)
{
    const refusal_t table[] = {
        {"not an array", "c0"},
        {"six elements", "96 92 0101 00 00 c0 90 90"},
        {"eight elements", "98 92 0101 00 00 c0 90 90 90 90"},
        {"a stamp without its client", "97 91 01 c0 c0 c0 90 90 90"},
        {"a stamp at no time", "97 92 0001 00 c0 c0 90 90 90"},
        {"stamps that fall", "97 94 0201 0101 00 01 c0 90 90 90"},
        {"a stamp twice", "97 94 0101 0101 00 01 c0 90 90 90"},
        {"a client that is a bin", "97 92 01" A "00 c0 c0 90 90 90"},
        {"a client over 32 bits", "97 92 01 cf0000000100000000 00 c0 c0 90 90 90"},
        {"created out of range", "97 92 0101 01 00 c0 90 90 90"},
        {"floor out of range", "97 92 0101 00 00 01 90 90 90"},
        {"created is no index", "97 92 0101 a0 00 c0 90 90 90"},
        {"deleted out of range", "97 92 0101 00 00 c0 91 01 90 90"},
        {"deleted is nil", "97 92 0101 00 00 c0 91 c0 90 90"},
        {"a client deleted twice", "97 94 0101 0201 00 00 c0 92 00 01 90 90"},
        {"deletions not by client", "97 94 0102 0201 00 00 c0 92 00 01 90 90"},
        {"strong is no triples", "97 92 0101 00 00 c0 90 92 a161 00 90"},
        {"a name that is no text", "97 92 0101 00 00 c0 90 93 01 00 01 90"},
        {"an empty name", "97 92 0101 00 00 c0 90 93 a0 00 01 90"},
        {"a name twice", "97 92 0101 00 00 c0 90 96 a161 00 01 a161 00 01 90"},
        {"names that fall", "97 92 0101 00 00 c0 90 96 a162 00 01 a161 00 01 90"},
        {"weak names that fall", "97 92 0101 00 00 c0 90 90 96 a162 00 01 a161 00 01"},
        {"a property's index out of range", "97 92 0101 00 00 c0 90 93 a161 01 01 90"},
        {"a property without a stamp", "97 92 0101 00 00 c0 90 93 a161 c0 01 90"},
        {"a value that is not sound", "97 92 0101 00 00 c0 90 93 a161 00 c1 90"},
        {"a lie about the stamps", "97 ddffffffff 0101 00 00 c0 90 90 90"},
        {"a lie about the deletions", "97 92 0101 00 00 c0 ddffffffff 90 90"},
        {"a lie about the properties", "97 92 0101 00 00 c0 90 ddfffffffc 90"},
    };
    record_t record = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        cursor_t cursor = cursor_over (sample_bytes (table[i].hex));
        const uint8_t *start = cursor.at;
        join (&record, WINS, "A1 create a=1");
        int rc = record_unpack (&cursor, &numbers, &record);
        cr_expect (
            rc == ERR_MALFORMED || rc == ERR_TRUNCATED, "%s: %s", table[i].why, error_name (rc));
        cr_expect_eq (cursor.at, start, "%s: the cursor moved", table[i].why);
        cr_expect (record_is_nothing (&record), "%s: not cleared", table[i].why);
    }
    record_release (&record);
}

//  ---- round trips

static timestamp_t any_stamp (uint64_t *random)
{
    uint64_t bits = sample_random (random);
    uint64_t time = bits & 64 ? bits >> 8 : 1 + (bits >> 8 & 7);
    return (timestamp_t){time, sample_client ((char)('A' + bits % 5))};
}

static void any_value (uint64_t *random, buffer_t *out)
{
    buffer_t map = {0};
    uint64_t bits = sample_random (random);
    pack_map (&map, bits % 8);
    for (uint64_t i = 0; i < bits % 8; i++) {
        char name[8];
        uint64_t which = bits >> 8 & 15;
        snprintf (name, sizeof name, "%02llu", (unsigned long long)(which * 8 + i));
        pack_string (&map, name);
        switch (sample_random (random) % 4) {
        case 0: pack_nil (&map); break;
        case 1: pack_text (&map, slice_text ("some text")); break;
        case 2: pack_double (&map, 0.5); break;
        default: pack_uint (&map, sample_random (random));
        }
    }
    cr_assert_eq (value_canonical (buffer_slice (&map), SIZE_MAX, out), 0);
    buffer_release (&map);
}

//  Joins up to 40 operations, whose values borrow from `values`.
static void any_record (uint64_t *random, record_t *record, buffer_t values[40])
{
    record_clear (record);
    record_rule_t rule = {CRDT_LWW, (int)(sample_random (random) % 2)};
    vector_t seen = {0};
    size_t count = sample_random (random) % 40;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = sample_random (random);
        operation_t operation = {.stamp = any_stamp (random)};
        operation.action = bits % 16 == 0 ? ACTION_DELETE : (int)(bits % 2);
        buffer_clear (&values[i]);
        if (operation.action != ACTION_DELETE) {
            any_value (random, &values[i]);
            operation.value = buffer_slice (&values[i]);
            operation.on_conflict = (int)(bits >> 8 & 15) % 3;
        }
        past_t past = {&seen, operation.stamp};
        for (size_t j = 0; j < record->deleted_count && bits >> 16 & 1; j++)
            vector_raise (&seen, &record->deleted[j].client, record->deleted[j].time, NULL);
        record_join (record, &operation, &past, rule);
    }
    vector_release (&seen);
}

//  Packs, unpacks from memory of exactly that size, and packs again.
static void check_round_trip (const record_t *record, const origins_t *origins, record_t *back)
{
    buffer_t first = {0};
    buffer_t second = {0};
    cr_assert_eq (record_pack (record, origins, &first), 0);
    uint8_t *exact = malloc (first.size);
    memcpy (exact, first.data, first.size);
    cursor_t cursor = cursor_over (slice_of (exact, first.size));
    cr_assert_eq (record_unpack (&cursor, origins, back), 0);
    cr_expect (cursor_done (&cursor));
    cr_expect (record_equal (record, back));
    cr_assert_eq (record_pack (back, origins, &second), 0);
    cr_expect (slice_equal (buffer_slice (&first), buffer_slice (&second)));
    record_clear (back);
    free (exact);
    buffer_release (&first);
    buffer_release (&second);
}

Test (record_pack, any_record_comes_back_the_same)
{
    uint64_t random = 1;
    record_t record = {0};
    record_t back = {0};
    buffer_t values[40] = {0};
    size_t large = 0;
    for (int i = 0; i < 2000; i++) {
        any_record (&random, &record, values);
        check_round_trip (&record, NULL, &back);
        check_round_trip (&record, &numbers, &back);
        large += record.strong.count + record.weak.count > 40;
    }
    cr_expect_gt (large, 100, "only %zu records outgrow the table on the stack", large);
    for (size_t i = 0; i < 40; i++)
        buffer_release (&values[i]);
    record_release (&record);
    record_release (&back);
}

Test (record_pack, every_truncation_is_refused_and_no_flip_crashes)
{
    record_t record = {0};
    buffer_t packed = {0};
    join (&record, LATEST, "A1 create a=1 b=2");
    join (&record, LATEST, "B300 update overwrite c=nil");
    join (&record, LATEST, "A2 update ignore d=4");
    join (&record, LATEST, "B5 delete");
    record_pack (&record, NULL, &packed);
    for (size_t size = 0; size < packed.size; size++) {
        uint8_t *exact = malloc (size + !size);
        memcpy (exact, packed.data, size);
        cursor_t cursor = cursor_over (slice_of (exact, size));
        cr_expect_neq (record_unpack (&cursor, NULL, &record), 0, "%zu bytes", size);
        free (exact);
    }
    uint8_t *exact = malloc (packed.size);
    for (size_t i = 0; i < packed.size * 255; i++) {
        memcpy (exact, packed.data, packed.size);
        exact[i / 255] ^= (uint8_t)(i % 255 + 1);
        cursor_t cursor = cursor_over (slice_of (exact, packed.size));
        record_unpack (&cursor, NULL, &record);
    }
    record_clear (&record);
    free (exact);
    buffer_release (&packed);
    record_release (&record);
}

Test (record_pack, equality_looks_at_every_component)
{
    const char *others[] = {"A2 create a=1", "A1 create a=2", "A1 create b=1",
        "A1 create ignore a=1", "A1 create overwrite a=1", "A1 create a=1 b=1", "B9 delete"};
    record_t one = {0};
    record_t other = {0};
    join (&one, LATEST, "A1 create a=1");
    join (&other, LATEST, "A1 create a=1");
    cr_expect (record_equal (&one, &other));
    join (&other, LATEST, "C9 update");
    cr_expect_not (record_equal (&one, &other), "written");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        record_clear (&other);
        join (&other, LATEST, others[i]);
        cr_expect_not (record_equal (&one, &other), "%s", others[i]);
    }
    record_release (&one);
    record_release (&other);
}

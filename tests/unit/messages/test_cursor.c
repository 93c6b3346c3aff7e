//  Reading msgpack from an enemy.

#include <criterion/criterion.h>
#include <math.h>

#include "messages/limits.h"
#include "messages/pack.h"
#include "tests/unit/messages/bytes.h"

//  One value of each form, and some that hold others.
static const char *const sound[] = {
    "c0",
    "c2",
    "c3",
    "00",
    "7f",
    "ff",
    "e0",
    "cc80",
    "cdffff",
    "ceffffffff",
    "cfffffffffffffffff",
    "d080",
    "d18000",
    "d280000000",
    "d38000000000000000",
    "ca3fc00000",
    "cb3ff8000000000000",
    "a0",
    "a3616263",
    "d903616263",
    "da0003616263",
    "db00000003616263",
    "a6c3a9e282ac78",
    "a4f09f8c8a",
    "c400",
    "c403ff00c1",
    "c50003ff00c1",
    "c600000003ff00c1",
    "90",
    "93010203",
    "dc000201c0",
    "dd0000000201c0",
    "80",
    "82a16101a16202",
    "de0001a161c3",
    "df00000001a161c3",
    "82a16192c0a162a163819091c0",
    "92919291929192919291929192939281a161c3c2c0c401ff030507090b0d0f",
};
#define SOUND (sizeof sound / sizeof sound[0])

//  Reads one value as each kind in turn. Each reader must agree with cursor_kind, step behind the
//  value or stay where it is, and keep inside the bytes.
static int read_as_each_kind (slice_t bytes)
{
    const cursor_t begin = cursor_over (bytes);
    int kind = cursor_kind (&begin);
    int done = 0;
    for (int as = PACK_NIL; as <= PACK_END; as++) {
        cursor_t cursor = begin;
        bool truth;
        uint64_t number;
        int64_t integer;
        double real;
        slice_t text;
        size_t count;
        int rc = ERR_MALFORMED;
        switch (as) {
        case PACK_NIL: rc = cursor_nil (&cursor); break;
        case PACK_BOOL: rc = cursor_bool (&cursor, &truth); break;
        case PACK_UINT: rc = cursor_uint (&cursor, &number); break;
        case PACK_INT: rc = cursor_int (&cursor, &integer); break;
        case PACK_DOUBLE: rc = cursor_double (&cursor, &real); break;
        case PACK_TEXT: rc = cursor_text (&cursor, &text); break;
        case PACK_BIN: rc = cursor_bin (&cursor, &text); break;
        case PACK_ARRAY: rc = cursor_array (&cursor, &count); break;
        case PACK_MAP: rc = cursor_map (&cursor, &count); break;
        default: rc = cursor_skip (&cursor, &text); break;
        }
        cr_assert (rc == 0 || rc == ERR_TRUNCATED || rc == ERR_MALFORMED);
        cr_assert (rc == 0 ? cursor.at > begin.at : cursor.at == begin.at);
        cr_assert (cursor.at <= cursor.end && cursor.end == begin.end);
        bool widens = (as == PACK_INT && kind == PACK_UINT) ||
                      (as == PACK_DOUBLE && (kind == PACK_UINT || kind == PACK_INT));
        cr_assert (rc != 0 || as == kind || as == PACK_END || widens);
        done += rc == 0;
    }
    return done ? pack_check (bytes) : ERR_MALFORMED;
}

Test (cursor, sound_values_are_sound)
{
    for (size_t i = 0; i < SOUND; i++) {
        slice_t bytes = bytes_hex (sound[i]);
        cr_expect (pack_check (bytes) == 0, "%s", sound[i]);
        cr_expect (read_as_each_kind (bytes) == 0, "%s", sound[i]);
    }
}

Test (cursor, every_truncation_is_refused)
{
    for (size_t i = 0; i < SOUND; i++)
        expect_truncations_refused (bytes_hex (sound[i]), pack_check);
}

Test (cursor, no_mutation_leads_it_astray)
{
    for (size_t i = 0; i < SOUND; i++)
        expect_mutations_survived (bytes_hex (sound[i]), 5000, read_as_each_kind);
}

Test (cursor, random_bytes_lead_it_nowhere)
{
    uint64_t state = 11;
    for (int round = 0; round < 50000; round++) {
        uint8_t bytes[24];
        size_t size = (size_t)(number_next (&state) % sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)number_next (&state);
        read_as_each_kind (slice_of (bytes, size));
    }
}

Test (cursor, trailing_bytes_are_refused)
{
    for (size_t i = 0; i < SOUND; i++) {
        slice_t bytes = bytes_hex (sound[i]);
        buffer_t longer = {0};
        buffer_append (&longer, bytes.data, bytes.size);
        buffer_append (&longer, "\xc0", 1);
        cr_expect (pack_check (buffer_slice (&longer)) == ERR_MALFORMED, "%s", sound[i]);
        cursor_t cursor = cursor_over (buffer_slice (&longer));
        slice_t value;
        cr_expect (cursor_skip (&cursor, &value) == 0 && slice_equal (value, bytes));
        cr_expect (cursor_nil (&cursor) == 0 && cursor_done (&cursor));
        buffer_release (&longer);
    }
}

Test (cursor, each_first_byte_has_its_kind)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t bytes[10] = {(uint8_t)byte};
        cursor_t cursor = cursor_over (slice_of (bytes, sizeof bytes));
        int kind = byte < 0x80    ? PACK_UINT
                   : byte < 0x90  ? PACK_MAP
                   : byte < 0xa0  ? PACK_ARRAY
                   : byte < 0xc0  ? PACK_TEXT
                   : byte == 0xc0 ? PACK_NIL
                   : byte == 0xc1 ? ERR_MALFORMED
                   : byte < 0xc4  ? PACK_BOOL
                   : byte < 0xc7  ? PACK_BIN
                   : byte < 0xca  ? ERR_MALFORMED
                   : byte < 0xcc  ? PACK_DOUBLE
                   : byte < 0xd4  ? PACK_UINT // its argument is 0
                   : byte < 0xd9  ? ERR_MALFORMED
                   : byte < 0xdc  ? PACK_TEXT
                   : byte < 0xde  ? PACK_ARRAY
                   : byte < 0xe0  ? PACK_MAP
                                  : PACK_INT;
        cr_expect (cursor_kind (&cursor) == kind, "%02x", byte);
        cr_expect (cursor.at == bytes);
    }
    cursor_t empty = cursor_over (slice_of (NULL, 0));
    cr_expect (cursor_kind (&empty) == PACK_END);
    cr_expect (cursor_nil (&empty) == ERR_TRUNCATED);
    cr_expect (cursor_skip (&empty, NULL) == ERR_TRUNCATED);
}

Test (cursor, the_ext_family_is_refused)
{
    static const char *const forms[] = {
        "c1",
        "c70101ff",
        "c8000101ff",
        "c90000000101ff",
        "d401ff",
        "d501ffff",
        "d601ffffffff",
        "d6ff00000000", // a time of msgpack's own
        "d701ffffffffffffffff",
        "d801ffffffffffffffffffffffffffffffff",
        "91d401ff",
        "81d401ffc0",
        "81a161d401ff",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        cr_expect (pack_check (bytes_hex (forms[i])) == ERR_MALFORMED, "%s", forms[i]);
}

Test (cursor, an_integer_is_read_whatever_its_width)
{
    static const char *const sevens[] = {"07", "cc07", "cd0007", "ce00000007", "cf0000000000000007",
        "d007", "d10007", "d200000007", "d30000000000000007"};
    for (size_t i = 0; i < sizeof sevens / sizeof sevens[0]; i++) {
        slice_t bytes = bytes_hex (sevens[i]);
        cursor_t cursor = cursor_over (bytes);
        uint64_t number = 0;
        int64_t integer = 0;
        double real = 0;
        cr_expect (cursor_kind (&cursor) == PACK_UINT, "%s", sevens[i]);
        cr_expect (cursor_uint (&cursor, &number) == 0 && number == 7 && cursor_done (&cursor));
        cursor = cursor_over (bytes);
        cr_expect (cursor_int (&cursor, &integer) == 0 && integer == 7 && cursor_done (&cursor));
        cursor = cursor_over (bytes);
        cr_expect (cursor_double (&cursor, &real) == 0 && real == 7 && cursor_done (&cursor));
    }
    static const char *const minus_sevens[] = {
        "f9", "d0f9", "d1fff9", "d2fffffff9", "d3fffffffffffffff9"};
    for (size_t i = 0; i < sizeof minus_sevens / sizeof minus_sevens[0]; i++) {
        slice_t bytes = bytes_hex (minus_sevens[i]);
        cursor_t cursor = cursor_over (bytes);
        uint64_t number = 1;
        int64_t integer = 0;
        double real = 0;
        cr_expect (cursor_kind (&cursor) == PACK_INT, "%s", minus_sevens[i]);
        cr_expect (cursor_uint (&cursor, &number) == ERR_MALFORMED && number == 1);
        cr_expect (cursor_int (&cursor, &integer) == 0 && integer == -7 && cursor_done (&cursor));
        cursor = cursor_over (bytes);
        cr_expect (cursor_double (&cursor, &real) == 0 && real == -7 && cursor_done (&cursor));
    }
}

Test (cursor, an_integer_that_does_not_fit_is_refused)
{
    cursor_t cursor = cursor_over (bytes_hex ("cf8000000000000000"));
    int64_t integer = 5;
    cr_expect (cursor_int (&cursor, &integer) == ERR_MALFORMED && integer == 5);
    uint64_t number;
    cr_expect (cursor_uint (&cursor, &number) == 0 && number == 1ull << 63);
    cursor = cursor_over (bytes_hex ("cf7fffffffffffffff"));
    cr_expect (cursor_int (&cursor, &integer) == 0 && integer == INT64_MAX);
    cursor = cursor_over (bytes_hex ("d38000000000000000"));
    cr_expect (cursor_int (&cursor, &integer) == 0 && integer == INT64_MIN);
}

Test (cursor, a_double_is_a_float_a_double_or_any_integer)
{
    static const struct {
        const char *hex;
        double value;
    } rows[] = {
        {"ca3fc00000", 1.5},
        {"cb3ff8000000000000", 1.5},
        {"cb0000000000000001", 5e-324},
        {"ca7f800000", INFINITY},
        {"cbfff0000000000000", -INFINITY},
        {"cfffffffffffffffff", 18446744073709551615.0},
        {"d38000000000000000", -9223372036854775808.0},
        {"00", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cursor_t cursor = cursor_over (bytes_hex (rows[i].hex));
        double value = 99;
        cr_expect (cursor_double (&cursor, &value) == 0, "%s", rows[i].hex);
        cr_expect (value == rows[i].value && cursor_done (&cursor), "%s", rows[i].hex);
    }
    cursor_t cursor = cursor_over (bytes_hex ("cb7ff8000000000000"));
    double value = 0;
    cr_expect (cursor_double (&cursor, &value) == 0 && isnan (value));
    cursor = cursor_over (bytes_hex ("a131"));
    cr_expect (cursor_double (&cursor, &value) == ERR_MALFORMED);
}

Test (cursor, a_claimed_length_is_compared_with_what_is_there)
{
    static const char *const lies[] = {
        "dbffffffff616263",
        "c6ffffffff616263",
        "ddffffffffc0c0c0",
        "dfffffffffc0c0c0",
        "df80000000c0c0c0",
        "dd00000004c0c0c0",
        "df00000002c0c0c0",
        "a4616263",
        "94c0c0c0",
        "82c0c0c0",
        "daffff61",
        "91ddffffffff",
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        slice_t bytes = bytes_hex (lies[i]);
        cr_expect (pack_check (bytes) == ERR_TRUNCATED, "%s", lies[i]);
        cursor_t cursor = cursor_over (bytes);
        size_t count = 77;
        slice_t text = slice_text ("untouched");
        if (i != 11) {
            cr_expect (cursor_array (&cursor, &count) != 0 && cursor_map (&cursor, &count) != 0);
            cr_expect (cursor_text (&cursor, &text) != 0 && cursor_bin (&cursor, &text) != 0);
        }
        cr_expect (count == 77 && text.size == 9 && cursor.at == bytes.data, "%s", lies[i]);
    }
}

//  depth arrays, each in the one before, the innermost empty.
static slice_t nested (size_t depth)
{
    slice_t bytes = bytes_repeat (0x91, depth);
    ((uint8_t *)bytes.data)[depth - 1] = 0x90;
    return bytes;
}

Test (cursor, nesting_is_bounded)
{
    cr_expect (pack_check (nested (LIMIT_DEPTH)) == 0);
    cr_expect (pack_check (nested (LIMIT_DEPTH + 1)) == ERR_MALFORMED);
    cr_expect (pack_check (nested (1000000)) == ERR_MALFORMED);
    //  Maps count as arrays do, in their names as in their values.
    cr_expect (pack_check (bytes_hex ("81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 "
                                      "81c0 81c0 81c0 80")) == 0);
    cr_expect (pack_check (bytes_hex ("81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 81c0 "
                                      "81c0 81c0 81c0 81c0 80")) == ERR_MALFORMED);
    //  What stands beside counts once each way: depth is not a sum.
    cr_expect (pack_check (bytes_hex ("94 9191919190 9191919190 9191919190 9191919190")) == 0);
}

Test (cursor, elements_are_bounded_across_all_nesting)
{
    //  The array and what it holds are LIMIT_ELEMENTS together, then one more.
    for (uint32_t extra = 0; extra < 2; extra++) {
        uint32_t count = LIMIT_ELEMENTS - 1 + extra;
        buffer_t buffer = {0};
        pack_array (&buffer, count);
        for (uint32_t i = 0; i < count; i++)
            pack_nil (&buffer);
        cr_expect (pack_check (buffer_slice (&buffer)) == (extra ? ERR_MALFORMED : 0));
        buffer_release (&buffer);
    }
    //  Two arrays of half of it each are one too many, too.
    buffer_t buffer = {0};
    pack_array (&buffer, 2);
    for (int half = 0; half < 2; half++) {
        pack_array (&buffer, LIMIT_ELEMENTS / 2 - 1);
        for (uint32_t i = 0; i < LIMIT_ELEMENTS / 2 - 1; i++)
            pack_nil (&buffer);
    }
    cr_expect (pack_check (buffer_slice (&buffer)) == ERR_MALFORMED);
    buffer_release (&buffer);
}

Test (cursor, a_text_is_utf8_however_deep_it_lies)
{
    static const char *const wrong[] = {
        "a180", "a1ff", "a2c080", "92c0a1ff", "81a1ffc0", "81a161a1ff", "9191a2c3c3"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect (pack_check (bytes_hex (wrong[i])) == ERR_MALFORMED, "%s", wrong[i]);
    cursor_t cursor = cursor_over (bytes_hex ("a1ff"));
    slice_t text = slice_text ("untouched");
    cr_expect (cursor_text (&cursor, &text) == ERR_MALFORMED && text.size == 9);
    cr_expect (pack_check (bytes_hex ("c401ff")) == 0, "a bin is not text");
}

Test (cursor, a_string_fits_with_its_zero_and_holds_none)
{
    static const struct {
        const char *hex;
        int rc;
        const char *text;
    } rows[] = {
        {"a0", 0, ""},
        {"a3616263", 0, "abc"},
        {"a461626364", ERR_MALFORMED, "?"},
        {"a3610063", ERR_MALFORMED, "?"},
        {"a100", ERR_MALFORMED, "?"},
        {"a3ff6263", ERR_MALFORMED, "?"},
        {"c403616263", ERR_MALFORMED, "?"},
        {"a36162", ERR_TRUNCATED, "?"},
        {"c0", ERR_MALFORMED, "?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4] = "?";
        cursor_t cursor = cursor_over (bytes_hex (rows[i].hex));
        const uint8_t *at = cursor.at;
        cr_expect (cursor_string (&cursor, text, sizeof text) == rows[i].rc, "%s", rows[i].hex);
        cr_expect_str_eq (text, rows[i].text);
        cr_expect (rows[i].rc == 0 ? cursor_done (&cursor) : cursor.at == at);
    }
}

Test (cursor, an_exact_bin_is_of_that_size_only)
{
    uint8_t bytes[3] = {9, 9, 9};
    cursor_t cursor = cursor_over (bytes_hex ("c40401020304"));
    cr_expect (cursor_bin_exact (&cursor, bytes, 3) == ERR_MALFORMED && bytes[0] == 9);
    cr_expect (*cursor.at == 0xc4);
    cursor = cursor_over (bytes_hex ("c4020102"));
    cr_expect (cursor_bin_exact (&cursor, bytes, 3) == ERR_MALFORMED && bytes[0] == 9);
    cursor = cursor_over (bytes_hex ("c403010203"));
    cr_expect (cursor_bin_exact (&cursor, bytes, 3) == 0 && bytes[2] == 3 && cursor_done (&cursor));
    cursor = cursor_over (bytes_hex ("a3616263"));
    cr_expect (cursor_bin_exact (&cursor, bytes, 3) == ERR_MALFORMED);
}

Test (cursor, walks_through_a_value_element_by_element)
{
    cursor_t cursor = cursor_over (bytes_hex ("82 a161 93 01 c3 c0 a162 c40161"));
    size_t count;
    slice_t text;
    uint64_t number;
    bool truth = false;
    uint8_t byte;
    cr_assert (cursor_map (&cursor, &count) == 0 && count == 2);
    cr_assert (cursor_text (&cursor, &text) == 0 && slice_equal (text, slice_text ("a")));
    cr_assert (cursor_array (&cursor, &count) == 0 && count == 3);
    cr_assert (cursor_uint (&cursor, &number) == 0 && number == 1);
    cr_assert (cursor_bool (&cursor, &truth) == 0 && truth);
    cr_assert (cursor_nil (&cursor) == 0);
    cr_assert (cursor_text (&cursor, &text) == 0 && slice_equal (text, slice_text ("b")));
    cr_assert (cursor_bin_exact (&cursor, &byte, 1) == 0 && byte == 'a');
    cr_assert (cursor_done (&cursor));
}

//  RFC 3629, and Markus Kuhn's list of what decoders get wrong.
Test (utf8, what_is_well_formed_is_taken_and_nothing_else)
{
    static const struct {
        const char *hex;
        bool valid;
    } rows[] = {
        {"", true},
        {"00", true},
        {"7f", true},
        {"c280", true},
        {"dfbf", true},
        {"e0a080", true},
        {"ed9fbf", true},
        {"ee8080", true},
        {"efbfbf", true},
        {"f0908080", true},
        {"f48fbfbf", true},
        {"80", false},
        {"bf", false},
        {"c2", false},
        {"c27f", false},
        {"c2c0", false},
        {"c080", false}, // overlong
        {"c1bf", false},
        {"e08080", false},
        {"e09fbf", false},
        {"f0808080", false},
        {"f08fbfbf", false},
        {"eda080", false}, // surrogates
        {"edbfbf", false},
        {"f4908080", false}, // over U+10FFFF
        {"f5808080", false},
        {"f8888080 80", false},
        {"fe", false},
        {"ff", false},
        {"e282", false}, // ends early
        {"e28261", false},
        {"f09f8c", false},
        {"f09f8c41", false},
        {"f0c08080", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        //  Behind and before 0 to 9 letters, so that the fast way over eight of them is met at each
        //  offset.
        for (size_t before = 0; before < 10; before++)
            for (size_t behind = 0; behind < 10; behind++) {
                buffer_t buffer = {0};
                slice_t bytes = bytes_hex (rows[i].hex);
                buffer_append (&buffer, "abcdefghij", before);
                buffer_append (&buffer, bytes.data, bytes.size);
                buffer_append (&buffer, "abcdefghij", behind);
                slice_t text = bytes_copy (buffer_slice (&buffer));
                cr_expect (utf8_valid (text) == rows[i].valid, "%s after %zu", rows[i].hex, before);
                buffer_release (&buffer);
            }
}

Test (utf8, each_character_that_there_is_is_taken)
{
    for (uint32_t code = 0x80; code < 0x110000; code++) {
        uint8_t bytes[4];
        size_t size;
        if (code < 0x800) {
            bytes[0] = (uint8_t)(0xc0 | code >> 6);
            size = 2;
        } else if (code < 0x10000) {
            bytes[0] = (uint8_t)(0xe0 | code >> 12);
            size = 3;
        } else {
            bytes[0] = (uint8_t)(0xf0 | code >> 18);
            size = 4;
        }
        for (size_t i = 1; i < size; i++)
            bytes[i] = (uint8_t)(0x80 | (code >> (6 * (size - 1 - i)) & 0x3f));
        bool surrogate = code >= 0xd800 && code < 0xe000;
        cr_assert (utf8_valid (slice_of (bytes, size)) == !surrogate, "U+%04X", code);
    }
}

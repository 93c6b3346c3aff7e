//  Rows of owned data.

#include <criterion/criterion.h>

#include "messages/error.h"
#include "messages/limits.h"
#include "messages/row.h"
#include "tests/unit/messages/bytes.h"

#define UUID "c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
//  ["file_paths", uuid, a time, {"name": "x", "size": 5}]
#define ROW "94 aa66696c655f7061746873" UUID "cf6251298dda1b0000 82a46e616d65a178a473697a6505"
//  ["notes", uuid, 7, nil]
#define DELETED "94 a56e6f746573" UUID "07 c0"

static int decode (slice_t bytes)
{
    cursor_t cursor = cursor_over (bytes);
    row_t row, again;
    int rc = row_unpack (&cursor, &row);
    cr_assert (rc == 0 || cursor.at == bytes.data);
    if (rc == 0) {
        buffer_t out = {0};
        row_pack (&row, &out);
        cursor_t second = cursor_over (buffer_slice (&out));
        cr_assert (row_unpack (&second, &again) == 0 && cursor_done (&second));
        cr_assert (slice_equal (row.resource, again.resource) && row.updated == again.updated);
        cr_assert (uuid_equal (&row.uuid, &again.uuid) && slice_equal (row.value, again.value));
        buffer_release (&out);
    }
    return rc;
}

Test (row, is_packed_as_the_header_says)
{
    row_t row = {slice_text ("file_paths"), uuid_from (0xa0), 0x6251298dda1b0000,
        bytes_hex ("82a46e616d65a178a473697a6505")};
    buffer_t out = {0};
    row_pack (&row, &out);
    bytes_expect (buffer_slice (&out), ROW);
    buffer_clear (&out);
    row_t deleted = {slice_text ("notes"), uuid_from (0xa0), 7, slice_of (NULL, 0)};
    row_pack (&deleted, &out);
    bytes_expect (buffer_slice (&out), DELETED);
    buffer_release (&out);
}

Test (row, is_read_as_it_was_packed)
{
    slice_t bytes = bytes_hex (ROW DELETED);
    cursor_t cursor = cursor_over (bytes);
    row_t row;
    cr_assert (row_unpack (&cursor, &row) == 0);
    cr_expect (slice_equal (row.resource, slice_text ("file_paths")));
    cr_expect (row.uuid.bytes[15] == 0xaf && row.updated == 0x6251298dda1b0000);
    bytes_expect (row.value, "82a46e616d65a178a473697a6505");
    cr_assert (row_unpack (&cursor, &row) == 0 && cursor_done (&cursor));
    cr_expect (row.value.size == 0 && row.updated == 7);
}

Test (row, what_breaks_a_rule_is_refused)
{
    static const struct {
        const char *why, *hex;
    } rows[] = {
        {"not an array", "c0"},
        {"three elements", "93 a161" UUID "07"},
        {"five elements", "95 a161" UUID "07 c0 c0"},
        {"an empty name", "94 a0" UUID "07 c0"},
        {"a name that is none", "94 a2412d" UUID "07 c0"},
        {"the reserved name", "94 a7636c69656e7473" UUID "07 c0"},
        {"a name in bytes", "94 c40161" UUID "07 c0"},
        {"a short uuid", "94 a161 c401a0 07 c0"},
        {"updated 0", "94 a161" UUID "00 c0"},
        {"updated below 0", "94 a161" UUID "ff c0"},
        {"a value that is no map", "94 a161" UUID "07 01"},
        {"a value in an array", "94 a161" UUID "07 90"},
        {"names descending", "94 a161" UUID "07 82a16201a16101"},
        {"a name twice", "94 a161" UUID "07 82a16101a16102"},
        {"a property without a name", "94 a161" UUID "07 81a001"},
        {"a property named by a number", "94 a161" UUID "07 810101"},
        {"ext inside", "94 a161" UUID "07 81a161d40100"},
        {"text that is not UTF-8", "94 a161" UUID "07 81a161a1ff"},
        {"a map in a longer form", "94 a161" UUID "07 de0001a16101"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect (decode (bytes_hex (rows[i].hex)) == ERR_MALFORMED, "%s: %s", rows[i].why,
            error_name (decode (bytes_hex (rows[i].hex))));
}

Test (row, a_value_is_bounded)
{
    for (size_t extra = 0; extra < 2; extra++) {
        buffer_t out = {0};
        row_t row = {slice_text ("a"), uuid_from (1), 7, {NULL, 0}};
        buffer_t value = {0};
        pack_map (&value, 1);
        pack_string (&value, "a");
        pack_bin (&value, bytes_repeat (0, LIMIT_VALUE_BYTES - 8 + extra));
        row.value = buffer_slice (&value);
        row_pack (&row, &out);
        cr_expect (value.size == LIMIT_VALUE_BYTES + extra);
        cr_expect (decode (buffer_slice (&out)) == (extra ? ERR_TOO_LARGE : 0));
        buffer_release (&value);
        buffer_release (&out);
    }
}

Test (row, an_enemy_gets_nowhere)
{
    expect_truncations_refused (bytes_hex (ROW), decode);
    expect_truncations_refused (bytes_hex (DELETED), decode);
    expect_mutations_survived (bytes_hex (ROW), 30000, decode);
    expect_mutations_survived (bytes_hex (DELETED), 20000, decode);
}

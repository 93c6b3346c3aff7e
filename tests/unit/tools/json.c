#include <criterion/criterion.h>

#include "tools/command/json.h"

//  JSON in, and out again; the expected is NULL where it is refused.
static void check_read (const char *text, const char *expected)
{
    buffer_t packed = {NULL, 0, 0}, out = {NULL, 0, 0};
    const char *why = NULL;
    int rc = json_read (slice_text (text), &packed, &why);
    if (!expected) {
        cr_assert_eq (rc, ERR_MALFORMED, "%s was taken", text);
        cr_assert_not_null (why);
        cr_assert_eq (packed.size, 0);
        return;
    }
    cr_assert_eq (rc, 0, "%s: %s", text, why ? why : "");
    cr_assert_eq (pack_check (buffer_slice (&packed)), 0);
    json_write_value (buffer_slice (&packed), "any", &out);
    cr_assert (slice_equal (buffer_slice (&out), slice_text (expected)), "%s became %.*s", text,
        (int)out.size, (const char *)out.data);
    buffer_release (&packed);
    buffer_release (&out);
}

Test (json, what_is_read_comes_out_as_it_was)
{
    static const char *const same[] = {"null", "true", "false", "0", "-1", "18446744073709551615",
        "-9223372036854775808", "1.5", "-0.25", "1.0", "0.1", "1e+300", "\"\"", "\"sea\"", "\"é🌊\"",
        "\"\\\"\\\\\"", "[]", "{}", "[1, [2, [3]], {\"a\": null}]", "{\"b\": 1, \"a\": [true]}"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        check_read (same[i], same[i]);
}

Test (json, other_ways_to_write_the_same_are_read)
{
    check_read (" \t\r\n[ 1 ,2 ] ", "[1, 2]");
    check_read ("\"\\u00e9\\ud83c\\udf0a\\/\"", "\"é🌊/\"");
    check_read ("1E2", "100.0");
    check_read ("-0", "0");
}

Test (json, nothing_is_changed_in_silence)
{
    static const char *const refused[] = {"", " ", "sea", "nul", "nulll", "TRUE", "NaN", "Infinity",
        "-Infinity", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "0x10", "1 2", "1e400",
        "18446744073709551616", "-9223372036854775809", "'x'", "\"", "\"a", "\"\\", "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83c\"", "\"\\ud83cx\"", "\"\\udf0a\"",
        "\"\\ud83c\\u0041\"", "\"a\tb\"", "\"\xff\"", "[", "]", "[1", "[1,]", "[,1]", "[1 2]", "{",
        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}", "/* */1", "1,", "[1}", "{\"x\":{\"a\":1,\"\\u0061\":2}}"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check_read (refused[i], NULL);
}

Test (json, nesting_is_bounded)
{
    check_read ("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
    check_read ("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", NULL);
}

static void check_write (const buffer_t *packed, const char *expected)
{
    buffer_t out = {NULL, 0, 0};
    json_write (buffer_slice (packed), &out);
    cr_assert (slice_equal (buffer_slice (&out), slice_text (expected)), "%.*s", (int)out.size,
        (const char *)out.data);
    buffer_release (&out);
}

static const uint8_t id[16] = {
    0x89, 0xf9, 0xdd, 0x85, 0x14, 0x91, 0x46, 0x48, 0x98, 0x93, 0x15, 0xb2, 0xd3, 0x0d, 0x7b, 0xe5};
#define ID_TEXT   "\"89f9dd85-1491-4648-9893-15b2d30d7be5\""
#define ID_BASE64 "\"ifndhRSRRkiYkxWy0w175Q==\""

Test (json, a_uuid_is_known_by_its_name)
{
    buffer_t packed = {NULL, 0, 0};
    pack_map (&packed, 4);
    pack_string (&packed, "uuids");
    pack_array (&packed, 1);
    pack_bin (&packed, slice_of (id, 16));
    pack_string (&packed, "digest");
    pack_bin (&packed, slice_of (id, 16));
    pack_string (&packed, "uuid");
    pack_bin (&packed, slice_of (id, 3));
    pack_string (&packed, "value");
    pack_map (&packed, 2);
    pack_string (&packed, "owner");
    pack_bin (&packed, slice_of (id, 16));
    pack_string (&packed, "content_id");
    pack_bin (&packed, slice_of (id, 16));
    check_write (&packed, "{\"uuids\": [" ID_TEXT "], \"digest\": " ID_BASE64
                          ", \"uuid\": \"ifnd\", \"value\": {\"owner\": " ID_BASE64
                          ", \"content_id\": " ID_TEXT "}}");
    buffer_release (&packed);
}

Test (json, a_timestamp_is_its_text_but_not_in_a_value)
{
    buffer_t packed = {NULL, 0, 0};
    pack_map (&packed, 2);
    for (size_t i = 0; i < 2; i++) {
        pack_string (&packed, i ? "value" : "updated");
        pack_array (&packed, 2);
        pack_uint (&packed, 7084493649596461246u);
        pack_bin (&packed, slice_of (id, 16));
    }
    check_write (&packed,
        "{\"updated\": \"2022-04-09T06:53:36.397295996Z/89F9DD8514914648989315B2D30D7BE5\", "
        "\"value\": [7084493649596461246, " ID_BASE64 "]}");
    buffer_release (&packed);
}

Test (json, nothing_that_a_terminal_obeys_comes_out)
{
    buffer_t packed = {NULL, 0, 0};
    pack_string (&packed, "\x1b[31m\x7f\xc2\x9b\xe2\x80\xae\n");
    check_write (&packed, "\"\\u001b[31m\\u007f\\u009b\\u202e\\n\"");
    buffer_release (&packed);
}

Test (json, what_has_no_form_becomes_null_or_text)
{
    buffer_t packed = {NULL, 0, 0};
    pack_map (&packed, 1);
    pack_uint (&packed, 7);
    pack_double (&packed, 1.0 / 0.0);
    check_write (&packed, "{\"7\": null}");
    packed.size = 1;
    check_write (&packed, "null");
    buffer_release (&packed);
}

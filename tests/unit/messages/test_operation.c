//  An operation's names, and the canonical form of a value.

#include "tests/unit/messages/sample.h"

#include "messages/limits.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test (operation, names_of_actions_and_conflicts_go_both_ways)
{
    for (int number = 0; number < 3; number++) {
        int action = -1;
        int conflict = -1;
        cr_expect_eq (action_from_name (slice_text (action_name (number)), &action), 0);
        cr_expect_eq (conflict_from_name (slice_text (conflict_name (number)), &conflict), 0);
        cr_expect_eq (action, number);
        cr_expect_eq (conflict, number);
    }
    cr_expect_str_eq (action_name (ACTION_DELETE), "delete");
    cr_expect_str_eq (conflict_name (CONFLICT_OVERWRITE), "overwrite");
}

Test (operation, unknown_names_are_refused)
{
    int number = 7;
    cr_expect_eq (action_from_name (slice_text ("creat"), &number), ERR_BAD_REQUEST);
    cr_expect_eq (action_from_name (slice_text ("creates"), &number), ERR_BAD_REQUEST);
    cr_expect_eq (action_from_name (slice_text (""), &number), ERR_BAD_REQUEST);
    cr_expect_eq (conflict_from_name (slice_text ("Merge"), &number), ERR_BAD_REQUEST);
    cr_expect_eq (number, 7, "untouched");
    cr_expect_str_eq (action_name (3), "unknown");
    cr_expect_str_eq (conflict_name (-1), "unknown");
}

//  ---- values

typedef struct canonical_case {
    const char *why;
    const char *in;
    const char *out;
} canonical_case_t;

Test (value, canonical_form_sorts_names_and_leaves_values_as_they_came)
{
    const canonical_case_t table[] = {
        {"empty", "80", "80"},
        {"sorted already", "82 a161 01 a162 02", "82 a161 01 a162 02"},
        {"unsorted", "83 a163 03 a161 01 a162 02", "83 a161 01 a162 02 a163 03"},
        {"a prefix comes first", "82 a26161 01 a161 02", "82 a161 02 a26161 01"},
        {"bytes order, not letters", "82 a161 01 a15a 02", "82 a15a 02 a161 01"},
        {"long heads are cut short", "df00000001 d90161 01", "81 a161 01"},
        {"a number's encoding is kept", "81 a161 cd0001", "81 a161 cd0001"},
        {"nil is a value", "81 a161 c0", "81 a161 c0"},
        {"nested maps keep their order", "81 a161 82 a162 01 a161 02",
            "81 a161 82 a162 01 a161 02"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        buffer_t out = {0};
        int rc = value_canonical (sample_bytes (table[i].in), 100, &out);
        cr_expect_eq (rc, 0, "%s: %s", table[i].why, error_name (rc));
        cr_expect (slice_equal (buffer_slice (&out), sample_bytes (table[i].out)), "%s: %s",
            table[i].why, sample_hex (buffer_slice (&out)));
        cr_expect_eq (value_check (buffer_slice (&out)), 0, "%s", table[i].why);
        buffer_release (&out);
    }
}

Test (value, what_is_no_map_of_named_properties_is_refused)
{
    const char *table[] = {
        "",                        // nothing
        "c0",                      // nil
        "91 a161",                 // an array
        "81 01 01",                // a name that is no text
        "81 c40161 01",            // a name that is bytes
        "81 a0 01",                // an empty name
        "82 a161 01 a161 02",      // twice the same
        "83 a161 01 a162 01 a161", // cut short
        "81 a161",                 // a name without a value
        "81 a161 01 00",           // something behind it
        "81 a1ff 01",              // a name that is not UTF-8
        "81 a161 a1ff",            // a text that is not UTF-8
        "81 a161 c1",              // what begins nothing
        "81 a161 d40000",          // an ext
        "df ffffffff a161 01",     // a count that is a lie
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        buffer_t out = {0};
        slice_t bytes = sample_bytes (table[i]);
        cr_expect_eq (value_canonical (bytes, 100, &out), ERR_BAD_REQUEST, "%s", table[i]);
        cr_expect_eq (out.size, 0);
        cr_expect_neq (value_check (bytes), 0, "%s", table[i]);
        buffer_release (&out);
    }
}

Test (value, check_accepts_the_canonical_form_only)
{
    const char *table[] = {
        "82 a162 01 a161 02",   // unsorted
        "de0001 a161 01",       // a long head of a map
        "81 d90161 01",         // a long head of a name
        "81 da000161 01",       // a longer one
        "82 a161 01 d90162 01", // at the second name
        "82 a161 01 a161 01",   // twice the same
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        cr_expect_eq (value_check (sample_bytes (table[i])), ERR_MALFORMED, "%s", table[i]);
}

//  A value of `count` properties p0000, p0001, … in falling order.
static void many (size_t count, buffer_t *out)
{
    pack_map (out, count);
    for (size_t i = count; i-- > 0;) {
        char name[32];
        snprintf (name, sizeof name, "p%04zu", i);
        pack_string (out, name);
        pack_uint (out, i);
    }
}

Test (value, properties_are_bounded_in_number)
{
    buffer_t in = {0};
    buffer_t out = {0};
    many (LIMIT_PROPERTIES, &in);
    cr_expect_eq (value_canonical (buffer_slice (&in), SIZE_MAX, &out), 0);
    cr_expect_eq (value_check (buffer_slice (&out)), 0);
    buffer_clear (&in);
    buffer_clear (&out);
    many (LIMIT_PROPERTIES + 1, &in);
    cr_expect_eq (value_canonical (buffer_slice (&in), SIZE_MAX, &out), ERR_TOO_LARGE);
    cr_expect_eq (value_check (buffer_slice (&in)), ERR_TOO_LARGE);
    buffer_release (&in);
    buffer_release (&out);
}

static int canonical_with_name_of (size_t size)
{
    char name[LIMIT_NAME_BYTES + 2];
    memset (name, 'n', sizeof name);
    buffer_t in = {0};
    buffer_t out = {0};
    pack_map (&in, 1);
    pack_text (&in, slice_of (name, size));
    pack_nil (&in);
    int rc = value_canonical (buffer_slice (&in), 1000, &out);
    cr_expect_eq (value_check (buffer_slice (&in)), rc);
    buffer_release (&in);
    buffer_release (&out);
    return rc;
}

Test (value, names_are_bounded)
{
    cr_expect_eq (canonical_with_name_of (31), 0);
    cr_expect_eq (canonical_with_name_of (32), 0);
    cr_expect_eq (canonical_with_name_of (LIMIT_NAME_BYTES), 0);
    cr_expect_eq (canonical_with_name_of (LIMIT_NAME_BYTES + 1), ERR_TOO_LARGE);
}

Test (value, size_max_is_of_the_canonical_form)
{
    buffer_t out = {0};
    slice_t bytes = sample_bytes ("df00000001 a161 01"); // canonical: 4 bytes
    buffer_append (&out, "x", 1);
    cr_expect_eq (value_canonical (bytes, 3, &out), ERR_TOO_LARGE);
    cr_expect_eq (out.size, 1, "untouched");
    cr_expect_eq (value_canonical (bytes, 4, &out), 0);
    cr_expect_eq (out.size, 5, "appended");
    buffer_release (&out);
}

Test (value, unpack_stops_behind_the_value_or_stays)
{
    cursor_t cursor = cursor_over (sample_bytes ("81 a161 01 07"));
    const uint8_t *start = cursor.at;
    slice_t value;
    cr_assert_eq (value_unpack (&cursor, &value), 0);
    cr_expect_eq (value.size, 4);
    cr_expect_eq (cursor.at - start, 4);
    cr_expect_neq (value_unpack (&cursor, &value), 0, "7 is no map");
    cr_expect_eq (cursor.at - start, 4);
}

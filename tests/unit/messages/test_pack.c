//  Writing msgpack. The golden bytes are from the specification and from another implementation.

#include <criterion/criterion.h>
#include <math.h>

#include "messages/pack.h"
#include "tests/unit/messages/bytes.h"

static buffer_t out;

static void wrote (const char *hex)
{
    bytes_expect (buffer_slice (&out), hex);
    buffer_clear (&out);
}

static void give_back (void)
{
    buffer_release (&out);
}

TestSuite (pack, .fini = give_back);

Test (pack, nil_and_bool_are_one_byte)
{
    pack_nil (&out);
    wrote ("c0");
    pack_bool (&out, false);
    wrote ("c2");
    pack_bool (&out, true);
    wrote ("c3");
}

Test (pack, a_number_takes_the_fewest_bytes)
{
    static const struct {
        uint64_t value;
        const char *hex;
    } rows[] = {
        {0, "00"},
        {127, "7f"},
        {128, "cc80"},
        {255, "ccff"},
        {256, "cd0100"},
        {65535, "cdffff"},
        {65536, "ce00010000"},
        {4294967295, "ceffffffff"},
        {4294967296, "cf0000000100000000"},
        {UINT64_MAX, "cfffffffffffffffff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pack_uint (&out, rows[i].value);
        wrote (rows[i].hex);
        if (rows[i].value > INT64_MAX)
            continue;
        pack_int (&out, (int64_t)rows[i].value); // the same value has one form
        wrote (rows[i].hex);
    }
}

Test (pack, a_negative_number_takes_the_fewest_bytes)
{
    static const struct {
        int64_t value;
        const char *hex;
    } rows[] = {
        {-1, "ff"},
        {-32, "e0"},
        {-33, "d0df"},
        {-128, "d080"},
        {-129, "d1ff7f"},
        {-32768, "d18000"},
        {-32769, "d2ffff7fff"},
        {INT32_MIN, "d280000000"},
        {(int64_t)INT32_MIN - 1, "d3ffffffff7fffffff"},
        {INT64_MIN, "d38000000000000000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pack_int (&out, rows[i].value);
        wrote (rows[i].hex);
    }
}

Test (pack, a_double_is_always_eight_bytes)
{
    pack_double (&out, 0.0);
    wrote ("cb0000000000000000");
    pack_double (&out, -0.0);
    wrote ("cb8000000000000000");
    pack_double (&out, 1.5);
    wrote ("cb3ff8000000000000");
    pack_double (&out, 3.0);
    wrote ("cb4008000000000000");
    pack_double (&out, -INFINITY);
    wrote ("cbfff0000000000000");
}

//  The head of a text, a bin, an array or a map at each end of its ranges.
Test (pack, a_length_takes_the_fewest_bytes)
{
    static const struct {
        size_t size;
        const char *text, *bin, *array, *map;
    } rows[] = {
        {0, "a0", "c400", "90", "80"},
        {15, "af", "c40f", "9f", "8f"},
        {16, "b0", "c410", "dc0010", "de0010"},
        {31, "bf", "c41f", "dc001f", "de001f"},
        {32, "d920", "c420", "dc0020", "de0020"},
        {255, "d9ff", "c4ff", "dc00ff", "de00ff"},
        {256, "da0100", "c50100", "dc0100", "de0100"},
        {65535, "daffff", "c5ffff", "dcffff", "deffff"},
        {65536, "db00010000", "c600010000", "dd00010000", "df00010000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        slice_t content = bytes_repeat ('x', rows[i].size);
        pack_text (&out, content);
        cr_expect (out.size == strlen (rows[i].text) / 2 + rows[i].size);
        out.size -= rows[i].size;
        wrote (rows[i].text);
        pack_bin (&out, content);
        cr_expect (out.size == strlen (rows[i].bin) / 2 + rows[i].size);
        out.size -= rows[i].size;
        wrote (rows[i].bin);
        pack_array (&out, rows[i].size);
        wrote (rows[i].array);
        pack_map (&out, rows[i].size);
        wrote (rows[i].map);
    }
}

Test (pack, a_string_is_a_text_or_nil)
{
    pack_string (&out, "tags");
    wrote ("a4 74616773");
    pack_string (&out, "");
    wrote ("a0");
    pack_string (&out, NULL);
    wrote ("c0");
}

Test (pack, appends_to_what_is_there)
{
    pack_map (&out, 2);
    pack_string (&out, "compact");
    pack_bool (&out, true);
    pack_string (&out, "schema");
    pack_raw (&out, bytes_hex ("00"));
    pack_raw (&out, slice_of (NULL, 0));
    wrote ("82 a7 636f6d70616374 c3 a6 736368656d61 00");
}

//  notation - msgpack as text, and back

#include "tests/unit/actors/notation.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX 8

static struct {
    const char *name;
    uuid16_t uuid;
} names[NAMES_MAX];

void notation_name (const char *name, const uuid16_t *uuid)
{
    size_t i = 0;
    while (names[i].name && strcmp (names[i].name, name) != 0)
        if (++i == NAMES_MAX)
            abort ();
    names[i].name = name;
    names[i].uuid = *uuid;
}

uuid16_t uuid_n (uint64_t n)
{
    uuid16_t uuid = {{0}};
    for (int i = 0; i < 8; i++)
        uuid.bytes[15 - i] = (uint8_t)(n >> (8 * i));
    return uuid;
}

//  ---- reading

static void skip (const char **at)
{
    while (isspace ((unsigned char)**at) || **at == ',' || **at == ':')
        ++*at;
}

static void value_read (const char **at, buffer_t *out);

static void many_read (const char **at, char end, buffer_t *out)
{
    buffer_t items = {NULL, 0, 0};
    size_t count = 0;
    for (++*at, skip (at); **at != end; skip (at), count++)
        value_read (at, &items);
    ++*at;
    if (end == '}')
        pack_map (out, count / 2);
    else
        pack_array (out, count);
    pack_raw (out, buffer_slice (&items));
    buffer_release (&items);
}

static void hex_read (const char **at, buffer_t *out)
{
    uint8_t bytes[256];
    size_t size = 0;
    for (*at += 2; **at != '\''; *at += 2) {
        char pair[3] = {(*at)[0], (*at)[1], 0};
        bytes[size++] = (uint8_t)strtoul (pair, NULL, 16);
    }
    ++*at;
    pack_bin (out, slice_of (bytes, size));
}

static void number_read (const char **at, buffer_t *out)
{
    char *end;
    if (**at == '-')
        pack_int (out, strtoll (*at, &end, 10));
    else
        pack_uint (out, strtoull (*at, &end, 10));
    if (*end == '.') {
        out->size -= 1; // the numbers before a point are small in tests
        pack_double (out, strtod (*at, &end));
    }
    *at = end;
}

static void name_read (const char **at, buffer_t *out)
{
    const char *start = ++*at;
    while (isalnum ((unsigned char)**at))
        ++*at;
    for (size_t i = 0; i < NAMES_MAX && names[i].name; i++)
        if (slice_equal (slice_text (names[i].name), slice_of (start, (size_t)(*at - start))))
            pack_bin (out, slice_of (&names[i].uuid, sizeof names[i].uuid));
}

static void word_read (const char **at, buffer_t *out)
{
    const char *start = *at;
    while (isalnum ((unsigned char)**at) || **at == '_')
        ++*at;
    slice_t word = slice_of (start, (size_t)(*at - start));
    if (**at == ':')
        pack_text (out, word);
    else if (slice_equal (word, slice_text ("nil")))
        pack_nil (out);
    else
        pack_bool (out, slice_equal (word, slice_text ("true")));
}

static void value_read (const char **at, buffer_t *out)
{
    skip (at);
    if (**at == '{' || **at == '[')
        many_read (at, **at == '{' ? '}' : ']', out);
    else if (**at == '@')
        name_read (at, out);
    else if (**at == '\'') {
        const char *start = ++*at;
        *at = strchr (start, '\'');
        pack_text (out, slice_of (start, (size_t)(*at - start)));
        ++*at;
    } else if (**at == '#') {
        char *end;
        uuid16_t uuid = uuid_n (strtoull (*at + 1, &end, 10));
        pack_bin (out, slice_of (&uuid, sizeof uuid));
        *at = end;
    } else if (**at == 'x' && (*at)[1] == '\'')
        hex_read (at, out);
    else if (isdigit ((unsigned char)**at) || **at == '-')
        number_read (at, out);
    else
        word_read (at, out);
}

void notation_read (const char *text, buffer_t *out)
{
    value_read (&text, out);
}

//  ---- writing

static void say (buffer_t *out, const char *text)
{
    buffer_append (out, text, strlen (text));
}

static void bin_write (slice_t bytes, buffer_t *out)
{
    char text[32];
    for (size_t i = 0; i < NAMES_MAX && names[i].name; i++)
        if (slice_equal (bytes, slice_of (&names[i].uuid, sizeof names[i].uuid))) {
            say (out, "@");
            say (out, names[i].name);
            return;
        }
    uuid16_t small = uuid_n (bytes.size == 16 ? (uint64_t)bytes.data[14] << 8 | bytes.data[15] : 0);
    if (slice_equal (bytes, slice_of (&small, sizeof small))) {
        snprintf (text, sizeof text, "#%d", bytes.data[14] << 8 | bytes.data[15]);
        say (out, text);
        return;
    }
    say (out, "x'");
    for (size_t i = 0; i < bytes.size; i++) {
        snprintf (text, sizeof text, "%02x", bytes.data[i]);
        say (out, text);
    }
    say (out, "'");
}

static bool value_write (cursor_t *cursor, buffer_t *out);

static bool many_write (cursor_t *cursor, bool map, buffer_t *out)
{
    size_t count;
    if (map ? cursor_map (cursor, &count) : cursor_array (cursor, &count))
        return false;
    say (out, map ? "{" : "[");
    for (size_t i = 0; i < count; i++) {
        slice_t name;
        say (out, i ? ", " : "");
        if (map && cursor_kind (cursor) == PACK_TEXT && cursor_text (cursor, &name) == 0)
            buffer_append (out, name.data, name.size);
        else if (map && !value_write (cursor, out))
            return false;
        say (out, map ? ": " : "");
        if (!value_write (cursor, out))
            return false;
    }
    say (out, map ? "}" : "]");
    return true;
}

static bool value_write (cursor_t *cursor, buffer_t *out)
{
    char text[64] = "";
    uint64_t number;
    int64_t negative;
    double real;
    bool yes;
    slice_t bytes;
    int kind = cursor_kind (cursor);
    if (kind == PACK_MAP || kind == PACK_ARRAY)
        return many_write (cursor, kind == PACK_MAP, out);
    if (kind == PACK_NIL && cursor_nil (cursor) == 0)
        snprintf (text, sizeof text, "nil");
    else if (kind == PACK_BOOL && cursor_bool (cursor, &yes) == 0)
        snprintf (text, sizeof text, yes ? "true" : "false");
    else if (kind == PACK_UINT && cursor_uint (cursor, &number) == 0)
        snprintf (text, sizeof text, "%" PRIu64, number);
    else if (kind == PACK_INT && cursor_int (cursor, &negative) == 0)
        snprintf (text, sizeof text, "%" PRId64, negative);
    else if (kind == PACK_DOUBLE && cursor_double (cursor, &real) == 0)
        snprintf (text, sizeof text, "%g", real);
    else if (kind == PACK_TEXT && cursor_text (cursor, &bytes) == 0) {
        say (out, "'");
        buffer_append (out, bytes.data, bytes.size);
        say (out, "'");
    } else if (kind == PACK_BIN && cursor_bin (cursor, &bytes) == 0)
        bin_write (bytes, out);
    else
        return false;
    say (out, text);
    return true;
}

void notation_write (slice_t encoded, buffer_t *out)
{
    cursor_t cursor = cursor_over (encoded);
    if (!value_write (&cursor, out) || !cursor_done (&cursor))
        say (out, "!");
}

//  json_read - msgpack out of JSON
//
//  Debian's json-c was tried and rejected: even when strict it turns 2^64 into 2^64 - 1, ends a name at \u0000, keeps the
//  last of two equal names, puts U+FFFD for half a surrogate pair and takes NaN. What somebody writes into a pool
//  must not be changed in silence.

#include "tools/command/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

typedef struct reader {
    const uint8_t *at;
    const uint8_t *end;
    int depth;
    const char *why;
} reader_t;

static bool read_any (reader_t *self, buffer_t *out);

static bool refuse (reader_t *self, const char *why)
{
    if (!self->why)
        self->why = why;
    return false;
}

static void skip_blanks (reader_t *self)
{
    while (self->at < self->end && strchr (" \t\r\n", *self->at) && *self->at)
        self->at++;
}

static bool read_mark (reader_t *self, char mark)
{
    if (self->at == self->end || *self->at != (uint8_t)mark)
        return false;
    self->at++;
    return true;
}

static bool read_word (reader_t *self, const char *word)
{
    size_t size = strlen (word);
    if ((size_t)(self->end - self->at) < size || memcmp (self->at, word, size) != 0)
        return refuse (self, "it is not JSON (a text needs quotes there)");
    self->at += size;
    return true;
}

//  ---- numbers

static size_t read_digits (reader_t *self)
{
    const uint8_t *begin = self->at;
    while (self->at < self->end && *self->at >= '0' && *self->at <= '9')
        self->at++;
    return (size_t)(self->at - begin);
}

//  The grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
static bool scan_number (reader_t *self, bool *ret_integer)
{
    read_mark (self, '-');
    bool zero = self->at < self->end && *self->at == '0';
    size_t digits = read_digits (self);
    *ret_integer = true;
    if (digits == 0 || (zero && digits > 1))
        return refuse (self, "a number is not as JSON has them");
    if (read_mark (self, '.')) {
        *ret_integer = false;
        if (read_digits (self) == 0)
            return refuse (self, "a number ends with its point");
    }
    if (read_mark (self, 'e') || read_mark (self, 'E')) {
        *ret_integer = false;
        if (!read_mark (self, '+'))
            read_mark (self, '-');
        if (read_digits (self) == 0)
            return refuse (self, "a number ends in its exponent");
    }
    return true;
}

static bool read_number (reader_t *self, buffer_t *out)
{
    char text[400];
    char *end;
    bool integer;
    const uint8_t *begin = self->at;
    if (!scan_number (self, &integer))
        return false;
    size_t size = (size_t)(self->at - begin);
    if (size >= sizeof text)
        return refuse (self, "a number has too many digits");
    memcpy (text, begin, size);
    text[size] = 0;
    errno = 0;
    if (!integer) {
        double number = strtod (text, &end);
        if (!isfinite (number))
            return refuse (self, "a number is too large");
        pack_double (out, number);
    } else if (text[0] == '-')
        pack_int (out, strtoll (text, &end, 10));
    else
        pack_uint (out, strtoull (text, &end, 10));
    return !integer || errno == 0 || refuse (self, "an integer does not fit into 64 bits");
}

//  ---- texts

static bool read_hex4 (reader_t *self, uint32_t *ret_code)
{
    uint32_t code = 0;
    if (self->end - self->at < 4)
        return refuse (self, "\\u wants four hex digits");
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = memchr (digits, self->at[i], sizeof digits - 1);
        if (!digit)
            return refuse (self, "\\u wants four hex digits");
        uint32_t nibble = (uint32_t)(digit - digits);
        code = code << 4 | (nibble > 15 ? nibble - 6 : nibble);
    }
    self->at += 4;
    *ret_code = code;
    return true;
}

static void append_utf8 (uint32_t code, buffer_t *out)
{
    uint8_t bytes[4];
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
    bytes[0] = (uint8_t)(heads[size] | code);
    buffer_append (out, bytes, size);
}

static bool read_code (reader_t *self, buffer_t *text)
{
    uint32_t code, low;
    if (!read_hex4 (self, &code))
        return false;
    if (code >= 0xd800 && code < 0xe000) {
        if (code >= 0xdc00 || !read_mark (self, '\\') || !read_mark (self, 'u') ||
            !read_hex4 (self, &low) || low < 0xdc00 || low > 0xdfff)
            return refuse (self, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8 (code, text);
    return true;
}

static bool read_escape (reader_t *self, buffer_t *text)
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    if (read_mark (self, 'u'))
        return read_code (self, text);
    const char *name = self->at < self->end && *self->at ? strchr (names, *self->at) : NULL;
    if (!name)
        return refuse (self, "an escape is not one of JSON's");
    buffer_append (text, &bytes[name - names], 1);
    self->at++;
    return true;
}

static bool read_text (reader_t *self, buffer_t *out)
{
    buffer_t text = {NULL, 0, 0};
    bool fine = true;
    self->at++;
    while (fine && self->at < self->end && *self->at != '"') {
        if (read_mark (self, '\\'))
            fine = read_escape (self, &text);
        else if (*self->at < 0x20)
            fine = refuse (self, "a control character in a text needs its escape");
        else
            buffer_append (&text, self->at++, 1);
    }
    if (fine && !read_mark (self, '"'))
        fine = refuse (self, "a text does not end");
    if (fine)
        pack_text (out, buffer_slice (&text));
    buffer_release (&text);
    return fine;
}

//  ---- arrays and objects

static bool has_key (const buffer_t *items, slice_t key)
{
    cursor_t cursor = cursor_over (buffer_slice (items));
    slice_t name;
    while (cursor_text (&cursor, &name) == 0) {
        if (slice_equal (name, key))
            return true;
        cursor_skip (&cursor, NULL);
    }
    return false;
}

static bool read_key (reader_t *self, buffer_t *items)
{
    buffer_t key = {NULL, 0, 0};
    slice_t name;
    skip_blanks (self);
    if (self->at == self->end || *self->at != '"')
        return refuse (self, "a name in an object needs quotes");
    bool fine = read_text (self, &key);
    cursor_t cursor = cursor_over (buffer_slice (&key));
    if (fine && cursor_text (&cursor, &name) == 0 && has_key (items, name))
        fine = refuse (self, "an object has a name twice");
    if (fine)
        pack_raw (items, buffer_slice (&key));
    buffer_release (&key);
    skip_blanks (self);
    return fine && (read_mark (self, ':') || refuse (self, "a colon is missing in an object"));
}

static bool read_items (reader_t *self, bool object, buffer_t *items, size_t *ret_count)
{
    char end = object ? '}' : ']';
    self->at++;
    skip_blanks (self);
    if (read_mark (self, end))
        return true;
    while (true) {
        if ((object && !read_key (self, items)) || !read_any (self, items))
            return false;
        ++*ret_count;
        skip_blanks (self);
        if (read_mark (self, end))
            return true;
        if (!read_mark (self, ','))
            return refuse (self, "a comma or a closing bracket is missing");
    }
}

static bool read_container (reader_t *self, bool object, buffer_t *out)
{
    buffer_t items = {NULL, 0, 0};
    size_t count = 0;
    bool fine = read_items (self, object, &items, &count);
    if (fine && object)
        pack_map (out, count);
    else if (fine)
        pack_array (out, count);
    if (fine)
        pack_raw (out, buffer_slice (&items));
    buffer_release (&items);
    return fine;
}

//  ---- all

static bool read_any (reader_t *self, buffer_t *out)
{
    bool fine = false;
    skip_blanks (self);
    if (self->at == self->end)
        return refuse (self, "a value is missing");
    if (++self->depth > LIMIT_DEPTH)
        return refuse (self, "it is nested too deep");
    switch (*self->at) {
    case '{': fine = read_container (self, true, out); break;
    case '[': fine = read_container (self, false, out); break;
    case '"': fine = read_text (self, out); break;
    case 't':
    case 'f': {
        bool yes = *self->at == 't';
        fine = read_word (self, yes ? "true" : "false");
        pack_bool (out, yes);
        break;
    }
    case 'n':
        fine = read_word (self, "null");
        pack_nil (out);
        break;
    case '-':
    case '0' ... '9': fine = read_number (self, out); break;
    default: fine = refuse (self, "it is not JSON (a text needs quotes there)");
    }
    self->depth--;
    return fine;
}

int json_read (slice_t text, buffer_t *out, const char **ret_why)
{
    reader_t reader = {.at = text.data, .end = text.size ? text.data + text.size : text.data};
    buffer_t value = {NULL, 0, 0};
    bool fine = utf8_valid (text) || refuse (&reader, "it is not UTF-8");
    fine = fine && read_any (&reader, &value);
    if (fine) {
        skip_blanks (&reader);
        fine = reader.at == reader.end || refuse (&reader, "something follows the value");
    }
    if (fine)
        pack_raw (out, buffer_slice (&value));
    else
        *ret_why = reader.why;
    buffer_release (&value);
    return fine ? 0 : ERR_MALFORMED;
}

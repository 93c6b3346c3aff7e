//  json - JSON out of msgpack

#include "tools/command/json.h"
#include "messages/timestamp.h"
#include "tools/command/show.h"

#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

#define DEPTH_MAX (LIMIT_DEPTH + 8)

//  What a value is known to be from where it stands.
typedef struct spot {
    bool uuid;   // a bin 16 is a uuid
    bool record; // inside of a record's value: nothing is known but its own names
    int depth;
} spot_t;

static void write_any (cursor_t *cursor, spot_t place, buffer_t *out);

static void append (buffer_t *out, const char *text)
{
    buffer_append (out, text, strlen (text));
}

//  ---- scalars

void json_write_text (slice_t text, buffer_t *out)
{
    append (out, "\"");
    while (text.size) {
        slice_t before = text;
        char escape[8];
        int32_t c = show_code_point (&text);
        if (c == '"' || c == '\\')
            snprintf (escape, sizeof escape, "\\%c", (char)c);
        else if (c == '\n' || c == '\t' || c == '\r')
            snprintf (escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < 0 || show_is_unsafe (c))
            snprintf (escape, sizeof escape, "\\u%04x", c < 0 ? 0xfffdu : (unsigned)c & 0xffffu);
        else {
            buffer_append (out, before.data, before.size - text.size);
            continue;
        }
        append (out, escape);
    }
    append (out, "\"");
}

static void write_double (double number, buffer_t *out)
{
    char text[40];
    if (!isfinite (number)) {
        append (out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf (text, sizeof text, "%.*g", digits, number);
        if (strtod (text, NULL) == number)
            break;
    }
    append (out, text);
    if (!strpbrk (text, ".e"))
        append (out, ".0"); // so that it is read back as what it is
}

static void write_bytes (slice_t bytes, bool uuid, buffer_t *out)
{
    char text[UUID_TEXT_SIZE];
    append (out, "\"");
    if (uuid && bytes.size == sizeof (uuid16_t)) {
        uuid16_t id;
        memcpy (&id, bytes.data, sizeof id);
        uuid_to_text (&id, text);
        append (out, text);
    } else {
        size_t size = sodium_base64_ENCODED_LEN (bytes.size, sodium_base64_VARIANT_ORIGINAL);
        buffer_reserve (out, size);
        sodium_bin2base64 ((char *)out->data + out->size, size, bytes.data, bytes.size,
            sodium_base64_VARIANT_ORIGINAL);
        out->size += size - 1;
    }
    append (out, "\"");
}

//  ---- arrays and maps

static bool is_timestamp (const cursor_t *cursor, timestamp_t *ret_timestamp)
{
    cursor_t ahead = *cursor;
    return timestamp_unpack (&ahead, ret_timestamp) == 0;
}

static void write_array (cursor_t *cursor, spot_t place, buffer_t *out)
{
    size_t count = 0;
    timestamp_t timestamp;
    char text[TIMESTAMP_TEXT_SIZE];
    if (!place.record && is_timestamp (cursor, &timestamp)) {
        cursor_skip (cursor, NULL);
        timestamp_to_text (&timestamp, text);
        json_write_text (slice_text (text), out);
        return;
    }
    cursor_array (cursor, &count);
    append (out, "[");
    for (size_t i = 0; i < count; i++) {
        append (out, i ? ", " : "");
        write_any (cursor, place, out);
    }
    append (out, "]");
}

static bool is_one_of (slice_t name, const char *const *names)
{
    for (; *names; names++)
        if (slice_equal (name, slice_text (*names)))
            return true;
    return false;
}

static bool names_uuid (slice_t name, bool record)
{
    static const char *const anywhere[] = {"content_id", "location", NULL};
    static const char *const outside[] = {
        "client", "uuid", "uuids", "owner", "pool", "giver", "paused", NULL};
    return is_one_of (name, anywhere) || (!record && is_one_of (name, outside));
}

static void write_key (cursor_t *cursor, spot_t place, slice_t *ret_name, buffer_t *out)
{
    slice_t name = {NULL, 0};
    if (cursor_text (cursor, &name) == 0)
        json_write_text (name, out);
    else {
        buffer_t text = {NULL, 0, 0};
        write_any (cursor, place, &text);
        json_write_text (buffer_slice (&text), out);
        buffer_release (&text);
    }
    *ret_name = name;
}

static void write_map (cursor_t *cursor, spot_t place, buffer_t *out)
{
    size_t count = 0;
    cursor_map (cursor, &count);
    append (out, "{");
    for (size_t i = 0; i < count; i++) {
        slice_t name;
        spot_t inside = place;
        append (out, i ? ", " : "");
        write_key (cursor, place, &name, out);
        append (out, ": ");
        inside.uuid = names_uuid (name, place.record);
        inside.record |= slice_equal (name, slice_text ("value"));
        write_any (cursor, inside, out);
    }
    append (out, "}");
}

//  ---- all

static void write_number (cursor_t *cursor, buffer_t *out)
{
    char text[24];
    uint64_t number = 0;
    int64_t negative = 0;
    if (cursor_uint (cursor, &number) == 0)
        snprintf (text, sizeof text, "%" PRIu64, number);
    else {
        cursor_int (cursor, &negative);
        snprintf (text, sizeof text, "%" PRId64, negative);
    }
    append (out, text);
}

//  The value is sound: pack_check or cursor_skip has been over it.
static void write_any (cursor_t *cursor, spot_t place, buffer_t *out)
{
    slice_t bytes = {NULL, 0};
    bool yes = false;
    double number = 0;
    if (++place.depth > DEPTH_MAX) {
        cursor->at = cursor->end;
        append (out, "null");
        return;
    }
    switch (cursor_kind (cursor)) {
    case PACK_BOOL:
        cursor_bool (cursor, &yes);
        append (out, yes ? "true" : "false");
        break;
    case PACK_UINT:
    case PACK_INT: write_number (cursor, out); break;
    case PACK_DOUBLE:
        cursor_double (cursor, &number);
        write_double (number, out);
        break;
    case PACK_TEXT:
        cursor_text (cursor, &bytes);
        json_write_text (bytes, out);
        break;
    case PACK_BIN:
        cursor_bin (cursor, &bytes);
        write_bytes (bytes, place.uuid, out);
        break;
    case PACK_ARRAY: write_array (cursor, place, out); break;
    case PACK_MAP: write_map (cursor, place, out); break;
    default: cursor_nil (cursor); append (out, "null");
    }
}

static void write_whole (slice_t value, spot_t place, buffer_t *out)
{
    cursor_t cursor = cursor_over (value);
    cursor_t sound = cursor;
    if (cursor_skip (&sound, NULL))
        append (out, "null");
    else
        write_any (&cursor, place, out);
}

void json_write (slice_t value, buffer_t *out)
{
    write_whole (value, (spot_t){false, false, 0}, out);
}

void json_write_value (slice_t value, const char *key, buffer_t *out)
{
    write_whole (value, (spot_t){names_uuid (slice_text (key), true), true, 0}, out);
}

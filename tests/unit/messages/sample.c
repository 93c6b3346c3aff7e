//  sample - see sample.h

#include "tests/unit/messages/sample.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

//  Everything that a test makes here, until it ends.
static void *keep (const void *data, size_t size)
{
    static uint8_t arena[8 << 20];
    static size_t used;
    assert (used + size <= sizeof arena);
    void *kept = arena + used;
    used += (size + 15) / 16 * 16;
    if (data && size)
        memcpy (kept, data, size);
    return kept;
}

static slice_t keep_buffer (buffer_t *buffer)
{
    slice_t kept = slice_of (keep (buffer->data, buffer->size), buffer->size);
    buffer_release (buffer);
    return kept;
}

static const char *keep_text (buffer_t *buffer)
{
    buffer_append (buffer, "", 1);
    return (const char *)keep_buffer (buffer).data;
}

uuid16_t sample_client (char letter)
{
    uuid16_t client;
    memset (client.bytes, letter, sizeof client.bytes);
    return client;
}

timestamp_t sample_stamp (const char *text)
{
    return (timestamp_t){strtoull (text + 1, NULL, 10), sample_client (text[0])};
}

static void append_pair (buffer_t *pairs, const char *word, size_t size)
{
    const char *equals = memchr (word, '=', size);
    assert (equals);
    pack_text (pairs, slice_of (word, (size_t)(equals - word)));
    if (equals[1] == 'n')
        pack_nil (pairs);
    else
        pack_uint (pairs, strtoull (equals + 1, NULL, 10));
}

slice_t sample_value (const char *text)
{
    buffer_t pairs = {0};
    buffer_t map = {0};
    buffer_t value = {0};
    size_t count = 0;
    while (*text) {
        size_t size = strcspn (text, " ");
        append_pair (&pairs, text, size);
        count++;
        text += size;
        text += strspn (text, " ");
    }
    pack_map (&map, count);
    pack_raw (&map, buffer_slice (&pairs));
    int rc = value_canonical (buffer_slice (&map), SIZE_MAX, &value);
    assert (rc == 0);
    buffer_release (&pairs);
    buffer_release (&map);
    return keep_buffer (&value);
}

const char *sample_value_text (slice_t value)
{
    cursor_t cursor = cursor_over (value);
    size_t count;
    buffer_t out = {0};
    int rc = cursor_map (&cursor, &count);
    assert (rc == 0);
    for (size_t i = 0; i < count; i++) {
        slice_t name;
        uint64_t number = 0;
        char text[32] = "nil";
        rc = cursor_text (&cursor, &name);
        assert (rc == 0);
        if (cursor_kind (&cursor) == PACK_NIL)
            rc = cursor_nil (&cursor);
        else {
            rc = cursor_uint (&cursor, &number);
            snprintf (text, sizeof text, "%llu", (unsigned long long)number);
        }
        assert (rc == 0);
        buffer_append (&out, " ", i > 0);
        buffer_append (&out, name.data, name.size);
        buffer_append (&out, "=", 1);
        buffer_append (&out, text, strlen (text));
    }
    return keep_text (&out);
}

static void parse_word (const char *word, sample_t *sample, char *pairs, size_t pairs_size)
{
    int number;
    if (action_from_name (slice_text (word), &number) == 0)
        sample->operation.action = number;
    else if (conflict_from_name (slice_text (word), &number) == 0)
        sample->operation.on_conflict = number;
    else if (word[0] == '^')
        sample->operation.floor = sample_stamp (word + 1);
    else if (word[0] == '<') {
        timestamp_t stamp = sample_stamp (word + 1);
        vector_set (&sample->seen, &stamp.client, stamp.time, NULL);
    } else if (strchr (word, '=')) {
        size_t used = strlen (pairs);
        snprintf (pairs + used, pairs_size - used, " %s", word);
    } else
        sample->operation.stamp = sample_stamp (word);
}

void sample_parse (const char *text, sample_t *ret_sample)
{
    char words[256];
    char pairs[256] = "";
    *ret_sample = (sample_t){.operation = {.resource = slice_text ("tags")}};
    ret_sample->seen = (vector_t){.entries = ret_sample->entries, .capacity = 8};
    snprintf (words, sizeof words, "%s", text);
    char *rest = words;
    for (char *word; (word = strsep (&rest, " "));)
        if (*word)
            parse_word (word, ret_sample, pairs, sizeof pairs);
    if (ret_sample->operation.action != ACTION_DELETE)
        ret_sample->operation.value = sample_value (pairs[0] ? pairs + 1 : pairs);
}

vector_t sample_vector (const char *text)
{
    vector_t vector = {.entries = keep (NULL, 8 * sizeof *vector.entries), .capacity = 8};
    while (*text) {
        timestamp_t stamp = sample_stamp (text);
        vector_set (&vector, &stamp.client, stamp.time, NULL);
        text += strcspn (text, " ");
        text += strspn (text, " ");
    }
    return vector;
}

//  ---- records

static void parse_property (const char *word, bool weak, record_t *record)
{
    buffer_t value = {0};
    const char *at = strchr (word, '@');
    assert (word[1] == '=' && at);
    pack_uint (&value, strtoull (word + 2, NULL, 10));
    property_t property = {
        slice_of (keep (word, 1), 1), keep_buffer (&value), sample_stamp (at + 1)};
    properties_put (weak ? &record->weak : &record->strong, &property, weak);
}

static void parse_part (const char *word, record_t *record)
{
    switch (word[0]) {
    case '+': record->created = sample_stamp (word + 1); break;
    case '!': record->written = sample_stamp (word + 1); break;
    case '^': record->floor = sample_stamp (word + 1); break;
    case '~': parse_property (word + 1, true, record); break;
    case '-':
        assert (record->deleted_count < record->deleted_capacity);
        record->deleted[record->deleted_count++] = sample_stamp (word + 1);
        break;
    default: parse_property (word, false, record);
    }
}

record_t sample_record (const char *text)
{
    record_t record = {.deleted = calloc (8, sizeof *record.deleted), .deleted_capacity = 8};
    char words[256];
    snprintf (words, sizeof words, "%s", text);
    char *rest = words;
    for (char *word; (word = strsep (&rest, " "));)
        if (*word)
            parse_part (word, &record);
    return record;
}

static void print_stamp (const char *before, const timestamp_t *stamp, buffer_t *out)
{
    char text[40];
    if (timestamp_is_none (stamp))
        return;
    snprintf (text, sizeof text, "%s%s%c%llu", out->size && *before != '@' ? " " : "", before,
        stamp->client.bytes[0], (unsigned long long)stamp->time);
    buffer_append (out, text, strlen (text));
}

static void print_properties (const char *before, const properties_t *properties, buffer_t *out)
{
    for (size_t i = 0; i < properties->count; i++) {
        const property_t *property = &properties->entries[i];
        cursor_t cursor = cursor_over (property->value);
        uint64_t number;
        char text[80];
        int rc = cursor_uint (&cursor, &number);
        assert (rc == 0);
        snprintf (text, sizeof text, "%s%s%.*s=%llu", out->size ? " " : "", before,
            (int)property->name.size, (const char *)property->name.data,
            (unsigned long long)number);
        buffer_append (out, text, strlen (text));
        print_stamp ("@", &property->stamp, out);
    }
}

const char *sample_record_text (const record_t *record)
{
    buffer_t out = {0};
    print_stamp ("+", &record->created, &out);
    print_stamp ("!", &record->written, &out);
    print_stamp ("^", &record->floor, &out);
    for (size_t i = 0; i < record->deleted_count; i++)
        print_stamp ("-", &record->deleted[i], &out);
    print_properties ("", &record->strong, &out);
    print_properties ("~", &record->weak, &out);
    return keep_text (&out);
}

slice_t sample_bytes (const char *hex)
{
    buffer_t out = {0};
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        char pair[3] = {hex[0], hex[1], 0};
        uint8_t byte = (uint8_t)strtoul (pair, NULL, 16);
        buffer_append (&out, &byte, 1);
        hex++;
    }
    return keep_buffer (&out);
}

const char *sample_hex (slice_t bytes)
{
    buffer_t out = {0};
    for (size_t i = 0; i < bytes.size; i++) {
        char pair[3];
        snprintf (pair, sizeof pair, "%02x", bytes.data[i]);
        buffer_append (&out, pair, 2);
    }
    return keep_text (&out);
}

uint64_t sample_random (uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

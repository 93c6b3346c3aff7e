//  bytes - the helpers of bytes.h

#include "tests/unit/messages/bytes.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdlib.h>

#include "messages/error.h"

//  What was given out, reachable from here, so that it is no leak.
typedef struct kept {
    struct kept *next;
    uint8_t *data;
} kept_t;
static kept_t *all_kept;

static uint8_t *keep (size_t size)
{
    kept_t *kept = malloc (sizeof *kept);
    uint8_t *data = malloc (size);
    cr_assert (kept && (data || size == 0));
    *kept = (kept_t){all_kept, data};
    all_kept = kept;
    return data;
}

slice_t bytes_copy (slice_t bytes)
{
    uint8_t *data = keep (bytes.size);
    if (bytes.size)
        memcpy (data, bytes.data, bytes.size);
    return slice_of (data, bytes.size);
}

slice_t bytes_hex (const char *hex)
{
    size_t length = strlen (hex);
    uint8_t *data = malloc (length / 2 + 1);
    size_t size;
    const char *end;
    cr_assert (data);
    int rc = sodium_hex2bin (data, length / 2 + 1, hex, length, " ", &size, &end);
    cr_assert (rc == 0 && !*end, "not hex: %s", hex);
    slice_t bytes = bytes_copy (slice_of (data, size));
    free (data);
    return bytes;
}

slice_t bytes_repeat (uint8_t byte, size_t count)
{
    uint8_t *data = keep (count);
    memset (data, byte, count);
    return slice_of (data, count);
}

void bytes_expect (slice_t actual, const char *hex)
{
    slice_t expected = bytes_hex (hex);
    if (slice_equal (actual, expected))
        return;
    char *text = malloc (actual.size * 2 + 1);
    cr_assert (text);
    sodium_bin2hex (text, actual.size * 2 + 1, actual.data, actual.size);
    cr_expect (false, "%s\nis not what it should be:\n%s", text, hex);
    free (text);
}

uuid16_t uuid_from (uint8_t first)
{
    uuid16_t uuid;
    for (int i = 0; i < 16; i++)
        uuid.bytes[i] = (uint8_t)(first + i);
    return uuid;
}

uint64_t number_next (uint64_t *state)
{
    uint64_t number = *state += 0x9e3779b97f4a7c15u;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

//  ---- the enemy

void expect_truncations_refused (slice_t sample, decode_t *decode)
{
    for (size_t size = 0; size < sample.size; size++) {
        int rc = decode (bytes_copy (slice_of (sample.data, size)));
        cr_expect (rc == ERR_TRUNCATED, "%zu of %zu bytes: %s", size, sample.size, error_name (rc));
    }
}

//  Bytes that mean the most to a decoder of msgpack: the ends of the ranges, the widest lengths.
static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
    0xc4, 0xc6, 0xc7, 0xcb, 0xcf, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff};

static uint8_t some_byte (uint64_t *state)
{
    uint64_t number = number_next (state);
    return number & 1 ? telling[(number >> 8) % sizeof telling] : (uint8_t)(number >> 8);
}

//  One change to data, which has room for one byte more. The new size.
static size_t change_once (uint8_t *data, size_t size, uint64_t *state)
{
    size_t at = (size_t)(number_next (state) % (size + 1));
    uint8_t byte = some_byte (state);
    switch (number_next (state) % 5) {
    case 0: // puts one in
        memmove (data + at + 1, data + at, size - at);
        data[at] = byte;
        return size + 1;
    case 1: // leaves one out
        if (at < size)
            memmove (data + at, data + at + 1, size - at - 1);
        return at < size ? size - 1 : size;
    case 2: // ends early
        return at ? at : size;
    case 3: // flips a bit
        if (at < size)
            data[at] ^= (uint8_t)(1u << byte % 8);
        return size;
    default: // says something else
        if (at < size)
            data[at] = byte;
        return size;
    }
}

void expect_mutations_survived (slice_t sample, unsigned rounds, decode_t *decode)
{
    uint64_t state = 1;
    for (unsigned round = 0; round < rounds; round++) {
        unsigned changes = 1 + (unsigned)(number_next (&state) % 4);
        uint8_t *data = malloc (sample.size + changes);
        cr_assert (data);
        memcpy (data, sample.data, sample.size);
        size_t size = sample.size;
        for (unsigned i = 0; i < changes; i++)
            size = change_once (data, size, &state);
        uint8_t *exact = malloc (size);
        cr_assert (exact || size == 0);
        if (size)
            memcpy (exact, data, size);
        decode (slice_of (exact, size));
        free (exact);
        free (data);
    }
}

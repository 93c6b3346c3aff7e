//  uuid16 - a 16-byte identifier: of a client, a record, a pool, a content
//
//  Text form: RFC 9562, 36 characters, lower case out, either case in.

#ifndef TIDEPOOL_UUID_H
#define TIDEPOOL_UUID_H

#include "messages/slice.h"

#define UUID_TEXT_SIZE 37 // with its closing zero

typedef struct uuid16 {
    uint8_t bytes[16];
} uuid16_t;

static inline int uuid_compare (const uuid16_t *a, const uuid16_t *b)
{
    return memcmp (a->bytes, b->bytes, sizeof a->bytes);
}

static inline bool uuid_equal (const uuid16_t *a, const uuid16_t *b)
{
    return uuid_compare (a, b) == 0;
}

bool uuid_is_zero (const uuid16_t *self);

//  Writes 36 characters and a zero.
void uuid_to_text (const uuid16_t *self, char ret_text[UUID_TEXT_SIZE]);

//  36 characters with dashes, or 32 hex digits; ERR_MALFORMED otherwise.
int uuid_from_text (slice_t text, uuid16_t *ret_uuid);

//  UUIDv7 (RFC 9562, 5.7) from milliseconds since the Unix epoch and 10 random bytes.
uuid16_t uuid_v7 (uint64_t unix_ms, const uint8_t random[10]);

#endif

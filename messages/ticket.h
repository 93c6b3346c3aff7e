//  ticket - an invitation as a person passes it on: one line of text
//
//  "tidepool1-" and base64url (RFC 4648, 5, no padding) of the msgpack
//      [pool bin 16, key bin 32 (the inviter's Ed25519 key), secret bin 32, expires uint (Unix seconds), [endpoint text, …]]
//  The door knows the invited client by the CURVE key that comes from the secret (keys.h); the endpoints are the
//  door's.

#ifndef TIDEPOOL_TICKET_H
#define TIDEPOOL_TICKET_H

#include "messages/keys.h"
#include "messages/limits.h"

typedef struct ticket {
    uuid16_t pool;
    public_key_t key;
    uint8_t secret[32];
    uint64_t expires; // Unix seconds
    size_t endpoint_count;
    char endpoints[LIMIT_ENDPOINTS][LIMIT_ENDPOINT_BYTES + 1];
} ticket_t;

void ticket_to_text (const ticket_t *self, buffer_t *out); // no closing zero
int ticket_from_text (slice_t text, ticket_t *ret_ticket); // ERR_TICKET_INVALID

#endif

//  digest - an order-independent fingerprint of what is visible
//
//  The sum modulo 2^128 of XXH3-128 of each visible record: its owner (16 zero bytes where there is none), its uuid and its
//  visible value in canonical form. Two nodes with equal digests show the same records (but for chance
//  of 2^-64 and malice: a digest finds defects, it proves nothing against an enemy). Shown as 16 bytes,
//  big endian.

#ifndef TIDEPOOL_DIGEST_H
#define TIDEPOOL_DIGEST_H

#include "messages/uuid.h"

typedef struct digest {
    uint64_t low;
    uint64_t high;
} digest_t;

digest_t digest_of_record (
    const uuid16_t *owner, const uuid16_t *uuid, slice_t value); // owner may be NULL
void digest_add (digest_t *self, const digest_t *item);
void digest_subtract (digest_t *self, const digest_t *item);
void digest_to_bytes (const digest_t *self, uint8_t ret_bytes[16]);
void digest_from_bytes (const uint8_t bytes[16], digest_t *ret_digest);

//  XXH3-64, the checksum in front of stored values.
uint64_t checksum_of (slice_t bytes);

#endif

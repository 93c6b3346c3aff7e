//  digest - sums modulo 2^128 of XXH3-128, and the checksum of what is stored

#include "messages/digest.h"

#define XXH_STATIC_LINKING_ONLY // the state's size, so that it can stand on the stack
#include <xxhash.h>

digest_t digest_of_record (const uuid16_t *owner, const uuid16_t *uuid, slice_t value)
{
    static const uuid16_t nobody;
    const uuid16_t *by = owner ? owner : &nobody;
    XXH3_state_t state;
    XXH3_INITSTATE (&state);
    XXH3_128bits_reset (&state);
    XXH3_128bits_update (&state, by->bytes, sizeof by->bytes);
    XXH3_128bits_update (&state, uuid->bytes, sizeof uuid->bytes);
    XXH3_128bits_update (&state, value.data, value.size);
    XXH128_hash_t hash = XXH3_128bits_digest (&state);
    return (digest_t){.low = hash.low64, .high = hash.high64};
}

void digest_add (digest_t *self, const digest_t *item)
{
    uint64_t low = self->low + item->low;
    self->high += item->high + (low < self->low);
    self->low = low;
}

void digest_subtract (digest_t *self, const digest_t *item)
{
    uint64_t low = self->low - item->low;
    self->high -= item->high + (low > self->low);
    self->low = low;
}

void digest_to_bytes (const digest_t *self, uint8_t ret_bytes[16])
{
    for (int i = 0; i < 8; i++) {
        ret_bytes[i] = (uint8_t)(self->high >> (56 - 8 * i));
        ret_bytes[8 + i] = (uint8_t)(self->low >> (56 - 8 * i));
    }
}

void digest_from_bytes (const uint8_t bytes[16], digest_t *ret_digest)
{
    digest_t digest = {0};
    for (int i = 0; i < 8; i++) {
        digest.high = digest.high << 8 | bytes[i];
        digest.low = digest.low << 8 | bytes[8 + i];
    }
    *ret_digest = digest;
}

uint64_t checksum_of (slice_t bytes)
{
    return XXH3_64bits (bytes.data, bytes.size);
}

//  bytes - what the tests of messages/ share: bytes written as hex, and the enemy who sends others
//
//  Memory from here is of exactly the size asked for, so that the address sanitizer sees a read one
//  byte past it, and stays until the test's process ends.

#ifndef TIDEPOOL_TESTS_BYTES_H
#define TIDEPOOL_TESTS_BYTES_H

#include "messages/slice.h"
#include "messages/uuid.h"

//  A copy.
slice_t bytes_copy (slice_t bytes);

//  From hex digits; spaces are skipped.
slice_t bytes_hex (const char *hex);

//  count times the byte.
slice_t bytes_repeat (uint8_t byte, size_t count);

//  Fails the test, and shows both, if they are not the same.
void bytes_expect (slice_t actual, const char *hex);

//  A uuid of 16 bytes that count up from this one.
uuid16_t uuid_from (uint8_t first);

//  The next number of a sequence that is the same in each run (splitmix64).
uint64_t number_next (uint64_t *state);

//  Decodes all of the bytes: 0 or an error.
typedef int (decode_t) (slice_t bytes);

//  Every shorter part that begins where the sample does must be ERR_TRUNCATED.
void expect_truncations_refused (slice_t sample, decode_t *decode);

//  Decodes `rounds` variants of the sample with bytes changed, put in, left out or moved, the same
//  in each run. What comes of it does not matter, as long as nothing crashes; decode () may check
//  more.
void expect_mutations_survived (slice_t sample, unsigned rounds, decode_t *decode);

#endif

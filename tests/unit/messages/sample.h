//  sample - small clients, timestamps, values and operations for the tests of operations and records
//
//  All memory is static: a test runs in a process of its own, and leaks nothing.

#ifndef TIDEPOOL_TESTS_SAMPLE_H
#define TIDEPOOL_TESTS_SAMPLE_H

#include "messages/batch.h"
#include "messages/record.h"

//  The client of a letter: sixteen times its code.
uuid16_t sample_client (char letter);

//  "B7": time 7 of client B.
timestamp_t sample_stamp (const char *text);

//  "a=1 b=nil": a canonical value with small numbers; names may come in any order.
slice_t sample_value (const char *text);

//  The other way round, of any map of small numbers and nils.
const char *sample_value_text (slice_t value);

//  "B7 update ignore a=3 b=4 ^A5 <A6 <C2": the operation of client B at time 7, on a floor A5, in a
//  batch that has seen up to A6 and C2.
typedef struct sample {
    operation_t operation;
    vector_t seen;
    watermark_t entries[8]; // the vector's
} sample_t;
void sample_parse (const char *text, sample_t *ret_sample);

//  "A6 C2": a vector.
vector_t sample_vector (const char *text);

//  "+A1 !B4 ^A3 -C2 a=1@A1 ~b=2@B4": a record created at A1 and written at B4, with a floor, a deletion, a strong
//  value and a weak one; names and clients of deletions ascending. Its arrays are the caller's: record_release.
record_t sample_record (const char *text);

//  The other way round.
const char *sample_record_text (const record_t *record);

//  Bytes written in hex; blanks count nothing.
slice_t sample_bytes (const char *hex);
const char *sample_hex (slice_t bytes);

//  Pseudo-random numbers for tests: splitmix64, the same at each run.
uint64_t sample_random (uint64_t *state);

#endif

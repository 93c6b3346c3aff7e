//  notation - msgpack as text that a person can read in a test, both ways
//
//      {do: 'get', id: 7, uuid: #3, list: [1, -2, true, nil, 1.5], bytes: x'00ff'}
//
//  A name before a colon is a text. #n is a bin 16 that ends in n; one that
//  notation_name was told of has a name, as in {client: @me}.
//  Nothing here checks much: it is for tests, which say what they mean.

#ifndef TIDEPOOL_TEST_NOTATION_H
#define TIDEPOOL_TEST_NOTATION_H

#include "messages/pack.h"
#include "messages/uuid.h"

//  Static text; the same name again has a new meaning.
void notation_name (const char *name, const uuid16_t *uuid);

uuid16_t uuid_n (uint64_t n);

void notation_read (const char *text, buffer_t *out);
//  Appends text. What is not sound shows as "!".
void notation_write (slice_t encoded, buffer_t *out);

#endif

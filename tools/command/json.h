//  json - JSON out of msgpack, and msgpack out of JSON (RFC 8259)
//
//  Out: integers exactly, up to 2^64 - 1; texts with all that a terminal could obey escaped; bytes as base64 (RFC 4648, 4,
//  with padding). Two things are more than their bytes:
//      a bin 16 under a name that is a uuid's (client, uuid, owner, …; README.md has the list)   its 36 characters
//      [uint, bin 16] outside of a record's value: a timestamp                                  its text
//  A float that JSON has no form for becomes null. A key that is no text becomes its JSON, as a text.
//
//  In: strictly what RFC 8259 allows, in UTF-8, no name twice in an object, nothing that a number could not hold. An integer
//  becomes an integer, a number with a point or an exponent a double.

#ifndef TIDEPOOL_JSON_H
#define TIDEPOOL_JSON_H

#include "messages/limits.h"
#include "messages/pack.h"

//  Appends a msgpack value that a node sent. What is not sound ends as null.
void json_write (slice_t value, buffer_t *out);

//  The same for what lies under `key` in a record's value.
void json_write_value (slice_t value, const char *key, buffer_t *out);

//  Appends the text with its quotes.
void json_write_text (slice_t text, buffer_t *out);

//  Appends the msgpack of a JSON text. ERR_MALFORMED, and *ret_why (static) says what is wrong; out is as it was then.
int json_read (slice_t text, buffer_t *out, const char **ret_why);

#endif

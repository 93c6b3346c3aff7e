//  pack, cursor - msgpack out, and msgpack in from an enemy
//
//  Writing goes through msgpack-c's packer into a buffer. Reading is a checked cursor over the
//  bytes: no tree is built, nothing is allocated, every length is checked against what is really
//  there before it is believed. (msgpack-c's unpacker reserves by the length that a header claims:
//  five bytes take gigabytes; see README.md, "Reading from an enemy".)
//
//  Specification: https://github.com/msgpack/msgpack/blob/master/spec.md
//  The ext family is not used and is refused.

#ifndef TIDEPOOL_PACK_H
#define TIDEPOOL_PACK_H

#include "messages/error.h"
#include "messages/slice.h"

//  ---- writing; all append to the buffer

void pack_nil (buffer_t *out);
void pack_bool (buffer_t *out, bool value);
void pack_uint (buffer_t *out, uint64_t value);
void pack_int (buffer_t *out, int64_t value);
void pack_double (buffer_t *out, double value);
void pack_text (buffer_t *out, slice_t text);
void pack_string (buffer_t *out, const char *text); // NULL gives nil
void pack_bin (buffer_t *out, slice_t bytes);
void pack_array (buffer_t *out, size_t count);
void pack_map (buffer_t *out, size_t count);
void pack_raw (buffer_t *out, slice_t encoded); // bytes that are msgpack already

//  ---- reading

enum pack_kind {
    PACK_NIL,
    PACK_BOOL,
    PACK_UINT, // any integer that is not negative, whatever its encoding
    PACK_INT,  // a negative integer
    PACK_DOUBLE,
    PACK_TEXT,
    PACK_BIN,
    PACK_ARRAY,
    PACK_MAP,
    PACK_END // nothing left
};

//  A cursor stands before one value. Each cursor_ function reads one value and steps behind it, or
//  answers ERR_TRUNCATED or ERR_MALFORMED and stays where it was, its output untouched.
typedef struct cursor {
    const uint8_t *at;
    const uint8_t *end;
} cursor_t;

static inline cursor_t cursor_over (slice_t bytes)
{
    return (cursor_t){bytes.data, bytes.size ? bytes.data + bytes.size : bytes.data};
}

static inline bool cursor_done (const cursor_t *self)
{
    return self->at == self->end;
}

//  The kind of the next value; PACK_END at the end; ERR_MALFORMED for a byte that begins nothing.
int cursor_kind (const cursor_t *self);

int cursor_nil (cursor_t *self);
int cursor_bool (cursor_t *self, bool *ret_value);
int cursor_uint (cursor_t *self, uint64_t *ret_value);
int cursor_int (cursor_t *self, int64_t *ret_value);   // any integer that fits
int cursor_double (cursor_t *self, double *ret_value); // a float, a double or any integer
int cursor_text (cursor_t *self, slice_t *ret_text);   // valid UTF-8 only
int cursor_string (
    cursor_t *self, char *ret_text, size_t size); // a text without a zero, that fits with one
int cursor_bin (cursor_t *self, slice_t *ret_bytes);
int cursor_bin_exact (cursor_t *self, void *ret_bytes, size_t size); // a bin of exactly this size
int cursor_array (cursor_t *self, size_t *ret_count);                // count <= bytes that are left
int cursor_map (cursor_t *self, size_t *ret_count); // 2 * count <= bytes that are left

//  Steps over one whole value, checking all of it: depth <= LIMIT_DEPTH, elements <= LIMIT_ELEMENTS,
//  UTF-8 of texts. ret_value (may be NULL) gets its bytes.
int cursor_skip (cursor_t *self, slice_t *ret_value);

//  0 if the bytes are exactly one value, sound to its depths, with nothing behind it. This is run
//  over whatever comes in from outside before anything else looks at it.
int pack_check (slice_t bytes);

//  Well-formed UTF-8 without surrogates and overlong forms (RFC 3629).
bool utf8_valid (slice_t text);

#endif

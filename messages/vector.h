//  vector - who has applied what: a version vector of watermarks
//
//  A watermark is (upto, hash): the time of the last operation of a client's chain that is here, and
//  the hash of the batch that ended there, so that a fork shows even after a flush. A vector holds at
//  most one watermark a client, sorted by client. In msgpack: [[bin 16, uint64, bin 32], …], in
//  ascending order of the client; a watermark of rows has no hash and is packed with nil.
//  Terms: semantics.md, "Causal delivery".

#ifndef TIDEPOOL_VECTOR_H
#define TIDEPOOL_VECTOR_H

#include "messages/pack.h"
#include "messages/timestamp.h"

#define HASH_SIZE 32

typedef struct hash {
    uint8_t bytes[HASH_SIZE]; // BLAKE2b-256; all zero where there is none
} hash_t;

static inline bool hash_equal (const hash_t *a, const hash_t *b)
{
    return memcmp (a->bytes, b->bytes, sizeof a->bytes) == 0;
}

typedef struct watermark {
    uuid16_t client;
    uint64_t upto; // NTP time, > 0
    hash_t hash;
} watermark_t;

//  A zeroed struct is the empty vector.
typedef struct vector {
    watermark_t *entries; // ascending by client, no client twice
    size_t count;
    size_t capacity;
} vector_t;

void vector_release (vector_t *self);
void vector_clear (vector_t *self); // empties, keeps the memory
void vector_copy (vector_t *self, const vector_t *from);

//  The client's watermark, or NULL.
const watermark_t *vector_find (const vector_t *self, const uuid16_t *client);

//  The client's upto, 0 where it has none.
uint64_t vector_upto (const vector_t *self, const uuid16_t *client);

//  Sets the client's watermark whatever it was. hash may be NULL.
void vector_set (vector_t *self, const uuid16_t *client, uint64_t upto, const hash_t *hash);

//  Raises the client's watermark; true if it rose.
bool vector_raise (vector_t *self, const uuid16_t *client, uint64_t upto, const hash_t *hash);

//  Raises every entry to the other's; true if any rose.
bool vector_merge (vector_t *self, const vector_t *other);

void vector_remove (vector_t *self, const uuid16_t *client);

//  True if the vector is at or past the timestamp.
bool vector_covers (const vector_t *self, const timestamp_t *timestamp);

//  True if it is at or past every entry of the other.
bool vector_covers_all (const vector_t *self, const vector_t *other);

bool vector_equal (const vector_t *a, const vector_t *b); // uptos only

void vector_pack (const vector_t *self, buffer_t *out);

//  Strict: ascending, no duplicates, upto > 0, at most LIMIT_MEMBERS. On failure the vector is empty.
int vector_unpack (cursor_t *cursor, vector_t *ret_vector);

#endif

//  batch - what an origin committed together: sealed, signed, stored and forwarded byte for byte
//
//      [version, origin, after, previous, upto, seen, covers, resources, records, operations, signature]
//  with  version     uint 1
//        origin      bin 16: the client that sealed it
//        after       uint64: its previous batch's upto, 0 for its first
//        previous    bin 32: hash of its previous batch, nil for its first
//        upto        uint64: the time of its last operation; a timestamp of its own for an empty batch
//        seen        vector: which watermarks of other clients it advanced since its previous batch
//        covers      nil, or, in a batch that issues anew (semantics.md, "Joining, and returning"),
//                    a vector: what the returner's own was, not past upto
//        resources   [text, …]: the names that it uses, each once, in order of first use
//        records     [[resource, uuid, flags, record], …]: what it issues anew (news.h): index of the
//                    resource, bin 16, uint, record.h with bin 16 origins and no time past upto; none of `clients`
//        operations  [[…], …]: operation.h, in ascending order of time; of timestamp in a batch that
//                    issues anew, for there two clients' operations may share a time
//        signature   bin 64: Ed25519 over "tidepool batch 1" and all bytes of the batch before this element
//  The hash of a batch is BLAKE2b-256 of all of its bytes.

#ifndef TIDEPOOL_BATCH_H
#define TIDEPOOL_BATCH_H

#include "messages/keys.h"
#include "messages/operation.h"
#include "messages/record.h"

#define BATCH_VERSION 1

typedef struct batch {
    slice_t bytes; // all of it, borrowed
    uuid16_t origin;
    uint64_t after;
    hash_t previous; // zero where after is 0
    uint64_t upto;
    vector_t seen; // owned: batch_release
    vector_t covers;
    bool issues_anew; // covers is not nil
    size_t resource_count;
    slice_t *resources; // owned array of borrowed names
    size_t record_count;
    slice_t records;    // borrowed: the packed records behind each other
    size_t count;       // operations
    slice_t operations; // borrowed: the packed operations behind each other
    slice_t signature;
    hash_t hash; // of bytes
} batch_t;

//  Decodes and checks all that can be checked without a key or a store: form, bounds, ascending times,
//  after < first time, last time == upto (unless empty or issuing anew: then at most upto, so that upto is all
//  that a clock must be asked about), a floor that is earlier than its operation (when issuing anew: not past
//  upto), seen has no entry for origin, every resource used, values canonical (value_unpack), nothing trailing. ERR_MALFORMED, ERR_TRUNCATED, ERR_WRONG_VERSION, ERR_TOO_LARGE.
//  *ret_batch borrows bytes; it needs batch_release even though it was zeroed on failure.
int batch_decode (slice_t bytes, batch_t *ret_batch);
void batch_release (batch_t *self);

//  Only the frame of reference of an operation-less look: origin, after, upto, count. Trusts its bytes (they were
//  checked before they were stored).
typedef struct batch_head {
    uuid16_t origin;
    uint64_t after;
    uint64_t upto;
    size_t count;
    bool issues_anew;
} batch_head_t;
int batch_peek (slice_t bytes, batch_head_t *ret_head);

//  Steps over one whole batch among others behind each other. cursor_skip would not do: what it steps over in
//  one go has LIMIT_ELEMENTS at most, which is each operation's due and not the whole batch's.
int batch_skip (cursor_t *cursor, slice_t *ret_bytes);

//  Whoever takes it acknowledges it; an empty batch is an acknowledgement itself.
static inline bool batch_wants_ack (const batch_head_t *head)
{
    return head->count > 0 || head->issues_anew;
}

//  Only its `seen`, with the same trust; the vector is cleared first.
int batch_seen (slice_t bytes, vector_t *ret_seen);

//  Only its `covers`, likewise; empty where it issues nothing anew.
int batch_covers (slice_t bytes, vector_t *ret_covers);

//  ERR_BAD_SIGNATURE if the key did not sign it, or is not the origin's.
int batch_verify (const batch_t *self, const public_key_t *key);

//  Walks the operations in order. Begin with a zeroed walk.
typedef struct batch_walk {
    cursor_t cursor;
    uint64_t time;
    size_t index;
} batch_walk_t;
bool batch_next (const batch_t *self, batch_walk_t *walk, operation_t *ret_operation);

//  One record that is issued anew. The record's names and values borrow from the batch; its arrays are its
//  own, kept from one to the next: record_release.
typedef struct batch_record {
    slice_t resource;
    uuid16_t uuid;
    uint64_t flags; // enum news_flag
    record_t record;
} batch_record_t;
//  Walks the records. Begin with a zeroed walk, another than that of the operations.
bool batch_record_next (const batch_t *self, batch_walk_t *walk, batch_record_t *ret_record);

//  ---- sealing

//  A zeroed struct is an empty writer; it keeps its memory from batch to batch.
typedef struct batch_writer {
    uuid16_t origin;
    uint64_t after;
    hash_t previous;
    uint64_t time;     // of the last operation added
    uuid16_t client;   // of the last operation added
    bool needs_covers; // it holds what only a batch that issues anew may hold
    size_t count;
    size_t record_count;
    buffer_t records;
    buffer_t operations;
    buffer_t names; // packed resource names, in order of index
    size_t name_count;
} batch_writer_t;

void batch_writer_begin (
    batch_writer_t *self, const uuid16_t *origin, uint64_t after, const hash_t *previous);
//  The operation's timestamp must be larger than the one before; asserts.
void batch_writer_add (batch_writer_t *self, const operation_t *operation);
//  A record that is issued anew; all of them before any operation; asserts.
void batch_writer_add_record (batch_writer_t *self, slice_t resource, const uuid16_t *uuid,
    uint64_t flags, const record_t *record);
size_t batch_writer_size (const batch_writer_t *self); // bytes so far, roughly
//  Seals: appends the batch's bytes to out. upto == the last operation's time; any time after `after` if there is
//  no operation; and in a batch that issues anew, where covers is not NULL, any that is no earlier than the last
//  operation's. The identity is the origin's. Asserts all of this; ret_hash may be NULL.
void batch_writer_seal (batch_writer_t *self, uint64_t upto, const vector_t *seen,
    const vector_t *covers, const identity_t *identity, buffer_t *out, hash_t *ret_hash);
void batch_writer_release (batch_writer_t *self);

#endif

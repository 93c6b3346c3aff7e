//  tally - what an owner has signed of its rows: how many it shows, and their digest, at its watermark
//
//  It is the owner's acknowledgement of its own rows. Rows travel without a log and without a signature each, through
//  whoever has them; so whoever has all rows of an owner up to the tally's `upto`, and no other, compares: what a relay
//  altered, left out or added shows. Markers of deletions are not counted: nodes forget them at different times.
//
//      [owner bin 16, upto uint64, count uint64, digest bin 16, signature bin 64]
//
//  signature: Ed25519 by the owner over "tidepool rows 1" and the bytes of the array before the signature, its header
//  included. digest: the sum modulo 2^128 of the first 16 bytes, big endian, of BLAKE2b-256 of
//  owner (16 bytes) and the row as it travels (row.h). A relay that may choose thousands of rows can, with much work, find
//  others with the same sum: it is a check, and no proof.

#ifndef TIDEPOOL_TALLY_H
#define TIDEPOOL_TALLY_H

#include "messages/digest.h"
#include "messages/keys.h"
#include "messages/row.h"

typedef struct tally {
    uuid16_t owner;
    uint64_t upto; // the owner's watermark of its rows
    uint64_t count;
    digest_t digest;
    uint8_t signature[SIGNATURE_SIZE];
} tally_t;

//  What one row adds to the digest. scratch is cleared and used.
digest_t tally_item (const uuid16_t *owner, const row_t *row, buffer_t *scratch);

//  Fills in the signature; the identity is the owner's.
void tally_sign (tally_t *self, const identity_t *identity);

//  ERR_BAD_SIGNATURE if the key did not sign it, or is not the owner's.
int tally_verify (const tally_t *self, const public_key_t *key);

//  Do these sums agree with it?
bool tally_agrees (const tally_t *self, uint64_t count, const digest_t *digest);

void tally_pack (const tally_t *self, buffer_t *out);
int tally_unpack (cursor_t *cursor, tally_t *ret_tally); // strict; ERR_MALFORMED, ERR_TRUNCATED

#endif

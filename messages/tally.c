//  tally - what an owner has signed of its rows

#include "messages/tally.h"

#define TALLY_ELEMENTS 5
#define TALLY_DOMAIN   "tidepool rows 1"

digest_t tally_item (const uuid16_t *owner, const row_t *row, buffer_t *scratch)
{
    hash_t hash;
    digest_t item;
    buffer_clear (scratch);
    buffer_append (scratch, owner->bytes, sizeof owner->bytes);
    row_pack (row, scratch);
    hash_bytes (buffer_slice (scratch), &hash);
    digest_from_bytes (hash.bytes, &item);
    return item;
}

static void pack_all_but_signature (const tally_t *self, buffer_t *out)
{
    uint8_t digest[16];
    digest_to_bytes (&self->digest, digest);
    pack_array (out, TALLY_ELEMENTS);
    pack_bin (out, slice_of (self->owner.bytes, sizeof self->owner.bytes));
    pack_uint (out, self->upto);
    pack_uint (out, self->count);
    pack_bin (out, slice_of (digest, sizeof digest));
}

static void text_of (const tally_t *self, buffer_t *out)
{
    buffer_append (out, TALLY_DOMAIN, sizeof TALLY_DOMAIN - 1);
    pack_all_but_signature (self, out);
}

void tally_sign (tally_t *self, const identity_t *identity)
{
    buffer_t text = {NULL, 0, 0};
    text_of (self, &text);
    key_sign (identity, buffer_slice (&text), self->signature);
    buffer_release (&text);
}

int tally_verify (const tally_t *self, const public_key_t *key)
{
    uuid16_t client = client_of_key (key);
    buffer_t text = {NULL, 0, 0};
    if (!uuid_equal (&client, &self->owner))
        return ERR_BAD_SIGNATURE;
    text_of (self, &text);
    bool signed_so = key_verify (key, buffer_slice (&text), self->signature);
    buffer_release (&text);
    return signed_so ? 0 : ERR_BAD_SIGNATURE;
}

bool tally_agrees (const tally_t *self, uint64_t count, const digest_t *digest)
{
    return self->count == count && self->digest.low == digest->low &&
           self->digest.high == digest->high;
}

void tally_pack (const tally_t *self, buffer_t *out)
{
    pack_all_but_signature (self, out);
    pack_bin (out, slice_of (self->signature, sizeof self->signature));
}

int tally_unpack (cursor_t *cursor, tally_t *ret_tally)
{
    tally_t tally;
    cursor_t at = *cursor;
    uint8_t digest[16];
    size_t elements;
    int rc = cursor_array (&at, &elements);
    if (rc == 0 && elements != TALLY_ELEMENTS)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin_exact (&at, tally.owner.bytes, sizeof tally.owner.bytes);
    if (rc == 0)
        rc = cursor_uint (&at, &tally.upto);
    if (rc == 0)
        rc = cursor_uint (&at, &tally.count);
    if (rc == 0)
        rc = cursor_bin_exact (&at, digest, sizeof digest);
    if (rc == 0)
        rc = cursor_bin_exact (&at, tally.signature, sizeof tally.signature);
    if (rc)
        return rc;
    digest_from_bytes (digest, &tally.digest);
    *ret_tally = tally;
    *cursor = at;
    return 0;
}

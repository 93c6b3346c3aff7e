//  tallies - owner 16 -> count u64, digest 16; and where it has signed: upto u64, count u64, digest 16, signature 64

#include "store/tallies.h"

#include "store/owned.h"
#include "store/table.h"

typedef struct sums {
    uint64_t count;
    digest_t digest;
    bool has_tally;
    tally_t tally;
} sums_t;

static bool take_sums (slice_t *from, uint64_t *ret_count, digest_t *ret_digest)
{
    uint8_t digest[16];
    if (!take_u64 (from, ret_count) || !take_bytes (from, digest, sizeof digest))
        return false;
    digest_from_bytes (digest, ret_digest);
    return true;
}

static void add_sums (buffer_t *out, uint64_t count, const digest_t *digest)
{
    uint8_t bytes[16];
    digest_to_bytes (digest, bytes);
    add_u64 (out, count);
    buffer_append (out, bytes, sizeof bytes);
}

//  A marker shows nothing, and not every node has it still.
static void sums_add (sums_t *self, const uuid16_t *owner, const row_t *row, buffer_t *scratch)
{
    if (!row->value.size)
        return;
    digest_t item = tally_item (owner, row, scratch);
    digest_add (&self->digest, &item);
    self->count++;
}

static void sums_subtract (sums_t *self, const uuid16_t *owner, const row_t *row, buffer_t *scratch)
{
    if (!row->value.size)
        return;
    digest_t item = tally_item (owner, row, scratch);
    digest_subtract (&self->digest, &item);
    self->count--;
}

static int sums_walk (txn_t *txn, const uuid16_t *owner, sums_t *sums)
{
    buffer_t scratch = {NULL, 0, 0};
    row_t row = {.updated = 0};
    int rc;
    while ((rc = owned_stream (txn, owner, row.updated, &row)) == 0)
        sums_add (sums, owner, &row, &scratch);
    buffer_release (&scratch);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int sums_load (txn_t *txn, const uuid16_t *owner, sums_t *ret_sums)
{
    sums_t sums = {.count = 0};
    slice_t value;
    int rc = table_get (txn, TABLE_TALLIES, slice_of (owner, sizeof *owner), &value);
    if (rc == ERR_NOT_FOUND)
        rc = sums_walk (txn, owner, &sums);
    else if (!rc && !take_sums (&value, &sums.count, &sums.digest))
        rc = txn_corrupt (txn);
    else if (!rc && value.size) {
        sums.has_tally = true;
        sums.tally.owner = *owner;
        if (!take_u64 (&value, &sums.tally.upto) ||
            !take_sums (&value, &sums.tally.count, &sums.tally.digest) ||
            !take_bytes (&value, sums.tally.signature, SIGNATURE_SIZE) || value.size)
            rc = txn_corrupt (txn);
    }
    if (!rc)
        *ret_sums = sums;
    return rc;
}

static int sums_save (txn_t *txn, const uuid16_t *owner, const sums_t *sums)
{
    buffer_clear (&txn->packed);
    add_sums (&txn->packed, sums->count, &sums->digest);
    if (sums->has_tally) {
        add_u64 (&txn->packed, sums->tally.upto);
        add_sums (&txn->packed, sums->tally.count, &sums->tally.digest);
        buffer_append (&txn->packed, sums->tally.signature, SIGNATURE_SIZE);
    }
    return table_put (
        txn, TABLE_TALLIES, slice_of (owner, sizeof *owner), buffer_slice (&txn->packed));
}

int tallies_sums (txn_t *txn, const uuid16_t *owner, uint64_t *ret_count, digest_t *ret_digest)
{
    sums_t sums;
    int rc = sums_load (txn, owner, &sums);
    if (rc)
        return rc;
    *ret_count = sums.count;
    *ret_digest = sums.digest;
    return 0;
}

int tallies_get (txn_t *txn, const uuid16_t *owner, tally_t *ret_tally)
{
    sums_t sums;
    int rc = sums_load (txn, owner, &sums);
    if (!rc && !sums.has_tally)
        rc = ERR_NOT_FOUND;
    if (!rc)
        *ret_tally = sums.tally;
    return rc;
}

int tallies_put (txn_t *txn, const tally_t *tally)
{
    sums_t sums;
    int rc = sums_load (txn, &tally->owner, &sums);
    sums.has_tally = true;
    sums.tally = *tally;
    return rc ? rc : sums_save (txn, &tally->owner, &sums);
}

int tallies_forget (txn_t *txn, const uuid16_t *owner)
{
    sums_t sums;
    int rc = sums_load (txn, owner, &sums);
    if (rc || !sums.has_tally)
        return rc;
    sums.has_tally = false;
    return sums_save (txn, owner, &sums);
}

int tallies_prepare (txn_t *txn, const uuid16_t *owner)
{
    sums_t sums;
    slice_t value;
    int rc = table_get (txn, TABLE_TALLIES, slice_of (owner, sizeof *owner), &value);
    if (rc != ERR_NOT_FOUND)
        return rc;
    rc = sums_load (txn, owner, &sums);
    return rc ? rc : sums_save (txn, owner, &sums);
}

int tallies_follow (txn_t *txn, const uuid16_t *owner, const row_t *before, const row_t *after)
{
    sums_t sums;
    int rc = sums_load (txn, owner, &sums);
    if (rc)
        return rc;
    sums_subtract (&sums, owner, before, &txn->packed);
    sums_add (&sums, owner, after, &txn->packed);
    return sums_save (txn, owner, &sums);
}

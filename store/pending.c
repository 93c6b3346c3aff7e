//  pending - pending_operations: sequence u64 -> the batch's bytes
//            pending_index:      origin u32, upto u64 -> sequence u64; of a batch that issues anew
//                                also upto u64, hash 32: its origin's watermark before it

#include "store/pending.h"
#include "store/table.h"

static void index_key (uint32_t origin, uint64_t upto, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u32 (ret_key, origin);
    key_u64 (ret_key, upto);
}

static int append (
    txn_t *txn, const batch_t *batch, const watermark_t *before, uint64_t *ret_sequence)
{
    counters_t *counters;
    uint32_t origin;
    int rc = counters_get (txn, &counters);
    if (!rc)
        rc = origins_intern (txn, &batch->origin, &origin);
    if (rc)
        return rc;
    uint64_t sequence = counters->sequence + 1;
    uint64_t bytes = __builtin_bswap64 (sequence);
    rc = table_append (txn, TABLE_PENDING, slice_of (&bytes, sizeof bytes), batch->bytes);
    if (rc)
        return rc;
    table_key_t key;
    index_key (origin, batch->upto, &key);
    buffer_clear (&txn->packed);
    add_u64 (&txn->packed, sequence);
    if (before) {
        add_u64 (&txn->packed, before->upto);
        buffer_append (&txn->packed, before->hash.bytes, HASH_SIZE);
    }
    rc = table_put (txn, TABLE_PENDING_INDEX, key_slice (&key), buffer_slice (&txn->packed));
    if (rc)
        return rc;
    counters->sequence = sequence;
    counters->batches++;
    counters->operations += batch->count;
    counters->bytes += batch->bytes.size;
    txn->counters_dirty = true;
    *ret_sequence = sequence;
    return 0;
}

int pending_append (txn_t *txn, const batch_t *batch, uint64_t *ret_sequence)
{
    return append (txn, batch, NULL, ret_sequence);
}

int pending_append_anew (
    txn_t *txn, const batch_t *batch, const watermark_t *before, uint64_t *ret_sequence)
{
    static const watermark_t none;
    return append (txn, batch, before ? before : &none, ret_sequence);
}

int pending_base (txn_t *txn, const uuid16_t *origin, watermark_t *ret_base)
{
    table_key_t from;
    slice_t key, value, bytes;
    uint32_t number, found;
    uint64_t sequence;
    batch_t batch = {.bytes = {NULL, 0}};
    int rc = origins_find (txn, origin, &number);
    if (rc)
        return rc;
    index_key (number, 0, &from);
    rc = table_seek (txn, TABLE_PENDING_INDEX, key_slice (&from), &key, &value);
    if (rc)
        return rc;
    if (!take_u32 (&key, &found) || !take_u64 (&value, &sequence))
        return txn_corrupt (txn);
    if (found != number)
        return ERR_NOT_FOUND;
    *ret_base = (watermark_t){.client = *origin};
    if (value.size)
        return take_u64 (&value, &ret_base->upto) &&
                       take_bytes (&value, ret_base->hash.bytes, HASH_SIZE)
                   ? 0
                   : txn_corrupt (txn);
    rc = pending_read (txn, sequence, &sequence, &bytes);
    if (rc == 0 && batch_decode (bytes, &batch) == 0) {
        ret_base->upto = batch.after;
        ret_base->hash = batch.previous;
    }
    batch_release (&batch);
    return rc;
}

int pending_read (txn_t *txn, uint64_t from, uint64_t *ret_sequence, slice_t *ret_bytes)
{
    uint64_t bytes = __builtin_bswap64 (from);
    slice_t key, value;
    int rc = table_seek (txn, TABLE_PENDING, slice_of (&bytes, sizeof bytes), &key, &value);
    if (rc)
        return rc;
    if (!take_u64 (&key, ret_sequence))
        return txn_corrupt (txn);
    *ret_bytes = value;
    return 0;
}

//  The first entry of the index at or behind (origin, upto).
static int index_seek (txn_t *txn, uint32_t origin, uint64_t upto, uint32_t *ret_origin,
    uint64_t *ret_upto, uint64_t *ret_sequence)
{
    table_key_t from;
    slice_t key, value;
    index_key (origin, upto, &from);
    int rc = table_seek (txn, TABLE_PENDING_INDEX, key_slice (&from), &key, &value);
    if (rc)
        return rc;
    bool sound =
        take_u32 (&key, ret_origin) && take_u64 (&key, ret_upto) && take_u64 (&value, ret_sequence);
    return sound ? 0 : txn_corrupt (txn);
}

int pending_find (
    txn_t *txn, const uuid16_t *origin, uint64_t after, uint64_t *ret_sequence, slice_t *ret_bytes)
{
    uint32_t number, found;
    uint64_t upto, sequence;
    if (after == UINT64_MAX)
        return ERR_NOT_FOUND;
    int rc = origins_find (txn, origin, &number);
    if (!rc)
        rc = index_seek (txn, number, after + 1, &found, &upto, &sequence);
    if (rc)
        return rc;
    if (found != number)
        return ERR_NOT_FOUND;
    uint64_t bytes = __builtin_bswap64 (sequence);
    rc = table_get (txn, TABLE_PENDING, slice_of (&bytes, sizeof bytes), ret_bytes);
    if (rc == ERR_NOT_FOUND)
        return txn_corrupt (txn);
    if (!rc)
        *ret_sequence = sequence;
    return rc;
}

//  A chain's batches are in the log in the order of the chain. So of each origin one place in the
//  index decides, and the walk leaps from origin to origin.
int pending_first_uncovered (txn_t *txn, const vector_t *vector, uint64_t *ret_sequence)
{
    counters_t *counters;
    int rc = counters_get (txn, &counters);
    if (rc)
        return rc;
    uint64_t first = counters->sequence + 1;
    uint32_t origin = 1;
    uint64_t from = 0;
    for (;;) {
        uint32_t found;
        uint64_t upto, sequence;
        rc = index_seek (txn, origin, from, &found, &upto, &sequence);
        if (rc)
            break;
        if (found == origin && from > 0) { // past what is covered of this one
            first = sequence < first ? sequence : first;
            origin = found + 1;
            from = 0;
            continue;
        }
        uuid16_t client;
        rc = origins_client (txn, found, &client);
        if (rc)
            break;
        uint64_t covered = vector_upto (vector, &client);
        origin = found + (covered == UINT64_MAX);
        from = covered == UINT64_MAX ? 0 : covered + 1;
    }
    if (rc != ERR_NOT_FOUND)
        return rc;
    *ret_sequence = first;
    return 0;
}

//  ---- flushing

static int batch_drop (
    txn_t *txn, counters_t *counters, uint32_t origin, uint64_t upto, uint64_t sequence)
{
    uint64_t bytes = __builtin_bswap64 (sequence);
    slice_t log_key = slice_of (&bytes, sizeof bytes), value;
    table_key_t key;
    batch_head_t head;
    index_key (origin, upto, &key);
    int rc = table_get (txn, TABLE_PENDING, log_key, &value);
    if (rc)
        return rc == ERR_NOT_FOUND ? txn_corrupt (txn) : rc;
    counters->batches--;
    counters->bytes -= value.size;
    if (batch_peek (value, &head) == 0)
        counters->operations -= head.count;
    txn->counters_dirty = true;
    rc = table_delete (txn, TABLE_PENDING, log_key);
    return rc ? rc : table_delete (txn, TABLE_PENDING_INDEX, key_slice (&key));
}

int pending_flush (
    txn_t *txn, const vector_t *stable, size_t most, size_t *ret_count, bool *ret_left)
{
    counters_t *counters;
    int rc = counters_get (txn, &counters);
    *ret_count = 0;
    *ret_left = false;
    for (size_t i = 0; rc == 0 && i < stable->count; i++) {
        uint32_t number, found;
        uint64_t upto, sequence;
        rc = origins_find (txn, &stable->entries[i].client, &number);
        while (rc == 0) {
            rc = index_seek (txn, number, 0, &found, &upto, &sequence);
            if (rc || found != number || upto > stable->entries[i].upto)
                break;
            if (*ret_count == most) {
                *ret_left = true;
                return 0;
            }
            rc = batch_drop (txn, counters, number, upto, sequence);
            (*ret_count)++;
        }
        rc = rc == ERR_NOT_FOUND ? 0 : rc;
    }
    return rc;
}

int pending_clear (txn_t *txn)
{
    counters_t *counters;
    int rc = counters_get (txn, &counters);
    if (rc == 0)
        rc = table_clear (txn, TABLE_PENDING);
    if (rc == 0)
        rc = table_clear (txn, TABLE_PENDING_INDEX);
    if (rc)
        return rc;
    counters->batches = counters->operations = counters->bytes = 0;
    txn->counters_dirty = true;
    return 0;
}

int pending_last (txn_t *txn, uint64_t *ret_sequence)
{
    counters_t *counters;
    int rc = counters_get (txn, &counters);
    if (!rc)
        *ret_sequence = counters->sequence;
    return rc;
}

int pending_totals (txn_t *txn, pending_totals_t *ret_totals)
{
    counters_t *counters;
    int rc = counters_get (txn, &counters);
    if (!rc)
        *ret_totals = (pending_totals_t){counters->batches, counters->operations, counters->bytes};
    return rc;
}

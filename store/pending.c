//  pending - pending_operations: sequence u64 -> the batch's bytes
//            pending_index:      origin u32, upto u64 -> sequence u64

#include "store/pending.h"
#include "store/table.h"
#include "store/watermarks.h"

static void index_key (uint32_t origin, uint64_t upto, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u32 (ret_key, origin);
    key_u64 (ret_key, upto);
}

int pending_append (txn_t *txn, const batch_t *batch, uint64_t *ret_sequence)
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
    rc = table_put (txn, TABLE_PENDING_INDEX, key_slice (&key), slice_of (&bytes, sizeof bytes));
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

//  Of a value that does not pass only that one is lost, and the transaction lives on.
static int value_lost (txn_t *txn, bool was_alive, int rc)
{
    if (rc == ERR_CORRUPT && was_alive)
        txn->failed = 0;
    return rc;
}

//  The batch under this sequence; ERR_CORRUPT where it is spoilt.
static int value_get (txn_t *txn, uint64_t sequence, slice_t *ret_bytes)
{
    bool alive = !txn->failed;
    uint64_t bytes = __builtin_bswap64 (sequence);
    int rc = table_get (txn, TABLE_PENDING, slice_of (&bytes, sizeof bytes), ret_bytes);
    return value_lost (txn, alive, rc);
}

int pending_look (txn_t *txn, uint64_t from, uint64_t *ret_sequence, slice_t *ret_bytes)
{
    bool alive = !txn->failed;
    uint64_t bytes = __builtin_bswap64 (from);
    slice_t key = {NULL, 0}, value = {NULL, 0};
    int rc = table_seek (txn, TABLE_PENDING, slice_of (&bytes, sizeof bytes), &key, &value);
    if (rc && (rc != ERR_CORRUPT || !key.data))
        return rc;
    if (!take_u64 (&key, ret_sequence))
        return txn_corrupt (txn);
    rc = value_lost (txn, alive, rc);
    if (rc == 0)
        *ret_bytes = value;
    return rc;
}

int pending_read (txn_t *txn, uint64_t from, uint64_t *ret_sequence, slice_t *ret_bytes)
{
    uint64_t sequence = from;
    int rc;
    while ((rc = pending_look (txn, from, &sequence, ret_bytes)) == ERR_CORRUPT && !txn->failed)
        from = sequence + 1;
    if (rc == 0)
        *ret_sequence = sequence;
    return rc;
}

int pending_replace (txn_t *txn, uint64_t sequence, uint64_t before, const batch_t *batch)
{
    counters_t *counters;
    uint32_t origin;
    uint64_t bytes = __builtin_bswap64 (sequence);
    slice_t log_key = slice_of (&bytes, sizeof bytes), old;
    table_key_t key;
    int rc = counters_get (txn, &counters);
    if (!rc)
        rc = origins_find (txn, &batch->origin, &origin);
    if (!rc)
        rc = table_get (txn, TABLE_PENDING, log_key, &old);
    if (rc)
        return rc;
    counters->bytes += batch->bytes.size - old.size;
    txn->counters_dirty = true;
    index_key (origin, before, &key);
    rc = table_delete (txn, TABLE_PENDING_INDEX, key_slice (&key));
    index_key (origin, batch->upto, &key);
    if (!rc)
        rc = table_put (txn, TABLE_PENDING_INDEX, key_slice (&key), log_key);
    return rc ? rc : table_put (txn, TABLE_PENDING, log_key, batch->bytes);
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

int pending_place (
    txn_t *txn, const uuid16_t *origin, uint64_t after, uint64_t *ret_upto, uint64_t *ret_sequence)
{
    uint32_t number, found;
    uint64_t upto, sequence;
    if (after == UINT64_MAX)
        return ERR_NOT_FOUND;
    int rc = origins_find (txn, origin, &number);
    if (!rc)
        rc = index_seek (txn, number, after + 1, &found, &upto, &sequence);
    if (!rc && found != number)
        rc = ERR_NOT_FOUND;
    if (rc)
        return rc;
    *ret_upto = upto;
    *ret_sequence = sequence;
    return 0;
}

int pending_find (
    txn_t *txn, const uuid16_t *origin, uint64_t after, uint64_t *ret_sequence, slice_t *ret_bytes)
{
    uint64_t upto, sequence;
    int rc = pending_place (txn, origin, after, &upto, &sequence);
    if (rc)
        return rc;
    rc = value_get (txn, sequence, ret_bytes);
    if (rc == ERR_NOT_FOUND)
        return txn_corrupt (txn);
    if (!rc)
        *ret_sequence = sequence;
    return rc;
}

int pending_whose (txn_t *txn, uint64_t sequence, uuid16_t *ret_origin, uint64_t *ret_upto)
{
    uint32_t origin = 1;
    uint64_t upto = 0, at = 0;
    int rc = index_seek (txn, origin, upto, &origin, &upto, &at);
    while (rc == 0 && at != sequence)
        rc = index_seek (txn, origin, upto + 1, &origin, &upto, &at);
    if (rc == 0)
        rc = origins_client (txn, origin, ret_origin);
    if (rc == 0)
        *ret_upto = upto;
    return rc;
}

int pending_mend (txn_t *txn, uint64_t sequence, const batch_t *batch)
{
    counters_t *counters;
    uint64_t bytes = __builtin_bswap64 (sequence);
    slice_t log_key = slice_of (&bytes, sizeof bytes), old;
    int rc = counters_get (txn, &counters);
    if (!rc)
        rc = table_get_raw (txn, TABLE_PENDING, log_key, &old);
    if (rc)
        return rc;
    counters->bytes += batch->bytes.size + 8;
    counters->bytes -= old.size < 8 ? 8 : old.size;
    txn->counters_dirty = true;
    return table_put (txn, TABLE_PENDING, log_key, batch->bytes);
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

//  How the chain goes on behind (origin, upto) says the hash of what ended there: the next batch names it, or the
//  watermark does. ERR_NOT_FOUND where neither can be told.
static int end_hash (txn_t *txn, const uuid16_t *origin, uint64_t upto, hash_t *ret_hash)
{
    vector_t shared = {NULL, 0, 0};
    uint64_t sequence;
    slice_t bytes;
    batch_t next = {.bytes = {NULL, 0}};
    int rc = watermarks_load (txn, WATERMARK_SHARED, &shared);
    const watermark_t *mark = vector_find (&shared, origin);
    if (rc == 0 && mark && mark->upto == upto)
        *ret_hash = mark->hash;
    else if (rc == 0 && (rc = pending_find (txn, origin, upto, &sequence, &bytes)) == 0) {
        rc = batch_decode (bytes, &next) || next.after != upto ? ERR_NOT_FOUND : 0;
        if (rc == 0)
            *ret_hash = next.previous;
        batch_release (&next);
    }
    vector_release (&shared);
    return rc == ERR_CORRUPT && !txn->failed ? ERR_NOT_FOUND : rc;
}

//  The log stands on what leaves it: its end, and what it had covered.
static int base_raise (slice_t bytes, const batch_head_t *head, vector_t *base)
{
    vector_t covers = {NULL, 0, 0};
    hash_t hash;
    int rc = batch_covers (bytes, &covers); // empty where nothing is issued anew
    hash_bytes (bytes, &hash);
    vector_raise (base, &head->origin, head->upto, &hash);
    vector_merge (base, &covers);
    vector_release (&covers);
    return rc;
}

//  Of a batch that cannot be read it is not known what it had covered; but whoever counts covers what is stable, and
//  the rest of that leaves the log too.
static int base_raise_blind (
    txn_t *txn, const uuid16_t *origin, uint64_t upto, const vector_t *stable, vector_t *base)
{
    hash_t hash;
    int rc = end_hash (txn, origin, upto, &hash);
    if (rc == 0)
        vector_raise (base, origin, upto, &hash);
    for (size_t i = 0; (rc == 0 || rc == ERR_NOT_FOUND) && i < stable->count; i++) {
        const watermark_t *mark = &stable->entries[i];
        rc = end_hash (txn, &mark->client, mark->upto, &hash);
        if (rc == 0)
            vector_raise (base, &mark->client, mark->upto, &hash);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int base_save (txn_t *txn, const vector_t *base)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < base->count; i++)
        rc = watermarks_put (txn, WATERMARK_BASE, &base->entries[i]);
    return rc;
}

//  A batch that cannot be read goes by its key alone. How many operations it had is not known: with the last batch that
//  counter is right again.
static int batch_drop (txn_t *txn, counters_t *counters, uint32_t origin, uint64_t upto,
    uint64_t sequence, const vector_t *stable, vector_t *base)
{
    uint64_t bytes = __builtin_bswap64 (sequence);
    slice_t log_key = slice_of (&bytes, sizeof bytes), value, raw;
    table_key_t key;
    batch_head_t head = {.count = 0};
    uuid16_t client;
    index_key (origin, upto, &key);
    int rc = table_get_raw (txn, TABLE_PENDING, log_key, &raw);
    if (rc)
        return rc == ERR_NOT_FOUND ? txn_corrupt (txn) : rc;
    uint64_t size = raw.size < 8 ? 0 : raw.size - 8;
    rc = value_get (txn, sequence, &value);
    bool spoilt = rc == ERR_CORRUPT && !txn->failed;
    if (rc == 0 && (batch_peek (value, &head) || base_raise (value, &head, base)))
        spoilt = true;
    else if (rc && !spoilt)
        return rc;
    rc = spoilt ? origins_client (txn, origin, &client) : 0;
    if (spoilt && rc == 0)
        rc = base_raise_blind (txn, &client, upto, stable, base);
    if (rc)
        return rc;
    counters->batches--;
    counters->bytes -= size < counters->bytes ? size : counters->bytes;
    counters->operations -= head.count < counters->operations ? head.count : counters->operations;
    if (counters->batches == 0)
        counters->operations = counters->bytes = 0;
    txn->counters_dirty = true;
    rc = table_delete (txn, TABLE_PENDING, log_key);
    return rc ? rc : table_delete (txn, TABLE_PENDING_INDEX, key_slice (&key));
}

//  What goes on behind it knows better than a batch that was altered behind the node's back with a right checksum.
static int base_settle (txn_t *txn, const uuid16_t *origin, uint64_t upto, vector_t *base)
{
    hash_t hash;
    int rc = vector_upto (base, origin) == upto ? end_hash (txn, origin, upto, &hash)
                                                : ERR_NOT_FOUND; // it had covered more of its own
    if (rc == 0)
        vector_set (base, origin, upto, &hash);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int origin_flush (txn_t *txn, const vector_t *all, const watermark_t *stable, size_t most,
    size_t *count, bool *left, vector_t *base)
{
    counters_t *counters;
    uint32_t number, found;
    uint64_t upto, sequence;
    int rc = counters_get (txn, &counters);
    if (rc == 0)
        rc = origins_find (txn, &stable->client, &number);
    uint64_t last = 0;
    while (rc == 0) {
        rc = index_seek (txn, number, 0, &found, &upto, &sequence);
        if (rc || found != number || upto > stable->upto)
            break;
        if (*count == most) {
            *left = true;
            break;
        }
        rc = batch_drop (txn, counters, number, upto, sequence, all, base);
        last = upto;
        (*count)++;
    }
    return rc && rc != ERR_NOT_FOUND ? rc
           : last                    ? base_settle (txn, &stable->client, last, base)
                                     : 0;
}

int pending_flush (
    txn_t *txn, const vector_t *stable, size_t most, size_t *ret_count, bool *ret_left)
{
    vector_t base = {NULL, 0, 0};
    int rc = watermarks_load (txn, WATERMARK_BASE, &base);
    *ret_count = 0;
    *ret_left = false;
    for (size_t i = 0; rc == 0 && i < stable->count && !*ret_left; i++)
        rc = origin_flush (txn, stable, &stable->entries[i], most, ret_count, ret_left, &base);
    if (rc == 0 && *ret_count)
        rc = base_save (txn, &base);
    vector_release (&base);
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

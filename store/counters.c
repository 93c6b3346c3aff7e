//  counters - the numbers that outlive the rows they counted
//
//  meta "counters": sequence, batches, operations, bytes, cursor, forgotten u64; origins,
//  resources u32

#include "store/table.h"

static const char counters_key[] = "counters";

static bool counters_take (slice_t value, counters_t *ret_counters)
{
    return take_u64 (&value, &ret_counters->sequence) &&
           take_u64 (&value, &ret_counters->batches) &&
           take_u64 (&value, &ret_counters->operations) &&
           take_u64 (&value, &ret_counters->bytes) && take_u64 (&value, &ret_counters->cursor) &&
           take_u64 (&value, &ret_counters->forgotten) &&
           take_u32 (&value, &ret_counters->origins) &&
           take_u32 (&value, &ret_counters->resources) && value.size == 0;
}

int counters_get (txn_t *txn, counters_t **ret_counters)
{
    if (!txn->counters_loaded) {
        slice_t value;
        int rc = table_get (txn, TABLE_META, slice_text (counters_key), &value);
        if (rc == ERR_NOT_FOUND)
            txn->counters = (counters_t){0};
        else if (rc)
            return rc;
        else if (!counters_take (value, &txn->counters))
            return txn_corrupt (txn);
        txn->counters_loaded = true;
    }
    *ret_counters = &txn->counters;
    return 0;
}

int counters_flush (txn_t *txn)
{
    if (!txn->counters_dirty)
        return 0;
    buffer_t *out = &txn->packed;
    buffer_clear (out);
    add_u64 (out, txn->counters.sequence);
    add_u64 (out, txn->counters.batches);
    add_u64 (out, txn->counters.operations);
    add_u64 (out, txn->counters.bytes);
    add_u64 (out, txn->counters.cursor);
    add_u64 (out, txn->counters.forgotten);
    add_u32 (out, txn->counters.origins);
    add_u32 (out, txn->counters.resources);
    txn->counters_dirty = false;
    return table_put (txn, TABLE_META, slice_text (counters_key), buffer_slice (out));
}

//  shared - resource u32, uuid 16 -> mark, the record's state as record_pack writes it with numbers
//
//  A record of which nothing is left to remember, but whose deletion `changes` still tells, is a
//  mark alone. Others that are nothing are not there.

#include "store/damage.h"
#include "store/shared.h"

#include "messages/news.h"
#include "store/state.h"

//  ---- one record's state

int state_unpack (txn_t *txn, slice_t value, state_t *ret_state, record_t *record)
{
    state_t state = {.present = true};
    if (!mark_take (&value, &state.mark))
        return txn_corrupt (txn);
    if (value.size == 0)
        record_clear (record);
    else {
        //  Where a transaction has touched more pages than LMDB keeps in memory, any write may free one of them.
        if (txn->write) {
            buffer_clear (&txn->loaded);
            buffer_append (&txn->loaded, value.data, value.size);
            value = buffer_slice (&txn->loaded);
        }
        origins_t origins = origins_of (txn);
        cursor_t cursor = cursor_over (value);
        if (record_unpack (&cursor, &origins, record) || !cursor_done (&cursor))
            return txn->failed ? txn->failed : txn_corrupt (txn);
    }
    tombstones_note (txn, record);
    *ret_state = state;
    return 0;
}

int state_load (
    txn_t *txn, const slot_t *slot, const uuid16_t *uuid, state_t *ret_state, record_t *record)
{
    table_key_t key;
    slice_t value;
    key_record (&key, slot->entry.number, uuid);
    int rc = table_get (txn, TABLE_SHARED, key_slice (&key), &value);
    if (!rc)
        rc = state_unpack (txn, value, ret_state, record);
    if (rc == ERR_CORRUPT && txn->write)
        rc = damage_aside (txn, slot, uuid);
    if (rc == ERR_NOT_FOUND) {
        record_clear (record);
        tombstones_note (txn, record);
        *ret_state = (state_t){0};
        return 0;
    }
    return rc;
}

void state_show (const slot_t *slot, const record_t *record, buffer_t *out)
{
    buffer_clear (out);
    if (record_alive (record, slot->entry.resource.rule))
        record_show (record, slot->entry.resource.rule, out);
}

//  When it came to show what it shows: its last write, or, of one that is gone, the largest that is
//  known of it.
static timestamp_t stamp_of (const record_t *record, bool visible)
{
    timestamp_t stamp = record->written;
    for (size_t i = 0; !visible && i < record->deleted_count; i++)
        if (timestamp_compare (&record->deleted[i], &stamp) > 0)
            stamp = record->deleted[i];
    return stamp;
}

//  The mark and, if there is anything of it, the record.
static int state_put (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, const state_t *state,
    const record_t *record)
{
    table_key_t key;
    int rc = 0;
    key_record (&key, slot->entry.number, uuid);
    buffer_clear (&txn->packed);
    mark_add (&state->mark, &txn->packed);
    if (!record_is_nothing (record)) {
        origins_t origins = origins_of (txn);
        rc = record_pack (record, &origins, &txn->packed);
    }
    return rc ? rc : table_put (txn, TABLE_SHARED, key_slice (&key), buffer_slice (&txn->packed));
}

int state_relist (
    txn_t *txn, slot_t *slot, const uuid16_t *uuid, state_t *state, const record_t *record)
{
    bool named;
    int rc = changes_names (txn, state->mark.cursor, slot, uuid, &named);
    if (!rc && !named)
        state->mark = (mark_t){0, 0};
    if (!rc)
        rc = changes_touch (txn, slot, NULL, uuid, named, true, &record->written, &state->mark);
    return rc ? rc : state_put (txn, slot, uuid, state, record);
}

int state_store (txn_t *txn, slot_t *slot, const uuid16_t *uuid, state_t *state,
    const record_t *record, const timestamp_t *fallback)
{
    table_key_t key;
    key_record (&key, slot->entry.number, uuid);
    state_show (slot, record, &txn->after);
    timestamp_t stamp = stamp_of (record, txn->after.size > 0);
    if (timestamp_is_none (&stamp) && fallback)
        stamp = *fallback;
    int rc = visible_change (txn, slot, NULL, uuid, buffer_slice (&txn->before),
        buffer_slice (&txn->after), &stamp, &state->mark);
    if (rc == 0 && (record->deleted_count || txn->tombstone_count))
        rc = tombstones_move (txn, slot, uuid, record);
    if (rc)
        return rc;
    bool nothing = record_is_nothing (record);
    if (nothing && state->mark.cursor == 0)
        return state->present ? table_delete (txn, TABLE_SHARED, key_slice (&key)) : 0;
    return state_put (txn, slot, uuid, state, record);
}

//  ---- joining

int shared_join (txn_t *txn, const operation_t *operation, const past_t *past)
{
    slot_t *slot;
    state_t state;
    record_t *record = &txn->record;
    int rc = slot_of_kind (txn, operation->resource, RESOURCE_SHARED, &slot);
    if (!rc)
        rc = state_load (txn, slot, &operation->uuid, &state, record);
    if (rc)
        return rc;
    state_show (slot, record, &txn->before);
    if (record_conflicts (record, operation, past, slot->entry.resource.rule)) {
        slot->entry.conflicts++;
        slot->dirty = true;
    }
    if (!record_join (record, operation, past, slot->entry.resource.rule))
        return 0;
    return state_store (txn, slot, &operation->uuid, &state, record, &operation->stamp);
}

int shared_news_join (txn_t *txn, slice_t resource, const uuid16_t *uuid, const record_t *news,
    uint64_t flags, const vector_t *seen)
{
    slot_t *slot;
    state_t state;
    int rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    if (!rc)
        rc = state_load (txn, slot, uuid, &state, &txn->record);
    if (rc)
        return rc;
    state_show (slot, &txn->record, &txn->before);
    if (!news_join (&txn->record, news, flags, seen, slot->entry.resource.rule))
        return 0;
    return state_store (txn, slot, uuid, &state, &txn->record, NULL);
}

//  ---- reading

int shared_get (txn_t *txn, slice_t resource, const uuid16_t *uuid, record_t *ret_record)
{
    slot_t *slot;
    state_t state;
    int rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    return rc ? rc : state_load (txn, slot, uuid, &state, ret_record);
}

int shared_visible (
    txn_t *txn, const slot_t *slot, const uuid16_t *uuid, timestamp_t *ret_written, buffer_t *out)
{
    state_t state;
    int rc = state_load (txn, slot, uuid, &state, &txn->record);
    if (rc)
        return rc;
    if (!record_alive (&txn->record, slot->entry.resource.rule))
        return ERR_NOT_FOUND;
    record_show (&txn->record, slot->entry.resource.rule, out);
    *ret_written = txn->record.written;
    return 0;
}

int shared_show (
    txn_t *txn, slice_t resource, const uuid16_t *uuid, timestamp_t *ret_written, buffer_t *out)
{
    slot_t *slot;
    int rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    return rc ? rc : shared_visible (txn, slot, uuid, ret_written, out);
}

//  A record that cannot be read is set aside in a writing transaction, and passed over.
int state_next (txn_t *txn, const slot_t *slot, const uuid16_t *after, uuid16_t *ret_uuid,
    state_t *ret_state, record_t *record)
{
    int rc;
    do {
        table_key_t from;
        slice_t key = {NULL, 0}, value = {NULL, 0};
        uint32_t number;
        key_clear (&from);
        key_u32 (&from, slot->entry.number);
        if (after) {
            key_uuid (&from, after);
            rc = table_next (txn, TABLE_SHARED, key_slice (&from), &key, &value);
        } else
            rc = table_seek (txn, TABLE_SHARED, key_slice (&from), &key, &value);
        if (rc && (rc != ERR_CORRUPT || !key.data))
            return rc;
        if (!take_u32 (&key, &number) || key.size != sizeof ret_uuid->bytes)
            return txn_corrupt (txn);
        if (number != slot->entry.number)
            return rc ? rc : ERR_NOT_FOUND;
        take_uuid (&key, ret_uuid);
        if (!rc)
            rc = state_unpack (txn, value, ret_state, record);
        if (rc != ERR_CORRUPT || !txn->write)
            return rc;
        rc = damage_aside (txn, slot, ret_uuid);
        after = ret_uuid;
    } while (rc == ERR_NOT_FOUND);
    return rc;
}

int shared_next (txn_t *txn, slice_t resource, const uuid16_t *after, uuid16_t *ret_uuid,
    timestamp_t *ret_written, buffer_t *out)
{
    slot_t *slot;
    state_t state;
    uuid16_t uuid;
    int rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    if (!rc)
        rc = state_next (txn, slot, after, &uuid, &state, &txn->record);
    while (!rc && !record_alive (&txn->record, slot->entry.resource.rule))
        rc = state_next (txn, slot, &uuid, &uuid, &state, &txn->record);
    if (rc)
        return rc;
    record_show (&txn->record, slot->entry.resource.rule, out);
    *ret_uuid = uuid;
    *ret_written = txn->record.written;
    return 0;
}

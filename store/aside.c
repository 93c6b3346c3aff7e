//  aside - resource u32, uuid 16 -> record, as record_pack writes it with numbers
//
//  What this client held of a record when it began to take a copy over it, kept until the copy is
//  complete and both can be compared (messages/news.h). Only records that may have something to say
//  are kept; one that is empty says that there was none.

#include "store/aside.h"
#include "store/state.h"

int aside_put (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, const record_t *record)
{
    origins_t origins = origins_of (txn);
    table_key_t key;
    key_record (&key, slot->entry.number, uuid);
    buffer_clear (&txn->packed);
    int rc = record_pack (record, &origins, &txn->packed);
    return rc ? rc : table_put (txn, TABLE_ASIDE, key_slice (&key), buffer_slice (&txn->packed));
}

int aside_next (txn_t *txn, aside_place_t *place, slice_t *ret_resource, uuid16_t *ret_uuid,
    record_rule_t *ret_rule, record_t *ret_record)
{
    table_key_t from;
    slice_t key, value;
    slot_t *slot;
    uint32_t number;
    key_clear (&from);
    key_add (&from, place->key, place->size);
    int rc = table_next (txn, TABLE_ASIDE, key_slice (&from), &key, &value);
    if (rc)
        return rc;
    if (key.size != sizeof place->key)
        return txn_corrupt (txn);
    memcpy (place->key, key.data, key.size);
    place->size = key.size;
    origins_t origins = origins_of (txn);
    cursor_t cursor = cursor_over (value);
    if (!take_u32 (&key, &number) || !take_uuid (&key, ret_uuid) ||
        record_unpack (&cursor, &origins, ret_record))
        return txn->failed ? txn->failed : txn_corrupt (txn);
    rc = slot_by_number (txn, number, &slot);
    if (rc == 0) {
        *ret_resource = slice_text (slot->entry.resource.name);
        *ret_rule = slot->entry.resource.rule;
    }
    return rc;
}

int aside_clear (txn_t *txn)
{
    return table_clear (txn, TABLE_ASIDE);
}

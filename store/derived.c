//  derived - resource u32, uuid 16 -> mark, rows varint, owners varint,
//                                     owner 16, row 16 (its first row; only with rows > 0), value
//
//  A derived record shows properties of the row with the smallest (owner, uuid) among those that
//  have its key, and how many rows and owners there are. It knows both numbers and which row is
//  the first, so a row that comes or goes costs one search, and one that changes in what is not
//  shown costs nothing. Without rows it is a mark, for as long as `changes` tells of its end. Its
//  `updated` is its first row's, looked up when it is asked for: what a node happened to see on
//  the way leaves no trace.

#include "store/derived.h"
#include "store/owned.h"

#include "messages/keys.h"

//  ---- values

//  The property's value as it is packed; empty where there is none. Names come in their order (value_unpack).
static slice_t property_of (slice_t map, slice_t name)
{
    cursor_t cursor = cursor_over (map);
    size_t count = 0;
    if (map.size == 0 || cursor_map (&cursor, &count))
        return slice_of (NULL, 0);
    for (size_t i = 0; i < count; i++) {
        slice_t found, value;
        if (cursor_text (&cursor, &found) || slice_compare (found, name) > 0 ||
            cursor_skip (&cursor, &value))
            break;
        if (slice_equal (found, name))
            return value;
    }
    return slice_of (NULL, 0);
}

bool derived_uuid_of_row (const slot_t *slot, slice_t map, uuid16_t *ret_uuid)
{
    slice_t value = property_of (map, slice_text (slot->entry.resource.key));
    cursor_t cursor = cursor_over (value);
    if (value.size == 0 || cursor_kind (&cursor) == PACK_NIL)
        return false;
    if (cursor_bin_exact (&cursor, ret_uuid->bytes, sizeof ret_uuid->bytes))
        *ret_uuid = uuid_of_bytes (value);
    return true;
}

void derived_build (const slot_t *slot, const derived_t *self, slice_t map, buffer_t *out)
{
    slice_t values[RESOURCE_KEEP_MAX];
    size_t count = 0;
    for (size_t i = 0; i < slot->keep_count; i++) {
        bool property = slot->keeps[i].what == KEEP_PROPERTY;
        values[i] = property ? property_of (map, slot->keeps[i].property) : slice_of (NULL, 0);
        count += !property || values[i].size > 0;
    }
    buffer_clear (out);
    pack_map (out, count);
    for (size_t i = 0; i < slot->keep_count; i++) {
        const keep_t *keep = &slot->keeps[i];
        if (keep->what == KEEP_PROPERTY && values[i].size == 0)
            continue;
        pack_text (out, keep->name);
        if (keep->what == KEEP_PROPERTY)
            pack_raw (out, values[i]);
        else
            pack_uint (out, keep->what == KEEP_ROWS ? self->rows : self->owners);
    }
}

//  ---- one record

static int derived_take (txn_t *txn, slice_t value, derived_t *ret_derived)
{
    derived_t self = {0};
    bool sound = mark_take (&value, &self.mark) && take_varint (&value, &self.rows) &&
                 take_varint (&value, &self.owners);
    if (sound && self.rows)
        sound = take_uuid (&value, &self.owner) && take_uuid (&value, &self.row);
    if (!sound || (value.size > 0) != (self.rows > 0))
        return txn_corrupt (txn);
    self.value = value;
    *ret_derived = self;
    return 0;
}

int derived_load (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, derived_t *ret_derived)
{
    table_key_t key;
    slice_t value;
    key_record (&key, slot->entry.number, uuid);
    int rc = table_get (txn, TABLE_DERIVED, key_slice (&key), &value);
    if (rc == ERR_NOT_FOUND) {
        *ret_derived = (derived_t){0};
        return 0;
    }
    return rc ? rc : derived_take (txn, value, ret_derived);
}

int derived_store (
    txn_t *txn, slot_t *slot, const uuid16_t *uuid, derived_t *self, const timestamp_t *stamp)
{
    table_key_t key;
    int rc = visible_change (txn, slot, NULL, uuid, buffer_slice (&txn->before),
        buffer_slice (&txn->after), stamp, &self->mark);
    if (rc)
        return rc;
    key_record (&key, slot->entry.number, uuid);
    if (self->rows == 0 && self->mark.cursor == 0)
        return table_delete (txn, TABLE_DERIVED, key_slice (&key));
    buffer_t *out = &txn->packed;
    buffer_clear (out);
    mark_add (&self->mark, out);
    add_varint (out, self->rows);
    add_varint (out, self->owners);
    if (self->rows) {
        add_uuid (out, &self->owner);
        add_uuid (out, &self->row);
        buffer_append (out, txn->after.data, txn->after.size);
    }
    return table_put (txn, TABLE_DERIVED, key_slice (&key), buffer_slice (out));
}

int derived_first_map (
    txn_t *txn, const slot_t *slot, const derived_t *self, uint64_t *ret_updated, slice_t *ret_map)
{
    slot_t *source;
    int rc = slot_find (txn, slice_text (slot->entry.resource.from), &source);
    if (!rc)
        rc = owned_visible (txn, source, &self->owner, &self->row, ret_updated, ret_map);
    return rc == ERR_NOT_FOUND || rc == ERR_UNKNOWN_RESOURCE ? txn_corrupt (txn) : rc;
}

//  ---- reading

static int derived_shown (txn_t *txn, const slot_t *slot, const derived_t *self,
    timestamp_t *ret_updated, slice_t *ret_value)
{
    slice_t map;
    int rc = derived_first_map (txn, slot, self, &ret_updated->time, &map);
    if (rc)
        return rc;
    ret_updated->client = self->owner;
    *ret_value = self->value;
    return 0;
}

int derived_visible (txn_t *txn, slot_t *slot, const uuid16_t *uuid, uint64_t cursor,
    timestamp_t *ret_updated, slice_t *ret_value)
{
    derived_t self;
    int rc = derived_load (txn, slot, uuid, &self);
    if (rc)
        return rc;
    if (cursor && self.mark.cursor != cursor)
        return ERR_NOT_FOUND;
    return self.rows ? derived_shown (txn, slot, &self, ret_updated, ret_value) : ERR_NOT_FOUND;
}

int derived_get (txn_t *txn, slice_t resource, const uuid16_t *uuid, timestamp_t *ret_updated,
    slice_t *ret_value)
{
    slot_t *slot;
    int rc = slot_of_kind (txn, resource, RESOURCE_DERIVED, &slot);
    return rc ? rc : derived_visible (txn, slot, uuid, 0, ret_updated, ret_value);
}

int derived_next (txn_t *txn, slice_t resource, const uuid16_t *after, uuid16_t *ret_uuid,
    timestamp_t *ret_updated, slice_t *ret_value)
{
    slot_t *slot;
    table_key_t from;
    slice_t key, value;
    derived_t self;
    int rc = slot_of_kind (txn, resource, RESOURCE_DERIVED, &slot);
    if (rc)
        return rc;
    key_clear (&from);
    key_u32 (&from, slot->entry.number);
    slice_t prefix = slice_of (from.bytes, from.size);
    if (after)
        key_uuid (&from, after);
    rc = after ? table_next (txn, TABLE_DERIVED, key_slice (&from), &key, &value)
               : table_seek (txn, TABLE_DERIVED, key_slice (&from), &key, &value);
    for (; !rc; rc = table_next (txn, TABLE_DERIVED, key, &key, &value)) {
        if (!slice_begins (key, prefix))
            return ERR_NOT_FOUND;
        rc = derived_take (txn, value, &self);
        if (rc || self.rows)
            break;
    }
    if (!rc)
        rc = derived_shown (txn, slot, &self, ret_updated, ret_value);
    if (rc)
        return rc;
    memcpy (ret_uuid->bytes, key.data + 4, sizeof ret_uuid->bytes);
    return 0;
}

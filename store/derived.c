//  derived - derived:         resource u32, uuid 16 -> mark, rows varint, owners varint,
//                             owner 16, row 16 (the first of its rows; only with rows > 0), value
//            derived_sources: resource u32, uuid 16, owner 16, row 16 -> nothing
//
//  A derived record shows properties of the row with the smallest (owner, uuid) among those that have its key, and how many
//  rows and owners there are. It knows both numbers and which row is the first, so a row that comes or goes costs
//  one search, and one that changes in what is not shown costs nothing. Without rows it is a mark, for as
//  long as `changes` tells of its end. Its `updated` is its first row's, looked up when it is asked for: what a node happened
//  to see on the way leaves no trace.

#include "store/owned.h"
#include "store/visible.h"

#include "messages/keys.h"

typedef struct derived {
    mark_t mark;
    uint64_t rows;
    uint64_t owners;
    uuid16_t owner; // of the first row
    uuid16_t row;
    slice_t value; // of the transaction; empty where there are no rows
} derived_t;

//  ---- values

//  The property's value as it is packed; empty where there is none.
static slice_t property_of (slice_t map, slice_t name)
{
    cursor_t cursor = cursor_over (map);
    size_t count = 0;
    if (map.size == 0 || cursor_map (&cursor, &count))
        return slice_of (NULL, 0);
    for (size_t i = 0; i < count; i++) {
        slice_t found, value;
        if (cursor_text (&cursor, &found) || cursor_skip (&cursor, &value))
            break;
        if (slice_equal (found, name))
            return value;
    }
    return slice_of (NULL, 0);
}

//  The uuid of the derived record that a row belongs to; false if it belongs to none.
static bool uuid_of_row (const slot_t *slot, slice_t map, uuid16_t *ret_uuid)
{
    slice_t value = property_of (map, slice_text (slot->entry.resource.key));
    cursor_t cursor = cursor_over (value);
    if (value.size == 0 || cursor_kind (&cursor) == PACK_NIL)
        return false;
    if (cursor_bin_exact (&cursor, ret_uuid->bytes, sizeof ret_uuid->bytes))
        *ret_uuid = uuid_of_bytes (value);
    return true;
}

//  What a derived record shows, from its first row's map.
static void value_build (const slot_t *slot, const derived_t *self, slice_t map, buffer_t *out)
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

static int derived_load (
    txn_t *txn, const slot_t *slot, const uuid16_t *uuid, derived_t *ret_derived)
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

//  Its new value is in txn->after, what it showed before in txn->before.
static int derived_store (
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

//  ---- sources

static void source_key (const slot_t *slot, const uuid16_t *uuid, const uuid16_t *owner,
    const uuid16_t *row, table_key_t *ret_key)
{
    key_record (ret_key, slot->entry.number, uuid);
    if (owner)
        key_uuid (ret_key, owner);
    if (row)
        key_uuid (ret_key, row);
}

//  The first source of a derived record (owner NULL: of any owner); ERR_NOT_FOUND.
static int source_first (txn_t *txn, const slot_t *slot, const uuid16_t *uuid,
    const uuid16_t *owner, uuid16_t *ret_owner, uuid16_t *ret_row)
{
    table_key_t prefix;
    slice_t key, value;
    source_key (slot, uuid, owner, NULL, &prefix);
    int rc = table_seek (txn, TABLE_DERIVED_SOURCES, key_slice (&prefix), &key, &value);
    if (rc)
        return rc;
    if (!slice_begins (key, key_slice (&prefix)))
        return ERR_NOT_FOUND;
    key = slice_of (key.data + 20, key.size - 20);
    return take_uuid (&key, ret_owner) && take_uuid (&key, ret_row) ? 0 : txn_corrupt (txn);
}

//  Whether the owner has a source of this record; 0 or an error.
static int owner_has (
    txn_t *txn, const slot_t *slot, const uuid16_t *uuid, const uuid16_t *owner, bool *ret_has)
{
    uuid16_t found, row;
    int rc = source_first (txn, slot, uuid, owner, &found, &row);
    *ret_has = rc == 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  The map of the first row.
static int first_map (
    txn_t *txn, const slot_t *slot, const derived_t *self, uint64_t *ret_updated, slice_t *ret_map)
{
    slot_t *source;
    int rc = slot_find (txn, slice_text (slot->entry.resource.from), &source);
    if (!rc)
        rc = owned_visible (txn, source, &self->owner, &self->row, ret_updated, ret_map);
    return rc == ERR_NOT_FOUND || rc == ERR_UNKNOWN_RESOURCE ? txn_corrupt (txn) : rc;
}

static bool is_first (const derived_t *self, const uuid16_t *owner, const uuid16_t *row)
{
    int order = uuid_compare (owner, &self->owner);
    return order < 0 || (order == 0 && uuid_compare (row, &self->row) <= 0);
}

static void before_keep (txn_t *txn, const derived_t *self)
{
    buffer_clear (&txn->before);
    buffer_append (&txn->before, self->value.data, self->value.size);
}

//  ---- a row comes, goes, or changes

//  `map` may be memory of the transaction: all that is made of it is made before the first write.
static int source_add (txn_t *txn, slot_t *slot, const uuid16_t *uuid, const uuid16_t *owner,
    const uuid16_t *row, slice_t map, const timestamp_t *stamp)
{
    derived_t self;
    bool has;
    uint64_t updated;
    table_key_t key;
    int rc = derived_load (txn, slot, uuid, &self);
    if (!rc)
        rc = owner_has (txn, slot, uuid, owner, &has);
    if (rc)
        return rc;
    before_keep (txn, &self);
    self.owners += !has;
    if (self.rows++ == 0 || is_first (&self, owner, row)) {
        self.owner = *owner;
        self.row = *row;
    } else if (slot->keeps_counts)
        rc = first_map (txn, slot, &self, &updated, &map);
    else
        map = slice_of (NULL, 0); // it shows what it showed
    if (rc)
        return rc;
    buffer_clear (&txn->after);
    if (map.size)
        value_build (slot, &self, map, &txn->after);
    else
        buffer_append (&txn->after, txn->before.data, txn->before.size);
    source_key (slot, uuid, owner, row, &key);
    rc = table_put (txn, TABLE_DERIVED_SOURCES, key_slice (&key), slice_of (NULL, 0));
    return rc ? rc : derived_store (txn, slot, uuid, &self, stamp);
}

static int source_remove (txn_t *txn, slot_t *slot, const uuid16_t *uuid, const uuid16_t *owner,
    const uuid16_t *row, const timestamp_t *stamp)
{
    derived_t self;
    bool has;
    uint64_t updated;
    slice_t map = {NULL, 0};
    table_key_t key;
    int rc = derived_load (txn, slot, uuid, &self);
    if (rc)
        return rc;
    before_keep (txn, &self);
    source_key (slot, uuid, owner, row, &key);
    rc = table_delete (txn, TABLE_DERIVED_SOURCES, key_slice (&key));
    if (rc == ERR_NOT_FOUND || (!rc && (self.rows == 0 || self.owners == 0)))
        return txn_corrupt (txn);
    if (!rc)
        rc = owner_has (txn, slot, uuid, owner, &has);
    if (rc)
        return rc;
    bool first = is_first (&self, owner, row);
    self.owners -= !has;
    self.rows--;
    buffer_clear (&txn->after);
    if (self.rows && first)
        rc = source_first (txn, slot, uuid, NULL, &self.owner, &self.row);
    if (!rc && self.rows && (first || slot->keeps_counts)) {
        rc = first_map (txn, slot, &self, &updated, &map);
        if (!rc)
            value_build (slot, &self, map, &txn->after);
    } else if (!rc && self.rows)
        buffer_append (&txn->after, txn->before.data, txn->before.size);
    if (rc)
        return rc == ERR_NOT_FOUND ? txn_corrupt (txn) : rc;
    return derived_store (txn, slot, uuid, &self, stamp);
}

//  A row that stays with its record: only the first one shows.
static int source_change (txn_t *txn, slot_t *slot, const uuid16_t *uuid, const uuid16_t *owner,
    const uuid16_t *row, slice_t map, const timestamp_t *stamp)
{
    derived_t self;
    int rc = derived_load (txn, slot, uuid, &self);
    if (rc || !uuid_equal (owner, &self.owner) || !uuid_equal (row, &self.row))
        return rc;
    value_build (slot, &self, map, &txn->after);
    if (slice_equal (self.value, buffer_slice (&txn->after)))
        return 0;
    before_keep (txn, &self);
    return derived_store (txn, slot, uuid, &self, stamp);
}

int derived_follow (
    txn_t *txn, slot_t *source, const uuid16_t *owner, const row_t *row, slice_t before)
{
    timestamp_t stamp = {row->updated, *owner};
    int rc = slots_link (txn);
    for (slot_t *slot = source->derived_first; slot && !rc; slot = slot->derived_next) {
        uuid16_t old, new;
        bool had = uuid_of_row (slot, before, &old);
        bool has = uuid_of_row (slot, row->value, &new);
        if (had && has && uuid_equal (&old, &new)) {
            rc = source_change (txn, slot, &new, owner, &row->uuid, row->value, &stamp);
            continue;
        }
        if (had)
            rc = source_remove (txn, slot, &old, owner, &row->uuid, &stamp);
        if (!rc && has)
            rc = source_add (txn, slot, &new, owner, &row->uuid, row->value, &stamp);
    }
    return rc;
}

int derived_fill (txn_t *txn, slot_t *derived)
{
    slice_t from = slice_text (derived->entry.resource.from);
    uuid16_t owner, uuid;
    row_t row;
    int rc = owned_next (txn, from, NULL, NULL, NULL, &owner, &row);
    while (!rc) {
        timestamp_t stamp = {row.updated, owner};
        uuid16_t row_uuid = row.uuid;
        if (uuid_of_row (derived, row.value, &uuid))
            rc = source_add (txn, derived, &uuid, &owner, &row_uuid, row.value, &stamp);
        if (!rc)
            rc = owned_next (txn, from, NULL, &owner, &row_uuid, &owner, &row);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  ---- reading

static int derived_shown (txn_t *txn, const slot_t *slot, const derived_t *self,
    timestamp_t *ret_updated, slice_t *ret_value)
{
    slice_t map;
    int rc = first_map (txn, slot, self, &ret_updated->time, &map);
    if (rc)
        return rc;
    ret_updated->client = self->owner;
    *ret_value = self->value;
    return 0;
}

int derived_visible (
    txn_t *txn, slot_t *slot, const uuid16_t *uuid, timestamp_t *ret_updated, slice_t *ret_value)
{
    derived_t self;
    int rc = derived_load (txn, slot, uuid, &self);
    if (rc)
        return rc;
    return self.rows ? derived_shown (txn, slot, &self, ret_updated, ret_value) : ERR_NOT_FOUND;
}

int derived_get (
    txn_t *txn, slice_t resource, const uuid16_t *uuid, uint64_t *ret_updated, slice_t *ret_value)
{
    slot_t *slot;
    timestamp_t updated;
    int rc = slot_of_kind (txn, resource, RESOURCE_DERIVED, &slot);
    if (!rc)
        rc = derived_visible (txn, slot, uuid, &updated, ret_value);
    if (!rc)
        *ret_updated = updated.time;
    return rc;
}

int derived_next (txn_t *txn, slice_t resource, const uuid16_t *after, uuid16_t *ret_uuid,
    uint64_t *ret_updated, slice_t *ret_value)
{
    slot_t *slot;
    table_key_t from;
    slice_t key, value;
    derived_t self;
    timestamp_t updated;
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
        rc = derived_shown (txn, slot, &self, &updated, ret_value);
    if (rc)
        return rc;
    memcpy (ret_uuid->bytes, key.data + 4, sizeof ret_uuid->bytes);
    *ret_updated = updated.time;
    return 0;
}

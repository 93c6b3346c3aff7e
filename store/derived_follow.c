//  derived_follow - derived records follow the rows they come from
//
//      derived_sources: resource u32, uuid 16, owner 16, row 16 -> nothing

#include "store/derived.h"
#include "store/owned.h"

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
    bool has = false;
    uint64_t updated;
    table_key_t key;
    int rc = derived_load (txn, slot, uuid, &self);
    if (!rc && self.rows)
        rc = owner_has (txn, slot, uuid, owner, &has);
    if (rc)
        return rc;
    before_keep (txn, &self);
    self.owners += !has;
    if (self.rows++ == 0 || is_first (&self, owner, row)) {
        self.owner = *owner;
        self.row = *row;
    } else if (slot->keeps_counts)
        rc = derived_first_map (txn, slot, &self, &updated, &map);
    else
        map = slice_of (NULL, 0); // it shows what it showed
    if (rc)
        return rc;
    buffer_clear (&txn->after);
    if (map.size)
        derived_build (slot, &self, map, &txn->after);
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
        rc = derived_first_map (txn, slot, &self, &updated, &map);
        if (!rc)
            derived_build (slot, &self, map, &txn->after);
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
    derived_build (slot, &self, map, &txn->after);
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
        bool had = derived_uuid_of_row (slot, before, &old);
        bool has = derived_uuid_of_row (slot, row->value, &new);
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
        if (derived_uuid_of_row (derived, row.value, &uuid))
            rc = source_add (txn, derived, &uuid, &owner, &row_uuid, row.value, &stamp);
        if (!rc)
            rc = owned_next (txn, from, NULL, &owner, &row_uuid, &owner, &row);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

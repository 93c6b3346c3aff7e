//  derived_rebuild - derived records, made anew from the rows that they come from
//
//  What a derived resource holds follows from its rows alone, so it can be compared with them and put right whatever happened
//  to it, slice by slice, while others write: each step leaves what it has passed as owned_put would have left it, and
//  owned_put keeps it so.
//
//      rows      each row that belongs to a record stands among its sources
//      records   each source has its row; rows, owners, the first row and what it shows are what the sources say
//      sums      count and digest are those of the records (scrub.h); only if anything was put right

#include "store/derived.h"
#include "store/owned.h"
#include "store/scrub.h"

enum rebuild_phase { REBUILD_BEGIN, REBUILD_ROWS, REBUILD_RECORDS, REBUILD_SUMS };

static void phase_enter (rebuild_t *self, int phase)
{
    self->phase = phase;
    self->has_place = false;
}

//  A value that does not pass its checksum is as good as none: what belongs there is known.
static int corrupt_is_absent (txn_t *txn, int rc)
{
    if (rc != ERR_CORRUPT)
        return rc;
    txn->failed = 0;
    return ERR_NOT_FOUND;
}

//  ---- rows

static int row_check (
    txn_t *txn, const slot_t *slot, rebuild_t *self, const uuid16_t *owner, const row_t *row)
{
    uuid16_t uuid;
    table_key_t key;
    slice_t value;
    if (!derived_uuid_of_row (slot, row->value, &uuid))
        return 0;
    key_record (&key, slot->entry.number, &uuid);
    key_uuid (&key, owner);
    key_uuid (&key, &row->uuid);
    int rc =
        corrupt_is_absent (txn, table_get (txn, TABLE_DERIVED_SOURCES, key_slice (&key), &value));
    if (rc != ERR_NOT_FOUND)
        return rc;
    self->mended++;
    return table_put (txn, TABLE_DERIVED_SOURCES, key_slice (&key), slice_of (NULL, 0));
}

//  ERR_NOT_FOUND behind the last row.
static int rows_step (txn_t *txn, const slot_t *slot, rebuild_t *self, size_t most)
{
    slice_t from = slice_text (slot->entry.resource.from);
    row_t row;
    int rc = 0;
    for (size_t i = 0; !rc && i < most; i++) {
        uuid16_t owner;
        rc = owned_next (txn, from, NULL, self->has_place ? &self->owner : NULL,
            self->has_place ? &self->uuid : NULL, &owner, &row);
        if (rc)
            break;
        self->owner = owner;
        self->uuid = row.uuid;
        self->has_place = true;
        rc = row_check (txn, slot, self, &owner, &row);
    }
    return rc;
}

//  ---- records

//  The first key of the table behind the record at `after` (NULL: of all); its record's uuid. ERR_NOT_FOUND.
static int record_behind (
    txn_t *txn, enum table table, const slot_t *slot, const uuid16_t *after, uuid16_t *ret_uuid)
{
    table_key_t from;
    slice_t key = {NULL, 0}, value;
    key_clear (&from);
    key_u32 (&from, slot->entry.number);
    slice_t prefix = slice_of (from.bytes, from.size);
    if (after) {
        key_uuid (&from, after);
        key_u64 (&from, UINT64_MAX); // behind all of its sources: an owner and a row are 32 bytes
        key_u64 (&from, UINT64_MAX);
        key_u64 (&from, UINT64_MAX);
        key_u64 (&from, UINT64_MAX);
    }
    int rc = after ? table_next (txn, table, key_slice (&from), &key, &value)
                   : table_seek (txn, table, key_slice (&from), &key, &value);
    if (rc == ERR_CORRUPT && key.data) {
        txn->failed = 0;
        rc = 0;
    }
    if (rc)
        return rc;
    if (!slice_begins (key, prefix) || key.size < 20)
        return ERR_NOT_FOUND;
    memcpy (ret_uuid->bytes, key.data + 4, sizeof ret_uuid->bytes);
    return 0;
}

//  Whether the row is there and belongs to this record.
static int source_holds (txn_t *txn, const slot_t *slot, const uuid16_t *uuid,
    const uuid16_t *owner, const uuid16_t *row, bool *ret_holds)
{
    slot_t *source;
    uint64_t updated;
    slice_t map;
    uuid16_t found;
    int rc = slot_find (txn, slice_text (slot->entry.resource.from), &source);
    if (!rc)
        rc = owned_visible (txn, source, owner, row, &updated, &map);
    *ret_holds = !rc && derived_uuid_of_row (slot, map, &found) && uuid_equal (&found, uuid);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  Counts the sources of a record, and takes out those that are none. ret_derived: what it is to be, but for its mark
//  and value.
static int sources_count (
    txn_t *txn, const slot_t *slot, rebuild_t *self, const uuid16_t *uuid, derived_t *ret_derived)
{
    derived_t derived = {0};
    table_key_t prefix, at;
    slice_t key = {NULL, 0}, value;
    uuid16_t owner, row;
    bool holds;
    key_record (&prefix, slot->entry.number, uuid);
    at = prefix;
    int rc = table_seek (txn, TABLE_DERIVED_SOURCES, key_slice (&at), &key, &value);
    for (;;) {
        if (rc == ERR_CORRUPT && key.data) {
            txn->failed = 0;
            rc = 0;
        }
        if (rc || !slice_begins (key, key_slice (&prefix)))
            break;
        slice_t whose = slice_of (key.data + 20, key.size - 20);
        if (key.size != 52 || !take_uuid (&whose, &owner) || !take_uuid (&whose, &row))
            return txn_corrupt (txn);
        at = prefix;
        key_uuid (&at, &owner);
        key_uuid (&at, &row);
        rc = source_holds (txn, slot, uuid, &owner, &row, &holds);
        if (rc)
            return rc;
        if (holds) {
            if (derived.rows == 0) {
                derived.owner = owner;
                derived.row = row;
            }
            derived.owners += derived.rows == 0 || !uuid_equal (&owner, &self->owner);
            derived.rows++;
            self->owner = owner;
        } else {
            self->mended++;
            rc = table_delete (txn, TABLE_DERIVED_SOURCES, key_slice (&at));
            if (rc)
                return rc;
        }
        key.data = NULL;
        rc = table_next (txn, TABLE_DERIVED_SOURCES, key_slice (&at), &key, &value);
    }
    *ret_derived = derived;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static bool same (const derived_t *a, const derived_t *b)
{
    return a->rows == b->rows && a->owners == b->owners &&
           (a->rows == 0 || (uuid_equal (&a->owner, &b->owner) && uuid_equal (&a->row, &b->row)));
}

//  What is stored of the record; nothing, and out of the table, where that cannot be read or `changes` does not know
//  it by its mark.
static int stored_load (
    txn_t *txn, const slot_t *slot, rebuild_t *self, const uuid16_t *uuid, derived_t *ret_stored)
{
    table_key_t key;
    int rc = derived_load (txn, slot, uuid, ret_stored);
    bool named = false;
    if (!rc && ret_stored->mark.cursor == 0 && ret_stored->rows == 0)
        return 0; // there is none
    if (!rc)
        rc = changes_names (txn, ret_stored->mark.cursor, slot, uuid, &named);
    if (rc == ERR_CORRUPT)
        txn->failed = 0;
    else if (rc || named)
        return rc;
    self->mended++;
    *ret_stored = (derived_t){0};
    key_record (&key, slot->entry.number, uuid);
    return table_delete (txn, TABLE_DERIVED, key_slice (&key));
}

static int record_check (txn_t *txn, slot_t *slot, rebuild_t *self, const uuid16_t *uuid)
{
    derived_t wanted, stored;
    uint64_t updated = 0;
    slice_t map;
    int rc = sources_count (txn, slot, self, uuid, &wanted);
    if (!rc)
        rc = stored_load (txn, slot, self, uuid, &stored);
    if (rc)
        return rc;
    buffer_clear (&txn->before);
    buffer_append (&txn->before, stored.value.data, stored.value.size);
    buffer_clear (&txn->after);
    if (wanted.rows) {
        rc = derived_first_map (txn, slot, &wanted, &updated, &map);
        if (rc)
            return rc;
        derived_build (slot, &wanted, map, &txn->after);
    }
    if (same (&wanted, &stored) &&
        slice_equal (buffer_slice (&txn->before), buffer_slice (&txn->after)))
        return 0;
    timestamp_t stamp = {updated, wanted.owner};
    wanted.mark = stored.mark;
    self->mended++;
    return derived_store (txn, slot, uuid, &wanted, &stamp);
}

//  ERR_NOT_FOUND behind the last record.
static int records_step (txn_t *txn, slot_t *slot, rebuild_t *self, size_t most)
{
    static const enum table tables[] = {TABLE_DERIVED_SOURCES, TABLE_DERIVED};
    int rc = 0;
    for (size_t i = 0; !rc && i < most; i++) {
        uuid16_t next = {{0}};
        bool any = false;
        for (size_t j = 0; j < sizeof tables / sizeof *tables; j++) {
            uuid16_t found;
            rc = record_behind (txn, tables[j], slot, self->has_place ? &self->uuid : NULL, &found);
            if (rc && rc != ERR_NOT_FOUND)
                return rc;
            if (!rc && (!any || uuid_compare (&found, &next) < 0))
                next = found;
            any |= !rc;
        }
        if (!any)
            return ERR_NOT_FOUND;
        self->uuid = next;
        self->has_place = true;
        rc = record_check (txn, slot, self, &next);
    }
    return rc;
}

//  ---- sums

//  The recount of all tables goes on here, and from here on; whoever takes its steps (scrub.h) takes ours too.
static int sums_step (txn_t *txn, const slot_t *slot, rebuild_t *self, size_t most)
{
    recount_t *recount = &txn->scrub;
    uint64_t budget = most;
    if (!self->has_place) {
        *recount = (recount_t){.running = true, .number = slot->entry.number};
        memcpy (recount->resource, slot->entry.resource.name, sizeof recount->resource);
        self->has_place = true;
    }
    while (budget && recount->running && recount->number == slot->entry.number) {
        scrub_found_t found;
        int rc = scrub_step (txn, &budget, &found);
        if (rc)
            return rc;
    }
    return recount->running && recount->number == slot->entry.number ? 0 : ERR_NOT_FOUND;
}

//  ---- all of them

//  The next derived resource; ERR_NOT_FOUND.
static int resource_next (txn_t *txn, rebuild_t *self, slot_t **ret_slot)
{
    char name[LIMIT_NAME_BYTES + 1];
    slot_t *slot = NULL;
    int rc;
    do {
        memcpy (name, self->resource, sizeof name);
        rc = slot_next (txn, slice_text (name), &slot);
        if (rc)
            return rc;
        memcpy (self->resource, slot->entry.resource.name, sizeof self->resource);
    } while (slot->entry.resource.kind != RESOURCE_DERIVED);
    self->mended_before = self->mended;
    phase_enter (self, REBUILD_ROWS);
    *ret_slot = slot;
    return 0;
}

int derived_rebuild (txn_t *txn, rebuild_t *self, size_t most, bool *ret_done)
{
    slot_t *slot;
    int rc = self->phase == REBUILD_BEGIN
                 ? resource_next (txn, self, &slot)
                 : slot_of_kind (txn, slice_text (self->resource), RESOURCE_DERIVED, &slot);
    *ret_done = rc == ERR_NOT_FOUND;
    if (rc)
        return *ret_done ? 0 : rc;
    slot_t *source;
    rc = slot_find (txn, slice_text (slot->entry.resource.from), &source);
    if (rc == ERR_UNKNOWN_RESOURCE) {
        phase_enter (self, REBUILD_BEGIN); // its source is not declared yet: there is nothing
        return 0;
    }
    if (!rc)
        rc = self->phase == REBUILD_ROWS      ? rows_step (txn, slot, self, most)
             : self->phase == REBUILD_RECORDS ? records_step (txn, slot, self, most)
                                              : sums_step (txn, slot, self, most);
    if (rc != ERR_NOT_FOUND)
        return rc;
    if (self->phase == REBUILD_ROWS)
        phase_enter (self, REBUILD_RECORDS);
    else if (self->phase == REBUILD_RECORDS && self->mended > self->mended_before)
        phase_enter (self, REBUILD_SUMS);
    else
        phase_enter (self, REBUILD_BEGIN);
    return 0;
}

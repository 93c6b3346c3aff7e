//  changes - cursor u64 -> what changed there
//
//      flags u8            1: deleted, 2: has an owner
//      resource varint
//      owner varint        its number; only with flag 2
//      uuid 16
//      since varint        cursor - born
//      rest varint         end - cursor
//      updated u64         only with flag 1
//      by varint           number of the client, 0: none; only with flag 1
//
//  A group's entries wait in memory until it closes: only then is its last cursor known, and
//  whether a record that came also stayed. Then they are appended, in order. A record finds its
//  place in the open group by its cursor, so no index is needed.

#include <stdlib.h>

#include "store/visible.h"

#define FLAG_DELETED 1
#define FLAG_OWNER   2

static void key_of (uint64_t cursor, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u64 (ret_key, cursor);
}

//  ---- the group that is open

static changed_record_t *group_find (txn_t *txn, uint64_t cursor)
{
    if (txn->group_count == 0 || cursor < txn->group[0].mark.cursor)
        return NULL;
    return &txn->group[cursor - txn->group[0].mark.cursor];
}

static int group_add (txn_t *txn, const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    changed_record_t **ret_entry)
{
    counters_t *counters;
    uint32_t number = 0;
    int rc = counters_get (txn, &counters);
    if (!rc && owner)
        rc = origins_intern (txn, owner, &number);
    if (rc)
        return rc;
    if (txn->group_count == txn->group_capacity) {
        size_t capacity = txn->group_capacity ? txn->group_capacity * 2 : 64;
        changed_record_t *group = realloc (txn->group, capacity * sizeof *group);
        if (!group)
            abort (); // as buffer_reserve
        txn->group = group;
        txn->group_capacity = capacity;
    }
    changed_record_t *entry = &txn->group[txn->group_count++];
    *entry = (changed_record_t){.resource = slot->entry.number, .owner = number, .uuid = *uuid};
    entry->mark.cursor = ++counters->cursor;
    txn->counters_dirty = true;
    *ret_entry = entry;
    return 0;
}

int changes_touch (txn_t *txn, const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    bool was_visible, bool is_visible, const timestamp_t *stamp, mark_t *mark)
{
    changed_record_t *entry = group_find (txn, mark->cursor);
    int rc = 0;
    if (!entry) {
        rc = group_add (txn, slot, owner, uuid, &entry);
        if (rc)
            return rc;
        entry->old = *mark;
        entry->was_visible = was_visible;
    }
    //  For whoever looks from outside, nothing lies between the group's beginning and its end.
    entry->mark.born = entry->was_visible ? entry->old.born : entry->mark.cursor;
    entry->deleted = !is_visible;
    entry->nothing = !is_visible && !entry->was_visible;
    entry->updated = stamp->time;
    entry->by = 0;
    if (entry->deleted && !uuid_is_zero (&stamp->client))
        rc = origins_intern (txn, &stamp->client, &entry->by);
    //  Come and gone: the record stands where it stood, and would enter the group anew.
    *mark = entry->nothing ? entry->old : entry->mark;
    return rc;
}

static void entry_pack (const changed_record_t *entry, uint64_t end, buffer_t *out)
{
    uint8_t flags =
        (uint8_t)((entry->deleted ? FLAG_DELETED : 0) | (entry->owner ? FLAG_OWNER : 0));
    buffer_clear (out);
    buffer_append (out, &flags, 1);
    add_varint (out, entry->resource);
    if (entry->owner)
        add_varint (out, entry->owner);
    add_uuid (out, &entry->uuid);
    add_varint (out, entry->mark.cursor - entry->mark.born);
    add_varint (out, end - entry->mark.cursor);
    if (entry->deleted) {
        add_u64 (out, entry->updated);
        add_varint (out, entry->by);
    }
}

static int entry_write (txn_t *txn, const changed_record_t *entry, uint64_t end)
{
    table_key_t key;
    buffer_t *out = &txn->packed;
    if (entry->old.cursor) {
        key_of (entry->old.cursor, &key);
        int rc = table_delete (txn, TABLE_CHANGES, key_slice (&key));
        if (rc && rc != ERR_NOT_FOUND) // a deletion's may be forgotten
            return rc;
    }
    entry_pack (entry, end, out);
    key_of (entry->mark.cursor, &key);
    return table_append (txn, TABLE_CHANGES, key_slice (&key), buffer_slice (out));
}

int changes_flush (txn_t *txn)
{
    uint64_t end = 0;
    int rc = 0;
    for (size_t i = 0; i < txn->group_count; i++)
        if (!txn->group[i].nothing)
            end = txn->group[i].mark.cursor;
    for (size_t i = 0; i < txn->group_count && !rc; i++)
        if (!txn->group[i].nothing)
            rc = entry_write (txn, &txn->group[i], end);
    txn->group_count = 0;
    return rc;
}

void changes_begin_group (txn_t *txn)
{
    //  An error stays with the transaction, which then cannot commit.
    (void)changes_flush (txn);
}

//  ---- reading

static bool entry_take (
    uint64_t cursor, slice_t value, changed_record_t *ret_entry, uint64_t *ret_end)
{
    uint8_t flags;
    uint64_t resource, owner = 0, since, rest, by = 0;
    changed_record_t entry = {.mark = {cursor, 0}};
    if (!take_bytes (&value, &flags, 1) || !take_varint (&value, &resource))
        return false;
    if ((flags & FLAG_OWNER) && !take_varint (&value, &owner))
        return false;
    if (!take_uuid (&value, &entry.uuid) || !take_varint (&value, &since) ||
        !take_varint (&value, &rest))
        return false;
    entry.deleted = flags & FLAG_DELETED;
    if (entry.deleted && (!take_u64 (&value, &entry.updated) || !take_varint (&value, &by)))
        return false;
    if (value.size || since > cursor || resource > UINT32_MAX || owner > UINT32_MAX ||
        by > UINT32_MAX)
        return false;
    entry.mark.born = cursor - since;
    entry.resource = (uint32_t)resource;
    entry.owner = (uint32_t)owner;
    entry.by = (uint32_t)by;
    *ret_end = cursor + rest;
    *ret_entry = entry;
    return true;
}

int changes_names (
    txn_t *txn, uint64_t cursor, const slot_t *slot, const uuid16_t *uuid, bool *ret_names)
{
    changed_record_t stored, *entry = group_find (txn, cursor);
    table_key_t key;
    slice_t value;
    uint64_t end;
    int rc = 0;
    if (!entry && cursor) {
        key_of (cursor, &key);
        rc = table_get (txn, TABLE_CHANGES, key_slice (&key), &value);
        if (rc == 0 && entry_take (cursor, value, &stored, &end))
            entry = &stored;
        if (rc == ERR_CORRUPT && txn->write) {
            txn->failed = 0; // it was this entry, and it goes: it would stop whoever reads past it
            rc = table_delete (txn, TABLE_CHANGES, key_slice (&key));
        }
    }
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    *ret_names = entry && entry->resource == slot->entry.number && entry->owner == 0 &&
                 uuid_equal (&entry->uuid, uuid);
    return 0;
}

static int value_of (txn_t *txn, slot_t *slot, buffer_t *scratch, change_t *change)
{
    timestamp_t stamp = {0};
    slice_t value = {NULL, 0};
    int rc;
    switch (slot->entry.resource.kind) {
    case RESOURCE_SHARED:
        buffer_clear (scratch);
        rc = shared_visible (txn, slot, &change->uuid, &stamp, scratch);
        value = buffer_slice (scratch);
        break;
    case RESOURCE_OWNED:
        rc = owned_visible (txn, slot, &change->owner, &change->uuid, &stamp.time, &value);
        stamp.client = change->owner;
        break;
    case RESOURCE_DERIVED:
        rc = derived_visible (txn, slot, &change->uuid, change->cursor, &stamp, &value);
        break;
    default: rc = local_visible (txn, slot, &change->uuid, &stamp.time, &value); break;
    }
    if (rc)
        return rc;
    change->updated = stamp.time;
    change->updated_by = stamp.client;
    change->value = value;
    return 0;
}

//  The first entry > *since, which it moves there. ERR_NOT_FOUND at the end; *ret_orphan where the entry's record is
//  not visible, or stands elsewhere: it was taken away behind the node's back, or could not be read any more.
static int change_read (
    txn_t *txn, uint64_t *since, buffer_t *scratch, change_t *ret_change, bool *ret_orphan)
{
    table_key_t after;
    slice_t key, value;
    changed_record_t entry;
    change_t change = {0};
    slot_t *slot;
    key_of (*since, &after);
    int rc = table_next (txn, TABLE_CHANGES, key_slice (&after), &key, &value);
    if (rc)
        return rc;
    if (!take_u64 (&key, &change.cursor) || !entry_take (change.cursor, value, &entry, &change.end))
        return txn_corrupt (txn);
    rc = slot_by_number (txn, entry.resource, &slot);
    if (rc)
        return rc;
    *since = change.cursor;
    memcpy (change.resource, slot->entry.resource.name, sizeof change.resource);
    change.uuid = entry.uuid;
    change.deleted = entry.deleted;
    change.born = entry.mark.born;
    change.has_owner = entry.owner != 0;
    if (change.has_owner)
        rc = origins_client (txn, entry.owner, &change.owner);
    if (!rc && !change.deleted) {
        rc = value_of (txn, slot, scratch, &change);
        *ret_orphan = rc == ERR_NOT_FOUND;
    } else if (!rc) {
        change.updated = entry.updated;
        if (entry.by)
            rc = origins_client (txn, entry.by, &change.updated_by);
    }
    if (!rc)
        *ret_change = change;
    return rc;
}

int changes_next (txn_t *txn, uint64_t since, buffer_t *scratch, change_t *ret_change)
{
    int rc = changes_flush (txn);
    bool orphan = true;
    while (!rc && orphan) {
        orphan = false;
        rc = change_read (txn, &since, scratch, ret_change, &orphan);
        if (orphan)
            rc = 0;
    }
    return rc;
}

//  ---- stamped anew

static int deleted_rename (
    txn_t *txn, changed_record_t *entry, uint64_t end, const renaming_t *renaming)
{
    table_key_t key;
    entry->updated = renaming_time (renaming, entry->updated);
    entry_pack (entry, end, &txn->packed);
    key_of (entry->mark.cursor, &key);
    return table_put (txn, TABLE_CHANGES, key_slice (&key), buffer_slice (&txn->packed));
}

int changes_walk_deleted (txn_t *txn, renaming_t *collected, const renaming_t *renaming)
{
    const renaming_t *which = collected ? collected : renaming;
    changed_record_t entry = {.mark = {0, 0}};
    uint32_t number;
    uint64_t end;
    int rc = changes_flush (txn);
    if (!rc)
        rc = origins_find (txn, &which->client, &number);
    while (!rc) {
        table_key_t after;
        slice_t key, value;
        key_of (entry.mark.cursor, &after);
        rc = table_next (txn, TABLE_CHANGES, key_slice (&after), &key, &value);
        if (rc)
            break;
        uint64_t cursor;
        if (!take_u64 (&key, &cursor) || !entry_take (cursor, value, &entry, &end))
            return txn_corrupt (txn);
        timestamp_t stamp = {entry.updated, which->client};
        if (!entry.deleted || entry.by != number)
            continue;
        if (collected)
            renaming_add (collected, &stamp);
        else if (stamp.time > renaming->past)
            rc = deleted_rename (txn, &entry, end, renaming);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int changes_last (txn_t *txn, uint64_t *ret_cursor)
{
    counters_t *counters;
    int rc = counters_get (txn, &counters);
    if (!rc)
        *ret_cursor = counters->cursor;
    return rc;
}

//  scrub - counts and digests, computed anew from the tables, slice by slice

#include "store/damage.h"
#include "store/derived.h"
#include "store/scrub.h"
#include "store/state.h"

#define BYTES_A_UNIT 1024

//  ---- what changes meanwhile

static void key_of (
    const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u32 (ret_key, slot->entry.number);
    if (owner)
        key_uuid (ret_key, owner);
    key_uuid (ret_key, uuid);
}

void scrub_follow (txn_t *txn, const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    const digest_t *item, bool come)
{
    recount_t *self = &txn->scrub;
    table_key_t key;
    if (!self->running || self->number != slot->entry.number || !self->place_size)
        return;
    key_of (slot, owner, uuid, &key);
    if (slice_compare (key_slice (&key), slice_of (self->place, self->place_size)) > 0)
        return;
    if (come)
        digest_add (&self->digest, item);
    else
        digest_subtract (&self->digest, item);
    self->count += come ? 1 : (uint64_t)-1;
}

//  ---- reading

static enum table table_of (int kind)
{
    switch (kind) {
    case RESOURCE_SHARED: return TABLE_SHARED;
    case RESOURCE_OWNED: return TABLE_OWNED;
    case RESOURCE_DERIVED: return TABLE_DERIVED;
    default: return TABLE_LOCAL;
    }
}

//  The first entry of the resource behind the place; ERR_NOT_FOUND at its end. With ERR_CORRUPT the key is there, if
//  it is only this value that does not pass.
static int entry_next (txn_t *txn, const slot_t *slot, slice_t *ret_key, slice_t *ret_value)
{
    recount_t *self = &txn->scrub;
    enum table table = table_of (slot->entry.resource.kind);
    table_key_t prefix;
    slice_t key = {NULL, 0};
    key_clear (&prefix);
    key_u32 (&prefix, slot->entry.number);
    slice_t from =
        self->place_size ? slice_of (self->place, self->place_size) : key_slice (&prefix);
    int rc = self->place_size ? table_next (txn, table, from, &key, ret_value)
                              : table_seek (txn, table, from, &key, ret_value);
    if (rc && (rc != ERR_CORRUPT || !key.data))
        return rc;
    if (!slice_begins (key, key_slice (&prefix)) || key.size > sizeof self->place)
        return rc ? rc : ERR_NOT_FOUND;
    *ret_key = key;
    return rc;
}

//  A visible shared record that `changes` does not name gets an entry there.
static int entry_list (txn_t *txn, slot_t *slot, const uuid16_t *uuid, state_t *state)
{
    bool named;
    int rc = changes_names (txn, state->mark.cursor, slot, uuid, &named);
    return rc || named ? rc : state_relist (txn, slot, uuid, state, &txn->record);
}

//  What an entry shows, into txn->after; empty where that is nothing.
static int entry_show (txn_t *txn, slot_t *slot, const uuid16_t *uuid, slice_t value)
{
    mark_t mark;
    uint64_t updated;
    state_t state;
    derived_t derived;
    int rc = 0;
    buffer_clear (&txn->after);
    switch (slot->entry.resource.kind) {
    case RESOURCE_SHARED:
        rc = state_unpack (txn, value, &state, &txn->record);
        if (!rc)
            state_show (slot, &txn->record, &txn->after);
        return rc || !txn->after.size ? rc : entry_list (txn, slot, uuid, &state);
    case RESOURCE_DERIVED:
        rc = derived_load (txn, slot, uuid, &derived);
        value = !rc && derived.rows ? derived.value : slice_of (NULL, 0);
        break;
    default:
        if (!mark_take (&value, &mark) || !take_u64 (&value, &updated))
            return txn_corrupt (txn);
    }
    buffer_append (&txn->after, value.data, value.size);
    return rc;
}

//  Owner (owned resources) and uuid out of a key.
static bool entry_whose (const slot_t *slot, slice_t key, uuid16_t *ret_owner, uuid16_t *ret_uuid)
{
    uint32_t number;
    bool owned = slot->entry.resource.kind == RESOURCE_OWNED;
    return take_u32 (&key, &number) && (!owned || take_uuid (&key, ret_owner)) &&
           take_uuid (&key, ret_uuid) && key.size == 0;
}

static void entry_count (
    txn_t *txn, const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid)
{
    recount_t *self = &txn->scrub;
    bool owned = slot->entry.resource.kind == RESOURCE_OWNED;
    if (txn->after.size == 0)
        return;
    digest_t item = digest_of_record (owned ? owner : NULL, uuid, buffer_slice (&txn->after));
    digest_add (&self->digest, &item);
    self->count++;
}

//  ---- the beginning and the end of a resource

static int resource_begin (txn_t *txn, slot_t **ret_slot)
{
    recount_t *self = &txn->scrub;
    slot_t *slot;
    char name[LIMIT_NAME_BYTES + 1];
    memcpy (name, self->resource, sizeof name);
    int rc = slot_next (txn, slice_text (name), &slot);
    if (rc)
        return rc;
    *self = (recount_t){.running = true, .number = slot->entry.number};
    memcpy (self->resource, slot->entry.resource.name, sizeof self->resource);
    *ret_slot = slot;
    return 0;
}

static void resource_end (txn_t *txn, slot_t *slot, scrub_found_t *found)
{
    recount_t *self = &txn->scrub;
    bool right = slot->entry.count == self->count && slot->entry.digest.low == self->digest.low &&
                 slot->entry.digest.high == self->digest.high;
    found->what = right ? SCRUB_SOUND : SCRUB_MISCOUNTED;
    found->counted = slot->entry.count;
    found->count = self->count;
    if (!right) {
        slot->entry.count = self->count;
        slot->entry.digest = self->digest;
        slot->dirty = true;
    }
    self->running = false;
}

//  ---- a step

//  A value that does not pass: a shared record is set aside, of others the place moves on.
static int entry_damaged (txn_t *txn, const slot_t *slot, const uuid16_t *uuid)
{
    if (slot->entry.resource.kind != RESOURCE_SHARED) {
        txn->failed = 0;
        return 0;
    }
    int rc = damage_aside (txn, slot, uuid);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  Reads one entry; found->what is set where that ends the step.
static int entry_read (txn_t *txn, slot_t *slot, uint64_t *budget, scrub_found_t *found)
{
    recount_t *self = &txn->scrub;
    slice_t key = {NULL, 0}, value = {NULL, 0};
    uuid16_t owner, uuid;
    int rc = entry_next (txn, slot, &key, &value);
    if (rc == ERR_NOT_FOUND) {
        resource_end (txn, slot, found);
        return 0;
    }
    if ((rc && rc != ERR_CORRUPT) || !key.data || !entry_whose (slot, key, &owner, &uuid))
        return rc ? rc : txn_corrupt (txn);
    memcpy (self->place, key.data, key.size);
    self->place_size = key.size;
    uint64_t cost = 1 + value.size / BYTES_A_UNIT;
    *budget -= cost < *budget ? cost : *budget;
    if (!rc)
        rc = entry_show (txn, slot, &uuid, value);
    if (rc == ERR_CORRUPT) {
        found->what = SCRUB_DAMAGED;
        found->uuid = uuid;
        return entry_damaged (txn, slot, &uuid);
    }
    if (!rc)
        entry_count (txn, slot, &owner, &uuid);
    return rc;
}

int scrub_step (txn_t *txn, uint64_t *budget, scrub_found_t *ret_found)
{
    recount_t *self = &txn->scrub;
    scrub_found_t found = {.what = SCRUB_GOES_ON};
    slot_t *slot;
    int rc = self->running ? slot_find (txn, slice_text (self->resource), &slot)
                           : resource_begin (txn, &slot);
    if (rc == ERR_NOT_FOUND) {
        *self = (recount_t){.running = false};
        *ret_found = (scrub_found_t){.what = SCRUB_PASSED};
        return 0;
    }
    if (rc)
        return rc;
    while (!rc && *budget && found.what == SCRUB_GOES_ON)
        rc = entry_read (txn, slot, budget, &found);
    memcpy (found.resource, slot->entry.resource.name, sizeof found.resource);
    found.shared = slot->entry.resource.kind == RESOURCE_SHARED;
    if (!rc)
        *ret_found = found;
    return rc;
}

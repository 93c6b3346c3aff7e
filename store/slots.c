//  slots - resources as a transaction knows them
//
//  resources: 'r' name        -> number u32, count u64, digest 16, declaration (msgpack map),
//                            conflicts varint (left out while there were none)
//             'n' number u32  -> name

#include <stdlib.h>

#include "store/visible.h"

static void key_of_name (slice_t name, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u8 (ret_key, 'r');
    key_add (ret_key, name.data, name.size);
}

static void key_of_number (uint32_t number, table_key_t *ret_key)
{
    key_clear (ret_key);
    key_u8 (ret_key, 'n');
    key_u32 (ret_key, number);
}

//  ---- what a derived resource keeps, parsed

static keep_t keep_of (const char *text)
{
    const char *equals = strchr (text, '=');
    keep_t keep = {slice_text (text), KEEP_PROPERTY, slice_text (text)};
    if (equals) {
        keep.name.size = (size_t)(equals - text);
        keep.property = slice_text (equals + 1);
        if (slice_equal (keep.property, slice_text ("#rows")))
            keep.what = KEEP_ROWS;
        else if (slice_equal (keep.property, slice_text ("#owners")))
            keep.what = KEEP_OWNERS;
    }
    return keep;
}

//  Ascending by name; of two with one name the first stays.
static void keeps_parse (slot_t *slot)
{
    slot->keep_count = 0;
    slot->keeps_counts = false;
    for (size_t i = 0; i < slot->entry.resource.keep_count; i++) {
        keep_t keep = keep_of (slot->entry.resource.keep[i]);
        size_t at = slot->keep_count;
        while (at > 0 && slice_compare (slot->keeps[at - 1].name, keep.name) > 0)
            at--;
        if (at > 0 && slice_equal (slot->keeps[at - 1].name, keep.name))
            continue;
        memmove (&slot->keeps[at + 1], &slot->keeps[at],
            (slot->keep_count - at) * sizeof slot->keeps[0]);
        slot->keeps[at] = keep;
        slot->keep_count++;
        slot->keeps_counts |= keep.what != KEEP_PROPERTY;
    }
}

//  ---- the cache

static slot_t *slot_new (txn_t *txn)
{
    if (txn->slot_count == txn->slot_capacity) {
        size_t capacity = txn->slot_capacity ? txn->slot_capacity * 2 : 16;
        // NOLINTNEXTLINE (bugprone-sizeof-expression): it holds pointers
        slot_t **slots = realloc (txn->slots, capacity * sizeof *slots);
        if (!slots)
            abort (); // as buffer_reserve
        txn->slots = slots;
        txn->slot_capacity = capacity;
    }
    if (txn->slot_count == txn->slot_allocated) {
        txn->slots[txn->slot_count] = malloc (sizeof (slot_t));
        if (!txn->slots[txn->slot_count])
            abort ();
        txn->slot_allocated++;
    }
    return txn->slots[txn->slot_count]; // counted once it is filled
}

static bool slot_is (const slot_t *slot, uint64_t hash, slice_t name)
{
    return slot->hash == hash && slice_equal (slice_text (slot->entry.resource.name), name);
}

static slot_t *slot_cached (txn_t *txn, uint64_t hash, slice_t name)
{
    if (txn->slot_last && slot_is (txn->slot_last, hash, name))
        return txn->slot_last;
    for (size_t i = 0; i < txn->slot_count; i++)
        if (slot_is (txn->slots[i], hash, name))
            return txn->slots[i];
    return NULL;
}

static int slot_load (txn_t *txn, uint64_t hash, slice_t name, slice_t value, slot_t **ret_slot)
{
    slot_t *slot = slot_new (txn);
    uint8_t digest[16];
    memset (slot, 0, sizeof *slot);
    if (!take_u32 (&value, &slot->entry.number) || !take_u64 (&value, &slot->entry.count) ||
        !take_bytes (&value, digest, sizeof digest))
        return txn_corrupt (txn);
    digest_from_bytes (digest, &slot->entry.digest);
    cursor_t cursor = cursor_over (value);
    const char *why;
    if (resource_unpack (name, &cursor, &slot->entry.resource, &why))
        return txn_corrupt (txn);
    slice_t rest = slice_of (cursor.at, (size_t)(cursor.end - cursor.at));
    if (rest.size && (!take_varint (&rest, &slot->entry.conflicts) || rest.size))
        return txn_corrupt (txn);
    slot->hash = hash;
    keeps_parse (slot);
    txn->slot_count++;
    txn->slot_last = slot;
    *ret_slot = slot;
    return 0;
}

int slot_find (txn_t *txn, slice_t name, slot_t **ret_slot)
{
    if (name.size == 0 || name.size > LIMIT_NAME_BYTES)
        return ERR_UNKNOWN_RESOURCE;
    uint64_t hash = checksum_of (name);
    slot_t *slot = slot_cached (txn, hash, name);
    if (slot) {
        txn->slot_last = slot;
        *ret_slot = slot;
        return 0;
    }
    table_key_t key;
    slice_t value;
    key_of_name (name, &key);
    int rc = table_get (txn, TABLE_RESOURCES, key_slice (&key), &value);
    if (rc)
        return rc == ERR_NOT_FOUND ? ERR_UNKNOWN_RESOURCE : rc;
    return slot_load (txn, hash, name, value, ret_slot);
}

int slot_by_number (txn_t *txn, uint32_t number, slot_t **ret_slot)
{
    if (txn->slot_last && txn->slot_last->entry.number == number) {
        *ret_slot = txn->slot_last;
        return 0;
    }
    for (size_t i = 0; i < txn->slot_count; i++)
        if (txn->slots[i]->entry.number == number) {
            *ret_slot = txn->slot_last = txn->slots[i];
            return 0;
        }
    table_key_t key;
    slice_t name;
    key_of_number (number, &key);
    int rc = table_get (txn, TABLE_RESOURCES, key_slice (&key), &name);
    if (!rc)
        rc = slot_find (txn, name, ret_slot);
    return rc == ERR_NOT_FOUND || rc == ERR_UNKNOWN_RESOURCE ? txn_corrupt (txn) : rc;
}

int slot_of_kind (txn_t *txn, slice_t name, int kind, slot_t **ret_slot)
{
    slot_t *slot;
    int rc = slot_find (txn, name, &slot);
    if (rc)
        return rc;
    if (slot->entry.resource.kind != kind)
        return ERR_MALFORMED;
    *ret_slot = slot;
    return 0;
}

int slot_next (txn_t *txn, slice_t after_name, slot_t **ret_slot)
{
    if (after_name.size > LIMIT_NAME_BYTES)
        return ERR_MALFORMED;
    table_key_t from;
    slice_t key, value;
    key_of_name (after_name, &from);
    int rc = table_next (txn, TABLE_RESOURCES, key_slice (&from), &key, &value);
    if (rc)
        return rc;
    if (key.data[0] != 'r')
        return ERR_NOT_FOUND;
    slice_t name = slice_of (key.data + 1, key.size - 1);
    uint64_t hash = checksum_of (name);
    slot_t *slot = slot_cached (txn, hash, name);
    if (!slot)
        return slot_load (txn, hash, name, value, ret_slot);
    *ret_slot = slot;
    return 0;
}

int slots_link (txn_t *txn)
{
    if (txn->slots_linked)
        return 0;
    slot_t *slot = NULL;
    int rc = slot_next (txn, slice_of (NULL, 0), &slot);
    while (!rc) {
        slot->source = slot->derived_first = slot->derived_next = NULL;
        rc = slot_next (txn, slice_text (slot->entry.resource.name), &slot);
    }
    if (rc != ERR_NOT_FOUND)
        return rc;
    for (size_t i = 0; i < txn->slot_count; i++) {
        slot = txn->slots[i];
        if (slot->entry.resource.kind != RESOURCE_DERIVED)
            continue;
        rc = slot_find (txn, slice_text (slot->entry.resource.from), &slot->source);
        if (rc)
            return rc == ERR_UNKNOWN_RESOURCE ? txn_corrupt (txn) : rc;
        slot->derived_next = slot->source->derived_first;
        slot->source->derived_first = slot;
    }
    txn->slots_linked = true;
    return 0;
}

//  ---- writing

static int slot_store (txn_t *txn, slot_t *slot)
{
    table_key_t key;
    uint8_t digest[16];
    buffer_t *out = &txn->packed;
    digest_to_bytes (&slot->entry.digest, digest);
    buffer_clear (out);
    add_u32 (out, slot->entry.number);
    add_u64 (out, slot->entry.count);
    buffer_append (out, digest, sizeof digest);
    resource_pack (&slot->entry.resource, out);
    if (slot->entry.conflicts)
        add_varint (out, slot->entry.conflicts);
    key_of_name (slice_text (slot->entry.resource.name), &key);
    slot->dirty = false;
    return table_put (txn, TABLE_RESOURCES, key_slice (&key), buffer_slice (out));
}

int slots_flush (txn_t *txn)
{
    for (size_t i = 0; i < txn->slot_count; i++) {
        int rc = txn->slots[i]->dirty ? slot_store (txn, txn->slots[i]) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

int slot_declare (txn_t *txn, const resource_t *resource, slot_t **ret_slot)
{
    counters_t *counters;
    int rc = counters_get (txn, &counters);
    if (rc)
        return rc;
    if (counters->resources >= LIMIT_RESOURCES)
        return ERR_TOO_LARGE;
    slot_t *slot = slot_new (txn);
    memset (slot, 0, sizeof *slot);
    slot->entry.number = counters->resources + 1;
    slot->entry.resource = *resource;
    slot->hash = checksum_of (slice_text (resource->name));
    keeps_parse (slot);
    rc = slot_store (txn, slot);
    table_key_t key;
    key_of_number (slot->entry.number, &key);
    if (!rc)
        rc = table_put (
            txn, TABLE_RESOURCES, key_slice (&key), slice_text (slot->entry.resource.name));
    if (rc)
        return rc;
    counters->resources++;
    txn->counters_dirty = true;
    txn->slot_count++;
    txn->slots_linked = false;
    *ret_slot = slot;
    return 0;
}

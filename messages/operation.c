//  operation - the names of actions and conflicts, and the canonical form of a value
//
//  One value has one encoding on all nodes: batches are compared by their bytes, and of two writes
//  with one timestamp the larger encoded value wins. What a property holds is left as it came.

#include "messages/operation.h"

#include "messages/limits.h"

#include <stdlib.h>

static const char *const action_names[] = {"create", "update", "delete"};
static const char *const conflict_names[] = {"merge", "ignore", "overwrite"};

#define NAMES 3 // in either list

static int index_of (const char *const names[NAMES], slice_t name, int *ret_index)
{
    for (int i = 0; i < NAMES; i++) {
        if (slice_equal (name, slice_text (names[i]))) {
            *ret_index = i;
            return 0;
        }
    }
    return ERR_BAD_REQUEST;
}

const char *action_name (int action)
{
    return action >= 0 && action < NAMES ? action_names[action] : "unknown";
}

int action_from_name (slice_t name, int *ret_action)
{
    return index_of (action_names, name, ret_action);
}

const char *conflict_name (int on_conflict)
{
    return on_conflict >= 0 && on_conflict < NAMES ? conflict_names[on_conflict] : "unknown";
}

int conflict_from_name (slice_t name, int *ret_on_conflict)
{
    return index_of (conflict_names, name, ret_on_conflict);
}

//  ---- a value

typedef struct entry {
    slice_t name;
    slice_t value;
} entry_t;

static int entry_compare (const void *a, const void *b)
{
    return slice_compare (((const entry_t *)a)->name, ((const entry_t *)b)->name);
}

//  Reads one property and checks its name's size and its value.
static int entry_read (cursor_t *cursor, entry_t *ret_entry)
{
    int rc = cursor_text (cursor, &ret_entry->name);
    if (rc)
        return rc;
    if (ret_entry->name.size == 0)
        return ERR_MALFORMED;
    if (ret_entry->name.size > LIMIT_NAME_BYTES)
        return ERR_TOO_LARGE;
    return cursor_skip (cursor, &ret_entry->value);
}

//  The bytes in front of a name, and in front of a map's entries, in the shortest encoding.
static size_t name_head_size (size_t size)
{
    return size < 32 ? 1 : 2;
}

static size_t map_head_size (size_t count)
{
    return count < 16 ? 1 : 3;
}

//  Sorts the entries, which mostly are in order already. False if a name is there twice.
static bool entries_sort (entry_t *entries, size_t count)
{
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = entry_compare (&entries[i - 1], &entries[i]) < 0;
    if (sorted)
        return true;

    qsort (entries, count, sizeof *entries, entry_compare);
    for (size_t i = 1; i < count; i++)
        if (entry_compare (&entries[i - 1], &entries[i]) == 0)
            return false;
    return true;
}

//  Fills entries from a whole map with nothing behind it.
static int entries_read (slice_t encoded, entry_t entries[LIMIT_PROPERTIES], size_t *ret_count)
{
    cursor_t cursor = cursor_over (encoded);
    size_t count;
    int rc = cursor_map (&cursor, &count);
    if (rc)
        return rc;
    if (count > LIMIT_PROPERTIES)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = entry_read (&cursor, &entries[i]);
    if (rc)
        return rc;
    if (!cursor_done (&cursor) || !entries_sort (entries, count))
        return ERR_MALFORMED;
    *ret_count = count;
    return 0;
}

int value_canonical (slice_t encoded, size_t size_max, buffer_t *out)
{
    entry_t entries[LIMIT_PROPERTIES];
    size_t count;
    int rc = entries_read (encoded, entries, &count);
    if (rc)
        return rc == ERR_TOO_LARGE ? rc : ERR_BAD_REQUEST;

    size_t size = map_head_size (count);
    for (size_t i = 0; i < count; i++)
        size +=
            name_head_size (entries[i].name.size) + entries[i].name.size + entries[i].value.size;
    if (size > size_max)
        return ERR_TOO_LARGE;

    buffer_reserve (out, size);
    pack_map (out, count);
    for (size_t i = 0; i < count; i++) {
        pack_text (out, entries[i].name);
        pack_raw (out, entries[i].value);
    }
    return 0;
}

int value_unpack (cursor_t *cursor, slice_t *ret_value)
{
    cursor_t next = *cursor;
    size_t count;
    int rc = cursor_map (&next, &count);
    if (rc)
        return rc;
    if (count > LIMIT_PROPERTIES)
        return ERR_TOO_LARGE;
    if ((size_t)(next.at - cursor->at) != map_head_size (count))
        return ERR_MALFORMED;

    slice_t before = slice_of (NULL, 0); // smaller than any name, for none is empty
    for (size_t i = 0; i < count; i++) {
        const uint8_t *start = next.at;
        entry_t entry;
        rc = entry_read (&next, &entry);
        if (rc)
            return rc;
        if ((size_t)(entry.name.data - start) != name_head_size (entry.name.size))
            return ERR_MALFORMED;
        if (slice_compare (before, entry.name) >= 0)
            return ERR_MALFORMED;
        before = entry.name;
    }
    slice_t value = slice_of (cursor->at, (size_t)(next.at - cursor->at));
    if (value.size > LIMIT_VALUE_BYTES)
        return ERR_TOO_LARGE;
    *cursor = next;
    *ret_value = value;
    return 0;
}

int value_check (slice_t encoded)
{
    cursor_t cursor = cursor_over (encoded);
    slice_t value;
    int rc = value_unpack (&cursor, &value);
    if (rc == 0 && !cursor_done (&cursor))
        rc = ERR_MALFORMED;
    return rc;
}

//  declarations - all that a node knows of resources, as it is said to others, and what they say of it

#include "actors/declarations.h"

#include <stdio.h>

int declarations_pack (txn_t *txn, buffer_t *out)
{
    resource_entry_t entry;
    buffer_t items = {NULL, 0, 0};
    size_t count = 0;
    int rc = resources_next (txn, slice_of ("", 0), &entry);
    while (rc == 0) {
        char name[LIMIT_NAME_BYTES + 1];
        memcpy (name, entry.resource.name, sizeof name);
        pack_string (&items, name);
        resource_pack (&entry.resource, &items);
        count++;
        rc = resources_next (txn, slice_text (name), &entry);
    }
    if (rc == ERR_NOT_FOUND) {
        pack_map (out, count);
        pack_raw (out, buffer_slice (&items));
        rc = 0;
    }
    buffer_release (&items);
    return rc;
}

int declarations_compare (txn_t *txn, slice_t packed, char text[DECLARATIONS_TEXT_SIZE])
{
    cursor_t cursor = cursor_over (packed);
    size_t count;
    text[0] = 0;
    if (cursor_map (&cursor, &count))
        return ERR_MALFORMED;
    while (count--) {
        slice_t name;
        resource_t theirs;
        resource_entry_t ours;
        if (cursor_text (&cursor, &name) || resource_unpack (name, &cursor, &theirs, NULL))
            return ERR_MALFORMED;
        int rc = resources_find (txn, name, &ours);
        if (rc && rc != ERR_UNKNOWN_RESOURCE)
            return rc;
        if (rc || resource_equal (&ours.resource, &theirs, NULL))
            continue;
        int size = snprintf (text, DECLARATIONS_TEXT_SIZE, "%s: ", theirs.name);
        resource_difference (
            &ours.resource, &theirs, text + size, DECLARATIONS_TEXT_SIZE - (size_t)size);
        return ERR_CONFLICTING_DECLARATION;
    }
    return 0;
}

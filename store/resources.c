//  resources - what is declared; the tables behind it are in slots.c

#include "store/visible.h"

int resources_find (txn_t *txn, slice_t name, resource_entry_t *ret_entry)
{
    slot_t *slot;
    int rc = slot_find (txn, name, &slot);
    if (!rc)
        *ret_entry = slot->entry;
    return rc;
}

int resources_by_number (txn_t *txn, uint32_t number, resource_entry_t *ret_entry)
{
    counters_t *counters;
    slot_t *slot;
    int rc = counters_get (txn, &counters);
    if (rc)
        return rc;
    if (number == 0 || number > counters->resources)
        return ERR_UNKNOWN_RESOURCE;
    rc = slot_by_number (txn, number, &slot);
    if (!rc)
        *ret_entry = slot->entry;
    return rc;
}

int resources_next (txn_t *txn, slice_t after_name, resource_entry_t *ret_entry)
{
    slot_t *slot;
    int rc = slot_next (txn, after_name, &slot);
    if (!rc)
        *ret_entry = slot->entry;
    return rc;
}

int resources_declare (txn_t *txn, const resource_t *resource, const char **ret_difference)
{
    slot_t *slot;
    const char *difference = NULL;
    if (!resource_name_valid (slice_text (resource->name)))
        return ERR_BAD_REQUEST;
    int rc = slot_find (txn, slice_text (resource->name), &slot);
    if (!rc) {
        if (resource_equal (&slot->entry.resource, resource, &difference))
            return 0;
        *ret_difference = difference;
        return ERR_CONFLICTING_DECLARATION;
    }
    if (rc != ERR_UNKNOWN_RESOURCE)
        return rc;
    bool derived = resource->kind == RESOURCE_DERIVED;
    if (derived) {
        slot_t *source;
        rc = slot_of_kind (txn, slice_text (resource->from), RESOURCE_OWNED, &source);
        if (rc)
            return rc == ERR_UNKNOWN_RESOURCE || rc == ERR_MALFORMED ? ERR_BAD_REQUEST : rc;
    }
    rc = slot_declare (txn, resource, &slot);
    if (!rc && derived)
        rc = derived_fill (txn, slot);
    return rc;
}

//  resources - the declarations that this node holds, with count and digest of what is visible

#ifndef TIDEPOOL_STORE_RESOURCES_H
#define TIDEPOOL_STORE_RESOURCES_H

#include "store/store.h"

typedef struct resource_entry {
    uint32_t number; // interned: names the resource in keys on this node
    resource_t resource;
    uint64_t count; // visible records
    digest_t digest;
    uint64_t
        conflicts; // operations that met a concurrent one and contradicted it (record.h), here, ever
} resource_entry_t;

//  ERR_UNKNOWN_RESOURCE where it is not declared.
int resources_find (txn_t *txn, slice_t name, resource_entry_t *ret_entry);
int resources_by_number (txn_t *txn, uint32_t number, resource_entry_t *ret_entry);

//  Declares; 0 also if it is declared equally already; ERR_CONFLICTING_DECLARATION, with the
//  difference (static text), if not. A derived resource whose source is not an owned one that is
//  declared (in this or an earlier call) gets ERR_BAD_REQUEST; one declared over rows that exist
//  is computed from them here.
int resources_declare (txn_t *txn, const resource_t *resource, const char **ret_difference);

//  All, ascending by name. Begin with an empty name; ERR_NOT_FOUND at the end.
int resources_next (txn_t *txn, slice_t after_name, resource_entry_t *ret_entry);

#endif

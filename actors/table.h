//  table - pointers by a number that is their key
//
//  Open addressing, linear probing. For keys that are numbers already (a watch) or hashes that the
//  owner compares the rest of. A zeroed struct is an empty table.

#ifndef TIDEPOOL_TABLE_H
#define TIDEPOOL_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct table_slot {
    uint64_t key;
    void *item; // NULL: free
} table_slot_t;

typedef struct table {
    table_slot_t *slots;
    size_t capacity; // 0 or a power of two
    size_t count;
} table_t;

void *table_get (const table_t *self, uint64_t key);            // NULL where there is none
void *table_put (table_t *self, uint64_t key, void *item);      // what was there before, or NULL
void *table_take (table_t *self, uint64_t key);                 // takes it out; NULL where there is none
//  Walks in no order: begin with *at 0; NULL at the end. Nothing may be put or taken meanwhile.
void *table_next (const table_t *self, size_t *at);
void table_release (table_t *self); // not the items

#endif

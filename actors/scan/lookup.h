//  lookup - pointers by a number that is their key
//
//  Open addressing, linear probing. For keys that are numbers already (a watch) or hashes that the
//  owner compares the rest of. A zeroed struct is an empty table.

#ifndef TIDEPOOL_LOOKUP_H
#define TIDEPOOL_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

typedef struct lookup_slot {
    uint64_t key;
    void *item; // NULL: free
} lookup_slot_t;

typedef struct lookup {
    lookup_slot_t *slots;
    size_t capacity; // 0 or a power of two
    size_t count;
} lookup_t;

void *lookup_get (const lookup_t *self, uint64_t key);       // NULL where there is none
void *lookup_put (lookup_t *self, uint64_t key, void *item); // what was there before, or NULL
void *lookup_take (lookup_t *self, uint64_t key); // takes it out; NULL where there is none
//  Walks in no order: begin with *at 0; NULL at the end. Nothing may be put or taken meanwhile.
void *lookup_next (const lookup_t *self, size_t *at);
void lookup_release (lookup_t *self); // not the items

#endif

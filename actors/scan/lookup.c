//  lookup - pointers by number

#include "actors/scan/lookup.h"

#include <assert.h>
#include <stdlib.h>

static size_t slot_home (const lookup_t *self, uint64_t key)
{
    return (size_t)((key * 0x9e3779b97f4a7c15ull) >> 20) & (self->capacity - 1);
}

static lookup_slot_t *slot_find (const lookup_t *self, uint64_t key)
{
    size_t at = slot_home (self, key);
    while (self->slots[at].item && self->slots[at].key != key)
        at = (at + 1) & (self->capacity - 1);
    return &self->slots[at];
}

static void lookup_grow (lookup_t *self)
{
    lookup_t old = *self;
    self->capacity = old.capacity ? 2 * old.capacity : 16;
    self->slots = calloc (self->capacity, sizeof *self->slots);
    if (!self->slots)
        abort ();
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].item)
            *slot_find (self, old.slots[i].key) = old.slots[i];
    free (old.slots);
}

void *lookup_get (const lookup_t *self, uint64_t key)
{
    return self->capacity ? slot_find (self, key)->item : NULL;
}

void *lookup_put (lookup_t *self, uint64_t key, void *item)
{
    assert (item);
    if (2 * (self->count + 1) > self->capacity)
        lookup_grow (self);
    lookup_slot_t *slot = slot_find (self, key);
    void *before = slot->item;
    self->count += before == NULL;
    *slot = (lookup_slot_t){key, item};
    return before;
}

void *lookup_take (lookup_t *self, uint64_t key)
{
    if (self->capacity == 0)
        return NULL;
    lookup_slot_t *slot = slot_find (self, key);
    void *item = slot->item;
    if (item == NULL)
        return NULL;
    //  What stands behind moves up where it may, so that no search ends too early.
    size_t mask = self->capacity - 1, hole = (size_t)(slot - self->slots);
    for (size_t at = (hole + 1) & mask; self->slots[at].item; at = (at + 1) & mask) {
        size_t home = slot_home (self, self->slots[at].key);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            self->slots[hole] = self->slots[at];
            hole = at;
        }
    }
    self->slots[hole] = (lookup_slot_t){0, NULL};
    self->count--;
    return item;
}

void *lookup_next (const lookup_t *self, size_t *at)
{
    while (*at < self->capacity) {
        void *item = self->slots[(*at)++].item;
        if (item)
            return item;
    }
    return NULL;
}

void lookup_release (lookup_t *self)
{
    free (self->slots);
    *self = (lookup_t){NULL, 0, 0};
}

//  feed_marks - a set of hashes

#include "actors/api/feed_marks.h"

#include <stdlib.h>

#define CAPACITY_FIRST 1024
#define CAPACITY_KEPT  16384

//  The place of the hash, or the free one where it belongs. Not for an empty table.
static size_t place_of (const feed_marks_t *self, uint64_t hash)
{
    size_t at = (size_t)hash & (self->capacity - 1);
    while (self->hashes[at] && self->hashes[at] != hash)
        at = (at + 1) & (self->capacity - 1);
    return at;
}

static uint64_t not_zero (uint64_t hash)
{
    return hash ? hash : 1;
}

bool feed_marks_has (const feed_marks_t *self, uint64_t hash)
{
    return self->count && self->hashes[place_of (self, not_zero (hash))] != 0;
}

static void grow (feed_marks_t *self)
{
    feed_marks_t larger = {.capacity = self->capacity ? self->capacity * 2 : CAPACITY_FIRST};
    larger.hashes = calloc (larger.capacity, sizeof *larger.hashes);
    if (!larger.hashes)
        abort (); // as buffer_reserve
    for (size_t i = 0; i < self->capacity; i++)
        if (self->hashes[i])
            larger.hashes[place_of (&larger, self->hashes[i])] = self->hashes[i];
    larger.count = self->count;
    free (self->hashes);
    *self = larger;
}

void feed_marks_add (feed_marks_t *self, uint64_t hash)
{
    if (self->count * 2 >= self->capacity)
        grow (self);
    size_t at = place_of (self, not_zero (hash));
    self->count += self->hashes[at] == 0;
    self->hashes[at] = not_zero (hash);
}

void feed_marks_clear (feed_marks_t *self)
{
    if (self->capacity > CAPACITY_KEPT)
        feed_marks_release (self);
    else if (self->count)
        memset (self->hashes, 0, self->capacity * sizeof *self->hashes);
    self->count = 0;
}

void feed_marks_release (feed_marks_t *self)
{
    free (self->hashes);
    *self = (feed_marks_t){NULL, 0, 0};
}

//  record_arrays - how the arrays of a record grow; for record*.c only
//
//  They double and never shrink, so that joining record after record into one record_t soon allocates
//  nothing. Counts come from what is there, never from what is claimed (cursor_array), and running
//  out of memory aborts, as in slice.h.

#ifndef TIDEPOOL_RECORD_ARRAYS_H
#define TIDEPOOL_RECORD_ARRAYS_H

#include "messages/record.h"

#include <stdlib.h>

static inline void *array_grown (void *array, size_t *capacity, size_t count, size_t item_size)
{
    if (count <= *capacity)
        return array;
    size_t more = *capacity ? *capacity : 8;
    while (more < count)
        more *= 2;
    void *grown = realloc (array, more * item_size);
    if (!grown)
        abort ();
    *capacity = more;
    return grown;
}

static inline void properties_reserve (properties_t *self, size_t count)
{
    self->entries = array_grown (self->entries, &self->capacity, count, sizeof *self->entries);
}

static inline void deleted_reserve (record_t *self, size_t count)
{
    self->deleted =
        array_grown (self->deleted, &self->deleted_capacity, count, sizeof *self->deleted);
}

//  The largest deletion, of whichever client; none if there is none.
static inline timestamp_t deleted_last (const record_t *self)
{
    timestamp_t last = {0};
    for (size_t i = 0; i < self->deleted_count; i++)
        if (timestamp_compare (&self->deleted[i], &last) > 0)
            last = self->deleted[i];
    return last;
}

#endif

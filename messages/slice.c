//  slice, buffer - the growing of owned bytes; the rest is inline in slice.h

#include "messages/slice.h"

#include <stdlib.h>

#define BUFFER_FIRST_BYTES 256

void buffer_reserve (buffer_t *self, size_t more)
{
    if (self->capacity - self->size >= more)
        return;
    if (more > SIZE_MAX / 2 - self->size)
        abort ();
    size_t capacity = self->capacity ? self->capacity : BUFFER_FIRST_BYTES;
    while (capacity < self->size + more)
        capacity *= 2;
    uint8_t *data = realloc (self->data, capacity);
    if (!data)
        abort ();
    self->data = data;
    self->capacity = capacity;
}

void buffer_append (buffer_t *self, const void *data, size_t size)
{
    if (size == 0)
        return;
    buffer_reserve (self, size);
    memcpy (self->data + self->size, data, size);
    self->size += size;
}

void buffer_release (buffer_t *self)
{
    free (self->data);
    *self = (buffer_t){0};
}

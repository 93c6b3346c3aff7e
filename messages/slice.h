//  slice, buffer - bytes that are borrowed, bytes that are owned

#ifndef TIDEPOOL_SLICE_H
#define TIDEPOOL_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

//  Borrowed bytes: somebody else's memory, valid as long as that is. Never freed through a slice.
typedef struct slice {
    const uint8_t *data;
    size_t size;
} slice_t;

static inline slice_t slice_of (const void *data, size_t size)
{
    return (slice_t){data, size};
}

static inline slice_t slice_text (const char *text)
{
    return (slice_t){(const uint8_t *)text, text ? strlen (text) : 0};
}

static inline bool slice_equal (slice_t a, slice_t b)
{
    return a.size == b.size && (a.size == 0 || memcmp (a.data, b.data, a.size) == 0);
}

//  Byte order; a prefix comes before what it begins.
static inline int slice_compare (slice_t a, slice_t b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp (a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

//  Owned bytes that grow. A zeroed struct is an empty buffer; buffer_release gives the memory back
//  and leaves an empty one; buffer_clear keeps the memory. Running out of memory aborts: there is
//  no way on without the few KiB that these hold, and bounded callers never ask for more than the
//  limits in limits.h.
typedef struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
} buffer_t;

void buffer_reserve (buffer_t *self, size_t more);
void buffer_append (buffer_t *self, const void *data, size_t size);
void buffer_release (buffer_t *self);

static inline void buffer_clear (buffer_t *self)
{
    self->size = 0;
}

static inline slice_t buffer_slice (const buffer_t *self)
{
    return (slice_t){self->data, self->size};
}

#endif

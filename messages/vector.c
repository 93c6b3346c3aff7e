//  vector - a sorted array of watermarks, searched by halving

#include "messages/vector.h"

#include "messages/limits.h"

#include <assert.h>
#include <stdlib.h>

#define VECTOR_FIRST_ENTRIES 8

void vector_release (vector_t *self)
{
    free (self->entries);
    *self = (vector_t){0};
}

void vector_clear (vector_t *self)
{
    self->count = 0;
}

static void reserve (vector_t *self, size_t count)
{
    if (count <= self->capacity)
        return;
    size_t capacity = self->capacity ? self->capacity : VECTOR_FIRST_ENTRIES;
    while (capacity < count)
        capacity *= 2;
    watermark_t *entries = realloc (self->entries, capacity * sizeof *entries);
    if (!entries)
        abort ();
    self->entries = entries;
    self->capacity = capacity;
}

void vector_copy (vector_t *self, const vector_t *from)
{
    if (self == from)
        return;
    reserve (self, from->count);
    if (from->count)
        memcpy (self->entries, from->entries, from->count * sizeof *from->entries);
    self->count = from->count;
}

//  Where the client's watermark is, or would be put.
static size_t place_of (const vector_t *self, const uuid16_t *client)
{
    size_t low = 0;
    size_t high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare (&self->entries[middle].client, client) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at (const vector_t *self, size_t place, const uuid16_t *client)
{
    return place < self->count && uuid_equal (&self->entries[place].client, client);
}

const watermark_t *vector_find (const vector_t *self, const uuid16_t *client)
{
    size_t place = place_of (self, client);
    return is_at (self, place, client) ? &self->entries[place] : NULL;
}

uint64_t vector_upto (const vector_t *self, const uuid16_t *client)
{
    const watermark_t *watermark = vector_find (self, client);
    return watermark ? watermark->upto : 0;
}

//  The arguments may lie inside the vector itself: they are copied before anything moves.
void vector_set (vector_t *self, const uuid16_t *client, uint64_t upto, const hash_t *hash)
{
    assert (upto > 0);
    watermark_t watermark = {.client = *client, .upto = upto};
    if (hash)
        watermark.hash = *hash;
    size_t place = place_of (self, client);
    if (!is_at (self, place, client)) {
        reserve (self, self->count + 1);
        memmove (self->entries + place + 1, self->entries + place,
            (self->count - place) * sizeof *self->entries);
        self->count++;
    }
    self->entries[place] = watermark;
}

bool vector_raise (vector_t *self, const uuid16_t *client, uint64_t upto, const hash_t *hash)
{
    if (upto <= vector_upto (self, client))
        return false;
    vector_set (self, client, upto, hash);
    return true;
}

bool vector_merge (vector_t *self, const vector_t *other)
{
    bool rose = false;
    for (size_t i = 0; i < other->count; i++) {
        const watermark_t *theirs = &other->entries[i];
        if (vector_raise (self, &theirs->client, theirs->upto, &theirs->hash))
            rose = true;
    }
    return rose;
}

void vector_remove (vector_t *self, const uuid16_t *client)
{
    size_t place = place_of (self, client);
    if (!is_at (self, place, client))
        return;
    self->count--;
    memmove (self->entries + place, self->entries + place + 1,
        (self->count - place) * sizeof *self->entries);
}

bool vector_covers (const vector_t *self, const timestamp_t *timestamp)
{
    return timestamp->time <= vector_upto (self, &timestamp->client);
}

bool vector_covers_all (const vector_t *self, const vector_t *other)
{
    for (size_t i = 0; i < other->count; i++)
        if (other->entries[i].upto > vector_upto (self, &other->entries[i].client))
            return false;
    return true;
}

bool vector_equal (const vector_t *a, const vector_t *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->entries[i].upto != b->entries[i].upto ||
            !uuid_equal (&a->entries[i].client, &b->entries[i].client))
            return false;
    return true;
}

static bool hash_is_zero (const hash_t *hash)
{
    static const hash_t zero;
    return memcmp (hash->bytes, zero.bytes, HASH_SIZE) == 0;
}

void vector_pack (const vector_t *self, buffer_t *out)
{
    pack_array (out, self->count);
    for (size_t i = 0; i < self->count; i++) {
        const watermark_t *watermark = &self->entries[i];
        pack_array (out, 3);
        pack_bin (out, slice_of (watermark->client.bytes, sizeof watermark->client.bytes));
        pack_uint (out, watermark->upto);
        if (hash_is_zero (&watermark->hash))
            pack_nil (out);
        else
            pack_bin (out, slice_of (watermark->hash.bytes, HASH_SIZE));
    }
}

//  One watermark; a hash of zeros is refused where nil is meant, so that a vector has one form
//  only.
static int watermark_unpack (cursor_t *cursor, watermark_t *ret_watermark)
{
    watermark_t watermark = {.upto = 0};
    size_t count;
    int rc = cursor_array (cursor, &count);
    if (rc == 0 && count != 3)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin_exact (cursor, watermark.client.bytes, sizeof watermark.client.bytes);
    if (rc == 0)
        rc = cursor_uint (cursor, &watermark.upto);
    if (rc == 0 && watermark.upto == 0)
        rc = ERR_MALFORMED;
    if (rc == 0 && cursor_kind (cursor) == PACK_NIL)
        rc = cursor_nil (cursor);
    else if (rc == 0) {
        rc = cursor_bin_exact (cursor, watermark.hash.bytes, HASH_SIZE);
        if (rc == 0 && hash_is_zero (&watermark.hash))
            rc = ERR_MALFORMED;
    }
    if (rc == 0)
        *ret_watermark = watermark;
    return rc;
}

//  The array grows with what is read, never by the count that was claimed.
int vector_unpack (cursor_t *cursor, vector_t *ret_vector)
{
    cursor_t next = *cursor;
    size_t count;
    vector_clear (ret_vector);
    int rc = cursor_array (&next, &count);
    if (rc == 0 && count > LIMIT_MEMBERS)
        rc = ERR_MALFORMED;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        watermark_t watermark;
        rc = watermark_unpack (&next, &watermark);
        if (rc == 0 && i > 0 &&
            uuid_compare (&ret_vector->entries[i - 1].client, &watermark.client) >= 0)
            rc = ERR_MALFORMED;
        if (rc == 0) {
            reserve (ret_vector, i + 1);
            ret_vector->entries[i] = watermark;
            ret_vector->count = i + 1;
        }
    }
    if (rc)
        vector_clear (ret_vector);
    else
        *cursor = next;
    return rc;
}

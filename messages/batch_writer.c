//  batch_writer - seals what this client commits together: batch.h's form, written once

#include "messages/batch.h"

#include "messages/batch_form.h"

#include <assert.h>

//  All of an empty batch but its vectors and names, roughly.
#define ENVELOPE_BYTES 160

void batch_writer_begin (
    batch_writer_t *self, const uuid16_t *origin, uint64_t after, const hash_t *previous)
{
    assert (after == 0 || previous);
    self->origin = *origin;
    self->after = after;
    self->previous = after ? *previous : (hash_t){0};
    self->time = after;
    self->client = (uuid16_t){0};
    self->needs_covers = false;
    self->count = 0;
    self->record_count = 0;
    self->name_count = 0;
    buffer_clear (&self->records);
    buffer_clear (&self->operations);
    buffer_clear (&self->names);
}

void batch_writer_release (batch_writer_t *self)
{
    buffer_release (&self->records);
    buffer_release (&self->operations);
    buffer_release (&self->names);
    *self = (batch_writer_t){0};
}

size_t batch_writer_size (const batch_writer_t *self)
{
    return ENVELOPE_BYTES + self->names.size + self->records.size + self->operations.size;
}

//  The name's index; a new one is added. A batch uses few names: they are looked through.
static size_t index_of (batch_writer_t *self, slice_t name)
{
    cursor_t cursor = cursor_over (buffer_slice (&self->names));
    for (size_t i = 0; i < self->name_count; i++) {
        slice_t known;
        int rc = cursor_text (&cursor, &known);
        assert (rc == 0);
        if (slice_equal (known, name))
            return i;
    }
    pack_text (&self->names, name);
    return self->name_count++;
}

//  Notes the operation's place behind the one before, and what it asks of the batch.
static void take_stamp (batch_writer_t *self, const timestamp_t *stamp)
{
    timestamp_t before = {self->time, self->client};
    bool is_first = self->count == 0;
    assert (!timestamp_is_none (stamp));
    assert (is_first || timestamp_compare (&before, stamp) < 0);
    if ((is_first && stamp->time <= self->after) || !uuid_equal (&stamp->client, &self->origin))
        self->needs_covers = true;
    self->time = stamp->time;
    self->client = stamp->client;
    self->count++;
}

void batch_writer_add (batch_writer_t *self, const operation_t *operation)
{
    bool deletes = operation->action == ACTION_DELETE;
    bool has_floor = !timestamp_is_none (&operation->floor);
    bool has_client = !uuid_equal (&operation->stamp.client, &self->origin);
    assert (!has_floor || operation->action == ACTION_CREATE);
    assert (!deletes || operation->on_conflict == CONFLICT_MERGE);
    uint64_t difference = operation->stamp.time - self->time;
    take_stamp (self, &operation->stamp);

    buffer_t *out = &self->operations;
    pack_array (out, (size_t)OPERATION_ELEMENTS + has_floor + has_client);
    pack_uint (out, difference);
    pack_uint (out, index_of (self, operation->resource));
    pack_bin (out, slice_of (operation->uuid.bytes, sizeof operation->uuid.bytes));
    pack_uint (out, CODE_OF (operation->action, operation->on_conflict) |
                        (has_floor ? CODE_FLOOR : 0) | (has_client ? CODE_CLIENT : 0));
    if (deletes)
        pack_nil (out);
    else
        pack_raw (out, operation->value);
    if (has_floor)
        timestamp_pack (&operation->floor, out);
    if (has_client) {
        const uuid16_t *client = &operation->stamp.client;
        pack_bin (out, slice_of (client->bytes, sizeof client->bytes));
    }
}

void batch_writer_add_record (batch_writer_t *self, slice_t resource, const uuid16_t *uuid,
    uint64_t flags, const record_t *record)
{
    buffer_t *out = &self->records;
    assert (self->count == 0);
    self->needs_covers = true;
    self->record_count++;
    pack_array (out, NEWS_ELEMENTS);
    pack_uint (out, index_of (self, resource));
    pack_bin (out, slice_of (uuid->bytes, sizeof uuid->bytes));
    pack_uint (out, flags);
    record_pack (record, NULL, out);
}

//  ---- sealing

static void pack_all_but_signature (const batch_writer_t *self, uint64_t upto, const vector_t *seen,
    const vector_t *covers, buffer_t *out)
{
    pack_array (out, BATCH_ELEMENTS);
    pack_uint (out, BATCH_VERSION);
    pack_bin (out, slice_of (self->origin.bytes, sizeof self->origin.bytes));
    pack_uint (out, self->after);
    if (self->after)
        pack_bin (out, slice_of (self->previous.bytes, sizeof self->previous.bytes));
    else
        pack_nil (out);
    pack_uint (out, upto);
    vector_pack (seen, out);
    if (covers)
        vector_pack (covers, out);
    else
        pack_nil (out);
    pack_array (out, self->name_count);
    pack_raw (out, buffer_slice (&self->names));
    pack_array (out, self->record_count);
    pack_raw (out, buffer_slice (&self->records));
    pack_array (out, self->count);
    pack_raw (out, buffer_slice (&self->operations));
}

void batch_writer_seal (batch_writer_t *self, uint64_t upto, const vector_t *seen,
    const vector_t *covers, const identity_t *identity, buffer_t *out, hash_t *ret_hash)
{
    assert (uuid_equal (&identity->client, &self->origin));
    assert (!vector_find (seen, &self->origin));
    assert (upto > self->after);
    assert (covers || !self->needs_covers);
    assert (self->count == 0 || upto == self->time || (covers && upto > self->time));

    //  What is signed is the domain and the batch: they are written behind each other, and the domain
    //  is taken out again.
    size_t start = out->size;
    buffer_reserve (out, BATCH_DOMAIN_SIZE + batch_writer_size (self));
    buffer_append (out, BATCH_DOMAIN, BATCH_DOMAIN_SIZE);
    pack_all_but_signature (self, upto, seen, covers, out);
    uint8_t signature[SIGNATURE_SIZE];
    key_sign (identity, slice_of (out->data + start, out->size - start), signature);
    pack_bin (out, slice_of (signature, sizeof signature));
    out->size -= BATCH_DOMAIN_SIZE;
    memmove (out->data + start, out->data + start + BATCH_DOMAIN_SIZE, out->size - start);
    if (ret_hash)
        hash_bytes (slice_of (out->data + start, out->size - start), ret_hash);
}

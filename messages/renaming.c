//  renaming - a client's timestamps, stamped anew in their order

#include "messages/renaming.h"

#include <assert.h>
#include <stdlib.h>

//  ---- what occurs

void renaming_add (renaming_t *self, const timestamp_t *timestamp)
{
    if (timestamp->time <= self->past || !uuid_equal (&timestamp->client, &self->client))
        return;
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 64;
        uint64_t *grown = realloc (self->times, capacity * sizeof *grown);
        if (!grown)
            abort (); // as buffer_reserve
        self->times = grown;
        self->capacity = capacity;
    }
    self->times[self->count++] = timestamp->time;
}

//  Calls for each timestamp of a record or a client what it is given; true if any call was.
typedef bool (visit_t) (renaming_t *self, timestamp_t *timestamp);

static bool registers_visit (renaming_t *self, properties_t *registers, visit_t *visit)
{
    bool any = false;
    for (size_t i = 0; i < registers->count; i++)
        any |= visit (self, &registers->entries[i].stamp);
    return any;
}

static bool record_visit (renaming_t *self, record_t *record, visit_t *visit)
{
    bool any = visit (self, &record->created);
    any |= visit (self, &record->written);
    any |= visit (self, &record->floor);
    for (size_t i = 0; i < record->deleted_count; i++)
        any |= visit (self, &record->deleted[i]);
    any |= registers_visit (self, &record->strong, visit);
    any |= registers_visit (self, &record->weak, visit);
    return any;
}

static bool client_visit (renaming_t *self, client_t *client, visit_t *visit)
{
    bool any = visit (self, &client->admitted);
    any |= visit (self, &client->removed);
    any |= visit (self, &client->stale);
    any |= visit (self, &client->returning);
    any |= visit (self, &client->back);
    any |= visit (self, &client->counted_out);
    any |= visit (self, &client->stated);
    return any;
}

static bool visit_add (renaming_t *self, timestamp_t *timestamp)
{
    renaming_add (self, timestamp);
    return false;
}

void renaming_add_record (renaming_t *self, const record_t *record)
{
    record_visit (self, (record_t *)record, visit_add);
}

void renaming_add_client (renaming_t *self, const client_t *client)
{
    client_visit (self, (client_t *)client, visit_add);
}

void renaming_add_batch (renaming_t *self, const batch_t *batch)
{
    const timestamp_t upto = {batch->upto, batch->origin};
    batch_walk_t operations = {.index = 0}, records = {.index = 0};
    batch_record_t record = {.flags = 0};
    operation_t operation;
    renaming_add (self, &upto);
    while (batch_next (batch, &operations, &operation)) {
        renaming_add (self, &operation.stamp);
        renaming_add (self, &operation.floor);
    }
    while (batch_record_next (batch, &records, &record))
        renaming_add_record (self, &record.record);
    record_release (&record.record);
}

static int by_time (const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

void renaming_close (renaming_t *self)
{
    size_t kept = 0;
    if (self->count)
        qsort (self->times, self->count, sizeof *self->times, by_time);
    for (size_t i = 0; i < self->count; i++)
        if (kept == 0 || self->times[i] != self->times[kept - 1])
            self->times[kept++] = self->times[i];
    self->count = kept;
}

void renaming_release (renaming_t *self)
{
    free (self->times);
    *self = (renaming_t){.past = 0};
}

//  ---- the new names

uint64_t renaming_last (const renaming_t *self)
{
    return self->past + self->count;
}

uint64_t renaming_time (const renaming_t *self, uint64_t time)
{
    size_t from = 0, to = self->count;
    if (time <= self->past)
        return time;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (self->times[middle] < time)
            from = middle + 1;
        else
            to = middle;
    }
    assert (from < self->count && self->times[from] == time);
    return self->past + 1 + from;
}

bool renaming_stamp (const renaming_t *self, timestamp_t *timestamp)
{
    if (!uuid_equal (&timestamp->client, &self->client))
        return false;
    uint64_t time = renaming_time (self, timestamp->time);
    bool other = time != timestamp->time;
    timestamp->time = time;
    return other;
}

static bool visit_rename (renaming_t *self, timestamp_t *timestamp)
{
    return renaming_stamp (self, timestamp);
}

bool renaming_record (const renaming_t *self, record_t *record)
{
    return record_visit ((renaming_t *)self, record, visit_rename);
}

bool renaming_client (const renaming_t *self, client_t *client)
{
    return client_visit ((renaming_t *)self, client, visit_rename);
}

//  ---- a batch

static void parts_rename (const renaming_t *self, const batch_t *batch, batch_writer_t *writer)
{
    batch_walk_t operations = {.index = 0}, records = {.index = 0};
    batch_record_t record = {.flags = 0};
    operation_t operation;
    while (batch_record_next (batch, &records, &record)) {
        renaming_record (self, &record.record);
        batch_writer_add_record (
            writer, record.resource, &record.uuid, record.flags, &record.record);
    }
    while (batch_next (batch, &operations, &operation)) {
        renaming_stamp (self, &operation.stamp);
        renaming_stamp (self, &operation.floor);
        batch_writer_add (writer, &operation);
    }
    record_release (&record.record);
}

static void covers_cut (const renaming_t *self, const watermark_t *accepted, vector_t *covers)
{
    if (vector_upto (covers, &self->client) <= accepted->upto)
        return;
    if (accepted->upto)
        vector_set (covers, &self->client, accepted->upto, &accepted->hash);
    else
        vector_remove (covers, &self->client);
}

int renaming_batch (const renaming_t *self, slice_t bytes, const watermark_t *accepted,
    const hash_t *previous, const identity_t *identity, buffer_t *out, hash_t *ret_hash)
{
    batch_t batch = {.bytes = {NULL, 0}};
    batch_writer_t writer = {.after = 0};
    int rc = batch_decode (bytes, &batch);
    if (rc == 0) {
        batch_writer_begin (&writer, &batch.origin, renaming_time (self, batch.after), previous);
        parts_rename (self, &batch, &writer);
        covers_cut (self, accepted, &batch.covers);
        batch_writer_seal (&writer, renaming_time (self, batch.upto), &batch.seen,
            batch.issues_anew ? &batch.covers : NULL, identity, out, ret_hash);
    }
    batch_writer_release (&writer);
    batch_release (&batch);
    return rc;
}

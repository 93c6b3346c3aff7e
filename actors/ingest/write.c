//  ingest - what it hands to oplog, under credit
//
//  A WRITE that is refused for a reason that passes (BUSY while the node joins, a full disk) is kept and sent again. Within a
//  job no two WRITEs concern one row or place, so it does not matter in what order they get through.

#include "actors/ingest/ingest.h"

#include <assert.h>
#include <stdlib.h>

void ingest_put_row (ingest_t *self, location_t *location, const uuid16_t *uuid, slice_t value)
{
    assert (self->row_count == 0 || self->rows_location == location);
    self->rows_location = location;
    pack_array (&self->rows, 3);
    pack_text (&self->rows, slice_text (FILE_PATHS));
    pack_bin (&self->rows, slice_of (uuid->bytes, sizeof uuid->bytes));
    if (value.size)
        pack_raw (&self->rows, value);
    else
        pack_nil (&self->rows);
    self->row_count++;
}

static node_put_t *put_new (ingest_t *self)
{
    if (self->put_count == self->put_capacity) {
        self->put_capacity = self->put_capacity ? 2 * self->put_capacity : 4096;
        self->puts = realloc (self->puts, self->put_capacity * sizeof *self->puts);
        if (!self->puts)
            abort ();
    }
    return &self->puts[self->put_count++];
}

void ingest_put_node (ingest_t *self, enum node_space space, slice_t key, slice_t value)
{
    buffer_t *out = &self->nodes;
    node_put_t *put = put_new (self);
    put->at = out->size;
    pack_array (out, 3);
    pack_uint (out, (uint64_t)space);
    pack_bin (out, key);
    put->key_size = (uint32_t)(out->size - put->at);
    if (value.size)
        pack_bin (out, value);
    else
        pack_nil (out);
    put->size = (uint32_t)(out->size - put->at);
}

static int put_compare (const void *a_, const void *b_, void *bytes_)
{
    const node_put_t *a = a_, *b = b_;
    const uint8_t *bytes = bytes_;
    size_t common = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = memcmp (bytes + a->at, bytes + b->at, common);
    if (order == 0 && a->key_size == b->key_size)
        return (a->at > b->at) - (a->at < b->at); // what was said of one key last is what holds
    return order ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

//  In the order of their keys: what lies on one page of the database is put there in one go.
static void nodes_sort (ingest_t *self, buffer_t *out)
{
    buffer_clear (out);
    if (self->put_count)
        qsort_r (self->puts, self->put_count, sizeof *self->puts, put_compare, self->nodes.data);
    buffer_reserve (out, self->nodes.size);
    for (size_t i = 0; i < self->put_count; i++)
        buffer_append (out, self->nodes.data + self->puts[i].at, self->puts[i].size);
    self->put_count = 0;
    buffer_clear (&self->nodes);
}

void ingest_put_location (ingest_t *self, const location_t *location)
{
    buffer_t record = {NULL, 0, 0};
    ingest_location_pack (location, &record);
    ingest_put_node (
        self, NODE_LOCATIONS, slice_of (location->uuid.bytes, 16), buffer_slice (&record));
    buffer_release (&record);
}

//  ---- slots

slot_t *ingest_slot (ingest_t *self, int kind)
{
    for (size_t i = 0; i < INGEST_SLOTS; i++) {
        slot_t *slot = &self->slots[i];
        if (slot->kind != SLOT_FREE)
            continue;
        buffer_clear (&slot->rows);
        buffer_clear (&slot->nodes);
        slot->kind = kind;
        slot->ticket = ++self->ticket;
        slot->answered = 0;
        slot->retry_ns = 0;
        slot->backoff_ns = INGEST_RETRY_NS;
        return slot;
    }
    return NULL;
}

void ingest_slot_send (ingest_t *self, step_t *step, slot_t *slot)
{
    (void)self;
    static const char *const names[] = {"", "files", "a location", "a location's end"};
    const write_out_t body = {.what = slice_text (names[slot->kind])};
    const slice_t frames[] = {
        slice_of ("", 0), buffer_slice (&slot->rows), buffer_slice (&slot->nodes)};
    slot->retry_ns = 0;
    step_send (step, ACTOR_OPLOG, MAIL_WRITE, slot->ticket, &write_out_type, &body, frames, 3);
}

static size_t rows_unanswered (const ingest_t *self)
{
    size_t count = 0;
    for (size_t i = 0; i < INGEST_SLOTS; i++)
        count += self->slots[i].kind == SLOT_ROWS && !self->slots[i].answered;
    return count;
}

static void buffer_swap (buffer_t *a, buffer_t *b)
{
    buffer_t other = *a;
    *a = *b;
    *b = other;
}

void ingest_flush (ingest_t *self, step_t *step)
{
    if (self->row_count == 0 && self->nodes.size == 0)
        return;
    slot_t *slot = ingest_slot (self, SLOT_ROWS);
    assert (slot); // ingest_has_room said so, and commands leave INGEST_WRITES_MAX slots alone
    location_t *location = self->rows_location;
    if (location)
        ingest_put_location (self, location); // its counts stand for what is written
    buffer_swap (&slot->rows, &self->rows);
    nodes_sort (self, &slot->nodes);
    self->row_count = 0;
    self->rows_location = NULL;
    ingest_slot_send (self, step, slot);
}

bool ingest_is_quiet (const ingest_t *self)
{
    return rows_unanswered (self) == 0;
}

bool ingest_flush_if_room (ingest_t *self, step_t *step)
{
    if (rows_unanswered (self) >= INGEST_WRITES_MAX)
        return false;
    ingest_flush (self, step);
    return true;
}

bool ingest_has_room (ingest_t *self, step_t *step)
{
    bool room = rows_unanswered (self) < INGEST_WRITES_MAX;
    if (self->row_count < INGEST_WRITE_ROWS && self->rows.size < INGEST_WRITE_BYTES)
        return true;
    if (room)
        ingest_flush (self, step);
    return room;
}

bool ingest_is_durable (const ingest_t *self)
{
    for (size_t i = 0; i < INGEST_SLOTS; i++)
        if (self->slots[i].kind == SLOT_ROWS)
            return false;
    return self->row_count == 0 && self->nodes.size == 0;
}

//  ---- answers

static bool error_passes (int error)
{
    switch (error) {
    case ERR_BUSY:
    case ERR_CLOCK:
    case ERR_CLOCK_AHEAD:
    case ERR_STORAGE_FULL:
    case ERR_STORAGE_FAILED:
    case ERR_MAP_FULL:
    case ERR_NO_MEMORY: return true;
    default: return false;
    }
}

void ingest_written (ingest_t *self, step_t *step, const mail_t *mail)
{
    written_t written;
    slot_t *slot = NULL;
    for (size_t i = 0; i < INGEST_SLOTS && !slot; i++)
        if (self->slots[i].kind != SLOT_FREE && !self->slots[i].answered &&
            self->slots[i].ticket == mail->envelope.ticket)
            slot = &self->slots[i];
    if (slot == NULL || step_unpack (step, mail, &written_type, &written))
        return;
    int error = -(int)written.error;
    if (slot->kind == SLOT_ROWS && error_passes (error)) {
        slot->retry_ns = step->now.mono_ns + slot->backoff_ns;
        if (slot->backoff_ns < INGEST_RETRY_NS_MAX)
            slot->backoff_ns *= 2;
        return;
    }
    if (slot->kind == SLOT_ROWS && error)
        step_say (step, SAY_ERROR,
            "rows of files were refused and are left out until the next scan: %s",
            error_text (error));
    if (slot->kind != SLOT_ROWS)
        ingest_command_written (self, step, slot, error);
    slot->answered = 1;
}

//  The shell opens a round's transaction before it reads the round's mail: what an answer of this round says is
//  committed can be seen from the next round on.
void ingest_slots_age (ingest_t *self, step_t *step)
{
    for (size_t i = 0; i < INGEST_SLOTS; i++) {
        slot_t *slot = &self->slots[i];
        if (slot->kind == SLOT_FREE || slot->answered == 0)
            continue;
        if (slot->answered == 2)
            slot->kind = SLOT_FREE;
        slot->answered = 2;
        step_wake_at (step, step->now.mono_ns);
    }
}

void ingest_retry (ingest_t *self, step_t *step)
{
    for (size_t i = 0; i < INGEST_SLOTS; i++) {
        slot_t *slot = &self->slots[i];
        if (slot->kind == SLOT_FREE || slot->retry_ns == 0)
            continue;
        if (step->now.mono_ns >= slot->retry_ns)
            ingest_slot_send (self, step, slot);
        else
            step_wake_at (step, slot->retry_ns);
    }
}

void ingest_write_release (ingest_t *self)
{
    for (size_t i = 0; i < INGEST_SLOTS; i++) {
        buffer_release (&self->slots[i].rows);
        buffer_release (&self->slots[i].nodes);
    }
    buffer_release (&self->rows);
    buffer_release (&self->nodes);
    buffer_release (&self->hashed_dir);
    free (self->puts);
}

//  ingest - what a job had begun when the node ended: it is written with what it begins, and found by the next job
//
//  The place of a directory goes before what was below it, or, where it may have moved here, comes after what is new
//  below it; and what stands at a name comes before what stood there goes. Whoever is killed in between would leave rows that
//  no place leads to. So each such thing is noted in the WRITE that begins it,
//  and the notes go when all of the job is durable. A note of a process that is gone is taken up by the next job
//  over all of its location, when the rest of that job is decided, if what it says is still so.
//
//      key    location 16, kind, and 16 bytes: the row's uuid, or the hash of the directory (spot_dir)
//      value  process 8, and
//          'o'  what stood at a name where something of another kind stands now: key of its place 24, place 60
//          'b'  a directory that is gone, or has moved, or may have moved here: size of its path 4 (native), path, and where it has moved to, 1 and
//               a path, or 0

#include "actors/ingest/ingest.h"

#define NOTE_KEY_SIZE 33
#define KIND_AT       16
#define KIND_OLD      'o'
#define KIND_GONE     'b'

static void note_put (ingest_t *self, uint8_t kind, const uuid16_t *id, const buffer_t *value)
{
    uint8_t key[NOTE_KEY_SIZE];
    memcpy (key, self->job->uuid.bytes, 16);
    key[KIND_AT] = kind;
    memcpy (key + KIND_AT + 1, id->bytes, 16);
    ingest_put_node (self, NODE_UNDONE, slice_of (key, sizeof key), buffer_slice (value));
    self->undone.noted = true;
}

void ingest_undone_old (ingest_t *self, const uint8_t key[SPOT_KEY_SIZE], const spot_t *old)
{
    uint8_t place[SPOT_VALUE_SIZE];
    buffer_t value = {NULL, 0, 0};
    spot_pack (old, place);
    buffer_append (&value, self->undone.process, sizeof self->undone.process);
    buffer_append (&value, key, SPOT_KEY_SIZE);
    buffer_append (&value, place, sizeof place);
    note_put (self, KIND_OLD, &old->uuid, &value);
    buffer_release (&value);
}

void ingest_undone_gone (ingest_t *self, slice_t path, const slice_t *to)
{
    uuid16_t hash = spot_dir (&self->job->uuid, path);
    buffer_t value = {NULL, 0, 0};
    uint32_t size = (uint32_t)path.size;
    uint8_t moved = to != NULL;
    buffer_append (&value, self->undone.process, sizeof self->undone.process);
    buffer_append (&value, &size, sizeof size);
    buffer_append (&value, path.data, path.size);
    buffer_append (&value, &moved, sizeof moved);
    if (to)
        buffer_append (&value, to->data, to->size);
    note_put (self, KIND_GONE, &hash, &value);
    buffer_release (&value);
}

//  ---- the next job

static void notes_rewind (ingest_t *self)
{
    self->undone.after_size = 16;
    memcpy (self->undone.after, self->job_uuid.bytes, 16);
}

void ingest_undone_begin (ingest_t *self, bool takes)
{
    self->undone.left = self->undone.takes = takes;
    notes_rewind (self);
}

//  The notes of this process are those of another from here on.
void ingest_undone_leave (ingest_t *self, step_t *step)
{
    step->random (step->context, self->undone.process, sizeof self->undone.process);
    self->undone.left = self->undone.takes = self->undone.noted = false;
}

static bool takes (slice_t *bytes, void *out, size_t size)
{
    if (bytes->size < size)
        return false;
    memcpy (out, bytes->data, size);
    *bytes = slice_of (bytes->data + size, bytes->size - size);
    return true;
}

//  The place of a path in the directory above it.
static void place_key (const ingest_t *self, slice_t path, uint8_t ret_key[SPOT_KEY_SIZE])
{
    size_t name = path.size;
    while (name && path.data[name - 1] != '/')
        name--;
    uuid16_t dir = spot_dir (&self->job->uuid, slice_of (path.data, name ? name - 1 : 0));
    spot_key (&dir, slice_of (path.data + name, path.size - name), ret_key);
}

static int place_get (step_t *step, const uint8_t *key, spot_t *ret_place)
{
    slice_t value;
    int rc = node_get (step->txn, NODE_PLACES, slice_of (key, SPOT_KEY_SIZE), &value);
    return rc ? rc : spot_unpack (value, ret_place);
}

//  Where there is a directory again, its listing has said what is missing.
static int gone_take (ingest_t *self, step_t *step, slice_t value)
{
    uint8_t key[SPOT_KEY_SIZE], moved;
    spot_t place;
    uint32_t size;
    if (!takes (&value, &size, sizeof size) || value.size < size)
        return 0;
    slice_t path = slice_of (value.data, size);
    value = slice_of (value.data + size, value.size - size);
    if (!takes (&value, &moved, sizeof moved))
        return 0;
    place_key (self, path, key);
    int rc = place_get (step, key, &place);
    if (rc == ERR_NOT_FOUND || (rc == 0 && !entry_is_dir (&place.entry))) {
        ingest_branch_push (self, path, moved ? &value : NULL);
        rc = 0;
    }
    return rc;
}

//  Does its row still say that it stands there, where another one does?
static int old_is_left (
    ingest_t *self, step_t *step, const uint8_t *key, const spot_t *old, bool *ret_left)
{
    uint8_t of_row[SPOT_KEY_SIZE];
    spot_t now;
    row_t row;
    row_view_t view;
    *ret_left = false;
    int rc = owned_get (
        step->txn, slice_text (FILE_PATHS), &self->setup->identity->client, &old->uuid, &row);
    if (rc || row.value.size == 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    rc = row_view (row.value, &view);
    if (rc)
        return rc;
    place_key (self, view.path, of_row);
    rc = place_get (step, key, &now);
    *ret_left = memcmp (of_row, key, SPOT_KEY_SIZE) == 0 &&
                (rc == ERR_NOT_FOUND || !uuid_equal (&now.uuid, &old->uuid));
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int old_take (ingest_t *self, step_t *step, slice_t value)
{
    uint8_t key[SPOT_KEY_SIZE], place[SPOT_VALUE_SIZE];
    spot_t old;
    bool left;
    if (!takes (&value, key, sizeof key) || !takes (&value, place, sizeof place) || value.size ||
        spot_unpack (slice_of (place, sizeof place), &old))
        return 0;
    int rc = old_is_left (self, step, key, &old, &left);
    if (rc || !left)
        return rc;
    memcpy (self->dir.bytes, key, SPOT_DIR_SIZE);
    ingest_missing_add (self, spot_hash_of_key (key), &old);
    return 0;
}

//  The next note of this location: its key goes to self->undone.after.
static int note_next (ingest_t *self, step_t *step, slice_t *ret_value, bool *ret_mine)
{
    slice_t key;
    uint8_t process[sizeof self->undone.process];
    int rc = node_next (step->txn, NODE_UNDONE,
        slice_of (self->undone.after, self->undone.after_size), &key, ret_value);
    if (rc)
        return rc;
    if (key.size != NOTE_KEY_SIZE || memcmp (key.data, self->job_uuid.bytes, 16) != 0)
        return ERR_NOT_FOUND;
    memcpy (self->undone.after, key.data, NOTE_KEY_SIZE);
    self->undone.after_size = NOTE_KEY_SIZE;
    *ret_mine = takes (ret_value, process, sizeof process) &&
                memcmp (process, self->undone.process, sizeof process) == 0;
    return 0;
}

int ingest_undone_take (ingest_t *self, step_t *step)
{
    slice_t value;
    bool mine;
    int rc = note_next (self, step, &value, &mine);
    if (rc == ERR_NOT_FOUND) {
        self->undone.left = false;
        return 0;
    }
    if (rc || mine)
        return rc;
    return self->undone.after[KIND_AT] == KIND_OLD ? old_take (self, step, value)
                                                   : gone_take (self, step, value);
}

//  ---- when all of the job is durable

bool ingest_undone_clear (ingest_t *self, step_t *step, int *ret_error)
{
    slice_t value;
    bool mine = false, some = false;
    if (!self->undone.noted && !self->undone.takes)
        return false;
    notes_rewind (self);
    int rc = 0;
    for (size_t count = 0; rc == 0 && count < INGEST_SLICE; count++) {
        rc = note_next (self, step, &value, &mine);
        if (rc || (!mine && !self->undone.takes))
            continue; // another's stays for the next job over all of the location
        ingest_put_node (
            self, NODE_UNDONE, slice_of (self->undone.after, NOTE_KEY_SIZE), slice_of (NULL, 0));
        some = true;
    }
    *ret_error = rc == ERR_NOT_FOUND ? 0 : rc;
    ingest_flush (self, step);
    return some || *ret_error;
}

//  ingest - what becomes of one entry: new, changed, moved, gone

#include "actors/ingest/ingest.h"

static uuid16_t row_uuid (ingest_t *self, step_t *step)
{
    //  Time-ordered, and in the order of discovery within a millisecond (RFC 9562, 6.2, method 1): rows that are
    //  found together share the pages of the database.
    uint64_t ms = time_to_ns (step->now.wall) / 1000000;
    uint8_t random[10];
    if (self->random_left < sizeof random) {
        step->random (step->context, self->random, sizeof self->random);
        self->random_left = sizeof self->random;
    }
    self->random_left -= sizeof random;
    memcpy (random, self->random + self->random_left, sizeof random);
    self->uuid_count = ms == self->uuid_ms ? self->uuid_count + 1 : 0;
    self->uuid_ms = ms;
    random[0] = (uint8_t)(self->uuid_count >> 8 & 0x0f);
    random[1] = (uint8_t)self->uuid_count;
    return uuid_v7 (ms, random);
}

//  Entries of one directory come behind each other, so its hash is mostly the last one's.
static const uuid16_t *dir_hash (ingest_t *self, slice_t dir)
{
    if (!uuid_equal (&self->hashed_of, &self->job->uuid) ||
        !slice_equal (buffer_slice (&self->hashed_dir), dir)) {
        self->hashed_of = self->job->uuid;
        buffer_clear (&self->hashed_dir);
        buffer_append (&self->hashed_dir, dir.data, dir.size);
        self->hash_of_dir = spot_dir (&self->job->uuid, dir);
    }
    return &self->hash_of_dir;
}

//  Puts row, place and inode.
static void put_entry (ingest_t *self, slice_t dir, const entry_t *entry, const uuid16_t *uuid,
    const row_content_t *content)
{
    uint8_t key[SPOT_KEY_SIZE], value[SPOT_VALUE_SIZE], inode[INODE_KEY_SIZE];
    buffer_t row = {NULL, 0, 0};
    row_value (&self->job->uuid, dir, entry, content, &row);
    ingest_put_row (self, self->job, uuid, buffer_slice (&row));
    buffer_release (&row);

    spot_t place = {*uuid, *entry};
    spot_key (dir_hash (self, dir), entry->name, key);
    spot_pack (&place, value);
    ingest_put_node (self, NODE_PLACES, slice_of (key, sizeof key), slice_of (value, sizeof value));
    bool several = entry->links > 1 && !entry_is_dir (entry);
    inode_key (&self->job->uuid, entry, inode);
    ingest_put_node (self, NODE_INODES, slice_of (inode, sizeof inode),
        several ? slice_of (INODE_OF_SEVERAL, 1) : slice_of (uuid->bytes, 16));
}

//  An inode is forgotten if it is this row's alone.
static int drop_inode (ingest_t *self, step_t *step, const spot_t *place)
{
    uint8_t key[INODE_KEY_SIZE];
    slice_t value;
    inode_key (&self->job->uuid, &place->entry, key);
    int rc = node_get (step->txn, NODE_INODES, slice_of (key, sizeof key), &value);
    if (rc == 0 && slice_equal (value, slice_of (place->uuid.bytes, 16)))
        ingest_put_node (self, NODE_INODES, slice_of (key, sizeof key), slice_of (NULL, 0));
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int ingest_entry_new (ingest_t *self, step_t *step, slice_t dir, const entry_t *entry)
{
    uuid16_t uuid = row_uuid (self, step);
    put_entry (self, dir, entry, &uuid, NULL);
    self->job->entries++;
    return ingest_want (self, step, self->job, &uuid, WANT_CONTENT, entry_is_regular (entry), true);
}

static int row_wants (ingest_t *self, step_t *step, const uuid16_t *uuid, bool content, bool type)
{
    int rc = ingest_want (self, step, self->job, uuid, WANT_CONTENT, content, false);
    return rc ? rc : ingest_want (self, step, self->job, uuid, WANT_TYPE, type, false);
}

//  The row that stood at `from` is now this entry of `dir`.
static int entry_rewrite (
    ingest_t *self, step_t *step, slice_t dir, const entry_t *entry, const spot_t *from)
{
    row_content_t content = {.known = false};
    row_t row;
    row_view_t view;
    bool regular = entry_is_regular (entry);
    if (regular && entry_is_regular (&from->entry) && entry_same_content (entry, &from->entry)) {
        const uuid16_t *me = &self->setup->identity->client;
        int rc = owned_get (step->txn, slice_text (FILE_PATHS), me, &from->uuid, &row);
        if (rc == 0 && row.value.size && row_view (row.value, &view) == 0)
            content = view.content;
        else if (rc && rc != ERR_NOT_FOUND)
            return rc;
    }
    put_entry (self, dir, entry, &from->uuid, &content);
    return row_wants (self, step, &from->uuid, regular && !content.known,
        regular && content.known && !content.mime.size);
}

int ingest_entry_changed (
    ingest_t *self, step_t *step, slice_t dir, const entry_t *entry, const spot_t *place)
{
    //  Its inode may stand under another name by now, and this job may have said so already: that is seen when it is durable.
    bool replaced = entry->inode != place->entry.inode || entry->device != place->entry.device;
    if (replaced && self->left.size < INGEST_LEFT_MAX * sizeof *place)
        buffer_append (&self->left, place, sizeof *place);
    return entry_rewrite (self, step, dir, entry, place);
}

int ingest_left_drop (ingest_t *self, step_t *step)
{
    spot_t place;
    self->left.size -= sizeof place;
    memcpy (&place, self->left.data + self->left.size, sizeof place);
    return drop_inode (self, step, &place);
}

int ingest_entry_moved (
    ingest_t *self, step_t *step, slice_t dir, const entry_t *entry, const missing_t *from)
{
    if (!from->replaced)
        ingest_put_node (
            self, NODE_PLACES, slice_of (from->key, sizeof from->key), slice_of (NULL, 0));
    return entry_rewrite (self, step, dir, entry, &from->place);
}

int ingest_entry_gone (ingest_t *self, step_t *step, const missing_t *gone)
{
    ingest_put_row (self, self->job, &gone->place.uuid, slice_of (NULL, 0));
    if (!gone->replaced)
        ingest_put_node (
            self, NODE_PLACES, slice_of (gone->key, sizeof gone->key), slice_of (NULL, 0));
    if (self->job->entries)
        self->job->entries--;
    int rc = drop_inode (self, step, &gone->place);
    return rc ? rc : row_wants (self, step, &gone->place.uuid, false, false);
}

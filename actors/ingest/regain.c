//  ingest - rows that came back, after this client was restored from an older copy of its directory
//
//  The rows are newer than the places, which are from the copy; and a scan that ran before they came back gave rows to files
//  that have some. So, once, before the next whole scan:
//
//      row           place                       becomes
//      known         the row's                   the place says what the row does: what else the file is now, the scan sees
//      known         of another row              the older row stands for both; the other goes
//      known         none                        a place is made from the row
//      gone          of that row                 no place: what is there is new
//
//  Rows of locations that are not known (they were added after the copy) are left alone.

#include "actors/ingest/ingest.h"

#include <sys/stat.h>

#define REGAIN "regain" // the setting: oplog sets it when rows came back

void ingest_regain_ask (ingest_t *self, step_t *step)
{
    slice_t value;
    if (node_get (step->txn, NODE_SETTINGS, slice_text (REGAIN), &value) == 0)
        self->regain.asked = true;
}

void ingest_regain_begin (ingest_t *self)
{
    self->regain = (regain_t){.asked = false};
}

static slice_t dir_of (slice_t path, slice_t *ret_name)
{
    size_t at = path.size;
    while (at && path.data[at - 1] != '/')
        at--;
    *ret_name = slice_of (path.data + at, path.size - at);
    return slice_of (path.data, at ? at - 1 : 0);
}

static void place_put (ingest_t *self, const uint8_t key[SPOT_KEY_SIZE], const spot_t *place)
{
    uint8_t value[SPOT_VALUE_SIZE];
    spot_pack (place, value);
    ingest_put_node (
        self, NODE_PLACES, slice_of (key, SPOT_KEY_SIZE), slice_of (value, sizeof value));
}

//  What the row says lacks an id, or a type: nothing else may remember that.
static int row_wants (ingest_t *self, step_t *step, location_t *location, const uuid16_t *uuid,
    const row_view_t *view)
{
    bool regular = view && S_ISREG (view->mode), known = regular && view->content.known;
    int rc = ingest_want (self, step, location, uuid, WANT_CONTENT, regular && !known, false);
    return rc ? rc
              : ingest_want (self, step, location, uuid, WANT_TYPE,
                    known && view->content.mime.size == 0, false);
}

//  Two rows for one place: the one that came back stays, with what the scan has just seen there.
static int rows_unite (ingest_t *self, step_t *step, const row_t *row, location_t *location,
    const uint8_t key[SPOT_KEY_SIZE], const spot_t *place)
{
    const uuid16_t *me = &self->setup->identity->client;
    uint8_t inode[INODE_KEY_SIZE];
    spot_t united = {row->uuid, place->entry};
    row_t other;
    row_view_t view;
    bool known = false;
    int rc = owned_get (step->txn, slice_text (FILE_PATHS), me, &place->uuid, &other);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (rc == 0 && other.value.size) {
        known = row_view (other.value, &view) == 0;
        ingest_put_row (self, location, &row->uuid, other.value);
        ingest_put_row (self, location, &place->uuid, slice_of (NULL, 0));
    }
    place_put (self, key, &united);
    inode_key (&location->uuid, &place->entry, inode);
    slice_t named; // one of several names is nobody's
    rc = node_get (step->txn, NODE_INODES, slice_of (inode, sizeof inode), &named);
    if (rc == 0 && slice_equal (named, slice_of (place->uuid.bytes, 16)))
        ingest_put_node (
            self, NODE_INODES, slice_of (inode, sizeof inode), slice_of (row->uuid.bytes, 16));
    else if (rc && rc != ERR_NOT_FOUND)
        return rc;
    rc = known ? row_wants (self, step, location, &row->uuid, &view) : 0;
    return rc ? rc : row_wants (self, step, location, &place->uuid, NULL);
}

static int row_regain (
    ingest_t *self, step_t *step, const row_t *row, const row_view_t *view, location_t *location)
{
    uint8_t key[SPOT_KEY_SIZE];
    spot_t place;
    slice_t name, value, dir = dir_of (view->path, &name);
    uuid16_t dir_hash = spot_dir (&location->uuid, dir);
    spot_key (&dir_hash, name, key);
    int rc = node_get (step->txn, NODE_PLACES, slice_of (key, sizeof key), &value);
    if (rc == 0)
        rc = spot_unpack (value, &place);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (rc == 0 && !uuid_equal (&place.uuid, &row->uuid))
        return rows_unite (self, step, row, location, key, &place);
    if (rc == ERR_NOT_FOUND)
        place = (spot_t){
            .uuid = row->uuid, .entry = {.mode = (uint32_t)view->mode, .created = view->created}};
    else if (place.entry.size == view->size && place.entry.modified == view->modified &&
             place.entry.inode == view->inode)
        return 0;
    place.entry.size = view->size;
    place.entry.modified = view->modified;
    place.entry.inode = view->inode;
    place_put (self, key, &place);
    return row_wants (self, step, location, &row->uuid, view);
}

//  The next own row; ERR_NOT_FOUND at the end. *ret_wait: first what is there for another location must be sent.
static int rows_step (ingest_t *self, step_t *step, bool *ret_wait)
{
    const uuid16_t *me = &self->setup->identity->client;
    regain_t *regain = &self->regain;
    uuid16_t owner;
    row_t row;
    row_view_t view;
    int rc = owned_next (step->txn, slice_text (FILE_PATHS), me, regain->begun ? me : NULL,
        regain->begun ? &regain->after : NULL, &owner, &row);
    if (rc)
        return rc;
    location_t *location =
        row_view (row.value, &view) == 0 ? ingest_location (self, &view.location) : NULL;
    *ret_wait = location && self->row_count && self->rows_location != location &&
                !ingest_flush_if_room (self, step);
    if (*ret_wait)
        return 0;
    regain->begun = true;
    regain->after = row.uuid;
    bool ours = location && !location->removing && view.path.size;
    return ours ? row_regain (self, step, &row, &view, location) : 0;
}

//  The next place; ERR_NOT_FOUND at the end.
static int places_step (ingest_t *self, step_t *step)
{
    regain_t *regain = &self->regain;
    slice_t key, value;
    spot_t place;
    row_t row;
    int rc = regain->begun ? node_next (step->txn, NODE_PLACES,
                                 slice_of (regain->key, sizeof regain->key), &key, &value)
                           : node_seek (step->txn, NODE_PLACES, slice_of (NULL, 0), &key, &value);
    if (rc == 0 && key.size != sizeof regain->key)
        rc = ERR_CORRUPT;
    if (rc == 0)
        rc = spot_unpack (value, &place);
    if (rc)
        return rc;
    memcpy (regain->key, key.data, sizeof regain->key);
    regain->begun = true;
    rc = owned_get (
        step->txn, slice_text (FILE_PATHS), &self->setup->identity->client, &place.uuid, &row);
    if (rc == ERR_NOT_FOUND || (rc == 0 && !row.value.size)) {
        ingest_put_node (
            self, NODE_PLACES, slice_of (regain->key, sizeof regain->key), slice_of (NULL, 0));
        self->regain.places++;
        rc = 0;
    }
    return rc;
}

int ingest_regain (ingest_t *self, step_t *step, bool *ret_done)
{
    *ret_done = false;
    for (size_t i = 0; i < INGEST_SLICE; i++) {
        bool wait = false;
        if (!ingest_has_room (self, step) ||
            (self->regain.places >= INGEST_SLICE && !ingest_flush_if_room (self, step)))
            return 0;
        if (self->regain.places >= INGEST_SLICE)
            self->regain.places = 0;
        int rc = self->regain.rows_done ? places_step (self, step) : rows_step (self, step, &wait);
        if (rc == ERR_NOT_FOUND && self->regain.rows_done) {
            ingest_put_node (self, NODE_SETTINGS, slice_text (REGAIN), slice_of (NULL, 0));
            *ret_done = true;
            return 0;
        }
        if (rc == ERR_NOT_FOUND)
            self->regain = (regain_t){.rows_done = true, .asked = self->regain.asked};
        else if (rc || wait)
            return rc;
    }
    return 0;
}

//  All of it is durable: every location is looked at as a whole.
void ingest_regain_end (ingest_t *self, step_t *step)
{
    for (location_t *location = self->locations; location; location = location->next)
        if (!location->adding && !location->removing)
            ingest_location_start (step, location);
}

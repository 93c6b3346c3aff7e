//  ingest - content ids: which files to ask scan for, and what to do with what it found

#include "actors/ingest/ingest.h"

static bool location_is_asked (const location_t *self, const step_t *step)
{
    return self->wanted && !self->adding && !self->removing && !self->missing && !self->scanning &&
           self->asked < INGEST_ASKED_MAX && step->now.mono_ns >= self->wanted_ns;
}

//  Packs the files that come next; how many. *ret_end: there are none behind them.
static int wanted_gather (ingest_t *self, step_t *step, location_t *location, buffer_t *out,
    size_t *ret_count, bool *ret_end)
{
    uint8_t key[WANTED_KEY_SIZE];
    slice_t found, value;
    size_t count = 0, looked = 0;
    wanted_key (&location->uuid, &location->wanted_after, key);
    *ret_end = false;
    while (count < INGEST_IDENTIFY && looked++ < INGEST_SLICE) {
        row_t row;
        row_view_t view;
        int rc = node_next (step->txn, NODE_WANTED, slice_of (key, sizeof key), &found, &value);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        if (rc || found.size != sizeof key || memcmp (found.data, key, 16) != 0) {
            *ret_end = true;
            break;
        }
        memcpy (key, found.data, sizeof key);
        memcpy (location->wanted_after.bytes, key + 16, 16);
        rc = owned_get (step->txn, slice_text (FILE_PATHS), &self->setup->identity->client,
            &location->wanted_after, &row);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        if (rc || row.value.size == 0 || row_view (row.value, &view))
            continue;
        pack_array (out, 2);
        pack_bin (out, slice_of (location->wanted_after.bytes, 16));
        pack_bin (out, view.path);
        count++;
    }
    *ret_count = count;
    return 0;
}

//  Asks for the next files of a location. True if it may be asked for more.
static bool location_identify (ingest_t *self, step_t *step, location_t *location)
{
    buffer_t files = {NULL, 0, 0};
    size_t count = 0;
    bool end = false;
    if (location->wanted_restart && location->asked)
        return false; // else files that scan has already would be asked for again
    bool first = location->wanted_restart;
    if (first) {
        location->wanted_restart = false;
        location->wanted_after = (uuid16_t){{0}};
        location->wanted_again_ns = UINT64_MAX;
    }
    int rc = wanted_gather (self, step, location, &files, &count, &end);
    if (rc == 0 && count && location->identified == 0)
        location->identify_ns = step->now.mono_ns;
    if (rc == 0 && count) {
        identify_t identify = {
            .location = location->uuid, .sampled = location->sampled, .count = count};
        frame_t frame = frame_take (&files);
        step_send_frames (step, ACTOR_SCAN, MAIL_IDENTIFY, 0, &identify_type, &identify, &frame, 1);
        location->asked++;
    }
    buffer_release (&files);
    if (rc == 0 && first && end && count == 0)
        location->wanted = 0;
    if (end && location->asked == 0) {
        //  What is left could not be identified this time.
        location->wanted_restart = true;
        if (location->wanted_again_ns == UINT64_MAX)
            location->wanted_again_ns = step->now.mono_ns + INGEST_UNREADABLE_NS;
        location->wanted_ns = location->wanted_again_ns;
    }
    return rc == 0 && !end;
}

void ingest_identify (ingest_t *self, step_t *step)
{
    for (location_t *location = self->locations; location; location = location->next) {
        while (location_is_asked (location, step) && location_identify (self, step, location))
            ;
        if (location->wanted && location->wanted_ns > step->now.mono_ns)
            step_wake_at (step, location->wanted_ns);
    }
}

//  ---- what scan found

//  A row that changed since is asked for again.
static int finding_take (
    ingest_t *self, step_t *step, location_t *location, const finding_t *finding)
{
    uint8_t key[WANTED_KEY_SIZE];
    slice_t value;
    row_t row;
    row_view_t view;
    wanted_key (&location->uuid, &finding->uuid, key);
    int rc = node_get (step->txn, NODE_WANTED, slice_of (key, sizeof key), &value);
    if (rc == 0)
        rc = owned_get (step->txn, slice_text (FILE_PATHS), &self->setup->identity->client,
            &finding->uuid, &row);
    if (rc || row.value.size == 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    if (row_view (row.value, &view))
        return ERR_CORRUPT;
    bool changed =
        (int)finding->error == -ERR_BUSY ||
        (finding->error == 0 && (view.size != finding->size || view.modified != finding->modified ||
                                    view.inode != finding->inode));
    if (changed || finding->error) {
        uint64_t again = step->now.mono_ns + (changed ? INGEST_CHANGED_NS : INGEST_UNREADABLE_NS);
        if (again < location->wanted_again_ns)
            location->wanted_again_ns = again;
        return 0;
    }
    row_content_t content = {true, finding->sampled, finding->content, finding->mime};
    buffer_t next = {NULL, 0, 0};
    row_value_identified (row.value, &content, &next);
    ingest_put_row (self, location, &finding->uuid, buffer_slice (&next));
    buffer_release (&next);
    ingest_put_node (self, NODE_WANTED, slice_of (key, sizeof key), slice_of (NULL, 0));
    if (location->wanted)
        location->wanted--;
    location->identified = location->wanted ? location->identified + 1 : 0;
    return 0;
}

int ingest_identified (ingest_t *self, step_t *step, const mail_t *mail)
{
    identified_t identified;
    if (step_unpack (step, mail, &identified_type, &identified))
        return 0;
    location_t *location = ingest_location (self, &identified.location);
    if (location == NULL)
        return 0;
    if (identified.last && location->asked)
        location->asked--;
    if (location->removing)
        return 0;
    cursor_t cursor = cursor_over (mail_frame (mail, 0));
    int rc = 0;
    while (rc == 0 && !cursor_done (&cursor)) {
        finding_t finding;
        rc = finding_unpack (&cursor, &finding);
        if (rc == 0)
            rc = finding_take (self, step, location, &finding);
    }
    ingest_flush (self, step);
    return rc;
}

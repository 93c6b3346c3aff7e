//  ingest - content ids and MIME types: which files to ask scan for, and what to do with what it found
//
//  Two lists in the node table: NODE_WANTED, rows without a content id, and NODE_UNTYPED, rows with one and without a
//  type. A type takes a hundred times as long as the id of a small file, so the second list waits until nothing is to
//  be had from the first, of any location. Where few files are wanted both are found at once.
//
//      row made ---> NODE_WANTED ---- id -----> NODE_UNTYPED ---- type ---> neither
//                         \---- few: id and type ------------------------------^
//
//  A pass goes through a list in its order, several requests ahead. What was found goes into WRITEs of the next
//  commit; the next pass begins when all of that is durable, so nothing is asked for twice.

#include "actors/ingest/ingest.h"

static const struct {
    enum node_space space;
    size_t files; // a request
    size_t asked; // requests, unanswered
    uint64_t what;
} kinds[WANT_KINDS] = {
    {NODE_WANTED, INGEST_IDENTIFY, INGEST_IDENTIFY_ASKED, IDENTIFY_CONTENT},
    {NODE_UNTYPED, INGEST_TYPES, INGEST_TYPES_ASKED, IDENTIFY_TYPE},
};

//  ---- the lists

void ingest_want_restart (location_t *location)
{
    for (int i = 0; i < WANT_KINDS; i++) {
        location->wants[i].restart = true;
        location->wants[i].ns = 0;
    }
}

int ingest_want (ingest_t *self, step_t *step, location_t *location, const uuid16_t *uuid,
    enum want what, bool lacks, bool is_new)
{
    want_list_t *list = &location->wants[what];
    uint8_t key[WANTED_KEY_SIZE];
    slice_t value;
    wanted_key (&location->uuid, uuid, key);
    int rc = is_new ? ERR_NOT_FOUND
                    : node_get (step->txn, kinds[what].space, slice_of (key, sizeof key), &value);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (lacks == (rc == 0))
        return 0;
    ingest_put_node (self, kinds[what].space, slice_of (key, sizeof key),
        lacks ? slice_of ("\x01", 1) : slice_of (NULL, 0));
    if (lacks) {
        list->left++;
        list->restart = true;
        list->ns = 0;
    } else if (list->left)
        list->left--;
    return 0;
}

//  ---- asking

static bool list_is_asked (const location_t *location, enum want what, const step_t *step)
{
    const want_list_t *list = &location->wants[what];
    return list->left && !location->adding && !location->removing && !location->missing &&
           !location->scanning && list->asked < kinds[what].asked && step->now.mono_ns >= list->ns;
}

//  Packs the files that come next; how many. *ret_end: there are none behind them.
static int wanted_gather (ingest_t *self, step_t *step, location_t *location, enum want what,
    buffer_t *out, size_t *ret_count, bool *ret_end)
{
    want_list_t *list = &location->wants[what];
    uint8_t key[WANTED_KEY_SIZE];
    slice_t found, value;
    size_t count = 0, looked = 0;
    wanted_key (&location->uuid, &list->after, key);
    *ret_end = false;
    while (count < kinds[what].files && looked++ < INGEST_SLICE) {
        row_t row;
        row_view_t view;
        int rc =
            node_next (step->txn, kinds[what].space, slice_of (key, sizeof key), &found, &value);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        if (rc || found.size != sizeof key || memcmp (found.data, key, 16) != 0) {
            *ret_end = true;
            break;
        }
        memcpy (key, found.data, sizeof key);
        memcpy (list->after.bytes, key + 16, 16);
        rc = owned_get (
            step->txn, slice_text (FILE_PATHS), &self->setup->identity->client, &list->after, &row);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        if (rc || row.value.size == 0 || row_view (row.value, &view))
            continue;
        pack_array (out, 2);
        pack_bin (out, slice_of (list->after.bytes, 16));
        pack_bin (out, view.path);
        count++;
    }
    *ret_count = count;
    return 0;
}

//  Asks for the next files of a list. True if it may be asked for more.
static bool list_ask (ingest_t *self, step_t *step, location_t *location, enum want what)
{
    want_list_t *list = &location->wants[what];
    buffer_t files = {NULL, 0, 0};
    size_t count = 0;
    bool end = false, first = list->restart;
    if (first && (list->asked || !ingest_is_durable (self)))
        return false; // else files that scan has already, or that are being written, would be asked for again
    if (first) {
        list->restart = false;
        list->after = (uuid16_t){{0}};
        list->again_ns = UINT64_MAX;
    }
    int rc = wanted_gather (self, step, location, what, &files, &count, &end);
    if (rc == 0 && count && list->found == 0)
        list->begun_ns = step->now.mono_ns;
    if (rc == 0 && count) {
        bool together = first && end && count <= INGEST_TOGETHER;
        identify_t identify = {.location = location->uuid,
            .what = kinds[what].what | (uint64_t)(together ? IDENTIFY_TYPE : 0),
            .sampled = location->sampled,
            .count = count};
        frame_t frame = frame_take (&files);
        step_send_frames (step, ACTOR_SCAN, MAIL_IDENTIFY, 0, &identify_type, &identify, &frame, 1);
        list->asked++;
    }
    buffer_release (&files);
    if (rc == 0 && first && end && count == 0)
        list->left = 0;
    if (end && list->asked == 0) {
        //  What is left could not be identified this time.
        list->restart = true;
        if (list->again_ns == UINT64_MAX)
            list->again_ns = step->now.mono_ns + INGEST_UNREADABLE_NS;
        list->ns = list->again_ns;
    }
    return rc == 0 && !end;
}

void ingest_identify (ingest_t *self, step_t *step)
{
    bool busy = false; // with what comes first
    for (int what = 0; what < WANT_KINDS && !busy; what++)
        for (location_t *location = self->locations; location; location = location->next) {
            want_list_t *list = &location->wants[what];
            while (list_is_asked (location, what, step) && list_ask (self, step, location, what))
                ;
            busy |= list->asked || list_is_asked (location, what, step);
            if (list->left && list->ns > step->now.mono_ns)
                step_wake_at (step, list->ns);
        }
}

//  ---- what scan found

static void list_later (want_list_t *list, uint64_t ns)
{
    if (ns < list->again_ns)
        list->again_ns = ns;
}

//  One is found of a list.
static void list_found (want_list_t *list)
{
    list->left -= list->left > 0;
    list->found = list->left ? list->found + 1 : 0;
}

//  What the row says with what was found; false where that is not of this row any more.
static bool finding_fits (const row_view_t *view, const finding_t *finding, enum want what)
{
    return view->size == finding->size && view->modified == finding->modified &&
           view->inode == finding->inode && (what == WANT_CONTENT || view->content.known);
}

static void finding_put (ingest_t *self, location_t *location, const row_t *row,
    const row_view_t *view, const finding_t *finding, enum want what)
{
    uint8_t key[WANTED_KEY_SIZE];
    row_content_t content = view->content;
    buffer_t next = {NULL, 0, 0};
    if (what == WANT_CONTENT)
        content = (row_content_t){true, finding->sampled, finding->content, {NULL, 0}};
    content.mime = finding->mime;
    row_value_identified (row->value, &content, &next);
    ingest_put_row (self, location, &row->uuid, buffer_slice (&next));
    buffer_release (&next);
    wanted_key (&location->uuid, &row->uuid, key);
    ingest_put_node (self, kinds[what].space, slice_of (key, sizeof key), slice_of (NULL, 0));
    list_found (&location->wants[what]);
}

//  A row that changed since is asked for again.
static int finding_take (
    ingest_t *self, step_t *step, location_t *location, const finding_t *finding, enum want what)
{
    uint8_t key[WANTED_KEY_SIZE];
    slice_t value;
    row_t row;
    row_view_t view;
    wanted_key (&location->uuid, &finding->uuid, key);
    int rc = node_get (step->txn, kinds[what].space, slice_of (key, sizeof key), &value);
    if (rc == 0)
        rc = owned_get (step->txn, slice_text (FILE_PATHS), &self->setup->identity->client,
            &finding->uuid, &row);
    if (rc || row.value.size == 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    if (row_view (row.value, &view))
        return ERR_CORRUPT;
    bool changed = (int)finding->error == -ERR_BUSY ||
                   (finding->error == 0 && !finding_fits (&view, finding, what));
    if (changed || finding->error) {
        list_later (&location->wants[what],
            step->now.mono_ns + (changed ? INGEST_CHANGED_NS : INGEST_UNREADABLE_NS));
        return 0;
    }
    finding_put (self, location, &row, &view, finding, what);
    return what == WANT_CONTENT ? ingest_want (self, step, location, &finding->uuid, WANT_TYPE,
                                      finding->mime.size == 0, false)
                                : 0;
}

static enum want want_of (const identified_t *identified)
{
    return identified->what & IDENTIFY_CONTENT ? WANT_CONTENT : WANT_TYPE;
}

bool ingest_identified_fits (ingest_t *self, step_t *step, const mail_t *mail)
{
    identified_t identified;
    if (message_unpack (&identified_type, mail->body, &identified, NULL))
        return true; // to be refused
    const location_t *location = ingest_location (self, &identified.location);
    if (location && self->row_count && self->rows_location != location)
        return ingest_flush_if_room (self, step);
    return ingest_has_room (self, step);
}

int ingest_identified (ingest_t *self, step_t *step, const mail_t *mail)
{
    identified_t identified;
    if (step_unpack (step, mail, &identified_type, &identified))
        return 0;
    location_t *location = ingest_location (self, &identified.location);
    if (location == NULL)
        return 0;
    enum want what = want_of (&identified);
    if (identified.last && location->wants[what].asked)
        location->wants[what].asked--;
    if (location->removing)
        return 0;
    cursor_t cursor = cursor_over (mail_frame (mail, 0));
    int rc = 0;
    while (rc == 0 && !cursor_done (&cursor)) {
        finding_t finding;
        rc = finding_unpack (&cursor, &finding);
        if (rc == 0)
            rc = finding_take (self, step, location, &finding, what);
    }
    return rc;
}

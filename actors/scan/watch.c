//  scan - watches, and what changed under them
//
//  What the kernel tells is a hint: which names of which directories to look at. What is there is found
//  by looking, after a quiet time, so a file written a thousand times is looked at once.

#include "actors/scan/scan.h"

#include <assert.h>
#include <stdlib.h>

#include "messages/digest.h"

bool path_is_below (slice_t path, slice_t above)
{
    if (above.size == 0)
        return true;
    return path.size >= above.size && memcmp (path.data, above.data, above.size) == 0 &&
           (path.size == above.size || path.data[above.size] == '/');
}

//  ---- watches

static void watch_destroy (watch_t **self_p)
{
    watch_t *self = *self_p;
    if (!self)
        return;
    buffer_release (&self->path);
    free (self);
    *self_p = NULL;
}

int scan_watch_dir (scan_t *self, scan_location_t *location, disk_dir_t *dir, slice_t path)
{
    uint64_t number;
    int rc = self->disk->watch (self->disk->self, dir, &number);
    if (rc)
        return rc;
    watch_t *watch = lookup_get (&self->watches, number);
    if (watch == NULL) {
        watch = calloc (1, sizeof *watch);
        if (!watch)
            abort ();
        lookup_put (&self->watches, number, watch);
    }
    watch->number = number;
    watch->location = location;
    buffer_clear (&watch->path);
    buffer_append (&watch->path, path.data, path.size);
    return 0;
}

void scan_watch_forget (scan_t *self, scan_location_t *location, slice_t path)
{
    size_t count = 0, at = 0;
    if (self->watches.count == 0)
        return;
    watch_t **found = malloc (self->watches.count * sizeof (watch_t *));
    if (!found)
        abort ();
    for (watch_t *watch = lookup_next (&self->watches, &at); watch;
         watch = lookup_next (&self->watches, &at))
        if (watch->location == location && path_is_below (buffer_slice (&watch->path), path))
            found[count++] = watch;
    for (size_t i = 0; i < count; i++) {
        lookup_take (&self->watches, found[i]->number);
        self->disk->unwatch (self->disk->self, found[i]->number);
        watch_destroy (&found[i]);
    }
    free (found);
}

//  ---- what changed

dirty_t *dirty_new (slice_t path)
{
    dirty_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    buffer_append (&self->path, path.data, path.size);
    return self;
}

void dirty_destroy (dirty_t **self_p)
{
    dirty_t *self = *self_p;
    if (!self)
        return;
    buffer_release (&self->path);
    buffer_release (&self->names);
    free (self);
    *self_p = NULL;
}

static void dirties_clear (lookup_t *dirties)
{
    size_t at = 0;
    for (dirty_t *dirty = lookup_next (dirties, &at); dirty; dirty = lookup_next (dirties, &at))
        dirty_destroy (&dirty);
    lookup_release (dirties);
}

void scan_dirty_clear (scan_location_t *location)
{
    dirties_clear (&location->dirty);
}

//  Too much changed to remember, or nobody knows what: all of it is walked.
static void location_give_up (scan_location_t *self)
{
    scan_dirty_clear (self);
    self->due = true;
}

//  NULL: the whole location is due anyway.
static dirty_t *dirty_get (scan_location_t *location, step_t *step, slice_t path)
{
    if (location->due)
        return NULL;
    uint64_t key = checksum_of (path);
    dirty_t *dirty = lookup_get (&location->dirty, key);
    if (dirty && !slice_equal (buffer_slice (&dirty->path), path)) {
        location_give_up (location); // two paths with one hash
        return NULL;
    }
    if (dirty == NULL && location->dirty.count >= SCAN_DIRTY_MAX) {
        location_give_up (location);
        return NULL;
    }
    if (location->dirty.count == 0)
        location->first_event_ns = step->now.mono_ns;
    location->last_event_ns = step->now.mono_ns;
    if (dirty == NULL) {
        dirty = dirty_new (path);
        lookup_put (&location->dirty, key, dirty);
    }
    return dirty;
}

//  ---- what could not be read

void scan_locked_clear (scan_location_t *location)
{
    dirties_clear (&location->locked);
}

//  More than can be remembered are found by the next walk of all.
void scan_locked_add (scan_location_t *location, step_t *step, slice_t path)
{
    uint64_t key = checksum_of (path), walk_ns = step->now.mono_ns + SCAN_LOCKED_NS_MAX;
    if (location->locked.count == 0)
        location->locked_ns = step->now.mono_ns + location->locked_wait_ns;
    if (lookup_get (&location->locked, key))
        return;
    if (location->locked.count < SCAN_DIRTY_MAX)
        lookup_put (&location->locked, key, dirty_new (path));
    else if (location->rescan_ns > walk_ns)
        location->rescan_ns = walk_ns;
}

//  Its mode changed, or what is below it. If it still cannot be read the walk that this leads to says so.
static void locked_hint (scan_location_t *location, step_t *step, slice_t path)
{
    dirty_t *locked = lookup_take (&location->locked, checksum_of (path));
    dirty_t *dirty = locked ? dirty_get (location, step, path) : NULL;
    if (dirty)
        dirty->whole = dirty->deep = true;
    if (locked)
        dirty_destroy (&locked);
}

//  Those that still cannot be read come back by the walk that this leads to.
void scan_locked_retry (scan_location_t *location, step_t *step)
{
    size_t at = 0;
    for (dirty_t *locked = lookup_next (&location->locked, &at); locked;
         locked = lookup_next (&location->locked, &at)) {
        dirty_t *dirty = dirty_get (location, step, buffer_slice (&locked->path));
        if (dirty)
            dirty->whole = dirty->deep = true;
    }
    scan_locked_clear (location);
    if (location->locked_wait_ns < SCAN_LOCKED_NS_MAX)
        location->locked_wait_ns *= 2;
}

//  ---- events

static void dirty_add_name (dirty_t *self, slice_t name)
{
    if (self == NULL || self->whole)
        return;
    cursor_t cursor = cursor_over (buffer_slice (&self->names));
    slice_t known;
    while (!cursor_done (&cursor) && cursor_bin (&cursor, &known) == 0)
        if (slice_equal (known, name))
            return;
    if (self->name_count == SCAN_NAMES_MAX) {
        self->whole = true;
        return;
    }
    pack_bin (&self->names, name);
    self->name_count++;
}

//  A directory's own row changes with its entries.
static void note_directory (scan_location_t *location, step_t *step, slice_t path)
{
    size_t name_at = path.size;
    while (name_at && path.data[name_at - 1] != '/')
        name_at--;
    if (path.size)
        dirty_add_name (dirty_get (location, step, slice_of (path.data, name_at ? name_at - 1 : 0)),
            slice_of (path.data + name_at, path.size - name_at));
}

static void note_event (scan_t *self, step_t *step, watch_t *watch, uint64_t flags, slice_t name)
{
    scan_location_t *location = watch->location;
    if (flags & WATCH_GONE) {
        location->due |= watch->path.size == 0;
        lookup_take (&self->watches, watch->number);
        watch_destroy (&watch);
        return;
    }
    if (slice_equal (name, slice_text (IGNORE_FILE))) {
        location_give_up (location);
        return;
    }
    slice_t path = buffer_slice (&watch->path);
    dirty_add_name (dirty_get (location, step, path), name);
    note_directory (location, step, path);
    if (!(flags & (WATCH_ARRIVED | WATCH_LEFT)) && location->locked.count == 0)
        return;
    buffer_t child = {NULL, 0, 0};
    buffer_append (&child, path.data, path.size);
    if (path.size)
        buffer_append (&child, "/", 1);
    buffer_append (&child, name.data, name.size);
    if (flags & WATCH_ARRIVED) {
        dirty_t *dirty = dirty_get (location, step, buffer_slice (&child));
        if (dirty)
            dirty->whole = dirty->deep = true;
    } else if (flags & WATCH_LEFT)
        scan_watch_forget (self, location, buffer_slice (&child));
    else
        locked_hint (location, step, buffer_slice (&child));
    buffer_release (&child);
}

void scan_watch_events (scan_t *self, step_t *step, const mail_t *mail)
{
    scan_events_t events;
    if (step_unpack (step, mail, &scan_events_type, &events))
        return;
    cursor_t cursor = cursor_over (mail_frame (mail, 0));
    for (uint64_t i = 0; i < events.count; i++) {
        size_t fields;
        uint64_t number, flags;
        slice_t name;
        if (cursor_array (&cursor, &fields) || fields != 3 || cursor_uint (&cursor, &number) ||
            cursor_uint (&cursor, &flags) || cursor_bin (&cursor, &name)) {
            metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
            return;
        }
        watch_t *watch = lookup_get (&self->watches, number);
        if (flags & WATCH_OVERFLOW)
            for (scan_location_t *at = self->locations; at; at = at->next)
                location_give_up (at);
        else if (watch)
            note_event (self, step, watch, flags, name);
    }
}

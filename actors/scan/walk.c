//  scan - a job: from target to target, depth first, in slices

#include "actors/scan/scan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

//  ---- listings

static void listing_send (scan_t *self, step_t *step)
{
    if (self->listing.size == 0)
        return;
    scan_listing_t listing = {
        .location = self->walk.location->uuid, .entries = self->listing_entries};
    frame_t frame = frame_take (&self->listing);
    step_send_frames (
        step, ACTOR_INGEST, MAIL_SCAN_LISTING, 0, &scan_listing_type, &listing, &frame, 1);
    self->listing_entries = 0;
    self->unanswered++;
}

static void section_close (scan_t *self, step_t *step, uint64_t flags)
{
    walk_t *walk = &self->walk;
    section_t section = {
        buffer_slice (&walk->path), flags | (walk->first ? SECTION_FIRST : 0), self->section_count};
    section_pack (&section, &self->listing);
    buffer_append (&self->listing, self->section.data, self->section.size);
    self->listing_entries += self->section_count;
    walk->counts.entries += self->section_count;
    metric_add (step->metrics, METRIC_FILES_SCANNED, self->section_count);
    buffer_clear (&self->section);
    self->section_count = 0;
    walk->first = false;
    if (self->listing_entries >= SCAN_SECTION_ENTRIES || self->listing.size >= SCAN_LISTING_BYTES)
        listing_send (self, step);
}

static void names_push (buffer_t *names, slice_t name)
{
    uint32_t size = (uint32_t)name.size;
    buffer_append (names, name.data, name.size);
    buffer_append (names, &size, sizeof size);
}

//  The name borrows from the stack until the next push.
static slice_t names_pop (buffer_t *names)
{
    uint32_t size;
    memcpy (&size, names->data + names->size - sizeof size, sizeof size);
    names->size -= sizeof size + size;
    return slice_of (names->data + names->size, size);
}

//  False where the entry is none of ours: special, or excluded.
static bool entry_is_wanted (scan_t *self, const entry_t *entry)
{
    walk_t *walk = &self->walk;
    if (!S_ISREG (entry->mode) && !S_ISDIR (entry->mode) && !S_ISLNK (entry->mode)) {
        walk->counts.skipped++;
        return false;
    }
    size_t size = walk->path.size;
    if (size)
        buffer_append (&walk->path, "/", 1);
    buffer_append (&walk->path, entry->name.data, entry->name.size);
    bool wanted = walk->path.size <= LIMIT_PATH_BYTES;
    walk->counts.unreadable += !wanted;
    walk->location->too_long |= !wanted;
    if (wanted && scan_walk_ignores (self, buffer_slice (&walk->path), S_ISDIR (entry->mode))) {
        walk->counts.ignored++;
        wanted = false;
    }
    walk->path.size = size;
    return wanted;
}

static void section_add (scan_t *self, entry_t *entry)
{
    if (entry->device == self->walk.device)
        entry->device = 0;
    if (entry_is_dir (entry))
        entry->size = 0; // how large a directory is depends on the file system's mood
    entry_pack (entry, &self->section);
    self->section_count++;
}

//  So many places of the directory at walk->path cannot be read, or it itself.
static void walk_unreadable (scan_t *self, step_t *step, size_t count, int error)
{
    walk_t *walk = &self->walk;
    slice_t path = buffer_slice (&walk->path);
    if (walk->unreadable_error == 0) {
        buffer_clear (&walk->unreadable);
        buffer_append (&walk->unreadable, path.data, path.size);
        walk->unreadable_error = error;
    }
    walk->counts.unreadable += count;
    metric_add (step->metrics, METRIC_FILES_UNREADABLE, count);
    scan_locked_add (walk->location, step, path);
}

//  For the log: it escapes what a name may hold.
static void walk_say_unreadable (scan_t *self, step_t *step)
{
    const walk_t *walk = &self->walk;
    size_t size = walk->unreadable.size;
    if (walk->whole && walk->unreadable_error)
        step_say (step, SAY_WARNING,
            "%s: %" PRIu64
            " of its places cannot be read and are tried again; the first: ./%.*s: %s",
            (const char *)walk->location->path.data, walk->counts.unreadable,
            (int)(size > 200 ? 200 : size), size ? (const char *)walk->unreadable.data : "",
            error_text (walk->unreadable_error));
}

//  The top level, up to a section's worth of entries.
static void walk_list (scan_t *self, step_t *step)
{
    walk_t *walk = &self->walk;
    level_t *level = &walk->levels[walk->depth - 1];
    bool deep = walk->targets[walk->target_at]->deep;
    uint64_t flags = SECTION_WHOLE;
    while (self->section_count < SCAN_SECTION_ENTRIES) {
        size_t count = 0, unreadable = 0;
        int rc = self->disk->list (
            self->disk->self, level->dir, self->entries, SCAN_LIST_ENTRIES, &count, &unreadable);
        if (rc || unreadable) {
            walk->partial = true;
            walk_unreadable (self, step, unreadable + (rc != 0), rc ? rc : ERR_NOT_ALLOWED);
        }
        if (rc || count == 0) {
            walk->listing = false;
            flags |= SECTION_LAST;
            break;
        }
        for (size_t i = 0; i < count; i++) {
            entry_t *entry = &self->entries[i];
            if (!entry_is_wanted (self, entry))
                continue;
            if (deep && entry_is_dir (entry) && !entry->mount && entry->device == walk->device)
                names_push (&walk->names, entry->name);
            section_add (self, entry);
        }
    }
    //  Its last section decides what is missing, whichever could not be read in full.
    section_close (self, step, flags | (walk->partial ? SECTION_FAILED : 0));
}

//  Only some names of the top level.
static void walk_look (scan_t *self, step_t *step, const dirty_t *target)
{
    walk_t *walk = &self->walk;
    const level_t *level = &walk->levels[walk->depth - 1];
    cursor_t cursor = cursor_over (buffer_slice (&target->names));
    slice_t name;
    while (!cursor_done (&cursor) && cursor_bin (&cursor, &name) == 0) {
        entry_t entry = {0};
        int rc = self->disk->look (self->disk->self, level->dir, name, &entry);
        if (rc && rc != ERR_NOT_FOUND) {
            walk_unreadable (self, step, 1, rc);
            continue;
        }
        entry.name = name;
        if (rc || !entry_is_wanted (self, &entry))
            entry = (entry_t){.name = name};
        section_add (self, &entry);
    }
    walk->first = true;
    section_close (self, step, SECTION_LAST);
}

//  ---- from directory to directory

//  The top level's directory is going to be listed: watch it first, so that nothing is missed between.
static void walk_enter (scan_t *self)
{
    walk_t *walk = &self->walk;
    int rc = scan_watch_dir (
        self, walk->location, walk->levels[walk->depth - 1].dir, buffer_slice (&walk->path));
    walk->watched += rc == 0;
    walk->unwatched += rc != 0;
    walk->counts.directories++;
    walk->listing = walk->first = true;
    walk->partial = false;
}

//  A directory below the top level that cannot be opened: what is stored of it stays.
static void walk_fail (scan_t *self, step_t *step, slice_t name, int error)
{
    walk_t *walk = &self->walk;
    if (error == ERR_NOT_FOUND)
        return;
    size_t size = walk->path.size;
    if (size)
        buffer_append (&walk->path, "/", 1);
    buffer_append (&walk->path, name.data, name.size);
    walk_unreadable (self, step, 1, error);
    walk->first = true;
    section_close (self, step, SECTION_LAST | SECTION_FAILED);
    walk->path.size = size;
}

//  Makes the target's directory the top level. False if there is no way there, or it is left out.
static bool walk_reach (scan_t *self, step_t *step, slice_t path)
{
    walk_t *walk = &self->walk;
    while (walk->depth > 1 && !path_is_below (path, buffer_slice (&walk->path)))
        scan_level_pop (self);
    while (walk->path.size < path.size) {
        size_t from = walk->path.size ? walk->path.size + 1 : 0, to = from;
        while (to < path.size && path.data[to] != '/')
            to++;
        slice_t name = slice_of (path.data + from, to - from);
        if (scan_walk_ignores (self, slice_of (path.data, to), true))
            return false;
        int rc = scan_level_push (self, name);
        if (rc) {
            walk_fail (self, step, name, rc);
            return false;
        }
    }
    return scan_level_dir (self, walk->depth - 1) != NULL;
}

static void walk_target (scan_t *self, step_t *step)
{
    walk_t *walk = &self->walk;
    const dirty_t *target = walk->targets[walk->target_at];
    slice_t path = buffer_slice (&target->path);
    bool done = walk->is_covered && path_is_below (path, walk->covered);
    if (done || !walk_reach (self, step, path)) {
        walk->target_at++;
        return;
    }
    walk->base = walk->depth;
    if (target->deep) {
        walk->is_covered = true;
        walk->covered = path;
    }
    if (target->whole)
        walk_enter (self);
    else {
        walk_look (self, step, target);
        walk->base = 0;
        walk->target_at++;
    }
}

//  The next directory: the top level's next subdirectory, or back up, or the next target.
static void walk_move (scan_t *self, step_t *step)
{
    walk_t *walk = &self->walk;
    if (walk->base == 0) {
        walk_target (self, step);
        return;
    }
    if (walk->names.size > walk->levels[walk->depth - 1].names_at) {
        //  The name is copied: it stands where the new level's names will.
        slice_t popped = names_pop (&walk->names);
        uint8_t name[256];
        size_t size = popped.size < sizeof name ? popped.size : sizeof name;
        memcpy (name, popped.data, size);
        int rc =
            popped.size > sizeof name ? ERR_SYSTEM : scan_level_push (self, slice_of (name, size));
        if (rc)
            walk_fail (self, step, slice_of (name, size), rc);
        else
            walk_enter (self);
    } else if (walk->depth > walk->base)
        scan_level_pop (self);
    else {
        walk->base = 0;
        walk->target_at++;
    }
}

//  ---- a job

//  By path, a slash before everything else: what lies below a directory comes right behind it.
static int target_compare (const void *a_, const void *b_)
{
    const dirty_t *a = *(dirty_t *const *)a_, *b = *(dirty_t *const *)b_;
    size_t common = a->path.size < b->path.size ? a->path.size : b->path.size;
    for (size_t i = 0; i < common; i++) {
        uint8_t x = a->path.data[i], y = b->path.data[i];
        if (x != y)
            return x == '/' ? -1 : y == '/' ? 1 : x < y ? -1 : 1;
    }
    return (a->path.size > b->path.size) - (a->path.size < b->path.size);
}

static void walk_aim (walk_t *walk, scan_location_t *location)
{
    size_t count = walk->whole ? 1 : location->dirty.count;
    walk->targets = calloc (count, sizeof (dirty_t *));
    if (!walk->targets)
        abort ();
    walk->target_count = count;
    if (walk->whole) {
        walk->targets[0] = dirty_new (slice_of (NULL, 0));
        walk->targets[0]->whole = walk->targets[0]->deep = true;
        scan_dirty_clear (location);
        return;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        walk->targets[i] = lookup_next (&location->dirty, &at);
    lookup_release (&location->dirty);
    qsort (walk->targets, count, sizeof (dirty_t *), target_compare);
}

void scan_walk_begin (scan_t *self, step_t *step, scan_location_t *location, bool whole)
{
    walk_t *walk = &self->walk;
    assert (walk->state == WALK_IDLE && walk->depth == 0);
    walk->state = WALK_GOING;
    walk->location = location;
    walk->whole = whole;
    walk->is_covered = walk->listing = false;
    walk->base = walk->watched = walk->unwatched = 0;
    walk->counts = (scan_done_t){.location = location->uuid, .whole = whole};
    walk->unreadable_error = 0;
    buffer_clear (&walk->path);
    walk_aim (walk, location);
    if (whole) {
        location->due = location->too_long = false;
        location->rescan_ns = UINT64_MAX;
        scan_locked_clear (location);
    }
    int rc = scan_level_push (self, slice_of (NULL, 0));
    walk->failed = rc != 0;
    scan_begin_t begin = {.location = location->uuid,
        .whole = whole,
        .inode = rc ? 0 : walk->inode,
        .mount = rc == 0 && walk->mount};
    step_send (step, ACTOR_INGEST, MAIL_SCAN_BEGIN, 0, &scan_begin_type, &begin, NULL, 0);
}

//  Says how many watches it would take, or that there are enough again.
static void walk_alarm (scan_t *self, step_t *step)
{
    walk_t *walk = &self->walk;
    scan_location_t *location = walk->location;
    const char *path = (const char *)location->path.data;
    char text[256];
    if (walk->unwatched) {
        snprintf (text, sizeof text,
            "%zu of %zu directories cannot be watched and are looked at every %llu s instead: "
            "raise "
            "fs.inotify.max_user_watches (sysctl) to at least %zu",
            walk->unwatched, walk->unwatched + walk->watched, SCAN_UNWATCHED_NS / 1000000000ull,
            2 * (self->watches.count + walk->unwatched));
        step_alarm (step, "WATCHES", path, text);
        location->alarmed = true;
        location->rescan_ns = step->now.mono_ns + SCAN_UNWATCHED_NS;
    } else if (location->alarmed && walk->whole) {
        step_alarm (step, "WATCHES", path, NULL);
        location->alarmed = false;
    }
}

static void walk_end (scan_t *self, step_t *step)
{
    walk_t *walk = &self->walk;
    scan_done_t done = walk->counts;
    scan_location_t *location = walk->location;
    listing_send (self, step);
    walk_say_unreadable (self, step);
    scan_level_release (self);
    done.error = location->stopped ? -ERR_BUSY : walk->failed ? -ERR_NOT_FOUND : 0;
    if (!walk->failed && !location->stopped)
        walk_alarm (self, step);
    if (location->locked.count == 0)
        location->locked_wait_ns = SCAN_LOCKED_NS;
    done.readable = location->locked.count == 0 && !location->too_long;
    done.watched = !location->alarmed && !walk->failed;
    walk->state = WALK_SETTLING;
    step_send (step, ACTOR_INGEST, MAIL_SCAN_DONE, 0, &scan_done_type, &done, NULL, 0);
}

void scan_walk_slice (scan_t *self, step_t *step)
{
    walk_t *walk = &self->walk;
    uint64_t entries_max = walk->counts.entries + SCAN_SECTION_ENTRIES;
    uint64_t directories_max = walk->counts.directories + SCAN_SLICE_DIRS;
    size_t moves = 0;
    while (self->unanswered < SCAN_LISTINGS_MAX && walk->counts.entries < entries_max &&
           walk->counts.directories < directories_max && moves++ < SCAN_SECTION_ENTRIES) {
        if (walk->failed || walk->location->stopped || walk->target_at == walk->target_count) {
            walk_end (self, step);
            return;
        }
        if (walk->listing)
            walk_list (self, step);
        else
            walk_move (self, step);
    }
}

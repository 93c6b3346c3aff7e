//  scan - the directories of the branch that is being walked
//
//  Level 0 is the location's root. Only the deepest SCAN_OPEN_MAX levels, and the root, hold a descriptor;
//  one that was closed is opened again, from the root, when the walk comes back to it.

#include "actors/scan/scan.h"

#include <assert.h>
#include <stdlib.h>

static level_t *top_of (walk_t *walk)
{
    assert (walk->depth);
    return &walk->levels[walk->depth - 1];
}

static slice_t slice_below (slice_t path, size_t above)
{
    size_t from = above ? above + 1 : 0;
    return from >= path.size ? slice_of (NULL, 0) : slice_of (path.data + from, path.size - from);
}

//  The patterns of the command line first, then those of the deepest directory, then those above it, then the defaults.
bool scan_walk_ignores (scan_t *self, slice_t path, bool is_dir)
{
    walk_t *walk = &self->walk;
    if (walk->location->own.size && slice_equal (path, buffer_slice (&walk->location->own)))
        return true;
    enum ignore_verdict verdict = ignore_judge (&walk->location->exclude, path, is_dir);
    for (size_t i = walk->depth; verdict == IGNORE_SILENT && i > 0; i--) {
        const level_t *level = &walk->levels[i - 1];
        if (level->ignore.count && path.size > level->path_size)
            verdict = ignore_judge (&level->ignore, slice_below (path, level->path_size), is_dir);
    }
    if (verdict == IGNORE_SILENT)
        verdict = ignore_judge (&walk->location->defaults, path, is_dir);
    return verdict == IGNORE_OUT;
}

static void level_read_ignore (scan_t *self, level_t *level)
{
    const disk_t *disk = self->disk;
    disk_file_t *file;
    buffer_t text = {NULL, 0, 0};
    if (disk->file_open (disk->self, level->dir, slice_text (IGNORE_FILE), &file, NULL))
        return;
    while (text.size < IGNORE_BYTES_MAX) {
        size_t size;
        if (disk->file_read (disk->self, file, self->bytes, SCAN_READ_BYTES, &size) || size == 0)
            break;
        buffer_append (&text, self->bytes, size);
    }
    disk->file_close (disk->self, file);
    ignore_parse (&level->ignore, buffer_slice (&text));
    buffer_release (&text);
}

static level_t *level_new (walk_t *walk)
{
    if (walk->depth == walk->capacity) {
        walk->capacity = walk->capacity ? 2 * walk->capacity : 16;
        walk->levels = realloc (walk->levels, walk->capacity * sizeof *walk->levels);
        if (!walk->levels)
            abort ();
    }
    level_t *level = &walk->levels[walk->depth];
    *level = (level_t){.names_at = walk->names.size};
    return level;
}

//  Whether another location begins here. It is a mount; while it is not mounted, it is still that location's to look at.
static bool is_location (const scan_t *self, slice_t name)
{
    const walk_t *walk = &self->walk;
    slice_t root = buffer_slice (&walk->location->path), path = buffer_slice (&walk->path);
    size_t root_size = root.size == 1 ? 0 : root.size; // "/"
    size_t size = root_size + 1 + path.size + (path.size > 0) + name.size;
    for (const scan_location_t *at = self->locations; at; at = at->next) {
        const uint8_t *other = at->path.data;
        if (at->path.size == size && memcmp (other, root.data, root_size) == 0 &&
            (path.size == 0 || memcmp (other + root_size + 1, path.data, path.size) == 0) &&
            memcmp (other + size - name.size, name.data, name.size) == 0)
            return true;
    }
    return false;
}

//  Opens the directory of this name below the top level, or the root where there is no level yet, and makes
//  it the top. Where it fails nothing changed.
int scan_level_push (scan_t *self, slice_t name)
{
    walk_t *walk = &self->walk;
    const disk_t *disk = self->disk;
    disk_dir_t *dir, *parent = NULL;
    entry_t entry;
    if (walk->depth) {
        parent = scan_level_dir (self, walk->depth - 1);
        if (!parent || is_location (self, name))
            return ERR_NOT_FOUND;
    }
    int rc = disk->open (
        disk->self, parent, parent ? name : buffer_slice (&walk->location->path), &dir, &entry);
    if (rc)
        return rc;
    if (parent && entry.device != walk->device) {
        disk->close (disk->self, dir); // something was mounted there meanwhile
        return ERR_NOT_FOUND;
    }
    level_t *level = level_new (walk);
    if (parent) {
        if (walk->path.size)
            buffer_append (&walk->path, "/", 1);
        buffer_append (&walk->path, name.data, name.size);
    } else {
        walk->device = entry.device;
        walk->inode = entry.inode;
        walk->mount = entry.mount;
    }
    level->dir = dir;
    level->path_size = walk->path.size;
    walk->depth++;
    level_read_ignore (self, level);
    if (walk->depth > SCAN_OPEN_MAX + 1) {
        level_t *far = &walk->levels[walk->depth - 1 - SCAN_OPEN_MAX];
        if (far->dir)
            disk->close (disk->self, far->dir);
        far->dir = NULL;
    }
    return 0;
}

disk_dir_t *scan_level_dir (scan_t *self, size_t index)
{
    walk_t *walk = &self->walk;
    level_t *level = &walk->levels[index];
    entry_t entry;
    disk_dir_t *dir;
    if (level->dir == NULL && self->disk->open (self->disk->self, walk->levels[0].dir,
                                  slice_of (walk->path.data, level->path_size), &dir, &entry) == 0)
        level->dir = dir;
    return level->dir;
}

void scan_level_pop (scan_t *self)
{
    walk_t *walk = &self->walk;
    level_t *level = top_of (walk);
    if (level->dir)
        self->disk->close (self->disk->self, level->dir);
    ignore_release (&level->ignore);
    walk->names.size = level->names_at;
    walk->depth--;
    walk->path.size = walk->depth ? walk->levels[walk->depth - 1].path_size : 0;
}

//  Ends the walk wherever it is.
void scan_level_release (scan_t *self)
{
    walk_t *walk = &self->walk;
    while (walk->depth)
        scan_level_pop (self);
    for (size_t i = 0; i < walk->target_count; i++)
        dirty_destroy (&walk->targets[i]);
    free (walk->targets);
    walk->targets = NULL;
    walk->target_count = walk->target_at = 0;
}

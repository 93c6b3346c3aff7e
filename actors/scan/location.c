//  scan - the locations it knows

#include "actors/scan/scan.h"

#include <stdlib.h>

scan_location_t *scan_location_get (scan_t *self, const uuid16_t *uuid)
{
    for (scan_location_t *location = self->locations; location; location = location->next)
        if (uuid_equal (&location->uuid, uuid) && !location->stopped)
            return location;
    return NULL;
}

//  The node's own database changes whenever a row is written: to scan it would never end.
static void location_find_own (scan_location_t *self, const config_t *config)
{
    slice_t dir = slice_text (config->dir), path = buffer_slice (&self->path);
    size_t size = path.size == 1 ? 0 : path.size; // "/"
    buffer_clear (&self->own);
    if (dir.size > size + 1 && memcmp (dir.data, path.data, size) == 0 && dir.data[size] == '/')
        buffer_append (&self->own, dir.data + size + 1, dir.size - size - 1);
}

//  Of a packed list of texts.
static void patterns_take (ignore_t *self, slice_t list)
{
    cursor_t cursor = cursor_over (list);
    size_t count = 0;
    slice_t pattern;
    ignore_release (self);
    if (list.size && cursor_array (&cursor, &count) == 0)
        for (size_t i = 0; i < count && cursor_text (&cursor, &pattern) == 0; i++)
            ignore_add (self, pattern);
}

void scan_location_start (scan_t *self, const scan_start_t *start)
{
    scan_location_t *location = scan_location_get (self, &start->location);
    if (location == NULL) {
        location = calloc (1, sizeof *location);
        if (!location)
            abort ();
        location->uuid = start->location;
        location->next = self->locations;
        self->locations = location;
    }
    buffer_clear (&location->path);
    buffer_append (&location->path, start->path.data, start->path.size);
    buffer_append (&location->path, "", 1); // a text for alarms too
    location->path.size--;
    location_find_own (location, self->config);

    patterns_take (&location->exclude, start->exclude);
    patterns_take (&location->defaults, start->defaults);
    location->due = true;
    location->rescan_ns = UINT64_MAX;
    location->locked_wait_ns = SCAN_LOCKED_NS;
}

void scan_location_destroy (scan_t *self, scan_location_t *location)
{
    scan_watch_forget (self, location, slice_of (NULL, 0));
    scan_dirty_clear (location);
    lookup_release (&location->dirty);
    scan_locked_clear (location);
    for (scan_location_t **at = &self->locations; *at; at = &(*at)->next)
        if (*at == location) {
            *at = location->next;
            break;
        }
    ignore_release (&location->exclude);
    ignore_release (&location->defaults);
    buffer_release (&location->path);
    buffer_release (&location->own);
    free (location);
}

//  judge - what scan would leave out, without a disk
//
//  Reads from standard input, each ended by a zero byte:
//      I directory, text   the .tidepoolignore of a directory (the root's is empty), both in its own
//      P path              an entry; a directory with a closing slash. Prints 1 if it is left out, 0 if not
//  Each path is walked to from the root, as scan walks: what is below a directory that is left out is left out.

#include <stdio.h>
#include <stdlib.h>

#include "actors/scan/scan.h"

#define FILES_MAX 64
#define DEPTH_MAX 64

typedef struct ignore_file {
    buffer_t dir;
    buffer_t text;
} ignore_file_t;

static ignore_file_t files[FILES_MAX];
static size_t file_count;

static bool field_read (buffer_t *out)
{
    int c;
    buffer_clear (out);
    while ((c = getchar ()) != EOF && c != 0) {
        uint8_t byte = (uint8_t)c;
        buffer_append (out, &byte, 1);
    }
    return c != EOF;
}

//  The directory is the top level from now on.
static void level_enter (walk_t *walk, slice_t dir)
{
    if (walk->depth == DEPTH_MAX)
        abort ();
    level_t *level = &walk->levels[walk->depth++];
    *level = (level_t){.path_size = dir.size};
    for (size_t i = 0; i < file_count; i++)
        if (slice_equal (buffer_slice (&files[i].dir), dir))
            ignore_parse (&level->ignore, buffer_slice (&files[i].text));
}

static bool is_left_out (scan_t *scan, slice_t path)
{
    walk_t *walk = &scan->walk;
    bool is_dir = path.data[path.size - 1] == '/', out = false;
    path.size -= is_dir;
    level_enter (walk, slice_of (path.data, 0));
    for (size_t end = 0; !out && end < path.size;) {
        end++;
        while (end < path.size && path.data[end] != '/')
            end++;
        slice_t above = slice_of (path.data, end);
        out = scan_walk_ignores (scan, above, end < path.size || is_dir);
        if (end < path.size)
            level_enter (walk, above);
    }
    while (walk->depth)
        ignore_release (&walk->levels[--walk->depth].ignore);
    return out;
}

int main (void)
{
    static level_t levels[DEPTH_MAX];
    static scan_t scan;
    static scan_location_t location;
    buffer_t field = {NULL, 0, 0};
    scan.walk.location = &location;
    scan.walk.levels = levels;
    while (field_read (&field)) {
        slice_t rest = slice_of (field.data + 2, field.size - 2);
        if (field.data[0] == 'P')
            puts (is_left_out (&scan, rest) ? "1" : "0");
        else if (file_count < FILES_MAX) {
            ignore_file_t *file = &files[file_count++];
            buffer_append (&file->dir, rest.data, rest.size);
            field_read (&file->text);
        } else
            return 1;
    }
    for (size_t i = 0; i < file_count; i++) {
        buffer_release (&files[i].dir);
        buffer_release (&files[i].text);
    }
    buffer_release (&field);
    return 0;
}

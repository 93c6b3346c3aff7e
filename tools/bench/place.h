//  place - where the benchmark's files lie, and on what machine

#ifndef TIDEPOOL_PLACE_H
#define TIDEPOOL_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define PLACE_MAX 96 // paths of sockets below it must fit into 107 bytes (unix(7))

//  Makes a fresh directory below `parent` (NULL: $TMPDIR, else the current directory, whichever is not in memory first)
//  and sees to it that it goes at exit. Static.
const char *place_make (const char *parent);

//  Removes a directory and all below it.
void place_remove (const char *dir);

bool place_is_memory (const char *dir); // a RAM disk, where a commit costs nothing
void place_describe (const char *dir, char *ret_text, size_t size);
void machine_describe (char *ret_text, size_t size);
void machine_load (char *ret_text, size_t size);

#endif

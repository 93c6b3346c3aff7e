//  disk - the calls by which scan sees the file system
//
//  A table of functions, so that the same core walks a real tree (actors/shell/disk_real.c) and one in
//  memory (tests, simulator). One thread calls it, but for what `each` runs. Below a location symbolic links are never followed, in no part of a path; the
//  path of the location itself is the operator's, and may go through some. Answers are 0 or:
//  ERR_NOT_FOUND (not there, or not what it was taken for), ERR_NOT_ALLOWED (permissions),
//  ERR_TOO_LARGE (no watches left), ERR_SYSTEM (anything else).

#ifndef TIDEPOOL_DISK_H
#define TIDEPOOL_DISK_H

#include "messages/listing.h"

typedef struct disk_dir disk_dir_t;   // an open directory
typedef struct disk_file disk_file_t; // an open regular file

#define DISK_WORKERS_MAX 8

typedef struct disk {
    void *self;

    //  Opens the directory `path` below parent, part by part; parent NULL: an absolute path. ret_entry is what it is.
    int (*open) (
        void *self, disk_dir_t *parent, slice_t path, disk_dir_t **ret_dir, entry_t *ret_entry);
    //  The next entries; 0 of them at the end. Names last until the next call for this directory. *ret_unreadable
    //  counts those that are there and cannot be looked at.
    int (*list) (void *self, disk_dir_t *dir, entry_t *entries, size_t most, size_t *ret_count,
        size_t *ret_unreadable);
    //  One entry of a directory.
    int (*look) (void *self, disk_dir_t *dir, slice_t name, entry_t *ret_entry);
    void (*close) (void *self, disk_dir_t *dir);

    //  Watches a directory. The same directory gives the same number again, wherever it has moved to.
    int (*watch) (void *self, disk_dir_t *dir, uint64_t *ret_watch);
    void (*unwatch) (void *self, uint64_t watch);

    //  A regular file; ret_entry (may be NULL) is what is open. file_look: what it is by now.
    int (*file_open) (
        void *self, disk_dir_t *dir, slice_t name, disk_file_t **ret_file, entry_t *ret_entry);
    int (*file_read) (
        void *self, disk_file_t *file, void *bytes, size_t most, size_t *ret_size); // 0: the end
    //  The next reading begins here.
    int (*file_seek) (void *self, disk_file_t *file, uint64_t at);
    int (*file_look) (void *self, disk_file_t *file, entry_t *ret_entry);
    void (*file_close) (void *self, disk_file_t *file);
    //  The MIME type of what begins with these bytes; lasts until this worker's next call.
    const char *(*mime) (void *self, size_t worker, slice_t head);

    //  Does work (context, item, worker) for each item from 0 to count - 1, several at once where there are processors
    //  for that, and returns when all are done. One item is one worker's, 0 to DISK_WORKERS_MAX - 1; it
    //  may open a file of its own in a directory that is open, read it, close it, and ask for its MIME type.
    void (*each) (void *self, void (*work) (void *context, size_t item, size_t worker),
        void *context, size_t count);
} disk_t;

#endif

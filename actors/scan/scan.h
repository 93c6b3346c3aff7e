//  scan - walks, watches and hashes for ingest (README.md)
//
//  Takes    scan_look, scan_start, scan_stop, scan_credit, scan_settled, identify   from ingest
//           scan_events                                                            from its edge
//  Sends    scan_looked, scan_begin, scan_listing, scan_done, identified           to ingest
//           alarm WATCHES                                                          to admin
//
//  One job at a time: all of a location, or what changed in it. A job goes on in slices, one a tick, and stops
//  where SCAN_LISTINGS_MAX listings are unacknowledged. Between jobs files are hashed, in slices too.
//
//  Memory: the names of the subdirectories that are still to be visited, of the current branch only; for each
//  watched directory its path; for what changed the names, SCAN_NAMES_MAX a directory and SCAN_DIRTY_MAX
//  directories, beyond which the whole directory or location is listed.

#ifndef TIDEPOOL_SCAN_H
#define TIDEPOOL_SCAN_H

#include <sodium.h>

#include "actors/actor.h"
#include "actors/disk.h"
#include "actors/scan/ignore.h"
#include "actors/scan/lookup.h"
#include "messages/limits.h"

#define SCAN_SECTION_ENTRIES 1000         // a section, and a listing, is sent from here on
#define SCAN_LISTING_BYTES   (256u << 10) // or from here on
#define SCAN_LIST_ENTRIES    256          // asked of the disk at once
#define SCAN_SLICE_DIRS      16           // directories a slice
#define SCAN_OPEN_MAX        64   // open directories of the current branch, besides the root
#define SCAN_NAMES_MAX       64   // changed names remembered for a directory
#define SCAN_DIRTY_MAX       4096 // changed directories remembered for a location
#define SCAN_QUIET_NS        300000000ull    // changes are looked at when none came for so long …
#define SCAN_PATIENCE_NS     2000000000ull   // … or the first is so old
#define SCAN_MISSING_NS      15000000000ull  // a missing root is looked for again after this
#define SCAN_UNWATCHED_NS    300000000000ull // so is a location without enough watches
#define SCAN_LOCKED_NS                                                                             \
    60000000000ull // and directories that could not be read, then after twice that, …
#define SCAN_LOCKED_NS_MAX 3600000000000ull
#define SCAN_READ_BYTES    (256u << 10)
#define SCAN_LANES         64 // files that are begun in a slice, SCAN_READ_BYTES of each …
#define SCAN_LANES_LONG    16 // … while fewer than so many are not done with that
#define SCAN_LANE_BYTES    (1u << 20)   // of each of those in a slice
#define SCAN_HEAD_BYTES    (16u << 10)  // what the MIME type is judged by
#define SAMPLED_BYTES      (128u << 10) // a larger file is sampled, if that is asked for
#define SAMPLED_EDGE_BYTES (16u << 10)  // its head, and its tail
#define SAMPLED_COUNT      16           // samples between them
#define SAMPLED_PART_BYTES (4u << 10)   // each
#define SCAN_TYPED_BYTES   (1u << 20) // a file that is hashed and no shorter gets its type at once
#define SCAN_RESULTS       128        // findings a mail

//  A directory in which something changed.
typedef struct dirty {
    buffer_t path;
    buffer_t names; // packed bins, each a name that changed
    size_t name_count;
    bool whole; // list all of it
    bool deep;  // and all below
} dirty_t;

typedef struct scan_location {
    uuid16_t uuid;
    buffer_t path;     // absolute
    buffer_t own;      // the node's own data directory, relative, where it lies in here
    ignore_t exclude;  // asked first
    ignore_t defaults; // asked last
    bool due;          // to be walked as a whole
    bool stopped;      // to be forgotten when its job is over
    bool alarmed;
    bool too_long;           // a path of it
    uint64_t locked_wait_ns; // between two times that locked is tried
    uint64_t rescan_ns;      // when to walk it again without being asked; UINT64_MAX: never
    lookup_t dirty;          // of dirty_t, by hash of path
    uint64_t first_event_ns; // of those in dirty
    uint64_t last_event_ns;
    lookup_t locked;    // of dirty_t: directories that could not be read
    uint64_t locked_ns; // when they are tried again
    struct scan_location *next;
} scan_location_t;

typedef struct watch {
    uint64_t number;
    scan_location_t *location;
    buffer_t path;
} watch_t;

//  A directory of the current branch.
typedef struct level {
    disk_dir_t *dir;  // NULL: closed meanwhile
    size_t path_size; // its path is so much of walk->path
    size_t names_at;  // its subdirectories still to be visited are walk->names from here on
    ignore_t ignore;
} level_t;

enum walk_state { WALK_IDLE, WALK_GOING, WALK_SETTLING };

//  A job.
typedef struct walk {
    enum walk_state state;
    scan_location_t *location;
    bool whole;
    bool failed;       // the root
    uint64_t device;   // of the root
    uint64_t inode;    // of the root
    bool mount;        // a file system is mounted at the root
    dirty_t **targets; // what is to be listed, parents first
    size_t target_count;
    size_t target_at;
    slice_t covered; // the last deep target's path: what lies below it is listed already
    bool is_covered;
    bool listing; // the top level is being listed
    bool first;   // its next section is the first
    bool partial; // some of it could not be looked at
    size_t base;  // the depth of the target's own level
    buffer_t path;
    level_t *levels;
    size_t depth;
    size_t capacity;
    buffer_t names; // a stack: bytes, then their count in 4 bytes
    size_t watched;
    size_t unwatched;
    buffer_t unreadable;  // the first path that could not be read
    int unreadable_error; // why; 0: none yet
    scan_done_t counts;
} walk_t;

//  A directory of files that are being identified.
typedef struct hash_dir {
    disk_dir_t *dir; // NULL: it could not be opened …
    int error;       // … and why
    slice_t path;    // of the request's mail
    size_t users;    // lanes, and the hashing itself while it is the last one's
} hash_dir_t;

//  A file that is being identified. What stands behind `state` is its worker's during a slice.
enum lane_state { LANE_FREE, LANE_BEGUN, LANE_READING, LANE_DONE };
typedef struct lane {
    crypto_generichash_state hash; // first: libsodium's state is aligned to 64
    uuid16_t uuid;
    hash_dir_t *dir;
    slice_t name;      // of the request's mail
    int state;         // enum lane_state
    disk_file_t *file; // NULL: not open
    entry_t before;
    int error;
    bool sampled;
    bool typed; // its type is wanted
    uint64_t read;
    uint64_t counted; // of it
    uuid16_t content;
    char mime[128];
} lane_t;

//  A request to identify files, and how far it has come.
typedef struct hashing {
    lane_t lanes[SCAN_LANES];
    mail_t *mail; // NULL: none
    uuid16_t location;
    uint64_t what; // enum identify_what
    bool sampled;
    cursor_t rest; // files still to be begun
    disk_dir_t *root;
    hash_dir_t *dir;                  // of the last file
    uint8_t *bytes[DISK_WORKERS_MAX]; // SCAN_READ_BYTES each; NULL until that worker has a file
    buffer_t results;
    size_t result_count;
} hashing_t;

typedef struct scan {
    hashing_t hashing; // first: libsodium's state in it is aligned to 64
    const disk_t *disk;
    const config_t *config;
    scan_location_t *locations;
    lookup_t watches;
    walk_t walk;
    mail_list_t requests; // to identify
    buffer_t listing;     // sections for the next mail
    size_t listing_entries;
    size_t unanswered; // listings
    buffer_t section;  // entries of the section being made
    size_t section_count;
    entry_t entries[SCAN_LIST_ENTRIES];
    uint8_t *bytes; // SCAN_READ_BYTES
} scan_t;

//  ---- location.c
scan_location_t *scan_location_get (scan_t *self, const uuid16_t *uuid); // NULL where it is unknown
void scan_location_start (scan_t *self, const scan_start_t *start);
void scan_location_destroy (scan_t *self, scan_location_t *location);

//  ---- watch.c
int scan_watch_dir (scan_t *self, scan_location_t *location, disk_dir_t *dir, slice_t path);
void scan_watch_forget (scan_t *self, scan_location_t *location, slice_t path); // it and all below
void scan_watch_events (scan_t *self, step_t *step, const mail_t *mail);
dirty_t *dirty_new (slice_t path);
void dirty_destroy (dirty_t **self_p);
void scan_dirty_clear (scan_location_t *location);

//  Directories that could not be read: tried again, they and all below, once a while.
void scan_locked_add (scan_location_t *location, step_t *step, slice_t path);
void scan_locked_retry (scan_location_t *location, step_t *step);
void scan_locked_clear (scan_location_t *location);
bool path_is_below (slice_t path, slice_t above); // or the same

//  ---- walk.c, level.c
void scan_walk_begin (scan_t *self, step_t *step, scan_location_t *location, bool whole);
void scan_walk_slice (scan_t *self, step_t *step);
bool scan_walk_ignores (scan_t *self, slice_t path, bool is_dir);
int scan_level_push (scan_t *self, slice_t name);
void scan_level_pop (scan_t *self);
disk_dir_t *scan_level_dir (scan_t *self, size_t index); // NULL: it is not there any more
void scan_level_release (scan_t *self);

//  ---- hash.c
bool scan_hash_is_due (const scan_t *self);
void scan_hash_slice (scan_t *self, step_t *step);
void scan_hash_release (scan_t *self);
void scan_hash_forget (scan_t *self, const uuid16_t *location);

#endif

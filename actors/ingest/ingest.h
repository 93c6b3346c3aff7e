//  ingest - decides what the rows of files are (README.md)
//
//  Takes    command `ingest`, `report`                                   from admin
//           scan_looked, scan_begin, scan_listing, scan_done, identified   from scan
//           written, rows_back                                           from oplog
//  Sends    commanded to admin; scan_look, scan_start, scan_stop, scan_credit, scan_settled, identify to
//           scan; write to oplog
//
//  What scan says waits in an inbox (bounded by scan's credit) and is worked off in its order, one job at a time:
//
//      idle ──scan_begin──> listing ──scan_done──> draining ──> resolving ──> settling ──> idle
//
//      listing     each directory is compared with its places: what is new or changed is written at once; what is missing, and what
//                  is new under an inode that is known, is remembered
//      draining    all of that is durable
//      resolving   what is missing here and new there has moved; the rest of the missing is deleted,
//                  with all that was below; the rest of the new is new
//      settling    that is durable too; scan hears of it
//
//  Rows that came back after a restore (regain.c) have two phases of their own, between jobs.
//  A location that is removed goes through resolving and settling with its root as what is missing.

#ifndef TIDEPOOL_INGEST_H
#define TIDEPOOL_INGEST_H

#include "actors/actor.h"
#include "actors/ingest/spot.h"

#define INGEST_WRITE_ROWS   1000         // a WRITE is sent from here on
#define INGEST_WRITE_BYTES  (512u << 10) // or from here on
#define INGEST_WRITES_MAX   4            // of rows, unanswered
#define INGEST_SLOTS        12   // those, as many that were just answered, and what commands write
#define INGEST_SLICE        2000 // places looked at in a round
#define INGEST_ROUND_SLICES 64   // sections and other small things done in a round
#define INGEST_SWEEP_MAX    4096 // places of a directory that are compared in one go
#define INGEST_LEFT_MAX                                                                            \
    65536 // inodes of a job that are forgotten at its end; more stay until they are used again
#define INGEST_IDENTIFY       1000 // files a request for content ids
#define INGEST_IDENTIFY_ASKED 4    // such requests of a location, unanswered
#define INGEST_TYPES          128 // files a request for MIME types, which take a hundred times as long
#define INGEST_TYPES_ASKED    2
#define INGEST_TOGETHER                                                                            \
    16 // where no more files than this are wanted, both come at once: one change of the row, not two
#define INGEST_NAMES_MAX 256 // names of one inode that are looked at for the one that was missed
#define INGEST_UNLIKE_MAX                                                                          \
    4096 // that wait for the others to find theirs; more take what is left by then
#define INGEST_RETRY_NS                                                                            \
    500000000ull // a refused WRITE is sent again after this, then after twice that, …
#define INGEST_RETRY_NS_MAX  30000000000ull
#define INGEST_CHANGED_NS    3000000000ull // a file that changed while it was hashed is tried again
#define INGEST_UNREADABLE_NS 600000000000ull // a file that could not be read is tried again
#define INGEST_PAUSE_NS      1000000000ull   // after the store could not be read
#define INGEST_WAITERS       64

//  What rows of a location still lack, content ids first (identify.c).
enum want { WANT_CONTENT, WANT_TYPE, WANT_KINDS };
typedef struct want_list {
    uint64_t left; // rows
    //  ---- not stored
    size_t asked;      // requests that scan has
    bool restart;      // look through the list from its beginning
    uuid16_t after;    // where to go on there
    uint64_t ns;       // not before this
    uint64_t again_ns; // the next pass not before this
    uint64_t begun_ns; // since then …
    uint64_t found;    // … for so many it was found
} want_list_t;

typedef struct location {
    uuid16_t uuid;
    buffer_t path;    // absolute
    buffer_t exclude; // packed [text, …]
    bool no_defaults; // what INGEST_DEFAULTS leave out is not left out
    bool sampled;     // large files are identified by samples
    uint64_t inode;   // of the root, when it was last seen; 0: never
    uint64_t entries; // rows
    want_list_t wants[WANT_KINDS];
    bool scanned; // once as a whole
    bool removing;
    bool mount; // a file system was mounted at the root, when it was last seen
    //  ---- not stored
    bool adding; // not durable yet
    bool missing;
    bool scanning; // as a whole
    bool watched;
    uint64_t begun_ns; // of the last whole scan
    uint64_t listed;   // entries in it so far
    uint64_t per_s;    // when it was done
    uint64_t skipped;  // of it
    uint64_t ignored;
    uint64_t unreadable;
    struct location *next;
} location_t;

//  A WRITE that is not answered. It is kept for as long, to be sent again.
enum slot_kind { SLOT_FREE, SLOT_ROWS, SLOT_ADD, SLOT_REMOVE };
typedef struct slot {
    int kind; // enum slot_kind
    int answered; // 0; 1: in this round, whose transaction may be older than the commit; 2: in one before
    uint64_t ticket;
    buffer_t rows;
    buffer_t nodes;
    uint64_t retry_ns; // refused: to be sent again then; 0: under way
    uint64_t backoff_ns;
    uuid16_t location; // SLOT_ADD, SLOT_REMOVE
    uint64_t command;  // the ticket of the command that waits for it
    bool wait;
} slot_t;

//  A command that waits: for scan_looked (path is set) or for the end of a whole scan.
typedef struct waiter {
    bool used;
    uint64_t command; // its ticket
    uint64_t ticket;  // of the scan_look
    uuid16_t location;
    bool skip; // not the scan that is running, the next
    bool wait;
    bool no_defaults;
    bool sampled;
    buffer_t path;
    buffer_t exclude;
} waiter_t;

//  One of the entries of the node table that the next WRITE puts: where it stands in `nodes`, packed.
typedef struct node_put {
    size_t at;
    uint32_t key_size; // of space and key, which come first
    uint32_t size;
} node_put_t;

//  A place where what was there is not there any more.
typedef struct missing {
    uint8_t key[SPOT_KEY_SIZE];
    spot_t place;
    bool replaced; // something else stands at its place
} missing_t;

//  The same as it is remembered until the end of the job: there may be a million.
typedef struct lost {
    uint64_t hash; // of its name
    uint32_t dir;  // in lost_dirs
    uint32_t old;  // replaced: 1 + in lost_olds; 0: the node table has its place
} lost_t;

//  An entry that is new where it is and whose inode is known.
typedef struct candidate {
    entry_t entry; // its name is not set: it is found in self->texts
    size_t dir_at, dir_size;
    size_t name_at, name_size;
    bool used;
} candidate_t;

enum ingest_phase {
    PHASE_IDLE,
    PHASE_LISTING,
    PHASE_DRAINING,
    PHASE_RESOLVING,
    PHASE_SETTLING,
    PHASE_REGAINING, // rows came back: regain.c
    PHASE_REGAINED   // until it is durable
};

//  What is noted of what was begun (undone.c).
typedef struct undone {
    uint8_t process[8]; // by chance: whose notes these are
    bool noted;         // in this job
    bool takes;         // this job takes up what others left …
    bool left;          // … and has not come to the end of it
    uint8_t after[33];  // how far it has come
    size_t after_size;
} undone_t;

//  How far regain.c has come: over the rows, then over the places.
typedef struct regain {
    bool asked;
    bool begun;
    bool rows_done;
    uuid16_t after;
    uint8_t key[SPOT_KEY_SIZE];
    size_t places; // that were dropped since the last WRITE
} regain_t;

typedef struct ingest {
    const actor_setup_t *setup;
    location_t *locations;
    mail_list_t inbox;
    enum ingest_phase phase;
    location_t *job;  // NULL: of a location that is gone
    bool job_is_scan; // otherwise a removal
    uuid16_t job_uuid;
    scan_begin_t begin;
    scan_done_t done;
    bool forgotten; // a removal: the location's own record is being deleted
    bool distrust;  // the root is another, and empty as far as is known: a disk that is not mounted
    bool unmounted; // the root was a mount and is none: the same, whatever is there

    mail_t *listing; // being compared
    cursor_t sections;
    uuid16_t dir;   // of the directory being compared
    uint64_t *seen; // hashes of its names
    size_t seen_count, seen_capacity;
    bool sweeping; // looking for what is missing in it
    bool is_moved; // where what is being swept stands now is known: moved_to
    uint8_t sweep_after[SPOT_KEY_SIZE];
    size_t sweep_after_size;

    lost_t *missing;
    size_t missing_count, missing_capacity;
    buffer_t left;      // of spot_t: what stood where something else stands now
    buffer_t lost_dirs; // of uuid16_t, hashes of directories
    buffer_t lost_olds; // of spot_t
    candidate_t *candidates;
    size_t candidate_count, candidate_capacity;
    buffer_t texts;    // paths and names of candidates
    size_t placed;     // candidates that are done with, at the end of resolving
    buffer_t branches; // directories whose places are gone: a stack, resolve.c
    buffer_t moved_to; // where the one that is being swept stands now
    buffer_t unlike;   // of missing_t: names of inodes of several that nothing new is like
    regain_t regain;
    undone_t undone;
    uint64_t pause_ns; // the store failed: nothing before this

    buffer_t rows; // of the next WRITE
    buffer_t nodes;
    node_put_t *puts; // of nodes
    size_t put_count, put_capacity;
    size_t row_count;
    location_t *rows_location;
    slot_t slots[INGEST_SLOTS];
    waiter_t waiters[INGEST_WAITERS];
    uuid16_t hashed_of; // a location and a directory of it whose hash was needed last; zero: none
    buffer_t hashed_dir;
    uuid16_t hash_of_dir;
    uint64_t ticket;
    uint64_t uuid_ms;
    unsigned uuid_count;
    uint8_t random
        [1000]; // drawn beforehand: a call of the system a row would be a tenth of what a row costs
    size_t random_left;
} ingest_t;

//  ---- location.c
location_t *ingest_location (ingest_t *self, const uuid16_t *uuid);
location_t *ingest_location_new (
    ingest_t *self, const uuid16_t *uuid, slice_t path, slice_t exclude);
void ingest_location_drop (ingest_t *self, location_t *location);
int ingest_location_load (ingest_t *self, step_t *step); // all that are stored
void ingest_location_pack (const location_t *location, buffer_t *out);
void ingest_location_start (step_t *step, const location_t *location);
void ingest_location_report (ingest_t *self, step_t *step, buffer_t *out); // [map, …]

//  ---- command.c
void ingest_command (ingest_t *self, step_t *step, const mail_t *mail);
void ingest_looked (ingest_t *self, step_t *step, const mail_t *mail);
void ingest_command_written (ingest_t *self, step_t *step, slot_t *slot, int error);
void ingest_command_scanned (ingest_t *self, step_t *step, const location_t *location);
void ingest_answer (step_t *step, uint64_t ticket, int error, const char *message, slice_t answer);

//  ---- write.c
void ingest_put_row (ingest_t *self, location_t *location, const uuid16_t *uuid, slice_t value);
void ingest_put_node (
    ingest_t *self, enum node_space space, slice_t key, slice_t value); // empty: deletes
void ingest_put_location (ingest_t *self, const location_t *location);  // its record
bool ingest_has_room (
    ingest_t *self, step_t *step);                // sends what is enough; false: wait for answers
void ingest_flush (ingest_t *self, step_t *step); // sends what there is; there must be room
bool ingest_flush_if_room (ingest_t *self, step_t *step); // false: there is none yet
bool ingest_is_durable (const ingest_t *self);            // nothing of rows is unanswered
bool ingest_is_quiet (const ingest_t *self);              // nothing of rows is under way to oplog
slot_t *ingest_slot (ingest_t *self, int kind);           // NULL: all taken
void ingest_slot_send (ingest_t *self, step_t *step, slot_t *slot);
void ingest_written (ingest_t *self, step_t *step, const mail_t *mail);
void ingest_slots_age (ingest_t *self, step_t *step); // once a round
void ingest_retry (ingest_t *self, step_t *step);
void ingest_write_release (ingest_t *self);

//  ---- entry.c: what becomes of one entry
int ingest_entry_new (ingest_t *self, step_t *step, slice_t dir, const entry_t *entry);
int ingest_entry_changed (
    ingest_t *self, step_t *step, slice_t dir, const entry_t *entry, const spot_t *place);
int ingest_entry_moved (
    ingest_t *self, step_t *step, slice_t dir, const entry_t *entry, const missing_t *from);
int ingest_entry_gone (ingest_t *self, step_t *step, const missing_t *gone);
int ingest_left_drop (ingest_t *self, step_t *step); // of the last of self->left, its inode

//  ---- compare.c, resolve.c; each answers an error of the store, 0 otherwise
int ingest_compare (ingest_t *self, step_t *step); // the next section
int ingest_sweep (ingest_t *self, step_t *step);   // on in a large directory
void ingest_compare_reset (ingest_t *self);
//  At self->dir. replaced: what was there, where something else stands now; else NULL.
void ingest_missing_add (ingest_t *self, uint64_t hash, const spot_t *replaced);
//  The last one. ERR_NOT_FOUND where it is none any more.
int ingest_missing_take (ingest_t *self, step_t *step, missing_t *ret_missing);
bool ingest_is_whole (const ingest_t *self); // the job has seen all of its location
void ingest_resolve_begin (ingest_t *self);
int ingest_resolve (ingest_t *self, step_t *step, bool *ret_done);
//  to: where it has moved to; NULL: gone, or not known.
void ingest_branch_push (ingest_t *self, slice_t path, const slice_t *to);

//  ---- undone.c
//  Something of another kind stands where this stood; this directory is gone, or has moved (to), or may have moved here.
void ingest_undone_old (ingest_t *self, const uint8_t key[SPOT_KEY_SIZE], const spot_t *old);
void ingest_undone_gone (ingest_t *self, slice_t path, const slice_t *to);
void ingest_undone_begin (ingest_t *self, bool takes); // takes: up what an earlier process has left
int ingest_undone_take (ingest_t *self, step_t *step); // the next note, while undone.left
bool ingest_undone_clear (ingest_t *self, step_t *step,
    int *ret_error); // true: there were some; again when that is durable
void ingest_undone_leave (ingest_t *self, step_t *step); // to the next job over all of the location

//  ---- regain.c
void ingest_regain_ask (ingest_t *self, step_t *step); // if the setting says so
void ingest_regain_begin (ingest_t *self);
int ingest_regain (ingest_t *self, step_t *step, bool *ret_done);
void ingest_regain_end (ingest_t *self, step_t *step);

//  ---- identify.c
void ingest_identify (ingest_t *self, step_t *step);
//  False: there is no room for what was found yet.
bool ingest_identified_fits (ingest_t *self, step_t *step, const mail_t *mail);
int ingest_identified (ingest_t *self, step_t *step, const mail_t *mail);
//  A row lacks it, or no longer; is_new: it has just been made.
int ingest_want (ingest_t *self, step_t *step, location_t *location, const uuid16_t *uuid,
    enum want what, bool lacks, bool is_new);
void ingest_want_restart (location_t *location); // look through all that is wanted, now

#endif

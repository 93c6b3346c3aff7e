//  files - the cores of ingest and scan, a tree in memory, a store, and an oplog that only writes: in
//  virtual time

#ifndef TIDEPOOL_TEST_FILES_H
#define TIDEPOOL_TEST_FILES_H

#include <criterion/criterion.h>

#include "actors/actor.h"
#include "actors/ingest/spot.h"
#include "tests/unit/actors/tree.h"

typedef struct files {
    char dir[128];
    store_t *store;
    tree_t *tree;
    config_t config;
    identity_t identity;
    metrics_t metrics;
    actor_setup_t setup;
    step_t ingest_step, scan_step;
    void *ingest, *scan;
    mail_list_t to_ingest, to_scan, to_oplog;
    uint64_t mono_ns;
    uint64_t updated;
    uint64_t random;
    int refuse;      // the next WRITEs are refused with this
    bool hold;       // the oplog answers nothing
    size_t writes;   // WRITEs applied
    size_t rows;     // in them
    size_t held_max; // the most WRITEs that ever waited
    size_t alarms, alarms_over;
    char said[512];     // the last warning or error in the log
    size_t answers;     // to commands
    int answer_error;   // of the last
    char answer[4096];  // of the last: its body, printable
    uint8_t answer_end; // and its last byte
} files_t;

files_t *files_new (void); // the tree has /home; nothing is added yet
void files_destroy (files_t **self_p);
void files_start (files_t *self); // both cores (again)
void files_stop (files_t *self);  // as if the process were killed
void files_run (files_t *self);   // until nothing happens within 30 s
void files_run_for (files_t *self, uint64_t ms);
void files_run_rounds (files_t *self, size_t rounds); // of all actors
void files_command (
    files_t *self, const char *action, const char *path, bool wait, const char *exclude);
void files_add (files_t *self, const char *path); // and waits for its first scan

//  A copy of what is stored, and that copy put back; between files_stop and files_start.
void files_backup (files_t *self);
void files_restore (files_t *self);
//  All own rows as they are now, markers included, to be given back after a restore as oplog does; the node hears of it.
typedef struct files_rows {
    buffer_t packed;
} files_rows_t;
void files_rows_keep (files_t *self, files_rows_t *rows);
void files_rows_back (files_t *self, files_rows_t *rows, bool tell);

//  The uuid of the row at this path (relative); zero where there is none.
uuid16_t files_uuid (files_t *self, const char *path);
//  All rows: "path kind size [content]\n", in order of path.
const char *files_text (files_t *self);
size_t files_count (files_t *self);
//  A field of the row at this path; an empty slice where there is none. Lives until the next call.
slice_t files_field (files_t *self, const char *path, const char *field);
size_t files_stored (files_t *self, enum node_space space); // entries of the node table

#endif

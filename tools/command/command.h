//  command - what all commands of `tidepool` share
//
//  tidepool.c finds the command in its table, reads the options (options.c) and calls its function; that asks the node
//  (connection.h) and shows the answer (show.h, table.h, json.h). A function answers the exit status, having said on
//  standard error whatever went wrong.

#ifndef TIDEPOOL_COMMAND_H
#define TIDEPOOL_COMMAND_H

#include "tools/command/show.h"

enum exit_status { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NO_ANSWER = 3 };

//  X (NAME, letter, name, value, text): letter 0 where there is none; value NULL for a flag; a value with | in it is a choice.
// clang-format off
#define OPTION_LIST(X)                                                                              \
    X (DIR,         'd', "dir",         "DIR",  "the node's data directory (or TIDEPOOL_DIR)")      \
    X (JSON,        0,   "json",        NULL,   "print JSON")                                       \
    X (HELP,        'h', "help",        NULL,   "say what a command does")                          \
    X (VERSION,     'V', "version",     NULL,   "the version, and those of the libraries")          \
    X (NAME,        0,   "name",        "NAME", "what the node calls itself")                       \
    X (LISTEN,      0,   "listen",      "ENDPOINT", "where other nodes reach it; may repeat")       \
    X (SET,         0,   "set",         "SECTION/KEY=VALUE", "any other setting; may repeat")       \
    X (UUID,        0,   "uuid",        "UUID", "of the new record; without it one is made")        \
    X (ON_CONFLICT, 0,   "on-conflict", "merge|ignore|overwrite", "what wins over another write")   \
    X (OWNER,       0,   "owner",       "CLIENT", "of an owned resource: only this owner's")        \
    X (WHY,         0,   "why",         NULL,   "which rule let each value win, and over what")     \
    X (LIMIT,       0,   "limit",       "N",    "at most so many")                                  \
    X (ALL,         0,   "all",         NULL,   "all of them")                                      \
    X (SINCE,       0,   "since",       "CURSOR", "only what came after")                           \
    X (FOLLOW,      'f', "follow",      NULL,   "go on as it happens, until Ctrl-C")                \
    X (WAIT,        0,   "wait",        NULL,   "return when the scan is done")                     \
    X (NO_WAIT,     0,   "no-wait",     NULL,   "return when it is admitted")                       \
    X (ALONE,       0,   "alone",       NULL,   "ask no other member of its pool")                  \
    X (DROP_ROWS,   0,   "drop-rows",   NULL,   "its owned rows go too")                            \
    X (EXCLUDE,     0,   "exclude",     "GLOB", "leave these out; may repeat")                      \
    X (NO_DEFAULTS, 0,   "no-default-excludes", NULL, "leave out no caches and no .git by itself")  \
    X (MODE,        0,   "mode",        "full|sampled", "read files as a whole, or large ones by samples") \
    X (REBUILD,     0,   "rebuild",     NULL,   "first make derived records anew")                  \
    X (KIND,        0,   "kind",        "shared|owned|derived|local", "who writes it")              \
    X (CRDT,        0,   "crdt",        "lww|gset", "shared: how writes meet")                      \
    X (DELETE,      0,   "delete",      "wins|latest", "shared: a deletion, or the latest write")   \
    X (FROM,        0,   "from",        "RESOURCE", "derived: the owned resource it comes from")    \
    X (KEY,         0,   "key",         "PROPERTY", "derived: what groups its rows")                \
    X (KEEP,        0,   "keep",        "NAME[=PROPERTY]", "derived: what it shows; may repeat")
// clang-format on

enum option_name {
#define X(NAME, letter, name, value, text) OPTION_##NAME,
    OPTION_LIST (X)
#undef X
        OPTION_COUNT
};

#define OPTION_BIT(NAME) (1u << OPTION_##NAME)

typedef struct command command_t;

typedef struct command_entry {
    const char *name;
    const char *synopsis; // what stands behind the name
    const char *text;     // one line
    const char *more;     // paragraphs for its own help; may be NULL
    int words_min;        // behind the name
    int words_max;
    uint32_t options; // OPTION_BIT of what it takes, beyond those that all take
    int (*run) (command_t *);
} command_entry_t;

typedef struct given {
    int option; // enum option_name
    const char *value;
} given_t;

struct command {
    const command_entry_t *entry; // NULL before it is found
    char **words;                 // behind its name
    int word_count;
    given_t *given; // in their order
    size_t given_count;
    const char *dir; // NULL: not said
    bool json;
    show_t out;
    show_t err;
};

extern const command_entry_t command_entries[];
extern const size_t command_entry_count;

//  ---- options.c

//  Reads options wherever they stand, finds the command and checks what it takes. EXIT_DONE, or EXIT_USAGE, said.
int options_read (int argc, char **argv, command_t *ret_command);
void options_release (command_t *self);

bool option_given (const command_t *self, int option);
const char *option_value (const command_t *self, int option); // the last one; NULL
const char *option_next (
    const command_t *self, int option, size_t *at); // from *at = 0 on; NULL at the end

//  Words and options in their forms; EXIT_USAGE, said.
int word_uuid (const command_t *self, const char *text, uuid16_t *ret_uuid);
int word_number (const command_t *self, const char *text, uint64_t *ret_number);

//  ---- help.c

int help_print (const command_t *self);
int version_print (const command_t *self);

//  Says what is wrong and how it is used. EXIT_USAGE.
int usage_fail (const command_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

//  Prints "CODE: message". EXIT_NO_ANSWER or EXIT_REFUSED.
int command_fail (const command_t *self, const char *code, slice_t message);
int command_fail_error (const command_t *self, int error, const char *message);

//  Prints a msgpack map as one JSON document in one line; an answer without its `id` and `ok`.
void document_print (const command_t *self, slice_t map);

//  ---- the commands

int command_count (command_t *self);
int command_create (command_t *self);
int command_update (command_t *self);
int command_delete (command_t *self);
int command_get (command_t *self);
int command_declare (command_t *self);
int command_list (command_t *self);
int command_changes (command_t *self);
int command_init (command_t *self);
int command_status (command_t *self);
int command_metrics (command_t *self);
int command_pending (command_t *self);
int command_found (command_t *self);
int command_verify (command_t *self);
int command_stop (command_t *self);
int command_pool (command_t *self);
int command_clients (command_t *self);
int command_invite (command_t *self);
int command_join (command_t *self);
int command_remove (command_t *self);
int command_pause (command_t *self);
int command_resume (command_t *self);
int command_restamp (command_t *self);
int command_backup (command_t *self);
int command_restore (command_t *self);
int command_ingest (command_t *self);
int command_timestamp (command_t *self);

#endif

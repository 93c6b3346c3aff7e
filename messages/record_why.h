//  record_why - why a record shows what it shows
//
//  The state tells of each value that it holds which rule let it win or hid it, and, of a record that
//  is not visible, by which deletion. What a value beat is in the state only where that is still
//  held, hidden; a value that a larger timestamp replaced is gone (the log may know, api/why.c).

#ifndef TIDEPOOL_RECORD_WHY_H
#define TIDEPOOL_RECORD_WHY_H

#include "messages/record.h"

//  X (NAME, shown, name, text): `name` is what apps are told, `text` what people are.
// clang-format off
#define WHY_LIST(X)                                                                                \
    X (LARGEST,         true,  "largest",         "largest timestamp")                             \
    X (FIRST,           true,  "first",           "first writer")                                  \
    X (OVERWRITE,       true,  "overwrite",       "came with the overwrite")                       \
    X (AFTER_OVERWRITE, true,  "after_overwrite", "largest timestamp, after the overwrite")        \
    X (AFTER_DELETION,  true,  "after_deletion",  "largest timestamp, after the deletion")         \
    X (BELOW_OVERWRITE, false, "below_overwrite", "hidden by the overwrite")                       \
    X (BELOW_DELETION,  false, "below_deletion",  "older than the deletion")                       \
    X (IGNORED,         false, "ignored",         "there was another write (ignore)")              \
    X (DELETED,         false, "deleted",         "hidden by the deletion")
// clang-format on

enum why_rule {
#define X(NAME, shown, name, text) WHY_##NAME,
    WHY_LIST (X)
#undef X
        WHY_COUNT
};

const char *why_name (int rule);
const char *why_text (int rule);
int why_from_name (slice_t name, int *ret_rule); // ERR_NOT_FOUND
bool why_is_shown (int rule);

typedef struct why {
    const property_t *property; // of the record
    int rule;                   // enum why_rule
} why_t;

//  All values that a record holds, ascending by name, of one name the strong one first. Zeroed but for
//  its record and `alive` it begins.
typedef struct why_walk {
    const record_t *record;
    bool alive;
    size_t strong;
    size_t weak;
} why_walk_t;

bool why_next (why_walk_t *self, why_t *ret_why);

//  The deletion for which a record is not visible; false where it is visible, or never was.
bool record_deletion (const record_t *self, record_rule_t rule, timestamp_t *ret_deletion);

#endif

//  ignore - patterns that say which entries are left out, with gitignore's rules
//
//  One set holds the patterns of one .tidepoolignore (or of --exclude). Within a set the last pattern
//  that matches decides; a set of a deeper directory is asked before those above it; what is
//  below an ignored directory is never looked at. Rules: gitignore(5), "PATTERN FORMAT".
//
//  The work for one pattern and path is bounded by the product of their sizes: no pattern makes a
//  scan hang.

#ifndef TIDEPOOL_IGNORE_H
#define TIDEPOOL_IGNORE_H

#include "messages/slice.h"

#define IGNORE_FILE      ".tidepoolignore"
#define IGNORE_BYTES_MAX (256u << 10) // of one file; what is behind is not read

typedef struct ignore_rule {
    size_t at; // of its pattern in the text
    size_t size;
    bool negated;
    bool directories; // matches directories only
    bool anchored;    // is compared with the whole path, not only its last part
} ignore_rule_t;

//  A zeroed struct is an empty set.
typedef struct ignore {
    buffer_t text;
    ignore_rule_t *rules;
    size_t count;
    size_t capacity;
} ignore_t;

enum ignore_verdict { IGNORE_SILENT, IGNORE_OUT, IGNORE_IN };

void ignore_add (ignore_t *self, slice_t line); // one pattern; comments and empty lines add nothing
void ignore_parse (ignore_t *self, slice_t text); // a whole file
void ignore_release (ignore_t *self);

//  The path is relative to the directory of the set. IGNORE_SILENT: no pattern speaks of it.
enum ignore_verdict ignore_judge (const ignore_t *self, slice_t path, bool is_dir);

#endif

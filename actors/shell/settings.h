//  settings - the keys of node.zpl and of --set, as a flat list of paths with their lines
//
//  czmq's zconfig reads the file. It keeps no line numbers and takes a typo for an absent key, so
//  each setting here has its path ("node/listen", "resources/photos/kind") and its line, and
//  whoever reads them refuses what it does not know.

#ifndef TIDEPOOL_SETTINGS_H
#define TIDEPOOL_SETTINGS_H

#include "actors/shell/why.h"
#include "messages/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct setting {
    char *path;
    char *value; // never NULL; "" where there is none
    int line;    // 0: it came with --set
} setting_t;

typedef struct settings {
    setting_t *items; // in the order of the file, then of the --sets
    size_t count;
    size_t capacity;
} settings_t;

void settings_release (settings_t *self);

//  Appends all of a ZPL file. A section without keys is a setting without a value.
//  ERR_BAD_CONFIGURATION with the line.
int settings_load (settings_t *self, const char *file, why_t *why);

//  Takes "SECTION/KEY=VALUE"s. Each replaces what the file says of its path; of a path that may
//  repeat (as `repeats` says) the first replaces all and further ones add.
int settings_override (settings_t *self, const char *const *texts, size_t count,
    bool (*repeats) (const char *path), why_t *why);

//  "node/listen (line 12)" or "--set node/listen", for messages.
const char *setting_place (const setting_t *self, char *text, size_t size);

#endif

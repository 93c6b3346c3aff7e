//  resource - the declaration of a kind of data
//
//  In msgpack a map: {kind, crdt, delete, from, key, keep}; what does not apply is left out or nil, and
//  refused otherwise, as an unknown field is.
//      kind    "shared" (default) | "owned" | "derived" | "local"
//      crdt    "lww" (default) | "gset"            shared only
//      delete  "wins" (default) | "latest"         shared lww only
//      from    name of an owned resource           derived only
//      key     property of it that groups its rows derived only
//      keep    [text, …]                           derived only: what a derived record shows, each
//              "name" (that property of the row with the smallest (owner, uuid)), "name=property" (renamed),
//              "name=#rows" (number of rows) or "name=#owners" (number of owners)

#ifndef TIDEPOOL_RESOURCE_H
#define TIDEPOOL_RESOURCE_H

#include "messages/limits.h"
#include "messages/pack.h"
#include "messages/record.h"

enum resource_kind { RESOURCE_SHARED, RESOURCE_OWNED, RESOURCE_DERIVED, RESOURCE_LOCAL };

#define RESOURCE_KEEP_MAX 16

typedef struct resource {
    size_t keep_count;
    int kind;           // enum resource_kind
    record_rule_t rule; // shared
    char name[LIMIT_NAME_BYTES + 1];
    char from[LIMIT_NAME_BYTES + 1];
    char key[LIMIT_NAME_BYTES + 1];
    char keep[RESOURCE_KEEP_MAX][LIMIT_NAME_BYTES + 1];
} resource_t;

//  A name is 1 to LIMIT_NAME_BYTES of [a-z0-9_], not beginning with a digit, and not "clients".
bool resource_name_valid (slice_t name);

const char *resource_kind_name (int kind);

//  Packs the declaration without its name.
void resource_pack (const resource_t *self, buffer_t *out);

//  From a declaration's map. ERR_BAD_REQUEST, and *ret_why (static; ret_why may be NULL) says why.
int resource_unpack (
    slice_t name, cursor_t *cursor, resource_t *ret_resource, const char **ret_why);

//  Equal in all that nodes must agree on (of keep, not the order); *ret_difference, written if they are not,
//  names the first field that differs, e.g. "delete".
bool resource_equal (const resource_t *a, const resource_t *b, const char **ret_difference);

//  "delete = wins is declared here, not latest", of two that are not equal.
void resource_difference (const resource_t *here, const resource_t *other, char *out, size_t size);

//  The set a fresh node starts with: tags, comments, albums, jobs, tags_on_files, file_paths, files.
extern const resource_t resource_defaults[];
extern const size_t resource_default_count;

#endif

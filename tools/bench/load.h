//  load - requests that are encoded before the clock runs
//
//  An operation is a create or an update of a record of three short properties: name, colour, date. Every operation of a run has the
//  same number of bytes but for the digits of its name.

#ifndef TIDEPOOL_LOAD_H
#define TIDEPOOL_LOAD_H

#include "messages/uuid.h"

#define LOAD_RESOURCE "tags"

enum uuid_kind {
    UUID_RANDOM, // version 4
    UUID_ORDERED // version 7, ascending
};

extern const char *const uuid_kind_names[2]; // "random", "ordered"

uuid16_t uuid_make (enum uuid_kind kind);
uuid16_t *uuids_make (enum uuid_kind kind, size_t count); // free ()

typedef struct load {
    buffer_t bytes;
    size_t *ends;      // of each request in bytes
    size_t count;      // requests
    size_t operations; // in all of them
} load_t;

typedef struct load_options {
    const char *action; // "create", "update"
    const uuid16_t *uuids;
    size_t operations;
    size_t size;      // operations in a request
    const char *name; // begins the property `name`
} load_options_t;

load_t load_make (const load_options_t *options);
slice_t load_request (const load_t *self, size_t index);
void load_release (load_t *self);

//  Bytes of one encoded operation; what the raw limits store and send.
size_t load_operation_bytes (void);

#endif

//  record - what a recorder wrote: what was done to one file, in its order
//
//  Entry after entry, native byte order, each with `size` bytes behind it.

#ifndef TIDEPOOL_POWER_RECORD_H
#define TIDEPOOL_POWER_RECORD_H

#include <stdint.h>

enum entry_kind { ENTRY_WRITE = 1, ENTRY_SYNC = 2 };

typedef struct entry {
    uint32_t kind;
    uint32_t synced; // the write was durable when it returned (O_DSYNC)
    uint64_t offset; // in the file
    uint64_t size;   // 0 for a sync
} entry_t;

#endif

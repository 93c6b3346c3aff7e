//  row - one record of owned data, as it is stored and as it travels
//
//  On the wire: [resource, uuid, updated, value], resource a text, updated a uint64 NTP time of the owner, value a
//  canonical map, or nil for a deletion marker. The owner is said once for a chunk of rows.

#ifndef TIDEPOOL_ROW_H
#define TIDEPOOL_ROW_H

#include "messages/operation.h"

typedef struct row {
    slice_t resource;
    uuid16_t uuid;
    uint64_t updated; // unique within the owner
    slice_t value;    // canonical map; empty slice: deleted
} row_t;

void row_pack (const row_t *self, buffer_t *out);
int row_unpack (cursor_t *cursor, row_t *ret_row); // strict; value_check included

#endif

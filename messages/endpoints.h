//  endpoints - where a client can be reached
//
//      [text, …]  each 1 to LIMIT_ENDPOINT_BYTES, at most LIMIT_ENDPOINTS

#ifndef TIDEPOOL_ENDPOINTS_H
#define TIDEPOOL_ENDPOINTS_H

#include "messages/limits.h"
#include "messages/pack.h"

typedef char endpoint_t[LIMIT_ENDPOINT_BYTES + 1];

void endpoints_pack (const endpoint_t *endpoints, size_t count, buffer_t *out);

//  Fills ret_endpoints, which has room for LIMIT_ENDPOINTS; on failure its content is undefined and
//  the cursor stays.
int endpoints_unpack (cursor_t *cursor, endpoint_t *ret_endpoints, size_t *ret_count);

#endif

//  client_parts - what client.c and client_pack.c read alike

#ifndef TIDEPOOL_CLIENT_PARTS_H
#define TIDEPOOL_CLIENT_PARTS_H

#include "messages/client.h"
#include "messages/endpoints.h"

//  [upto, bin 32] or nil. Nil gives a zeroed watermark, else it bears the client. On failure the
//  cursor and *ret_start are undefined.
int client_start_unpack (cursor_t *cursor, const uuid16_t *client, watermark_t *ret_start);

#endif

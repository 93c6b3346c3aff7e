//  place - where a node's sockets are

#ifndef TIDEPOOL_PLACE_H
#define TIDEPOOL_PLACE_H

#include "actors/shell/why.h"
#include "messages/keys.h"
#include "messages/limits.h"

typedef struct place {
    char endpoint[LIMIT_ENDPOINT_BYTES + 1];
    bool curve;       // not ipc
    public_key_t key; // of the node, then
    long pid;         // of its process; 0: not known
} place_t;

//  Of the socket `name` (api, feed, intake, admin) of DIR. ERR_NO_ANSWER if there is no such directory, or what is written there makes
//  no sense.
int place_find (const char *dir, const char *name, place_t *ret_place, why_t *why);

//  Waits until somebody listens on an ipc endpoint; false after timeout_ms.
bool place_wait (const place_t *self, int timeout_ms);

#endif

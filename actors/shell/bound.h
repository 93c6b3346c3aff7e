//  bound - where the actors of a running node listen: DIR/endpoints.zpl, where the command looks
//
//      node
//          client = "<uuid>"
//          key = "<CURVE key of the node, Z85>"
//          pid = "<process>"
//      endpoints
//          peers, door, api, feed, intake, admin = "<endpoint>"      peers may repeat

#ifndef TIDEPOOL_BOUND_H
#define TIDEPOOL_BOUND_H

#include "actors/shell/actor.h"
#include "actors/shell/home.h"

int bound_write (const home_t *home, const identity_t *identity, actor_t *const *actors,
    size_t actor_count, why_t *why);

//  Removes the socket files of an actor that is about to stop; ZeroMQ does not.
void bound_unlink (const actor_t *actor);

#endif

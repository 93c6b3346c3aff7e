//  round - what an actor's thread does

#ifndef TIDEPOOL_ROUND_H
#define TIDEPOOL_ROUND_H

#include "actors/shell/actor.h"

#include <czmq.h>

//  A zactor's function; the argument is the actor's options.
void round_main (zsock_t *pipe, void *options);

#endif

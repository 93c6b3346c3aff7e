//  wires - what lies between the nodes of a pool: connections, and messages on their way
//
//  A message is there at once where sim->latency_ns is 0. Else each end of a connection draws a latency, and a message takes
//  that and up to a quarter more, but overtakes none. What a cut or a kill finds on its way is lost from some place on;
//  what was said before somebody hung up is heard.

#ifndef TIDEPOOL_SIM_WIRES_H
#define TIDEPOOL_SIM_WIRES_H

#include "tests/sim/sim.h"

//  What a node's link says to its edge.
void wires_take (sim_node_t *node, const mail_t *mail);

//  What a node's edge says to its link, at once.
void wires_give (sim_node_t *node, int verb, const message_type_t *type, const void *body,
    const slice_t *frames, size_t count);

//  What is due arrives. When the next is: UINT64_MAX where nothing is on its way.
void wires_deliver (sim_t *self);
uint64_t wires_next (const sim_t *self);

//  The node is no more.
void wires_kill (sim_t *self, int node);

void wires_destroy (sim_t *self);

#endif

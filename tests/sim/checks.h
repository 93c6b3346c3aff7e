//  checks - what must hold of a pool at every step, whatever happens to it; each has a name, which a failure says
//
//      single writer      nobody has of a client's chain more than that client has committed, nor anything else
//      monotonic marks    a watermark never falls but for a copy, or a backup
//      causal order       no batch is in a log before all that it has seen
//      retention          what has left a log, and a deletion that is forgotten, every member has
//      nothing to mend    what nodes find wrong and repair by themselves never was
//      bounded mail       no actor's box grows without end
//      silence            an idle pool says nothing but pings, and owes nothing
//      forgetting         an idle pool keeps no batch with anything in it, and no deletion

#ifndef TIDEPOOL_SIM_CHECKS_H
#define TIDEPOOL_SIM_CHECKS_H

#include "tests/sim/truth.h"

typedef struct checks checks_t;

//  Looks at a node after each commit from now on. Where members are counted out, what leaves the log is not judged.
checks_t *checks_new (sim_t *sim, bool counted_out);
void checks_destroy (checks_t **self_p);

//  That node was put back from a backup: it has less than it had.
void checks_restored (checks_t *self, int node);

//  Do all other members that a node keeps things for have it?
bool checks_all_have (const checks_t *self, int node, const timestamp_t *stamp);

//  What somebody has, running or not, as of its last commit.
bool checks_has (const checks_t *self, int node, const timestamp_t *stamp);

//  Up to where the node has committed its own chain.
uint64_t checks_own (const checks_t *self, int node);

//  Did anybody return, but for who was put back and had nothing written meanwhile? What a return brings may be in vain.
bool checks_returned (const checks_t *self);

//  All have converged, and nobody writes: silence and forgetting.
void checks_rest (checks_t *self, truth_t *truth);

#endif

//  truth - what apps did in a pool, each with all that its node had applied, and what must show when all have all of it
//
//  Kept beside the pool: it asks a node for nothing but its watermarks at the moment at which a request was granted.
//  What must show is the definition's word (tests/join/reference.h), computed from the set of operations and their
//  pasts, without state, order, batches or purging.

#ifndef TIDEPOOL_SIM_TRUTH_H
#define TIDEPOOL_SIM_TRUTH_H

#include "tests/sim/sim.h"

#define TRUTH_RECORDS 24 // under delete = wins, delete = latest, grow-only

typedef struct truth truth_t;

//  Declares what it needs at node 0.
truth_t *truth_new (sim_t *sim);
void truth_destroy (truth_t **self_p);

//  One random request of one operation at a random node that runs: any action, any on_conflict, up to four properties.
void truth_write (truth_t *self);

//  Every node shows of every record exactly what the definition says. Only where nobody returned: what a return brings
//  may be in vain.
void truth_expect_defined (truth_t *self);

//  At every node, whoever returned: nothing shows that a deletion had seen, and a create that had seen every deletion
//  stands with its values, unless somebody found it in lost and found.
void truth_expect_kept (truth_t *self);

#endif

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

//  On so many records only, so that more happens to each: up to TRUTH_RECORDS.
void truth_narrow (truth_t *self, size_t records);

//  Requests have up to three operations, and not one each.
void truth_several (truth_t *self);

//  One random request at a random node that runs: any action, any on_conflict, up to four
//  properties.
void truth_write (truth_t *self);
void truth_write_at (truth_t *self, int node);

//  What only that node had, which was put back from a backup, never was. has says what somebody else has.
typedef bool (truth_has_t) (void *context, const timestamp_t *stamp);
void truth_restored (truth_t *self, int node, truth_has_t *has, void *context);

//  What was granted at that node is on its disk. While it takes a copy that is set aside: the end shows it.
void truth_expect_stored (truth_t *self, int node);

//  A deletion under `wins` that the node knows is remembered there, but for those that `all_have` says everybody has.
void truth_expect_remembered (truth_t *self, int node, truth_has_t *all_have, void *context);

//  How many deletions the node remembers in the records that were written.
size_t truth_deletions (truth_t *self, int node);

//  Every node shows of every record exactly what the definition says. Only where nobody returned: what a return brings
//  may be in vain.
void truth_expect_defined (truth_t *self);

//  At every node, whoever returned: nothing shows that a deletion had seen, and a create that had seen every deletion
//  stands with its values, unless somebody found it in lost and found.
void truth_expect_kept (truth_t *self);

#endif

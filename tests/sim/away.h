//  away - pools in which somebody is away, and comes back

#ifndef TIDEPOOL_SIM_AWAY_H
#define TIDEPOOL_SIM_AWAY_H

#include "tests/sim/sim.h"

//  Who is not seen for ten minutes is declared; all are paired with node 0, and quiet.
sim_t *away_pool (uint64_t seed, size_t nodes);

//  Cuts, or joins again, the nodes whose bits are set in `half` and the others; or each from each.
void away_part (sim_t *sim, unsigned half, bool cut);
void away_part_all (sim_t *sim, bool cut);

//  Nobody is declared stale any more, and all have converged, within ten minutes.
void away_expect_whole (sim_t *sim);

//  Four records from number `first`, so that a copy takes more than one transaction.
void away_large_records (sim_t *sim, int node, uint64_t first);

//  Predicates of an int, a node: it has been let return, or joins; its copy on top of what it has is under way.
bool away_takes_a_copy (sim_t *sim, void *node);
bool away_copies (sim_t *sim, void *node);

//  `node` has heard that the other returns.
typedef struct away_word {
    int node, other;
} away_word_t;

bool away_is_said (sim_t *sim, void *word);

#endif

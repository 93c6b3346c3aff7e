//  rows - owned rows of simulated pools: what is there, what is done

#ifndef TIDEPOOL_SIM_ROWS_H
#define TIDEPOOL_SIM_ROWS_H

#include "tests/sim/sim.h"

#define ROWS "file_paths"

const uuid16_t *rows_client (sim_t *sim, int node);

//  What a node has of an owner's rows: visible ones, and markers.
uint64_t rows_visible (sim_t *sim, int node, int owner);
uint64_t rows_markers (sim_t *sim, int node, int owner);

//  Have two nodes the same visible rows of an owner, by the sums that the owner signs?
bool rows_same (sim_t *sim, int one, int other, int owner);

uint64_t rows_mark (sim_t *sim, int node, int owner); // its watermark; 0: none

//  What a node holds as signed by an owner: up to where; 0: nothing.
uint64_t rows_proven (sim_t *sim, int node, int owner);

//  The text in "name" of a row, "" where none is visible.
const char *rows_name (sim_t *sim, int node, int owner, uint64_t number);

//  Rows first … first + count - 1 of a node, in one request; name NULL deletes them.
void rows_write (
    sim_t *sim, int node, const char *action, uint64_t first, uint64_t count, const char *name);

void rows_cut_off (sim_t *sim, int node, bool cut); // from all others

//  A pool whose members were invited by 0, and have converged.
sim_t *rows_pool (uint64_t seed, size_t nodes);

//  All running nodes of the owner's pool stand at the owner's watermark, and hold what it has signed of it.
void rows_expect_proven (sim_t *sim, int owner, uint64_t seconds);

#endif

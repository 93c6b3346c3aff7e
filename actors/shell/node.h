//  node - starts, watches and stops the actors of one node
//
//  Mail that the node takes, from admin only:
//      COMMAND "stop"            answered by COMMANDED; then the node stops
//      COMMAND "log" {level}     answered by COMMANDED
//  It runs in the thread that called it, and stops on SIGTERM, SIGINT and SIGHUP too.

#ifndef TIDEPOOL_NODE_H
#define TIDEPOOL_NODE_H

#include "actors/shell/edge.h"

//  One actor of the house.
typedef struct roster {
    const actor_class_t *class;
    const edge_class_t *edge; // NULL: no sockets of its own
} roster_t;

//  All actors in the order in which they start (roster.c says why that order); they stop in the
//  reverse.
extern const roster_t roster_all[];
extern const size_t roster_count;

typedef struct node_options {
    const char *dir;
    const char *const *sets; // "SECTION/KEY=VALUE"
    size_t set_count;
    const char *version;
    const roster_t *roster;
    size_t roster_count;
} node_options_t;

//  Runs a node until it is told to stop: 0. Otherwise it did not start or an actor died, and why
//  says so. One node a process.
int node_run (const node_options_t *options, why_t *why);

#endif

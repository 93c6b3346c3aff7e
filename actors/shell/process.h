//  process - what a node asks of its process: descriptors, memory, signals, ZeroMQ's context

#ifndef TIDEPOOL_PROCESS_H
#define TIDEPOOL_PROCESS_H

#include "actors/shell/why.h"

//  Raises the limit of descriptors, fixes malloc's thresholds, blocks the signals that stop a
//  node and prepares czmq. Before the first socket and thread. ret_signals: a descriptor from
//  which those signals are read.
int process_start (int *ret_signals, why_t *why);

//  Reads one signal: its number, 0 when there is none.
int process_signal (int signals);

#endif

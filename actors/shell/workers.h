//  workers - a few threads that share out the items of one call
//
//  The caller is worker 0 and waits for the others; between two calls all threads sleep. They are started with the first
//  call that has more than one item. Not for two callers at once.

#ifndef TIDEPOOL_WORKERS_H
#define TIDEPOOL_WORKERS_H

#include <stddef.h>

typedef struct workers workers_t;
typedef void (*work_t) (void *context, size_t item, size_t worker);

//  One for each processor, but at least 2 (one reads while another waits for the disk) and at most `most`.
workers_t *workers_new (size_t most); // NULL: out of memory
void workers_destroy (workers_t **self_p);

//  Runs work (context, item, worker) for each item. What was written before the call every worker sees, and what the
//  workers wrote the caller sees when it returns.
void workers_each (workers_t *self, work_t work, void *context, size_t count);

#endif

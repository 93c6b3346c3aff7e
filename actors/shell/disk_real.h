//  disk_real - the file system as it is, for the actor scan
//
//  Made by whoever starts the actors, put into actor_setup_t.disk, and used in scan's thread
//  alone: by its core (actors/disk.h) and by its edge, which waits for the watches (edge_scan).

#ifndef TIDEPOOL_DISK_REAL_H
#define TIDEPOOL_DISK_REAL_H

#include "actors/disk.h"
#include "actors/shell/edge.h"

int disk_real_new (disk_t **ret_disk, why_t *why); // ERR_SYSTEM: no inotify to be had
void disk_real_destroy (disk_t **self_p);

//  Readable when something changed under a watch.
int disk_real_descriptor (const disk_t *self);

extern const edge_class_t edge_scan;

#endif

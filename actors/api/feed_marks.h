//  feed_marks - which new records the feed has shown to its readers already
//
//  While the feed lags behind, it publishes in several rounds, and a record that came since it last
//  had caught up may change again between two of them: then it is an update, not another create. A set
//  of 64-bit hashes; emptied each time the feed has caught up.

#ifndef TIDEPOOL_FEED_MARKS_H
#define TIDEPOOL_FEED_MARKS_H

#include "messages/slice.h"

typedef struct feed_marks {
    uint64_t *hashes; // open addressing, 0: free
    size_t count;
    size_t capacity; // a power of two
} feed_marks_t;

bool feed_marks_has (const feed_marks_t *self, uint64_t hash);
void feed_marks_add (feed_marks_t *self, uint64_t hash);
void feed_marks_clear (feed_marks_t *self); // gives back what is much
void feed_marks_release (feed_marks_t *self);

#endif

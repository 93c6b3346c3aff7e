//  counting - which members count, and what all of them have published to have seen
//
//  The rules of semantics.md, "Flushing and purging", as pure functions of what a node knows: the
//  members, what each origin has published (its signed `seen`, accumulated), its own watermarks.
//
//      out           removed; or stale or returning, and not back since: nothing but a return passes over its links
//      declared      removed; or stale, and neither returning nor back since
//      counted out   declared, and that declaration is in the published `seen` of every member that
//                    is not itself out
//      counts        admitted and not counted out
//
//  What every member that counts has seen is stable: a batch that is may leave the log, a deletion
//  that is may be forgotten, but not while somebody returns. None of it looks at a clock: it depends on what was said, never on when.

#ifndef TIDEPOOL_COUNTING_H
#define TIDEPOOL_COUNTING_H

#include "messages/client.h"

typedef struct pool_view {
    uuid16_t me;
    const client_t *clients; // all that were ever admitted
    size_t count;
    const vector_t *shared; // this node's own watermarks: what it has seen itself
    //  What an origin has published; never NULL, empty where it has published nothing.
    const vector_t *(*published) (const void *context, const uuid16_t *origin);
    const void *context;
} pool_view_t;

//  The declaration that stands against a client, or NULL.
const timestamp_t *client_declared (const client_t *self);

//  The statement that keeps it out, or NULL.
const timestamp_t *client_out (const client_t *self);

//  Is it out only because it is on its way back?
bool client_returns (const client_t *self);

//  Does the client count?
bool pool_counts (const pool_view_t *self, const client_t *client);

//  Has this member seen the timestamp, as far as it has published?
bool pool_has_seen (const pool_view_t *self, const uuid16_t *member, const timestamp_t *timestamp);

//  For each origin the largest time up to which every member that counts has seen it. Entries have no
//  hashes; ret_stable is cleared first.
void pool_stable (const pool_view_t *self, vector_t *ret_stable);

//  Is somebody on its way back? Then no deletion is forgotten: its return may bring one that reached some members
//  before it was counted out, and only who remembers it knows that it was applied already.
bool pool_somebody_returns (const pool_view_t *self);

//  May a client whose vector is `mine` and whose uuid is `but` compare itself with what this view has? It must
//  have all of every client that counts here; of one that is on its way back itself, what it brings comes
//  with its own return.
bool pool_is_caught_up (const pool_view_t *self, const vector_t *mine, const uuid16_t *but);

#endif

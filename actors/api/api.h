//  api - the core that speaks with apps (private to this room)
//
//  api.c          what comes in, and what goes to oplog and comes back
//  waiting.c      the requests that oplog has
//  read.c         reading: hello, get, list, count
//  why.c          reading: get, with the reasons
//  changes.c      reading: changes
//  feed.c         the feed of changes

#ifndef TIDEPOOL_API_H
#define TIDEPOOL_API_H

#include "actors/caller.h"
#include "actors/api/feed_marks.h"
#include "actors/records.h"
#include "actors/sockets.h"
#include "store/changes.h"

//  Over either of these, api reads nothing from its sockets until oplog has answered half of it. A
//  round of the shell may bring more that was on its way: memory is bounded by this and one such round.
#define API_WAITING_MAX       1024
#define API_WAITING_BYTES_MAX (16u << 20)

//  A request that oplog has and did not answer yet.
typedef struct waiting {
    uint64_t ticket;  // 0: this slot is free
    size_t next_free; // of a free one
    size_t bytes;     // of its message
    int verb;         // API_APPLY, API_DECLARE
    bool intake;      // nobody is answered
    caller_t caller;
} waiting_t;

typedef struct api {
    const actor_setup_t *setup;

    waiting_t *slots; // the low bits of a ticket are its slot
    size_t slot_count;
    size_t slot_free; // head of the free ones; slot_count: none
    uint64_t serial;  // the high bits of the last ticket
    size_t waiting;
    size_t waiting_bytes;
    bool holding;

    uint64_t feed_cursor; // all changes up to here were published, or left out
    uint64_t
        feed_base; // feed_cursor when it last had caught up: what was born later is new to readers,
    feed_marks_t fed;     // … but for these
    bool feed_part;       // what was published last said that more follows
    bool feed_gap;        // cursors are missing since `part` was false last
    uint64_t feed_topics; // that somebody subscribes to
    buffer_t scratch[2];

    uint64_t refused_said_ns; // when the log last told of a message of the intake
    uint64_t refused_unsaid;  // and how many since
    char endpoints[API_INTAKE + 1][LIMIT_ENDPOINT_BYTES + 1]; // where the sockets really listen
} api_t;

//  ---- waiting.c
//  Remembers it, and answers its ticket. *what is copied, its caller's memory taken.
uint64_t api_waiting_add (api_t *self, step_t *step, const waiting_t *what);
//  NULL for a ticket that nobody waits for.
waiting_t *api_waiting_find (api_t *self, uint64_t ticket);
void api_waiting_end (api_t *self, step_t *step, waiting_t *waiting);
void api_waiting_release (api_t *self);

//  ---- read.c
void api_read (
    api_t *self, step_t *step, int verb, const caller_t *caller, const request_t *request);

//  What was asked, or what is usual where it is 0; never more than a page may hold.
uint64_t api_limit (uint64_t asked, uint64_t usual);
//  Refuses what could not be read.
void api_refuse (step_t *step, const caller_t *caller, int error);
void api_uuid_pack (const uuid16_t *uuid, buffer_t *out);
void api_owner_pack (bool has_owner, const uuid16_t *owner, buffer_t *out); // nil where it has none

//  A walk over a resource, from its start.
int api_records_open (
    api_t *self, step_t *step, slice_t resource, const uuid16_t *owner, records_t *ret_records);
void api_record_pack (slice_t resource, const shown_t *shown, buffer_t *out);

//  ---- why.c
//  `get` with `why`.
void api_why (api_t *self, step_t *step, const caller_t *caller, const get_request_t *fields);

//  ---- changes.c
void api_changes (api_t *self, step_t *step, const caller_t *caller, const request_t *request);

//  Appends a map as in `changes`; part NULL leaves that entry out.
void api_change_pack (const api_t *self, const change_t *change, const bool *part, buffer_t *out);

//  ---- feed.c
int api_feed_open (api_t *self, step_t *step);
//  Publishes what is new, a bounded part of it in this round.
void api_feed_subscription (api_t *self, slice_t message);
void api_feed_publish (api_t *self, step_t *step);

#endif

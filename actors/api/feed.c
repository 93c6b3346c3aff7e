//  api_feed - the feed: `changes`, read at api's own cursor and published as it moves
//
//  The feed begins where the store stands when the node starts. It reads on at each word from oplog, a
//  bounded part a round. Which action a change is follows from what the feed's readers can have seen:
//
//      born <= base                         they knew it          update, delete
//      born >  base, among `fed`            told since            update, delete
//      born >  base, otherwise              new to them           create; a deletion is left out
//
//  base is where the feed last had caught up. feed_cursor alone would not do: between two rounds
//  of a feed that lags, a record born behind it moves ahead of it without ever having been read.
//
//  `part` is false where a subscriber may take what it was told for a whole: no transaction is shown by half there.
//  It looks ahead: true where the next change that is published is of the same transaction. And where the
//  feed lags, a record that was written again has moved to its later transaction and is missing in the one before: a
//  gap in the cursors. Behind one nothing is whole until the feed has caught up, so until then `part` stays true. What
//  stands at the end of all that is there closes; if only a deletion that would be left out is there to close, it is told.

#include "actors/api/api.h"

#define FEED_CHANGES_MAX 2000 // of a round
#define FEED_BYTES_MAX   (1u << 20)
#define FEED_RETRY_NS    1000000000ull

//  Names one life of one record.
static uint64_t mark_of (const change_t *change)
{
    struct {
        char resource[LIMIT_NAME_BYTES];
        uuid16_t uuid;
        uuid16_t owner;
        uint64_t born;
    } life = {.uuid = change->uuid, .born = change->born};
    memcpy (life.resource, change->resource, strnlen (change->resource, sizeof life.resource));
    if (change->has_owner)
        life.owner = change->owner;
    return checksum_of (slice_of (&life, sizeof life));
}

static bool is_new (const api_t *self, const change_t *change)
{
    return change->born > self->feed_base && !feed_marks_has (&self->fed, mark_of (change));
}

//  What is published next, and whether cursors are missing before it.
typedef struct coming {
    change_t change;
    bool gap;
} coming_t;

//  The next change past `since` that is published at all; `all`: none is left out.
static int feed_next (
    api_t *self, step_t *step, uint64_t since, bool all, buffer_t *scratch, coming_t *ret_coming)
{
    coming_t coming = {.gap = false};
    int rc;
    while ((rc = changes_next (step->txn, since, scratch, &coming.change)) == 0) {
        coming.gap |= coming.change.cursor != since + 1;
        if (all || !(coming.change.deleted && is_new (self, &coming.change))) {
            *ret_coming = coming;
            return 0;
        }
        since = coming.change.cursor;
    }
    return rc;
}

//  The first of a round. What was promised by `part` is kept.
static int feed_first (api_t *self, step_t *step, buffer_t *scratch, coming_t *ret_coming)
{
    int rc = feed_next (self, step, self->feed_cursor, false, scratch, ret_coming);
    if (rc == ERR_NOT_FOUND && self->feed_part)
        rc = feed_next (self, step, self->feed_cursor, true, scratch, ret_coming);
    return rc;
}

//  Does the change leave its transaction, or one before it, by half? `next` comes behind it.
static bool is_part (const api_t *self, const change_t *change, const coming_t *next)
{
    bool rest_moved = change->end > change->cursor && next->change.cursor > change->end;
    return self->feed_gap || rest_moved || next->change.cursor <= change->end;
}

static void publish (api_t *self, step_t *step, const change_t *change, bool part, size_t *bytes)
{
    bool created = is_new (self, change);
    const char *action = change->deleted ? "delete" : created ? "create" : "update";
    buffer_t topic = {NULL, 0, 0}, body = {NULL, 0, 0};
    buffer_append (&topic, change->resource, strlen (change->resource));
    buffer_append (&topic, "/", 1);
    buffer_append (&topic, action, strlen (action));
    api_change_pack (self, change, &part, &body);
    *bytes += body.size;
    if (created)
        feed_marks_add (&self->fed, mark_of (change));
    frame_t frames[2] = {frame_take (&topic), frame_take (&body)};
    edge_out_t out = {.socket = API_FEED, .line = 0};
    step_send_frames (step, ACTOR_EDGE, MAIL_EDGE_OUT, 0, &edge_out_type, &out, frames, 2);
}

static int feed_caught_up (api_t *self, step_t *step)
{
    uint64_t last;
    int rc = changes_last (step->txn, &last);
    if (rc)
        return rc;
    self->feed_cursor = last;
    self->feed_base = last;
    self->feed_part = self->feed_gap = false;
    feed_marks_clear (&self->fed);
    return 0;
}

int api_feed_open (api_t *self, step_t *step)
{
    return feed_caught_up (self, step);
}

//  A first subscription to a topic begins with 1, the end of a last one with 0 (ZeroMQ RFC 29, XPUB).
void api_feed_subscription (api_t *self, slice_t message)
{
    if (message.size && message.data[0] == 1)
        self->feed_topics++;
    else if (message.size && message.data[0] == 0 && self->feed_topics)
        self->feed_topics--;
}

void api_feed_publish (api_t *self, step_t *step)
{
    if (self->feed_topics == 0 && feed_caught_up (self, step) == 0)
        return; // nobody listens: packing changes would cost as much as all the rest
    coming_t coming[2];
    size_t bytes = 0;
    int at = 0;
    int rc = feed_first (self, step, &self->scratch[at], &coming[at]);
    for (size_t i = 0; rc == 0 && i < FEED_CHANGES_MAX && bytes < FEED_BYTES_MAX; i++) {
        const change_t *now = &coming[at].change;
        coming_t *next = &coming[!at];
        self->feed_gap |= coming[at].gap;
        rc = feed_next (self, step, now->cursor, false, &self->scratch[!at], next);
        if (rc && rc != ERR_NOT_FOUND)
            break;
        self->feed_part = rc == 0 && is_part (self, now, next);
        publish (self, step, now, self->feed_part, &bytes);
        self->feed_gap &= self->feed_part;
        self->feed_cursor = now->cursor;
        at = !at;
    }
    if (rc == 0)
        step_wake_at (step, step->now.mono_ns);
    else if (rc == ERR_NOT_FOUND)
        rc = feed_caught_up (self, step);
    if (rc) {
        step_say (step, SAY_ERROR, "the feed waits: %s", error_text (rc));
        step_wake_at (step, step->now.mono_ns + FEED_RETRY_NS);
    }
}

//  oplog_copy - taking the whole database from a member
//
//  The setting "joining" holds the place that the copy has come to; while it is there, apps get BUSY.
//  A copy begins with the giver's members and the watermarks on which its log stands. Then batches come as
//  they always do, and are joined for the records up to the place; between them come chunks
//  of records, each standing for exactly the watermarks that are here by then. At the end what this client has to
//  say goes out on top (return.c).

#include "actors/oplog/oplog.h"

#include "actors/members.h"

#include "messages/peer.h"

void position_pack (const position_t *place, buffer_t *out)
{
    pack_array (out, 3);
    pack_text (out, slice_text (place->resource));
    pack_bin (out, slice_of (&place->uuid, sizeof place->uuid));
    pack_bool (out, place->end);
}

int position_unpack (slice_t bytes, position_t *ret_place)
{
    cursor_t cursor = cursor_over (bytes);
    position_t place;
    slice_t resource;
    size_t count;
    memset (&place, 0, sizeof place);
    if (cursor_array (&cursor, &count) || count != 3 || cursor_text (&cursor, &resource) ||
        resource.size > LIMIT_NAME_BYTES ||
        cursor_bin_exact (&cursor, &place.uuid, sizeof place.uuid) ||
        cursor_bool (&cursor, &place.end) || !cursor_done (&cursor))
        return ERR_MALFORMED;
    memcpy (place.resource, resource.data, resource.size);
    *ret_place = place;
    return 0;
}

int oplog_position_load (oplog_t *self, txn_t *txn)
{
    slice_t stored, past;
    int rc = node_get (txn, NODE_SETTINGS, slice_text ("joining"), &stored);
    self->joining = rc == 0;
    if (rc == ERR_NOT_FOUND)
        return 0;
    if (rc == 0)
        rc = node_get (txn, NODE_SETTINGS, slice_text ("return"), &past);
    self->copy_begun = rc == 0;
    if (rc == ERR_NOT_FOUND || rc == 0)
        rc = node_get (txn, NODE_SETTINGS, slice_text ("joining"), &stored);
    return rc ? rc : position_unpack (stored, &self->place) ? ERR_CORRUPT : 0;
}

static int position_save (oplog_t *self, step_t *step)
{
    buffer_t packed = {NULL, 0, 0};
    position_pack (&self->place, &packed);
    int rc = node_put (step->txn, NODE_SETTINGS, slice_text ("joining"), buffer_slice (&packed));
    buffer_release (&packed);
    return rc;
}

//  A copy that begins once more has come to its frontier before: up to there what is here is a member's.
static int frontier_raise (oplog_t *self, step_t *step)
{
    position_t frontier;
    buffer_t packed = {NULL, 0, 0};
    int rc = oplog_frontier (step, &frontier);
    if (rc == 0 &&
        (frontier.end ||
            position_covers (&frontier, slice_text (self->place.resource), &self->place.uuid)) &&
        !self->place.end)
        return 0;
    position_pack (&self->place, &packed);
    if (rc == 0)
        rc = node_put (step->txn, NODE_SETTINGS, slice_text ("frontier"), buffer_slice (&packed));
    buffer_release (&packed);
    return rc;
}

int oplog_frontier (step_t *step, position_t *ret_frontier)
{
    slice_t stored;
    int rc = node_get (step->txn, NODE_SETTINGS, slice_text ("frontier"), &stored);
    *ret_frontier = (position_t){.end = false};
    if (rc == ERR_NOT_FOUND)
        return 0;
    return rc ? rc : position_unpack (stored, ret_frontier) ? ERR_CORRUPT : 0;
}

//  ---- the beginning

static int clients_take (step_t *step, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    client_t client;
    size_t count;
    int rc = clients_clear (step->txn);
    if (rc == 0 && cursor_array (&cursor, &count))
        rc = ERR_MALFORMED;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = client_unpack (&cursor, &client);
        if (rc == 0)
            rc = clients_put (step->txn, &client);
    }
    return rc;
}

static int base_take (step_t *step, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    vector_t base = {NULL, 0, 0};
    int rc = vector_unpack (&cursor, &base);
    if (rc == 0)
        rc = watermarks_clear (step->txn, WATERMARK_SHARED);
    if (rc == 0)
        rc = watermarks_clear (step->txn, WATERMARK_BASE);
    for (size_t i = 0; rc == 0 && i < base.count; i++) {
        rc = watermarks_put (step->txn, WATERMARK_SHARED, &base.entries[i]);
        if (rc == 0)
            rc = watermarks_put (step->txn, WATERMARK_BASE, &base.entries[i]);
    }
    vector_release (&base);
    return rc;
}

static int published_take (step_t *step, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    vector_t seen = {NULL, 0, 0};
    size_t count;
    int rc = cursor_array (&cursor, &count) ? ERR_MALFORMED : published_clear (step->txn);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        uuid16_t origin;
        size_t pair;
        if (cursor_array (&cursor, &pair) || pair != 2 ||
            cursor_bin_exact (&cursor, &origin, sizeof origin) || vector_unpack (&cursor, &seen))
            rc = ERR_MALFORMED;
        else
            rc = published_raise (step->txn, &origin, &seen);
    }
    vector_release (&seen);
    return rc;
}

static bool names_us (oplog_t *self, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    client_t client;
    size_t count;
    if (cursor_array (&cursor, &count))
        return false;
    while (count-- && client_unpack (&cursor, &client) == 0)
        if (uuid_equal (&client.uuid, &self->setup->identity->client))
            return client_is_member (&client);
    return false;
}

//  The newest entry of what the giver's log stands on.
static watermark_t newest_of (slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    vector_t base = {NULL, 0, 0};
    watermark_t newest = {.upto = 0};
    if (vector_unpack (&cursor, &base) == 0)
        for (size_t i = 0; i < base.count; i++)
            if (base.entries[i].upto > newest.upto)
                newest = base.entries[i];
    vector_release (&base);
    return newest;
}

//  0 where the mail is not sound: it is refused when it is worked.
uint64_t oplog_copy_newest (const mail_t *mail)
{
    copy_begin_t begin;
    peer_copy_state_t state;
    if (message_unpack (&copy_begin_type, mail->body, &begin, NULL) ||
        message_unpack (&peer_copy_state_type, begin.state, &state, NULL))
        return 0;
    return newest_of (state.base).upto;
}

//  Whether a copy may begin with this. A giver that stands on what is too far ahead is no more believed than a batch from
//  there: our clock would start from it.
static int state_check (oplog_t *self, const peer_copy_state_t *state, uint64_t ahead)
{
    if (!self->joining)
        return ERR_TOO_EARLY;
    if (!names_us (self, state->clients))
        return ERR_NOT_MEMBER;
    //  What was here before is not too far ahead, whatever the clock is set to now.
    watermark_t newest = newest_of (state->base);
    bool known = vector_upto (&self->shared, &newest.client) >= newest.upto;
    return ahead && !known ? ERR_CLOCK_AHEAD : 0;
}

int oplog_copy_begin (oplog_t *self, step_t *step, const mail_t *mail)
{
    copy_begin_t begin;
    peer_copy_state_t state;
    taken_t answer = {.error = 0};
    uint64_t ahead = 0;
    if (!cursor_done (&self->ahead_cursor) && cursor_uint (&self->ahead_cursor, &ahead))
        return ERR_INTERNAL;
    if (step_unpack (step, mail, &copy_begin_type, &begin))
        return 0;
    int rc = message_unpack (&peer_copy_state_type, begin.state, &state, NULL);
    if (rc == 0)
        rc = state_check (self, &state, ahead);
    if (rc == ERR_CLOCK_AHEAD) {
        watermark_t newest = newest_of (state.base);
        answer = (taken_t){.client = newest.client, .ahead = ahead, .upto = newest.upto};
    }
    if (rc) {
        answer.error = (uint64_t)-rc;
        oplog_take_answer (step, mail, &answer);
        return 0;
    }
    rc = oplog_return_put_aside (self, step);
    if (rc == 0)
        rc = frontier_raise (self, step);
    self->place = (position_t){.end = false};
    if (rc == 0)
        rc = position_save (self, step);
    if (rc == 0)
        rc = pending_clear (step->txn);
    if (rc == 0)
        rc = clients_take (step, state.clients);
    if (rc == 0)
        rc = base_take (step, state.base);
    if (rc == 0)
        rc = published_take (step, state.published);
    if (rc == 0)
        rc = node_put (step->txn, NODE_SETTINGS, slice_text ("pool"),
            slice_of (&state.pool, sizeof state.pool));
    //  Half of a state may be written: if it was not sound, all of this transaction goes.
    if (rc)
        return oplog_is_fatal (rc) ? rc : ERR_INTERNAL;
    self->clients_changed = self->joined_changed = true;
    oplog_take_answer (step, mail, &answer);
    return oplog_cache_load (self, step->txn);
}

//  ---- chunks

//  Do the records stand for exactly what is here?
static bool vector_is_ours (oplog_t *self, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    vector_t theirs = {NULL, 0, 0};
    bool equal = vector_unpack (&cursor, &theirs) == 0 && vector_equal (&self->shared, &theirs);
    vector_release (&theirs);
    return equal;
}

static int copy_end (oplog_t *self, step_t *step)
{
    int rc = oplog_return_finish (self, step);
    if (rc == 0)
        rc = oplog_damage_copied (step);
    if (rc == 0)
        rc = node_delete (step->txn, NODE_SETTINGS, slice_text ("joining"));
    if (rc == 0)
        rc = node_delete (step->txn, NODE_SETTINGS, slice_text ("giver"));
    if (rc == 0)
        rc = node_delete (step->txn, NODE_SETTINGS, slice_text ("frontier"));
    self->joining = false;
    self->joined_changed = true;
    return rc;
}

//  All records are here, and the batches go on coming; the end is when the member has all that we had of
//  those that count.
int oplog_copy_try_end (oplog_t *self, step_t *step)
{
    pool_view_t view = oplog_pool_view (self);
    vector_t mine = {NULL, 0, 0};
    if (!self->joining || !self->place.end || oplog_is_restoring (self))
        return 0;
    int rc = members_return_vector (step->txn, &mine);
    if (rc == 0 && pool_is_caught_up (&view, &mine, &self->setup->identity->client))
        rc = copy_end (self, step);
    vector_release (&mine);
    return rc;
}

int oplog_copy_chunk (oplog_t *self, step_t *step, const mail_t *mail)
{
    copy_chunk_t chunk;
    position_t from, to;
    taken_t answer = {.error = 0};
    if (step_unpack (step, mail, &copy_chunk_type, &chunk))
        return 0;
    int rc = position_unpack (chunk.from, &from);
    if (rc == 0)
        rc = position_unpack (chunk.to, &to);
    if (rc == 0 &&
        (!self->joining || !self->copy_begun ||
            !slice_equal (slice_text (from.resource), slice_text (self->place.resource)) ||
            !uuid_equal (&from.uuid, &self->place.uuid) || self->place.end ||
            !vector_is_ours (self, chunk.vector)))
        rc = ERR_TOO_EARLY;
    if (rc) {
        answer.error = (uint64_t)-rc;
        oplog_take_answer (step, mail, &answer);
        return 0;
    }
    vector_t mine = {NULL, 0, 0};
    position_t frontier;
    rc = members_return_vector (step->txn, &mine);
    if (rc == 0)
        rc = oplog_frontier (step, &frontier);
    if (rc == 0)
        rc = shared_copy_in (step->txn, &from, &to, chunk.count, mail_frame (mail, 0), &mine,
            &self->shared, &frontier);
    vector_release (&mine);
    self->place = to;
    if (rc == 0)
        rc = position_save (self, step);
    if (rc && !oplog_is_fatal (rc))
        rc = ERR_INTERNAL;
    if (rc == 0)
        rc = oplog_copy_try_end (self, step);
    if (rc == 0)
        oplog_take_answer (step, mail, &answer);
    return rc;
}

//  link_return - the fence around who has to return, and the way back through it
//
//  A peer is outside if it was declared stale here, if it has not applied what was declared of it, or
//  if it needs what our log no longer keeps. Over its line nothing passes but this:
//
//      we                                     a peer that is outside
//       | ---- outside (half) -----------------> |
//       | <--- return (its vector) ------------- |   again with each ping
//       |      it is stated to be back            |
//       | ---- welcome (ours) ------------------> |   from here it is joining: it greets anew, and copies
//
//  If each is outside for the other, two halves of a pool had declared each other: the half with the
//  earliest member stays, and who is in the other returns.

#include "actors/link.h"

#include "messages/counting.h"

#include <stdlib.h>

//  ---- who is outside

static bool me_is_declared (link_t *self, step_t *step)
{
    client_t me;
    return clients_get (step->txn, &self->me, &me) == 0 && client_declared (&me);
}

static bool is_unapplied (const line_t *line, const timestamp_t *statement)
{
    return !timestamp_is_none (statement) && !vector_covers (&line->shared, statement);
}

static bool is_outside (link_t *self, step_t *step, line_t *line)
{
    client_t client;
    if (clients_get (step->txn, &line->client, &client) || client_declared (&client) ||
        is_unapplied (line, &client.stale) || is_unapplied (line, &client.back))
        return true;
    vector_clear (&self->seen);
    return link_base (step, &self->seen) != 0 || !vector_covers_all (&line->shared, &self->seen);
}

//  The earliest admission among those that count here names the half that we are in.
static timestamp_t half_of (step_t *step)
{
    timestamp_t earliest = {0};
    client_t client;
    uuid16_t after;
    int rc;
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        after = client.uuid;
        if (!timestamp_is_none (&client.admitted) && !client_declared (&client) &&
            (timestamp_is_none (&earliest) ||
                timestamp_compare (&client.admitted, &earliest) < 0))
            earliest = client.admitted;
    }
    return earliest;
}

void link_fence (link_t *self, step_t *step, line_t *line)
{
    if (self->joining || line->peer_joins)
        return;
    line->outside = is_outside (self, step, line);
    line->returns = me_is_declared (self, step);
    if (!line->outside)
        return;
    timestamp_t half = half_of (step);
    buffer_t packed = {NULL, 0, 0};
    timestamp_pack (&half, &packed);
    peer_outside_t outside = {.verb = PEER_OUTSIDE, .half = buffer_slice (&packed)};
    link_line_send (step, line, &peer_outside_type, &outside, NULL);
    buffer_release (&packed);
}

void link_fence_client (link_t *self, step_t *step, const client_t *client)
{
    bool mine = uuid_equal (&client->uuid, &self->me);
    if (!client_declared (client) || self->joining)
        return;
    for (size_t i = self->line_count; i-- > 0;) {
        line_t *line = self->lines[i];
        if (line->state == LINE_OPEN && !line->outside && !line->peer_joins && !line->returns &&
            (mine || uuid_equal (&line->client, &client->uuid)))
            link_line_close (self, step, line, ERR_STALE, NULL);
    }
}

//  ---- the way back

void link_return_ask (link_t *self, step_t *step, line_t *line)
{
    vector_t shared = {NULL, 0, 0};
    buffer_t packed = {NULL, 0, 0};
    if (self->joining || !line->returns ||
        watermarks_load (step->txn, WATERMARK_SHARED, &shared) != 0)
        return;
    vector_pack (&shared, &packed);
    peer_return_t ask = {.verb = PEER_RETURN, .shared = buffer_slice (&packed)};
    link_line_send (step, line, &peer_return_type, &ask, NULL);
    vector_release (&shared);
    buffer_release (&packed);
}

int link_on_outside (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_outside_t outside;
    timestamp_t theirs, ours = half_of (step);
    int rc = message_unpack (&peer_outside_type, frame, &outside, NULL);
    cursor_t cursor = cursor_over (outside.half);
    if (rc == 0)
        rc = timestamp_unpack (&cursor, &theirs);
    if (rc)
        return rc;
    int order = timestamp_compare (&ours, &theirs);
    if (order == 0)
        order = uuid_compare (&self->me, &line->client);
    line->returns = !line->outside || order > 0;
    line->outside = true;
    link_return_ask (self, step, line);
    return 0;
}

//  What we have of those that count here, but for the one that returns.
static int counting_load (step_t *step, const uuid16_t *but, vector_t *ret_counting)
{
    int rc = watermarks_load (step->txn, WATERMARK_SHARED, ret_counting);
    for (size_t i = ret_counting->count; rc == 0 && i-- > 0;) {
        uuid16_t uuid = ret_counting->entries[i].client;
        client_t client;
        if (uuid_equal (&uuid, but) || clients_get (step->txn, &uuid, &client) ||
            client_declared (&client))
            vector_remove (ret_counting, &uuid);
    }
    return rc;
}

//  Has it nothing of those that count here that we lack?
bool link_may_return (link_t *self, step_t *step, const uuid16_t *client, const vector_t *shared)
{
    vector_t counting = {NULL, 0, 0};
    client_t other;
    bool may = counting_load (step, client, &counting) == 0;
    for (size_t i = 0; may && i < shared->count; i++) {
        const watermark_t *mark = &shared->entries[i];
        if (uuid_equal (&mark->client, client) || vector_upto (&counting, &mark->client) >= mark->upto)
            continue;
        may = clients_get (step->txn, &mark->client, &other) != 0 || client_declared (&other) ||
              timestamp_is_none (&other.admitted);
    }
    vector_release (&counting);
    return may && !me_is_declared (self, step);
}

static void welcome (step_t *step, const line_t *line)
{
    vector_t counting = {NULL, 0, 0};
    buffer_t packed = {NULL, 0, 0};
    if (counting_load (step, &line->client, &counting) == 0) {
        vector_pack (&counting, &packed);
        peer_welcome_t message = {.verb = PEER_WELCOME, .counting = buffer_slice (&packed)};
        link_line_send (step, line, &peer_welcome_type, &message, NULL);
    }
    vector_release (&counting);
    buffer_release (&packed);
}

int link_on_return (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_return_t ask;
    client_t client;
    vector_t shared = {NULL, 0, 0};
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0};
    int rc = message_unpack (&peer_return_type, frame, &ask, NULL);
    cursor_t cursor = cursor_over (ask.shared);
    if (rc == 0)
        rc = vector_unpack (&cursor, &shared);
    if (rc == 0 && !self->joining && !line->returns &&
        clients_get (step->txn, &line->client, &client) == 0 && client_is_member (&client) &&
        link_may_return (self, step, &line->client, &shared)) {
        line->outside = true;
        if (client_declared (&client)) {
            client_pack_stale (false, &value);
            pack_array (&clients, 3);
            pack_uint (&clients, ACTION_UPDATE);
            pack_bin (&clients, slice_of (&line->client, sizeof line->client));
            pack_raw (&clients, buffer_slice (&value));
            write_out_t write = {.what = slice_text ("a return")};
            slice_t body = buffer_slice (&clients);
            step_send (step, ACTOR_OPLOG, MAIL_WRITE, line->number | LINK_RETURN_TICKET,
                &write_out_type, &write, &body, 1);
        } else
            welcome (step, line);
    }
    vector_release (&shared);
    buffer_release (&value);
    buffer_release (&clients);
    return rc;
}

void link_return_stated (link_t *self, step_t *step, uint64_t number, int error)
{
    line_t *line = link_line (self, number);
    if (line && line->state == LINE_OPEN && error == 0)
        welcome (step, line);
}

int link_on_welcome (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_welcome_t message;
    int rc = message_unpack (&peer_welcome_type, frame, &message, NULL);
    if (rc || self->joining || !line->returns)
        return rc;
    go_back_t back = {.giver = line->client, .counting = message.counting};
    step_send (step, ACTOR_OPLOG, MAIL_GO_BACK, 0, &go_back_type, &back, NULL, 0);
    return 0;
}

//  link_return - the fence around who has to return, and the way back through it
//
//  A peer is outside if it was declared stale here, if it has not applied that it once was, or if it needs
//  what our log no longer keeps. Over its line nothing passes but this:
//
//      we                                     a peer that is outside
//       | ---- outside (half) -----------------> |
//       | <--- return (its vector) ------------- |   again with each ping
//       |      it is stated to be back            |
//       | ---- welcome (ours) ------------------> |   from here it is joining: it greets anew, and copies
//
//  Whoever has welcomed a peer does not return itself before that has begun, and whoever is about to return
//  welcomes nobody: so of those that wait for each other one is always there to give. Where three have welcomed
//  one another in a ring, at least one goes, and at least one stays.
//
//  If each is outside for the other, two halves of a pool had declared each other: the half with the
//  earliest member stays, and who is in the other returns.

#include "actors/link/link.h"
#include "actors/members.h"

#include "messages/counting.h"

#include <stdlib.h>

#define RETURN_PATIENCE                                                                            \
    (600ull << 32) // for which a client that returns and is not seen is waited for

//  ---- who is outside

bool link_is_out (link_t *self, step_t *step)
{
    client_t me;
    return clients_get (step->txn, &self->me, &me) == 0 && client_out (&me);
}

uuid16_t link_returned_to (link_t *self, step_t *step)
{
    client_t me;
    uuid16_t nobody = {{0}};
    return clients_get (step->txn, &self->me, &me) ? nobody : me.returning.client;
}

uint64_t link_came_back (step_t *step)
{
    uint64_t time;
    return node_get_uint (step->txn, "came_back", &time) ? 0 : time;
}

//  Is the member to which the peer returned out here itself? Then that was another half: what was compared there says
//  nothing of what was forgotten here.
static bool has_returned_elsewhere (link_t *self, step_t *step, const line_t *line)
{
    client_t member;
    return !uuid_equal (&line->returned_to, &self->me) &&
           clients_get (step->txn, &line->returned_to, &member) == 0 && client_out (&member);
}

//  Has the peer itself said that it is back, since it was declared? Somebody else's word only lifts the declaration
//  where that one returned to.
static bool has_come_back (const line_t *line, const timestamp_t *out)
{
    const timestamp_t back = {line->back, line->client};
    return line->back && timestamp_compare (&back, out) > 0;
}

//  Who has applied what keeps it out here knows itself whether it has returned since.
static bool is_outside (link_t *self, step_t *step, line_t *line)
{
    client_t client;
    line->fence = 0;
    if (clients_get (step->txn, &line->client, &client)) {
        const peer_t *peer = link_peer (self, &line->client);
        return !peer || !peer->named;
    }
    const timestamp_t *out = client_out (&client);
    if (out && (line->says_out || !vector_covers (&line->shared, out) ||
                   !has_come_back (line, out) || has_returned_elsewhere (self, step, line)))
        return true;
    line->fence = out ? out->time : 0;
    vector_clear (&self->seen);
    return link_base (step, &self->seen) != 0 || !vector_covers_all (&line->shared, &self->seen);
}

static bool is_earlier (const client_t *self, const client_t *than)
{
    return timestamp_is_none (&than->admitted) ||
           timestamp_compare (&self->admitted, &than->admitted) < 0;
}

//  The earliest member of those that go on together names the half that we are in. Where all are out whoever is the
//  earliest of them is left: somebody has to be returned to. Who only joins has nothing to go on with.
static client_t half_of (link_t *self, step_t *step)
{
    client_t earliest = {.admitted = {0}}, left = {.admitted = {0}}, client;
    uuid16_t after;
    int rc;
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        after = client.uuid;
        if (!client_is_member (&client) ||
            (!uuid_equal (&client.uuid, &self->me) && !vector_find (&self->shared, &client.uuid)))
            continue;
        client_t *of = client_out (&client) ? &left : &earliest;
        if (is_earlier (&client, of))
            *of = client;
    }
    return timestamp_is_none (&earliest.admitted) ? left : earliest;
}

static bool has_to_return (link_t *self, step_t *step)
{
    if (!link_is_out (self, step))
        return false;
    client_t half = half_of (self, step);
    return !uuid_equal (&half.uuid, &self->me);
}

void link_fence (link_t *self, step_t *step, line_t *line)
{
    if (self->joining || line->peer_joins)
        return;
    line->outside = is_outside (self, step, line);
    line->returns = has_to_return (self, step) || link_restored_has_to (self, line);
    if (!line->outside || self->own_until) // who was restored serves nobody
        return;
    client_t half = half_of (self, step);
    buffer_t packed = {NULL, 0, 0};
    timestamp_pack (&half.admitted, &packed);
    peer_outside_t outside = {.verb = PEER_OUTSIDE, .half = buffer_slice (&packed)};
    link_line_send (step, line, &peer_outside_type, &outside, NULL);
    buffer_release (&packed);
}

void link_fence_client (link_t *self, step_t *step, const client_t *client)
{
    const timestamp_t *out = client_out (client);
    bool mine = uuid_equal (&client->uuid, &self->me);
    if (!out || self->joining)
        return;
    for (size_t i = self->line_count; i-- > 0;) {
        line_t *line = self->lines[i];
        bool fenced =
            line->outside || line->peer_joins || line->returns || line->fence == out->time;
        bool told = line->fence && uuid_equal (&line->returned_to, &client->uuid);
        if (line->state == LINE_OPEN &&
            ((!fenced && (mine || uuid_equal (&line->client, &client->uuid))) ||
                (told && !line->outside && !line->peer_joins)))
            link_line_close (self, step, line, ERR_STALE, NULL);
    }
}

//  ---- the way back

//  One member is asked at a time, or two would state that we are back.
static bool is_first_of_returns (link_t *self, step_t *step, const line_t *line)
{
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i]->returns && self->lines[i]->state == LINE_OPEN &&
            link_restored_may_return (self, step, self->lines[i]))
            return self->lines[i] == line;
    return false;
}

void link_return_ask (link_t *self, step_t *step, line_t *line)
{
    vector_t shared = {NULL, 0, 0};
    buffer_t packed = {NULL, 0, 0};
    if (self->joining || self->going || !line->returns || !is_first_of_returns (self, step, line) ||
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
    client_t ours = half_of (self, step);
    timestamp_t theirs;
    int rc = message_unpack (&peer_outside_type, frame, &outside, NULL);
    cursor_t cursor = cursor_over (outside.half);
    if (rc == 0)
        rc = timestamp_unpack (&cursor, &theirs);
    if (rc)
        return rc;
    int order = timestamp_compare (&ours.admitted, &theirs);
    if (order == 0) // of one half: who names it stays
        order = uuid_equal (&ours.uuid, &self->me)       ? -1
                : uuid_equal (&ours.uuid, &line->client) ? 1
                                                         : uuid_compare (&self->me, &line->client);
    line->returns = !line->outside || order > 0;
    line->outside = true;
    link_return_ask (self, step, line);
    return 0;
}

//  ---- who may

//  A client may return when it was counted out here, or is on its way back already, or was never declared; and we
//  have all that it has of those that count. Who has to return itself gives only to who was restored, and wants
//  what it wrote from us.
bool link_may_return (link_t *self, step_t *step, const line_t *line, const vector_t *shared)
{
    members_t members = {.count = 0};
    client_t client;
    bool may = members_load (step->txn, &members) == 0 &&
               clients_get (step->txn, &line->client, &client) == 0 && client_is_member (&client) &&
               (line->holds_members || !has_to_return (self, step));
    if (may) {
        pool_view_t view = members_view (&members, &self->me);
        may = (!client_declared (&client) || !pool_counts (&view, &client)) &&
              pool_is_caught_up (&view, shared, &line->client);
    }
    members_release (&members);
    return may;
}

//  Was it seen since not long ago, by anybody who tells? Who does not come any more is not waited for: its statement
//  stands until it is declared anew.
static bool is_seen_lately (const link_t *self, const step_t *step, const client_t *client)
{
    cursor_t cursor = cursor_over (buffer_slice (&self->ages));
    uint64_t said = client->returning.time, age;
    size_t count, pair;
    uuid16_t uuid;
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i]->copying && uuid_equal (&self->lines[i]->client, &client->uuid))
            return true;
    if (cursor_array (&cursor, &count))
        return false;
    while (count-- && cursor_array (&cursor, &pair) == 0 &&
           cursor_bin_exact (&cursor, &uuid, sizeof uuid) == 0 && cursor_uint (&cursor, &age) == 0)
        if (age < RETURN_PATIENCE && uuid_equal (&uuid, &client->uuid))
            return true;
    return step->now.wall < said || step->now.wall - said < RETURN_PATIENCE;
}

//  Two of one half that return at once may differ in what they still remember: as far as it is known here, one
//  returns after the other, and of two that were both let return the earlier goes on. Not after one that was to return to
//  the very client that asks now: nobody is served there.
bool link_somebody_returns (const link_t *self, step_t *step, const uuid16_t *but)
{
    client_t client, asker;
    uuid16_t after;
    int rc;
    if (self->stating)
        return true;
    bool goes_on = clients_get (step->txn, but, &asker) == 0 && client_returns (&asker);
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        after = client.uuid;
        if (client_returns (&client) && !uuid_equal (&client.uuid, but) &&
            !uuid_equal (&client.returning.client, but) &&
            (!goes_on || timestamp_compare (&client.returning, &asker.returning) < 0) &&
            is_seen_lately (self, step, &client))
            return true;
    }
    return false;
}

static void welcome (step_t *step, line_t *line)
{
    buffer_t packed = {NULL, 0, 0};
    vector_pack (&line->asked, &packed);
    peer_welcome_t message = {.verb = PEER_WELCOME, .shared = buffer_slice (&packed)};
    line->welcomed_ns = step->now.mono_ns;
    link_line_send (step, line, &peer_welcome_type, &message, NULL);
    buffer_release (&packed);
}

//  That it returns is stated before it begins: from then on it counts again.
void link_return_state (link_t *self, step_t *step, const line_t *line)
{
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0};
    client_pack_returning (&value);
    pack_array (&clients, 3);
    pack_uint (&clients, ACTION_UPDATE);
    pack_bin (&clients, slice_of (&line->client, sizeof line->client));
    pack_raw (&clients, buffer_slice (&value));
    write_out_t write = {.what = slice_text ("a return")};
    slice_t body = buffer_slice (&clients);
    step_send (step, ACTOR_OPLOG, MAIL_WRITE, line->number | LINK_RETURN_TICKET, &write_out_type,
        &write, &body, 1);
    self->stating = true;
    buffer_release (&value);
    buffer_release (&clients);
}

bool link_is_forked (step_t *step, const uuid16_t *client, const vector_t *shared)
{
    const watermark_t *mark = vector_find (shared, client);
    batch_t batch = {.bytes = {NULL, 0}};
    uint64_t sequence;
    slice_t bytes;
    if (!mark || pending_find (step->txn, client, mark->upto - 1, &sequence, &bytes) ||
        batch_decode (bytes, &batch))
        return false;
    bool forked = batch.upto == mark->upto ? !hash_equal (&batch.hash, &mark->hash)
                  : batch.after == mark->upto
                      ? !batch.issues_anew && !hash_equal (&batch.previous, &mark->hash)
                      : !batch.issues_anew && batch.after < mark->upto;
    batch_release (&batch);
    return forked;
}

static void fork_tell (link_t *self, step_t *step, line_t *line)
{
    char subject[UUID_TEXT_SIZE];
    uuid_to_text (&line->client, subject);
    step_alarm (step, error_name (ERR_FORKED), subject,
        "it wants to return with batches that are not those of its chain: is its data directory in "
        "use twice, or was it restored and written to?");
    link_line_close (self, step, line, ERR_FORKED, NULL);
}

int link_on_return (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_return_t ask;
    client_t client;
    vector_t shared = {NULL, 0, 0};
    int rc = message_unpack (&peer_return_type, frame, &ask, NULL);
    cursor_t cursor = cursor_over (ask.shared);
    if (rc == 0)
        rc = vector_unpack (&cursor, &shared);
    if (rc == 0 && link_is_forked (step, &line->client, &shared)) {
        fork_tell (self, step, line);
        vector_release (&shared);
        return 0;
    }
    bool may = rc == 0 && !self->joining && !self->going && !self->own_until &&
               (line->holds_members || !line->returns) &&
               link_may_return (self, step, line, &shared) &&
               !link_somebody_returns (self, step, &line->client) &&
               clients_get (step->txn, &line->client, &client) == 0;
    if (may) {
        line->outside = true;
        vector_copy (&line->asked, &shared);
        //  By our own word: by it those know with whom it compared itself who keep us out, or another. A later one of another,
        //  which is out here and not heard, would hide it.
        bool said = uuid_equal (&line->returned_to, &self->me) || line->welcomed_ns;
        if (client_returns (&client) && uuid_equal (&client.returning.client, &self->me) && said)
            welcome (step, line);
        else
            link_return_state (self, step, line);
    }
    vector_release (&shared);
    return rc;
}

void link_return_stated (link_t *self, step_t *step, uint64_t number, int error)
{
    line_t *line = link_line (self, number);
    self->stating = false;
    if (!line || line->state != LINE_OPEN || error || self->joining || self->going)
        return;
    if (line->peer_joins)
        link_copy_go_on (self, step, line);
    else
        welcome (step, line);
}

//  Who was welcomed comes soon, or not at all: it may have welcomed somebody itself.
static bool is_expected (link_t *self, step_t *step, const line_t *line)
{
    uint64_t patience = 3 * self->setup->config->ping_interval_s * SECOND_NS;
    return line->welcomed_ns && step->now.mono_ns - line->welcomed_ns < patience;
}

int link_on_welcome (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_welcome_t message;
    vector_t asked = {NULL, 0, 0};
    int rc = message_unpack (&peer_welcome_type, frame, &message, NULL);
    cursor_t cursor = cursor_over (message.shared);
    if (rc == 0)
        rc = vector_unpack (&cursor, &asked);
    vector_release (&asked);
    if (rc || self->joining || self->going || !line->returns)
        return rc;
    //  In a ring, where each has let the next one return, all would wait: who comes behind its giver by their names goes.
    bool waits = uuid_compare (&self->me, &line->client) < 0;
    for (size_t i = 0; i < self->line_count; i++)
        if ((waits && is_expected (self, step, self->lines[i])) || self->lines[i]->copying)
            return 0;
    self->going = true;
    go_back_t back = {.giver = line->client, .asked = message.shared};
    step_send (step, ACTOR_OPLOG, MAIL_GO_BACK, LINK_GOING_TICKET, &go_back_type, &back, NULL, 0);
    return 0;
}

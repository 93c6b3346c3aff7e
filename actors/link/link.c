//  link - speaks with peers
//
//  Takes    EDGE_IN, EDGE_EVENT, EDGE_BOUND (its edge); ADVANCED, TAKEN, WRITTEN,
//           REPAIRED, RESTAMPED (oplog); PEERS, DOOR_DIAL, DOOR_REPLY,
//           DOOR_KEYS (pool); COMMAND (admin)
//  Sends    EDGE_OUT, EDGE_DIAL, EDGE_HANG_UP, EDGE_ADMIT (its edge); TAKE_BATCHES, TAKE_ROWS, COPY_BEGIN, COPY_CHUNK,
//           REPAIR, RESTAMP, TOLD, DECLARE, WRITE (oplog); SEEN, DOOR_KNOCK, DOOR_ANSWERED, EDGE_BOUND (pool); COMMANDED, ALARM (admin)
//  Keeps    nothing on disk but the ports that it was given; no queue for anybody: the log is the queue

#include "actors/link/link.h"
#include "actors/link/repair.h"

#include "actors/declarations.h"
#include "store/backup.h"

#include <stdlib.h>

peer_t *link_peer (link_t *self, const uuid16_t *client)
{
    for (size_t i = 0; i < self->peer_count; i++)
        if (uuid_equal (&self->peers[i].client, client))
            return &self->peers[i];
    return NULL;
}

//  ---- members

static void endpoint_add (endpoint_list_t *list, const char *endpoint)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp (list->items[i], endpoint) == 0)
            return;
    if (list->count < LIMIT_ENDPOINTS)
        memcpy (list->items[list->count++], endpoint, strlen (endpoint) + 1);
}

static void peer_fill (link_t *self, peer_t *peer, const client_t *client)
{
    const config_t *config = self->setup->config;
    peer->endpoints.count = 0;
    memcpy (peer->name, client->name, sizeof peer->name);
    for (size_t i = 0; i < client->endpoint_count; i++)
        endpoint_add (&peer->endpoints, client->endpoints[i]);
    for (size_t i = 0; i < config->connect_count; i++)
        if (uuid_equal (&config->connect[i].client, &client->uuid))
            endpoint_add (&peer->endpoints, config->connect[i].endpoint);
}

peer_t *link_peer_add (link_t *self, const client_t *client)
{
    if (uuid_equal (&client->uuid, &self->me))
        return NULL;
    peer_t *peer = link_peer (self, &client->uuid);
    if (!peer) {
        peer_t *grown = realloc (self->peers, (self->peer_count + 1) * sizeof *grown);
        if (!grown)
            abort ();
        self->peers = grown;
        peer = &grown[self->peer_count++];
        memset (peer, 0, sizeof *peer);
        peer->client = client->uuid;
        curve_of_key (&client->key, &peer->curve);
    }
    peer_fill (self, peer, client);
    return peer;
}

static void peer_drop (
    link_t *self, step_t *step, const uuid16_t *client, int error, const char *text)
{
    for (size_t i = self->line_count; i-- > 0;)
        if (uuid_equal (&self->lines[i]->client, client))
            link_line_close (self, step, self->lines[i], error, text);
    for (size_t i = 0; i < self->peer_count; i++)
        if (uuid_equal (&self->peers[i].client, client)) {
            link_refusal_over (step, &self->peers[i]);
            vector_release (&self->peers[i].shared);
            buffer_release (&self->peers[i].told_of);
            memmove (&self->peers[i], &self->peers[i + 1],
                (--self->peer_count - i) * sizeof *self->peers);
            return;
        }
}

//  Whoever was named, and is not known here now that nothing is missing any more: it comes again when it is.
void link_strangers_drop (link_t *self, step_t *step)
{
    client_t client;
    for (size_t i = self->peer_count; i-- > 0;) {
        self->peers[i].told = self->peers[i].excused = self->peers[i].gone = false;
        buffer_release (&self->peers[i].told_of);
        if (!self->peers[i].named)
            continue;
        self->peers[i].named = false;
        uuid16_t uuid = self->peers[i].client;
        if (clients_get (step->txn, &uuid, &client))
            peer_drop (self, step, &uuid, ERR_NOT_MEMBER, "its admission is not known here yet");
    }
    self->was_told = false;
    link_keys_admit (self, step);
}

void link_keys_admit (link_t *self, step_t *step)
{
    edge_admit_t admit = {.socket = LINK_PEERS};
    buffer_clear (&self->scratch);
    pack_array (&self->scratch, self->peer_count);
    for (size_t i = 0; i < self->peer_count; i++)
        pack_bin (&self->scratch, slice_of (&self->peers[i].curve, KEY_SIZE));
    admit.keys = buffer_slice (&self->scratch);
    step_send (step, ACTOR_EDGE, MAIL_EDGE_ADMIT, 0, &edge_admit_type, &admit, NULL, 0);
}

static int giver_load (link_t *self, step_t *step, bool *ret_here)
{
    slice_t stored;
    client_t giver;
    int rc = node_get (step->txn, NODE_SETTINGS, slice_text ("giver"), &stored);
    *ret_here = false;
    if (rc)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    cursor_t cursor = cursor_over (stored);
    if (client_unpack (&cursor, &giver))
        return ERR_CORRUPT;
    if (!self->begun)
        self->giver = giver.uuid;
    link_peer_add (self, &giver);
    *ret_here = true;
    return 0;
}

void link_joining_load (link_t *self, step_t *step)
{
    slice_t stored;
    position_t position;
    int rc = node_get (step->txn, NODE_SETTINGS, slice_text ("joining"), &stored);
    self->joining = rc == 0;
    self->begun = rc == 0 && position_unpack (stored, &position) == 0 &&
                  (position.resource[0] || position.end);
    restored_get (step->txn, &self->own_until);
}

//  Reads who is a member, and, while a copy is under way, who gives it.
int link_members_load (link_t *self, step_t *step)
{
    uuid16_t after;
    client_t client;
    slice_t stored;
    bool has_giver;
    int rc;
    link_joining_load (self, step);
    if (node_get (step->txn, NODE_SETTINGS, slice_text ("pool"), &stored) == 0 &&
        stored.size == sizeof self->pool)
        memcpy (&self->pool, stored.data, sizeof self->pool);
    rc = giver_load (self, step, &has_giver);
    if (rc)
        return rc;
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        after = client.uuid;
        if (client_is_member (&client)) {
            link_peer_add (self, &client);
            link_fence_client (self, step, &client);
        } else if (!has_giver || !uuid_equal (&client.uuid, &self->giver))
            peer_drop (self, step, &client.uuid,
                timestamp_is_none (&client.removed) ? ERR_NOT_MEMBER : ERR_REMOVED, NULL);
    }
    link_keys_admit (self, step);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int vectors_load (link_t *self, step_t *step)
{
    int rc = watermarks_load (step->txn, WATERMARK_SHARED, &self->shared);
    if (rc == 0)
        rc = watermarks_load (step->txn, WATERMARK_ROWS, &self->rows);
    if (rc == 0)
        rc = pending_last (step->txn, &self->sequence);
    return rc;
}

//  ---- mail

void link_lines_renew (link_t *self, step_t *step, const char *why)
{
    for (size_t i = self->line_count; i-- > 0;)
        link_line_close (self, step, self->lines[i], 0, why);
    for (size_t i = 0; i < self->peer_count; i++) {
        self->peers[i].redial_ns = 0;
        self->peers[i].backoff_ns = 0;
    }
}

//  Who copies, and who no longer does, greets anew: its hello says which it is. What is stored may be ahead of the mail
//  that tells of it, so this looks at what the lines were opened as.
static void joining_follow (link_t *self, step_t *step)
{
    if (self->joining == self->lines_joining)
        return;
    self->lines_joining = self->joining;
    self->joining_ns = step->now.mono_ns;
    vectors_load (self, step);
    link_lines_renew (self, step, self->joining ? "taking a copy" : "the copy is complete");
}

//  Who was greeted, and not only who is linked: what the greeting did not know yet comes behind it, and
//  ahead of all data.
static void declarations_tell (link_t *self, step_t *step)
{
    peer_declare_t declare = {.verb = PEER_DECLARE};
    buffer_t resources = {NULL, 0, 0};
    if (declarations_pack (step->txn, &resources))
        pack_map (&resources, 0);
    declare.resources = buffer_slice (&resources);
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i]->greeted)
            link_line_send (step, self->lines[i], &peer_declare_type, &declare, NULL);
    buffer_release (&resources);
}

static void on_advanced (link_t *self, step_t *step, const mail_t *mail)
{
    advanced_t advanced;
    vector_t shared = {NULL, 0, 0}, rows = {NULL, 0, 0};
    if (step_unpack (step, mail, &advanced_type, &advanced))
        return;
    cursor_t shared_cursor = cursor_over (advanced.shared),
             rows_cursor = cursor_over (advanced.rows);
    if (vector_unpack (&shared_cursor, &shared) == 0 && vector_unpack (&rows_cursor, &rows) == 0) {
        vector_merge (&self->shared, &shared);
        vector_merge (&self->rows, &rows);
        self->sequence = advanced.sequence;
        self->spoilt_look = self->spoilt_count > 0;
        link_alarm_over (step, error_name (ERR_CLOCK_AHEAD), &self->ahead, &self->shared);
        link_alarm_over (step, error_name (ERR_CLOCK_AHEAD), &self->ahead, &self->rows);
        link_alarm_over (step, "RESTORED", &self->restored, &self->shared);
        for (size_t i = 0; i < self->line_count; i++)
            if (self->lines[i]->state == LINE_OPEN) {
                vector_merge (&self->lines[i]->ack_shared, &shared);
                vector_merge (&self->lines[i]->ack_rows, &rows);
            }
    }
    vector_release (&shared);
    vector_release (&rows);
    cursor_t fell = cursor_over (advanced.fell);
    size_t fallen = 0;
    if (advanced.fell.size && cursor_array (&fell, &fallen) == 0 && fallen) {
        vectors_load (self, step);
        link_on_fell (self, step, advanced.fell);
    }
    if (advanced.resources)
        declarations_tell (self, step);
    if (advanced.joined)
        vectors_load (self, step);
    if (advanced.joined || advanced.clients)
        link_members_load (self, step);
    joining_follow (self, step);
}

static void on_bound (link_t *self, step_t *step, const mail_t *mail)
{
    static const char *const settings[] = {"bound/peers", "bound/door"};
    edge_bound_t bound;
    buffer_t put = {NULL, 0, 0};
    if (step_unpack (step, mail, &edge_bound_type, &bound) || bound.socket > LINK_DOOR)
        return;
    buffer_clear (&self->bound[bound.socket]);
    buffer_append (&self->bound[bound.socket], bound.endpoints.data, bound.endpoints.size);
    pack_array (&put, 3);
    pack_uint (&put, NODE_SETTINGS);
    pack_bin (&put, slice_text (settings[bound.socket]));
    pack_bin (&put, bound.endpoints);
    slice_t frames[] = {{NULL, 0}, {NULL, 0}, buffer_slice (&put)};
    write_out_t write = {.what = slice_text ("the ports that were given")};
    step_send (step, ACTOR_OPLOG, MAIL_WRITE, 0, &write_out_type, &write, frames, 3);
    step_send (step, ACTOR_POOL, MAIL_EDGE_BOUND, 0, &edge_bound_type, &bound, NULL, 0);
    buffer_release (&put);
}

static void on_edge_in (link_t *self, step_t *step, mail_t **mail_p)
{
    const mail_t *mail = *mail_p;
    edge_in_t in;
    if (step_unpack (step, mail, &edge_in_type, &in))
        return;
    metric_add (
        step->metrics, METRIC_PEER_BYTES_IN, mail_frame (mail, 0).size + mail_frame (mail, 1).size);
    if (in.socket == LINK_DOOR) {
        if (in.line == self->door.line && in.line) {
            link_door_heard (self, step, mail_frame (mail, 0));
            return;
        }
        if (pack_check (mail_frame (mail, 0)) || in.line % 2) {
            metric_add (step->metrics, METRIC_PEER_GARBAGE, 1);
            return;
        }
        door_knock_t knock = {.line = in.line, .curve = in.key, .request = mail_frame (mail, 0)};
        step_send (step, ACTOR_POOL, MAIL_DOOR_KNOCK, 0, &door_knock_type, &knock, NULL, 0);
        return;
    }
    line_t *line = link_line (self, in.line);
    if (!line && in.line % 2 == 0) {
        line = link_line_add (self, step, in.line);
        line->key = in.key;
        line->state = LINE_GREETING;
    }
    //  Whose message this is says its own key, each time: a key that was withdrawn keeps its connection.
    if (line && memcmp (&line->key, &in.key, sizeof line->key) == 0)
        link_hear (self, step, line, mail_p);
    else
        metric_add (step->metrics, METRIC_PEER_GARBAGE, 1);
}

static void on_door_reply (step_t *step, const mail_t *mail)
{
    door_reply_t reply;
    if (step_unpack (step, mail, &door_reply_type, &reply))
        return;
    edge_out_t out = {.socket = LINK_DOOR, .line = reply.line};
    step_send (step, ACTOR_EDGE, MAIL_EDGE_OUT, 0, &edge_out_type, &out, &reply.answer, 1);
}

static void on_door_keys (step_t *step, const mail_t *mail)
{
    door_keys_t keys;
    if (step_unpack (step, mail, &door_keys_type, &keys))
        return;
    edge_admit_t admit = {.socket = LINK_DOOR, .keys = keys.keys};
    step_send (step, ACTOR_EDGE, MAIL_EDGE_ADMIT, 0, &edge_admit_type, &admit, NULL, 0);
}

static void on_written (link_t *self, step_t *step, const mail_t *mail)
{
    written_t written;
    uint64_t ticket = mail->envelope.ticket;
    if (step_unpack (step, mail, &written_type, &written) || !ticket)
        return;
    if (ticket & LINK_GOING_TICKET)
        self->going = false; // if it is begun we hear that we are joining
    else if (ticket & LINK_RETURN_TICKET)
        link_return_stated (self, step, ticket & ~LINK_RETURN_TICKET, -(int)written.error);
    else
        link_on_declared (self, step, ticket, -(int)written.error, written.message);
}

static void on_peers (link_t *self, step_t *step, const mail_t *mail)
{
    peers_t peers;
    if (step_unpack (step, mail, &peers_type, &peers))
        return;
    buffer_clear (&self->ages);
    buffer_append (&self->ages, peers.ages.data, peers.ages.size);
}

static void link_receive (void *core, step_t *step, mail_t **mail_p)
{
    link_t *self = core;
    mail_t *mail = *mail_p;
    edge_event_mail_t event;
    door_dial_t dial;
    switch (mail->envelope.verb) {
    case MAIL_EDGE_IN: on_edge_in (self, step, mail_p); break;
    case MAIL_EDGE_BOUND: on_bound (self, step, mail); break;
    case MAIL_EDGE_EVENT:
        if (step_unpack (step, mail, &edge_event_mail_type, &event) == 0)
            link_on_event (self, step, &event);
        break;
    case MAIL_ADVANCED: on_advanced (self, step, mail); break;
    case MAIL_TAKEN: link_on_taken (self, step, mail); break;
    case MAIL_WRITTEN: on_written (self, step, mail); break;
    case MAIL_REPAIRED: link_on_repaired (self, step, mail); break;
    case MAIL_RESTAMPED: link_on_restamped (self, step, mail); break;
    case MAIL_PEERS: on_peers (self, step, mail); break;
    case MAIL_DOOR_REPLY: on_door_reply (step, mail); break;
    case MAIL_DOOR_KEYS: on_door_keys (step, mail); break;
    case MAIL_DOOR_DIAL:
        if (step_unpack (step, mail, &door_dial_type, &dial) == 0)
            link_door_dial (self, step, &dial);
        break;
    case MAIL_COMMAND: link_on_command (self, step, mail); break;
    default: metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
    }
    step_wake_at (step, 0); // acknowledge and feed when all that has arrived was heard
}

//  ---- time

static void ack (link_t *self, step_t *step, line_t *line)
{
    peer_ack_t message = {.verb = PEER_ACK, .credit = line->credit_due};
    if (!line->credit_due && !line->ack_shared.count && !line->ack_rows.count)
        return;
    buffer_clear (&self->scratch);
    vector_pack (&line->ack_shared, &self->scratch);
    size_t shared_size = self->scratch.size;
    vector_pack (&line->ack_rows, &self->scratch);
    message.shared = slice_of (self->scratch.data, shared_size);
    message.rows = slice_of (self->scratch.data + shared_size, self->scratch.size - shared_size);
    link_line_send (step, line, &peer_ack_type, &message, NULL);
    line->credit_due = 0;
    vector_clear (&line->ack_shared);
    vector_clear (&line->ack_rows);
}

static void line_tick (link_t *self, step_t *step, line_t *line)
{
    uint64_t now = step->now.mono_ns;
    uint64_t interval = self->setup->config->ping_interval_s * SECOND_NS;
    if (line->state != LINE_OPEN) {
        if (now - line->since_ns >= GREETING_NS)
            link_line_close (self, step, line, ERR_NO_ANSWER, "no hello");
        else
            step_wake_at (step, line->since_ns + GREETING_NS);
        return;
    }
    if (now - line->heard_ns >= 3 * interval) {
        link_line_close (self, step, line, ERR_NO_ANSWER, "silent for three pings");
        return;
    }
    if (link_copy_is_over (step, line)) {
        link_line_close (self, step, line, ERR_BUSY, "it was declared while it waited for a copy");
        return;
    }
    link_doubts_tick (self, step, line);
    ack (self, step, line);
    link_holds_tick (step, line);
    link_copy_go_on (self, step, line);
    link_feed (self, step, line);
    link_repair_tick (self, step, line);
    if (now - line->pinged_ns >= interval) {
        link_ping (self, step, line, PEER_PING);
        link_restored_ask (self, step, line);
        link_return_ask (self, step, line);
        link_spoilt_ask (self, step, line);
    }
    step_wake_at (step, line->pinged_ns + interval);
}

static void link_tick (void *core, step_t *step)
{
    link_t *self = core;
    self->repair_budget = REPAIR_ROUND_RECORDS;
    link_spoilt_tick (self, step);
    for (size_t i = self->line_count; i-- > 0;)
        line_tick (self, step, self->lines[i]);
    link_restamp_tick (self, step);
    link_restored_tick (self, step);
    self->any_gives = self->joining && step->now.mono_ns - self->joining_ns >= GIVER_PATIENCE_NS;
    link_dial_all (self, step);
    link_door_tick (self, step);
}

//  ---- life

static int link_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    link_t *self = calloc (1, sizeof *self);
    if (!self)
        return ERR_NO_MEMORY;
    self->sound = calloc (SOUND_MOST, sizeof *self->sound);
    if (!self->sound) {
        free (self);
        return ERR_NO_MEMORY;
    }
    self->setup = setup;
    self->me = setup->identity->client;
    self->next_line = 1;
    pack_array (&self->ages, 0);
    int rc = vectors_load (self, step);
    if (rc == 0)
        rc = link_members_load (self, step);
    self->lines_joining = self->joining;
    self->joining_ns = step->now.mono_ns;
    *ret_self = self;
    if (rc)
        link_class.close (ret_self);
    step_wake_at (step, 0);
    return rc;
}

static void link_close (void **core_p)
{
    link_t *self = *core_p;
    while (self->line_count)
        link_line_free (self, self->lines[self->line_count - 1]);
    for (size_t i = 0; i < self->peer_count; i++) {
        vector_release (&self->peers[i].shared);
        buffer_release (&self->peers[i].told_of);
    }
    free (self->peers);
    free (self->lines);
    free (self->paused);
    free (self->sound);
    vector_release (&self->shared);
    vector_release (&self->rows);
    vector_release (&self->target_shared);
    vector_release (&self->target_rows);
    vector_release (&self->seen);
    vector_release (&self->ahead);
    vector_release (&self->restored);
    link_sources_release (self);
    link_marks_release (self);
    buffer_release (&self->ages);
    buffer_release (&self->restored_text);
    buffer_release (&self->bound[0]);
    buffer_release (&self->bound[1]);
    buffer_release (&self->door.request);
    buffer_release (&self->scratch);
    free (self);
    *core_p = NULL;
}

const actor_class_t link_class = {
    .actor = ACTOR_LINK,
    .txn = TXN_READ,
    .open = link_open,
    .receive = link_receive,
    .tick = link_tick,
    .close = link_close,
};

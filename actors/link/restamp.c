//  link_restamp - how far has anybody what this client wrote? (actors/oplog/README.md, "Re-stamping after a wrong clock")
//
//      admin          we                                    each member that was not removed
//        | restamp ->  | ---- holds ------------------------> |   behind all that came before on this line
//        |             | <--- held (its watermarks of us) ---- |
//        |             | RESTAMP to oplog, when all have said
//        | <--- done - | RESTAMPED: all lines are greeted anew
//
//  From the question until the end nobody is given anything: no log, no rows, no copy. Else an answer would be old when
//  it arrives. Who cannot be asked stops it: a guess would fork the chain.

#include "actors/link/link.h"
#include "actors/members.h"

#include <stdio.h>

#define HELD_PATIENCE_NS (10 * SECOND_NS)

//  ---- who is asked

//  This node too, and who asks.
static void members_pack (step_t *step, buffer_t *out)
{
    buffer_t packed = {NULL, 0, 0};
    client_t client;
    uuid16_t after;
    size_t count = 0;
    int rc;
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        after = client.uuid;
        if (!timestamp_is_none (&client.admitted)) {
            client_pack (&client, &packed);
            count++;
        }
    }
    pack_array (out, count);
    pack_raw (out, buffer_slice (&packed));
    buffer_release (&packed);
}

static void holds_answer (step_t *step, line_t *line)
{
    vector_t known = {NULL, 0, 0}, before = {NULL, 0, 0}, rows = {NULL, 0, 0};
    vector_t held = {NULL, 0, 0};
    buffer_t packed = {NULL, 0, 0}, members = {NULL, 0, 0};
    int rc = watermarks_load (step->txn, WATERMARK_SHARED, &known);
    if (rc == 0)
        rc = watermarks_load (step->txn, WATERMARK_ROWS, &rows);
    if (rc == 0)
        rc = members_return_vector (step->txn, &before);
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        vector_merge (&known, &before);
        const watermark_t *mark = vector_find (&known, &line->client);
        if (mark)
            vector_set (&held, &line->client, mark->upto, &mark->hash);
        vector_pack (&held, &packed);
        if (line->holds_members)
            members_pack (step, &members);
        peer_held_t answer = {.verb = PEER_HELD,
            .shared = buffer_slice (&packed),
            .rows = vector_upto (&rows, &line->client),
            .members = buffer_slice (&members)};
        link_line_send (step, line, &peer_held_type, &answer, NULL);
        line->holds_due = false;
    }
    vector_release (&known);
    vector_release (&before);
    vector_release (&rows);
    vector_release (&held);
    buffer_release (&packed);
    buffer_release (&members);
}

void link_on_holds (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_holds_t holds;
    int rc = message_unpack (&peer_holds_type, frame, &holds, NULL);
    if (rc)
        link_refuse (self, step, line, rc, "a question how far");
    else {
        line->holds_due = true; // answered in line_tick
        line->holds_members = holds.members;
    }
}

//  What came before on this line is stored, or refused, when oplog has answered for it.
void link_holds_tick (step_t *step, line_t *line)
{
    if (line->holds_due && line->taking == 0)
        holds_answer (step, line);
}

//  ---- who asks

static void restamp_answer (
    link_t *self, step_t *step, int error, const char *message, buffer_t *map)
{
    commanded_t commanded = {.error = (uint64_t)-error, .message = slice_text (message)};
    if (map)
        commanded.answer = buffer_slice (map);
    step_send (step, ACTOR_ADMIN, MAIL_COMMANDED, self->restamp.ticket, &commanded_type, &commanded,
        NULL, 0);
    self->restamp.active = false;
    step_wake_at (step, 0);
}

static void restamp_refuse (link_t *self, step_t *step, const uuid16_t *client, const char *why)
{
    const peer_t *peer = link_peer (self, client);
    char text[LIMIT_NAME_BYTES + 200];
    snprintf (text, sizeof text,
        "%s %s: each member that was not removed is asked how far it has what was written here",
        peer ? peer->name : "a member", why);
    restamp_answer (self, step, ERR_BUSY, text, NULL);
}

//  The first member that has not answered; NULL: all have.
static const uuid16_t *is_missing (link_t *self, bool *ret_linked)
{
    for (size_t i = 0; i < self->peer_count; i++) {
        const line_t *line = link_line_of (self, &self->peers[i].client);
        *ret_linked = line && line->holds_asked;
        if (!*ret_linked || !line->held)
            return &self->peers[i].client;
    }
    return NULL;
}

void link_restamp_begin (link_t *self, step_t *step, const mail_t *mail)
{
    if (self->restamp.active) {
        commanded_t commanded = {
            .error = (uint64_t)-ERR_BUSY, .message = slice_text ("it is under way")};
        step_send (step, ACTOR_ADMIN, MAIL_COMMANDED, mail->envelope.ticket, &commanded_type,
            &commanded, NULL, 0);
        return;
    }
    self->restamp = (restamp_state_t){.active = true,
        .ticket = mail->envelope.ticket,
        .deadline_ns = step->now.mono_ns + HELD_PATIENCE_NS};
    if (self->joining || self->going || self->own_until) {
        restamp_answer (self, step, ERR_BUSY,
            self->own_until ? "this node was restored from a backup, and is not whole yet"
                            : "this node is taking a copy",
            NULL);
        return;
    }
    for (size_t i = 0; i < self->line_count; i++) {
        line_t *line = self->lines[i];
        peer_holds_t holds = {.verb = PEER_HOLDS};
        line->held = false;
        line->holds_asked = line->state == LINE_OPEN;
        if (line->holds_asked)
            link_line_send (step, line, &peer_holds_type, &holds, NULL);
    }
    step_wake_at (step, self->restamp.deadline_ns);
}

void link_on_held (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_held_t held;
    vector_t shared = {NULL, 0, 0};
    int rc = message_unpack (&peer_held_type, frame, &held, NULL);
    cursor_t cursor = cursor_over (held.shared);
    if (rc == 0)
        rc = vector_unpack (&cursor, &shared);
    const watermark_t *mark = vector_find (&shared, &self->me);
    if (rc == 0 && shared.count > (mark != NULL))
        rc = ERR_MALFORMED;
    if (rc == 0 && self->own_until)
        rc = link_restored_held (self, line, held.members, mark ? mark->upto : 0);
    if (rc)
        link_refuse (self, step, line, rc, "how far it has what was written here");
    else if (self->restamp.active && line->holds_asked && !self->restamp.asked_oplog) {
        line->held = true;
        if (vector_upto (&shared, &self->me) > vector_upto (&self->shared, &self->me))
            restamp_refuse (
                self, step, &line->client, "has later batches of this node than itself");
        else if (link_is_forked (step, &self->me, &shared))
            restamp_answer (self, step, ERR_FORKED, "", NULL);
        else if (mark && mark->upto > self->restamp.accepted.upto)
            self->restamp.accepted = *mark;
        if (held.rows > self->restamp.rows)
            self->restamp.rows = held.rows;
    }
    vector_release (&shared);
}

static void oplog_ask (link_t *self, step_t *step)
{
    vector_t accepted = {NULL, 0, 0};
    buffer_t packed = {NULL, 0, 0};
    if (self->restamp.accepted.upto)
        vector_set (
            &accepted, &self->me, self->restamp.accepted.upto, &self->restamp.accepted.hash);
    vector_pack (&accepted, &packed);
    restamp_t ask = {.accepted = buffer_slice (&packed), .rows = self->restamp.rows};
    step_send (step, ACTOR_OPLOG, MAIL_RESTAMP, 0, &restamp_type, &ask, NULL, 0);
    self->restamp.asked_oplog = true;
    vector_release (&accepted);
    buffer_release (&packed);
}

void link_restamp_tick (link_t *self, step_t *step)
{
    bool linked = false;
    if (!self->restamp.active || self->restamp.asked_oplog)
        return;
    const uuid16_t *missing = is_missing (self, &linked);
    if (!missing)
        oplog_ask (self, step);
    else if (!linked)
        restamp_refuse (self, step, missing, "is not linked");
    else if (step->now.mono_ns >= self->restamp.deadline_ns)
        restamp_refuse (self, step, missing, "does not answer");
    else
        step_wake_at (step, self->restamp.deadline_ns);
}

//  ---- what came of it

static void time_add (buffer_t *map, const char *name, const uuid16_t *client, uint64_t time)
{
    timestamp_t stamp = {time, *client};
    pack_string (map, name);
    timestamp_pack (&stamp, map);
}

static void restamped_tell (link_t *self, step_t *step, const restamped_t *restamped)
{
    buffer_t map = {NULL, 0, 0};
    pack_map (&map, restamped->count ? 3 : 1);
    pack_string (&map, "timestamps");
    pack_uint (&map, restamped->count);
    if (restamped->count) {
        time_add (&map, "before", &self->me, restamped->before);
        time_add (&map, "after", &self->me, restamped->after);
    }
    restamp_answer (self, step, 0, "", &map);
    buffer_release (&map);
}

void link_on_restamped (link_t *self, step_t *step, const mail_t *mail)
{
    restamped_t restamped;
    char until[TIMESTAMP_TEXT_SIZE], text[200];
    if (step_unpack (step, mail, &restamped_type, &restamped) || !self->restamp.active)
        return;
    time_to_text (restamped.past, until);
    if (-(int)restamped.error == ERR_CLOCK_AHEAD) {
        snprintf (text, sizeof text,
            "members have taken timestamps up to %s, which is ahead as well: this has to wait",
            until);
        restamp_answer (self, step, ERR_CLOCK_AHEAD, text, NULL);
        return;
    }
    if (restamped.error) {
        restamp_answer (self, step, -(int)restamped.error, "", NULL);
        return;
    }
    for (size_t i = self->line_count; restamped.count && i-- > 0;)
        link_line_close (self, step, self->lines[i], 0, "stamped anew");
    for (size_t i = 0; i < self->peer_count; i++)
        self->peers[i].redial_ns = 0;
    if (restamped.count)
        step_say (step, SAY_INFO, "%llu timestamps that were ahead are stamped anew",
            (unsigned long long)restamped.count);
    restamped_tell (self, step, &restamped);
}

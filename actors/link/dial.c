//  link_dial - whom to call and when, and at which door to knock

#include "actors/link/link.h"

#include "messages/endpoints.h"

#include <stdio.h>
#include <stdlib.h>

bool link_is_paused (const link_t *self, const uuid16_t *client)
{
    for (size_t i = 0; i < self->paused_count; i++)
        if (uuid_equal (&self->paused[i], client))
            return true;
    return self->paused_all;
}

//  Twice as long each time, from one fifth of a second to ten, and up to a quarter more by chance, so that two do not
//  dial in step for ever.
void link_peer_lost (step_t *step, peer_t *peer)
{
    uint8_t chance;
    step->random (step->context, &chance, 1);
    peer->backoff_ns = peer->backoff_ns ? 2 * peer->backoff_ns : REDIAL_FIRST_NS;
    if (peer->backoff_ns > REDIAL_MOST_NS)
        peer->backoff_ns = REDIAL_MOST_NS;
    peer->redial_ns = step->now.mono_ns + peer->backoff_ns + peer->backoff_ns / 1024 * chance;
    step_wake_at (step, peer->redial_ns);
}

//  One member gives the copy: whoever invited, or welcomed, us; once it is under way, or if nobody has given for some time,
//  any other.
bool link_may_give (const link_t *self, const uuid16_t *client)
{
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i]->state == LINE_OPEN)
            return uuid_equal (&self->lines[i]->client, client);
    return self->begun || self->any_gives || uuid_equal (client, &self->giver);
}

static bool may_dial (link_t *self, const peer_t *peer)
{
    if (peer->dialled_line || peer->endpoints.count == 0 || link_is_paused (self, &peer->client) ||
        link_line_of (self, &peer->client))
        return false;
    return !self->joining || link_may_give (self, &peer->client);
}

static void dial (link_t *self, step_t *step, peer_t *peer)
{
    const char *endpoint = peer->endpoints.items[peer->next_endpoint++ % peer->endpoints.count];
    line_t *line = link_line_add (self, step, self->next_line);
    self->next_line += 2;
    line->state = LINE_DIALLED;
    line->client = peer->client;
    line->key = peer->curve;
    peer->dialled_line = line->number;
    edge_dial_t message = {
        .line = line->number, .endpoint = slice_text (endpoint), .server = peer->curve};
    step_send (step, ACTOR_EDGE, MAIL_EDGE_DIAL, 0, &edge_dial_type, &message, NULL, 0);
    step_wake_at (step, line->since_ns + GREETING_NS);
}

void link_dial_all (link_t *self, step_t *step)
{
    for (size_t i = 0; i < self->peer_count; i++) {
        peer_t *peer = &self->peers[i];
        if (!may_dial (self, peer))
            continue;
        if (step->now.mono_ns >= peer->redial_ns)
            dial (self, step, peer);
        else
            step_wake_at (step, peer->redial_ns);
    }
}

//  ---- what happens to connections

//  A member that does not let this node in has not heard of its admission, or knows better: then both would wait for
//  ever, and nobody would say why.
static void refusal_note (step_t *step, peer_t *peer)
{
    char subject[UUID_TEXT_SIZE], text[3 * LIMIT_NAME_BYTES + 400];
    if (peer->refused_ns == 0)
        peer->refused_ns = step->now.mono_ns;
    if (peer->refused_told || step->now.mono_ns - peer->refused_ns < REFUSED_PATIENCE_NS)
        return;
    peer->refused_told = true;
    uuid_to_text (&peer->client, subject);
    snprintf (text, sizeof text,
        "%s does not let this node in: to %s it is no member. Either %s has not heard of the "
        "admission yet, or "
        "this node, or the member that invited it, had been removed before that. If it stays so, "
        "only a new data "
        "directory that joins with a ticket of another member comes into the pool",
        peer->name, peer->name, peer->name);
    step_say (step, SAY_WARNING, "%s", text);
    step_alarm (step, error_name (ERR_NOT_MEMBER), subject, text);
}

void link_refusal_over (step_t *step, peer_t *peer)
{
    char subject[UUID_TEXT_SIZE];
    uuid_to_text (&peer->client, subject);
    if (peer->refused_told)
        step_alarm (step, error_name (ERR_NOT_MEMBER), subject, NULL);
    peer->refused_told = false;
    peer->refused_ns = 0;
}

static void line_event (link_t *self, step_t *step, line_t *line, const edge_event_mail_t *event)
{
    peer_t *peer = link_peer (self, &line->client);
    if (event->event == EDGE_CONNECTED) {
        if (line->state == LINE_DIALLED) {
            line->state = LINE_GREETING;
            link_greet (self, step, line);
        }
        return;
    }
    if (event->event == EDGE_REFUSED && peer)
        refusal_note (step, peer);
    if (event->event == EDGE_UNREACHABLE || event->event == EDGE_REFUSED) {
        metric_add (step->metrics, METRIC_PEERS_UNREACHABLE, 1);
        step_say (step, SAY_DEBUG, "%s is not to be reached: %.*s", peer ? peer->name : "a member",
            (int)event->detail.size, (const char *)event->detail.data);
    }
    bool was_open = line->state == LINE_OPEN;
    link_line_drop (self, step, line);
    if (peer && !was_open)
        link_peer_lost (step, peer);
}

static void door_hang_up (link_t *self, step_t *step)
{
    edge_hang_up_t hang = {.line = self->door.line};
    if (self->door.line)
        step_send (step, ACTOR_EDGE, MAIL_EDGE_HANG_UP, 0, &edge_hang_up_type, &hang, NULL, 0);
    self->door.line = 0;
}

static void door_speak (link_t *self, step_t *step)
{
    edge_out_t out = {.socket = LINK_DOOR, .line = self->door.line};
    slice_t request = buffer_slice (&self->door.request);
    step_send (step, ACTOR_EDGE, MAIL_EDGE_OUT, 0, &edge_out_type, &out, &request, 1);
}

void link_on_event (link_t *self, step_t *step, const edge_event_mail_t *event)
{
    line_t *line = event->line ? link_line (self, event->line) : NULL;
    if (event->event == EDGE_DENIED) {
        metric_add (step->metrics, METRIC_PEERS_DENIED, 1);
        step_say (step, SAY_WARNING, "a stranger was refused at the %s: %.*s",
            event->socket == LINK_DOOR ? "door" : "listening socket", (int)event->detail.size,
            (const char *)event->detail.data);
        return;
    }
    if (event->line && event->line == self->door.line) {
        if (event->event == EDGE_CONNECTED)
            door_speak (self, step);
        else {
            door_hang_up (self, step);
            self->door.deadline_ns = step->now.mono_ns + DOOR_PAUSE_NS; // then the next endpoint
        }
        return;
    }
    if (line)
        line_event (self, step, line, event);
}

//  ---- knocking at a door

void link_door_heard (link_t *self, step_t *step, slice_t answer)
{
    static const uint8_t nil = 0xc0;
    door_reply_t reply = {.answer = pack_check (answer) ? slice_of (&nil, 1) : answer};
    step_send (step, ACTOR_POOL, MAIL_DOOR_ANSWERED, 0, &door_reply_type, &reply, NULL, 0);
    door_hang_up (self, step);
    self->door.active = false;
}

//  Dials the next endpoint of the door; all of them DOOR_ROUNDS times, for a fresh invitation may be known to the member
//  a moment before its door knows it. Then the answer is nil: nobody opened.
static void door_next (link_t *self, step_t *step)
{
    door_call_t *door = &self->door;
    door_hang_up (self, step);
    if (door->next == door->endpoints.count * DOOR_ROUNDS) {
        link_door_heard (self, step, slice_of (NULL, 0));
        return;
    }
    door->line = self->next_line;
    self->next_line += 2;
    const char *endpoint = door->endpoints.items[door->next++ % door->endpoints.count];
    edge_dial_t dial_message = {.line = door->line,
        .endpoint = slice_text (endpoint),
        .server = door->server,
        .secret = slice_of (door->secret, sizeof door->secret)};
    step_send (step, ACTOR_EDGE, MAIL_EDGE_DIAL, 0, &edge_dial_type, &dial_message, NULL, 0);
    door->deadline_ns = step->now.mono_ns + GREETING_NS;
    step_wake_at (step, door->deadline_ns);
}

void link_door_dial (link_t *self, step_t *step, const door_dial_t *dial_mail)
{
    door_call_t *door = &self->door;
    door_hang_up (self, step);
    door->active = true;
    cursor_t endpoints = cursor_over (dial_mail->endpoints);
    if (endpoints_unpack (&endpoints, door->endpoints.items, &door->endpoints.count))
        door->endpoints.count = 0;
    door->next = 0;
    door->server = dial_mail->server;
    if (dial_mail->secret.size == sizeof door->secret)
        memcpy (door->secret, dial_mail->secret.data, sizeof door->secret);
    buffer_clear (&door->request);
    buffer_append (&door->request, dial_mail->request.data, dial_mail->request.size);
    door_next (self, step);
}

void link_door_tick (link_t *self, step_t *step)
{
    if (!self->door.active)
        return;
    if (step->now.mono_ns >= self->door.deadline_ns)
        door_next (self, step);
    else
        step_wake_at (step, self->door.deadline_ns);
}

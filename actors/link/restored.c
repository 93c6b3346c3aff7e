//  link_restored - put back from a backup: how far has anybody what this client wrote? (actors/oplog/README.md, "Restored")
//
//      we                                        each member that is not out, here or for one that was asked,
//                                                and was not removed, here or for any
//       | ---- holds, and who is a member? -------> |
//       | <--- held, members ---------------------- |
//       | TOLD to oplog, when all have said: nothing is written before all of that is back
//
//  A member may have come after the backup, so that it is not known here, while whoever could tell of it waits for that
//  very member: so whom a member names is let in and listened to, as far as its batches are of clients that are known.

#include "actors/link/link.h"

#include "messages/counting.h"
#include "store/backup.h"

#include <stdio.h>

#define NAMES_BYTES 512

//  ---- who is asked

static bool is_needed (step_t *step, const peer_t *peer)
{
    client_t client;
    if (peer->gone)
        return false;
    if (clients_get (step->txn, &peer->client, &client))
        return peer->named;
    return client_is_member (&client) && (peer->named || !client_out (&client));
}

void link_restored_ask (link_t *self, step_t *step, line_t *line)
{
    peer_holds_t holds = {.verb = PEER_HOLDS, .members = true};
    if (self->own_until)
        link_line_send (step, line, &peer_holds_type, &holds, NULL);
}

//  ---- what it says

static void named_note (link_t *self, step_t *step, const client_t *client)
{
    client_t known;
    bool is_known = clients_get (step->txn, &client->uuid, &known) == 0;
    bool removed = !timestamp_is_none (&client->removed);
    if (is_known ? !client_is_member (&known) : removed)
        return;
    peer_t *peer = link_peer_add (self, client);
    if (peer && removed)
        peer->gone = true;
    else if (peer)
        peer->named = true;
}

static int named_take (link_t *self, step_t *step, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    size_t count;
    client_t client;
    if (packed.size == 0)
        return 0;
    if (cursor_array (&cursor, &count) || count > LIMIT_MEMBERS)
        return ERR_MALFORMED;
    while (count--) {
        if (client_unpack (&cursor, &client))
            return ERR_MALFORMED;
        uuid16_t of_key = client_of_key (&client.key);
        if (!uuid_equal (&of_key, &client.uuid))
            return ERR_MALFORMED;
        named_note (self, step, &client);
    }
    link_keys_admit (self, step);
    return 0;
}

int link_restored_held (
    link_t *self, step_t *step, const line_t *line, slice_t members, uint64_t upto)
{
    int rc = named_take (self, step, members);
    peer_t *peer = rc ? NULL : link_peer (self, &line->client);
    if (peer) {
        peer->told = true;
        peer->told_upto = upto;
    }
    return rc;
}

//  ---- when all have said

static bool has_most (const link_t *self, step_t *step, const peer_t *peer)
{
    return peer->told && peer->told_upto >= self->own_until && is_needed (step, peer);
}

static bool is_missing (const link_t *self, step_t *step, const peer_t *peer)
{
    (void)self;
    return !peer->told && is_needed (step, peer);
}

typedef bool (peer_test_t) (const link_t *self, step_t *step, const peer_t *peer);

//  How many there are of whom that is true; the names of the first.
static size_t peers_name (
    const link_t *self, step_t *step, peer_test_t *test, char ret_names[NAMES_BYTES])
{
    size_t count = 0, size = 0;
    ret_names[0] = 0;
    for (size_t i = 0; i < self->peer_count; i++) {
        const peer_t *peer = &self->peers[i];
        if (!test (self, step, peer))
            continue;
        if (size + sizeof peer->name + 2 < NAMES_BYTES)
            size += (size_t)snprintf (
                ret_names + size, NAMES_BYTES - size, "%s%s", count ? ", " : "", peer->name);
        count++;
    }
    return count;
}

//  What somebody alone has that was removed, or is out and has to return itself, is given up.
static void oplog_tell (link_t *self, step_t *step)
{
    told_t told = {.upto = 0};
    for (size_t i = 0; i < self->peer_count; i++) {
        const peer_t *peer = &self->peers[i];
        if (peer->told && peer->told_upto > told.upto && is_needed (step, peer))
            told.upto = peer->told_upto;
    }
    if (told.upto == self->own_until || (self->was_told && told.upto == self->told_upto))
        return;
    self->was_told = true;
    self->told_upto = told.upto;
    step_send (step, ACTOR_OPLOG, MAIL_TOLD, 0, &told_type, &told, NULL, 0);
}

//  A person is told whenever it is something else; nothing: it is over.
static void alarm_tell (link_t *self, step_t *step, const char *text)
{
    char subject[UUID_TEXT_SIZE];
    if (slice_equal (buffer_slice (&self->restored_text), slice_text (text)))
        return;
    uuid_to_text (&self->me, subject);
    buffer_clear (&self->restored_text);
    buffer_append (&self->restored_text, text, strlen (text));
    step_alarm (step, "RESTORED", subject, *text ? text : NULL);
}

void link_restored_tick (link_t *self, step_t *step)
{
    char names[NAMES_BYTES], text[NAMES_BYTES + 200] = "";
    if (!self->own_until && !self->restored_text.size)
        return;
    size_t missing =
        self->own_until && !self->joining ? peers_name (self, step, is_missing, names) : 0;
    if (missing && self->own_until == RESTORED_UNASKED)
        snprintf (text, sizeof text,
            "this node was restored from a backup: before anything is written here, these have to "
            "say what they have of it: %s",
            names);
    else if (self->own_until) {
        peers_name (self, step, has_most, names);
        snprintf (text, sizeof text,
            "this node was restored from a backup: what it wrote later is on its way back%s%s",
            *names ? " from " : "", names);
    }
    alarm_tell (self, step, text);
    if (missing == 0 && self->own_until && !self->joining)
        oplog_tell (self, step);
    if (!self->own_until) { // its members see it again from the next greeting on
        link_strangers_drop (self, step);
        link_lines_renew (self, step, "restored");
    }
}

//  ---- returning, while something is missing

//  Nobody is asked before all have said, nor who has less of our chain than another: what is compared has to have it all.
bool link_restored_may_return (link_t *self, step_t *step, const line_t *line)
{
    client_t client;
    return clients_get (step->txn, &line->client, &client) == 0 &&
           vector_upto (&line->shared, &self->me) >= self->own_until;
}

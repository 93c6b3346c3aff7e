//  link_restored - put back from a backup: how far has anybody what this client wrote? (actors/oplog/README.md, "Restored")
//
//      we                                        each member, and whom one that is asked holds for one that is not out
//       | ---- holds, and who is a member? -------> |   again with each ping
//       | <--- held, members ---------------------- |
//       | TOLD to oplog, when all have said: nothing is written before all of that is back
//       | <=== the log, or a return =============== |   who has all of it
//
//  Who is out by what those say is not waited for; who was out by what we knew may have come back since. Until all have said nothing is taken: we have forgotten who is out, and
//  would pass on what was written behind our members' backs. What has all that we wrote has all that we had seen then.
//  A member may have come after the backup, so that it is not known here, while whoever could tell of it waits for that
//  very member: so whom one names that is asked is let in and listened to, as far as its batches are of clients that
//  are known.

#include "actors/link/link.h"

#include "messages/counting.h"
#include "store/backup.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES_BYTES 512

//  ---- who is asked

static bool is_needed (step_t *step, const peer_t *peer)
{
    client_t client;
    if (peer->gone)
        return false;
    return peer->named ||
           (clients_get (step->txn, &peer->client, &client) == 0 && client_is_member (&client));
}

void link_restored_ask (link_t *self, step_t *step, line_t *line)
{
    peer_holds_t holds = {.verb = PEER_HOLDS, .members = true};
    if (self->own_until)
        link_line_send (step, line, &peer_holds_type, &holds, NULL);
}

//  ---- what those say of all

//  Clients as they are by all that was said.
typedef struct view {
    client_t *clients;
    size_t count;
} view_t;

static void later (timestamp_t *self, const timestamp_t *than)
{
    if (timestamp_compare (than, self) > 0)
        *self = *than;
}

//  What was said once, and what is said of who is out only by those that do not keep us out: those wait for us, or we for
//  them, and whom they declared may be who has what we wrote.
static void view_join (view_t *self, const client_t *client, bool only_removed)
{
    size_t at = 0;
    while (at < self->count && !uuid_equal (&self->clients[at].uuid, &client->uuid))
        at++;
    if (at == self->count) {
        client_t *grown = realloc (self->clients, (at + 1) * sizeof *grown);
        if (!grown)
            abort ();
        self->clients = grown;
        self->clients[self->count++] = (client_t){.uuid = client->uuid};
    }
    later (&self->clients[at].removed, &client->removed);
    if (only_removed)
        return;
    later (&self->clients[at].stale, &client->stale);
    later (&self->clients[at].returning, &client->returning);
    later (&self->clients[at].back, &client->back);
}

static bool keeps_us_out (const link_t *self, const peer_t *peer)
{
    cursor_t cursor = cursor_over (buffer_slice (&peer->told_of));
    size_t count = 0;
    client_t client;
    if (cursor_array (&cursor, &count))
        return false;
    while (count-- && client_unpack (&cursor, &client) == 0)
        if (uuid_equal (&client.uuid, &self->me))
            return client_out (&client);
    return false;
}

//  All that one of them knows: who is not out there is asked too, but who is known here to be removed.
static void told_join (link_t *self, step_t *step, size_t of, view_t *view)
{
    cursor_t cursor = cursor_over (buffer_slice (&self->peers[of].told_of));
    bool only_removed = keeps_us_out (self, &self->peers[of]);
    size_t count = 0;
    client_t client, known;
    if (cursor_array (&cursor, &count))
        return;
    while (count-- && client_unpack (&cursor, &client) == 0) {
        view_join (view, &client, only_removed);
        bool asked = !client_out (&client) &&
                     (clients_get (step->txn, &client.uuid, &known) || client_is_member (&known));
        peer_t *peer = asked ? link_peer_add (self, &client) : NULL;
        if (peer)
            peer->named = true;
    }
}

//  Who is asked, and who is excused, anew from all that was said.
static void peers_reckon (link_t *self, step_t *step)
{
    view_t view = {NULL, 0};
    client_t client;
    size_t known = self->peer_count;
    bool more = true;
    bool *joined = calloc (LIMIT_MEMBERS, sizeof *joined);
    if (!joined)
        abort ();
    for (size_t i = 0; i < self->peer_count; i++) {
        self->peers[i].named = self->peers[i].gone = false;
        if (clients_get (step->txn, &self->peers[i].client, &client) == 0)
            view_join (&view, &client, true); // who was out then may have come back
    }
    while (more) {
        more = false;
        for (size_t i = 0; i < self->peer_count && i < LIMIT_MEMBERS; i++)
            if (!joined[i] && self->peers[i].told && is_needed (step, &self->peers[i])) {
                joined[i] = more = true;
                told_join (self, step, i, &view);
            }
    }
    for (size_t i = 0; i < view.count; i++) {
        peer_t *peer = link_peer (self, &view.clients[i].uuid);
        if (peer)
            peer->excused = client_out (&view.clients[i]);
        if (peer)
            peer->gone = !timestamp_is_none (&view.clients[i].removed);
    }
    free (joined);
    free (view.clients);
    self->told_news = false;
    if (self->peer_count != known)
        link_keys_admit (self, step);
}

static int told_of_check (slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    size_t count;
    client_t client;
    if (cursor_array (&cursor, &count) || count > LIMIT_MEMBERS)
        return ERR_MALFORMED;
    while (count--)
        if (client_unpack (&cursor, &client) || timestamp_is_none (&client.admitted))
            return ERR_MALFORMED;
    return 0;
}

int link_restored_held (link_t *self, const line_t *line, slice_t members, uint64_t upto)
{
    peer_t *peer = link_peer (self, &line->client);
    if (members.size == 0 || !peer)
        return 0;
    int rc = told_of_check (members);
    if (rc)
        return rc;
    self->was_told = false; // it may not have come to be stored
    self->told_news |= !peer->told || !slice_equal (buffer_slice (&peer->told_of), members);
    peer->told = true;
    peer->told_upto = upto;
    buffer_clear (&peer->told_of);
    buffer_append (&peer->told_of, members.data, members.size);
    return 0;
}

//  ---- when all have said

static bool has_most (const link_t *self, step_t *step, const peer_t *peer)
{
    return peer->told && peer->told_upto >= self->own_until && is_needed (step, peer);
}

static bool is_missing (const link_t *self, step_t *step, const peer_t *peer)
{
    (void)self;
    return !peer->told && !peer->excused && is_needed (step, peer);
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

//  From now on who has most gives it to us, from where we are.
static void taking_begin (link_t *self, step_t *step, bool all_said)
{
    uint64_t until = all_said && self->own_until != RESTORED_UNASKED ? self->own_until : 0;
    if (until == self->taking_until)
        return;
    self->taking_until = until;
    if (until)
        link_lines_renew (self, step, "what was written here comes back");
}

void link_restored_tick (link_t *self, step_t *step)
{
    char names[NAMES_BYTES], text[NAMES_BYTES + 200] = "";
    if (!self->own_until && !self->restored_text.size)
        return;
    if (self->told_news && !self->joining)
        peers_reckon (self, step);
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
    bool all_said = missing == 0 && self->own_until && !self->joining;
    if (all_said)
        oplog_tell (self, step);
    if (!self->joining || !self->own_until) // it may be over before the copy is
        taking_begin (self, step, all_said);
    if (!self->own_until) { // its members see it again from the next greeting on
        link_strangers_drop (self, step);
        link_lines_renew (self, step, "restored");
    }
}

//  ---- taking and returning, while something is missing

static bool gives_all (const link_t *self, const line_t *line)
{
    for (size_t i = 0; self->taking_until && i < self->peer_count; i++)
        if (uuid_equal (&self->peers[i].client, &line->client))
            return self->peers[i].told && self->peers[i].told_upto >= self->taking_until;
    return false;
}

bool link_restored_may_take (const link_t *self, const line_t *line)
{
    return !self->own_until || self->joining || (gives_all (self, line) && !line->says_out);
}

bool link_restored_has_to (const link_t *self, const line_t *line)
{
    return gives_all (self, line) && (line->outside || line->says_out);
}

//  Nobody is asked before all have said, nor who has less of our chain than another: what is compared has to have it all.
bool link_restored_may_return (link_t *self, step_t *step, const line_t *line)
{
    client_t client;
    return clients_get (step->txn, &line->client, &client) == 0 &&
           self->taking_until == self->own_until &&
           vector_upto (&line->shared, &self->me) >= self->own_until;
}

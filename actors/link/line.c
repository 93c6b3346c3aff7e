//  link_line - a connection's life: from its first word to its last

#include "actors/link/link.h"
#include "actors/link/repair.h"

#include "actors/declarations.h"

#include <stdio.h>
#include <stdlib.h>

line_t *link_line (link_t *self, uint64_t number)
{
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i]->number == number)
            return self->lines[i];
    return NULL;
}

line_t *link_line_of (link_t *self, const uuid16_t *client)
{
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i]->state == LINE_OPEN && uuid_equal (&self->lines[i]->client, client))
            return self->lines[i];
    return NULL;
}

line_t *link_line_add (link_t *self, step_t *step, uint64_t number)
{
    line_t *line = calloc (1, sizeof *line);
    line_t **grown = realloc (self->lines, (self->line_count + 1) * sizeof (line_t *));
    if (!line || !grown)
        abort ();
    self->lines = grown;
    self->lines[self->line_count++] = line;
    line->number = number;
    line->since_ns = line->heard_ns = line->pinged_ns = step->now.mono_ns;
    return line;
}

void link_line_free (link_t *self, line_t *line)
{
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i] == line) {
            memmove (
                &self->lines[i], &self->lines[i + 1], (--self->line_count - i) * sizeof (line_t *));
            break;
        }
    vector_release (&line->shared);
    vector_release (&line->asked);
    vector_release (&line->shared_sent);
    vector_release (&line->rows);
    vector_release (&line->rows_sent);
    vector_release (&line->rows_before);
    vector_release (&line->tallies_sent);
    vector_release (&line->ack_shared);
    vector_release (&line->ack_rows);
    vector_release (&line->deferred);
    vector_release (&line->refused);
    buffer_release (&line->partial);
    mail_list_clear (&line->waiting);
    free (line->linked);
    link_repair_free (line);
    free (line);
}

//  ---- saying

void link_line_send (step_t *step, const line_t *line, const message_type_t *type,
    const void *message, buffer_t *payload)
{
    edge_out_t out = {.socket = LINK_PEERS, .line = line->number};
    buffer_t header = {NULL, 0, 0};
    frame_t frames[2];
    message_pack (type, message, &header);
    metric_add (step->metrics, METRIC_PEER_BYTES_OUT, header.size + (payload ? payload->size : 0));
    frames[0] = frame_take (&header);
    if (payload)
        frames[1] = frame_take (payload);
    step_send_frames (
        step, ACTOR_EDGE, MAIL_EDGE_OUT, 0, &edge_out_type, &out, frames, payload ? 2 : 1);
}

void link_linked_pack (link_t *self, buffer_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < self->line_count; i++)
        count += self->lines[i]->state == LINE_OPEN;
    pack_array (out, count);
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i]->state == LINE_OPEN)
            pack_bin (out, slice_of (&self->lines[i]->client, sizeof (uuid16_t)));
}

void link_greet (link_t *self, step_t *step, line_t *line)
{
    buffer_t shared = {NULL, 0, 0}, rows = {NULL, 0, 0};
    buffer_t resources = {NULL, 0, 0}, linked = {NULL, 0, 0};
    vector_pack (&self->shared, &shared);
    vector_pack (&self->rows, &rows);
    if (declarations_pack (step->txn, &resources))
        pack_map (&resources, 0);
    link_linked_pack (self, &linked);
    peer_hello_t hello = {.verb = PEER_HELLO,
        .version = PEER_VERSION,
        .client = self->me,
        .pool = self->pool,
        .name = slice_text (self->setup->config->name),
        .shared = buffer_slice (&shared),
        .rows = buffer_slice (&rows),
        .resources = buffer_slice (&resources),
        .credit = LIMIT_CREDIT_BYTES,
        .linked = buffer_slice (&linked),
        .joining = self->joining,
        .out = link_is_out (self, step),
        .returned_to = link_returned_to (self, step),
        .back = link_came_back (step)};
    link_line_send (step, line, &peer_hello_type, &hello, NULL);
    line->greeted = true;
    buffer_release (&shared);
    buffer_release (&rows);
    buffer_release (&resources);
    buffer_release (&linked);
}

//  ---- the last word

static void hang_up (step_t *step, const line_t *line)
{
    edge_hang_up_t hang = {.line = line->number};
    step_send (step, ACTOR_EDGE, MAIL_EDGE_HANG_UP, 0, &edge_hang_up_type, &hang, NULL, 0);
}

//  The connection is gone already: nothing is said any more.
void link_line_drop (link_t *self, step_t *step, line_t *line)
{
    peer_t *peer = link_peer (self, &line->client);
    bool was_open = line->state == LINE_OPEN;
    if (peer) {
        if (was_open)
            vector_copy (&peer->shared, &line->shared);
        if (peer->dialled_line == line->number)
            peer->dialled_line = 0;
    }
    hang_up (step, line);
    link_alarm_over (step, error_name (ERR_CLOCK_AHEAD), &line->refused, &line->refused);
    uint64_t number = line->number;
    uuid16_t client = line->client;
    link_line_free (self, line);
    link_back_over (self, step, number);
    if (was_open)
        link_source_lost (self, step, &client);
    if (self->joining)
        link_joining_load (self, step); // somebody else may go on with the copy
    if (was_open && peer)
        step_say (step, SAY_INFO, "%s is gone", peer->name);
    uint64_t open = 0;
    for (size_t i = 0; i < self->line_count; i++)
        open += self->lines[i]->state == LINE_OPEN;
    metric_set (step->metrics, METRIC_PEERS_ONLINE, open);
    if (peer && was_open && !link_line_of (self, &peer->client))
        link_peer_lost (step, peer);
    step_wake_at (step, 0);
}

void link_line_close (link_t *self, step_t *step, line_t *line, int error, const char *text)
{
    peer_bye_t bye = {.verb = PEER_BYE,
        .error = slice_text (error_name (error)),
        .text = slice_text (text ? text : error_text (error))};
    if (line->state != LINE_DIALLED)
        link_line_send (step, line, &peer_bye_type, &bye, NULL);
    link_line_drop (self, step, line);
}

//  A member and this node do not come together: one of them has found why, and both are told.
void link_refused (link_t *self, step_t *step, const uuid16_t *client, int error, slice_t message)
{
    const peer_t *peer = link_peer (self, client);
    char text[DECLARATIONS_TEXT_SIZE + 2 * LIMIT_NAME_BYTES], subject[UUID_TEXT_SIZE];
    uuid_to_text (client, subject);
    snprintf (text, sizeof text, "%s and this node declare otherwise: %.*s",
        peer ? peer->name : subject,
        (int)(message.size < DECLARATIONS_TEXT_SIZE ? message.size : DECLARATIONS_TEXT_SIZE),
        (const char *)message.data);
    step_say (step, SAY_WARNING, "%s", text);
    step_alarm (step, error_name (error), subject, text);
}

//  ---- the first word

static int hello_check (link_t *self, const line_t *line, const peer_hello_t *hello)
{
    if (hello->version != PEER_VERSION)
        return ERR_WRONG_VERSION;
    const peer_t *peer = link_peer (self, &hello->client);
    if (!peer || memcmp (&peer->curve, &line->key, sizeof line->key) != 0)
        return ERR_NOT_MEMBER;
    if (link_is_paused (self, &hello->client))
        return ERR_BUSY;
    bool giver = self->joining && link_may_give (self, &hello->client);
    if (self->joining && !giver)
        return ERR_BUSY;
    if (!(giver && !self->begun) && !hello->joining && !uuid_equal (&hello->pool, &self->pool))
        return ERR_WRONG_POOL;
    return 0;
}

static int uuids_unpack (slice_t packed, uuid16_t **uuids, size_t *ret_count)
{
    cursor_t cursor = cursor_over (packed);
    size_t count;
    if (cursor_array (&cursor, &count) || count > LIMIT_MEMBERS)
        return ERR_MALFORMED;
    uuid16_t *grown = realloc (*uuids, (count ? count : 1) * sizeof *grown);
    if (!grown)
        abort ();
    *uuids = grown;
    *ret_count = 0;
    for (size_t i = 0; i < count; i++)
        if (cursor_bin_exact (&cursor, &grown[i], sizeof *grown))
            return ERR_MALFORMED;
    *ret_count = count;
    return 0;
}

int link_linked_unpack (line_t *line, slice_t packed)
{
    return uuids_unpack (packed, &line->linked, &line->linked_count);
}

//  Of two connections between a pair the one dialled by the smaller uuid stays; of two dialled by the same side, the newer.
static bool line_yields (link_t *self, const line_t *line, const line_t *other)
{
    bool smaller_is_me = uuid_compare (&self->me, &line->client) < 0;
    bool line_preferred = (line->number % 2 == 1) == smaller_is_me;
    bool other_preferred = (other->number % 2 == 1) == smaller_is_me;
    return !line_preferred && other_preferred;
}

//  What it said may end the line: it is found anew for each mail.
static void waiting_hear (link_t *self, step_t *step, uint64_t number)
{
    line_t *line;
    mail_t *mail;
    while ((line = link_line (self, number)) != NULL &&
           (mail = mail_list_take (&line->waiting)) != NULL) {
        link_hear (self, step, line, &mail);
        mail_destroy (&mail);
    }
}

//  What waited of its own, and is not there any more: it was stamped anew.
static void ahead_forget (link_t *self, step_t *step, const line_t *line)
{
    vector_t gone = {NULL, 0, 0};
    uint64_t upto = vector_upto (&self->ahead, &line->client);
    if (upto > vector_upto (&line->shared, &line->client) &&
        upto > vector_upto (&line->rows, &line->client))
        vector_set (&gone, &line->client, upto, NULL);
    link_alarm_over (step, error_name (ERR_CLOCK_AHEAD), &self->ahead, &gone);
    vector_release (&gone);
}

static void line_opened (link_t *self, step_t *step, line_t *line)
{
    peer_t *peer = link_peer (self, &line->client);
    for (size_t i = self->line_count; i-- > 0;) {
        line_t *other = self->lines[i];
        if (other == line || other->state != LINE_OPEN ||
            !uuid_equal (&other->client, &line->client))
            continue;
        if (line_yields (self, line, other)) {
            link_line_close (self, step, line, 0, "linked already");
            return;
        }
        other->state = LINE_GREETING; // it is not lost: there is another
        link_line_close (self, step, other, 0, "linked anew");
    }
    char subject[UUID_TEXT_SIZE];
    uuid_to_text (&line->client, subject);
    step_alarm (step, error_name (ERR_CONFLICTING_DECLARATION), subject, NULL);
    line->state = LINE_OPEN;
    ahead_forget (self, step, line);
    line->credit = line->credit < LIMIT_CREDIT_BYTES ? line->credit : LIMIT_CREDIT_BYTES;
    if (peer) {
        link_refusal_over (step, peer);
        if (!self->joining && !line->peer_joins) // a copy may be refused
            peer->backoff_ns = 0;
        vector_copy (&peer->shared, &line->shared);
        step_say (step, SAY_INFO, "%s is here", peer->name);
    }
    uint64_t open = 0;
    for (size_t i = 0; i < self->line_count; i++)
        open += self->lines[i]->state == LINE_OPEN;
    metric_set (step->metrics, METRIC_PEERS_ONLINE, open);
    vector_copy (&line->shared_sent, &line->shared);
    vector_copy (&line->rows_sent, &line->rows);
    link_feed_from (self, step, line);
    link_tally_show (self, step, line);
    link_ping (self, step, line, PEER_PING);
    link_restored_ask (self, step, line);
    link_fence (self, step, line);
    link_return_ask (self, step, line);
    if (self->joining)
        link_copy_ask (self, step, line);
    step_wake_at (step, 0);
    waiting_hear (self, step, line->number);
}

//  Which of their declarations are new, or other, here? Those are oplog's to store or refuse.
static bool resources_known (step_t *step, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    size_t count;
    if (cursor_map (&cursor, &count))
        return false;
    while (count--) {
        slice_t name;
        resource_t resource;
        resource_entry_t entry;
        const char *difference;
        if (cursor_text (&cursor, &name) || resource_unpack (name, &cursor, &resource, NULL) ||
            resources_find (step->txn, name, &entry) ||
            !resource_equal (&entry.resource, &resource, &difference))
            return false;
    }
    return true;
}

static int hello_take (line_t *line, const peer_hello_t *hello)
{
    cursor_t shared = cursor_over (hello->shared), rows = cursor_over (hello->rows);
    line->client = hello->client;
    line->credit = hello->credit;
    line->peer_joins = hello->joining;
    line->says_out = hello->out;
    line->returned_to = hello->returned_to;
    line->back = hello->back;
    int rc = vector_unpack (&shared, &line->shared);
    if (rc == 0)
        rc = vector_unpack (&rows, &line->rows);
    return rc ? rc : link_linked_unpack (line, hello->linked);
}

//  A client of whose own chain others hold more than itself was restored from an old copy of its directory: it is
//  sent its batches back, as far as the log still has them.
static void own_compare (link_t *self, step_t *step, line_t *line)
{
    char subject[UUID_TEXT_SIZE];
    uint64_t own = vector_upto (&self->shared, &self->me);
    uint64_t known = vector_upto (&line->shared, &self->me);
    uint64_t its_own = vector_upto (&self->shared, &line->client);
    line->its_own = its_own > vector_upto (&line->shared, &line->client) ? its_own : 0;
    if (self->joining || known <= own || self->own_until)
        return;
    uuid_to_text (&self->me, subject);
    vector_raise (&self->restored, &self->me, known, NULL);
    step_alarm (step, "RESTORED", subject,
        "members hold later batches of this client than it does itself: its data directory is an "
        "older copy; "
        "write nothing here until they are back");
}

void link_on_hello (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_hello_t hello;
    int rc = message_unpack (&peer_hello_type, frame, &hello, NULL);
    if (rc == 0 && line->state != LINE_GREETING)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = hello_check (self, line, &hello);
    if (rc == 0)
        rc = hello_take (line, &hello);
    if (rc) {
        if (rc != ERR_BUSY)
            metric_add (step->metrics, METRIC_PEER_GARBAGE, 1);
        link_line_close (self, step, line, rc, NULL);
        return;
    }
    if (!line->greeted)
        link_greet (self, step, line);
    if (self->joining) {
        self->giver = line->client;
        self->has_target = true;
        vector_copy (&self->target_shared, &line->shared);
        vector_copy (&self->target_rows, &line->rows);
    }
    own_compare (self, step, line);
    if (resources_known (step, hello.resources)) {
        line_opened (self, step, line);
        return;
    }
    declare_t declare = {.resources = hello.resources};
    line->state = LINE_DECLARING;
    step_send (step, ACTOR_OPLOG, MAIL_DECLARE, line->number, &declare_type, &declare, NULL, 0);
}

void link_on_declared (link_t *self, step_t *step, uint64_t number, int error, slice_t message)
{
    line_t *line = link_line (self, number);
    char text[DECLARATIONS_TEXT_SIZE];
    if (!line)
        return;
    if (error == 0) {
        if (line->state == LINE_DECLARING)
            line_opened (self, step, line);
        return;
    }
    snprintf (text, sizeof text, "%.*s",
        (int)(message.size < sizeof text ? message.size : sizeof text - 1),
        (const char *)message.data);
    if (error == ERR_CONFLICTING_DECLARATION)
        link_refused (self, step, &line->client, error, message);
    link_line_close (self, step, line, error, text[0] ? text : NULL);
}

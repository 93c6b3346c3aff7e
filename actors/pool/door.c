//  pool_door - invitations: who knocks at our door, and knocking at another's
//
//  An invitation is a secret of 32 bytes; we keep the CURVE key that comes from it, and our door shakes hands with that key and
//  no other. Who knocks shows its own key and signs with it. Admission and the end of the invitation are one
//  transaction: a ticket is good once.

#include "actors/pool/pool.h"

#include "actors/declarations.h"

#include "messages/endpoints.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t unix_seconds (const step_t *step)
{
    return step->now.wall >> 32;
}

//  ---- invitations

//  Walks the invitations that stand: begin with an empty key.
static bool invitation_next (step_t *step, slice_t *key, uint64_t *ret_expires)
{
    slice_t value;
    int rc = key->size ? node_next (step->txn, NODE_INVITATIONS, *key, key, &value)
                       : node_seek (step->txn, NODE_INVITATIONS, *key, key, &value);
    for (; rc == 0; rc = node_next (step->txn, NODE_INVITATIONS, *key, key, &value)) {
        cursor_t cursor = cursor_over (value);
        if (key->size == KEY_SIZE && cursor_uint (&cursor, ret_expires) == 0 &&
            *ret_expires > unix_seconds (step))
            return true;
    }
    return false;
}

//  Tells link which keys the door may let in. Old invitations are left out here and swept when the next is made.
void pool_door_keys (step_t *step)
{
    buffer_t body = {NULL, 0, 0}, keys = {NULL, 0, 0};
    slice_t key = {NULL, 0};
    uint64_t expires;
    size_t count = 0;
    for (; invitation_next (step, &key, &expires); count++)
        pack_bin (&body, key);
    pack_array (&keys, count);
    pack_raw (&keys, buffer_slice (&body));
    door_keys_t message = {.keys = buffer_slice (&keys)};
    step_send (step, ACTOR_LINK, MAIL_DOOR_KEYS, 0, &door_keys_type, &message, NULL, 0);
    buffer_release (&body);
    buffer_release (&keys);
}

void pool_invitations_pack (step_t *step, buffer_t *out)
{
    buffer_t body = {NULL, 0, 0};
    slice_t key = {NULL, 0};
    uint64_t expires;
    size_t count = 0;
    for (; invitation_next (step, &key, &expires); count++) {
        pack_map (&body, 1);
        pack_string (&body, "expires");
        pack_uint (&body, expires);
    }
    pack_array (out, count);
    pack_raw (out, buffer_slice (&body));
    buffer_release (&body);
}

static void expired_sweep (step_t *step, buffer_t *node)
{
    slice_t key, value;
    int rc = node_seek (step->txn, NODE_INVITATIONS, slice_of (NULL, 0), &key, &value);
    while (rc == 0) {
        cursor_t cursor = cursor_over (value);
        uint64_t expires;
        if (cursor_uint (&cursor, &expires) || expires <= unix_seconds (step))
            pool_node_delete (node, NODE_INVITATIONS, key);
        rc = node_next (step->txn, NODE_INVITATIONS, key, &key, &value);
    }
}

//  By what it has applied, or by what a member has said to it.
bool pool_is_removed (const pool_t *self, step_t *step)
{
    client_t me;
    slice_t who;
    return node_get (step->txn, NODE_SETTINGS, slice_text ("removed"), &who) == 0 ||
           (clients_get (step->txn, &self->me, &me) == 0 && !timestamp_is_none (&me.removed));
}

void pool_invite (pool_t *self, step_t *step, const mail_t *mail)
{
    ticket_t ticket;
    public_key_t curve;
    uint8_t secret[32];
    slice_t joining;
    buffer_t node = {NULL, 0, 0}, expires = {NULL, 0, 0};
    if (node_get (step->txn, NODE_SETTINGS, slice_text ("joining"), &joining) == 0) {
        pool_answer (step, mail->envelope.from, mail->envelope.ticket, ERR_BUSY,
            "this node is joining a pool itself", NULL);
        return;
    }
    if (pool_is_removed (self, step)) {
        pool_answer (step, mail->envelope.from, mail->envelope.ticket, ERR_REMOVED, NULL, NULL);
        return;
    }
    memset (&ticket, 0, sizeof ticket);
    ticket.pool = self->pool;
    ticket.key = self->setup->identity->key;
    ticket.expires = unix_seconds (step) + INVITATION_S;
    ticket.endpoint_count = self->door.count;
    memcpy (ticket.endpoints, self->door.items, sizeof ticket.endpoints);
    step->random (step->context, ticket.secret, sizeof ticket.secret);
    curve_of_secret (ticket.secret, &curve, secret);
    pack_uint (&expires, ticket.expires);
    expired_sweep (step, &node);
    pool_node_put (
        &node, NODE_INVITATIONS, slice_of (&curve, sizeof curve), buffer_slice (&expires));
    pool_task_t *task = pool_task (self, TASK_INVITE, mail);
    ticket_to_text (&ticket, &task->text);
    pool_write (self, step, task, "an invitation", NULL, &node);
    buffer_release (&node);
    buffer_release (&expires);
}

//  ---- somebody knocks

static void reply (pool_t *self, step_t *step, uint64_t line, int error, const char *text)
{
    buffer_t giver = {NULL, 0, 0}, packed = {NULL, 0, 0};
    door_answer_t answer = {.error = slice_text (error_name (error)),
        .text = slice_text (text    ? text
                            : error ? error_text (error)
                                    : "welcome")};
    client_t me;
    if (error == 0 && clients_get (step->txn, &self->me, &me) == 0) {
        client_pack (&me, &giver);
        answer.pool = self->pool;
        answer.giver = buffer_slice (&giver);
    }
    message_pack (&door_answer_type, &answer, &packed);
    door_reply_t message = {.line = line, .answer = buffer_slice (&packed)};
    step_send (step, ACTOR_LINK, MAIL_DOOR_REPLY, 0, &door_reply_type, &message, NULL, 0);
    buffer_release (&giver);
    buffer_release (&packed);
}

static bool admission_under_way (const pool_t *self)
{
    for (const pool_task_t *task = self->tasks; task; task = task->next)
        if (task->kind == TASK_ADMIT)
            return true;
    return false;
}

static int knock_check (
    pool_t *self, step_t *step, const door_knock_t *knock, door_request_t *request)
{
    slice_t value;
    uint64_t expires;
    buffer_t proof = {NULL, 0, 0};
    int rc = message_unpack (&door_request_type, knock->request, request, NULL);
    if (rc)
        return ERR_MALFORMED;
    if (request->version != PEER_VERSION)
        return ERR_WRONG_VERSION;
    if (request->signature.size != SIGNATURE_SIZE || request->name.size > LIMIT_NAME_BYTES)
        return ERR_MALFORMED;
    rc = node_get (
        step->txn, NODE_INVITATIONS, slice_of (&knock->curve, sizeof knock->curve), &value);
    if (rc)
        return rc == ERR_NOT_FOUND ? ERR_TICKET_INVALID : rc;
    cursor_t cursor = cursor_over (value);
    if (cursor_uint (&cursor, &expires) || expires <= unix_seconds (step))
        return ERR_TICKET_INVALID;
    door_proof (&self->pool, &knock->curve, &proof);
    bool signed_by_it = key_verify (&request->key, buffer_slice (&proof), request->signature.data);
    buffer_release (&proof);
    return signed_by_it ? 0 : ERR_BAD_SIGNATURE;
}

static void admit (
    pool_t *self, step_t *step, const door_knock_t *knock, const door_request_t *request)
{
    client_t client;
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0}, node = {NULL, 0, 0};
    memset (&client, 0, sizeof client);
    client.key = request->key;
    client.uuid = client_of_key (&request->key);
    memcpy (client.name, request->name.data, request->name.size);
    client_pack_admission (&client, &self->pool, &value);
    pool_clients_put (&clients, ACTION_CREATE, &client.uuid, &value);
    pool_node_delete (&node, NODE_INVITATIONS, slice_of (&knock->curve, sizeof knock->curve));
    pool_task_t *task = pool_task (self, TASK_ADMIT, NULL);
    task->line = knock->line;
    task->client = client.uuid;
    pool_write (self, step, task, "an admission", &clients, &node);
    buffer_release (&value);
    buffer_release (&clients);
    buffer_release (&node);
}

void pool_on_knock (pool_t *self, step_t *step, const mail_t *mail)
{
    door_knock_t knock;
    door_request_t request;
    client_t known;
    if (step_unpack (step, mail, &door_knock_type, &knock))
        return;
    char text[DECLARATIONS_TEXT_SIZE] = "";
    int rc = knock_check (self, step, &knock, &request);
    //  Nobody is linked with who was removed: whom it let in would be in a pool with it alone.
    if (rc == 0 && pool_is_removed (self, step)) {
        rc = ERR_REMOVED;
        snprintf (text, sizeof text,
            "%s was itself removed from the pool: ask another member for a ticket",
            self->setup->config->name);
    }
    if (rc == 0 && admission_under_way (self))
        rc = ERR_BUSY;
    if (rc == 0) {
        uuid16_t uuid = client_of_key (&request.key);
        if (clients_get (step->txn, &uuid, &known) == 0 && !timestamp_is_none (&known.removed))
            rc = ERR_REMOVED; // and that is final
    }
    if (rc == 0 && request.resources.size)
        rc = declarations_compare (step->txn, request.resources, text);
    if (rc) {
        step_say (step, SAY_WARNING, "a knock at the door was refused: %s",
            text[0] ? text : error_text (rc));
        reply (self, step, knock.line, rc, text[0] ? text : NULL);
    } else
        admit (self, step, &knock, &request);
}

void pool_admitted (pool_t *self, step_t *step, const pool_task_t *task, int error)
{
    char text[UUID_TEXT_SIZE];
    uuid_to_text (&task->client, text);
    if (error == 0)
        step_say (step, SAY_INFO, "client %s was admitted", text);
    reply (self, step, task->line, error, NULL);
    pool_door_keys (step);
}

//  ---- knocking

static int ticket_read (slice_t request, ticket_t *ret_ticket)
{
    cursor_t cursor = cursor_over (request);
    size_t count;
    if (cursor_map (&cursor, &count))
        return ERR_BAD_REQUEST;
    while (count--) {
        slice_t name, text;
        if (cursor_text (&cursor, &name))
            return ERR_BAD_REQUEST;
        if (slice_equal (name, slice_text ("ticket")))
            return cursor_text (&cursor, &text) ? ERR_BAD_REQUEST
                                                : ticket_from_text (text, ret_ticket);
        if (cursor_skip (&cursor, NULL))
            return ERR_BAD_REQUEST;
    }
    return ERR_BAD_REQUEST;
}

//  Alone: no other client is a member of the pool that this one is in.
static int alone_check (pool_t *self, step_t *step)
{
    client_t client;
    uuid16_t after;
    slice_t joining;
    int rc;
    if (self->knocking ||
        node_get (step->txn, NODE_SETTINGS, slice_text ("joining"), &joining) == 0)
        return ERR_BUSY;
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        after = client.uuid;
        if (!uuid_equal (&client.uuid, &self->me) && client_is_member (&client))
            return ERR_NOT_ALONE;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void knock (pool_t *self, step_t *step)
{
    const identity_t *identity = self->setup->identity;
    public_key_t invitation, server;
    uint8_t secret[32], signature[SIGNATURE_SIZE];
    buffer_t proof = {NULL, 0, 0}, packed = {NULL, 0, 0}, endpoints = {NULL, 0, 0};
    buffer_t resources = {NULL, 0, 0};
    curve_of_secret (self->ticket.secret, &invitation, secret);
    door_proof (&self->ticket.pool, &invitation, &proof);
    key_sign (identity, buffer_slice (&proof), signature);
    door_request_t request = {.version = PEER_VERSION,
        .key = identity->key,
        .name = slice_text (self->setup->config->name),
        .signature = slice_of (signature, sizeof signature)};
    if (declarations_pack (step->txn, &resources) == 0)
        request.resources = buffer_slice (&resources);
    message_pack (&door_request_type, &request, &packed);
    endpoints_pack (self->ticket.endpoints, self->ticket.endpoint_count, &endpoints);
    if (curve_of_key (&self->ticket.key, &server) == 0) {
        door_dial_t dial = {.endpoints = buffer_slice (&endpoints),
            .server = server,
            .secret = slice_of (self->ticket.secret, sizeof self->ticket.secret),
            .request = buffer_slice (&packed)};
        step_send (step, ACTOR_LINK, MAIL_DOOR_DIAL, 0, &door_dial_type, &dial, NULL, 0);
        self->knocking = true;
    }
    buffer_release (&proof);
    buffer_release (&packed);
    buffer_release (&endpoints);
    buffer_release (&resources);
}

void pool_join (pool_t *self, step_t *step, const mail_t *mail, slice_t request)
{
    ticket_t ticket;
    int rc = ticket_read (request, &ticket);
    if (rc == 0)
        rc = alone_check (self, step);
    if (rc == 0 &&
        (ticket.expires <= unix_seconds (step) || uuid_equal (&ticket.pool, &self->pool)))
        rc = ERR_TICKET_INVALID;
    if (rc == 0) {
        self->ticket = ticket;
        self->join_asker = mail->envelope.from;
        self->join_ticket = mail->envelope.ticket;
        knock (self, step);
        rc = self->knocking ? 0 : ERR_TICKET_INVALID;
    }
    if (rc)
        pool_answer (step, mail->envelope.from, mail->envelope.ticket, rc, NULL, NULL);
}

static int answer_read (pool_t *self, slice_t packed, client_t *ret_giver, slice_t *ret_text)
{
    door_answer_t answer;
    *ret_text = slice_of (NULL, 0);
    if (packed.size == 1)
        return ERR_NO_ANSWER;
    if (message_unpack (&door_answer_type, packed, &answer, NULL))
        return ERR_MALFORMED;
    if (!slice_equal (answer.error, slice_text ("OK"))) {
        char name[64] = "";
        memcpy (name, answer.error.data, answer.error.size < 63 ? answer.error.size : 63);
        *ret_text = answer.text;
        return error_from_name (name);
    }
    cursor_t cursor = cursor_over (answer.giver);
    if (client_unpack (&cursor, ret_giver) ||
        memcmp (&ret_giver->key, &self->ticket.key, sizeof ret_giver->key) != 0 ||
        !uuid_equal (&answer.pool, &self->ticket.pool))
        return ERR_MALFORMED;
    return 0;
}

//  We are a member over there. From here on this node is joining: what it needs to know for that outlives a crash.
void pool_on_door_answer (pool_t *self, step_t *step, const mail_t *mail)
{
    door_reply_t message;
    client_t giver;
    slice_t text;
    char sentence[256] = "";
    if (step_unpack (step, mail, &door_reply_type, &message) || !self->knocking)
        return;
    self->knocking = false;
    int rc = answer_read (self, message.answer, &giver, &text);
    if (rc) {
        memcpy (sentence, text.data ? text.data : (const uint8_t *)"",
            text.size < 255 ? text.size : 255);
        pool_answer (step, self->join_asker, self->join_ticket, rc,
            rc == ERR_NO_ANSWER ? "nobody opened the door: is the ticket used, or the member off?"
            : sentence[0]       ? sentence
                                : NULL,
            NULL);
        return;
    }
    static const uuid16_t nowhere;
    buffer_t node = {NULL, 0, 0}, place = {NULL, 0, 0}, packed = {NULL, 0, 0};
    pack_array (&place, 3); // the place before everything
    pack_string (&place, "");
    pack_bin (&place, slice_of (&nowhere, sizeof nowhere));
    pack_bool (&place, false);
    client_pack (&giver, &packed);
    pool_node_put (&node, NODE_SETTINGS, slice_text ("joining"), buffer_slice (&place));
    pool_node_put (&node, NODE_SETTINGS, slice_text ("giver"), buffer_slice (&packed));
    pool_task_t *task = pool_task (self, TASK_JOIN, NULL);
    task->asker = self->join_asker;
    task->asker_ticket = self->join_ticket;
    pool_write (self, step, task, "the beginning of a join", NULL, &node);
    buffer_release (&node);
    buffer_release (&place);
    buffer_release (&packed);
}

//  pool - who is a member
//
//  Takes    EDGE_BOUND, SEEN, DOOR_KNOCK, DOOR_ANSWERED (link); ADVANCED, WRITTEN (oplog); COMMAND (admin)
//  Sends    WRITE, DROP_ROWS (oplog); PEERS, DOOR_KEYS, DOOR_DIAL, DOOR_REPLY (link); COMMANDED, ALARM (admin)
//  Keeps    in the log: admissions, records, removals; in the node's table: pool, invitations, last_seen
//
//  A node that is started for the first time founds a pool: it picks an identifier and admits itself.

#include "actors/pool/pool.h"

#include "actors/sockets.h"
#include "messages/endpoints.h"

#include <stdlib.h>

static void drop_rows_ask (pool_t *self, step_t *step, const uuid16_t *client)
{
    pool_task_t *task = pool_task (self, TASK_DROP, NULL);
    drop_rows_t drop = {.owner = *client};
    task->client = *client;
    step_send (step, ACTOR_OPLOG, MAIL_DROP_ROWS, task->ticket, &drop_rows_type, &drop, NULL, 0);
}

//  What the log now says of the members: rows to drop, and whether this client is one still.
static void members_look (pool_t *self, step_t *step)
{
    client_t client;
    uuid16_t after;
    int rc;
    for (rc = clients_next (step->txn, NULL, &client); rc == 0;
         rc = clients_next (step->txn, &after, &client)) {
        after = client.uuid;
        if (!timestamp_is_none (&client.removed) && client.drop_rows)
            drop_rows_ask (self, step, &client.uuid);
    }
    if (pool_is_removed (self, step))
        step_alarm (step, error_name (ERR_REMOVED), "pool", error_text (ERR_REMOVED));
}

static void on_written (pool_t *self, step_t *step, const mail_t *mail)
{
    written_t written;
    pool_task_t *task = pool_task_take (self, mail->envelope.ticket);
    if (!task)
        return;
    int rc = step_unpack (step, mail, &written_type, &written) ? ERR_INTERNAL : -(int)written.error;
    buffer_t map = {NULL, 0, 0};
    switch (task->kind) {
    case TASK_GENESIS:
        self->has_pool = rc == 0;
        if (rc)
            step_wake_at (step, step->now.mono_ns + WRITE_AGAIN_NS);
        break;
    case TASK_RECORD: self->stating = false; break;
    case TASK_INVITE:
        pack_map (&map, 1);
        pack_string (&map, "ticket");
        pack_text (&map, buffer_slice (&task->text));
        pool_answer (step, task->asker, task->asker_ticket, rc, NULL, &map);
        pool_door_keys (step);
        break;
    case TASK_ADMIT: pool_admitted (self, step, task, rc); break;
    case TASK_JOIN:
        pack_map (&map, 1);
        pack_string (&map, "pool");
        pack_bin (&map, slice_of (&self->ticket.pool, sizeof self->ticket.pool));
        pool_answer (step, task->asker, task->asker_ticket, rc, NULL, &map);
        break;
    case TASK_REMOVE: pool_answer (step, task->asker, task->asker_ticket, rc, NULL, NULL); break;
    case TASK_DROP:
        if (rc == ERR_BUSY)
            drop_rows_ask (self, step, &task->client);
        break;
    case TASK_STALE:
    case TASK_SAVE: break;
    }
    buffer_release (&map);
    pool_task_free (task);
    pool_record_state (self, step);
}

static void on_advanced (pool_t *self, step_t *step, const mail_t *mail)
{
    advanced_t advanced;
    slice_t pool;
    if (step_unpack (step, mail, &advanced_type, &advanced) ||
        (!advanced.clients && !advanced.joined))
        return;
    if (node_get (step->txn, NODE_SETTINGS, slice_text ("pool"), &pool) == 0 &&
        pool.size == sizeof self->pool) {
        memcpy (&self->pool, pool.data, sizeof self->pool);
        self->has_pool = true;
    }
    members_look (self, step);
    pool_record_state (self, step);
}

static void on_bound (pool_t *self, step_t *step, const mail_t *mail)
{
    edge_bound_t bound;
    if (step_unpack (step, mail, &edge_bound_type, &bound))
        return;
    endpoint_list_t *list = bound.socket == LINK_PEERS ? &self->endpoints : &self->door;
    cursor_t cursor = cursor_over (bound.endpoints);
    if (endpoints_unpack (&cursor, list->items, &list->count))
        list->count = 0;
    self->bound |= bound.socket == LINK_PEERS;
    pool_record_state (self, step);
}

static void on_report (pool_t *self, step_t *step, const mail_t *mail)
{
    buffer_t map = {NULL, 0, 0};
    pack_map (&map, 3);
    pack_string (&map, "invitations");
    pool_invitations_pack (step, &map);
    pack_string (&map, "pool");
    pack_bin (&map, slice_of (&self->pool, sizeof self->pool));
    pack_string (&map, "last_seen");
    pack_array (&map, self->seen_count);
    for (size_t i = 0; i < self->seen_count; i++) {
        pack_array (&map, 2);
        pack_bin (&map, slice_of (&self->seen[i].client, sizeof (uuid16_t)));
        pack_uint (&map, self->seen[i].time);
    }
    pool_answer (step, mail->envelope.from, mail->envelope.ticket, 0, NULL, &map);
    buffer_release (&map);
}

//  A node answers before its pool is founded; who invites or joins so early waits for it.
static bool command_waits (const pool_t *self, const command_t *command)
{
    return (!self->has_pool || self->door.count == 0) &&
           (slice_equal (command->verb, slice_text ("invite")) ||
               slice_equal (command->verb, slice_text ("join")));
}

static void on_command (pool_t *self, step_t *step, mail_t **mail_p)
{
    const mail_t *mail = *mail_p;
    command_t command;
    if (step_unpack (step, mail, &command_type, &command))
        return;
    if (command_waits (self, &command)) {
        mail_list_append (&self->waiting, *mail_p);
        *mail_p = NULL;
        return;
    }
    if (slice_equal (command.verb, slice_text ("report")))
        on_report (self, step, mail);
    else if (slice_equal (command.verb, slice_text ("invite")))
        pool_invite (self, step, mail);
    else if (slice_equal (command.verb, slice_text ("join")))
        pool_join (self, step, mail, command.request);
    else if (slice_equal (command.verb, slice_text ("remove")))
        pool_on_remove (self, step, mail, command.request);
    else
        pool_answer (
            step, mail->envelope.from, mail->envelope.ticket, ERR_UNKNOWN_VERB, NULL, NULL);
}

static void waiting_go_on (pool_t *self, step_t *step)
{
    mail_list_t waiting = self->waiting;
    if (!self->has_pool || self->door.count == 0)
        return;
    self->waiting = (mail_list_t){NULL, NULL, 0};
    for (mail_t *mail = mail_list_take (&waiting); mail; mail = mail_list_take (&waiting)) {
        on_command (self, step, &mail);
        mail_destroy (&mail);
    }
}

static void pool_receive (void *core, step_t *step, mail_t **mail_p)
{
    pool_t *self = core;
    const mail_t *mail = *mail_p;
    pool_seen_follow (self, step);
    switch (mail->envelope.verb) {
    case MAIL_WRITTEN: on_written (self, step, mail); break;
    case MAIL_ADVANCED: on_advanced (self, step, mail); break;
    case MAIL_EDGE_BOUND: on_bound (self, step, mail); break;
    case MAIL_SEEN: pool_on_seen (self, step, mail); break;
    case MAIL_DOOR_KNOCK: pool_on_knock (self, step, mail); break;
    case MAIL_DOOR_ANSWERED: pool_on_door_answer (self, step, mail); break;
    case MAIL_COMMAND: on_command (self, step, mail_p); break;
    default: metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
    }
    waiting_go_on (self, step);
}

//  ---- time and life

static void pool_tick (void *core, step_t *step)
{
    pool_t *self = core;
    uint64_t interval = self->setup->config->ping_interval_s * POOL_SECOND_NS;
    pool_seen_follow (self, step);
    if (!self->has_pool && !self->tasks)
        pool_genesis (self, step);
    if (step->now.mono_ns - self->told_ns >= interval) {
        pool_ages_tell (self, step);
        pool_declare_stale (self, step);
        self->told_ns = step->now.mono_ns;
    }
    if (step->now.mono_ns - self->saved_ns >= LAST_SEEN_SAVE_NS) {
        pool_seen_save (self, step);
        self->saved_ns = step->now.mono_ns;
    }
    step_wake_at (step, self->told_ns + interval);
}

static int pool_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    slice_t stored;
    pool_t *self = calloc (1, sizeof *self);
    if (!self)
        return ERR_NO_MEMORY;
    self->setup = setup;
    self->me = setup->identity->client;
    self->next_ticket = 1;
    self->saved_ns = self->told_ns = self->begun_ns = step->now.mono_ns;
    self->wall_offset = step->now.wall - time_from_ns (step->now.mono_ns);
    int rc = node_get (step->txn, NODE_SETTINGS, slice_text ("pool"), &stored);
    if (rc == 0 && stored.size == sizeof self->pool) {
        memcpy (&self->pool, stored.data, sizeof self->pool);
        self->has_pool = true;
    } else if (rc == ERR_NOT_FOUND) {
        pool_genesis (self, step);
        rc = 0;
    }
    if (rc == 0)
        rc = pool_seen_load (self, step);
    *ret_self = self;
    if (rc)
        pool_class.close (ret_self);
    else {
        members_look (self, step);
        pool_door_keys (step);
        step_wake_at (step, step->now.mono_ns + setup->config->ping_interval_s * POOL_SECOND_NS);
    }
    return rc;
}

static void pool_close (void **core_p)
{
    pool_t *self = *core_p;
    for (pool_task_t *task = self->tasks; task;) {
        pool_task_t *next = task->next;
        pool_task_free (task);
        task = next;
    }
    mail_list_clear (&self->waiting);
    free (self->seen);
    free (self);
    *core_p = NULL;
}

const actor_class_t pool_class = {
    .actor = ACTOR_POOL,
    .txn = TXN_READ,
    .open = pool_open,
    .receive = pool_receive,
    .tick = pool_tick,
    .close = pool_close,
};

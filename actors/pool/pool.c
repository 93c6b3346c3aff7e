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

//  ---- tasks

pool_task_t *pool_task (pool_t *self, enum pool_task_kind kind, const mail_t *asked)
{
    pool_task_t *task = calloc (1, sizeof *task);
    if (!task)
        abort ();
    task->kind = kind;
    task->ticket = self->next_ticket++;
    if (asked) {
        task->asker = asked->envelope.from;
        task->asker_ticket = asked->envelope.ticket;
    }
    task->next = self->tasks;
    self->tasks = task;
    return task;
}

static pool_task_t *task_take (pool_t *self, uint64_t ticket)
{
    for (pool_task_t **at = &self->tasks; *at; at = &(*at)->next)
        if ((*at)->ticket == ticket) {
            pool_task_t *task = *at;
            *at = task->next;
            return task;
        }
    return NULL;
}

static void task_free (pool_task_t *task)
{
    buffer_release (&task->text);
    free (task);
}

void pool_write (pool_t *self, step_t *step, pool_task_t *task, const char *what, buffer_t *clients,
    buffer_t *node)
{
    slice_t frames[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    write_out_t write = {.what = slice_text (what)};
    (void)self;
    if (clients)
        frames[0] = buffer_slice (clients);
    if (node)
        frames[2] = buffer_slice (node);
    step_send (step, ACTOR_OPLOG, MAIL_WRITE, task->ticket, &write_out_type, &write, frames, 3);
}

void pool_answer (
    step_t *step, int asker, uint64_t ticket, int error, const char *message, buffer_t *map)
{
    commanded_t commanded = {.error = (uint64_t)-error};
    if (error)
        commanded.message = slice_text (message ? message : error_text (error));
    if (map)
        commanded.answer = buffer_slice (map);
    if (asker)
        step_send (step, asker, MAIL_COMMANDED, ticket, &commanded_type, &commanded, NULL, 0);
}

void pool_node_put (buffer_t *out, enum node_space space, slice_t key, slice_t value)
{
    pack_array (out, 3);
    pack_uint (out, space);
    pack_bin (out, key);
    pack_bin (out, value);
}

void pool_node_delete (buffer_t *out, enum node_space space, slice_t key)
{
    pack_array (out, 3);
    pack_uint (out, space);
    pack_bin (out, key);
    pack_nil (out);
}

void pool_clients_put (buffer_t *out, int action, const uuid16_t *client, const buffer_t *value)
{
    pack_array (out, 3);
    pack_uint (out, (uint64_t)action);
    pack_bin (out, slice_of (client, sizeof *client));
    pack_raw (out, buffer_slice (value));
}

//  ---- this client's own record

static void client_name_set (client_t *client, const char *name)
{
    size_t size = strlen (name);
    size = size < sizeof client->name ? size : sizeof client->name - 1;
    memcpy (client->name, name, size);
    client->name[size] = 0;
}

static void record_now (const pool_t *self, client_t *client)
{
    const config_t *config = self->setup->config;
    const endpoint_list_t *list = config->advertise.count ? &config->advertise : &self->endpoints;
    size_t size = strlen (self->setup->version);
    client_name_set (client, config->name);
    size = size < sizeof client->version ? size : sizeof client->version - 1;
    memcpy (client->version, self->setup->version, size);
    client->version[size] = 0;
    client->endpoint_count = list->count;
    memcpy (client->endpoints, list->items, sizeof client->endpoints);
}

static bool record_differs (const client_t *a, const client_t *b)
{
    if (strcmp (a->name, b->name) != 0 || strcmp (a->version, b->version) != 0 ||
        a->endpoint_count != b->endpoint_count)
        return true;
    for (size_t i = 0; i < a->endpoint_count; i++)
        if (strcmp (a->endpoints[i], b->endpoints[i]) != 0)
            return true;
    return false;
}

//  States the record anew if what the log says of this client is no longer so.
static void record_state (pool_t *self, step_t *step)
{
    client_t stored, now;
    slice_t joining;
    if (!self->has_pool || !self->bound || self->stating ||
        node_get (step->txn, NODE_SETTINGS, slice_text ("joining"), &joining) == 0 ||
        clients_get (step->txn, &self->me, &stored) || !client_is_member (&stored))
        return;
    now = stored;
    record_now (self, &now);
    if (!record_differs (&stored, &now))
        return;
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0};
    client_pack_record (&now, &value);
    pool_clients_put (&clients, ACTION_UPDATE, &self->me, &value);
    self->stating = true;
    pool_write (
        self, step, pool_task (self, TASK_RECORD, NULL), "this client's record", &clients, NULL);
    buffer_release (&value);
    buffer_release (&clients);
}

//  ---- the beginning of a pool

static void genesis (pool_t *self, step_t *step)
{
    client_t founder;
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0}, node = {NULL, 0, 0};
    memset (&founder, 0, sizeof founder);
    founder.uuid = self->me;
    founder.key = self->setup->identity->key;
    client_name_set (&founder, self->setup->config->name);
    step->random (step->context, &self->pool, sizeof self->pool);
    client_pack_admission (&founder, &self->pool, &value);
    pool_clients_put (&clients, ACTION_CREATE, &self->me, &value);
    pool_node_put (
        &node, NODE_SETTINGS, slice_text ("pool"), slice_of (&self->pool, sizeof self->pool));
    pool_write (self, step, pool_task (self, TASK_GENESIS, NULL), "the beginning of a pool",
        &clients, &node);
    buffer_release (&value);
    buffer_release (&clients);
    buffer_release (&node);
}

//  ---- last_seen

static void seen_raise (pool_t *self, const uuid16_t *client, uint64_t time)
{
    for (size_t i = 0; i < self->seen_count; i++)
        if (uuid_equal (&self->seen[i].client, client)) {
            if (time > self->seen[i].time) {
                self->seen[i].time = time;
                self->seen[i].saved = false;
            }
            return;
        }
    if (self->seen_count >= LIMIT_MEMBERS)
        return;
    last_seen_t *grown = realloc (self->seen, (self->seen_count + 1) * sizeof *grown);
    if (!grown)
        abort ();
    self->seen = grown;
    self->seen[self->seen_count++] = (last_seen_t){*client, time, false};
}

//  When somebody was seen is kept as a time of this node's wall clock, and means an age. If that clock is set
//  forward or back, by a second or more, the times follow, so that the ages stay.
static void seen_follow (pool_t *self, const step_t *step)
{
    const uint64_t second = 1ull << 32;
    uint64_t offset = step->now.wall - time_from_ns (step->now.mono_ns);
    uint64_t stepped = offset - self->wall_offset; // modulo 2^64: back is as good as forward
    if (stepped < second || -stepped < second)
        return;
    self->wall_offset = offset;
    for (size_t i = 0; i < self->seen_count; i++) {
        self->seen[i].time += stepped;
        self->seen[i].saved = false;
    }
}

//  Ages become times of this node's own clock: a wrong clock elsewhere poisons nobody's.
static void on_seen (pool_t *self, step_t *step, const mail_t *mail)
{
    seen_t seen;
    client_t client;
    size_t count, pair;
    if (step_unpack (step, mail, &seen_type, &seen))
        return;
    cursor_t cursor = cursor_over (seen.ages);
    if (cursor_array (&cursor, &count))
        return;
    while (count--) {
        uuid16_t uuid;
        uint64_t age;
        if (cursor_array (&cursor, &pair) || pair != 2 ||
            cursor_bin_exact (&cursor, &uuid, sizeof uuid) || cursor_uint (&cursor, &age))
            return;
        if (!uuid_equal (&uuid, &self->me) && age < step->now.wall &&
            clients_get (step->txn, &uuid, &client) == 0)
            seen_raise (self, &uuid, step->now.wall - age);
    }
}

//  What link tells of it is as old as this mail, up to the next one, and as the way there takes. An age that is
//  told too young comes back and is believed, again and again: who is gone would be seen ever later. So what
//  is told is the most that it can be by then.
static void ages_tell (pool_t *self, step_t *step)
{
    const uint64_t late = (self->setup->config->ping_interval_s + 1) << 32;
    buffer_t ages = {NULL, 0, 0};
    pack_array (&ages, self->seen_count);
    for (size_t i = 0; i < self->seen_count; i++) {
        uint64_t time = self->seen[i].time;
        pack_array (&ages, 2);
        pack_bin (&ages, slice_of (&self->seen[i].client, sizeof (uuid16_t)));
        pack_uint (&ages, (step->now.wall > time ? step->now.wall - time : 0) + late);
    }
    peers_t peers = {.ages = buffer_slice (&ages)};
    step_send (step, ACTOR_LINK, MAIL_PEERS, 0, &peers_type, &peers, NULL, 0);
    buffer_release (&ages);
}

static void seen_save (pool_t *self, step_t *step)
{
    buffer_t node = {NULL, 0, 0};
    for (size_t i = 0; i < self->seen_count; i++) {
        uint8_t time[8];
        if (self->seen[i].saved)
            continue;
        for (int byte = 0; byte < 8; byte++)
            time[byte] = (uint8_t)(self->seen[i].time >> (56 - 8 * byte));
        pool_node_put (&node, NODE_LAST_SEEN, slice_of (&self->seen[i].client, sizeof (uuid16_t)),
            slice_of (time, sizeof time));
        self->seen[i].saved = true;
    }
    if (node.size)
        pool_write (self, step, pool_task (self, TASK_SAVE, NULL), "when clients were last seen",
            NULL, &node);
    buffer_release (&node);
}

static int seen_load (pool_t *self, step_t *step)
{
    slice_t key, value;
    uuid16_t client = {{0}};
    int rc = node_seek (step->txn, NODE_LAST_SEEN, slice_of (NULL, 0), &key, &value);
    while (rc == 0) {
        uint64_t time = 0;
        if (key.size == sizeof client && value.size == 8) {
            memcpy (&client, key.data, sizeof client);
            for (int byte = 0; byte < 8; byte++)
                time = time << 8 | value.data[byte];
            //  What a clock that ran ahead has saved says nothing.
            if (time <= step->now.wall) {
                seen_raise (self, &client, time);
                self->seen[self->seen_count - 1].saved = true;
            }
        }
        rc = node_next (step->txn, NODE_LAST_SEEN, key, &key, &value);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  ---- removal

static int remove_read (slice_t request, uuid16_t *ret_client, bool *ret_drop)
{
    cursor_t cursor = cursor_over (request);
    size_t count;
    bool named = false;
    *ret_drop = false;
    if (cursor_map (&cursor, &count))
        return ERR_BAD_REQUEST;
    while (count--) {
        slice_t name, text;
        int rc = cursor_text (&cursor, &name);
        if (rc == 0 && slice_equal (name, slice_text ("client"))) {
            rc = cursor_kind (&cursor) == PACK_TEXT
                     ? cursor_text (&cursor, &text) || uuid_from_text (text, ret_client)
                     : cursor_bin_exact (&cursor, ret_client, sizeof *ret_client);
            named = true;
        } else if (rc == 0 && slice_equal (name, slice_text ("drop_rows")) &&
                   cursor_kind (&cursor) == PACK_BOOL)
            rc = cursor_bool (&cursor, ret_drop);
        else if (rc == 0)
            rc = cursor_skip (&cursor, NULL);
        if (rc)
            return ERR_BAD_REQUEST;
    }
    return named ? 0 : ERR_BAD_REQUEST;
}

static void on_remove (pool_t *self, step_t *step, const mail_t *mail, slice_t request)
{
    uuid16_t uuid;
    client_t client;
    bool drop;
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0};
    int rc = remove_read (request, &uuid, &drop);
    if (rc == 0 && uuid_equal (&uuid, &self->me))
        rc = ERR_NOT_ALLOWED;
    if (rc == 0)
        rc = clients_get (step->txn, &uuid, &client);
    if (rc == 0 && !client_is_member (&client))
        rc = ERR_NOT_MEMBER;
    if (rc) {
        pool_answer (step, mail->envelope.from, mail->envelope.ticket, rc,
            rc == ERR_NOT_ALLOWED ? "a client does not remove itself: another member does" : NULL,
            NULL);
        return;
    }
    client_pack_removal (drop, &value);
    pool_clients_put (&clients, ACTION_UPDATE, &uuid, &value);
    pool_write (self, step, pool_task (self, TASK_REMOVE, mail), "a removal", &clients, NULL);
    buffer_release (&value);
    buffer_release (&clients);
}

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
        if (uuid_equal (&client.uuid, &self->me) && !timestamp_is_none (&client.removed))
            step_alarm (step, error_name (ERR_REMOVED), "pool", error_text (ERR_REMOVED));
    }
}

//  ---- mail

static void on_written (pool_t *self, step_t *step, const mail_t *mail)
{
    written_t written;
    pool_task_t *task = task_take (self, mail->envelope.ticket);
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
    task_free (task);
    record_state (self, step);
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
    record_state (self, step);
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
    record_state (self, step);
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
        on_remove (self, step, mail, command.request);
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
    seen_follow (self, step);
    switch (mail->envelope.verb) {
    case MAIL_WRITTEN: on_written (self, step, mail); break;
    case MAIL_ADVANCED: on_advanced (self, step, mail); break;
    case MAIL_EDGE_BOUND: on_bound (self, step, mail); break;
    case MAIL_SEEN: on_seen (self, step, mail); break;
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
    seen_follow (self, step);
    if (!self->has_pool && !self->tasks)
        genesis (self, step);
    if (step->now.mono_ns - self->told_ns >= interval) {
        ages_tell (self, step);
        pool_declare_stale (self, step);
        self->told_ns = step->now.mono_ns;
    }
    if (step->now.mono_ns - self->saved_ns >= LAST_SEEN_SAVE_NS) {
        seen_save (self, step);
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
        genesis (self, step);
        rc = 0;
    }
    if (rc == 0)
        rc = seen_load (self, step);
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
        task_free (task);
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

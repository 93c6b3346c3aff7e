//  sim - the scheduler and the wires

#include "tests/sim/sim.h"

#include "store/backup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define START  1767225600ull // 2026-01-01T00:00:00Z

//  A connection between two nodes, as both ends name it.
typedef struct sim_wire {
    int dialler, listener;
    uint64_t dialler_line, listener_line;
    uint64_t socket;
    public_key_t dialler_key;
    struct sim_wire *next;
} sim_wire_t;

static const actor_class_t *const classes[] = {
    &clock_class, &oplog_class, &pool_class, &link_class};

uint64_t sim_random (sim_t *self, uint64_t below)
{
    self->random = self->random * 6364136223846793005ull + 1442695040888963407ull;
    return (self->random >> 33) % below;
}

static void node_random (void *context, void *bytes, size_t size)
{
    sim_node_t *node = context;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)sim_random (node->sim, 256);
}

static void node_say (void *context, int level, const char *text)
{
    const sim_node_t *node = context;
    if (getenv ("SIM_TRACE"))
        fprintf (stderr, "%10.4f  node %d  %d %s\n", (double)node->sim->mono_ns / SECOND,
            node->index, level, text);
}

void sim_note (const sim_t *self, const char *format, ...)
{
    va_list arguments;
    if (!getenv ("SIM_TRACE"))
        return;
    fprintf (stderr, "%10.4f  ", (double)self->mono_ns / SECOND);
    va_start (arguments, format);
    vfprintf (stderr, format, arguments);
    va_end (arguments);
    fprintf (stderr, "\n");
}

static now_t node_now (const sim_node_t *node)
{
    uint64_t ns = START * SECOND + node->sim->mono_ns + (uint64_t)node->skew_ns;
    return (now_t){time_from_ns (ns), node->sim->mono_ns + SECOND};
}

//  ---- wires

static sim_wire_t *wire_of (sim_t *self, int node, uint64_t line, bool *ret_is_dialler)
{
    for (sim_wire_t *wire = self->wires; wire; wire = wire->next) {
        *ret_is_dialler = wire->dialler == node && wire->dialler_line == line;
        if (*ret_is_dialler || (wire->listener == node && wire->listener_line == line))
            return wire;
    }
    return NULL;
}

static void wire_remove (sim_t *self, sim_wire_t *wire)
{
    for (sim_wire_t **at = &self->wires; *at; at = &(*at)->next)
        if (*at == wire) {
            *at = wire->next;
            free (wire);
            return;
        }
}

static void give (sim_node_t *node, int verb, const message_type_t *type, const void *body,
    const slice_t *frames, size_t count)
{
    step_t step = {.self = ACTOR_EDGE};
    step_send (&step, ACTOR_LINK, verb, 0, type, body, frames, count);
    mail_list_append (&node->boxes[ACTOR_LINK], mail_list_take (&step.out));
}

static void event_give (sim_node_t *node, uint64_t socket, uint64_t line, int event)
{
    edge_event_mail_t mail = {.socket = socket, .line = line, .event = (uint64_t)event};
    give (node, MAIL_EDGE_EVENT, &edge_event_mail_type, &mail, NULL, 0);
}

static bool lets_in (const sim_node_t *node, uint64_t socket, const public_key_t *key)
{
    cursor_t cursor = cursor_over (buffer_slice (&node->admitted[socket]));
    size_t count;
    public_key_t admitted;
    if (node->admitted[socket].size == 0 || cursor_array (&cursor, &count))
        return false;
    while (count--)
        if (cursor_bin_exact (&cursor, &admitted, sizeof admitted) == 0 &&
            memcmp (&admitted, key, sizeof admitted) == 0)
            return true;
    return false;
}

static void edge_dial (sim_node_t *node, const edge_dial_t *dial)
{
    sim_t *self = node->sim;
    uint64_t socket = dial->secret.size ? LINK_DOOR : LINK_PEERS;
    int to = dial->endpoint.size > 6 ? dial->endpoint.data[6] - '0' : -1;
    public_key_t key = node->identity.curve;
    uint8_t secret[32];
    if (dial->secret.size)
        curve_of_secret (dial->secret.data, &key, secret);
    sim_node_t *other = to >= 0 && to < (int)self->count ? &self->nodes[to] : NULL;
    bool there = other && other->running && !self->cut[node->index][to];
    bool right = there && memcmp (&other->identity.curve, &dial->server, sizeof dial->server) == 0;
    if (!right || !lets_in (other, socket, &key)) {
        if (there)
            event_give (other, socket, 0, EDGE_DENIED);
        event_give (node, socket, dial->line, right ? EDGE_REFUSED : EDGE_UNREACHABLE);
        return;
    }
    sim_wire_t *wire = calloc (1, sizeof *wire);
    *wire = (sim_wire_t){node->index, to, dial->line, self->next_even, socket, key, self->wires};
    self->next_even += 2;
    self->wires = wire;
    event_give (node, socket, dial->line, EDGE_CONNECTED);
}

static void edge_out (sim_node_t *node, const edge_out_t *out, const mail_t *mail)
{
    sim_t *self = node->sim;
    bool is_dialler;
    slice_t frames[MAIL_FRAMES_MAX];
    sim_wire_t *wire = wire_of (self, node->index, out->line, &is_dialler);
    if (!wire)
        return;
    sim_node_t *other = &self->nodes[is_dialler ? wire->listener : wire->dialler];
    edge_in_t in = {.socket = wire->socket,
        .line = is_dialler ? wire->listener_line : wire->dialler_line,
        .key = is_dialler ? wire->dialler_key : node->identity.curve};
    for (size_t i = 0; i < mail->frame_count; i++) {
        frames[i] = mail->frames[i].bytes;
        cr_assert_leq (frames[i].size, LIMIT_PEER_FRAME_BYTES);
    }
    uint64_t verb;
    self->messages++;
    self->spoken += peer_verb_of (frames[0], &verb) || (verb != PEER_PING && verb != PEER_PONG);
    give (other, MAIL_EDGE_IN, &edge_in_type, &in, frames, mail->frame_count);
}

static void wire_end (sim_t *self, sim_wire_t *wire, bool tell_dialler)
{
    if (tell_dialler)
        event_give (&self->nodes[wire->dialler], wire->socket, wire->dialler_line, EDGE_LOST);
    wire_remove (self, wire);
}

static void edge_take (sim_node_t *node, const mail_t *mail)
{
    edge_dial_t dial;
    edge_out_t out;
    edge_admit_t admit;
    edge_hang_up_t hang;
    bool is_dialler;
    switch (mail->envelope.verb) {
    case MAIL_EDGE_DIAL:
        cr_assert_eq (message_unpack (&edge_dial_type, mail->body, &dial, NULL), 0);
        edge_dial (node, &dial);
        break;
    case MAIL_EDGE_OUT:
        cr_assert_eq (message_unpack (&edge_out_type, mail->body, &out, NULL), 0);
        edge_out (node, &out, mail);
        break;
    case MAIL_EDGE_ADMIT:
        cr_assert_eq (message_unpack (&edge_admit_type, mail->body, &admit, NULL), 0);
        buffer_clear (&node->admitted[admit.socket]);
        buffer_append (&node->admitted[admit.socket], admit.keys.data, admit.keys.size);
        break;
    case MAIL_EDGE_HANG_UP:
        cr_assert_eq (message_unpack (&edge_hang_up_type, mail->body, &hang, NULL), 0);
        sim_wire_t *wire = wire_of (node->sim, node->index, hang.line, &is_dialler);
        if (wire)
            wire_end (node->sim, wire, !is_dialler);
        break;
    }
}

void sim_cut (sim_t *self, int a, int b, bool cut)
{
    self->cut[a][b] = self->cut[b][a] = cut;
    for (sim_wire_t *wire = self->wires, *next; wire; wire = next) {
        next = wire->next;
        if (cut && ((wire->dialler == a && wire->listener == b) ||
                       (wire->dialler == b && wire->listener == a)))
            wire_end (self, wire, true);
    }
}

//  ---- mail

static void alarm_take (sim_node_t *node, const mail_t *mail)
{
    alarm_t alarm;
    cr_assert_eq (message_unpack (&alarm_type, mail->body, &alarm, NULL), 0);
    for (size_t i = 0; i < node->alarm_count; i++)
        if (slice_equal (slice_text (node->alarms[i]), alarm.code)) {
            if (!alarm.text.size)
                memcpy (node->alarms[i], node->alarms[--node->alarm_count], sizeof *node->alarms);
            return;
        }
    if (alarm.text.size && node->alarm_count < 16) {
        memcpy (node->alarms[node->alarm_count], alarm.code.data, alarm.code.size);
        node->alarms[node->alarm_count++][alarm.code.size] = 0;
    }
}

bool sim_alarm (sim_t *self, int node, const char *code)
{
    for (size_t i = 0; i < self->nodes[node].alarm_count; i++)
        if (strcmp (self->nodes[node].alarms[i], code) == 0)
            return true;
    return false;
}

//  A run that is the same says the same, in the same order.
static void hash_take (sim_node_t *node, const mail_t *mail)
{
    sim_t *sim = node->sim;
    uint64_t words[] = {sim->hash, sim->mono_ns, (uint64_t)node->index, (uint64_t)mail->envelope.to,
        (uint64_t)mail->envelope.verb, checksum_of (mail->body), 0};
    for (size_t i = 0; i < mail->frame_count; i++)
        words[6] = words[6] * 31 + checksum_of (mail->frames[i].bytes);
    sim->hash = checksum_of (slice_of (words, sizeof words));
}

static void post (sim_node_t *node, mail_t *mail)
{
    hash_take (node, mail);
    int to = mail->envelope.to;
    if (to == ACTOR_EDGE)
        edge_take (node, mail);
    else if (to == ACTOR_ADMIN && mail->envelope.verb == MAIL_ALARM)
        alarm_take (node, mail);
    else if (node->holding && to == ACTOR_LINK && mail->envelope.verb == MAIL_ADVANCED) {
        mail_list_append (&node->held, mail);
        return;
    } else if ((to == ACTOR_API || to == ACTOR_ADMIN) && mail->envelope.ticket &&
               mail->envelope.ticket == node->wanted) {
        mail_destroy (&node->answer);
        node->answer = mail;
        node->wanted = 0;
        return;
    } else if (to == ACTOR_CLOCK || to == ACTOR_OPLOG || to == ACTOR_POOL || to == ACTOR_LINK) {
        mail_list_append (&node->boxes[to], mail);
        return;
    }
    mail_destroy (&mail);
}

static void post_all (sim_node_t *node, step_t *step)
{
    for (mail_t *mail = mail_list_take (&step->out); mail; mail = mail_list_take (&step->out))
        post (node, mail);
}

//  ---- rounds: what actors/shell does, without threads

static int work (sim_node_t *node, const actor_class_t *class, step_t *step)
{
    void *core = node->cores[class->actor];
    for (;;) {
        mail_list_t before = step->out;
        step->out = (mail_list_t){NULL, NULL, 0};
        int rc = store_begin (node->store, true, &step->txn);
        if (rc == 0) {
            rc = class->work (core, step);
            if (rc == 0 && node->fail_commits) {
                node->fail_commits--;
                rc = ERR_STORAGE_FULL;
            }
            if (rc)
                store_abort (&step->txn);
            else
                rc = store_commit (&step->txn);
        }
        step->txn = NULL;
        node->commits += rc == 0;
        if (rc)
            mail_list_clear (&step->out);
        mail_list_t after = step->out;
        step->out = before;
        for (mail_t *mail = mail_list_take (&after); mail; mail = mail_list_take (&after))
            mail_list_append (&step->out, mail);
        if (rc == ERR_MAP_FULL && store_grow (node->store) == 0)
            continue;
        class->settle (core, step, rc);
        return rc;
    }
}

static void round_run (sim_node_t *node, const actor_class_t *class)
{
    int actor = class->actor;
    step_t *step = &node->steps[actor];
    void *core = node->cores[actor];
    uint64_t commits = node->commits;
    step->now = node_now (node);
    if (step->now.wall > node->wall_most)
        node->wall_most = step->now.wall;
    if (class->txn == TXN_READ)
        cr_assert_eq (store_begin (node->store, false, &step->txn), 0);
    for (uint64_t most = 1 + sim_random (node->sim, 20); most && node->boxes[actor].head; most--) {
        mail_t *mail = mail_list_take (&node->boxes[actor]);
        class->receive (core, step, &mail);
        mail_destroy (&mail);
    }
    if (class->ready && class->ready (core, step))
        work (node, class, step);
    if (step->now.mono_ns >= step->wake_ns) {
        step->wake_ns = UINT64_MAX;
        if (class->tick)
            class->tick (core, step);
    }
    if (class->txn == TXN_READ)
        store_abort (&step->txn);
    post_all (node, step);
    if (node->sim->watch && node->commits != commits)
        node->sim->watch (node->sim->watch_context, node->index);
}

//  True if some actor had something to do.
static bool step_one (sim_t *self)
{
    struct {
        sim_node_t *node;
        const actor_class_t *class;
    } due[SIM_NODES_MAX * 4];
    size_t count = 0;
    for (size_t n = 0; n < self->count; n++)
        for (size_t c = 0; self->nodes[n].running && c < sizeof classes / sizeof *classes; c++) {
            sim_node_t *node = &self->nodes[n];
            int actor = classes[c]->actor;
            if (node->boxes[actor].head || node->steps[actor].wake_ns <= node_now (node).mono_ns) {
                due[count].node = node;
                due[count++].class = classes[c];
            }
        }
    if (count == 0)
        return false;
    size_t chosen = sim_random (self, count);
    round_run (due[chosen].node, due[chosen].class);
    self->mono_ns += 20000 + sim_random (self, 20000);
    return true;
}

void sim_step (sim_t *self)
{
    if (!step_one (self))
        self->mono_ns += SECOND / 1000;
}

static uint64_t next_wake (sim_t *self)
{
    uint64_t wake = UINT64_MAX;
    for (size_t n = 0; n < self->count; n++)
        for (size_t c = 0; self->nodes[n].running && c < sizeof classes / sizeof *classes; c++)
            if (self->nodes[n].steps[classes[c]->actor].wake_ns < wake)
                wake = self->nodes[n].steps[classes[c]->actor].wake_ns;
    return wake;
}

bool sim_until (sim_t *self, sim_predicate_t *predicate, void *context, uint64_t seconds)
{
    uint64_t end = self->mono_ns + seconds * SECOND;
    while (self->mono_ns < end) {
        if (predicate && predicate (self, context))
            return true;
        if (step_one (self))
            continue;
        uint64_t wake = next_wake (self);
        self->mono_ns = wake == UINT64_MAX || wake - SECOND > end ? end : wake - SECOND;
    }
    return predicate && predicate (self, context);
}

void sim_pass (sim_t *self, uint64_t seconds)
{
    sim_until (self, NULL, NULL, seconds);
}

//  ---- nodes

void sim_start (sim_t *self, int index)
{
    sim_node_t *node = &self->nodes[index];
    store_options_t options = {.map_size = 64 << 20, .no_sync = true};
    cr_assert_eq (store_open (node->dir, &options, &node->store), 0);
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++) {
        int actor = classes[c]->actor;
        step_t *step = &node->steps[actor];
        *step = (step_t){.now = node_now (node),
            .metrics = &node->metrics,
            .self = actor,
            .wake_ns = UINT64_MAX,
            .random = node_random,
            .say = node_say,
            .context = node};
        cr_assert_eq (store_begin (node->store, classes[c]->txn == TXN_WRITE, &step->txn), 0);
        cr_assert_eq (classes[c]->open (&node->setup, step, &node->cores[actor]), 0);
        if (classes[c]->txn == TXN_WRITE)
            cr_assert_eq (store_commit (&step->txn), 0);
        else
            store_abort (&step->txn);
        post_all (node, step);
    }
    node->running = true;
    for (uint64_t socket = LINK_PEERS; socket <= LINK_DOOR; socket++) {
        char endpoint[16];
        buffer_t list = {NULL, 0, 0};
        snprintf (endpoint, sizeof endpoint, "sim://%d", index);
        pack_array (&list, 1);
        pack_string (&list, endpoint);
        edge_bound_t bound = {.socket = socket, .endpoints = buffer_slice (&list)};
        give (node, MAIL_EDGE_BOUND, &edge_bound_type, &bound, NULL, 0);
        buffer_release (&list);
    }
}

void sim_kill (sim_t *self, int index)
{
    sim_node_t *node = &self->nodes[index];
    for (sim_wire_t *wire = self->wires, *next; wire; wire = next) {
        next = wire->next;
        if (wire->dialler == index || wire->listener == index)
            wire_end (self, wire, wire->dialler != index);
    }
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++) {
        classes[c]->close (&node->cores[classes[c]->actor]);
        mail_list_clear (&node->boxes[classes[c]->actor]);
        mail_list_clear (&node->steps[classes[c]->actor].out);
    }
    mail_list_clear (&node->held);
    for (int socket = 0; socket < 2; socket++)
        buffer_clear (&node->admitted[socket]);
    store_destroy (&node->store);
    node->alarm_count = 0;
    node->wanted = 0;
    node->running = false;
}

static void node_make (sim_t *self, size_t index)
{
    sim_node_t *node = &self->nodes[index];
    uint8_t seed[SEED_SIZE];
    node->sim = self;
    node->index = (int)index;
    node->next_ticket = 1;
    node_random (node, seed, sizeof seed);
    cr_assert_eq (identity_from_seed (seed, &node->identity), 0);
    snprintf (node->dir, sizeof node->dir, "/dev/shm/tidepool-sim-XXXXXX");
    cr_assert_not_null (mkdtemp (node->dir));
    config_t *config = &node->config;
    snprintf (config->name, sizeof config->name, "node%zu", index);
    config->max_drift_ms = 100;
    config->stale_after_s = 2592000;
    config->ack_interval_s = 60;
    config->ping_interval_s = 5;
    config->scrub_interval_s = 86400;
    config->max_value_bytes = 1 << 20;
    node->setup = (actor_setup_t){.config = config, .identity = &node->identity, .version = "sim"};
    sim_start (self, (int)index);
}

sim_t *sim_new (uint64_t seed, size_t nodes)
{
    sim_t *self = calloc (1, sizeof *self);
    self->seed = seed;
    self->random = seed * 2654435761u + 1;
    self->next_even = 2;
    self->count = nodes;
    cr_assert_eq (keys_start (), 0);
    for (size_t i = 0; i < nodes; i++)
        node_make (self, i);
    sim_pass (self, 1);
    return self;
}

void sim_destroy (sim_t **self_p)
{
    sim_t *self = *self_p;
    for (size_t i = 0; i < self->count; i++) {
        sim_node_t *node = &self->nodes[i];
        char path[192];
        if (node->running)
            sim_kill (self, (int)i);
        mail_destroy (&node->answer);
        buffer_release (&node->admitted[0]);
        buffer_release (&node->admitted[1]);
        snprintf (path, sizeof path, "%s/data.mdb", node->dir);
        unlink (path);
        snprintf (path, sizeof path, "%s/lock.mdb", node->dir);
        unlink (path);
        rmdir (node->dir);
    }
    while (self->wires)
        wire_remove (self, self->wires);
    free (self);
    *self_p = NULL;
}

void sim_intervals (sim_t *self, uint64_t stale_after_s, uint64_t ack_interval_s)
{
    for (size_t i = 0; i < self->count; i++) {
        self->nodes[i].config.stale_after_s = stale_after_s;
        self->nodes[i].config.ack_interval_s = ack_interval_s;
    }
}

static void file_copy (const char *from_dir, const char *from, const char *to)
{
    char path[192], buffer[65536];
    size_t size;
    snprintf (path, sizeof path, "%s/%s", from_dir, from);
    FILE *in = fopen (path, "rb");
    snprintf (path, sizeof path, "%s/%s", from_dir, to);
    FILE *out = fopen (path, "wb");
    cr_assert (in && out);
    while ((size = fread (buffer, 1, sizeof buffer, in)) > 0)
        cr_assert_eq (fwrite (buffer, 1, size, out), size);
    fclose (in);
    cr_assert_eq (fclose (out), 0);
}

void sim_backup (sim_t *self, int index)
{
    cr_assert_not (self->nodes[index].running);
    file_copy (self->nodes[index].dir, "data.mdb", "backup");
}

void sim_restore (sim_t *self, int index)
{
    cr_assert_not (self->nodes[index].running);
    file_copy (self->nodes[index].dir, "backup", "data.mdb");
}

void sim_restore_asking (sim_t *self, int index)
{
    sim_node_t *node = &self->nodes[index];
    store_options_t options = {.map_size = 64 << 20, .no_sync = true};
    store_t *store = NULL;
    txn_t *txn = NULL;
    sim_restore (self, index);
    cr_assert_eq (store_open (node->dir, &options, &store), 0);
    cr_assert_eq (store_begin (store, true, &txn), 0);
    cr_assert_eq (restored_put (txn, RESTORED_UNASKED), 0);
    cr_assert_eq (store_commit (&txn), 0);
    store_destroy (&store);
}

//  ---- what is said

void sim_hold_link (sim_t *self, int index, bool hold)
{
    sim_node_t *node = &self->nodes[index];
    node->holding = hold;
    for (mail_t *mail = hold ? NULL : mail_list_take (&node->held); mail;
         mail = mail_list_take (&node->held))
        mail_list_append (&node->boxes[ACTOR_LINK], mail);
}

bool sim_say (sim_t *self, int from, int to, const slice_t *frames, size_t count)
{
    for (sim_wire_t *wire = self->wires; wire; wire = wire->next) {
        bool dials = wire->dialler == from && wire->listener == to;
        if (wire->socket != LINK_PEERS ||
            (!dials && (wire->dialler != to || wire->listener != from)))
            continue;
        edge_in_t in = {.socket = wire->socket,
            .line = dials ? wire->listener_line : wire->dialler_line,
            .key = dials ? wire->dialler_key : self->nodes[from].identity.curve};
        give (&self->nodes[to], MAIL_EDGE_IN, &edge_in_type, &in, frames, count);
        return true;
    }
    return false;
}

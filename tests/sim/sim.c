//  sim - the scheduler

#include "tests/sim/wires.h"

#include "store/backup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define START  1767225600ull // 2026-01-01T00:00:00Z

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

static bool is_answer (const sim_node_t *node, const mail_t *mail)
{
    int to = mail->envelope.to;
    return (to == ACTOR_API || to == ACTOR_ADMIN) && mail->envelope.ticket &&
           mail->envelope.ticket == node->wanted;
}

static void answer_take (sim_node_t *node, mail_t *mail)
{
    mail_destroy (&node->answer);
    node->answer = mail;
    node->wanted = 0;
}

static void post (sim_node_t *node, mail_t *mail)
{
    hash_take (node, mail);
    int to = mail->envelope.to;
    if (to == ACTOR_EDGE)
        wires_take (node, mail);
    else if (to == ACTOR_ADMIN && mail->envelope.verb == MAIL_ALARM)
        alarm_take (node, mail);
    else if (node->holding && to == ACTOR_LINK && mail->envelope.verb == MAIL_ADVANCED) {
        mail_list_append (&node->held, mail);
        return;
    } else if (is_answer (node, mail)) {
        answer_take (node, mail);
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

//  ---- crashes

//  Does the node end at this commit?
static bool crash_begins (sim_node_t *node, int actor)
{
    crash_t *crash = &node->crash;
    if (crash->actor || crash->commits == 0 || --crash->commits)
        return false;
    crash->actor = actor;
    crash->steps = sim_random (node->sim, 8);
    sim_note (node->sim, "--- node %d crashes %s a commit of its %s", node->index,
        crash->early ? "before" : "after", actor_name (actor));
    return true;
}

//  All but the first of what it had to say is never said. What it was asked for is done, if that is among it.
static void post_some (sim_node_t *node, step_t *step)
{
    uint64_t said = sim_random (node->sim, step->out.count + 1);
    for (mail_t *mail = mail_list_take (&step->out); mail; mail = mail_list_take (&step->out))
        if (said) {
            said--;
            post (node, mail);
        } else if (is_answer (node, mail))
            answer_take (node, mail);
        else
            mail_destroy (&mail);
}

//  True if some node is about to end.
static bool crashes_end (sim_t *self)
{
    bool some = false;
    for (size_t n = 0; n < self->count; n++) {
        some = some || self->nodes[n].crash.actor;
        if (self->nodes[n].crash.actor && self->nodes[n].crash.steps-- == 0)
            sim_kill (self, (int)n);
    }
    return some;
}

//  ---- rounds: what actors/shell does, without threads

//  0, or why it was not committed.
static int commit (sim_node_t *node, const actor_class_t *class, step_t *step, int rc)
{
    if (rc == 0 && node->fail_commits) {
        node->fail_commits--;
        rc = ERR_STORAGE_FULL;
    }
    if (rc == 0 && crash_begins (node, class->actor) && node->crash.early)
        rc = SIM_CRASHED;
    if (rc == 0)
        return store_commit (&step->txn);
    store_abort (&step->txn);
    return rc;
}

static int work (sim_node_t *node, const actor_class_t *class, step_t *step)
{
    void *core = node->cores[class->actor];
    for (;;) {
        metrics_t counted = node->metrics;
        mail_list_t before = step->out;
        step->out = (mail_list_t){NULL, NULL, 0};
        int rc = store_begin (node->store, true, &step->txn);
        if (rc == 0) {
            rc = class->work (core, step);
            rc = commit (node, class, step, rc);
        }
        step->txn = NULL;
        node->commits += rc == 0;
        if (rc)
            mail_list_clear (&step->out);
        if (rc) // what was not committed never was; the node itself counts it
            node->metrics = counted;
        mail_list_t after = step->out;
        step->out = before;
        for (mail_t *mail = mail_list_take (&after); mail; mail = mail_list_take (&after))
            mail_list_append (&step->out, mail);
        if (rc == ERR_MAP_FULL && store_grow (node->store) == 0)
            continue;
        if (node->crash.actor != class->actor)
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
    bool crashes = node->crash.actor == actor;
    if (!crashes && step->now.mono_ns >= step->wake_ns) {
        step->wake_ns = UINT64_MAX;
        if (class->tick)
            class->tick (core, step);
    }
    if (class->txn == TXN_READ)
        store_abort (&step->txn);
    if (crashes)
        post_some (node, step);
    else
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
    bool some_end = crashes_end (self);
    wires_deliver (self);
    for (size_t n = 0; n < self->count; n++)
        for (size_t c = 0; self->nodes[n].running && c < sizeof classes / sizeof *classes; c++) {
            sim_node_t *node = &self->nodes[n];
            int actor = classes[c]->actor;
            if (actor != node->crash.actor &&
                (node->boxes[actor].head ||
                    node->steps[actor].wake_ns <= node_now (node).mono_ns)) {
                due[count].node = node;
                due[count++].class = classes[c];
            }
        }
    if (count == 0)
        return some_end;
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
    uint64_t wake = wires_next (self);
    wake = wake == UINT64_MAX ? wake : wake + SECOND; // as the nodes' clocks count
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
        wires_give (node, MAIL_EDGE_BOUND, &edge_bound_type, &bound, NULL, 0);
        buffer_release (&list);
    }
}

void sim_kill (sim_t *self, int index)
{
    sim_node_t *node = &self->nodes[index];
    wires_kill (self, index);
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
    node->crash = (crash_t){0, 0, 0, false};
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
    self->tells_wires = getenv ("SIM_TRACE") && strcmp (getenv ("SIM_TRACE"), "2") == 0;
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
    wires_destroy (self);
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

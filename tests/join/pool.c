//  pool - see pool.h
//
//  Each client has a log of entries: a write, an acknowledgement without one, or the admission of a
//  client; with each goes what its origin had seen then. As in semantics.md, "Flushing and purging": a
//  deletion is stable at a node if every member that it knows of has published to have seen it.

#include "tests/join/pool.h"

#include "messages/error.h"
#include "tests/join/checks.h"
#include "tests/join/reference.h"

#include <assert.h>
#include <stdlib.h>

#define FOUNDERS 4

typedef uint64_t uptos_t[CLIENTS_MAX];

typedef struct entry {
    int record; // -1: no write
    int admits; // -1: nobody
    operation_t operation;
    uint64_t upto;
    uptos_t seen; // by its origin, itself included
} entry_t;

typedef struct node {
    bool is_member;
    unsigned members; // that it knows of, as bits
    uint64_t clock;
    uptos_t uptos;
    size_t taken[CLIENTS_MAX];      // entries of each log
    uptos_t published[CLIENTS_MAX]; // the `seen` of the last entry of each
    record_t records[RECORDS_MAX];
} node_t;

typedef struct log {
    entry_t *entries;
    size_t count;
} log_t;

typedef struct pool {
    size_t step;
    node_t nodes[CLIENTS_MAX];
    log_t logs[CLIENTS_MAX];
    history_t histories[RECORDS_MAX];
    buffer_t *copied; // what copied records borrow from
    size_t copied_count;
    pool_tally_t *tally;
    pool_fault_t *fault;
} pool_t;

static bool fails (pool_t *self, const char *why, int client, int record)
{
    *self->fault = (pool_fault_t){why, self->step, client, record};
    return false;
}

//  ---- what a node has

static void vector_of (const uptos_t uptos, watermark_t entries[CLIENTS_MAX], vector_t *ret_vector)
{
    *ret_vector = (vector_t){.entries = entries, .capacity = CLIENTS_MAX};
    for (int i = 0; i < CLIENTS_MAX; i++) {
        uuid16_t client = client_of (i);
        if (uptos[i])
            vector_raise (ret_vector, &client, uptos[i], NULL);
    }
}

static set_t events_at (const pool_t *self, int client, int record)
{
    const history_t *history = &self->histories[record];
    set_t set = {{0}};
    for (size_t i = 0; i < history->count; i++) {
        const event_t *event = &history->events[i];
        if (event->stamp.time <= self->nodes[client].uptos[event->client])
            set_add (&set, i);
    }
    return set;
}

static bool check_record (pool_t *self, int client, int record)
{
    static expected_t expected;
    const history_t *history = &self->histories[record];
    set_t set = events_at (self, client, record);
    expect (&expected, history, &set);
    const char *why = check_meaning (history, &set, &expected);
    if (!why)
        why = check_state (history, &self->nodes[client].records[record], &expected);
    return !why || fails (self, why, client, record);
}

//  ---- the log

static void apply (pool_t *self, int client, int origin)
{
    node_t *node = &self->nodes[client];
    const entry_t *entry = &self->logs[origin].entries[node->taken[origin]++];
    node->uptos[origin] = entry->upto;
    memcpy (node->published[origin], entry->seen, sizeof entry->seen);
    if (entry->admits >= 0)
        node->members |= 1u << entry->admits;
    if (node->clock < entry->upto)
        node->clock = entry->upto;
    if (entry->record < 0)
        return;
    watermark_t entries[CLIENTS_MAX];
    vector_t seen;
    vector_of (entry->seen, entries, &seen);
    past_t past = {&seen, entry->operation.stamp};
    record_join (&node->records[entry->record], &entry->operation, &past,
        self->histories[entry->record].rule);
}

//  False if it has to wait: something that it has seen is not here.
static bool take (pool_t *self, int client, int origin, size_t number)
{
    node_t *node = &self->nodes[client];
    const entry_t *entry = &self->logs[origin].entries[number];
    if (entry->upto <= node->uptos[origin]) {
        self->tally->duplicates++;
        return true;
    }
    assert (number == node->taken[origin]);
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (i != origin && entry->seen[i] > node->uptos[i])
            return false;
    apply (self, client, origin);
    self->tally->deliveries++;
    return true;
}

static entry_t *seal (pool_t *self, int client, uint64_t time)
{
    log_t *log = &self->logs[client];
    if (log->count % 64 == 0) {
        log->entries = realloc (log->entries, (log->count + 64) * sizeof *log->entries);
        assert (log->entries);
    }
    entry_t *entry = &log->entries[log->count++];
    *entry = (entry_t){.record = -1, .admits = -1, .upto = time};
    memcpy (entry->seen, self->nodes[client].uptos, sizeof entry->seen);
    entry->seen[client] = time;
    return entry;
}

static void acknowledge (pool_t *self, int client)
{
    seal (self, client, self->nodes[client].clock + 1);
    apply (self, client, client);
}

//  ---- the steps

static bool write_record (pool_t *self, const step_t *step)
{
    node_t *node = &self->nodes[step->client];
    history_t *history = &self->histories[step->record];
    record_t *record = &node->records[step->record];
    if (history->count == EVENTS_MAX)
        return true;
    if (!check_record (self, step->client, step->record))
        return false;
    set_t past = events_at (self, step->client, step->record);
    event_t *event = &history->events[history->count];
    *event = (event_t){.past = past,
        .client = step->client,
        .action = step->action,
        .on_conflict = step->on_conflict,
        .properties = step->action == ACTION_DELETE ? 0 : step->properties,
        .stamp = {node->clock + 1 + step->amount, client_of (step->client)}};
    operation_t operation = operation_of (history, history->count);
    bool may = step->action == ACTION_CREATE ||
               (history->rule.crdt == CRDT_LWW && reference_alive (history, &past));
    if ((record_admit (record, &operation, true, history->rule) == 0) != may)
        return fails (self, "admitted, and by definition not, or not and it should be",
            step->client, step->record);
    if (!may) {
        self->tally->refused++;
        return true;
    }
    history->count++;
    event->stands_on = reference_stands_on (history, history->count - 1);
    entry_t *entry = seal (self, step->client, event->stamp.time);
    entry->record = step->record;
    entry->operation = operation;
    apply (self, step->client, step->client);
    self->tally->writes++;
    return check_record (self, step->client, step->record);
}

//  From each log, in turn, begins one entry early: so the first is a duplicate.
static bool pull (pool_t *self, int client, int other, unsigned most, unsigned first)
{
    const node_t *node = &self->nodes[client];
    const node_t *from = &self->nodes[other];
    bool moved = false;
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        int origin = (int)((first + i) % CLIENTS_MAX);
        size_t number = node->taken[origin];
        if (number > 0)
            number--;
        for (; number < from->taken[origin] && most > 0; number++, most--) {
            size_t taken = node->taken[origin];
            if (!take (self, client, origin, number))
                break;
            moved |= node->taken[origin] > taken;
        }
    }
    return moved;
}

static void purge (pool_t *self, int client)
{
    node_t *node = &self->nodes[client];
    uptos_t stable;
    memcpy (stable, node->uptos, sizeof stable);
    for (int member = 0; member < CLIENTS_MAX; member++)
        for (int i = 0; i < CLIENTS_MAX; i++)
            if (member != client && node->members >> member & 1 &&
                node->published[member][i] < stable[i])
                stable[i] = node->published[member][i];
    watermark_t entries[CLIENTS_MAX];
    vector_t vector;
    vector_of (stable, entries, &vector);
    for (int i = 0; i < RECORDS_MAX; i++) {
        record_t *record = &node->records[i];
        self->tally->purges += record_purge (record, &vector, self->histories[i].rule);
        if (record_is_nothing (record))
            record_clear (record);
    }
}

static void copy_records (pool_t *self, node_t *node, const node_t *from)
{
    self->copied =
        realloc (self->copied, (self->copied_count + RECORDS_MAX) * sizeof *self->copied);
    assert (self->copied);
    for (int i = 0; i < RECORDS_MAX; i++) {
        buffer_t *bytes = &self->copied[self->copied_count++];
        *bytes = (buffer_t){0};
        int rc = record_pack (&from->records[i], NULL, bytes);
        assert (rc == 0);
        cursor_t cursor = cursor_over (buffer_slice (bytes));
        rc = record_unpack (&cursor, NULL, &node->records[i]);
        assert (rc == 0 && record_equal (&node->records[i], &from->records[i]));
    }
}

//  A newcomer is admitted by its giver first. A member takes a copy instead of all that it lacks, if it
//  has nothing that the giver lacks.
static void copy (pool_t *self, int client, int other)
{
    node_t *node = &self->nodes[client];
    const node_t *from = &self->nodes[other];
    if (client == other || !from->is_member)
        return;
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (node->uptos[i] > from->uptos[i])
            return;
    if (!node->is_member) {
        seal (self, other, from->clock + 1)->admits = client;
        apply (self, other, other);
    }
    node->is_member = true;
    node->members = from->members;
    node->clock = from->clock > node->clock ? from->clock : node->clock;
    memcpy (node->uptos, from->uptos, sizeof node->uptos);
    memcpy (node->taken, from->taken, sizeof node->taken);
    memcpy (node->published, from->published, sizeof node->published);
    copy_records (self, node, from);
    self->tally->copies++;
}

static bool play_one (pool_t *self, const step_t *step)
{
    if (step->kind != STEP_COPY && !self->nodes[step->client].is_member)
        return true;
    switch (step->kind) {
    case STEP_WRITE: return write_record (self, step);
    case STEP_PULL: pull (self, step->client, step->other, 1 + step->amount, step->amount); break;
    case STEP_ACK: acknowledge (self, step->client); break;
    case STEP_PURGE: purge (self, step->client); break;
    default: copy (self, step->client, step->other);
    }
    return check_record (self, step->client, step->record);
}

//  ---- the end

static void pull_all (pool_t *self)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (int i = 0; i < CLIENTS_MAX; i++)
            for (int j = 0; j < CLIENTS_MAX; j++)
                if (self->nodes[i].is_member && self->nodes[j].is_member && i != j)
                    moved |= pull (self, i, j, UINT32_MAX, 0);
    }
}

static bool check_all (pool_t *self)
{
    for (int client = 0; client < CLIENTS_MAX; client++)
        for (int record = 0; self->nodes[client].is_member && record < RECORDS_MAX; record++)
            if (!check_record (self, client, record))
                return false;
    return true;
}

//  Everybody has everything, then has acknowledged it, then forgets all deletions.
static bool settle (pool_t *self)
{
    pull_all (self);
    if (!check_all (self))
        return false;
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (self->nodes[i].is_member)
            acknowledge (self, i);
    pull_all (self);
    for (int i = 0; i < CLIENTS_MAX; i++) {
        node_t *node = &self->nodes[i];
        if (node->is_member)
            purge (self, i);
        for (int record = 0; record < RECORDS_MAX; record++)
            if (node->records[record].deleted_count)
                return fails (self, "a deletion is kept that everybody has seen", i, record);
    }
    return check_all (self);
}

static void release (pool_t *self)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        free (self->logs[i].entries);
        for (int record = 0; record < RECORDS_MAX; record++)
            record_release (&self->nodes[i].records[record]);
    }
    for (size_t i = 0; i < self->copied_count; i++)
        buffer_release (&self->copied[i]);
    free (self->copied);
}

bool pool_play (record_rule_t rule, const step_t *steps, size_t count, pool_tally_t *ret_tally,
    pool_fault_t *ret_fault)
{
    static pool_t pool;
    memset (&pool, 0, sizeof pool);
    *ret_tally = (pool_tally_t){0};
    pool.tally = ret_tally;
    pool.fault = ret_fault;
    for (int i = 0; i < RECORDS_MAX; i++)
        pool.histories[i].rule = rule;
    for (int i = 0; i < FOUNDERS; i++) {
        pool.nodes[i].is_member = true;
        pool.nodes[i].members = (1u << FOUNDERS) - 1;
    }
    bool ok = true;
    for (; ok && pool.step < count; pool.step++)
        ok = play_one (&pool, &steps[pool.step]);
    ok = ok && settle (&pool);
    release (&pool);
    return ok;
}

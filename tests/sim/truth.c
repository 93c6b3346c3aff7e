//  truth - see truth.h

#include "tests/sim/truth.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/shared.h"
#include "tests/join/reference.h"

#define REQUEST_MOST 3 // operations

struct truth {
    sim_t *sim;
    history_t records[TRUTH_RECORDS];
    size_t used;  // how many of them
    bool several; // operations a request
    set_t gone[TRUTH_RECORDS];
    timestamp_t last[SIM_NODES_MAX]; // granted at each
    vector_t vector;                 // scratch
};

static const struct {
    const char *name;
    record_rule_t rule;
} resources[] = {{"tags", {CRDT_LWW, DELETE_WINS}}, {"latest", {CRDT_LWW, DELETE_LATEST}},
    {"marks", {CRDT_GSET, DELETE_WINS}}};

static size_t kind_of (size_t record)
{
    return record % 8 == 7 ? 2 : record % 2; // few that only grow
}

truth_t *truth_new (sim_t *sim)
{
    truth_t *self = calloc (1, sizeof *self);
    self->sim = sim;
    self->used = TRUTH_RECORDS;
    for (size_t i = 0; i < TRUTH_RECORDS; i++)
        self->records[i].rule = resources[kind_of (i)].rule;
    cr_assert_eq (sim_declare (sim, 0, "latest", "latest"), 0);
    cr_assert_eq (sim_declare_gset (sim, 0, "marks"), 0);
    return self;
}

void truth_destroy (truth_t **self_p)
{
    vector_release (&(*self_p)->vector);
    free (*self_p);
    *self_p = NULL;
}

//  ---- writing

void truth_several (truth_t *self)
{
    self->several = true;
}

void truth_narrow (truth_t *self, size_t records)
{
    self->used = records;
}

//  A clock gives each time once, later than all that is here, and never runs ahead of what it has seen itself by more
//  than a member's clock may be.
static void clock_check (truth_t *self, int node, const event_t *event)
{
    sim_t *sim = self->sim;
    sim_check (sim, timestamp_compare (&event->stamp, &self->last[node]) > 0, "monotonic clocks",
        "node %d gave a time twice, or an earlier one", node);
    self->last[node] = event->stamp;
    for (size_t i = 0; i < self->vector.count; i++)
        sim_check (sim,
            uuid_equal (&self->vector.entries[i].client, &event->stamp.client) ||
                self->vector.entries[i].upto < event->stamp.time,
            "monotonic clocks", "node %d gave a time before what it had seen", node);
    //  What others had then, with clocks that were no further ahead than this node took.
    uint64_t drift = time_from_ms (sim->nodes[node].config.max_drift_ms + 1000);
    sim_check (sim, event->stamp.time <= sim->nodes[node].wall_most + drift, "monotonic clocks",
        "node %d was dragged ahead", node);
}

//  The operation was granted: its past is what the node has applied, and of its own all before, but for what a restore has
//  lost. The others' batches of its group were applied before it, and the group is the last that was.
static void note (
    truth_t *self, history_t *history, int node, const event_t *tried, const timestamp_t *stamp)
{
    event_t *event = &history->events[history->count];
    const set_t *gone = &self->gone[history - self->records];
    *event = *tried;
    event->client = node;
    event->stamp = *stamp;
    event->past = (set_t){{0}};
    sim_vector (self->sim, node, &self->vector);
    sim_check (self->sim, vector_covers (&self->vector, stamp), "nothing acknowledged lost",
        "node %d has granted what it has not committed", node);
    for (size_t i = 0; i < history->count; i++)
        if (!set_has (gone, i) && vector_covers (&self->vector, &history->events[i].stamp))
            set_add (&event->past, i);
    clock_check (self, node, event);
    history->count++;
    event->stands_on = reference_stands_on (history, history->count - 1);
}

static void pack_operation (
    const event_t *event, bool says_conflict, size_t record, size_t number, buffer_t *out)
{
    uuid16_t uuid = sim_uuid (record + 1);
    bool deletes = event->action == ACTION_DELETE;
    pack_map (out, 3 + !deletes + says_conflict);
    pack_string (out, "action");
    pack_string (out, action_name (event->action));
    if (says_conflict) {
        pack_string (out, "on_conflict");
        pack_string (out, conflict_name (event->on_conflict));
    }
    pack_string (out, "resource");
    pack_string (out, resources[kind_of (record)].name);
    pack_string (out, "uuid");
    pack_bin (out, slice_of (uuid.bytes, sizeof uuid.bytes));
    if (!deletes) {
        pack_string (out, "value");
        pack_raw (out, value_of (event->properties, number));
    }
}

//  Which action, and whether it says what to do in a conflict; the rest only where there is somebody to do it.
static event_t event_begin (sim_t *sim, bool *ret_says_conflict)
{
    static const int actions[] = {
        ACTION_CREATE, ACTION_CREATE, ACTION_UPDATE, ACTION_UPDATE, ACTION_DELETE};
    event_t event = {.action = actions[sim_random (sim, 5)]};
    *ret_says_conflict = event.action != ACTION_DELETE && sim_random (sim, 3) > 0;
    return event;
}

static void event_end (sim_t *sim, event_t *event, bool says_conflict)
{
    event->on_conflict = says_conflict ? (int)sim_random (sim, 3) : CONFLICT_MERGE;
    if (event->action != ACTION_DELETE)
        event->properties = 1 + (unsigned)sim_random (sim, (1 << PROPERTIES_MAX) - 1);
}

void truth_write (truth_t *self)
{
    truth_write_at (self, (int)sim_random (self->sim, self->sim->count));
}

//  All of a request's operations are of different records. A node that crashes meanwhile is started again: what it has committed
//  is there, whether an app heard of it or not.
void truth_write_at (truth_t *self, int node)
{
    sim_t *sim = self->sim;
    event_t events[REQUEST_MOST];
    size_t records[REQUEST_MOST];
    bool says_conflict[REQUEST_MOST];
    size_t first = sim_random (sim, self->used);
    size_t count = self->several && !sim_random (sim, 4) ? 1 + sim_random (sim, REQUEST_MOST) : 1;
    buffer_t request = {NULL, 0, 0};
    bool full = false;
    for (size_t i = 0; i < count; i++) {
        records[i] = (first + i) % self->used;
        events[i] = event_begin (sim, &says_conflict[i]);
        full = full || self->records[records[i]].count == EVENTS_MAX;
    }
    if (full || !sim->nodes[node].running || sim->nodes[node].outside)
        return;
    pack_array (&request, count);
    for (size_t i = 0; i < count; i++) {
        event_end (sim, &events[i], says_conflict[i]);
        pack_operation (
            &events[i], says_conflict[i], records[i], self->records[records[i]].count, &request);
    }
    int rc = sim_apply_ops (sim, node, buffer_slice (&request));
    buffer_release (&request);
    bool crashed = !sim->nodes[node].running;
    if (crashed)
        sim_start (sim, node);
    for (size_t i = 0; i < count; i++) {
        timestamp_t stamp = sim->nodes[node].stamped;
        stamp.time -= count - 1 - i; // each its own, one after the other
        sim_note (sim, "node %d: an app writes record %zu, %zu %s %s: %s", node, records[i],
            self->records[records[i]].count, action_name (events[i].action),
            conflict_name (events[i].on_conflict), error_name (rc));
        if (rc == 0)
            note (self, &self->records[records[i]], node, &events[i], &stamp);
    }
    if (crashed)
        truth_expect_stored (self, node);
}

//  ---- what is on the disk

void truth_restored (truth_t *self, int node, truth_has_t *has, void *context)
{
    self->last[node] = (timestamp_t){0};
    for (size_t record = 0; record < TRUTH_RECORDS; record++)
        for (size_t i = 0; i < self->records[record].count; i++) {
            const event_t *event = &self->records[record].events[i];
            if (event->client == node && !has (context, &event->stamp))
                set_add (&self->gone[record], i);
        }
}

void truth_expect_stored (truth_t *self, int node)
{
    sim_vector (self->sim, node, &self->vector);
    sim_check (self->sim,
        timestamp_is_none (&self->last[node]) || !sim_is_ready (self->sim, node) ||
            vector_covers (&self->vector, &self->last[node]),
        "nothing acknowledged lost", "node %d has not what it had granted", node);
}

//  The state of a record at a node, to be looked at while *ret_txn lasts.
static void state_look (truth_t *self, int node, size_t record, txn_t **ret_txn, record_t *state)
{
    uuid16_t uuid = sim_uuid (record + 1);
    cr_assert_eq (store_begin (self->sim->nodes[node].store, false, ret_txn), 0);
    int rc = shared_get (*ret_txn, slice_text (resources[kind_of (record)].name), &uuid, state);
    cr_assert (rc == 0 || rc == ERR_UNKNOWN_RESOURCE);
}

static bool remembers (const record_t *state, const timestamp_t *deletion)
{
    for (size_t i = 0; i < state->deleted_count; i++)
        if (uuid_equal (&state->deleted[i].client, &deletion->client) &&
            state->deleted[i].time >= deletion->time)
            return true;
    return false;
}

void truth_expect_remembered (truth_t *self, int node, truth_has_t *all_have, void *context)
{
    record_t state = {.deleted_count = 0};
    sim_vector (self->sim, node, &self->vector);
    for (size_t record = 0; record < TRUTH_RECORDS; record++) {
        const history_t *history = &self->records[record];
        txn_t *txn;
        if (history->rule.crdt == CRDT_GSET || history->rule.delete_rule != DELETE_WINS)
            continue;
        state_look (self, node, record, &txn, &state);
        for (size_t i = 0; i < history->count; i++) {
            const event_t *event = &history->events[i];
            sim_check (self->sim,
                event->action != ACTION_DELETE || set_has (&self->gone[record], i) ||
                    !vector_covers (&self->vector, &event->stamp) ||
                    remembers (&state, &event->stamp) || all_have (context, &event->stamp),
                "retention", "node %d has forgotten a deletion of record %zu that somebody lacks",
                node, record);
        }
        store_abort (&txn);
    }
    record_release (&state);
}

size_t truth_deletions (truth_t *self, int node)
{
    record_t state = {.deleted_count = 0};
    size_t count = 0;
    for (size_t record = 0; record < TRUTH_RECORDS; record++) {
        txn_t *txn;
        if (self->records[record].count == 0)
            continue;
        state_look (self, node, record, &txn, &state);
        count += state.deleted_count;
        store_abort (&txn);
    }
    record_release (&state);
    return count;
}

//  ---- what must show

static void tell (const truth_t *self, size_t record, int node, slice_t shown)
{
    const history_t *history = &self->records[record];
    fprintf (stderr, "seed %llu, record %zu, %s\n", (unsigned long long)self->sim->seed, record,
        rule_name (history->rule));
    history_print (history, stderr);
    for (size_t i = 0; i < history->count; i++)
        fprintf (stderr, "    %zu at %llu\n", i,
            (unsigned long long)(history->events[i].stamp.time >> 20 & 0xFFFFFFFF));
    fprintf (stderr, "  node %d shows:", node);
    for (size_t i = 0; i < shown.size; i++)
        fprintf (stderr, " %02x", shown.data[i]);
    fprintf (stderr, "\n");
}

//  All that somebody has.
static set_t set_all (const truth_t *self, size_t record)
{
    set_t all = {{0}};
    for (size_t i = 0; i < self->records[record].count; i++)
        if (!set_has (&self->gone[record], i))
            set_add (&all, i);
    return all;
}

void truth_expect_defined (truth_t *self)
{
    buffer_t shown = {NULL, 0, 0}, defined = {NULL, 0, 0};
    for (size_t record = 0; record < TRUTH_RECORDS; record++) {
        const history_t *history = &self->records[record];
        uuid16_t uuid = sim_uuid (record + 1);
        set_t all = set_all (self, record);
        buffer_clear (&defined);
        reference_show (history, &all, &defined);
        for (int node = 0; node < (int)self->sim->count; node++) {
            buffer_clear (&shown);
            sim_value (self->sim, node, resources[kind_of (record)].name, &uuid, &shown);
            if (slice_equal (buffer_slice (&shown), buffer_slice (&defined)))
                continue;
            tell (self, record, node, buffer_slice (&shown));
            cr_assert (false, "seed %llu: definition: node %d shows of record %zu what it must not",
                (unsigned long long)self->sim->seed, node, record);
        }
    }
    buffer_release (&shown);
    buffer_release (&defined);
}

//  ---- no ghost, no loss

//  What a record shows: per property the number of the event, or -1.
typedef struct shown {
    bool alive;
    int events[PROPERTIES_MAX];
} shown_t;

static shown_t shown_read (slice_t value)
{
    shown_t shown = {.alive = value.size > 0};
    cursor_t cursor = cursor_over (value);
    size_t count = 0;
    for (int i = 0; i < PROPERTIES_MAX; i++)
        shown.events[i] = -1;
    if (shown.alive)
        cr_assert_eq (cursor_map (&cursor, &count), 0);
    while (count--) {
        slice_t name;
        uint64_t number;
        cr_assert (cursor_text (&cursor, &name) == 0 && cursor_uint (&cursor, &number) == 0);
        shown.events[name.data[0] - 'a'] = (int)number;
    }
    return shown;
}

//  A record's events, without those that only a node had which was put back.
typedef struct kept {
    const history_t *history;
    const set_t *gone;
} kept_t;

static bool is_write (kept_t kept, size_t event)
{
    return !set_has (kept.gone, event) && kept.history->events[event].action != ACTION_DELETE;
}

static bool is_deletion (kept_t kept, size_t event)
{
    return !set_has (kept.gone, event) && kept.history->events[event].action == ACTION_DELETE;
}

//  Had a deletion seen it?
static bool is_over (kept_t kept, size_t event)
{
    for (size_t i = 0; i < kept.history->count; i++)
        if (is_deletion (kept, i) && set_has (&kept.history->events[i].past, event))
            return true;
    return false;
}

static bool is_ghost (kept_t kept, const shown_t *shown)
{
    bool wins = kept.history->rule.delete_rule == DELETE_WINS;
    bool all_over = true;
    for (size_t i = 0; i < kept.history->count; i++) {
        if (!is_write (kept, i))
            continue;
        bool over = is_over (kept, i);
        all_over = all_over && over;
        for (int p = 0; over && wins && p < PROPERTIES_MAX; p++)
            if (shown->events[p] == (int)i)
                return true;
    }
    //  Under `latest` a write that no deletion had seen may bring back all that there was.
    return !wins && all_over && shown->alive;
}

static bool has_seen_every_deletion (kept_t kept, size_t event)
{
    for (size_t i = 0; i < kept.history->count; i++)
        if (is_deletion (kept, i) && !set_has (&kept.history->events[event].past, i))
            return false;
    return true;
}

//  May another write have taken this property's place?
static bool is_replaced (kept_t kept, size_t event, int property)
{
    for (size_t i = 0; i < kept.history->count; i++) {
        const event_t *other = &kept.history->events[i];
        if (i == event || !is_write (kept, i) ||
            timestamp_compare (&other->stamp, &kept.history->events[event].stamp) < 0)
            continue;
        bool carries = other->properties >> property & 1;
        if (other->on_conflict == CONFLICT_OVERWRITE ||
            (carries && other->on_conflict != CONFLICT_IGNORE))
            return true;
    }
    return false;
}

//  Nothing is left of it: under `latest` it may go with what took its place.
static bool is_replaced_whole (kept_t kept, size_t event)
{
    for (int p = 0; p < PROPERTIES_MAX; p++)
        if (kept.history->events[event].properties >> p & 1 && !is_replaced (kept, event, p))
            return false;
    return true;
}

static bool is_lost (kept_t kept, const shown_t *shown, size_t event)
{
    const event_t *create = &kept.history->events[event];
    if (!is_write (kept, event) || create->action != ACTION_CREATE ||
        !has_seen_every_deletion (kept, event))
        return false;
    if (!shown->alive)
        return kept.history->rule.delete_rule != DELETE_LATEST || !is_replaced_whole (kept, event);
    if (kept.history->rule.crdt == CRDT_GSET || create->on_conflict == CONFLICT_IGNORE)
        return false;
    for (int p = 0; p < PROPERTIES_MAX; p++)
        if (create->properties >> p & 1 && shown->events[p] != (int)event &&
            !is_replaced (kept, event, p))
            return true;
    return false;
}

static bool is_reported (truth_t *self, const uuid16_t *uuid)
{
    for (int node = 0; node < (int)self->sim->count; node++)
        if (sim_is_found (self->sim, node, uuid))
            return true;
    return false;
}

static const char *fault_of (truth_t *self, size_t record, slice_t value)
{
    const kept_t kept = {&self->records[record], &self->gone[record]};
    uuid16_t uuid = sim_uuid (record + 1);
    shown_t shown = shown_read (value);
    if (kept.history->rule.crdt == CRDT_LWW && is_ghost (kept, &shown))
        return "shows what a deletion had seen";
    for (size_t i = 0; i < kept.history->count; i++)
        if (is_lost (kept, &shown, i) && !is_reported (self, &uuid))
            return "lost a create that had seen every deletion";
    return NULL;
}

void truth_expect_kept (truth_t *self)
{
    buffer_t shown = {NULL, 0, 0};
    for (size_t record = 0; record < TRUTH_RECORDS; record++)
        for (int node = 0; node < (int)self->sim->count; node++) {
            uuid16_t uuid = sim_uuid (record + 1);
            buffer_clear (&shown);
            sim_value (self->sim, node, resources[kind_of (record)].name, &uuid, &shown);
            const char *fault = fault_of (self, record, buffer_slice (&shown));
            if (!fault)
                continue;
            tell (self, record, node, buffer_slice (&shown));
            cr_assert (false, "seed %llu: no loss and no ghost: node %d %s, record %zu",
                (unsigned long long)self->sim->seed, node, fault, record);
        }
    buffer_release (&shown);
}

//  truth - see truth.h

#include "tests/sim/truth.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/join/reference.h"

struct truth {
    sim_t *sim;
    history_t records[TRUTH_RECORDS];
    vector_t vector; // scratch
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

//  The operation was granted: its past is what the node has applied, and of its own all before. The others' batches of
//  its group were applied before it, and the group is the last that was.
static void note (truth_t *self, history_t *history, int node, const event_t *tried)
{
    const sim_node_t *at = &self->sim->nodes[node];
    event_t *event = &history->events[history->count];
    *event = *tried;
    event->client = node;
    event->stamp = at->stamped;
    event->past = (set_t){{0}};
    sim_vector (self->sim, node, &self->vector);
    for (size_t i = 0; i < history->count; i++)
        if (vector_covers (&self->vector, &history->events[i].stamp))
            set_add (&event->past, i);
    history->count++;
    event->stands_on = reference_stands_on (history, history->count - 1);
}

static void pack_request (
    const event_t *event, bool says_conflict, size_t record, size_t number, buffer_t *out)
{
    uuid16_t uuid = sim_uuid (record + 1);
    bool deletes = event->action == ACTION_DELETE;
    pack_array (out, 1);
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

void truth_write (truth_t *self)
{
    static const int actions[] = {
        ACTION_CREATE, ACTION_CREATE, ACTION_UPDATE, ACTION_UPDATE, ACTION_DELETE};
    sim_t *sim = self->sim;
    int node = (int)sim_random (sim, sim->count);
    size_t record = sim_random (sim, TRUTH_RECORDS);
    history_t *history = &self->records[record];
    event_t event = {.action = actions[sim_random (sim, 5)]};
    bool says_conflict = event.action != ACTION_DELETE && sim_random (sim, 3) > 0;
    buffer_t request = {NULL, 0, 0};
    if (!sim->nodes[node].running || history->count == EVENTS_MAX)
        return;
    event.on_conflict = says_conflict ? (int)sim_random (sim, 3) : CONFLICT_MERGE;
    if (event.action != ACTION_DELETE)
        event.properties = 1 + (unsigned)sim_random (sim, (1 << PROPERTIES_MAX) - 1);
    pack_request (&event, says_conflict, record, history->count, &request);
    int rc = sim_apply_ops (sim, node, buffer_slice (&request));
    buffer_release (&request);
    if (rc == 0)
        note (self, history, node, &event);
    if (getenv ("SIM_TRACE"))
        fprintf (stderr, "%10.4f  node %d: record %zu, %zu %s %s: %s\n", (double)sim->mono_ns / 1e9,
            node, record, history->count - (rc == 0), action_name (event.action),
            conflict_name (event.on_conflict), error_name (rc));
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

static set_t set_all (const history_t *history)
{
    set_t all = {{0}};
    for (size_t i = 0; i < history->count; i++)
        set_add (&all, i);
    return all;
}

void truth_expect_defined (truth_t *self)
{
    buffer_t shown = {NULL, 0, 0}, defined = {NULL, 0, 0};
    for (size_t record = 0; record < TRUTH_RECORDS; record++) {
        const history_t *history = &self->records[record];
        uuid16_t uuid = sim_uuid (record + 1);
        set_t all = set_all (history);
        buffer_clear (&defined);
        reference_show (history, &all, &defined);
        for (int node = 0; node < (int)self->sim->count; node++) {
            buffer_clear (&shown);
            sim_value (self->sim, node, resources[kind_of (record)].name, &uuid, &shown);
            if (slice_equal (buffer_slice (&shown), buffer_slice (&defined)))
                continue;
            tell (self, record, node, buffer_slice (&shown));
            cr_assert (false, "seed %llu: node %d shows of record %zu what it must not",
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

static bool is_write (const history_t *history, size_t event)
{
    return history->events[event].action != ACTION_DELETE;
}

//  Had a deletion seen it?
static bool is_over (const history_t *history, size_t event)
{
    for (size_t i = 0; i < history->count; i++)
        if (!is_write (history, i) && set_has (&history->events[i].past, event))
            return true;
    return false;
}

static bool is_ghost (const history_t *history, const shown_t *shown)
{
    bool wins = history->rule.delete_rule == DELETE_WINS;
    bool all_over = true;
    for (size_t i = 0; i < history->count; i++) {
        if (!is_write (history, i))
            continue;
        bool over = is_over (history, i);
        all_over = all_over && over;
        for (int p = 0; over && wins && p < PROPERTIES_MAX; p++)
            if (shown->events[p] == (int)i)
                return true;
    }
    //  Under `latest` a write that no deletion had seen may bring back all that there was.
    return !wins && all_over && shown->alive;
}

static bool has_seen_every_deletion (const history_t *history, size_t event)
{
    for (size_t i = 0; i < history->count; i++)
        if (!is_write (history, i) && !set_has (&history->events[event].past, i))
            return false;
    return true;
}

//  May another write have taken this property's place?
static bool is_replaced (const history_t *history, size_t event, int property)
{
    for (size_t i = 0; i < history->count; i++) {
        const event_t *other = &history->events[i];
        if (i == event || !is_write (history, i) ||
            timestamp_compare (&other->stamp, &history->events[event].stamp) < 0)
            continue;
        bool carries = other->properties >> property & 1;
        if (other->on_conflict == CONFLICT_OVERWRITE ||
            (carries && other->on_conflict != CONFLICT_IGNORE))
            return true;
    }
    return false;
}

static bool is_lost (const history_t *history, const shown_t *shown, size_t event)
{
    const event_t *create = &history->events[event];
    if (create->action != ACTION_CREATE || !has_seen_every_deletion (history, event))
        return false;
    if (!shown->alive)
        return true;
    if (history->rule.crdt == CRDT_GSET || create->on_conflict == CONFLICT_IGNORE)
        return false;
    for (int p = 0; p < PROPERTIES_MAX; p++)
        if (create->properties >> p & 1 && shown->events[p] != (int)event &&
            !is_replaced (history, event, p))
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
    const history_t *history = &self->records[record];
    uuid16_t uuid = sim_uuid (record + 1);
    shown_t shown = shown_read (value);
    if (history->rule.crdt == CRDT_LWW && is_ghost (history, &shown))
        return "shows what a deletion had seen";
    for (size_t i = 0; i < history->count; i++)
        if (is_lost (history, &shown, i) && !is_reported (self, &uuid))
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
            cr_assert (false, "seed %llu: node %d %s, record %zu",
                (unsigned long long)self->sim->seed, node, fault, record);
        }
    buffer_release (&shown);
}

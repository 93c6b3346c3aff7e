//  Every small history of one record, delivered in every order that its causes allow: all nodes must
//  show the same.
//
//  A history is up to four operations of as many clients. Each operation is made as a node makes it, by
//  record_admit on what has been seen of the operations before it; what has been seen is any causally
//  closed part of them that holds all of its own client. Operation i has time i + 1, so what is
//  concurrent comes in every order of timestamps too.

#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>

#define OPERATIONS 4
#define CLIENTS    4

typedef struct event {
    operation_t operation;
    unsigned past; // the events that it has seen, as bits
    int client;
    vector_t seen; // the same of other clients
    watermark_t entries[CLIENTS];
} event_t;

typedef struct history {
    record_rule_t rule;
    size_t size;
    size_t count;
    event_t events[OPERATIONS];
    slice_t values[2][OPERATIONS]; // of property a and b
    record_t record;               // scratch
    buffer_t shown;
    buffer_t shown_first;
    bool has_first;
    size_t histories;
    size_t orders;
    size_t diverged;
    size_t lost;
} history_t;

typedef struct choice {
    int action;
    int on_conflict;
    int property;
} choice_t;

static const choice_t choices[] = {
    {ACTION_CREATE, CONFLICT_MERGE, 0},
    {ACTION_CREATE, CONFLICT_IGNORE, 0},
    {ACTION_CREATE, CONFLICT_OVERWRITE, 1},
    {ACTION_UPDATE, CONFLICT_MERGE, 1},
    {ACTION_UPDATE, CONFLICT_IGNORE, 1},
    {ACTION_UPDATE, CONFLICT_OVERWRITE, 0},
    {ACTION_DELETE, CONFLICT_MERGE, 0},
};

static void join_event (history_t *self, size_t i)
{
    const event_t *event = &self->events[i];
    past_t past = {&event->seen, event->operation.stamp};
    record_join (&self->record, &event->operation, &past, self->rule);
}

//  What the record shows goes into `shown`; nothing at all if it is not alive.
static void show (history_t *self)
{
    buffer_clear (&self->shown);
    if (record_alive (&self->record, self->rule))
        record_show (&self->record, self->rule, &self->shown);
}

static void check_order (history_t *self, const size_t *order)
{
    record_clear (&self->record);
    for (size_t i = 0; i < self->size; i++)
        join_event (self, order[i]);
    show (self);
    self->orders++;
    if (!self->has_first) {
        self->has_first = true;
        buffer_clear (&self->shown_first);
        buffer_append (&self->shown_first, self->shown.data, self->shown.size);
    } else if (!slice_equal (buffer_slice (&self->shown), buffer_slice (&self->shown_first)))
        self->diverged++;
}

static void each_order (history_t *self, unsigned delivered, size_t *order, size_t count)
{
    if (count == self->size) {
        check_order (self, order);
        return;
    }
    for (size_t i = 0; i < self->size; i++) {
        if (delivered >> i & 1 || self->events[i].past & ~delivered)
            continue;
        order[count] = i;
        each_order (self, delivered | 1u << i, order, count + 1);
    }
}

//  A create that has seen every deletion must stand.
static bool create_is_lost (const history_t *self)
{
    unsigned deletions = 0;
    for (size_t i = 0; i < self->size; i++)
        if (self->events[i].operation.action == ACTION_DELETE)
            deletions |= 1u << i;
    for (size_t i = 0; i < self->size; i++) {
        const event_t *event = &self->events[i];
        if (event->operation.action == ACTION_CREATE && (deletions & ~event->past) == 0 &&
            self->shown_first.size == 0)
            return true;
    }
    return false;
}

static void check_history (history_t *self)
{
    size_t order[OPERATIONS];
    self->has_first = false;
    self->histories++;
    each_order (self, 0, order, 0);
    self->lost += create_is_lost (self);
}

static bool past_is_closed (const history_t *self, unsigned past, int client)
{
    for (size_t i = 0; i < self->count; i++) {
        if (past >> i & 1) {
            if (self->events[i].past & ~past)
                return false;
        } else if (self->events[i].client == client)
            return false;
    }
    return true;
}

static uuid16_t client_of (int number)
{
    return sample_client ((char)('A' + number));
}

//  The next event as far as it is known before its action is: who, when, what it has seen. The state
//  that its client finds is in `record` then.
static void prepare (history_t *self, unsigned past, int client)
{
    event_t *event = &self->events[self->count];
    *event = (event_t){.past = past, .client = client};
    event->operation.stamp = (timestamp_t){self->count + 1, client_of (client)};
    event->seen = (vector_t){.entries = event->entries, .capacity = CLIENTS};
    record_clear (&self->record);
    for (size_t i = 0; i < self->count; i++) {
        if (!(past >> i & 1))
            continue;
        join_event (self, i);
        const timestamp_t *stamp = &self->events[i].operation.stamp;
        if (self->events[i].client != client)
            vector_raise (&event->seen, &stamp->client, stamp->time, NULL);
    }
}

static bool choose (history_t *self, const choice_t *choice)
{
    operation_t *operation = &self->events[self->count].operation;
    operation->action = choice->action;
    operation->on_conflict = choice->on_conflict;
    operation->value = self->values[choice->property][self->count];
    return record_admit (&self->record, operation, true, self->rule) == 0;
}

static void grow (history_t *self, int clients)
{
    if (self->count == self->size) {
        check_history (self);
        return;
    }
    for (int client = 0; client <= clients && client < CLIENTS; client++) {
        for (unsigned past = 0; past < 1u << self->count; past++) {
            if (!past_is_closed (self, past, client))
                continue;
            for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
                prepare (self, past, client);
                if (!choose (self, &choices[i]))
                    continue;
                self->count++;
                grow (self, client == clients ? clients + 1 : clients);
                self->count--;
            }
        }
    }
}

static void exhaust (record_rule_t rule, size_t histories_min)
{
    history_t history = {.rule = rule};
    const char *texts[2][OPERATIONS] = {{"a=0", "a=1", "a=2", "a=3"}, {"b=0", "b=1", "b=2", "b=3"}};
    for (int property = 0; property < 2; property++)
        for (size_t i = 0; i < OPERATIONS; i++)
            history.values[property][i] = sample_value (texts[property][i]);
    for (history.size = 1; history.size <= OPERATIONS; history.size++)
        grow (&history, 0);
    cr_log_info ("%zu histories, %zu orders", history.histories, history.orders);
    cr_expect_eq (history.diverged, 0, "%zu orders show something else", history.diverged);
    cr_expect_eq (history.lost, 0, "%zu histories lose a create", history.lost);
    cr_expect_geq (history.histories, histories_min, "only %zu histories", history.histories);
    cr_expect_gt (history.orders, history.histories);
    record_release (&history.record);
    buffer_release (&history.shown);
    buffer_release (&history.shown_first);
}

Test (record_orders, wins_shows_the_same_in_every_causal_order)
{
    exhaust ((record_rule_t){CRDT_LWW, DELETE_WINS}, 1000);
}

Test (record_orders, latest_shows_the_same_in_every_causal_order)
{
    exhaust ((record_rule_t){CRDT_LWW, DELETE_LATEST}, 1000);
}

Test (record_orders, gset_shows_the_same_in_every_causal_order)
{
    exhaust ((record_rule_t){CRDT_GSET, DELETE_WINS}, 1000);
}

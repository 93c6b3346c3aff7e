//  histories - see histories.h
//
//  Event i has time i + 1, and any closed part of the events before it as its past: so what is concurrent
//  comes in either order of timestamps. Clients are numbered as they first act: names of clients decide
//  nothing where no two timestamps are equal in time, so histories that differ in them only are one.

#include "tests/join/histories.h"

#include "messages/error.h"
#include "tests/join/reference.h"
#include "tests/join/shrink.h"

typedef struct choice {
    int action;
    int on_conflict;
    unsigned properties;
} choice_t;

//  The first seven have each action with each on_conflict, and enough properties to meet in; with
//  all_actions each comes with the other property too.
static const choice_t choices[] = {
    {ACTION_CREATE, CONFLICT_MERGE, 1},
    {ACTION_CREATE, CONFLICT_IGNORE, 1},
    {ACTION_CREATE, CONFLICT_OVERWRITE, 2},
    {ACTION_UPDATE, CONFLICT_MERGE, 2},
    {ACTION_UPDATE, CONFLICT_IGNORE, 2},
    {ACTION_UPDATE, CONFLICT_OVERWRITE, 1},
    {ACTION_DELETE, CONFLICT_MERGE, 0},
    {ACTION_CREATE, CONFLICT_MERGE, 2},
    {ACTION_CREATE, CONFLICT_IGNORE, 2},
    {ACTION_CREATE, CONFLICT_OVERWRITE, 1},
    {ACTION_UPDATE, CONFLICT_MERGE, 1},
    {ACTION_UPDATE, CONFLICT_IGNORE, 1},
    {ACTION_UPDATE, CONFLICT_OVERWRITE, 2},
};
#define CHOICES_FEW 7
#define CHOICES_ALL (sizeof choices / sizeof *choices)

static bool past_is_closed (const history_t *self, const set_t *past, int client)
{
    for (size_t i = 0; i < self->count; i++) {
        const event_t *event = &self->events[i];
        if (!set_has (past, i) && event->client == client)
            return false;
        if (set_has (past, i) && event->past.words[0] & ~past->words[0])
            return false;
    }
    return true;
}

//  As record_admit has it, by definition.
static bool may (const history_t *self, const set_t *past, int action)
{
    return action == ACTION_CREATE || (self->rule.crdt == CRDT_LWW && reference_alive (self, past));
}

bool history_is_possible (history_t *self)
{
    size_t count = self->count;
    for (self->count = 0; self->count < count;) {
        event_t *event = &self->events[self->count];
        if (!past_is_closed (self, &event->past, event->client) ||
            !may (self, &event->past, event->action)) {
            self->count = count;
            return false;
        }
        self->count++;
        history_settle (self);
    }
    return true;
}

typedef struct growth {
    task_t *task;
    history_t history;
} growth_t;

static bool check (growth_t *self)
{
    fault_t fault;
    if (worlds_check (&self->history, &self->task->tally, &fault))
        return true;
    shrink_and_print (&self->history);
    return false;
}

//  Mixed by splitmix64's last steps, so that a share is spread over all kinds of histories.
static uint64_t hash_more (uint64_t hash, uint64_t more)
{
    hash = (hash + more + 1) * 0x9e3779b97f4a7c15ull;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
    return hash ^ (hash >> 27);
}

static bool grow (growth_t *self, int clients, uint64_t hash)
{
    history_t *history = &self->history;
    const task_t *task = self->task;
    if (history->count == task->size)
        return check (self);
    if (history->count + 1 == task->size && hash % task->share != 0)
        return true;
    size_t choices_count = task->all_actions ? CHOICES_ALL : CHOICES_FEW;
    for (int client = 0; client <= clients; client++) {
        for (unsigned past = 0; past < 1u << history->count; past++) {
            set_t set = set_of (past);
            if (!past_is_closed (history, &set, client))
                continue;
            for (size_t i = 0; i < choices_count; i++) {
                const choice_t *choice = &choices[i];
                if (!may (history, &set, choice->action))
                    continue;
                history->events[history->count++] = (event_t){.past = set,
                    .client = client,
                    .action = choice->action,
                    .on_conflict = choice->on_conflict,
                    .properties = choice->properties};
                history_settle (history);
                uint64_t next = hash_more (hash, (uint64_t)client << 32 | past << 8 | i);
                bool ok = grow (self, client == clients ? clients + 1 : clients, next);
                history->count--;
                if (!ok)
                    return false;
            }
        }
    }
    return true;
}

bool task_run (task_t *self)
{
    static growth_t growth;
    growth.task = self;
    growth.history.rule = self->rule;
    growth.history.count = 0;
    return grow (&growth, 0, 1);
}

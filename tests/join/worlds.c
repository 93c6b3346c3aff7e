//  worlds - see worlds.h
//
//  What a node holds is a pair (events delivered, state). All orders of delivery are the paths through
//  these pairs; equal pairs are kept once, so that each is joined, purged and checked once. This is
//  sound, since all that comes after depends on the pair alone, and it makes 5 events affordable.
//
//  Sets of events are numbers here; those that hold event i come after all that only hold earlier ones.
//  So the events are made operations one after the other: what event i becomes depends on the states of
//  its past, which are all known by then. If it can become several operations, each is tried.

#include "tests/join/worlds.h"

#include "messages/error.h"
#include "tests/join/checks.h"

#include <assert.h>
#include <stdlib.h>

#define SETS_MAX   (1u << SMALL_MAX)
#define STATES_MAX 64 // of one set

typedef struct states {
    record_t records[STATES_MAX];
    size_t count;
    uint64_t orders;
    expected_t expected;
} states_t;

typedef struct worlds {
    const history_t *history;
    operation_t operations[SMALL_MAX];
    states_t sets[SETS_MAX];
    tally_t *tally;
    fault_t *fault;
} worlds_t;

static bool fails (worlds_t *self, const char *why, unsigned delivered)
{
    *self->fault = (fault_t){why, set_of (delivered)};
    return false;
}

static unsigned past_of (const worlds_t *self, size_t event)
{
    return (unsigned)self->history->events[event].past.words[0];
}

static bool is_closed (const worlds_t *self, unsigned set)
{
    for (size_t i = 0; i < self->history->count; i++)
        if (set >> i & 1 && past_of (self, i) & ~set)
            return false;
    return true;
}

//  ---- the states of one set

//  The last record of the list was made just now: keeps and checks it if it is new.
static bool keep (worlds_t *self, unsigned set)
{
    states_t *states = &self->sets[set];
    record_t *made = &states->records[states->count];
    for (size_t i = 0; i < states->count; i++)
        if (record_equal (&states->records[i], made))
            return true;
    states->count++;
    assert (states->count < STATES_MAX);
    self->tally->states++;
    const char *why = check_state (self->history, made, &states->expected);
    return !why || fails (self, why, set);
}

static bool deliver (worlds_t *self, unsigned set, size_t event)
{
    const states_t *from = &self->sets[set & ~(1u << event)];
    states_t *to = &self->sets[set];
    const event_t *delivered = &self->history->events[event];
    past_t past = {&delivered->seen, delivered->stamp};
    for (size_t i = 0; i < from->count; i++) {
        record_t *record = &to->records[to->count];
        record_copy (record, &from->records[i]);
        record_join (record, &self->operations[event], &past, self->history->rule);
        self->tally->joins++;
        if (!keep (self, set))
            return false;
    }
    return true;
}

//  Whatever can still arrive has seen it.
static bool is_stable (const worlds_t *self, unsigned set, size_t deletion)
{
    const history_t *history = self->history;
    for (size_t i = 0; i < history->count; i++)
        if (!(set >> i & 1) && !set_has (&history->events[i].past, deletion))
            return false;
    return true;
}

//  Each stable deletion is forgotten or kept: a state that comes of it is tried for the others too.
static bool purge (worlds_t *self, unsigned set)
{
    states_t *states = &self->sets[set];
    for (size_t state = 0; state < states->count; state++)
        for (size_t i = 0; i < self->history->count; i++) {
            const event_t *event = &self->history->events[i];
            if (!(set >> i & 1) || event->action != ACTION_DELETE || !is_stable (self, set, i))
                continue;
            watermark_t entry = {.client = event->stamp.client, .upto = event->stamp.time};
            vector_t stable = {&entry, 1, 1};
            record_t *record = &states->records[states->count];
            record_copy (record, &states->records[state]);
            self->tally->purges += record_purge (record, &stable, self->history->rule);
            if (record_is_nothing (record))
                record_clear (record);
            if (!keep (self, set))
                return false;
        }
    return true;
}

static bool reach (worlds_t *self, unsigned set)
{
    states_t *states = &self->sets[set];
    states->count = 0;
    states->orders = 0;
    if (!is_closed (self, set))
        return true;
    for (size_t i = 0; i < self->history->count; i++) {
        if (!(set >> i & 1) || !is_closed (self, set & ~(1u << i)))
            continue;
        states->orders += self->sets[set & ~(1u << i)].orders;
        if (!deliver (self, set, i))
            return false;
    }
    return purge (self, set);
}

//  ---- the events become operations

static bool grow (worlds_t *self, size_t event);

static bool become (worlds_t *self, size_t event, const operation_t *operation)
{
    self->operations[event] = *operation;
    for (unsigned set = 1u << event; set < 2u << event; set++)
        if (!reach (self, set))
            return false;
    return grow (self, event + 1);
}

static bool operation_is_among (const operation_t *one, const operation_t *many, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (one->on_conflict == many[i].on_conflict &&
            timestamp_compare (&one->floor, &many[i].floor) == 0)
            return true;
    return false;
}

static bool grow (worlds_t *self, size_t event)
{
    if (event == self->history->count)
        return true;
    unsigned past = past_of (self, event);
    const states_t *states = &self->sets[past];
    operation_t variants[STATES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < states->count; i++) {
        operation_t operation = operation_of (self->history, event);
        if (record_admit (&states->records[i], &operation, true, self->history->rule))
            return fails (self, "a writer may not do what another with the same past may", past);
        if (!operation_is_among (&operation, variants, count))
            variants[count++] = operation;
    }
    self->tally->variants += count - 1;
    for (size_t i = 0; i < count; i++)
        if (!become (self, event, &variants[i]))
            return false;
    return true;
}

bool worlds_check (const history_t *history, tally_t *tally, fault_t *ret_fault)
{
    static worlds_t worlds;
    assert (history->count <= SMALL_MAX);
    worlds.history = history;
    worlds.tally = tally;
    worlds.fault = ret_fault;
    unsigned whole = (1u << history->count) - 1;
    for (unsigned number = 0; number <= whole; number++) {
        if (!is_closed (&worlds, number))
            continue;
        set_t set = set_of (number);
        expected_t *expected = &worlds.sets[number].expected;
        expect (expected, history, &set);
        const char *why = check_meaning (history, &set, expected);
        if (why)
            return fails (&worlds, why, number);
    }
    states_t *none = &worlds.sets[0];
    record_clear (&none->records[0]);
    none->count = 1;
    none->orders = 1;
    tally->histories++;
    if (!grow (&worlds, 0))
        return false;
    tally->orders += worlds.sets[whole].orders;
    return true;
}

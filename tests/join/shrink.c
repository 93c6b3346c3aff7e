//  shrink - see shrink.h

#include "tests/join/shrink.h"

#include "tests/join/histories.h"

static bool has_fault (history_t *history, fault_t *ret_fault)
{
    tally_t tally = {0};
    return history_is_possible (history) && !worlds_check (history, &tally, ret_fault);
}

//  Takes the smaller history if a fault is left in it.
static bool take (history_t *self, history_t *smaller)
{
    fault_t fault;
    if (!has_fault (smaller, &fault))
        return false;
    history_copy (self, smaller);
    return true;
}

static void drop_event (history_t *self, size_t event)
{
    for (size_t i = event; i + 1 < self->count; i++)
        self->events[i] = self->events[i + 1];
    self->count--;
    for (size_t i = event; i < self->count; i++) {
        uint64_t past = self->events[i].past.words[0];
        uint64_t low = past & ((1ull << event) - 1);
        self->events[i].past = set_of (low | (past >> (event + 1) << event));
    }
}

static bool drop_one (history_t *self)
{
    static history_t smaller;
    for (size_t i = 0; i < self->count && self->count > 1; i++) {
        history_copy (&smaller, self);
        drop_event (&smaller, i);
        if (take (self, &smaller))
            return true;
    }
    return false;
}

//  Merge is plainer than the others, a create plainer than an update, the first property plainer.
static bool make_one_plainer (history_t *self)
{
    static history_t smaller;
    for (size_t i = 0; i < self->count; i++) {
        event_t *event = &smaller.events[i];
        history_copy (&smaller, self);
        if (event->on_conflict != CONFLICT_MERGE) {
            event->on_conflict = CONFLICT_MERGE;
            if (take (self, &smaller))
                return true;
        }
        history_copy (&smaller, self);
        if (event->action == ACTION_UPDATE) {
            event->action = ACTION_CREATE;
            if (take (self, &smaller))
                return true;
        }
        history_copy (&smaller, self);
        if (event->properties > 1) {
            event->properties = 1;
            if (take (self, &smaller))
                return true;
        }
    }
    return false;
}

//  The event of one client becomes another's, earlier in the alphabet.
static bool merge_clients (history_t *self)
{
    static history_t smaller;
    for (int to = 0; to < CLIENTS_MAX; to++)
        for (int from = to + 1; from < CLIENTS_MAX; from++) {
            bool any = false;
            history_copy (&smaller, self);
            for (size_t i = 0; i < smaller.count; i++) {
                any |= smaller.events[i].client == from;
                if (smaller.events[i].client == from)
                    smaller.events[i].client = to;
            }
            if (any && take (self, &smaller))
                return true;
        }
    return false;
}

void shrink_and_print (history_t *history)
{
    fault_t fault;
    static history_t least;
    history_copy (&least, history);
    while (drop_one (&least) || make_one_plainer (&least) || merge_clients (&least))
        continue;
    if (!has_fault (&least, &fault))
        return;
    fprintf (stderr, "join: %s, a history of %zu events:\n", rule_name (least.rule), least.count);
    history_print (&least, stderr);
    fprintf (stderr, "  at a node that has");
    for (size_t i = 0; i < least.count; i++)
        if (set_has (&fault.delivered, i))
            fprintf (stderr, " %zu", i);
    fprintf (stderr, ": %s\n", fault.why);
}

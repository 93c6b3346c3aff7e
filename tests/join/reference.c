//  reference - what a set of events means, by definition
//
//  No state and no order of arrival, only the set and each event's past.
//      gset      all creates are ignoring ones
//      wins      what counts are the writes that have seen every deletion of the set
//      latest    Let F be the last deletion on which a create of the set stands: whose writer saw the
//                record dead by it. What counts are the writes after F; all of them if there is no F.
//                If one of them had not seen F, the earlier life is *revived*: then F is a floor too.
//                Alive if a write is later than every deletion.
//  Of the writes that count: the floor is the last overwrite. Of each property the last value that is
//  not an ignoring one and not before the floor shows; else, if there is no floor, the first ignoring
//  one. Without a create among them the record is not alive.

#include "tests/join/reference.h"

static bool later (const history_t *history, int a, int b)
{
    return timestamp_compare (&history->events[a].stamp, &history->events[b].stamp) > 0;
}

static bool is_deletion (const history_t *history, size_t i)
{
    return history->events[i].action == ACTION_DELETE;
}

static bool has_seen_every_deletion (const history_t *history, const set_t *set, size_t event)
{
    for (size_t i = 0; i < history->count; i++)
        if (set_has (set, i) && is_deletion (history, i) &&
            !set_has (&history->events[event].past, i))
            return false;
    return true;
}

static int last_stood_on (const history_t *history, const set_t *set)
{
    int last = -1;
    for (size_t i = 0; i < history->count; i++) {
        int one = history->events[i].stands_on;
        if (set_has (set, i) && one >= 0 && (last < 0 || later (history, one, last)))
            last = one;
    }
    return last;
}

//  The writes of the set that count, and F or -1.
static set_t counting (const history_t *history, const set_t *set, int *ret_stood_on)
{
    bool wins = history->rule.delete_rule == DELETE_WINS;
    bool gset = history->rule.crdt == CRDT_GSET;
    int stood_on = gset || wins ? -1 : last_stood_on (history, set);
    set_t writes = {{0}};
    for (size_t i = 0; i < history->count; i++) {
        if (!set_has (set, i) || is_deletion (history, i))
            continue;
        bool counts = gset || (wins ? has_seen_every_deletion (history, set, i)
                                    : stood_on < 0 || later (history, (int)i, stood_on));
        if (counts)
            set_add (&writes, i);
    }
    *ret_stood_on = stood_on;
    return writes;
}

static bool has_create (const history_t *history, const set_t *writes)
{
    for (size_t i = 0; i < history->count; i++)
        if (set_has (writes, i) && history->events[i].action == ACTION_CREATE)
            return true;
    return false;
}

//  -1 of an empty set.
static int last_of (const history_t *history, const set_t *set, bool deletions)
{
    int last = -1;
    for (size_t i = 0; i < history->count; i++)
        if (set_has (set, i) && is_deletion (history, i) == deletions &&
            (last < 0 || later (history, (int)i, last)))
            last = (int)i;
    return last;
}

bool reference_alive (const history_t *history, const set_t *set)
{
    int stood_on;
    set_t writes = counting (history, set, &stood_on);
    if (!has_create (history, &writes))
        return false;
    if (history->rule.crdt == CRDT_GSET || history->rule.delete_rule == DELETE_WINS)
        return true;
    int deletion = last_of (history, set, true);
    return deletion < 0 || later (history, last_of (history, &writes, false), deletion);
}

static int floor_of (const history_t *history, const set_t *writes, int stood_on)
{
    int last = -1;
    for (size_t i = 0; i < history->count; i++) {
        if (!set_has (writes, i))
            continue;
        const event_t *event = &history->events[i];
        int candidate = -1;
        if (event->on_conflict == CONFLICT_OVERWRITE && history->rule.crdt != CRDT_GSET)
            candidate = (int)i;
        else if (stood_on >= 0 && !set_has (&event->past, (size_t)stood_on))
            candidate = stood_on;
        if (candidate >= 0 && (last < 0 || later (history, candidate, last)))
            last = candidate;
    }
    return last;
}

//  The event whose value of the property shows, or -1.
static int shown_of (const history_t *history, const set_t *writes, int floor, unsigned property)
{
    int strong = -1;
    int weak = -1;
    for (size_t i = 0; i < history->count; i++) {
        const event_t *event = &history->events[i];
        if (!set_has (writes, i) || !(event->properties >> property & 1))
            continue;
        int one = (int)i;
        bool ignores = event->on_conflict == CONFLICT_IGNORE || history->rule.crdt == CRDT_GSET;
        if (ignores && floor < 0 && (weak < 0 || later (history, weak, one)))
            weak = one;
        bool hidden = floor >= 0 && later (history, floor, one);
        if (!ignores && !hidden && (strong < 0 || later (history, one, strong)))
            strong = one;
    }
    return strong >= 0 ? strong : weak;
}

void reference_show (const history_t *history, const set_t *set, buffer_t *out)
{
    if (!reference_alive (history, set))
        return;
    int stood_on;
    set_t writes = counting (history, set, &stood_on);
    int floor = floor_of (history, &writes, stood_on);
    int shown[PROPERTIES_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < PROPERTIES_MAX; i++) {
        shown[i] = shown_of (history, &writes, floor, i);
        count += shown[i] >= 0;
    }
    pack_map (out, count);
    for (unsigned i = 0; i < PROPERTIES_MAX; i++) {
        if (shown[i] < 0)
            continue;
        char name[2] = {(char)('a' + i), 0};
        pack_string (out, name);
        pack_uint (out, (uint64_t)shown[i]);
    }
}

int reference_stands_on (const history_t *history, size_t event)
{
    const event_t *create = &history->events[event];
    if (create->action != ACTION_CREATE || history->rule.crdt == CRDT_GSET ||
        history->rule.delete_rule == DELETE_WINS || reference_alive (history, &create->past))
        return -1;
    return last_of (history, &create->past, true);
}

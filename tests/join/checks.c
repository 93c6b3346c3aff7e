//  checks - see checks.h

#include "tests/join/checks.h"

#include "tests/join/reference.h"

#include <assert.h>

static const uuid16_t record_uuid = {{1}};

static digest_t digest_of (slice_t shown)
{
    return shown.size ? digest_of_record (NULL, &record_uuid, shown) : (digest_t){0, 0};
}

void expect (expected_t *self, const history_t *history, const set_t *set)
{
    buffer_clear (&self->shown);
    reference_show (history, set, &self->shown);
    self->digest = digest_of (buffer_slice (&self->shown));
}

const char *check_state (const history_t *history, record_t *state, const expected_t *expected)
{
    static buffer_t shown;
    buffer_clear (&shown);
    if (record_alive (state, history->rule))
        record_show (state, history->rule, &shown);
    if (shown.size && !expected->shown.size)
        return "it is alive, and by definition it is not";
    if (!shown.size && expected->shown.size)
        return "it is not alive, and by definition it is";
    if (!slice_equal (buffer_slice (&shown), buffer_slice (&expected->shown)))
        return "it shows another value than by definition";
    digest_t digest = digest_of (buffer_slice (&shown));
    if (digest.low != expected->digest.low || digest.high != expected->digest.high)
        return "its digest differs";
    return NULL;
}

//  ---- no loss, no ghost

static bool is_deletion_of (const history_t *history, const set_t *set, size_t i)
{
    return set_has (set, i) && history->events[i].action == ACTION_DELETE;
}

static bool has_seen_all (const history_t *history, const set_t *set, size_t event)
{
    for (size_t i = 0; i < history->count; i++)
        if (is_deletion_of (history, set, i) && !set_has (&history->events[event].past, i))
            return false;
    return true;
}

//  Under `latest` a later write that did not know of the deletion brings back all that there was.
static bool is_undone (const history_t *history, const set_t *set, size_t deletion)
{
    if (history->rule.delete_rule == DELETE_WINS)
        return false;
    for (size_t i = 0; i < history->count; i++) {
        const event_t *event = &history->events[i];
        if (set_has (set, i) && event->action != ACTION_DELETE &&
            !set_has (&event->past, deletion) &&
            timestamp_compare (&event->stamp, &history->events[deletion].stamp) > 0)
            return true;
    }
    return false;
}

static bool is_ghost (const history_t *history, const set_t *set, size_t event)
{
    for (size_t i = 0; i < history->count; i++) {
        if (!is_deletion_of (history, set, i) || is_undone (history, set, i))
            continue;
        bool knew = set_has (&history->events[i].past, event);
        bool concurrent = !knew && !set_has (&history->events[event].past, i);
        if (knew || (concurrent && history->rule.delete_rule == DELETE_WINS))
            return true;
    }
    return false;
}

static const char *check_ghosts (const history_t *history, const set_t *set, slice_t shown)
{
    cursor_t cursor = cursor_over (shown);
    size_t left;
    int rc = cursor_map (&cursor, &left);
    assert (rc == 0);
    for (; left > 0; left--) {
        slice_t name;
        uint64_t event;
        rc = cursor_text (&cursor, &name);
        assert (rc == 0);
        rc = cursor_uint (&cursor, &event);
        assert (rc == 0);
        if (is_ghost (history, set, event))
            return "a ghost: it shows what a deletion had seen";
    }
    return NULL;
}

const char *check_meaning (const history_t *history, const set_t *set, const expected_t *expected)
{
    if (history->rule.crdt == CRDT_LWW && expected->shown.size) {
        const char *ghost = check_ghosts (history, set, buffer_slice (&expected->shown));
        if (ghost)
            return ghost;
    }
    for (size_t i = 0; i < history->count && !expected->shown.size; i++)
        if (set_has (set, i) && history->events[i].action == ACTION_CREATE &&
            (history->rule.crdt == CRDT_GSET || has_seen_all (history, set, i)))
            return "a loss: a create that has seen every deletion does not stand";
    return NULL;
}

//  record_conflict - does an operation contradict what it meets, neither knowing of the other?
//
//  Delivery is causal: what a record holds was written by somebody who had not seen the operation that
//  arrives now. So the two are concurrent where the operation's past does not cover the stamp of what it
//  meets, and only then can there be a conflict. And it is one only if it is seen:
//
//      a value             one that shows, of the same name, that differs; whichever of the two wins
//      an overwrite        hides a value that shows; or is there, and hides what arrives
//      a deletion          meets a record that is alive; or is remembered, and meets a write
//
//  No conflict: writes of different properties, of equal values, two deletions, and all that a value
//  which is hidden already would have had to say.

#include "messages/record.h"

#include "messages/record_arrays.h"

static bool is_unseen (const past_t *past, const timestamp_t *stamp)
{
    return !timestamp_is_none (stamp) && !past_covers (past, stamp);
}

static const property_t *property_find (const properties_t *self, slice_t name)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = slice_compare (self->entries[middle].name, name);
        if (order == 0)
            return &self->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

//  What shows under a name, NULL where nothing does.
static const property_t *shown_find (const record_t *self, slice_t name)
{
    const property_t *strong = property_find (&self->strong, name);
    if (strong && timestamp_compare (&strong->stamp, &self->floor) >= 0)
        return strong;
    return timestamp_is_none (&self->floor) ? property_find (&self->weak, name) : NULL;
}

static bool value_has (slice_t map, slice_t name)
{
    cursor_t cursor = cursor_over (map);
    slice_t key;
    size_t left;
    if (cursor_map (&cursor, &left))
        return false;
    for (; left > 0; left--) {
        if (cursor_text (&cursor, &key) || cursor_skip (&cursor, NULL))
            return false;
        if (slice_equal (key, name))
            return true;
    }
    return false;
}

static bool values_differ (const record_t *self, const operation_t *operation, const past_t *past)
{
    cursor_t cursor = cursor_over (operation->value);
    slice_t name, value;
    size_t left;
    if (cursor_map (&cursor, &left))
        return false;
    for (; left > 0; left--) {
        if (cursor_text (&cursor, &name) || cursor_skip (&cursor, &value))
            return false;
        const property_t *met = shown_find (self, name);
        if (met && is_unseen (past, &met->stamp) && !slice_equal (met->value, value))
            return true;
    }
    return false;
}

//  Would the floor that the operation brings hide one of these? Weak values it hides whatever their stamp.
static bool hides_of (const record_t *self, const properties_t *properties, bool weak,
    const timestamp_t *floor, const operation_t *operation, const past_t *past)
{
    for (size_t i = 0; i < properties->count; i++) {
        const property_t *met = &properties->entries[i];
        if ((weak || timestamp_compare (&met->stamp, floor) < 0) && is_unseen (past, &met->stamp) &&
            shown_find (self, met->name) == met && !value_has (operation->value, met->name))
            return true;
    }
    return false;
}

static bool write_conflicts (const record_t *self, const operation_t *operation, const past_t *past)
{
    bool ignores =
        operation->on_conflict == CONFLICT_IGNORE && timestamp_is_none (&operation->floor);
    bool carries = operation->value.size > 1; // more than the empty map
    bool below = ignores || timestamp_compare (&operation->stamp, &self->floor) < 0;
    if (carries && below && is_unseen (past, &self->floor))
        return true;
    timestamp_t floor = operation->floor;
    if (operation->on_conflict == CONFLICT_OVERWRITE)
        floor = operation->stamp;
    if (timestamp_compare (&floor, &self->floor) > 0 &&
        (hides_of (self, &self->strong, false, &floor, operation, past) ||
            hides_of (self, &self->weak, true, &floor, operation, past)))
        return true;
    return values_differ (self, operation, past);
}

static bool delete_conflicts (const record_t *self, const past_t *past)
{
    if (is_unseen (past, &self->created) || is_unseen (past, &self->written) ||
        is_unseen (past, &self->floor))
        return true;
    for (size_t i = 0; i < self->strong.count; i++)
        if (is_unseen (past, &self->strong.entries[i].stamp))
            return true;
    for (size_t i = 0; i < self->weak.count; i++)
        if (is_unseen (past, &self->weak.entries[i].stamp))
            return true;
    return false;
}

bool record_conflicts (
    const record_t *self, const operation_t *operation, const past_t *past, record_rule_t rule)
{
    bool alive = record_alive (self, rule);
    if (rule.crdt == CRDT_GSET)
        return alive && operation->action == ACTION_CREATE && values_differ (self, operation, past);
    if (operation->action == ACTION_DELETE)
        return alive && delete_conflicts (self, past);
    for (size_t i = 0; i < self->deleted_count; i++)
        if (is_unseen (past, &self->deleted[i]))
            return true;
    return alive && write_conflicts (self, operation, past);
}

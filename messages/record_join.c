//  record_join - the join of a shared record: semantics.md's rules, one function each
//
//      gset            creates only, each writes the weak registers: the first writer wins
//      lww, wins       a delete empties the record and is remembered; a write that has not seen every
//                      remembered deletion changes nothing
//      lww, latest     a delete is remembered; a write that has seen a deletion by which the record is
//                      dead empties it first; a create there says on which deletion it stands: what is not
//                      past that is over, and what is, but came without knowing of it, shows beside
//      lww             an update that finds no create comes after a purge and changes nothing
//
//  All else is a maximum, or the minimum for `created` and the weak registers: so concurrent
//  operations commute, and every causal order of delivery gives the same visible record.
//  Values come canonical (value_check), so what the cursor reads here cannot fail.

#include "messages/record.h"

#include "messages/record_arrays.h"

#include <assert.h>

static bool stamp_raise (timestamp_t *self, const timestamp_t *to)
{
    if (timestamp_compare (to, self) <= 0)
        return false;
    *self = *to;
    return true;
}

static bool stamp_lower (timestamp_t *self, const timestamp_t *to)
{
    if (!timestamp_is_none (self) && timestamp_compare (to, self) >= 0)
        return false;
    *self = *to;
    return true;
}

//  ---- registers

//  Two different writes with one timestamp are a faulty client's; the larger value wins then, so that
//  nodes still agree.
static bool property_yields (
    const property_t *self, const timestamp_t *stamp, slice_t value, bool to_smaller)
{
    int order = timestamp_compare (stamp, &self->stamp);
    if (order == 0)
        return slice_compare (value, self->value) > 0;
    return to_smaller ? order < 0 : order > 0;
}

//  The first of entries [from, to) whose name is not smaller.
static size_t place_of (const property_t *entries, size_t from, size_t to, slice_t name)
{
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (slice_compare (entries[middle].name, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void entries_move (property_t *to, const property_t *from, size_t count)
{
    if (to != from && count)
        memmove (to, from, count * sizeof *to);
}

static void property_read (cursor_t *cursor, property_t *ret_property)
{
    int rc = cursor_text (cursor, &ret_property->name);
    assert (rc == 0);
    rc = cursor_skip (cursor, &ret_property->value);
    assert (rc == 0);
}

//  Merges the operation's value, sorted by name as the registers are. Entries [0, done) are merged and
//  [next, end) are still to come. Between them is a gap, opened when the first name is missing and wide
//  enough for all that may still be missing: so everything moves at most twice, however many are new.
static bool properties_write (properties_t *self, const operation_t *operation, bool to_smaller)
{
    cursor_t cursor = cursor_over (operation->value);
    size_t left;
    int rc = cursor_map (&cursor, &left);
    assert (rc == 0);
    bool changed = false;
    size_t done = 0;
    size_t next = 0;
    size_t end = self->count;
    for (; left > 0; left--) {
        property_t property = {.stamp = operation->stamp};
        property_read (&cursor, &property);
        size_t place = place_of (self->entries, next, end, property.name);
        entries_move (self->entries + done, self->entries + next, place - next);
        done += place - next;
        next = place;

        if (next < end && slice_equal (self->entries[next].name, property.name)) {
            property_t *held = &self->entries[next++];
            bool yields = property_yields (held, &property.stamp, property.value, to_smaller);
            self->entries[done++] = yields ? property : *held;
            changed |= yields;
            continue;
        }
        if (done == next) {
            properties_reserve (self, end + left);
            entries_move (self->entries + next + left, self->entries + next, end - next);
            next += left;
            end += left;
        }
        self->entries[done++] = property;
        changed = true;
    }
    entries_move (self->entries + done, self->entries + next, end - next);
    self->count = done + (end - next);
    return changed;
}

const property_t *properties_find (const properties_t *self, slice_t name)
{
    size_t place = place_of (self->entries, 0, self->count, name);
    bool found = place < self->count && slice_equal (self->entries[place].name, name);
    return found ? &self->entries[place] : NULL;
}

bool properties_put (properties_t *self, const property_t *property, bool to_smaller)
{
    size_t place = place_of (self->entries, 0, self->count, property->name);
    if (place < self->count && slice_equal (self->entries[place].name, property->name)) {
        if (!property_yields (&self->entries[place], &property->stamp, property->value, to_smaller))
            return false;
        self->entries[place] = *property;
        return true;
    }
    properties_reserve (self, self->count + 1);
    memmove (self->entries + place + 1, self->entries + place,
        (self->count - place) * sizeof *self->entries);
    self->entries[place] = *property;
    self->count++;
    return true;
}

//  ---- deletions

static bool deleted_raise (record_t *self, const timestamp_t *to)
{
    size_t place = 0;
    while (
        place < self->deleted_count && uuid_compare (&self->deleted[place].client, &to->client) < 0)
        place++;
    if (place < self->deleted_count && uuid_equal (&self->deleted[place].client, &to->client))
        return stamp_raise (&self->deleted[place], to);

    deleted_reserve (self, self->deleted_count + 1);
    memmove (self->deleted + place + 1, self->deleted + place,
        (self->deleted_count - place) * sizeof *self->deleted);
    self->deleted[place] = *to;
    self->deleted_count++;
    return true;
}

static bool deleted_all_seen (const record_t *self, const past_t *past)
{
    for (size_t i = 0; i < self->deleted_count; i++)
        if (!past_covers (past, &self->deleted[i]))
            return false;
    return true;
}

bool record_end_life (record_t *self)
{
    bool changed = !timestamp_is_none (&self->created) || !timestamp_is_none (&self->written) ||
                   !timestamp_is_none (&self->floor) || self->strong.count || self->weak.count;
    self->created = self->written = self->floor = (timestamp_t){0};
    self->strong.count = 0;
    self->weak.count = 0;
    return changed;
}

//  ---- the rules

static bool write_common (record_t *self, const operation_t *operation)
{
    bool changed = false;
    if (operation->action == ACTION_CREATE)
        changed |= stamp_lower (&self->created, &operation->stamp);
    changed |= stamp_raise (&self->written, &operation->stamp);
    return changed;
}

static bool write_weak (record_t *self, const operation_t *operation)
{
    bool changed = write_common (self, operation);
    changed |= properties_write (&self->weak, operation, true);
    return changed;
}

static bool write_lww (record_t *self, const operation_t *operation)
{
    if (operation->on_conflict == CONFLICT_IGNORE)
        return write_weak (self, operation);
    bool changed = write_common (self, operation);
    if (operation->on_conflict == CONFLICT_OVERWRITE)
        changed |= stamp_raise (&self->floor, &operation->stamp);
    changed |= properties_write (&self->strong, operation, false);
    return changed;
}

static bool join_wins (record_t *self, const operation_t *operation, const past_t *past)
{
    if (operation->action == ACTION_DELETE) {
        bool changed = record_end_life (self);
        return deleted_raise (self, &operation->stamp) || changed;
    }
    if (!deleted_all_seen (self, past))
        return false;
    if (operation->action == ACTION_UPDATE && timestamp_is_none (&self->created))
        return false;
    return write_lww (self, operation);
}

//  ---- latest: a life that stands on a deletion

//  A life stands on its floor if it began after it; an overwrite's floor is never before `created`.
static bool life_stands (const record_t *self)
{
    return !timestamp_is_none (&self->floor) &&
           timestamp_compare (&self->floor, &self->created) < 0;
}

//  A write of the life before, later than the deletion that ended it, shows beside the new life. From
//  then on the floor counts as an overwrite, since the weak values of the two lives cannot be told
//  apart; that is what `created` at the floor says.
static void life_revive (record_t *self, const timestamp_t *floor)
{
    stamp_raise (&self->floor, floor);
    self->created = *floor;
}

//  A create that stands on a later deletion than this record's life does. What is not past that deletion
//  is over. If anything is, it came from who had not seen it; but for a life that begins past it and
//  stands on nothing: its first writer had purged that deletion. It stands on it from now on, as it does
//  where the first writer's create came onto what remembers the deletion.
static bool life_stand_on (record_t *self, const timestamp_t *floor)
{
    if (timestamp_compare (floor, &self->floor) <= 0)
        return false;
    if (timestamp_is_none (&self->floor) && timestamp_compare (floor, &self->created) < 0) {
        self->floor = *floor;
        return true;
    }
    if (timestamp_compare (&self->written, floor) > 0) {
        life_revive (self, floor);
        return true;
    }
    record_end_life (self);
    self->floor = *floor;
    return true;
}

static bool join_latest (record_t *self, const operation_t *operation, const past_t *past)
{
    if (operation->action == ACTION_DELETE)
        return deleted_raise (self, &operation->stamp);
    if (operation->action == ACTION_UPDATE && timestamp_is_none (&self->created))
        return false;

    bool changed = record_begin_anew (self, past);
    changed |= life_stand_on (self, &operation->floor);
    if (life_stands (self) && !past_covers (past, &self->floor)) {
        if (timestamp_compare (&operation->stamp, &self->floor) < 0)
            return changed;
        life_revive (self, &self->floor);
        changed = true;
    }
    return write_lww (self, operation) || changed;
}

bool record_join (
    record_t *self, const operation_t *operation, const past_t *past, record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET)
        return operation->action == ACTION_CREATE && write_weak (self, operation);
    if (rule.delete_rule == DELETE_WINS)
        return join_wins (self, operation, past);
    return join_latest (self, operation, past);
}

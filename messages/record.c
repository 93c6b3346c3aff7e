//  record - what is asked of a record's state: is it alive, what does it show, may this be done to it
//
//  The join is in record_join.c, the packed form in record_pack.c.

#include "messages/record.h"

#include "messages/record_arrays.h"

#include <assert.h>

void record_clear (record_t *self)
{
    self->created = self->written = self->floor = (timestamp_t){0};
    self->deleted_count = 0;
    self->strong.count = 0;
    self->weak.count = 0;
}

void record_copy (record_t *self, const record_t *from)
{
    self->created = from->created;
    self->written = from->written;
    self->floor = from->floor;
    deleted_reserve (self, from->deleted_count);
    properties_reserve (&self->strong, from->strong.count);
    properties_reserve (&self->weak, from->weak.count);
    for (size_t i = 0; i < from->deleted_count; i++)
        self->deleted[i] = from->deleted[i];
    for (size_t i = 0; i < from->strong.count; i++)
        self->strong.entries[i] = from->strong.entries[i];
    for (size_t i = 0; i < from->weak.count; i++)
        self->weak.entries[i] = from->weak.entries[i];
    self->deleted_count = from->deleted_count;
    self->strong.count = from->strong.count;
    self->weak.count = from->weak.count;
}

void record_release (record_t *self)
{
    free (self->deleted);
    free (self->strong.entries);
    free (self->weak.entries);
    *self = (record_t){0};
}

bool past_covers (const past_t *self, const timestamp_t *timestamp)
{
    if (uuid_equal (&timestamp->client, &self->before.client))
        return timestamp->time < self->before.time;
    return vector_covers (self->seen, timestamp);
}

bool record_alive (const record_t *self, record_rule_t rule)
{
    if (timestamp_is_none (&self->created))
        return false;
    if (rule.crdt == CRDT_GSET || rule.delete_rule == DELETE_WINS || self->deleted_count == 0)
        return true;
    timestamp_t deleted = deleted_last (self);
    return timestamp_compare (&self->written, &deleted) > 0;
}

bool record_is_nothing (const record_t *self)
{
    return timestamp_is_none (&self->created) && self->deleted_count == 0;
}

bool record_is_empty (const record_t *self)
{
    return record_is_nothing (self) && timestamp_is_none (&self->written) &&
           timestamp_is_none (&self->floor) && self->strong.count == 0 && self->weak.count == 0;
}

uint64_t record_last_time (const record_t *self)
{
    uint64_t last = self->created.time;
    last = self->written.time > last ? self->written.time : last;
    last = self->floor.time > last ? self->floor.time : last;
    for (size_t i = 0; i < self->deleted_count; i++)
        last = self->deleted[i].time > last ? self->deleted[i].time : last;
    for (size_t i = 0; i < self->strong.count; i++)
        last =
            self->strong.entries[i].stamp.time > last ? self->strong.entries[i].stamp.time : last;
    for (size_t i = 0; i < self->weak.count; i++)
        last = self->weak.entries[i].stamp.time > last ? self->weak.entries[i].stamp.time : last;
    return last;
}

int record_admit (
    const record_t *self, operation_t *operation, bool has_conflict, record_rule_t rule)
{
    bool alive = record_alive (self, rule);
    bool creates = operation->action == ACTION_CREATE;
    if (!creates && rule.crdt == CRDT_GSET)
        return ERR_GROW_ONLY;
    if (!creates && !alive)
        return ERR_NOT_FOUND;
    if (creates && alive && !has_conflict)
        return ERR_EXISTS;

    bool deletes = operation->action == ACTION_DELETE;
    if (!has_conflict || deletes)
        operation->on_conflict = CONFLICT_MERGE;
    if (deletes)
        operation->value = slice_of (NULL, 0);
    bool stands_on_deletion =
        creates && !alive && rule.crdt == CRDT_LWW && rule.delete_rule == DELETE_LATEST;
    operation->floor = stands_on_deletion ? deleted_last (self) : (timestamp_t){0};
    return 0;
}

//  ---- what is visible

//  Walks what a record shows in the order of the names.
typedef struct showing {
    const record_t *record;
    size_t strong; // the next of either kind
    size_t weak;
} showing_t;

//  The next visible property, or NULL. A floor that is not before the life hides all weak values; one
//  that is, a deletion's, has nothing of this life below it. So a hidden strong value never has to
//  let a weak one through.
static const property_t *showing_next (showing_t *self)
{
    const record_t *record = self->record;
    const properties_t *strongs = &record->strong;
    const properties_t *weaks = &record->weak;
    while (self->strong < strongs->count &&
           timestamp_compare (&strongs->entries[self->strong].stamp, &record->floor) < 0)
        self->strong++;

    bool has_strong = self->strong < strongs->count;
    bool hides_weak = timestamp_compare (&record->floor, &record->created) >= 0;
    bool has_weak = !hides_weak && self->weak < weaks->count;
    const property_t *strong = has_strong ? &strongs->entries[self->strong] : NULL;
    const property_t *weak = has_weak ? &weaks->entries[self->weak] : NULL;
    int order = 0;
    if (strong && weak)
        order = slice_compare (strong->name, weak->name);
    if (strong && order <= 0)
        self->strong++;
    if (weak && (order >= 0 || !strong))
        self->weak++;
    return strong && order <= 0 ? strong : weak;
}

void record_show (const record_t *self, record_rule_t rule, buffer_t *out)
{
    assert (record_alive (self, rule));
    size_t count = 0;
    for (showing_t showing = {.record = self}; showing_next (&showing);)
        count++;

    pack_map (out, count);
    showing_t showing = {.record = self};
    for (const property_t *property; (property = showing_next (&showing));) {
        pack_text (out, property->name);
        pack_raw (out, property->value);
    }
}

//  ---- equality

static bool stamp_equal (const timestamp_t *a, const timestamp_t *b)
{
    return timestamp_compare (a, b) == 0;
}

static bool properties_equal (const properties_t *a, const properties_t *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const property_t *mine = &a->entries[i];
        const property_t *theirs = &b->entries[i];
        if (!slice_equal (mine->name, theirs->name) || !slice_equal (mine->value, theirs->value) ||
            !stamp_equal (&mine->stamp, &theirs->stamp))
            return false;
    }
    return true;
}

bool record_equal (const record_t *a, const record_t *b)
{
    if (!stamp_equal (&a->created, &b->created) || !stamp_equal (&a->written, &b->written) ||
        !stamp_equal (&a->floor, &b->floor) || a->deleted_count != b->deleted_count)
        return false;
    for (size_t i = 0; i < a->deleted_count; i++)
        if (!stamp_equal (&a->deleted[i], &b->deleted[i]))
            return false;
    return properties_equal (&a->strong, &b->strong) && properties_equal (&a->weak, &b->weak);
}

//  record_merge - two states of one record, component by component

#include "messages/record_merge.h"

#include "messages/record_arrays.h"

#include <assert.h>

static const timestamp_t *later (const timestamp_t *a, const timestamp_t *b)
{
    return timestamp_compare (a, b) >= 0 ? a : b;
}

//  None is later than all.
static const timestamp_t *earlier (const timestamp_t *a, const timestamp_t *b)
{
    if (timestamp_is_none (a))
        return b;
    if (timestamp_is_none (b))
        return a;
    return timestamp_compare (a, b) <= 0 ? a : b;
}

//  ---- deletions

static void deleted_merge (const record_t *a, const record_t *b, record_t *into)
{
    size_t at_a = 0, at_b = 0;
    deleted_reserve (into, a->deleted_count + b->deleted_count);
    while (at_a < a->deleted_count || at_b < b->deleted_count) {
        const timestamp_t *of_a = at_a < a->deleted_count ? &a->deleted[at_a] : NULL;
        const timestamp_t *of_b = at_b < b->deleted_count ? &b->deleted[at_b] : NULL;
        int order = !of_a ? 1 : !of_b ? -1 : uuid_compare (&of_a->client, &of_b->client);
        const timestamp_t *taken = order < 0 ? of_a : order > 0 ? of_b : later (of_a, of_b);
        assert (taken); // one of the two is not at its end
        into->deleted[into->deleted_count++] = *taken;
        at_a += order <= 0;
        at_b += order >= 0;
    }
}

static bool knows_deletion (const record_t *self, const timestamp_t *deletion)
{
    for (size_t i = 0; i < self->deleted_count; i++)
        if (uuid_equal (&self->deleted[i].client, &deletion->client))
            return self->deleted[i].time >= deletion->time;
    return false;
}

//  Is this state's life over by what the other remembers?
static bool life_is_over (const record_t *self, const record_t *other)
{
    for (size_t i = 0; i < other->deleted_count; i++)
        if (!knows_deletion (self, &other->deleted[i]) &&
            timestamp_compare (&other->deleted[i], &self->created) > 0)
            return true;
    return false;
}

//  Under `latest`: does the other's life stand on a deletion (record_join.c) that this one's is not past?
static bool life_is_before (const record_t *self, const record_t *other)
{
    bool stands = !timestamp_is_none (&other->floor) &&
                  timestamp_compare (&other->floor, &other->created) < 0;
    return stands && timestamp_compare (&self->written, &other->floor) < 0;
}

static bool life_ends (const record_t *self, const record_t *other, record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET)
        return false;
    return rule.delete_rule == DELETE_WINS ? life_is_over (self, other)
                                           : life_is_before (self, other);
}

//  ---- registers

//  The property that stays of two with one name.
static const property_t *winner (const property_t *a, const property_t *b, bool smaller)
{
    int order = timestamp_compare (&a->stamp, &b->stamp);
    if (order == 0)
        return slice_compare (a->value, b->value) >= 0 ? a : b;
    return (order < 0) == smaller ? a : b;
}

static void properties_merge (
    const properties_t *a, const properties_t *b, bool smaller, properties_t *into)
{
    size_t at_a = 0, at_b = 0;
    properties_reserve (into, a->count + b->count);
    while (at_a < a->count || at_b < b->count) {
        const property_t *of_a = at_a < a->count ? &a->entries[at_a] : NULL;
        const property_t *of_b = at_b < b->count ? &b->entries[at_b] : NULL;
        int order = !of_a ? 1 : !of_b ? -1 : slice_compare (of_a->name, of_b->name);
        const property_t *taken = order < 0   ? of_a
                                  : order > 0 ? of_b
                                              : winner (of_a, of_b, smaller);
        assert (taken);
        into->entries[into->count++] = *taken;
        at_a += order <= 0;
        at_b += order >= 0;
    }
}

//  ---- both

void record_merge (const record_t *a, const record_t *b, record_rule_t rule, record_t *ret_record)
{
    static const record_t nothing;
    const record_t *life_a = life_ends (a, b, rule) ? &nothing : a;
    const record_t *life_b = life_ends (b, a, rule) ? &nothing : b;
    record_clear (ret_record);
    deleted_merge (a, b, ret_record);
    ret_record->created = *earlier (&life_a->created, &life_b->created);
    ret_record->written = *later (&life_a->written, &life_b->written);
    ret_record->floor = *later (&life_a->floor, &life_b->floor);
    properties_merge (&life_a->strong, &life_b->strong, false, &ret_record->strong);
    properties_merge (&life_a->weak, &life_b->weak, true, &ret_record->weak);
}

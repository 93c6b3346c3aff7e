//  record_why - the rules of record_join.c and record_show, told of each value

#include "messages/record_why.h"

#include <assert.h>

#include "messages/record_arrays.h"

static const struct {
    bool shown;
    const char *name;
    const char *text;
} rules[WHY_COUNT] = {
#define X(NAME, shown, name, text) {shown, name, text},
    WHY_LIST (X)
#undef X
};

const char *why_name (int rule)
{
    return rules[rule].name;
}

const char *why_text (int rule)
{
    return rules[rule].text;
}

bool why_is_shown (int rule)
{
    return rules[rule].shown;
}

int why_from_name (slice_t name, int *ret_rule)
{
    for (int i = 0; i < WHY_COUNT; i++)
        if (slice_equal (slice_text (rules[i].name), name)) {
            *ret_rule = i;
            return 0;
        }
    return ERR_NOT_FOUND;
}

//  A floor is an overwrite's timestamp, or, under `latest`, that of the deletion that a create stands on. The
//  first lies in this life of the record, the second before it. (A create that is older than the deletion and comes late
//  hides the difference: then it is told as an overwrite.)
static bool floor_is_deletion (const record_t *self)
{
    return timestamp_compare (&self->floor, &self->created) < 0;
}

static int strong_rule (const record_t *self, const property_t *property)
{
    if (timestamp_is_none (&self->floor))
        return WHY_LARGEST;
    int order = timestamp_compare (&property->stamp, &self->floor);
    if (floor_is_deletion (self))
        return order < 0 ? WHY_BELOW_DELETION : WHY_AFTER_DELETION;
    return order < 0 ? WHY_BELOW_OVERWRITE : order == 0 ? WHY_OVERWRITE : WHY_AFTER_OVERWRITE;
}

//  `has_strong`: a strong value of its name is there. With a floor it is hidden in any case.
static int weak_rule (const record_t *self, bool has_strong)
{
    if (timestamp_is_none (&self->floor))
        return has_strong ? WHY_IGNORED : WHY_FIRST;
    return floor_is_deletion (self) ? WHY_BELOW_DELETION : WHY_BELOW_OVERWRITE;
}

bool why_next (why_walk_t *self, why_t *ret_why)
{
    const properties_t *strongs = &self->record->strong, *weaks = &self->record->weak;
    const property_t *strong =
        self->strong < strongs->count ? &strongs->entries[self->strong] : NULL;
    const property_t *weak = self->weak < weaks->count ? &weaks->entries[self->weak] : NULL;
    if (!strong && !weak)
        return false;
    int order = !strong ? 1 : !weak ? -1 : slice_compare (strong->name, weak->name);
    if (order <= 0) {
        self->strong++;
        *ret_why = (why_t){strong, self->alive ? strong_rule (self->record, strong) : WHY_DELETED};
        return true;
    }
    assert (weak);
    self->weak++;
    assert (self->strong == 0 || strongs->entries);
    bool has_strong =
        self->strong > 0 && slice_equal (strongs->entries[self->strong - 1].name, weak->name);
    *ret_why = (why_t){weak, self->alive ? weak_rule (self->record, has_strong) : WHY_DELETED};
    return true;
}

bool record_deletion (const record_t *self, record_rule_t rule, timestamp_t *ret_deletion)
{
    if (record_alive (self, rule) || self->deleted_count == 0)
        return false;
    *ret_deletion = deleted_last (self);
    return true;
}

#include "messages/record.h"
bool record_purge (record_t *self, const vector_t *stable, record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET || self->deleted_count == 0)
        return false;
    timestamp_t last = {0};
    for (size_t i = 0; i < self->deleted_count; i++)
        if (timestamp_compare (&self->deleted[i], &last) > 0)
            last = self->deleted[i];
    if (rule.delete_rule == DELETE_LATEST && vector_covers (stable, &last) && !record_alive (self, rule)) {
        record_clear (self);
        return true;
    }
    size_t kept = 0;
    for (size_t i = 0; i < self->deleted_count; i++)
        if (!vector_covers (stable, &self->deleted[i]))
            self->deleted[kept++] = self->deleted[i];
    bool changed = kept != self->deleted_count;
    self->deleted_count = kept;
    return changed;
}

//  record_purge - forgetting deletions that everybody has seen
//
//  Semantics.md, "Flushing and purging": a deletion that is causally stable has been seen by whoever
//  wrote what can still arrive. So under `wins` nothing is left for it to beat, and under `latest`
//  nothing that can still arrive is older than it.

#include "messages/record.h"

#include "messages/record_arrays.h"

static bool purge_covered (record_t *self, const vector_t *stable)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->deleted_count; i++)
        if (!vector_covers (stable, &self->deleted[i]))
            self->deleted[kept++] = self->deleted[i];
    bool changed = kept < self->deleted_count;
    self->deleted_count = kept;
    return changed;
}

//  What can still arrive has seen the last deletion, and so is later than it and than every other: these
//  go with it, covered or not.
static bool purge_latest (record_t *self, const vector_t *stable, record_rule_t rule)
{
    timestamp_t last = deleted_last (self);
    if (!vector_covers (stable, &last))
        return purge_covered (self, stable);
    if (record_alive (self, rule))
        self->deleted_count = 0;
    else
        record_clear (self);
    return true;
}

bool record_purge (record_t *self, const vector_t *stable, record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET || self->deleted_count == 0)
        return false;
    if (rule.delete_rule == DELETE_WINS)
        return purge_covered (self, stable);
    return purge_latest (self, stable, rule);
}

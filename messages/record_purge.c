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

//  ---- latest

//  The largest deletion of those that were seen; none where none was.
static timestamp_t deleted_last_seen (const record_t *self, const past_t *past)
{
    timestamp_t last = {0};
    for (size_t i = 0; i < self->deleted_count; i++)
        if (timestamp_compare (&self->deleted[i], &last) > 0 &&
            past_covers (past, &self->deleted[i]))
            last = self->deleted[i];
    return last;
}

static void forget_until (record_t *self, const timestamp_t *deletion)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->deleted_count; i++)
        if (timestamp_compare (&self->deleted[i], deletion) > 0)
            self->deleted[kept++] = self->deleted[i];
    self->deleted_count = kept;
}

static bool is_dead_by (const record_t *self, const timestamp_t *deletion)
{
    return timestamp_is_none (&self->created) || timestamp_compare (&self->written, deletion) < 0;
}

bool record_begin_anew (record_t *self, const past_t *past)
{
    timestamp_t seen = deleted_last_seen (self, past);
    if (timestamp_is_none (&seen) || !is_dead_by (self, &seen))
        return false;
    record_end_life (self);
    forget_until (self, &seen);
    return true;
}

//  What can still arrive has seen the deletion, and so is later than it and than every smaller one: these go with
//  it, covered or not; and so does what it has ended, whatever else has ended it too.
static bool purge_latest (record_t *self, const vector_t *stable)
{
    past_t past = {.seen = stable};
    timestamp_t seen = deleted_last_seen (self, &past);
    if (timestamp_is_none (&seen))
        return false;
    if (is_dead_by (self, &seen))
        record_end_life (self);
    forget_until (self, &seen);
    return true;
}

bool record_purge (record_t *self, const vector_t *stable, record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET || self->deleted_count == 0)
        return false;
    if (rule.delete_rule == DELETE_WINS)
        return purge_covered (self, stable);
    return purge_latest (self, stable);
}

//  ingest - what is missing here and new there has moved; the rest is gone, and the rest is new
//
//  A missing directory takes its places with it: its path goes onto a stack, and its places are swept like a directory of which
//  nothing was seen. So a deleted or moved tree of any size needs the memory of one branch.

#include "actors/ingest/ingest.h"

#include <assert.h>
#include <stdlib.h>

static int candidate_compare (const void *a_, const void *b_)
{
    const candidate_t *a = a_, *b = b_;
    if (a->entry.device != b->entry.device)
        return a->entry.device < b->entry.device ? -1 : 1;
    if (a->entry.inode != b->entry.inode)
        return a->entry.inode < b->entry.inode ? -1 : 1;
    return (a->name_at > b->name_at) - (a->name_at < b->name_at);
}

void ingest_resolve_begin (ingest_t *self)
{
    self->placed = 0;
    if (self->candidate_count)
        qsort (
            self->candidates, self->candidate_count, sizeof *self->candidates, candidate_compare);
}

void ingest_branch_push (ingest_t *self, slice_t path)
{
    uint32_t size = (uint32_t)path.size;
    buffer_append (&self->branches, path.data, path.size);
    buffer_append (&self->branches, &size, sizeof size);
}

//  A candidate's path and name borrow from self->texts.
static slice_t candidate_open (ingest_t *self, candidate_t *candidate)
{
    candidate->entry.name = slice_of (self->texts.data + candidate->name_at, candidate->name_size);
    return slice_of (self->texts.data + candidate->dir_at, candidate->dir_size);
}

static candidate_t *candidate_find (ingest_t *self, const entry_t *entry)
{
    size_t low = 0, high = self->candidate_count;
    candidate_t wanted = {.entry = *entry};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (candidate_compare (&self->candidates[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < self->candidate_count; low++) {
        candidate_t *candidate = &self->candidates[low];
        if (candidate->entry.inode != entry->inode || candidate->entry.device != entry->device)
            break;
        if (!candidate->used && entry_same_thing (&candidate->entry, entry))
            return candidate;
    }
    return NULL;
}

//  Moved or gone. A directory's places are to be looked at too, either way.
static int missing_resolve (ingest_t *self, step_t *step)
{
    missing_t missing;
    int rc = ingest_missing_take (self, step, &missing);
    if (rc)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    if (entry_is_dir (&missing.place.entry)) {
        row_t row;
        row_view_t view;
        rc = owned_get (step->txn, slice_text (FILE_PATHS), &self->setup->identity->client,
            &missing.place.uuid, &row);
        if (rc == 0 && row.value.size && row_view (row.value, &view) == 0)
            ingest_branch_push (self, view.path);
        else if (rc && rc != ERR_NOT_FOUND)
            return rc;
    }
    candidate_t *candidate = candidate_find (self, &missing.place.entry);
    if (candidate == NULL)
        return ingest_entry_gone (self, step, &missing);
    candidate->used = true;
    slice_t dir = candidate_open (self, candidate);
    return ingest_entry_moved (self, step, dir, &candidate->entry, &missing);
}

//  Takes the next directory from the stack.
static void branch_next (ingest_t *self)
{
    uint32_t size;
    buffer_t *stack = &self->branches;
    memcpy (&size, stack->data + stack->size - sizeof size, sizeof size);
    stack->size -= sizeof size + size;
    self->dir = spot_dir (&self->job->uuid, slice_of (stack->data + stack->size, size));
    self->seen_count = 0;
    self->sweep_after_size = 0;
    self->sweeping = true;
}

static int new_resolve (ingest_t *self, step_t *step, candidate_t *candidate)
{
    if (candidate->used)
        return 0;
    slice_t dir = candidate_open (self, candidate);
    return ingest_entry_new (self, step, dir, &candidate->entry);
}

int ingest_resolve (ingest_t *self, step_t *step, bool *ret_done)
{
    *ret_done = false;
    for (size_t i = 0; i < INGEST_SLICE; i++) {
        int rc = 0;
        if (!ingest_has_room (self, step))
            return 0;
        if (self->left.size)
            rc = ingest_left_drop (self, step);
        else if (self->missing_count)
            rc = missing_resolve (self, step);
        else if (self->sweeping)
            return ingest_sweep (self, step);
        else if (self->branches.size)
            branch_next (self);
        else if (self->placed < self->candidate_count)
            rc = new_resolve (self, step, &self->candidates[self->placed++]);
        else {
            *ret_done = true;
            return 0;
        }
        if (rc)
            return rc;
    }
    return 0;
}

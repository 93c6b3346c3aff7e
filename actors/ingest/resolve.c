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
    self->is_moved = false;
    ingest_undone_begin (self, ingest_is_whole (self));
    if (self->candidate_count)
        qsort (
            self->candidates, self->candidate_count, sizeof *self->candidates, candidate_compare);
}

//  An entry of the stack: the path, the path where it stands now, and behind them their sizes, 4 bytes each.
#define MOVED_NOWHERE UINT32_MAX // the second size where it is not known

void ingest_branch_push (ingest_t *self, slice_t path, const slice_t *to)
{
    uint32_t sizes[2] = {(uint32_t)path.size, to ? (uint32_t)to->size : MOVED_NOWHERE};
    buffer_append (&self->branches, path.data, path.size);
    if (to)
        buffer_append (&self->branches, to->data, to->size);
    buffer_append (&self->branches, sizes, sizeof sizes);
}

//  A candidate's path and name borrow from self->texts.
static slice_t candidate_open (ingest_t *self, candidate_t *candidate)
{
    candidate->entry.name = slice_of (self->texts.data + candidate->name_at, candidate->name_size);
    return slice_of (self->texts.data + candidate->dir_at, candidate->dir_size);
}

//  Which of several names of one inode is the one that was missed: 2 for its own name, 1 for its own directory, which may
//  have moved itself.
static int candidate_likeness (ingest_t *self, candidate_t *candidate, const missing_t *missing)
{
    uint8_t key[SPOT_KEY_SIZE];
    slice_t dir = candidate_open (self, candidate);
    uuid16_t hash = spot_dir (&self->job->uuid, dir);
    spot_key (&hash, candidate->entry.name, key);
    bool name = memcmp (key + SPOT_DIR_SIZE, missing->key + SPOT_DIR_SIZE,
                    SPOT_KEY_SIZE - SPOT_DIR_SIZE) == 0;
    bool moved = self->is_moved && slice_equal (dir, buffer_slice (&self->moved_to));
    return 2 * name + (moved || memcmp (key, missing->key, SPOT_DIR_SIZE) == 0);
}

static bool one_name (const entry_t *entry)
{
    return entry->links <= 1 || entry_is_dir (entry);
}

//  ret_likeness: 3 where there is no choice.
static candidate_t *candidate_find (ingest_t *self, const missing_t *missing, int *ret_likeness)
{
    const entry_t *entry = &missing->place.entry;
    size_t low = 0, high = self->candidate_count;
    candidate_t wanted = {.entry = *entry}, *best = NULL;
    int best_likeness = 0;
    size_t looked = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (candidate_compare (&self->candidates[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < self->candidate_count && best_likeness < 3 && looked < INGEST_NAMES_MAX; low++) {
        candidate_t *candidate = &self->candidates[low];
        if (candidate->entry.inode != entry->inode || candidate->entry.device != entry->device)
            break;
        if (candidate->used || !entry_same_thing (&candidate->entry, entry))
            continue;
        looked++;
        int likeness =
            one_name (&candidate->entry) ? 3 : candidate_likeness (self, candidate, missing);
        if (!best || likeness > best_likeness) {
            best = candidate;
            best_likeness = likeness;
        }
    }
    *ret_likeness = best_likeness;
    return best;
}

//  A missing directory's places are to be looked at too, whether it has moved (to) or is gone.
static int branch_add (ingest_t *self, step_t *step, const missing_t *missing, const slice_t *to)
{
    row_t row;
    row_view_t view;
    int rc = owned_get (step->txn, slice_text (FILE_PATHS), &self->setup->identity->client,
        &missing->place.uuid, &row);
    if (rc == 0 && row.value.size && row_view (row.value, &view) == 0) {
        ingest_branch_push (self, view.path, to);
        ingest_undone_gone (self, view.path, to);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int candidate_take (
    ingest_t *self, step_t *step, candidate_t *candidate, const missing_t *missing)
{
    buffer_t path = {NULL, 0, 0};
    slice_t dir = candidate_open (self, candidate);
    int rc = 0;
    candidate->used = true;
    if (entry_is_dir (&candidate->entry)) {
        buffer_append (&path, dir.data, dir.size);
        buffer_append (&path, "/", dir.size > 0);
        buffer_append (&path, candidate->entry.name.data, candidate->entry.name.size);
        slice_t to = buffer_slice (&path);
        rc = branch_add (self, step, missing, &to);
        buffer_release (&path);
    }
    return rc ? rc : ingest_entry_moved (self, step, dir, &candidate->entry, missing);
}

//  Moved or gone; or, of several names, to wait until those that are like what is new have found it.
static int missing_place (ingest_t *self, step_t *step, const missing_t *missing, bool waits)
{
    int likeness, rc = 0;
    candidate_t *candidate = candidate_find (self, missing, &likeness);
    if (candidate && waits && likeness < 2 &&
        self->unlike.size < INGEST_UNLIKE_MAX * sizeof *missing) {
        buffer_append (&self->unlike, missing, sizeof *missing);
        return 0;
    }
    if (candidate)
        return candidate_take (self, step, candidate, missing);
    if (entry_is_dir (&missing->place.entry))
        rc = branch_add (self, step, missing, NULL);
    return rc ? rc : ingest_entry_gone (self, step, missing);
}

static int missing_resolve (ingest_t *self, step_t *step)
{
    missing_t missing;
    int rc = ingest_missing_take (self, step, &missing);
    if (rc)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    return missing_place (self, step, &missing, true);
}

static int unlike_resolve (ingest_t *self, step_t *step)
{
    missing_t missing;
    self->unlike.size -= sizeof missing;
    memcpy (&missing, self->unlike.data + self->unlike.size, sizeof missing);
    return missing_place (self, step, &missing, false);
}

//  Takes the next directory from the stack.
static void branch_next (ingest_t *self)
{
    uint32_t sizes[2];
    buffer_t *stack = &self->branches;
    stack->size -= sizeof sizes;
    memcpy (sizes, stack->data + stack->size, sizeof sizes);
    buffer_clear (&self->moved_to);
    self->is_moved = sizes[1] != MOVED_NOWHERE;
    if (self->is_moved) {
        stack->size -= sizes[1];
        buffer_append (&self->moved_to, stack->data + stack->size, sizes[1]);
    }
    stack->size -= sizes[0];
    self->dir = spot_dir (&self->job->uuid, slice_of (stack->data + stack->size, sizes[0]));
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
        else if (self->undone.left)
            rc = ingest_undone_take (self, step);
        else if (self->unlike.size)
            rc = unlike_resolve (self, step);
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

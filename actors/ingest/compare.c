//  ingest - a directory's listing against its places
//
//  A directory that comes in one section, which is nearly every one, is compared with one sweep over its places. A larger one
//  is compared name by name, while the hashes of the names that were seen are kept (8 bytes each); a sweep at
//  its end, in slices, finds what is missing.

#include "actors/ingest/ingest.h"

#include <stdlib.h>

#include "messages/digest.h"

typedef struct swept {
    uint64_t hash; // of the name
    spot_t place;
    bool seen;
} swept_t;

//  Number in lost_dirs of the directory being compared.
static uint32_t lost_dir (ingest_t *self)
{
    buffer_t *dirs = &self->lost_dirs;
    size_t size = sizeof self->dir.bytes;
    if (dirs->size == 0 || memcmp (dirs->data + dirs->size - size, self->dir.bytes, size) != 0)
        buffer_append (dirs, self->dir.bytes, size);
    return (uint32_t)(dirs->size / size - 1);
}

void ingest_missing_add (ingest_t *self, uint64_t hash, const spot_t *replaced)
{
    if (self->missing_count == 0) {
        buffer_clear (&self->lost_dirs);
        buffer_clear (&self->lost_olds);
    }
    if (self->missing_count == self->missing_capacity) {
        self->missing_capacity = self->missing_capacity ? 2 * self->missing_capacity : 256;
        self->missing = realloc (self->missing, self->missing_capacity * sizeof *self->missing);
        if (!self->missing)
            abort ();
    }
    lost_t *lost = &self->missing[self->missing_count++];
    *lost = (lost_t){.hash = hash, .dir = lost_dir (self)};
    if (replaced) {
        buffer_append (&self->lost_olds, replaced, sizeof *replaced);
        lost->old = (uint32_t)(self->lost_olds.size / sizeof *replaced);
    }
}

int ingest_missing_take (ingest_t *self, step_t *step, missing_t *ret_missing)
{
    const lost_t *lost = &self->missing[--self->missing_count];
    missing_t missing = {.replaced = lost->old != 0};
    slice_t value;
    spot_key_of_hash (
        self->lost_dirs.data + lost->dir * sizeof self->dir.bytes, lost->hash, missing.key);
    int rc = 0;
    if (lost->old)
        memcpy (&missing.place, self->lost_olds.data + (lost->old - 1) * sizeof missing.place,
            sizeof missing.place);
    else
        rc = node_get (step->txn, NODE_PLACES, slice_of (missing.key, SPOT_KEY_SIZE), &value);
    if (rc == 0 && lost->old == 0)
        rc = spot_unpack (value, &missing.place);
    if (rc == 0)
        *ret_missing = missing;
    return rc;
}

static void candidate_add (ingest_t *self, const section_t *section, const entry_t *entry)
{
    if (self->candidate_count == self->candidate_capacity) {
        self->candidate_capacity = self->candidate_capacity ? 2 * self->candidate_capacity : 256;
        self->candidates =
            realloc (self->candidates, self->candidate_capacity * sizeof *self->candidates);
        if (!self->candidates)
            abort ();
    }
    //  The entries of a directory share its path.
    candidate_t *last = self->candidate_count ? &self->candidates[self->candidate_count - 1] : NULL;
    candidate_t *candidate = &self->candidates[self->candidate_count++];
    *candidate = (candidate_t){.entry = *entry};
    if (last && last->dir_size == section->path.size &&
        (last->dir_size == 0 ||
            memcmp (self->texts.data + last->dir_at, section->path.data, last->dir_size) == 0))
        candidate->dir_at = last->dir_at;
    else {
        candidate->dir_at = self->texts.size;
        buffer_append (&self->texts, section->path.data, section->path.size);
    }
    candidate->dir_size = section->path.size;
    candidate->name_at = self->texts.size;
    candidate->name_size = entry->name.size;
    buffer_append (&self->texts, entry->name.data, entry->name.size);
}

//  ---- one entry

static int entry_arrived (
    ingest_t *self, step_t *step, const section_t *section, const entry_t *entry)
{
    uint8_t key[INODE_KEY_SIZE];
    slice_t value;
    inode_key (&self->job->uuid, entry, key);
    int rc = node_get (step->txn, NODE_INODES, slice_of (key, sizeof key), &value);
    if (rc == ERR_NOT_FOUND)
        return ingest_entry_new (self, step, section->path, entry);
    if (rc)
        return rc;
    candidate_add (self, section, entry);
    if (entry_is_dir (entry)) {
        buffer_t path = {NULL, 0, 0};
        buffer_append (&path, section->path.data, section->path.size);
        buffer_append (&path, "/", section->path.size > 0);
        buffer_append (&path, entry->name.data, entry->name.size);
        ingest_undone_gone (self, buffer_slice (&path), NULL);
        buffer_release (&path);
    }
    return 0;
}

static bool entry_is_unchanged (const entry_t *a, const entry_t *b)
{
    return a->mode == b->mode && a->size == b->size && a->modified == b->modified &&
           a->created == b->created && a->device == b->device && a->inode == b->inode;
}

//  place: what was there before; NULL: nothing.
static int compare_entry (ingest_t *self, step_t *step, const section_t *section,
    const entry_t *entry, const spot_t *place)
{
    if (place == NULL)
        return entry->mode ? entry_arrived (self, step, section, entry) : 0;
    if (entry->mode && entry_is_unchanged (entry, &place->entry))
        return 0;
    bool other_kind = entry_is_dir (entry) != entry_is_dir (&place->entry);
    if (entry->mode && !other_kind)
        return ingest_entry_changed (self, step, section->path, entry, place);
    ingest_missing_add (self, checksum_of (entry->name), entry->mode ? place : NULL);
    if (entry->mode) {
        uint8_t key[SPOT_KEY_SIZE];
        spot_key (&self->dir, entry->name, key);
        ingest_undone_old (self, key, place);
    }
    return entry->mode ? entry_arrived (self, step, section, entry) : 0;
}

static int compare_by_name (
    ingest_t *self, step_t *step, const section_t *section, const entry_t *entry)
{
    uint8_t key[SPOT_KEY_SIZE];
    slice_t value;
    spot_t place;
    spot_key (&self->dir, entry->name, key);
    int rc = node_get (step->txn, NODE_PLACES, slice_of (key, sizeof key), &value);
    if (rc == ERR_NOT_FOUND)
        return compare_entry (self, step, section, entry, NULL);
    if (rc == 0)
        rc = spot_unpack (value, &place);
    return rc ? rc : compare_entry (self, step, section, entry, &place);
}

//  ---- sweeping

//  The places of self->dir behind `after`, at most `most` of them; *ret_all: there are no more.
static int dir_sweep (
    ingest_t *self, step_t *step, size_t most, swept_t *swept, size_t *ret_count, bool *ret_all)
{
    size_t count = 0;
    *ret_all = true;
    for (;;) {
        slice_t key, value;
        int rc =
            self->sweep_after_size == 0
                ? node_seek (step->txn, NODE_PLACES, slice_of (self->dir.bytes, 16), &key, &value)
                : node_next (step->txn, NODE_PLACES,
                      slice_of (self->sweep_after, self->sweep_after_size), &key, &value);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        if (rc || key.size != SPOT_KEY_SIZE || memcmp (key.data, self->dir.bytes, 16) != 0)
            break;
        if (count == most) {
            *ret_all = false;
            break;
        }
        swept[count] = (swept_t){.hash = spot_hash_of_key (key.data)};
        rc = spot_unpack (value, &swept[count].place);
        if (rc)
            return rc;
        memcpy (self->sweep_after, key.data, SPOT_KEY_SIZE);
        self->sweep_after_size = SPOT_KEY_SIZE;
        count++;
    }
    *ret_count = count;
    return 0;
}

static int hash_compare (const void *a_, const void *b_)
{
    const uint64_t *a = a_, *b = b_;
    return (*a > *b) - (*a < *b);
}

static bool is_seen (const ingest_t *self, uint64_t hash)
{
    return self->seen_count &&
           bsearch (&hash, self->seen, self->seen_count, sizeof *self->seen, hash_compare);
}

//  A slice of a large directory: what was not seen is missing.
int ingest_sweep (ingest_t *self, step_t *step)
{
    swept_t *swept = malloc (INGEST_SLICE * sizeof *swept);
    size_t count = 0;
    bool all = true;
    if (!swept)
        abort ();
    int rc = dir_sweep (self, step, INGEST_SLICE, swept, &count, &all);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (!is_seen (self, swept[i].hash))
            ingest_missing_add (self, swept[i].hash, NULL);
    if (rc == 0 && all) {
        self->sweeping = false;
        self->seen_count = 0;
    }
    free (swept);
    return rc;
}

//  ---- sections

static void seen_add (ingest_t *self, slice_t name)
{
    if (self->seen_count == self->seen_capacity) {
        self->seen_capacity = self->seen_capacity ? 2 * self->seen_capacity : 1024;
        self->seen = realloc (self->seen, self->seen_capacity * sizeof *self->seen);
        if (!self->seen)
            abort ();
    }
    self->seen[self->seen_count++] = checksum_of (name);
}

//  The whole directory in this section, and not many places: one sweep finds all.
static int compare_at_once (
    ingest_t *self, step_t *step, const section_t *section, swept_t *swept, size_t count)
{
    for (size_t i = 0; i < section->count; i++) {
        entry_t entry;
        int rc = entry_unpack (&self->sections, &entry);
        uint64_t hash = rc ? 0 : checksum_of (entry.name);
        //  swept_t begins with its hash.
        swept_t *found =
            rc || !count ? NULL : bsearch (&hash, swept, count, sizeof *swept, hash_compare);
        if (found)
            found->seen = true;
        if (rc == 0)
            rc = compare_entry (self, step, section, &entry, found ? &found->place : NULL);
        if (rc)
            return rc;
    }
    for (size_t i = 0; i < count; i++)
        if (!swept[i].seen)
            ingest_missing_add (self, swept[i].hash, NULL);
    return 0;
}

static int compare_each (ingest_t *self, step_t *step, const section_t *section)
{
    bool whole = section->flags & SECTION_WHOLE;
    for (size_t i = 0; i < section->count; i++) {
        entry_t entry;
        int rc = entry_unpack (&self->sections, &entry);
        if (rc == 0 && whole)
            seen_add (self, entry.name);
        if (rc == 0)
            rc = compare_by_name (self, step, section, &entry);
        if (rc)
            return rc;
    }
    if (whole && section->flags & SECTION_LAST && !(section->flags & SECTION_FAILED)) {
        if (self->seen_count)
            qsort (self->seen, self->seen_count, sizeof *self->seen, hash_compare);
        self->sweeping = true;
        self->sweep_after_size = 0;
    }
    return 0;
}

static int section_skip (ingest_t *self, const section_t *section)
{
    entry_t entry;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < section->count; i++)
        rc = entry_unpack (&self->sections, &entry);
    return rc;
}

int ingest_compare (ingest_t *self, step_t *step)
{
    section_t section;
    int rc = section_unpack (&self->sections, &section);
    if (rc)
        return rc;
    if (section.path.size == 0 && section.flags & SECTION_WHOLE && section.flags & SECTION_FIRST)
        self->distrust &=
            self->unmounted || (section.count == 0 && self->job && self->job->entries);
    if (self->job == NULL || self->job->removing || self->distrust)
        return section_skip (self, &section);
    self->job->listed += section.count;
    if (section.flags & SECTION_FIRST) {
        self->dir = spot_dir (&self->job->uuid, section.path);
        self->seen_count = 0;
    }
    const uint64_t at_once = SECTION_FIRST | SECTION_LAST | SECTION_WHOLE;
    if ((section.flags & (at_once | SECTION_FAILED)) != at_once)
        return compare_each (self, step, &section);

    swept_t *swept = malloc (INGEST_SWEEP_MAX * sizeof *swept);
    size_t count = 0;
    bool all = true;
    if (!swept)
        abort ();
    self->sweep_after_size = 0;
    rc = dir_sweep (self, step, INGEST_SWEEP_MAX, swept, &count, &all);
    if (rc == 0)
        rc = all ? compare_at_once (self, step, &section, swept, count)
                 : compare_each (self, step, &section);
    free (swept);
    return rc;
}

void ingest_compare_reset (ingest_t *self)
{
    free (self->seen);
    free (self->missing);
    free (self->candidates);
    self->seen = NULL;
    self->missing = NULL;
    self->candidates = NULL;
    self->seen_count = self->seen_capacity = 0;
    self->missing_count = self->missing_capacity = 0;
    self->candidate_count = self->candidate_capacity = 0;
    self->sweeping = false;
    self->placed = 0;
    buffer_release (&self->left);
    buffer_release (&self->lost_dirs);
    buffer_release (&self->lost_olds);
    buffer_release (&self->texts);
    buffer_release (&self->branches);
    buffer_release (&self->moved_to);
    buffer_release (&self->unlike);
}

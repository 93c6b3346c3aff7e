//  link_diverge - equal vectors with different digests are a defect of somebody's disk or code
//
//  A shared resource is compared where the watermarks of batches are equal, owned and derived ones where those of rows
//  are too. What differs is told, and of a shared resource repaired: the client with the smaller uuid asks.

#include "actors/link/repair.h"

#include <stdio.h>
#include <stdlib.h>

line_repair_t *link_repair_of (line_t *line)
{
    if (!line->repair) {
        line->repair = calloc (1, sizeof *line->repair);
        if (!line->repair)
            abort (); // as buffer_reserve
    }
    return line->repair;
}

void link_repair_free (line_t *line)
{
    if (!line->repair)
        return;
    free (line->repair->ask.parts);
    buffer_release (&line->repair->want);
    free (line->repair);
    line->repair = NULL;
}

//  What one ping shows.
typedef struct verdict {
    bool shared; // comparable
    bool rows;
    bool found; // something differs
    bool repairable;
    resource_entry_t first; // shared, that differs
    char text[400];
} verdict_t;

static void comparable (link_t *self, step_t *step, const line_t *line, verdict_t *verdict)
{
    vector_t shared = {NULL, 0, 0}, rows = {NULL, 0, 0};
    *verdict = (verdict_t){.found = false};
    if (link_may_repair (self, line) &&
        watermarks_load (step->txn, WATERMARK_SHARED, &shared) == 0 &&
        watermarks_load (step->txn, WATERMARK_ROWS, &rows) == 0) {
        verdict->shared = vector_equal (&shared, &line->shared);
        verdict->rows = verdict->shared && vector_equal (&rows, &line->rows);
    }
    vector_release (&shared);
    vector_release (&rows);
}

static void difference_found (
    link_t *self, const line_t *line, const resource_entry_t *entry, verdict_t *verdict)
{
    const peer_t *peer = link_peer (self, &line->client);
    bool shared = entry->resource.kind == RESOURCE_SHARED;
    verdict->found = true;
    if (!shared || !verdict->repairable)
        snprintf (verdict->text, sizeof verdict->text,
            "%s differs from %s, though both have the same batches%s", entry->resource.name,
            peer ? peer->name : "a member", shared ? ": it is being repaired" : "");
    if (shared && !verdict->repairable) {
        verdict->repairable = true;
        verdict->first = *entry;
    }
}

//  False where the map is not sound.
static bool digests_walk (
    link_t *self, step_t *step, const line_t *line, slice_t theirs, verdict_t *verdict)
{
    cursor_t cursor = cursor_over (theirs);
    size_t count, pair;
    if (cursor_map (&cursor, &count))
        return false;
    while (count--) {
        slice_t name;
        resource_entry_t entry;
        uint64_t visible;
        uint8_t bytes[16], ours[16];
        if (cursor_text (&cursor, &name) || cursor_array (&cursor, &pair) || pair != 2 ||
            cursor_uint (&cursor, &visible) || cursor_bin_exact (&cursor, bytes, sizeof bytes))
            return false;
        if (resources_find (step->txn, name, &entry) ||
            (entry.resource.kind != RESOURCE_SHARED && !verdict->rows))
            continue;
        digest_to_bytes (&entry.digest, ours);
        if (memcmp (ours, bytes, sizeof ours) != 0)
            difference_found (self, line, &entry, verdict);
    }
    return true;
}

//  The same place in a client's chain, and another batch there. Both go on from it; what their records lack of each other
//  is found and repaired below.
static void forks_look (const link_t *self, step_t *step, const line_t *line)
{
    static const hash_t none;
    char subject[UUID_TEXT_SIZE], text[160];
    for (size_t i = 0; i < line->shared.count; i++) {
        const watermark_t *theirs = &line->shared.entries[i];
        const watermark_t *ours = vector_find (&self->shared, &theirs->client);
        if (!ours || ours->upto != theirs->upto || hash_equal (&ours->hash, &theirs->hash) ||
            hash_equal (&ours->hash, &none) || hash_equal (&theirs->hash, &none))
            continue;
        uuid_to_text (&theirs->client, subject);
        snprintf (text, sizeof text,
            "members hold different batches at one place in the chain of client %s: is its data "
            "directory in use twice?",
            subject);
        step_alarm (step, error_name (ERR_FORKED), subject, text);
    }
}

void link_digests_compare (link_t *self, step_t *step, line_t *line, slice_t theirs)
{
    verdict_t verdict;
    char subject[UUID_TEXT_SIZE];
    forks_look (self, step, line);
    comparable (self, step, line, &verdict);
    if (!verdict.shared || !digests_walk (self, step, line, theirs, &verdict))
        return;
    uuid_to_text (&line->client, subject);
    step_alarm (step, "DIVERGED", subject, verdict.found ? verdict.text : NULL);
    if (verdict.found || line->repair)
        link_repair_of (line)->differs = verdict.repairable;
    if (!verdict.repairable && line->repair)
        link_repair_end (step, line);
    if (verdict.repairable && uuid_compare (&self->me, &line->client) < 0)
        link_repair_begin (step, line, &verdict.first);
}

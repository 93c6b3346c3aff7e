//  oplog_markers - markers of deleted rows, and how long they are kept
//
//  Who was away must hear that a row is gone: its marker stays until every member that counts is past it. How far a member
//  is comes with the pings, its own and others' (semantics.md, "Clients": vectors, merged by maximum). It is not stored: after a
//  start nothing is forgotten until it was heard again.
//
//  A member that nobody here has heard of yet may lack a marker that is forgotten, and so may one that was restored, or
//  counted out and is back. It would keep the row: but then it differs from what the owner signed, and fetches anew (tally.c).

#include "actors/oplog/oplog.h"

#include <stdlib.h>

#define FORGET_A_TRANSACTION 512 // markers

static member_marks_t *marks_of (oplog_t *self, const uuid16_t *member, bool make)
{
    for (size_t i = 0; i < self->mark_count; i++)
        if (uuid_equal (&self->marks[i].member, member))
            return &self->marks[i];
    if (!make)
        return NULL;
    member_marks_t *grown = realloc (self->marks, (self->mark_count + 1) * sizeof *grown);
    if (!grown)
        abort (); // as buffer_reserve
    self->marks = grown;
    grown[self->mark_count] = (member_marks_t){*member, {NULL, 0, 0}};
    return &grown[self->mark_count++];
}

void oplog_on_marks (oplog_t *self, step_t *step, const mail_t *mail)
{
    marks_t marks;
    vector_t rows = {NULL, 0, 0};
    if (step_unpack (step, mail, &marks_type, &marks))
        return;
    cursor_t cursor = cursor_over (marks.rows);
    if (vector_unpack (&cursor, &rows) == 0 &&
        vector_merge (&marks_of (self, &marks.member, true)->rows, &rows))
        self->forgets = true;
    vector_release (&rows);
}

//  Up to where every member that counts has this owner's rows.
static uint64_t stable_upto (oplog_t *self, const pool_view_t *view, const watermark_t *mark)
{
    uint64_t stable = mark->upto;
    for (size_t i = 0; i < self->client_count; i++) {
        const client_t *member = &self->clients[i];
        if (uuid_equal (&member->uuid, &self->setup->identity->client) ||
            uuid_equal (&member->uuid, &mark->client) || !pool_counts (view, member))
            continue;
        const member_marks_t *marks = marks_of (self, &member->uuid, false);
        uint64_t upto = marks ? vector_upto (&marks->rows, &mark->client) : 0;
        stable = upto < stable ? upto : stable;
    }
    return stable;
}

int oplog_markers_forget (oplog_t *self, step_t *step)
{
    pool_view_t view = oplog_pool_view (self);
    uint64_t markers = 0;
    size_t forgotten, budget = FORGET_A_TRANSACTION;
    bool left = false;
    const client_t *me = oplog_client (self, &self->setup->identity->client);
    if (!self->forgets || oplog_busy (self))
        return 0;
    self->forgets = false;
    int rc = owned_markers (step->txn, &markers);
    if (rc || !markers || !me || !client_is_member (me))
        return rc;
    for (size_t i = 0; rc == 0 && !left && i < self->rows.count; i++) {
        const watermark_t *mark = &self->rows.entries[i];
        uint64_t stable = stable_upto (self, &view, mark);
        if (!stable)
            continue;
        changes_begin_group (step->txn);
        rc = owned_forget (step->txn, &mark->client, stable, budget, &forgotten, &left);
        if (rc == 0) {
            budget -= forgotten;
            metric_add (step->metrics, METRIC_MARKERS_FORGOTTEN, forgotten);
        }
    }
    self->forgets = rc == 0 && left;
    return rc;
}

void oplog_markers_release (oplog_t *self)
{
    for (size_t i = 0; i < self->mark_count; i++)
        vector_release (&self->marks[i].rows);
    free (self->marks);
}

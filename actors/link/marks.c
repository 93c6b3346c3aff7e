//  link_marks - how far members have owned rows, as pings tell: their own, and what they heard of others
//
//  A ping carries of the other members what rose since the last one on this line. oplog keeps the markers of deleted rows by it
//  (oplog/markers.c).

#include "actors/link/link.h"

#include <stdlib.h>

static member_mark_t *mark_of (link_t *self, const uuid16_t *member)
{
    for (size_t i = 0; i < self->mark_count; i++)
        if (uuid_equal (&self->marks[i].member, member))
            return &self->marks[i];
    member_mark_t *grown = realloc (self->marks, (self->mark_count + 1) * sizeof *grown);
    if (!grown)
        abort (); // as buffer_reserve
    self->marks = grown;
    grown[self->mark_count] = (member_mark_t){.member = *member};
    return &grown[self->mark_count++];
}

static void mark_raise (link_t *self, step_t *step, const uuid16_t *member, const vector_t *rows)
{
    buffer_t packed = {NULL, 0, 0};
    if (!link_peer (self, member)) // us, or somebody who is not known here
        return;
    member_mark_t *mark = mark_of (self, member);
    if (!vector_merge (&mark->rows, rows))
        return;
    mark->version = ++self->marks_version;
    vector_pack (&mark->rows, &packed);
    marks_t marks = {.member = *member, .rows = buffer_slice (&packed)};
    step_send (step, ACTOR_OPLOG, MAIL_MARKS, 0, &marks_type, &marks, NULL, 0);
    buffer_release (&packed);
}

void link_marks_hear (link_t *self, step_t *step, const line_t *line, slice_t packed)
{
    vector_t rows = {NULL, 0, 0};
    cursor_t cursor = cursor_over (packed);
    size_t count, pair;
    uuid16_t member;
    mark_raise (self, step, &line->client, &line->rows);
    if (!packed.size || cursor_array (&cursor, &count) || count > LIMIT_MEMBERS)
        return;
    while (count-- && cursor_array (&cursor, &pair) == 0 && pair == 2 &&
           cursor_bin_exact (&cursor, &member, sizeof member) == 0 &&
           vector_unpack (&cursor, &rows) == 0)
        mark_raise (self, step, &member, &rows);
    vector_release (&rows);
}

void link_marks_pack (link_t *self, line_t *line, buffer_t *out)
{
    buffer_t body = {NULL, 0, 0};
    size_t count = 0;
    for (size_t i = 0; i < self->mark_count; i++) {
        const member_mark_t *mark = &self->marks[i];
        if (mark->version <= line->marks_version || uuid_equal (&mark->member, &line->client))
            continue;
        pack_array (&body, 2);
        pack_bin (&body, slice_of (&mark->member, sizeof mark->member));
        vector_pack (&mark->rows, &body);
        count++;
    }
    line->marks_version = self->marks_version;
    pack_array (out, count);
    pack_raw (out, buffer_slice (&body));
    buffer_release (&body);
}

void link_marks_release (link_t *self)
{
    for (size_t i = 0; i < self->mark_count; i++)
        vector_release (&self->marks[i].rows);
    free (self->marks);
}

//  link_report - what operators ask of link: who is online, pause and resume

#include "actors/link/link.h"

#include <stdio.h>
#include <stdlib.h>

static void answer (step_t *step, const mail_t *mail, int error, const char *message, buffer_t *map)
{
    commanded_t commanded = {.error = (uint64_t)-error};
    if (error)
        commanded.message = slice_text (message ? message : error_text (error));
    if (map)
        commanded.answer = buffer_slice (map);
    step_send (step, mail->envelope.from, MAIL_COMMANDED, mail->envelope.ticket, &commanded_type,
        &commanded, NULL, 0);
}

//  ---- report

static void vectors_pack (link_t *self, buffer_t *out)
{
    pack_array (out, self->peer_count);
    for (size_t i = 0; i < self->peer_count; i++) {
        const peer_t *peer = &self->peers[i];
        const line_t *line = link_line_of (self, &peer->client);
        pack_array (out, 2);
        pack_bin (out, slice_of (&peer->client, sizeof peer->client));
        vector_pack (line ? &line->shared : &peer->shared, out);
    }
}

//  What is deferred here keeps nobody waiting: an alarm says it.
static bool is_behind (link_t *self, const vector_t *here, const vector_t *target)
{
    for (size_t i = 0; i < target->count; i++) {
        const watermark_t *wanted = &target->entries[i];
        if (vector_upto (here, &wanted->client) < wanted->upto &&
            !vector_find (&self->ahead, &wanted->client))
            return true;
    }
    return false;
}

//  nil when this node is ready: it copies nothing, and has what its giver had when the copy began.
static void joining_pack (link_t *self, buffer_t *out)
{
    bool behind = self->has_target && (is_behind (self, &self->shared, &self->target_shared) ||
                                          is_behind (self, &self->rows, &self->target_rows));
    if (!self->joining && !behind) {
        pack_nil (out);
        return;
    }
    pack_map (out, 3);
    pack_string (out, "state");
    pack_string (out, self->joining ? "copying" : "catching up");
    pack_string (out, "records");
    pack_uint (out, self->copied);
    pack_string (out, "giver");
    pack_bin (out, slice_of (&self->giver, sizeof self->giver));
}

static void bound_pack (const buffer_t *bound, buffer_t *out)
{
    if (bound->size)
        pack_raw (out, buffer_slice (bound));
    else
        pack_array (out, 0);
}

//  A pause of all is one of each.
static void paused_pack (link_t *self, buffer_t *out)
{
    pack_array (out, self->paused_all ? self->peer_count : self->paused_count);
    for (size_t i = 0; self->paused_all && i < self->peer_count; i++)
        pack_bin (out, slice_of (&self->peers[i].client, sizeof (uuid16_t)));
    for (size_t i = 0; !self->paused_all && i < self->paused_count; i++)
        pack_bin (out, slice_of (&self->paused[i], sizeof (uuid16_t)));
}

static void on_report (link_t *self, step_t *step, const mail_t *mail)
{
    buffer_t map = {NULL, 0, 0};
    pack_map (&map, 5);
    pack_string (&map, "online");
    link_linked_pack (self, &map);
    pack_string (&map, "vectors");
    vectors_pack (self, &map);
    pack_string (&map, "endpoints");
    pack_map (&map, 2);
    pack_string (&map, "peers");
    bound_pack (&self->bound[LINK_PEERS], &map);
    pack_string (&map, "door");
    bound_pack (&self->bound[LINK_DOOR], &map);
    pack_string (&map, "paused");
    paused_pack (self, &map);
    pack_string (&map, "joining");
    joining_pack (self, &map);
    answer (step, mail, 0, NULL, &map);
    buffer_release (&map);
}

//  ---- pause, resume

//  The client that a request names: 0 and *ret_named false where it names none.
static int client_named (slice_t request, uuid16_t *ret_client, bool *ret_named)
{
    cursor_t cursor = cursor_over (request);
    size_t count;
    *ret_named = false;
    if (cursor_map (&cursor, &count))
        return ERR_BAD_REQUEST;
    while (count--) {
        slice_t name, text;
        if (cursor_text (&cursor, &name))
            return ERR_BAD_REQUEST;
        if (!slice_equal (name, slice_text ("client")) || cursor_kind (&cursor) == PACK_NIL) {
            if (cursor_skip (&cursor, NULL))
                return ERR_BAD_REQUEST;
            continue;
        }
        if (cursor_kind (&cursor) == PACK_TEXT
                ? cursor_text (&cursor, &text) || uuid_from_text (text, ret_client)
                : cursor_bin_exact (&cursor, ret_client, sizeof *ret_client))
            return ERR_BAD_REQUEST;
        *ret_named = true;
    }
    return 0;
}

static void pause_one (link_t *self, const uuid16_t *client)
{
    if (link_is_paused (self, client) && !self->paused_all)
        return;
    uuid16_t *grown = realloc (self->paused, (self->paused_count + 1) * sizeof *grown);
    if (!grown)
        abort ();
    self->paused = grown;
    self->paused[self->paused_count++] = *client;
}

static void resume_one (link_t *self, const uuid16_t *client)
{
    for (size_t i = self->paused_count; i-- > 0;)
        if (uuid_equal (&self->paused[i], client))
            self->paused[i] = self->paused[--self->paused_count];
}

static void redial_now (link_t *self)
{
    for (size_t i = 0; i < self->peer_count; i++) {
        self->peers[i].redial_ns = 0;
        self->peers[i].backoff_ns = 0;
    }
}

static void lines_close_paused (link_t *self, step_t *step)
{
    for (size_t i = self->line_count; i-- > 0;)
        if (link_is_paused (self, &self->lines[i]->client))
            link_line_close (self, step, self->lines[i], ERR_BUSY, "paused");
}

static void on_pause (link_t *self, step_t *step, const mail_t *mail, slice_t request, bool pause)
{
    uuid16_t client;
    bool named;
    int rc = client_named (request, &client, &named);
    if (rc == 0 && named && pause)
        pause_one (self, &client);
    else if (rc == 0 && named)
        resume_one (self, &client);
    else if (rc == 0) {
        self->paused_all = pause;
        self->paused_count = pause ? self->paused_count : 0;
    }
    if (rc == 0 && pause)
        lines_close_paused (self, step);
    else if (rc == 0)
        redial_now (self);
    answer (step, mail, rc, NULL, NULL);
}

void link_on_command (link_t *self, step_t *step, const mail_t *mail)
{
    command_t command;
    if (step_unpack (step, mail, &command_type, &command))
        return;
    if (slice_equal (command.verb, slice_text ("report")))
        on_report (self, step, mail);
    else if (slice_equal (command.verb, slice_text ("pause")))
        on_pause (self, step, mail, command.request, true);
    else if (slice_equal (command.verb, slice_text ("resume")))
        on_pause (self, step, mail, command.request, false);
    else if (slice_equal (command.verb, slice_text ("restamp")))
        link_restamp_begin (self, step, mail);
    else
        answer (step, mail, ERR_UNKNOWN_VERB, NULL, NULL);
}

//  link_tally - what owners signed of their rows: given, heard; own rows that are taken back
//
//  A tally goes out behind the rows that it stands for: when the peer was sent all of an owner's rows that are here, and
//  what the owner signed is of that place. So who takes it stands there too, and oplog compares.
//
//      owner, restored                        member
//        | <=== tally of the owner's rows ======= |   ahead of the first ping
//        |  TAKE_TALLY to oplog: TOO_EARLY        |   it was signed here, and is not remembered
//        | ---- mine (after) -------------------> |
//        | <=== rows, tally ===================== |   the owner's own, all of them; once more where some are to go
//        |  TAKE_ROWS, TAKE_TALLY                 |
//
//  Until then no own rows go out, anywhere: a tally of what is left of them would have the others drop the rest.

#include "actors/link/link.h"

#define SIGN_NS SECOND_NS // not asked more often

static void tally_send (step_t *step, const line_t *line, const tally_t *tally)
{
    buffer_t packed = {NULL, 0, 0};
    tally_pack (tally, &packed);
    peer_tally_t message = {.verb = PEER_TALLY, .tally = buffer_slice (&packed)};
    link_line_send (step, line, &peer_tally_type, &message, NULL);
    buffer_release (&packed);
}

//  ---- giving

void link_tally_show (link_t *self, step_t *step, line_t *line)
{
    tally_t tally;
    if (!self->joining && !line->peer_joins && tallies_get (step->txn, &line->client, &tally) == 0)
        tally_send (step, line, &tally);
}

bool link_own_waits (const link_t *self, const line_t *line)
{
    return self->back_line || !line->pinged;
}

static void sign_ask (link_t *self, step_t *step, bool fresh)
{
    sign_rows_t sign = {.fresh = fresh};
    if (self->sign_ns && step->now.mono_ns - self->sign_ns < SIGN_NS) {
        step_wake_at (step, self->sign_ns + SIGN_NS);
        return;
    }
    self->sign_ns = step->now.mono_ns;
    step_send (step, ACTOR_OPLOG, MAIL_SIGN_ROWS, 0, &sign_rows_type, &sign, NULL, 0);
}

//  Are the rows of this owner still those of the place that link knows of? A row that is written again leaves its place: once
//  oplog is further, what was sent since may lack one that the tally counts.
static bool is_at (step_t *step, const watermark_t *mark)
{
    vector_t rows = {NULL, 0, 0};
    bool is = watermarks_load (step->txn, WATERMARK_ROWS, &rows) == 0 &&
              vector_upto (&rows, &mark->client) == mark->upto;
    vector_release (&rows);
    return is;
}

//  Of one owner, if the peer was sent all of its rows.
static void tally_feed (link_t *self, step_t *step, line_t *line, const watermark_t *mark)
{
    tally_t tally = {.upto = 0};
    bool its = uuid_equal (&mark->client, &line->client);
    int rc = tallies_get (step->txn, &mark->client, &tally);
    uint64_t place = its ? tally.upto : mark->upto;
    if ((rc && rc != ERR_NOT_FOUND) || vector_upto (&line->rows_sent, &mark->client) != place ||
        vector_upto (&line->tallies_sent, &mark->client) >= place)
        return;
    if (tally.upto == place) {
        if (!its && !is_at (step, mark))
            return;
        vector_raise (&line->tallies_sent, &mark->client, place, NULL);
        tally_send (step, line, &tally);
        line->gives_back = line->gives_back && !its;
    } else if (uuid_equal (&mark->client, &self->me) && tally.upto < place)
        sign_ask (self, step, false);
}

void link_tallies_feed (link_t *self, step_t *step, line_t *line)
{
    for (size_t i = 0; i < self->rows.count; i++) {
        const watermark_t *mark = &self->rows.entries[i];
        bool own = uuid_equal (&mark->client, &self->me);
        bool its = uuid_equal (&mark->client, &line->client);
        if (own ? !link_own_waits (self, line) : !its || line->gives_back)
            tally_feed (self, step, line, mark);
    }
}

void link_on_mine (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_mine_t mine;
    int rc = message_unpack (&peer_mine_type, frame, &mine, NULL);
    if (rc == 0 && (self->joining || line->peer_joins))
        rc = ERR_NOT_ALLOWED;
    if (rc) {
        link_refuse (self, step, line, rc, "a wish for its own rows");
        return;
    }
    line->gives_back = true;
    vector_remove (&line->tallies_sent, &line->client);
    if (mine.after)
        vector_set (&line->rows_sent, &line->client, mine.after, NULL);
    else
        vector_remove (&line->rows_sent, &line->client);
    step_wake_at (step, 0);
}

//  ---- hearing

static void tally_forward (link_t *self, step_t *step, line_t *line, const tally_t *tally)
{
    buffer_t packed = {NULL, 0, 0};
    tally_pack (tally, &packed);
    take_tally_t take = {.peer = line->client,
        .line = line->number,
        .mixed = link_rows_mixed (self, &tally->owner),
        .tally = buffer_slice (&packed)};
    line->tallying++;
    step_send (step, ACTOR_OPLOG, MAIL_TAKE_TALLY, TAKING_TALLY, &take_tally_type, &take, NULL, 0);
    buffer_release (&packed);
}

//  One line after the other gives us our own rows back, if it has any that we do not remember.
static void mine_forward (link_t *self, step_t *step)
{
    for (size_t i = 0; i < self->line_count && !self->back_line; i++) {
        line_t *line = self->lines[i];
        if (line->state != LINE_OPEN || !line->mine.upto ||
            link_is_doubted (self, &self->me, &line->client))
            continue;
        self->back_line = line->number;
        self->back_ns = step->now.mono_ns;
        tally_forward (self, step, line, &line->mine);
    }
}

void link_on_tally (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    peer_tally_t message;
    tally_t tally;
    int rc = message_unpack (&peer_tally_type, frame, &message, NULL);
    cursor_t cursor = cursor_over (message.tally);
    if (rc == 0)
        rc = tally_unpack (&cursor, &tally);
    if (rc) {
        link_refuse (self, step, line, rc, "what an owner signed");
        return;
    }
    if (self->joining || line->tallying >= LIMIT_MEMBERS) // more than there can be
        return;
    if (!uuid_equal (&tally.owner, &self->me)) {
        tally_forward (self, step, line, &tally);
        return;
    }
    line->mine = tally;
    if (self->back_line == line->number)
        tally_forward (self, step, line, &tally);
    else
        mine_forward (self, step);
}

static void own_taken (link_t *self, step_t *step, line_t *line, const taken_t *taken)
{
    if (-(int)taken->error == ERR_TOO_EARLY) {
        peer_mine_t mine = {.verb = PEER_MINE};
        link_line_send (step, line, &peer_mine_type, &mine, NULL);
        return;
    }
    if (-(int)taken->error == ERR_ALTERED)
        link_source_doubt (self, step, &self->me, &line->client);
    else
        line->mine.upto = 0;
    self->back_line = 0;
    mine_forward (self, step);
    step_wake_at (step, 0);
}

void link_on_tally_taken (link_t *self, step_t *step, line_t *line, const taken_t *taken)
{
    int error = -(int)taken->error;
    line->tallying--;
    if (error && error != ERR_ALTERED && error != ERR_TOO_EARLY) {
        link_refuse (self, step, line, error, "what an owner signed");
        return;
    }
    if (uuid_equal (&taken->client, &self->me))
        own_taken (self, step, line, taken);
    else if (error == ERR_ALTERED)
        link_source_blame (self, step, &taken->client);
    else if (taken->upto)
        link_source_end (self, step, &taken->client);
}

void link_back_over (link_t *self, step_t *step, uint64_t line)
{
    if (self->back_line != line)
        return;
    self->back_line = 0;
    mine_forward (self, step);
}

void link_back_heard (link_t *self, const step_t *step, const line_t *line)
{
    if (self->back_line == line->number)
        self->back_ns = step->now.mono_ns;
}

//  Who has shown that it has rows of ours, and gives none, holds up nobody.
static void back_look (link_t *self, step_t *step)
{
    uint64_t most = 6 * self->setup->config->ping_interval_s * SECOND_NS;
    line_t *line = self->back_line ? link_line (self, self->back_line) : NULL;
    if (!line || step->now.mono_ns - self->back_ns < most)
        return;
    link_source_doubt (self, step, &self->me, &line->client);
    self->back_line = 0;
    mine_forward (self, step);
}

//  A peer that claims later rows of ours than there are, and cannot show that we signed them, was given them by somebody else:
//  what we sign at a later time yet shows it so.
void link_claims_look (link_t *self, step_t *step, line_t *line)
{
    back_look (self, step);
    if (!self->joining && !self->back_line && !line->mine.upto && !line->peer_joins &&
        vector_upto (&line->rows, &self->me) > vector_upto (&self->rows, &self->me))
        sign_ask (self, step, true);
}

//  link_source - from whom an owner's rows come, and from whom not
//
//  Rows are no log: two peers that are not at the same place in an owner's rows, one after the other, would leave a gap. So
//  while an owner's rows come they come from one peer; what others send of them meanwhile is passed over, and asked for again
//  when that one is done, gone or silent. The owner itself goes first.
//
//  Whose rows of an owner were not what the owner signed is doubted: none of that owner are taken from it for a while, twice as
//  long each time. The owner itself is never doubted.

#include "actors/link/link.h"

#include <stdlib.h>

#define DOUBT_NS      (60 * SECOND_NS)
#define DOUBT_MOST_NS (3600 * SECOND_NS)

static source_t *source_of (const link_t *self, const uuid16_t *owner)
{
    for (size_t i = 0; i < self->source_count; i++)
        if (uuid_equal (&self->sources[i].owner, owner))
            return &self->sources[i];
    return NULL;
}

static void source_remove (link_t *self, source_t *source)
{
    *source = self->sources[--self->source_count];
}

static source_t *source_add (link_t *self, const uuid16_t *owner, const uuid16_t *peer)
{
    source_t *grown = realloc (self->sources, (self->source_count + 1) * sizeof *grown);
    if (!grown)
        abort (); // as buffer_reserve
    self->sources = grown;
    grown[self->source_count] = (source_t){.owner = *owner, .peer = *peer};
    return &grown[self->source_count++];
}

static doubt_t *doubt_of (const link_t *self, const uuid16_t *owner, const uuid16_t *peer)
{
    for (size_t i = 0; i < self->doubt_count; i++)
        if (uuid_equal (&self->doubts[i].owner, owner) && uuid_equal (&self->doubts[i].peer, peer))
            return &self->doubts[i];
    return NULL;
}

bool link_is_doubted (const link_t *self, const uuid16_t *owner, const uuid16_t *peer)
{
    const doubt_t *doubt = doubt_of (self, owner, peer);
    return doubt && doubt->until_ns;
}

static uint64_t silence_ns (const link_t *self)
{
    return 2 * self->setup->config->ping_interval_s * SECOND_NS;
}

static bool source_gives (link_t *self, const step_t *step, const source_t *source)
{
    return link_line_of (self, &source->peer) &&
           step->now.mono_ns - source->since_ns < silence_ns (self);
}

//  Are the rows that are here, if any, those that the owner signed? Otherwise they came from somebody, before we were started.
static bool is_known_right (const link_t *self, step_t *step, const uuid16_t *owner)
{
    uint64_t upto = vector_upto (&self->rows, owner);
    tally_t tally;
    return !upto || (tallies_get (step->txn, owner, &tally) == 0 && tally.upto == upto);
}

bool link_rows_wanted (link_t *self, step_t *step, line_t *line, const uuid16_t *owner)
{
    source_t *source = source_of (self, owner);
    client_t known;
    if (uuid_equal (owner, &self->me)) {
        link_back_heard (self, step, line);
        return true; // oplog knows whether they were asked for
    }
    if (!source && clients_get (step->txn, owner, &known))
        return true; // and refuses those of whom nobody knows
    if (link_is_doubted (self, owner, &line->client))
        return false;
    if (!source) {
        source = source_add (self, owner, &line->client);
        source->mixed = !is_known_right (self, step, owner);
    }
    if (!uuid_equal (&source->peer, &line->client)) {
        if (!uuid_equal (&line->client, owner) && source_gives (self, step, source)) {
            line->ignored = true;
            return false;
        }
        source->peer = line->client;
        source->mixed = true;
    }
    source->since_ns = step->now.mono_ns;
    return true;
}

//  Of rows of which nobody knows from whom they came: they may be.
bool link_rows_mixed (const link_t *self, const uuid16_t *owner)
{
    const source_t *source = source_of (self, owner);
    return !source || source->mixed;
}

//  Whoever was passed over begins again from what is here.
static void ignored_ask (link_t *self, step_t *step)
{
    for (size_t i = 0; i < self->line_count; i++) {
        line_t *line = self->lines[i];
        if (!line->ignored || line->state != LINE_OPEN)
            continue;
        line->ignored = false;
        if (!vector_covers_all (&self->rows, &line->rows))
            link_again_say (self, step, line, ERR_TOO_EARLY);
    }
}

void link_source_end (link_t *self, step_t *step, const uuid16_t *owner)
{
    source_t *source = source_of (self, owner);
    if (source)
        source_remove (self, source);
    for (size_t i = self->doubt_count; i-- > 0;)
        if (uuid_equal (&self->doubts[i].owner, owner) && !self->doubts[i].until_ns)
            self->doubts[i] = self->doubts[--self->doubt_count];
    ignored_ask (self, step);
}

void link_source_lost (link_t *self, step_t *step, const uuid16_t *peer)
{
    bool lost = false;
    for (size_t i = 0; i < self->source_count; i++)
        lost = lost || uuid_equal (&self->sources[i].peer, peer);
    if (lost) // who goes on where it stopped makes them mixed: the source stays as it is
        ignored_ask (self, step);
}

void link_sources_look (link_t *self, step_t *step, line_t *line)
{
    bool gives = false;
    for (size_t i = 0; i < self->source_count; i++)
        gives = gives || source_gives (self, step, &self->sources[i]);
    if (line->ignored && !gives)
        ignored_ask (self, step);
}

//  ---- doubts

void link_source_doubt (link_t *self, step_t *step, const uuid16_t *owner, const uuid16_t *peer)
{
    doubt_t *doubt = doubt_of (self, owner, peer);
    const peer_t *named = link_peer (self, peer);
    char subject[UUID_TEXT_SIZE];
    if (!doubt) {
        doubt_t *grown = realloc (self->doubts, (self->doubt_count + 1) * sizeof *grown);
        if (!grown)
            abort ();
        self->doubts = grown;
        doubt = &grown[self->doubt_count++];
        *doubt = (doubt_t){.owner = *owner, .peer = *peer, .wait_ns = DOUBT_NS / 2};
    }
    doubt->wait_ns = 2 * doubt->wait_ns < DOUBT_MOST_NS ? 2 * doubt->wait_ns : DOUBT_MOST_NS;
    doubt->until_ns = step->now.mono_ns + doubt->wait_ns;
    uuid_to_text (owner, subject);
    step_say (step, SAY_WARNING,
        "%s gave rows of client %s that are not those that it signed: none are taken from it for "
        "%llu s",
        named ? named->name : "a member", subject,
        (unsigned long long)(doubt->wait_ns / SECOND_NS));
}

void link_source_blame (link_t *self, step_t *step, const uuid16_t *owner)
{
    const source_t *source = source_of (self, owner);
    if (source && !source->mixed && !uuid_equal (&source->peer, owner)) {
        uuid16_t peer = source->peer;
        link_source_doubt (self, step, owner, &peer);
    }
}

void link_doubts_tick (link_t *self, step_t *step, line_t *line)
{
    for (size_t i = 0; i < self->doubt_count; i++) {
        doubt_t *doubt = &self->doubts[i];
        if (!doubt->until_ns || !uuid_equal (&doubt->peer, &line->client))
            continue;
        if (step->now.mono_ns < doubt->until_ns) {
            step_wake_at (step, doubt->until_ns);
            continue;
        }
        doubt->until_ns = 0;
        if (vector_upto (&self->rows, &doubt->owner) < vector_upto (&line->rows, &doubt->owner))
            link_again_say (self, step, line, ERR_ALTERED);
    }
}

//  ---- rows that are dropped here

//  All begin again from what is here; of who is doubted nothing is taken.
void link_on_fell (link_t *self, step_t *step, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    uuid16_t owner;
    size_t count;
    if (cursor_array (&cursor, &count) || count == 0)
        return;
    while (count-- && cursor_bin_exact (&cursor, &owner, sizeof owner) == 0) {
        source_t *source = source_of (self, &owner);
        if (source)
            source_remove (self, source);
        for (size_t i = 0; i < self->line_count; i++)
            vector_remove (&self->lines[i]->ack_rows, &owner);
    }
    for (size_t i = 0; i < self->line_count; i++)
        if (self->lines[i]->state == LINE_OPEN)
            link_again_say (self, step, self->lines[i], ERR_ALTERED);
}

void link_sources_release (link_t *self)
{
    free (self->sources);
    free (self->doubts);
}

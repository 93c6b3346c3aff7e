//  news - what a client that returns brings of one record, and how it is joined

#include "messages/news.h"

#include "messages/record_arrays.h"

static bool is_later (const timestamp_t *a, const timestamp_t *b)
{
    return timestamp_compare (a, b) > 0;
}

static bool raise (timestamp_t *self, const timestamp_t *to)
{
    if (!is_later (to, self))
        return false;
    *self = *to;
    return true;
}

//  There, and not covered.
static bool is_new (const timestamp_t *stamp, const vector_t *to)
{
    return !timestamp_is_none (stamp) && !vector_covers (to, stamp);
}

static bool any_property_is_new (const properties_t *self, const vector_t *to)
{
    for (size_t i = 0; i < self->count; i++)
        if (is_new (&self->entries[i].stamp, to))
            return true;
    return false;
}

static bool any_deletion_is_new (const record_t *self, const vector_t *to)
{
    for (size_t i = 0; i < self->deleted_count; i++)
        if (is_new (&self->deleted[i], to))
            return true;
    return false;
}

static bool any_write_is_new (const record_t *self, const vector_t *to)
{
    return is_new (&self->created, to) || is_new (&self->written, to) ||
           is_new (&self->floor, to) || any_property_is_new (&self->strong, to) ||
           any_property_is_new (&self->weak, to);
}

//  Under `latest`: a life that began past its floor stands on that deletion (record_join.c).
static bool life_stands (const record_t *self)
{
    return !timestamp_is_none (&self->floor) && is_later (&self->created, &self->floor);
}

static void properties_last (const properties_t *self, timestamp_t *last)
{
    for (size_t i = 0; i < self->count; i++)
        raise (last, &self->entries[i].stamp);
}

//  The largest of all that was written; none where nothing was.
static timestamp_t written_last (const record_t *self)
{
    timestamp_t last = self->written;
    raise (&last, &self->created);
    properties_last (&self->strong, &last);
    properties_last (&self->weak, &last);
    return last;
}

//  ---- comparing

//  Has the other side seen this write, and shows nothing that is as old?
static bool is_gone_since (const timestamp_t *write, const record_t *other, const vector_t *others)
{
    return !timestamp_is_none (write) && vector_covers (others, write) &&
           (timestamp_is_none (&other->created) || is_later (&other->created, write));
}

static bool any_is_gone (const properties_t *self, const record_t *other, const vector_t *others)
{
    for (size_t i = 0; i < self->count; i++)
        if (is_gone_since (&self->entries[i].stamp, other, others))
            return true;
    return false;
}

//  One side's record is gone at the other if that has seen any write of this life and shows none, or a later life. Not
//  only its create: a smaller one, which the other side does not know, may have come to it since.
static bool is_gone (const record_t *self, const record_t *other, const vector_t *others)
{
    return is_gone_since (&self->created, other, others) ||
           is_gone_since (&self->written, other, others) ||
           any_is_gone (&self->strong, other, others) || any_is_gone (&self->weak, other, others);
}

bool news_may_be (const record_t *mine_record, const vector_t *mine, const record_t *theirs_record,
    const vector_t *theirs)
{
    return any_write_is_new (mine_record, theirs) || any_deletion_is_new (mine_record, theirs) ||
           is_gone (theirs_record, mine_record, mine);
}

static void deleted_add (record_t *self, const timestamp_t *stamp)
{
    size_t place = 0;
    while (place < self->deleted_count &&
           uuid_compare (&self->deleted[place].client, &stamp->client) < 0)
        place++;
    if (place < self->deleted_count && uuid_equal (&self->deleted[place].client, &stamp->client)) {
        if (is_later (stamp, &self->deleted[place]))
            self->deleted[place] = *stamp;
        return;
    }
    deleted_reserve (self, self->deleted_count + 1);
    memmove (self->deleted + place + 1, self->deleted + place,
        (self->deleted_count - place) * sizeof *self->deleted);
    self->deleted[place] = *stamp;
    self->deleted_count++;
}

static void properties_take (
    properties_t *self, const properties_t *from, const vector_t *theirs, bool all)
{
    for (size_t i = 0; i < from->count; i++)
        if (all || is_new (&from->entries[i].stamp, theirs)) {
            properties_reserve (self, self->count + 1);
            self->entries[self->count++] = from->entries[i];
        }
}

//  The writes that the member has not seen, or all of them.
static void writes_take (record_t *news, const record_t *from, const vector_t *theirs, bool all)
{
    if (all || is_new (&from->created, theirs))
        news->created = from->created;
    if (all || is_new (&from->written, theirs))
        news->written = from->written;
    if (all || is_new (&from->floor, theirs))
        news->floor = from->floor;
    properties_take (&news->strong, &from->strong, theirs, all);
    properties_take (&news->weak, &from->weak, theirs, all);
}

static void deletions_take (record_t *news, const record_t *from, const vector_t *theirs)
{
    for (size_t i = 0; i < from->deleted_count; i++)
        if (is_new (&from->deleted[i], theirs))
            deleted_add (news, &from->deleted[i]);
}

typedef struct comparison {
    const record_t *mine_record;
    const vector_t *mine;
    const record_t *theirs_record;
    const vector_t *theirs;
    const timestamp_t *now;
    record_rule_t rule;
} comparison_t;

//  A deletion ends what had not seen it, on either side.
static void news_of_wins (const comparison_t *self, news_t *news)
{
    const record_t *mine = self->mine_record, *theirs = self->theirs_record;
    bool gone_there = is_gone (mine, theirs, self->theirs);
    bool gone_here = is_gone (theirs, mine, self->mine);
    deletions_take (&news->record, mine, self->theirs);
    //  A purged deletion has no timestamp any more: only it is issued as a new one.
    if (gone_here && news->record.deleted_count == 0)
        deleted_add (&news->record, self->now);
    if (gone_there || any_deletion_is_new (theirs, self->mine))
        news->lost = any_write_is_new (mine, self->theirs);
    else // what the deletion ends at the receiver goes out again with it
        writes_take (&news->record, mine, self->theirs, news->record.deleted_count > 0);
}

//  All of the record, on top of `floor`: what must vanish there is hidden by it, and what shows here bears its
//  stamp where it is older.
static void whole_take (news_t *news, const comparison_t *self, const timestamp_t *floor)
{
    const record_t *mine = self->mine_record;
    writes_take (&news->record, mine, self->theirs, true);
    deletions_take (&news->record, mine, self->theirs);
    news->flags |= NEWS_WHOLE;
    if (timestamp_is_none (floor))
        return;
    properties_t *strong = &news->record.strong;
    bool weak_shows = timestamp_is_none (&mine->floor) || is_later (&mine->created, &mine->floor);
    for (size_t i = 0; i < strong->count; i++)
        if (!is_later (&mine->floor, &strong->entries[i].stamp) &&
            is_later (floor, &strong->entries[i].stamp))
            strong->entries[i].stamp = *floor;
    for (size_t i = 0; weak_shows && i < mine->weak.count; i++) {
        property_t property = mine->weak.entries[i];
        if (properties_find (&mine->strong, property.name))
            continue;
        if (is_later (floor, &property.stamp))
            property.stamp = *floor;
        properties_put (strong, &property, false);
    }
    if (is_later (floor, &news->record.floor))
        news->record.floor = *floor;
    if (is_later (&news->record.created, &news->record.floor))
        news->record.created =
            news->record.floor; // or it would hide no weak values (record_join.c)
}

static bool shows_the_same (const record_t *a, const record_t *b, record_rule_t rule)
{
    buffer_t of_a = {NULL, 0, 0}, of_b = {NULL, 0, 0};
    if (record_alive (a, rule))
        record_show (a, rule, &of_a);
    if (record_alive (b, rule))
        record_show (b, rule, &of_b);
    bool same = slice_equal (buffer_slice (&of_a), buffer_slice (&of_b));
    buffer_release (&of_a);
    buffer_release (&of_b);
    return same;
}

static bool is_all_seen (const record_t *self, const vector_t *by)
{
    return !any_write_is_new (self, by) && !any_deletion_is_new (self, by);
}

//  Would the member's record show what ours does once the news are joined?
static bool is_enough (const comparison_t *self, const news_t *news)
{
    record_t joined = {.created = {0}};
    record_copy (&joined, self->theirs_record);
    news_join (&joined, &news->record, 0, self->theirs, self->rule);
    bool enough = shows_the_same (&joined, self->mine_record, self->rule);
    record_release (&joined);
    return enough;
}

//  What was written there and not seen here keeps the member's record alive. News older than the deletion on which its
//  life stands are over. Others show beside it, also where that deletion becomes known later: so they bear its `written`.
static void news_go_beside (const comparison_t *self, news_t *news)
{
    const record_t *theirs = self->theirs_record;
    timestamp_t last = written_last (&news->record);
    if (timestamp_is_none (&last))
        return;
    if (life_stands (theirs) && is_later (&theirs->floor, &last)) {
        record_clear (&news->record);
        deletions_take (&news->record, self->mine_record, self->theirs);
    } else
        raise (&news->record.written, &theirs->written);
}

//  The member's record is alive. If all of what was written there was here once, it shall look as it does here.
static void news_of_alive (const comparison_t *self, news_t *news)
{
    if (!is_all_seen (self->theirs_record, self->mine)) {
        news_go_beside (self, news);
        return;
    }
    if (is_enough (self, news))
        return;
    if (record_alive (self->mine_record, self->rule)) {
        //  What bears the floor's own stamp shows: so it is one that nobody else has.
        timestamp_t floor = {self->theirs_record->written.time + 1, self->now->client};
        record_clear (&news->record);
        whole_take (news, self, &floor);
    } else
        deleted_add (&news->record, self->now);
}

//  The member's record is dead, by a deletion that may not be stable: so it goes along where the record lives, being
//  written past it. Where it does not, what was written is in vain.
static void news_of_dead (const comparison_t *self, news_t *news, const timestamp_t *deleted)
{
    const record_t *mine = self->mine_record;
    record_clear (&news->record);
    if (is_later (&mine->written, deleted)) {
        whole_take (news, self, deleted);
        deleted_add (&news->record, deleted);
        return;
    }
    deletions_take (&news->record, mine, self->theirs);
    news->lost = record_alive (mine, self->rule);
}

//  Under `latest` a return promises less: a deletion that was purged here does not end what was written there
//  since, and what is gone there does not come back.
static void news_of_latest (const comparison_t *self, news_t *news)
{
    const record_t *mine = self->mine_record, *theirs = self->theirs_record;
    static const timestamp_t none;
    timestamp_t deleted = deleted_last (theirs);
    bool writes = any_write_is_new (mine, self->theirs);
    if (record_is_nothing (theirs) && is_gone (mine, theirs, self->theirs)) {
        news->lost = writes;
        return;
    }
    deletions_take (&news->record, mine, self->theirs);
    writes_take (&news->record, mine, self->theirs, false);
    //  An overwrite alone: at the receiver too it is not before the life, or it would be what a life stands on.
    if (!timestamp_is_none (&news->record.floor) && timestamp_is_none (&news->record.created) &&
        !is_later (&mine->created, &mine->floor))
        news->record.created = news->record.floor;
    if (record_alive (theirs, self->rule))
        news_of_alive (self, news);
    else if (writes && theirs->deleted_count)
        news_of_dead (self, news, &deleted);
    else if (writes) {
        record_clear (&news->record);
        whole_take (news, self, &none);
    }
}

void news_of (const record_t *mine_record, const vector_t *mine, const record_t *theirs_record,
    const vector_t *theirs, const timestamp_t *now, record_rule_t rule, news_t *ret_news)
{
    comparison_t self = {mine_record, mine, theirs_record, theirs, now, rule};
    record_clear (&ret_news->record);
    ret_news->flags = 0;
    ret_news->lost = false;
    if (rule.crdt == CRDT_GSET)
        writes_take (&ret_news->record, mine_record, theirs, false);
    else if (rule.delete_rule == DELETE_WINS)
        news_of_wins (&self, ret_news);
    else
        news_of_latest (&self, ret_news);
}

//  ---- joining

static bool lower (timestamp_t *self, const timestamp_t *to)
{
    if (timestamp_is_none (to) || (!timestamp_is_none (self) && !is_later (self, to)))
        return false;
    *self = *to;
    return true;
}

static bool properties_join (properties_t *self, const properties_t *news, bool to_smaller)
{
    bool changed = false;
    for (size_t i = 0; i < news->count; i++)
        changed |= properties_put (self, &news->entries[i], to_smaller);
    return changed;
}

static bool writes_join (record_t *self, const record_t *news)
{
    bool changed = lower (&self->created, &news->created);
    if (timestamp_is_none (&self->created)) // deleted here, and purged: nothing comes back
        return record_end_life (self);
    changed |= raise (&self->written, &news->written);
    changed |= raise (&self->floor, &news->floor);
    changed |= properties_join (&self->strong, &news->strong, false);
    changed |= properties_join (&self->weak, &news->weak, true);
    return changed;
}

static bool remembers (const record_t *self, const timestamp_t *deletion)
{
    for (size_t i = 0; i < self->deleted_count; i++)
        if (uuid_equal (&self->deleted[i].client, &deletion->client))
            return self->deleted[i].time >= deletion->time;
    return false;
}

//  True if a deletion came that was not remembered.
static bool deletions_join (record_t *self, const record_t *news)
{
    bool came = false;
    for (size_t i = 0; i < news->deleted_count; i++)
        if (!remembers (self, &news->deleted[i])) {
            deleted_add (self, &news->deleted[i]);
            came = true;
        }
    return came;
}

static bool join_wins (record_t *self, const record_t *news, const vector_t *seen)
{
    bool ended = deletions_join (self, news);
    if (ended)
        record_end_life (self);
    for (size_t i = 0; i < self->deleted_count; i++)
        if (!vector_covers (seen, &self->deleted[i]) && !remembers (news, &self->deleted[i]))
            return ended;
    return writes_join (self, news) || ended;
}

//  ---- latest: two lives of which one stands on a deletion (record_join.c)

//  What is not past the deletion on which one of the two stands is over. What is, and came from who did not
//  know of it, shows beside; then nobody shows weak values, for those of two lives cannot be told
//  apart: `created` at the floor says so. News that stand on the same deletion know of it, and so did a life that begins past
//  it and stands on nothing, where the member had seen it: its first writer had purged it. False: nothing of the news is to be joined.
static bool lives_cut (record_t *self, const record_t *news, const vector_t *seen, bool *changed)
{
    timestamp_t last = written_last (news), mine = written_last (self);
    bool same = timestamp_compare (&self->floor, &news->floor) == 0;
    if (timestamp_is_none (&last))
        return true;
    if (life_stands (self) && is_later (&self->floor, &last))
        return false;
    if (life_stands (news) && !timestamp_is_none (&self->created) && !same) {
        if (timestamp_is_none (&self->floor) && is_later (&self->created, &news->floor) &&
            vector_covers (seen, &news->floor))
            *changed |= raise (&self->floor, &news->floor);
        else if (is_later (&news->floor, &mine))
            *changed |= record_end_life (self);
        else
            *changed |= lower (&self->created, &news->floor);
    } else if (life_stands (self) && !same && !vector_covers (seen, &self->floor))
        *changed |= lower (&self->created, &self->floor);
    return true;
}

static bool join_latest (record_t *self, const record_t *news, uint64_t flags, const vector_t *seen)
{
    const past_t past = {.seen = seen};
    bool changed = flags & NEWS_WHOLE && record_begin_anew (self, &past);
    changed |= deletions_join (self, news);
    if (!lives_cut (self, news, seen, &changed))
        return changed;
    return writes_join (self, news) || changed;
}

bool news_end (const record_t *self, const record_t *news, record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET || rule.delete_rule != DELETE_WINS)
        return false;
    for (size_t i = 0; i < news->deleted_count; i++)
        if (!remembers (self, &news->deleted[i]))
            return true;
    return false;
}

bool news_join (
    record_t *self, const record_t *news, uint64_t flags, const vector_t *seen, record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET)
        return writes_join (self, news);
    if (rule.delete_rule == DELETE_WINS)
        return join_wins (self, news, seen);
    return join_latest (self, news, flags, seen);
}

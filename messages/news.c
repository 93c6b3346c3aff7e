//  news - what a client that returns brings of one record, and how it is joined

#include "messages/news.h"

#include "messages/record_arrays.h"

static bool is_later (const timestamp_t *a, const timestamp_t *b)
{
    return timestamp_compare (a, b) > 0;
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

//  ---- comparing

//  One side's record is gone at the other if that has seen its create and shows none, or a later one.
static bool is_gone (const record_t *self, const record_t *other, const vector_t *others)
{
    return !timestamp_is_none (&self->created) && vector_covers (others, &self->created) &&
           (timestamp_is_none (&other->created) || is_later (&other->created, &self->created));
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
    if (place < self->deleted_count &&
        uuid_equal (&self->deleted[place].client, &stamp->client)) {
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
static bool news_of_wins (const comparison_t *self, record_t *news)
{
    bool gone_there = is_gone (self->mine_record, self->theirs_record, self->theirs);
    bool gone_here = is_gone (self->theirs_record, self->mine_record, self->mine);
    deletions_take (news, self->mine_record, self->theirs);
    //  A purged deletion has no timestamp any more: only it is issued as a new one.
    if (gone_here && news->deleted_count == 0)
        deleted_add (news, self->now);
    if (gone_there || any_deletion_is_new (self->theirs_record, self->mine))
        return any_write_is_new (self->mine_record, self->theirs);
    writes_take (news, self->mine_record, self->theirs, gone_here);
    return false;
}

//  What shows here, as a create on top of the deletion that it did not know of.
static void create_again (const comparison_t *self, record_t *news)
{
    const record_t *from = self->mine_record;
    news->created = news->written = *self->now;
    news->floor = deleted_last (self->theirs_record);
    for (size_t i = 0; i < from->strong.count; i++)
        if (!is_later (&from->floor, &from->strong.entries[i].stamp)) {
            properties_reserve (&news->strong, news->strong.count + 1);
            news->strong.entries[news->strong.count++] = from->strong.entries[i];
        }
    if (timestamp_is_none (&from->floor))
        for (size_t i = 0; i < from->weak.count; i++)
            properties_put (&news->strong, &from->weak.entries[i], false);
    for (size_t i = 0; i < news->strong.count; i++)
        news->strong.entries[i].stamp = *self->now;
}

//  Under `latest` a return promises less: a deletion that was purged here does not end what was written there
//  since, and what is gone there does not come back.
static bool news_of_latest (const comparison_t *self, record_t *news, uint64_t *flags)
{
    const record_t *mine = self->mine_record, *theirs = self->theirs_record;
    timestamp_t deleted = deleted_last (theirs);
    bool gone_there = timestamp_is_none (&theirs->created) && is_gone (mine, theirs, self->theirs);
    bool gone_here = is_gone (theirs, mine, self->mine) && !is_new (&theirs->written, self->mine);
    bool unseen = any_write_is_new (mine, self->theirs);
    if (is_new (&deleted, self->mine) && !record_alive (theirs, self->rule)) {
        bool lives = record_alive (mine, self->rule) && is_new (&mine->written, self->theirs) &&
                     (is_new (&mine->created, self->theirs) || is_later (&mine->written, &deleted));
        if (lives) {
            create_again (self, news);
            *flags |= NEWS_AGAIN;
        }
        return unseen && !lives;
    }
    if (gone_there)
        return unseen;
    deletions_take (news, mine, self->theirs);
    if (gone_here && timestamp_is_none (&mine->created) && news->deleted_count == 0)
        deleted_add (news, self->now);
    writes_take (news, mine, self->theirs, gone_here);
    if (gone_here && !timestamp_is_none (&mine->created)) {
        news->floor = is_later (&mine->floor, &mine->created) ? mine->floor : mine->created;
        *flags |= NEWS_AGAIN;
    }
    return false;
}

bool news_of (const record_t *mine_record, const vector_t *mine, const record_t *theirs_record,
    const vector_t *theirs, const timestamp_t *now, record_rule_t rule, record_t *ret_news,
    uint64_t *ret_flags, bool *ret_lost)
{
    comparison_t self = {mine_record, mine, theirs_record, theirs, now, rule};
    record_clear (ret_news);
    *ret_flags = record_is_nothing (theirs_record) ? NEWS_FRESH : 0;
    *ret_lost = false;
    if (rule.crdt == CRDT_GSET)
        writes_take (ret_news, mine_record, theirs, false);
    else if (rule.delete_rule == DELETE_WINS)
        *ret_lost = news_of_wins (&self, ret_news);
    else
        *ret_lost = news_of_latest (&self, ret_news, ret_flags);
    return !record_is_empty (ret_news);
}

//  ---- joining

static bool raise (timestamp_t *self, const timestamp_t *to, const vector_t *here)
{
    if (!is_new (to, here) || !is_later (to, self))
        return false;
    *self = *to;
    return true;
}

static bool lower (timestamp_t *self, const timestamp_t *to, const vector_t *here)
{
    if (!is_new (to, here) || (!timestamp_is_none (self) && !is_later (self, to)))
        return false;
    *self = *to;
    return true;
}

static bool properties_join (
    properties_t *self, const properties_t *news, const vector_t *here, bool to_smaller)
{
    bool changed = false;
    for (size_t i = 0; i < news->count; i++)
        if (is_new (&news->entries[i].stamp, here))
            changed |= properties_put (self, &news->entries[i], to_smaller);
    return changed;
}

static bool writes_join (record_t *self, const record_t *news, const vector_t *here)
{
    bool changed = lower (&self->created, &news->created, here);
    if (timestamp_is_none (&self->created))
        return false; // deleted here, and purged: nothing comes back
    changed |= raise (&self->written, &news->written, here);
    changed |= raise (&self->floor, &news->floor, here);
    changed |= properties_join (&self->strong, &news->strong, here, false);
    changed |= properties_join (&self->weak, &news->weak, here, true);
    return changed;
}

//  True if a deletion came that was not known.
static bool deletions_join (record_t *self, const record_t *news, const vector_t *here)
{
    bool came = false;
    for (size_t i = 0; i < news->deleted_count; i++) {
        if (!is_new (&news->deleted[i], here))
            continue;
        size_t count = self->deleted_count;
        timestamp_t before = {0};
        for (size_t at = 0; at < count; at++)
            if (uuid_equal (&self->deleted[at].client, &news->deleted[i].client))
                before = self->deleted[at];
        came |= is_later (&news->deleted[i], &before);
        deleted_add (self, &news->deleted[i]);
    }
    return came;
}

static bool is_among (const record_t *news, const timestamp_t *deletion)
{
    for (size_t i = 0; i < news->deleted_count; i++)
        if (timestamp_compare (&news->deleted[i], deletion) == 0)
            return true;
    return false;
}

static bool join_wins (
    record_t *self, const record_t *news, const vector_t *here, const vector_t *seen)
{
    bool ended = deletions_join (self, news, here);
    if (ended)
        record_end_life (self);
    for (size_t i = 0; i < self->deleted_count; i++)
        if (!vector_covers (seen, &self->deleted[i]) && !is_among (news, &self->deleted[i]))
            return ended;
    return writes_join (self, news, here) || ended;
}

static bool join_latest (record_t *self, const record_t *news, uint64_t flags, const vector_t *here,
    const vector_t *seen, record_rule_t rule)
{
    timestamp_t deleted = deleted_last (self);
    bool changed = false;
    if (flags & NEWS_FRESH && self->deleted_count && !record_alive (self, rule) &&
        vector_covers (seen, &deleted)) {
        record_clear (self); // the member had purged it: it was stable
        changed = true;
    }
    if (flags & NEWS_AGAIN && is_later (&news->floor, &self->created) && is_new (&news->created, here))
        self->created = (timestamp_t){0};
    changed |= deletions_join (self, news, here);
    return writes_join (self, news, here) || changed;
}

bool news_join (record_t *self, const record_t *news, uint64_t flags, const vector_t *here,
    const vector_t *seen, record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET)
        return writes_join (self, news, here);
    if (rule.delete_rule == DELETE_WINS)
        return join_wins (self, news, here, seen);
    return join_latest (self, news, flags, here, seen, rule);
}

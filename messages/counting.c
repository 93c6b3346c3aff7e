//  counting - which members count, and what all of them have published to have seen

#include "messages/counting.h"

static bool is_later (const timestamp_t *a, const timestamp_t *b)
{
    return timestamp_compare (a, b) > 0;
}

const timestamp_t *client_out (const client_t *self)
{
    const timestamp_t *newest =
        is_later (&self->returning, &self->stale) ? &self->returning : &self->stale;
    if (!timestamp_is_none (&self->removed))
        return &self->removed;
    return is_later (newest, &self->back) ? newest : NULL;
}

bool client_returns (const client_t *self)
{
    return client_out (self) == &self->returning;
}

const timestamp_t *client_declared (const client_t *self)
{
    return client_returns (self) ? NULL : client_out (self);
}

//  Up to where a member has seen an origin's chain: of its own, all that is here of it.
static uint64_t seen_upto (const pool_view_t *self, const uuid16_t *member, const uuid16_t *origin)
{
    if (uuid_equal (member, &self->me) || uuid_equal (member, origin))
        return vector_upto (self->shared, origin);
    return vector_upto (self->published (self->context, member), origin);
}

bool pool_has_seen (const pool_view_t *self, const uuid16_t *member, const timestamp_t *timestamp)
{
    return seen_upto (self, member, &timestamp->client) >= timestamp->time;
}

bool pool_counts (const pool_view_t *self, const client_t *client)
{
    const timestamp_t *declaration = client_declared (client);
    if (timestamp_is_none (&client->admitted))
        return false;
    if (!declaration)
        return true;
    if (timestamp_compare (declaration, &client->counted_out) == 0)
        return false;
    for (size_t i = 0; i < self->count; i++) {
        const client_t *other = &self->clients[i];
        if (!timestamp_is_none (&other->admitted) && !client_out (other) &&
            !pool_has_seen (self, &other->uuid, declaration))
            return true;
    }
    return false;
}

void pool_stable (const pool_view_t *self, vector_t *ret_stable)
{
    vector_copy (ret_stable, self->shared);
    for (size_t i = 0; i < self->count; i++) {
        const client_t *member = &self->clients[i];
        if (uuid_equal (&member->uuid, &self->me) || !pool_counts (self, member))
            continue;
        for (size_t at = ret_stable->count; at-- > 0;) {
            uuid16_t origin = ret_stable->entries[at].client;
            uint64_t upto = seen_upto (self, &member->uuid, &origin);
            if (upto == 0)
                vector_remove (ret_stable, &origin);
            else if (upto < ret_stable->entries[at].upto)
                ret_stable->entries[at].upto = upto;
        }
    }
}

bool pool_somebody_returns (const pool_view_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (client_returns (&self->clients[i]))
            return true;
    return false;
}

static const client_t *member_of (const pool_view_t *self, const uuid16_t *uuid)
{
    for (size_t i = 0; i < self->count; i++)
        if (uuid_equal (&self->clients[i].uuid, uuid))
            return &self->clients[i];
    return NULL;
}

bool pool_is_caught_up (const pool_view_t *self, const vector_t *mine, const uuid16_t *but)
{
    for (size_t i = 0; i < mine->count; i++) {
        const watermark_t *mark = &mine->entries[i];
        const client_t *client = member_of (self, &mark->client);
        if (uuid_equal (&mark->client, but) || !client || !pool_counts (self, client) ||
            client_returns (client) || vector_upto (self->shared, &mark->client) >= mark->upto)
            continue;
        return false;
    }
    return true;
}

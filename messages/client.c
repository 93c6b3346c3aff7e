//  client - the join of what members say about a client; its packed forms are in client_pack.c
//
//  Each statement is a register of its own: the smallest admission, the smallest removal, the
//  largest `stale`, the largest `back`, the largest record. So operations commute, and one that
//  comes again changes nothing. Where a faulty writer gave one timestamp to two statements, the
//  larger one wins, as in every join (semantics.md).

#include "messages/client_parts.h"

#include <assert.h>

//  ---- what an operation's value says

typedef struct statement {
    bool has_admit, has_after, has_pool, has_remove, has_returning, has_stale, has_name,
        has_version, has_endpoints;
    public_key_t key;
    watermark_t start;
    bool drop_rows;
    bool returning;
    bool stale;
    char name[LIMIT_NAME_BYTES + 1];
    char version[CLIENT_VERSION_BYTES + 1];
    size_t endpoint_count;
    endpoint_t endpoints[LIMIT_ENDPOINTS];
} statement_t;

static bool is_named (slice_t name, const char *text, bool *ret_has)
{
    if (!slice_equal (name, slice_text (text)))
        return false;
    *ret_has = true;
    return true;
}

//  One property. What this version does not know is stepped over.
static int statement_property (
    statement_t *self, slice_t name, const uuid16_t *client, cursor_t *cursor)
{
    uuid16_t pool;
    if (is_named (name, "admit", &self->has_admit))
        return cursor_bin_exact (cursor, self->key.bytes, KEY_SIZE);
    if (is_named (name, "after", &self->has_after))
        return client_start_unpack (cursor, client, &self->start);
    if (is_named (name, "endpoints", &self->has_endpoints))
        return endpoints_unpack (cursor, self->endpoints, &self->endpoint_count);
    if (is_named (name, "name", &self->has_name))
        return cursor_string (cursor, self->name, sizeof self->name);
    if (is_named (name, "pool", &self->has_pool))
        return cursor_bin_exact (cursor, pool.bytes, sizeof pool.bytes);
    if (is_named (name, "remove", &self->has_remove))
        return cursor_bool (cursor, &self->drop_rows);
    if (is_named (name, "returning", &self->has_returning))
        return cursor_bool (cursor, &self->returning);
    if (is_named (name, "stale", &self->has_stale))
        return cursor_bool (cursor, &self->stale);
    if (is_named (name, "version", &self->has_version))
        return cursor_string (cursor, self->version, sizeof self->version);
    return cursor_skip (cursor, NULL);
}

static int statement_read (statement_t *self, const operation_t *operation)
{
    cursor_t cursor = cursor_over (operation->value);
    size_t count;
    int rc = cursor_map (&cursor, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        slice_t name;
        rc = cursor_text (&cursor, &name);
        if (rc == 0)
            rc = statement_property (self, name, &operation->uuid, &cursor);
    }
    return rc;
}

//  ---- the join

//  Raises to the larger.
static bool stamp_raise (timestamp_t *self, const timestamp_t *stamp)
{
    if (timestamp_compare (stamp, self) <= 0)
        return false;
    *self = *stamp;
    return true;
}

//  Where this stands to a register that keeps the smallest: below 0 it is new there or smaller.
static int stamp_against_smallest (const timestamp_t *stamp, const timestamp_t *smallest)
{
    return timestamp_is_none (smallest) ? -1 : timestamp_compare (stamp, smallest);
}

static int start_compare (const watermark_t *a, const watermark_t *b)
{
    if (a->upto != b->upto)
        return a->upto < b->upto ? -1 : 1;
    return memcmp (a->hash.bytes, b->hash.bytes, HASH_SIZE);
}

static bool join_admission (client_t *self, const statement_t *said, const timestamp_t *stamp)
{
    int order = stamp_against_smallest (stamp, &self->admitted);
    if (order > 0)
        return false;
    bool changed = order < 0;
    self->key = said->key;
    self->admitted = *stamp;
    if (order < 0 || start_compare (&said->start, &self->start) > 0) {
        self->start = said->start;
        changed = true;
    }
    bool renames = order < 0 || strcmp (said->name, self->name) > 0;
    if (renames && timestamp_is_none (&self->stated)) {
        memcpy (self->name, said->name, sizeof self->name);
        changed = true;
    }
    return changed;
}

static bool join_removal (client_t *self, bool drop_rows, const timestamp_t *stamp)
{
    int order = stamp_against_smallest (stamp, &self->removed);
    if (order > 0 || (order == 0 && self->drop_rows >= drop_rows))
        return false;
    self->removed = *stamp;
    self->drop_rows = drop_rows;
    return true;
}

//  True if the record that a says is the larger as it is packed.
static bool record_is_larger (const client_t *a, const client_t *b)
{
    buffer_t of_a = {0};
    buffer_t of_b = {0};
    client_pack_record (a, &of_a);
    client_pack_record (b, &of_b);
    bool larger = slice_compare (buffer_slice (&of_a), buffer_slice (&of_b)) > 0;
    buffer_release (&of_a);
    buffer_release (&of_b);
    return larger;
}

static bool join_record (client_t *self, const statement_t *said, const timestamp_t *stamp)
{
    int order = timestamp_compare (stamp, &self->stated);
    if (order < 0)
        return false;
    client_t next = *self;
    next.stated = *stamp;
    memcpy (next.name, said->name, sizeof next.name);
    memcpy (next.version, said->version, sizeof next.version);
    memcpy (next.endpoints, said->endpoints, sizeof next.endpoints);
    next.endpoint_count = said->endpoint_count;
    if (order == 0 && !record_is_larger (&next, self))
        return false;
    *self = next;
    return true;
}

bool client_join (client_t *self, const operation_t *operation)
{
    const timestamp_t *stamp = &operation->stamp;
    const uuid16_t *uuid = &operation->uuid;
    statement_t said = {.drop_rows = false};
    assert (uuid_is_zero (&self->uuid) || uuid_equal (&self->uuid, uuid));
    if (operation->action == ACTION_DELETE || statement_read (&said, operation))
        return false;

    client_t next = *self;
    next.uuid = *uuid;
    bool changed = false;
    if (operation->action == ACTION_CREATE) {
        if (said.has_admit && said.has_after && said.has_name && said.has_pool) {
            uuid16_t of_key = client_of_key (&said.key);
            if (uuid_equal (&of_key, uuid))
                changed = join_admission (&next, &said, stamp);
        }
    } else {
        bool is_own = uuid_equal (&stamp->client, uuid);
        if (is_own && said.has_endpoints && said.has_name && said.has_version)
            changed = join_record (&next, &said, stamp);
        if (said.has_remove)
            changed |= join_removal (&next, said.drop_rows, stamp);
        if (said.has_stale)
            changed |= stamp_raise (said.stale ? &next.stale : &next.back, stamp);
        if (said.has_returning && said.returning)
            changed |= stamp_raise (&next.returning, stamp);
    }
    if (changed)
        *self = next;
    return changed;
}

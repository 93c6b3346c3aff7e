//  client - the packed forms: the values of the operations on `clients`, and the whole state

#include "messages/client_parts.h"

static const timestamp_t none;

int client_start_unpack (cursor_t *cursor, const uuid16_t *client, watermark_t *ret_start)
{
    *ret_start = (watermark_t){.upto = 0};
    if (cursor_kind (cursor) == PACK_NIL)
        return cursor_nil (cursor);
    size_t count;
    int rc = cursor_array (cursor, &count);
    if (rc == 0 && count != 2)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_uint (cursor, &ret_start->upto);
    if (rc == 0 && ret_start->upto == 0)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin_exact (cursor, ret_start->hash.bytes, HASH_SIZE);
    ret_start->client = *client;
    return rc;
}

static void start_pack (const watermark_t *start, buffer_t *out)
{
    if (start->upto == 0) {
        pack_nil (out);
        return;
    }
    pack_array (out, 2);
    pack_uint (out, start->upto);
    pack_bin (out, slice_of (start->hash.bytes, HASH_SIZE));
}

//  A timestamp, or nil where there is none.
static int stamp_unpack (cursor_t *cursor, timestamp_t *ret_stamp)
{
    *ret_stamp = none;
    if (cursor_kind (cursor) == PACK_NIL)
        return cursor_nil (cursor);
    int rc = timestamp_unpack (cursor, ret_stamp);
    return rc == 0 && timestamp_is_none (ret_stamp) ? ERR_MALFORMED : rc;
}

static void stamp_pack (const timestamp_t *stamp, buffer_t *out)
{
    if (timestamp_is_none (stamp))
        pack_nil (out);
    else
        timestamp_pack (stamp, out);
}

//  ---- the values of the operations; their names stand in ascending order, as in every value

void client_pack_admission (const client_t *self, const uuid16_t *pool, buffer_t *out)
{
    pack_map (out, 4);
    pack_string (out, "admit");
    pack_bin (out, slice_of (self->key.bytes, KEY_SIZE));
    pack_string (out, "after");
    start_pack (&self->start, out);
    pack_string (out, "name");
    pack_string (out, self->name);
    pack_string (out, "pool");
    pack_bin (out, slice_of (pool->bytes, sizeof pool->bytes));
}

void client_pack_record (const client_t *self, buffer_t *out)
{
    pack_map (out, 3);
    pack_string (out, "endpoints");
    endpoints_pack (self->endpoints, self->endpoint_count, out);
    pack_string (out, "name");
    pack_string (out, self->name);
    pack_string (out, "version");
    pack_string (out, self->version);
}

static void pack_flag (const char *name, bool value, buffer_t *out)
{
    pack_map (out, 1);
    pack_string (out, name);
    pack_bool (out, value);
}

void client_pack_removal (bool drop_rows, buffer_t *out)
{
    pack_flag ("remove", drop_rows, out);
}

void client_pack_stale (bool stale, buffer_t *out)
{
    pack_flag ("stale", stale, out);
}

void client_pack_returning (buffer_t *out)
{
    pack_flag ("returning", true, out);
}

//  ---- the state

void client_pack (const client_t *self, buffer_t *out)
{
    pack_array (out, 14);
    pack_bin (out, slice_of (self->uuid.bytes, sizeof self->uuid.bytes));
    if (timestamp_is_none (&self->admitted))
        pack_nil (out);
    else
        pack_bin (out, slice_of (self->key.bytes, KEY_SIZE));
    stamp_pack (&self->admitted, out);
    start_pack (&self->start, out);
    stamp_pack (&self->removed, out);
    pack_bool (out, self->drop_rows);
    stamp_pack (&self->stale, out);
    stamp_pack (&self->returning, out);
    stamp_pack (&self->back, out);
    stamp_pack (&self->stated, out);
    pack_string (out, self->name);
    pack_string (out, self->version);
    endpoints_pack (self->endpoints, self->endpoint_count, out);
    stamp_pack (&self->counted_out, out);
}

//  What no join could have made is refused: parts without the statement that brings them.
static bool client_is_sound (const client_t *self, bool has_key)
{
    bool admitted = !timestamp_is_none (&self->admitted);
    bool stated = !timestamp_is_none (&self->stated);
    if (has_key != admitted)
        return false;
    uuid16_t of_key = client_of_key (&self->key);
    if (admitted && !uuid_equal (&of_key, &self->uuid))
        return false;
    if (stated && !uuid_equal (&self->stated.client, &self->uuid))
        return false;
    return (admitted || self->start.upto == 0) && (admitted || stated || !self->name[0]) &&
           (stated || (!self->version[0] && self->endpoint_count == 0)) &&
           !(timestamp_is_none (&self->removed) && self->drop_rows);
}

static int key_or_nil (cursor_t *cursor, public_key_t *ret_key, bool *ret_has_key)
{
    *ret_has_key = cursor_kind (cursor) != PACK_NIL;
    return *ret_has_key ? cursor_bin_exact (cursor, ret_key->bytes, KEY_SIZE) : cursor_nil (cursor);
}

int client_unpack (cursor_t *cursor, client_t *ret_client)
{
    cursor_t next = *cursor;
    client_t client = {.drop_rows = false};
    size_t count;
    bool has_key = false;
    int rc = cursor_array (&next, &count);
    if (rc == 0 && count != 14)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin_exact (&next, client.uuid.bytes, sizeof client.uuid.bytes);
    if (rc == 0)
        rc = key_or_nil (&next, &client.key, &has_key);
    if (rc == 0)
        rc = stamp_unpack (&next, &client.admitted);
    if (rc == 0)
        rc = client_start_unpack (&next, &client.uuid, &client.start);
    if (rc == 0)
        rc = stamp_unpack (&next, &client.removed);
    if (rc == 0)
        rc = cursor_bool (&next, &client.drop_rows);
    if (rc == 0)
        rc = stamp_unpack (&next, &client.stale);
    if (rc == 0)
        rc = stamp_unpack (&next, &client.returning);
    if (rc == 0)
        rc = stamp_unpack (&next, &client.back);
    if (rc == 0)
        rc = stamp_unpack (&next, &client.stated);
    if (rc == 0)
        rc = cursor_string (&next, client.name, sizeof client.name);
    if (rc == 0)
        rc = cursor_string (&next, client.version, sizeof client.version);
    if (rc == 0)
        rc = endpoints_unpack (&next, client.endpoints, &client.endpoint_count);
    if (rc == 0)
        rc = stamp_unpack (&next, &client.counted_out);
    if (rc == 0 && !client_is_sound (&client, has_key))
        rc = ERR_MALFORMED;
    if (rc)
        return rc;
    *cursor = next;
    *ret_client = client;
    return 0;
}

//  oplog_found - lost and found: what was written here and shows nowhere any more

#include "actors/oplog/oplog.h"

int oplog_found_put (step_t *step, const char *reason, slice_t resource, const uuid16_t *uuid,
    const timestamp_t *written, slice_t value)
{
    buffer_t entry = {NULL, 0, 0};
    uint8_t key[24];
    for (int byte = 0; byte < 8; byte++)
        key[byte] = (uint8_t)(written->time >> (56 - 8 * byte));
    memcpy (key + 8, uuid->bytes, 16);
    pack_map (&entry, 6);
    pack_string (&entry, "client");
    pack_bin (&entry, slice_of (written->client.bytes, 16));
    pack_string (&entry, "reason");
    pack_string (&entry, reason);
    pack_string (&entry, "resource");
    pack_text (&entry, resource);
    pack_string (&entry, "timestamp");
    timestamp_pack (written, &entry);
    pack_string (&entry, "uuid");
    pack_bin (&entry, slice_of (uuid->bytes, 16));
    pack_string (&entry, "value");
    if (value.size)
        pack_raw (&entry, value);
    else
        pack_nil (&entry);
    int rc = node_put (step->txn, NODE_FOUND, slice_of (key, sizeof key), buffer_slice (&entry));
    buffer_release (&entry);
    return rc;
}

static bool any_is_of (const properties_t *self, const uuid16_t *client)
{
    for (size_t i = 0; i < self->count; i++)
        if (uuid_equal (&self->entries[i].stamp.client, client))
            return true;
    return false;
}

static bool is_of (const record_t *self, const uuid16_t *client)
{
    return uuid_equal (&self->created.client, client) ||
           uuid_equal (&self->written.client, client) || any_is_of (&self->strong, client) ||
           any_is_of (&self->weak, client);
}

int oplog_found_look (oplog_t *self, step_t *step, slice_t resource, const uuid16_t *uuid,
    timestamp_t *ret_written, buffer_t *ret_value)
{
    record_t record = {.created = {0}};
    int rc = shared_get (step->txn, resource, uuid, &record);
    bool ours = rc == 0 && is_of (&record, &self->setup->identity->client);
    record_release (&record);
    if (rc == 0)
        rc = ours ? shared_show (step->txn, resource, uuid, ret_written, ret_value) : ERR_NOT_FOUND;
    return rc;
}

int oplog_found_after (
    step_t *step, slice_t resource, const uuid16_t *uuid, const timestamp_t *written, slice_t value)
{
    timestamp_t now;
    buffer_t shown = {NULL, 0, 0};
    int rc = shared_show (step->txn, resource, uuid, &now, &shown);
    buffer_release (&shown);
    return rc == ERR_NOT_FOUND ? oplog_found_put (step,
                                     "a client that returned had deleted the record, and that was "
                                     "forgotten already",
                                     resource, uuid, written, value)
                               : rc;
}

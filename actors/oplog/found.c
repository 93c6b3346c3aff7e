//  oplog_found - lost and found: what was written here and shows nowhere any more

#include "actors/oplog/oplog.h"

#include "messages/news.h"

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

//  What is looked for: stamps of a client that a vector does not cover.
typedef struct part {
    const uuid16_t *client;
    const vector_t *covers;
} part_t;

static bool is_in (const part_t *self, const timestamp_t *stamp)
{
    return uuid_equal (&stamp->client, self->client) && !vector_covers (self->covers, stamp);
}

static bool any_is_in (const part_t *self, const properties_t *properties)
{
    for (size_t i = 0; i < properties->count; i++)
        if (is_in (self, &properties->entries[i].stamp))
            return true;
    return false;
}

static bool has_part (const record_t *self, const part_t *part)
{
    return is_in (part, &self->created) || is_in (part, &self->written) ||
           any_is_in (part, &self->strong) || any_is_in (part, &self->weak);
}

int oplog_found_look (oplog_t *self, step_t *step, const batch_record_t *news,
    const vector_t *covers, found_t *ret_found)
{
    const part_t ours = {&self->setup->identity->client, covers};
    record_t record = {.created = {0}};
    resource_entry_t entry;
    int rc = shared_get (step->txn, news->resource, &news->uuid, &record);
    if (rc == 0)
        rc = has_part (&record, &ours) ? resources_find (step->txn, news->resource, &entry)
                                       : ERR_NOT_FOUND;
    if (rc == 0)
        ret_found->ended = news_end (&record, &news->record, entry.resource.rule);
    record_release (&record);
    return rc ? rc
              : shared_show (
                    step->txn, news->resource, &news->uuid, &ret_found->written, &ret_found->value);
}

int oplog_found_after (step_t *step, const batch_record_t *news, const found_t *found)
{
    timestamp_t now;
    buffer_t shown = {NULL, 0, 0};
    int rc = found->ended ? ERR_NOT_FOUND
                          : shared_show (step->txn, news->resource, &news->uuid, &now, &shown);
    buffer_release (&shown);
    return rc == ERR_NOT_FOUND
               ? oplog_found_put (step,
                     "a client that returned had deleted the record, and that was "
                     "forgotten already",
                     news->resource, &news->uuid, &found->written, buffer_slice (&found->value))
               : rc;
}

//  api_read - what apps read: hello, get, list, count
//
//  All of an answer comes from the round's one reading transaction: it is a snapshot. Pages are bounded
//  in records and in bytes, and so is what a filter may pass over: no reading lives longer than 100 ms.

#include "actors/api/api.h"

#include "actors/declarations.h"

#include "store/node.h"
#include "store/resources.h"

#define LIST_LIMIT 100

uint64_t api_limit (uint64_t asked, uint64_t usual)
{
    if (asked == 0)
        return usual;
    return asked < LIMIT_PAGE_RECORDS ? asked : LIMIT_PAGE_RECORDS;
}

void api_refuse (step_t *step, const caller_t *caller, int error)
{
    if (error == ERR_STORAGE_FAILED || error == ERR_CORRUPT)
        step_say (step, SAY_ERROR, "a read failed: %s", error_text (error));
    caller_refuse (step, caller, error, slice_of (NULL, 0), 0);
}

//  ---- hello, count

static void on_hello (api_t *self, step_t *step, const caller_t *caller)
{
    slice_t id;
    buffer_t pool = {NULL, 0, 0}, resources = {NULL, 0, 0};
    hello_answer_t answer = {.id = caller->id,
        .ok = true,
        .client = self->setup->identity->client,
        .pool = request_nil,
        .name = slice_text (self->setup->config->name),
        .version = slice_text (self->setup->version)};
    int rc = node_get (step->txn, NODE_SETTINGS, slice_text ("pool"), &id);
    if (rc == 0) {
        pack_bin (&pool, id);
        answer.pool = buffer_slice (&pool);
    }
    if (rc == 0 || rc == ERR_NOT_FOUND)
        rc = declarations_pack (step->txn, &resources);
    answer.resources = buffer_slice (&resources);
    if (rc)
        api_refuse (step, caller, rc);
    else
        caller_answer (step, caller, &hello_answer_type, &answer);
    buffer_release (&pool);
    buffer_release (&resources);
}

static void on_count (step_t *step, const caller_t *caller, const request_t *request)
{
    count_request_t fields;
    resource_entry_t entry;
    if (caller_unpack (step, caller, request, &count_request_type, &fields))
        return;
    int rc = resources_find (step->txn, fields.resource, &entry);
    count_answer_t answer = {.id = caller->id, .ok = true, .count = rc ? 0 : entry.count};
    if (rc)
        api_refuse (step, caller, rc);
    else
        caller_answer (step, caller, &count_answer_type, &answer);
}

//  ---- get, list

void api_uuid_pack (const uuid16_t *uuid, buffer_t *out)
{
    pack_bin (out, slice_of (uuid, sizeof *uuid));
}

void api_owner_pack (bool has_owner, const uuid16_t *owner, buffer_t *out)
{
    if (has_owner)
        api_uuid_pack (owner, out);
    else
        pack_nil (out);
}

void api_record_pack (slice_t resource, const shown_t *shown, buffer_t *out)
{
    pack_map (out, 5);
    pack_string (out, "resource");
    pack_text (out, resource);
    pack_string (out, "uuid");
    api_uuid_pack (&shown->uuid, out);
    pack_string (out, "value");
    pack_raw (out, shown->value);
    pack_string (out, "updated");
    timestamp_pack (&shown->updated, out);
    pack_string (out, "owner");
    api_owner_pack (shown->has_owner, &shown->owner, out);
}

int api_records_open (
    api_t *self, step_t *step, slice_t resource, const uuid16_t *owner, records_t *ret_records)
{
    resource_entry_t entry;
    int rc = resources_find (step->txn, resource, &entry);
    if (rc)
        return rc;
    *ret_records = (records_t){.resource = resource,
        .kind = entry.resource.kind,
        .client = self->setup->identity->client,
        .has_owner_only = !uuid_is_zero (owner),
        .owner_only = *owner};
    return 0;
}

static void on_get (api_t *self, step_t *step, const caller_t *caller, const request_t *request)
{
    get_request_t fields;
    records_t records;
    shown_t shown;
    if (caller_unpack (step, caller, request, &get_request_type, &fields))
        return;
    if (fields.why) {
        api_why (self, step, caller, &fields);
        return;
    }
    int rc = api_records_open (self, step, fields.resource, &fields.owner, &records);
    if (rc == 0) {
        buffer_t record = {NULL, 0, 0};
        rc = records_get (&records, step->txn, &fields.uuid, &shown);
        if (rc == 0) {
            api_record_pack (fields.resource, &shown, &record);
            get_answer_t answer = {.id = caller->id, .ok = true, .record = buffer_slice (&record)};
            caller_answer (step, caller, &get_answer_type, &answer);
        }
        buffer_release (&record);
        records_release (&records);
    }
    if (rc)
        api_refuse (step, caller, rc);
}

//  `next` and `after`: the last record's owner, where it has one, and its uuid.
static void place_pack (const records_t *records, buffer_t *out)
{
    uint8_t place[2 * sizeof (uuid16_t)];
    memcpy (place, &records->owner, sizeof (uuid16_t));
    memcpy (place + sizeof (uuid16_t), &records->uuid, sizeof (uuid16_t));
    bool owned = records->kind == RESOURCE_OWNED;
    size_t skip = owned ? 0 : sizeof (uuid16_t);
    pack_bin (out, slice_of (place + skip, sizeof place - skip));
}

static int place_unpack (slice_t after, records_t *records)
{
    size_t owner_size = records->kind == RESOURCE_OWNED ? sizeof (uuid16_t) : 0;
    if (!after.data)
        return 0;
    if (after.size != owner_size + sizeof (uuid16_t))
        return ERR_BAD_REQUEST;
    if (owner_size)
        memcpy (&records->owner, after.data, owner_size);
    memcpy (&records->uuid, after.data + owner_size, sizeof (uuid16_t));
    records->begun = true;
    return 0;
}

//  A page, and where the next begins (nil at the end). A record over the page's size stands alone.
static int page_pack (
    records_t *records, step_t *step, uint64_t limit, buffer_t *page, buffer_t *next)
{
    shown_t shown;
    buffer_t place = {NULL, 0, 0};
    size_t at = list_begin (page), count = 0;
    int rc = 0;
    bool full = false;
    while (!full && (rc = records_next (records, step->txn, &shown)) == 0) {
        size_t before = page->size;
        if (count < limit)
            api_record_pack (records->resource, &shown, page);
        full = count == limit || (count && page->size - at > LIMIT_PAGE_BYTES);
        if (full)
            page->size = before;
        else {
            count++;
            buffer_clear (&place);
            place_pack (records, &place);
        }
    }
    if (full)
        pack_raw (next, buffer_slice (&place));
    else
        pack_nil (next);
    list_end (page, at, count);
    buffer_release (&place);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void on_list (api_t *self, step_t *step, const caller_t *caller, const request_t *request)
{
    list_request_t fields;
    records_t records;
    if (caller_unpack (step, caller, request, &list_request_type, &fields))
        return;
    int rc = api_records_open (self, step, fields.resource, &fields.owner, &records);
    if (rc == 0) {
        buffer_t page = {NULL, 0, 0}, next = {NULL, 0, 0};
        rc = place_unpack (fields.after, &records);
        if (rc == 0)
            rc = page_pack (&records, step, api_limit (fields.limit, LIST_LIMIT), &page, &next);
        list_answer_t answer = {.id = caller->id,
            .ok = true,
            .records = buffer_slice (&page),
            .next = buffer_slice (&next)};
        if (rc == 0)
            caller_answer (step, caller, &list_answer_type, &answer);
        buffer_release (&page);
        buffer_release (&next);
        records_release (&records);
    }
    if (rc)
        api_refuse (step, caller, rc);
}

void api_read (
    api_t *self, step_t *step, int verb, const caller_t *caller, const request_t *request)
{
    switch (verb) {
    case API_HELLO: on_hello (self, step, caller); break;
    case API_GET: on_get (self, step, caller, request); break;
    case API_LIST: on_list (self, step, caller, request); break;
    case API_COUNT: on_count (step, caller, request); break;
    case API_CHANGES: api_changes (self, step, caller, request); break;
    default: api_refuse (step, caller, ERR_UNKNOWN_VERB);
    }
}

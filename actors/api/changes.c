//  api_changes - what apps read: changes since a cursor
//
//  A page is bounded in changes and in bytes, and so is what its filter may pass over.

#include "actors/api/api.h"

#include <stdio.h>

#define CHANGES_LIMIT 1000
#define SCAN_MAX      20000 // changes that one request reads, filtered ones included

void api_change_pack (const api_t *self, const change_t *change, const bool *part, buffer_t *out)
{
    timestamp_t updated = {change->updated, change->updated_by};
    if (uuid_is_zero (&updated.client))
        updated.client = self->setup->identity->client; // a local record: nobody else writes them
    pack_map (out, part ? 8 : 7);
    pack_string (out, "cursor");
    pack_uint (out, change->cursor);
    pack_string (out, "resource");
    pack_string (out, change->resource);
    pack_string (out, "uuid");
    api_uuid_pack (&change->uuid, out);
    pack_string (out, "owner");
    api_owner_pack (change->has_owner, &change->owner, out);
    pack_string (out, "deleted");
    pack_bool (out, change->deleted);
    pack_string (out, "value");
    if (change->deleted)
        pack_nil (out);
    else
        pack_raw (out, change->value);
    pack_string (out, "updated");
    timestamp_pack (&updated, out);
    if (part) {
        pack_string (out, "part");
        pack_bool (out, *part);
    }
}

static bool filter_valid (slice_t names)
{
    cursor_t cursor = cursor_over (names);
    slice_t name;
    size_t count;
    if (!names.data)
        return true;
    if (cursor_array (&cursor, &count) || count > LIMIT_RESOURCES)
        return false;
    for (size_t i = 0; i < count; i++)
        if (cursor_text (&cursor, &name))
            return false;
    return true;
}

//  The filter of a request, and what it said last: changes of one resource tend to stand together.
typedef struct filter {
    slice_t names; // nothing: all pass
    char resource[LIMIT_NAME_BYTES + 1];
    bool passes;
} filter_t;

static bool filter_passes (filter_t *self, const char *resource)
{
    cursor_t cursor = cursor_over (self->names);
    slice_t name;
    size_t count;
    if (!self->names.data)
        return true;
    if (strcmp (self->resource, resource) == 0)
        return self->passes;
    snprintf (self->resource, sizeof self->resource, "%s", resource);
    self->passes = false;
    if (cursor_array (&cursor, &count))
        return false;
    while (!self->passes && cursor_text (&cursor, &name) == 0)
        self->passes = slice_equal (name, slice_text (resource));
    return self->passes;
}

//  Reads on from answer->cursor. Behind the last change the cursor is the store's own, so that a reader whose filter
//  lets nothing pass moves on all the same.
static int changes_collect (api_t *self, step_t *step, const changes_request_t *fields,
    changes_answer_t *answer, buffer_t *page)
{
    uint64_t limit = api_limit (fields->limit, CHANGES_LIMIT);
    size_t at = list_begin (page), count = 0, read = 0;
    filter_t filter = {.names = fields->resources};
    change_t change;
    int rc;
    answer->more = true;
    while ((rc = changes_next (step->txn, answer->cursor, &self->scratch[0], &change)) == 0) {
        if (count == limit || read++ == SCAN_MAX)
            break;
        if (filter_passes (&filter, change.resource)) {
            size_t before = page->size;
            api_change_pack (self, &change, NULL, page);
            if (count && page->size - at > LIMIT_PAGE_BYTES) {
                page->size = before;
                break;
            }
            count++;
        }
        answer->cursor = change.cursor;
    }
    if (rc == ERR_NOT_FOUND) {
        answer->more = false;
        rc = changes_last (step->txn, &answer->cursor);
    }
    list_end (page, at, count);
    answer->changes = buffer_slice (page);
    return rc;
}

void api_changes (api_t *self, step_t *step, const caller_t *caller, const request_t *request)
{
    changes_request_t fields;
    buffer_t page = {NULL, 0, 0};
    if (caller_unpack (step, caller, request, &changes_request_type, &fields))
        return;
    if (!filter_valid (fields.resources)) {
        caller_refuse (
            step, caller, ERR_BAD_REQUEST, slice_text ("`resources` is not an array of names"), 0);
        return;
    }
    changes_answer_t answer = {.id = caller->id, .ok = true, .cursor = fields.since};
    int rc = changes_collect (self, step, &fields, &answer, &page);
    if (rc)
        api_refuse (step, caller, rc);
    else
        caller_answer (step, caller, &changes_answer_type, &answer);
    buffer_release (&page);
}

//  api_why - `get` with the reasons: why a record shows what it shows, or nothing
//
//  The record's state says which rule let each value win (messages/record_why.h). What it beat last is a value
//  that the state still holds, hidden, or one that the log still has: of the writes that lost to this one, the
//  latest. The log is read from its newest batch on, within a budget, so that no reading takes long.

#include "actors/api/api.h"

#include <assert.h>
#include <stdlib.h>

#include "messages/record_why.h"
#include "store/pending.h"
#include "store/resources.h"
#include "store/shared.h"

#define LOG_BATCHES_MAX 5000
#define LOG_BYTES_MAX   (8u << 20)

//  A value that shows, and what it beat.
typedef struct reason {
    why_t why;
    bool has_beaten;
    slice_t beaten;
    timestamp_t beaten_stamp;
} reason_t;

typedef struct reasons {
    const record_t *record;
    slice_t resource;
    uuid16_t uuid;
    timestamp_t deletion; // for which it is not visible; none where it is
    reason_t *shown;      // ascending by name
    size_t shown_count;
    why_t *hidden;
    size_t hidden_count;
} reasons_t;

static reason_t *reason_find (reasons_t *self, slice_t name)
{
    for (size_t i = 0; i < self->shown_count; i++) {
        const property_t *property = self->shown[i].why.property;
        assert (property);
        if (slice_equal (property->name, name))
            return &self->shown[i];
    }
    return NULL;
}

static void beat (reason_t *self, slice_t value, const timestamp_t *stamp)
{
    if (self->has_beaten && timestamp_compare (stamp, &self->beaten_stamp) <= 0)
        return;
    self->has_beaten = true;
    self->beaten = value;
    self->beaten_stamp = *stamp;
}

//  ---- from the state

static int reasons_collect (reasons_t *self, record_rule_t rule)
{
    const record_t *record = self->record;
    why_walk_t walk = {.record = record, .alive = record_alive (record, rule)};
    size_t most = record->strong.count + record->weak.count + 1;
    why_t why;
    self->shown = calloc (most, sizeof *self->shown);
    self->hidden = calloc (most, sizeof *self->hidden);
    if (!self->shown || !self->hidden)
        return ERR_NO_MEMORY;
    while (why_next (&walk, &why))
        if (why_is_shown (why.rule))
            self->shown[self->shown_count++].why = why;
        else
            self->hidden[self->hidden_count++] = why;
    for (size_t i = 0; i < self->hidden_count; i++) {
        const property_t *hidden = self->hidden[i].property;
        assert (hidden);
        reason_t *reason = reason_find (self, hidden->name);
        if (reason)
            beat (reason, hidden->value, &hidden->stamp);
    }
    return 0;
}

static void reasons_release (reasons_t *self)
{
    free (self->shown);
    free (self->hidden);
}

//  ---- from the log

//  Did the value that shows win over a write of this operation? Of an earlier life of the record nothing counts.
static bool has_lost (const reasons_t *self, const reason_t *reason, const operation_t *operation)
{
    int order = timestamp_compare (&operation->stamp, &reason->why.property->stamp);
    if (order == 0 || timestamp_compare (&operation->stamp, &self->record->created) < 0)
        return false;
    if (reason->why.rule == WHY_FIRST)
        return order > 0;
    bool ignores = operation->on_conflict == CONFLICT_IGNORE;
    return order < 0 || ignores;
}

static void operation_look (reasons_t *self, const operation_t *operation)
{
    cursor_t cursor = cursor_over (operation->value);
    slice_t name, value;
    size_t left;
    if (operation->action == ACTION_DELETE || cursor_map (&cursor, &left))
        return;
    while (left-- && cursor_text (&cursor, &name) == 0 && cursor_skip (&cursor, &value) == 0) {
        reason_t *reason = reason_find (self, name);
        if (reason && has_lost (self, reason, operation))
            beat (reason, value, &operation->stamp);
    }
}

//  One that the disk has spoilt says nothing.
static void batch_look (reasons_t *self, slice_t bytes)
{
    batch_t batch = {.bytes = {NULL, 0}};
    batch_walk_t walk = {.index = 0};
    operation_t operation;
    int rc = batch_decode (bytes, &batch);
    while (rc == 0 && batch_next (&batch, &walk, &operation))
        if (uuid_equal (&operation.uuid, &self->uuid) &&
            slice_equal (operation.resource, self->resource))
            operation_look (self, &operation);
    batch_release (&batch);
}

static int log_look (reasons_t *self, txn_t *txn)
{
    uint64_t sequence, found;
    slice_t bytes;
    size_t read = 0;
    int rc = pending_last (txn, &sequence);
    for (size_t i = 0; rc == 0 && sequence && i < LOG_BATCHES_MAX && read < LOG_BYTES_MAX; i++) {
        rc = pending_read (txn, sequence, &found, &bytes);
        if (rc == 0 && found == sequence) {
            read += bytes.size;
            batch_look (self, bytes);
        }
        rc = rc == ERR_NOT_FOUND ? 0 : rc; // it was flushed
        sequence--;
    }
    return rc;
}

//  ---- the answer

static void stamp_pack (const char *name, const timestamp_t *stamp, buffer_t *out)
{
    pack_string (out, name);
    if (timestamp_is_none (stamp))
        pack_nil (out);
    else
        timestamp_pack (stamp, out);
}

static void value_pack (slice_t value, const timestamp_t *stamp, buffer_t *out)
{
    pack_string (out, "value");
    pack_raw (out, value);
    stamp_pack ("updated", stamp, out);
}

static void property_pack (
    const property_t *property, const char *rule, const reason_t *reason, buffer_t *out)
{
    assert (property);
    pack_map (out, reason ? 5 : 4);
    pack_string (out, "name");
    pack_text (out, property->name);
    value_pack (property->value, &property->stamp, out);
    pack_string (out, "rule");
    pack_string (out, rule);
    if (!reason)
        return;
    pack_string (out, "beat");
    if (!reason->has_beaten) {
        pack_nil (out);
        return;
    }
    pack_map (out, 2);
    value_pack (reason->beaten, &reason->beaten_stamp, out);
}

static void rule_pack (const resource_t *resource, buffer_t *out)
{
    bool gset = resource->rule.crdt == CRDT_GSET;
    pack_string (out, "kind");
    pack_string (out, resource_kind_name (resource->kind));
    pack_string (out, "crdt");
    pack_string (out, gset ? "gset" : "lww");
    pack_string (out, "delete");
    if (gset)
        pack_nil (out);
    else
        pack_string (out, resource->rule.delete_rule == DELETE_LATEST ? "latest" : "wins");
}

static void reasons_pack (const reasons_t *self, const resource_t *resource, buffer_t *out)
{
    const record_t *record = self->record;
    pack_map (out, 10);
    rule_pack (resource, out);
    stamp_pack ("created", &record->created, out);
    stamp_pack ("written", &record->written, out);
    stamp_pack ("floor", &record->floor, out);
    stamp_pack ("deleted", &self->deletion, out);
    pack_string (out, "deletions");
    pack_array (out, record->deleted_count);
    for (size_t i = 0; i < record->deleted_count; i++)
        timestamp_pack (&record->deleted[i], out);
    pack_string (out, "properties");
    pack_array (out, self->shown_count);
    for (size_t i = 0; i < self->shown_count; i++)
        property_pack (
            self->shown[i].why.property, why_name (self->shown[i].why.rule), &self->shown[i], out);
    pack_string (out, "hidden");
    pack_array (out, self->hidden_count);
    for (size_t i = 0; i < self->hidden_count; i++)
        property_pack (self->hidden[i].property, why_name (self->hidden[i].rule), NULL, out);
}

//  Of a record that is not shared there is one writer, and no other rule than that.
static void plain_pack (const resource_t *resource, const shown_t *shown, buffer_t *out)
{
    static const char *const rules[] = {
        [RESOURCE_OWNED] = "owner", [RESOURCE_DERIVED] = "derived", [RESOURCE_LOCAL] = "local"};
    cursor_t cursor = cursor_over (shown->value);
    slice_t name, value;
    size_t count;
    pack_map (out, 2);
    pack_string (out, "kind");
    pack_string (out, resource_kind_name (resource->kind));
    pack_string (out, "properties");
    if (cursor_map (&cursor, &count))
        count = 0;
    pack_array (out, count);
    while (count-- && cursor_text (&cursor, &name) == 0 && cursor_skip (&cursor, &value) == 0) {
        property_t property = {.name = name, .value = value, .stamp = shown->updated};
        reason_t nothing = {.has_beaten = false};
        property_pack (&property, rules[resource->kind], &nothing, out);
    }
}

static int shared_why (
    step_t *step, const get_request_t *fields, const resource_t *resource, buffer_t *out)
{
    record_t record = {.created = {0}};
    reasons_t reasons = {.record = &record, .resource = fields->resource, .uuid = fields->uuid};
    int rc = shared_get (step->txn, fields->resource, &fields->uuid, &record);
    if (rc == 0 && record_is_nothing (&record))
        rc = shared_deletion (step->txn, fields->resource, &fields->uuid, &reasons.deletion);
    else if (rc == 0)
        record_deletion (&record, resource->rule, &reasons.deletion);
    if (rc == 0)
        rc = reasons_collect (&reasons, resource->rule);
    if (rc == 0 && record_alive (&record, resource->rule))
        rc = log_look (&reasons, step->txn);
    if (rc == 0)
        reasons_pack (&reasons, resource, out);
    reasons_release (&reasons);
    record_release (&record);
    return rc;
}

void api_why (api_t *self, step_t *step, const caller_t *caller, const get_request_t *fields)
{
    records_t records;
    shown_t shown;
    resource_entry_t entry;
    buffer_t record = {NULL, 0, 0}, why = {NULL, 0, 0};
    int rc = api_records_open (self, step, fields->resource, &fields->owner, &records);
    if (rc) {
        api_refuse (step, caller, rc);
        return;
    }
    rc = resources_find (step->txn, fields->resource, &entry);
    int found = records_get (&records, step->txn, &fields->uuid, &shown);
    bool shared = rc == 0 && entry.resource.kind == RESOURCE_SHARED;
    if (rc == 0 && found && !(shared && found == ERR_NOT_FOUND))
        rc = found;
    if (rc == 0 && found)
        pack_nil (&record);
    else if (rc == 0)
        api_record_pack (fields->resource, &shown, &record);
    if (rc == 0 && shared)
        rc = shared_why (step, fields, &entry.resource, &why);
    else if (rc == 0)
        plain_pack (&entry.resource, &shown, &why);
    get_answer_t answer = {
        .id = caller->id, .ok = true, .record = buffer_slice (&record), .why = buffer_slice (&why)};
    if (rc)
        api_refuse (step, caller, rc);
    else
        caller_answer (step, caller, &get_answer_type, &answer);
    records_release (&records);
    buffer_release (&record);
    buffer_release (&why);
}

//  oplog_apply - an app's request: all of it, or nothing
//
//  First every operation is read and checked against the state that it will find (what is stored, and the
//  operations of the same request before it); only if none is refused is anything written. So a
//  refusal leaves no trace, and the requests of one group do not disturb each other.

#include "actors/oplog/oplog.h"

#include <stdlib.h>

//  ---- answers

void oplog_apply_refuse (
    step_t *step, const mail_t *mail, int error, const char *message, size_t op)
{
    applied_t applied = {.error = (uint64_t)-error,
        .message = slice_text (message ? message : error_text (error)),
        .op = op};
    step_send (step, mail->envelope.from, MAIL_APPLIED, mail->envelope.ticket, &applied_type,
        &applied, NULL, 0);
}

static int answer (oplog_t *self, step_t *step, const mail_t *mail, size_t count, uint64_t last)
{
    applied_t applied = {.timestamp = {last, self->setup->identity->client}};
    int rc = changes_last (step->txn, &applied.cursor);
    buffer_clear (&self->uuids);
    pack_array (&self->uuids, count);
    for (size_t i = 0; i < count; i++)
        pack_bin (&self->uuids, slice_of (&self->ops[i].operation.uuid, sizeof (uuid16_t)));
    applied.uuids = buffer_slice (&self->uuids);
    step_send (step, mail->envelope.from, MAIL_APPLIED, mail->envelope.ticket, &applied_type,
        &applied, NULL, 0);
    return rc;
}

static const resource_entry_t *entry_of (const oplog_t *self, const request_op_t *op)
{
    return &self->entries[op->entry];
}

//  ---- reading

typedef struct raw_op {
    slice_t action;
    slice_t resource;
    slice_t on_conflict;
    slice_t value;
    uuid16_t uuid;
    bool has_uuid;
} raw_op_t;

static int uuid_read (cursor_t *cursor, uuid16_t *ret_uuid)
{
    slice_t text;
    if (cursor_kind (cursor) != PACK_TEXT)
        return cursor_bin_exact (cursor, ret_uuid, sizeof *ret_uuid);
    int rc = cursor_text (cursor, &text);
    return rc ? rc : uuid_from_text (text, ret_uuid);
}

static int member_read (cursor_t *cursor, slice_t name, raw_op_t *raw)
{
    if (cursor_kind (cursor) == PACK_NIL)
        return cursor_nil (cursor);
    if (slice_equal (name, slice_text ("action")))
        return cursor_text (cursor, &raw->action);
    if (slice_equal (name, slice_text ("resource")))
        return cursor_text (cursor, &raw->resource);
    if (slice_equal (name, slice_text ("on_conflict")))
        return cursor_text (cursor, &raw->on_conflict);
    if (slice_equal (name, slice_text ("value")))
        return cursor_skip (cursor, &raw->value);
    if (slice_equal (name, slice_text ("uuid"))) {
        raw->has_uuid = true;
        return uuid_read (cursor, &raw->uuid);
    }
    return cursor_skip (cursor, NULL);
}

static int raw_read (cursor_t *cursor, raw_op_t *ret_raw)
{
    size_t count;
    int rc = cursor_map (cursor, &count);
    memset (ret_raw, 0, sizeof *ret_raw);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        slice_t name;
        rc = cursor_text (cursor, &name);
        if (rc == 0)
            rc = member_read (cursor, name, ret_raw);
    }
    return rc ? ERR_BAD_REQUEST : 0;
}

//  The resources of a request are looked up once each. Entries do not move while it lasts: they
//  are found by index.
static int entry_find (oplog_t *self, step_t *step, slice_t name, size_t *ret_index)
{
    for (size_t i = self->entry_count; i-- > 0;)
        if (slice_equal (slice_text (self->entries[i].resource.name), name)) {
            *ret_index = i;
            return 0;
        }
    if (self->entry_count == self->entry_capacity) {
        size_t capacity = self->entry_capacity ? 2 * self->entry_capacity : 8;
        resource_entry_t *grown = realloc (self->entries, capacity * sizeof *grown);
        if (!grown)
            return ERR_NO_MEMORY;
        self->entries = grown;
        self->entry_capacity = capacity;
    }
    int rc = resources_find (step->txn, name, &self->entries[self->entry_count]);
    if (rc == 0)
        *ret_index = self->entry_count++;
    return rc;
}

static uuid16_t uuid_make (step_t *step)
{
    uint8_t random[10];
    step->random (step->context, random, sizeof random);
    return uuid_v7 (time_to_ns (step->now.wall) / 1000000, random);
}

static int value_read (oplog_t *self, const raw_op_t *raw, request_op_t *op)
{
    static const uint8_t empty_map = 0x80;
    slice_t value = raw->value.size ? raw->value : slice_of (&empty_map, 1);
    op->value_at = self->values.size;
    if (op->operation.action == ACTION_DELETE)
        return raw->value.size ? ERR_BAD_REQUEST : 0;
    int rc = value_canonical (value, self->setup->config->max_value_bytes, &self->values);
    op->value_size = self->values.size - op->value_at;
    return rc;
}

static int op_read (oplog_t *self, step_t *step, cursor_t *cursor, request_op_t *op)
{
    raw_op_t raw;
    size_t index;
    memset (op, 0, sizeof *op);
    int rc = raw_read (cursor, &raw);
    if (rc == 0 && (raw.resource.size == 0 || action_from_name (raw.action, &op->operation.action)))
        rc = ERR_BAD_REQUEST;
    if (rc == 0 && raw.on_conflict.size) {
        op->has_conflict = true;
        if (conflict_from_name (raw.on_conflict, &op->operation.on_conflict))
            rc = ERR_BAD_REQUEST;
    }
    if (rc == 0 && !raw.has_uuid && op->operation.action != ACTION_CREATE)
        rc = ERR_BAD_REQUEST;
    if (rc == 0)
        rc = entry_find (self, step, raw.resource, &index);
    if (rc)
        return rc;
    op->entry = index;
    op->operation.uuid = raw.has_uuid ? raw.uuid : uuid_make (step);
    if (op->operation.action == ACTION_DELETE)
        op->operation.on_conflict = CONFLICT_MERGE;
    return value_read (self, &raw, op);
}

static int ops_reserve (oplog_t *self, size_t count)
{
    if (count <= self->op_capacity)
        return 0;
    request_op_t *grown = realloc (self->ops, count * sizeof *grown);
    if (!grown)
        return ERR_NO_MEMORY;
    self->ops = grown;
    self->op_capacity = count;
    return 0;
}

//  Reads all operations. *ret_at is the one at fault.
static int request_read (
    oplog_t *self, step_t *step, slice_t bytes, size_t *ret_count, size_t *ret_at)
{
    cursor_t cursor = cursor_over (bytes);
    size_t count;
    *ret_at = 0;
    if (cursor_array (&cursor, &count) || count == 0)
        return ERR_BAD_REQUEST;
    if (count > LIMIT_REQUEST_OPS)
        return ERR_TOO_LARGE;
    int rc = ops_reserve (self, count);
    buffer_clear (&self->values);
    self->entry_count = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        *ret_at = i + 1;
        rc = op_read (self, step, &cursor, &self->ops[i]);
    }
    if (rc == 0 && !cursor_done (&cursor))
        rc = ERR_BAD_REQUEST;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        request_op_t *op = &self->ops[i];
        op->operation.resource = slice_text (entry_of (self, op)->resource.name);
        op->operation.value = slice_of (self->values.data + op->value_at, op->value_size);
    }
    *ret_count = count;
    return rc;
}

//  ---- checking

//  Links each operation to the one before it on the same record, through a table of 2^n heads.
static int chains_link (oplog_t *self, size_t count)
{
    size_t size = 16;
    while (size < 2 * count)
        size *= 2;
    size_t *heads = calloc (size, sizeof *heads);
    if (!heads)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        request_op_t *op = &self->ops[i];
        size_t at = checksum_of (slice_of (&op->operation.uuid, 16)) & (size - 1);
        while (heads[at]) {
            request_op_t *other = &self->ops[heads[at] - 1];
            if (other->entry == op->entry &&
                uuid_equal (&other->operation.uuid, &op->operation.uuid))
                break;
            at = (at + 1) & (size - 1);
        }
        op->before = heads[at];
        heads[at] = i + 1;
    }
    free (heads);
    return 0;
}

//  What an own operation of this request leaves behind is plain: it has seen all that is here and bears the largest
//  timestamp, so a write leaves a record that is alive, a deletion a dead one.
static int admit_after (request_op_t *op, const request_op_t *earlier, record_rule_t rule)
{
    timestamp_t stamp = earlier->operation.stamp;
    record_t state = {.created = {0}};
    if (earlier->operation.action == ACTION_DELETE) {
        state.deleted = &stamp;
        state.deleted_count = 1;
    } else
        state.created = state.written = stamp;
    return record_admit (&state, &op->operation, op->has_conflict, rule);
}

static int shared_check (oplog_t *self, step_t *step, request_op_t *op, record_t *state)
{
    record_rule_t rule = entry_of (self, op)->resource.rule;
    if (op->before)
        return admit_after (op, &self->ops[op->before - 1], rule);
    int rc = shared_get (step->txn, op->operation.resource, &op->operation.uuid, state);
    return rc ? rc : record_admit (state, &op->operation, op->has_conflict, rule);
}

static int visible_stored (oplog_t *self, step_t *step, const request_op_t *op, bool *ret_visible)
{
    const operation_t *operation = &op->operation;
    slice_t value;
    uint64_t updated;
    row_t row;
    int rc;
    if (entry_of (self, op)->resource.kind == RESOURCE_LOCAL) {
        rc = local_get (step->txn, operation->resource, &operation->uuid, &updated, &value);
        *ret_visible = rc == 0;
    } else {
        rc = owned_get (
            step->txn, operation->resource, &self->setup->identity->client, &operation->uuid, &row);
        *ret_visible = rc == 0 && row.value.size;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  Does another client own a row of this uuid? Then an app here that would change it is told so.
static bool owned_by_other (oplog_t *self, step_t *step, const request_op_t *op)
{
    row_t row;
    for (size_t i = 0; i < self->client_count; i++)
        if (!uuid_equal (&self->clients[i].uuid, &self->setup->identity->client) &&
            owned_get (step->txn, op->operation.resource, &self->clients[i].uuid,
                &op->operation.uuid, &row) == 0 &&
            row.value.size)
            return true;
    return false;
}

//  Owned and local records have no conflicts: what counts is only whether one is there.
static int plain_check (oplog_t *self, step_t *step, const request_op_t *op)
{
    bool visible;
    if (op->before)
        visible = self->ops[op->before - 1].operation.action != ACTION_DELETE;
    else {
        int rc = visible_stored (self, step, op, &visible);
        if (rc)
            return rc;
    }
    if (op->operation.action == ACTION_CREATE)
        return visible && !op->has_conflict ? ERR_EXISTS : 0;
    if (visible)
        return 0;
    return entry_of (self, op)->resource.kind == RESOURCE_OWNED && owned_by_other (self, step, op)
               ? ERR_NOT_OWNER
               : ERR_NOT_FOUND;
}

static int request_check (oplog_t *self, step_t *step, size_t count, size_t *ret_at)
{
    record_t state = {.created = {0}};
    int rc = chains_link (self, count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        request_op_t *op = &self->ops[i];
        *ret_at = i + 1;
        op->operation.stamp.client = self->setup->identity->client;
        rc = oplog_stamp (self, &op->operation.stamp.time);
        if (rc)
            break;
        switch (entry_of (self, op)->resource.kind) {
        case RESOURCE_SHARED: rc = shared_check (self, step, op, &state); break;
        case RESOURCE_DERIVED: rc = ERR_DERIVED; break;
        default: rc = plain_check (self, step, op);
        }
    }
    record_release (&state);
    return rc;
}

//  ---- writing

//  An update sets the properties that it names and leaves the others; on_conflict ignore sets only those that are not there yet,
//  overwrite drops the others.
static int overlay_merge (slice_t old, slice_t value, int on_conflict, buffer_t *out)
{
    cursor_t a = cursor_over (old), b = cursor_over (value);
    size_t a_left = 0, b_left = 0, count = 0;
    buffer_t body = {NULL, 0, 0};
    slice_t a_name = {NULL, 0}, b_name = {NULL, 0}, a_value, b_value;
    bool a_here = false, b_here = false;
    if ((old.size && cursor_map (&a, &a_left)) || cursor_map (&b, &b_left))
        return ERR_CORRUPT;
    while (a_left || b_left || a_here || b_here) {
        if (!a_here && a_left) {
            if (cursor_text (&a, &a_name) || cursor_skip (&a, &a_value))
                break;
            a_here = true;
            a_left--;
        }
        if (!b_here && b_left) {
            if (cursor_text (&b, &b_name) || cursor_skip (&b, &b_value))
                break;
            b_here = true;
            b_left--;
        }
        int order = !a_here ? 1 : !b_here ? -1 : slice_compare (a_name, b_name);
        bool from_old = order < 0 || (order == 0 && on_conflict == CONFLICT_IGNORE);
        pack_text (&body, from_old ? a_name : b_name);
        pack_raw (&body, from_old ? a_value : b_value);
        count++;
        a_here = a_here && order > 0;
        b_here = b_here && order < 0;
    }
    pack_map (out, count);
    pack_raw (out, buffer_slice (&body));
    buffer_release (&body);
    return 0;
}

static int plain_value (oplog_t *self, step_t *step, const request_op_t *op, buffer_t *out)
{
    const operation_t *operation = &op->operation;
    slice_t old = {NULL, 0};
    uint64_t updated;
    row_t row = {.value = {NULL, 0}};
    int rc = 0;
    if (operation->action == ACTION_DELETE)
        return 0;
    if (operation->on_conflict != CONFLICT_OVERWRITE) {
        if (entry_of (self, op)->resource.kind == RESOURCE_LOCAL)
            rc = local_get (step->txn, operation->resource, &operation->uuid, &updated, &old);
        else {
            rc = owned_get (step->txn, operation->resource, &self->setup->identity->client,
                &operation->uuid, &row);
            old = row.value;
        }
        if (rc == ERR_NOT_FOUND) {
            old = slice_of (NULL, 0);
            rc = 0;
        }
    }
    return rc ? rc : overlay_merge (old, operation->value, operation->on_conflict, out);
}

static int plain_write (oplog_t *self, step_t *step, const request_op_t *op)
{
    const operation_t *operation = &op->operation;
    buffer_t value = {NULL, 0, 0};
    int rc = plain_value (self, step, op, &value);
    if (rc == 0 && entry_of (self, op)->resource.kind == RESOURCE_LOCAL)
        rc = local_put (step->txn, operation->resource, &operation->uuid, operation->stamp.time,
            buffer_slice (&value));
    else if (rc == 0) {
        row_t row = {
            operation->resource, operation->uuid, operation->stamp.time, buffer_slice (&value)};
        rc = owned_put (step->txn, &self->setup->identity->client, &row);
        oplog_rows_raise (self, &self->setup->identity->client, row.updated);
        metric_add (step->metrics, METRIC_ROWS_WRITTEN, 1);
    }
    buffer_release (&value);
    return rc;
}

static int request_write (oplog_t *self, step_t *step, size_t count)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const request_op_t *op = &self->ops[i];
        if (entry_of (self, op)->resource.kind != RESOURCE_SHARED)
            rc = plain_write (self, step, op);
        else {
            batch_writer_add (&self->writer, &op->operation);
            rc = oplog_join (self, step, &op->operation, &self->shared);
        }
    }
    return rc;
}

int oplog_apply (oplog_t *self, step_t *step, const mail_t *mail)
{
    size_t count = 0, at = 0;
    const char *busy = oplog_busy (self);
    if (busy) {
        oplog_apply_refuse (step, mail, ERR_BUSY, busy, 0);
        return 0;
    }
    int rc = request_read (self, step, mail_frame (mail, 0), &count, &at);
    if (rc == 0)
        rc = request_check (self, step, count, &at);
    if (rc && oplog_is_fatal (rc))
        return rc;
    if (rc) {
        oplog_apply_refuse (step, mail, rc, NULL, at);
        return 0;
    }
    rc = request_write (self, step, count);
    if (rc == 0) {
        metric_add (step->metrics, METRIC_OPERATIONS, count);
        rc = answer (self, step, mail, count, self->ops[count - 1].operation.stamp.time);
    }
    //  What was checked cannot be refused any more.
    return rc && !oplog_is_fatal (rc) ? ERR_INTERNAL : rc;
}

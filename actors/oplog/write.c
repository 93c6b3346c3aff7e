//  oplog_write - what pool, ingest and link send to be written, and declarations
//
//  They decide what is to be written; here it gets its timestamps and its place in the one order of
//  commits. Their bytes come from inside the process, and are read as strictly as any.

#include "actors/oplog/oplog.h"

#include "actors/declarations.h"

#include <stdio.h>
#include <stdlib.h>

void oplog_write_answer (step_t *step, const mail_t *mail, int error, const char *message)
{
    written_t written = {.error = (uint64_t)-error};
    if (error)
        written.message = slice_text (message ? message : error_text (error));
    step_send (step, mail->envelope.from, MAIL_WRITTEN, mail->envelope.ticket, &written_type,
        &written, NULL, 0);
}

//  Frame 0: [action, uuid, value] on `clients`, signed by this node with its next batch.
static int clients_write (oplog_t *self, step_t *step, slice_t bytes)
{
    cursor_t cursor = cursor_over (bytes);
    while (!cursor_done (&cursor)) {
        operation_t operation = {.resource = slice_text (CLIENTS_RESOURCE)};
        uint64_t action;
        size_t count;
        if (cursor_array (&cursor, &count) || count != 3 || cursor_uint (&cursor, &action) ||
            action > ACTION_DELETE ||
            cursor_bin_exact (&cursor, &operation.uuid, sizeof operation.uuid) ||
            cursor_skip (&cursor, &operation.value) || value_check (operation.value))
            return ERR_MALFORMED;
        operation.action = (int)action;
        operation.stamp.client = self->setup->identity->client;
        int rc = oplog_stamp (self, &operation.stamp.time);
        if (rc)
            return rc;
        batch_writer_add (&self->writer, &operation);
        rc = oplog_clients_operation (self, step, &operation);
        if (rc)
            return rc;
    }
    return 0;
}

//  Frame 1: [resource, uuid, value or nil], own rows.
static int rows_write (oplog_t *self, step_t *step, slice_t bytes)
{
    cursor_t cursor = cursor_over (bytes);
    const uuid16_t *me = &self->setup->identity->client;
    while (!cursor_done (&cursor)) {
        row_t row = {.value = {NULL, 0}};
        size_t count;
        if (cursor_array (&cursor, &count) || count != 3 || cursor_text (&cursor, &row.resource) ||
            cursor_bin_exact (&cursor, &row.uuid, sizeof row.uuid))
            return ERR_MALFORMED;
        int rc = cursor_kind (&cursor) == PACK_NIL ? cursor_nil (&cursor)
                                                   : value_unpack (&cursor, &row.value);
        if (rc == 0)
            rc = oplog_stamp (self, &row.updated);
        if (rc == 0)
            rc = owned_put (step->txn, me, &row);
        if (rc)
            return rc;
        oplog_rows_raise (self, me, row.updated);
        metric_add (step->metrics, METRIC_ROWS_WRITTEN, 1);
    }
    return 0;
}

//  Frame 2: [space, key, value or nil] of the node's own table.
static int node_write (step_t *step, slice_t bytes)
{
    cursor_t cursor = cursor_over (bytes);
    while (!cursor_done (&cursor)) {
        uint64_t space;
        slice_t key, value;
        size_t count;
        if (cursor_array (&cursor, &count) || count != 3 || cursor_uint (&cursor, &space) ||
            cursor_bin (&cursor, &key))
            return ERR_MALFORMED;
        bool deletes = cursor_kind (&cursor) == PACK_NIL;
        int rc = deletes ? cursor_nil (&cursor) : cursor_bin (&cursor, &value);
        if (rc)
            return rc;
        rc = deletes ? node_delete (step->txn, (enum node_space)space, key)
                     : node_put (step->txn, (enum node_space)space, key, value);
        if (rc)
            return rc;
    }
    return 0;
}

//  A mail of our own actors that is not sound is a defect, and half of it may be written: the
//  transaction goes, and with it the whole group is refused.
int oplog_write (oplog_t *self, step_t *step, const mail_t *mail)
{
    bool was_joining = self->joining;
    const char *busy = oplog_busy (self);
    if (busy && (mail_frame (mail, 0).size || mail_frame (mail, 1).size)) {
        oplog_write_answer (step, mail, ERR_BUSY, busy);
        return 0;
    }
    int rc = clients_write (self, step, mail_frame (mail, 0));
    if (rc == 0)
        rc = rows_write (self, step, mail_frame (mail, 1));
    if (rc == 0)
        rc = node_write (step, mail_frame (mail, 2));
    if (rc == 0 && mail_frame (mail, 2).size) {
        rc = oplog_position_load (self, step->txn);
        self->joined_changed |= self->joining != was_joining;
    }
    if (rc == 0) {
        oplog_write_answer (step, mail, 0, NULL);
        return 0;
    }
    if (rc == ERR_CLOCK) {
        step_say (step, SAY_ERROR, "the clock gives no timestamps");
        return ERR_CLOCK;
    }
    return oplog_is_fatal (rc) ? rc : ERR_INTERNAL;
}

//  Some rows a transaction, so that none takes long. Only a client that was removed with its rows loses them.
int oplog_drop_rows (oplog_t *self, step_t *step, const mail_t *mail)
{
    enum { ROWS_A_TRANSACTION = 1000 };
    drop_rows_t drop;
    bool left = false;
    if (step_unpack (step, mail, &drop_rows_type, &drop))
        return 0;
    const client_t *owner = oplog_client (self, &drop.owner);
    bool allowed = owner && !client_is_member (owner) && owner->drop_rows;
    int rc = allowed ? owned_drop (step->txn, &drop.owner, 0, ROWS_A_TRANSACTION, &left) : 0;
    if (rc)
        return oplog_is_fatal (rc) ? rc : ERR_INTERNAL;
    oplog_write_answer (step, mail, left ? ERR_BUSY : 0, NULL);
    return 0;
}

//  ---- declarations

typedef struct declarations {
    resource_t *items;
    size_t count;
} declarations_t;

//  Appends the name of the resource at fault and why.
static void why_not (char *message, size_t size, slice_t name, const char *why, int error)
{
    snprintf (message, size, "%.*s: %s", (int)(name.size > 128 ? 128 : name.size),
        (const char *)name.data, why ? why : error_text (error));
}

static int declarations_read (slice_t packed, declarations_t *all, char *message, size_t size)
{
    cursor_t cursor = cursor_over (packed);
    size_t count;
    if (cursor_map (&cursor, &count) || count > LIMIT_RESOURCES)
        return ERR_BAD_REQUEST;
    all->items = calloc (count ? count : 1, sizeof *all->items);
    if (!all->items)
        return ERR_NO_MEMORY;
    while (all->count < count) {
        slice_t name;
        const char *why = NULL;
        if (cursor_text (&cursor, &name))
            return ERR_BAD_REQUEST;
        int rc = resource_unpack (name, &cursor, &all->items[all->count], &why);
        if (rc) {
            why_not (message, size, name, why, rc);
            return rc;
        }
        all->count++;
    }
    return 0;
}

//  Is the source of a derived resource an owned one, declared already or here?
static bool source_is_owned (step_t *step, const declarations_t *all, const resource_t *derived)
{
    resource_entry_t entry;
    for (size_t i = 0; i < all->count; i++)
        if (strcmp (all->items[i].name, derived->from) == 0)
            return all->items[i].kind == RESOURCE_OWNED;
    return resources_find (step->txn, slice_text (derived->from), &entry) == 0 &&
           entry.resource.kind == RESOURCE_OWNED;
}

static int declaration_check (step_t *step, const declarations_t *all, const resource_t *resource,
    char why[DECLARATIONS_TEXT_SIZE])
{
    resource_entry_t entry;
    int rc = resources_find (step->txn, slice_text (resource->name), &entry);
    if (rc == 0 && resource_equal (&entry.resource, resource, NULL))
        return 0;
    if (rc == 0) {
        resource_difference (&entry.resource, resource, why, DECLARATIONS_TEXT_SIZE);
        return ERR_CONFLICTING_DECLARATION;
    }
    if (rc != ERR_UNKNOWN_RESOURCE)
        return rc;
    if (resource->kind == RESOURCE_DERIVED && !source_is_owned (step, all, resource)) {
        snprintf (why, DECLARATIONS_TEXT_SIZE, "`from` is not an owned resource that is declared");
        return ERR_BAD_REQUEST;
    }
    return 0;
}

//  Sources go before what derives from them.
static int declarations_write (oplog_t *self, step_t *step, const declarations_t *all)
{
    const char *why;
    int rc = 0;
    for (int derived = 0; derived <= 1; derived++)
        for (size_t i = 0; rc == 0 && i < all->count; i++) {
            resource_entry_t entry;
            if ((all->items[i].kind == RESOURCE_DERIVED) != derived)
                continue;
            if (resources_find (step->txn, slice_text (all->items[i].name), &entry) != 0)
                self->resources_changed = true;
            rc = resources_declare (step->txn, &all->items[i], &why);
        }
    return rc;
}

//  All or none: each is checked before any is declared.
int oplog_declare (oplog_t *self, step_t *step, const mail_t *mail)
{
    declare_t declare;
    declarations_t all = {NULL, 0};
    char message[LIMIT_NAME_BYTES + 2 + DECLARATIONS_TEXT_SIZE] = "";
    if (step_unpack (step, mail, &declare_type, &declare))
        return 0;
    int rc = declarations_read (declare.resources, &all, message, sizeof message);
    for (size_t i = 0; rc == 0 && i < all.count; i++) {
        char why[DECLARATIONS_TEXT_SIZE] = "";
        rc = declaration_check (step, &all, &all.items[i], why);
        if (rc)
            why_not (
                message, sizeof message, slice_text (all.items[i].name), why[0] ? why : NULL, rc);
    }
    if (rc == 0) {
        rc = declarations_write (self, step, &all);
        if (rc && !oplog_is_fatal (rc))
            rc = ERR_INTERNAL; // it was checked
    }
    free (all.items);
    if (rc && oplog_is_fatal (rc))
        return rc;
    oplog_write_answer (step, mail, rc, message[0] ? message : NULL);
    return 0;
}

//  ingest - what operators ask for

#include "actors/ingest/ingest.h"

#include <stdio.h>
#include <stdlib.h>

#define INGEST_REQUEST_FIELDS(F, S)                                                                \
    F (S, TEXT, action, MUST, "add, list, remove or rescan")                                       \
    F (S, TEXT, path, MAY, "the folder's absolute path")                                           \
    F (S, RAW, exclude, MAY, "[text, …]: patterns")                                                \
    F (S, BOOL, no_default_excludes, MAY, "leave out nothing that no pattern names")               \
    F (S, TEXT, mode, MAY, "full (default) or sampled: how large files are identified")            \
    F (S, BOOL, wait, MAY, "answer when its scan is done")                                         \
    F (S, UUID, location, MAY, "instead of the path")
MESSAGE_STRUCT (ingest_request, INGEST_REQUEST_FIELDS)
MESSAGE_DESCRIBE (ingest_request, MESSAGE_MAP, INGEST_REQUEST_FIELDS, "an operator's request")

void ingest_answer (step_t *step, uint64_t ticket, int error, const char *message, slice_t answer)
{
    commanded_t commanded = {.error = (uint64_t)-error, .answer = answer};
    if (error)
        commanded.message = slice_text (message ? message : error_text (error));
    step_send (step, ACTOR_ADMIN, MAIL_COMMANDED, ticket, &commanded_type, &commanded, NULL, 0);
}

static void answer_locations (ingest_t *self, step_t *step, uint64_t ticket)
{
    buffer_t answer = {NULL, 0, 0};
    pack_map (&answer, 1);
    pack_string (&answer, "locations");
    ingest_location_report (self, step, &answer);
    ingest_answer (step, ticket, 0, NULL, buffer_slice (&answer));
    buffer_release (&answer);
}

static void answer_location (step_t *step, uint64_t ticket, const location_t *location)
{
    buffer_t answer = {NULL, 0, 0};
    pack_map (&answer, 2);
    pack_string (&answer, "location");
    pack_bin (&answer, slice_of (location->uuid.bytes, 16));
    pack_string (&answer, "entries");
    pack_uint (&answer, location->entries);
    ingest_answer (step, ticket, 0, NULL, buffer_slice (&answer));
    buffer_release (&answer);
}

static waiter_t *waiter_new (ingest_t *self, uint64_t command)
{
    for (size_t i = 0; i < INGEST_WAITERS; i++) {
        waiter_t *waiter = &self->waiters[i];
        if (waiter->used)
            continue;
        buffer_clear (&waiter->path);
        buffer_clear (&waiter->exclude);
        waiter->used = true;
        waiter->command = command;
        waiter->ticket = 0;
        waiter->skip = waiter->wait = false;
        return waiter;
    }
    return NULL;
}

static slot_t *command_slot (ingest_t *self, int kind)
{
    size_t taken = 0;
    for (size_t i = 0; i < INGEST_SLOTS; i++)
        taken += self->slots[i].kind > SLOT_ROWS;
    return taken < INGEST_SLOTS - 2 * INGEST_WRITES_MAX ? ingest_slot (self, kind) : NULL;
}

//  The location's record, in a WRITE of its own.
static int location_write (
    ingest_t *self, step_t *step, location_t *location, int kind, uint64_t command, bool wait)
{
    slot_t *slot = command_slot (self, kind);
    if (slot == NULL)
        return ERR_BUSY;
    buffer_t record = {NULL, 0, 0};
    ingest_location_pack (location, &record);
    pack_array (&slot->nodes, 3);
    pack_uint (&slot->nodes, NODE_LOCATIONS);
    pack_bin (&slot->nodes, slice_of (location->uuid.bytes, 16));
    pack_bin (&slot->nodes, buffer_slice (&record));
    buffer_release (&record);
    slot->location = location->uuid;
    slot->command = command;
    slot->wait = wait;
    ingest_slot_send (self, step, slot);
    return 0;
}

//  ---- add

//  An absolute path without empty, . and .. parts; without its closing slash. False if it is not that.
static bool path_clean (slice_t path, buffer_t *out)
{
    if (path.size == 0 || path.data[0] != '/' || memchr (path.data, 0, path.size))
        return false;
    for (size_t at = 0; at < path.size;) {
        size_t end = at + 1;
        while (end < path.size && path.data[end] != '/')
            end++;
        slice_t part = slice_of (path.data + at + 1, end - at - 1);
        if (slice_equal (part, slice_text (".")) || slice_equal (part, slice_text ("..")))
            return false;
        if (part.size)
            buffer_append (out, path.data + at, end - at);
        at = end;
    }
    if (out->size == 0)
        buffer_append (out, "/", 1);
    return true;
}

static bool path_holds (slice_t above, slice_t path)
{
    size_t size = above.size == 1 ? 0 : above.size;
    return path.size >= above.size && memcmp (path.data, above.data, size) == 0 &&
           (path.size == above.size || path.data[size] == '/');
}

//  A location in a location would give one file two rows, and one directory two watches; but where it is a mount, the
//  outer one ends there. mount: of what is to be added.
static bool path_is_free (ingest_t *self, slice_t path, bool mount, char *ret_why, size_t size)
{
    for (location_t *location = self->locations; location; location = location->next) {
        slice_t other = buffer_slice (&location->path);
        bool same = slice_equal (other, path);
        bool apart =
            path_holds (other, path) ? mount : !path_holds (path, other) || location->mount;
        if (apart && !same)
            continue;
        snprintf (ret_why, size, "%s%.*s%s",
            same                       ? ""
            : path_holds (other, path) ? "it lies in "
                                       : "",
            (int)(other.size > 200 ? 200 : other.size), (const char *)other.data,
            same                       ? " is a location already"
            : path_holds (other, path) ? ", which is a location already"
                                       : " lies in it and is a location already");
        return false;
    }
    return true;
}

static bool patterns_valid (slice_t exclude)
{
    cursor_t cursor = cursor_over (exclude);
    size_t count;
    slice_t text;
    if (exclude.size == 0)
        return true;
    if (cursor_array (&cursor, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (cursor_text (&cursor, &text))
            return false;
    return true;
}

static bool mode_valid (slice_t mode)
{
    return mode.size == 0 || slice_equal (mode, slice_text ("full")) ||
           slice_equal (mode, slice_text ("sampled"));
}

static void command_add (
    ingest_t *self, step_t *step, uint64_t ticket, const ingest_request_t *request)
{
    char why[512];
    waiter_t *waiter = waiter_new (self, ticket);
    if (waiter == NULL) {
        ingest_answer (step, ticket, ERR_BUSY, NULL, slice_of (NULL, 0));
        return;
    }
    int rc = 0;
    const char *message = why;
    if (!path_clean (request->path, &waiter->path)) {
        rc = ERR_BAD_REQUEST;
        message = "path: an absolute path is needed, without . and ..";
    } else if (!patterns_valid (request->exclude)) {
        rc = ERR_BAD_REQUEST;
        message = "exclude: a list of patterns is needed";
    } else if (!mode_valid (request->mode)) {
        rc = ERR_BAD_REQUEST;
        message = "mode: full or sampled";
    }
    if (rc) {
        ingest_answer (step, ticket, rc, message, slice_of (NULL, 0));
        waiter->used = false;
        return;
    }
    buffer_append (&waiter->exclude, request->exclude.data, request->exclude.size);
    waiter->wait = request->wait;
    waiter->no_defaults = request->no_default_excludes;
    waiter->sampled = slice_equal (request->mode, slice_text ("sampled"));
    waiter->ticket = ++self->ticket;
    scan_look_t look = {.path = buffer_slice (&waiter->path)};
    step_send (step, ACTOR_SCAN, MAIL_SCAN_LOOK, waiter->ticket, &scan_look_type, &look, NULL, 0);
}

static int location_add (ingest_t *self, step_t *step, const waiter_t *waiter, bool mount)
{
    uint8_t random[10];
    step->random (step->context, random, sizeof random);
    uuid16_t uuid = uuid_v7 (time_to_ns (step->now.wall) / 1000000, random);
    location_t *location = ingest_location_new (
        self, &uuid, buffer_slice (&waiter->path), buffer_slice (&waiter->exclude));
    location->no_defaults = waiter->no_defaults;
    location->sampled = waiter->sampled;
    location->mount = mount;
    location->adding = true;
    location->scanning = true;
    int rc = location_write (self, step, location, SLOT_ADD, waiter->command, waiter->wait);
    if (rc)
        ingest_location_drop (self, location);
    return rc;
}

void ingest_looked (ingest_t *self, step_t *step, const mail_t *mail)
{
    scan_looked_t looked;
    char why[512] = "there is no such folder, or it cannot be opened";
    if (step_unpack (step, mail, &scan_looked_type, &looked))
        return;
    for (size_t i = 0; i < INGEST_WAITERS; i++) {
        waiter_t *waiter = &self->waiters[i];
        if (!waiter->used || waiter->ticket == 0 || waiter->ticket != mail->envelope.ticket)
            continue;
        bool mount = looked.error == 0 && looked.mount;
        int rc = looked.error ? -(int)looked.error : 0;
        if (!path_is_free (self, buffer_slice (&waiter->path), mount, why, sizeof why))
            rc = ERR_EXISTS;
        if (rc == 0) {
            rc = location_add (self, step, waiter, mount);
            snprintf (why, sizeof why, "%s", error_text (rc));
        }
        if (rc)
            ingest_answer (step, waiter->command, rc, why, slice_of (NULL, 0));
        waiter->used = false;
        return;
    }
}

//  ---- waiting for a scan

static void scan_wait (
    ingest_t *self, step_t *step, uint64_t ticket, const location_t *location, bool skip)
{
    waiter_t *waiter = waiter_new (self, ticket);
    if (waiter == NULL) {
        ingest_answer (step, ticket, ERR_BUSY, NULL, slice_of (NULL, 0));
        return;
    }
    waiter->location = location->uuid;
    waiter->skip = skip;
}

void ingest_command_scanned (ingest_t *self, step_t *step, const location_t *location)
{
    for (size_t i = 0; i < INGEST_WAITERS; i++) {
        waiter_t *waiter = &self->waiters[i];
        if (!waiter->used || waiter->ticket || !uuid_equal (&waiter->location, &location->uuid))
            continue;
        if (waiter->skip) {
            waiter->skip = false;
            continue;
        }
        if (location->missing)
            ingest_answer (
                step, waiter->command, ERR_NOT_FOUND, "the folder is missing", slice_of (NULL, 0));
        else
            answer_location (step, waiter->command, location);
        waiter->used = false;
    }
}

//  ---- remove, rescan

static location_t *request_location (ingest_t *self, const ingest_request_t *request)
{
    buffer_t path = {NULL, 0, 0};
    location_t *location = NULL;
    if (!uuid_is_zero (&request->location))
        location = ingest_location (self, &request->location);
    else if (path_clean (request->path, &path))
        for (location_t *at = self->locations; at && !location; at = at->next)
            if (slice_equal (buffer_slice (&at->path), buffer_slice (&path)))
                location = at;
    buffer_release (&path);
    return location && !location->adding && !location->removing ? location : NULL;
}

static void command_remove (ingest_t *self, step_t *step, uint64_t ticket, location_t *location)
{
    location->removing = true;
    int rc = location_write (self, step, location, SLOT_REMOVE, ticket, false);
    if (rc == 0) {
        location->adding = true; // its rows stay until it is durable that they are to go
        return;
    }
    location->removing = false;
    ingest_answer (step, ticket, rc, NULL, slice_of (NULL, 0));
}

static bool is_running (const ingest_t *self, const location_t *location)
{
    return self->phase != PHASE_IDLE && self->job == location && self->begin.whole;
}

static void command_rescan (
    ingest_t *self, step_t *step, uint64_t ticket, location_t *one, const ingest_request_t *request)
{
    for (location_t *location = self->locations; location; location = location->next)
        if ((one == NULL || one == location) && !location->adding && !location->removing)
            ingest_location_start (step, location);
    if (one && request->wait)
        scan_wait (self, step, ticket, one, is_running (self, one));
    else
        answer_locations (self, step, ticket);
}

void ingest_command_written (ingest_t *self, step_t *step, slot_t *slot, int error)
{
    location_t *location = ingest_location (self, &slot->location);
    if (location == NULL)
        return;
    location->adding = false;
    if (slot->kind == SLOT_ADD && error) {
        ingest_answer (step, slot->command, error, NULL, slice_of (NULL, 0));
        ingest_location_drop (self, location);
    } else if (slot->kind == SLOT_ADD) {
        ingest_location_start (step, location);
        if (slot->wait)
            scan_wait (self, step, slot->command, location, false);
        else
            answer_location (step, slot->command, location);
    } else if (error) {
        location->removing = false;
        ingest_answer (step, slot->command, error, NULL, slice_of (NULL, 0));
    } else {
        scan_stop_t stop = {.location = location->uuid};
        step_send (step, ACTOR_SCAN, MAIL_SCAN_STOP, 0, &scan_stop_type, &stop, NULL, 0);
        answer_location (step, slot->command, location);
    }
}

void ingest_command (ingest_t *self, step_t *step, const mail_t *mail)
{
    command_t command;
    ingest_request_t request;
    uint64_t ticket = mail->envelope.ticket;
    const char *field = NULL;
    char why[160];
    if (step_unpack (step, mail, &command_type, &command))
        return;
    if (slice_equal (command.verb, slice_text ("report"))) {
        answer_locations (self, step, ticket);
        return;
    }
    if (message_unpack (&ingest_request_type, command.request, &request, &field)) {
        snprintf (
            why, sizeof why, "%s is missing or of a wrong form", field ? field : "the request");
        ingest_answer (step, ticket, ERR_BAD_REQUEST, why, slice_of (NULL, 0));
        return;
    }
    bool named = request.path.size || !uuid_is_zero (&request.location);
    location_t *location = named ? request_location (self, &request) : NULL;
    bool rescan = slice_equal (request.action, slice_text ("rescan"));
    bool remove = slice_equal (request.action, slice_text ("remove"));
    if (slice_equal (request.action, slice_text ("list")))
        answer_locations (self, step, ticket);
    else if (slice_equal (request.action, slice_text ("add")))
        command_add (self, step, ticket, &request);
    else if (!rescan && !remove)
        ingest_answer (step, ticket, ERR_BAD_REQUEST, "action: add, list, remove or rescan",
            slice_of (NULL, 0));
    else if (location == NULL && (named || remove))
        ingest_answer (
            step, ticket, ERR_NOT_FOUND, "there is no such location", slice_of (NULL, 0));
    else if (remove)
        command_remove (self, step, ticket, location);
    else
        command_rescan (self, step, ticket, location, &request);
}

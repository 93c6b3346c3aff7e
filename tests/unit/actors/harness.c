//  harness - one core on a store of its own

#include "tests/unit/actors/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/changes.h"
#include "store/owned.h"
#include "store/resources.h"
#include "store/shared.h"

#define must(call) cr_assert_eq ((call), 0, "%s", #call)

//  ---- a life

static void no_random (void *context, void *bytes, size_t size)
{
    (void)context;
    memset (bytes, 7, size);
}

static void on_say (void *context, int level, const char *text)
{
    harness_t *self = context;
    (void)level;
    snprintf (self->said, sizeof self->said, "%s", text);
    self->said_count++;
}

harness_t *harness_new (const actor_class_t *class)
{
    harness_t *self = calloc (1, sizeof *self);
    const uint8_t seed[SEED_SIZE] = {1, 2, 3};
    const char *base = getenv ("TMPDIR");
    store_options_t options = {.map_size = 1ull << 28, .no_sync = true};
    if (!base)
        base = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf (self->dir, sizeof self->dir, "%s/tidepool-core-XXXXXX", base);
    cr_assert_not_null (mkdtemp (self->dir));
    must (store_open (self->dir, &options, &self->store));
    must (keys_start ());
    must (identity_from_seed (seed, &self->identity));
    notation_name ("me", &self->identity.client);
    snprintf (self->config.name, sizeof self->config.name, "alpha");
    snprintf (self->config.api, sizeof self->config.api, "ipc://api.sock");
    snprintf (self->config.admin, sizeof self->config.admin, "ipc://admin.sock");
    self->setup = (actor_setup_t){.config = &self->config,
        .identity = &self->identity,
        .store = self->store,
        .version = "1.2.3"};
    self->class = class;
    self->step = (step_t){.now = {WALL, MONO_NS},
        .metrics = &self->metrics,
        .wake_ns = UINT64_MAX,
        .self = class->actor,
        .random = no_random,
        .say = on_say,
        .context = self};
    harness_write (self);
    for (size_t i = 0; i < resource_default_count; i++)
        must (resources_declare (self->writing, &resource_defaults[i], &(const char *){NULL}));
    harness_commit (self);
    return self;
}

static void round_begin (harness_t *self)
{
    must (store_begin (self->store, false, &self->step.txn));
}

static void round_end (harness_t *self)
{
    store_abort (&self->step.txn);
}

void harness_open (harness_t *self)
{
    round_begin (self);
    must (self->class->open (&self->setup, &self->step, &self->core));
    round_end (self);
}

void harness_destroy (harness_t **self_p)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    harness_t *self = *self_p;
    char path[256];
    if (self->core)
        self->class->close (&self->core);
    harness_drop (self);
    store_destroy (&self->store);
    for (size_t i = 0; i < 2; i++) {
        snprintf (path, sizeof path, "%s/%s", self->dir, names[i]);
        unlink (path);
    }
    rmdir (self->dir);
    for (size_t i = 0; i < self->kept_count; i++)
        free (self->kept[i]);
    free (self->kept);
    free (self);
    *self_p = NULL;
}

//  ---- writing

txn_t *harness_write (harness_t *self)
{
    must (store_begin (self->store, true, &self->writing));
    return self->writing;
}

void harness_commit (harness_t *self)
{
    must (store_commit (&self->writing));
}

static void join (harness_t *self, int action, const char *resource, uint64_t uuid, uint64_t time,
    const char *name)
{
    bool alone = !self->writing;
    buffer_t value = {NULL, 0, 0};
    vector_t nothing = {NULL, 0, 0};
    operation_t operation = {.stamp = {time, uuid_n (900)},
        .resource = slice_text (resource),
        .uuid = uuid_n (uuid),
        .action = action};
    if (name) {
        pack_map (&value, 1);
        pack_string (&value, "name");
        pack_string (&value, name);
        operation.value = buffer_slice (&value);
    }
    past_t past = {&nothing, operation.stamp};
    if (alone)
        harness_write (self);
    changes_begin_group (self->writing);
    must (shared_join (self->writing, &operation, &past));
    if (alone)
        harness_commit (self);
    buffer_release (&value);
}

void harness_create (
    harness_t *self, const char *resource, uint64_t uuid, uint64_t time, const char *name)
{
    join (self, ACTION_CREATE, resource, uuid, time, name);
}

void harness_update (
    harness_t *self, const char *resource, uint64_t uuid, uint64_t time, const char *name)
{
    join (self, ACTION_UPDATE, resource, uuid, time, name);
}

void harness_delete (harness_t *self, const char *resource, uint64_t uuid, uint64_t time)
{
    join (self, ACTION_DELETE, resource, uuid, time, NULL);
}

void harness_row (harness_t *self, uint64_t owner, uint64_t uuid, uint64_t time, const char *value)
{
    bool alone = !self->writing;
    uuid16_t who = owner ? uuid_n (owner) : self->identity.client;
    row_t row = {.resource = slice_text ("file_paths"), .uuid = uuid_n (uuid), .updated = time};
    if (value)
        row.value = packed (self, value);
    if (alone)
        harness_write (self);
    changes_begin_group (self->writing);
    must (owned_put (self->writing, &who, &row));
    if (alone)
        harness_commit (self);
}

//  ---- mail

void harness_mail (harness_t *self, int from, int verb, uint64_t ticket, const message_type_t *type,
    const void *body, const slice_t *frames, size_t frame_count)
{
    step_t step = {.self = from};
    step_send (&step, self->class->actor, verb, ticket, type, body, frames, frame_count);
    mail_t *mail = mail_list_take (&step.out);
    round_begin (self);
    self->class->receive (self->core, &self->step, &mail);
    mail_destroy (&mail);
    round_end (self);
}

bool harness_tick (harness_t *self)
{
    if (self->step.wake_ns > self->step.now.mono_ns)
        return false;
    self->step.wake_ns = UINT64_MAX;
    round_begin (self);
    self->class->tick (self->core, &self->step);
    round_end (self);
    return true;
}

void *harness_keep (harness_t *self, void *memory)
{
    self->kept = realloc (self->kept, (self->kept_count + 1) * sizeof *self->kept);
    self->kept[self->kept_count++] = memory;
    return memory;
}

static void keep_frame (harness_t *self, slice_t *bytes)
{
    void *copy = malloc (bytes->size + 1);
    if (bytes->size)
        memcpy (copy, bytes->data, bytes->size);
    *bytes = slice_of (harness_keep (self, copy), bytes->size);
}

const mail_t *harness_take (harness_t *self, int verb)
{
    mail_list_t rest = {NULL, NULL, 0};
    mail_t *found = NULL, *mail;
    while ((mail = mail_list_take (&self->step.out)))
        if (!found && mail->envelope.verb == verb)
            found = mail;
        else
            mail_list_append (&rest, mail);
    self->step.out = rest;
    if (!found)
        return NULL;
    //  Copied, so that only the test's end need free it.
    mail_t *copy = harness_keep (self, mail_new ());
    *copy = *found;
    copy->body_release = NULL;
    keep_frame (self, &copy->body);
    for (size_t i = 0; i < copy->frame_count; i++) {
        copy->frames[i].release = NULL;
        keep_frame (self, &copy->frames[i].bytes);
    }
    mail_destroy (&found);
    return copy;
}

size_t harness_waiting (const harness_t *self)
{
    return self->step.out.count;
}

void harness_drop (harness_t *self)
{
    mail_list_clear (&self->step.out);
}

//  ---- notation

slice_t packed (harness_t *self, const char *notation)
{
    buffer_t out = {NULL, 0, 0};
    notation_read (notation, &out);
    harness_keep (self, out.data);
    return buffer_slice (&out);
}

const char *shown_as (harness_t *self, slice_t encoded)
{
    buffer_t out = {NULL, 0, 0};
    notation_write (encoded, &out);
    buffer_append (&out, "", 1);
    return harness_keep (self, out.data);
}

//  ---- requests

void harness_message (harness_t *self, const slice_t *frames, size_t frame_count)
{
    edge_in_t in = {.socket = 0, .line = 4};
    harness_mail (self, ACTOR_EDGE, MAIL_EDGE_IN, 0, &edge_in_type, &in, frames, frame_count);
}

const char *harness_answer (harness_t *self)
{
    edge_out_t out;
    const mail_t *mail = harness_take (self, MAIL_EDGE_OUT);
    if (!mail)
        return "nothing";
    must (message_unpack (&edge_out_type, mail->body, &out, NULL));
    cr_assert_eq (mail->envelope.to, ACTOR_EDGE);
    cr_assert_eq (out.socket, 0);
    cr_assert_eq (out.line, 4);
    cr_assert_eq (mail->frame_count, 1);
    return shown_as (self, mail_frame (mail, 0));
}

const char *harness_ask (harness_t *self, const char *request)
{
    slice_t body = packed (self, request);
    harness_message (self, &body, 1);
    return harness_answer (self);
}

//  node - starts, watches and stops the actors of one node

#include "actors/shell/node.h"
#include "actors/shell/actor.h"
#include "actors/shell/bound.h"
#include "actors/shell/config.h"
#include "actors/shell/disk_real.h"
#include "actors/shell/home.h"
#include "actors/shell/log.h"
#include "actors/shell/mailbox.h"
#include "actors/shell/process.h"

#include <czmq.h>
#include <systemd/sd-daemon.h>

#define ACTORS_MAX    16
#define SWEEP_MSEC    60000 // reader slots of the store that dead processes left
#define NODE_INSTANCE "node"

typedef struct node {
    const node_options_t *options;
    home_t home;
    config_t config;
    identity_t identity;
    actor_setup_t setup;
    metrics_t metrics;
    store_t *store;
    disk_t *disk; // the file system, for scan
    int signals;
    mailbox_t mailbox;
    size_t actor_count;
    actor_t *actors[ACTORS_MAX]; // in the order of their start
    bool stop;
} node_t;

//  ---- opening

static int open_home (node_t *self, why_t *why)
{
    char file[sizeof self->home.dir + 16];
    const node_options_t *options = self->options;
    int rc = home_open (options->dir, &self->home, why);
    if (rc == 0)
        rc = home_lock (&self->home, why);
    if (rc == 0)
        rc = home_identity (&self->home, &self->identity, why);
    home_path (&self->home, "node.zpl", file, sizeof file);
    if (rc == 0)
        rc = config_read (
            self->home.dir, file, options->sets, options->set_count, &self->config, why);
    return rc;
}

static int open_store (node_t *self, why_t *why)
{
    const store_options_t options = {.map_size_max = self->config.map_size_max};
    int rc = store_open (self->home.dir, &options, &self->store);
    if (rc)
        why_fail (why, rc, "the store in %s: %s", self->home.dir, error_text (rc));
    return rc;
}

static int start_actor (node_t *self, const roster_t *entry, why_t *why)
{
    const actor_options_t options = {.instance = NODE_INSTANCE,
        .class = entry->class,
        .edge = entry->edge,
        .setup = &self->setup,
        .store = self->store,
        .metrics = &self->metrics};
    int rc = actor_start (&options, &self->actors[self->actor_count], why);
    if (rc == 0)
        self->actor_count++;
    return rc;
}

static int start_actors (node_t *self, why_t *why)
{
    disk_t *disk = NULL;
    int rc = disk_real_new (&disk, why);
    self->disk = disk;
    self->setup = (actor_setup_t){.config = &self->config,
        .identity = &self->identity,
        .version = self->options->version,
        .store = self->store,
        .disk = disk};
    if (rc == 0)
        rc = mailbox_open (&self->mailbox, NODE_INSTANCE, ACTOR_NODE, why);
    for (size_t i = 0; rc == 0 && i < self->options->roster_count && i < ACTORS_MAX; i++) {
        rc = start_actor (self, &self->options->roster[i], why);
        if (process_signal (self->signals)) {
            self->stop = true; // told to stop before it was up
            break;
        }
    }
    return rc;
}

//  ---- up

static void say_ready (node_t *self)
{
    char client[UUID_TEXT_SIZE];
    uuid_to_text (&self->identity.client, client);
    log_printf (
        ACTOR_NODE, SAY_INFO, "ready: %s (%s) on %s", self->config.name, client, self->home.dir);
    sd_notifyf (0, "READY=1\nSTATUS=%s (%s)", self->config.name, client);
}

//  ---- running

static int command_log (slice_t request)
{
    cursor_t cursor = cursor_over (request);
    slice_t key, value = {NULL, 0};
    size_t count;
    int level = -1;
    if (cursor_map (&cursor, &count))
        return ERR_BAD_REQUEST;
    for (size_t i = 0; i < count; i++) {
        if (cursor_text (&cursor, &key))
            return ERR_BAD_REQUEST;
        if (slice_equal (key, slice_text ("level")) && cursor_kind (&cursor) == PACK_TEXT) {
            if (cursor_text (&cursor, &value) == 0)
                level = log_level_from_name (value);
        } else if (cursor_skip (&cursor, NULL))
            return ERR_BAD_REQUEST;
    }
    if (level < 0)
        return ERR_BAD_REQUEST;
    log_set_level (level);
    return 0;
}

static void answer (node_t *self, const mail_t *asked, int error, const char *message)
{
    step_t step = {.self = ACTOR_NODE};
    commanded_t body = {.error = (uint64_t)-error, .message = slice_text (message)};
    step_send (&step, asked->envelope.from, MAIL_COMMANDED, asked->envelope.ticket, &commanded_type,
        &body, NULL, 0);
    mail_t *mail = mail_list_take (&step.out);
    mailbox_send (&self->mailbox, &mail);
}

static void take_command (node_t *self, const mail_t *mail)
{
    command_t command;
    if (mail->envelope.verb != MAIL_COMMAND ||
        message_unpack (&command_type, mail->body, &command, NULL)) {
        metric_add (&self->metrics, METRIC_MAIL_REFUSED, 1);
        return;
    }
    if (slice_equal (command.verb, slice_text ("stop"))) {
        log_printf (ACTOR_NODE, SAY_INFO, "told to stop by a command");
        self->stop = true;
        answer (self, mail, 0, NULL);
    } else if (slice_equal (command.verb, slice_text ("log"))) {
        int rc = command_log (command.request);
        answer (self, mail, rc, rc ? "level is debug, info, warning or error" : NULL);
    } else
        answer (self, mail, ERR_UNKNOWN_VERB, NULL);
}

static void read_mailbox (node_t *self)
{
    mail_t *mail;
    int rc;
    while ((rc = mailbox_receive (&self->mailbox, &mail)) == 0 || rc == ERR_MALFORMED)
        if (rc == 0) {
            take_command (self, mail);
            mail_destroy (&mail);
        }
}

//  ERR_ of an actor that died.
static int watch_actors (node_t *self, why_t *why)
{
    for (size_t i = 0; i < self->actor_count; i++) {
        why_t reason;
        if (actor_ended (self->actors[i], &reason))
            return why_fail (
                why, ERR_INTERNAL, "%s died: %s", actor_title (self->actors[i]), reason.text);
    }
    return 0;
}

static void read_signal (node_t *self)
{
    int number = process_signal (self->signals);
    if (number) {
        log_printf (ACTOR_NODE, SAY_INFO, "told to stop by %s", strsignal (number));
        self->stop = true;
    }
}

static int watch (node_t *self, why_t *why)
{
    poll_list_t items = {NULL, 0, 0};
    poll_list_add (&items, NULL, self->signals);
    poll_list_add (&items, self->mailbox.pull, 0);
    for (size_t i = 0; i < self->actor_count; i++)
        poll_list_add (&items, actor_pipe (self->actors[i]), 0);
    uint64_t swept = clock_now ().mono_ns;
    int rc = 0;
    while (rc == 0 && !self->stop) {
        int count = zmq_poll (items.items, (int)items.count, SWEEP_MSEC);
        if (count < 0 && errno != EINTR)
            rc = why_fail (why, ERR_SYSTEM, "poll: %s", zmq_strerror (errno));
        if (count > 0) {
            read_signal (self);
            read_mailbox (self);
            rc = watch_actors (self, why);
        }
        if (clock_now ().mono_ns - swept >= SWEEP_MSEC * 1000000ull) {
            store_sweep_readers (self->store);
            swept = clock_now ().mono_ns;
        }
    }
    poll_list_release (&items);
    return rc;
}

//  ---- closing

static void stop_actors (node_t *self)
{
    sd_notify (0, "STOPPING=1");
    while (self->actor_count > 0) {
        actor_t **actor_p = &self->actors[--self->actor_count];
        log_printf (ACTOR_NODE, SAY_DEBUG, "stopping %s", actor_title (*actor_p));
        bound_unlink (*actor_p);
        actor_destroy (actor_p);
    }
}

static void close_all (node_t *self)
{
    stop_actors (self);
    if (self->mailbox.pull)
        mailbox_close (&self->mailbox);
    disk_real_destroy (&self->disk);
    store_destroy (&self->store);
    if (self->home.lock >= 0)
        home_remove (&self->home, "endpoints.zpl");
    config_release (&self->config);
    home_release (&self->home);
    memset (&self->identity, 0, sizeof self->identity);
    if (self->signals >= 0)
        close (self->signals);
    zsys_shutdown ();
}

int node_run (const node_options_t *options, why_t *why)
{
    node_t self = {.options = options, .signals = -1, .home = {.lock = -1}};
    log_start ();
    int rc = keys_start ();
    if (rc)
        why_fail (why, rc, "libsodium does not start");
    if (rc == 0)
        rc = process_start (&self.signals, why);
    if (rc == 0)
        rc = open_home (&self, why);
    if (rc == 0)
        rc = open_store (&self, why);
    if (rc == 0)
        rc = start_actors (&self, why);
    //  A full disk must not keep a node from answering reads: the command finds the default
    //  endpoints without the file.
    if (rc == 0 && !self.stop &&
        bound_write (&self.home, &self.identity, self.actors, self.actor_count, why))
        log_line (ACTOR_NODE, SAY_WARNING, why->text);
    if (rc == 0 && !self.stop) {
        say_ready (&self);
        rc = watch (&self, why);
    }
    if (rc)
        log_line (ACTOR_NODE, SAY_ERROR, why->text);
    close_all (&self);
    if (rc == 0)
        log_printf (ACTOR_NODE, SAY_INFO, "stopped");
    return rc;
}

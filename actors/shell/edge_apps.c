//  edge_apps - the sockets of api (ROUTER, XPUB, PULL) and of admin (ROUTER)
//
//  On ipc they are plain: the directory they live in is 0700 and the sockets are 0600. On
//  anything else they are CURVE servers with this node's key, and admit the keys of
//  endpoints/allow (config.h refuses to start without one).

#include "actors/shell/listen.h"
#include "actors/shell/server.h"
#include "actors/shell/wire.h"
#include "actors/shell/zap.h"
#include "actors/sockets.h"

#include <stdlib.h>

//  At most this many messages of one connection wait here, of LIMIT_REQUEST_BYTES each.
#define RECEIVE_MAX 4
//  Changes that wait for one subscriber. Past it the feed skips, and its cursors show it.
#define FEED_MAX   100000
#define INTAKE_MAX 64 // messages read in one round

typedef struct edge_apps {
    edge_setup_t setup;
    server_t *requests;
    void *feed;   // NULL at admin's
    void *intake; // NULL at admin's
    bool hold_intake;
} edge_apps_t;

static void apps_close (void **self_p)
{
    edge_apps_t *self = *self_p;
    if (!self)
        return;
    void *none = NULL;
    server_destroy (&self->requests);
    listen_close (&self->feed, &none);
    listen_close (&self->intake, &none);
    free (self);
    *self_p = NULL;
}

static const identity_t *server_identity (const edge_apps_t *self, const char *endpoint)
{
    return endpoint_is_ipc (endpoint) ? NULL : self->setup.actor->identity;
}

static void tell_bound (edge_apps_t *self, int number, const char *bound, mail_list_t *in)
{
    edge_tell_bound (in, self->setup.owner, number, &bound, 1);
}

static int open_requests (
    edge_apps_t *self, int number, const char *endpoint, mail_list_t *in, why_t *why)
{
    const server_options_t options = {.setup = &self->setup,
        .number = number,
        .frame_bytes_max = LIMIT_REQUEST_BYTES,
        .receive_max = RECEIVE_MAX,
        .identity = server_identity (self, endpoint),
        .domain = zap_domain_names[ZAP_APP],
        .garbage = METRIC_GARBAGE};
    char bound[LIMIT_ENDPOINT_BYTES + 1];
    int rc = server_new (&options, &self->requests, why);
    if (rc == 0)
        rc = server_bind (self->requests, endpoint, NULL, bound, why);
    if (rc == 0)
        tell_bound (self, number, bound, in);
    return rc;
}

static int open_socket (edge_apps_t *self, int number, int type, const char *endpoint,
    mail_list_t *in, void **ret_socket, why_t *why)
{
    const listen_options_t options = {.type = type,
        .frame_bytes_max = LIMIT_REQUEST_BYTES,
        .receive_max = RECEIVE_MAX,
        .send_max = FEED_MAX,
        .identity = server_identity (self, endpoint),
        .domain = zap_domain_names[ZAP_APP]};
    char bound[LIMIT_ENDPOINT_BYTES + 1];
    *ret_socket = listen_socket (&options, why);
    int rc = *ret_socket ? listen_bind (*ret_socket, endpoint, NULL, bound, why) : ERR_SYSTEM;
    if (rc == 0)
        tell_bound (self, number, bound, in);
    return rc;
}

static int apps_new (const edge_setup_t *setup, void **ret_self)
{
    edge_apps_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    self->setup = *setup;
    *ret_self = self;
    return 0;
}

static int api_open (const edge_setup_t *setup, mail_list_t *in, void **ret_self, why_t *why)
{
    const config_t *config = setup->actor->config;
    apps_new (setup, ret_self);
    edge_apps_t *self = *ret_self;
    int rc = open_requests (self, API_REQUESTS, config->api, in, why);
    if (rc == 0)
        rc = open_socket (self, API_FEED, ZMQ_XPUB, config->feed, in, &self->feed, why);
    if (rc == 0)
        rc = open_socket (self, API_INTAKE, ZMQ_PULL, config->intake, in, &self->intake, why);
    if (rc)
        apps_close (ret_self);
    return rc;
}

static int admin_open (const edge_setup_t *setup, mail_list_t *in, void **ret_self, why_t *why)
{
    apps_new (setup, ret_self);
    int rc = open_requests (*ret_self, ADMIN_REQUESTS, setup->actor->config->admin, in, why);
    if (rc)
        apps_close (ret_self);
    return rc;
}

//  ---- in

static void apps_poll (void *context, poll_list_t *items)
{
    edge_apps_t *self = context;
    server_poll (self->requests, items);
    if (self->feed)
        poll_list_add (items, self->feed, 0);
    if (self->intake && !self->hold_intake)
        poll_list_add (items, self->intake, 0);
}

//  Subscriptions come in at the feed. ZeroMQ has already acted on them; the core wants to know
//  whether anybody listens.
static void read_feed (edge_apps_t *self, mail_list_t *in)
{
    frame_t frame;
    size_t count;
    for (int rc = 0; rc == 0 || rc == ERR_TOO_LARGE;) {
        rc = wire_receive (self->feed, &frame, 1, &count);
        if (rc == 0) {
            edge_in_t body = {.socket = API_FEED};
            edge_tell (in, self->setup.owner, MAIL_EDGE_IN, &edge_in_type, &body, &frame, count);
        }
    }
}

static void read_intake (edge_apps_t *self, mail_list_t *in)
{
    frame_t frames[MAIL_FRAMES_MAX];
    for (int i = 0; i < INTAKE_MAX; i++) {
        size_t count;
        int rc = wire_receive (self->intake, frames, MAIL_FRAMES_MAX, &count);
        if (rc == ERR_TOO_LARGE)
            metric_add (self->setup.metrics, METRIC_GARBAGE, 1);
        else if (rc)
            return;
        else {
            edge_in_t body = {.socket = API_INTAKE};
            edge_tell (in, self->setup.owner, MAIL_EDGE_IN, &edge_in_type, &body, frames, count);
        }
    }
}

static bool apps_read (void *context, const zmq_pollitem_t *items, mail_list_t *in)
{
    edge_apps_t *self = context;
    bool more = server_read (self->requests, &items, in);
    if (self->feed && (items++)->revents)
        read_feed (self, in);
    if (self->intake && !self->hold_intake && items->revents)
        read_intake (self, in);
    return more;
}

//  ---- out

static void out (edge_apps_t *self, mail_t *mail, mail_list_t *in)
{
    edge_out_t ask;
    if (!edge_understand (self->setup.owner, mail, &edge_out_type, &ask))
        return;
    if (self->feed && ask.socket == API_FEED) {
        size_t count = mail->frame_count;
        mail->frame_count = 0;
        wire_send_all (self->feed, mail->frames, count); // XPUB never refuses
    } else
        server_write (self->requests, ask.line, mail, in);
}

static void hold (edge_apps_t *self, const edge_hold_t *ask)
{
    if (ask->socket == API_REQUESTS) // ADMIN_REQUESTS is the same number
        server_hold (self->requests, ask->hold);
    else if (ask->socket == API_INTAKE)
        self->hold_intake = ask->hold;
}

static void apps_write (void *context, mail_t **mail_p, mail_list_t *in)
{
    edge_apps_t *self = context;
    int owner = self->setup.owner;
    edge_hang_up_t hang_up;
    edge_hold_t ask;
    switch ((*mail_p)->envelope.verb) {
    case MAIL_EDGE_OUT: out (self, *mail_p, in); break;
    case MAIL_EDGE_HANG_UP:
        if (edge_understand (owner, *mail_p, &edge_hang_up_type, &hang_up))
            server_hang_up (self->requests, hang_up.line);
        break;
    case MAIL_EDGE_HOLD:
        if (edge_understand (owner, *mail_p, &edge_hold_type, &ask))
            hold (self, &ask);
        break;
    default: break;
    }
    mail_destroy (mail_p);
}

const edge_class_t edge_api = {api_open, apps_poll, apps_read, apps_write, apps_close};
const edge_class_t edge_admin = {admin_open, apps_poll, apps_read, apps_write, apps_close};

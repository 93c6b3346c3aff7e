//  edge_link - the sockets of link: two doors that listen, and the dials
//
//      LINK_PEERS  a ROUTER on every node/listen, and a DEALER for each member that is dialled
//      LINK_DOOR   a ROUTER on node/door for the invited, and the DEALER that knocks elsewhere
//
//  And the authentication of the whole process (zap.h), which is therefore there before any CURVE
//  server is.

#include "actors/shell/dial.h"
#include "actors/shell/listen.h"
#include "actors/shell/server.h"
#include "actors/shell/zap.h"
#include "actors/sockets.h"
#include "store/node.h"

#include <stdio.h>
#include <stdlib.h>

#define RECEIVE_MAX 100 // messages of a peer that wait; its bytes are bounded by credit

typedef char endpoint_text_t[LIMIT_ENDPOINT_BYTES + 1];

typedef struct edge_link {
    edge_setup_t setup;
    zap_t *zap;
    server_t *servers[2]; // LINK_PEERS, LINK_DOOR
    dials_t *dials;
} edge_link_t;

static void link_close (void **self_p)
{
    edge_link_t *self = *self_p;
    if (!self)
        return;
    dials_destroy (&self->dials);
    server_destroy (&self->servers[LINK_DOOR]);
    server_destroy (&self->servers[LINK_PEERS]);
    zap_destroy (&self->zap);
    free (self);
    *self_p = NULL;
}

//  ---- where to listen

//  What was bound the last time, as the core wrote it down (EDGE_BOUND.endpoints); none if it was
//  not.
static void read_kept (store_t *store, const char *name, endpoint_list_t *ret_kept)
{
    *ret_kept = (endpoint_list_t){0};
    txn_t *txn;
    slice_t packed, text;
    size_t count;
    if (!store || store_begin (store, false, &txn))
        return;
    if (node_get (txn, NODE_SETTINGS, slice_text (name), &packed) == 0) {
        cursor_t cursor = cursor_over (packed);
        if (cursor_array (&cursor, &count) == 0)
            for (size_t i = 0; i < count && i < LIMIT_ENDPOINTS; i++) {
                if (cursor_text (&cursor, &text) || text.size > LIMIT_ENDPOINT_BYTES)
                    break;
                memcpy (ret_kept->items[ret_kept->count++], text.data, text.size);
            }
    }
    store_abort (&txn);
}

//  config->door, or the first listen's host with any port, or its path with ".door" behind.
static void door_endpoint (const config_t *config, endpoint_list_t *ret_list)
{
    *ret_list = (endpoint_list_t){.count = 1};
    char *text = ret_list->items[0];
    const char *listen = config->listen.items[0];
    const char *colon = strrchr (listen, ':');
    if (config->door[0])
        snprintf (text, sizeof (endpoint_text_t), "%s", config->door);
    else if (endpoint_is_ipc (listen))
        snprintf (text, sizeof (endpoint_text_t), "%.*s.door",
            (int)(sizeof (endpoint_text_t) - sizeof ".door"), listen);
    else
        snprintf (
            text, sizeof (endpoint_text_t), "%.*s:*", (int)(colon ? colon - listen : 0), listen);
}

static int open_server (edge_link_t *self, int number, const endpoint_list_t *listen,
    const char *kept_name, mail_list_t *in, why_t *why)
{
    const server_options_t options = {.setup = &self->setup,
        .number = number,
        .frame_bytes_max = LIMIT_PEER_FRAME_BYTES,
        .receive_max = RECEIVE_MAX,
        .identity = self->setup.actor->identity,
        .garbage = METRIC_PEER_GARBAGE,
        .domain = zap_domain_names[number == LINK_DOOR ? ZAP_DOOR : ZAP_PEERS]};
    int rc = server_new (&options, &self->servers[number], why);
    endpoint_list_t kept;
    read_kept (self->setup.store, kept_name, &kept);
    endpoint_text_t bound[LIMIT_ENDPOINTS];
    const char *texts[LIMIT_ENDPOINTS];
    for (size_t i = 0; rc == 0 && i < listen->count; i++) {
        rc = server_bind (self->servers[number], listen->items[i],
            i < kept.count ? kept.items[i] : NULL, bound[i], why);
        texts[i] = bound[i];
    }
    if (rc == 0)
        edge_tell_bound (in, self->setup.owner, number, texts, listen->count);
    return rc;
}

static int link_open (const edge_setup_t *setup, mail_list_t *in, void **ret_self, why_t *why)
{
    edge_link_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    self->setup = *setup;
    self->dials = dials_new (setup);
    endpoint_list_t door;
    door_endpoint (setup->actor->config, &door);
    int rc = zap_new (setup, &self->zap, why);
    if (rc == 0)
        rc = open_server (self, LINK_PEERS, &setup->actor->config->listen, "bound/peers", in, why);
    if (rc == 0)
        rc = open_server (self, LINK_DOOR, &door, "bound/door", in, why);
    *ret_self = self;
    if (rc)
        link_close (ret_self);
    return rc;
}

//  ---- in

static void link_poll (void *context, poll_list_t *items)
{
    edge_link_t *self = context;
    zap_poll (self->zap, items);
    server_poll (self->servers[LINK_PEERS], items);
    server_poll (self->servers[LINK_DOOR], items);
    dials_poll (self->dials, items);
}

static bool link_read (void *context, const zmq_pollitem_t *items, mail_list_t *in)
{
    edge_link_t *self = context;
    if (items[0].revents)
        zap_read (self->zap, in);
    items++;
    bool more = server_read (self->servers[LINK_PEERS], &items, in);
    more = server_read (self->servers[LINK_DOOR], &items, in) || more;
    return dials_read (self->dials, items, in) || more;
}

//  ---- out

static void admit (edge_link_t *self, const edge_admit_t *ask)
{
    cursor_t cursor = cursor_over (ask->keys);
    size_t count;
    if (cursor_array (&cursor, &count))
        return;
    public_key_t *keys = calloc (count ? count : 1, sizeof *keys);
    if (!keys)
        abort ();
    size_t taken = 0;
    while (taken < count && cursor_bin_exact (&cursor, keys[taken].bytes, KEY_SIZE) == 0)
        taken++;
    zap_admit (self->zap, ask->socket == LINK_DOOR ? ZAP_DOOR : ZAP_PEERS, keys, taken);
    free (keys);
}

static void out (edge_link_t *self, mail_t *mail, mail_list_t *in)
{
    edge_out_t ask;
    if (!edge_understand (self->setup.owner, mail, &edge_out_type, &ask) || ask.socket > LINK_DOOR)
        return;
    if (ask.line & 1)
        dials_write (self->dials, ask.line, mail, in);
    else
        server_write (self->servers[ask.socket], ask.line, mail, in);
}

static void hang_up (edge_link_t *self, uint64_t line)
{
    if (line & 1)
        dials_hang_up (self->dials, line);
    server_hang_up (self->servers[LINK_PEERS], line);
    server_hang_up (self->servers[LINK_DOOR], line);
}

static void link_write (void *context, mail_t **mail_p, mail_list_t *in)
{
    edge_link_t *self = context;
    int owner = self->setup.owner;
    union {
        edge_dial_t dial;
        edge_hang_up_t hang_up;
        edge_admit_t admit;
        edge_hold_t hold;
    } ask;
    switch ((*mail_p)->envelope.verb) {
    case MAIL_EDGE_OUT: out (self, *mail_p, in); break;
    case MAIL_EDGE_DIAL:
        if (edge_understand (owner, *mail_p, &edge_dial_type, &ask.dial))
            dials_open (self->dials, &ask.dial, in);
        break;
    case MAIL_EDGE_HANG_UP:
        if (edge_understand (owner, *mail_p, &edge_hang_up_type, &ask.hang_up))
            hang_up (self, ask.hang_up.line);
        break;
    case MAIL_EDGE_ADMIT:
        if (edge_understand (owner, *mail_p, &edge_admit_type, &ask.admit))
            admit (self, &ask.admit);
        break;
    case MAIL_EDGE_HOLD:
        if (edge_understand (owner, *mail_p, &edge_hold_type, &ask.hold) &&
            ask.hold.socket <= LINK_DOOR)
            server_hold (self->servers[ask.hold.socket], ask.hold.hold);
        break;
    default: break;
    }
    mail_destroy (mail_p);
}

const edge_class_t edge_link = {link_open, link_poll, link_read, link_write, link_close};

//  zap - who may come in

#include "actors/shell/zap.h"
#include "actors/shell/log.h"
#include "actors/shell/wire.h"
#include "actors/sockets.h"

#include <czmq.h>
#include <stdlib.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_READ_MAX 64

//  What ROUTER gives of a request: [routing id, empty, "1.0", request id, domain, address,
//  identity, "CURVE", key].
enum {
    REQUEST_ROUTE,
    REQUEST_EMPTY,
    REQUEST_VERSION,
    REQUEST_ID,
    REQUEST_DOMAIN,
    REQUEST_ADDRESS,
    REQUEST_IDENTITY,
    REQUEST_MECHANISM,
    REQUEST_KEY,
    REQUEST_FRAMES
};

typedef struct key_set {
    public_key_t *keys; // ascending
    size_t count;
} key_set_t;

struct zap {
    edge_setup_t setup;
    void *socket;
    key_set_t sets[ZAP_DOMAIN_COUNT];
    denials_t denials;
};

const char *const zap_domain_names[ZAP_DOMAIN_COUNT] = {"peers", "door", "app"};

int zap_new (const edge_setup_t *setup, zap_t **ret_self, why_t *why)
{
    zap_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    self->setup = *setup;
    self->socket = zmq_socket (zsys_init (), ZMQ_ROUTER);
    int zero = 0;
    if (!self->socket || zmq_setsockopt (self->socket, ZMQ_LINGER, &zero, sizeof zero) ||
        zmq_bind (self->socket, ZAP_ENDPOINT)) {
        why_fail (why, ERR_SYSTEM, "no authentication: %s", zmq_strerror (zmq_errno ()));
        zap_destroy (&self);
        return ERR_SYSTEM;
    }
    const config_t *config = setup->actor->config;
    //  Apps that may come in: those that are listed, and the command, which has this node's own
    //  key.
    public_key_t apps[LIMIT_ENDPOINTS + 1];
    memcpy (apps, config->allow, config->allow_count * sizeof *apps);
    apps[config->allow_count] = setup->actor->identity->curve;
    zap_admit (self, ZAP_APP, apps, config->allow_count + 1);
    *ret_self = self;
    return 0;
}

void zap_destroy (zap_t **self_p)
{
    zap_t *self = *self_p;
    if (!self)
        return;
    if (self->socket) {
        zmq_unbind (self->socket, ZAP_ENDPOINT); // the name is free at once
        zmq_close (self->socket);
    }
    for (int domain = 0; domain < ZAP_DOMAIN_COUNT; domain++)
        free (self->sets[domain].keys);
    free (self);
    *self_p = NULL;
}

static int compare_keys (const void *a, const void *b)
{
    return memcmp (a, b, KEY_SIZE);
}

void zap_admit (zap_t *self, int domain, const public_key_t *keys, size_t count)
{
    key_set_t *set = &self->sets[domain];
    free (set->keys);
    set->count = count;
    set->keys = calloc (count ? count : 1, sizeof *keys);
    if (!set->keys)
        abort ();
    if (count)
        memcpy (set->keys, keys, count * sizeof *keys);
    if (count > 1)
        qsort (set->keys, count, sizeof *keys, compare_keys);
}

static bool admits (const zap_t *self, int domain, slice_t key)
{
    const key_set_t *set = &self->sets[domain];
    return set->count && bsearch (key.data, set->keys, set->count, KEY_SIZE, compare_keys) != NULL;
}

static bool frame_is (const frame_t *frame, const char *text)
{
    return slice_equal (frame->bytes, slice_text (text));
}

//  The domain that is asked for; -1 if this is not a request that can be answered.
static int request_check (const frame_t *frames, size_t count)
{
    if (count != REQUEST_FRAMES || frames[REQUEST_EMPTY].bytes.size != 0 ||
        !frame_is (&frames[REQUEST_VERSION], "1.0") ||
        !frame_is (&frames[REQUEST_MECHANISM], "CURVE") || frames[REQUEST_ID].bytes.size > 255 ||
        frames[REQUEST_KEY].bytes.size != KEY_SIZE)
        return -1;
    for (int domain = 0; domain < ZAP_DOMAIN_COUNT; domain++)
        if (frame_is (&frames[REQUEST_DOMAIN], zap_domain_names[domain]))
            return domain;
    return -1;
}

static frame_t frame_text (const char *text)
{
    return frame_copy (slice_text (text));
}

//  Answers; takes the frames that it sends back.
static void answer (zap_t *self, frame_t *frames, bool admitted, const char *user)
{
    frame_t reply[] = {frames[REQUEST_ROUTE], frames[REQUEST_EMPTY], frames[REQUEST_VERSION],
        frames[REQUEST_ID], frame_text (admitted ? "200" : "400"),
        frame_text (admitted ? "OK" : "not admitted"), frame_text (admitted ? user : ""),
        frame_text ("")};
    for (int i = REQUEST_ROUTE; i <= REQUEST_ID; i++)
        frames[i] = (frame_t){{NULL, 0}, NULL, NULL};
    wire_send_all (self->socket, reply, sizeof reply / sizeof *reply);
}

static void tell_denied (
    zap_t *self, int domain, slice_t address, const char *user, mail_list_t *in)
{
    char detail[160];
    bool from = address.size > 0 && address.size < 80;
    snprintf (detail, sizeof detail, "%.*s with the key %s", from ? (int)address.size : 2,
        from ? (const char *)address.data : "??", user);
    if (domain == ZAP_APP)
        log_printf (self->setup.owner, SAY_WARNING, "an app was refused: %s", detail);
    else
        edge_tell_denied (
            &self->denials, &self->setup, domain == ZAP_DOOR ? LINK_DOOR : LINK_PEERS, detail, in);
}

void zap_poll (zap_t *self, poll_list_t *items)
{
    poll_list_add (items, self->socket, 0);
}

void zap_read (zap_t *self, mail_list_t *in)
{
    frame_t frames[REQUEST_FRAMES];
    for (int i = 0; i < ZAP_READ_MAX; i++) {
        size_t count;
        int rc = wire_receive (self->socket, frames, REQUEST_FRAMES, &count);
        if (rc == ERR_TOO_LARGE)
            continue;
        if (rc)
            return;
        int domain = request_check (frames, count);
        if (domain >= 0) {
            char user[Z85_KEY_SIZE];
            public_key_t key;
            memcpy (key.bytes, frames[REQUEST_KEY].bytes.data, KEY_SIZE);
            key_to_z85 (&key, user);
            bool admitted = admits (self, domain, frames[REQUEST_KEY].bytes);
            answer (self, frames, admitted, user);
            if (!admitted)
                tell_denied (self, domain, frames[REQUEST_ADDRESS].bytes, user, in);
        }
        wire_release_all (frames, count);
    }
}

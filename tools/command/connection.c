//  connection - one node's socket, asked and answered
//
//  ZMQ_IMMEDIATE gives a socket that can be written to only while its connection stands, handshake included. So whether
//  the node is there is asked of the socket itself, without a monitor.

#include "tools/command/connection.h"

#include "actors/shell/home.h"
#include "messages/request.h"
#include "tools/command/place.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#define LISTEN_MS    1000 // for a node that is just starting, where nobody listens
#define LOOK_MS      100  // how often it is looked whether the node is there
#define SILENCE_MS   15000
#define HEARTBEAT_MS 5000
#define FRAME_BYTES  (64 << 20)

struct connection {
    const command_t *command;
    place_t place;
    identity_t identity; // with CURVE only
    void *context;
    void *socket;
    void *feed;
    uint64_t id; // of the last request
    zmq_msg_t answer;
    bool has_answer;
};

static int64_t now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int no_answer (const connection_t *self, const char *what)
{
    char text[LIMIT_ENDPOINT_BYTES + 128];
    snprintf (text, sizeof text, "%s at %s", what, self->place.endpoint);
    return command_fail_error (self->command, ERR_NO_ANSWER, text);
}

//  ---- opening

static void set_int (void *socket, int option, int value)
{
    zmq_setsockopt (socket, option, &value, sizeof value);
}

static void *socket_new (connection_t *self, int type, const place_t *place)
{
    void *socket = zmq_socket (self->context, type);
    int64_t bytes = FRAME_BYTES;
    if (!socket)
        return NULL;
    zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &bytes, sizeof bytes);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_IMMEDIATE, 1);
    set_int (socket, ZMQ_RECONNECT_IVL, 20);
    set_int (socket, ZMQ_RECONNECT_IVL_MAX, 1000);
    set_int (socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set_int (socket, ZMQ_HEARTBEAT_TIMEOUT, SILENCE_MS);
    set_int (socket, ZMQ_IPV6, strchr (place->endpoint, '[') != NULL);
    if (place->curve) {
        zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, place->key.bytes, KEY_SIZE);
        zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, self->identity.curve.bytes, KEY_SIZE);
        zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, self->identity.curve_secret, KEY_SIZE);
    }
    if (zmq_connect (socket, place->endpoint)) {
        zmq_close (socket);
        return NULL;
    }
    return socket;
}

static int identity_read (connection_t *self)
{
    why_t why = {""};
    home_t home;
    int rc = self->place.curve ? home_open (self->command->dir, &home, &why) : 0;
    if (rc == 0 && self->place.curve)
        rc = keys_start () ? ERR_INTERNAL : home_identity (&home, &self->identity, &why);
    return rc ? command_fail_error (self->command, rc, why.text) : EXIT_DONE;
}

static int wait_for_node (connection_t *self)
{
    if (!self->place.curve && !place_wait (&self->place, LISTEN_MS))
        return no_answer (self, "no node answers");
    self->socket = socket_new (self, ZMQ_DEALER, &self->place);
    if (!self->socket)
        return no_answer (self, "there can be no connection");
    zmq_pollitem_t item = {self->socket, 0, ZMQ_POLLOUT, 0};
    if (zmq_poll (&item, 1, CONNECT_MS) <= 0)
        return no_answer (self, "no node answers");
    return EXIT_DONE;
}

int connection_open (const command_t *command, const char *name, connection_t **ret_self)
{
    why_t why = {""};
    connection_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();
    self->command = command;
    self->context = zmq_ctx_new ();
    int status;
    if (!command->dir)
        status = usage_fail (command, "which node? -d DIR or TIDEPOOL_DIR says it");
    else if (place_find (command->dir, name, &self->place, &why))
        status = command_fail_error (command, ERR_NO_ANSWER, why.text);
    else
        status = identity_read (self);
    if (status == EXIT_DONE)
        status = wait_for_node (self);
    if (status)
        connection_destroy (&self);
    else
        *ret_self = self;
    return status;
}

void *connection_feed (connection_t *self)
{
    why_t why = {""};
    place_t place;
    if (place_find (self->command->dir, "feed", &place, &why))
        command_fail_error (self->command, ERR_NO_ANSWER, why.text);
    else if (!(self->feed = socket_new (self, ZMQ_SUB, &place)))
        no_answer (self, "there is no feed");
    else
        zmq_setsockopt (self->feed, ZMQ_SUBSCRIBE, "", 0);
    return self->feed;
}

void connection_destroy (connection_t **self_p)
{
    connection_t *self = *self_p;
    if (!self)
        return;
    if (self->has_answer)
        zmq_msg_close (&self->answer);
    if (self->feed)
        zmq_close (self->feed);
    if (self->socket)
        zmq_close (self->socket);
    zmq_ctx_term (self->context);
    free (self);
    *self_p = NULL;
}

bool connection_stands (connection_t *self)
{
    zmq_pollitem_t item = {self->socket, 0, ZMQ_POLLOUT, 0};
    return zmq_poll (&item, 1, 0) > 0;
}

//  ---- asking

int connection_send (connection_t *self, ask_t *ask)
{
    buffer_t body = {NULL, 0, 0};
    pack_map (&body, ask->count + 2);
    pack_string (&body, "do");
    pack_string (&body, ask->verb);
    pack_string (&body, "id");
    pack_uint (&body, ++self->id);
    pack_raw (&body, buffer_slice (&ask->fields));
    buffer_release (&ask->fields);
    ask->count = 0;
    int status = EXIT_DONE;
    if (body.size > LIMIT_REQUEST_BYTES)
        status = command_fail_error (self->command, ERR_TOO_LARGE, NULL);
    else if (zmq_send (self->socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
             zmq_send (self->socket, body.data, body.size, ZMQ_DONTWAIT) < 0)
        status = no_answer (self, "the node went away");
    buffer_release (&body);
    return status;
}

//  Takes a message's last frame. False where there is none yet.
static bool message_take (connection_t *self)
{
    if (self->has_answer)
        zmq_msg_close (&self->answer);
    self->has_answer = true;
    zmq_msg_init (&self->answer);
    do {
        if (zmq_msg_recv (&self->answer, self->socket, ZMQ_DONTWAIT) < 0)
            return false;
    } while (zmq_msg_more (&self->answer));
    return true;
}

static slice_t text_of (slice_t map, const char *name)
{
    slice_t value, text = {NULL, 0};
    if (map_find (map, name, &value)) {
        cursor_t cursor = cursor_over (value);
        cursor_text (&cursor, &text);
    }
    return text;
}

//  CONNECTION_WAITS for what answers another request.
static int answer_judge (connection_t *self, slice_t *ret_answer)
{
    slice_t map = slice_of (zmq_msg_data (&self->answer), zmq_msg_size (&self->answer));
    slice_t value;
    uint64_t id = 0;
    bool ok = false;
    if (pack_check (map) || !map_find (map, "ok", &value))
        return no_answer (self, "something that is no node answers");
    cursor_t cursor = cursor_over (value);
    cursor_bool (&cursor, &ok);
    if (map_find (map, "id", &value)) {
        cursor = cursor_over (value);
        cursor_uint (&cursor, &id);
    }
    if (id != self->id && (ok || id != 0))
        return CONNECTION_WAITS;
    *ret_answer = map;
    if (ok)
        return EXIT_DONE;
    char code[64] = "INTERNAL";
    slice_t name = text_of (map, "error");
    if (name.size && name.size < sizeof code) {
        memcpy (code, name.data, name.size);
        code[name.size] = 0;
    }
    command_fail (self->command, code, text_of (map, "message"));
    return EXIT_REFUSED;
}

int connection_try (connection_t *self, int timeout_ms, slice_t *ret_answer)
{
    int64_t end = now_ms () + timeout_ms;
    while (true) {
        //  First whether it stands: what was sent before the end can still be read after it.
        bool stands = connection_stands (self);
        while (message_take (self)) {
            int status = answer_judge (self, ret_answer);
            if (status != CONNECTION_WAITS)
                return status;
        }
        if (!stands)
            return CONNECTION_LOST;
        int64_t left = timeout_ms < 0 ? LOOK_MS : end - now_ms ();
        if (left <= 0)
            return CONNECTION_WAITS;
        zmq_pollitem_t item = {self->socket, 0, ZMQ_POLLIN, 0};
        zmq_poll (&item, 1, left < LOOK_MS ? left : LOOK_MS);
    }
}

int connection_receive (connection_t *self, int timeout_ms, slice_t *ret_answer)
{
    int status = connection_try (self, timeout_ms, ret_answer);
    return status == CONNECTION_LOST ? no_answer (self, "the node went away") : status;
}

int connection_ask (connection_t *self, ask_t *ask, int timeout_ms, slice_t *ret_answer)
{
    int status = connection_send (self, ask);
    if (status == EXIT_DONE)
        status = connection_receive (self, timeout_ms, ret_answer);
    return status == CONNECTION_WAITS ? no_answer (self, "no answer came in time") : status;
}

int connection_ask_once (
    const command_t *command, const char *name, ask_t *ask, int timeout_ms, buffer_t *out)
{
    connection_t *self = NULL;
    slice_t answer = {NULL, 0};
    int status = connection_open (command, name, &self);
    if (status == EXIT_DONE)
        status = connection_ask (self, ask, timeout_ms, &answer);
    if (status == EXIT_DONE)
        buffer_append (out, answer.data, answer.size);
    buffer_release (&ask->fields);
    connection_destroy (&self);
    return status;
}

//  The edges from outside, over real sockets: who comes in at link's doors, under which name and
//  key; dials that fail; a port that is kept; apps that send nonsense. A core that only tells the
//  node what its edge tells it stands behind each.

#include "actors/shell/actor.h"
#include "actors/shell/log.h"
#include "actors/shell/mailbox.h"
#include "actors/sockets.h"
#include "store/node.h"

#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>

#define PATIENCE 60000 // ms

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf (stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                       \
            exit (1);                                                                              \
        }                                                                                          \
    } while (0)

//  ---- a core that passes on: from the edge to the node, from the node to the edge

static int relay_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    (void)setup;
    (void)step;
    *ret_self = calloc (1, 1);
    return *ret_self ? 0 : ERR_NO_MEMORY;
}

static void relay_receive (void *context, step_t *step, mail_t **mail_p)
{
    (void)context;
    mail_t *mail = *mail_p;
    mail->envelope.to = mail->envelope.from == ACTOR_EDGE ? ACTOR_NODE : ACTOR_EDGE;
    mail_list_append (&step->out, mail);
    *mail_p = NULL;
}

static void relay_close (void **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

static const actor_class_t link_relay = {.actor = ACTOR_LINK,
    .txn = TXN_READ,
    .open = relay_open,
    .receive = relay_receive,
    .close = relay_close};
static const actor_class_t api_relay = {.actor = ACTOR_API,
    .txn = TXN_READ,
    .open = relay_open,
    .receive = relay_receive,
    .close = relay_close};

//  ---- the node's side

typedef struct house {
    char dir[64];
    config_t config;
    identity_t identity;
    actor_setup_t setup;
    store_t *store;
    metrics_t metrics;
    mailbox_t mailbox;
    actor_t *actor;
    char bound[3][LIMIT_ENDPOINT_BYTES + 1]; // by number of socket
} house_t;

static void tell_edge (
    house_t *house, int verb, const message_type_t *type, const void *body, const char *frame)
{
    step_t step = {.self = ACTOR_NODE};
    slice_t frames[] = {slice_text (frame)};
    step_send (&step, actor_number (house->actor), verb, 0, type, body, frames, frame != NULL);
    mail_t *mail = mail_list_take (&step.out);
    mailbox_send (&house->mailbox, &mail);
}

//  The next mail of this verb; of others, there must be none before it.
static mail_t *await (house_t *house, int verb, const message_type_t *type, void *ret_body)
{
    zmq_pollitem_t item = {house->mailbox.pull, 0, ZMQ_POLLIN, 0};
    mail_t *mail = NULL;
    CHECK (zmq_poll (&item, 1, PATIENCE) == 1);
    CHECK (mailbox_receive (&house->mailbox, &mail) == 0);
    if (mail->envelope.verb != verb)
        fprintf (stderr, "%s came\n", mail_verb_name (mail->envelope.verb));
    CHECK (mail->envelope.verb == verb);
    CHECK (message_unpack (type, mail->body, ret_body, NULL) == 0);
    return mail;
}

static edge_event_mail_t await_event (house_t *house, int event)
{
    edge_event_mail_t body;
    mail_t *mail = await (house, MAIL_EDGE_EVENT, &edge_event_mail_type, &body);
    fprintf (stderr, "event %d: %.*s\n", (int)body.event, (int)body.detail.size,
        (const char *)body.detail.data);
    CHECK (body.event == (uint64_t)event);
    mail_destroy (&mail);
    return body;
}

static edge_in_t await_in (house_t *house, const char *text)
{
    edge_in_t body;
    mail_t *mail = await (house, MAIL_EDGE_IN, &edge_in_type, &body);
    size_t last = mail->frame_count - 1;
    CHECK (slice_equal (mail_frame (mail, last), slice_text (text)));
    mail_destroy (&mail);
    return body;
}

static void start (house_t *house, const actor_class_t *class, const edge_class_t *edge, int count)
{
    actor_options_t options = {.instance = "test",
        .class = class,
        .edge = edge,
        .setup = &house->setup,
        .store = house->store,
        .metrics = &house->metrics};
    why_t why = {""};
    if (actor_start (&options, &house->actor, &why))
        fprintf (stderr, "%s\n", why.text);
    CHECK (house->actor);
    for (int i = 0; i < count; i++) {
        edge_bound_t body;
        mail_t *mail = await (house, MAIL_EDGE_BOUND, &edge_bound_type, &body);
        CHECK (slice_equal (mail->body, actor_bound (house->actor, (size_t)i)));
        cursor_t cursor = cursor_over (body.endpoints);
        size_t endpoints;
        slice_t text;
        CHECK (cursor_array (&cursor, &endpoints) == 0 && endpoints == 1);
        CHECK (cursor_text (&cursor, &text) == 0);
        snprintf (house->bound[body.socket], sizeof *house->bound, "%.*s", (int)text.size,
            (const char *)text.data);
        mail_destroy (&mail);
    }
}

//  ---- the outside

typedef struct caller {
    void *socket;
    uint8_t secret[32];
    public_key_t key;
} caller_t;

static caller_t caller_new (uint8_t number)
{
    caller_t self = {.socket = zmq_socket (zsys_init (), ZMQ_DEALER)};
    uint8_t seed[32];
    memset (seed, number, sizeof seed);
    curve_of_secret (seed, &self.key, self.secret);
    int second = 1000;
    zmq_setsockopt (self.socket, ZMQ_LINGER, &second, sizeof second);
    return self;
}

static void caller_curve (caller_t *self, const public_key_t *server)
{
    zmq_setsockopt (self->socket, ZMQ_CURVE_SERVERKEY, server->bytes, 32);
    zmq_setsockopt (self->socket, ZMQ_CURVE_PUBLICKEY, self->key.bytes, 32);
    zmq_setsockopt (self->socket, ZMQ_CURVE_SECRETKEY, self->secret, 32);
}

static void caller_say (caller_t *self, const char *endpoint, const char *text)
{
    CHECK (zmq_connect (self->socket, endpoint) == 0);
    CHECK (zmq_send (self->socket, text, strlen (text), 0) >= 0);
}

static void caller_hears (caller_t *self, const char *text)
{
    char heard[64];
    int timeout = PATIENCE;
    zmq_setsockopt (self->socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    int size = zmq_recv (self->socket, heard, sizeof heard, 0);
    CHECK (size == (int)strlen (text) && memcmp (heard, text, (size_t)size) == 0);
}

static void admit (house_t *house, int socket, const public_key_t *key)
{
    buffer_t keys = {NULL, 0, 0};
    pack_array (&keys, key ? 1 : 0);
    if (key)
        pack_bin (&keys, slice_of (key->bytes, KEY_SIZE));
    edge_admit_t ask = {.socket = (uint64_t)socket, .keys = buffer_slice (&keys)};
    tell_edge (house, MAIL_EDGE_ADMIT, &edge_admit_type, &ask, NULL);
    buffer_release (&keys);
}

//  Makes sure that the edge has done all that it was told: what it was told next has come back.
static void await_edge (house_t *house)
{
    edge_dial_t ask = {.line = 999999, .endpoint = slice_text ("nonsense")};
    tell_edge (house, MAIL_EDGE_DIAL, &edge_dial_type, &ask, NULL);
    CHECK (await_event (house, EDGE_UNREACHABLE).line == 999999);
}

//  ---- link

static struct sockaddr_in address_of (const char *endpoint)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
        .sin_port = htons ((uint16_t)atoi (strrchr (endpoint, ':') + 1)),
        .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
}

static void member_comes_in_under_its_key (house_t *house)
{
    caller_t member = caller_new (1);
    caller_curve (&member, &house->identity.curve);
    admit (house, LINK_PEERS, &member.key);
    await_edge (house);
    caller_say (&member, house->bound[LINK_PEERS], "hello");
    edge_in_t in = await_in (house, "hello");
    CHECK (in.socket == LINK_PEERS && in.line && in.line % 2 == 0);
    CHECK (memcmp (&in.key, &member.key, sizeof in.key) == 0);

    edge_out_t out = {.socket = LINK_PEERS, .line = in.line};
    tell_edge (house, MAIL_EDGE_OUT, &edge_out_type, &out, "welcome");
    caller_hears (&member, "welcome");
    CHECK (zmq_send (member.socket, "again", 5, 0) == 5);
    CHECK (await_in (house, "again").line == in.line);

    edge_hang_up_t hang_up = {.line = in.line};
    tell_edge (house, MAIL_EDGE_HANG_UP, &edge_hang_up_type, &hang_up, NULL);
    await_edge (house);
    CHECK (zmq_send (member.socket, "anew", 4, 0) == 4);
    uint64_t line = await_in (house, "anew").line;
    CHECK (line != in.line && line % 2 == 0);
    zmq_close (member.socket);
    CHECK (await_event (house, EDGE_LOST).line == line);
    tell_edge (house, MAIL_EDGE_OUT, &edge_out_type, &out, "to nobody");
}

static void stranger_is_denied (house_t *house, int socket, uint8_t number)
{
    caller_t stranger = caller_new (number);
    caller_curve (&stranger, &house->identity.curve);
    caller_say (&stranger, house->bound[socket], "let me in");
    edge_event_mail_t event = await_event (house, EDGE_DENIED);
    CHECK (event.line == 0 && event.socket == (uint64_t)socket);
    zmq_close (stranger.socket);
}

//  A ZMTP greeting of the mechanism NULL, from a plain descriptor: a ZeroMQ client would hang up
//  itself when it sees that the other side wants CURVE, and the server would not always have seen
//  why.
static void plain_client_is_denied (house_t *house)
{
    static const uint8_t greeting[64] = {
        0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0, 'N', 'U', 'L', 'L'};
    struct sockaddr_in address = address_of (house->bound[LINK_PEERS]);
    int descriptor = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK (connect (descriptor, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK (write (descriptor, greeting, sizeof greeting) == sizeof greeting);
    CHECK (await_event (house, EDGE_DENIED).socket == LINK_PEERS);
    close (descriptor);
}

static void dial (house_t *house, uint64_t line, const char *endpoint, const public_key_t *server,
    const uint8_t *secret)
{
    edge_dial_t ask = {.line = line, .endpoint = slice_text (endpoint), .server = *server};
    if (secret)
        ask.secret = slice_of (secret, 32);
    tell_edge (house, MAIL_EDGE_DIAL, &edge_dial_type, &ask, NULL);
}

//  The node at its own door: both ends of one connection.
static void knock_reaches_the_door (house_t *house)
{
    uint8_t secret[32];
    public_key_t key;
    uint8_t unused[32];
    memset (secret, 7, sizeof secret);
    curve_of_secret (secret, &key, unused);
    admit (house, LINK_DOOR, &key);
    dial (house, 11, house->bound[LINK_DOOR], &house->identity.curve, secret);
    edge_event_mail_t event = await_event (house, EDGE_CONNECTED);
    CHECK (event.line == 11 && event.socket == LINK_DOOR);

    edge_out_t out = {.socket = LINK_DOOR, .line = 11};
    tell_edge (house, MAIL_EDGE_OUT, &edge_out_type, &out, "knock");
    edge_in_t in = await_in (house, "knock");
    CHECK (in.socket == LINK_DOOR && memcmp (&in.key, &key, sizeof key) == 0);
    out.line = in.line;
    tell_edge (house, MAIL_EDGE_OUT, &edge_out_type, &out, "come in");
    in = await_in (house, "come in");
    CHECK (in.line == 11);
    CHECK (memcmp (&in.key, &house->identity.curve, sizeof in.key) == 0);

    edge_hang_up_t hang_up = {.line = 11};
    tell_edge (house, MAIL_EDGE_HANG_UP, &edge_hang_up_type, &hang_up, NULL);
    CHECK (await_event (house, EDGE_LOST).line == out.line);
}

static void dials_that_fail_say_so (house_t *house)
{
    caller_t other = caller_new (9);
    zmq_close (other.socket);
    dial (house, 21, "tcp://127.0.0.1:1", &house->identity.curve, NULL);
    CHECK (await_event (house, EDGE_UNREACHABLE).line == 21);
    dial (house, 23, house->bound[LINK_PEERS], &other.key, NULL);
    edge_event_mail_t first = {0};
    for (int i = 0; i < 2; i++) { // both ends tell
        edge_event_mail_t body;
        mail_t *mail = await (house, MAIL_EDGE_EVENT, &edge_event_mail_type, &body);
        CHECK (body.event == (body.line == 23 ? EDGE_UNREACHABLE : EDGE_DENIED));
        CHECK (i == 0 || body.event != first.event);
        first = body;
        mail_destroy (&mail);
    }
    dial (house, 25, "tcp://no.such.host.invalid:1", &house->identity.curve, NULL);
    CHECK (await_event (house, EDGE_UNREACHABLE).line == 25);
}

static void keep_ports (house_t *house)
{
    txn_t *txn;
    static const char *const names[] = {"bound/peers", "bound/door"};
    CHECK (store_begin (house->store, true, &txn) == 0);
    for (int i = LINK_PEERS; i <= LINK_DOOR; i++) {
        buffer_t packed = {NULL, 0, 0};
        pack_array (&packed, 1);
        pack_string (&packed, house->bound[i]);
        CHECK (node_put (txn, NODE_SETTINGS, slice_text (names[i]), buffer_slice (&packed)) == 0);
        buffer_release (&packed);
    }
    CHECK (store_commit (&txn) == 0);
}

//  ZeroMQ closes sockets behind our back: until it has, in this process, the port is taken.
static void await_port (const char *endpoint)
{
    struct sockaddr_in address = address_of (endpoint);
    for (int rc = -1; rc;) {
        int descriptor = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
        CHECK (descriptor >= 0);
        setsockopt (descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        rc = bind (descriptor, (struct sockaddr *)&address, sizeof address);
        close (descriptor);
    }
}

static void ports_are_kept (house_t *house)
{
    house_t before = *house;
    keep_ports (house);
    actor_destroy (&house->actor);
    await_port (before.bound[LINK_PEERS]);
    await_port (before.bound[LINK_DOOR]);
    start (house, &link_relay, &edge_link, 2);
    for (int i = LINK_PEERS; i <= LINK_DOOR; i++)
        CHECK (strcmp (house->bound[i], before.bound[i]) == 0);
}

//  ---- api

static void apps_are_answered (house_t *house)
{
    caller_t app = caller_new (4);
    caller_say (&app, house->bound[API_REQUESTS], "a request");
    edge_in_t in = await_in (house, "a request");
    CHECK (in.socket == API_REQUESTS && in.line % 2 == 0);
    edge_out_t out = {.socket = API_REQUESTS, .line = in.line};
    tell_edge (house, MAIL_EDGE_OUT, &edge_out_type, &out, "an answer");
    caller_hears (&app, "an answer");

    for (int i = 0; i < 40; i++) // more frames than a mail can hold: nobody hears of it
        CHECK (zmq_send (app.socket, "x", 1, i < 39 ? ZMQ_SNDMORE : 0) == 1);
    CHECK (zmq_send (app.socket, "last words", 10, 0) == 10);
    zmq_close (app.socket);
    CHECK (await_in (house, "last words").line == in.line);
    CHECK (await_event (house, EDGE_LOST).line == in.line);
    CHECK (metric_get (&house->metrics, METRIC_GARBAGE) == 1);
}

static void intake_and_feed_flow (house_t *house)
{
    void *push = zmq_socket (zsys_init (), ZMQ_PUSH);
    void *sub = zmq_socket (zsys_init (), ZMQ_SUB);
    int timeout = PATIENCE, second = 1000;
    zmq_setsockopt (push, ZMQ_LINGER, &second, sizeof second);
    zmq_setsockopt (sub, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "tags/", 5);
    CHECK (zmq_connect (sub, house->bound[API_FEED]) == 0);
    CHECK (zmq_connect (push, house->bound[API_INTAKE]) == 0);

    edge_hold_t hold = {.socket = API_INTAKE, .hold = true};
    tell_edge (house, MAIL_EDGE_HOLD, &edge_hold_type, &hold, NULL);
    CHECK (zmq_send (push, "grain", 5, 0) == 5);
    edge_out_t out = {.socket = API_FEED};
    char heard[16];
    CHECK (await_in (house, "\001tags/").socket == API_FEED); // somebody listens now
    tell_edge (house, MAIL_EDGE_OUT, &edge_out_type, &out, "tags/create");
    CHECK (zmq_recv (sub, heard, sizeof heard, 0) == 11);
    hold.hold = false;
    tell_edge (house, MAIL_EDGE_HOLD, &edge_hold_type, &hold, NULL);
    edge_in_t in = await_in (house, "grain");
    CHECK (in.socket == API_INTAKE && in.line == 0);
    zmq_close (push);
    zmq_close (sub);
}

static void house_open (house_t *house)
{
    const store_options_t options = {.map_size = 64 << 20, .no_sync = true};
    uint8_t seed[SEED_SIZE] = {42};
    why_t why;
    snprintf (house->dir, sizeof house->dir, "/tmp/test-edges-XXXXXX");
    CHECK (mkdtemp (house->dir));
    CHECK (identity_from_seed (seed, &house->identity) == 0);
    house->config.listen.count = 1;
    snprintf (house->config.listen.items[0], 64, "tcp://127.0.0.1:*");
    snprintf (house->config.api, 128, "ipc://%s/api.sock", house->dir);
    snprintf (house->config.feed, 128, "ipc://%s/feed.sock", house->dir);
    snprintf (house->config.intake, 128, "ipc://%s/intake.sock", house->dir);
    house->setup = (actor_setup_t){.config = &house->config, .identity = &house->identity};
    CHECK (store_open (house->dir, &options, &house->store) == 0);
    CHECK (mailbox_open (&house->mailbox, "test", ACTOR_NODE, &why) == 0);
}

int main (void)
{
    house_t house = {0};
    zsys_set_io_threads (2); // as a node has: listen.c
    zsys_handler_set (NULL);
    log_start ();
    CHECK (keys_start () == 0);
    house_open (&house);

    start (&house, &link_relay, &edge_link, 2);
    member_comes_in_under_its_key (&house);
    stranger_is_denied (&house, LINK_PEERS, 2);
    stranger_is_denied (&house, LINK_DOOR, 1); // a member, but not invited
    plain_client_is_denied (&house);
    knock_reaches_the_door (&house);
    dials_that_fail_say_so (&house);
    ports_are_kept (&house);
    actor_destroy (&house.actor);

    start (&house, &api_relay, &edge_api, 3);
    apps_are_answered (&house);
    intake_and_feed_flow (&house);
    actor_destroy (&house.actor);

    mailbox_close (&house.mailbox);
    store_destroy (&house.store);
    char command[96];
    snprintf (command, sizeof command, "rm -r %s", house.dir);
    return system (command) != 0;
}

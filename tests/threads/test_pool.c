//  test_pool - two whole nodes, each with all of its actors' threads, under the thread sanitizer
//
//  Each node is a child process of this program; the parent is app and operator. The nodes pair, both are
//  written to, they converge, and stop. A race in a node is its exit status.

#include "actors/shell/home.h"
#include "actors/shell/node.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "messages/pack.h"

#define NODES  2
#define WRITES 200

typedef struct test_node {
    char dir[64];
    pid_t process;
    void *api;
    void *admin;
} test_node_t;

static void fail (const char *what)
{
    fprintf (stderr, "failed: %s\n", what);
    exit (1);
}

static void node_start (test_node_t *self)
{
    why_t why = {""};
    snprintf (self->dir, sizeof self->dir, "/tmp/tidepool-threads-XXXXXX");
    if (!mkdtemp (self->dir) || home_create (self->dir, NULL, 0, NULL, &why))
        fail (why.text);
    self->process = fork ();
    if (self->process)
        return;
    const node_options_t options = {
        .dir = self->dir, .version = "test", .roster = roster_all, .roster_count = roster_count};
    _exit (node_run (&options, &why) ? 1 : 0);
}

static void *socket_open (void *context, const char *dir, const char *name)
{
    char endpoint[128];
    int timeout = 30000;
    void *socket = zmq_socket (context, ZMQ_REQ);
    snprintf (endpoint, sizeof endpoint, "ipc://%s/%s.sock", dir, name);
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    if (zmq_connect (socket, endpoint))
        fail ("connect");
    return socket;
}

//  Sends a request and keeps its answer in `answer`.
static void ask (void *socket, const buffer_t *request, buffer_t *answer)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    zmq_send (socket, request->data, request->size, 0);
    if (zmq_msg_recv (&message, socket, 0) < 0)
        fail ("no answer");
    buffer_clear (answer);
    buffer_append (answer, zmq_msg_data (&message), zmq_msg_size (&message));
    zmq_msg_close (&message);
}

//  {"do": verb, key: text}
static void ask_text (
    void *socket, const char *verb, const char *key, slice_t text, buffer_t *answer)
{
    buffer_t request = {NULL, 0, 0};
    pack_map (&request, key ? 2 : 1);
    pack_string (&request, "do");
    pack_string (&request, verb);
    if (key) {
        pack_string (&request, key);
        pack_text (&request, text);
    }
    ask (socket, &request, answer);
    buffer_release (&request);
}

//  A member of an answer's map, as it was packed.
static slice_t member (const buffer_t *answer, const char *name)
{
    cursor_t cursor = cursor_over (buffer_slice (answer));
    slice_t key, value;
    size_t count;
    if (cursor_map (&cursor, &count))
        fail ("an answer is no map");
    while (count--) {
        if (cursor_text (&cursor, &key) || cursor_skip (&cursor, &value))
            fail ("an answer is not sound");
        if (slice_equal (key, slice_text (name)))
            return value;
    }
    fprintf (stderr, "no %s in: %.*s\n", name, (int)answer->size, (const char *)answer->data);
    exit (1);
}

static void tag_write (test_node_t *node)
{
    buffer_t request = {NULL, 0, 0}, answer = {NULL, 0, 0};
    bool ok = false;
    pack_map (&request, 2);
    pack_string (&request, "do");
    pack_string (&request, "apply");
    pack_string (&request, "ops");
    pack_array (&request, 1);
    pack_map (&request, 2);
    pack_string (&request, "action");
    pack_string (&request, "create");
    pack_string (&request, "resource");
    pack_string (&request, "tags");
    ask (node->api, &request, &answer);
    cursor_t cursor = cursor_over (member (&answer, "ok"));
    if (cursor_bool (&cursor, &ok) || !ok)
        fail ("a write was refused");
    buffer_release (&request);
    buffer_release (&answer);
}

static uint64_t tags_count (test_node_t *node)
{
    buffer_t answer = {NULL, 0, 0};
    uint64_t count = 0;
    ask_text (node->api, "count", "resource", slice_text ("tags"), &answer);
    cursor_t cursor = cursor_over (member (&answer, "count"));
    if (cursor_uint (&cursor, &count))
        fail ("no count");
    buffer_release (&answer);
    return count;
}

static void pair (test_node_t *nodes)
{
    buffer_t answer = {NULL, 0, 0}, joined = {NULL, 0, 0};
    slice_t ticket;
    ask_text (nodes[0].admin, "invite", NULL, slice_text (""), &answer);
    cursor_t cursor = cursor_over (member (&answer, "ticket"));
    if (cursor_text (&cursor, &ticket))
        fail ("no ticket");
    ask_text (nodes[1].admin, "join", "ticket", ticket, &joined);
    member (&joined, "pool");
    for (bool ready = false; !ready;) {
        ask_text (nodes[1].admin, "status", NULL, slice_text (""), &joined);
        slice_t joining = member (&joined, "joining");
        ready = joining.size == 1 && joining.data[0] == 0xc0;
    }
    buffer_release (&answer);
    buffer_release (&joined);
}

int main (void)
{
    test_node_t nodes[NODES];
    buffer_t answer = {NULL, 0, 0};
    if (keys_start ())
        fail ("keys_start");
    for (int i = 0; i < NODES; i++)
        node_start (&nodes[i]);
    void *context = zmq_ctx_new ();
    for (int i = 0; i < NODES; i++) {
        nodes[i].api = socket_open (context, nodes[i].dir, "api");
        nodes[i].admin = socket_open (context, nodes[i].dir, "admin");
    }
    pair (nodes);
    for (int i = 0; i < WRITES; i++)
        tag_write (&nodes[i % NODES]);
    for (int i = 0; i < NODES; i++)
        while (tags_count (&nodes[i]) < WRITES)
            ask_text (nodes[i].admin, "metrics", NULL, slice_text (""), &answer);
    int failed = 0;
    for (int i = 0; i < NODES; i++) {
        int status = 0;
        zmq_close (nodes[i].api);
        zmq_close (nodes[i].admin);
        kill (nodes[i].process, SIGTERM);
        waitpid (nodes[i].process, &status, 0);
        failed += status != 0;
        fprintf (stderr, "node %d ended with status %d\n", i, status);
    }
    zmq_ctx_term (context);
    buffer_release (&answer);
    return failed ? 1 : 0;
}

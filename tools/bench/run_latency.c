//  run_latency - one operation at a time at a low rate: from asking A until it stands in B's feed
//
//  B publishes after its commit, A answers after its own: at the end the operation is durable on both.

#include "tools/bench/node.h"
#include "messages/request.h"

#include <stdlib.h>

#define PAUSE_SECONDS 0.01
#define WAIT_SECONDS  30

typedef struct turn {
    pair_t pair;
    void *feed;
    load_t load;
    const uuid16_t *uuids;
} turn_t;

static void *feed_open (bench_t *self, const node_t *node)
{
    char endpoint[160];
    const int zero = 0;
    void *socket = zmq_socket (self->context, ZMQ_SUB);
    snprintf (endpoint, sizeof endpoint, "ipc://%s/feed.sock", node->dir);
    if (!socket || zmq_setsockopt (socket, ZMQ_LINGER, &zero, sizeof zero) ||
        zmq_setsockopt (socket, ZMQ_SUBSCRIBE, LOAD_RESOURCE "/", strlen (LOAD_RESOURCE "/")) ||
        zmq_connect (socket, endpoint))
        die ("%s: %s", endpoint, zmq_strerror (zmq_errno ()));
    return socket;
}

//  Whether this record is among what the feed has now.
static bool feed_has (void *feed, const uuid16_t *uuid)
{
    zmq_msg_t message;
    bool found = false;
    zmq_msg_init (&message);
    while (!found && zmq_msg_recv (&message, feed, ZMQ_DONTWAIT) >= 0) {
        slice_t value;
        uuid16_t seen;
        if (zmq_msg_more (&message) ||
            !map_find (slice_of (zmq_msg_data (&message), zmq_msg_size (&message)), "uuid", &value))
            continue;
        cursor_t cursor = cursor_over (value);
        found = cursor_bin_exact (&cursor, seen.bytes, sizeof seen.bytes) == 0 &&
                uuid_equal (&seen, uuid);
    }
    zmq_msg_close (&message);
    return found;
}

//  False if the feed does not bring it within so many seconds.
static bool turn_once (
    turn_t *self, size_t index, double seconds, double *ret_answered, double *ret_fed)
{
    slice_t answer;
    ask_t *ask = &self->pair.a->api;
    double begin = clock_now ();
    ask_send (ask, load_request (&self->load, index));
    for (bool answered = false, fed = false; !answered || !fed;) {
        zmq_pollitem_t items[] = {{.socket = ask->socket, .events = answered ? 0 : ZMQ_POLLIN},
            {.socket = self->feed, .events = fed ? 0 : ZMQ_POLLIN}};
        zmq_poll (items, 2, 50);
        double now = clock_now () - begin;
        if (!answered && items[0].revents && ask_receive (ask, 0, &answer)) {
            answer_check (answer, ask->endpoint);
            answered = true;
            *ret_answered = now;
        }
        if (!fed && items[1].revents && feed_has (self->feed, &self->uuids[index])) {
            fed = true;
            *ret_fed = now;
        }
        if (now > seconds && answered)
            return fed;
        if (now > ASK_SECONDS_MAX)
            die ("%s: no answer in %d s", ask->endpoint, ASK_SECONDS_MAX);
        nodes_look ();
    }
    return true;
}

static void latency_add (
    bench_t *self, const char *row, const char *limit, double *ms, size_t count)
{
    char limits[2][64];
    snprintf (limits[0], sizeof limits[0], "%s/p50", limit);
    snprintf (limits[1], sizeof limits[1], "%s/p99", limit);
    const figure_id_t p50 = {"latency", row, "p50", "ms", limits[0]};
    const figure_id_t p99 = {"latency", row, "p99", "ms", limits[1]};
    figure_add (&self->figures, &p50, percentile (ms, count, 0.5));
    figure_add (&self->figures, &p99, percentile (ms, count, 0.99));
}

void run_latency (bench_t *self)
{
    size_t count = bench_scale (self, 200, 40), first = 200;
    uuid16_t *uuids = uuids_make (UUID_RANDOM, first + count);
    turn_t turn = {.pair = pair_start (self), .uuids = uuids};
    const load_options_t options = {
        .action = "create", .uuids = uuids, .operations = first + count, .size = 1, .name = "tag"};
    turn.load = load_make (&options);
    turn.feed = feed_open (self, turn.pair.b);
    double answered = 0, fed = 0;
    size_t at = 0, stands = 0;
    //  Until the subscription is known to stand, and all is warm.
    for (double end = clock_now () + WAIT_SECONDS; stands < 10 && at < first; at++) {
        stands += turn_once (&turn, at, 0.2, &answered, &fed);
        if (clock_now () > end)
            die ("the feed of b brings nothing");
    }
    double *ms[2] = {calloc (count, sizeof **ms), calloc (count, sizeof **ms)};
    if (!ms[0] || !ms[1])
        abort ();
    for (size_t i = 0; i < count; i++, at++) {
        if (!turn_once (&turn, at, WAIT_SECONDS, &answered, &fed))
            die ("the feed of b does not bring a record in %d s", WAIT_SECONDS);
        ms[0][i] = answered * 1e3;
        ms[1][i] = fed * 1e3;
        clock_sleep (PAUSE_SECONDS);
    }
    latency_add (self, "answered by A", "raw_commits/1 a commit", ms[0], count);
    latency_add (self, "in B's feed, durable", "raw_turn/one at a time", ms[1], count);
    free (ms[0]);
    free (ms[1]);
    zmq_close (turn.feed);
    load_release (&turn.load);
    free (uuids);
    pair_stop (&turn.pair);
}

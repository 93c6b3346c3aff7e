//  ask - requests to a node, one at a time or several in flight

#include "tools/bench/ask.h"
#include "messages/request.h"
#include "tools/bench/bench.h"
#include "tools/bench/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 250 // between two looks at signals and children

void ask_open (ask_t *self, void *context, const char *endpoint)
{
    const int zero = 0, hwm = 0, interval = 10;
    snprintf (self->endpoint, sizeof self->endpoint, "%s", endpoint);
    self->socket = zmq_socket (context, ZMQ_DEALER);
    zmq_msg_init (&self->answer);
    if (!self->socket)
        die ("no socket: %s", zmq_strerror (errno));
    zmq_setsockopt (self->socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt (self->socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt (self->socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt (self->socket, ZMQ_RECONNECT_IVL, &interval, sizeof interval);
    if (zmq_connect (self->socket, endpoint))
        die ("%s: %s", endpoint, zmq_strerror (errno));
}

void ask_close (ask_t *self)
{
    zmq_msg_close (&self->answer);
    zmq_close (self->socket);
    self->socket = NULL;
}

void ask_send (ask_t *self, slice_t request)
{
    if (zmq_send (self->socket, request.data, request.size, 0) < 0)
        die ("%s: %s", self->endpoint, zmq_strerror (errno));
}

static bool receive_now (ask_t *self, slice_t *ret_answer)
{
    if (zmq_msg_recv (&self->answer, self->socket, ZMQ_DONTWAIT) < 0)
        return false;
    *ret_answer = slice_of (zmq_msg_data (&self->answer), zmq_msg_size (&self->answer));
    return true;
}

bool ask_receive (ask_t *self, int timeout_ms, slice_t *ret_answer)
{
    double end = clock_now () + timeout_ms / 1e3;
    while (!receive_now (self, ret_answer)) {
        nodes_look ();
        double left_ms = (end - clock_now ()) * 1e3;
        if (left_ms <= 0)
            return false;
        zmq_pollitem_t item = {.socket = self->socket, .events = ZMQ_POLLIN};
        zmq_poll (&item, 1, left_ms < TICK_MS ? (long)left_ms + 1 : TICK_MS);
    }
    return true;
}

slice_t ask (ask_t *self, slice_t request)
{
    slice_t answer;
    ask_send (self, request);
    if (!ask_receive (self, ASK_SECONDS_MAX * 1000, &answer))
        die ("%s: no answer in %d s", self->endpoint, ASK_SECONDS_MAX);
    answer_check (answer, self->endpoint);
    return answer;
}

void request_begin (buffer_t *out, const char *verb, size_t more)
{
    buffer_clear (out);
    pack_map (out, 1 + more);
    pack_string (out, "do");
    pack_string (out, verb);
}

//  ---- answers

void answer_check (slice_t answer, const char *of)
{
    slice_t value;
    bool ok = false;
    if (map_find (answer, "ok", &value)) {
        cursor_t cursor = cursor_over (value);
        if (cursor_bool (&cursor, &ok) == 0 && ok)
            return;
    }
    char message[256] = "it is not an answer";
    if (map_find (answer, "message", &value)) {
        cursor_t cursor = cursor_over (value);
        if (cursor_string (&cursor, message, sizeof message))
            snprintf (message, sizeof message, "it was refused");
    }
    die ("%s: %s", of, message);
}

bool answer_find (slice_t answer, const char *path, slice_t *ret_value)
{
    slice_t value = answer;
    char key[128];
    while (*path) {
        size_t size = strcspn (path, ".");
        snprintf (key, sizeof key, "%.*s", (int)size, path);
        if (!map_find (value, key, &value))
            return false;
        path += size + (path[size] == '.');
    }
    *ret_value = value;
    return true;
}

uint64_t answer_uint (slice_t answer, const char *path)
{
    slice_t value;
    uint64_t number;
    if (!answer_find (answer, path, &value))
        die ("an answer has no %s", path);
    cursor_t cursor = cursor_over (value);
    if (cursor_uint (&cursor, &number))
        die ("an answer's %s is no number", path);
    return number;
}

void answer_text (slice_t answer, const char *path, char *ret_text, size_t size)
{
    slice_t value;
    if (!answer_find (answer, path, &value))
        die ("an answer has no %s", path);
    cursor_t cursor = cursor_over (value);
    if (cursor_string (&cursor, ret_text, size))
        die ("an answer's %s is no text", path);
}

//  ---- several in flight

static void lane_fill (lane_t *self, size_t in_flight)
{
    while (self->first + self->sent < self->end && self->sent - self->answered < in_flight) {
        ask_send (self->ask, load_request (self->load, self->first + self->sent));
        self->sent++;
    }
}

static size_t lane_drain (lane_t *self, size_t in_flight)
{
    slice_t answer;
    size_t count = 0;
    while (self->answered < self->sent && receive_now (self->ask, &answer)) {
        answer_check (answer, self->ask->endpoint);
        self->answered++;
        count++;
        lane_fill (self, in_flight);
    }
    return count;
}

double lanes_drive (lane_t *lanes, size_t count, size_t in_flight)
{
    zmq_pollitem_t *items = calloc (count, sizeof *items);
    if (!items)
        abort ();
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        items[i] = (zmq_pollitem_t){.socket = lanes[i].ask->socket, .events = ZMQ_POLLIN};
        left += lanes[i].end - lanes[i].first;
    }
    double begin = clock_now (), heard = begin;
    for (size_t i = 0; i < count; i++)
        lane_fill (&lanes[i], in_flight);
    while (left) {
        int ready = zmq_poll (items, (int)count, TICK_MS);
        for (size_t i = 0; ready > 0 && i < count; i++)
            if (items[i].revents)
                left -= lane_drain (&lanes[i], in_flight);
        nodes_look ();
        if (ready > 0)
            heard = clock_now ();
        else if (clock_now () - heard > ASK_SECONDS_MAX)
            die ("%zu requests got no answer in %d s", left, ASK_SECONDS_MAX);
    }
    double seconds = clock_now () - begin;
    free (items);
    return seconds;
}

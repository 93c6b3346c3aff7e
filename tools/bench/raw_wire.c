//  raw_wire - frames through CURVE over TCP

#include "tools/bench/load.h"
#include "tools/bench/raw.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define WAIT_MS          250
#define WAIT_COUNT       480 // times WAIT_MS
#define TRIP_BYTES       200
#define FLIGHT_MAX       4096 // frames that wait for the receiver; and
#define FLIGHT_BYTES_MAX (8u << 20)

static void check (int rc)
{
    if (rc < 0)
        die ("ZeroMQ: %s", zmq_strerror (errno));
}

static void *socket_new (void *context, const char key[41], const char secret[41])
{
    const int zero = 0, hwm = 0, wait = WAIT_MS;
    void *socket = zmq_socket (context, ZMQ_DEALER);
    if (!socket)
        die ("no socket: %s", zmq_strerror (errno));
    check (zmq_setsockopt (socket, ZMQ_LINGER, &zero, sizeof zero));
    check (zmq_setsockopt (socket, ZMQ_SNDHWM, &hwm, sizeof hwm));
    check (zmq_setsockopt (socket, ZMQ_RCVHWM, &hwm, sizeof hwm));
    check (zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait, sizeof wait));
    check (zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, key, 41));
    check (zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, secret, 41));
    return socket;
}

void raw_wire_open (raw_wire_t *self)
{
    char keys[2][2][41], endpoint[128];
    size_t size = sizeof endpoint;
    const int one = 1;
    for (int i = 0; i < 2; i++) {
        check (zmq_curve_keypair (keys[i][0], keys[i][1]));
        self->contexts[i] = zmq_ctx_new ();
        if (!self->contexts[i])
            die ("ZeroMQ: %s", zmq_strerror (errno));
        self->sockets[i] = socket_new (self->contexts[i], keys[i][0], keys[i][1]);
    }
    check (zmq_setsockopt (self->sockets[1], ZMQ_CURVE_SERVER, &one, sizeof one));
    check (zmq_bind (self->sockets[1], "tcp://127.0.0.1:*"));
    check (zmq_getsockopt (self->sockets[1], ZMQ_LAST_ENDPOINT, endpoint, &size));
    check (zmq_setsockopt (self->sockets[0], ZMQ_CURVE_SERVERKEY, keys[1][0], 41));
    check (zmq_connect (self->sockets[0], endpoint));
}

void raw_wire_close (raw_wire_t *self)
{
    for (int i = 0; i < 2; i++) {
        zmq_close (self->sockets[i]);
        zmq_ctx_term (self->contexts[i]);
    }
}

void raw_send (void *socket, const void *data, size_t size)
{
    check (zmq_send (socket, data, size, 0));
}

bool raw_receive_now (void *socket, zmq_msg_t *message)
{
    return zmq_msg_recv (message, socket, ZMQ_DONTWAIT) >= 0;
}

void raw_receive (void *socket, zmq_msg_t *message)
{
    for (int i = 0; i < WAIT_COUNT; i++) {
        if (zmq_msg_recv (message, socket, 0) >= 0)
            return;
        bench_check_interrupt ();
    }
    die ("a raw socket gets nothing");
}

//  ---- the benchmark
//
//  The second thread counts frames and returns one of 8 bytes for each: so the sender knows how many are under way (without a
//  bound everything would lie in memory first). An empty frame ends it.

typedef struct echo {
    void *socket;
    size_t every; // frames for one answer
} echo_t;

static void *echo_run (void *argument)
{
    echo_t *self = argument;
    zmq_msg_t message;
    zmq_msg_init (&message);
    for (size_t count = 1;; count++) {
        raw_receive (self->socket, &message);
        if (zmq_msg_size (&message) == 0)
            break;
        if (count % self->every == 0)
            raw_send (self->socket, zmq_msg_data (&message), 8);
    }
    zmq_msg_close (&message);
    return NULL;
}

//  Seconds for `count` frames (a multiple of `every`) with at most two runs of `every` under way.
static double frames_drive (
    void *socket, const uint8_t *frame, size_t size, size_t count, size_t every)
{
    zmq_msg_t answer;
    zmq_msg_init (&answer);
    size_t heard = 0;
    double begin = clock_now ();
    for (size_t i = 0; i < count; i++) {
        if (i - heard == 2 * every) {
            raw_receive (socket, &answer);
            heard += every;
        }
        raw_send (socket, frame, size);
    }
    for (; heard < count; heard += every)
        raw_receive (socket, &answer);
    zmq_msg_close (&answer);
    return clock_now () - begin;
}

static void frames_of (bench_t *self, size_t operations)
{
    size_t size = operations * load_operation_bytes ();
    size_t every = FLIGHT_BYTES_MAX / 2 / size;
    every = every > FLIGHT_MAX / 2 ? FLIGHT_MAX / 2 : every;
    size_t bytes = bench_scale (self, 128u << 20, 8u << 20);
    size_t count = bytes / size;
    size_t count_max = bench_scale (self, 200000, 10000);
    count = count > count_max ? count_max : count;
    count = count / every ? count / every * every : every;
    uint8_t *frame = calloc (1, size);
    if (!frame)
        abort ();
    raw_wire_t wire;
    raw_wire_open (&wire);
    echo_t echo = {wire.sockets[1], every};
    pthread_t thread;
    if (pthread_create (&thread, NULL, echo_run, &echo))
        die ("no thread");
    frames_drive (wire.sockets[0], frame, size, every, every); // connected, warm
    double seconds = frames_drive (wire.sockets[0], frame, size, count, every);
    raw_send (wire.sockets[0], "", 0);
    pthread_join (thread, NULL);
    raw_wire_close (&wire);
    free (frame);
    char row[FIGURE_PART_MAX];
    snprintf (row, sizeof row, "%zu a frame", operations);
    const figure_id_t rate = {"raw_frames", row, "operations", "/s", NULL};
    const figure_id_t frames = {"raw_frames", row, "frames", "/s", NULL};
    const figure_id_t volume = {"raw_frames", row, "bytes", "MB/s", NULL};
    figure_add (&self->figures, &rate, (double)(count * operations) / seconds);
    figure_add (&self->figures, &frames, (double)count / seconds);
    figure_add (&self->figures, &volume, (double)(count * size) / seconds / 1e6);
}

static void round_trip (bench_t *self)
{
    raw_wire_t wire;
    raw_wire_open (&wire);
    echo_t echo = {wire.sockets[1], 1};
    pthread_t thread;
    if (pthread_create (&thread, NULL, echo_run, &echo))
        die ("no thread");
    size_t count = bench_scale (self, 2000, 200);
    double *ms = calloc (count, sizeof *ms);
    if (!ms)
        abort ();
    uint8_t frame[TRIP_BYTES] = {1};
    frames_drive (wire.sockets[0], frame, sizeof frame, 100, 1);
    zmq_msg_t answer;
    zmq_msg_init (&answer);
    for (size_t i = 0; i < count; i++) {
        double since = clock_now ();
        raw_send (wire.sockets[0], frame, sizeof frame);
        raw_receive (wire.sockets[0], &answer);
        ms[i] = (clock_now () - since) * 1e3;
    }
    zmq_msg_close (&answer);
    raw_send (wire.sockets[0], "", 0);
    pthread_join (thread, NULL);
    raw_wire_close (&wire);
    const figure_id_t p50 = {"raw_frames", "round trip, 200 B", "p50", "ms", NULL};
    const figure_id_t p99 = {"raw_frames", "round trip, 200 B", "p99", "ms", NULL};
    figure_add (&self->figures, &p50, percentile (ms, count, 0.5));
    figure_add (&self->figures, &p99, percentile (ms, count, 0.99));
    free (ms);
}

void raw_frames (bench_t *self)
{
    for (size_t i = 0; i < BENCH_SIZES; i++)
        frames_of (self, bench_sizes[i]);
    round_trip (self);
}

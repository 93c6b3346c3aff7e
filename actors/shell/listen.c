//  listen - making sockets that face the outside

#include "actors/shell/listen.h"

#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ZAP_ENFORCE_DOMAIN 93 // a draft option by name, there by number: README.md
#define HEARTBEAT_MSEC     5000
#define SILENCE_MSEC       15000
#define HANDSHAKE_MSEC     5000
#define LINGER_MSEC        1000
#define RECONNECT_MSEC                                                                             \
    3600000 // never: the dial is closed before. -1 would leave a name that is not found unsaid
#define BACKLOG 1024

static bool set_int (void *socket, int option, int value)
{
    return zmq_setsockopt (socket, option, &value, sizeof value) == 0;
}

static bool set_limits (void *socket, const listen_options_t *options)
{
    int64_t bytes = options->frame_bytes_max;
    return zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &bytes, sizeof bytes) == 0 &&
           set_int (socket, ZMQ_RCVHWM, options->receive_max) &&
           set_int (socket, ZMQ_SNDHWM, options->send_max) && set_int (socket, ZMQ_SNDTIMEO, 0) &&
           set_int (socket, ZMQ_LINGER, LINGER_MSEC) &&
           set_int (socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MSEC) &&
           set_int (socket, ZMQ_HEARTBEAT_TIMEOUT, SILENCE_MSEC) &&
           set_int (socket, ZMQ_HEARTBEAT_TTL, SILENCE_MSEC) &&
           set_int (socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MSEC) &&
           set_int (socket, ZMQ_BACKLOG, BACKLOG) && set_int (socket, ZMQ_IPV6, 1);
}

static bool set_server (void *socket, const listen_options_t *options)
{
    //  Without this a CURVE server without a ZAP handler lets everybody in; so it is read back.
    int enforce = 0;
    size_t size = sizeof enforce;
    return set_int (socket, ZMQ_CURVE_SERVER, 1) &&
           zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, options->identity->curve_secret, 32) == 0 &&
           zmq_setsockopt (socket, ZMQ_ZAP_DOMAIN, options->domain, strlen (options->domain)) ==
               0 &&
           set_int (socket, ZAP_ENFORCE_DOMAIN, 1) &&
           zmq_getsockopt (socket, ZAP_ENFORCE_DOMAIN, &enforce, &size) == 0 && enforce == 1;
}

static bool set_dialler (void *socket, const listen_options_t *options)
{
    return set_int (socket, ZMQ_IMMEDIATE, 1) &&
           set_int (socket, ZMQ_RECONNECT_IVL, RECONNECT_MSEC) &&
           set_int (socket, ZMQ_CONNECT_TIMEOUT, HANDSHAKE_MSEC) &&
           zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, options->server->bytes, KEY_SIZE) == 0 &&
           zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, options->key->bytes, KEY_SIZE) == 0 &&
           zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, options->secret, 32) == 0;
}

void *listen_socket (const listen_options_t *options, why_t *why)
{
    void *socket = zmq_socket (zsys_init (), options->type);
    //  All of a socket's connections on one I/O thread: on two, a connection's first message can
    //  overtake the event that it was accepted. Apps on the first, what is encrypted on the
    //  second, so that a flood there leaves them room.
    uint64_t thread = options->identity || options->server ? 2 : 1;
    bool fine = socket && zmq_setsockopt (socket, ZMQ_AFFINITY, &thread, sizeof thread) == 0 &&
                set_limits (socket, options) &&
                (!options->identity || set_server (socket, options)) &&
                (!options->server || set_dialler (socket, options)) &&
                (options->type != ZMQ_ROUTER || set_int (socket, ZMQ_ROUTER_MANDATORY, 1));
    if (!fine) {
        why_fail (why, ERR_SYSTEM, "no socket: %s", zmq_strerror (zmq_errno ()));
        if (socket)
            zmq_close (socket);
        return NULL;
    }
    return socket;
}

void listen_close (void **socket_p, void **monitor_p)
{
    if (*socket_p && *monitor_p)
        zmq_socket_monitor (*socket_p, NULL, 0);
    if (*socket_p)
        zmq_close (*socket_p);
    if (*monitor_p)
        zmq_close (*monitor_p);
    *socket_p = *monitor_p = NULL;
}

void *listen_monitor (void *socket, int events, why_t *why)
{
    static _Atomic uint64_t serial;
    char address[64];
    snprintf (address, sizeof address, "inproc://monitor-%" PRIu64, ++serial);
    void *monitor = zmq_socket (zsys_init (), ZMQ_PAIR);
    //  No high-water mark: the I/O thread would wait at it, with a lock that closing needs.
    if (!monitor || !set_int (monitor, ZMQ_RCVHWM, 0) || !set_int (monitor, ZMQ_LINGER, 0) ||
        zmq_socket_monitor (socket, address, events) || zmq_connect (monitor, address)) {
        why_fail (why, ERR_SYSTEM, "no monitor: %s", zmq_strerror (zmq_errno ()));
        if (monitor)
            zmq_close (monitor);
        return NULL;
    }
    return monitor;
}

bool listen_event (void *monitor, int *ret_event, uint32_t *ret_value)
{
    uint8_t head[6], address[LIMIT_ENDPOINT_BYTES];
    uint16_t event;
    if (zmq_recv (monitor, head, sizeof head, ZMQ_DONTWAIT) != (int)sizeof head)
        return false;
    zmq_recv (monitor, address, sizeof address, ZMQ_DONTWAIT); // its own endpoint: known
    memcpy (&event, head, sizeof event);
    memcpy (ret_value, head + 2, sizeof *ret_value);
    *ret_event = event;
    return true;
}

bool endpoint_is_ipc (const char *endpoint)
{
    return strncmp (endpoint, "ipc://", 6) == 0;
}

void listen_unlink (const char *endpoint)
{
    if (endpoint_is_ipc (endpoint))
        unlink (endpoint + 6);
}

//  With IPv6 on, IPv4 addresses look like ::ffff:127.0.0.1 everywhere: so only where one is
//  written.
static void set_family (void *socket, const char *endpoint)
{
    set_int (socket, ZMQ_IPV6, strchr (endpoint, '[') != NULL);
}

int listen_connect (void *socket, const char *endpoint, why_t *why)
{
    set_family (socket, endpoint);
    if (zmq_connect (socket, endpoint))
        return why_fail (why, ERR_BAD_REQUEST, "%s", zmq_strerror (zmq_errno ()));
    return 0;
}

//  ---- binding

static bool somebody_answers (const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf (address.sun_path, sizeof address.sun_path, "%s", path);
    int descriptor = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return false;
    int rc = connect (descriptor, (struct sockaddr *)&address, sizeof address);
    bool answers = rc == 0 || errno == EAGAIN;
    close (descriptor);
    return answers;
}

static int check_path (const char *path, why_t *why)
{
    struct stat status;
    if (path[0] == '@' || lstat (path, &status))
        return 0;
    if (!S_ISSOCK (status.st_mode))
        return why_fail (why, ERR_IN_USE, "%s is there already, and is not a socket", path);
    if (somebody_answers (path))
        return why_fail (why, ERR_IN_USE, "another program listens on %s", path);
    return 0;
}

//  "tcp://host:*" with the port of "tcp://other:1234"; false if there is nothing to take it from.
static bool keep_port (const char *endpoint, const char *kept, char *ret_text, size_t size)
{
    size_t length = strlen (endpoint);
    const char *port = kept ? strrchr (kept, ':') : NULL;
    if (endpoint_is_ipc (endpoint) || length < 2 || strcmp (endpoint + length - 2, ":*") != 0)
        return false;
    if (!port || strncmp (kept, "tcp://", 6) != 0)
        return false;
    return snprintf (ret_text, size, "%.*s%s", (int)length - 2, endpoint, port) < (int)size;
}

int listen_bind (void *socket, const char *endpoint, const char *kept,
    char ret_bound[LIMIT_ENDPOINT_BYTES + 1], why_t *why)
{
    char same[LIMIT_ENDPOINT_BYTES + 1];
    bool ipc = endpoint_is_ipc (endpoint);
    if (ipc && check_path (endpoint + 6, why))
        return ERR_IN_USE;
    set_family (socket, endpoint);
    bool bound = keep_port (endpoint, kept, same, sizeof same) && zmq_bind (socket, same) == 0;
    if (!bound && zmq_bind (socket, endpoint))
        return why_fail (why, zmq_errno () == EADDRINUSE ? ERR_IN_USE : ERR_SYSTEM,
            "cannot listen on %s: %s", endpoint, zmq_strerror (zmq_errno ()));
    char last[LIMIT_ENDPOINT_BYTES + 1];
    size_t size = sizeof last;
    if (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, last, &size))
        return why_fail (why, ERR_SYSTEM, "%s: the endpoint is too long", endpoint);
    if (ipc && endpoint[6] != '@' && chmod (endpoint + 6, 0600))
        return why_fail (why, ERR_SYSTEM, "chmod %s: %s", endpoint + 6, strerror (errno));
    memcpy (ret_bound, last, sizeof last);
    return 0;
}

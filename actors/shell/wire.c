//  wire - frames as ZeroMQ messages, without copying

#include "actors/shell/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

#define WIRE_SMALL 32 // libzmq 4.3.4 keeps up to 33 bytes inside zmq_msg_t

//  The thread sanitizer does not see that ZeroMQ, which is not built with it, hands memory over
//  in order (a lock-free queue); so it is told, for each piece of memory. It still sees all races
//  on anything that did not go through a socket.
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define HAND_OVER(data) __tsan_release ((void *)(uintptr_t)(data))
#define TAKE_OVER(data) __tsan_acquire (data)
#else
#define HAND_OVER(data) (void)(data)
#define TAKE_OVER(data) (void)(data)
#endif

//  ---- out

typedef struct handed {
    void (*release) (void *hint);
    void *hint;
} handed_t;

static void handed_release (void *data, void *hint)
{
    (void)data;
    handed_t *handed = hint;
    if (handed->release)
        handed->release (handed->hint);
    free (handed);
}

static void block_release (void *data, void *hint)
{
    (void)data;
    free (hint);
}

static void message_release (void *hint)
{
    zmq_msg_close (hint);
    free (hint);
}

static void frame_release (frame_t *frame)
{
    if (frame->release)
        frame->release (frame->hint);
    *frame = (frame_t){{NULL, 0}, NULL, NULL};
}

static bool frame_is_message (const frame_t *frame)
{
    return frame->release == message_release && zmq_msg_data (frame->hint) == frame->bytes.data &&
           zmq_msg_size (frame->hint) == frame->bytes.size;
}

static void *checked (void *memory)
{
    if (!memory)
        abort ();
    return memory;
}

//  Makes a message of the frame; the frame is empty afterwards.
static void message_of (frame_t *frame, zmq_msg_t *ret_message)
{
    void *data = (void *)(uintptr_t)frame->bytes.data;
    if (frame_is_message (frame)) {
        HAND_OVER (data);
        zmq_msg_init (ret_message);
        zmq_msg_move (ret_message, frame->hint);
        frame_release (frame);
    } else if (frame->bytes.size <= WIRE_SMALL) {
        zmq_msg_init_size (ret_message, frame->bytes.size);
        if (frame->bytes.size)
            memcpy (zmq_msg_data (ret_message), data, frame->bytes.size);
        frame_release (frame);
    } else {
        int rc;
        HAND_OVER (data);
        if (frame->release == free)
            rc = zmq_msg_init_data (
                ret_message, data, frame->bytes.size, block_release, frame->hint);
        else {
            handed_t *handed = checked (malloc (sizeof *handed));
            *handed = (handed_t){frame->release, frame->hint};
            rc = zmq_msg_init_data (ret_message, data, frame->bytes.size, handed_release, handed);
        }
        if (rc) // only for want of memory
            abort ();
        *frame = (frame_t){{NULL, 0}, NULL, NULL};
    }
}

static int send_message (void *socket, zmq_msg_t *message, bool more)
{
    int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    int sent;
    do
        sent = zmq_msg_send (message, socket, flags);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN) {
        //  A connection that has just come up is known to the socket only after it has looked at
        //  its commands, which a send does at most once a millisecond; asking for its events
        //  makes it look.
        int events;
        size_t size = sizeof events;
        zmq_getsockopt (socket, ZMQ_EVENTS, &events, &size);
        sent = zmq_msg_send (message, socket, flags);
    }
    if (sent >= 0)
        return 0;
    int rc = errno == EAGAIN ? ERR_BUSY : errno == EHOSTUNREACH ? ERR_NOT_FOUND : ERR_SYSTEM;
    zmq_msg_close (message);
    return rc;
}

int wire_send (void *socket, frame_t *frame, bool more)
{
    zmq_msg_t message;
    message_of (frame, &message);
    return send_message (socket, &message, more);
}

int wire_send_all (void *socket, frame_t *frames, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = wire_send (socket, &frames[i], i + 1 < count);
    wire_release_all (frames, count);
    return rc;
}

int wire_send_mail (void *socket, mail_t **mail_p)
{
    mail_t *mail = *mail_p;
    uint8_t space[WIRE_SMALL];
    buffer_t packed = {space, 0, sizeof space}; // four small numbers: it never grows
    envelope_pack (&mail->envelope, &packed);
    assert (packed.data == space);
    frame_t envelope = {buffer_slice (&packed), NULL, NULL};
    frame_t body = {mail->body, mail->body_release, mail->body_hint};
    mail->body_release = NULL;

    int rc = wire_send (socket, &envelope, true);
    if (rc == 0)
        rc = wire_send (socket, &body, mail->frame_count > 0);
    if (rc == 0)
        rc = wire_send_all (socket, mail->frames, mail->frame_count);
    frame_release (&body);
    mail_destroy (mail_p);
    return rc;
}

//  ---- in

static bool message_more (const frame_t *frame)
{
    return zmq_msg_more (frame->hint);
}

static int receive_frame (void *socket, frame_t *ret_frame)
{
    zmq_msg_t *message = checked (malloc (sizeof *message));
    zmq_msg_init (message);
    int size;
    do
        size = zmq_msg_recv (message, socket, ZMQ_DONTWAIT);
    while (size < 0 && errno == EINTR);
    if (size < 0) {
        int rc = errno == EAGAIN ? ERR_NOT_FOUND : ERR_SYSTEM;
        message_release (message);
        return rc;
    }
    TAKE_OVER (zmq_msg_data (message));
    *ret_frame =
        (frame_t){slice_of (zmq_msg_data (message), (size_t)size), message_release, message};
    return 0;
}

int wire_receive (void *socket, frame_t *frames, size_t max, size_t *ret_count)
{
    size_t count = 0;
    bool more = true, over = false;
    while (more) {
        frame_t frame;
        int rc = receive_frame (socket, &frame);
        if (rc) {
            wire_release_all (frames, count);
            return rc;
        }
        more = message_more (&frame);
        if (count < max)
            frames[count++] = frame;
        else {
            over = true;
            frame_release (&frame);
        }
    }
    if (over) {
        wire_release_all (frames, count);
        return ERR_TOO_LARGE;
    }
    *ret_count = count;
    return 0;
}

void wire_release_all (frame_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        frame_release (&frames[i]);
}

int wire_receive_mail (void *socket, mail_t **ret_mail)
{
    frame_t frames[2 + MAIL_FRAMES_MAX];
    size_t count;
    envelope_t envelope;
    int rc = wire_receive (socket, frames, 2 + MAIL_FRAMES_MAX, &count);
    if (rc)
        return rc == ERR_TOO_LARGE ? ERR_MALFORMED : rc;
    if (count < 2 || envelope_unpack (frames[0].bytes, &envelope)) {
        wire_release_all (frames, count);
        return ERR_MALFORMED;
    }
    frame_release (&frames[0]);
    mail_t *mail = mail_new ();
    mail->envelope = envelope;
    mail->body = frames[1].bytes;
    mail->body_release = frames[1].release;
    mail->body_hint = frames[1].hint;
    mail->frame_count = count - 2;
    memcpy (mail->frames, frames + 2, mail->frame_count * sizeof *frames);
    *ret_mail = mail;
    return 0;
}

const char *wire_property (const frame_t *frame, const char *name)
{
    return frame->release == message_release ? zmq_msg_gets (frame->hint, name) : NULL;
}

int wire_descriptor (const frame_t *frame)
{
    return frame->release == message_release ? zmq_msg_get (frame->hint, ZMQ_SRCFD) : -1;
}

//  mailbox - where an actor's mail arrives, and the ways to the others'

#include "actors/shell/mailbox.h"
#include "actors/shell/log.h"
#include "actors/shell/wire.h"

#include <assert.h>
#include <czmq.h>

#define ADDRESS_BYTES 128

static void address (const mailbox_t *self, int actor, char ret_text[ADDRESS_BYTES])
{
    snprintf (ret_text, ADDRESS_BYTES, "inproc://%s/%s", self->instance, actor_name (actor));
}

static void *open_socket (int type)
{
    void *socket = zmq_socket (zsys_init (), type);
    int zero = 0;
    if (socket) {
        zmq_setsockopt (socket, ZMQ_SNDHWM, &zero, sizeof zero);
        zmq_setsockopt (socket, ZMQ_RCVHWM, &zero, sizeof zero);
        zmq_setsockopt (socket, ZMQ_LINGER, &zero, sizeof zero);
    }
    return socket;
}

int mailbox_open (mailbox_t *self, const char *instance, int actor, why_t *why)
{
    *self = (mailbox_t){.instance = instance, .actor = actor, .owner = pthread_self ()};
    char text[ADDRESS_BYTES];
    address (self, actor, text);
    self->pull = open_socket (ZMQ_PULL);
    if (!self->pull || zmq_bind (self->pull, text)) {
        why_fail (why, ERR_SYSTEM, "mailbox %s: %s", text, zmq_strerror (zmq_errno ()));
        mailbox_close (self);
        return ERR_SYSTEM;
    }
    return 0;
}

void mailbox_close (mailbox_t *self)
{
    assert (pthread_equal (self->owner, pthread_self ()));
    for (int actor = 0; actor < ACTOR_COUNT; actor++)
        if (self->push[actor])
            zmq_close (self->push[actor]);
    if (self->pull) {
        //  Closing gives the name back later, in another thread; this does it now.
        char text[ADDRESS_BYTES];
        address (self, self->actor, text);
        zmq_unbind (self->pull, text);
        zmq_close (self->pull);
    }
    memset (self->push, 0, sizeof self->push);
    self->pull = NULL;
}

int mailbox_receive (mailbox_t *self, mail_t **ret_mail)
{
    assert (pthread_equal (self->owner, pthread_self ()));
    return wire_receive_mail (self->pull, ret_mail);
}

static void *way_to (mailbox_t *self, int actor)
{
    if (!self->push[actor]) {
        char text[ADDRESS_BYTES];
        address (self, actor, text);
        void *socket = open_socket (ZMQ_PUSH);
        if (socket && zmq_connect (socket, text)) {
            zmq_close (socket);
            socket = NULL;
        }
        self->push[actor] = socket;
    }
    return self->push[actor];
}

void mailbox_send (mailbox_t *self, mail_t **mail_p)
{
    assert (pthread_equal (self->owner, pthread_self ()));
    const envelope_t envelope = (*mail_p)->envelope;
    assert (envelope.to > ACTOR_NONE && envelope.to < ACTOR_EDGE);
    void *socket = way_to (self, envelope.to);
    int rc = socket ? wire_send_mail (socket, mail_p) : ERR_SYSTEM;
    if (rc) {
        mail_destroy (mail_p);
        log_printf (self->actor, rc == ERR_BUSY ? SAY_DEBUG : SAY_ERROR,
            "mail %s to %s is lost: %s", mail_verb_name (envelope.verb), actor_name (envelope.to),
            rc == ERR_BUSY ? "it is gone" : zmq_strerror (errno));
    }
}

//  mailbox - where an actor's mail arrives, and the ways to the others'
//
//  A PULL socket bound at inproc://<instance>/<actor>, and a PUSH socket to each actor that was
//  ever written to. High-water marks are 0: work is admitted at the edges by credit, so nobody
//  ever waits to send (README.md, "Nobody waits"). inproc is inside the trust boundary: CURVE
//  does not apply to it. All calls from the thread that opened it.

#ifndef TIDEPOOL_MAILBOX_H
#define TIDEPOOL_MAILBOX_H

#include "actors/shell/why.h"
#include "actors/actor.h"

#include <pthread.h>

typedef struct mailbox {
    const char *instance;
    int actor; // whose it is
    pthread_t owner;
    void *pull; // to be polled
    void *push[ACTOR_COUNT];
} mailbox_t;

int mailbox_open (mailbox_t *self, const char *instance, int actor, why_t *why);
void mailbox_close (mailbox_t *self);

//  As wire_receive_mail.
int mailbox_receive (mailbox_t *self, mail_t **ret_mail);

//  Takes the mail. What an actor that is gone would have got is thrown away.
void mailbox_send (mailbox_t *self, mail_t **mail_p);

#endif

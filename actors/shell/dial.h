//  dial - a connection that this node opens: one DEALER, one line
//
//  Life of a dial (no move back; a new attempt is a new dial, with a new line and the core's own
//  backoff):
//
//      DIALLING ── handshake succeeded ──> CONNECTED ── disconnected, or a send failed ──> LOST
//          └────── refused, silent, another key, nobody there ──> UNREACHABLE
//
//  LOST and UNREACHABLE are told once and are the end of the line.

#ifndef TIDEPOOL_DIAL_H
#define TIDEPOOL_DIAL_H

#include "actors/shell/edge.h"

typedef struct dials dials_t;

dials_t *dials_new (const edge_setup_t *setup);
void dials_destroy (dials_t **self_p);

//  What fails here is told as UNREACHABLE.
void dials_open (dials_t *self, const edge_dial_t *ask, mail_list_t *in);
//  False if it is not the line of a dial.
bool dials_write (dials_t *self, uint64_t line, mail_t *mail, mail_list_t *in);
bool dials_hang_up (dials_t *self, uint64_t line);

void dials_poll (dials_t *self, poll_list_t *items); // two items a dial
bool dials_read (dials_t *self, const zmq_pollitem_t *items, mail_list_t *in);

#endif

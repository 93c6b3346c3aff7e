//  wire - frames as ZeroMQ messages, without copying
//
//  Out: a frame's memory goes to ZeroMQ together with its release, which is then called in
//  whichever thread is done with it last (so a release must not care about the thread). In: a
//  frame points into a ZeroMQ message that its release closes. A frame that came in and goes out
//  again whole is moved. What fits into ZeroMQ's own small messages is copied: that is cheaper
//  than the bookkeeping.

#ifndef TIDEPOOL_WIRE_H
#define TIDEPOOL_WIRE_H

#include "actors/actor.h"

//  Sends one frame and takes it, also on failure. Never waits. 0, ERR_BUSY (it would have to
//  wait), ERR_NOT_FOUND (a ROUTER does not know the line any more), ERR_SYSTEM.
int wire_send (void *socket, frame_t *frame, bool more);

//  Sends frames as one message and takes them. Only the first can be refused: then nothing was
//  sent.
int wire_send_all (void *socket, frame_t *frames, size_t count);

//  Reads one whole message without waiting: the frames are the caller's. ERR_NOT_FOUND when there
//  is none, ERR_TOO_LARGE when it had more frames than `max` (it is read to its end and thrown
//  away), ERR_SYSTEM.
int wire_receive (void *socket, frame_t *frames, size_t max, size_t *ret_count);

//  Calls the frames' releases.
void wire_release_all (frame_t *frames, size_t count);

//  A mail as one message: envelope, body, frames. Taken also on failure (*mail_p is NULL then).
int wire_send_mail (void *socket, mail_t **mail_p);

//  ERR_NOT_FOUND when there is none; ERR_MALFORMED for what is not a mail (it is thrown away).
int wire_receive_mail (void *socket, mail_t **ret_mail);

//  Properties of a frame that wire_receive gave: NULL, or -1, where there is none.
const char *wire_property (const frame_t *frame, const char *name);
int wire_descriptor (const frame_t *frame);

#endif

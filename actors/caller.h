//  caller - who asked, in which envelope, and how it is answered
//
//  Shared by api and admin. The last frame of a message is the body; a REQ puts an empty frame before
//  it, a DEALER may leave that out, and proxies in between (ROUTER to DEALER) put the names of their
//  own connections before the empty frame. All that stands before the body goes back before
//  the answer.

#ifndef TIDEPOOL_CALLER_H
#define TIDEPOOL_CALLER_H

#include "actors/actor.h"
#include "messages/request.h"

#define CALLER_HOPS_MAX      (MAIL_FRAMES_MAX - 1)
#define CALLER_HOP_BYTES_MAX 255 // a routing id of ZeroMQ

typedef struct caller {
    int socket;
    uint64_t line;
    slice_t id;       // of its request
    size_t hop_count; // frames before the body, the empty one included
    slice_t hops[CALLER_HOPS_MAX];
    void *memory; // of one that is kept; NULL where all is borrowed from a mail
} caller_t;

//  Reads the request in an EDGE_IN. What is not one is counted, answered with BAD_REQUEST, and the error
//  is returned. The results borrow from the mail.
int caller_hear (step_t *step, const mail_t *mail, const edge_in_t *in, caller_t *ret_caller,
    request_t *ret_request);

//  Copies a caller into memory of its own, for an answer in a later round; caller_release frees it.
caller_t caller_keep (const caller_t *self);
void caller_release (caller_t *self);

//  Answers with a message of request.h whose first fields are `id` and `ok`.
void caller_answer (
    step_t *step, const caller_t *self, const message_type_t *type, const void *answer);

//  Answers with a packed map; takes the buffer's memory.
void caller_answer_packed (step_t *step, const caller_t *self, buffer_t *body);

//  Answers with an error. message may be empty: the error's own text then. op is index + 1 of the operation at
//  fault, 0 where there is none.
void caller_refuse (step_t *step, const caller_t *self, int error, slice_t message, size_t op);

//  Unpacks a request's own fields; on failure it is refused with the field's name, and counted.
int caller_unpack (step_t *step, const caller_t *self, const request_t *request,
    const message_type_t *type, void *ret_fields);

#endif

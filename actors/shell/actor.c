//  actor - starting, watching and stopping an actor from outside; its thread is in round.c

#include "actors/shell/actor.h"
#include "actors/shell/log.h"
#include "actors/shell/round.h"

#include <czmq.h>

#define BOUND_MAX 4
#define START_SAY_MSEC                                                                             \
    10000 // says each time this has passed that an actor is still starting or stopping

struct actor_handle {
    zactor_t *zactor;
    actor_options_t options;
    size_t bound_count;
    frame_t bound[BOUND_MAX];
};

now_t clock_now (void)
{
    struct timespec wall, mono;
    clock_gettime (CLOCK_REALTIME, &wall);
    clock_gettime (CLOCK_MONOTONIC, &mono);
    uint64_t fraction = ((uint64_t)wall.tv_nsec << 32) / 1000000000u;
    return (now_t){(uint64_t)wall.tv_sec << 32 | fraction,
        (uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec};
}

const char *actor_title (const actor_t *self)
{
    return actor_name (self->options.class->actor);
}

int actor_number (const actor_t *self)
{
    return self->options.class->actor;
}

void *actor_pipe (const actor_t *self)
{
    return zsock_resolve (self->zactor);
}

slice_t actor_bound (const actor_t *self, size_t index)
{
    return index < self->bound_count ? self->bound[index].bytes : slice_of (NULL, 0);
}

//  Waits for a word from the actor, and says that it waits.
static zmsg_t *await_word (actor_t *self, const char *what)
{
    zmq_pollitem_t item = {actor_pipe (self), 0, ZMQ_POLLIN, 0};
    while (zmq_poll (&item, 1, START_SAY_MSEC) == 0)
        log_printf (ACTOR_NODE, SAY_WARNING, "%s is still %s", actor_title (self), what);
    return zmsg_recv (self->zactor);
}

static int read_word (actor_t *self, zmsg_t *word, why_t *why)
{
    char *text = word ? zmsg_popstr (word) : NULL;
    int rc = ERR_INTERNAL;
    if (text && streq (text, "READY")) {
        rc = 0;
        for (zframe_t *frame = zmsg_pop (word); frame; frame = zmsg_pop (word)) {
            if (self->bound_count < BOUND_MAX)
                self->bound[self->bound_count++] =
                    frame_copy (slice_of (zframe_data (frame), zframe_size (frame)));
            zframe_destroy (&frame);
        }
    } else if (text && streq (text, "FAILED")) {
        char *error = zmsg_popstr (word);
        char *reason = zmsg_popstr (word);
        rc = error ? error_from_name (error) : ERR_INTERNAL;
        why_fail (why, rc, "%s", reason ? reason : error_text (rc));
        freen (error);
        freen (reason);
    } else
        why_fail (why, rc, "%s ended without a word", actor_title (self));
    freen (text);
    return rc;
}

int actor_start (const actor_options_t *options, actor_t **ret_self, why_t *why)
{
    actor_t *self = calloc (1, sizeof *self);
    if (!self)
        return why_fail (why, ERR_NO_MEMORY, "%s", error_text (ERR_NO_MEMORY));
    self->options = *options;
    self->zactor = zactor_new (round_main, &self->options);
    if (!self->zactor) {
        free (self);
        return why_fail (why, ERR_SYSTEM, "no thread for %s", actor_name (options->class->actor));
    }
    zmsg_t *word = await_word (self, "starting");
    int rc = read_word (self, word, why);
    zmsg_destroy (&word);
    if (rc) {
        actor_destroy (&self);
        return rc;
    }
    *ret_self = self;
    return 0;
}

bool actor_ended (actor_t *self, why_t *why)
{
    zmq_pollitem_t item = {actor_pipe (self), 0, ZMQ_POLLIN, 0};
    if (zmq_poll (&item, 1, 0) <= 0)
        return false;
    zmsg_t *word = zmsg_recv (self->zactor);
    read_word (self, word, why);
    zmsg_destroy (&word);
    return true;
}

void actor_destroy (actor_t **self_p)
{
    actor_t *self = *self_p;
    if (!self)
        return;
    //  On an actor that has ended by itself a send would wait for ever. Its end is a signal on the pipe.
    int zero = 0;
    zmq_setsockopt (actor_pipe (self), ZMQ_SNDTIMEO, &zero, sizeof zero);
    if (zstr_send (self->zactor, "$TERM") == 0) {
        zmq_pollitem_t item = {actor_pipe (self), 0, ZMQ_POLLIN, 0};
        while (zmq_poll (&item, 1, START_SAY_MSEC) == 0)
            log_printf (ACTOR_NODE, SAY_WARNING, "%s is still stopping", actor_title (self));
    }
    zactor_destroy (&self->zactor);
    for (size_t i = 0; i < self->bound_count; i++)
        self->bound[i].release (self->bound[i].hint);
    free (self);
    *self_p = NULL;
}

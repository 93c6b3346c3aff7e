//  actor - starting, watching and stopping an actor from outside; its thread is in round.c

#include "actors/shell/actor.h"
#include "actors/shell/log.h"
#include "actors/shell/round.h"
#include "actors/shell/wire.h"

#include <czmq.h>

#define WORD_FRAMES_MAX (1 + EDGE_SOCKETS_MAX)
#define SAY_MSEC        10000 // between words that an actor is still starting or stopping

struct actor_handle {
    zactor_t *zactor;
    actor_options_t options;
    size_t bound_count;
    frame_t bound[WORD_FRAMES_MAX];
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

//  A word of the actor on its pipe, as its frames: READY, FAILED, or the signal that its thread
//  has ended.
typedef struct word {
    size_t count;
    frame_t frames[WORD_FRAMES_MAX];
} word_t;

static bool frame_is (const frame_t *frame, const char *text)
{
    return slice_equal (frame->bytes, slice_text (text));
}

//  Waits for a word, and says that it waits.
static void await_word (actor_t *self, const char *what, word_t *ret_word)
{
    zmq_pollitem_t item = {actor_pipe (self), 0, ZMQ_POLLIN, 0};
    *ret_word = (word_t){.count = 0};
    while (zmq_poll (&item, 1, SAY_MSEC) == 0)
        log_printf (ACTOR_NODE, SAY_WARNING, "%s is still %s", actor_title (self), what);
    wire_receive (actor_pipe (self), ret_word->frames, WORD_FRAMES_MAX, &ret_word->count);
}

//  Takes the word: 0 for READY, whose other frames are kept; otherwise an error, and why.
static int take_word (actor_t *self, word_t *word, why_t *why)
{
    const frame_t *frames = word->frames;
    int rc = ERR_INTERNAL;
    if (word->count >= 1 && frame_is (&frames[0], "READY")) {
        rc = 0;
        wire_release_all (word->frames, 1);
        self->bound_count = word->count - 1;
        memcpy (self->bound, frames + 1, self->bound_count * sizeof *frames);
    } else if (word->count == 3 && frame_is (&frames[0], "FAILED")) {
        char error[64];
        snprintf (error, sizeof error, "%.*s", (int)frames[1].bytes.size,
            (const char *)frames[1].bytes.data);
        rc = error_from_name (error);
        why_fail (why, rc, "%.*s", (int)frames[2].bytes.size, (const char *)frames[2].bytes.data);
        wire_release_all (word->frames, word->count);
    } else {
        why_fail (why, rc, "%s ended without a word", actor_title (self));
        wire_release_all (word->frames, word->count);
    }
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
    word_t word;
    await_word (self, "starting", &word);
    int rc = take_word (self, &word, why);
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
    word_t word;
    await_word (self, "ending", &word);
    take_word (self, &word, why);
    return true;
}

void actor_destroy (actor_t **self_p)
{
    actor_t *self = *self_p;
    if (!self)
        return;
    //  On an actor that has ended by itself a send would wait for ever. Its end is a signal on
    //  the pipe.
    int zero = 0;
    zmq_setsockopt (actor_pipe (self), ZMQ_SNDTIMEO, &zero, sizeof zero);
    if (zstr_send (self->zactor, "$TERM") == 0) {
        zmq_pollitem_t item = {actor_pipe (self), 0, ZMQ_POLLIN, 0};
        while (zmq_poll (&item, 1, SAY_MSEC) == 0)
            log_printf (ACTOR_NODE, SAY_WARNING, "%s is still stopping", actor_title (self));
    }
    zactor_destroy (&self->zactor);
    wire_release_all (self->bound, self->bound_count);
    free (self);
    *self_p = NULL;
}

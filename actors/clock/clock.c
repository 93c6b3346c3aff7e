//  clock - gives timestamps
//
//  Takes    CLOCK_ASK, CLOCK_BACK (oplog), COMMAND report (admin)
//  Sends    CLOCK_GRANT (oplog), COMMANDED (admin)
//  Keeps    nothing of its own on disk: it begins at the larger of the mark that oplog commits with every
//           sealed batch ("clock" in the node's settings), this client's own watermarks, and those of the others'
//           batches that are here, so that it never gives a time twice, whatever the wall clock says after a
//           restart. Rows of others do not count: nothing builds on their times.

#include "actors/actor.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/node.h"
#include "store/watermarks.h"

typedef struct clock_core {
    hlc_t hlc;
    uint64_t drift_max; // 32.32 seconds
    uuid16_t client;
    bool alarmed; // "its own timestamps are ahead" stands
} clock_core_t;

#define LOOK_AGAIN_S 30 // while that alarm stands

static int last_known (txn_t *txn, const uuid16_t *me, uint64_t *ret_last)
{
    uint64_t last = 0;
    vector_t vector = {NULL, 0, 0};
    int rc = node_get_uint (txn, "clock", &last);
    if (rc == ERR_NOT_FOUND)
        rc = 0;
    for (int kind = WATERMARK_SHARED; rc == 0 && kind <= WATERMARK_ROWS; kind++) {
        rc = watermarks_load (txn, (enum watermark_kind)kind, &vector);
        for (size_t i = 0; rc == 0 && i < vector.count; i++)
            if (vector.entries[i].upto > last &&
                (kind == WATERMARK_SHARED || uuid_equal (&vector.entries[i].client, me)))
                last = vector.entries[i].upto;
    }
    vector_release (&vector);
    if (rc == 0)
        *ret_last = last;
    return rc;
}

static int clock_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    clock_core_t *self = calloc (1, sizeof *self);
    if (!self)
        return ERR_NO_MEMORY;
    int rc = last_known (step->txn, &setup->identity->client, &self->hlc.last);
    if (rc) {
        free (self);
        return rc;
    }
    self->drift_max = time_from_ms (setup->config->max_drift_ms);
    self->client = setup->identity->client;
    uint64_t ahead = hlc_ahead (step->now.wall, self->hlc.last);
    if (ahead > self->drift_max)
        step_say (step, SAY_WARNING,
            "the wall clock is %llu s behind this node's last timestamp: new ones count on from it",
            (unsigned long long)(ahead >> 32));
    step_wake_at (step, step->now.mono_ns);
    *ret_self = self;
    return 0;
}

//  A clock that goes on from timestamps ahead of its wall clock gives others nothing that they can take. Either its
//  wall clock ran ahead and was put right, or it is wrong now.
static void alarm_look (clock_core_t *self, step_t *step)
{
    uint64_t ahead = hlc_ahead (step->now.wall, self->hlc.last);
    bool stands = ahead > self->drift_max;
    char until[TIMESTAMP_TEXT_SIZE], text[512];
    if (stands)
        step_wake_at (step, step->now.mono_ns + LOOK_AGAIN_S * 1000000000ull);
    if (stands == self->alarmed)
        return;
    self->alarmed = stands;
    time_to_text (self->hlc.last, until);
    snprintf (text, sizeof text,
        "this node's own timestamps are %llu.%03llu s ahead of its wall clock, which was set back: "
        "they count on from "
        "there. If the wall clock is right now, it ran ahead before: the members do not take what "
        "is written here "
        "until %s, and what they have not taken should be re-stamped (tidepool restamp). If it is "
        "wrong, put it right",
        (unsigned long long)(ahead >> 32), (unsigned long long)((ahead & 0xffffffff) * 1000 >> 32),
        until);
    step_alarm (step, error_name (ERR_CLOCK_AHEAD), "clock", stands ? text : NULL);
}

static void clock_tick (void *core, step_t *step)
{
    alarm_look (core, step);
}

//  Takes the received times in order; appends by how much each is refused.
static int times_receive (clock_core_t *self, uint64_t wall, slice_t times, buffer_t *ahead)
{
    cursor_t cursor = cursor_over (times);
    size_t count;
    int rc = cursor_array (&cursor, &count);
    if (rc == 0)
        pack_array (ahead, count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint64_t time;
        rc = cursor_uint (&cursor, &time);
        if (rc)
            break;
        bool refused = hlc_receive (&self->hlc, wall, time, self->drift_max) != 0;
        pack_uint (ahead, refused ? hlc_ahead (wall, time) : 0);
    }
    return rc;
}

static void on_ask (clock_core_t *self, step_t *step, const mail_t *mail)
{
    clock_ask_t ask;
    buffer_t ahead = {NULL, 0, 0};
    clock_grant_t grant = {.wall = step->now.wall};
    if (step_unpack (step, mail, &clock_ask_type, &ask))
        return;
    //  From the store, not from a peer: no drift is asked.
    if (ask.own > self->hlc.last)
        self->hlc.last = ask.own;
    if (ask.times.size && times_receive (self, step->now.wall, ask.times, &ahead) == 0)
        grant.ahead = buffer_slice (&ahead);
    if (ask.count && hlc_grant (&self->hlc, step->now.wall, ask.count, &grant.first) == 0)
        grant.count = ask.count;
    metric_add (step->metrics, METRIC_CLOCK_GRANTS, 1);
    step_send (step, mail->envelope.from, MAIL_CLOCK_GRANT, mail->envelope.ticket,
        &clock_grant_type, &grant, NULL, 0);
    buffer_release (&ahead);
    alarm_look (self, step);
}

static void on_back (clock_core_t *self, step_t *step, const mail_t *mail)
{
    clock_back_t back;
    if (step_unpack (step, mail, &clock_back_type, &back) == 0 && back.last < self->hlc.last)
        self->hlc.last = back.last;
    alarm_look (self, step);
}

static void on_report (clock_core_t *self, step_t *step, const mail_t *mail)
{
    alarm_look (self, step);
    buffer_t answer = {NULL, 0, 0};
    timestamp_t last = {self->hlc.last, self->client};
    pack_map (&answer, 1);
    pack_string (&answer, "clock");
    pack_map (&answer, 3);
    pack_string (&answer, "last");
    timestamp_pack (&last, &answer);
    pack_string (&answer, "wall");
    pack_uint (&answer, step->now.wall);
    pack_string (&answer, "ahead_ms");
    pack_uint (&answer, time_to_ns (hlc_ahead (step->now.wall, self->hlc.last)) / 1000000);
    commanded_t commanded = {.answer = buffer_slice (&answer)};
    step_send (step, mail->envelope.from, MAIL_COMMANDED, mail->envelope.ticket, &commanded_type,
        &commanded, NULL, 0);
    buffer_release (&answer);
}

static void clock_receive (void *core, step_t *step, mail_t **mail_p)
{
    switch ((*mail_p)->envelope.verb) {
    case MAIL_CLOCK_ASK: on_ask (core, step, *mail_p); break;
    case MAIL_CLOCK_BACK: on_back (core, step, *mail_p); break;
    case MAIL_COMMAND: on_report (core, step, *mail_p); break;
    default: metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
    }
}

static void clock_close (void **core_p)
{
    free (*core_p);
    *core_p = NULL;
}

const actor_class_t clock_class = {
    .actor = ACTOR_CLOCK,
    .txn = TXN_NONE,
    .open = clock_open,
    .receive = clock_receive,
    .tick = clock_tick,
    .close = clock_close,
};

//  round - what an actor's thread does: wait, drain, work, tick, send

#include "actors/shell/round.h"
#include "actors/shell/log.h"
#include "actors/shell/mailbox.h"
#include "actors/shell/wire.h"

#include <sodium.h>

#define ROUND_MAILS 1024 // drained in one round at most
#define ROUND_NS                                                                                   \
    (20 *                                                                                          \
        1000000ull) // and nothing more is drained after this; so no reading transaction lives long
#define STALL_MSEC    50 // wait before trying again to open a reading transaction
#define POLL_MSEC_MAX (3600 * 1000)

typedef struct round {
    const actor_options_t *options;
    const actor_class_t *class;
    zsock_t *pipe;
    mailbox_t mailbox;
    void *edge;
    void *core;
    poll_list_t items; // [0] the pipe, [1] the mailbox, then the edge's
    mail_list_t in;    // from the edge, for the core
    step_t step;
    bool again;   // there may be something to do already
    bool stalled; // no reading transaction could be opened
} round_t;

//  ---- what a core is given

static void round_random (void *context, void *bytes, size_t size)
{
    (void)context;
    randombytes_buf (bytes, size);
}

static void round_say (void *context, int level, const char *text)
{
    const round_t *self = context;
    log_line (self->class->actor, level, text);
}

static void step_start (round_t *self)
{
    self->step = (step_t){.now = clock_now (),
        .metrics = self->options->metrics,
        .wake_ns = UINT64_MAX,
        .self = self->class->actor,
        .random = round_random,
        .say = round_say,
        .context = self};
}

//  ---- transactions

static void count_commit (round_t *self, uint64_t ns)
{
    metrics_t *metrics = self->options->metrics;
    uint64_t ceiling = 100 * 1000;
    int bucket = 0;
    while (bucket < METRIC_COMMIT_BUCKETS - 1 && ns >= ceiling) {
        ceiling *= 2;
        bucket++;
    }
    atomic_fetch_add_explicit (&metrics->commit_buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit (&metrics->commit_ns, ns, memory_order_relaxed);
    metric_add (metrics, METRIC_COMMITS, 1);
}

static int commit (round_t *self)
{
    uint64_t before = clock_now ().mono_ns;
    int rc = store_commit (&self->step.txn);
    if (rc == 0)
        count_commit (self, clock_now ().mono_ns - before);
    return rc;
}

static void mail_list_join (mail_list_t *self, mail_list_t *more)
{
    if (!more->head)
        return;
    if (self->tail)
        self->tail->next = more->head;
    else
        self->head = more->head;
    self->tail = more->tail;
    self->count += more->count;
    *more = (mail_list_t){NULL, NULL, 0};
}

//  Runs `call` in a writing transaction, again and again while the map is too small for it. Mail
//  that it puts into the step stays only if the transaction does.
static int in_writing (round_t *self, int (*call) (round_t *self))
{
    mail_list_t before = self->step.out;
    int rc;
    do {
        self->step.out = (mail_list_t){NULL, NULL, 0};
        rc = store_begin (self->options->store, true, &self->step.txn);
        if (rc == 0)
            rc = call (self);
        if (rc == 0)
            rc = commit (self);
        else if (self->step.txn)
            store_abort (&self->step.txn);
        self->step.txn = NULL;
        if (rc)
            mail_list_clear (&self->step.out);
    } while (rc == ERR_MAP_FULL && (rc = store_grow (self->options->store)) == 0);
    if (rc)
        metric_add (self->options->metrics, METRIC_COMMITS_FAILED, 1);
    mail_list_join (&before, &self->step.out);
    self->step.out = before;
    return rc;
}

static int in_reading (round_t *self, int (*call) (round_t *self))
{
    int rc = store_begin (self->options->store, false, &self->step.txn);
    if (rc == 0)
        rc = call (self);
    if (self->step.txn)
        store_abort (&self->step.txn);
    self->step.txn = NULL;
    return rc;
}

//  ---- the round

static void deliver (round_t *self, mail_t *mail)
{
    self->class->receive (self->core, &self->step, &mail);
    mail_destroy (&mail);
}

//  Takes what the mailbox holds, behind what the edge brought. This comes before the round's
//  transaction is opened: what a mail says was committed before it was sent, and so the round can
//  read it.
static void collect (round_t *self)
{
    while (self->in.count < ROUND_MAILS) {
        mail_t *mail = NULL;
        int rc = mailbox_receive (&self->mailbox, &mail);
        if (rc == 0)
            mail_list_append (&self->in, mail);
        else if (rc == ERR_MALFORMED)
            metric_add (self->options->metrics, METRIC_MAIL_REFUSED, 1);
        else
            return;
    }
}

//  What is left when its time is over is the next round's.
static void deliver_all (round_t *self)
{
    for (size_t count = 1; self->in.head; count++) {
        deliver (self, mail_list_take (&self->in));
        if (count % 16 == 0 && clock_now ().mono_ns - self->step.now.mono_ns > ROUND_NS)
            break;
    }
}

static void tick (round_t *self)
{
    if (self->step.now.mono_ns < self->step.wake_ns)
        return;
    self->step.wake_ns = UINT64_MAX;
    if (self->class->tick)
        self->class->tick (self->core, &self->step);
    self->again = self->again || self->class->txn == TXN_WRITE; // it may be ready now
}

static int call_work (round_t *self)
{
    return self->class->work (self->core, &self->step);
}

static void work (round_t *self)
{
    if (!self->class->ready (self->core, &self->step))
        return;
    int rc = in_writing (self, call_work);
    self->class->settle (self->core, &self->step, rc);
    self->again = true;
}

static int call_read_round (round_t *self)
{
    deliver_all (self);
    tick (self);
    return 0;
}

//  Mail goes out only here, when all that it says is durable.
static void send_all (round_t *self)
{
    const edge_class_t *edge = self->options->edge;
    for (mail_t *mail = mail_list_take (&self->step.out); mail;
         mail = mail_list_take (&self->step.out)) {
        if (mail->envelope.to == ACTOR_EDGE) {
            if (edge)
                edge->write (self->edge, &mail, &self->in);
            mail_destroy (&mail);
        } else
            mailbox_send (&self->mailbox, &mail);
    }
    self->again = self->again || self->in.count > 0;
}

static void run_round (round_t *self)
{
    self->step.now = clock_now ();
    collect (self);
    if (self->class->txn == TXN_READ) {
        int rc = in_reading (self, call_read_round);
        self->stalled = rc != 0;
        if (rc)
            log_printf (
                self->class->actor, SAY_ERROR, "cannot read the store: %s", error_text (rc));
    } else {
        deliver_all (self);
        if (self->class->txn == TXN_WRITE)
            work (self);
        tick (self);
    }
    send_all (self);
}

//  ---- the wait

static long poll_msec (const round_t *self)
{
    if (self->stalled)
        return STALL_MSEC;
    if (self->again)
        return 0;
    if (self->step.wake_ns == UINT64_MAX)
        return -1;
    uint64_t now = clock_now ().mono_ns;
    if (self->step.wake_ns <= now)
        return 0;
    uint64_t msec = (self->step.wake_ns - now + 999999) / 1000000;
    return msec < POLL_MSEC_MAX ? (long)msec : POLL_MSEC_MAX;
}

//  True: there is something to do; false: stop.
static bool wait_for_work (round_t *self, bool *ret_stop)
{
    const edge_class_t *edge = self->options->edge;
    self->items.count = 0;
    poll_list_add (&self->items, zsock_resolve (self->pipe), 0);
    if (!self->stalled) {
        poll_list_add (&self->items, self->mailbox.pull, 0);
        if (edge)
            edge->poll (self->edge, &self->items);
    }
    bool work = self->again || self->stalled;
    int count = zmq_poll (self->items.items, (int)self->items.count, poll_msec (self));
    if (count < 0 && errno != EINTR)
        *ret_stop = true;
    if (count > 0 && self->items.items[0].revents)
        *ret_stop = true; // $TERM is all that a pipe brings
    self->again = false;
    if (edge && !self->stalled && count >= 0)
        self->again = edge->read (self->edge, self->items.items + 2, &self->in);
    self->stalled = false;
    return work || count > 0 || clock_now ().mono_ns >= self->step.wake_ns;
}

//  ---- the life

static int call_open (round_t *self)
{
    return self->class->open (self->options->setup, &self->step, &self->core);
}

static int open_core (round_t *self, why_t *why)
{
    int rc = self->class->txn == TXN_WRITE ? in_writing (self, call_open)
             : self->options->store        ? in_reading (self, call_open)
                                           : call_open (self);
    if (rc)
        why_fail (why, rc, "%s: %s", actor_name (self->class->actor), error_text (rc));
    return rc;
}

static int open_all (round_t *self, why_t *why)
{
    const actor_options_t *options = self->options;
    int rc = mailbox_open (&self->mailbox, options->instance, self->class->actor, why);
    if (rc == 0 && options->edge) {
        edge_setup_t setup = {options->setup, options->store, options->metrics, self->class->actor};
        rc = options->edge->open (&setup, &self->in, &self->edge, why);
    }
    return rc ? rc : open_core (self, why);
}

static void say (round_t *self, frame_t *frames, size_t count)
{
    wire_send_all (zsock_resolve (self->pipe), frames, count);
}

static void say_failed (round_t *self, int error, const why_t *why)
{
    frame_t frames[] = {frame_copy (slice_text ("FAILED")),
        frame_copy (slice_text (error_name (error))), frame_copy (slice_text (why->text))};
    say (self, frames, 3);
}

static void say_ready (round_t *self)
{
    frame_t frames[1 + EDGE_SOCKETS_MAX] = {frame_copy (slice_text ("READY"))};
    size_t count = 1;
    for (const mail_t *mail = self->in.head; mail; mail = mail->next)
        if (mail->envelope.verb == MAIL_EDGE_BOUND && count < 1 + EDGE_SOCKETS_MAX)
            frames[count++] = frame_copy (mail->body);
    say (self, frames, count);
}

static void close_all (round_t *self)
{
    if (self->core)
        self->class->close (&self->core);
    mail_list_clear (&self->step.out);
    mail_list_clear (&self->in);
    if (self->edge)
        self->options->edge->close (&self->edge);
    if (self->mailbox.pull)
        mailbox_close (&self->mailbox);
    poll_list_release (&self->items);
}

void round_main (zsock_t *pipe, void *options)
{
    round_t self = {
        .options = options, .class = ((const actor_options_t *)options)->class, .pipe = pipe};
    why_t why = {""};
    zsock_signal (pipe, 0); // zactor_new waits for it, and does not look at it
    step_start (&self);
    int rc = open_all (&self, &why);
    if (rc)
        say_failed (&self, rc, &why);
    else {
        say_ready (&self);
        send_all (&self);
        self.again = true;
        bool stop = false;
        while (!stop)
            if (wait_for_work (&self, &stop) && !stop)
                run_round (&self);
        run_round (&self); // what had come before the word to stop: the answer to who gave it, too
    }
    close_all (&self);
}

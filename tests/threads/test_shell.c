//  The shell under load: cores in threads that exchange thousands of mails with frames, write and
//  read the store, fail and stop. Says what went wrong and returns not 0. Meant for the thread
//  sanitizer.

#include "actors/shell/actor.h"
#include "actors/shell/log.h"
#include "actors/shell/mailbox.h"
#include "store/node.h"

#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>

#define MAILS     3000
#define IN_FLIGHT 64
#define PATIENCE  60000 // ms

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf (stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                       \
            exit (1);                                                                              \
        }                                                                                          \
    } while (0)

//  ---- frames of every size class: inside a small message, small, large

static size_t frame_size (uint64_t ticket)
{
    static const size_t sizes[] = {0, 1, 32, 33, 34, 1000, 20000};
    return sizes[ticket % (sizeof sizes / sizeof *sizes)];
}

static frame_t frame_make (uint64_t ticket)
{
    buffer_t bytes = {NULL, 0, 0};
    buffer_reserve (&bytes, 1);
    for (size_t i = 0; i < frame_size (ticket); i++)
        buffer_append (&bytes, &(uint8_t){(uint8_t)(ticket + i)}, 1);
    return frame_take (&bytes);
}

static bool frame_right (slice_t bytes, uint64_t ticket)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != (uint8_t)(ticket + i))
            return false;
    return bytes.size == frame_size (ticket);
}

//  ---- cores

typedef struct asker {
    uint64_t asked;
    uint64_t answered;
    uint64_t written;
} asker_t;

static int plain_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    (void)setup;
    step_wake_at (step, step->now.mono_ns);
    *ret_self = calloc (1, sizeof (asker_t));
    return *ret_self ? 0 : ERR_NO_MEMORY;
}

static void plain_close (void **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

static void ask (asker_t *self, step_t *step)
{
    if (self->asked == MAILS)
        return;
    uint64_t ticket = ++self->asked;
    frame_t frames[] = {frame_make (ticket), frame_make (ticket + 1)};
    clock_ask_t body = {.count = ticket};
    step_send_frames (step, ACTOR_CLOCK, MAIL_CLOCK_ASK, ticket, &clock_ask_type, &body, frames, 2);
    write_out_t out = {.what = slice_text ("a test")};
    step_send (step, ACTOR_OPLOG, MAIL_WRITE, ticket, &write_out_type, &out, NULL, 0);
}

static void asker_tick (void *context, step_t *step)
{
    for (int i = 0; i < IN_FLIGHT; i++)
        ask (context, step);
}

static void asker_receive (void *context, step_t *step, mail_t **mail_p)
{
    asker_t *self = context;
    const mail_t *mail = *mail_p;
    uint64_t ticket = mail->envelope.ticket;
    if (mail->envelope.verb == MAIL_CLOCK_GRANT) {
        CHECK (mail->envelope.from == ACTOR_CLOCK && ticket == self->answered + 1); // in order
        CHECK (mail->frame_count == 2);
        CHECK (frame_right (mail_frame (mail, 0), ticket));
        CHECK (frame_right (mail_frame (mail, 1), ticket + 1));
        self->answered++;
        ask (self, step);
    } else if (mail->envelope.verb == MAIL_WRITTEN)
        self->written++;
    if (self->answered == MAILS && self->written == MAILS) {
        command_t command = {.verb = slice_text ("done"), .request = slice_of ("\x80", 1)};
        step_send (step, ACTOR_NODE, MAIL_COMMAND, 7, &command_type, &command, NULL, 0);
        self->written++; // says so once
    }
}

static void echo_receive (void *context, step_t *step, mail_t **mail_p)
{
    (void)context;
    mail_t *mail = *mail_p;
    clock_ask_t asked;
    if (mail->envelope.verb != MAIL_CLOCK_ASK || step_unpack (step, mail, &clock_ask_type, &asked))
        return;
    clock_grant_t grant = {.first = asked.count};
    step_send_frames (step, mail->envelope.from, MAIL_CLOCK_GRANT, mail->envelope.ticket,
        &clock_grant_type, &grant, mail->frames, mail->frame_count);
    mail->frame_count = 0; // handed over
}

typedef struct writer {
    mail_list_t waiting;
    size_t done; // by the last work
    uint64_t works;
} writer_t;

static int writer_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    (void)setup;
    int rc = node_put_uint (step->txn, "written", 0);
    if (rc == 0)
        *ret_self = calloc (1, sizeof (writer_t));
    return rc;
}

static void writer_receive (void *context, step_t *step, mail_t **mail_p)
{
    CHECK (step->txn == NULL);
    writer_t *self = context;
    mail_list_append (&self->waiting, *mail_p);
    *mail_p = NULL;
}

static bool writer_ready (void *context, step_t *step)
{
    (void)step;
    writer_t *self = context;
    return self->waiting.count > 0;
}

static int writer_work (void *context, step_t *step)
{
    writer_t *self = context;
    uint64_t written;
    int rc = node_get_uint (step->txn, "written", &written);
    self->done = 0;
    for (mail_t *mail = self->waiting.head; mail; mail = mail->next) {
        written_t body = {.error = 0};
        step_send (step, mail->envelope.from, MAIL_WRITTEN, mail->envelope.ticket, &written_type,
            &body, NULL, 0);
        self->done++;
    }
    if (rc == 0)
        rc = node_put_uint (step->txn, "written", written + self->done);
    //  Now and then it does not come to a commit: what was said must not be heard, and the work
    //  is done again.
    self->works++;
    if (rc == 0 && (self->works == 3 || self->works == 5))
        rc = ERR_MAP_FULL;
    if (rc == 0 && self->works % 7 == 0)
        rc = ERR_STORAGE_FAILED;
    return rc;
}

static void writer_settle (void *context, step_t *step, int error)
{
    (void)step;
    writer_t *self = context;
    for (size_t i = 0; error == 0 && i < self->done; i++) {
        mail_t *mail = mail_list_take (&self->waiting);
        mail_destroy (&mail);
    }
}

static void writer_close (void **self_p)
{
    writer_t *self = *self_p;
    mail_list_clear (&self->waiting);
    plain_close (self_p);
}

static int reader_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    CHECK (step->txn != NULL);
    return plain_open (setup, step, ret_self);
}

static void reader_receive (void *context, step_t *step, mail_t **mail_p)
{
    (void)context;
    (void)mail_p;
    uint64_t written;
    CHECK (node_get_uint (step->txn, "written", &written) == 0);
    clock_grant_t grant = {.first = written};
    step_send (step, ACTOR_NODE, MAIL_CLOCK_GRANT, 9, &clock_grant_type, &grant, NULL, 0);
}

static int failing_open (const actor_setup_t *setup, step_t *step, void **ret_self)
{
    (void)setup;
    (void)step;
    (void)ret_self;
    return ERR_CORRUPT;
}

static const actor_class_t asker = {.actor = ACTOR_POOL,
    .txn = TXN_NONE,
    .open = plain_open,
    .receive = asker_receive,
    .tick = asker_tick,
    .close = plain_close};
static const actor_class_t echo = {.actor = ACTOR_CLOCK,
    .txn = TXN_NONE,
    .open = plain_open,
    .receive = echo_receive,
    .close = plain_close};
static const actor_class_t writer = {.actor = ACTOR_OPLOG,
    .txn = TXN_WRITE,
    .open = writer_open,
    .receive = writer_receive,
    .ready = writer_ready,
    .work = writer_work,
    .settle = writer_settle,
    .close = writer_close};
static const actor_class_t reader = {.actor = ACTOR_INGEST,
    .txn = TXN_READ,
    .open = reader_open,
    .receive = reader_receive,
    .close = plain_close};
static const actor_class_t failing = {.actor = ACTOR_SCAN,
    .txn = TXN_NONE,
    .open = failing_open,
    .receive = echo_receive,
    .close = plain_close};

//  ---- the node's side

typedef struct house {
    store_t *store;
    metrics_t metrics;
    mailbox_t mailbox;
    actor_setup_t setup;
} house_t;

static actor_t *start (house_t *house, const actor_class_t *class)
{
    actor_options_t options = {.instance = "test",
        .class = class,
        .setup = &house->setup,
        .store = house->store,
        .metrics = &house->metrics};
    actor_t *actor = NULL;
    why_t why = {""};
    int rc = actor_start (&options, &actor, &why);
    if (rc)
        fprintf (stderr, "%s: %s\n", actor_name (class->actor), why.text);
    CHECK (rc == 0);
    return actor;
}

static mail_t *await (house_t *house, int verb)
{
    zmq_pollitem_t item = {house->mailbox.pull, 0, ZMQ_POLLIN, 0};
    CHECK (zmq_poll (&item, 1, PATIENCE) == 1);
    mail_t *mail = NULL;
    CHECK (mailbox_receive (&house->mailbox, &mail) == 0);
    CHECK (mail->envelope.verb == verb);
    return mail;
}

static void send_ask (house_t *house, int to, uint64_t ticket)
{
    step_t step = {.self = ACTOR_NODE};
    clock_ask_t ask_body = {.count = ticket};
    step_send (&step, to, MAIL_CLOCK_ASK, ticket, &clock_ask_type, &ask_body, NULL, 0);
    mail_t *mail = mail_list_take (&step.out);
    mailbox_send (&house->mailbox, &mail);
}

static uint64_t ask_and_wait (house_t *house, int to)
{
    send_ask (house, to, 9);
    mail_t *mail = await (house, MAIL_CLOCK_GRANT);
    clock_grant_t grant;
    CHECK (message_unpack (&clock_grant_type, mail->body, &grant, NULL) == 0);
    mail_destroy (&mail);
    return grant.first;
}

static void round_trips_are_quick (house_t *house)
{
    enum { TRIPS = 2000 };
    uint64_t before = clock_now ().mono_ns;
    for (int i = 0; i < TRIPS; i++)
        ask_and_wait (house, ACTOR_CLOCK);
    fprintf (stderr, "a request and its answer: %.1f us\n",
        (double)(clock_now ().mono_ns - before) / 1000.0 / TRIPS);
}

static void failed_start_says_why (house_t *house)
{
    actor_options_t options = {
        .instance = "test", .class = &failing, .setup = &house->setup, .metrics = &house->metrics};
    actor_t *actor = NULL;
    why_t why = {""};
    CHECK (actor_start (&options, &actor, &why) == ERR_CORRUPT);
    CHECK (actor == NULL && strstr (why.text, "scan"));
}

static void mails_go_round (house_t *house)
{
    actor_t *actors[] = {start (house, &echo), start (house, &writer), start (house, &reader),
        start (house, &asker)};
    mail_t *mail = await (house, MAIL_COMMAND);
    mail_destroy (&mail);
    CHECK (ask_and_wait (house, ACTOR_INGEST) == MAILS);
    CHECK (metric_get (&house->metrics, METRIC_COMMITS) > 0);
    CHECK (metric_get (&house->metrics, METRIC_COMMITS_FAILED) > 0);
    CHECK (metric_get (&house->metrics, METRIC_MAIL_REFUSED) == 0);
    round_trips_are_quick (house);
    for (size_t i = 0; i < sizeof actors / sizeof *actors; i++) {
        why_t why;
        CHECK (!actor_ended (actors[i], &why));
        actor_destroy (&actors[i]);
        CHECK (actors[i] == NULL);
    }
    send_ask (house, ACTOR_CLOCK, 1); // to one who is gone: nobody waits
}

int main (void)
{
    zsys_handler_set (NULL);
    log_start ();
    CHECK (keys_start () == 0);
    char dir[] = "/tmp/test-shell-XXXXXX";
    CHECK (mkdtemp (dir));
    house_t house = {0};
    const store_options_t options = {.map_size = 64 << 20, .no_sync = true};
    why_t why;
    CHECK (store_open (dir, &options, &house.store) == 0);
    CHECK (mailbox_open (&house.mailbox, "test", ACTOR_NODE, &why) == 0);
    failed_start_says_why (&house);
    mails_go_round (&house);
    mailbox_close (&house.mailbox);
    store_destroy (&house.store);
    zsys_shutdown ();
    char command[64];
    snprintf (command, sizeof command, "rm -r %s", dir);
    return system (command) != 0;
}

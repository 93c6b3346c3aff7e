//  actor - what every actor's core is: mail and time in, a transaction, mail out
//
//  A core is a struct and the few functions of its actor_class_t. It has no socket, no thread, no clock
//  and no randomness of its own: all of that is in the step that it is given. The shell (actors/shell) runs it in a
//  thread with sockets; a test or a simulator runs it by calling it.
//
//  One round of the shell:
//      1. it takes what has arrived (bounded), opens its transaction, and calls `receive` for each mail;
//      2. a core that works under TXN_WRITE is asked `ready`; if so the shell opens a writing transaction and calls
//         `work`, commits, and calls `settle` with what came of it (0, or the error of work or commit).
//         With ERR_MAP_FULL it grows the map and runs `work` again first;
//      3. when step->wake has come it calls `tick`;
//      4. only then the mail that was put into the step goes out, in its order.
//  For TXN_READ the shell opens one short reading transaction around all calls of the round.
//
//  Mail that was put into a step by `work` is thrown away if its transaction does not commit: so nothing is said that is
//  not durable. A crash is therefore before a commit, or after it with some prefix of the mail sent.

#ifndef TIDEPOOL_ACTOR_H
#define TIDEPOOL_ACTOR_H

#include "actors/config.h"
#include "actors/metrics.h"
#include "messages/mail.h"
#include "store/store.h"

//  Bytes that travel beside a body. Owned by the mail; release may be NULL.
typedef struct frame {
    slice_t bytes;
    void (*release) (void *hint);
    void *hint;
} frame_t;

#define MAIL_FRAMES_MAX 16

typedef struct mail {
    envelope_t envelope;
    slice_t body; // packed; its memory is frames-like: body_release (body_hint)
    void (*body_release) (void *hint);
    void *body_hint;
    size_t frame_count;
    frame_t frames[MAIL_FRAMES_MAX];
    struct mail *next; // of whatever list holds it
} mail_t;

mail_t *mail_new (void);
void mail_destroy (mail_t **self_p);
slice_t mail_frame (const mail_t *self, size_t index); // an empty slice where there is none

//  A list that is taken from its head.
typedef struct mail_list {
    mail_t *head;
    mail_t *tail;
    size_t count;
} mail_list_t;
void mail_list_append (mail_list_t *self, mail_t *mail);
mail_t *mail_list_take (mail_list_t *self); // NULL when empty
void mail_list_clear (mail_list_t *self);   // destroys all

//  Physical time, as the shell read it at the start of the round.
typedef struct now {
    uint64_t wall;    // NTP 32.32 since the Unix epoch
    uint64_t mono_ns; // never goes back; only differences mean anything
} now_t;

enum say_level { SAY_DEBUG, SAY_INFO, SAY_WARNING, SAY_ERROR };

//  What a core is given with each call.
typedef struct step {
    now_t now;
    txn_t *txn; // NULL, reading or writing: as its class says
    metrics_t *metrics;
    mail_list_t out; // what it wants to be sent, in order
    uint64_t
        wake_ns; // it wants a tick at this monotonic time; kept from round to round; UINT64_MAX: never
    int self;    // enum actor: who is being stepped
    void (*random) (void *context, void *bytes, size_t size);
    void (*say) (void *context, int level, const char *text);
    void *context; // of random and say
} step_t;

//  Puts a mail into step->out. Frames are copied (step_send) or handed over (step_send_frames: the array's content is taken).
void step_send (step_t *self, int to, int verb, uint64_t ticket, const message_type_t *type,
    const void *body, const slice_t *frames, size_t frame_count);
void step_send_frames (step_t *self, int to, int verb, uint64_t ticket, const message_type_t *type,
    const void *body, frame_t *frames, size_t frame_count);

//  Copies bytes into a frame that frees itself; takes a buffer's memory as a frame (the buffer is empty then).
frame_t frame_copy (slice_t bytes);
frame_t frame_take (buffer_t *buffer);

//  Tells the log, through the shell: printf-like.
void step_say (step_t *self, int level, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

//  Sets step->wake_ns to at the latest this time.
void step_wake_at (step_t *self, uint64_t mono_ns);

//  Decodes a mail's body; on failure counts METRIC_MAIL_REFUSED, says so, and answers the error.
int step_unpack (step_t *self, const mail_t *mail, const message_type_t *type, void *ret_body);

//  Raises or ends an alarm (text NULL) at admin.
void step_alarm (step_t *self, const char *code, const char *subject, const char *text);

//  What an actor is opened with; everything in it outlives the actor.
typedef struct actor_setup {
    const config_t *config;
    const identity_t *identity;
    store_t *store; // for what needs no transaction (store_usage)
    const char *version;
    const struct disk *disk; // how scan sees the file system (actors/disk.h); NULL for the others
} actor_setup_t;

enum actor_txn { TXN_NONE, TXN_READ, TXN_WRITE };

typedef struct actor_class {
    int actor; // enum actor
    enum actor_txn txn;
    //  Makes the core from what is stored: step->txn is a reading transaction, for TXN_WRITE a writing one that is committed
    //  afterwards). May send mail.
    int (*open) (const actor_setup_t *setup, step_t *step, void **ret_self);
    //  Takes the mail (sets *mail_p to NULL) if it wants to keep it.
    void (*receive) (void *self, step_t *step, mail_t **mail_p);
    bool (*ready) (void *self, step_t *step);             // TXN_WRITE only
    int (*work) (void *self, step_t *step);               // TXN_WRITE only
    void (*settle) (void *self, step_t *step, int error); // TXN_WRITE only
    void (*tick) (void *self, step_t *step);              // may be NULL
    void (*close) (void **self_p);
} actor_class_t;

extern const actor_class_t clock_class;
extern const actor_class_t pool_class;
extern const actor_class_t oplog_class;
extern const actor_class_t ingest_class;
extern const actor_class_t scan_class;
extern const actor_class_t link_class;
extern const actor_class_t api_class;
extern const actor_class_t admin_class;

#endif

//  admin - the core that speaks with operators (private to this room)
//
//  admin.c          what comes in, what other actors are asked, and what they answer
//  alarm.c          alarms
//  status.c         status, pool: what this node and the others know, put together
//  clients.c        the members, as status and pool show them
//  metrics.c        metrics, and lost and found
//  pending.c        what is kept, and for whom
//  verify.c         counts and digests, computed anew

#ifndef TIDEPOOL_ADMIN_H
#define TIDEPOOL_ADMIN_H

#include "actors/caller.h"
#include "actors/records.h"
#include "actors/sockets.h"

#define ADMIN_ASKED_MAX  256           // requests under way at other actors; beyond it BUSY
#define ADMIN_ALARMS_MAX 1000          // beyond it a new alarm is not shown
#define ADMIN_REPORT_NS  2000000000ull // a report that takes longer is answered without

//  Whom status asks. In ACTOR_LIST's numbers.
enum admin_report {
    REPORT_LINK,
    REPORT_POOL,
    REPORT_CLOCK,
    REPORT_INGEST,
    REPORT_API,
    REPORT_COUNT
};

//  A request that waits for other actors.
typedef struct asked {
    struct asked *next;
    uint64_t ticket;
    int verb; // enum admin_verb
    caller_t caller;
    uint64_t deadline_ns; // of reports; UINT64_MAX for what is forwarded: a join takes its time
    bool reported[REPORT_COUNT];
    buffer_t reports[REPORT_COUNT]; // maps, copied; empty where there is none
} asked_t;

typedef struct alarm_set {
    struct alarm_set *next;
    char *code;
    char *subject;
    char *text;
} alarm_set_t;

//  A recount under way: one resource at a time, a slice of it each round.
typedef struct verify {
    bool running;
    bool rebuilding; // the walk begins when oplog has made derived records anew
    bool rebuilt;
    uint64_t mended;
    uint64_t ticket; // of the slice that oplog has
    caller_t caller;
    resource_entry_t entry; // what its counters said when its walk began
    uint64_t cursor;        // the store's, then
    records_t walk;
    uint64_t count;
    digest_t digest;
    int attempt;
    buffer_t results; // {name: …} entries so far
    size_t result_count;
    bool sound;  // all of them so far
    bool broken; // this resource could not be read to its end: the next one begins in a new round
} verify_t;

typedef struct admin {
    const actor_setup_t *setup;
    uint64_t opened_ns;
    uint64_t ticket; // the last one used
    asked_t *asked;
    size_t asked_count;
    alarm_set_t *alarms;
    size_t alarm_count;
    verify_t verify;
    char endpoint[LIMIT_ENDPOINT_BYTES + 1]; // where it really listens
} admin_t;

//  The value of a key in a report, as msgpack; otherwise where there is none.
slice_t admin_reported (const asked_t *asked, int report, const char *key, slice_t otherwise);

//  Refuses what could not be read.
void admin_refuse (step_t *step, const caller_t *caller, int error);

//  ---- alarm.c
void admin_alarm (admin_t *self, step_t *step, const mail_t *mail);
void admin_alarms_pack (const admin_t *self, buffer_t *out); // ["CODE: text", …]
void admin_alarms_release (admin_t *self);

//  ---- status.c: answer once all reports are in, or too late
void admin_status (admin_t *self, step_t *step, const asked_t *asked);
void admin_pool (admin_t *self, step_t *step, const asked_t *asked);
int admin_resources_pack (txn_t *txn, buffer_t *out); // {name: {kind, count, digest}}

//  ---- clients.c: [{client, name, …}]
int admin_clients_pack (admin_t *self, step_t *step, const asked_t *asked, buffer_t *out);

//  ---- metrics.c
void admin_metrics (admin_t *self, step_t *step, const caller_t *caller);
void admin_found (step_t *step, const caller_t *caller);

//  ---- pending.c
void admin_pending (admin_t *self, step_t *step, const caller_t *caller);

//  ---- verify.c
void admin_verify_begin (admin_t *self, step_t *step, const caller_t *caller,
    const request_t *request); // BUSY if one is under way
void admin_verify_rebuilt (admin_t *self, step_t *step, const mail_t *mail);
void admin_verify_go_on (admin_t *self, step_t *step);
void admin_verify_release (verify_t *self);

#endif

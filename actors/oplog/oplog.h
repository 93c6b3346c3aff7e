//  oplog - the parts of the actor that writes, to each other (nobody else includes this)
//
//  oplog.c        the queue, the group, the transaction
//  cache.c        what is remembered of the store
//  seal.c         what a transaction of ours adds to the log and to the watermarks
//  configured.c   what the configuration declares
//  found.c        lost and found
//  apply.c        requests of apps
//  take.c         batches and rows of peers
//  tally.c        what owners sign of their rows: signing, comparing, dropping, taking back
//  markers.c      markers of deleted rows, and how long they are kept
//  write.c        what pool, ingest and link send to be written; declarations
//  copy.c         a copy from a member: joining
//  repair.c       a peer's records where both differ
//  scrub.c        counts and digests, computed anew now and then
//  rebuild.c      derived records, made anew from their rows
//  restamp.c      what nobody has accepted, stamped anew
//  restored.c     put back from a backup: what has to be here before anything is written
//  return.c       returning: what this client has to say on top of a copy
//  keep.c         acknowledging, flushing, purging

#ifndef TIDEPOOL_OPLOG_H
#define TIDEPOOL_OPLOG_H

#include "actors/actor.h"
#include "messages/counting.h"
#include "store/aside.h"
#include "store/changes.h"
#include "store/clients.h"
#include "store/node.h"
#include "store/owned.h"
#include "store/pending.h"
#include "store/resources.h"
#include "store/shared.h"
#include "store/tallies.h"
#include "store/watermarks.h"

//  What an origin had seen with its newest batch, accumulated over all of them.
typedef struct origin_past {
    uuid16_t origin;
    vector_t seen;
} origin_past_t;

//  How far a member has owned rows, as link hears: in memory only, it is heard again after a start.
typedef struct member_marks {
    uuid16_t member;
    vector_t rows;
} member_marks_t;

//  Own rows that are being taken back, after this client was restored from an older copy (tally.c).
typedef struct taking_back {
    bool active;
    bool replaces; // what is here, and not among what comes, goes: what comes was found to be right
    uint64_t from; // what we remember to have signed
    uint64_t upto; // how far they came
    uint64_t until; // what we had signed: nothing past it is ours for sure
    uint64_t count; // of what came
    digest_t digest;
} taking_back_t;

//  One operation of an app's request, checked.
typedef struct request_op {
    operation_t
        operation; // value: offset and size into the request's scratch while it is being filled
    size_t value_at;
    size_t value_size;
    bool has_conflict;
    size_t entry;  // index into the request's resources
    size_t before; // index + 1 of the operation before it on the same record, 0: none
} request_op_t;

#define SCRUB_ALTERED_MOST 16

//  The recount: when the next slice is due, and how fast it goes (scrub.c).
typedef struct scrubbing {
    uint64_t next_ns;
    unsigned hurry;   // passes to be made without pauses: something is known to be wrong
    uint64_t records; // of the pass under way
    uint64_t pass;    // of the last one
    uint64_t
        altered[SCRUB_ALTERED_MOST]; // checksums of the names of resources with an alarm; 0: none
} scrubbing_t;

//  What may be lost by a return (found.c).
typedef struct found {
    timestamp_t written;
    buffer_t value; // what showed
    bool ended;     // whatever shows afterwards is another life
} found_t;

typedef struct oplog {
    const actor_setup_t *setup;

    //  The queue. A group is what one transaction will hold; it exists from the moment the clock is asked
    //  until that transaction is settled. While it waits, nothing is applied.
    mail_list_t held;    // arrived since
    mail_list_t group;   // being worked on
    clock_grant_t grant; // the clock's answer; count and first
    buffer_t ahead;      // of each received time, in order, by how much it was refused
    uint64_t next_stamp; // of the grant
    uint64_t last_stamp;
    uint64_t own_until; // of our own chain, before anything is written (restored.c)
    cursor_t ahead_cursor;

    bool asked; // the clock was asked for the group
    bool granted;

    //  A cache of the store, made anew at the start of a transaction that follows a failed one.
    bool stale;
    bool joining;
    bool copy_begun; // what was here before is put aside: from here on batches are the copy's
    bool has_pool;
    vector_t shared;   // watermarks of batches
    vector_t rows;     // watermarks of rows
    client_t *clients; // ascending by uuid
    size_t client_count;
    origin_past_t *pasts; // ascending by origin
    size_t past_count;
    position_t place; // how far the copy has come

    //  What is kept (keep.c).
    uint64_t sealed_ns; // monotonic: our last batch
    vector_t stable;    // what every member that counts has seen
    bool sweep;         // it may have risen: there may be something that can go
    bool owes;          // batches came that deserve an acknowledgement
    bool owes_noted;    // a setting says so, since something left the log
    bool forgets;       // there may be markers of rows that can go
    bool drops;         // rows of some owner are being dropped

    //  Owned rows (tally.c, markers.c).
    member_marks_t *marks;
    size_t mark_count;
    vector_t accused; // owners whose rows were not what they had signed; the alarm stands
    taking_back_t back;

    //  Of the transaction under way.
    batch_writer_t writer;
    vector_t shared_rose;
    vector_t rows_rose;
    bool clients_changed;
    bool resources_changed;
    bool joined_changed;
    buffer_t fell; // owners whose rows are dropped, packed
    size_t fell_count;
    bool failing;      // the last transaction failed: say so once
    uint64_t retry_ns; // before then, only what others ask for is tried
    scrubbing_t scrub;
    mail_t *rebuild; // a slice that is asked for (rebuild.c); NULL: none
    mail_t *restamp; // asked for (restamp.c); NULL: not

    //  Scratch, kept from request to request.
    buffer_t values;
    buffer_t sealed;
    buffer_t uuids;
    vector_t own_seen;
    request_op_t *ops;
    size_t op_capacity;
    resource_entry_t *entries; // the resources of a request
    size_t entry_count;
    size_t entry_capacity;
} oplog_t;

//  cache.c
int oplog_cache_load (oplog_t *self, txn_t *txn);
int oplog_cache_make (oplog_t *self, step_t *step); // load, and what is owed and could go
client_t *oplog_client (oplog_t *self, const uuid16_t *client); // NULL where unknown
vector_t *oplog_past (oplog_t *self, const uuid16_t *origin);   // made empty where there is none
int oplog_clients_operation (oplog_t *self, step_t *step, const operation_t *operation);
void oplog_cache_release (oplog_t *self);

//  seal.c
int oplog_stamp (oplog_t *self, uint64_t *ret_time); // ERR_CLOCK when the grant is used up
int oplog_join (oplog_t *self, step_t *step, const operation_t *operation, const vector_t *seen);
void oplog_rows_raise (oplog_t *self, const uuid16_t *owner, uint64_t upto);
int oplog_shared_raise (
    oplog_t *self, step_t *step, const uuid16_t *origin, uint64_t upto, const hash_t *hash);
void oplog_writer_begin (oplog_t *self); // on top of our own chain
//  covers: batch.h; NULL: nothing is issued anew.
int oplog_seal (oplog_t *self, step_t *step, uint64_t upto, const vector_t *covers);

//  found.c: {client, reason, resource, timestamp, uuid, value}; an empty value is nil
int oplog_found_put (step_t *step, const char *reason, slice_t resource, const uuid16_t *uuid,
    const timestamp_t *written, slice_t value);
//  What shows of a record in which this client has a part that the returner had not seen (covers: its vector), before
//  its news are joined; ERR_NOT_FOUND where nothing does.
int oplog_found_look (oplog_t *self, step_t *step, const batch_record_t *news,
    const vector_t *covers, found_t *ret_found);
//  Puts that into lost and found if the news ended it, or nothing shows any more.
int oplog_found_after (step_t *step, const batch_record_t *news, const found_t *found);

//  configured.c: ERR_CONFLICTING_DECLARATION where what is stored differs, and it was said which
int oplog_configured (const config_t *config, step_t *step);

//  oplog.c
int oplog_announce (oplog_t *self, step_t *step); // what is new, once it is committed
bool oplog_is_fatal (int error);                  // of the environment: the transaction must go

//  return.c
int oplog_return (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_return_put_aside (oplog_t *self, step_t *step);
int oplog_return_finish (oplog_t *self, step_t *step);
void oplog_return_too_large (step_t *step); // that was its answer

//  take.c: what a batch that issues anew covers is here now
int oplog_covers_raise (
    oplog_t *self, step_t *step, const uuid16_t *origin, const vector_t *covers);

//  keep.c
int oplog_owes_load (oplog_t *self, step_t *step);
int oplog_owes_no_more (oplog_t *self, step_t *step);
void oplog_sealed_load (oplog_t *self, const step_t *step);
pool_view_t oplog_pool_view (const oplog_t *self);
int oplog_acknowledge (oplog_t *self, step_t *step);
int oplog_sweep (oplog_t *self, step_t *step);
bool oplog_keep_is_due (const oplog_t *self, const step_t *step);
void oplog_keep_wake (const oplog_t *self, step_t *step);

//  Each answers 0, or a fatal error; what a peer or an app did wrong is answered by mail.
int oplog_apply (oplog_t *self, step_t *step, const mail_t *mail);
void oplog_apply_refuse (
    step_t *step, const mail_t *mail, int error, const char *message, size_t op);
int oplog_take_batches (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_take_rows (oplog_t *self, step_t *step, const mail_t *mail);
void oplog_take_answer (step_t *step, const mail_t *mail, const taken_t *answer);
int oplog_write (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_drop_rows (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_declare (oplog_t *self, step_t *step, const mail_t *mail);
void oplog_write_answer (step_t *step, const mail_t *mail, int error, const char *message);
uint64_t oplog_copy_newest (const mail_t *mail); // the newest time that a copy begins with
int oplog_copy_begin (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_frontier (step_t *step, position_t *ret_frontier);
int oplog_copy_try_end (oplog_t *self, step_t *step);
int oplog_copy_chunk (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_position_load (oplog_t *self, txn_t *txn);

int oplog_repair (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_damage_copied (step_t *step); // those that the copy has brought are whole again
void oplog_repair_answer (step_t *step, const mail_t *mail, int error, const buffer_t *uuids);

//  scrub.c
bool oplog_scrub_due (oplog_t *self, const step_t *step);
int oplog_scrub (oplog_t *self, step_t *step);       // a slice
void oplog_scrub_plan (oplog_t *self, step_t *step); // when to wake for the next one
int oplog_damaged (oplog_t *self, step_t *step);     // records were set aside in this transaction
void oplog_scrub_hurry (oplog_t *self, step_t *step);
int oplog_listed (oplog_t *self, step_t *step, uint64_t cursor_before); // announces later ones
int oplog_damage_tell (step_t *step); // an alarm for each record that was set aside

//  rebuild.c
void oplog_rebuild_ask (oplog_t *self, mail_t **mail_p);
int oplog_rebuild (oplog_t *self, step_t *step); // a slice
void oplog_rebuild_settle (oplog_t *self, step_t *step, int error);

//  restamp.c
void oplog_restamp_ask (oplog_t *self, mail_t **mail_p);
int oplog_restamp (oplog_t *self, step_t *step);
void oplog_restamp_settle (oplog_t *self, step_t *step, int error);

//  restored.c
int oplog_restored_load (oplog_t *self, txn_t *txn);
bool oplog_is_restoring (const oplog_t *self);
const char *oplog_busy (const oplog_t *self); // why nothing can be written; NULL: it can
int oplog_told (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_restored_end (oplog_t *self, step_t *step);

//  tally.c
int oplog_take_tally (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_sign_rows (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_sign_anew (
    oplog_t *self, step_t *step, uint64_t past, uint64_t upto); // what is stamped anew
int oplog_drops_load (oplog_t *self, txn_t *txn);
int oplog_drops_go_on (oplog_t *self, step_t *step);
//  May these rows be taken? 0, DUPLICATE, TOO_EARLY, BUSY, NOT_OWNER; *ret_gone: they are of a removed client whose rows go.
int oplog_rows_check (
    oplog_t *self, step_t *step, const take_rows_t *take, const client_t *owner, bool *ret_gone);
void oplog_rows_taken (oplog_t *self, const take_rows_t *take);
int oplog_back_put (oplog_t *self, step_t *step, const take_rows_t *take, slice_t rows); // own ones

//  markers.c
void oplog_on_marks (oplog_t *self, step_t *step, const mail_t *mail);
int oplog_markers_forget (oplog_t *self, step_t *step);
void oplog_markers_release (oplog_t *self);

//  A batch that was decoded, checked and verified: to the log, the tables, the watermarks.
int oplog_apply_batch (oplog_t *self, step_t *step, const batch_t *batch);

void position_pack (const position_t *place, buffer_t *out);
int position_unpack (slice_t bytes, position_t *ret_place);

#endif

//  link - the parts of the actor that speaks with peers, to each other (nobody else includes this)
//
//  link.c          the class: mail in, what changes when the pool or the log does
//  line.c          a connection's life: from its first word to its last
//  dial.c          whom to call, when, and at which door to knock
//  hear.c          what a peer says
//  ping.c          pings and pongs
//  take.c          data that it brings
//  copy.c          copies: asking for one, giving one, taking one
//  feed.c          what a peer is sent: the log at its watermark, rows, records of a copy
//  tally.c         what owners signed of their rows: given, heard; own rows that are taken back
//  source.c        from whom an owner's rows come, and from whom not
//  marks.c         how far members have owned rows, as pings tell
//  return.c        who has to return, and how it does
//  report.c        what operators are told
//  restamp.c       how far anybody has what this client wrote ahead of time
//  restored.c      the same after a restore, before anything is written
//  diverge.c       what a ping's digests show
//  repair.c        where we differ from a peer: asks, and has it merged
//  answer.c        the same of a peer that asks us
//  spoilt.c        batches in the log that the disk has changed
//
//  A line:
//
//      dialled --CONNECTED--> greeting --hello--> declaring --written--> open --> (gone)
//      came in ---------------hello------------->     |                    |
//                                                     +---- bye, lost -----+
//
//  greeting: our hello is said or theirs awaited; declaring: their declarations that we did not know are being
//  stored; open: everything else.

#ifndef TIDEPOOL_LINK_H
#define TIDEPOOL_LINK_H

#include "actors/actor.h"
#include "actors/sockets.h"
#include "messages/peer.h"
#include "store/clients.h"
#include "store/node.h"
#include "store/owned.h"
#include "store/pending.h"
#include "store/resources.h"
#include "store/shared.h"
#include "store/tallies.h"
#include "store/watermarks.h"

#define SECOND_NS       1000000000ull
#define GREETING_NS     (10 * SECOND_NS) // a connection that says no hello by then is closed
#define PATIENCE_NS     (2 * SECOND_NS)  // how long a batch is left to its own origin to bring
#define REDIAL_FIRST_NS (SECOND_NS / 5)
#define REDIAL_MOST_NS  (10 * SECOND_NS)
#define REFUSED_PATIENCE_NS                                                                        \
    (60 *                                                                                          \
        SECOND_NS) // for which a member may not have heard of our admission, before a person is told
#define DEFER_MOST_S       30 // a deferred batch is offered again after that at the latest
#define AGAIN_NS           (SECOND_NS / 2)  // before a stream that did not fit begins again
#define DOOR_ROUNDS        3                // times that all endpoints of a door are tried
#define DOOR_PAUSE_NS      (SECOND_NS / 2)  // between two of them
#define LINK_RETURN_TICKET (1ull << 62)     // beside a line: its peer is stated to be back
#define LINK_GOING_TICKET  (1ull << 63)     // our own return is begun, or not
#define LINE_WAITING_MOST  256              // mails of a peer whose declarations are being stored
#define GIVER_PATIENCE_NS  (30 * SECOND_NS) // for which a copy waits for its giver to begin
#define FEED_ROUND_BYTES   (1u << 20)       // to one peer in one round

//  Tickets of what oplog takes.
enum taking { TAKING_BATCHES = 1, TAKING_ROWS, TAKING_BEGIN, TAKING_CHUNK, TAKING_TALLY };

enum line_state { LINE_DIALLED, LINE_GREETING, LINE_DECLARING, LINE_OPEN };

//  A member of the pool as link knows it; there is one for each but us.
typedef struct peer {
    uuid16_t client;
    public_key_t curve;
    char name[LIMIT_NAME_BYTES + 1];
    endpoint_list_t endpoints;
    size_t next_endpoint;
    uint64_t redial_ns; // monotonic: not before
    uint64_t backoff_ns;
    uint64_t dialled_line; // 0: none under way
    uint64_t refused_ns;   // since when it does not let us in; 0: it does, or nobody knows
    bool refused_told;
    bool paused;
    bool named;         // after a restore, by who is asked: it may not be known here (restored.c)
    bool excused;       // it is out, as they say then, and not waited for …
    bool gone;          // … or was removed
    bool told;          // how far it has our own chain, after a restore …
    uint64_t told_upto; // … up to this
    buffer_t told_of;   // … and all of whom it knows, [client, …]
    vector_t shared;    // last heard, also when it is gone
} peer_t;

typedef struct line {
    uint64_t number; // odd: we dialled it
    uuid16_t client;
    enum line_state state;
    public_key_t key; // CURVE
    uint64_t since_ns;
    uint64_t heard_ns;
    uint64_t pinged_ns;
    uint64_t fence;       // time of the statement that we hold against it, if it has returned since
    vector_t asked;       // with which it asked to return, when it was let
    uint64_t welcomed_ns; // when it was told that it may return to us; 0: it was not
    uint64_t its_own;     // of its own chain we held more than it did when it greeted: up to this
    uint64_t back;        // when it said last that it is back; 0: never
    bool greeted;         // our hello is said
    bool says_out;        // it knows that it has to return
    uuid16_t returned_to; // the member by whose word it returned last; zero: none
    bool outside;         // it has to return, or we have: nothing else passes
    bool returns;         // we have
    bool peer_joins;      // it takes a copy; it gets the log only from its giver
    bool impatient;       // no rows came to it between its last pings
    bool copying;         // it copies from us
    bool copy_waits;      // until we have all that it got from another giver
    bool copy_known;      // it was known here that it is to have a copy
    bool records_end;     // all records are sent
    position_t place;     // to where they are

    //  What it has, as it says, and what is under way to it.
    vector_t shared;
    vector_t shared_sent;
    vector_t rows;
    vector_t rows_sent;
    vector_t tallies_sent;  // of owners' tallies: their upto
    tally_t mine;           // what it showed us of our own rows; upto 0: nothing
    bool pinged;            // a ping or pong of it was heard: what it knows of us came before
    bool gives_back;        // it asked for its own rows
    bool skipping;          // the rest of a stretch of which the first piece was passed over
    size_t tallying;        // tallies of it that oplog has not answered for
    bool ignored;           // rows of it were passed over, for they come from another
    uint64_t marks_version; // of the marks that it was told last
    vector_t rows_before; // at its last ping: no progress since means that nobody else brings them
    uint64_t cursor;      // next sequence of our log to look at
    bool passed_early; // batches before it stand on others that the peer lacks, as far as we know
    uint64_t in_flight;
    uint64_t credit;        // of it
    uint64_t hold_sequence; // a batch left to its own origin
    uint64_t hold_until_ns;
    uint64_t again_ns; // nothing is sent before
    vector_t refused;  // batches of clients that it said are too far ahead
    vector_t deferred; // these clients; upto: monotonic ns until they are offered again
    uuid16_t *linked;  // whom it is linked with
    size_t linked_count;

    //  What it sends to us.
    mail_list_t waiting; // what came while its declarations are being stored
    buffer_t partial;    // of what comes in pieces
    uint64_t partial_size;
    uint64_t taking;     // bytes that oplog has not answered for
    uint64_t credit_due; // bytes to give back with the next ack
    vector_t ack_shared; // of ours, to be told with the next ack
    vector_t ack_rows;

    //  What was written ahead of time (restamp.c).
    bool holds_due;     // it asked how far we have what it wrote
    bool holds_members; // … and who is a member: it was restored, and takes part in nothing yet
    bool holds_asked;   // we asked it
    bool held;          // it has answered

    struct line_repair *repair; // NULL until something differs or is asked (link_repair.h)
} line_t;

//  From whom an owner's rows come just now.
typedef struct source {
    uuid16_t owner;
    uuid16_t peer;
    bool mixed; // since they were last known to be right they came from another, too
    uint64_t since_ns;
} source_t;

//  A peer whose rows of an owner were not what the owner signed: none are taken from it for a while.
typedef struct doubt {
    uuid16_t owner;
    uuid16_t peer;
    uint64_t until_ns; // 0: it may try again
    uint64_t wait_ns;  // how long it was last
} doubt_t;

//  How far a member has owned rows.
typedef struct member_mark {
    uuid16_t member;
    vector_t rows;
    uint64_t version; // larger: later
} member_mark_t;

typedef struct door_call {
    bool active;
    uint64_t line; // 0: none just now
    endpoint_list_t endpoints;
    size_t next;
    public_key_t server;
    uint8_t secret[32];
    buffer_t request;
    uint64_t deadline_ns;
} door_call_t;

//  Stamping anew, from the operator's word to the end.
typedef struct restamp_state {
    bool active;      // nothing is sent meanwhile
    bool asked_oplog; // all members have answered
    uint64_t ticket;  // of the operator's
    uint64_t deadline_ns;
    watermark_t accepted; // the newest batch of ours that any of them has
    uint64_t rows;        // the newest row
} restamp_state_t;

#define SOUND_MOST  1024 // a power of two
#define SPOILT_MOST 64

//  A batch of the log whose origin's signature was seen to be right, and its bytes then.
typedef struct sound {
    uint64_t sequence; // 0: none
    uint64_t sum;
} sound_t;

//  A batch of the log that cannot be read, or is not what its origin signed.
typedef struct spoilt {
    uuid16_t client;
    uint64_t upto;
} spoilt_t;

typedef struct link {
    const actor_setup_t *setup;
    uuid16_t me;
    uuid16_t pool;
    peer_t *peers; // ascending by client
    size_t peer_count;
    line_t **lines;
    size_t line_count;
    uint64_t next_line; // odd
    vector_t shared;    // our own watermarks
    vector_t rows;
    uint64_t sequence; // of our newest batch
    bool joining;
    bool any_gives;      // the giver was waited for
    uint64_t joining_ns; // since when we are joining
    bool lines_joining;  // what we said in the hellos
    bool going;          // we are about to return to a member
    bool stating;        // that somebody returns is being written here
    bool begun;          // the copy has come past its beginning: any member can go on with it
    uuid16_t giver;
    bool has_target; // while and after a copy: what the giver had when it began
    vector_t target_shared;
    vector_t target_rows;
    uint64_t copied; // records so far
    bool paused_all;
    uuid16_t *paused; // clients, known or not
    size_t paused_count;
    buffer_t ages;     // what pool says of all clients, for pings
    buffer_t bound[2]; // [text, …] where LINK_PEERS and LINK_DOOR listen
    door_call_t door;
    buffer_t scratch;
    vector_t seen;
    vector_t ahead;         // batches of clients whose clock runs ahead, not taken yet
    vector_t restored;      // this client: how far members hold its own chain, until it is back
    uint64_t own_until;     // of our own chain, before anything is written here (store/backup.h)
    bool told_news;         // it is to be reckoned anew who is asked
    bool was_told;          // oplog was, since anybody said so last, how far members have it …
    uint64_t told_upto;     // … up to this
    uint64_t taking_until;  // that, once all were asked; 0 before
    buffer_t restored_text; // of the alarm that stands
    restamp_state_t restamp;
    source_t *sources;
    size_t source_count;
    doubt_t *doubts;
    size_t doubt_count;
    member_mark_t *marks;
    size_t mark_count;
    uint64_t marks_version;
    uint64_t sign_ns;   // when oplog was last asked to sign our rows
    uint64_t back_ns;   // when it last gave some
    uint64_t back_line; // who gives us our own rows back; 0: nobody
    sound_t *sound;     // SOUND_MOST
    spoilt_t spoilt[SPOILT_MOST];
    size_t spoilt_count;
    bool spoilt_look;     // one of them may be whole again, or gone
    size_t repair_budget; // records that may still be read for repairs in this round
} link_t;

//  link.c
peer_t *link_peer (link_t *self, const uuid16_t *client);
peer_t *link_peer_add (link_t *self, const client_t *client); // NULL: that is us
void link_strangers_drop (link_t *self, step_t *step);        // who was only named
void link_keys_admit (link_t *self, step_t *step);
void link_lines_renew (link_t *self, step_t *step, const char *why); // all greet anew
void link_joining_load (link_t *self, step_t *step); // whether a copy is under way, and how far
int link_members_load (link_t *self, step_t *step);

//  line.c
line_t *link_line (link_t *self, uint64_t number);
line_t *link_line_of (link_t *self, const uuid16_t *client); // the open one, or NULL
line_t *link_line_add (link_t *self, step_t *step, uint64_t number);
void link_line_send (step_t *step, const line_t *line, const message_type_t *type,
    const void *message,
    buffer_t *payload); // payload (may be NULL) is taken over
void link_line_close (link_t *self, step_t *step, line_t *line, int error, const char *text);
void link_line_drop (link_t *self, step_t *step, line_t *line);
void link_line_free (link_t *self, line_t *line);
void link_greet (link_t *self, step_t *step, line_t *line);
void link_on_hello (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_on_declared (link_t *self, step_t *step, uint64_t number, int error, slice_t message);
void link_refused (link_t *self, step_t *step, const uuid16_t *client, int error, slice_t message);
void link_linked_pack (link_t *self, buffer_t *out);
int link_linked_unpack (line_t *line, slice_t packed);

//  dial.c
void link_dial_all (link_t *self, step_t *step);
void link_on_event (link_t *self, step_t *step, const edge_event_mail_t *event);
void link_peer_lost (step_t *step, peer_t *peer);
void link_refusal_over (step_t *step, peer_t *peer); // it lets us in, or is no peer any more
void link_door_dial (link_t *self, step_t *step, const door_dial_t *dial);
void link_door_heard (link_t *self, step_t *step, slice_t answer);
void link_door_tick (link_t *self, step_t *step);
bool link_may_give (const link_t *self, const uuid16_t *client); // a copy to us
bool link_is_paused (const link_t *self, const uuid16_t *client);

//  hear.c
void link_hear (link_t *self, step_t *step, line_t *line, mail_t **mail_p);
//  What it said is not sound: told, counted, hung up on.
void link_refuse (link_t *self, step_t *step, line_t *line, int error, const char *what);
void link_alarm_over (step_t *step, const char *code, vector_t *waiting, const vector_t *taken);

//  ping.c
void link_ping (link_t *self, step_t *step, line_t *line, uint64_t verb);
void link_on_ping (link_t *self, step_t *step, line_t *line, slice_t frame, uint64_t verb);

//  take.c
bool link_may_bring (link_t *self, const line_t *line, slice_t payload);
frame_t link_frame_move (mail_t *mail, size_t index);
int link_piece_take (line_t *line, uint64_t size, uint64_t at, slice_t piece, bool *ret_whole);
void link_on_batches (link_t *self, step_t *step, line_t *line, mail_t *mail);
void link_on_rows (link_t *self, step_t *step, line_t *line, mail_t *mail);
void link_on_taken (link_t *self, step_t *step, const mail_t *mail);

//  copy.c
void link_copy_ask (link_t *self, step_t *step, line_t *line);
void link_copy_go_on (link_t *self, step_t *step, line_t *line);
bool link_copy_is_over (step_t *step, const line_t *line);
void link_on_copy (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_on_copy_state (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_on_copy_chunk (link_t *self, step_t *step, line_t *line, mail_t *mail);

//  feed.c
void link_feed (link_t *self, step_t *step, line_t *line);
void link_feed_from (link_t *self, step_t *step, line_t *line);  // sets the cursor at what was sent
void link_feed_heard (link_t *self, step_t *step, line_t *line); // of what it has
void link_batch_give (step_t *step, line_t *line, slice_t bytes); // one, out of its turn
void link_copy_start (link_t *self, step_t *step, line_t *line, const position_t *place);

int link_base (step_t *step, vector_t *ret_base); // on which watermarks our log stands

void link_again_say (link_t *self, step_t *step, line_t *line, int error); // take.c

//  tally.c
void link_tally_show (link_t *self, step_t *step, line_t *line); // to its owner, when it opens
void link_tallies_feed (link_t *self, step_t *step, line_t *line);
bool link_own_waits (const link_t *self, const line_t *line); // may our own rows not go there yet?
void link_on_tally (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_on_mine (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_on_tally_taken (link_t *self, step_t *step, line_t *line, const taken_t *taken);
void link_claims_look (link_t *self, step_t *step, line_t *line);
void link_back_heard (link_t *self, const step_t *step, const line_t *line); // rows of ours came
void link_back_over (link_t *self, step_t *step, uint64_t line);             // the line is gone

//  source.c
bool link_rows_wanted (link_t *self, step_t *step, line_t *line, const uuid16_t *owner);
bool link_rows_mixed (const link_t *self, const uuid16_t *owner);
void link_source_end (
    link_t *self, step_t *step, const uuid16_t *owner); // they are known to be right
void link_source_blame (link_t *self, step_t *step, const uuid16_t *owner);
void link_source_doubt (link_t *self, step_t *step, const uuid16_t *owner, const uuid16_t *peer);
void link_source_lost (link_t *self, step_t *step, const uuid16_t *peer);
void link_sources_look (link_t *self, step_t *step, line_t *line); // at each ping
void link_doubts_tick (link_t *self, step_t *step, line_t *line);
void link_on_fell (link_t *self, step_t *step, slice_t packed);
bool link_is_doubted (const link_t *self, const uuid16_t *owner, const uuid16_t *peer);
void link_sources_release (link_t *self);

//  marks.c
void link_marks_hear (link_t *self, step_t *step, const line_t *line, slice_t packed);
void link_marks_pack (link_t *self, line_t *line, buffer_t *out);
void link_marks_release (link_t *self);

//  return.c; what a peer says answers 0, or the error of what is not sound
void link_fence (link_t *self, step_t *step, line_t *line); // when it opens
bool link_is_out (link_t *self, step_t *step);              // do we have to return?
uuid16_t link_returned_to (link_t *self, step_t *step); // by whose word we did last; zero: nobody's
uint64_t link_came_back (step_t *step);                 // when we said so last ourselves; 0: never
bool link_somebody_returns (const link_t *self, step_t *step, const uuid16_t *but);
void link_return_state (link_t *self, step_t *step, const line_t *line);
void link_fence_client (link_t *self, step_t *step, const client_t *client);
void link_return_ask (link_t *self, step_t *step, line_t *line);
bool link_may_return (link_t *self, step_t *step, const line_t *line, const vector_t *shared);
int link_on_outside (link_t *self, step_t *step, line_t *line, slice_t frame);
int link_on_return (link_t *self, step_t *step, line_t *line, slice_t frame);
int link_on_welcome (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_return_stated (link_t *self, step_t *step, uint64_t line, int error);

//  Is the watermark of this client's chain another than our log has there? What the log no longer keeps cannot be told.
bool link_is_forked (step_t *step, const uuid16_t *client, const vector_t *shared);

//  restamp.c
void link_on_holds (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_on_held (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_holds_tick (step_t *step, line_t *line);
void link_restamp_begin (link_t *self, step_t *step, const mail_t *mail);
void link_restamp_tick (link_t *self, step_t *step);
void link_on_restamped (link_t *self, step_t *step, const mail_t *mail);

//  restored.c
void link_restored_ask (link_t *self, step_t *step, line_t *line); // when it opens
int link_restored_held (link_t *self, const line_t *line, slice_t members, uint64_t upto);
void link_restored_tick (link_t *self, step_t *step);
bool link_restored_may_return (link_t *self, step_t *step, const line_t *line);
//  After a restore: does the peer have what we wrote later, and its log not help?
bool link_restored_has_to (const link_t *self, const line_t *line);
//  May the log come over this line? Only from who has all that we wrote.
bool link_restored_may_take (const link_t *self, const line_t *line);

//  spoilt.c
bool link_batch_is_sound (link_t *self, step_t *step, uint64_t sequence, slice_t bytes);
void link_spoilt_note (link_t *self, step_t *step, uint64_t sequence);
void link_spoilt_ask (link_t *self, step_t *step, line_t *line);
void link_spoilt_tick (link_t *self, step_t *step);
void link_on_lacks (link_t *self, step_t *step, line_t *line, slice_t frame);

//  report.c
void link_on_command (link_t *self, step_t *step, const mail_t *mail);

//  oplog/copy.c shares the form of a place
void position_pack (const position_t *place, buffer_t *out);
int position_unpack (slice_t bytes, position_t *ret_place);

#endif

//  mail - what the actors of one node say to each other
//
//  A mail is an envelope [from, to, verb, ticket], a body (one ARRAY message of the table below) and any number of
//  frames of bulk bytes that nobody re-encodes on the way. A request carries a ticket, its answer the
//  same one. All of it stays inside the process; CURVE does not apply to inproc, which lies
//  inside the trust boundary.

#ifndef TIDEPOOL_MAIL_H
#define TIDEPOOL_MAIL_H

#include "messages/message.h"

#define ACTOR_LIST(X)                                                                              \
    X (NODE, node)     /* starts, watches and stops the others */                                  \
    X (CLOCK, clock)   /* gives timestamps */                                                      \
    X (POOL, pool)     /* who is a member */                                                       \
    X (OPLOG, oplog)   /* the one that writes */                                                   \
    X (INGEST, ingest) /* what the owned rows of files are */                                      \
    X (SCAN, scan)     /* walks, watches and hashes for ingest */                                  \
    X (LINK, link)     /* speaks with peers */                                                     \
    X (API, api)       /* speaks with apps */                                                      \
    X (ADMIN, admin)   /* speaks with operators */                                                 \
    X (EDGE, edge)     /* an actor's own sockets and descriptors, in its shell */

enum actor {
    ACTOR_NONE,
#define X(NAME, name) ACTOR_##NAME,
    ACTOR_LIST (X)
#undef X
        ACTOR_COUNT
};

const char *actor_name (int actor); // "clock"

//  ---- clock

#define CLOCK_ASK_FIELDS(F, S)                                                                     \
    F (S, UINT, count, MUST, "how many timestamps are wanted; may be 0")                           \
    F (S, RAW, times, MAY, "[uint64, …]: received times to take first, in order")                  \
    F (S, UINT, own, MAY, "this client's own newest timestamp in the store: the clock is past it")
#define CLOCK_GRANT_FIELDS(F, S)                                                                   \
    F (S, UINT, first, MUST, "first, first + 1, … are yours")                                      \
    F (S, UINT, count, MUST, "how many; 0 if the clock can give none")                             \
    F (S, UINT, wall, MUST, "physical time at the grant")                                          \
    F (S, RAW, ahead, MAY,                                                                         \
        "[uint64, …]: of each received time, by how much it was refused; 0: taken")
#define CLOCK_BACK_FIELDS(F, S)                                                                    \
    F (S, UINT, last, MUST, "what was ahead is stamped anew: the clock goes on from here")

//  ---- oplog

#define APPLY_FIELDS(F, S) F (S, BOOL, intake, MAY, "from the intake: nobody waits for an answer")
//  frame 0: the `ops` of the request, a sound msgpack array (contracts.md, "apply")
#define APPLIED_FIELDS(F, S)                                                                       \
    F (S, UINT, error, MUST, "0, or the error's number (positive)")                                \
    F (S, TEXT, message, MAY, "a sentence for people")                                             \
    F (S, UINT, op, MAY, "index + 1 of the operation that was refused")                            \
    F (S, RAW, uuids, MAY, "[bin 16, …], in the order of the operations")                          \
    F (S, STAMP, timestamp, MAY, "of the last operation")                                          \
    F (S, UINT, cursor, MAY, "of the last change")
#define DECLARE_FIELDS(F, S) F (S, RAW, resources, MUST, "{name: declaration, …} (resource.h)")
#define WRITE_FIELDS(F, S)   F (S, TEXT, what, MUST, "for logs: what this is")
//  frame 0: operations on `clients`, behind each other: [action uint, uuid, value map]; may be empty
//  frame 1: own rows, behind each other: [resource text, uuid, value map or nil]; may be empty
//  frame 2: node table, behind each other: [space uint, key bin, value bin or nil (deletes)]; may be empty
//  All in one transaction. Answered by `written`.
#define WRITTEN_FIELDS(F, S)                                                                       \
    F (S, UINT, error, MUST, "0, or the error's number (positive)")                                \
    F (S, TEXT, message, MAY, "a sentence for people")
#define DROP_ROWS_FIELDS(F, S) F (S, UUID, owner, MUST, "a removed client whose rows go")
//  answered by `written`: error BUSY while some are left
#define TAKE_BATCHES_FIELDS(F, S)                                                                  \
    F (S, UUID, peer, MUST, "who sent them")                                                       \
    F (S, UINT, line, MUST, "over which connection")                                               \
    F (S, UINT, fence, MAY,                                                                        \
        "the time of the statement that keeps it out here, if it has returned since")
//  frame 0: whole batches behind each other
#define TAKE_ROWS_FIELDS(F, S)                                                                     \
    F (S, UUID, peer, MUST, "who sent them")                                                       \
    F (S, UINT, line, MUST, "over which connection")                                               \
    F (S, UUID, owner, MUST, "whose rows they are")                                                \
    F (S, UINT, after, MUST, "the rows are all of this owner's past here …")                       \
    F (S, UINT, upto, MUST, "… up to here")
//  frame 0: rows behind each other (row.h)
#define TAKE_TALLY_FIELDS(F, S)                                                                    \
    F (S, UUID, peer, MUST, "who sent it")                                                         \
    F (S, UINT, line, MUST, "over which connection")                                               \
    F (S, BOOL, mixed, MAY, "what is here of the owner's rows came from more than one peer")       \
    F (S, RAW, tally, MUST, "what the owner signed (tally.h)")
//  answered by `taken`: 0, with `upto` where the rows here are now known to be those; ALTERED: the rows here are not
//  those, and are dropped; TOO_EARLY: it is our own, of rows that we do not have: all are to be sent
#define SIGN_ROWS_FIELDS(F, S)                                                                     \
    F (S, BOOL, fresh, MUST,                                                                       \
        "at a new time, though no row changed: a peer claims to have later ones")
#define ROWS_BACK_FIELDS(F, S)                                                                     \
    F (S, UINT, upto, MUST, "this client's rows were taken back, up to here, after a restore")
#define MARKS_FIELDS(F, S)                                                                         \
    F (S, UUID, member, MUST, "whose they are")                                                    \
    F (S, RAW, rows, MUST, "vector: its watermarks of owned rows, as far as it is known here")
#define TAKEN_FIELDS(F, S)                                                                         \
    F (S, UUID, peer, MUST, "who sent them")                                                       \
    F (S, UINT, line, MUST, "over which connection")                                               \
    F (S, UINT, bytes, MUST, "how much of the peer's credit is free again")                        \
    F (S, UINT, error, MUST, "0, or why the rest was not taken")                                   \
    F (S, UUID, client, MAY, "whose batch or rows that concerns")                                  \
    F (S, UINT, ahead, MAY, "CLOCK_AHEAD: by how much, 32.32")                                     \
    F (S, UINT, upto, MAY, "of the batch at fault")
#define COPY_BEGIN_FIELDS(F, S)                                                                    \
    F (S, UUID, peer, MUST, "who gives")                                                           \
    F (S, UINT, line, MUST, "over which connection")                                               \
    F (S, RAW, state, MUST, "the giver's copy_state (peer.h), whole")
#define COPY_CHUNK_FIELDS(F, S)                                                                    \
    F (S, UUID, peer, MUST, "who gives")                                                           \
    F (S, UINT, line, MUST, "over which connection")                                               \
    F (S, RAW, from, MUST, "place: [resource text, uuid, end bool]")                               \
    F (S, RAW, to, MUST, "place")                                                                  \
    F (S, UINT, count, MUST, "records in frame 0")                                                 \
    F (S, RAW, vector, MUST, "the watermarks of batches that they stand for")
//  frame 0: records of (from, to] (store/shared.h)
#define REPAIR_FIELDS(F, S)                                                                        \
    F (S, UUID, peer, MUST, "whose records these are")                                             \
    F (S, UINT, line, MUST, "over which connection")                                               \
    F (S, TEXT, resource, MUST, "a shared one")                                                    \
    F (S, RAW, vector, MUST, "the watermarks of batches that they stand for")
//  frame 0: a checked stretch (stretch.h), to be merged with what is here, if the vector is ours
#define REPAIRED_FIELDS(F, S)                                                                      \
    F (S, UUID, peer, MUST, "whose records they were")                                             \
    F (S, UINT, line, MUST, "over which connection")                                               \
    F (S, UINT, error, MUST, "0, BUSY where the vectors differ by now, or why not")                \
    F (S, TEXT, resource, MUST, "a shared one")                                                    \
    F (S, RAW, uuids, MUST, "[bin 16, …]: of the records that changed here")
#define SCRUB_FIELDS(F, S)                                                                         \
    F (S, TEXT, why, MUST, "for logs: why everything is to be counted anew, and at once")
#define REBUILD_PLACE(F, S)                                                                        \
    F (S, TEXT, resource, MUST, "the derived one that it has come to; empty: begin")               \
    F (S, UINT, phase, MUST, "of it (store/owned.h, rebuild_t), and the rest of the place")        \
    F (S, BOOL, has_place, MUST, "")                                                               \
    F (S, UUID, owner, MUST, "")                                                                   \
    F (S, UUID, uuid, MUST, "")                                                                    \
    F (S, UINT, mended, MUST, "what was put right so far")                                         \
    F (S, UINT, mended_before, MUST, "and before this resource")
#define REBUILD_FIELDS(F, S) REBUILD_PLACE (F, S)
#define REBUILT_FIELDS(F, S)                                                                       \
    REBUILD_PLACE (F, S)                                                                           \
    F (S, UINT, error, MUST, "0, or the error's number (positive)")                                \
    F (S, BOOL, done, MUST, "that was the last slice")
#define RESTAMP_FIELDS(F, S)                                                                       \
    F (S, RAW, accepted, MUST, "vector: how far members have this client's chain, nobody else")    \
    F (S, UINT, rows, MUST, "how far they have its rows")
#define RESTAMPED_FIELDS(F, S)                                                                     \
    F (S, UINT, error, MUST, "0, or the error's number (positive)")                                \
    F (S, UINT, count, MUST, "timestamps; 0: nothing was ahead of all else")                       \
    F (S, UINT, past, MUST, "the largest time of all else")                                        \
    F (S, UINT, before, MUST, "the newest, as it was")                                             \
    F (S, UINT, after, MUST, "and as it is")
#define TOLD_FIELDS(F, S)                                                                          \
    F (S, UINT, upto, MUST, "the newest batch of this client's chain that any of them has; 0: none")
#define GO_BACK_FIELDS(F, S)                                                                       \
    F (S, UUID, giver, MUST, "the member to return to")                                            \
    F (S, RAW, asked, MUST,                                                                        \
        "vector: the watermarks with which it was asked; BUSY if more came since")
#define ADVANCED_FIELDS(F, S)                                                                      \
    F (S, UINT, sequence, MUST, "of the newest batch in the log")                                  \
    F (S, UINT, cursor, MUST, "of the newest change")                                              \
    F (S, RAW, shared, MUST, "vector: the watermarks of batches that rose")                        \
    F (S, RAW, rows, MUST, "vector: the watermarks of rows that rose")                             \
    F (S, BOOL, clients, MUST, "the members, or what is known of one, changed")                    \
    F (S, BOOL, resources, MUST, "a declaration was added")                                        \
    F (S, BOOL, joined, MUST, "a copy from a member is complete, or began")                        \
    F (S, RAW, fell, MAY, "[bin 16, …]: owners whose rows are being dropped, to be fetched again")

//  ---- link and pool

#define DOOR_KNOCK_FIELDS(F, S)                                                                    \
    F (S, UINT, line, MUST, "the connection, to be answered on")                                   \
    F (S, KEY, curve, MUST, "the CURVE key that was authenticated: the invitation's")              \
    F (S, RAW, request, MUST, "what came: door_request (peer.h)")
#define DOOR_REPLY_FIELDS(F, S)                                                                    \
    F (S, UINT, line, MUST, "the connection")                                                      \
    F (S, RAW, answer, MUST, "door_answer (peer.h)")
#define DOOR_DIAL_FIELDS(F, S)                                                                     \
    F (S, RAW, endpoints, MUST, "[text, …]: tried in order")                                       \
    F (S, KEY, server, MUST, "the door's CURVE key")                                               \
    F (S, BYTES, secret, MUST, "the invitation's 32 bytes")                                        \
    F (S, RAW, request, MUST, "what is to be said: door_request")
#define DOOR_KEYS_FIELDS(F, S)                                                                     \
    F (S, RAW, keys, MUST, "[bin 32, …]: CURVE keys of the invitations that stand")
#define SEEN_FIELDS(F, S)                                                                          \
    F (S, RAW, ages, MUST, "[[bin 16, uint64], …]: client, seconds (32.32) since it was seen")
#define PEERS_FIELDS(F, S)                                                                         \
    F (S, RAW, ages, MUST, "[[bin 16, uint64], …]: what this node says of all, for its pings")

//  ---- admin asks an actor for what a command needs

#define COMMAND_FIELDS(F, S)                                                                       \
    F (S, TEXT, verb, MUST, "the command")                                                         \
    F (S, RAW, request, MUST, "the whole request, a sound msgpack map")
#define COMMANDED_FIELDS(F, S)                                                                     \
    F (S, UINT, error, MUST, "0, or the error's number (positive)")                                \
    F (S, TEXT, message, MAY, "a sentence for people")                                             \
    F (S, RAW, answer, MAY, "a map: its entries go into the answer as they are")
#define ALARM_FIELDS(F, S)                                                                         \
    F (S, TEXT, code, MUST, "its name, e.g. CLOCK_AHEAD; one alarm a code and subject")            \
    F (S, TEXT, subject, MAY, "what it is about")                                                  \
    F (S, TEXT, text, MAY, "a sentence; left out: the alarm is over")

//  ---- an actor and its own edge (its sockets, which live in its shell)

#define EDGE_IN_FIELDS(F, S)                                                                       \
    F (S, UINT, socket, MUST, "which of the actor's sockets")                                      \
    F (S, UINT, line, MUST, "which connection of it, named by the edge; never used twice")         \
    F (S, KEY, key, MAY, "the CURVE key that was authenticated, of this very message")
//  frames: the message's frames, without routing id
#define EDGE_OUT_FIELDS(F, S)                                                                      \
    F (S, UINT, socket, MUST, "which of the actor's sockets")                                      \
    F (S, UINT, line, MUST, "which connection")
//  frames: the message's frames
#define EDGE_DIAL_FIELDS(F, S)                                                                     \
    F (S, UINT, line, MUST, "names the new connection: chosen by the core, odd")                   \
    F (S, TEXT, endpoint, MUST, "where to")                                                        \
    F (S, KEY, server, MUST, "the CURVE key that must answer there")                               \
    F (S, BYTES, secret, MAY, "dial with the key of this secret instead of the node's own")
#define EDGE_HANG_UP_FIELDS(F, S) F (S, UINT, line, MUST, "which connection")
#define EDGE_EVENT_FIELDS(F, S)                                                                    \
    F (S, UINT, socket, MUST, "which of the actor's sockets")                                      \
    F (S, UINT, line, MUST, "which connection; 0 where it is not known (a stranger)")              \
    F (S, UINT, event, MUST, "enum edge_event")                                                    \
    F (S, TEXT, detail, MAY, "address, reason")
#define EDGE_ADMIT_FIELDS(F, S)                                                                    \
    F (S, UINT, socket, MUST, "which of the actor's sockets")                                      \
    F (S, RAW, keys, MUST, "[bin 32, …]: the CURVE keys that may come in, instead of those before")
#define EDGE_HOLD_FIELDS(F, S)                                                                     \
    F (S, UINT, socket, MUST, "which of the actor's sockets")                                      \
    F (S, BOOL, hold, MUST, "true: read nothing from it until told otherwise")
#define EDGE_BOUND_FIELDS(F, S)                                                                    \
    F (S, UINT, socket, MUST, "which of the actor's sockets")                                      \
    F (S, RAW, endpoints, MUST, "[text, …]: where it really listens")

enum edge_event {
    EDGE_CONNECTED,   // a dialled connection has shaken hands
    EDGE_LOST,        // a connection is gone, or a send on it failed
    EDGE_DENIED,      // a handshake was refused: somebody who may not come in
    EDGE_UNREACHABLE, // a dialled endpoint does not answer, or answers with another key
    EDGE_REFUSED      // it has the right key, and does not let this node in
};

//  ---- ingest and scan
//  (actors/ingest/README.md says how a scan goes)

#define MAIL_LIST(X)                                                                               \
    X (CLOCK_ASK, clock_ask, "oplog asks clock for a range of timestamps")                         \
    X (CLOCK_GRANT, clock_grant, "clock's answer")                                                 \
    X (CLOCK_BACK, clock_back, "oplog tells clock that what was ahead is stamped anew")            \
    X (APPLY, apply, "api hands oplog an app's request")                                           \
    X (APPLIED, applied, "oplog's answer: durable, or refused")                                    \
    X (DECLARE, declare, "api, link and node hand oplog declarations; answered by written")        \
    X (WRITE, write_out, "ingest, pool and link hand oplog what is to be written")                 \
    X (DROP_ROWS, drop_rows, "pool asks oplog to drop some rows of a removed client")              \
    X (WRITTEN, written, "oplog's answer")                                                         \
    X (TAKE_BATCHES, take_batches, "link hands oplog a peer's batches")                            \
    X (TAKE_ROWS, take_rows, "link hands oplog a peer's rows")                                     \
    X (TAKE_TALLY, take_tally, "link hands oplog what an owner signed of its rows")                \
    X (SIGN_ROWS, sign_rows, "link asks oplog to sign what this client's rows are")                \
    X (ROWS_BACK, rows_back,                                                                       \
        "oplog tells ingest that rows came back: it is to look at everything anew")                \
    X (MARKS, marks, "link tells oplog how far a member has owned rows")                           \
    X (TAKEN, taken, "oplog's answer: durable, or why not")                                        \
    X (COPY_BEGIN, copy_begin, "link hands oplog the state that a copy begins with")               \
    X (COPY_CHUNK, copy_chunk, "link hands oplog records of a copy")                               \
    X (REPAIR, repair, "link hands oplog a peer's records where both differ")                      \
    X (REPAIRED, repaired, "oplog's answer")                                                       \
    X (SCRUB, scrub, "admin asks oplog to count everything anew")                                  \
    X (REBUILD, rebuild_mail, "admin asks oplog to make derived records anew, a slice of them")    \
    X (REBUILT, rebuilt, "oplog's answer: how far it has come")                                    \
    X (RESTAMP, restamp, "link asks oplog to stamp anew what nobody has accepted")                 \
    X (RESTAMPED, restamped, "oplog's answer: done, or why not")                                   \
    X (TOLD, told, "link tells oplog that all were asked, after a restore")                        \
    X (GO_BACK, go_back, "link tells oplog to return to a member; answered by written")            \
    X (ADVANCED, advanced, "oplog tells link, pool and api that there is something new")           \
    X (DOOR_KNOCK, door_knock, "link tells pool who knocks")                                       \
    X (DOOR_REPLY, door_reply, "pool's answer to who knocked")                                     \
    X (DOOR_DIAL, door_dial, "pool asks link to knock at a member's door")                         \
    X (DOOR_ANSWERED, door_reply, "link tells pool what the door answered; empty: nobody did")     \
    X (DOOR_KEYS, door_keys, "pool tells link which invitations stand")                            \
    X (SEEN, seen, "link tells pool whom it, or a peer, has seen")                                 \
    X (PEERS, peers, "pool tells link when all were last seen")                                    \
    X (COMMAND, command, "admin asks an actor on behalf of an operator")                           \
    X (COMMANDED, commanded, "the actor's answer")                                                 \
    X (ALARM, alarm, "an actor tells admin that something needs a person, or no longer does")      \
    X (EDGE_IN, edge_in, "a message came in")                                                      \
    X (EDGE_OUT, edge_out, "send a message")                                                       \
    X (EDGE_DIAL, edge_dial, "open a connection")                                                  \
    X (EDGE_HANG_UP, edge_hang_up, "close a connection")                                           \
    X (EDGE_EVENT, edge_event_mail, "something happened to a connection")                          \
    X (EDGE_ADMIT, edge_admit, "who may come in")                                                  \
    X (EDGE_HOLD, edge_hold, "stop or go on reading")                                              \
    X (EDGE_BOUND, edge_bound, "where a socket listens")                                           \
    SCAN_MAIL_LIST (X)

#include "messages/mail_scan.h"

MESSAGE_STRUCT (clock_ask, CLOCK_ASK_FIELDS)
MESSAGE_STRUCT (clock_grant, CLOCK_GRANT_FIELDS)
MESSAGE_STRUCT (apply, APPLY_FIELDS)
MESSAGE_STRUCT (applied, APPLIED_FIELDS)
MESSAGE_STRUCT (declare, DECLARE_FIELDS)
MESSAGE_STRUCT (write_out, WRITE_FIELDS)
MESSAGE_STRUCT (drop_rows, DROP_ROWS_FIELDS)
MESSAGE_STRUCT (written, WRITTEN_FIELDS)
MESSAGE_STRUCT (take_batches, TAKE_BATCHES_FIELDS)
MESSAGE_STRUCT (take_rows, TAKE_ROWS_FIELDS)
MESSAGE_STRUCT (take_tally, TAKE_TALLY_FIELDS)
MESSAGE_STRUCT (sign_rows, SIGN_ROWS_FIELDS)
MESSAGE_STRUCT (marks, MARKS_FIELDS)
MESSAGE_STRUCT (rows_back, ROWS_BACK_FIELDS)
MESSAGE_STRUCT (taken, TAKEN_FIELDS)
MESSAGE_STRUCT (copy_begin, COPY_BEGIN_FIELDS)
MESSAGE_STRUCT (copy_chunk, COPY_CHUNK_FIELDS)
MESSAGE_STRUCT (repair, REPAIR_FIELDS)
MESSAGE_STRUCT (repaired, REPAIRED_FIELDS)
MESSAGE_STRUCT (scrub, SCRUB_FIELDS)
MESSAGE_STRUCT (rebuild_mail, REBUILD_FIELDS)
MESSAGE_STRUCT (rebuilt, REBUILT_FIELDS)
MESSAGE_STRUCT (clock_back, CLOCK_BACK_FIELDS)
MESSAGE_STRUCT (restamp, RESTAMP_FIELDS)
MESSAGE_STRUCT (restamped, RESTAMPED_FIELDS)
MESSAGE_STRUCT (told, TOLD_FIELDS)
MESSAGE_STRUCT (go_back, GO_BACK_FIELDS)
MESSAGE_STRUCT (advanced, ADVANCED_FIELDS)
MESSAGE_STRUCT (door_knock, DOOR_KNOCK_FIELDS)
MESSAGE_STRUCT (door_reply, DOOR_REPLY_FIELDS)
MESSAGE_STRUCT (door_dial, DOOR_DIAL_FIELDS)
MESSAGE_STRUCT (door_keys, DOOR_KEYS_FIELDS)
MESSAGE_STRUCT (seen, SEEN_FIELDS)
MESSAGE_STRUCT (peers, PEERS_FIELDS)
MESSAGE_STRUCT (command, COMMAND_FIELDS)
MESSAGE_STRUCT (commanded, COMMANDED_FIELDS)
MESSAGE_STRUCT (alarm, ALARM_FIELDS)
MESSAGE_STRUCT (edge_in, EDGE_IN_FIELDS)
MESSAGE_STRUCT (edge_out, EDGE_OUT_FIELDS)
MESSAGE_STRUCT (edge_dial, EDGE_DIAL_FIELDS)
MESSAGE_STRUCT (edge_hang_up, EDGE_HANG_UP_FIELDS)
MESSAGE_STRUCT (edge_event_mail, EDGE_EVENT_FIELDS)
MESSAGE_STRUCT (edge_admit, EDGE_ADMIT_FIELDS)
MESSAGE_STRUCT (edge_hold, EDGE_HOLD_FIELDS)
MESSAGE_STRUCT (edge_bound, EDGE_BOUND_FIELDS)

enum mail_verb {
    MAIL_NONE,
#define X(VERB, type, text) MAIL_##VERB,
    MAIL_LIST (X)
#undef X
        MAIL_COUNT
};

//  The type of a verb's body, its name ("clock_ask") and its text; NULL for an unknown verb.
const message_type_t *mail_type (int verb);
const char *mail_verb_name (int verb);

//  ---- the envelope: [from, to, verb, ticket]

typedef struct envelope {
    int from; // enum actor
    int to;
    int verb; // enum mail_verb
    uint64_t ticket;
} envelope_t;

void envelope_pack (const envelope_t *self, buffer_t *out);
int envelope_unpack (slice_t bytes, envelope_t *ret_envelope); // ERR_MALFORMED, ERR_UNKNOWN_VERB

#endif

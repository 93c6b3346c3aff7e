//  peer - what two nodes say to each other, and what is said at the door
//
//  Frame 0 is one ARRAY message of the table below, its verb first. Frame 1, where there is one, is bulk: whole batches, rows or
//  records behind each other, at most LIMIT_CHUNK_BYTES but for a piece of a larger batch. README.md tells how a
//  conversation goes.

#ifndef TIDEPOOL_PEER_H
#define TIDEPOOL_PEER_H

#include "messages/message.h"

#define PEER_VERSION 1

#define PEER_HELLO_FIELDS(F, S)                                                                    \
    F (S, UINT, verb, MUST, "1")                                                                   \
    F (S, UINT, version, MUST, "of this protocol: 1")                                              \
    F (S, UUID, client, MUST, "who speaks; must be the client of the authenticated key")           \
    F (S, UUID, pool, MUST, "which pool it is a member of")                                        \
    F (S, TEXT, name, MUST, "its name, for people")                                                \
    F (S, RAW, shared, MUST, "vector: its watermarks of batches")                                  \
    F (S, RAW, rows, MUST, "vector: its watermarks of owned rows")                                 \
    F (S, RAW, resources, MUST, "{name: declaration}: all that it knows")                          \
    F (S, UINT, credit, MUST, "bytes of bulk that may be under way to it, unacknowledged")         \
    F (S, RAW, linked, MUST, "[bin 16, …]: the clients that it is linked with")                    \
    F (S, BOOL, joining, MAY,                                                                      \
        "it is taking a copy, and takes batches and rows from its giver only")                     \
    F (S, BOOL, out, MAY, "by all that it knows it has to return")                                 \
    F (S, UUID, returned_to, MAY, "the member by whose word it returned last")                     \
    F (S, UINT, back, MAY, "when it said so itself that it is back: the time of that timestamp")
#define PEER_PING_FIELDS(F, S)                                                                     \
    F (S, UINT, verb, MUST, "2 a ping, 3 its pong")                                                \
    F (S, UINT, time, MUST, "physical time of the sender, NTP")                                    \
    F (S, RAW, shared, MUST, "vector: its watermarks of batches")                                  \
    F (S, RAW, rows, MUST, "vector: its watermarks of owned rows")                                 \
    F (S, RAW, digests, MUST, "{resource: [count, bin 16], …}: what it shows")                     \
    F (S, RAW, ages, MUST, "[[bin 16, uint64], …]: seconds, 32.32, since each client was seen")    \
    F (S, RAW, linked, MUST, "[bin 16, …]: the clients that it is linked with")                    \
    F (S, RAW, marks, MAY,                                                                         \
        "[[bin 16, vector], …]: watermarks of owned rows of other clients, where they rose")
#define PEER_BATCHES_FIELDS(F, S)                                                                  \
    F (S, UINT, verb, MUST, "4; frame 1: whole batches behind each other, or a piece of one")      \
    F (S, UINT, size, MAY, "of a batch that comes in pieces: its whole size")                      \
    F (S, UINT, at, MAY, "where in it this piece begins; pieces come in order, nothing between")
#define PEER_ROWS_FIELDS(F, S)                                                                     \
    F (S, UINT, verb, MUST, "5; frame 1: rows behind each other, ascending by `updated`")          \
    F (S, UUID, owner, MUST, "whose")                                                              \
    F (S, UINT, after, MUST, "these are all rows of this owner with `updated` past this …")        \
    F (S, UINT, upto, MUST, "… up to this")                                                        \
    F (S, UINT, size, MAY, "of rows that come in pieces: their whole size")                        \
    F (S, UINT, at, MAY, "where in them this piece begins; pieces come in order, nothing between")
#define PEER_ACK_FIELDS(F, S)                                                                      \
    F (S, UINT, verb, MUST, "6")                                                                   \
    F (S, UINT, credit, MUST, "bytes of bulk that are free again")                                 \
    F (S, RAW, shared, MUST, "vector: watermarks of batches that rose: durable here")              \
    F (S, RAW, rows, MUST, "vector: watermarks of rows that rose")
#define PEER_DEFER_FIELDS(F, S)                                                                    \
    F (S, UINT, verb, MUST, "7")                                                                   \
    F (S, UUID, client, MUST, "whose batch was not taken: its time is too far ahead")              \
    F (S, UINT, upto, MUST, "of that batch")                                                       \
    F (S, UINT, ahead, MUST, "by how much, 32.32 seconds")
#define PEER_AGAIN_FIELDS(F, S)                                                                    \
    F (S, UINT, verb, MUST,                                                                        \
        "8; begin again from these: something did not fit, or was not written")                    \
    F (S, RAW, shared, MUST, "vector: its watermarks of batches")                                  \
    F (S, RAW, rows, MUST, "vector: its watermarks of owned rows")                                 \
    F (S, TEXT, reason, MUST, "an error's name")
#define PEER_DECLARE_FIELDS(F, S)                                                                  \
    F (S, UINT, verb, MUST, "9")                                                                   \
    F (S, RAW, resources, MUST, "{name: declaration}: ahead of any data of theirs")
#define PEER_COPY_FIELDS(F, S)                                                                     \
    F (S, UINT, verb, MUST, "10: asks for a copy of the whole database")                           \
    F (S, RAW, place, MUST, "how far it has come: [resource text, uuid, end bool]")
#define PEER_COPY_STATE_FIELDS(F, S)                                                               \
    F (S, UINT, verb, MUST, "11; answers a copy that begins at the beginning")                     \
    F (S, UUID, pool, MUST, "the pool")                                                            \
    F (S, RAW, clients, MUST, "[client, …]: all that the giver knows (client.h)")                  \
    F (S, RAW, base, MUST, "vector: the watermarks on which the giver's log stands")               \
    F (S, RAW, published, MUST,                                                                    \
        "[[bin 16, vector], …]: what each origin has published to have seen")
#define PEER_COPY_CHUNK_FIELDS(F, S)                                                               \
    F (S, UINT, verb, MUST, "12; frame 1: records (README.md, A copied record), in their order")   \
    F (S, RAW, from, MUST, "place behind which they begin")                                        \
    F (S, RAW, to, MUST, "place of the last one, or the end")                                      \
    F (S, UINT, count, MUST, "how many")                                                           \
    F (S, RAW, vector, MUST, "the watermarks of batches that these records stand for")             \
    F (S, UINT, size, MAY, "of records that come in pieces: their whole size")                     \
    F (S, UINT, at, MAY, "where in them this piece begins; pieces come in order, nothing between")
#define PEER_OUTSIDE_FIELDS(F, S)                                                                  \
    F (S, UINT, verb, MUST, "14: the receiver has to return: it was declared stale, or lacks")     \
    F (S, RAW, half, MUST, "[uint64, bin 16]: the earliest admission of those that count here")
#define PEER_RETURN_FIELDS(F, S)                                                                   \
    F (S, UINT, verb, MUST, "15: wants to return")                                                 \
    F (S, RAW, shared, MUST, "vector: its watermarks of batches")
#define PEER_WELCOME_FIELDS(F, S)                                                                  \
    F (S, UINT, verb, MUST, "16: the receiver may return: it is a member again")                   \
    F (S, RAW, shared, MUST, "vector: the watermarks with which it asked; with more it asks anew")
#define PEER_TALLY_FIELDS(F, S)                                                                    \
    F (S, UINT, verb, MUST, "23; behind all rows of the owner, up to its `upto`")                  \
    F (S, RAW, tally, MUST, "what an owner signed of its rows (tally.h)")
#define PEER_MINE_FIELDS(F, S)                                                                     \
    F (S, UINT, verb, MUST, "24: send me my own rows: I was restored from an older copy")          \
    F (S, UINT, after, MUST, "past this")
#define PEER_BYE_FIELDS(F, S)                                                                      \
    F (S, UINT, verb, MUST, "13; the connection ends")                                             \
    F (S, TEXT, error, MUST, "an error's name, or OK")                                             \
    F (S, TEXT, text, MUST, "for people")

#define PEER_RANGES_FIELDS(F, S)                                                                   \
    F (S, UINT, verb, MUST, "17: what do you show in these ranges?")                               \
    F (S, UINT, number, MUST, "of the question; its answer bears it")                              \
    F (S, TEXT, resource, MUST, "a shared one")                                                    \
    F (S, UUID, from, MUST, "the first uuid of the first range")                                   \
    F (S, RAW, ends, MUST,                                                                         \
        "[bin 16, …], 1 to 16, ascending: where each range ends and the next begins; the last "  \
        "may "                                                                                     \
        "be nil: the end")
#define PEER_DIGESTS_FIELDS(F, S)                                                                  \
    F (S, UINT, verb, MUST, "18")                                                                  \
    F (S, UINT, number, MUST, "of the question")                                                   \
    F (S, RAW, digests, MUST, "[count, bin 16, …]: of each range; empty: not now")
#define PEER_WANT_FIELDS(F, S)                                                                     \
    F (S, UINT, verb, MUST, "19: what do you know of the records of this range?")                  \
    F (S, UINT, number, MUST, "of the question; its answer bears it")                              \
    F (S, TEXT, resource, MUST, "a shared one")                                                    \
    F (S, UUID, from, MUST, "its first uuid")                                                      \
    F (S, RAW, to, MUST, "bin 16: before which it ends; nil: the end")
#define PEER_RECORDS_FIELDS(F, S)                                                                  \
    F (S, UINT, verb, MUST, "20; frame 1: records, each [bin 16, record], ascending by uuid")      \
    F (S, UINT, number, MUST, "of the question; 0: nobody asked: they are to be merged")           \
    F (S, TEXT, resource, MUST, "a shared one")                                                    \
    F (S, UUID, from, MUST, "these are all of the sender's from here …")                           \
    F (S, RAW, to, MUST, "… to before here (bin 16), or to the end (nil)")                         \
    F (S, RAW, vector, MUST, "the watermarks of batches that they stand for")

#define PEER_HOLDS_FIELDS(F, S)                                                                    \
    F (S, UINT, verb, MUST,                                                                        \
        "21: how far have you what I write? Answered behind all that came before")                 \
    F (S, BOOL, members, MAY, "and who was ever a member there?")
#define PEER_HELD_FIELDS(F, S)                                                                     \
    F (S, UINT, verb, MUST, "22")                                                                  \
    F (S, RAW, shared, MUST,                                                                       \
        "vector: how far it has, or had before a copy, the asker's chain, nobody else's")          \
    F (S, UINT, rows, MUST, "how far it has the asker's rows")                                     \
    F (S, RAW, members, MAY, "[client, …]: if that was asked: all of whom it knows, the asker too")

#define PEER_LACKS_FIELDS(F, S)                                                                    \
    F (S, UINT, verb, MUST,                                                                        \
        "25: the sender's disk has spoilt this batch; who has it gives it once more")              \
    F (S, UUID, client, MUST, "whose")                                                             \
    F (S, UINT, upto, MUST, "where in its chain it ends")

#define DOOR_REQUEST_FIELDS(F, S)                                                                  \
    F (S, UINT, version, MUST, "of this protocol: 1")                                              \
    F (S, KEY, key, MUST, "the Ed25519 key of who wants in")                                       \
    F (S, TEXT, name, MUST, "its name")                                                            \
    F (S, BYTES, signature, MUST,                                                                  \
        "bin 64, by that key: \"tidepool door 1\", the pool, the secret's CURVE key")              \
    F (S, RAW, resources, MAY, "{name: declaration}: all that it declares")
#define DOOR_ANSWER_FIELDS(F, S)                                                                   \
    F (S, TEXT, error, MUST, "OK, or an error's name")                                             \
    F (S, TEXT, text, MUST, "for people")                                                          \
    F (S, UUID, pool, MAY, "the pool that admitted it")                                            \
    F (S, RAW, giver, MAY, "the client behind the door: who will give it the copy (client.h)")

#define PEER_LIST(X)                                                                               \
    X (HELLO, peer_hello, 1, "the first word on a connection, from both sides")                    \
    X (PING, peer_ping, 2, "are you there; and where I am")                                        \
    X (PONG, peer_ping, 3, "the answer to a ping")                                                 \
    X (BATCHES, peer_batches, 4, "a stretch of the log")                                           \
    X (ROWS, peer_rows, 5, "a stretch of an owner's rows")                                         \
    X (ACK, peer_ack, 6, "what is durable here now")                                               \
    X (DEFER, peer_defer, 7, "a batch was not taken yet")                                          \
    X (AGAIN, peer_again, 8, "begin again from here")                                              \
    X (DECLARE, peer_declare, 9, "new declarations")                                               \
    X (COPY, peer_copy, 10, "asks for the whole database")                                         \
    X (COPY_STATE, peer_copy_state, 11, "what a copy begins with")                                 \
    X (COPY_CHUNK, peer_copy_chunk, 12, "a stretch of the records")                                \
    X (BYE, peer_bye, 13, "why this connection ends")                                              \
    X (OUTSIDE, peer_outside, 14, "return first")                                                  \
    X (RETURN, peer_return, 15, "asks to return")                                                  \
    X (WELCOME, peer_welcome, 16, "come back")                                                     \
    X (RANGES, peer_ranges, 17, "asks for digests of ranges, to find where two nodes differ")      \
    X (DIGESTS, peer_digests, 18, "the digests of these ranges")                                   \
    X (WANT, peer_want, 19, "asks for the records of a small range")                               \
    X (RECORDS, peer_records, 20, "the records of a range, to be compared or merged")              \
    X (HOLDS, peer_holds, 21, "asks how far the other has what the asker writes")                  \
    X (HELD, peer_held, 22, "the answer")                                                          \
    X (TALLY, peer_tally, 23, "what an owner signed of its rows")                                  \
    X (MINE, peer_mine, 24, "asks for the rows of who asks")                                       \
    X (LACKS, peer_lacks, 25, "asks for one batch that was spoilt")

MESSAGE_STRUCT (peer_hello, PEER_HELLO_FIELDS)
MESSAGE_STRUCT (peer_ping, PEER_PING_FIELDS)
MESSAGE_STRUCT (peer_batches, PEER_BATCHES_FIELDS)
MESSAGE_STRUCT (peer_rows, PEER_ROWS_FIELDS)
MESSAGE_STRUCT (peer_ack, PEER_ACK_FIELDS)
MESSAGE_STRUCT (peer_defer, PEER_DEFER_FIELDS)
MESSAGE_STRUCT (peer_again, PEER_AGAIN_FIELDS)
MESSAGE_STRUCT (peer_declare, PEER_DECLARE_FIELDS)
MESSAGE_STRUCT (peer_copy, PEER_COPY_FIELDS)
MESSAGE_STRUCT (peer_copy_state, PEER_COPY_STATE_FIELDS)
MESSAGE_STRUCT (peer_copy_chunk, PEER_COPY_CHUNK_FIELDS)
MESSAGE_STRUCT (peer_bye, PEER_BYE_FIELDS)
MESSAGE_STRUCT (peer_ranges, PEER_RANGES_FIELDS)
MESSAGE_STRUCT (peer_digests, PEER_DIGESTS_FIELDS)
MESSAGE_STRUCT (peer_want, PEER_WANT_FIELDS)
MESSAGE_STRUCT (peer_records, PEER_RECORDS_FIELDS)
MESSAGE_STRUCT (peer_holds, PEER_HOLDS_FIELDS)
MESSAGE_STRUCT (peer_held, PEER_HELD_FIELDS)
MESSAGE_STRUCT (peer_tally, PEER_TALLY_FIELDS)
MESSAGE_STRUCT (peer_mine, PEER_MINE_FIELDS)
MESSAGE_STRUCT (peer_lacks, PEER_LACKS_FIELDS)
MESSAGE_STRUCT (peer_outside, PEER_OUTSIDE_FIELDS)
MESSAGE_STRUCT (peer_return, PEER_RETURN_FIELDS)
MESSAGE_STRUCT (peer_welcome, PEER_WELCOME_FIELDS)
MESSAGE_STRUCT (door_request, DOOR_REQUEST_FIELDS)
MESSAGE_STRUCT (door_answer, DOOR_ANSWER_FIELDS)

enum peer_verb {
#define X(VERB, type, number, text) PEER_##VERB = number,
    PEER_LIST (X)
#undef X
        PEER_COUNT
};

//  The type and name of a verb; NULL for an unknown one.
const message_type_t *peer_type (uint64_t verb);
const char *peer_verb_name (uint64_t verb);

//  The verb of a frame 0; ERR_MALFORMED, ERR_UNKNOWN_VERB.
int peer_verb_of (slice_t frame, uint64_t *ret_verb);

//  What a client signs at the door.
void door_proof (const uuid16_t *pool, const public_key_t *invitation, buffer_t *out);

#endif

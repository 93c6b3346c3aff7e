//  request - what apps and operators ask, and what they are answered
//
//  One msgpack map in, one out: {"do": verb, "id": any, …} and {"id": the same, "ok": bool, …}. The
//  tables below are MAPs of message.h: fields that are not in them are skipped, and the protocol
//  document is printed from them. Contract: README.md, "Requests".
//
//  The names of answers that are "nil where …" are always there: a reader needs no test for a key.

#ifndef TIDEPOOL_REQUEST_H
#define TIDEPOOL_REQUEST_H

#include "messages/message.h"

//  ---- the head of every request

typedef struct request {
    slice_t body; // all of it
    slice_t verb; // of `do`
    slice_t id;   // msgpack, as it was given; nil where there was none
} request_t;

//  Checks the whole body (pack_check) and finds `do` and `id`. ERR_BAD_REQUEST with a sentence in
//  *ret_why (static) for what is not such a map. ret_request->id is set in any case, to nil if none
//  can be read, and borrows from body.
int request_unpack (slice_t body, request_t *ret_request, const char **ret_why);

//  The packed nil, for fields that are nil.
extern const slice_t request_nil;

//  An array whose length is known only at its end: begin gives the place, end writes the length there.
size_t list_begin (buffer_t *out);
void list_end (buffer_t *out, size_t at, size_t count);

//  The value of a text key in a msgpack map; false where there is none, or it is no map.
bool map_find (slice_t map, const char *key, slice_t *ret_value);

//  ---- answers in general

#define ANSWER_HEAD(F, S)                                                                          \
    F (S, RAW, id, MUST, "as it was given; nil where there was none")                              \
    F (S, BOOL, ok, MUST, "true")

#define REFUSAL_FIELDS(F, S)                                                                       \
    F (S, RAW, id, MUST, "as it was given; nil where there was none, or it could not be read")     \
    F (S, BOOL, ok, MUST, "false")                                                                 \
    F (S, TEXT, error, MUST, "a code of the list in error.h")                                      \
    F (S, TEXT, message, MUST, "a sentence for people")                                            \
    F (S, RAW, op, MAY, "uint: index of the operation that was refused")

//  ---- requests of apps

#define NO_FIELDS(F, S)
#define HELLO_ANSWER_FIELDS(F, S)                                                                  \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, UUID, client, MUST, "this node")                                                         \
    F (S, RAW, pool, MUST, "bin 16: the pool that it is in; nil while it is in none")              \
    F (S, TEXT, name, MUST, "what it calls itself")                                                \
    F (S, TEXT, version, MUST, "of the program")                                                   \
    F (S, RAW, resources, MUST, "{name: declaration} (resource.h)")
#define DECLARE_REQUEST_FIELDS(F, S)                                                               \
    F (S, RAW, resources, MUST, "{name: {kind, crdt, delete, from, key, keep}} (resource.h)")
#define DONE_ANSWER_FIELDS(F, S) ANSWER_HEAD (F, S)
#define APPLY_REQUEST_FIELDS(F, S)                                                                 \
    F (S, RAW, ops, MUST, "[{action, resource, uuid, value, on_conflict}]: one transaction")
#define APPLY_ANSWER_FIELDS(F, S)                                                                  \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, uuids, MUST, "[bin 16]: of the records, in the order of the operations")            \
    F (S, RAW, timestamp, MUST, "[uint64, bin 16]: of the last operation")                         \
    F (S, UINT, cursor, MUST, "of the last change")
#define GET_REQUEST_FIELDS(F, S)                                                                   \
    F (S, TEXT, resource, MUST, "its name")                                                        \
    F (S, UUID, uuid, MUST, "the record")                                                          \
    F (S, UUID, owner, MAY,                                                                        \
        "owned only; left out: this client's, else the first owner's that has it")                 \
    F (S, BOOL, why, MAY, "also says why; then a record that was deleted is no refusal")
#define GET_ANSWER_FIELDS(F, S)                                                                    \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, record, MUST,                                                                       \
        "{resource, uuid, value, updated, owner}; owner nil but for owned ones; nil where `why` "  \
        "tells of a deletion")                                                                     \
    F (S, RAW, why, MAY,                                                                           \
        "{kind, crdt, delete, created, written, floor, deleted, deletions, properties, hidden} "   \
        "(actors/api/README.md, Why)")
#define LIST_REQUEST_FIELDS(F, S)                                                                  \
    F (S, TEXT, resource, MUST, "its name")                                                        \
    F (S, UUID, owner, MAY, "owned only: only this owner's")                                       \
    F (S, BYTES, after, MAY, "a `next`, as it was given")                                          \
    F (S, UINT, limit, MAY, "records in the page: 100 unless said, at most 10,000")
#define LIST_ANSWER_FIELDS(F, S)                                                                   \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, records, MUST, "[record]: as of `get`, in the order of (owner, uuid)")              \
    F (S, RAW, next, MUST, "bin: where the next page begins; nil at the end")
#define COUNT_REQUEST_FIELDS(F, S) F (S, TEXT, resource, MUST, "its name")
#define COUNT_ANSWER_FIELDS(F, S)                                                                  \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, UINT, count, MUST, "visible records")
#define CHANGES_REQUEST_FIELDS(F, S)                                                               \
    F (S, UINT, since, MAY, "a cursor; 0 is before everything")                                    \
    F (S, UINT, limit, MAY, "changes in the page: 1,000 unless said, at most 10,000")              \
    F (S, RAW, resources, MAY, "[text]: only of these; a name that is not declared yet is no fault")
#define CHANGES_ANSWER_FIELDS(F, S)                                                                \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, changes, MUST, "[{cursor, resource, uuid, owner, deleted, value, updated}]")        \
    F (S, UINT, cursor, MUST, "the next `since`")                                                  \
    F (S, BOOL, more, MUST, "ask again; a page may be empty where all that was read is filtered")

#define API_VERB_LIST(X)                                                                           \
    X (HELLO, hello, no, hello, "who this node is, and what it holds")                             \
    X (DECLARE, declare, declare, done, "declares resources")                                      \
    X (APPLY, apply, apply, apply, "writes: all or nothing, durable when it is answered")          \
    X (GET, get, get, get, "one record")                                                           \
    X (LIST, list, list, list, "records of a resource, page by page")                              \
    X (COUNT, count, count, count, "how many records a resource has")                              \
    X (CHANGES, changes, changes, changes, "what changed since a cursor")

//  ---- requests of operators. What is forwarded to an actor has its table here too; the actor checks it.

#define STATUS_ANSWER_FIELDS(F, S)                                                                 \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, UUID, client, MUST, "this node")                                                         \
    F (S, TEXT, name, MUST, "what it calls itself")                                                \
    F (S, RAW, pool, MUST, "bin 16: the pool that it is in; nil while it is in none")              \
    F (S, TEXT, version, MUST, "of the program")                                                   \
    F (S, UINT, uptime, MUST, "seconds")                                                           \
    F (S, RAW, endpoints, MUST, "{peers: [text], door, api, feed, intake, admin}")                 \
    F (S, RAW, clock, MUST, "{last: timestamp, wall: uint64, ahead_ms}")                           \
    F (S, RAW, resources, MUST, "{name: {kind, count, digest, conflicts}}")                        \
    F (S, RAW, clients, MUST,                                                                      \
        "[{client, name, online, stale, returning, removed, last_seen, last_synchronized, "        \
        "behind}]: stale until it is back")                                                        \
    F (S, RAW, pending, MUST, "{batches, operations, bytes}: what is kept for those that lack it") \
    F (S, RAW, store, MUST, "{used, size}: bytes of the file, and of the map")                     \
    F (S, RAW, alarms, MUST, "[text]: CODE: what needs a person")                                  \
    F (S, RAW, paused, MUST, "[bin 16]: whose links are paused")                                   \
    F (S, RAW, locations, MUST, "[map]: the folders that are ingested")                            \
    F (S, RAW, joining, MUST, "map: how far a join has come; nil where none is under way")
#define METRICS_ANSWER_FIELDS(F, S)                                                                \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, metrics, MUST, "{name: number}, in Prometheus' naming")                             \
    F (S, TEXT, text, MUST, "the same as Prometheus' exposition text")
#define POOL_ANSWER_FIELDS(F, S)                                                                   \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, pool, MUST, "bin 16: the pool that it is in; nil while it is in none")              \
    F (S, RAW, clients, MUST, "as in `status`")                                                    \
    F (S, RAW, invitations, MUST, "[map]: that stand")
#define PENDING_ANSWER_FIELDS(F, S)                                                                \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, pending, MUST,                                                                      \
        "[{client, sequence, upto: timestamp, operations, bytes}]: the first 1,000 kept")          \
    F (S, UINT, batches, MUST, "all that are kept")                                                \
    F (S, UINT, operations, MUST, "in them")                                                       \
    F (S, UINT, bytes, MUST, "of them")                                                            \
    F (S, RAW, kept_for, MUST,                                                                     \
        "[{client, name, batches, bytes, since: timestamp of the oldest}]: each member that "      \
        "counts "                                                                                  \
        "and has not acknowledged all of it")                                                      \
    F (S, BOOL, more, MUST, "the log is longer than the 128 MiB that kept_for counts")             \
    F (S, UINT, deletions, MUST, "remembered until every member that counts has seen them")
#define FOUND_ANSWER_FIELDS(F, S)                                                                  \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, found, MUST,                                                                        \
        "[{client, reason, resource, timestamp, uuid, value}]: the first 1,000, oldest first")
#define VERIFY_ANSWER_FIELDS(F, S)                                                                 \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, RAW, resources, MUST,                                                                    \
        "{name: {count, digest, ok, error}}: error BUSY where it kept changing meanwhile")         \
    F (S, BOOL, sound, MUST, "every resource is ok")                                               \
    F (S, RAW, mended, MUST, "uint: what the rebuilding put right; nil where none was asked for")
#define RESTAMP_ANSWER_FIELDS(F, S)                                                                \
    ANSWER_HEAD (F, S)                                                                             \
    F (S, UINT, timestamps, MUST, "how many were stamped anew; 0: nothing was ahead")              \
    F (S, RAW, before, MAY, "timestamp: the newest of them as it was")                             \
    F (S, RAW, after, MAY, "timestamp: the newest as it is")
#define VERIFY_REQUEST_FIELDS(F, S)                                                                \
    F (S, BOOL, rebuild, MAY, "first makes all derived records anew from their rows")
#define JOIN_REQUEST_FIELDS(F, S) F (S, TEXT, ticket, MUST, "the invitation")
#define REMOVE_REQUEST_FIELDS(F, S)                                                                \
    F (S, UUID, client, MUST, "whom")                                                              \
    F (S, BOOL, drop_rows, MAY, "its owned rows go too")
#define PAUSE_REQUEST_FIELDS(F, S) F (S, UUID, client, MAY, "whose links; left out: all")

#define ADMIN_VERB_LIST(X)                                                                         \
    X (STATUS, status, no, status, "how this node is")                                             \
    X (METRICS, metrics, no, metrics, "what it has counted")                                       \
    X (POOL, pool, no, pool, "who is a member")                                                    \
    X (PENDING, pending, no, pending, "what is kept, and for whom")                                \
    X (FOUND, found, no, found, "what was written here and shows nowhere after a return")          \
    X (VERIFY, verify, verify, verify, "counts and digests of all resources, computed anew")       \
    X (INVITE, invite, no, done, "a ticket for a new client")                                      \
    X (JOIN, join, join, done, "joins the pool of a ticket")                                       \
    X (REMOVE, remove, remove, done, "removes a client from the pool")                             \
    X (PAUSE, pause, pause, done, "lets links rest, both ways, until resumed or restarted")        \
    X (RESUME, resume, pause, done, "lets them go on")                                             \
    X (RESTAMP, restamp, no, restamp,                                                              \
        "stamps anew what was written ahead of time and nobody has taken")                         \
    X (INGEST, ingest, no, done, "adds, lists, removes, rescans locations")                        \
    X (STOP, stop, no, done, "stops the node")                                                     \
    X (LOG, log, no, done, "what the node said last")

MESSAGE_STRUCT (refusal, REFUSAL_FIELDS)
MESSAGE_STRUCT (verify_request, VERIFY_REQUEST_FIELDS)
MESSAGE_STRUCT (no_request, NO_FIELDS)
MESSAGE_STRUCT (done_answer, DONE_ANSWER_FIELDS)
MESSAGE_STRUCT (hello_answer, HELLO_ANSWER_FIELDS)
MESSAGE_STRUCT (declare_request, DECLARE_REQUEST_FIELDS)
MESSAGE_STRUCT (apply_request, APPLY_REQUEST_FIELDS)
MESSAGE_STRUCT (apply_answer, APPLY_ANSWER_FIELDS)
MESSAGE_STRUCT (get_request, GET_REQUEST_FIELDS)
MESSAGE_STRUCT (get_answer, GET_ANSWER_FIELDS)
MESSAGE_STRUCT (list_request, LIST_REQUEST_FIELDS)
MESSAGE_STRUCT (list_answer, LIST_ANSWER_FIELDS)
MESSAGE_STRUCT (count_request, COUNT_REQUEST_FIELDS)
MESSAGE_STRUCT (count_answer, COUNT_ANSWER_FIELDS)
MESSAGE_STRUCT (changes_request, CHANGES_REQUEST_FIELDS)
MESSAGE_STRUCT (changes_answer, CHANGES_ANSWER_FIELDS)
MESSAGE_STRUCT (status_answer, STATUS_ANSWER_FIELDS)
MESSAGE_STRUCT (metrics_answer, METRICS_ANSWER_FIELDS)
MESSAGE_STRUCT (pool_answer, POOL_ANSWER_FIELDS)
MESSAGE_STRUCT (pending_answer, PENDING_ANSWER_FIELDS)
MESSAGE_STRUCT (found_answer, FOUND_ANSWER_FIELDS)
MESSAGE_STRUCT (verify_answer, VERIFY_ANSWER_FIELDS)
MESSAGE_STRUCT (restamp_answer, RESTAMP_ANSWER_FIELDS)
MESSAGE_STRUCT (join_request, JOIN_REQUEST_FIELDS)
MESSAGE_STRUCT (remove_request, REMOVE_REQUEST_FIELDS)
MESSAGE_STRUCT (pause_request, PAUSE_REQUEST_FIELDS)

//  ---- the verbs

typedef struct request_verb {
    const char *name; // as in `do`
    const message_type_t *request;
    const message_type_t *answer;
    const char *text;
} request_verb_t;

enum api_verb {
#define X(VERB, name, request, answer, text) API_##VERB,
    API_VERB_LIST (X)
#undef X
        API_VERB_COUNT
};

enum admin_verb {
#define X(VERB, name, request, answer, text) ADMIN_##VERB,
    ADMIN_VERB_LIST (X)
#undef X
        ADMIN_VERB_COUNT
};

extern const request_verb_t api_verbs[API_VERB_COUNT];
extern const request_verb_t admin_verbs[ADMIN_VERB_COUNT];

//  The verb's index in a table of `count`; ERR_UNKNOWN_VERB.
int request_verb_find (const request_verb_t *verbs, size_t count, slice_t name);

//  Appends the section of the protocol document on these verbs (Markdown).
void request_verbs_document (const request_verb_t *verbs, size_t count, buffer_t *out);

#endif

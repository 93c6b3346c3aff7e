//  error - the one list of what can go wrong
//
//  Every function that can fail answers 0 or one of these, negative. The names are what apps and
//  people see (`error` in an answer: contracts.md, "Requests"), the numbers never leave the process.
//  A fault of a peer or an app is refused and counted; a fault of the environment (disk, map,
//  descriptors) stops the write and is tried again; a bug asserts and has no code.

#ifndef TIDEPOOL_ERROR_H
#define TIDEPOOL_ERROR_H

// clang-format off
#define ERROR_LIST(X)                                                                          \
    /* what an app or an operator asked wrongly */                                             \
    X (1,  BAD_REQUEST,             "the request is not in the form that was agreed")          \
    X (2,  UNKNOWN_VERB,            "there is no such verb")                                   \
    X (3,  UNKNOWN_RESOURCE,        "no resource of this name is declared")                    \
    X (4,  NOT_FOUND,               "there is no such record")                                 \
    X (5,  EXISTS,                  "the record exists already")                               \
    X (6,  NOT_OWNER,               "only the client that owns a record may change it")        \
    X (7,  DERIVED,                 "derived records are computed, never written")             \
    X (8,  GROW_ONLY,               "this resource takes creates only")                        \
    X (9,  CONFLICTING_DECLARATION, "the resource is declared differently already")            \
    X (10, TOO_LARGE,               "over the size that is allowed")                           \
    X (11, BUSY,                    "the node cannot take this now; try again")                \
    X (12, CLOCK,                   "the clock cannot give a timestamp now")                   \
    X (13, STORAGE_FULL,            "there is no room on the disk")                            \
    X (14, INTERNAL,                "the node failed; its log says more")                      \
    X (15, NOT_ALLOWED,             "this is not permitted here")                              \
    /* what a peer or a file brought */                                                        \
    X (32, MALFORMED,               "the bytes are not what they should be")                   \
    X (33, TRUNCATED,               "the bytes end too early")                                 \
    X (34, BAD_SIGNATURE,           "the signature does not match")                            \
    X (35, BROKEN_CHAIN,            "the batch does not follow the one before it")             \
    X (36, FORKED,                  "two different batches claim the same place in one chain") \
    X (37, NOT_MEMBER,              "this client is not a member of the pool")                 \
    X (38, WRONG_POOL,              "this client belongs to another pool")                     \
    X (39, WRONG_VERSION,           "the other side speaks another version")                   \
    X (40, DUPLICATE,               "this is here already")                                    \
    X (41, TOO_EARLY,               "something that this depends on is not here yet")          \
    X (42, CLOCK_AHEAD,             "the timestamp is too far ahead of this node's clock")     \
    X (43, TICKET_INVALID,          "the ticket is unknown, used or out of date")              \
    X (44, NOT_ALONE,               "a client that joins must be alone in its pool")           \
    X (45, REMOVED,                 "this client was removed from the pool")                   \
    X (46, STALE,                   "this client was counted out, and has to return first")    \
    X (47, ALTERED,                 "the rows are not those that their owner signed")          \
    /* what the environment did */                                                             \
    X (64, STORAGE_FAILED,          "the disk refused a read or a write")                      \
    X (65, CORRUPT,                 "stored bytes do not match their checksum")                \
    X (66, MAP_FULL,                "the database must grow first")                            \
    X (67, NO_MEMORY,               "out of memory")                                           \
    X (68, IN_USE,                  "another node uses this data directory")                   \
    X (69, BAD_CONFIGURATION,       "the configuration is not valid")                          \
    X (70, SYSTEM,                  "the operating system refused a call")                     \
    X (71, NO_ANSWER,               "no node answers there")
// clang-format on

enum error {
#define X(number, name, text) ERR_##name = -(number),
    ERROR_LIST (X)
#undef X
};

//  The name as it stands in answers and logs, e.g. "NOT_FOUND"; 0 gives "OK", an unknown number
//  "INTERNAL". Static, never NULL.
const char *error_name (int error);

//  A sentence without its full stop, for people. Static, never NULL.
const char *error_text (int error);

//  The code whose name this is; 0 for "OK", ERR_INTERNAL for a name that is not in the list.
int error_from_name (const char *name);

#endif

//  mail_scan - the part of the mail that ingest and scan alone use
//
//  Ingest says which locations there are; scan walks one at a time and tells what it finds:
//
//      ingest                                   scan
//        | ---- scan_start (location) ----------> |
//        | <--- scan_begin ---------------------- |  a job begins: all of a location, or what changed
//        | <--- scan_listing -------------------- |  at most SCAN_LISTINGS_MAX without ...
//        | ---- scan_credit --------------------> |  ... an acknowledgement
//        | <--- scan_done ----------------------- |
//        | ---- scan_settled -------------------> |  it is durable; only now the next job begins
//        | ---- identify (files) ---------------> |
//        | <--- identified (ids, types) --------- |  never while a job runs

#ifndef TIDEPOOL_MAIL_SCAN_H
#define TIDEPOOL_MAIL_SCAN_H

#include "messages/message.h"

#define SCAN_LISTINGS_MAX 4 // unacknowledged

#define SCAN_LOOK_FIELDS(F, S) F (S, BYTES, path, MUST, "absolute path of a folder")
#define SCAN_LOOKED_FIELDS(F, S)                                                                   \
    F (S, UINT, error, MUST, "0, or why it cannot be a location (positive)")                       \
    F (S, UINT, inode, MUST, "of the folder")                                                      \
    F (S, BOOL, mount, MAY, "a file system is mounted there")
#define SCAN_START_FIELDS(F, S)                                                                    \
    F (S, UUID, location, MUST, "walk it now, and watch it from now on")                           \
    F (S, BYTES, path, MUST, "its absolute path")                                                  \
    F (S, RAW, exclude, MAY, "[text, …]: patterns that are asked before those of .tidepoolignore") \
    F (S, RAW, defaults, MAY, "[text, …]: patterns that are asked last")
#define SCAN_STOP_FIELDS(F, S) F (S, UUID, location, MUST, "forget it")
#define SCAN_BEGIN_FIELDS(F, S)                                                                    \
    F (S, UUID, location, MUST, "which location")                                                  \
    F (S, BOOL, whole, MUST, "all of it; otherwise what changed")                                  \
    F (S, UINT, inode, MUST, "of its root; 0 if it could not be opened")                           \
    F (S, BOOL, mount, MAY, "a file system is mounted at its root")
#define SCAN_LISTING_FIELDS(F, S)                                                                  \
    F (S, UUID, location, MUST, "which location")                                                  \
    F (S, UINT, entries, MUST, "how many the frame holds")
//  frame 0: sections behind each other (listing.h)
#define SCAN_CREDIT_FIELDS(F, S) F (S, UINT, listings, MUST, "how many are done with")
#define SCAN_DONE_FIELDS(F, S)                                                                     \
    F (S, UUID, location, MUST, "which location")                                                  \
    F (S, BOOL, whole, MUST, "as in scan_begin")                                                   \
    F (S, UINT, error, MUST, "0; NOT_FOUND: the root is missing; BUSY: it was stopped")            \
    F (S, UINT, entries, MUST, "listed")                                                           \
    F (S, UINT, directories, MUST, "listed")                                                       \
    F (S, UINT, skipped, MUST, "special files")                                                    \
    F (S, UINT, ignored, MUST, "entries that a pattern excludes")                                  \
    F (S, UINT, unreadable, MUST, "entries and directories that could not be read")                \
    F (S, BOOL, readable, MAY, "nothing of the location is known that cannot be read")             \
    F (S, BOOL, watched, MUST, "changes are seen as they happen, in all of it")
#define SCAN_SETTLED_FIELDS(F, S)                                                                  \
    F (S, UUID, location, MUST, "whose job it was")                                                \
    F (S, BOOL, missing, MAY, "what belongs there is not there: look again soon")
#define SCAN_EVENTS_FIELDS(F, S) F (S, UINT, count, MUST, "how many the frame holds")
//  frame 0: events behind each other: [watch uint, flags uint (enum watch_flags), name bin]
#define IDENTIFY_FIELDS(F, S)                                                                      \
    F (S, UUID, location, MUST, "whose files")                                                     \
    F (S, UINT, what, MUST, "what is to be found (enum identify_what)")                            \
    F (S, BOOL, sampled, MAY, "large ones by samples")                                             \
    F (S, UINT, count, MUST, "how many the frame holds")
//  frame 0: files behind each other: [uuid bin 16, path bin]
#define IDENTIFIED_FIELDS(F, S)                                                                    \
    F (S, UUID, location, MUST, "whose files")                                                     \
    F (S, UINT, what, MUST, "as in identify")                                                      \
    F (S, UINT, count, MUST, "how many the frame holds")                                           \
    F (S, BOOL, last, MUST, "all of that request are answered")
//  frame 0: results behind each other (listing.h)

#define SCAN_MAIL_LIST(X)                                                                          \
    X (SCAN_LOOK, scan_look, "ingest asks scan whether a folder can be a location")                \
    X (SCAN_LOOKED, scan_looked, "scan's answer")                                                  \
    X (SCAN_START, scan_start, "ingest tells scan to walk and watch a location")                   \
    X (SCAN_STOP, scan_stop, "ingest tells scan to forget a location")                             \
    X (SCAN_BEGIN, scan_begin, "scan tells ingest that a job begins")                              \
    X (SCAN_LISTING, scan_listing, "scan tells ingest what is in directories")                     \
    X (SCAN_CREDIT, scan_credit, "ingest tells scan that it is done with listings")                \
    X (SCAN_DONE, scan_done, "scan tells ingest that a job is done")                               \
    X (SCAN_SETTLED, scan_settled, "ingest tells scan that what a job found is durable")           \
    X (SCAN_EVENTS, scan_events, "scan's edge tells scan what changed under its watches")          \
    X (IDENTIFY, identify, "ingest asks scan for ids and types of the content of files")           \
    X (IDENTIFIED, identified, "scan's answer, in parts")

enum identify_what {
    IDENTIFY_CONTENT = 1, // content ids
    IDENTIFY_TYPE = 2     // MIME types
};

enum watch_flags {
    WATCH_CHANGED = 1,  // the entry `name` of the watched directory appeared, changed or went
    WATCH_ARRIVED = 2,  // it is a directory that was made here or moved here
    WATCH_LEFT = 4,     // it is a directory that was moved away
    WATCH_GONE = 8,     // the watched directory itself is gone, and with it the watch
    WATCH_OVERFLOW = 16 // events were lost; `watch` means nothing
};

MESSAGE_STRUCT (scan_look, SCAN_LOOK_FIELDS)
MESSAGE_STRUCT (scan_looked, SCAN_LOOKED_FIELDS)
MESSAGE_STRUCT (scan_start, SCAN_START_FIELDS)
MESSAGE_STRUCT (scan_stop, SCAN_STOP_FIELDS)
MESSAGE_STRUCT (scan_begin, SCAN_BEGIN_FIELDS)
MESSAGE_STRUCT (scan_listing, SCAN_LISTING_FIELDS)
MESSAGE_STRUCT (scan_credit, SCAN_CREDIT_FIELDS)
MESSAGE_STRUCT (scan_done, SCAN_DONE_FIELDS)
MESSAGE_STRUCT (scan_settled, SCAN_SETTLED_FIELDS)
MESSAGE_STRUCT (scan_events, SCAN_EVENTS_FIELDS)
MESSAGE_STRUCT (identify, IDENTIFY_FIELDS)
MESSAGE_STRUCT (identified, IDENTIFIED_FIELDS)

#endif

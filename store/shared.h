//  shared - the records that any client may write: the materialised log

#ifndef TIDEPOOL_STORE_SHARED_H
#define TIDEPOOL_STORE_SHARED_H

#include "store/store.h"

//  Joins one operation into its record and keeps count, digest and `changes` in step; counts a conflict.
//  ERR_UNKNOWN_RESOURCE if it is not declared, ERR_MALFORMED if it is not a shared one.
int shared_join (txn_t *txn, const operation_t *operation, const past_t *past);

//  Joins what a client that returned brings of a record (messages/news.h). Errors as above.
int shared_news_join (txn_t *txn, slice_t resource, const uuid16_t *uuid, const record_t *news,
    uint64_t flags, const vector_t *seen);

//  The record's state as it is now, in a writing transaction with all that was joined before; a
//  record that is not there is "never was", with 0. *ret_record is the caller's, zeroed or used,
//  and the caller's to release; its names and values borrow from the transaction until it loads the next record.
int shared_get (txn_t *txn, slice_t resource, const uuid16_t *uuid, record_t *ret_record);

//  Visible records of a resource in the order of their uuids: the first > after (NULL: from the
//  start). Appends the canonical value to out. ERR_NOT_FOUND at the end.
int shared_next (txn_t *txn, slice_t resource, const uuid16_t *after, uuid16_t *ret_uuid,
    timestamp_t *ret_written, buffer_t *out);

//  The visible value of one record; ERR_NOT_FOUND where none is visible.
int shared_show (
    txn_t *txn, slice_t resource, const uuid16_t *uuid, timestamp_t *ret_written, buffer_t *out);

//  ---- forgetting

//  Forgets deletions that the vector covers (causally stable ones: semantics.md, "Flushing and
//  purging"), of at most `most` records; *ret_left says whether there may be more.
int shared_forget (
    txn_t *txn, const vector_t *stable, size_t most, size_t *ret_count, bool *ret_left);

//  How many deletions are remembered.
int shared_tombstones (txn_t *txn, uint64_t *ret_count);

//  When and by whom a record was deleted, as far as `changes` still tells; ERR_NOT_FOUND.
int shared_deletion (txn_t *txn, slice_t resource, const uuid16_t *uuid, timestamp_t *ret_deletion);

//  ---- copying the tables to a client that joins
//  A place in the order of all shared records: by resource name, then uuid.
typedef struct position {
    char resource[LIMIT_NAME_BYTES + 1]; // empty: before everything
    uuid16_t uuid;
    bool end; // behind everything
} position_t;

//  True if the record (resource, uuid) lies at or before the place.
bool position_covers (const position_t *self, slice_t resource, const uuid16_t *uuid);

//  Appends records behind `from`, each packed [resource text, uuid bin 16, record with bin 16
//  origins], until about size_max bytes; *ret_to is the place of the last one, or the end;
//  *ret_count how many.
int shared_copy_out (txn_t *txn, const position_t *from, size_t size_max, buffer_t *out,
    size_t *ret_count, position_t *ret_to);

//  Makes the records in (from, to] exactly these: those that are here and not among them are
//  dropped. ERR_MALFORMED if they are out of order, outside the range, not sound. What is replaced
//  is put aside (aside.h) if it may have something to say to the member: mine is this client's
//  vector before the copy, theirs that for which the records stand; NULL: there is nothing to say.
//  Up to the frontier a copy had come before: what is there is not this client's any more.
int shared_copy_in (txn_t *txn, const position_t *from, const position_t *to, size_t count,
    slice_t records, const vector_t *mine, const vector_t *theirs, const position_t *frontier);

#endif

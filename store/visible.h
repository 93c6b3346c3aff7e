//  visible - what a change of any record does beside its own table (private to store/)
//
//  Count and digest of its resource, and its entry in `changes`. All four kinds of record go
//  through visible_change, so there is one place where these are kept in step.

#ifndef TIDEPOOL_STORE_VISIBLE_H
#define TIDEPOOL_STORE_VISIBLE_H

#include "messages/renaming.h"
#include "store/changes.h"
#include "store/table.h"

//  One property of a derived resource, parsed from its declaration.
enum keep_what { KEEP_PROPERTY, KEEP_ROWS, KEEP_OWNERS };
typedef struct keep {
    slice_t name;
    int what;         // enum keep_what
    slice_t property; // of the row
} keep_t;

//  A resource as a transaction knows it: decoded once, its counters written once, at commit.
struct slot {
    resource_entry_t entry;
    uint64_t hash; // of its name
    bool dirty;
    slot_t *source;        // of a derived one (linked)
    slot_t *derived_first; // those derived from this one
    slot_t *derived_next;
    size_t keep_count;
    keep_t keeps[RESOURCE_KEEP_MAX]; // ascending by name
    bool keeps_counts;               // one of them is #rows or #owners
};

//  ERR_UNKNOWN_RESOURCE. A slot stays where it is until the transaction ends.
int slot_find (txn_t *txn, slice_t name, slot_t **ret_slot);
//  ERR_CORRUPT where there is none.
int slot_by_number (txn_t *txn, uint32_t number, slot_t **ret_slot);
//  Also ERR_MALFORMED if it is of another kind.
int slot_of_kind (txn_t *txn, slice_t name, int kind, slot_t **ret_slot);
//  The resource whose name follows; ERR_NOT_FOUND.
int slot_next (txn_t *txn, slice_t after_name, slot_t **ret_slot);
//  Hangs each derived resource from its source.
int slots_link (txn_t *txn);
int slots_flush (txn_t *txn);
//  Writes a declaration that is sound and new.
int slot_declare (txn_t *txn, const resource_t *resource, slot_t **ret_slot);

//  Where a record stands in `changes`; kept in front of its state. 0: never was visible.
typedef struct mark {
    uint64_t cursor; // of its entry
    uint64_t born;   // at which it last became visible
} mark_t;

//  cursor varint, then (cursor - born) varint
void mark_add (const mark_t *self, buffer_t *out);
bool mark_take (slice_t *from, mark_t *ret_mark);

//  What a record showed before and shows now (empty: nothing). Where that differs, brings count,
//  digest and `changes` in step, and *mark. `owner` may be NULL; `stamp` says when and by whom, its
//  client may be zero.
int visible_change (txn_t *txn, slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    slice_t before, slice_t after, const timestamp_t *stamp, mark_t *mark);

//  ---- changes.c

//  A change of the group that is open: group[i] has the cursor of group[0] + i.
struct changed_record {
    mark_t mark;
    mark_t old;       // what it was before the group
    bool was_visible; // before the group
    bool deleted;
    bool nothing; // came and went within the group
    uint32_t resource;
    uint32_t owner; // its number, 0: none
    uuid16_t uuid;
    uint64_t updated; // of a deletion
    uint32_t by;      // its number, 0: none
};

int changes_touch (txn_t *txn, const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    bool was_visible, bool is_visible, const timestamp_t *stamp, mark_t *mark);
int changes_flush (txn_t *txn);
//  The times of deletions: adds them, or (collected NULL) renames them.
int changes_walk_deleted (txn_t *txn, renaming_t *collected, const renaming_t *renaming);
//  Is the entry at this cursor that of this shared record? Also 0 with false where there is none.
int changes_names (
    txn_t *txn, uint64_t cursor, const slot_t *slot, const uuid16_t *uuid, bool *ret_names);

//  ---- derived_follow.c

//  A row of an owned resource showed `before` (empty: nothing) and shows what it says now. Its own
//  table is written already. `before` must not be memory of the transaction.
int derived_follow (
    txn_t *txn, slot_t *source, const uuid16_t *owner, const row_t *row, slice_t before);
//  Computes a resource that was just declared from the rows that are here.
int derived_fill (txn_t *txn, slot_t *derived);

//  ---- reading a visible record, for changes_next: ERR_NOT_FOUND where none is visible

int shared_visible (
    txn_t *txn, const slot_t *slot, const uuid16_t *uuid, timestamp_t *ret_written, buffer_t *out);
int owned_visible (txn_t *txn, const slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    uint64_t *ret_updated, slice_t *ret_value);
//  cursor other than 0: only if the record's entry in `changes` is that one. Another was left behind by a record that
//  was lost, and made anew.
int derived_visible (txn_t *txn, slot_t *slot, const uuid16_t *uuid, uint64_t cursor,
    timestamp_t *ret_updated, slice_t *ret_value);
int local_visible (txn_t *txn, const slot_t *slot, const uuid16_t *uuid, uint64_t *ret_updated,
    slice_t *ret_value);

#endif

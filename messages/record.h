//  record - the state of one shared record, and its join
//
//  record_join is the one pure function (state, operation, what its batch has seen) -> state of
//  semantics.md, "The join of a shared record". Everything else here packs, shows and compares that
//  state.

#ifndef TIDEPOOL_RECORD_H
#define TIDEPOOL_RECORD_H

#include "messages/operation.h"
#include "messages/vector.h"

enum crdt { CRDT_LWW, CRDT_GSET };
enum delete_rule { DELETE_WINS, DELETE_LATEST };

typedef struct record_rule {
    int crdt;        // enum crdt
    int delete_rule; // enum delete_rule; no meaning under CRDT_GSET
} record_rule_t;

typedef struct property {
    slice_t name;
    slice_t value; // one msgpack value
    timestamp_t stamp;
} property_t;

typedef struct properties {
    property_t *entries; // ascending by name, each once
    size_t count;
    size_t capacity;
} properties_t;

//  A zeroed struct is a record that never was. Names and values are borrowed from whatever was unpacked
//  or joined and must outlive the record's use; the arrays are owned and kept between uses.
typedef struct record {
    timestamp_t created; // smallest timestamp of its creates: it names this life
    timestamp_t written; // largest of all its writes
    timestamp_t floor; // largest overwrite; before `created`: the deletion that this life stands on
    timestamp_t *deleted; // per client the largest deletion, ascending by client
    size_t deleted_count;
    size_t deleted_capacity;
    properties_t strong;
    properties_t weak;
} record_t;

void record_clear (record_t *self); // to "never was", keeps the arrays
void record_release (record_t *self);

//  What the writer of an operation had seen: its batch's accumulated vector of others, and of its own
//  client everything before the operation.
typedef struct past {
    const vector_t *seen;
    timestamp_t before; // the operation's own stamp
} past_t;
bool past_covers (const past_t *self, const timestamp_t *timestamp);

//  Joins one operation. True if the state changed.
bool record_join (
    record_t *self, const operation_t *operation, const past_t *past, record_rule_t rule);

//  True if the operation, before it is joined, contradicts what it meets: neither has seen the other, and one
//  of them changes or hides what the other says (record_conflict.c has the cases).
bool record_conflicts (
    const record_t *self, const operation_t *operation, const past_t *past, record_rule_t rule);

//  Under `latest`: what has seen a deletion by which the record is dead begins anew: this life is forgotten, and with the
//  deletion all that are smaller. A later one that was not seen stays: it has nothing more to end here. True if
//  there was such a deletion.
bool record_begin_anew (record_t *self, const past_t *past);

//  Forgets the deletions that are causally stable: `stable` is what every client that counts is known to
//  have seen. Under `latest` a dead record goes as a whole with its last deletion. True if the state
//  changed; it may be nothing then (record_is_nothing). Nothing that can still arrive can tell.
bool record_purge (record_t *self, const vector_t *stable, record_rule_t rule);

//  What an app's action becomes on the state that it finds here: fills operation->floor and on_conflict
//  (a create under `latest` on a dead record), or answers ERR_EXISTS (create of a record that is alive,
//  has_conflict false), ERR_NOT_FOUND (update or delete of what is not visible), ERR_GROW_ONLY.
int record_admit (
    const record_t *self, operation_t *operation, bool has_conflict, record_rule_t rule);

bool record_alive (const record_t *self, record_rule_t rule);

//  True if nothing is left to remember: no create, no deletion.
bool record_is_nothing (const record_t *self);

//  Makes it the other's state; names and values are borrowed from where the other borrows them.
void record_copy (record_t *self, const record_t *from);

//  The register of this name, or NULL.
const property_t *properties_find (const properties_t *self, slice_t name);

//  True if it carries nothing at all, not even a write without its create (as in news.h).
bool record_is_empty (const record_t *self);

//  Forgets this life of the record, but not its deletions. True if there was anything of it.
bool record_end_life (record_t *self);

//  The largest time that occurs in it; 0 in an empty one.
uint64_t record_last_time (const record_t *self);

//  Puts one property into strong or weak registers, whose names ascend: the larger timestamp wins, or the
//  smaller. True if the state changed.
bool properties_put (properties_t *self, const property_t *property, bool to_smaller);

//  Appends the visible value, a canonical map (names ascending). The record must be alive.
void record_show (const record_t *self, record_rule_t rule, buffer_t *out);

//  ---- packing
//
//      [stamps, created, written, floor, deleted, strong, weak]
//  with  stamps   [time, origin, time, origin, …]: each timestamp that occurs, once, ascending; origin is
//                 a bin 16, or, in the store, a number (store/README.md, "Interning")
//        created, written, floor   uint index into stamps, or nil
//        deleted  [index, …]
//        strong, weak   [name, index, value, …], names ascending

//  Translates clients to small numbers and back; NULL where bin 16 is meant.
typedef struct origins {
    void *self;
    int (*number_of) (void *self, const uuid16_t *client, uint32_t *ret_number);
    int (*client_of) (void *self, uint32_t number, uuid16_t *ret_client);
} origins_t;

//  Fails only with what number_of answers, and then leaves out as it was. One state has one packed form,
//  given the same numbers.
int record_pack (const record_t *self, const origins_t *origins, buffer_t *out);

//  Strict. ret_record is cleared first and borrows from the cursor's bytes; on failure it is cleared and
//  the cursor stays.
int record_unpack (cursor_t *cursor, const origins_t *origins, record_t *ret_record);

//  Same state, component by component.
bool record_equal (const record_t *a, const record_t *b);

#endif

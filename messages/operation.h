//  operation - one change of one record, as the design document has it
//
//  client uuid, timestamp, resource key, resource uuid, action, value, on_conflict. Inside a batch it is
//      [time, resource, uuid, code, value]
//  with  time      uint: the operation's time less that of the operation before it in the batch (of the
//                  first: less the batch's `after`; both as 64-bit wrap-around differences)
//        resource  uint: index into the batch's list of resource names
//        uuid      bin 16
//        code      uint: action + 4 * on_conflict + 16 if a `floor` follows + 32 if a `client` follows
//        value     map of properties; nil for a delete
//        floor     [uint64, bin 16], only with code 16: the deletion that a create under delete = latest
//                  stands on (README.md, "The join")
//        client    bin 16, only with code 32: whose operation it was, in a batch that issues anew
//  The client is the batch's origin but for those issued anew.

#ifndef TIDEPOOL_OPERATION_H
#define TIDEPOOL_OPERATION_H

#include "messages/timestamp.h"

enum action { ACTION_CREATE, ACTION_UPDATE, ACTION_DELETE };
enum on_conflict { CONFLICT_MERGE, CONFLICT_IGNORE, CONFLICT_OVERWRITE };

typedef struct operation {
    timestamp_t stamp; // its time and its client
    slice_t resource;  // the resource's name
    uuid16_t uuid;     // the record
    int action;        // enum action
    int on_conflict;   // enum on_conflict
    slice_t value;     // msgpack map, names ascending and unique; empty slice for a delete
    timestamp_t floor; // none but for a create on a dead record under `latest`
} operation_t;

const char *action_name (int action); // "create", "update", "delete"
int action_from_name (slice_t name, int *ret_action);
const char *conflict_name (int on_conflict); // "merge", "ignore", "overwrite"
int conflict_from_name (slice_t name, int *ret_on_conflict);

//  ---- a value: a map of properties

//  Checks a value from outside and writes its canonical form: a msgpack map, names (text, 1 to
//  LIMIT_NAME_BYTES) in ascending byte order, each once, values as they came (nil is a value: it shows as nil). ERR_BAD_REQUEST for
//  what is not that, ERR_TOO_LARGE over LIMIT_PROPERTIES or size_max bytes.
int value_canonical (slice_t encoded, size_t size_max, buffer_t *out);

//  Strict: 0 only for the canonical form.
int value_check (slice_t encoded);

//  The same for a value inside of something: steps behind it, ret_value gets its bytes. On failure the
//  cursor stays where it was.
int value_unpack (cursor_t *cursor, slice_t *ret_value);

#endif

//  client - a member of the pool, as all nodes know it
//
//  Operations on the reserved resource `clients`, record uuid = the client. Their values are maps:
//      admission   create  {"admit": bin 32 (its Ed25519 key), "after": [upto, bin 32] or nil, "name": text,
//                  "pool": bin 16}
//                  by the member that invited it; by itself only as the very first batch of a new pool
//      record      update  {"endpoints": [text, …], "name": text, "version": text}   by itself only
//      removal     update  {"remove": bool (true: its rows go too)}                   by any member
//      stale       update  {"stale": true}        by any member: it is out, and will be counted out
//      returning   update  {"returning": true}    by the member that it returns to: it counts again, and is out still
//      back        update  {"stale": false}       by itself, with what it brings
//  Each is the largest timestamp of its kind; the newest of the three says how things stand.

#ifndef TIDEPOOL_CLIENT_H
#define TIDEPOOL_CLIENT_H

#include "messages/keys.h"
#include "messages/limits.h"
#include "messages/operation.h"

#define CLIENTS_RESOURCE     "clients"
#define CLIENT_VERSION_BYTES 31

typedef struct client {
    uuid16_t uuid;
    public_key_t key;
    timestamp_t admitted; // smallest admission; its client is the inviter
    watermark_t start;    // where its chain stood when it was admitted; upto 0: at its beginning
    timestamp_t removed;  // smallest removal; none while it is a member
    bool drop_rows;
    timestamp_t stale; // largest declaration
    timestamp_t returning;
    timestamp_t back;
    //  The declaration (stale, removed) for which it was found to be counted out; once it was, it stays so, whoever
    //  is admitted or returns later.
    timestamp_t counted_out;
    timestamp_t stated; // of the record below
    char name[LIMIT_NAME_BYTES + 1];
    char version[CLIENT_VERSION_BYTES + 1];
    size_t endpoint_count;
    char endpoints[LIMIT_ENDPOINTS][LIMIT_ENDPOINT_BYTES + 1];
} client_t;

//  Applies an operation on `clients`; true if the state changed. What its writer may not say is ignored:
//  a record by another, an admission whose key is not the uuid's. Whether the writer was a member is the
//  caller's to know.
bool client_join (client_t *self, const operation_t *operation);

static inline bool client_is_member (const client_t *self)
{
    return !timestamp_is_none (&self->admitted) && timestamp_is_none (&self->removed);
}

//  The values of the operations.
void client_pack_admission (const client_t *self, const uuid16_t *pool, buffer_t *out);
void client_pack_record (const client_t *self, buffer_t *out);
void client_pack_removal (bool drop_rows, buffer_t *out);
void client_pack_stale (bool stale, buffer_t *out);
void client_pack_returning (buffer_t *out);

//  The whole state, for the store and for a copy:
//  [uuid, key, admitted, start, removed, drop_rows, stale, returning, back, stated, name, version, [endpoints], counted_out]
//  with a timestamp that is none as nil, start as [upto, bin 32] or nil, key as nil until it is admitted.
//  Unpacking is strict: a state has one form.
void client_pack (const client_t *self, buffer_t *out);
int client_unpack (cursor_t *cursor, client_t *ret_client);

#endif

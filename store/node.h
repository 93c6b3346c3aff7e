//  node - what only this node knows: settings, invitations, locations, places
//
//  A table of small spaces, each a sorted map of bytes to bytes. Keys at most 400 bytes.

#ifndef TIDEPOOL_STORE_NODE_H
#define TIDEPOOL_STORE_NODE_H

#include "store/store.h"

enum node_space {
    NODE_SETTINGS = 's',    // name -> bytes: "pool", "clock", "joining", "door", "listen", …
    NODE_INVITATIONS = 'i', // CURVE key of the secret, 32 bytes -> packed invitation
    NODE_LOCATIONS = 'l',   // location, 16 bytes -> packed location
    NODE_PLACES =
        'p', // hash of location and directory 16, of name 8 -> place (actors/ingest/ingest.h)
    NODE_INODES = 'n', // location 16, device 8, inode 8 -> uuid of its row (actors/ingest/spot.h)
    NODE_LAST_SEEN = 'a', // client 16 -> this node's time, uint64 NTP, big endian
    NODE_WANTED = 'w',    // location 16, uuid 16 -> rows whose content is still to be identified
    NODE_UNTYPED = 't', // location 16, uuid 16 -> rows that have a content id and no MIME type yet
    NODE_FOUND = 'f',   // lost and found
    NODE_UNDONE =
        'u', // location 16, kind, uuid 16 -> what a job had begun (actors/ingest/undone.c)
    NODE_DROPPING = 'o', // owner 16 -> nothing: its rows are being dropped, to be fetched again
    NODE_DAMAGED =
        'd' // resource text, 0, uuid 16 -> a record as it stood that could not be read (damage.h)
};

//  ERR_NOT_FOUND where there is none; the value borrows from the transaction.
int node_get (txn_t *txn, enum node_space space, slice_t key, slice_t *ret_value);
int node_put (txn_t *txn, enum node_space space, slice_t key, slice_t value);
int node_delete (txn_t *txn, enum node_space space, slice_t key); // 0 also where there was none

//  The first key >= `from` (empty: the first of the space) and its value; ERR_NOT_FOUND at the end.
int node_seek (
    txn_t *txn, enum node_space space, slice_t from, slice_t *ret_key, slice_t *ret_value);
//  The first key > `after`.
int node_next (
    txn_t *txn, enum node_space space, slice_t after, slice_t *ret_key, slice_t *ret_value);

//  A setting that is a number, big endian; ret is 0 with ERR_NOT_FOUND where there is none.
int node_get_uint (txn_t *txn, const char *name, uint64_t *ret_value);
int node_put_uint (txn_t *txn, const char *name, uint64_t value);

#endif

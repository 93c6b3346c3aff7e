//  backup - a data directory as one file, and a data directory made of it
//
//      all of data.mdb, as it was at one commit
//      msgpack map {identity: bin, configuration: bin, time: uint64 NTP, version: 1}    identity.key and node.zpl
//      its size      u64, big endian
//      hash          32 bytes: BLAKE2b-256 of all before it
//      "tidepool"    8 bytes
//
//  The file holds the node's secret: it is made 0600.

#ifndef TIDEPOOL_BACKUP_H
#define TIDEPOOL_BACKUP_H

#include "actors/shell/home.h"

//  The node may run. The file is whole, synced and in its place, or is not there. ERR_EXISTS, ERR_STORAGE_FULL,
//  ERR_SYSTEM, and whatever reading the store says.
int backup_make (
    const home_t *home, const char *file, uint64_t now, uint64_t *ret_size, why_t *why);

//  The directory may be there if it is empty. `asks`: the node writes nothing before its pool's other members were asked what
//  they have of it that is newer. ERR_EXISTS, ERR_CORRUPT, ERR_WRONG_VERSION, ERR_SYSTEM. When it fails nothing is left of it.
int backup_restore (const char *file, const char *dir, bool asks, identity_t *ret_identity,
    uint64_t *ret_time, why_t *why);

#endif

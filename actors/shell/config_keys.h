//  config_keys - the table of all keys of node.zpl but the declarations under `resources`

#ifndef TIDEPOOL_CONFIG_KEYS_H
#define TIDEPOOL_CONFIG_KEYS_H

#include "actors/config.h"

#include <stdbool.h>

enum config_kind {
    CONFIG_NAME,      // a text of 1 to LIMIT_NAME_BYTES
    CONFIG_BIND,      // an endpoint to listen on: its port may be `*`
    CONFIG_BINDS,     // endpoint_list_t of these
    CONFIG_ADVERTISE, // endpoint_list_t of endpoints that others can dial
    CONFIG_CONNECT,   // CLIENT@ENDPOINT
    CONFIG_NUMBER,    // uint64_t between low and high
    CONFIG_BYTES,     // as a number, or with K, M, G or T behind it (powers of 1024)
    CONFIG_KEYS       // CURVE keys, Z85
};

typedef struct config_key {
    const char *path;
    enum config_kind kind;
    bool repeats;
    size_t offset;      // in config_t
    uint64_t low, high; // of numbers
    //  As it stands in node.zpl, with the directory for %s; in brackets where it is no literal.
    const char *initial;
    const char *text;
} config_key_t;

extern const config_key_t config_keys[];
extern const size_t config_key_count;

//  NULL for a path that is not in the table.
const config_key_t *config_key_of (const char *path);

#endif

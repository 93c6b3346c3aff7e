//  config - what a node was told: DIR/node.zpl and --set, after checking

#ifndef TIDEPOOL_CONFIG_H
#define TIDEPOOL_CONFIG_H

#include "messages/keys.h"
#include "messages/limits.h"
#include "messages/resource.h"

typedef struct endpoint_list {
    size_t count;
    char items[LIMIT_ENDPOINTS][LIMIT_ENDPOINT_BYTES + 1];
} endpoint_list_t;

typedef struct config {
    char dir[256]; // the data directory, absolute
    char name[LIMIT_NAME_BYTES + 1];
    endpoint_list_t listen;    // node/listen
    endpoint_list_t advertise; // node/advertise; empty: what listen really bound
    char
        door[LIMIT_ENDPOINT_BYTES + 1]; // node/door; empty: the first listen's host, any port, kept
    size_t connect_count;               // node/connect, "CLIENT@ENDPOINT"
    struct {
        uuid16_t client;
        char endpoint[LIMIT_ENDPOINT_BYTES + 1];
    } connect[LIMIT_ENDPOINTS];
    uint64_t max_drift_ms;
    uint64_t stale_after_s;
    uint64_t ack_interval_s;
    uint64_t ping_interval_s;
    uint64_t scrub_interval_s; // in which everything is counted anew; 0: never
    uint64_t max_value_bytes;
    uint64_t changes_keep_s;
    uint64_t map_size_max;              // 0: no bound
    char api[LIMIT_ENDPOINT_BYTES + 1]; // endpoints/…
    char feed[LIMIT_ENDPOINT_BYTES + 1];
    char intake[LIMIT_ENDPOINT_BYTES + 1];
    char admin[LIMIT_ENDPOINT_BYTES + 1];
    size_t allow_count; // endpoints/allow: CURVE keys, Z85
    public_key_t allow[LIMIT_ENDPOINTS];
    size_t resource_count; // resources/NAME
    resource_t *resources; // owned by the config
} config_t;

#endif

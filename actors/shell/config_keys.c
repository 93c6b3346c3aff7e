//  config_keys - the table of all keys of node.zpl

#include "actors/shell/config_keys.h"

#include <string.h>

#define AT(member)  offsetof (config_t, member)
#define YEARS_100_S 3153600000ull

//  clang-format off
const config_key_t config_keys[] = {
    {"node/name", CONFIG_NAME, false, AT (name), 0, 0, "(the host's name)",
        "how people see this node"},
    {"node/listen", CONFIG_BINDS, true, AT (listen), 0, 0, "tcp://127.0.0.1:*",
        "where other nodes reach this one; may repeat. A port * is chosen once and kept"},
    {"node/advertise", CONFIG_ADVERTISE, true, AT (advertise), 0, 0, "(what listen bound)",
        "where other nodes are told to reach this one, if that is not listen; may repeat"},
    {"node/door", CONFIG_BIND, false, AT (door), 0, 0, "(the first listen's host, any port, kept)",
        "where invited nodes knock"},
    {"node/connect", CONFIG_CONNECT, true, 0, 0, 0, "(CLIENT@ENDPOINT)",
        "a member that is dialled there, whatever it says of itself; may repeat; default none"},
    {"node/max_drift_ms", CONFIG_NUMBER, false, AT (max_drift_ms), 1, 86400000, "100",
        "how far ahead of this node's clock a received timestamp may be"},
    {"node/stale_after_s", CONFIG_NUMBER, false, AT (stale_after_s), 1, YEARS_100_S, "2592000",
        "a member that was not seen for so long is declared stale"},
    {"node/ack_interval_s", CONFIG_NUMBER, false, AT (ack_interval_s), 0, YEARS_100_S, "60",
        "what was received is acknowledged to the pool not more often than this"},
    {"node/ping_interval_s", CONFIG_NUMBER, false, AT (ping_interval_s), 1, 3600, "5",
        "how often linked nodes tell each other where they stand"},
    {"node/scrub_interval_s", CONFIG_NUMBER, false, AT (scrub_interval_s), 0, YEARS_100_S, "86400",
        "all that is stored is read and counted anew at least this often; 0: never"},
    {"node/max_value_bytes", CONFIG_BYTES, false, AT (max_value_bytes), 64, LIMIT_VALUE_BYTES,
        "1048576", "the largest encoded value that this node writes; 1048576 at most"},
    {"node/changes_keep_s", CONFIG_NUMBER, false, AT (changes_keep_s), 0, YEARS_100_S, "2592000",
        "how long deletions stay in changes"},
    {"node/map_size_max", CONFIG_BYTES, false, AT (map_size_max), 0, UINT64_MAX, "0",
        "the database's file never grows over this; K, M, G, T mean powers of 1024; 0: no bound"},
    {"endpoints/api", CONFIG_BIND, false, AT (api), 0, 0, "ipc://%s/api.sock", "requests of apps"},
    {"endpoints/feed", CONFIG_BIND, false, AT (feed), 0, 0, "ipc://%s/feed.sock",
        "changes as they happen"},
    {"endpoints/intake", CONFIG_BIND, false, AT (intake), 0, 0, "ipc://%s/intake.sock",
        "operations from pipelines"},
    {"endpoints/admin", CONFIG_BIND, false, AT (admin), 0, 0, "ipc://%s/admin.sock",
        "the command tidepool"},
    {"endpoints/allow", CONFIG_KEYS, true, 0, 0, 0, "(CURVE key, 40 characters of Z85)",
        "apps whose key this is may use the endpoints above that are not ipc; may repeat"},
};
//  clang-format on

const size_t config_key_count = sizeof config_keys / sizeof *config_keys;

const config_key_t *config_key_of (const char *path)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (strcmp (config_keys[i].path, path) == 0)
            return &config_keys[i];
    return NULL;
}

//  config_value - one setting's text made into a member of config_t, or refused

#include "actors/shell/config_value.h"
#include "actors/shell/listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define IPC_PATH_BYTES 107 // of a Unix socket's address

//  What is at fault, for the value functions: "node/listen (line 3)".
typedef struct fault {
    const char *place;
    why_t *why;
} fault_t;

static int refuse (const fault_t *fault, const char *value, const char *text)
{
    return why_fail (fault->why, ERR_BAD_CONFIGURATION, "%.200s = \"%.100s\": %.180s", fault->place,
        value, text);
}

//  ---- values

static int take_name (const char *value, char *ret_name, const fault_t *fault)
{
    size_t size = strlen (value);
    if (size == 0 || size > LIMIT_NAME_BYTES || !utf8_valid (slice_text (value)))
        return refuse (fault, value, "it wants 1 to 128 bytes of text");
    memcpy (ret_name, value, size + 1);
    return 0;
}

static bool port_valid (const char *port, bool any)
{
    if (any && strcmp (port, "*") == 0)
        return true;
    char *end;
    unsigned long number = strtoul (port, &end, 10);
    return *port >= '0' && *port <= '9' && !*end && number >= 1 && number <= 65535;
}

static int take_endpoint (const char *value, bool bind, char *ret_text, const fault_t *fault)
{
    const char *port = strrchr (value, ':');
    size_t size = strlen (value);
    if (size > LIMIT_ENDPOINT_BYTES)
        return refuse (fault, value, "it is longer than 256 bytes");
    if (endpoint_is_ipc (value)) {
        if (size <= 6 || size - 6 > IPC_PATH_BYTES)
            return refuse (
                fault, value, "the path of a socket has 1 to 107 bytes; set one that is shorter");
    } else if (strncmp (value, "tcp://", 6) != 0 || port == value + 3 || port <= value + 6 ||
               !port_valid (port + 1, bind))
        return refuse (fault, value,
            bind ? "it wants tcp://HOST:PORT, tcp://HOST:* or ipc://PATH"
                 : "it wants tcp://HOST:PORT or ipc://PATH");
    memcpy (ret_text, value, size + 1);
    return 0;
}

static int take_endpoints (
    const char *value, bool bind, endpoint_list_t *list, const fault_t *fault)
{
    if (list->count == LIMIT_ENDPOINTS)
        return refuse (fault, value, "there are 16 already, and no more are allowed");
    int rc = take_endpoint (value, bind, list->items[list->count], fault);
    list->count += rc == 0;
    return rc;
}

static int take_connect (config_t *self, const char *value, const fault_t *fault)
{
    const char *at = strchr (value, '@');
    if (self->connect_count == LIMIT_ENDPOINTS)
        return refuse (fault, value, "there are 16 already, and no more are allowed");
    if (!at || uuid_from_text (slice_of (value, (size_t)(at - value)),
                   &self->connect[self->connect_count].client))
        return refuse (fault, value, "it wants CLIENT@ENDPOINT, the client as a uuid");
    int rc = take_endpoint (at + 1, false, self->connect[self->connect_count].endpoint, fault);
    self->connect_count += rc == 0;
    return rc;
}

static int take_key (config_t *self, const char *value, const fault_t *fault)
{
    if (self->allow_count == LIMIT_ENDPOINTS)
        return refuse (fault, value, "there are 16 already, and no more are allowed");
    if (key_from_z85 (slice_text (value), &self->allow[self->allow_count]))
        return refuse (fault, value, "it wants a CURVE public key, 40 characters of Z85");
    self->allow_count++;
    return 0;
}

static int take_number (
    const config_key_t *key, const char *value, uint64_t *ret_number, const fault_t *fault)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long number = strtoull (value, &end, 10);
    unsigned shift = 0;
    const char *unit = key->kind == CONFIG_BYTES && *end ? strchr (units, *end) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    bool fine = *value >= '0' && *value <= '9' && !*end && !errno && number <= UINT64_MAX >> shift;
    number <<= shift;
    if (!fine || number < key->low || number > key->high) {
        char text[100];
        snprintf (text, sizeof text, "it wants a number from %llu to %llu",
            (unsigned long long)key->low, (unsigned long long)key->high);
        return refuse (fault, value, text);
    }
    *ret_number = number;
    return 0;
}

int config_take (
    config_t *self, const config_key_t *key, const char *value, const char *place, why_t *why)
{
    const fault_t whole = {place, why};
    const fault_t *fault = &whole;
    void *member = (char *)self + key->offset;
    switch (key->kind) {
    case CONFIG_NAME: return take_name (value, member, fault);
    case CONFIG_BIND: return take_endpoint (value, true, member, fault);
    case CONFIG_BINDS: return take_endpoints (value, true, member, fault);
    case CONFIG_ADVERTISE: return take_endpoints (value, false, member, fault);
    case CONFIG_CONNECT: return take_connect (self, value, fault);
    case CONFIG_NUMBER:
    case CONFIG_BYTES: return take_number (key, value, member, fault);
    case CONFIG_KEYS: return take_key (self, value, fault);
    }
    return refuse (fault, value, "unknown");
}

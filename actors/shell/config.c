//  config - reading DIR/node.zpl and --set into config_t, strictly

#include "actors/shell/config.h"
#include "actors/shell/config_keys.h"
#include "actors/shell/listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IPC_PATH_BYTES 107 // of a Unix socket's address
#define PLACE_BYTES    640

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

static int take_value (
    config_t *self, const config_key_t *key, const char *value, const fault_t *fault)
{
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

//  ---- declarations: resources/NAME and what is below it, made into the map that apps declare with

typedef struct declaration {
    slice_t name;
    const setting_t *settings[6 + RESOURCE_KEEP_MAX];
    size_t count;
} declaration_t;

//  "photos" of "resources/photos/kind"; *ret_key is "kind", or NULL.
static slice_t resource_of (const char *path, const char **ret_key)
{
    const char *name = path + strlen ("resources/");
    const char *slash = strchr (name, '/');
    *ret_key = slash ? slash + 1 : NULL;
    return slice_of (name, slash ? (size_t)(slash - name) : strlen (name));
}

static bool under_resources (const char *path)
{
    return strncmp (path, "resources/", strlen ("resources/")) == 0;
}

static bool key_is (const setting_t *setting, const char *name)
{
    const char *key;
    resource_of (setting->path, &key);
    return key && strcmp (key, name) == 0;
}

static void declaration_pack (const declaration_t *self, buffer_t *out)
{
    static const char *const names[] = {"kind", "crdt", "delete", "from", "key"};
    size_t keeps = 0, others = 0;
    for (size_t i = 0; i < self->count; i++)
        keeps += key_is (self->settings[i], "keep");
    others = self->count - keeps;
    pack_map (out, others + (keeps > 0));
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (size_t i = 0; i < self->count; i++)
            if (key_is (self->settings[i], names[n])) {
                pack_string (out, names[n]);
                pack_string (out, self->settings[i]->value);
            }
    if (keeps) {
        pack_string (out, "keep");
        pack_array (out, keeps);
    }
    for (size_t i = 0; i < self->count; i++)
        if (key_is (self->settings[i], "keep"))
            pack_string (out, self->settings[i]->value);
}

static bool repeats (const char *path)
{
    const config_key_t *key = config_key_of (path);
    const char *part = NULL;
    if (under_resources (path))
        resource_of (path, &part);
    return (key && key->repeats) || (part && strcmp (part, "keep") == 0);
}

//  Gathers all settings of the resource whose first is at `first`.
static int declaration_gather (
    const settings_t *settings, size_t first, declaration_t *ret_declaration, why_t *why)
{
    static const char *const known[] = {"kind", "crdt", "delete", "from", "key", "keep"};
    const char *key;
    *ret_declaration = (declaration_t){.name = resource_of (settings->items[first].path, &key)};
    for (size_t i = first; i < settings->count; i++) {
        const setting_t *setting = &settings->items[i];
        char place[PLACE_BYTES];
        if (!under_resources (setting->path) ||
            !slice_equal (resource_of (setting->path, &key), ret_declaration->name) || !key)
            continue;
        size_t k = 0;
        while (k < sizeof known / sizeof *known && strcmp (key, known[k]) != 0)
            k++;
        if (k == sizeof known / sizeof *known)
            return why_fail (why, ERR_BAD_CONFIGURATION, "there is no key %.300s",
                setting_place (setting, place, sizeof place));
        if (ret_declaration->count == sizeof ret_declaration->settings / sizeof (setting_t *))
            return why_fail (why, ERR_BAD_CONFIGURATION, "%.300s: too many keys",
                setting_place (setting, place, sizeof place));
        ret_declaration->settings[ret_declaration->count++] = setting;
    }
    return 0;
}

static int take_declaration (config_t *self, const settings_t *settings, size_t first, why_t *why)
{
    declaration_t declaration;
    const char *key, *reason = NULL;
    char place[PLACE_BYTES];
    slice_t name = resource_of (settings->items[first].path, &key);
    for (size_t i = 0; i < self->resource_count; i++)
        if (slice_equal (slice_text (self->resources[i].name), name))
            return 0; // with its first setting all were taken
    setting_place (&settings->items[first], place, sizeof place);
    if (!resource_name_valid (name) || self->resource_count == LIMIT_RESOURCES)
        return why_fail (why, ERR_BAD_CONFIGURATION,
            "%.300s: a resource is named by 1 to 128 of a-z, 0-9 and _, not beginning with a digit",
            place);
    int rc = declaration_gather (settings, first, &declaration, why);
    if (rc)
        return rc;
    buffer_t packed = {NULL, 0, 0};
    declaration_pack (&declaration, &packed);
    cursor_t cursor = cursor_over (buffer_slice (&packed));
    self->resources =
        realloc (self->resources, (self->resource_count + 1) * sizeof *self->resources);
    if (!self->resources)
        abort ();
    if (resource_unpack (name, &cursor, &self->resources[self->resource_count], &reason))
        rc = why_fail (why, ERR_BAD_CONFIGURATION, "%.300s: not a declaration: %.150s", place,
            reason ? reason : "?");
    else
        self->resource_count++;
    buffer_release (&packed);
    return rc;
}

//  ---- all of it

static int take_defaults (config_t *self, const char *dir, why_t *why)
{
    if (snprintf (self->dir, sizeof self->dir, "%s", dir) >= (int)sizeof self->dir)
        return why_fail (why, ERR_BAD_CONFIGURATION, "the path of the directory is too long");
    for (size_t i = 0; i < config_key_count; i++) {
        const config_key_t *key = &config_keys[i];
        char *member = (char *)self + key->offset;
        if (key->kind == CONFIG_NUMBER || key->kind == CONFIG_BYTES)
            *(uint64_t *)(void *)member = strtoull (key->initial, NULL, 10);
    }
    if (gethostname (self->name, LIMIT_NAME_BYTES) || !self->name[0] ||
        !utf8_valid (slice_text (self->name)))
        snprintf (self->name, sizeof self->name, "tidepool");
    return 0;
}

//  Those defaults that another value stands in for whole.
static int take_endpoint_defaults (config_t *self, why_t *why)
{
    static const char *const paths[] = {
        "endpoints/api", "endpoints/feed", "endpoints/intake", "endpoints/admin"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof paths / sizeof *paths; i++) {
        const config_key_t *key = config_key_of (paths[i]);
        char *member = (char *)self + key->offset;
        char text[sizeof self->dir + 32];
        const char *file = strrchr (key->initial, '/');
        const fault_t fault = {paths[i], why};
        snprintf (text, sizeof text, "ipc://%s%s", self->dir, file);
        if (!*member)
            rc = take_endpoint (text, true, member, &fault);
    }
    if (self->listen.count == 0)
        snprintf (self->listen.items[self->listen.count++], LIMIT_ENDPOINT_BYTES, "%s",
            config_key_of ("node/listen")->initial);
    return rc;
}

static int check_whole (const config_t *self, why_t *why)
{
    bool ipc = endpoint_is_ipc (self->api) && endpoint_is_ipc (self->feed) &&
               endpoint_is_ipc (self->intake) && endpoint_is_ipc (self->admin);
    if (!ipc && self->allow_count == 0)
        return why_fail (why, ERR_BAD_CONFIGURATION,
            "endpoints other than ipc admit only the keys under endpoints/allow, and there are "
            "none");
    return 0;
}

static int take_setting (config_t *self, const settings_t *settings, size_t index, why_t *why)
{
    const setting_t *setting = &settings->items[index];
    const config_key_t *key = config_key_of (setting->path);
    char place[PLACE_BYTES];
    if (under_resources (setting->path))
        return take_declaration (self, settings, index, why);
    if (strcmp (setting->path, "node") == 0 || strcmp (setting->path, "endpoints") == 0 ||
        strcmp (setting->path, "resources") == 0)
        if (!*setting->value)
            return 0; // a section in which every key is commented out
    setting_place (setting, place, sizeof place);
    if (!key)
        return why_fail (why, ERR_BAD_CONFIGURATION, "there is no key %.400s", place);
    for (size_t i = 0; i < index && !key->repeats; i++)
        if (strcmp (settings->items[i].path, setting->path) == 0)
            return why_fail (why, ERR_BAD_CONFIGURATION, "%.400s is there a second time", place);
    const fault_t fault = {place, why};
    return take_value (self, key, setting->value, &fault);
}

int config_read (const char *dir, const char *file, const char *const *sets, size_t set_count,
    config_t *ret_config, why_t *why)
{
    settings_t settings = {NULL, 0, 0};
    memset (ret_config, 0, sizeof *ret_config);
    int rc = take_defaults (ret_config, dir, why);
    if (rc == 0 && file)
        rc = settings_load (&settings, file, why);
    if (rc == 0)
        rc = settings_override (&settings, sets, set_count, repeats, why);
    for (size_t i = 0; rc == 0 && i < settings.count; i++)
        rc = take_setting (ret_config, &settings, i, why);
    if (rc == 0)
        rc = take_endpoint_defaults (ret_config, why);
    if (rc == 0)
        rc = check_whole (ret_config, why);
    settings_release (&settings);
    if (rc)
        config_release (ret_config);
    return rc;
}

void config_release (config_t *self)
{
    free (self->resources);
    memset (self, 0, sizeof *self);
}

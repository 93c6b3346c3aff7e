//  config - reading DIR/node.zpl and --set into config_t, strictly

#include "actors/shell/config.h"
#include "actors/shell/config_value.h"
#include "actors/shell/listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
        snprintf (text, sizeof text, "ipc://%s%s", self->dir, file);
        if (!*member)
            rc = config_take (self, key, text, paths[i], why);
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
    if (config_is_resource (setting->path))
        return config_take_resource (self, settings, index, why);
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
    return config_take (self, key, setting->value, place, why);
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
        rc = settings_override (&settings, sets, set_count, config_repeats, why);
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

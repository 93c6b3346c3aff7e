//  config_resource - declarations: resources/NAME and what is below it, made into the map that
//  apps declare with

#include "actors/shell/config_value.h"

#include <stdlib.h>
#include <string.h>

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

bool config_is_resource (const char *path)
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

bool config_repeats (const char *path)
{
    const config_key_t *key = config_key_of (path);
    const char *part = NULL;
    if (config_is_resource (path))
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
        if (!config_is_resource (setting->path) ||
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

int config_take_resource (config_t *self, const settings_t *settings, size_t first, why_t *why)
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

//  config_value - one setting's text made into a member of config_t, or refused

#ifndef TIDEPOOL_CONFIG_VALUE_H
#define TIDEPOOL_CONFIG_VALUE_H

#include "actors/shell/config_keys.h"
#include "actors/shell/settings.h"

#define PLACE_BYTES 640

//  ERR_BAD_CONFIGURATION, and why names the place ("node/listen (line 3)") and what is wanted.
int config_take (
    config_t *self, const config_key_t *key, const char *value, const char *place, why_t *why);

//  Takes all settings of the resource that the setting at `first` belongs to, unless it has been
//  taken.
int config_take_resource (config_t *self, const settings_t *settings, size_t first, why_t *why);

//  Is it below `resources`?
bool config_is_resource (const char *path);

//  May it be there more than once?
bool config_repeats (const char *path);

#endif

//  config - reading DIR/node.zpl and --set into config_t, strictly, and writing a new node.zpl

#ifndef TIDEPOOL_SHELL_CONFIG_H
#define TIDEPOOL_SHELL_CONFIG_H

#include "actors/config.h"
#include "actors/shell/settings.h"

//  Reads `file` (NULL: defaults only) and the overrides. `dir` is absolute.
//  ERR_BAD_CONFIGURATION: an unknown key, a key twice, a value that is none; why names the key
//  and its line.
int config_read (const char *dir, const char *file, const char *const *sets, size_t set_count,
    config_t *ret_config, why_t *why);
void config_release (config_t *self);

//  Appends the text of a new node.zpl: every key with what it means, and its default in a
//  comment, or the value where `sets` give one. The sets are not checked here: config_read does.
void config_write (const char *const *sets, size_t set_count, buffer_t *out);

#endif

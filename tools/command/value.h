//  value - a record's properties, as they are typed and as they are shown

#ifndef TIDEPOOL_VALUE_H
#define TIDEPOOL_VALUE_H

#include "tools/command/command.h"

//  From words "k=v" (text) and "k:=v" (JSON) a map, appended. EXIT_USAGE, said.
int value_read (const command_t *command, char **words, int count, buffer_t *out);

//  One property: a text as it is, a uuid or bytes without quotes, anything else as JSON. Not escaped yet.
void value_show (slice_t value, slice_t name, buffer_t *out);

//  "k=v k:=v", as it could be typed. Escaped.
void value_show_all (slice_t map, buffer_t *out);

#endif

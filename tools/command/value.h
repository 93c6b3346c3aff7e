//  value - a record's properties, as they are typed and as they are shown

#ifndef TIDEPOOL_VALUE_H
#define TIDEPOOL_VALUE_H

#include "tools/command/command.h"

//  From words "k=v" (text) and "k:=v" (JSON) a map, appended. EXIT_USAGE, said.
int value_read (const command_t *command, char **words, int count, buffer_t *out);

//  One property of a record: a text as it is, a uuid or bytes without quotes, anything else as JSON; times and modes of
//  `file_paths` as people read them. Not escaped yet.
void value_show (slice_t resource, slice_t name, slice_t value, buffer_t *out);

//  "k=v k:=v", as it could be typed. Escaped.
void value_show_all (slice_t map, buffer_t *out);

#endif

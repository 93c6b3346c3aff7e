//  log - lines on standard error
//
//  "LEVEL actor: text", or under systemd (JOURNAL_STREAM is set) "<6>actor: text" with syslog's
//  number. One write a line, so that the lines of several threads do not mix. Control characters
//  are escaped: a file name or a peer's text must not be able to write lines, or to the terminal.

#ifndef TIDEPOOL_LOG_H
#define TIDEPOOL_LOG_H

#include "actors/actor.h"

//  Looks at the environment; call once, before the first thread.
void log_start (void);

//  Lines below this level are not written; SAY_INFO at the start. Any thread, any time.
void log_set_level (int level);

//  "debug", "info", "warning", "error"; -1 for anything else.
int log_level_from_name (slice_t name);

//  `actor` is an enum actor.
void log_line (int actor, int level, const char *text);
void log_printf (int actor, int level, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif

//  progress - one line on a terminal that says how far something long has come
//
//  On standard error, and only if it is a terminal: scripts see nothing of it.

#ifndef TIDEPOOL_PROGRESS_H
#define TIDEPOOL_PROGRESS_H

#include "tools/command/command.h"

typedef struct progress {
    FILE *file;
    bool shown;
} progress_t;

bool progress_wanted (const command_t *command);
progress_t progress_on (const command_t *command);

//  Puts this in place of what the line says. The text is escaped.
void progress_show (progress_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

//  Takes the line away.
void progress_end (progress_t *self);

#endif

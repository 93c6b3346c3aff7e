//  why - `get --why`: why a record shows what it shows, for people

#ifndef TIDEPOOL_WHY_H
#define TIDEPOOL_WHY_H

#include "tools/command/command.h"

//  Shows the answer of `get` with `why`; asks admin for the names of the clients.
int why_show (const command_t *command, slice_t answer);

#endif

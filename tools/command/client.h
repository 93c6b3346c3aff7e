//  client - the clients of a pool, as people name them

#ifndef TIDEPOOL_CLIENT_COMMAND_H
#define TIDEPOOL_CLIENT_COMMAND_H

#include "tools/command/connection.h"

//  CLIENT is a uuid, a name that one client of the pool has, or the beginning (4 hex digits at least) of one's uuid. A uuid
//  need not be known. EXIT_REFUSED, said, for anything else that the pool does not know, or knows twice.
int client_find (
    connection_t *connection, const command_t *command, const char *text, uuid16_t *ret_client);

//  The same for a command that speaks with api: admin is asked only if the text is no uuid.
int client_find_once (const command_t *command, const char *text, uuid16_t *ret_client);

//  What both status and pool show; `clients` is their field. `whole`: uuids that can be copied.
void clients_show (const command_t *command, slice_t clients, slice_t paused, bool whole);

//  Eight digits of a client's uuid, or all of it where two of the clients begin alike.
void client_short (slice_t clients, const uuid16_t *client, char ret_text[UUID_TEXT_SIZE]);

#endif

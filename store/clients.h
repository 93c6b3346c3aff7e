//  clients - the members of the pool, as the log has told of them

#ifndef TIDEPOOL_STORE_CLIENTS_H
#define TIDEPOOL_STORE_CLIENTS_H

#include "store/store.h"

int clients_get (txn_t *txn, const uuid16_t *client, client_t *ret_client); // ERR_NOT_FOUND
int clients_put (txn_t *txn, const client_t *client);
//  The first behind `after` (NULL: the first of all); ERR_NOT_FOUND at the end.
int clients_next (txn_t *txn, const uuid16_t *after, client_t *ret_client);
//  All of them; only for a join.
int clients_clear (txn_t *txn);

#endif

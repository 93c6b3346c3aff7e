//  clients - the members of the pool, as the log has told of them

#ifndef TIDEPOOL_STORE_CLIENTS_H
#define TIDEPOOL_STORE_CLIENTS_H

#include "store/store.h"

int clients_get (txn_t *txn, const uuid16_t *client, client_t *ret_client); // ERR_NOT_FOUND
int clients_put (txn_t *txn, const client_t *client);
int clients_next (txn_t *txn, const uuid16_t *after, client_t *ret_client); // NULL: the first; ERR_NOT_FOUND
int clients_clear (txn_t *txn); // all of them; only for a join

#endif

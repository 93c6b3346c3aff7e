//  clients - client 16 -> its state as client_pack writes it

#include "store/clients.h"
#include "store/table.h"

static int unpack (txn_t *txn, slice_t value, client_t *ret_client)
{
    cursor_t cursor = cursor_over (value);
    if (client_unpack (&cursor, ret_client) || !cursor_done (&cursor))
        return txn_corrupt (txn);
    return 0;
}

int clients_get (txn_t *txn, const uuid16_t *client, client_t *ret_client)
{
    slice_t value;
    slice_t key = slice_of (client->bytes, sizeof client->bytes);
    int rc = table_get (txn, TABLE_CLIENTS, key, &value);
    return rc ? rc : unpack (txn, value, ret_client);
}

int clients_put (txn_t *txn, const client_t *client)
{
    buffer_clear (&txn->packed);
    client_pack (client, &txn->packed);
    slice_t key = slice_of (client->uuid.bytes, sizeof client->uuid.bytes);
    return table_put (txn, TABLE_CLIENTS, key, buffer_slice (&txn->packed));
}

int clients_next (txn_t *txn, const uuid16_t *after, client_t *ret_client)
{
    slice_t key, value;
    int rc;
    if (after)
        rc = table_next (
            txn, TABLE_CLIENTS, slice_of (after->bytes, sizeof after->bytes), &key, &value);
    else
        rc = table_seek (txn, TABLE_CLIENTS, slice_of (NULL, 0), &key, &value);
    return rc ? rc : unpack (txn, value, ret_client);
}

int clients_clear (txn_t *txn)
{
    return table_clear (txn, TABLE_CLIENTS);
}

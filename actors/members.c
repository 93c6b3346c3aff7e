//  members - the pool as it is stored

#include "actors/members.h"

#include <stdlib.h>

#include "store/node.h"
#include "store/watermarks.h"

static const vector_t *published_of (const void *context, const uuid16_t *origin)
{
    members_t *self = (members_t *)context;
    if (published_load (self->txn, origin, &self->published))
        vector_clear (&self->published);
    return &self->published;
}

int members_load (txn_t *txn, members_t *self)
{
    client_t client;
    uuid16_t after;
    int rc = watermarks_load (txn, WATERMARK_SHARED, &self->shared);
    self->txn = txn;
    if (rc)
        return rc;
    for (rc = clients_next (txn, NULL, &client); rc == 0;
         rc = clients_next (txn, &after, &client)) {
        client_t *grown = realloc (self->clients, (self->count + 1) * sizeof *grown);
        if (!grown)
            abort ();
        self->clients = grown;
        grown[self->count++] = client;
        after = client.uuid;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

pool_view_t members_view (members_t *self, const uuid16_t *me)
{
    return (pool_view_t){*me, self->clients, self->count, &self->shared, published_of, self};
}

void members_release (members_t *self)
{
    free (self->clients);
    vector_release (&self->shared);
    vector_release (&self->published);
}

int members_return_vector (txn_t *txn, vector_t *ret_mine)
{
    slice_t packed;
    size_t count;
    int rc = node_get (txn, NODE_SETTINGS, slice_text ("return"), &packed);
    if (rc)
        return rc;
    cursor_t cursor = cursor_over (packed);
    return cursor_array (&cursor, &count) || vector_unpack (&cursor, ret_mine) ? ERR_CORRUPT : 0;
}

//  records - one walk for the four kinds

#include "actors/records.h"

#include "store/owned.h"
#include "store/shared.h"

static int owned_step (records_t *self, txn_t *txn, shown_t *ret_shown)
{
    row_t row;
    int rc = owned_next (txn, self->resource, self->has_owner_only ? &self->owner_only : NULL,
        self->begun ? &self->owner : NULL, self->begun ? &self->uuid : NULL, &ret_shown->owner,
        &row);
    if (rc)
        return rc;
    ret_shown->uuid = row.uuid;
    ret_shown->has_owner = true;
    ret_shown->updated = (timestamp_t){row.updated, ret_shown->owner};
    ret_shown->value = row.value;
    return 0;
}

int records_next (records_t *self, txn_t *txn, shown_t *ret_shown)
{
    const uuid16_t *after = self->begun ? &self->uuid : NULL;
    shown_t shown = {.updated.client = self->client};
    int rc = ERR_INTERNAL;
    switch (self->kind) {
    case RESOURCE_SHARED:
        buffer_clear (&self->scratch);
        rc = shared_next (txn, self->resource, after, &shown.uuid, &shown.updated, &self->scratch);
        shown.value = buffer_slice (&self->scratch);
        break;
    case RESOURCE_OWNED: rc = owned_step (self, txn, &shown); break;
    case RESOURCE_DERIVED:
        rc = derived_next (txn, self->resource, after, &shown.uuid, &shown.updated, &shown.value);
        break;
    case RESOURCE_LOCAL:
        rc =
            local_next (txn, self->resource, after, &shown.uuid, &shown.updated.time, &shown.value);
        break;
    }
    if (rc)
        return rc;
    self->begun = true;
    self->owner = shown.owner;
    self->uuid = shown.uuid;
    *ret_shown = shown;
    return 0;
}

//  ---- one record

static int owned_find (
    records_t *self, txn_t *txn, const uuid16_t *owner, const uuid16_t *uuid, shown_t *ret_shown)
{
    row_t row;
    int rc = owned_get (txn, self->resource, owner, uuid, &row);
    if (rc == 0 && row.value.size == 0)
        rc = ERR_NOT_FOUND; // the marker of a deletion
    if (rc)
        return rc;
    *ret_shown = (shown_t){.uuid = *uuid,
        .has_owner = true,
        .owner = *owner,
        .updated = {row.updated, *owner},
        .value = row.value};
    return 0;
}

//  Hops from owner to owner: behind an owner's last possible row stands the first of the next owner.
static int owned_find_any (records_t *self, txn_t *txn, const uuid16_t *uuid, shown_t *ret_shown)
{
    uuid16_t owner, last;
    row_t row;
    memset (&last, 0xff, sizeof last);
    int rc = owned_find (self, txn, &self->client, uuid, ret_shown);
    if (rc != ERR_NOT_FOUND)
        return rc;
    rc = owned_next (txn, self->resource, NULL, NULL, NULL, &owner, &row);
    while (rc == 0) {
        rc = owned_find (self, txn, &owner, uuid, ret_shown);
        if (rc != ERR_NOT_FOUND)
            return rc;
        uuid16_t before = owner;
        rc = owned_next (txn, self->resource, NULL, &before, &last, &owner, &row);
    }
    return rc;
}

int records_get (records_t *self, txn_t *txn, const uuid16_t *uuid, shown_t *ret_shown)
{
    shown_t shown = {.uuid = *uuid, .updated.client = self->client};
    int rc = ERR_INTERNAL;
    switch (self->kind) {
    case RESOURCE_SHARED:
        buffer_clear (&self->scratch);
        rc = shared_show (txn, self->resource, uuid, &shown.updated, &self->scratch);
        shown.value = buffer_slice (&self->scratch);
        break;
    case RESOURCE_OWNED:
        return self->has_owner_only ? owned_find (self, txn, &self->owner_only, uuid, ret_shown)
                                    : owned_find_any (self, txn, uuid, ret_shown);
    case RESOURCE_DERIVED:
        rc = derived_get (txn, self->resource, uuid, &shown.updated, &shown.value);
        break;
    case RESOURCE_LOCAL:
        rc = local_get (txn, self->resource, uuid, &shown.updated.time, &shown.value);
        break;
    }
    if (rc == 0)
        *ret_shown = shown;
    return rc;
}

void records_release (records_t *self)
{
    buffer_release (&self->scratch);
}

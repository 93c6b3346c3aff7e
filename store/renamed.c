//  renamed - a client's timestamps, stamped anew: shared records; owned.c and changes.c have their part

#include "store/renamed.h"

#include "store/owned.h"
#include "store/state.h"

static int record_rename (
    txn_t *txn, slot_t *slot, const uuid16_t *uuid, state_t *state, const renaming_t *renaming)
{
    state_show (slot, &txn->record, &txn->before);
    if (!renaming_record (renaming, &txn->record))
        return 0;
    return state_store (txn, slot, uuid, state, &txn->record, NULL);
}

static int resource_walk (
    txn_t *txn, slot_t *slot, renaming_t *collected, const renaming_t *renaming)
{
    state_t state;
    uuid16_t uuid;
    int rc = state_next (txn, slot, NULL, &uuid, &state, &txn->record);
    while (rc == 0) {
        if (collected)
            renaming_add_record (collected, &txn->record);
        else
            rc = record_rename (txn, slot, &uuid, &state, renaming);
        if (rc == 0)
            rc = state_next (txn, slot, &uuid, &uuid, &state, &txn->record);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int shared_walk (txn_t *txn, renaming_t *collected, const renaming_t *renaming)
{
    slot_t *slot;
    int rc = slot_next (txn, slice_text (""), &slot);
    while (rc == 0) {
        if (slot->entry.resource.kind == RESOURCE_SHARED)
            rc = resource_walk (txn, slot, collected, renaming);
        if (rc == 0)
            rc = slot_next (txn, slice_text (slot->entry.resource.name), &slot);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int rows_collect (txn_t *txn, renaming_t *renaming)
{
    timestamp_t updated = {renaming->past, renaming->client};
    row_t row;
    int rc;
    while ((rc = owned_stream (txn, &renaming->client, updated.time, &row)) == 0) {
        updated.time = row.updated;
        renaming_add (renaming, &updated);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int renamed_collect (txn_t *txn, renaming_t *renaming)
{
    int rc = shared_walk (txn, renaming, NULL);
    if (rc == 0)
        rc = rows_collect (txn, renaming);
    return rc ? rc : changes_walk_deleted (txn, renaming, NULL);
}

int renamed_apply (txn_t *txn, const renaming_t *renaming)
{
    int rc = shared_walk (txn, NULL, renaming);
    if (rc == 0)
        rc = owned_rename (txn, renaming);
    return rc ? rc : changes_walk_deleted (txn, NULL, renaming);
}

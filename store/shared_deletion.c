//  shared_deletion - what is still known of a record of which nothing is left
//
//  Its state forgets a deletion when that is causally stable; `changes` goes on telling of it for a while.

#include "store/shared.h"
#include "store/state.h"

int shared_deletion (txn_t *txn, slice_t resource, const uuid16_t *uuid, timestamp_t *ret_deletion)
{
    slot_t *slot;
    state_t state;
    change_t change;
    buffer_t scratch = {NULL, 0, 0};
    int rc = slot_of_kind (txn, resource, RESOURCE_SHARED, &slot);
    if (!rc)
        rc = state_load (txn, slot, uuid, &state, &txn->record);
    if (!rc && state.mark.cursor == 0)
        rc = ERR_NOT_FOUND;
    if (rc)
        return rc;
    rc = changes_next (txn, state.mark.cursor - 1, &scratch, &change);
    buffer_release (&scratch);
    if (!rc && (change.cursor != state.mark.cursor || !change.deleted))
        rc = ERR_NOT_FOUND;
    if (!rc)
        *ret_deletion = (timestamp_t){change.updated, change.updated_by};
    return rc;
}

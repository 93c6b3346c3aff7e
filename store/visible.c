//  visible - count, digest and `changes` follow what a record shows

#include "store/scrub.h"
#include "store/visible.h"

void mark_add (const mark_t *self, buffer_t *out)
{
    add_varint (out, self->cursor);
    add_varint (out, self->cursor - self->born);
}

bool mark_take (slice_t *from, mark_t *ret_mark)
{
    uint64_t cursor, since;
    if (!take_varint (from, &cursor) || !take_varint (from, &since) || since > cursor)
        return false;
    *ret_mark = (mark_t){cursor, cursor - since};
    return true;
}

int visible_change (txn_t *txn, slot_t *slot, const uuid16_t *owner, const uuid16_t *uuid,
    slice_t before, slice_t after, const timestamp_t *stamp, mark_t *mark)
{
    if (slice_equal (before, after))
        return 0;
    if (before.size) {
        digest_t gone = digest_of_record (owner, uuid, before);
        digest_subtract (&slot->entry.digest, &gone);
        if (slot->entry.count) // what was altered behind the node's back may not have been counted
            slot->entry.count--;
        scrub_follow (txn, slot, owner, uuid, &gone, false);
    }
    if (after.size) {
        digest_t come = digest_of_record (owner, uuid, after);
        digest_add (&slot->entry.digest, &come);
        slot->entry.count++;
        scrub_follow (txn, slot, owner, uuid, &come, true);
    }
    slot->dirty = true;
    return changes_touch (txn, slot, owner, uuid, before.size > 0, after.size > 0, stamp, mark);
}

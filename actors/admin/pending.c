//  admin_pending - what is kept, and for whom
//
//  A batch stays in the log until every member that counts has published to have seen it. So for each of these what
//  its published vector does not cover is kept for it, though perhaps not for it alone. Acknowledgements alone, batches
//  without operations, hold nothing up: nobody acknowledges them, and the last ones stay until there is more to say.

#include "actors/admin/admin.h"

#include <stdlib.h>

#include "actors/members.h"
#include "store/pending.h"
#include "store/shared.h"
#include "store/watermarks.h"

#define SHOWN_MOST 1000         // batches that are shown one by one
#define READ_MOST  (128u << 20) // bytes of batches that are read: each is checked

//  What is kept for one member.
typedef struct wait {
    const client_t *client;
    vector_t seen; // as it has published
    uint64_t batches;
    uint64_t bytes;
    timestamp_t since; // the oldest batch
} wait_t;

typedef struct waits {
    wait_t *items;
    size_t count;
    bool more; // the log is longer than what was read
} waits_t;

static int waits_begin (step_t *step, members_t *members, const uuid16_t *me, waits_t *self)
{
    pool_view_t view = members_view (members, me);
    int rc = 0;
    self->items = calloc (members->count + 1, sizeof *self->items);
    if (!self->items)
        abort ();
    for (size_t i = 0; rc == 0 && i < members->count; i++) {
        const client_t *client = &members->clients[i];
        if (uuid_equal (&client->uuid, me) || !pool_counts (&view, client))
            continue;
        wait_t *wait = &self->items[self->count++];
        wait->client = client;
        rc = published_load (step->txn, &client->uuid, &wait->seen);
        rc = rc == ERR_NOT_FOUND ? 0 : rc;
        //  Of its own chain it has all that is here.
        uint64_t own = vector_upto (&members->shared, &client->uuid);
        if (rc == 0 && own)
            vector_raise (&wait->seen, &client->uuid, own, NULL);
    }
    return rc;
}

static void waits_add (waits_t *self, const batch_head_t *head, size_t bytes)
{
    timestamp_t upto = {head->upto, head->origin};
    for (size_t i = 0; head->count && i < self->count; i++) {
        wait_t *wait = &self->items[i];
        if (vector_upto (&wait->seen, &head->origin) >= head->upto)
            continue;
        if (wait->batches++ == 0 || timestamp_compare (&upto, &wait->since) < 0)
            wait->since = upto;
        wait->bytes += bytes;
    }
}

static void waits_pack (const waits_t *self, buffer_t *out)
{
    size_t at = list_begin (out), count = 0;
    for (size_t i = 0; i < self->count; i++) {
        const wait_t *wait = &self->items[i];
        if (wait->batches == 0)
            continue;
        pack_map (out, 5);
        pack_string (out, "client");
        pack_bin (out, slice_of (&wait->client->uuid, sizeof wait->client->uuid));
        pack_string (out, "name");
        pack_string (out, wait->client->name);
        pack_string (out, "batches");
        pack_uint (out, wait->batches);
        pack_string (out, "bytes");
        pack_uint (out, wait->bytes);
        pack_string (out, "since");
        timestamp_pack (&wait->since, out);
        count++;
    }
    list_end (out, at, count);
}

static void waits_release (waits_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        vector_release (&self->items[i].seen);
    free (self->items);
}

static void batch_show (const batch_head_t *head, uint64_t sequence, size_t bytes, buffer_t *out)
{
    timestamp_t upto = {head->upto, head->origin};
    pack_map (out, 5);
    pack_string (out, "client");
    pack_bin (out, slice_of (&head->origin, sizeof head->origin));
    pack_string (out, "sequence");
    pack_uint (out, sequence);
    pack_string (out, "upto");
    timestamp_pack (&upto, out);
    pack_string (out, "operations");
    pack_uint (out, head->count);
    pack_string (out, "bytes");
    pack_uint (out, bytes);
}

//  One walk through the log: the first batches one by one, and for each member what it lacks.
static int log_walk (txn_t *txn, waits_t *waits, buffer_t *out)
{
    size_t at = list_begin (out), count = 0, read = 0;
    uint64_t sequence = 0;
    int rc = 0;
    while (read < READ_MOST) {
        slice_t bytes;
        batch_head_t head;
        rc = pending_read (txn, sequence + 1, &sequence, &bytes);
        if (rc)
            break;
        if (batch_peek (bytes, &head))
            continue; // the disk has spoilt it
        if (count < SHOWN_MOST) {
            batch_show (&head, sequence, bytes.size, out);
            count++;
        }
        waits_add (waits, &head, bytes.size);
        read += bytes.size;
    }
    waits->more = rc == 0;
    list_end (out, at, count);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

void admin_pending (admin_t *self, step_t *step, const caller_t *caller)
{
    buffer_t batches = {NULL, 0, 0}, lacking = {NULL, 0, 0};
    pending_totals_t totals = {0};
    members_t members = {.count = 0};
    waits_t waits = {.count = 0};
    uint64_t deletions = 0;
    int rc = pending_totals (step->txn, &totals);
    if (rc == 0)
        rc = members_load (step->txn, &members);
    if (rc == 0)
        rc = waits_begin (step, &members, &self->setup->identity->client, &waits);
    if (rc == 0)
        rc = log_walk (step->txn, &waits, &batches);
    if (rc == 0)
        rc = shared_tombstones (step->txn, &deletions);
    waits_pack (&waits, &lacking);
    pending_answer_t answer = {.id = caller->id,
        .ok = true,
        .pending = buffer_slice (&batches),
        .batches = totals.batches,
        .operations = totals.operations,
        .bytes = totals.bytes,
        .kept_for = buffer_slice (&lacking),
        .more = waits.more,
        .deletions = deletions};
    if (rc)
        admin_refuse (step, caller, rc);
    else
        caller_answer (step, caller, &pending_answer_type, &answer);
    waits_release (&waits);
    members_release (&members);
    buffer_release (&batches);
    buffer_release (&lacking);
}

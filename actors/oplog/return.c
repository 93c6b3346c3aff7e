//  oplog_return - coming back on top of what a member has (messages/README.md, "A return")
//
//  Whoever was counted out, needs what no member keeps any more, or joins with records of its own, returns:
//
//      RETURN        what its vector was, and whom it knew, are put aside; from here it is joining
//      the copy      replaces its records by the member's; those that may say something are put aside
//      the last chunk  each is compared with the member's, and the news go out, in batches that issue anew
//
//  All that a restart needs is in the store. Until the last chunk nothing of its own is said to anybody.

#include "actors/oplog/oplog.h"

#include "actors/members.h"

#include "messages/counting.h"
#include "messages/news.h"

#include <stdlib.h>

#define CLIENT_STATEMENTS                                                                          \
    7 // an admission, a record, a removal, stale, returning, back, and one anew

//  ---- the beginning

//  Frame: what is needed of this client's past at the end: [vector, [client, …]].
static void past_pack (const oplog_t *self, buffer_t *out)
{
    pack_array (out, 2);
    vector_pack (&self->shared, out);
    pack_array (out, self->client_count);
    for (size_t i = 0; i < self->client_count; i++)
        client_pack (&self->clients[i], out);
}

int oplog_return_put_aside (oplog_t *self, step_t *step)
{
    slice_t stored;
    buffer_t past = {NULL, 0, 0};
    if (node_get (step->txn, NODE_SETTINGS, slice_text ("return"), &stored) == 0)
        return 0; // a copy that begins once more
    past_pack (self, &past);
    int rc = node_put (step->txn, NODE_SETTINGS, slice_text ("return"), buffer_slice (&past));
    buffer_release (&past);
    return rc;
}

//  Did anything come since the giver was asked, but of this client? All else the giver has, and what came it may lack.
static int asked_check (const oplog_t *self, slice_t packed)
{
    vector_t asked = {NULL, 0, 0};
    cursor_t cursor = cursor_over (packed);
    int rc = vector_unpack (&cursor, &asked);
    for (size_t i = 0; rc == 0 && i < self->shared.count; i++) {
        const watermark_t *mark = &self->shared.entries[i];
        if (!uuid_equal (&mark->client, &self->setup->identity->client) &&
            vector_upto (&asked, &mark->client) < mark->upto)
            rc = ERR_BUSY;
    }
    vector_release (&asked);
    return rc;
}

int oplog_return (oplog_t *self, step_t *step, const mail_t *mail)
{
    go_back_t back;
    buffer_t packed = {NULL, 0, 0};
    position_t first = {.end = false};
    if (step_unpack (step, mail, &go_back_type, &back))
        return 0;
    const client_t *giver = oplog_client (self, &back.giver);
    if (self->joining || !giver) {
        oplog_write_answer (step, mail, ERR_BUSY, "it is joining already");
        return 0;
    }
    int rc = asked_check (self, back.asked);
    if (rc) {
        oplog_write_answer (step, mail, rc, "it is not as it was when the member was asked");
        return 0;
    }
    position_pack (&first, &packed);
    rc = node_put (step->txn, NODE_SETTINGS, slice_text ("joining"), buffer_slice (&packed));
    buffer_clear (&packed);
    client_pack (giver, &packed);
    if (rc == 0)
        rc = node_put (step->txn, NODE_SETTINGS, slice_text ("giver"), buffer_slice (&packed));
    buffer_release (&packed);
    if (rc == 0)
        rc = oplog_position_load (self, step->txn);
    if (rc)
        return oplog_is_fatal (rc) ? rc : ERR_INTERNAL;
    self->joined_changed = true;
    step_say (step, SAY_INFO, "returning to %s", giver->name);
    oplog_write_answer (step, mail, 0, NULL);
    return 0;
}

//  ---- what was put aside

typedef struct returning {
    vector_t mine; // our vector when we began
    vector_t theirs;
    client_t *clients;
    size_t client_count;
    timestamp_t now; // bears what is issued as new
    uint64_t found;
} returning_t;

static int past_unpack (slice_t packed, returning_t *past)
{
    cursor_t cursor = cursor_over (packed);
    size_t count;
    if (cursor_array (&cursor, &count) || count != 2 || vector_unpack (&cursor, &past->mine) ||
        cursor_array (&cursor, &count))
        return ERR_CORRUPT;
    past->clients = calloc (count ? count : 1, sizeof *past->clients);
    if (!past->clients)
        return ERR_NO_MEMORY;
    while (past->client_count < count)
        if (client_unpack (&cursor, &past->clients[past->client_count++]))
            return ERR_CORRUPT;
    return 0;
}

static void returning_release (returning_t *self)
{
    vector_release (&self->mine);
    vector_release (&self->theirs);
    free (self->clients);
}

static int found_put (step_t *step, returning_t *past, slice_t resource, const uuid16_t *uuid,
    const record_t *record, record_rule_t rule)
{
    buffer_t value = {NULL, 0, 0};
    if (record_alive (record, rule))
        record_show (record, rule, &value);
    int rc = oplog_found_put (step, "the record was deleted while this node was away", resource,
        uuid, &record->written, buffer_slice (&value));
    past->found += rc == 0;
    buffer_release (&value);
    return rc;
}

//  ---- records

static int record_compare (oplog_t *self, step_t *step, returning_t *past, slice_t resource,
    const uuid16_t *uuid, record_rule_t rule, const record_t *mine)
{
    record_t theirs = {.created = {0}};
    news_t news = {.flags = 0};
    buffer_t packed = {NULL, 0, 0};
    int rc = shared_get (step->txn, resource, uuid, &theirs);
    if (rc == 0)
        news_of (mine, &past->mine, &theirs, &past->theirs, &past->now, rule, &news);
    bool any = !record_is_empty (&news.record);
    //  Joining the news moves what they borrow from: the writer and we take them out first.
    if (rc == 0 && any) {
        batch_writer_add_record (&self->writer, resource, uuid, news.flags, &news.record);
        record_pack (&news.record, NULL, &packed);
    }
    if (rc == 0 && news.lost)
        rc = found_put (step, past, resource, uuid, mine, rule);
    if (rc == 0 && any) {
        cursor_t cursor = cursor_over (buffer_slice (&packed));
        rc = record_unpack (&cursor, NULL, &news.record);
        if (rc == 0)
            rc = shared_news_join (
                step->txn, resource, uuid, &news.record, news.flags, &past->theirs);
    }
    record_release (&theirs);
    record_release (&news.record);
    buffer_release (&packed);
    return rc;
}

//  What was put aside borrows from the store, and each comparison writes: so it is copied out first.
static int records_compare (oplog_t *self, step_t *step, returning_t *past)
{
    aside_place_t place = {.size = 0};
    record_t mine = {.created = {0}};
    buffer_t packed = {NULL, 0, 0};
    int rc;
    for (;;) {
        slice_t resource;
        uuid16_t uuid;
        record_rule_t rule;
        char name[LIMIT_NAME_BYTES + 1] = "";
        rc = aside_next (step->txn, &place, &resource, &uuid, &rule, &mine);
        if (rc)
            break;
        memcpy (name, resource.data, resource.size);
        buffer_clear (&packed);
        record_pack (&mine, NULL, &packed);
        cursor_t cursor = cursor_over (buffer_slice (&packed));
        rc = record_unpack (&cursor, NULL, &mine);
        if (rc == 0)
            rc = record_compare (self, step, past, slice_text (name), &uuid, rule, &mine);
        if (rc)
            break;
    }
    record_release (&mine);
    buffer_release (&packed);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  ---- the pool

typedef struct statement {
    operation_t operation;
    buffer_t value;
} statement_t;

typedef struct statements {
    statement_t *items;
    size_t count;
} statements_t;

static buffer_t *statement_add (
    statements_t *self, int action, const uuid16_t *client, const timestamp_t *stamp)
{
    statement_t *statement = &self->items[self->count++];
    *statement = (statement_t){.operation = {.stamp = *stamp,
                                   .resource = slice_text (CLIENTS_RESOURCE),
                                   .uuid = *client,
                                   .action = action}};
    return &statement->value;
}

static bool is_unseen (const returning_t *past, const timestamp_t *stamp)
{
    return !timestamp_is_none (stamp) && !vector_covers (&past->theirs, stamp);
}

//  What our half had said of a client and the joined half has not heard, with its first timestamps. Our own
//  record is stated anew by pool.
static void client_issue (
    const returning_t *past, const client_t *mine, const uuid16_t *pool, statements_t *out)
{
    //  Who admitted itself founded a pool of its own, which is over.
    bool founder = uuid_equal (&mine->admitted.client, &mine->uuid);
    if (is_unseen (past, &mine->admitted) && !founder)
        client_pack_admission (
            mine, pool, statement_add (out, ACTION_CREATE, &mine->uuid, &mine->admitted));
    if (is_unseen (past, &mine->stated))
        client_pack_record (mine, statement_add (out, ACTION_UPDATE, &mine->uuid, &mine->stated));
    if (is_unseen (past, &mine->removed))
        client_pack_removal (
            mine->drop_rows, statement_add (out, ACTION_UPDATE, &mine->uuid, &mine->removed));
    if (is_unseen (past, &mine->stale))
        client_pack_stale (true, statement_add (out, ACTION_UPDATE, &mine->uuid, &mine->stale));
    if (is_unseen (past, &mine->returning))
        client_pack_returning (statement_add (out, ACTION_UPDATE, &mine->uuid, &mine->returning));
    if (is_unseen (past, &mine->back))
        client_pack_stale (false, statement_add (out, ACTION_UPDATE, &mine->uuid, &mine->back));
}

//  Then what the joined half held of it stands again: a member is a member, who was stale is stale, and whom
//  only our half had admitted returns in its turn; and we are back. 1: stale, 0: back, -1: nothing to say.
static int client_restate (const returning_t *past, const client_t *mine, const client_t *theirs)
{
    if (is_unseen (past, &mine->admitted) && (!theirs || timestamp_is_none (&theirs->admitted)))
        return 1;
    const timestamp_t *out = theirs ? client_out (theirs) : NULL;
    if (theirs && !timestamp_is_none (&theirs->removed))
        return -1;
    if (is_unseen (past, &mine->stale) && !out)
        return 0;
    if ((is_unseen (past, &mine->back) || is_unseen (past, &mine->returning)) && out)
        return 1;
    return -1;
}

static int statement_order (const void *a, const void *b)
{
    const statement_t *x = a, *y = b;
    int order = timestamp_compare (&x->operation.stamp, &y->operation.stamp);
    return order ? order : uuid_compare (&x->operation.uuid, &y->operation.uuid);
}

static bool is_out (oplog_t *self, const uuid16_t *uuid)
{
    const client_t *client = oplog_client (self, uuid);
    return client && client_out (client);
}

static int statements_make (
    oplog_t *self, const returning_t *past, const uuid16_t *pool, statements_t *out)
{
    const uuid16_t *me = &self->setup->identity->client;
    out->items = calloc (past->client_count * CLIENT_STATEMENTS + 1, sizeof *out->items);
    if (!out->items)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < past->client_count; i++) {
        const client_t *mine = &past->clients[i];
        bool back =
            uuid_equal (&mine->uuid, me) && (is_out (self, me) || is_unseen (past, &mine->stale) ||
                                                is_unseen (past, &mine->returning));
        int stale = uuid_equal (&mine->uuid, me)
                        ? back - 1
                        : client_restate (past, mine, oplog_client (self, &mine->uuid));
        client_issue (past, mine, pool, out);
        if (stale < 0)
            continue;
        timestamp_t stamp = {.client = *me};
        if (oplog_stamp (self, &stamp.time))
            return ERR_INTERNAL;
        client_pack_stale (stale > 0, statement_add (out, ACTION_UPDATE, &mine->uuid, &stamp));
    }
    qsort (out->items, out->count, sizeof *out->items, statement_order);
    return 0;
}

static int clients_compare (oplog_t *self, step_t *step, const returning_t *past)
{
    statements_t statements = {.count = 0};
    uuid16_t pool = {{0}};
    slice_t stored;
    int rc = node_get (step->txn, NODE_SETTINGS, slice_text ("pool"), &stored);
    if (rc == 0 && stored.size == sizeof pool)
        memcpy (&pool, stored.data, sizeof pool);
    if (rc == 0)
        rc = statements_make (self, past, &pool, &statements);
    for (size_t i = 0; rc == 0 && i < statements.count; i++) {
        operation_t *operation = &statements.items[i].operation;
        //  One timestamp is one operation's, whatever faulty clients did with theirs.
        if (i &&
            timestamp_compare (&operation->stamp, &statements.items[i - 1].operation.stamp) == 0)
            continue;
        operation->value = buffer_slice (&statements.items[i].value);
        batch_writer_add (&self->writer, operation);
        rc = oplog_clients_operation (self, step, operation);
    }
    for (size_t i = 0; i < statements.count; i++)
        buffer_release (&statements.items[i].value);
    free (statements.items);
    return rc;
}

//  ---- the end

static int returning_begin (oplog_t *self, step_t *step, returning_t *past)
{
    slice_t stored;
    int rc = node_get (step->txn, NODE_SETTINGS, slice_text ("return"), &stored);
    if (rc == 0)
        rc = past_unpack (stored, past);
    vector_copy (&past->theirs, &self->shared);
    past->now.client = self->setup->identity->client;
    if (rc == 0 && oplog_stamp (self, &past->now.time))
        rc = ERR_INTERNAL;
    return rc;
}

static int news_seal (oplog_t *self, step_t *step, const returning_t *past)
{
    uint64_t upto;
    if (batch_writer_size (&self->writer) > LIMIT_RETURN_BYTES - LIMIT_BATCH_BYTES)
        return ERR_TOO_LARGE;
    int rc = oplog_stamp (self, &upto);
    if (rc == 0)
        rc = oplog_seal (self, step, upto, &past->mine);
    //  What was written here is megabytes where it was much, and requests are small again from now on.
    if (rc == 0) {
        batch_writer_release (&self->writer);
        buffer_release (&self->sealed);
        oplog_writer_begin (self);
    }
    return rc;
}

//  All of it is still here, and it is tried again with each copy.
void oplog_return_too_large (step_t *step)
{
    step_alarm (step, error_name (ERR_TOO_LARGE), "return",
        "what this node wrote while it was alone is more than one return can bring: it goes on "
        "joining, and takes no writes");
}

int oplog_return_finish (oplog_t *self, step_t *step)
{
    returning_t past = {.found = 0};
    int rc = returning_begin (self, step, &past);
    oplog_writer_begin (self);
    if (rc == 0)
        rc = records_compare (self, step, &past);
    if (rc == 0)
        rc = clients_compare (self, step, &past);
    if (rc == 0)
        rc = news_seal (self, step, &past);
    if (rc == 0)
        rc = oplog_covers_raise (self, step, &self->setup->identity->client, &past.mine);
    if (rc == 0)
        rc = aside_clear (step->txn);
    if (rc == 0)
        rc = node_delete (step->txn, NODE_SETTINGS, slice_text ("return"));
    if (rc == 0 && past.found)
        step_say (step, SAY_WARNING,
            "%llu records that were written here were deleted elsewhere meanwhile: see "
            "tidepool lost-and-found",
            (unsigned long long)past.found);
    returning_release (&past);
    if (rc == 0)
        step_alarm (step, error_name (ERR_TOO_LARGE), "return", NULL);
    return rc && !oplog_is_fatal (rc) && rc != ERR_TOO_LARGE ? ERR_INTERNAL : rc;
}

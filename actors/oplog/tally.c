//  oplog_tally - what owners sign of their rows: signing, comparing, dropping, taking back
//
//  Rows have no log: who has an owner's rows up to its watermark has them from whoever relayed them. So the owner signs how
//  many rows it shows there, and their digest (messages/tally.h), and that travels behind the rows. Who stands at exactly that
//  watermark compares. What differs is dropped, told, and fetched again; link sees to it that it comes from elsewhere.
//
//  A tally of our own that is later than the one that we remember says that our directory is an older copy: the rows that it
//  stands for are taken back before we sign anything again.

#include "actors/oplog/oplog.h"

#include <stdio.h>

#define DROP_A_TRANSACTION 1000 // rows

//  ---- signing

static int sign (oplog_t *self, step_t *step, uint64_t upto)
{
    const identity_t *identity = self->setup->identity;
    tally_t tally = {.owner = identity->client, .upto = upto};
    int rc = tallies_sums (step->txn, &identity->client, &tally.count, &tally.digest);
    if (rc)
        return rc;
    tally_sign (&tally, identity);
    return tallies_put (step->txn, &tally);
}

//  Only what is given to somebody is signed: so what is stored is what others may hold. A fresh time where no row changed is
//  for a peer that claims to have later rows of ours than there are.
int oplog_sign_rows (oplog_t *self, step_t *step, const mail_t *mail)
{
    const uuid16_t *me = &self->setup->identity->client;
    tally_t before;
    sign_rows_t asked;
    uint64_t fresh;
    if (step_unpack (step, mail, &sign_rows_type, &asked) || oplog_busy (self) || self->back.active)
        return 0;
    if (asked.fresh && oplog_stamp (self, &fresh) == 0)
        oplog_rows_raise (self, me, fresh);
    uint64_t upto = vector_upto (&self->rows, me);
    int rc = tallies_get (step->txn, me, &before);
    if (!upto || (rc == 0 && before.upto >= upto))
        return 0;
    return rc == 0 || rc == ERR_NOT_FOUND ? sign (self, step, upto) : rc;
}

//  What was signed of times that are renamed was accepted by nobody: it is signed at the new ones.
int oplog_sign_anew (oplog_t *self, step_t *step, uint64_t past, uint64_t upto)
{
    tally_t before;
    int rc = tallies_get (step->txn, &self->setup->identity->client, &before);
    if (rc || before.upto <= past)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    return sign (self, step, upto);
}

//  ---- dropping

static void fell_note (oplog_t *self, const uuid16_t *owner)
{
    pack_bin (&self->fell, slice_of (owner->bytes, sizeof owner->bytes));
    self->fell_count++;
}

int oplog_drops_load (oplog_t *self, txn_t *txn)
{
    slice_t key, value;
    int rc = node_seek (txn, NODE_DROPPING, slice_of (NULL, 0), &key, &value);
    self->drops = rc == 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  Some rows a transaction, so that none takes long.
int oplog_drops_go_on (oplog_t *self, step_t *step)
{
    slice_t key, value;
    uuid16_t owner;
    bool left;
    if (!self->drops || oplog_busy (self))
        return 0;
    int rc = node_seek (step->txn, NODE_DROPPING, slice_of (NULL, 0), &key, &value);
    if (rc == 0 && key.size != sizeof owner)
        rc = ERR_CORRUPT;
    if (rc == 0) {
        memcpy (&owner, key.data, sizeof owner);
        changes_begin_group (step->txn);
        rc = owned_drop (step->txn, &owner, 0, DROP_A_TRANSACTION, &left);
        if (rc == 0 && !left)
            rc = node_delete (step->txn, NODE_DROPPING, slice_of (&owner, sizeof owner));
    }
    return rc == 0 || rc == ERR_NOT_FOUND ? oplog_drops_load (self, step->txn) : rc;
}

static int drop_begin (oplog_t *self, step_t *step, const uuid16_t *owner)
{
    vector_remove (&self->rows, owner);
    vector_remove (&self->rows_rose, owner);
    fell_note (self, owner);
    self->drops = true;
    int rc = watermarks_forget (step->txn, WATERMARK_ROWS, owner);
    if (rc == 0)
        rc = tallies_forget (step->txn, owner);
    if (rc == 0)
        rc = node_put (step->txn, NODE_DROPPING, slice_of (owner, sizeof *owner), slice_of ("", 0));
    return rc;
}

static bool is_being_dropped (oplog_t *self, step_t *step, const uuid16_t *owner)
{
    slice_t value;
    return self->drops &&
           node_get (step->txn, NODE_DROPPING, slice_of (owner, sizeof *owner), &value) == 0;
}

//  ---- which rows may come

int oplog_rows_check (
    oplog_t *self, step_t *step, const take_rows_t *take, const client_t *owner, bool *ret_gone)
{
    bool own = uuid_equal (&take->owner, &self->setup->identity->client);
    if (own && (!self->back.active || take->upto > self->back.until))
        return ERR_NOT_OWNER;
    *ret_gone = !client_is_member (owner) && owner->drop_rows;
    if (is_being_dropped (self, step, &take->owner))
        return ERR_BUSY;
    uint64_t mark = own ? self->back.upto : vector_upto (&self->rows, &take->owner);
    if (take->upto <= mark)
        return ERR_DUPLICATE;
    return take->after > mark ? ERR_TOO_EARLY : 0;
}

void oplog_rows_taken (oplog_t *self, const take_rows_t *take)
{
    if (uuid_equal (&take->owner, &self->setup->identity->client))
        self->back.upto = take->upto;
    oplog_rows_raise (self, &take->owner, take->upto);
}

//  ---- comparing

static void accuse (oplog_t *self, step_t *step, const tally_t *tally, uint64_t count)
{
    char subject[UUID_TEXT_SIZE], text[200];
    uuid_to_text (&tally->owner, subject);
    snprintf (text, sizeof text,
        "the %llu rows of client %s that are here are not the %llu that it signed: they are "
        "dropped "
        "and fetched again",
        (unsigned long long)count, subject, (unsigned long long)tally->count);
    vector_raise (&self->accused, &tally->owner, tally->upto, NULL);
    step_say (step, SAY_WARNING, "%s", text);
    step_alarm (step, "ROWS_ALTERED", subject, text);
}

static void acquit (oplog_t *self, step_t *step, const uuid16_t *owner)
{
    char subject[UUID_TEXT_SIZE];
    if (!vector_find (&self->accused, owner))
        return;
    vector_remove (&self->accused, owner);
    uuid_to_text (owner, subject);
    step_alarm (step, "ROWS_ALTERED", subject, NULL);
}

//  0: they agree; ERR_ALTERED, counted and told; or a fatal error. Where what is here came from several peers, one that is
//  not at the same place as another may have left a gap between them: that is nobody's fault, and is only fetched again.
static int compare (oplog_t *self, step_t *step, const tally_t *tally, bool mixed)
{
    uint64_t count;
    digest_t digest;
    int rc = tallies_sums (step->txn, &tally->owner, &count, &digest);
    if (rc)
        return rc;
    if (tally_agrees (tally, count, &digest)) {
        acquit (self, step, &tally->owner);
        return tallies_put (step->txn, tally);
    }
    tally_t known;
    if (tallies_get (step->txn, &tally->owner, &known) == 0 && known.upto == tally->upto)
        mixed = false; // it agreed before
    if (!mixed) {
        metric_add (step->metrics, METRIC_ROWS_ALTERED, 1);
        accuse (self, step, tally, count);
    }
    return ERR_ALTERED;
}

static int others_judge (oplog_t *self, step_t *step, const tally_t *tally, bool mixed)
{
    const client_t *owner = oplog_client (self, &tally->owner);
    if (!owner || timestamp_is_none (&owner->admitted) ||
        (!client_is_member (owner) && owner->drop_rows))
        return 0; // no rows of it are here, or none stay
    int rc = tally_verify (tally, &owner->key);
    if (rc || is_being_dropped (self, step, &tally->owner) ||
        vector_upto (&self->rows, &tally->owner) != tally->upto)
        return rc; // it stands for another moment than what is here
    rc = compare (self, step, tally, mixed);
    if (rc != ERR_ALTERED)
        return rc;
    rc = drop_begin (self, step, &tally->owner);
    return rc ? rc : ERR_ALTERED;
}

//  ---- our own, after a restore

static void back_tell (step_t *step, bool over)
{
    step_alarm (step, "RESTORED", "rows",
        over ? NULL
             : "members hold later rows of this client than it does itself: its data directory is "
               "an "
               "older copy; they are being taken back");
}

static bool rows_equal (const row_t *a, const row_t *b)
{
    return a->updated == b->updated && uuid_equal (&a->uuid, &b->uuid) &&
           slice_equal (a->resource, b->resource) && slice_equal (a->value, b->value);
}

//  Drops own rows past `after` and up to `upto` that are not among these, which are sound and ascend.
static int back_clear (oplog_t *self, step_t *step, uint64_t after, uint64_t upto, slice_t rows)
{
    const uuid16_t *me = &self->setup->identity->client;
    cursor_t cursor = cursor_over (rows);
    row_t here, there = {.updated = 0};
    bool left;
    int rc;
    while ((rc = owned_stream (step->txn, me, after, &here)) == 0 && here.updated <= upto) {
        while (there.updated < here.updated && !cursor_done (&cursor))
            if (row_unpack (&cursor, &there))
                return ERR_MALFORMED;
        after = here.updated;
        if (!rows_equal (&here, &there))
            rc = owned_drop (step->txn, me, here.updated - 1, 1, &left);
        if (rc)
            return rc;
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

//  Of what comes count and digest are made, as its owner did: whether it is right does not hang on what is here already.
int oplog_back_put (oplog_t *self, step_t *step, const take_rows_t *take, slice_t rows)
{
    cursor_t cursor = cursor_over (rows);
    row_t row;
    while (!cursor_done (&cursor)) {
        if (row_unpack (&cursor, &row))
            return ERR_MALFORMED;
        metric_add (step->metrics, METRIC_ROWS_TAKEN_BACK, 1);
        if (!row.value.size)
            continue;
        digest_t item = tally_item (&take->owner, &row, &self->values);
        digest_add (&self->back.digest, &item);
        self->back.count++;
    }
    return self->back.replaces ? back_clear (self, step, take->after, take->upto, rows) : 0;
}

//  Those that came are not what we had signed: they go, and others are asked.
static int back_refuse (oplog_t *self, step_t *step, const tally_t *tally)
{
    static const uint8_t none[1];
    const uuid16_t *me = &self->setup->identity->client;
    metric_add (step->metrics, METRIC_ROWS_ALTERED, 1);
    accuse (self, step, tally, self->back.count);
    changes_begin_group (step->txn);
    int rc = back_clear (self, step, self->back.from, self->back.until, slice_of (none, 0));
    self->back = (taking_back_t){.active = false};
    if (rc || vector_upto (&self->rows, me) > tally->upto)
        return rc ? rc : ERR_ALTERED; // what was written here meanwhile is behind them
    watermark_t mark = {.client = *me};
    vector_remove (&self->rows, me);
    vector_remove (&self->rows_rose, me);
    fell_note (self, me);
    rc = owned_last (step->txn, me, &mark.upto);
    if (rc == 0)
        rc = watermarks_forget (step->txn, WATERMARK_ROWS, me);
    if (rc == 0 && mark.upto) {
        vector_set (&self->rows, me, mark.upto, NULL);
        rc = watermarks_put (step->txn, WATERMARK_ROWS, &mark);
    }
    return rc ? rc : ERR_ALTERED;
}

//  All came, and they are what we had signed. What is here and not among them was deleted, and the marker of that may be
//  forgotten everywhere: they come once more, and replace what is here. ERR_TOO_EARLY: they are to.
static int back_end (oplog_t *self, step_t *step, const tally_t *tally)
{
    const uuid16_t *me = &self->setup->identity->client;
    rows_back_t rows_back = {.upto = tally->upto};
    uint64_t count;
    digest_t digest;
    if (!tally_agrees (tally, self->back.count, &self->back.digest))
        return back_refuse (self, step, tally);
    int rc = tallies_sums (step->txn, me, &count, &digest);
    if (rc)
        return rc;
    if (!self->back.replaces && !tally_agrees (tally, count, &digest)) {
        self->back = (taking_back_t){
            .active = true, .replaces = true, .from = self->back.from, .until = tally->upto};
        return ERR_TOO_EARLY;
    }
    self->back = (taking_back_t){.active = false};
    acquit (self, step, me);
    rc = tallies_put (step->txn, tally);
    //  ingest compares them with what is on the disk; the setting has it do so after a crash as well.
    if (rc == 0)
        rc = node_put (step->txn, NODE_SETTINGS, slice_text ("regain"), slice_of ("\x01", 1));
    step_send (step, ACTOR_INGEST, MAIL_ROWS_BACK, 0, &rows_back_type, &rows_back, NULL, 0);
    step_say (step, SAY_INFO, "own rows are taken back");
    back_tell (step, true);
    return rc;
}

//  ERR_TOO_EARLY: the rows that it stands for are to be sent, all of them.
static int own_judge (oplog_t *self, step_t *step, const tally_t *tally)
{
    const identity_t *identity = self->setup->identity;
    tally_t before = {.upto = 0};
    int rc = tallies_get (step->txn, &identity->client, &before);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (tally->upto <= before.upto)
        return 0; // what we remember
    rc = tally_verify (tally, &identity->key);
    if (rc)
        return rc;
    if (self->back.active && self->back.upto == tally->upto && self->back.until == tally->upto)
        return back_end (self, step, tally);
    self->back = (taking_back_t){.active = true, .from = before.upto, .until = tally->upto};
    back_tell (step, false);
    return ERR_TOO_EARLY;
}

//  Do the rows that are here agree with what the owner signed of them?
static bool is_proven (oplog_t *self, step_t *step, const tally_t *tally)
{
    tally_t known;
    return tallies_get (step->txn, &tally->owner, &known) == 0 && known.upto == tally->upto &&
           vector_upto (&self->rows, &tally->owner) == tally->upto;
}

int oplog_take_tally (oplog_t *self, step_t *step, const mail_t *mail)
{
    take_tally_t take;
    tally_t tally;
    if (step_unpack (step, mail, &take_tally_type, &take))
        return 0;
    cursor_t cursor = cursor_over (take.tally);
    int rc = tally_unpack (&cursor, &tally);
    if (rc == 0 && !self->joining)
        rc = uuid_equal (&tally.owner, &self->setup->identity->client)
                 ? own_judge (self, step, &tally)
                 : others_judge (self, step, &tally, take.mixed);
    if (rc && oplog_is_fatal (rc))
        return rc;
    bool proven = rc == 0 && is_proven (self, step, &tally);
    taken_t answer = {.error = (uint64_t)-rc, .upto = proven ? tally.upto : 0};
    if (rc == 0 || rc == ERR_ALTERED || rc == ERR_TOO_EARLY)
        answer.client = tally.owner;
    oplog_take_answer (step, mail, &answer);
    return 0;
}

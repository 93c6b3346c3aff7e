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

//  Only what is given to somebody is signed: so what is stored is what others may hold. A fresh time where no row changed is
//  for a peer that claims to have later rows of ours than there are.
int oplog_sign_rows (oplog_t *self, step_t *step, const mail_t *mail)
{
    const identity_t *identity = self->setup->identity;
    tally_t tally = {.owner = identity->client}, before;
    sign_rows_t sign;
    uint64_t fresh;
    if (step_unpack (step, mail, &sign_rows_type, &sign) || self->joining || self->back.active)
        return 0;
    if (sign.fresh && oplog_stamp (self, &fresh) == 0)
        oplog_rows_raise (self, &identity->client, fresh);
    tally.upto = vector_upto (&self->rows, &identity->client);
    int rc = tallies_get (step->txn, &identity->client, &before);
    if (!tally.upto || (rc == 0 && before.upto >= tally.upto))
        return 0;
    if (rc == 0 || rc == ERR_NOT_FOUND)
        rc = tallies_sums (step->txn, &identity->client, &tally.count, &tally.digest);
    if (rc)
        return rc;
    tally_sign (&tally, identity);
    return tallies_put (step->txn, &tally);
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
    if (!self->drops || self->joining)
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

//  Those that were taken back are not what we had signed: they go, and the next who offers them gives all.
static int back_refuse (oplog_t *self, step_t *step, const tally_t *before)
{
    const uuid16_t *me = &self->setup->identity->client;
    watermark_t mark = {.client = *me, .upto = before->upto};
    bool left;
    changes_begin_group (step->txn);
    int rc = owned_drop (step->txn, me, before->upto, SIZE_MAX, &left);
    vector_remove (&self->rows, me);
    vector_remove (&self->rows_rose, me);
    fell_note (self, me);
    self->back = (taking_back_t){.active = false};
    self->back_all = true;
    if (rc == 0)
        rc = watermarks_forget (step->txn, WATERMARK_ROWS, me);
    if (rc == 0 && mark.upto) {
        vector_set (&self->rows, me, mark.upto, NULL);
        rc = watermarks_put (step->txn, WATERMARK_ROWS, &mark);
    }
    return rc ? rc : ERR_ALTERED;
}

static int back_end (oplog_t *self, step_t *step, const tally_t *tally, const tally_t *before)
{
    const uuid16_t *me = &self->setup->identity->client;
    bool wrote =
        vector_upto (&self->rows, me) != tally->upto; // since: then there is nothing to compare
    int rc = wrote ? tallies_put (step->txn, tally) : compare (self, step, tally, false);
    if (rc == ERR_ALTERED)
        return back_refuse (self, step, before);
    if (rc)
        return rc;
    self->back = (taking_back_t){.active = false};
    self->back_all = false;
    //  ingest compares them with what is on the disk; the setting has it do so after a crash as well
    rows_back_t rows_back = {.upto = tally->upto};
    step_send (step, ACTOR_INGEST, MAIL_ROWS_BACK, 0, &rows_back_type, &rows_back, NULL, 0);
    rc = node_put (step->txn, NODE_SETTINGS, slice_text ("regain"), slice_of ("\x01", 1));
    if (rc)
        return rc;
    step_say (step, SAY_INFO, "own rows are taken back");
    back_tell (step, true);
    return 0;
}

//  ERR_TOO_EARLY: the rows that it stands for are to be sent; *ret_upto: past this.
static int own_judge (oplog_t *self, step_t *step, const tally_t *tally, uint64_t *ret_upto)
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
    if (self->back.active && self->back.upto == tally->upto)
        return back_end (self, step, tally, &before);
    self->back = (taking_back_t){.active = true, .from = self->back_all ? 0 : before.upto};
    self->back.upto = self->back.from;
    self->back.until = tally->upto;
    *ret_upto = self->back.from;
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
    uint64_t upto = 0;
    if (step_unpack (step, mail, &take_tally_type, &take))
        return 0;
    cursor_t cursor = cursor_over (take.tally);
    int rc = tally_unpack (&cursor, &tally);
    if (rc == 0 && !self->joining)
        rc = uuid_equal (&tally.owner, &self->setup->identity->client)
                 ? own_judge (self, step, &tally, &upto)
                 : others_judge (self, step, &tally, take.mixed);
    if (rc && oplog_is_fatal (rc))
        return rc;
    bool proven = rc == 0 && is_proven (self, step, &tally);
    taken_t answer = {.error = (uint64_t)-rc, .upto = proven ? tally.upto : upto};
    if (rc == 0 || rc == ERR_ALTERED || rc == ERR_TOO_EARLY)
        answer.client = tally.owner;
    oplog_take_answer (step, mail, &answer);
    return 0;
}

//  checks - see checks.h

#include "tests/sim/checks.h"

#include <stdlib.h>

#include "messages/counting.h"
#include "store/clients.h"
#include "store/node.h"
#include "store/pending.h"
#include "store/watermarks.h"

#define MAIL_MOST 4000 // in all boxes of a node

typedef struct known {
    vector_t shared; // as of its last commit
    uint64_t own;    // the most that it ever had of its own chain
    uint64_t sequence;
    uuid16_t pool;
    bool ready;
    bool was_restored;
    bool joining;
    int giver;              // to whom it returns, or returned last
    uint64_t returned_upto; // of its own chain, when it had last returned; 0: it never did
    vector_t base;          // of its log
    bool returns;           // somebody does, as it knows
    uint64_t forgotten;
} known_t;

struct checks {
    sim_t *sim;
    bool counted_out;
    bool returned; // somebody did that writes meanwhile
    bool at_once;  // two did, and who let the later one return had not heard of the other
    known_t nodes[SIM_NODES_MAX];
    watermark_t *ends; // each place of a chain that anybody was at
    size_t end_count;
    vector_t shared, base; // scratch
};

static int index_of (const sim_t *sim, const uuid16_t *client)
{
    for (size_t i = 0; i < sim->count; i++)
        if (uuid_equal (&sim->nodes[i].identity.client, client))
            return (int)i;
    return -1;
}

//  ---- single writer, monotonic marks

static void end_check (checks_t *self, int node, const watermark_t *mark)
{
    for (size_t i = self->end_count; i-- > 0;)
        if (self->ends[i].upto == mark->upto && uuid_equal (&self->ends[i].client, &mark->client)) {
            sim_check (self->sim, hash_equal (&self->ends[i].hash, &mark->hash), "single writer",
                "node %d has another batch at a place of %d's chain", node,
                index_of (self->sim, &mark->client));
            return;
        }
    self->ends = realloc (self->ends, (self->end_count + 1) * sizeof *self->ends);
    self->ends[self->end_count++] = *mark;
}

static void marks_check (checks_t *self, int node)
{
    known_t *known = &self->nodes[node];
    const uuid16_t *me = &self->sim->nodes[node].identity.client;
    if (vector_upto (&self->shared, me) > known->own)
        known->own = vector_upto (&self->shared, me);
    for (size_t i = 0; i < self->shared.count; i++) {
        const watermark_t *mark = &self->shared.entries[i];
        int writer = index_of (self->sim, &mark->client);
        sim_check (self->sim, mark->upto <= self->nodes[writer].own, "single writer",
            "node %d has more of %d's chain than that one has committed", node, writer);
        end_check (self, node, mark);
    }
    sim_check (self->sim, !known->ready || vector_covers_all (&self->shared, &known->shared),
        "monotonic marks", "a watermark of node %d falls", node);
}

//  ---- causal order, retention

static void log_check (checks_t *self, txn_t *txn, int node)
{
    known_t *known = &self->nodes[node];
    slice_t bytes;
    vector_t seen = {NULL, 0, 0};
    while (pending_read (txn, known->sequence + 1, &known->sequence, &bytes) == 0) {
        cr_assert_eq (batch_seen (bytes, &seen), 0);
        sim_check (self->sim, vector_covers_all (&self->shared, &seen), "causal order",
            "node %d has a batch and not all that it has seen", node);
    }
    vector_release (&seen);
}

bool checks_has (const checks_t *self, int node, const timestamp_t *stamp)
{
    return vector_covers (&self->nodes[node].shared, stamp);
}

static bool is_kept_for (const checks_t *self, int node, int other)
{
    const known_t *known = &self->nodes[other];
    return other != node && known->ready && !known->was_restored &&
           uuid_equal (&known->pool, &self->nodes[node].pool);
}

uint64_t checks_own (const checks_t *self, int node)
{
    return vector_upto (&self->nodes[node].shared, &self->sim->nodes[node].identity.client);
}

bool checks_all_have (const checks_t *self, int node, const timestamp_t *stamp)
{
    for (int other = 0; other < (int)self->sim->count; other++)
        if (is_kept_for (self, node, other) && !checks_has (self, other, stamp))
            return false;
    return true;
}

//  What leaves the log now. Where members are counted out it is not judged: for whom a node still keeps what would have to
//  be told by the same rules; what is lost shows.
static void base_check (checks_t *self, txn_t *txn, int node)
{
    known_t *known = &self->nodes[node];
    cr_assert_eq (watermarks_load (txn, WATERMARK_BASE, &self->base), 0);
    for (size_t i = self->base.count; i-- > 0;) {
        uuid16_t client = self->base.entries[i].client;
        if (self->base.entries[i].upto <= vector_upto (&known->base, &client))
            vector_remove (&self->base, &client);
    }
    for (int other = 0; known->ready && !self->counted_out && other < (int)self->sim->count;
         other++)
        sim_check (self->sim,
            known->was_restored || !is_kept_for (self, node, other) ||
                vector_covers_all (&self->nodes[other].shared, &self->base),
            "retention", "node %d has flushed what node %d lacks", node, other);
    vector_merge (&known->base, &self->base);
}

//  While somebody returns no deletion is forgotten: it may bring what that deletion had seen.
static void forgotten_check (checks_t *self, txn_t *txn, int node)
{
    known_t *known = &self->nodes[node];
    uint64_t forgotten = sim_metric (self->sim, node, METRIC_DELETIONS_FORGOTTEN);
    client_t client;
    bool returns = false;
    for (int other = 0; other < (int)self->sim->count; other++)
        returns =
            returns || (clients_get (txn, &self->sim->nodes[other].identity.client, &client) == 0 &&
                           client_returns (&client));
    sim_check (self->sim, !returns || !known->returns || forgotten == known->forgotten, "retention",
        "node %d has forgotten deletions while somebody returns", node);
    known->returns = returns;
    known->forgotten = forgotten;
}

//  ---- nothing to mend

//  The nodes find and repair what is wrong, so that it would not show at the end: but here nothing ever is. Only who was
//  counted out, or put back, may have rows whose markers are forgotten: it drops them, and fetches that owner's anew. And where two
//  of one half return at once, and one has purged what the other deleted and writes it anew, that deletion ends it at some only.
static void mend_check (checks_t *self, int node)
{
    static const struct {
        enum metric metric;
        const char *what;
    } wrongs[] = {
        {METRIC_RECORDS_REPAIRED, "records differed from a peer's"},
        {METRIC_MISCOUNTS, "counts were wrong"},
        {METRIC_RECORDS_DAMAGED, "records could not be read"},
        {METRIC_BATCHES_SPOILT, "batches were not what their origin signed"},
        {METRIC_ROWS_ALTERED, "stretches of rows were not what their owner signed"},
        {METRIC_MAIL_REFUSED, "mails between actors were malformed"},
    };
    bool stale_rows = self->counted_out || self->nodes[node].was_restored;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        bool excused = (stale_rows && wrongs[i].metric == METRIC_ROWS_ALTERED) ||
                       (self->at_once && wrongs[i].metric == METRIC_RECORDS_REPAIRED);
        sim_check (self->sim, excused || sim_metric (self->sim, node, wrongs[i].metric) == 0,
            "nothing to mend", "at node %d, %s", node, wrongs[i].what);
    }
}

//  ---- returns

//  Has whoever lets the node return heard that the other did?
static bool is_heard_of (const checks_t *self, const known_t *node, const known_t *other)
{
    const uuid16_t *client = &self->sim->nodes[other - self->nodes].identity.client;
    if (other->giver == node->giver)
        return true;
    return !other->joining &&
           vector_upto (&self->nodes[node->giver].shared, client) >= other->returned_upto;
}

static int giver_of (checks_t *self, txn_t *txn)
{
    slice_t packed;
    client_t giver;
    cr_assert_eq (node_get (txn, NODE_SETTINGS, slice_text ("giver"), &packed), 0);
    cursor_t cursor = cursor_over (packed);
    cr_assert_eq (client_unpack (&cursor, &giver), 0);
    return index_of (self->sim, &giver.uuid);
}

static void returns_look (checks_t *self, txn_t *txn, int index, bool was_ready)
{
    known_t *node = &self->nodes[index];
    slice_t value;
    bool joining = node_get (txn, NODE_SETTINGS, slice_text ("joining"), &value) == 0;
    bool begins = joining && !node->joining && was_ready; // and is no newcomer
    if (node->joining && !joining)
        node->returned_upto = checks_own (self, index);
    node->joining = joining;
    if (!begins)
        return;
    node->giver = giver_of (self, txn);
    self->returned |= node_get (txn, NODE_SETTINGS, slice_text ("restored"), &value) != 0;
    for (size_t i = 0; i < self->sim->count; i++) {
        const known_t *other = &self->nodes[i];
        self->at_once |= other != node && (other->joining || other->returned_upto) &&
                         !is_heard_of (self, node, other);
    }
}

bool checks_returned (const checks_t *self)
{
    return self->returned;
}

//  ---- a commit

static void mail_check (checks_t *self, int node)
{
    size_t count = 0;
    for (int actor = 0; actor < ACTOR_COUNT; actor++)
        count += self->sim->nodes[node].boxes[actor].count;
    sim_check (self->sim, count <= MAIL_MOST, "bounded mail", "node %d has %zu", node, count);
}

static void look (void *context, int node)
{
    checks_t *self = context;
    known_t *known = &self->nodes[node];
    txn_t *txn;
    slice_t pool, place;
    bool was_ready = known->ready;
    cr_assert_eq (store_begin (self->sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (watermarks_load (txn, WATERMARK_SHARED, &self->shared), 0);
    known->ready =
        known->ready && node_get (txn, NODE_SETTINGS, slice_text ("joining"), &place) != 0;
    marks_check (self, node);
    log_check (self, txn, node);
    vector_copy (&known->shared, &self->shared);
    known->ready = node_get (txn, NODE_SETTINGS, slice_text ("joining"), &place) != 0 &&
                   node_get (txn, NODE_SETTINGS, slice_text ("pool"), &pool) == 0;
    if (known->ready)
        memcpy (&known->pool, pool.data, sizeof known->pool);
    base_check (self, txn, node);
    forgotten_check (self, txn, node);
    returns_look (self, txn, node, was_ready);
    store_abort (&txn);
    mail_check (self, node);
    mend_check (self, node);
}

checks_t *checks_new (sim_t *sim, bool counted_out)
{
    checks_t *self = calloc (1, sizeof *self);
    self->sim = sim;
    self->counted_out = counted_out;
    for (int node = 0; node < (int)sim->count; node++) {
        sim_vector (sim, node, &self->shared);
        self->nodes[node].own = vector_upto (&self->shared, &sim->nodes[node].identity.client);
    }
    for (int node = 0; node < (int)sim->count; node++)
        look (self, node);
    sim->watch = look;
    sim->watch_context = self;
    return self;
}

void checks_destroy (checks_t **self_p)
{
    checks_t *self = *self_p;
    self->sim->watch = NULL;
    for (int node = 0; node < SIM_NODES_MAX; node++) {
        vector_release (&self->nodes[node].shared);
        vector_release (&self->nodes[node].base);
    }
    vector_release (&self->shared);
    vector_release (&self->base);
    free (self->ends);
    free (self);
    *self_p = NULL;
}

void checks_restored (checks_t *self, int node)
{
    known_t *known = &self->nodes[node];
    vector_clear (&known->shared);
    known->sequence = 0;
    known->ready = false;
    known->was_restored = true;
}

//  ---- at rest

static bool log_is_empty (sim_t *sim, int node)
{
    txn_t *txn;
    uint64_t sequence = 0;
    slice_t bytes;
    bool empty = true;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    while (empty && pending_read (txn, sequence + 1, &sequence, &bytes) == 0) {
        batch_head_t head;
        cr_assert_eq (batch_peek (bytes, &head), 0);
        empty = !batch_wants_ack (&head);
    }
    store_abort (&txn);
    return empty;
}

void checks_rest (checks_t *self, truth_t *truth)
{
    sim_t *sim = self->sim;
    for (size_t node = 0; node < sim->count; node++)
        sim_pass (sim, sim->nodes[node].config.ack_interval_s + 10);
    uint64_t spoken = sim->spoken;
    sim_pass (sim, 4 * sim->nodes[0].config.ack_interval_s + 60);
    sim_check (sim, sim->spoken == spoken, "silence", "an idle pool said %llu things",
        (unsigned long long)(sim->spoken - spoken));
    for (int node = 0; node < (int)sim->count; node++) {
        if (!log_is_empty (sim, node))
            sim_tell (sim);
        sim_check (sim, log_is_empty (sim, node), "forgetting", "node %d keeps batches", node);
        sim_check (sim, truth_deletions (truth, node) == 0 && sim_tombstones (sim, node) == 0,
            "forgetting", "node %d remembers deletions", node);
    }
}

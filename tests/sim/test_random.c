//  test_random - pools under random writes and faults, by seed; after the last fault they converge, on what the definition
//  says of all that was acknowledged (truth.h), and at every step what must hold holds (checks.h)
//
//  Of each seed comes which faults its pool knows at all: so there are some in which one thing happens often. Each event draws
//  from the seed and its own number alone, so that others can be left out (SIM_EVENTS) and it stays what it is.

#include <stdio.h>
#include <stdlib.h>

#include "store/node.h"
#include "tests/sim/checks.h"
#include "tests/sim/rows.h"

enum kind { KIND_FAULTS, KIND_COUNTED_OUT, KIND_RESTORED };

typedef struct life {
    sim_t *sim;
    truth_t *truth;
    checks_t *checks;
    enum kind kind;
    bool clocks; // jump
    bool large;  // records and rows, so that copies and streams are of several chunks
    int late;    // it joins while all this goes on; 0: nobody
    uint64_t written;
    uint64_t backed_up; // of the last that was restored, its own chain
} life_t;

//  ---- what apps do beside

//  Of another resource than truth's, whose records are only compared with each other; or of rows.
static void write_other (life_t *self, int node)
{
    sim_t *sim = self->sim;
    bool rows = sim_random (sim, 2), deletes = sim_random (sim, 4) == 0;
    size_t size = self->large ? 1 + sim_random (sim, 120000) : 3;
    uuid16_t uuid = sim_uuid (1000 + sim_random (sim, 12));
    if (!sim->nodes[node].running || sim->nodes[node].outside)
        return;
    char *name = malloc (size + 1);
    memset (name, 'a' + (int)(self->written++ % 26), size);
    name[size] = 0;
    int rc = sim_apply (sim, node,
        deletes               ? "delete"
        : sim_random (sim, 2) ? "create"
                              : "update",
        rows ? ROWS : "tags", &uuid, deletes ? NULL : name);
    sim_note (sim, "node %d: an app writes %zu bytes of %s: %s", node, size,
        rows ? "a row" : "a record", error_name (rc));
    free (name);
}

static void write_others (life_t *self, int node)
{
    for (uint64_t more = self->large ? 1 + sim_random (self->sim, 8) : 1; more; more--)
        write_other (self, node);
}

//  ---- faults

static void cut_or_join (life_t *self, int a, int b)
{
    sim_t *sim = self->sim;
    if (a == b)
        return;
    sim_note (sim, "--- nodes %d and %d %s", a, b,
        sim->cut[a][b] ? "see each other again" : "are cut from each other");
    sim_cut (sim, a, b, !sim->cut[a][b]);
}

//  All that it writes meanwhile is unseen by the others, and theirs by it.
static void cut_off_or_join (life_t *self, int node)
{
    sim_t *sim = self->sim;
    bool cut = !sim->cut[node][(node + 1) % (int)sim->count];
    sim_note (sim, "--- node %d %s", node, cut ? "is cut off" : "sees all again");
    for (int other = 0; other < (int)sim->count; other++)
        if (other != node)
            sim_cut (sim, node, other, cut);
}

static void begin (life_t *self, int node)
{
    sim_note (self->sim, "--- node %d starts", node);
    sim_start (self->sim, node);
    truth_expect_stored (self->truth, node);
}

static void end (life_t *self, int node)
{
    sim_note (self->sim, "--- node %d is killed", node);
    sim_kill (self->sim, node);
}

//  At a commit of its own, not only between two events.
static void arm (life_t *self, int node, uint64_t within)
{
    crash_t *crash = &self->sim->nodes[node].crash;
    if (crash->actor)
        return;
    crash->commits = 1 + sim_random (self->sim, within);
    crash->early = sim_random (self->sim, 2);
}

static void deafen (life_t *self, int to, int from)
{
    sim_t *sim = self->sim;
    if (to == from)
        return;
    sim_note (
        sim, "--- node %d hears node %d %s", to, from, sim->deaf[to][from] ? "again" : "no more");
    sim_deafen (sim, to, from, !sim->deaf[to][from]);
}

static void jump (life_t *self, int node)
{
    static const int64_t ms[] = {0, 0, 60, -60, -5000, -100000, 20000};
    if (!self->clocks)
        return;
    int64_t to = ms[sim_random (self->sim, sizeof ms / sizeof *ms)];
    sim_note (self->sim, "--- the clock of node %d is set to %lld ms ahead", node, (long long)to);
    self->sim->nodes[node].skew_ns = to * 1000000;
    //  As after a start, before the time is fetched.
    if (self->sim->nodes[node].running && sim_random (self->sim, 2)) {
        end (self, node);
        begin (self, node);
        truth_write_at (self->truth, node);
    }
}

//  ---- faults that are aimed at a copy: whoever joins or returns takes one

static bool somebody_copies (sim_t *sim, void *ret_node)
{
    for (int node = 0; node < (int)sim->count; node++)
        if (sim->nodes[node].running && !sim->nodes[node].crash.actor &&
            !sim_is_ready (sim, node)) {
            *(int *)ret_node = node;
            return true;
        }
    return false;
}

static void hit (life_t *self, int copier)
{
    sim_t *sim = self->sim;
    int other = (int)sim_random (sim, sim->count), target = sim_random (sim, 2) ? copier : other;
    switch (sim_random (sim, 6)) {
    case 0: truth_write (self->truth); break;
    case 1: write_others (self, other); break;
    case 2: arm (self, target, 3); break;
    case 3: sim->nodes[target].fail_commits = 1 + sim_random (sim, 2); break;
    case 4: cut_or_join (self, copier, other); break;
    default:
        for (uint64_t steps = sim_random (sim, 200); steps; steps--)
            sim_step (sim);
    }
}

//  If a copy is taken soon, things happen in the midst of it.
static void aim (life_t *self)
{
    int copier;
    if (!sim_until (self->sim, somebody_copies, &copier, 20))
        return;
    sim_note (self->sim, "--- node %d takes a copy, and meanwhile:", copier);
    for (uint64_t more = 1 + sim_random (self->sim, 4); more; more--)
        hit (self, copier);
}

//  ---- a backup is put back

//  The backup has it, or somebody else.
static bool is_kept (void *context, const timestamp_t *stamp)
{
    life_t *self = context;
    if (stamp->time <= self->backed_up)
        return true;
    for (int node = 0; node < (int)self->sim->count; node++)
        if (!uuid_equal (&self->sim->nodes[node].identity.client, &stamp->client) &&
            checks_has (self->checks, node, stamp))
            return true;
    return false;
}

//  A backup is put back, and some time later a member's loss is what nobody else had.
static void restore (life_t *self, int node)
{
    sim_t *sim = self->sim;
    if (self->kind != KIND_RESTORED || !sim->nodes[node].running || sim->nodes[node].outside ||
        sim->nodes[node].crash.actor || !sim_is_ready (sim, node) ||
        sim_has_setting (sim, node, "restored"))
        return;
    sim->nodes[node].crash.commits = 0;
    self->backed_up = checks_own (self->checks, node);
    end (self, node);
    sim_backup (sim, node);
    begin (self, node);
    for (int i = 0; i < 6; i++)
        truth_write_at (self->truth, node);
    sim_pass (sim, sim_random (sim, 40));
    end (self, node);
    sim_pass (sim, 1); // what it had said is heard
    checks_restored (self->checks, node);
    truth_restored (self->truth, node, is_kept, self);
    sim_note (sim, "--- node %d is put back from its backup", node);
    sim_restore_asking (sim, node);
    sim_start (sim, node);
    if (sim_random (sim, 2))
        aim (self);
}

//  ---- one of all these

static void disturb (life_t *self)
{
    sim_t *sim = self->sim;
    int a = (int)sim_random (sim, sim->count), b = (int)sim_random (sim, sim->count);
    switch (sim_random (sim, 10)) {
    case 0: cut_or_join (self, a, b); break;
    case 1: cut_off_or_join (self, a); break;
    case 2:
        if (!sim->nodes[a].running)
            break;
        end (self, a);
        if (sim_random (sim, 2))
            begin (self, a);
        break;
    case 3:
        if (!sim->nodes[a].running)
            begin (self, a);
        break;
    case 4:
        sim->nodes[a].fail_commits = sim_random (sim, 4);
        sim_note (sim, "--- the next %llu commits of node %d fail",
            (unsigned long long)sim->nodes[a].fail_commits, a);
        break;
    case 5: jump (self, a); break;
    case 6: restore (self, a); break;
    case 7: arm (self, a, 12); break;
    case 8: deafen (self, a, b); break;
    default: sim_pass (sim, sim_random (sim, 20));
    }
}

//  Which half of the nodes sees which: now and then, for long, so that members are counted out.
static void divide (life_t *self)
{
    sim_t *sim = self->sim;
    uint64_t half = sim_random (sim, 2) ? sim_random (sim, 1u << sim->count) : 0;
    sim_note (sim, "--- the pool is divided: %llx", (unsigned long long)half);
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < a; b++)
            sim_cut (sim, a, b, (half >> a & 1) != (half >> b & 1));
    if (half == 0 && sim_random (sim, 2))
        aim (self);
    sim_pass (sim, sim_random (sim, 2) ? 10 : 200);
}

//  ---- who comes late

static void join_late (life_t *self)
{
    sim_t *sim = self->sim;
    int inviter = (int)sim_random (sim, sim->count);
    if (!self->late || !sim->nodes[self->late].outside || inviter == self->late ||
        !sim->nodes[inviter].running || !sim->nodes[self->late].running ||
        !sim_is_ready (sim, self->late))
        return;
    if (!sim_is_with (sim, self->late, inviter)) {
        int rc = sim_invite (sim, inviter, self->late);
        sim_note (sim, "--- node %d joins by node %d: %s", self->late, inviter, error_name (rc));
        aim (self);
        return;
    }
    sim->nodes[self->late].outside = false;
}

static bool has_joined (sim_t *sim, void *context)
{
    life_t *self = context;
    return sim_is_with (sim, self->late, 0);
}

//  A crash may have come between an invitation and its answer.
static void join_at_last (life_t *self)
{
    sim_t *sim = self->sim;
    for (int tries = 0; self->late && tries < 10 && !has_joined (sim, self); tries++) {
        if (sim_is_ready (sim, self->late))
            sim_invite (sim, 0, self->late);
        sim_until (sim, has_joined, self, 30);
    }
    sim_check (sim, !self->late || has_joined (sim, self), "convergence", "node %d does not join",
        self->late);
    sim->nodes[self->late].outside = false;
}

//  ---- a life

//  What is cut stays so here and there, but nobody is cut off.
static void calm_down (life_t *self)
{
    sim_t *sim = self->sim;
    bool sparse = self->kind == KIND_FAULTS && !self->late && sim_random (sim, 2);
    sim_note (sim, "--- all is well from now on%s", sparse ? ", but not all see each other" : "");
    for (int a = 0; a < (int)sim->count; a++) {
        sim->nodes[a].fail_commits = 0;
        sim->nodes[a].skew_ns = 0;
        sim->nodes[a].crash.commits = 0;
        while (sim->nodes[a].crash.actor)
            sim_step (sim);
        if (!sim->nodes[a].running)
            begin (self, a);
        int sees = a ? (int)sim_random (sim, (uint64_t)a) : 0;
        for (int b = 0; b < a; b++) {
            sim_cut (sim, a, b, sparse && b != sees && sim_random (sim, 2));
            sim_deafen (sim, a, b, false);
            sim_deafen (sim, b, a, false);
        }
    }
}

typedef struct look {
    const checks_t *checks;
    int node;
} look_t;

static bool all_have (void *context, const timestamp_t *stamp)
{
    const look_t *look = context;
    return checks_all_have (look->checks, look->node, stamp);
}

static void happen (life_t *self)
{
    sim_t *sim = self->sim;
    if (self->kind == KIND_COUNTED_OUT && sim_random (sim, 8) == 0)
        divide (self);
    else if (sim_random (sim, 4) == 0)
        disturb (self);
    else if (sim_random (sim, 6) == 0)
        write_others (self, (int)sim_random (sim, sim->count));
    else if (self->late && sim_random (sim, 8) == 0)
        join_late (self);
    else
        truth_write (self->truth);
    if (self->kind == KIND_FAULTS) {
        int node = (int)sim_random (sim, sim->count);
        look_t look = {self->checks, node};
        if (sim->nodes[node].running && !sim->nodes[node].outside)
            truth_expect_remembered (self->truth, node, all_have, &look);
    }
}

static const uint64_t latencies_ms[] = {0, 0, 20, 300};

static void prepare (life_t *self, uint64_t seed, size_t nodes)
{
    sim_t *sim = self->sim = sim_new (seed, nodes);
    self->truth = truth_new (sim);
    truth_several (self->truth);
    if (self->kind == KIND_COUNTED_OUT)
        sim_intervals (sim, 120, 5);
    else if (seed % 2) // much is purged while it goes on
        sim_intervals (sim, 2592000, 2);
    if (sim_random (sim, 4))
        truth_narrow (self->truth, 3 + sim_random (sim, 4));
    self->clocks = self->kind == KIND_FAULTS && sim_random (sim, 2) == 0;
    self->large = sim_random (sim, 4) == 0;
    self->late = self->kind == KIND_FAULTS && sim_random (sim, 3) == 0 ? (int)nodes - 1 : 0;
    for (int node = 1; node < (int)nodes; node++) {
        sim->nodes[node].outside = node == self->late;
        if (node != self->late)
            sim_pair (sim, (int)sim_random (sim, (uint64_t)node), node);
    }
    self->checks = checks_new (sim, self->kind == KIND_COUNTED_OUT);
    sim->latency_ns =
        latencies_ms[sim_random (sim, sizeof latencies_ms / sizeof *latencies_ms)] * 1000000;
}

//  Is it one of the events of SIM_EVENTS, as in "0-3,7,12-40"? All are where nothing is said.
static bool is_wanted (size_t event)
{
    const char *at = getenv ("SIM_EVENTS");
    while (at && *at) {
        char *end_of;
        size_t first = strtoul (at, &end_of, 10), last = first;
        if (*end_of == '-')
            last = strtoul (end_of + 1, &end_of, 10);
        if (event >= first && event <= last)
            return true;
        at = *end_of ? end_of + 1 : end_of;
    }
    return !at;
}

//  What an event draws has nothing to do with what the one before it drew.
static uint64_t event_seed (uint64_t seed, size_t event)
{
    uint64_t mixed = seed * 0x9E3779B97F4A7C15ull + event;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBull;
    return mixed ^ mixed >> 31;
}

//  What is owed then is owed after it.
static void restart_all (life_t *self)
{
    bool restarts = sim_random (self->sim, 2);
    for (int node = 0; restarts && node < (int)self->sim->count; node++) {
        end (self, node);
        begin (self, node);
    }
}

//  Answers the hash of all that was said.
static uint64_t live (uint64_t seed, size_t nodes, size_t events, enum kind kind)
{
    life_t life = {.kind = kind};
    const char *fewer = getenv ("SIM_NODES");
    prepare (&life, seed, fewer ? strtoul (fewer, NULL, 10) : nodes);
    for (size_t event = 0; event < events; event++) {
        life.sim->random = event_seed (seed, event);
        if (is_wanted (event)) {
            sim_note (life.sim, "[event %zu]", event);
            happen (&life);
        }
    }
    calm_down (&life);
    join_at_last (&life);
    //  Who stalls half way of a return holds up others until it is declared anew.
    sim_expect_converged (life.sim, kind == KIND_FAULTS ? 300 : 1500);
    if (checks_returned (life.checks))
        truth_expect_kept (life.truth);
    else
        truth_expect_defined (life.truth);
    if (kind == KIND_FAULTS) {
        restart_all (&life);
        checks_rest (life.checks, life.truth);
    }
    uint64_t hash = life.sim->hash;
    checks_destroy (&life.checks);
    truth_destroy (&life.truth);
    sim_destroy (&life.sim);
    return hash;
}

//  SIM_SEED runs one seed alone, SIM_SEEDS that many from 1000 on, both together that many from that one on; each is told.
//  SIM_TWICE: each runs once more, and has to be the same.
static void live_all (uint64_t seeds, size_t events, enum kind kind)
{
    const char *one = getenv ("SIM_SEED"), *many = getenv ("SIM_SEEDS");
    uint64_t first = one ? strtoull (one, NULL, 10) : 1000;
    uint64_t count = many ? strtoull (many, NULL, 10) : one ? 1 : seeds;
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (one || many)
            fprintf (stderr, "run %llu\n", (unsigned long long)seed);
        uint64_t hash = live (seed, 2 + seed % 4, events, kind);
        if (getenv ("SIM_TWICE"))
            cr_assert_eq (live (seed, 2 + seed % 4, events, kind), hash,
                "seed %llu: replay: a second run is another", (unsigned long long)seed);
    }
}

Test (random, pools_converge_after_faults_on_what_the_definition_says)
{
    live_all (60, 150, KIND_FAULTS);
}

Test (random, pools_whose_members_are_counted_out_lose_nothing_and_resurrect_nothing)
{
    live_all (40, 100, KIND_COUNTED_OUT);
}

Test (random, pools_whose_members_are_put_back_from_backups_lose_what_nobody_else_had_and_no_more)
{
    live_all (30, 80, KIND_RESTORED);
}

Test (random, one_seed_is_one_run_whatever_ran_before_it)
{
    for (enum kind kind = KIND_FAULTS; kind <= KIND_RESTORED; kind++)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            uint64_t hash = live (seed, 2 + seed % 4, 60, kind);
            cr_assert_eq (live (seed, 2 + seed % 4, 60, kind), hash, "seed %llu, kind %d",
                (unsigned long long)seed, kind);
            cr_assert_neq (live (seed + 1000, 2 + seed % 4, 60, kind), hash);
        }
}

//  random - see random.h
//
//  A seed gives a list of steps, and its own weights of what happens how often. Steps that fail are
//  shrunk by leaving out stretches of them, half as long each time, as long as something still fails.

#include "tests/join/random.h"

#include "tests/join/pool.h"

#define STEPS 8000

static uint64_t random_next (uint64_t *state)
{
    uint64_t bits = *state += 0x9e3779b97f4a7c15ull;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
    return bits ^ (bits >> 31);
}

static unsigned below (uint64_t *state, unsigned limit)
{
    return (unsigned)(random_next (state) % limit);
}

typedef struct weights {
    unsigned kinds[STEP_KINDS];
    unsigned total;
    unsigned records;
    unsigned deletes; // of 16 writes
    unsigned amount;  // how much is pulled at most
} weights_t;

static weights_t weights_of (uint64_t *state)
{
    weights_t weights = {.kinds = {30 + below (state, 60), 20 + below (state, 60),
                             1 + below (state, 10), below (state, 20), 1 + below (state, 4)},
        .records = 4 + below (state, RECORDS_MAX - 3),
        .deletes = 1 + below (state, 6),
        .amount = 2 + below (state, 60)};
    for (size_t i = 0; i < STEP_KINDS; i++)
        weights.total += weights.kinds[i];
    return weights;
}

static step_t step_of (const weights_t *weights, uint64_t *state)
{
    step_t step = {.client = (int)below (state, CLIENTS_MAX)};
    unsigned ticket = below (state, weights->total);
    while (ticket >= weights->kinds[step.kind])
        ticket -= weights->kinds[step.kind++];
    step.other = (int)below (state, CLIENTS_MAX);
    step.record = (int)below (state, weights->records);
    step.action = below (state, 16) < weights->deletes ? ACTION_DELETE : (int)below (state, 2);
    step.on_conflict = (int)below (state, 3);
    step.properties = below (state, 1 << PROPERTIES_MAX);
    step.amount = below (state, weights->amount);
    return step;
}

static void print_step (const step_t *step)
{
    static const char *const kinds[] = {"write", "pull", "ack", "purge", "copy"};
    fprintf (stderr, "    %c %s", 'A' + step->client, kinds[step->kind]);
    if (step->kind == STEP_PULL || step->kind == STEP_COPY)
        fprintf (stderr, " from %c, %u", 'A' + step->other, step->amount);
    if (step->kind == STEP_WRITE)
        fprintf (stderr, " record %d: %s %s, properties %x, ahead %u", step->record,
            action_name (step->action), conflict_name (step->on_conflict), step->properties,
            step->amount);
    fprintf (stderr, "\n");
}

static size_t shrink (record_rule_t rule, step_t *steps, size_t count)
{
    static step_t fewer[STEPS];
    pool_tally_t tally;
    pool_fault_t fault;
    for (size_t stretch = count / 2; stretch > 0; stretch /= 2) {
        for (size_t from = 0; from < count;) {
            size_t to = from + stretch < count ? from + stretch : count;
            memcpy (fewer, steps, from * sizeof *steps);
            memcpy (fewer + from, steps + to, (count - to) * sizeof *steps);
            if (pool_play (rule, fewer, count - (to - from), &tally, &fault))
                from = to;
            else {
                count -= to - from;
                memcpy (steps, fewer, count * sizeof *steps);
            }
        }
    }
    return count;
}

bool random_run (record_rule_t rule, uint64_t seed)
{
    static step_t steps[STEPS];
    uint64_t state = seed;
    weights_t weights = weights_of (&state);
    for (size_t i = 0; i < STEPS; i++)
        steps[i] = step_of (&weights, &state);
    pool_tally_t tally;
    pool_fault_t fault;
    bool ok = pool_play (rule, steps, STEPS, &tally, &fault);
    printf ("%s: seed %llu: %zu writes, %zu refused, %zu deliveries, %zu duplicates, %zu copies, "
            "%zu purges\n",
        rule_name (rule), (unsigned long long)seed, tally.writes, tally.refused, tally.deliveries,
        tally.duplicates, tally.copies, tally.purges);
    fflush (stdout);
    if (ok)
        return true;
    size_t count = fault.step + 1 < STEPS ? fault.step + 1 : STEPS;
    count = shrink (rule, steps, count);
    pool_play (rule, steps, count, &tally, &fault);
    fprintf (stderr, "join: %s, seed %llu, %zu steps:\n", rule_name (rule),
        (unsigned long long)seed, count);
    for (size_t i = 0; i < count; i++)
        print_step (&steps[i]);
    fprintf (stderr, "  client %c, record %d: %s\n", 'A' + fault.client, fault.record, fault.why);
    return false;
}

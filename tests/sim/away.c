//  away - pools in which somebody is away, and comes back

#include "tests/sim/away.h"

#include <stdlib.h>

sim_t *away_pool (uint64_t seed, size_t nodes)
{
    sim_t *sim = sim_new (seed, nodes);
    sim_intervals (sim, 600, 20);
    for (size_t node = 1; node < nodes; node++)
        sim_pair (sim, 0, (int)node);
    sim_pass (sim, 60);
    return sim;
}

void away_part (sim_t *sim, unsigned half, bool cut)
{
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < a; b++)
            if ((half >> a & 1) != (half >> b & 1))
                sim_cut (sim, a, b, cut);
}

void away_part_all (sim_t *sim, bool cut)
{
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < a; b++)
            sim_cut (sim, a, b, cut);
}

static bool nobody_is_declared (sim_t *sim, void *unused)
{
    (void)unused;
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < (int)sim->count; b++)
            if (sim_is_declared (sim, a, b))
                return false;
    return sim_converged (sim, NULL);
}

void away_expect_whole (sim_t *sim)
{
    cr_assert (sim_until (sim, nobody_is_declared, NULL, 600), "seed %llu does not come together",
        (unsigned long long)sim->seed);
}

void away_large_records (sim_t *sim, int node, uint64_t first)
{
    enum { SIZE = 300000 };
    char *name = malloc (SIZE + 1);
    memset (name, 'n', SIZE);
    name[SIZE] = 0;
    for (uint64_t record = first; record < first + 4; record++) {
        uuid16_t uuid = sim_uuid (record);
        cr_assert_eq (sim_apply (sim, node, "create", "tags", &uuid, name), 0);
    }
    free (name);
}

bool away_copies (sim_t *sim, void *node)
{
    return sim_has_setting (sim, *(int *)node, "return");
}

bool away_takes_a_copy (sim_t *sim, void *node)
{
    return sim_has_setting (sim, *(int *)node, "joining");
}

bool away_is_said (sim_t *sim, void *context)
{
    const away_word_t *word = context;
    return sim_is_returning (sim, word->node, word->other);
}

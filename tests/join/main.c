//  join - proves the join of shared records; README.md here tells what is tried
//
//      join                     what ctest runs: all histories of up to four events, a share of those of
//                               five, some long ones
//      join --share N           one of N of what takes longest: for the sanitizers
//      join --all               every history of five events
//      join --random --seeds N --seed S    only long ones: N of them, beginning with seed S

#include "tests/join/histories.h"
#include "tests/join/random.h"

#include <stdlib.h>

static const record_rule_t rules[] = {
    {CRDT_GSET, DELETE_WINS}, {CRDT_LWW, DELETE_WINS}, {CRDT_LWW, DELETE_LATEST}};
#define RULES (sizeof rules / sizeof *rules)

static bool run_task (task_t task)
{
    bool ok = task_run (&task);
    const tally_t *tally = &task.tally;
    printf ("%s: %zu events, %s, 1 of %u: %llu histories, %llu orders, %llu states, %llu joins, "
            "%llu purges, %llu variants\n",
        rule_name (task.rule), task.size, task.all_actions ? "either property" : "one property",
        task.share, (unsigned long long)tally->histories, (unsigned long long)tally->orders,
        (unsigned long long)tally->states, (unsigned long long)tally->joins,
        (unsigned long long)tally->purges, (unsigned long long)tally->variants);
    fflush (stdout);
    return ok;
}

static bool run_rules (task_t task)
{
    for (size_t i = 0; i < RULES; i++) {
        task.rule = rules[i];
        if (!run_task (task))
            return false;
    }
    return true;
}

//  Smaller histories first: so what is found first is small already.
static bool run_histories (bool all, unsigned share)
{
    for (size_t size = 1; size < SMALL_MAX; size++)
        if (!run_rules ((task_t){.size = size, .all_actions = true, .share = size < 4 ? 1 : share}))
            return false;
    task_t five = {.size = SMALL_MAX, .share = all ? 1 : 20 * share};
    task_t five_either = {.size = SMALL_MAX, .all_actions = true, .share = all ? 20 : 600 * share};
    return run_rules (five) && run_rules (five_either);
}

int main (int argc, char **argv)
{
    bool all = false;
    unsigned share = 1;
    bool only_random = false;
    uint64_t first = 1;
    uint64_t count = 20;
    for (int i = 1; i < argc; i++) {
        if (strcmp (argv[i], "--all") == 0)
            all = true;
        else if (strcmp (argv[i], "--random") == 0)
            only_random = true;
        else if (strcmp (argv[i], "--share") == 0 && i + 1 < argc)
            share = (unsigned)strtoul (argv[++i], NULL, 10);
        else if (strcmp (argv[i], "--seeds") == 0 && i + 1 < argc)
            count = strtoull (argv[++i], NULL, 10);
        else if (strcmp (argv[i], "--seed") == 0 && i + 1 < argc)
            first = strtoull (argv[++i], NULL, 10);
        else {
            fprintf (stderr, "join [--share N] [--all] [--random] [--seeds N] [--seed S]\n");
            return 2;
        }
    }
    bool ok = only_random || run_histories (all, share);
    for (uint64_t seed = first; ok && seed < first + count; seed++)
        for (size_t i = 0; ok && i < RULES; i++)
            ok = random_run (rules[i], seed);
    return ok ? 0 : 1;
}

//  test_random_found - seeds that once failed, as random pools were then: fewer kinds of faults, one random number after
//  the other, members counted out

#include "tests/sim/truth.h"

static void disturb (sim_t *sim)
{
    int a = (int)sim_random (sim, sim->count), b = (int)sim_random (sim, sim->count);
    switch (sim_random (sim, 6)) {
    case 0:
    case 1:
        if (a != b)
            sim_cut (sim, a, b, !sim->cut[a][b]);
        break;
    case 2:
        if (sim->nodes[a].running)
            sim_kill (sim, a);
        break;
    case 3:
        if (!sim->nodes[a].running)
            sim_start (sim, a);
        break;
    case 4: sim->nodes[a].fail_commits = sim_random (sim, 4); break;
    default: sim_pass (sim, sim_random (sim, 20));
    }
}

//  Which half of the nodes sees which: now and then, for long, so that members are counted out.
static void divide (sim_t *sim)
{
    uint64_t half = sim_random (sim, 2) ? sim_random (sim, 1u << sim->count) : 0;
    for (int a = 0; a < (int)sim->count; a++)
        for (int b = 0; b < a; b++)
            sim_cut (sim, a, b, (half >> a & 1) != (half >> b & 1));
    sim_pass (sim, sim_random (sim, 2) ? 10 : 200);
}

static void calm_down (sim_t *sim)
{
    for (size_t a = 0; a < sim->count; a++) {
        if (!sim->nodes[a].running)
            sim_start (sim, (int)a);
        sim->nodes[a].fail_commits = 0;
        for (size_t b = 0; b < a; b++)
            sim_cut (sim, (int)a, (int)b, false);
    }
}

static void live (uint64_t seed, size_t nodes)
{
    sim_t *sim = sim_new (seed, nodes);
    truth_t *truth = truth_new (sim);
    sim_intervals (sim, 120, 5);
    for (size_t node = 1; node < nodes; node++)
        sim_pair (sim, (int)sim_random (sim, node), (int)node);
    for (size_t event = 0; event < 100; event++) {
        if (sim_random (sim, 8) == 0)
            divide (sim);
        else if (sim_random (sim, 4) == 0)
            disturb (sim);
        else
            truth_write (truth);
    }
    calm_down (sim);
    //  Who stalls half way of a return holds up others until it is declared anew.
    sim_expect_converged (sim, 1500);
    truth_expect_kept (truth);
    truth_destroy (&truth);
    sim_destroy (&sim);
}

Test (random, two_of_one_half_that_asked_one_member_at_once_return_one_after_the_other)
{
    live (1450, 4);
}

//  A purged deletion that a return issued anew ended what its receiver had written since.
Test (random, what_a_return_ends_at_whoever_wrote_it_is_found_there)
{
    live (701167, 2 + 701167 % 4);
}

//  Each of these did not come together once, for a reason of its own.
Test (random, pools_that_found_a_fault_come_together_again)
{
    static const uint64_t seeds[] = {
        500563, // who takes a copy carried from one half to the other when each was seen
        600506, // declared while it waited for a copy
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        live (seeds[i], 2 + seeds[i] % 4);
}

//  test_restored - a client whose data directory is put back from a backup

#include "tests/sim/away.h"

Test (return, a_restored_client_takes_back_its_own_later_batches)
{
    sim_t *sim = away_pool (50, 3);
    uuid16_t before = sim_uuid (1), after = sim_uuid (2), next = sim_uuid (3);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &before, "before"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_start (sim, 1);
    away_part (sim, 4, true); // one that is away keeps the log from being flushed
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &after, "after"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_restore (sim, 1);
    sim_start (sim, 1);
    sim_pass (sim, 30);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &after), "after");
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &next, "next"), 0);
    away_part (sim, 4, false);
    away_expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 2, "tags", &next), "next");
    cr_assert_not (sim_alarm (sim, 0, "FORKED") || sim_alarm (sim, 1, "FORKED"));
    sim_destroy (&sim);
}

Test (return, a_restored_client_that_needs_what_was_flushed_returns)
{
    sim_t *sim = away_pool (51, 3);
    uuid16_t before = sim_uuid (1), after = sim_uuid (2), next = sim_uuid (3), gone = sim_uuid (4);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &before, "before"), 0);
    cr_assert_eq (sim_apply (sim, 0, "create", "tags", &gone, "gone"), 0);
    sim_pass (sim, 60);
    sim_kill (sim, 1);
    sim_backup (sim, 1);
    sim_start (sim, 1);
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &after, "after"), 0);
    cr_assert_eq (sim_apply (sim, 2, "delete", "tags", &gone, NULL), 0);
    sim_pass (sim, 300);
    cr_assert_eq (sim_tombstones (sim, 0), 0);
    sim_kill (sim, 1);
    sim_restore (sim, 1);
    sim_start (sim, 1);
    away_expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 1, "tags", &after), "after");
    cr_assert_str_eq (sim_name (sim, 1, "tags", &gone), "");
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &next, "next"), 0);
    away_expect_whole (sim);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &next), "next");
    sim_destroy (&sim);
}

//  test_members - who is in the pool: tickets, removals, when somebody was last seen

#include "tests/sim/sim.h"

#include "store/clients.h"

#include <stdio.h>
#include <unistd.h>

#define DAY_S 86400

static void invite (sim_t *sim, int node, buffer_t *map, slice_t *ret_ticket)
{
    slice_t name;
    size_t count;
    cr_assert_eq (sim_command (sim, node, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), map), 0);
    cursor_t cursor = cursor_over (buffer_slice (map));
    cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
               cursor_skip (&cursor, ret_ticket) == 0);
}

static int join (sim_t *sim, int node, slice_t ticket)
{
    return sim_command (sim, node, ACTOR_POOL, "join", "ticket", ticket, NULL);
}

Test (members, ticket_is_good_for_a_day_and_not_longer)
{
    sim_t *sim = sim_new (31, 4);
    buffer_t map = {NULL, 0, 0};
    slice_t ticket;
    invite (sim, 0, &map, &ticket);
    sim_pass (sim, DAY_S - 10);
    cr_assert_eq (join (sim, 1, ticket), 0);
    sim_pass (sim, 60);
    invite (sim, 0, &map, &ticket);
    sim_pass (sim, DAY_S + 1);
    cr_assert_eq (join (sim, 2, ticket), ERR_TICKET_INVALID);
    //  Whose clock is two days behind believes in it still; the member that gave it does not.
    sim->nodes[3].skew_ns = -2ll * DAY_S * 1000000000;
    cr_assert_eq (join (sim, 3, ticket), ERR_TICKET_INVALID);
    buffer_release (&map);
    sim_destroy (&sim);
}

Test (members, removal_is_told_replicated_and_final)
{
    sim_t *sim = sim_new (32, 3);
    buffer_t uuid = {NULL, 0, 0}, map = {NULL, 0, 0};
    uuid16_t x = sim_uuid (1);
    slice_t ticket;
    sim_cut (sim, 1, 2, true); // the second hears of it from the first alone
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_expect_converged (sim, 60);
    pack_bin (&uuid, slice_of (&sim->nodes[2].identity.client, 16));
    cr_assert_eq (
        sim_command (sim, 0, ACTOR_POOL, "remove", "client", buffer_slice (&uuid), NULL), 0);
    sim_pass (sim, 10);
    cr_assert (sim_alarm (sim, 2, "REMOVED"));
    for (int node = 0; node < 2; node++) {
        cr_assert_eq (
            sim_command (sim, node, ACTOR_POOL, "remove", "client", buffer_slice (&uuid), NULL),
            ERR_NOT_MEMBER, "node %d", node);
        cr_assert_not (sim_alarm (sim, node, "REMOVED"));
    }
    //  Neither a new ticket nor a restart of anybody brings it back.
    invite (sim, 1, &map, &ticket);
    sim_cut (sim, 1, 2, false);
    cr_assert_neq (join (sim, 2, ticket), 0);
    for (int node = 0; node < 3; node++) {
        sim_kill (sim, node);
        sim_start (sim, node);
    }
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &x, "from outside"), 0);
    sim_pass (sim, 60);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &x), "");
    cr_assert_str_eq (sim_name (sim, 1, "tags", &x), "");
    buffer_release (&uuid);
    buffer_release (&map);
    sim_destroy (&sim);
}

//  The same key pair with nothing of what it had stored: it is in no pool that it knows of.
static void empty (sim_t *sim, int node)
{
    char path[192];
    sim_kill (sim, node);
    snprintf (path, sizeof path, "%s/data.mdb", sim->nodes[node].dir);
    cr_assert_eq (unlink (path), 0);
    sim_start (sim, node);
}

static sim_t *removed_by_0 (uint64_t seed, bool one_hears_of_it)
{
    sim_t *sim = sim_new (seed, 3);
    buffer_t uuid = {NULL, 0, 0};
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_expect_converged (sim, 60);
    if (!one_hears_of_it)
        sim_cut (sim, 0, 1, true);
    sim_cut (sim, 1, 2, true);
    pack_bin (&uuid, slice_of (&sim->nodes[2].identity.client, 16));
    cr_assert_eq (
        sim_command (sim, 0, ACTOR_POOL, "remove", "client", buffer_slice (&uuid), NULL), 0);
    sim_pass (sim, 60);
    sim_cut (sim, 0, 2, true);
    sim_cut (sim, 1, 2, false);
    empty (sim, 2);
    buffer_release (&uuid);
    return sim;
}

static bool is_member (sim_t *sim, int node, int other)
{
    txn_t *txn;
    client_t client;
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    bool member = clients_get (txn, &sim->nodes[other].identity.client, &client) == 0 &&
                  client_is_member (&client);
    store_abort (&txn);
    return member;
}

Test (members, who_was_removed_is_told_so_at_the_door)
{
    sim_t *sim = removed_by_0 (33, true);
    buffer_t map = {NULL, 0, 0};
    slice_t ticket;
    invite (sim, 1, &map, &ticket);
    cr_assert_eq (join (sim, 2, ticket), ERR_REMOVED);
    buffer_release (&map);
    sim_destroy (&sim);
}

//  A member that has not heard of the removal lets it in again; when it hears, that is over.
Test (members, no_admission_lifts_a_removal)
{
    sim_t *sim = removed_by_0 (34, false);
    uuid16_t before = sim_uuid (1), after = sim_uuid (2);
    buffer_t map = {NULL, 0, 0};
    slice_t ticket;
    invite (sim, 1, &map, &ticket);
    cr_assert_eq (join (sim, 2, ticket), 0);
    sim_pass (sim, 60);
    cr_assert (sim_is_ready (sim, 2));
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &before, "of 1"), 0);
    sim_pass (sim, 30);
    cr_assert_str_eq (sim_name (sim, 2, "tags", &before), "of 1", "it was not let in");
    sim_cut (sim, 0, 1, false);
    sim_pass (sim, 60);
    for (int node = 0; node < 2; node++)
        cr_assert_not (is_member (sim, node, 2), "node %d", node);
    cr_assert (sim_alarm (sim, 2, "REMOVED"));
    cr_assert_eq (sim_apply (sim, 1, "create", "tags", &after, "of 1"), 0);
    sim_pass (sim, 60);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &after), "of 1");
    cr_assert_str_eq (sim_name (sim, 2, "tags", &after), "");
    buffer_release (&map);
    sim_destroy (&sim);
}

//  Who is let in by nobody is in no pool: it goes on alone, with what it has.
Test (members, a_ticket_of_who_was_removed_meanwhile_is_refused_and_changes_nothing)
{
    sim_t *sim = sim_new (35, 3);
    buffer_t uuid = {NULL, 0, 0}, map = {NULL, 0, 0};
    uuid16_t x = sim_uuid (1);
    slice_t ticket;
    sim_pair (sim, 0, 1);
    sim_pass (sim, 30);
    invite (sim, 1, &map, &ticket);
    pack_bin (&uuid, slice_of (&sim->nodes[1].identity.client, 16));
    cr_assert_eq (
        sim_command (sim, 0, ACTOR_POOL, "remove", "client", buffer_slice (&uuid), NULL), 0);
    sim_pass (sim, 60);
    cr_assert (sim_alarm (sim, 1, "REMOVED"));
    sim_kill (sim, 1); // it remembers
    sim_start (sim, 1);
    sim_pass (sim, 5);
    cr_assert (sim_alarm (sim, 1, "REMOVED"));
    cr_assert_eq (
        sim_command (sim, 1, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), NULL), ERR_REMOVED);
    cr_assert_eq (join (sim, 2, ticket), ERR_REMOVED);
    cr_assert (sim_is_ready (sim, 2));
    cr_assert_not (is_member (sim, 1, 2));
    cr_assert_eq (sim_apply (sim, 2, "create", "tags", &x, "alone"), 0);
    buffer_clear (&map);
    invite (sim, 0, &map, &ticket);
    cr_assert_eq (join (sim, 2, ticket), 0);
    sim_pass (sim, 60);
    cr_assert_str_eq (sim_name (sim, 0, "tags", &x), "alone");
    buffer_release (&uuid);
    buffer_release (&map);
    sim_destroy (&sim);
}

//  Who invited it was removed, and neither of them had heard of that: nobody could tell before they meet the others.
Test (members, who_was_let_in_by_a_removed_member_is_told_so_by_the_others_doors)
{
    sim_t *sim = sim_new (36, 3);
    buffer_t uuid = {NULL, 0, 0};
    sim_pair (sim, 0, 1);
    sim_pass (sim, 30);
    sim_cut (sim, 0, 1, true);
    sim_cut (sim, 0, 2, true);
    pack_bin (&uuid, slice_of (&sim->nodes[1].identity.client, 16));
    cr_assert_eq (
        sim_command (sim, 0, ACTOR_POOL, "remove", "client", buffer_slice (&uuid), NULL), 0);
    sim_pair (sim, 1, 2);
    sim_pass (sim, 200);
    for (int node = 1; node < 3; node++)
        cr_assert_not (sim_alarm (sim, node, "NOT_MEMBER"), "node %d", node);
    sim_cut (sim, 0, 1, false);
    sim_cut (sim, 0, 2, false);
    sim_pass (sim, 90);
    for (int node = 1; node < 3; node++)
        cr_assert (sim_alarm (sim, node, "NOT_MEMBER"), "node %d", node);
    cr_assert_not (sim_alarm (sim, 0, "NOT_MEMBER"));
    buffer_release (&uuid);
    sim_destroy (&sim);
}

//  A member that hears late of an admission lets nobody in before; then the alarm is over.
Test (members, who_was_not_let_in_for_a_while_and_is_then_has_no_alarm)
{
    sim_t *sim = sim_new (37, 3);
    sim_pair (sim, 0, 1);
    sim_pass (sim, 30);
    sim_cut (sim, 0, 1, true);
    sim_pair (sim, 0, 2);
    sim_pass (sim, 90);
    cr_assert (sim_alarm (sim, 2, "NOT_MEMBER"));
    sim_cut (sim, 0, 1, false);
    sim_pass (sim, 30);
    cr_assert_not (sim_alarm (sim, 2, "NOT_MEMBER"));
    sim_expect_converged (sim, 30);
    sim_destroy (&sim);
}

//  ---- last seen

//  Seconds since `node` believes that `other` was seen; -1: never.
static int64_t age (sim_t *sim, int node, int other)
{
    buffer_t map = {NULL, 0, 0};
    slice_t name, value;
    size_t count, pairs;
    int64_t found = -1;
    cr_assert_eq (sim_command (sim, node, ACTOR_POOL, "report", NULL, slice_of (NULL, 0), &map), 0);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    cr_assert_eq (cursor_map (&cursor, &count), 0);
    while (count--) {
        cr_assert (cursor_text (&cursor, &name) == 0 && cursor_skip (&cursor, &value) == 0);
        if (!slice_equal (name, slice_text ("last_seen")))
            continue;
        cursor_t list = cursor_over (value);
        cr_assert_eq (cursor_array (&list, &pairs), 0);
        while (pairs--) {
            uuid16_t client;
            uint64_t time, now = time_from_ns (1767225600ull * 1000000000 + sim->mono_ns +
                                               (uint64_t)sim->nodes[node].skew_ns);
            cr_assert (cursor_array (&list, &(size_t){0}) == 0 &&
                       cursor_bin_exact (&list, &client, sizeof client) == 0 &&
                       cursor_uint (&list, &time) == 0);
            if (uuid_equal (&client, &sim->nodes[other].identity.client))
                found = (int64_t)(now - time) >> 32;
        }
    }
    buffer_release (&map);
    return found;
}

static void expect_age (sim_t *sim, int64_t least, int64_t most)
{
    for (int node = 0; node < 2; node++) {
        int64_t seen = age (sim, node, 2);
        cr_assert (seen >= least && seen <= most, "node %d: %lld s", node, (long long)seen);
    }
}

//  The clock of one member runs ahead, or behind, when the third was last seen, and is put right later; on the way it
//  may be started anew.
static void wrong_clock (uint64_t seed, int64_t skew_s, bool restarts)
{
    sim_t *sim = sim_new (seed, 3);
    sim_pair (sim, 0, 1);
    sim_pair (sim, 0, 2);
    sim_expect_converged (sim, 60);
    sim->nodes[1].skew_ns = skew_s * 1000000000;
    sim_pass (sim, 120);
    expect_age (sim, 0, 15);
    sim_kill (sim, 2);
    sim_pass (sim, 200);
    expect_age (sim, 190, 215);
    if (restarts)
        sim_kill (sim, 1);
    sim->nodes[1].skew_ns = 0;
    if (restarts)
        sim_start (sim, 1);
    sim_pass (sim, 400);
    expect_age (sim, 590, 615);
    cr_assert_leq (age (sim, 0, 1), 15);
    sim_destroy (&sim);
}

Test (members, last_seen_is_an_age_that_no_wrong_clock_poisons)
{
    const int64_t year = 365ll * DAY_S;
    wrong_clock (33, year, false);
    wrong_clock (34, -year, false);
    wrong_clock (35, year, true);
}

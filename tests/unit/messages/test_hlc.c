//  The hybrid logical clock's arithmetic.

#include <criterion/criterion.h>

#include "messages/error.h"
#include "messages/timestamp.h"
#include "tests/unit/messages/bytes.h"

#define SECOND (1ull << 32)
#define NOW    (1649487216ull << 32 | 0x65b530b0)

static uint64_t grant (hlc_t *clock, uint64_t wall, uint64_t count)
{
    uint64_t first = 0;
    cr_assert (hlc_grant (clock, wall, count, &first) == 0);
    return first;
}

Test (hlc, physical_time_leaves_the_low_four_bits_to_the_counter)
{
    cr_expect (hlc_physical (NOW) == NOW);
    cr_expect (hlc_physical (NOW + 15) == NOW);
    cr_expect (hlc_physical (NOW + 16) == NOW + 16);
    cr_expect (hlc_physical (UINT64_MAX) == UINT64_MAX - 15);
}

Test (hlc, gives_sixteen_stamps_in_a_tick_and_the_seventeenth_in_the_next)
{
    hlc_t clock = {0};
    for (uint64_t i = 0; i < 16; i++)
        cr_expect (grant (&clock, NOW + i, 1) == NOW + i); // the wall's low bits do not matter
    cr_expect (grant (&clock, NOW + 3, 1) == NOW + 16);
    cr_expect (grant (&clock, NOW + 15, 1) == NOW + 17);
    cr_expect (grant (&clock, NOW + 16, 1) == NOW + 18, "the tick was begun by the counter");
    cr_expect (grant (&clock, NOW + 32, 1) == NOW + 32, "physical time has caught up");
}

Test (hlc, gives_many_at_once_and_goes_on_behind_them)
{
    hlc_t clock = {0};
    cr_expect (grant (&clock, NOW, 1000) == NOW);
    cr_expect (clock.last == NOW + 999);
    cr_expect (grant (&clock, NOW + 16, 5) == NOW + 1000);
    cr_expect (grant (&clock, NOW + SECOND, 1) == NOW + SECOND);
}

Test (hlc, goes_on_from_its_last_time_when_the_wall_is_set_back_an_hour)
{
    hlc_t clock = {0};
    uint64_t last = grant (&clock, NOW, 1);
    for (int i = 0; i < 100; i++) {
        uint64_t time = grant (&clock, NOW - 3600 * SECOND + (uint64_t)i * SECOND, 1);
        cr_expect (time == last + 1);
        last = time;
    }
    cr_expect (grant (&clock, NOW + SECOND, 1) == NOW + SECOND);
}

Test (hlc, never_repeats_itself_whatever_the_wall_says)
{
    uint64_t state = 9;
    hlc_t clock = {0};
    uint64_t last = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t wall = NOW + number_next (&state) % (7200 * SECOND);
        uint64_t count = 1 + number_next (&state) % 40;
        if (number_next (&state) % 4 == 0)
            hlc_receive (&clock, wall, NOW + number_next (&state) % (7200 * SECOND), SECOND);
        uint64_t first = grant (&clock, wall, count);
        cr_assert (first > last && first >= hlc_physical (wall) && first > 0);
        last = first + count - 1;
        cr_assert (clock.last == last);
    }
}

Test (hlc, begins_after_none_even_where_the_wall_says_1970)
{
    hlc_t clock = {0};
    cr_expect (grant (&clock, 0, 1) == 1, "0 means none");
    cr_expect (grant (&clock, 7, 1) == 2);
}

Test (hlc, refuses_at_the_end_of_time_and_stays)
{
    uint64_t first = 42;
    hlc_t clock = {UINT64_MAX};
    cr_expect (hlc_grant (&clock, NOW, 1, &first) == ERR_CLOCK);
    clock.last = UINT64_MAX - 3;
    cr_expect (hlc_grant (&clock, NOW, 4, &first) == ERR_CLOCK);
    cr_expect (hlc_grant (&clock, NOW, UINT64_MAX, &first) == ERR_CLOCK);
    cr_expect (clock.last == UINT64_MAX - 3 && first == 42);
    cr_expect (hlc_grant (&clock, NOW, 3, &first) == 0);
    cr_expect (first == UINT64_MAX - 2 && clock.last == UINT64_MAX);
}

Test (hlc, a_received_time_moves_it_forward_and_never_back)
{
    hlc_t clock = {0};
    uint64_t drift_max = time_from_ms (100);
    cr_expect (hlc_receive (&clock, NOW, NOW + 1000, drift_max) == 0 && clock.last == NOW + 1000);
    cr_expect (grant (&clock, NOW, 1) == NOW + 1001);
    cr_expect (hlc_receive (&clock, NOW, NOW + 500, drift_max) == 0);
    cr_expect (clock.last == NOW + 1001);
    //  The past is never a drift: a week is welcome.
    cr_expect (hlc_receive (&clock, NOW, NOW - 7 * 86400 * SECOND, drift_max) == 0);
    cr_expect (hlc_receive (&clock, NOW, 0, drift_max) == 0);
    cr_expect (clock.last == NOW + 1001);
}

Test (hlc, accepts_exactly_drift_max_ahead_and_refuses_one_more)
{
    uint64_t drift_max = time_from_ms (100);
    for (uint64_t low = 0; low < 16;
         low++) { // ahead of physical time, whatever the wall's low bits
        hlc_t clock = {0};
        cr_expect (
            hlc_receive (&clock, NOW + low, NOW + drift_max + 1, drift_max) == ERR_CLOCK_AHEAD);
        cr_expect (clock.last == 0, "a refused time does not move the clock");
        cr_expect (hlc_receive (&clock, NOW + low, NOW + drift_max, drift_max) == 0);
        cr_expect (clock.last == NOW + drift_max);
        //  Refused though the clock is there already: the rule is about physical time.
        cr_expect (
            hlc_receive (&clock, NOW + low, NOW + drift_max + 1, drift_max) == ERR_CLOCK_AHEAD);
        cr_expect (clock.last == NOW + drift_max);
    }
}

Test (hlc, says_how_far_ahead_a_time_is)
{
    cr_expect (hlc_ahead (NOW, NOW) == 0);
    cr_expect (hlc_ahead (NOW, NOW - 1) == 0);
    cr_expect (hlc_ahead (NOW, 0) == 0);
    cr_expect (hlc_ahead (NOW, NOW + 1) == 1);
    cr_expect (hlc_ahead (NOW + 15, NOW + 16) == 16, "physical time has its low bits cleared");
    cr_expect (hlc_ahead (0, UINT64_MAX) == UINT64_MAX);
}

Test (hlc, one_message_from_the_far_future_poisons_nobody)
{
    hlc_t clock = {0};
    cr_expect (hlc_receive (&clock, NOW, UINT64_MAX, time_from_ms (100)) == ERR_CLOCK_AHEAD);
    cr_expect (grant (&clock, NOW, 1) == NOW);
}

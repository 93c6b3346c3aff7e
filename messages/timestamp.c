//  timestamp, hlc - the numbers of the time, and the clock's arithmetic; the text is in
//  timestamp_text.c

#include "messages/timestamp.h"

#include <assert.h>

#define NS_PER_SECOND 1000000000ull
#define MS_PER_SECOND 1000ull
#define FRACTION_BITS 32
#define FRACTION_MASK 0xffffffffull

int timestamp_compare (const timestamp_t *a, const timestamp_t *b)
{
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return uuid_compare (&a->client, &b->client);
}

void timestamp_pack (const timestamp_t *self, buffer_t *out)
{
    pack_array (out, 2);
    pack_uint (out, self->time);
    pack_bin (out, slice_of (self->client.bytes, sizeof self->client.bytes));
}

int timestamp_unpack (cursor_t *cursor, timestamp_t *ret_timestamp)
{
    cursor_t next = *cursor;
    timestamp_t timestamp;
    size_t count;
    int rc = cursor_array (&next, &count);
    if (rc == 0 && count != 2)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_uint (&next, &timestamp.time);
    if (rc == 0)
        rc = cursor_bin_exact (&next, timestamp.client.bytes, sizeof timestamp.client.bytes);
    if (rc)
        return rc;
    *cursor = next;
    *ret_timestamp = timestamp;
    return 0;
}

uint64_t time_to_ns (uint64_t time)
{
    uint64_t fraction = time & FRACTION_MASK;
    return (time >> FRACTION_BITS) * NS_PER_SECOND + (fraction * NS_PER_SECOND >> FRACTION_BITS);
}

//  floor (f * 10^9 / 2^32) >= ns  is  f >= ns * 2^32 / 10^9, so the smallest f is that rounded up.
//  A step of f is less than a nanosecond, so the floor is ns itself and f stays below 2^32.
uint64_t time_from_ns (uint64_t ns)
{
    uint64_t seconds = ns / NS_PER_SECOND;
    uint64_t rest = ns % NS_PER_SECOND;
    assert (seconds <= FRACTION_MASK);
    uint64_t fraction = ((rest << FRACTION_BITS) + NS_PER_SECOND - 1) / NS_PER_SECOND;
    return seconds << FRACTION_BITS | fraction;
}

uint64_t time_from_ms (uint64_t ms)
{
    uint64_t seconds = ms / MS_PER_SECOND;
    uint64_t rest = ms % MS_PER_SECOND;
    if (seconds > FRACTION_MASK)
        return UINT64_MAX; // longer than the fixed point can say
    return seconds << FRACTION_BITS | ((rest << FRACTION_BITS) + MS_PER_SECOND / 2) / MS_PER_SECOND;
}

int hlc_grant (hlc_t *self, uint64_t wall, uint64_t count, uint64_t *ret_first)
{
    assert (count >= 1);
    if (self->last == UINT64_MAX)
        return ERR_CLOCK;
    uint64_t physical = hlc_physical (wall);
    uint64_t first = physical > self->last ? physical : self->last + 1;
    if (count - 1 > UINT64_MAX - first)
        return ERR_CLOCK;
    self->last = first + (count - 1);
    *ret_first = first;
    return 0;
}

uint64_t hlc_ahead (uint64_t wall, uint64_t time)
{
    uint64_t physical = hlc_physical (wall);
    return time > physical ? time - physical : 0;
}

int hlc_receive (hlc_t *self, uint64_t wall, uint64_t time, uint64_t drift_max)
{
    if (hlc_ahead (wall, time) > drift_max)
        return ERR_CLOCK_AHEAD;
    if (time > self->last)
        self->last = time;
    return 0;
}

//  timestamp, hlc - when an operation was made, and the clock that says so
//
//  A timestamp is (time: 64-bit NTP, 32.32 fixed point seconds since the Unix epoch; client), ordered
//  by time, then by client. In msgpack it is [uint64, bin 16]. Its text is RFC 3339 with nine digits
//  and the client in 32 upper-case hex digits:
//      2022-04-09T06:53:36.397295996Z/89F9DD8514914648989315B2D30D7BE5
//  Number to text truncates to the nanosecond; text to number is the smallest number that shows that
//  text, so text gives back a time whose text is the same.
//
//  The clock is a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014) with
//  uhlc's rules: semantics.md, "Time".

#ifndef TIDEPOOL_TIMESTAMP_H
#define TIDEPOOL_TIMESTAMP_H

#include "messages/pack.h"
#include "messages/uuid.h"

#define TIMESTAMP_TEXT_SIZE 80 // with its closing zero; a year over 9999 fits too

typedef struct timestamp {
    uint64_t time; // NTP 32.32 since 1970-01-01T00:00:00Z; 0 means "none" where that can be
    uuid16_t client;
} timestamp_t;

int timestamp_compare (const timestamp_t *a, const timestamp_t *b);

static inline bool timestamp_is_none (const timestamp_t *self)
{
    return self->time == 0;
}

void timestamp_pack (const timestamp_t *self, buffer_t *out);
int timestamp_unpack (cursor_t *cursor, timestamp_t *ret_timestamp);

//  "TEXT/ID" as above.
void timestamp_to_text (const timestamp_t *self, char ret_text[TIMESTAMP_TEXT_SIZE]);

//  "TEXT/ID" or "NUMBER/ID" (decimal number, 32 hex digits or a uuid's text); ERR_MALFORMED.
//  A fraction has 1 to 9 digits or is left out.
int timestamp_from_text (slice_t text, timestamp_t *ret_timestamp);

//  Only the time, "2022-04-09T06:53:36.397295996Z".
void time_to_text (uint64_t time, char ret_text[TIMESTAMP_TEXT_SIZE]);

//  Between NTP and nanoseconds since the Unix epoch. To nanoseconds truncates; from nanoseconds
//  gives the smallest time that truncates to them. ns < 2^32 * 10^9.
uint64_t time_to_ns (uint64_t time);
uint64_t time_from_ns (uint64_t ns);

//  ---- the clock's arithmetic; the actor `clock` owns one

#define HLC_COUNTER_MASK 0xFull // the low 4 bits of physical time are the counter's

typedef struct hlc {
    uint64_t last; // the largest time given or received
} hlc_t;

//  The physical part of a wall clock's reading: its low 4 bits cleared.
static inline uint64_t hlc_physical (uint64_t wall)
{
    return wall & ~HLC_COUNTER_MASK;
}

//  Gives `count` (>= 1) consecutive times, first, first + 1, …: first is the larger of physical time and
//  last + 1. ERR_CLOCK if they would pass 2^64 - 1; nothing moves then.
int hlc_grant (hlc_t *self, uint64_t wall, uint64_t count, uint64_t *ret_first);

//  How far `time` is ahead of this wall clock, in the same fixed point; 0 if it is not.
uint64_t hlc_ahead (uint64_t wall, uint64_t time);

//  Takes a time from elsewhere: moves the clock forward, or answers ERR_CLOCK_AHEAD if it is more than
//  drift_max (32.32) ahead of physical time, and then does not move.
int hlc_receive (hlc_t *self, uint64_t wall, uint64_t time, uint64_t drift_max);

//  Milliseconds as 32.32 fixed point, rounded to the nearest.
uint64_t time_from_ms (uint64_t ms);

#endif

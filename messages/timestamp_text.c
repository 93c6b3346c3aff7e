//  timestamp text - between a timestamp and "2022-04-09T06:53:36.397295996Z/89F9…" (RFC 3339)
//
//  The calendar is computed here (days from civil, after Howard Hinnant's "chrono-Compatible
//  Low-Level Date Algorithms"): no time zone, no locale and no libc call comes near it.

#include "messages/timestamp.h"

#include <stdio.h>

#define NS_PER_SECOND   1000000000ull
#define SECONDS_PER_DAY 86400ull
#define DAYS_PER_ERA    146097 // 400 years
#define EPOCH_DAY       719468 // 1970-01-01, counted from 0000-03-01
#define SECONDS_END     (1ull << 32)
#define FRACTION_DIGITS 9

typedef struct civil {
    unsigned year, month, day, hour, minute, second;
} civil_t;

//  Years begin in March here, so that the leap day is a year's last.
static civil_t civil_from_seconds (uint64_t seconds)
{
    unsigned of_day = (unsigned)(seconds % SECONDS_PER_DAY);
    unsigned days = (unsigned)(seconds / SECONDS_PER_DAY) + EPOCH_DAY;
    unsigned era = days / DAYS_PER_ERA;
    unsigned of_era = days % DAYS_PER_ERA;
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; // 0 is March
    civil_t civil;
    civil.day = of_year - (153 * month + 2) / 5 + 1;
    civil.month = month < 10 ? month + 3 : month - 9;
    civil.year = year + era * 400 + (civil.month <= 2);
    civil.hour = of_day / 3600;
    civil.minute = of_day / 60 % 60;
    civil.second = of_day % 60;
    return civil;
}

//  From 1970 on.
static uint64_t seconds_from_civil (const civil_t *civil)
{
    unsigned year = civil->year - (civil->month <= 2);
    unsigned of_era = year % 400;
    unsigned month = civil->month > 2 ? civil->month - 3 : civil->month + 9;
    unsigned of_year = (153 * month + 2) / 5 + civil->day - 1;
    unsigned days = year / 400 * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return (days - EPOCH_DAY) * SECONDS_PER_DAY + civil->hour * 3600 + civil->minute * 60 +
           civil->second;
}

static unsigned days_of_month (unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

//  A leap second is not a time of this scale.
static bool civil_valid (const civil_t *civil)
{
    return civil->year >= 1970 && civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= days_of_month (civil->year, civil->month) && civil->hour <= 23 &&
           civil->minute <= 59 && civil->second <= 59;
}

void time_to_text (uint64_t time, char ret_text[TIMESTAMP_TEXT_SIZE])
{
    uint64_t ns = time_to_ns (time);
    civil_t civil = civil_from_seconds (ns / NS_PER_SECOND);
    snprintf (ret_text, TIMESTAMP_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", civil.year,
        civil.month, civil.day, civil.hour, civil.minute, civil.second,
        (unsigned)(ns % NS_PER_SECOND));
}

void timestamp_to_text (const timestamp_t *self, char ret_text[TIMESTAMP_TEXT_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    time_to_text (self->time, ret_text);
    char *at = ret_text + strlen (ret_text);
    *at++ = '/';
    for (size_t i = 0; i < sizeof self->client.bytes; i++) {
        *at++ = digits[self->client.bytes[i] >> 4];
        *at++ = digits[self->client.bytes[i] & 15];
    }
    *at = 0;
}

//  ---- reading; each steps over what it has read, or answers false

static bool read_character (slice_t *text, char character)
{
    if (text->size == 0 || text->data[0] != (uint8_t)character)
        return false;
    *text = slice_of (text->data + 1, text->size - 1);
    return true;
}

static bool read_digit (slice_t *text, unsigned *ret_digit)
{
    if (text->size == 0 || text->data[0] < '0' || text->data[0] > '9')
        return false;
    *ret_digit = (unsigned)(text->data[0] - '0');
    *text = slice_of (text->data + 1, text->size - 1);
    return true;
}

//  A number of exactly so many digits.
static bool read_number (slice_t *text, int digits, unsigned *ret_number)
{
    unsigned number = 0;
    for (int i = 0; i < digits; i++) {
        unsigned digit;
        if (!read_digit (text, &digit))
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

//  Nothing, or a point and 1 to 9 digits.
static bool read_fraction (slice_t *text, unsigned *ret_ns)
{
    *ret_ns = 0;
    if (!read_character (text, '.'))
        return true;
    unsigned ns = 0;
    unsigned digit;
    int count = 0;
    for (; count < FRACTION_DIGITS && read_digit (text, &digit); count++)
        ns = ns * 10 + digit;
    if (count == 0)
        return false;
    for (; count < FRACTION_DIGITS; count++)
        ns *= 10;
    *ret_ns = ns;
    return true;
}

static int time_from_date (slice_t text, uint64_t *ret_time)
{
    civil_t civil;
    unsigned ns;
    bool read = read_number (&text, 4, &civil.year) && read_character (&text, '-') &&
                read_number (&text, 2, &civil.month) && read_character (&text, '-') &&
                read_number (&text, 2, &civil.day) && read_character (&text, 'T') &&
                read_number (&text, 2, &civil.hour) && read_character (&text, ':') &&
                read_number (&text, 2, &civil.minute) && read_character (&text, ':') &&
                read_number (&text, 2, &civil.second) && read_fraction (&text, &ns) &&
                read_character (&text, 'Z') && text.size == 0;
    if (!read || !civil_valid (&civil))
        return ERR_MALFORMED;
    uint64_t seconds = seconds_from_civil (&civil);
    if (seconds >= SECONDS_END)
        return ERR_MALFORMED;
    *ret_time = time_from_ns (seconds * NS_PER_SECOND + ns);
    return 0;
}

static int time_from_number (slice_t text, uint64_t *ret_time)
{
    uint64_t time = 0;
    unsigned digit;
    if (text.size == 0)
        return ERR_MALFORMED;
    while (read_digit (&text, &digit)) {
        if (time > (UINT64_MAX - digit) / 10)
            return ERR_MALFORMED;
        time = time * 10 + digit;
    }
    if (text.size > 0)
        return ERR_MALFORMED;
    *ret_time = time;
    return 0;
}

int timestamp_from_text (slice_t text, timestamp_t *ret_timestamp)
{
    const uint8_t *slash = text.size ? memchr (text.data, '/', text.size) : NULL;
    if (!slash)
        return ERR_MALFORMED;
    slice_t before = slice_of (text.data, (size_t)(slash - text.data));
    slice_t behind = slice_of (slash + 1, text.size - before.size - 1);
    timestamp_t timestamp;
    int rc = uuid_from_text (behind, &timestamp.client);
    if (rc == 0 && before.size > 4 && before.data[4] == '-')
        rc = time_from_date (before, &timestamp.time);
    else if (rc == 0)
        rc = time_from_number (before, &timestamp.time);
    if (rc == 0)
        *ret_timestamp = timestamp;
    return rc;
}

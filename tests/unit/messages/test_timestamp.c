//  Times as numbers and as text.

#include <criterion/criterion.h>
#include <stdio.h>

#include "messages/timestamp.h"
#include "tests/unit/messages/bytes.h"

#define ID "89F9DD8514914648989315B2D30D7BE5"

static uint64_t time_of (const char *text)
{
    char both[128];
    timestamp_t timestamp;
    snprintf (both, sizeof both, "%s/" ID, text);
    int rc = timestamp_from_text (bytes_copy (slice_text (both)), &timestamp);
    cr_assert (rc == 0, "%s", text);
    return timestamp.time;
}

static void expect_text (uint64_t time, const char *expected)
{
    char text[TIMESTAMP_TEXT_SIZE];
    time_to_text (time, text);
    cr_expect_str_eq (text, expected);
}

Test (timestamp, is_written_as_the_design_document_writes_it)
{
    static const char text[] = "2022-04-09T06:53:36.397295996Z/" ID;
    timestamp_t timestamp;
    char again[TIMESTAMP_TEXT_SIZE];
    cr_assert (timestamp_from_text (slice_text (text), &timestamp) == 0);
    cr_expect (timestamp.time == 0x62512d7065b530be);
    bytes_expect (slice_of (timestamp.client.bytes, 16), "89f9dd8514914648989315b2d30d7be5");
    timestamp_to_text (&timestamp, again);
    cr_expect_str_eq (again, text);
}

//  The seconds are from another implementation of the calendar.
Test (timestamp, text_and_number_agree)
{
    static const struct {
        const char *text;
        uint64_t time;
    } rows[] = {
        {"1970-01-01T00:00:00.000000000Z", 0},
        {"1970-01-01T00:00:00.000000001Z", 5},
        {"1970-01-01T00:00:00.999999999Z", 0xfffffffc},
        {"1970-01-01T00:00:01.000000000Z", 1ull << 32},
        {"1972-06-30T23:59:59.500000000Z", 78796799ull << 32 | 0x80000000},
        {"1999-12-31T23:59:59.250000000Z", 946684799ull << 32 | 0x40000000},
        {"2000-02-29T23:59:59.000000000Z", 951868799ull << 32},
        {"2024-02-29T00:00:00.000000000Z", 1709164800ull << 32},
        {"2038-01-19T03:14:07.999999999Z", 2147483647ull << 32 | 0xfffffffc},
        {"2038-01-19T03:14:08.000000000Z", 2147483648ull << 32},
        {"2100-02-28T23:59:59.000000000Z", 4107542399ull << 32},
        {"2100-03-01T00:00:00.000000000Z", 4107542400ull << 32},
        {"2106-02-07T06:28:15.000000000Z", 4294967295ull << 32},
        {"2106-02-07T06:28:15.999999999Z", 4294967295ull << 32 | 0xfffffffc},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect (time_of (rows[i].text) == rows[i].time, "%s", rows[i].text);
        expect_text (rows[i].time, rows[i].text);
    }
}

Test (timestamp, number_to_text_truncates)
{
    expect_text (1, "1970-01-01T00:00:00.000000000Z");
    expect_text (4, "1970-01-01T00:00:00.000000000Z");
    expect_text (5, "1970-01-01T00:00:00.000000001Z");
    expect_text (0xffffffff, "1970-01-01T00:00:00.999999999Z");
    expect_text (UINT64_MAX, "2106-02-07T06:28:15.999999999Z");
}

Test (timestamp, a_fraction_has_one_to_nine_digits_or_is_left_out)
{
    cr_expect (time_of ("1970-01-01T00:00:01Z") == 1ull << 32);
    cr_expect (time_of ("1970-01-01T00:00:01.5Z") == (1ull << 32 | 0x80000000));
    cr_expect (time_of ("1970-01-01T00:00:01.50Z") == (1ull << 32 | 0x80000000));
    cr_expect (time_of ("1970-01-01T00:00:01.500000000Z") == (1ull << 32 | 0x80000000));
    cr_expect (time_of ("1970-01-01T00:00:01.1Z") == (1ull << 32 | 0x1999999a));
}

Test (timestamp, text_gives_back_a_time_whose_text_is_the_same)
{
    uint64_t state = 5;
    for (int i = 0; i < 100000; i++) {
        uint64_t time = number_next (&state);
        char text[TIMESTAMP_TEXT_SIZE], again[TIMESTAMP_TEXT_SIZE];
        timestamp_t timestamp;
        timestamp_t from = {time, uuid_from ((uint8_t)i)};
        timestamp_to_text (&from, text);
        cr_assert (timestamp_from_text (slice_text (text), &timestamp) == 0);
        timestamp_to_text (&timestamp, again);
        cr_assert_str_eq (text, again);
        cr_assert (timestamp.time <= time && time - timestamp.time <= 4);
    }
}

Test (timestamp, text_gives_the_smallest_time_that_shows_it)
{
    uint64_t state = 6;
    for (int i = 0; i < 100000; i++) {
        uint64_t ns = number_next (&state) % (4294967296ull * 1000000000ull);
        uint64_t time = time_from_ns (ns);
        cr_assert (time_to_ns (time) == ns);
        cr_assert (time == 0 || time_to_ns (time - 1) < ns);
    }
    cr_expect (time_from_ns (0) == 0);
    cr_expect (time_to_ns (UINT64_MAX) == 4294967295999999999ull);
    cr_expect (time_from_ns (4294967295999999999ull) == 0xfffffffffffffffc);
}

Test (timestamp, every_day_of_the_scale_leads_back_to_itself)
{
    char before[TIMESTAMP_TEXT_SIZE] = "";
    for (uint64_t day = 0; day <= 49710; day++) {
        uint64_t time = day * 86400 << 32;
        char text[TIMESTAMP_TEXT_SIZE];
        time_to_text (time, text);
        cr_assert (strcmp (before, text) < 0, "%s %s", before, text);
        cr_assert (time_of (text) == time, "%s", text);
        memcpy (before, text, sizeof before);
    }
}

Test (timestamp, a_number_is_read_as_the_time_itself)
{
    static const struct {
        const char *text;
        uint64_t time;
    } rows[] = {
        {"0", 0},
        {"7", 7},
        {"00007", 7},
        {"7084493649596461246", 0x62512d7065b530be},
        {"18446744073709551615", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect (time_of (rows[i].text) == rows[i].time, "%s", rows[i].text);
}

Test (timestamp, the_client_may_be_written_as_a_uuid_is)
{
    timestamp_t timestamp;
    cr_assert (timestamp_from_text (
                   slice_text ("7/89f9dd85-1491-4648-9893-15b2d30d7be5"), &timestamp) == 0);
    bytes_expect (slice_of (timestamp.client.bytes, 16), "89f9dd8514914648989315b2d30d7be5");
}

Test (timestamp, other_texts_are_refused)
{
    static const char *const times[] = {
        "",
        "x",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.5",
        "0x10",
        "18446744073709551616",
        "99999999999999999999",
        "184467440737095516150",
        "2022-04-09",
        "2022-04-09T06:53:36.397295996",
        "2022-04-09T06:53:36.Z",
        "2022-04-09T06:53:36.1234567890Z",
        "2022-04-09T06:53:36,5Z",
        "2022-04-09T06:53Z",
        "2022-04-09 06:53:36Z",
        "2022-04-09t06:53:36z",
        "2022-04-09T06:53:36+00:00",
        "2022-04-09T06:53:36ZZ",
        "2022-4-9T06:53:36Z",
        "22-04-09T06:53:36Z",
        "02022-04-09T06:53:36Z",
        "2022-00-09T06:53:36Z",
        "2022-13-09T06:53:36Z",
        "2022-04-00T06:53:36Z",
        "2022-04-31T06:53:36Z",
        "2022-02-29T06:53:36Z",
        "2100-02-29T06:53:36Z",
        "2022-04-09T24:00:00Z",
        "2022-04-09T06:60:36Z",
        "2016-12-31T23:59:60Z",
        "1969-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "2106-02-07T06:28:16Z",
        "9999-12-31T23:59:59Z",
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char text[128];
        timestamp_t timestamp = {.time = 99};
        snprintf (text, sizeof text, "%s/" ID, times[i]);
        int rc = timestamp_from_text (bytes_copy (slice_text (text)), &timestamp);
        cr_expect (rc == ERR_MALFORMED && timestamp.time == 99, "%s", text);
    }
    static const char *const whole[] = {
        "", "/", "7", "7/", "/" ID, "7/" ID "0", "7/" ID "/", "7//" ID, "7/x", ID, ID "/7"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        timestamp_t timestamp;
        int rc = timestamp_from_text (bytes_copy (slice_text (whole[i])), &timestamp);
        cr_expect (rc == ERR_MALFORMED, "%s", whole[i]);
    }
}

static int decode_text (slice_t bytes)
{
    timestamp_t timestamp, again;
    char text[TIMESTAMP_TEXT_SIZE];
    int rc = timestamp_from_text (bytes, &timestamp);
    if (rc == 0) {
        timestamp_to_text (&timestamp, text);
        cr_assert (timestamp_from_text (slice_text (text), &again) == 0);
    }
    return rc;
}

Test (timestamp, no_mutation_of_a_text_leads_astray)
{
    expect_mutations_survived (
        slice_text ("2022-04-09T06:53:36.397295996Z/" ID), 20000, decode_text);
    expect_mutations_survived (slice_text ("18446744073709551615/" ID), 20000, decode_text);
}

Test (timestamp, order_is_by_time_then_by_client)
{
    timestamp_t ascending[] = {{0, uuid_from (9)}, {1, uuid_from (1)}, {1, uuid_from (2)},
        {2, uuid_from (0)}, {1ull << 40, uuid_from (0)}, {UINT64_MAX, uuid_from (0)}};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            int order = timestamp_compare (&ascending[i], &ascending[j]);
            cr_expect ((order > 0) - (order < 0) == (i > j) - (i < j), "%d %d", i, j);
        }
}

//  ---- packed

#define PACKED "92 cf62512d7065b530be c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static int decode (slice_t bytes)
{
    cursor_t cursor = cursor_over (bytes);
    timestamp_t timestamp;
    int rc = timestamp_unpack (&cursor, &timestamp);
    cr_assert (rc == 0 || cursor.at == bytes.data);
    return rc;
}

Test (timestamp, is_packed_as_a_pair)
{
    timestamp_t timestamp = {0x62512d7065b530be, uuid_from (0xa0)}, again;
    buffer_t out = {0};
    timestamp_pack (&timestamp, &out);
    bytes_expect (buffer_slice (&out), PACKED);
    cursor_t cursor = cursor_over (buffer_slice (&out));
    cr_assert (timestamp_unpack (&cursor, &again) == 0 && cursor_done (&cursor));
    cr_expect (timestamp_compare (&timestamp, &again) == 0);
    buffer_release (&out);
}

Test (timestamp, what_is_not_that_pair_is_refused)
{
    static const char *const forms[] = {
        "c0",
        "90",
        "9105",
        "93 05 c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf c0",
        "92 ff c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "92 cb3ff0000000000000 c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "92 05 c40f a0a1a2a3a4a5a6a7a8a9aaabacadae",
        "92 05 c411 a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0",
        "92 05 b0 61616161616161616161616161616161",
        "82 05 c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf c0 c0",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        cr_expect (decode (bytes_hex (forms[i])) == ERR_MALFORMED, "%s", forms[i]);
    expect_truncations_refused (bytes_hex (PACKED), decode);
    expect_mutations_survived (bytes_hex (PACKED), 20000, decode);
}

Test (timestamp, milliseconds_are_rounded_to_the_nearest)
{
    static const struct {
        uint64_t ms, time;
    } rows[] = {
        {0, 0},
        {1, 4294967},     // 4294967.296
        {3, 12884902},    // 12884901.888
        {100, 429496730}, // 429496729.6
        {500, 0x80000000},
        {1000, 1ull << 32},
        {1001, (1ull << 32) + 4294967},
        {2592000000, 2592000ull << 32},
        {4294967295999, 0xffffffffffbe76c9},
        {4294967296000, UINT64_MAX},
        {UINT64_MAX, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect (time_from_ms (rows[i].ms) == rows[i].time, "%zu", i);
}

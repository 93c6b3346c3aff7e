//  Ranges, and the records of a range as two nodes compare them (stretch.h).

#include "messages/stretch.h"
#include "messages/error.h"
#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const record_rule_t WINS = {CRDT_LWW, DELETE_WINS};

static uuid16_t uuid_n (uint8_t n)
{
    uuid16_t uuid = {{0}};
    uuid.bytes[15] = n;
    return uuid;
}

static range_t range_n (uint8_t from, uint8_t to)
{
    return (range_t){uuid_n (from), uuid_n (to), to == 0};
}

static void add (buffer_t *out, uint8_t n, const char *first, const char *second)
{
    record_t record = {0};
    uuid16_t uuid = uuid_n (n);
    const char *const texts[] = {first, second};
    for (size_t i = 0; i < 2 && texts[i]; i++) {
        sample_t sample;
        sample_parse (texts[i], &sample);
        past_t past = {&sample.seen, sample.operation.stamp};
        record_join (&record, &sample.operation, &past, WINS);
    }
    stretch_add (&uuid, &record, out);
    record_release (&record);
}

//  "1 2 7": the uuids of a stretch.
static const char *uuids (const buffer_t *stretch)
{
    static char text[256];
    cursor_t cursor = cursor_over (buffer_slice (stretch));
    record_t record = {0};
    uuid16_t uuid;
    slice_t bytes;
    size_t size = 0;
    text[0] = 0;
    while (stretch_next (&cursor, &uuid, &record, &bytes) == 0)
        size += (size_t)snprintf (
            text + size, sizeof text - size, "%s%d", size ? " " : "", uuid.bytes[15]);
    record_release (&record);
    return text;
}

Test (stretch, a_range_begins_behind_what_was_read)
{
    range_t range = range_n (3, 9);
    uuid16_t uuid = uuid_n (7), last;
    range_pass (&range, &uuid);
    uuid = uuid_n (8);
    cr_assert (uuid_equal (&range.from, &uuid) && range_has (&range, &uuid));
    range_pass (&range, &uuid);
    cr_assert (range_is_empty (&range));
    memset (&last, 0xff, sizeof last);
    range = (range_t){.open = true};
    cr_assert (range_has (&range, &last));
    range_pass (&range, &last);
    cr_assert (range_is_empty (&range) && !range_has (&range, &last));
}

Test (stretch, comparing_gives_and_takes_what_does_not_show_the_same)
{
    buffer_t ours = {0}, theirs = {0}, take = {0}, give = {0};
    range_t range = range_n (0, 9);
    add (&ours, 1, "A1 create a=1", NULL);
    add (&theirs, 1, "A1 create a=1", NULL);
    add (&ours, 2, "A1 create a=1", NULL); // other values
    add (&theirs, 2, "A1 create a=2", NULL);
    add (&ours, 3, "A1 create a=1", NULL);   // only here
    add (&theirs, 4, "A1 create a=1", NULL); // only there
    add (&ours, 5, "A1 create a=1", NULL);   // deleted there
    add (&theirs, 5, "A1 create a=1", "B2 delete");
    add (&ours, 6, "A1 create a=1", "B2 delete"); // shows nothing on either side
    add (&theirs, 7, "A1 create a=1", "B2 delete");
    add (&ours, 8, "A1 create a=1", "A2 update a=1"); // shows the same
    add (&theirs, 8, "A1 create a=1", NULL);
    add (&ours, 9, "A1 create a=1", NULL); // behind the range
    stretch_compare (buffer_slice (&ours), buffer_slice (&theirs), &range, WINS, &take, &give);
    cr_expect_str_eq (uuids (&give), "2 3 5");
    cr_expect_str_eq (uuids (&take), "2 4 5");
    buffer_release (&ours);
    buffer_release (&theirs);
    buffer_release (&take);
    buffer_release (&give);
}

static int checked (buffer_t *stretch, uint8_t from, uint8_t to)
{
    vector_t vector = {0};
    uuid16_t a = sample_client ('A'), b = sample_client ('B');
    range_t range = range_n (from, to);
    vector_set (&vector, &a, 5, NULL);
    vector_set (&vector, &b, 3, NULL);
    int rc = stretch_check (buffer_slice (stretch), &range, &vector, WINS);
    vector_release (&vector);
    buffer_clear (stretch);
    return rc;
}

Test (stretch, that_is_sound_passes)
{
    buffer_t stretch = {0};
    cr_expect_eq (checked (&stretch, 0, 0), 0);
    add (&stretch, 1, "A1 create a=1", "B3 delete");
    add (&stretch, 2, "A5 create a=1", NULL);
    cr_expect_eq (checked (&stretch, 1, 3), 0);
    buffer_release (&stretch);
}

Test (stretch, that_is_not_is_refused)
{
    buffer_t stretch = {0};
    add (&stretch, 2, "A1 create a=1", NULL);
    add (&stretch, 1, "A1 create a=1", NULL);
    cr_expect_eq (checked (&stretch, 0, 0), ERR_MALFORMED, "not ascending");
    add (&stretch, 1, "A1 create a=1", NULL);
    add (&stretch, 1, "A1 create a=1", NULL);
    cr_expect_eq (checked (&stretch, 0, 0), ERR_MALFORMED, "twice");
    add (&stretch, 3, "A1 create a=1", NULL);
    cr_expect_eq (checked (&stretch, 1, 3), ERR_MALFORMED, "behind the range");
    add (&stretch, 1, "A1 create a=1", NULL);
    cr_expect_eq (checked (&stretch, 2, 0), ERR_MALFORMED, "before the range");
    add (&stretch, 1, "A6 create a=1", NULL);
    cr_expect_eq (checked (&stretch, 0, 0), ERR_MALFORMED, "past the vector");
    add (&stretch, 1, "A1 create a=1", "B4 delete");
    cr_expect_eq (checked (&stretch, 0, 0), ERR_MALFORMED, "a deletion past the vector");
    add (&stretch, 1, "A1 create a=1", "C1 update b=1");
    cr_expect_eq (checked (&stretch, 0, 0), ERR_MALFORMED, "a client that the vector has not");
    add (&stretch, 1, NULL, NULL);
    cr_expect_eq (checked (&stretch, 0, 0), ERR_MALFORMED, "a record that never was");
    add (&stretch, 1, "A1 create a=1", NULL);
    stretch.size--;
    cr_expect_eq (checked (&stretch, 0, 0), ERR_MALFORMED, "cut short");
    buffer_append (&stretch, "\x93\x01\x02\x03", 4);
    cr_expect_eq (checked (&stretch, 0, 0), ERR_MALFORMED, "no record");
    buffer_release (&stretch);
}

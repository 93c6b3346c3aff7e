//  Why a record shows what it shows, rule by rule. How an operation is written here: sample.h.

#include "messages/record_why.h"

#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const record_rule_t WINS = {CRDT_LWW, DELETE_WINS};
static const record_rule_t LATEST = {CRDT_LWW, DELETE_LATEST};
static const record_rule_t GSET = {CRDT_GSET, DELETE_WINS};

//  "a B2 largest, a A1 ignored", or "deleted B2" of a record that is not visible.
static const char *reasons (record_rule_t rule, const char *const *texts)
{
    static char out[512];
    record_t record = {0};
    timestamp_t deletion;
    why_t why;
    size_t size = 0;
    out[0] = 0;
    for (; *texts; texts++) {
        sample_t sample;
        sample_parse (*texts, &sample);
        past_t past = {&sample.seen, sample.operation.stamp};
        record_join (&record, &sample.operation, &past, rule);
    }
    if (record_deletion (&record, rule, &deletion))
        size += (size_t)snprintf (
            out, sizeof out, "deleted %c%d", deletion.client.bytes[0], (int)deletion.time);
    why_walk_t walk = {.record = &record, .alive = record_alive (&record, rule)};
    while (why_next (&walk, &why)) {
        const property_t *property = why.property;
        size += (size_t)snprintf (out + size, sizeof out - size, "%s%.*s %c%d %s", size ? ", " : "",
            (int)property->name.size, (const char *)property->name.data,
            property->stamp.client.bytes[0], (int)property->stamp.time, why_name (why.rule));
    }
    record_release (&record);
    return out;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SAYS(rule, expected, ...)                                                                  \
    cr_expect_str_eq (reasons (rule, LIST (__VA_ARGS__)), expected, "%s: got %s", #__VA_ARGS__,    \
        reasons (rule, LIST (__VA_ARGS__)))
#define BOTH(expected, ...)                                                                        \
    do {                                                                                           \
        SAYS (WINS, expected, __VA_ARGS__);                                                        \
        SAYS (LATEST, expected, __VA_ARGS__);                                                      \
    } while (0)

Test (why, largest_timestamp_of_each_property)
{
    BOTH ("a B3 largest, b A1 largest", "A1 create a=1 b=1", "B3 update a=3 <A1", "A2 update a=2");
}

Test (why, first_writer_shows_until_somebody_merges)
{
    BOTH ("a A1 first, b B2 first", "A1 create ignore a=1", "B2 create ignore a=2 b=2");
    BOTH ("a B2 largest, a A1 ignored", "A1 create ignore a=1", "B2 update a=2 <A1");
    BOTH ("a A1 largest, a B2 ignored", "A1 create a=1", "B2 update ignore a=2 <A1");
    SAYS (GSET, "a A1 first", "B2 create a=2", "A1 create a=1");
}

Test (why, overwrite_is_told_from_what_came_after_it_and_what_it_hides)
{
    BOTH ("a A1 below_overwrite, b B2 overwrite, c C3 after_overwrite", "A1 create a=1",
        "B2 update overwrite b=2 <A1", "C3 update c=3 <A1 <B2");
    BOTH ("a A1 below_overwrite, b B2 overwrite", "A1 create ignore a=1",
        "B2 update overwrite b=2 <A1");
}

Test (why, deletion_is_told_by_its_timestamp)
{
    SAYS (WINS, "deleted B2", "A1 create a=1", "B2 delete <A1");
    SAYS (WINS, "deleted C3", "A1 create a=1", "B2 delete <A1", "C3 delete <A1");
    SAYS (WINS, "deleted B2", "A1 create a=1", "B2 delete <A1", "A3 update a=3");
    SAYS (WINS, "a C4 largest", "A1 create a=1", "B2 delete <A1", "C4 create a=4 <A1 <B2");
    SAYS (LATEST, "deleted B2, a A1 deleted", "A1 create a=1", "B2 delete <A1");
    SAYS (LATEST, "a A3 largest", "A1 create a=1", "B2 delete <A1", "A3 update a=3");
    SAYS (WINS, "", "A1 update a=1"); // never was
}

Test (why, a_life_that_stands_on_a_deletion_says_so)
{
    SAYS (LATEST, "a C4 after_deletion", "A1 create a=1", "B2 delete <A1",
        "C4 create a=4 ^B2 <A1 <B2");
}

Test (why, every_rule_has_a_name_that_finds_it)
{
    for (int rule = 0; rule < WHY_COUNT; rule++) {
        int found = -1;
        cr_expect_eq (why_from_name (slice_text (why_name (rule)), &found), 0);
        cr_expect_eq (found, rule);
        cr_expect (why_text (rule)[0]);
    }
    cr_expect_eq (why_from_name (slice_text ("luck"), &(int){0}), ERR_NOT_FOUND);
}

//  Two states of one record, made one (record_merge.h). How an operation is written here: sample.h.

#include "messages/record_merge.h"
#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>

static const record_rule_t WINS = {CRDT_LWW, DELETE_WINS};
static const record_rule_t LATEST = {CRDT_LWW, DELETE_LATEST};
static const record_rule_t GSET = {CRDT_GSET, DELETE_WINS};

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static record_t played (record_rule_t rule, const char *const *texts)
{
    record_t record = {0};
    for (; *texts; texts++) {
        sample_t sample;
        sample_parse (*texts, &sample);
        past_t past = {&sample.seen, sample.operation.stamp};
        record_join (&record, &sample.operation, &past, rule);
    }
    return record;
}

static const char *shown (const record_t *record, record_rule_t rule)
{
    buffer_t out = {0};
    const char *text = "-";
    if (record_alive (record, rule)) {
        record_show (record, rule, &out);
        text = sample_value_text (buffer_slice (&out));
    }
    buffer_release (&out);
    return text;
}

//  What the merge shows; it must be the same both ways, and stay when either side is merged again.
static const char *merged (
    record_rule_t rule, const char *const *texts_a, const char *const *texts_b)
{
    record_t a = played (rule, texts_a), b = played (rule, texts_b);
    record_t one = {0}, other = {0};
    record_merge (&a, &b, rule, &one);
    record_merge (&b, &a, rule, &other);
    cr_expect (record_equal (&one, &other), "it does not commute");
    record_merge (&one, &a, rule, &other);
    cr_expect (record_equal (&one, &other), "the first side changes it again");
    record_merge (&b, &one, rule, &other);
    cr_expect (record_equal (&one, &other), "the second side changes it again");
    const char *text = shown (&one, rule);
    record_release (&a);
    record_release (&b);
    record_release (&one);
    record_release (&other);
    return text;
}

#define MERGES(rule, expected, a, b) cr_expect_str_eq (merged (rule, a, b), expected)

Test (record_merge, with_nothing_gives_the_other_as_it_is)
{
    record_t a = played (WINS, LIST ("A1 create a=1 b=2", "B2 update ignore c=3", "B3 delete",
                                   "A4 create a=4 <B3", "A5 update overwrite b=5 <B3"));
    record_t nothing = {0}, both = {0};
    record_merge (&nothing, &a, WINS, &both);
    cr_assert (record_equal (&a, &both));
    record_merge (&a, &a, WINS, &both);
    cr_assert (record_equal (&a, &both));
    record_release (&a);
    record_release (&both);
}

Test (record_merge, takes_of_each_property_what_the_join_would_have_kept)
{
    MERGES (WINS, "a=2 b=3", LIST ("A1 create a=1", "B2 update a=2"), LIST ("A1 create a=1 b=3"));
    MERGES (GSET, "a=1", LIST ("A1 create a=1"), LIST ("B2 create a=2"));
    MERGES (WINS, "a=1", LIST ("A1 create ignore a=1"), LIST ("B2 create ignore a=2"));
    MERGES (WINS, "b=3", LIST ("A1 create a=1 b=2", "B3 update overwrite b=3"),
        LIST ("A1 create a=1 b=2", "A2 update a=7"));
}

Test (record_merge, of_one_timestamp_the_larger_value_stays)
{
    MERGES (WINS, "a=9", LIST ("A1 create a=9"), LIST ("A1 create a=1"));
    MERGES (WINS, "a=9", LIST ("A1 create ignore a=1"), LIST ("A1 create ignore a=9"));
}

Test (record_merge, keeps_the_first_create_and_the_last_write)
{
    record_t a = played (WINS, LIST ("B2 create a=1", "C3 update overwrite a=2", "A9 update b=1"));
    record_t b = played (WINS, LIST ("A1 create a=1", "D4 update overwrite a=3"));
    record_t both = {0};
    timestamp_t created = sample_stamp ("A1"), written = sample_stamp ("A9");
    timestamp_t floor = sample_stamp ("D4");
    record_merge (&a, &b, WINS, &both);
    cr_expect_eq (timestamp_compare (&both.created, &created), 0);
    cr_expect_eq (timestamp_compare (&both.written, &written), 0);
    cr_expect_eq (timestamp_compare (&both.floor, &floor), 0);
    record_release (&a);
    record_release (&b);
    record_release (&both);
}

Test (record_merge, keeps_of_each_client_the_larger_deletion)
{
    record_t a = played (WINS, LIST ("A1 create a=1", "B2 delete", "C9 delete"));
    record_t b = played (WINS, LIST ("A1 create a=1", "B5 delete", "D3 delete"));
    record_t both = {0};
    timestamp_t expected[] = {sample_stamp ("B5"), sample_stamp ("C9"), sample_stamp ("D3")};
    record_merge (&a, &b, WINS, &both);
    cr_assert_eq (both.deleted_count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq (timestamp_compare (&both.deleted[i], &expected[i]), 0);
    record_release (&a);
    record_release (&b);
    record_release (&both);
}

Test (record_merge, ends_a_life_that_has_not_seen_a_later_deletion)
{
    MERGES (WINS, "-", LIST ("A1 create a=1"), LIST ("A1 create a=1", "B2 delete"));
    MERGES (WINS, "b=3", LIST ("A1 create a=1"),
        LIST ("A1 create a=1", "B2 delete", "A3 create b=3 <B2"));
}

//  A deletion that is forgotten on one side is still remembered on the other: no defect, and no reason to die.
Test (record_merge, spares_a_life_that_has_seen_and_forgotten_a_deletion)
{
    MERGES (WINS, "b=3", LIST ("A3 create b=3"), LIST ("A1 create a=1", "B2 delete"));
    MERGES (LATEST, "b=3", LIST ("A3 create b=3 ^B2"), LIST ("A1 create a=1", "B2 delete"));
}

Test (record_merge, under_latest_the_later_of_write_and_deletion_decides)
{
    MERGES (
        LATEST, "-", LIST ("A1 create a=1", "A2 update a=2"), LIST ("A1 create a=1", "B3 delete"));
    MERGES (LATEST, "a=4", LIST ("A1 create a=1", "A4 update a=4"),
        LIST ("A1 create a=1", "B3 delete"));
}

//  ---- a state that holds more wins over one that holds less

//  One more operation of one client that has seen all, as a node makes it; nothing where it would be refused.
static void live_on (record_t *record, record_rule_t rule, uint64_t time, uint64_t *random)
{
    static const char *const values[] = {"a=1 b=2", "a=3", "b=4 c=5", "c=6"};
    static const vector_t nothing;
    operation_t operation = {.stamp = {time, sample_client ('A')},
        .resource = slice_text ("tags"),
        .action = (int)(sample_random (random) % 3),
        .on_conflict = (int)(sample_random (random) % 3)};
    past_t past = {&nothing, operation.stamp};
    operation.value = sample_value (values[sample_random (random) % 4]);
    if (record_admit (record, &operation, true, rule) == 0)
        record_join (record, &operation, &past, rule);
}

Test (record_merge, of_an_earlier_and_a_later_state_shows_the_later)
{
    static const record_rule_t *const rules[] = {&WINS, &LATEST, &GSET};
    uint64_t random = 7;
    for (int history = 0; history < 3000; history++) {
        record_rule_t rule = *rules[history % 3];
        record_t earlier = {0}, later = {0}, both = {0}, again = {0};
        uint64_t cut = sample_random (&random) % 6, seed = random;
        for (uint64_t time = 1; time <= 8; time++) {
            uint64_t same = seed + time;
            live_on (&later, rule, time, &same);
            same = seed + time;
            if (time <= cut)
                live_on (&earlier, rule, time, &same);
        }
        record_merge (&earlier, &later, rule, &both);
        record_merge (&later, &earlier, rule, &again);
        cr_assert (record_equal (&both, &again));
        cr_assert_str_eq (
            shown (&both, rule), shown (&later, rule), "history %d, cut at %d", history, (int)cut);
        record_release (&earlier);
        record_release (&later);
        record_release (&both);
        record_release (&again);
    }
}

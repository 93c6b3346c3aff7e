//  Forgetting deletions that everybody has seen (semantics.md, "Flushing and purging").

#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>

static const record_rule_t WINS = {CRDT_LWW, DELETE_WINS};
static const record_rule_t LATEST = {CRDT_LWW, DELETE_LATEST};
static const record_rule_t GSET = {CRDT_GSET, DELETE_WINS};

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void play (record_t *record, record_rule_t rule, const char *const *texts)
{
    record_clear (record);
    for (; *texts; texts++) {
        sample_t sample;
        sample_parse (*texts, &sample);
        past_t past = {&sample.seen, sample.operation.stamp};
        record_join (record, &sample.operation, &past, rule);
    }
}

//  The vector "<A6 <C2", as an operation's past is written.
static bool purge (record_t *record, record_rule_t rule, const char *stable)
{
    sample_t sample;
    char text[64] = "Z9 delete ";
    strncat (text, stable, sizeof text - strlen (text) - 1);
    sample_parse (text, &sample);
    return record_purge (record, &sample.seen, rule);
}

static void expect_deleted (const record_t *record, const char *const *stamps)
{
    size_t count = 0;
    for (; *stamps; stamps++, count++) {
        timestamp_t stamp = sample_stamp (*stamps);
        cr_assert_lt (count, record->deleted_count);
        cr_expect_eq (timestamp_compare (&record->deleted[count], &stamp), 0, "%s", *stamps);
    }
    cr_expect_eq (record->deleted_count, count);
}

Test (record_purge, forgets_each_deletion_that_is_covered)
{
    const record_rule_t rules[] = {WINS, LATEST};
    for (size_t i = 0; i < 2; i++) {
        record_t record = {0};
        play (&record, rules[i], LIST ("A1 create", "A2 delete", "B5 delete", "C9 delete"));
        cr_expect (purge (&record, rules[i], "<A2 <B4"));
        expect_deleted (&record, LIST ("B5", "C9"));
        cr_expect_not (purge (&record, rules[i], "<A2 <B4"), "nothing more to forget");
        cr_expect_not (record_is_nothing (&record));
        record_release (&record);
    }
}

Test (record_purge, a_record_without_create_and_deletion_is_gone)
{
    const record_rule_t rules[] = {WINS, LATEST};
    for (size_t i = 0; i < 2; i++) {
        record_t record = {0};
        record_t never = {0};
        play (&record, rules[i], LIST ("A1 create a=1", "B5 delete <A1"));
        cr_expect_not (purge (&record, rules[i], "<A9 <B4"));
        cr_expect_not (record_is_nothing (&record));
        cr_expect (purge (&record, rules[i], "<A9 <B5"));
        cr_expect (record_is_nothing (&record));
        cr_expect (record_equal (&record, &never), "nothing of it is left");
        record_release (&record);
    }
}

Test (record_purge, a_record_that_is_alive_stays_as_it_is)
{
    record_t record = {0};
    record_t before = {0};
    play (&record, WINS, LIST ("B2 delete", "A3 create a=3 <B2", "A4 update overwrite b=4 <B2"));
    play (&before, WINS, LIST ("A3 create a=3", "A4 update overwrite b=4"));
    cr_expect (purge (&record, WINS, "<B2"));
    cr_expect (record_equal (&record, &before));

    play (&record, LATEST, LIST ("A1 create a=1", "A5 update b=5", "B2 delete <A1"));
    play (&before, LATEST, LIST ("A1 create a=1", "A5 update b=5"));
    cr_expect (purge (&record, LATEST, "<B2"));
    cr_expect (record_equal (&record, &before));
    record_release (&record);
    record_release (&before);
}

Test (record_purge, under_latest_the_last_deletion_takes_the_earlier_ones_with_it)
{
    record_t record = {0};
    play (&record, LATEST, LIST ("A1 create", "A9 update", "B2 delete <A1", "C3 delete <A1"));
    cr_expect (purge (&record, LATEST, "<C3"));
    expect_deleted (&record, (const char *const[]){NULL});
    cr_expect (record_alive (&record, LATEST));

    play (&record, LATEST, LIST ("A1 create", "B2 delete <A1", "C3 delete <A1"));
    cr_expect (purge (&record, LATEST, "<B2"));
    expect_deleted (&record, LIST ("C3"));
    cr_expect (purge (&record, LATEST, "<C3"));
    cr_expect (record_is_nothing (&record));
    record_release (&record);
}

//  Whatever else has ended it too: what can still come has seen the first.
Test (record_purge, under_latest_what_a_forgotten_deletion_has_ended_goes_with_it)
{
    record_t record = {0};
    play (&record, LATEST, LIST ("A1 create a=1", "B2 delete <A1", "C9 delete <A1"));
    cr_expect (purge (&record, LATEST, "<A1 <B2"));
    expect_deleted (&record, LIST ("C9"));
    cr_expect (timestamp_is_none (&record.created));
    cr_expect_eq (record.strong.count, 0);
    play (
        &record, LATEST, LIST ("A1 create a=1", "A3 update a=3", "B2 delete <A1", "C9 delete <A3"));
    cr_expect (purge (&record, LATEST, "<A3 <B2"));
    expect_deleted (&record, LIST ("C9"));
    cr_expect_eq (record.strong.count, 1, "it was not dead by that one");
    record_release (&record);
}

Test (record_purge, there_is_nothing_to_forget_without_a_deletion)
{
    const record_rule_t rules[] = {WINS, LATEST, GSET};
    for (size_t i = 0; i < 3; i++) {
        record_t record = {0};
        cr_expect_not (purge (&record, rules[i], "<A9"));
        play (&record, rules[i], LIST ("A1 create a=1"));
        cr_expect_not (purge (&record, rules[i], "<A9"));
        cr_expect (record_alive (&record, rules[i]));
        record_release (&record);
    }
}

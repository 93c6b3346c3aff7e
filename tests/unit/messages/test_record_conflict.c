//  What is a conflict, and what is not. How an operation is written here: sample.h.

#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>

static const record_rule_t WINS = {CRDT_LWW, DELETE_WINS};
static const record_rule_t LATEST = {CRDT_LWW, DELETE_LATEST};
static const record_rule_t GSET = {CRDT_GSET, DELETE_WINS};

//  How many of the operations, in this order, conflict with what they meet.
static size_t conflicts (record_rule_t rule, const char *const *texts)
{
    record_t record = {0};
    size_t count = 0;
    for (; *texts; texts++) {
        sample_t sample;
        sample_parse (*texts, &sample);
        past_t past = {&sample.seen, sample.operation.stamp};
        count += record_conflicts (&record, &sample.operation, &past, rule);
        record_join (&record, &sample.operation, &past, rule);
    }
    record_release (&record);
    return count;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNTS(rule, expected, ...)                                                                \
    cr_expect_eq (conflicts (rule, LIST (__VA_ARGS__)), expected, "%s: got %zu", #__VA_ARGS__,     \
        conflicts (rule, LIST (__VA_ARGS__)))
#define BOTH(expected, ...)                                                                        \
    do {                                                                                           \
        COUNTS (WINS, expected, __VA_ARGS__);                                                      \
        COUNTS (LATEST, expected, __VA_ARGS__);                                                    \
    } while (0)

Test (conflict, is_a_write_of_another_value_that_neither_had_seen)
{
    BOTH (1, "A1 create a=1", "A2 update a=2", "B3 update a=3 <A1");
    BOTH (
        1, "A1 create a=1", "B3 update a=3 <A1", "A2 update a=2"); // the one that loses counts too
    BOTH (1, "A1 create a=1", "B2 create a=2");
    BOTH (1, "A1 create a=1 b=1", "B2 create a=2 b=2"); // once an operation
    BOTH (2, "A1 create a=1", "B2 update a=2 <A1", "C3 update a=3 <A1", "D4 update a=4 <A1");
}

Test (conflict, is_none_where_the_writer_had_seen_what_it_changes)
{
    BOTH (0, "A1 create a=1", "B2 update a=2 <A1", "A3 update a=3 <B2");
    BOTH (0, "A1 create a=1", "A2 update a=2", "A3 delete");
    BOTH (0, "A1 create a=1", "B2 update overwrite b=1 <A1");
    BOTH (0, "A1 create a=1", "B2 delete <A1", "C3 create a=2 <A1 <B2");
}

Test (conflict, is_none_of_different_properties_or_equal_values)
{
    BOTH (0, "A1 create a=1", "A2 update b=2", "B3 update c=3 <A1");
    BOTH (0, "A1 create a=1", "B2 create b=2");
    BOTH (0, "A1 create a=1", "B2 create a=1");
}

Test (conflict, is_the_first_writer_against_another)
{
    BOTH (1, "A1 create ignore a=1", "B2 create ignore a=2");
    BOTH (1, "A1 create ignore a=1", "B2 create a=2"); // the weak value is hidden
    BOTH (1, "A1 create a=1", "B2 create ignore a=2");
    BOTH (0, "A1 create a=1", "B2 update ignore a=2 <A1"); // ignore, knowing of it
    COUNTS (GSET, 1, "A1 create a=1", "B2 create a=2");
    COUNTS (GSET, 0, "A1 create a=1", "B2 create b=2");
    COUNTS (GSET, 0, "A1 create a=1", "B2 create a=2 <A1");
}

Test (conflict, is_an_overwrite_that_hides_what_it_had_not_seen)
{
    BOTH (1, "A1 create a=1", "A2 update b=2", "B3 update overwrite c=3 <A1");
    BOTH (1, "A1 create a=1", "B3 update overwrite c=3 <A1", "A2 update b=2");
    BOTH (1, "A1 create ignore a=1", "B2 create overwrite b=2");
    BOTH (0, "A1 create a=1", "B2 update overwrite b=2 <A1", "A3 update c=3"); // it shows beside it
    BOTH (0, "A1 create a=1", "B2 create overwrite a=1");
    //  What is hidden already has nothing to lose.
    BOTH (1, "A1 create a=1", "C3 update overwrite b=1 <A1", "A2 update a=2",
        "B4 update overwrite b=1 <A1 <C3");
}

Test (conflict, is_a_deletion_and_a_write_that_had_not_seen_each_other)
{
    BOTH (1, "A1 create a=1", "A2 update a=2", "B3 delete <A1");
    BOTH (1, "A1 create a=1", "B3 delete <A1", "A2 update a=2");
    BOTH (1, "A1 create a=1", "B2 delete <A1", "A3 update a=3");
    BOTH (1, "A1 create a=1", "A3 update b=2", "B2 delete <A1");
}

Test (conflict, is_none_of_two_deletions)
{
    BOTH (0, "A1 create a=1", "B2 delete <A1", "C3 delete <A1");
    BOTH (0, "B2 delete", "A1 delete");
    BOTH (0, "A1 update a=1", "B2 update a=2"); // after a purge nothing is there to fight over
}

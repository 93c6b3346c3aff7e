//  The join of a shared record, rule by rule (semantics.md). How an operation is written here: sample.h.

#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>

static const record_rule_t WINS = {CRDT_LWW, DELETE_WINS};
static const record_rule_t LATEST = {CRDT_LWW, DELETE_LATEST};
static const record_rule_t GSET = {CRDT_GSET, DELETE_WINS};

//  Joins the operations in this order; true if the last one changed anything.
static bool play (record_t *record, record_rule_t rule, const char *const *texts)
{
    bool changed = false;
    for (; *texts; texts++) {
        sample_t sample;
        sample_parse (*texts, &sample);
        past_t past = {&sample.seen, sample.operation.stamp};
        changed = record_join (record, &sample.operation, &past, rule);
    }
    return changed;
}

//  What the record shows then; "-" if it is not alive.
static const char *shown (record_rule_t rule, const char *const *texts)
{
    record_t record = {0};
    buffer_t out = {0};
    const char *text = "-";
    play (&record, rule, texts);
    if (record_alive (&record, rule)) {
        record_show (&record, rule, &out);
        cr_expect_eq (value_check (buffer_slice (&out)), 0, "what is shown is canonical");
        text = sample_value_text (buffer_slice (&out));
    }
    buffer_release (&out);
    record_release (&record);
    return text;
}

static bool last_changed (record_rule_t rule, const char *const *texts)
{
    record_t record = {0};
    bool changed = play (&record, rule, texts);
    record_release (&record);
    return changed;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHOWS(rule, expected, ...)                                                                 \
    cr_expect_str_eq (shown (rule, LIST (__VA_ARGS__)), expected, "%s: got %s", #__VA_ARGS__,      \
        shown (rule, LIST (__VA_ARGS__)))
#define CHANGES(rule, ...) cr_expect (last_changed (rule, LIST (__VA_ARGS__)), "%s", #__VA_ARGS__)
#define LEAVES(rule, ...)                                                                          \
    cr_expect_not (last_changed (rule, LIST (__VA_ARGS__)), "%s", #__VA_ARGS__)

//  ---- merge, overwrite, ignore: the same under both delete rules

Test (record, merge_keeps_the_largest_timestamp_of_each_property)
{
    for (int i = 0; i < 2; i++) {
        record_rule_t rule = i ? LATEST : WINS;
        SHOWS (rule, "a=2", "A1 create a=1", "B2 update a=2");
        SHOWS (rule, "a=3", "A1 create a=1", "B3 update a=3", "A2 update a=2");
        SHOWS (rule, "a=2 b=3", "A1 create a=1 b=1", "B3 update b=3", "A2 update a=2");
        SHOWS (rule, "a=9", "A1 create a=1", "B2 update a=9", "A2 update a=7");
        SHOWS (rule, "a=nil b=1", "A1 create a=1 b=1", "A2 update a=nil");
    }
}

Test (record, overwrite_hides_what_is_older_than_it)
{
    for (int i = 0; i < 2; i++) {
        record_rule_t rule = i ? LATEST : WINS;
        SHOWS (rule, "b=2", "A1 create a=1", "B2 update overwrite b=2");
        SHOWS (rule, "a=3 b=2", "A1 create a=1", "A3 update a=3", "B2 update overwrite b=2");
        SHOWS (rule, "b=2", "A1 create c=1", "B2 update overwrite b=2", "A1 update a=1");
        SHOWS (rule, "", "A1 create a=1", "B2 update overwrite");
    }
}

Test (record, overwrite_hides_weak_values_of_any_age)
{
    for (int i = 0; i < 2; i++) {
        record_rule_t rule = i ? LATEST : WINS;
        SHOWS (rule, "b=2", "A1 create ignore a=1", "B2 update overwrite b=2");
        SHOWS (rule, "b=2", "A1 create b=1", "B2 update overwrite b=2", "C9 update ignore a=9");
    }
}

Test (record, ignore_shows_only_where_no_strong_value_does)
{
    for (int i = 0; i < 2; i++) {
        record_rule_t rule = i ? LATEST : WINS;
        SHOWS (rule, "a=1", "A1 create a=1", "B2 update ignore a=2");
        SHOWS (rule, "a=1 b=2", "A1 create a=1", "B2 update ignore a=2 b=2");
        SHOWS (rule, "a=3", "A1 create ignore a=1", "B3 update a=3");
        SHOWS (rule, "a=1", "B2 create ignore a=2", "A1 update a=1");
    }
}

Test (record, ignore_keeps_the_first_writer)
{
    for (int i = 0; i < 2; i++) {
        record_rule_t rule = i ? LATEST : WINS;
        SHOWS (rule, "a=1", "A1 create ignore a=1", "B2 create ignore a=2");
        SHOWS (rule, "a=1", "B2 create ignore a=2", "A1 create ignore a=1");
        SHOWS (rule, "a=1 b=2", "B2 create ignore a=2 b=2", "A1 create ignore a=1");
    }
}

Test (record, two_writes_with_one_timestamp_leave_the_larger_value)
{
    const record_rule_t rules[] = {WINS, LATEST};
    for (size_t i = 0; i < 2; i++) {
        SHOWS (rules[i], "a=5", "A1 create a=5", "A1 create a=4");
        SHOWS (rules[i], "a=5", "A1 create a=4", "A1 create a=5");
        SHOWS (rules[i], "a=5", "A1 create ignore a=5", "A1 create ignore a=4");
        SHOWS (rules[i], "a=5", "A1 create ignore a=4", "A1 create ignore a=5");
        SHOWS (rules[i], "a=nil", "A1 create a=4", "A1 create a=nil");
    }
    SHOWS (GSET, "a=5", "A1 create a=5", "A1 create a=4");
    SHOWS (GSET, "a=5", "A1 create a=4", "A1 create a=5");
}

static void expect_stamp (const timestamp_t *actual, const char *expected)
{
    timestamp_t stamp = sample_stamp (expected);
    cr_expect_eq (timestamp_compare (actual, &stamp), 0, "expected %s, got time %llu", expected,
        (unsigned long long)actual->time);
}

Test (record, created_is_the_smallest_create_and_written_the_largest_write)
{
    const record_rule_t rules[] = {WINS, LATEST, GSET};
    for (size_t i = 0; i < 3; i++) {
        record_t record = {0};
        play (&record, rules[i], LIST ("B4 create a=1", "A2 create overwrite", "C3 create ignore"));
        expect_stamp (&record.created, "A2");
        expect_stamp (&record.written, "B4");
        play (&record, rules[i], LIST ("B4 create a=1", "A1 create ignore", "A5 create"));
        expect_stamp (&record.created, "A1");
        expect_stamp (&record.written, "A5");
        record_release (&record);
    }
}

Test (record, floor_is_the_largest_overwrite)
{
    const record_rule_t rules[] = {WINS, LATEST};
    for (size_t i = 0; i < 2; i++) {
        record_t record = {0};
        play (&record, rules[i],
            LIST (
                "A1 create overwrite", "C5 update overwrite", "B4 update overwrite", "A9 update"));
        expect_stamp (&record.floor, "C5");
        record_release (&record);
    }
}

Test (record, properties_of_any_order_and_number_end_up_sorted)
{
    SHOWS (WINS, "a=2 b=1 c=2 d=1 e=2", "A1 create b=1 d=1", "A2 update a=2 c=2 e=2");
    SHOWS (WINS, "a=2 b=2 c=1 d=2 e=1", "A1 create c=1 e=1", "A2 update a=2 b=2 d=2");
    SHOWS (WINS, "a=1 b=2 c=2 d=2 e=1", "A1 create a=1 c=1 e=1", "A2 update b=2 c=2 d=2");
    SHOWS (WINS, "a=2 b=1 c=2", "A1 create a=1 b=1 c=1", "A2 update a=2 c=2");
    SHOWS (WINS, "a=1 aa=2 b=1", "A1 create a=1 b=1", "A2 update aa=2");
}

Test (record, update_without_create_changes_nothing)
{
    SHOWS (WINS, "-", "A1 update a=1");
    SHOWS (LATEST, "-", "A1 update a=1");
    LEAVES (WINS, "A1 update overwrite a=1");
    LEAVES (LATEST, "A1 update overwrite a=1");
    SHOWS (WINS, "b=2", "A1 update a=1", "A2 create b=2");
    SHOWS (LATEST, "b=2", "A1 update a=1", "A2 create b=2");
}

Test (record, join_says_whether_it_changed_anything)
{
    CHANGES (WINS, "A1 create");
    CHANGES (WINS, "A1 create a=1", "A2 update a=1");
    LEAVES (WINS, "A1 create a=1", "A1 create a=1");
    LEAVES (WINS, "A1 create", "C3 update a=3", "A2 update a=2");
    CHANGES (WINS, "A1 delete");
    LEAVES (WINS, "A2 delete", "A1 delete");
    CHANGES (WINS, "A1 create", "A2 delete");
    CHANGES (WINS, "A3 delete", "B5 create <A3", "A2 delete");
    LEAVES (WINS, "A2 delete", "B3 create a=1");
    CHANGES (LATEST, "A1 create", "B2 delete");
    LEAVES (LATEST, "A3 delete", "A2 delete");
    LEAVES (GSET, "A1 create a=1", "A2 update a=2");
    LEAVES (GSET, "A1 create a=1", "A2 delete");
}

//  ---- delete = wins

Test (record_wins, delete_empties_the_record)
{
    SHOWS (WINS, "-", "A1 create a=1", "A2 delete");
    SHOWS (WINS, "b=3", "A1 create a=1", "A2 delete", "A3 create b=3");
    SHOWS (WINS, "b=3", "A1 create ignore a=1", "A2 update overwrite a=1", "B3 delete",
        "A4 create ignore b=3 <B3");
}

Test (record_wins, deletion_beats_all_that_is_concurrent)
{
    SHOWS (WINS, "-", "A1 create a=1", "B2 delete <A1", "A9 update a=9");
    SHOWS (WINS, "-", "A1 create a=1", "A9 update a=9", "B2 delete <A1");
    SHOWS (WINS, "-", "B2 delete", "A9 create a=9");
    SHOWS (WINS, "-", "B2 delete", "A9 create overwrite a=9");
    SHOWS (WINS, "-", "A9 create a=9", "B2 delete");
}

Test (record_wins, create_that_knew_of_the_deletion_begins_a_new_life)
{
    SHOWS (WINS, "a=3", "B2 delete", "A3 create a=3 <B2");
    SHOWS (WINS, "a=3", "B2 delete", "A3 create ignore a=3 <B7");
    SHOWS (WINS, "-", "B2 delete", "A3 create a=3 <B1");
    SHOWS (WINS, "-", "B2 delete", "A3 update a=3 <B2");
    SHOWS (WINS, "-", "B2 delete", "A3 create a=3 <B2", "C1 delete");
}

Test (record_wins, write_must_have_seen_every_remembered_deletion)
{
    SHOWS (WINS, "-", "A1 delete", "B2 delete", "C3 create a=3 <A1");
    SHOWS (WINS, "-", "A1 delete", "B2 delete", "C3 create a=3 <B2");
    SHOWS (WINS, "a=3", "A1 delete", "B2 delete", "C3 create a=3 <A1 <B2");
    SHOWS (WINS, "-", "A1 delete", "A4 delete", "C3 create a=3 <A1");
    SHOWS (WINS, "-", "A4 delete", "A1 delete", "C3 create a=3 <A1");
}

Test (record_wins, own_earlier_operations_are_always_seen)
{
    SHOWS (WINS, "a=3", "A2 delete", "A3 create a=3");
    SHOWS (WINS, "-", "A4 delete", "A3 create a=3");
}

//  ---- delete = latest

Test (record_latest, write_after_the_deletion_keeps_the_record_with_all_that_it_has)
{
    SHOWS (LATEST, "-", "A1 create a=1", "B2 delete <A1");
    SHOWS (LATEST, "a=1 b=3", "A1 create a=1", "B2 delete <A1", "A3 update b=3");
    SHOWS (LATEST, "a=1 b=3", "A1 create a=1", "A3 update b=3", "B2 delete <A1");
    SHOWS (LATEST, "-", "A1 create a=1", "B9 delete <A1", "A3 update b=3");
    SHOWS (LATEST, "a=1", "A1 create a=1", "A3 update ignore a=3", "B2 delete <A1");
}

Test (record_latest, the_largest_deletion_of_all_clients_counts)
{
    SHOWS (LATEST, "-", "A1 create a=1", "B2 delete", "C4 delete", "A3 update a=3");
    SHOWS (LATEST, "-", "A1 create a=1", "C4 delete", "B2 delete", "A3 update a=3");
    SHOWS (LATEST, "a=5", "A1 create a=1", "C4 delete", "B2 delete", "A5 update a=5");
    SHOWS (LATEST, "-", "A2 create a=1", "B2 delete");
    SHOWS (LATEST, "a=1", "B2 create a=1", "A2 delete");
    SHOWS (LATEST, "-", "A2 create a=1", "A2 delete");
}

Test (record_latest, write_that_has_seen_the_deletion_of_a_dead_record_empties_it)
{
    SHOWS (LATEST, "b=3", "A1 create a=1", "B2 delete <A1", "A3 create b=3 ^B2 <B2");
    SHOWS (LATEST, "b=3", "A1 create a=1", "B2 delete", "C4 delete", "A5 create b=3 ^C4 <B2 <C4");
    SHOWS (LATEST, "a=1 b=3", "A1 create a=1", "B2 delete <A1", "A3 create b=3");
    SHOWS (LATEST, "-", "A1 create a=1", "B2 delete <A1", "A3 update b=3 <B2");
}

//  The writer C had purged B2, which said that A1 is over; D9 comes from who had not seen it.
Test (record_latest, write_that_has_seen_a_deletion_by_which_the_record_is_dead_empties_it)
{
    SHOWS (LATEST, "b=3", "A1 create a=1", "B2 delete <A1", "D4 delete <A1", "C5 create b=3 <B2");
    SHOWS (LATEST, "b=3", "A1 create a=1", "D4 delete <A1", "B2 delete <A1", "C5 create b=3 <B2");
    SHOWS (LATEST, "b=3", "A1 create a=1", "B2 delete <A1", "C5 create b=3 <B2", "D4 delete <A1");
    SHOWS (LATEST, "-", "A1 create a=1", "B2 delete <A1", "D9 delete <A1", "C5 create b=3 <B2");
    SHOWS (LATEST, "a=1 b=5", "A1 create a=1", "A3 update b=3", "B2 delete <A1", "D4 delete <A3",
        "C5 create b=5 <A3 <B2");
}

Test (record_latest, create_on_a_deletion_hides_all_before_it_whatever_arrives_first)
{
    SHOWS (LATEST, "b=4", "A1 create a=1", "B3 delete <A1", "C4 create b=4 ^B3 <A1 <B3",
        "A2 update a=2");
    SHOWS (LATEST, "b=4", "A1 create a=1", "A2 update a=2", "B3 delete <A1",
        "C4 create b=4 ^B3 <A1 <B3");
    SHOWS (LATEST, "a=5 b=4", "A1 create a=1", "A5 update a=5", "B3 delete <A1",
        "C4 create b=4 ^B3 <A1 <B3");
}

Test (record_latest, create_on_a_deletion_may_ignore_as_any_other)
{
    SHOWS (LATEST, "a=4", "A1 create a=1", "B3 delete <A1", "C4 create ignore a=4 ^B3 <A1 <B3");
    SHOWS (LATEST, "a=4", "A1 create ignore a=1", "A2 update a=2", "B3 delete <A1",
        "C4 create ignore a=4 ^B3 <A1 <B3");
    SHOWS (LATEST, "a=4", "A1 create a=1", "B3 delete <A1", "C4 create ignore a=4 ^B3 <A1 <B3",
        "D5 create ignore a=5 ^B3 <A1 <B3");
    SHOWS (LATEST, "a=4", "A1 create a=1", "B3 delete <A1", "D5 create ignore a=5 ^B3 <A1 <B3",
        "C4 create ignore a=4 ^B3 <A1 <B3");
}

Test (record_latest, purging_before_a_new_create_cannot_be_told)
{
    SHOWS (LATEST, "a=4 b=5", "A1 create a=1", "B3 delete <A1", "C4 create a=4 ^B3 <A1 <B3",
        "C5 update ignore b=5 <A1 <B3");
    SHOWS (LATEST, "a=4 b=5", "A1 create a=1", "B3 delete <A1", "C4 create a=4 <A1 <B3",
        "C5 update ignore b=5 <A1 <B3");
    //  C had purged the deletion, D had not.
    SHOWS (LATEST, "a=4", "A1 create a=1", "B3 delete <A1", "C4 create ignore a=4 <A1 <B3",
        "D5 create ignore a=5 ^B3 <A1 <B3");
    SHOWS (LATEST, "a=4", "A1 create a=1", "B3 delete <A1", "D5 create ignore a=5 ^B3 <A1 <B3",
        "C4 create ignore a=4 <A1 <B3");
}

Test (record_latest, earlier_write_of_the_life_before_changes_nothing)
{
    LEAVES (LATEST, "A1 create a=1", "B3 delete <A1", "C4 create a=4 ^B3 <A1 <B3", "A2 update b=2");
    LEAVES (LATEST, "A1 create a=1", "B3 delete <A1", "C4 create ignore a=4 ^B3 <A1 <B3",
        "A2 update ignore a=2 b=2");
    LEAVES (LATEST, "A1 create a=1", "B3 delete <A1", "C4 create ignore a=4 ^B3 <A1 <B3",
        "A2 create overwrite b=2");
}

//  Weak values of two lives cannot be told apart, so none shows.
Test (record_latest, later_write_of_the_life_before_shows_beside_the_new_one_and_hides_weak_values)
{
    SHOWS (LATEST, "b=4 c=5", "A1 create a=1", "A5 update c=5", "B3 delete <A1",
        "C4 create b=4 ^B3 <A1 <B3");
    SHOWS (LATEST, "b=4 c=5", "A1 create a=1", "B3 delete <A1", "C4 create b=4 ^B3 <A1 <B3",
        "A5 update c=5");
    SHOWS (LATEST, "c=5", "A1 create a=1", "A5 update c=5", "B3 delete <A1",
        "C4 create ignore b=4 ^B3 <A1 <B3");
    SHOWS (LATEST, "c=5", "A1 create a=1", "B3 delete <A1", "C4 create ignore b=4 ^B3 <A1 <B3",
        "A5 update c=5");
}

Test (record_latest, lives_on_two_deletions_are_one_on_the_later)
{
    const char *events[] = {"A1 create a=1", "B2 delete <A1", "A3 delete", "A4 create a=4 ^A3 <B2",
        "B5 create ignore b=5 ^B2 <A1"};
    SHOWS (LATEST, "a=4", events[0], events[1], events[2], events[3], events[4]);
    SHOWS (LATEST, "a=4", events[0], events[1], events[4], events[2], events[3]);
    SHOWS (LATEST, "a=4", events[0], events[2], events[1], events[4], events[3]);
}

Test (record_latest, created_names_the_life_that_stands_or_the_deletion_it_was_revived_past)
{
    record_t record = {0};
    play (&record, LATEST, LIST ("A1 create a=1", "B3 delete <A1", "C4 create b=4 ^B3 <A1 <B3"));
    expect_stamp (&record.created, "C4");
    expect_stamp (&record.floor, "B3");
    play (&record, LATEST, LIST ("A5 update a=5"));
    expect_stamp (&record.created, "B3");
    expect_stamp (&record.floor, "B3");
    record_release (&record);
}

//  ---- gset

Test (record_gset, creates_only_and_the_first_writer_wins)
{
    SHOWS (GSET, "a=1", "A1 create a=1", "B2 create a=2");
    SHOWS (GSET, "a=1", "B2 create a=2", "A1 create a=1");
    SHOWS (GSET, "a=1 b=2", "B2 create overwrite a=2 b=2", "A1 create a=1");
    SHOWS (GSET, "a=1", "A1 create a=1", "B2 create merge a=2", "C3 create overwrite a=3");
    SHOWS (GSET, "a=1", "A1 create a=1", "A2 update a=2", "B3 delete");
    SHOWS (GSET, "-", "B3 delete", "A2 update a=2");
}

//  ---- what a node makes of an app's action

typedef struct admission {
    record_rule_t rule;
    const char *state[4];
    const char *action; // "none": the app names no on_conflict
    bool has_conflict;
    int rc;
    int on_conflict;
    const char *floor;
} admission_t;

static void check_admission (const admission_t *expected)
{
    record_t record = {0};
    sample_t sample;
    play (&record, expected->rule, expected->state);
    sample_parse (expected->action, &sample);
    int rc = record_admit (&record, &sample.operation, expected->has_conflict, expected->rule);
    cr_expect_eq (rc, expected->rc, "%s: %s", expected->action, error_name (rc));
    if (rc == 0) {
        timestamp_t floor_expected =
            expected->floor ? sample_stamp (expected->floor) : (timestamp_t){0};
        cr_expect_eq (sample.operation.on_conflict, expected->on_conflict);
        cr_expect_eq (timestamp_compare (&sample.operation.floor, &floor_expected), 0,
            "%s: another floor", expected->action);
        cr_expect (sample.operation.action != ACTION_DELETE || sample.operation.value.size == 0);
    }
    record_release (&record);
}

Test (record_admit, answers_what_an_action_becomes)
{
    const admission_t table[] = {
        {WINS, {NULL}, "A9 create a=1", false, 0, CONFLICT_MERGE, NULL},
        {WINS, {NULL}, "A9 create ignore a=1", true, 0, CONFLICT_IGNORE, NULL},
        {WINS, {"A1 create"}, "A9 create a=1", false, ERR_EXISTS, 0, NULL},
        {WINS, {"A1 create"}, "A9 create overwrite", true, 0, CONFLICT_OVERWRITE, NULL},
        {WINS, {"A1 create", "A2 delete"}, "A9 create a=1", false, 0, CONFLICT_MERGE, NULL},
        {WINS, {"A1 create", "A2 delete"}, "A9 update a=1", false, ERR_NOT_FOUND, 0, NULL},
        {WINS, {"A1 create", "A2 delete"}, "A9 delete", false, ERR_NOT_FOUND, 0, NULL},
        {WINS, {NULL}, "A9 update a=1", true, ERR_NOT_FOUND, 0, NULL},
        {WINS, {"A1 create"}, "A9 update overwrite", true, 0, CONFLICT_OVERWRITE, NULL},
        {WINS, {"A1 create"}, "A9 update overwrite", false, 0, CONFLICT_MERGE, NULL},
        {WINS, {"A1 create"}, "A9 delete overwrite", true, 0, CONFLICT_MERGE, NULL},
        {LATEST, {NULL}, "A9 create a=1", false, 0, CONFLICT_MERGE, NULL},
        {LATEST, {"A1 create", "B2 delete"}, "A9 create", false, 0, CONFLICT_MERGE, "B2"},
        {LATEST, {"A1 create", "B2 delete"}, "A9 create ignore", true, 0, CONFLICT_IGNORE, "B2"},
        {LATEST, {"C3 delete", "B2 delete"}, "A9 create", false, 0, CONFLICT_MERGE, "C3"},
        {LATEST, {"A1 create", "B2 delete"}, "A9 update", false, ERR_NOT_FOUND, 0, NULL},
        {LATEST, {"A3 create", "B2 delete"}, "A9 create", false, ERR_EXISTS, 0, NULL},
        {LATEST, {"A3 create", "B2 delete"}, "A9 create", true, 0, CONFLICT_MERGE, NULL},
        {LATEST, {"A3 create", "B2 delete"}, "A9 update ^B2", true, 0, CONFLICT_MERGE, NULL},
        {GSET, {NULL}, "A9 create a=1", false, 0, CONFLICT_MERGE, NULL},
        {GSET, {"A1 create"}, "A9 create a=1", false, ERR_EXISTS, 0, NULL},
        {GSET, {"A1 create"}, "A9 create a=1", true, 0, CONFLICT_MERGE, NULL},
        {GSET, {"A1 create"}, "A9 update a=1", true, ERR_GROW_ONLY, 0, NULL},
        {GSET, {NULL}, "A9 delete", true, ERR_GROW_ONLY, 0, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check_admission (&table[i]);
}

Test (record, is_nothing_without_create_and_deletion)
{
    record_t record = {0};
    cr_expect (record_is_nothing (&record));
    play (&record, WINS, LIST ("A1 delete"));
    cr_expect_not (record_is_nothing (&record));
    record_clear (&record);
    cr_expect (record_is_nothing (&record));
    play (&record, WINS, LIST ("A1 create"));
    cr_expect_not (record_is_nothing (&record));
    record_release (&record);
}

Test (record, past_covers_others_by_the_vector_and_its_own_client_up_to_the_operation)
{
    sample_t sample;
    sample_parse ("A5 create <B3 <A9", &sample);
    past_t past = {&sample.seen, sample.operation.stamp};
    const char *covered[] = {"B3", "B2", "A4", "A1"};
    const char *not_covered[] = {"B4", "A5", "A6", "C1"};
    for (size_t i = 0; i < 4; i++) {
        timestamp_t yes = sample_stamp (covered[i]);
        timestamp_t no = sample_stamp (not_covered[i]);
        cr_expect (past_covers (&past, &yes), "%s", covered[i]);
        cr_expect_not (past_covers (&past, &no), "%s", not_covered[i]);
    }
}

//  What a client that returns brings of a record (news.h; README.md there, "A return"). A is the member, R the client
//  that returns, B another of R's half; R99 is the timestamp that nobody has seen. How a record is written: sample.h.

#include "messages/news.h"
#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>

static const record_rule_t WINS = {CRDT_LWW, DELETE_WINS};
static const record_rule_t LATEST = {CRDT_LWW, DELETE_LATEST};
static const record_rule_t GSET = {CRDT_GSET, DELETE_WINS};

//  ---- the comparison

typedef struct row {
    const char *why;
    const char *mine, *my_vector;
    const char *theirs, *their_vector;
    const char *news;
    bool whole, lost;
} row_t;

static void check (const row_t *row, record_rule_t rule)
{
    record_t mine = sample_record (row->mine), theirs = sample_record (row->theirs);
    vector_t my_vector = sample_vector (row->my_vector);
    vector_t their_vector = sample_vector (row->their_vector);
    timestamp_t now = sample_stamp ("R99");
    news_t news = {.record = sample_record ("+Z1 -Z2 z=1@Z1"), .flags = 77, .lost = true};
    news_of (&mine, &my_vector, &theirs, &their_vector, &now, rule, &news);
    cr_expect_str_eq (sample_record_text (&news.record), row->news, "%s: %s", row->why,
        sample_record_text (&news.record));
    cr_expect_eq (news.flags, row->whole ? NEWS_WHOLE : 0, "%s", row->why);
    cr_expect_eq (news.lost, row->lost, "%s", row->why);
    bool any = !record_is_empty (&news.record) || news.lost;
    cr_expect (!any || news_may_be (&mine, &my_vector, &theirs, &their_vector),
        "%s: it would not have been put aside", row->why);
    record_release (&mine);
    record_release (&theirs);
    record_release (&news.record);
}

#define CHECK(rule, ...)                                                                           \
    do {                                                                                           \
        const row_t rows[] = {__VA_ARGS__};                                                        \
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)                                  \
            check (&rows[i], rule);                                                                \
    } while (0)

Test (news, of_a_grow_only_set_are_what_the_member_has_not_seen)
{
    CHECK (GSET, {"never seen", "+R5 !R5 ~a=1@R5", "R5", "", "A3", "+R5 !R5 ~a=1@R5", false, false},
        {"seen there", "+R5 !R5 ~a=1@R5", "R5", "+R5 !R5 ~a=1@R5", "R5", "", false, false},
        {"a property more", "+A1 !R5 ~a=1@A1 ~b=2@R5", "A1 R5", "+A1 !A1 ~a=1@A1", "A1",
            "!R5 ~b=2@R5", false, false},
        {"superseded there", "+R5 !R5 ~a=1@R5", "R5", "+A1 !R5 ~a=9@A1", "A1 R5", "", false, false},
        {"new here", "", "R5", "+A3 !A3 ~a=1@A3", "A3", "", false, false});
}

Test (news, under_wins_are_what_the_member_has_not_seen)
{
    CHECK (WINS, {"never seen", "+R5 !R5 a=1@R5", "R5", "", "A3", "+R5 !R5 a=1@R5", false, false},
        {"of another of its half", "+B4 !R5 a=1@B4 b=2@R5", "B4 R5", "", "A3",
            "+B4 !R5 a=1@B4 b=2@R5", false, false},
        {"a write more", "+A1 !R5 a=1@A1 b=2@R5", "A1 R5", "+A1 !A1 a=1@A1", "A1", "!R5 b=2@R5",
            false, false},
        {"an overwrite", "+A1 !R5 ^R5 a=1@A1 b=2@R5 ~c=3@A1", "A1 R5", "+A1 !A1 a=1@A1 ~c=3@A1",
            "A1", "!R5 ^R5 b=2@R5", false, false},
        {"a weak value", "+A1 !R5 ~a=1@A1 ~b=2@R5", "A1 R5", "+A1 !A1 ~a=1@A1", "A1", "!R5 ~b=2@R5",
            false, false},
        {"superseded there", "+A1 !R5 a=1@R5", "A1 R5", "+A1 !A9 a=3@A9", "A9 R5", "", false,
            false},
        {"new here", "", "R5", "+A9 !A9 a=1@A9", "A9", "", false, false},
        {"equal", "+A1 !A1 a=1@A1", "A1 R5", "+A1 !A1 a=1@A1", "A1", "", false, false});
}

Test (news, under_wins_what_was_deleted_here_is_deleted_there)
{
    CHECK (WINS,
        {"remembered: with its first timestamp", "-R5", "A1 R5", "+A1 !A1 a=1@A1", "A1", "-R5",
            false, false},
        {"purged: a new one", "", "A1 R5", "+A1 !A1 a=1@A1", "A1", "-R99", false, false},
        {"and created anew since", "+R7 !R7 -R5 a=2@R7", "A1 R7", "+A1 !A1 a=1@A1", "A1",
            "+R7 !R7 -R5 a=2@R7", false, false},
        {"purged, and created anew", "+R7 !R7 a=2@R7", "A1 R7", "+A1 !A1 a=1@A1", "A1",
            "+R7 !R7 -R99 a=2@R7", false, false},
        {"purged, and an earlier create has come to it since", "", "B4 R5", "+A1 !B4 a=1@B4",
            "A1 B4", "-R99", false, false},
        {"purged, created anew, and an earlier create has come", "+R7 !R7 a=2@R7", "B4 R7",
            "+A1 !B4 a=1@B4", "A1 B4", "+R7 !R7 -R99 a=2@R7", false, false},
        {"with what of the new life the member has seen", "+B6 !R7 -B5 a=2@B6 b=3@R7", "A1 B6 R7",
            "+A1 !A1 a=1@A1", "A1", "+B6 !R7 -B5 a=2@B6 b=3@R7", false, false},
        {"a deletion that the member has seen", "-R5", "A1 R5", "", "A9 R5", "", false, false});
}

Test (news, under_wins_what_was_deleted_there_is_deleted_here_and_reported)
{
    CHECK (WINS,
        {"purged there, and written here", "+A1 !R5 a=1@A1 b=2@R5", "A1 R5", "", "A9", "", false,
            true},
        {"purged there, and nothing of ours is lost", "+A1 !A1 a=1@A1", "A1 R5", "", "A9", "",
            false, false},
        {"purged there, and created anew", "+A1 !R5 a=1@A1 b=2@R5", "A1 R5", "+A8 !A8 a=9@A8", "A9",
            "", false, true},
        {"purged there, and an earlier create has come to it here", "+R1 !A4 a=1@R1 b=4@A4",
            "A4 R5", "", "A9", "", false, true},
        {"remembered there, and not seen here", "+A1 !R5 a=1@A1 b=2@R5", "A1 R5", "-A9", "A9", "",
            false, true},
        {"a new life here, which has not seen it", "+R7 !R7 a=2@R7", "A1 R7", "-A9", "A9", "",
            false, true},
        {"our deletions go there all the same", "+R7 !R7 -R5 a=2@R7", "A1 R7", "-A9", "A9", "-R5",
            false, true},
        {"remembered there, and seen here", "+R7 !R7 a=2@R7", "A3 R7", "-A3", "A3",
            "+R7 !R7 a=2@R7", false, false});
}

Test (news, under_latest_of_what_the_member_has_none_of)
{
    CHECK (LATEST,
        {"never seen: the whole", "+R5 !R5 ^R4 a=1@R5", "R5", "", "A3", "+R5 !R5 ^R4 a=1@R5", true,
            false},
        {"with its deletions", "+R5 !R5 -R6 a=1@R5", "R6", "", "A3", "+R5 !R5 -R6 a=1@R5", true,
            false},
        {"gone there", "+A1 !R5 a=1@A1 b=2@R5", "A1 R5", "", "A9", "", false, true},
        {"gone there, and nothing of ours is lost", "+A1 !A1 a=1@A1", "A1 R5", "", "A9", "", false,
            false},
        {"gone there, and deleted here too", "+A1 !A1 -R5 a=1@A1", "A1 R5", "", "A9", "", false,
            false},
        {"neither has it", "", "A1 R5", "", "A9", "", false, false});
}

Test (news, under_latest_of_what_is_alive_at_the_member)
{
    CHECK (LATEST,
        {"it was written there since: that keeps it alive", "", "A10 R50", "+A10 !A60 a=6@A60",
            "A60", "", false, false},
        {"a deletion goes there all the same", "+A10 !A10 -R50 a=1@A10", "A10 R50",
            "+A10 !A60 a=1@A10 b=6@A60", "A60", "-R50", false, false},
        {"writes on both sides", "+A10 !R50 a=1@A10 b=5@R50", "A10 R50",
            "+A10 !A60 a=1@A10 c=6@A60", "A60", "!A60 b=5@R50", false, false},
        {"what is older than the deletion on which its life stands is over", "+R4 !R6 -R3 a=4@R4",
            "R6", "+A9 !A9 ^A7 a=9@A9", "A9", "-R3", false, false},
        {"... and what is not is not", "+R4 !R8 a=8@R8", "R8", "+A9 !A9 ^A7 a=9@A9", "A9",
            "+R4 !A9 a=8@R8", false, false},
        {"nothing new there, and the news make it equal", "+A10 !R50 a=1@A10 b=2@R50", "A10 R50",
            "+A10 !A10 a=1@A10", "A10", "!R50 b=2@R50", false, false},
        {"on a deletion that it knew: its weak values show still",
            "+A21 !A30 ^A20 a=5@R25 ~b=2@A30", "A30 R25", "+A21 !A30 ^A20 a=1@A21 ~b=2@A30", "A30",
            "a=5@R25", false, false},
        {"nothing new there, deleted here and purged: a new deletion", "", "A10 R50",
            "+A10 !A10 a=1@A10", "A10", "-R99", false, false},
        {"nothing new there, deleted here", "+A10 !A10 -R50 a=1@A10", "A10 R50",
            "+A10 !A10 a=1@A10", "A10", "-R50", false, false},
        {"a new life here hides the old one", "+R50 !R50 a=5@R50", "A40 R50",
            "+A10 !A40 a=1@A10 b=4@A40", "A40", "+R41 !R50 ^R41 a=5@R50", true, false});
}

Test (news, under_latest_of_what_is_dead_at_the_member)
{
    CHECK (LATEST, {"no news", "+A10 !A10 a=1@A10", "A10 R30", "-A40", "A40", "", false, false},
        {"written past the deletion: alive with all that it has", "+A10 !R50 a=1@A10 b=2@R50",
            "A10 R50", "+A10 !A10 -A40 a=1@A10", "A40", "+A10 !R50 ^A40 -A40 a=1@A40 b=2@R50", true,
            false},
        {"a life that began past it stands on it", "+R50 !R50 a=5@R50", "A10 R50",
            "+A10 !A10 -A40 a=1@A10", "A40", "+A40 !R50 ^A40 -A40 a=5@R50", true, false},
        {"written before it: in vain, and reported", "+A10 !R30 a=2@R30", "A10 R30",
            "+A10 !A10 -A40 a=1@A10", "A40", "", false, true},
        {"dead here too: nothing is lost", "+A10 !R30 -R35 a=2@R30", "A10 R35",
            "+A10 !A10 -A40 a=1@A10", "A40", "-R35", false, false},
        {"a deletion alone", "+A10 !A10 -R30 a=1@A10", "A10 R30", "+A10 !A10 -A40 a=1@A10", "A40",
            "-R30", false, false});
}

//  What the whole goes on top of must not show again, and what shows here must.
Test (news, the_whole_on_top_of_a_deletion_leaves_hidden_values_hidden)
{
    CHECK (LATEST,
        {"a strong value under an overwrite", "+A10 !R50 ^R45 a=1@A10 b=2@R50", "A10 R50",
            "+A10 !A10 -A40 a=1@A10", "A40", "+A10 !R50 ^R45 -A40 a=1@A10 b=2@R50", true, false},
        {"under an earlier overwrite than the deletion", "+A10 !R50 ^R20 a=1@A10 b=2@R30 c=3@R50",
            "A10 R50", "+A10 !A10 -A40 a=1@A10", "A40",
            "+A10 !R50 ^A40 -A40 a=1@A10 b=2@A40 c=3@R50", true, false},
        {"a weak value shows as a strong one", "+A10 !R50 ~a=1@A10 b=2@R50", "A10 R50",
            "+A10 !A10 -A40 ~a=1@A10", "A40", "+A10 !R50 ^A40 -A40 a=1@A40 b=2@R50 ~a=1@A10", true,
            false},
        {"a weak value that a floor hides", "+A10 !R50 ^R45 b=2@R50 ~a=1@A10", "A10 R50",
            "+A10 !A10 -A40 ~a=1@A10", "A40", "+A10 !R50 ^R45 -A40 b=2@R50 ~a=1@A10", true, false},
        {"a weak value beside a strong one", "+A10 !R50 a=2@R50 ~a=1@A10", "A10 R50",
            "+A10 !A10 -A40 ~a=1@A10", "A40", "+A10 !R50 ^A40 -A40 a=2@R50 ~a=1@A10", true, false});
}

//  ---- what is put aside for it

Test (news, may_be_only_where_one_side_has_what_the_other_lacks)
{
    static const struct {
        const char *mine, *my_vector, *theirs, *their_vector;
        bool may_be;
    } rows[] = {
        {"", "R5", "", "A3", false},
        {"+A1 !A1 a=1@A1", "A1", "+A1 !A1 a=1@A1", "A1", false},
        {"+A1 !A1 a=1@A1", "A1", "+A1 !A9 a=2@A9", "A9", false},
        {"+A1 !A1 a=1@A1", "A1", "", "A9", false},
        {"+R5 !R5", "R5", "", "A3", true},
        {"+A1 !R5", "A1 R5", "+A1 !A1", "A1", true},
        {"+A1 !A1 ^R5", "A1 R5", "+A1 !A1", "A1", true},
        {"+A1 !A1 a=1@R5", "A1 R5", "+A1 !A1", "A1", true},
        {"+A1 !A1 ~a=1@R5", "A1 R5", "+A1 !A1", "A1", true},
        {"-R5", "A1 R5", "", "A1", true},
        {"", "A1", "+A1 !A1", "A1", true},
        {"+A5 !A5", "A5", "+A1 !A1", "A1 A5", true},
        {"", "", "+A1 !A1", "A1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        record_t mine = sample_record (rows[i].mine), theirs = sample_record (rows[i].theirs);
        vector_t my_vector = sample_vector (rows[i].my_vector);
        vector_t their_vector = sample_vector (rows[i].their_vector);
        cr_expect_eq (news_may_be (&mine, &my_vector, &theirs, &their_vector), rows[i].may_be,
            "%zu: \"%s\" to \"%s\"", i, rows[i].mine, rows[i].theirs);
        record_release (&mine);
        record_release (&theirs);
    }
}

//  ---- joining

typedef struct joining {
    const char *why;
    const char *state, *news;
    bool whole;
    const char *seen;
    const char *joined; // NULL: nothing changes
} joining_t;

static void check_join (const joining_t *row, record_rule_t rule)
{
    record_t state = sample_record (row->state), news = sample_record (row->news);
    vector_t seen = sample_vector (row->seen);
    uint64_t flags = row->whole ? NEWS_WHOLE : 0;
    const char *joined = row->joined ? row->joined : row->state;
    bool changed = news_join (&state, &news, flags, &seen, rule);
    cr_expect_str_eq (
        sample_record_text (&state), joined, "%s: %s", row->why, sample_record_text (&state));
    cr_expect_eq (changed, row->joined != NULL, "%s", row->why);
    news_join (&state, &news, flags, &seen, rule);
    cr_expect_str_eq (sample_record_text (&state), joined, "%s: it came twice: %s", row->why,
        sample_record_text (&state));
    record_release (&state);
    record_release (&news);
}

#define CHECK_JOIN(rule, ...)                                                                      \
    do {                                                                                           \
        const joining_t rows[] = {__VA_ARGS__};                                                    \
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)                                  \
            check_join (&rows[i], rule);                                                           \
    } while (0)

Test (news_join, takes_the_smaller_create_and_the_larger_of_all_else)
{
    CHECK_JOIN (WINS,
        {"larger", "+A5 !A5 ^A4 a=1@A4 b=2@A5", "+R3 !R9 ^R6 a=3@R9 c=4@R6", false, "A5",
            "+R3 !R9 ^R6 a=3@R9 b=2@A5 c=4@R6"},
        {"smaller", "+A5 !A9 ^A8 a=1@A9", "+R6 !R6 ^R6 a=3@R6", false, "A9", NULL},
        {"weak values: the first", "+A5 !A9 ~a=1@A5 ~b=2@A9", "!R7 ~a=3@R7 ~b=4@R7", false, "A9",
            "+A5 !A9 ~a=1@A5 ~b=4@R7"},
        {"nothing", "+A5 !A5 a=1@A5", "", false, "A5", NULL});
    CHECK_JOIN (GSET,
        {"the first writer", "+A5 !A5 ~a=1@A5", "+R3 !R3 ~a=3@R3 ~b=4@R3", false, "",
            "+R3 !A5 ~a=3@R3 ~b=4@R3"},
        {"it was not there", "", "+R3 !R3 ~a=3@R3", false, "", "+R3 !R3 ~a=3@R3"});
}

Test (news_join, of_a_record_that_is_gone_brings_nothing_back)
{
    CHECK_JOIN (WINS, {"deleted here, and purged", "", "!R9 a=1@R9", false, "A5", NULL});
    CHECK_JOIN (LATEST, {"deleted here, and purged", "", "!R9 a=1@R9", false, "A5", NULL});
}

Test (news_join, under_wins_a_deletion_that_is_not_remembered_ends_the_life)
{
    CHECK_JOIN (WINS,
        {"and is remembered", "+A1 !A8 ^A7 a=1@A8 ~b=2@A1", "-R5", false, "A8", "-R5"},
        {"and the life that it brings begins", "+A1 !A8 a=1@A8", "+R7 !R7 -R5 a=2@R7", false, "A8",
            "+R7 !R7 -R5 a=2@R7"},
        {"one that is remembered ends nothing", "+R7 !R7 -R5 a=2@R7", "-R5", false, "A8", NULL},
        {"nor one behind it", "+R7 !R7 -R5 a=2@R7", "-R4", false, "A8", NULL},
        {"a larger one of the same client takes its place", "+R7 !R7 -R5 a=2@R7", "-R9", false,
            "A8", "-R9"},
        {"of several clients in their order", "-B2 -R5", "-A3 -Q4", false, "A8",
            "-A3 -B2 -Q4 -R5"});
}

static bool ends (const char *state, const char *news, record_rule_t rule)
{
    record_t self = sample_record (state), given = sample_record (news);
    bool end = news_end (&self, &given, rule);
    record_release (&self);
    record_release (&given);
    return end;
}

Test (news_join, under_wins_ends_a_life_though_another_begins)
{
    cr_assert (ends ("+A1 !A8 a=1@A8", "+R7 !R7 -R5 a=2@R7", WINS));
    cr_assert_not (ends ("+R7 !R7 -R5 a=2@R7", "+R9 !R9 -R5 a=2@R9", WINS));
    cr_assert_not (ends ("+A1 !A8 a=1@A8", "!R7 a=2@R7", WINS));
    cr_assert_not (ends ("+A1 !A8 a=1@A8", "+R7 !R7 -R5 a=2@R7", LATEST));
}

Test (news_join, under_wins_a_remembered_deletion_that_the_news_had_not_seen_beats_them)
{
    CHECK_JOIN (WINS, {"unseen", "-B6", "+R7 !R7 a=2@R7", false, "A8", NULL},
        {"seen by the member", "-A6", "+R7 !R7 a=2@R7", false, "A8", "+R7 !R7 -A6 a=2@R7"},
        {"brought along", "-R5", "+R7 !R7 -R5 a=2@R7", false, "A8", "+R7 !R7 -R5 a=2@R7"},
        {"a larger one is brought along", "-R5", "+R7 !R7 -R6 a=2@R7", false, "A8",
            "+R7 !R7 -R6 a=2@R7"},
        {"their own deletion counts all the same", "+B7 !B7 -B6 a=1@B7", "+R7 !R7 -R5 a=2@R7",
            false, "A8", "-B6 -R5"});
}

Test (news_join, under_latest_a_whole_clears_a_dead_record_whose_deletion_is_covered)
{
    CHECK_JOIN (LATEST,
        {"covered", "+A1 !A1 -A4 a=1@A1 b=1@A1", "+A4 !R9 ^A4 -A4 a=2@R9", true, "A4",
            "+A4 !R9 ^A4 -A4 a=2@R9"},
        {"not covered", "+A1 !A1 -B6 a=1@A1 b=1@A1", "+A4 !R9 ^A4 -A4 a=2@R9", true, "A4",
            "+A1 !R9 ^A4 -A4 -B6 a=2@R9 b=1@A1"},
        {"not a whole", "+A1 !A1 -A4 a=1@A1 b=1@A1", "!R9 a=2@R9", false, "A4",
            "+A1 !R9 -A4 a=2@R9 b=1@A1"},
        {"alive", "+A1 !A7 -A4 a=1@A1 b=1@A7", "+A4 !R9 ^A4 a=2@R9", true, "A4",
            "+A1 !R9 ^A4 -A4 a=2@R9 b=1@A7"});
}

//  A life that began past its floor stands on that deletion (record_join.c).
Test (news_join, under_latest_of_two_lives_what_is_before_a_deletion_is_over)
{
    CHECK_JOIN (LATEST,
        {"the record's", "+A1 !A3 a=1@A3 ~b=1@A1", "+R7 !R7 ^R5 a=2@R7", true, "A3",
            "+R7 !R7 ^R5 a=2@R7"},
        {"the news'", "+B7 !B7 ^B5 a=2@B7", "!R4 a=1@R4", false, "A3", NULL},
        {"the news are beside what is past it", "+B7 !B7 ^B5 ~a=2@B7", "+R4 !B7 a=1@R4", false,
            "B7", "+R4 !B7 ^B5 a=1@R4 ~a=2@B7"},
        {"the record is past what the news stand on", "+A1 !A6 a=1@A6 ~b=1@A1",
            "+R7 !R7 ^R5 a=2@R7", true, "A6", "+A1 !R7 ^R5 a=2@R7 ~b=1@A1"},
        {"the record began past it, stands on nothing, and had seen it", "+S9 !S9 ~b=1@S9",
            "+R7 !R7 ^R5 a=2@R7", true, "A3 R5", "+R7 !S9 ^R5 a=2@R7 ~b=1@S9"},
        {"the record began past it, stands on nothing, and had not", "+S9 !S9 ~b=1@S9",
            "+R7 !R7 ^R5 a=2@R7", true, "A3", "+R5 !S9 ^R5 a=2@R7 ~b=1@S9"},
        {"the news are past it and had not seen it", "+B7 !B7 ^B5 ~a=2@B7", "!R9 b=1@R9", false,
            "A3", "+B5 !R9 ^B5 b=1@R9 ~a=2@B7"},
        {"the news are past it and had seen it", "+A7 !A7 ^A5 ~a=2@A7", "!R9 b=1@R9", false, "A7",
            "+A7 !R9 ^A5 b=1@R9 ~a=2@A7"},
        {"both stand on it", "+B7 !B7 ^B5 ~a=2@B7", "+B7 !R9 ^B5 b=1@R9 ~a=2@B7", true, "A3",
            "+B7 !R9 ^B5 b=1@R9 ~a=2@B7"});
}

Test (news_join, under_latest_a_deletion_ends_only_what_was_not_written_since)
{
    CHECK_JOIN (
        LATEST, {"it is remembered", "+A1 !A8 a=1@A8", "-R5", false, "A8", "+A1 !A8 -R5 a=1@A8"});
    record_t alive = sample_record ("+A1 !A8 -R5 a=1@A8"), dead = sample_record ("+A1 !A3 -R5");
    cr_expect (record_alive (&alive, LATEST));
    cr_expect_not (record_alive (&dead, LATEST));
    record_release (&alive);
    record_release (&dead);
}

//  ---- a comparison and its joins, by random histories

typedef struct side {
    char letter;
    record_t record;
    vector_t vector;
} side_t;

//  One operation of the side's app; its batch has seen all that the side has.
static void live (side_t *self, record_rule_t rule, uint64_t time, uint64_t *random)
{
    static const char *const values[] = {"a=1 b=2", "a=3", "b=4 c=5", "c=6"};
    operation_t operation = {.stamp = {time, sample_client (self->letter)},
        .resource = slice_text ("tags"),
        .action = (int)(sample_random (random) % 3),
        .on_conflict = (int)(sample_random (random) % 3)};
    past_t past = {&self->vector, operation.stamp};
    operation.value = sample_value (values[sample_random (random) % 4]);
    if (record_admit (&self->record, &operation, true, rule) == 0)
        record_join (&self->record, &operation, &past, rule);
    vector_set (&self->vector, &operation.stamp.client, time, NULL);
    if (sample_random (random) % 2) // a half of its own purges what it has
        record_purge (&self->record, &self->vector, rule);
}

static side_t side_begin (char letter, const side_t *from)
{
    side_t side = {.letter = letter, .vector = sample_vector ("")};
    vector_copy (&side.vector, &from->vector);
    record_copy (&side.record, &from->record);
    return side;
}

static void compare (const side_t *self, const side_t *member, record_rule_t rule, news_t *ret_news)
{
    timestamp_t now = {98 + (self->letter == 'S'), sample_client (self->letter)};
    *ret_news = (news_t){.flags = 0};
    news_of (&self->record, &self->vector, &member->record, &member->vector, &now, rule, ret_news);
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

static void join_all (
    record_t *state, const news_t *const *news, const vector_t *seen, record_rule_t rule)
{
    for (; *news; news++)
        news_join (state, &(*news)->record, (*news)->flags, seen, rule);
}

//  Two halves of one client each return to A at the same time. In either order all show the same.
static void converge (record_rule_t rule, uint64_t seed)
{
    uint64_t random = seed;
    side_t origin = {.letter = 'A', .vector = sample_vector ("")};
    for (uint64_t time = 1; time <= 3; time++)
        live (&origin, rule, time, &random);
    side_t sides[3] = {
        side_begin ('A', &origin), side_begin ('R', &origin), side_begin ('S', &origin)};
    for (uint64_t time = 10; time < 19; time++)
        live (&sides[sample_random (&random) % 3], rule, time, &random);

    news_t of_r, of_s;
    compare (&sides[1], &sides[0], rule, &of_r);
    compare (&sides[2], &sides[0], rule, &of_s);
    const news_t *const orders[][3] = {{&of_r, &of_s}, {&of_s, &of_r}};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        record_t state = {.created = {0}};
        record_copy (&state, &sides[0].record);
        join_all (&state, orders[i], &sides[0].vector, rule);
        const char *text = shown (&state, rule);
        first = first ? first : text;
        cr_assert_str_eq (text, first, "seed %llu, order %zu", (unsigned long long)seed, i);
        record_release (&state);
    }
    for (size_t i = 0; i < 3; i++)
        record_release (&sides[i].record);
    record_release (&origin.record);
    record_release (&of_r.record);
    record_release (&of_s.record);
}

Test (news_join, of_two_returns_shows_the_same_in_either_order)
{
    for (uint64_t seed = 1; seed <= 900; seed++) {
        converge (WINS, seed);
        converge (LATEST, seed);
        converge (GSET, seed);
    }
}

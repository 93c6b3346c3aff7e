//  Which members count, and what all of them have published (counting.h). Clients are letters; A is this node.

#include "messages/counting.h"
#include "tests/unit/messages/sample.h"

#include <criterion/criterion.h>
#include <string.h>

//  A member and what it has published to have seen; clients[i] is the letter 'A' + i.
typedef struct pool {
    client_t clients[6];
    vector_t published[6];
    vector_t shared;
    size_t count;
} pool_t;

static const vector_t *published_of (const void *context, const uuid16_t *origin)
{
    static const vector_t nothing;
    const pool_t *pool = context;
    for (size_t i = 0; i < pool->count; i++)
        if (uuid_equal (&pool->clients[i].uuid, origin))
            return &pool->published[i];
    return &nothing;
}

static pool_view_t view_of (const pool_t *pool)
{
    return (pool_view_t){.me = sample_client ('A'),
        .clients = pool->clients,
        .count = pool->count,
        .shared = &pool->shared,
        .published = published_of,
        .context = pool};
}

//  So many members, all admitted by A at 1; what A has applied; nobody has published anything.
static pool_t pool_of (size_t count, const char *shared)
{
    pool_t pool = {.count = count, .shared = sample_vector (shared)};
    for (size_t i = 0; i < count; i++) {
        pool.clients[i].uuid = sample_client ((char)('A' + i));
        pool.clients[i].admitted = sample_stamp ("A1");
    }
    return pool;
}

static void publish (pool_t *pool, char letter, const char *vector)
{
    pool->published[letter - 'A'] = sample_vector (vector);
}

static client_t *client_of (pool_t *pool, char letter)
{
    return &pool->clients[letter - 'A'];
}

static bool counts (const pool_t *pool, char letter)
{
    pool_view_t view = view_of (pool);
    return pool_counts (&view, &pool->clients[letter - 'A']);
}

//  ---- out, declared, returning

//  "s5 r6 b7 x8": stale, returning, back, removed.
static client_t client_said (const char *text)
{
    client_t client = {.uuid = sample_client ('C'), .admitted = sample_stamp ("A1")};
    for (; *text; text += strcspn (text, " "), text += strspn (text, " ")) {
        timestamp_t stamp = {strtoull (text + 1, NULL, 10), sample_client ('B')};
        switch (*text) {
        case 's': client.stale = stamp; break;
        case 'r': client.returning = stamp; break;
        case 'b': client.back = stamp; break;
        default: client.removed = stamp;
        }
    }
    return client;
}

Test (counting, the_newest_of_stale_returning_and_back_says_how_a_client_stands)
{
    static const struct {
        const char *said;
        uint64_t out, declared; // the time of the statement; 0: none
        bool returns;
    } rows[] = {
        {"", 0, 0, false},
        {"s5", 5, 5, false},
        {"s5 r6", 6, 0, true},
        {"s5 r6 b7", 0, 0, false},
        {"s8 r6 b7", 8, 8, false},
        {"s5 r8 b7", 8, 0, true},
        {"s9 r8 b7", 9, 9, false},
        {"r6", 6, 0, true},
        {"b7", 0, 0, false},
        {"s5 b5", 0, 0, false},
        {"x4", 4, 4, false},
        {"x4 s5 r6 b7", 4, 4, false},
        {"x9 s5 r6", 9, 9, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        client_t client = client_said (rows[i].said);
        const timestamp_t *out = client_out (&client);
        const timestamp_t *declared = client_declared (&client);
        cr_expect_eq (out ? out->time : 0, rows[i].out, "out after \"%s\"", rows[i].said);
        cr_expect_eq (
            declared ? declared->time : 0, rows[i].declared, "declared after \"%s\"", rows[i].said);
        cr_expect_eq (client_returns (&client), rows[i].returns, "returns \"%s\"", rows[i].said);
    }
}

//  ---- who counts

Test (counting, who_is_not_admitted_counts_not_and_who_never_acknowledged_anything_does)
{
    pool_t pool = pool_of (3, "A10");
    client_of (&pool, 'C')->admitted = (timestamp_t){0};
    cr_expect (counts (&pool, 'A'));
    cr_expect (counts (&pool, 'B'));
    cr_expect_not (counts (&pool, 'C'));
}

Test (counting, a_declared_client_counts_until_every_member_that_is_not_out_has_published_that)
{
    pool_t pool = pool_of (4, "A10 B10 C10 D10");
    client_of (&pool, 'D')->stale = sample_stamp ("A9");
    cr_expect (counts (&pool, 'D'), "nobody has published it");
    publish (&pool, 'B', "A9");
    cr_expect (counts (&pool, 'D'), "C has not");
    publish (&pool, 'C', "A8");
    cr_expect (counts (&pool, 'D'), "C is one short of it");
    publish (&pool, 'C', "A9");
    cr_expect_not (counts (&pool, 'D'));
}

Test (counting, a_removed_client_is_counted_out_in_the_same_way)
{
    pool_t pool = pool_of (3, "A10 B10");
    client_of (&pool, 'C')->removed = sample_stamp ("B9");
    cr_expect_not (counts (&pool, 'C'), "B said it, and this node has it");
    client_of (&pool, 'C')->removed = sample_stamp ("A9");
    cr_expect (counts (&pool, 'C'));
    publish (&pool, 'B', "A9");
    cr_expect_not (counts (&pool, 'C'));
}

//  Or two that are declared would wait for each other for ever.
Test (counting, who_is_out_itself_is_not_waited_for)
{
    pool_t pool = pool_of (4, "A10 B10");
    client_of (&pool, 'C')->stale = sample_stamp ("A8");
    client_of (&pool, 'D')->stale = sample_stamp ("A9");
    publish (&pool, 'B', "A9");
    cr_expect_not (counts (&pool, 'C'));
    cr_expect_not (counts (&pool, 'D'));
    client_of (&pool, 'C')->returning = sample_stamp ("B10");
    cr_expect (counts (&pool, 'C'), "from `returning` on it counts");
    cr_expect_not (counts (&pool, 'D'), "who returns is out still");
    client_of (&pool, 'C')->back = sample_stamp ("C11");
    cr_expect (counts (&pool, 'C'));
    cr_expect (counts (&pool, 'D'), "who is back is asked again");
}

//  What was dropped for it stays dropped, whoever comes.
Test (counting, who_was_found_to_be_counted_out_stays_so_for_that_declaration)
{
    pool_t pool = pool_of (3, "A10");
    client_t *client = client_of (&pool, 'C');
    client->stale = client->counted_out = sample_stamp ("A5");
    cr_expect_not (counts (&pool, 'C'), "though B has published nothing");
    client->stale = sample_stamp ("A9");
    cr_expect (counts (&pool, 'C'), "a newer declaration is another");
}

//  ---- what is seen, what is stable

Test (counting, a_member_has_seen_what_it_has_published_and_of_its_own_what_is_here)
{
    pool_t pool = pool_of (3, "A10 B20 C30");
    pool_view_t view = view_of (&pool);
    publish (&pool, 'B', "A7 B99");
    static const struct {
        char member;
        const char *stamp;
        bool seen;
    } rows[] = {{'A', "C30", true}, {'A', "C31", false}, {'A', "A10", true}, {'B', "A7", true},
        {'B', "A8", false}, {'B', "B20", true}, {'B', "B21", false}, {'B', "C1", false},
        {'C', "C30", true}, {'C', "A1", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uuid16_t member = sample_client (rows[i].member);
        timestamp_t stamp = sample_stamp (rows[i].stamp);
        cr_expect_eq (pool_has_seen (&view, &member, &stamp), rows[i].seen, "%c %s", rows[i].member,
            rows[i].stamp);
    }
}

static void expect_stable (const pool_t *pool, const char *expected)
{
    pool_view_t view = view_of (pool);
    vector_t stable = {0}, wanted = sample_vector (expected);
    uuid16_t stranger = sample_client ('Z');
    vector_set (&stable, &stranger, 77, NULL); // is cleared first
    pool_stable (&view, &stable);
    cr_expect (vector_equal (&stable, &wanted), "%s", expected);
    vector_release (&stable);
}

Test (counting, stable_is_what_every_member_that_counts_has_published)
{
    pool_t pool = pool_of (3, "A10 B20 C30");
    expect_stable (&pool, "");
    publish (&pool, 'B', "A9 C25");
    expect_stable (&pool, "C25"); // C has not published, but its own chain
    publish (&pool, 'C', "A8 B15");
    expect_stable (&pool, "A8 B15 C25");
    publish (&pool, 'B', "A50 C50");
    expect_stable (&pool, "A8 B15 C30"); // no further than what is here
    client_of (&pool, 'C')->stale = sample_stamp ("A9");
    expect_stable (&pool, "A10 B20 C30"); // counted out: B has published that
}

Test (counting, of_a_client_alone_all_is_stable)
{
    pool_t pool = pool_of (1, "A10 B7");
    expect_stable (&pool, "A10 B7");
}

Test (counting, somebody_returns_from_returning_until_back_and_not_once_it_is_declared_anew)
{
    pool_t pool = pool_of (3, "A10");
    pool_view_t view = view_of (&pool);
    client_t *client = client_of (&pool, 'C');
    client->stale = sample_stamp ("A5");
    cr_expect_not (pool_somebody_returns (&view));
    client->returning = sample_stamp ("B6");
    cr_expect (pool_somebody_returns (&view));
    client->back = sample_stamp ("C7");
    cr_expect_not (pool_somebody_returns (&view));
    client->returning = sample_stamp ("B8");
    cr_expect (pool_somebody_returns (&view));
    client->stale = sample_stamp ("A9");
    cr_expect_not (pool_somebody_returns (&view));
}

//  ---- who may compare

Test (counting, who_returns_is_caught_up_when_the_member_has_all_of_those_that_count)
{
    pool_t pool = pool_of (4, "A10 B20 C30");
    pool_view_t view = view_of (&pool);
    uuid16_t me = sample_client ('D');
    static const struct {
        const char *mine;
        bool caught_up;
    } rows[] = {{"", true}, {"A10 B20", true}, {"A11", false}, {"B21", false}, {"D99", true},
        {"Z99", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        vector_t mine = sample_vector (rows[i].mine);
        cr_expect_eq (
            pool_is_caught_up (&view, &mine, &me), rows[i].caught_up, "\"%s\"", rows[i].mine);
    }
    vector_t mine = sample_vector ("C31");
    cr_expect_not (pool_is_caught_up (&view, &mine, &me));
    client_of (&pool, 'C')->returning = sample_stamp ("A9");
    cr_expect (pool_is_caught_up (&view, &mine, &me), "what it brings comes with its own return");
    client_of (&pool, 'C')->stale = sample_stamp ("A10");
    cr_expect_not (pool_is_caught_up (&view, &mine, &me), "declared, and it counts yet");
    publish (&pool, 'B', "A10");
    publish (&pool, 'D', "A10");
    cr_expect (pool_is_caught_up (&view, &mine, &me), "counted out");
}

#include "tests/unit/actors/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "messages/batch.h"
#include "messages/request.h"
#include "store/clients.h"
#include "store/node.h"
#include "store/owned.h"
#include "store/pending.h"
#include "store/resources.h"
#include "store/visible.h"
#include "store/watermarks.h"

#define is(text, wanted) cr_assert_str_eq ((text), (wanted))
#define has(text, wanted)                                                                          \
    cr_assert_not_null (strstr ((text), (wanted)), "%s\n  does not have\n%s", (text), (wanted))

static harness_t *admin_new (void)
{
    harness_t *self = harness_new (&admin_class);
    harness_open (self);
    return self;
}

static void commanded (
    harness_t *self, int from, uint64_t ticket, int error, const char *message, const char *answer)
{
    commanded_t body = {.error = (uint64_t)-error, .message = slice_text (message)};
    if (answer)
        body.answer = packed (self, answer);
    harness_mail (self, from, MAIL_COMMANDED, ticket, &commanded_type, &body, NULL, 0);
}

//  ---- the envelope, and what is not for admin

Test (admin, garbage_is_refused_and_the_node_goes_on)
{
    harness_t *self = admin_new ();
    static const char *const cases[] = {"[]", "7", "{}", "{do: 7}", "{id: 7}"};
    for (size_t i = 0; i < 5; i++)
        has (harness_ask (self, cases[i]), "ok: false, error: 'BAD_REQUEST'");
    slice_t frames[2] = {{NULL, 0}, packed (self, "{do: 'get', id: 7}")};
    harness_message (self, frames, 2);
    const mail_t *mail = harness_take (self, MAIL_EDGE_OUT);
    cr_assert_eq (mail->frame_count, 2);
    is (shown_as (self, mail_frame (mail, 1)),
        "{id: 7, ok: false, error: 'UNKNOWN_VERB', message: 'there is no such verb'}");
    cr_assert_eq (metric_get (&self->metrics, METRIC_GARBAGE), 5);
    cr_assert_eq (metric_get (&self->metrics, METRIC_REQUESTS_REFUSED), 0, "of apps");
    harness_destroy (&self);
}

Test (admin, commands_go_whole_to_their_actor_and_its_answer_is_spliced)
{
    harness_t *self = admin_new ();
    static const struct {
        const char *verb;
        int actor;
    } cases[] = {{"invite", ACTOR_POOL}, {"join", ACTOR_POOL}, {"remove", ACTOR_POOL},
        {"pause", ACTOR_LINK}, {"resume", ACTOR_LINK}, {"ingest", ACTOR_INGEST},
        {"stop", ACTOR_NODE}, {"log", ACTOR_NODE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[64];
        snprintf (request, sizeof request, "{do: '%s', id: 3, x: [1]}", cases[i].verb);
        is (harness_ask (self, request), "nothing");
        const mail_t *mail = harness_take (self, MAIL_COMMAND);
        command_t command;
        cr_assert_eq (mail->envelope.to, cases[i].actor, "%s", cases[i].verb);
        cr_assert_eq (message_unpack (&command_type, mail->body, &command, NULL), 0);
        cr_assert (slice_equal (command.verb, slice_text (cases[i].verb)));
        is (shown_as (self, command.request), request);
        commanded (self, cases[i].actor, mail->envelope.ticket, 0, NULL, "{ticket: 'T', n: 2}");
        is (harness_answer (self), "{id: 3, ok: true, ticket: 'T', n: 2}");
        commanded (self, cases[i].actor, mail->envelope.ticket, 0, NULL, NULL);
        is (harness_answer (self), "nothing");
    }
    harness_destroy (&self);
}

Test (admin, command_without_an_answer_of_its_own_is_just_done)
{
    harness_t *self = admin_new ();
    harness_ask (self, "{do: 'stop'}");
    commanded (self, ACTOR_NODE, harness_take (self, MAIL_COMMAND)->envelope.ticket, 0, NULL, NULL);
    is (harness_answer (self), "{id: nil, ok: true}");
    harness_destroy (&self);
}

Test (admin, refusal_of_an_actor_is_passed_on)
{
    harness_t *self = admin_new ();
    harness_ask (self, "{do: 'join', id: 1}");
    commanded (self, ACTOR_POOL, harness_take (self, MAIL_COMMAND)->envelope.ticket,
        ERR_TICKET_INVALID, "it was used", NULL);
    is (harness_answer (self),
        "{id: 1, ok: false, error: 'TICKET_INVALID', message: 'it was used'}");
    harness_destroy (&self);
}

Test (admin, answers_out_of_order_find_their_callers)
{
    harness_t *self = admin_new ();
    uint64_t tickets[3];
    for (int i = 0; i < 3; i++) {
        char request[32];
        snprintf (request, sizeof request, "{do: 'invite', id: %d}", i);
        harness_ask (self, request);
        tickets[i] = harness_take (self, MAIL_COMMAND)->envelope.ticket;
    }
    commanded (self, ACTOR_POOL, tickets[1], 0, NULL, NULL);
    is (harness_answer (self), "{id: 1, ok: true}");
    commanded (self, ACTOR_POOL, tickets[2], 0, NULL, NULL);
    is (harness_answer (self), "{id: 2, ok: true}");
    commanded (self, ACTOR_POOL, tickets[0], 0, NULL, NULL);
    is (harness_answer (self), "{id: 0, ok: true}");
    harness_destroy (&self);
}

Test (admin, too_many_commands_under_way_are_refused)
{
    harness_t *self = admin_new ();
    for (int i = 0; i < 256; i++)
        is (harness_ask (self, "{do: 'invite'}"), "nothing");
    has (harness_ask (self, "{do: 'invite'}"), "error: 'BUSY'");
    uint64_t ticket = harness_take (self, MAIL_COMMAND)->envelope.ticket;
    commanded (self, ACTOR_POOL, ticket, 0, NULL, NULL);
    is (harness_answer (self), "{id: nil, ok: true}");
    is (harness_ask (self, "{do: 'invite'}"), "nothing");
    harness_destroy (&self);
}

//  ---- status

static const int reporters[] = {ACTOR_LINK, ACTOR_POOL, ACTOR_CLOCK, ACTOR_INGEST, ACTOR_API};

//  Takes the five questions and gives their ticket.
static uint64_t reports_asked (harness_t *self)
{
    uint64_t ticket = 0;
    for (size_t i = 0; i < 5; i++) {
        command_t command;
        const mail_t *mail = harness_take (self, MAIL_COMMAND);
        cr_assert_not_null (mail);
        cr_assert_eq (mail->envelope.to, reporters[i]);
        cr_assert_eq (message_unpack (&command_type, mail->body, &command, NULL), 0);
        cr_assert (slice_equal (command.verb, slice_text ("report")));
        ticket = mail->envelope.ticket;
    }
    cr_assert_null (harness_take (self, MAIL_COMMAND));
    return ticket;
}

static const char *status (harness_t *self, const char *link, const char *pool, const char *clock)
{
    is (harness_ask (self, "{do: 'status', id: 1}"), "nothing");
    uint64_t ticket = reports_asked (self);
    commanded (self, ACTOR_LINK, ticket, 0, NULL, link);
    commanded (self, ACTOR_POOL, ticket, 0, NULL, pool);
    commanded (self, ACTOR_CLOCK, ticket, 0, NULL, clock);
    commanded (self, ACTOR_INGEST, ticket, 0, NULL, "{locations: [{path: '/a'}]}");
    is (harness_answer (self), "nothing");
    commanded (self, ACTOR_API, ticket, 0, NULL,
        "{endpoints: {api: 'ipc://a', feed: 'ipc://f', intake: 'ipc://i'}}");
    return harness_answer (self);
}

Test (status, of_a_node_alone_shows_itself)
{
    harness_t *self = admin_new ();
    self->step.now.mono_ns += 5 * 1000000000ull;
    const char *answer = status (self, "{}", "{}", "{clock: {ahead_ms: 0}}");
    has (answer, "{id: 1, ok: true, client: @me, name: 'alpha', pool: nil, version: '1.2.3', "
                 "uptime: 5, endpoints: {peers: [], door: nil, api: 'ipc://a', feed: 'ipc://f', "
                 "intake: 'ipc://i', admin: 'ipc://admin.sock'}, clock: {ahead_ms: 0}, "
                 "resources: {albums: {kind: 'shared', count: 0, digest: #0, conflicts: 0}, ");
    has (answer, "clients: [{client: @me, name: 'alpha', online: true, stale: false, returning: "
                 "false, removed: false, "
                 "last_seen: [7301444403200000000, @me], last_synchronized: nil, behind: 0}], "
                 "pending: {batches: 0, operations: 0, bytes: 0}, store: {used: ");
    has (answer, "alarms: [], paused: [], locations: [{path: '/a'}], joining: nil}");
    harness_destroy (&self);
}

Test (status, counts_and_digests_are_those_of_the_store)
{
    harness_t *self = admin_new ();
    harness_create (self, "tags", 1, 1, "x");
    harness_row (self, 20, 1, 2, "{path: 'a'}");
    const char *answer = status (self, "{}", "{}", "{}");
    has (answer, "tags: {kind: 'shared', count: 1, digest: x'");
    has (answer, "file_paths: {kind: 'owned', count: 1, digest: x'");
    has (answer, "files: {kind: 'derived', count: 0, digest: #0, conflicts: 0}");
    harness_destroy (&self);
}

//  A member with a key of its own, known to the notation by its name.
static client_t member (const char *name)
{
    identity_t identity;
    uint8_t seed[SEED_SIZE] = {0};
    memcpy (seed, name, strlen (name));
    identity_from_seed (seed, &identity);
    client_t client = {.uuid = identity.client, .key = identity.key, .admitted = {5, uuid_n (900)}};
    snprintf (client.name, sizeof client.name, "%s", name);
    notation_name (name, &client.uuid);
    return client;
}

//  A batch with one operation, behind the origin's own up to `after`.
static void batch_put (
    harness_t *self, const identity_t *origin, uint64_t after, uint64_t upto, hash_t *hash)
{
    batch_writer_t writer = {.count = 0};
    vector_t seen = {NULL, 0, 0};
    buffer_t bytes = {NULL, 0, 0};
    batch_t batch;
    uint64_t sequence;
    operation_t operation = {.stamp = {upto, origin->client},
        .resource = slice_text ("tags"),
        .uuid = uuid_n (upto),
        .action = ACTION_CREATE,
        .value = packed (self, "{}")};
    batch_writer_begin (&writer, &origin->client, after, hash);
    batch_writer_add (&writer, &operation);
    batch_writer_seal (&writer, upto, &seen, NULL, origin, &bytes, hash);
    cr_assert_eq (batch_decode (buffer_slice (&bytes), &batch), 0);
    cr_assert_eq (pending_append (self->writing, &batch, &sequence), 0);
    batch_release (&batch);
    batch_writer_release (&writer);
    harness_keep (self, bytes.data);
}

//  Three batches of this node, upto 110, 120, 130.
static void own_batches (harness_t *self)
{
    hash_t hash = {{0}};
    batch_put (self, &self->identity, 0, 110, &hash);
    batch_put (self, &self->identity, 110, 120, &hash);
    batch_put (self, &self->identity, 120, 130, &hash);
    watermark_t own = {self->identity.client, 130, hash};
    cr_assert_eq (watermarks_put (self->writing, WATERMARK_SHARED, &own), 0);
}

//  A vector with this node at `upto`, in notation.
static const char *vector_at (harness_t *self, uint64_t upto)
{
    buffer_t out = {NULL, 0, 0};
    vector_t vector = {NULL, 0, 0};
    hash_t hash = {{1}};
    vector_set (&vector, &self->identity.client, upto, &hash);
    vector_pack (&vector, &out);
    const char *text = shown_as (self, buffer_slice (&out));
    buffer_release (&out);
    vector_release (&vector);
    return text;
}

Test (status, clients_are_shown_with_what_link_and_pool_know)
{
    harness_t *self = admin_new ();
    txn_t *txn = harness_write (self);
    client_t clients[4] = {member ("beta"), member ("gamma"), member ("delta"), member ("epsilon")};
    clients[1].stale = (timestamp_t){50, uuid_n (2)};
    clients[2].stale = (timestamp_t){50, uuid_n (2)};
    clients[2].back = (timestamp_t){51, uuid_n (2)};
    clients[1].returning = (timestamp_t){55, uuid_n (2)};
    clients[3].removed = (timestamp_t){60, uuid_n (2)};
    uint8_t seen_at[8] = {0, 0, 0, 0, 0, 0, 1, 2};
    watermark_t watermark = {clients[0].uuid, 77, {{1}}};
    own_batches (self);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq (clients_put (txn, &clients[i]), 0);
    uuid16_t delta = clients[2].uuid;
    node_put (txn, NODE_LAST_SEEN, slice_of (&delta, 16), slice_of (seen_at, 8));
    cr_assert_eq (watermarks_put (txn, WATERMARK_SHARED, &watermark), 0);
    harness_commit (self);
    char link[1024];
    snprintf (link, sizeof link,
        "{online: [@beta, @gamma], vectors: [[@beta, %s], [@gamma, []], [@epsilon, %s]], "
        "endpoints: {peers: "
        "['tcp://1'], door: ['tcp://2']}, paused: [@epsilon], joining: {state: 'copying'}}",
        vector_at (self, 120), vector_at (self, 130));
    const char *answer = status (self, link, "{last_seen: [[@beta, 40], [@gamma, 41]]}", "{}");
    has (answer, "{client: @beta, name: 'beta', online: true, stale: false, returning: false, "
                 "removed: false, "
                 "last_seen: [40, @me], last_synchronized: [77, @beta], behind: 1}");
    has (answer, "{client: @gamma, name: 'gamma', online: true, stale: true, returning: true, "
                 "removed: false, "
                 "last_seen: [41, @me], last_synchronized: nil, behind: 3}");
    has (answer, "{client: @delta, name: 'delta', online: false, stale: false, returning: false, "
                 "removed: false, "
                 "last_seen: [258, @me], last_synchronized: nil, behind: nil}");
    has (answer,
        "{client: @epsilon, name: 'epsilon', online: false, stale: false, returning: false, "
        "removed: true, last_seen: nil, last_synchronized: nil, behind: 0}");
    has (answer,
        "client: @me, name: 'alpha', online: true, stale: false, returning: false, removed: false, "
        "last_seen: [7301444403200000000, @me], last_synchronized: [130, @me], behind: 0}");
    has (answer, "pending: {batches: 3, operations: 3, ");
    has (answer, "{peers: ['tcp://1'], door: 'tcp://2', ");
    has (answer, "paused: [@epsilon], locations: [{path: '/a'}], joining: {state: 'copying'}}");
    harness_destroy (&self);
}

Test (status, behind_counts_only_the_batches_that_are_lacked)
{
    harness_t *self = admin_new ();
    identity_t other;
    const uint8_t seed[SEED_SIZE] = {9};
    hash_t hash = {{0}};
    client_t client = member ("beta");
    identity_from_seed (seed, &other);
    txn_t *txn = harness_write (self);
    clients_put (txn, &client);
    batch_put (self, &other, 0, 105, &hash);
    own_batches (self);
    harness_commit (self);
    char link[256];
    snprintf (link, sizeof link, "{vectors: [[@beta, %s]]}", vector_at (self, 120));
    //  Of other's one, and of this node's the last.
    has (status (self, link, "{}", "{}"),
        "name: 'beta', online: false, stale: false, returning: false, "
        "removed: false, last_seen: nil, "
        "last_synchronized: nil, behind: 2}");
    harness_destroy (&self);
}

Test (status, silent_actors_are_left_out_after_two_seconds)
{
    harness_t *self = admin_new ();
    harness_ask (self, "{do: 'status', id: 1}");
    uint64_t ticket = reports_asked (self);
    commanded (self, ACTOR_POOL, ticket, 0, NULL, "{}");
    self->step.now.mono_ns += 1999999999ull;
    cr_assert_not (harness_tick (self));
    self->step.now.mono_ns += 1;
    cr_assert (harness_tick (self));
    const char *answer = harness_answer (self);
    has (answer, "{id: 1, ok: true, client: @me, ");
    has (answer, "clock: {wall: 7301444403200000000}");
    has (answer, "locations: [], joining: nil}");
    commanded (self, ACTOR_LINK, ticket, 0, NULL, "{}");
    is (harness_answer (self), "nothing");
    harness_destroy (&self);
}

Test (status, garbage_in_a_report_spoils_nothing)
{
    harness_t *self = admin_new ();
    txn_t *txn = harness_write (self);
    client_t client = member ("beta");
    clients_put (txn, &client);
    harness_commit (self);
    static const char *const reports[] = {"[]", "{online: 7, vectors: 7, endpoints: 7}",
        "{online: [7], vectors: [7], endpoints: [7]}",
        "{online: [[]], vectors: [[@beta]], endpoints: {door: []}}"};
    for (size_t i = 0; i < 4; i++)
        has (status (self, reports[i], "{last_seen: [[@beta, 'x']]}", "[]"),
            "client: @beta, name: 'beta', online: false, stale: false, returning: false, removed: "
            "false, "
            "last_seen: nil, last_synchronized: nil, behind: nil}");
    harness_destroy (&self);
}

static void alarm_raise (harness_t *self, const char *code, const char *subject, const char *text)
{
    alarm_t alarm = {
        .code = slice_text (code), .subject = slice_text (subject), .text = slice_text (text)};
    harness_mail (self, ACTOR_LINK, MAIL_ALARM, 0, &alarm_type, &alarm, NULL, 0);
}

Test (status, alarms_stand_until_they_are_over)
{
    harness_t *self = admin_new ();
    alarm_raise (self, "CLOCK_AHEAD", "beta", "beta is ahead by 3 s");
    alarm_raise (self, "CLOCK_AHEAD", "gamma", "gamma is ahead by 9 s");
    alarm_raise (self, "DISK", NULL, "full");
    alarm_raise (self, "CLOCK_AHEAD", "beta", "beta is ahead by 4 s");
    alarm_raise (self, "CLOCK_AHEAD", "gamma", NULL);
    alarm_raise (self, "CLOCK_AHEAD", "nobody", NULL);
    has (status (self, "{}", "{}", "{}"),
        "alarms: ['CLOCK_AHEAD: beta is ahead by 4 s', 'DISK: full'], ");
    alarm_raise (self, "DISK", NULL, NULL);
    has (status (self, "{}", "{}", "{}"), "alarms: ['CLOCK_AHEAD: beta is ahead by 4 s'], ");
    harness_destroy (&self);
}

Test (status, pool_shows_clients_and_invitations)
{
    harness_t *self = admin_new ();
    harness_ask (self, "{do: 'pool', id: 1}");
    uint64_t ticket = reports_asked (self);
    for (size_t i = 0; i < 5; i++)
        commanded (self, reporters[i], ticket, 0, NULL,
            reporters[i] == ACTOR_POOL ? "{invitations: [{expires: 5}]}" : "{}");
    const char *answer = harness_answer (self);
    has (answer, "{id: 1, ok: true, pool: nil, clients: [{client: @me, ");
    has (answer, "invitations: [{expires: 5}]}");
    harness_destroy (&self);
}

//  ---- metrics, pending

Test (metrics, are_a_map_and_prometheus_text)
{
    harness_t *self = admin_new ();
    metric_add (&self->metrics, METRIC_OPERATIONS, 42);
    self->metrics.commit_buckets[0] = 2;
    self->metrics.commit_buckets[3] = 1;
    self->metrics.commit_buckets[15] = 1;
    self->metrics.commit_ns = 1500000000;
    const char *answer = harness_ask (self, "{do: 'metrics', id: 1}");
    has (answer, "{id: 1, ok: true, metrics: {tidepool_requests_total: 0, ");
    has (answer, "tidepool_operations_total: 42, ");
    has (answer, "tidepool_commit_seconds_bucket{le=\"0.0001\"}: 2, ");
    has (answer,
        "tidepool_commit_seconds_bucket{le=\"1.6384\"}: 3, "
        "tidepool_commit_seconds_bucket{le=\"+Inf\"}: 4, tidepool_commit_seconds_sum: 1.5, "
        "tidepool_commit_seconds_count: 4, ");
    has (answer, "tidepool_alarms: 0}, text: '# HELP tidepool_requests_total requests of apps\n"
                 "# TYPE tidepool_requests_total counter\ntidepool_requests_total 0\n");
    has (answer, "# TYPE tidepool_commit_seconds histogram\n"
                 "tidepool_commit_seconds_bucket{le=\"0.0001\"} 2\n");
    has (answer, "tidepool_commit_seconds_sum 1.5\ntidepool_commit_seconds_count 4\n");
    has (answer, "tidepool_conflicts_total{resource=\"tags\"}: 0, ");
    has (answer, "# TYPE tidepool_conflicts_total counter\n"
                 "tidepool_conflicts_total{resource=\"albums\"} 0\n");
    harness_destroy (&self);
}

Test (pending, batches_are_shown_in_the_order_of_the_log)
{
    harness_t *self = admin_new ();
    is (harness_ask (self, "{do: 'pending'}"),
        "{id: nil, ok: true, pending: [], batches: 0, operations: 0, bytes: 0, kept_for: [], "
        "more: false, deletions: 0}");
    harness_write (self);
    own_batches (self);
    harness_commit (self);
    const char *answer = harness_ask (self, "{do: 'pending'}");
    has (answer, "pending: [{client: @me, sequence: 1, upto: [110, @me], operations: 1, bytes: ");
    has (answer, "{client: @me, sequence: 3, upto: [130, @me], operations: 1, bytes: ");
    has (answer, "], batches: 3, operations: 3, bytes: ");
    harness_destroy (&self);
}

//  ---- verify

static const char *verified (harness_t *self, size_t *ret_rounds)
{
    size_t rounds = 0;
    while (harness_tick (self))
        rounds++;
    if (ret_rounds)
        *ret_rounds = rounds;
    return harness_answer (self);
}

static void many_records (harness_t *self, uint64_t count)
{
    harness_write (self);
    for (uint64_t i = 1; i <= count; i++)
        harness_create (self, "tags", i, i, "x");
    harness_commit (self);
}

Test (verify, sound_store_is_sound)
{
    harness_t *self = admin_new ();
    size_t rounds;
    many_records (self, 2500);
    harness_row (self, 20, 1, 5, "{content_id: #77, mime: 'text/plain', size: 12}");
    harness_row (self, 0, 1, 6, "{content_id: #77, mime: 'text/plain', size: 12}");
    is (harness_ask (self, "{do: 'verify', id: 1}"), "nothing");
    const char *answer = verified (self, &rounds);
    has (answer, "{id: 1, ok: true, resources: {albums: {count: 0, digest: #0, ok: true}, ");
    has (answer, "file_paths: {count: 2, digest: x'");
    has (answer, "files: {count: 1, digest: x'");
    has (answer, "tags: {count: 2500, digest: x'");
    has (answer, "}, sound: true, mended: nil}");
    cr_assert_null (strstr (answer, "ok: false"));
    cr_assert_eq (rounds, 6 + 3, "a slice a round, and one for each of the others");
    harness_destroy (&self);
}

Test (verify, digest_is_that_of_status)
{
    harness_t *self = admin_new ();
    many_records (self, 3);
    const char *of_status =
        strstr (status (self, "{}", "{}", "{}"), "tags: {kind: 'shared', count: 3, ");
    cr_assert_not_null (of_status);
    harness_ask (self, "{do: 'verify'}");
    const char *of_verify = strstr (verified (self, NULL), "tags: {count: 3, ");
    cr_assert_not_null (of_verify);
    of_status = strstr (of_status, "digest: ");
    of_verify = strstr (of_verify, "digest: ");
    cr_assert_eq (strncmp (of_status, of_verify, strlen ("digest: x''") + 32), 0);
    harness_destroy (&self);
}

Test (verify, only_one_runs_at_a_time)
{
    harness_t *self = admin_new ();
    harness_ask (self, "{do: 'verify', id: 1}");
    has (harness_ask (self, "{do: 'verify', id: 2}"), "{id: 2, ok: false, error: 'BUSY'");
    has (verified (self, NULL), "{id: 1, ok: true, ");
    is (harness_ask (self, "{do: 'verify', id: 3}"), "nothing");
    has (verified (self, NULL), "{id: 3, ok: true, ");
    harness_destroy (&self);
}

Test (verify, resource_that_changed_meanwhile_is_walked_again)
{
    harness_t *self = admin_new ();
    many_records (self, 3000);
    harness_ask (self, "{do: 'verify'}");
    for (int i = 0; i < 5; i++) // the five before tags have nothing
        harness_tick (self);
    cr_assert (harness_tick (self)); // 1 to 1000 of the tags
    harness_delete (self, "tags", 1, 9000);
    const char *answer = verified (self, NULL);
    has (answer, "tags: {count: 2999, digest: x'");
    has (answer, "sound: true, mended: nil}");
    harness_destroy (&self);
}

Test (verify, resource_that_never_holds_still_is_busy)
{
    harness_t *self = admin_new ();
    many_records (self, 70000);
    harness_ask (self, "{do: 'verify'}");
    for (uint64_t i = 1; harness_tick (self); i++)
        harness_delete (self, "tags", i, 100000 + i);
    const char *answer = harness_answer (self);
    has (answer, "ok: false, error: 'BUSY'}");
    has (answer, "sound: false, mended: nil}");
    harness_destroy (&self);
}

Test (verify, counters_that_do_not_match_the_records_are_told)
{
    harness_t *self = admin_new ();
    slot_t *slot;
    many_records (self, 3);
    txn_t *txn = harness_write (self);
    cr_assert_eq (slot_find (txn, slice_text ("tags"), &slot), 0);
    slot->entry.count++;
    slot->dirty = true;
    harness_commit (self);
    harness_ask (self, "{do: 'verify'}");
    for (uint64_t i = 1; harness_tick (self); i++)
        harness_create (self, "tags_on_files", i, i, "what moves elsewhere is no excuse");
    const char *answer = harness_answer (self);
    has (answer, "tags: {count: 3, digest: x'");
    has (answer, "ok: false, error: 'CORRUPT'}");
    has (answer, "sound: false, mended: nil}");
    harness_destroy (&self);
}

//  ---- verify with rebuild

//  The slice that oplog is asked for; its answer goes back with the same ticket.
static rebuild_mail_t slice_asked (harness_t *self, uint64_t *ret_ticket)
{
    rebuild_mail_t asked;
    const mail_t *mail = harness_take (self, MAIL_REBUILD);
    cr_assert_not_null (mail);
    cr_assert_eq (mail->envelope.to, ACTOR_OPLOG);
    cr_assert_eq (message_unpack (&rebuild_mail_type, mail->body, &asked, NULL), 0);
    *ret_ticket = mail->envelope.ticket;
    return asked;
}

static void slice_done (harness_t *self, uint64_t ticket, const rebuilt_t *rebuilt)
{
    harness_mail (self, ACTOR_OPLOG, MAIL_REBUILT, ticket, &rebuilt_type, rebuilt, NULL, 0);
}

Test (verify, rebuild_asks_oplog_slice_by_slice_and_verifies_then)
{
    harness_t *self = admin_new ();
    uint64_t ticket, first;
    many_records (self, 3);
    is (harness_ask (self, "{do: 'verify', id: 1, rebuild: true}"), "nothing");
    rebuild_mail_t asked = slice_asked (self, &first);
    cr_assert_eq (asked.resource.size, 0);
    cr_assert_eq (asked.phase, 0);
    self->step.wake_ns = 0; // whatever wakes it meanwhile
    harness_tick (self);
    while (harness_tick (self))
        continue;
    is (harness_answer (self), "nothing");
    has (harness_ask (self, "{do: 'verify', id: 2}"), "error: 'BUSY'");
    rebuilt_t rebuilt = {.resource = slice_text ("files"),
        .phase = 2,
        .has_place = true,
        .owner = {{3}},
        .uuid = {{4}},
        .mended = 5,
        .mended_before = 6};
    slice_done (self, first + 100, &rebuilt); // of nothing that was asked
    cr_assert_null (harness_take (self, MAIL_REBUILD));
    slice_done (self, first, &rebuilt);
    asked = slice_asked (self, &ticket);
    cr_assert (slice_equal (asked.resource, slice_text ("files")));
    cr_assert (
        asked.phase == 2 && asked.has_place && asked.mended == 5 && asked.mended_before == 6);
    cr_assert (asked.owner.bytes[0] == 3 && asked.uuid.bytes[0] == 4);
    slice_done (self, first, &rebuilt); // once more
    cr_assert_null (harness_take (self, MAIL_REBUILD));
    rebuilt.done = true;
    slice_done (self, ticket, &rebuilt);
    has (verified (self, NULL), "sound: true, mended: 5}");
    harness_destroy (&self);
}

Test (verify, rebuild_that_fails_is_refused_with_its_error)
{
    harness_t *self = admin_new ();
    uint64_t ticket;
    rebuilt_t rebuilt = {.error = (uint64_t)-ERR_STORAGE_FULL, .done = true};
    has (harness_ask (self, "{do: 'verify', rebuild: 7}"), "error: 'BAD_REQUEST'");
    is (harness_ask (self, "{do: 'verify', rebuild: true}"), "nothing");
    slice_asked (self, &ticket);
    slice_done (self, ticket, &rebuilt);
    has (harness_answer (self), "error: 'STORAGE_FULL'");
    is (harness_ask (self, "{do: 'verify'}"), "nothing"); // it can be asked again
    has (verified (self, NULL), "sound: true, mended: nil}");
    harness_destroy (&self);
}

#include "tests/unit/actors/api_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "messages/request.h"
#include "store/node.h"
#include "store/owned.h"
#include "store/resources.h"

//  ---- envelopes

Test (envelope, request_with_an_empty_frame_is_answered_with_one)
{
    harness_t *self = api_new ();
    slice_t frames[2] = {{NULL, 0}, packed (self, "{do: 'count', id: 1, resource: 'tags'}")};
    harness_message (self, frames, 2);
    const mail_t *mail = harness_take (self, MAIL_EDGE_OUT);
    cr_assert_eq (mail->frame_count, 2);
    cr_assert_eq (mail_frame (mail, 0).size, 0);
    is (shown_as (self, mail_frame (mail, 1)), "{id: 1, ok: true, count: 0}");
    harness_destroy (&self);
}

Test (envelope, names_of_proxies_go_back_as_they_came)
{
    harness_t *self = api_new ();
    slice_t frames[4] = {slice_text ("one"), slice_text ("other"), {NULL, 0},
        packed (self, "{do: 'count', resource: 'tags'}")};
    harness_message (self, frames, 4);
    const mail_t *mail = harness_take (self, MAIL_EDGE_OUT);
    cr_assert_eq (mail->frame_count, 4);
    for (size_t i = 0; i < 3; i++)
        cr_assert (slice_equal (mail_frame (mail, i), frames[i]));
    harness_destroy (&self);
}

Test (envelope, half_of_one_is_a_bad_request)
{
    harness_t *self = api_new ();
    uint8_t long_name[300] = {1};
    slice_t body = packed (self, "{do: 'count', resource: 'tags'}"), none = {NULL, 0};
    struct {
        slice_t frames[16];
        size_t count;
        size_t answer_frames;
    } cases[] = {
        {{none}, 0, 1},
        {{none}, 1, 1},
        {{none, none}, 2, 2},
        {{none, none, none}, 3, 2},
        {{body, body}, 2, 1},
        {{body, none}, 2, 1},
        {{none, body, body}, 3, 2},
        {{none, none, body}, 3, 2},
        {{slice_of (long_name, 300), none, body}, 3, 1},
        {{body, body, body, body, body, body, body, body, body, body, body, body, body, body, body,
             none},
            16, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        harness_message (self, cases[i].frames, cases[i].count);
        const mail_t *mail = harness_take (self, MAIL_EDGE_OUT);
        cr_assert_not_null (mail, "case %zu", i);
        cr_assert_eq (mail->frame_count, cases[i].answer_frames, "case %zu", i);
        begins (shown_as (self, mail_frame (mail, mail->frame_count - 1)), ERROR ("BAD_REQUEST"));
        cr_assert_eq (metric_get (&self->metrics, METRIC_GARBAGE), i + 1);
    }
    cr_assert_eq (harness_waiting (self), 0);
    is (harness_ask (self, "{do: 'count', resource: 'tags'}"), "{id: nil, ok: true, count: 0}");
    harness_destroy (&self);
}

//  ---- requests

Test (api, garbage_is_refused_and_the_node_goes_on)
{
    harness_t *self = api_new ();
    static const char *const cases[] = {"[]", "7", "nil", "{}", "{do: 7}", "{do: nil}",
        "{do: ['get']}", "{id: 7}", "{do: 'get'}", "{do: 'get', resource: 7, uuid: #1}",
        "{do: 'get', resource: 'tags', uuid: 'short'}",
        "{do: 'get', resource: 'tags', uuid: x'00'}",
        "{do: 'get', resource: 'tags', uuid: #1, owner: 7}",
        "{do: 'list', resource: 'tags', limit: -1}", "{do: 'list', resource: 'tags', after: 'x'}",
        "{do: 'list', resource: 'tags', after: x'00'}",
        "{do: 'list', resource: 'file_paths', after: #1}", "{do: 'changes', since: 'x'}",
        "{do: 'changes', resources: 'tags'}", "{do: 'changes', resources: [7]}", "{do: 'apply'}",
        "{do: 'apply', ops: {}}", "{do: 'apply', ops: nil}", "{do: 'declare', resources: []}"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *answer = harness_ask (self, cases[i]);
        cr_assert_not_null (
            strstr (answer, "ok: false, error: 'BAD_REQUEST'"), "%s\n%s", cases[i], answer);
        cr_assert_eq (harness_waiting (self), 0, "%s", cases[i]);
    }
    is (harness_ask (self, "{do: 'count', resource: 'tags'}"), "{id: nil, ok: true, count: 0}");
    harness_destroy (&self);
}

Test (api, request_cut_off_anywhere_is_refused)
{
    harness_t *self = api_new ();
    slice_t whole = packed (self, "{do: 'list', id: [1, 2], resource: 'tags', limit: 300}");
    for (size_t size = 0; size < whole.size; size++) {
        //  In memory of its own: reading past the end shows.
        uint8_t *part = harness_keep (self, malloc (size + 1));
        memcpy (part, whole.data, size);
        slice_t body = slice_of (part, size);
        harness_message (self, &body, 1);
        cr_assert_not_null (
            strstr (harness_answer (self), "ok: false, error: 'BAD_REQUEST'"), "size %zu", size);
    }
    harness_destroy (&self);
}

Test (api, every_flipped_byte_gets_an_answer)
{
    harness_t *self = api_new ();
    slice_t whole =
        packed (self, "{do: 'changes', id: 7, since: 1, resources: ['tags'], limit: 9}");
    uint8_t *bytes = harness_keep (self, malloc (whole.size));
    slice_t body = slice_of (bytes, whole.size);
    for (size_t i = 0; i < whole.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy (bytes, whole.data, whole.size);
            bytes[i] ^= (uint8_t)(1 << bit);
            harness_message (self, &body, 1);
            cr_assert_not_null (strstr (harness_answer (self), "ok: "), "byte %zu", i);
            cr_assert_eq (harness_waiting (self), 0);
        }
    harness_destroy (&self);
}

Test (api, unknown_verbs_are_refused_by_name)
{
    harness_t *self = api_new ();
    is (harness_ask (self, "{do: 'status', id: {a: [1]}}"),
        "{id: {a: [1]}, ok: false, error: 'UNKNOWN_VERB', message: 'there is no such verb'}");
    begins (harness_ask (self, "{do: ''}"), ERROR ("UNKNOWN_VERB"));
    cr_assert_eq (metric_get (&self->metrics, METRIC_REQUESTS), 2);
    cr_assert_eq (metric_get (&self->metrics, METRIC_REQUESTS_REFUSED), 2);
    harness_destroy (&self);
}

Test (api, hello_tells_who_this_is_and_what_it_holds)
{
    harness_t *self = api_new ();
    const char *answer = harness_ask (self, "{do: 'hello', id: 1}");
    begins (answer, "{id: 1, ok: true, client: @me, pool: nil, name: 'alpha', version: '1.2.3', "
                    "resources: {albums: {kind: 'shared', crdt: 'lww', delete: ");
    cr_assert_not_null (strstr (answer, "file_paths: {kind: 'owned'}"), "%s", answer);
    uuid16_t pool = uuid_n (5);
    txn_t *txn = harness_write (self);
    node_put (txn, NODE_SETTINGS, slice_text ("pool"), slice_of (&pool, sizeof pool));
    harness_commit (self);
    cr_assert_not_null (strstr (harness_ask (self, "{do: 'hello'}"), "pool: #5,"));
    harness_destroy (&self);
}

//  ---- reading

Test (api, get_finds_a_shared_record)
{
    harness_t *self = api_new ();
    harness_create (self, "tags", 3, 70, "red");
    is (harness_ask (self, "{do: 'get', id: 'x', resource: 'tags', uuid: #3}"),
        "{id: 'x', ok: true, record: {resource: 'tags', uuid: #3, value: {name: 'red'}, "
        "updated: [70, #900], owner: nil}}");
    begins (harness_ask (self,
                "{do: 'get', resource: 'tags', uuid: '00000000-0000-0000-0000-000000000003'}"),
        "{id: nil, ok: true, record: ");
    begins (harness_ask (self, "{do: 'get', resource: 'tags', uuid: #4}"), ERROR ("NOT_FOUND"));
    begins (
        harness_ask (self, "{do: 'get', resource: 'none', uuid: #3}"), ERROR ("UNKNOWN_RESOURCE"));
    begins (harness_ask (self, "{do: 'get', resource: 'clients', uuid: #3}"),
        ERROR ("UNKNOWN_RESOURCE"));
    harness_destroy (&self);
}

Test (api, get_prefers_the_own_row_and_then_any_owners)
{
    harness_t *self = api_new ();
    harness_row (self, 20, 1, 5, "{path: 'of 20'}");
    harness_row (self, 30, 1, 6, "{path: 'of 30'}");
    harness_row (self, 30, 2, 7, "{path: 'also of 30'}");
    harness_row (self, 0, 9, 8, "{path: 'mine'}");
    cr_assert_not_null (strstr (harness_ask (self, "{do: 'get', resource: 'file_paths', uuid: #1}"),
        "updated: [5, #20], owner: #20"));
    cr_assert_not_null (
        strstr (harness_ask (self, "{do: 'get', resource: 'file_paths', uuid: #2}"), "owner: #30"));
    harness_row (self, 0, 1, 9, "{path: 'mine too'}");
    cr_assert_not_null (
        strstr (harness_ask (self, "{do: 'get', resource: 'file_paths', uuid: #1}"), "owner: @me"));
    cr_assert_not_null (strstr (
        harness_ask (self, "{do: 'get', resource: 'file_paths', uuid: #1, owner: #30}"), "of 30"));
    harness_row (self, 30, 2, 10, NULL);
    begins (
        harness_ask (self, "{do: 'get', resource: 'file_paths', uuid: #2}"), ERROR ("NOT_FOUND"));
    begins (harness_ask (self, "{do: 'get', resource: 'file_paths', uuid: #1, owner: #31}"),
        ERROR ("NOT_FOUND"));
    harness_destroy (&self);
}

Test (api, get_and_list_show_derived_and_local_records)
{
    harness_t *self = api_new ();
    resource_t local = {.name = "drafts", .kind = RESOURCE_LOCAL};
    uuid16_t uuid = uuid_n (4);
    txn_t *txn = harness_write (self);
    const char *difference;
    cr_assert_eq (resources_declare (txn, &local, &difference), 0);
    cr_assert_eq (local_put (txn, slice_text ("drafts"), &uuid, 50, packed (self, "{a: 1}")), 0);
    harness_row (self, 20, 1, 5, "{content_id: #77, mime: 'text/plain', size: 12}");
    harness_commit (self);
    const char *draft =
        "{resource: 'drafts', uuid: #4, value: {a: 1}, updated: [50, @me], owner: nil}";
    cr_assert_not_null (
        strstr (harness_ask (self, "{do: 'get', resource: 'drafts', uuid: #4}"), draft));
    cr_assert_not_null (strstr (harness_ask (self, "{do: 'list', resource: 'drafts'}"), draft));
    is (harness_ask (self, "{do: 'list', resource: 'files'}"),
        "{id: nil, ok: true, records: [{resource: 'files', uuid: #77, value: {clients: 1, "
        "kind: 'text/plain', paths: 1, size: 12}, updated: [5, #20], owner: nil}], next: nil}");
    begins (harness_ask (self, "{do: 'get', resource: 'files', uuid: #77}"), "{id: nil, ok: true");
    harness_destroy (&self);
}

//  Walks all pages and counts records; the last must have a next of nil.
static size_t list_all (harness_t *self, const char *resource, uint64_t limit, size_t *ret_pages)
{
    slice_t next = {NULL, 0};
    size_t total = 0;
    for (*ret_pages = 1;; ++*ret_pages) {
        buffer_t body = {NULL, 0, 0};
        pack_map (&body, next.data ? 4 : 3);
        pack_string (&body, "do");
        pack_string (&body, "list");
        pack_string (&body, "resource");
        pack_string (&body, resource);
        pack_string (&body, "limit");
        pack_uint (&body, limit);
        if (next.data) {
            pack_string (&body, "after");
            pack_raw (&body, next);
        }
        slice_t frame = buffer_slice (&body);
        harness_message (self, &frame, 1);
        buffer_release (&body);
        slice_t answer = mail_frame (harness_take (self, MAIL_EDGE_OUT), 0), records;
        size_t count;
        cr_assert (map_find (answer, "records", &records));
        cr_assert (map_find (answer, "next", &next));
        cursor_t cursor = cursor_over (records);
        cr_assert_eq (cursor_array (&cursor, &count), 0);
        cr_assert_leq (records.size, LIMIT_PAGE_BYTES + 5 + (count == 1 ? LIMIT_VALUE_BYTES : 0));
        total += count;
        if (*next.data == 0xc0)
            return total;
        cr_assert_gt (count, 0);
    }
}

Test (api, list_pages_cover_each_record_once)
{
    harness_t *self = api_new ();
    size_t pages;
    harness_write (self);
    for (uint64_t i = 1; i <= 250; i++) {
        harness_create (self, "tags", i, i, "x");
        harness_row (self, 1 + i % 3, i / 3, i, "{path: 'p'}");
    }
    harness_commit (self);
    cr_assert_eq (list_all (self, "tags", 7, &pages), 250);
    cr_assert_eq (pages, 36);
    cr_assert_eq (list_all (self, "tags", 50, &pages), 250);
    cr_assert_eq (pages, 5, "the last page is full, and nobody asks for an empty one");
    cr_assert_eq (list_all (self, "tags", 0, &pages), 250);
    cr_assert_eq (pages, 3, "100 unless said");
    cr_assert_eq (list_all (self, "tags", UINT64_MAX, &pages), 250);
    cr_assert_eq (list_all (self, "file_paths", 9, &pages), 250);
    is (harness_ask (self, "{do: 'list', resource: 'tags', limit: 1, after: #249}"),
        "{id: nil, ok: true, records: [{resource: 'tags', uuid: #250, value: {name: 'x'}, "
        "updated: [250, #900], owner: nil}], next: nil}");
    cr_assert_not_null (
        strstr (harness_ask (self, "{do: 'list', resource: 'file_paths', limit: 1}"),
            "next: x'0000000000000000000000000000000100000000000000000000000000000001'}"));
    harness_destroy (&self);
}

Test (api, list_keeps_to_one_owner_if_asked)
{
    harness_t *self = api_new ();
    harness_row (self, 20, 1, 5, "{path: 'a'}");
    harness_row (self, 30, 1, 6, "{path: 'b'}");
    harness_row (self, 30, 2, 7, "{path: 'c'}");
    const char *answer =
        harness_ask (self, "{do: 'list', resource: 'file_paths', owner: #30, limit: 1}");
    cr_assert_not_null (strstr (answer, "uuid: #1, value: {path: 'b'}"), "%s", answer);
    answer =
        harness_ask (self, "{do: 'list', resource: 'file_paths', owner: #30, after: "
                           "x'0000000000000000000000000000001e00000000000000000000000000000001'}");
    cr_assert_not_null (strstr (answer, "value: {path: 'c'}"), "%s", answer);
    cr_assert_null (strstr (answer, "value: {path: 'b'}"), "%s", answer);
    harness_destroy (&self);
}

//  Records of 300 KiB: three to a page, and one that stands alone.
static void large_records (harness_t *self, size_t size)
{
    char *name = harness_keep (self, malloc (size + 1));
    memset (name, 'x', size);
    name[size] = 0;
    for (uint64_t i = 1; i <= 7; i++)
        harness_create (self, "tags", i, i, name);
}

Test (api, page_of_list_ends_before_its_bytes_do)
{
    harness_t *self = api_new ();
    size_t pages;
    large_records (self, 300 << 10);
    cr_assert_eq (list_all (self, "tags", 100, &pages), 7);
    cr_assert_eq (pages, 3);
    harness_destroy (&self);
}

Test (api, record_as_large_as_a_page_stands_alone)
{
    harness_t *self = api_new ();
    size_t pages;
    large_records (self, LIMIT_PAGE_BYTES);
    cr_assert_eq (list_all (self, "tags", 100, &pages), 7);
    cr_assert_eq (pages, 7);
    harness_destroy (&self);
}

//  ---- changes

Test (api, changes_tell_what_is_visible_in_the_order_of_their_cursors)
{
    harness_t *self = api_new ();
    harness_create (self, "tags", 1, 10, "red");
    harness_row (self, 20, 2, 11, "{path: 'a'}");
    harness_create (self, "tags", 3, 12, "blue");
    harness_delete (self, "tags", 1, 13);
    is (harness_ask (self, "{do: 'changes', id: 1, since: 0}"),
        "{id: 1, ok: true, changes: ["
        "{cursor: 2, resource: 'file_paths', uuid: #2, owner: #20, deleted: false, "
        "value: {path: 'a'}, updated: [11, #20]}, "
        "{cursor: 3, resource: 'tags', uuid: #3, owner: nil, deleted: false, "
        "value: {name: 'blue'}, updated: [12, #900]}, "
        "{cursor: 4, resource: 'tags', uuid: #1, owner: nil, deleted: true, value: nil, "
        "updated: [13, #900]}], cursor: 4, more: false}");
    is (harness_ask (self, "{do: 'changes', since: 4}"),
        "{id: nil, ok: true, changes: [], cursor: 4, more: false}");
    is (harness_ask (self, "{do: 'changes', since: 3, limit: 1, resources: ['none']}"),
        "{id: nil, ok: true, changes: [], cursor: 4, more: false}");
    harness_destroy (&self);
}

Test (api, changes_page_ends_at_its_limit_and_says_that_there_is_more)
{
    harness_t *self = api_new ();
    for (uint64_t i = 1; i <= 4; i++)
        harness_create (self, "tags", i, i, "x");
    const char *answer = harness_ask (self, "{do: 'changes', limit: 2}");
    cr_assert_not_null (strstr (answer, "], cursor: 2, more: true}"), "%s", answer);
    answer = harness_ask (self, "{do: 'changes', since: 2, limit: 2}");
    cr_assert_not_null (strstr (answer, "], cursor: 4, more: false}"), "%s", answer);
    harness_destroy (&self);
}

Test (api, changes_page_ends_before_its_bytes_do)
{
    harness_t *self = api_new ();
    large_records (self, 300 << 10);
    const char *answer = harness_ask (self, "{do: 'changes'}");
    cr_assert_not_null (strstr (answer, "], cursor: 3, more: true}"));
    harness_destroy (&self);
}

Test (api, changes_filter_moves_the_cursor_past_what_it_hides)
{
    harness_t *self = api_new ();
    for (uint64_t i = 1; i <= 6; i++)
        harness_create (self, i % 2 ? "tags" : "albums", i, i, "x");
    const char *answer =
        harness_ask (self, "{do: 'changes', limit: 2, resources: ['jobs', 'albums']}");
    cr_assert_null (strstr (answer, "'tags'"));
    cr_assert_not_null (strstr (answer, "], cursor: 4, more: true}"), "%s", answer);
    answer = harness_ask (self, "{do: 'changes', since: 5, resources: ['tags']}");
    is (answer, "{id: nil, ok: true, changes: [], cursor: 6, more: false}");
    is (harness_ask (self, "{do: 'changes', resources: []}"),
        "{id: nil, ok: true, changes: [], cursor: 6, more: false}");
    harness_destroy (&self);
}

Test (api, changes_end_at_the_stores_own_cursor)
{
    harness_t *self = api_new ();
    uuid16_t owner = uuid_n (20);
    row_t row = {.resource = slice_text ("file_paths"),
        .uuid = uuid_n (2),
        .updated = 5,
        .value = packed (self, "{path: 'p'}")};
    harness_create (self, "tags", 1, 1, "x");
    txn_t *txn = harness_write (self); // a row that comes and goes in one transaction
    cr_assert_eq (owned_put (txn, &owner, &row), 0);
    row.updated = 6;
    row.value = slice_of (NULL, 0);
    cr_assert_eq (owned_put (txn, &owner, &row), 0);
    harness_commit (self);
    is (harness_ask (self, "{do: 'changes', since: 1}"),
        "{id: nil, ok: true, changes: [], cursor: 2, more: false}");
    harness_destroy (&self);
}

//  ---- writing

Test (api, apply_waits_for_oplog_and_passes_its_answer_on)
{
    harness_t *self = api_new ();
    const char *request = "{do: 'apply', id: 'mine', ops: [{action: 'create', resource: 'tags'}]}";
    is (harness_ask (self, request), "nothing");
    const mail_t *mail = harness_take (self, MAIL_APPLY);
    cr_assert_eq (mail->envelope.to, ACTOR_OPLOG);
    is (shown_as (self, mail_frame (mail, 0)), "[{action: 'create', resource: 'tags'}]");
    applied_t applied = {
        .uuids = packed (self, "[#1]"), .timestamp = {99, uuid_n (8)}, .cursor = 12};
    harness_mail (
        self, ACTOR_OPLOG, MAIL_APPLIED, mail->envelope.ticket, &applied_type, &applied, NULL, 0);
    is (harness_answer (self),
        "{id: 'mine', ok: true, uuids: [#1], timestamp: [99, #8], cursor: 12}");
    //  The same again: nobody waits any more.
    harness_mail (
        self, ACTOR_OPLOG, MAIL_APPLIED, mail->envelope.ticket, &applied_type, &applied, NULL, 0);
    is (harness_answer (self), "nothing");
    harness_destroy (&self);
}

Test (api, refusal_of_oplog_names_the_operation)
{
    harness_t *self = api_new ();
    harness_ask (self, "{do: 'apply', id: 4, ops: []}");
    applied_t applied = {.error = -ERR_EXISTS, .message = slice_text ("it is there"), .op = 1};
    harness_mail (self, ACTOR_OPLOG, MAIL_APPLIED, harness_take (self, MAIL_APPLY)->envelope.ticket,
        &applied_type, &applied, NULL, 0);
    is (harness_answer (self),
        "{id: 4, ok: false, error: 'EXISTS', message: 'it is there', op: 0}");
    harness_ask (self, "{do: 'apply', id: 5, ops: []}");
    applied = (applied_t){.error = -ERR_STORAGE_FAILED};
    harness_mail (self, ACTOR_OPLOG, MAIL_APPLIED, harness_take (self, MAIL_APPLY)->envelope.ticket,
        &applied_type, &applied, NULL, 0);
    is (harness_answer (self), "{id: 5, ok: false, error: 'INTERNAL', "
                               "message: 'the disk refused a read or a write'}");
    harness_destroy (&self);
}

Test (api, declare_waits_for_oplog)
{
    harness_t *self = api_new ();
    is (harness_ask (self, "{do: 'declare', id: 1, resources: {notes: {kind: 'shared'}}}"),
        "nothing");
    const mail_t *mail = harness_take (self, MAIL_DECLARE);
    declare_t declare;
    cr_assert_eq (message_unpack (&declare_type, mail->body, &declare, NULL), 0);
    is (shown_as (self, declare.resources), "{notes: {kind: 'shared'}}");
    written_t written = {.error = 0};
    harness_mail (
        self, ACTOR_OPLOG, MAIL_WRITTEN, mail->envelope.ticket, &written_type, &written, NULL, 0);
    is (harness_answer (self), "{id: 1, ok: true}");
    harness_ask (self, "{do: 'declare', id: 2, resources: {notes: {kind: 'owned'}}}");
    written = (written_t){.error = -ERR_CONFLICTING_DECLARATION, .message = slice_text ("kind")};
    harness_mail (self, ACTOR_OPLOG, MAIL_WRITTEN,
        harness_take (self, MAIL_DECLARE)->envelope.ticket, &written_type, &written, NULL, 0);
    is (harness_answer (self),
        "{id: 2, ok: false, error: 'CONFLICTING_DECLARATION', message: 'kind'}");
    harness_destroy (&self);
}

//  ---- credit

static void expect_hold (harness_t *self, bool hold)
{
    static const uint64_t sockets[] = {API_REQUESTS, API_INTAKE};
    for (size_t i = 0; i < 2; i++) {
        edge_hold_t mail;
        const mail_t *out = harness_take (self, MAIL_EDGE_HOLD);
        cr_assert_not_null (out);
        cr_assert_eq (message_unpack (&edge_hold_type, out->body, &mail, NULL), 0);
        cr_assert_eq (mail.socket, sockets[i]);
        cr_assert_eq (mail.hold, hold);
    }
    cr_assert_null (harness_take (self, MAIL_EDGE_HOLD));
}

static void settle (harness_t *self, uint64_t ticket)
{
    applied_t applied = {.cursor = 1};
    harness_mail (self, ACTOR_OPLOG, MAIL_APPLIED, ticket, &applied_type, &applied, NULL, 0);
}

Test (credit, sockets_are_held_while_oplog_has_too_many_requests)
{
    harness_t *self = api_new ();
    uint64_t tickets[1100];
    for (size_t i = 0; i < 1023; i++) {
        harness_ask (self, "{do: 'apply', id: 1, ops: []}");
        tickets[i] = harness_take (self, MAIL_APPLY)->envelope.ticket;
    }
    cr_assert_null (harness_take (self, MAIL_EDGE_HOLD));
    for (size_t i = 1023; i < 1100; i++) { // more was on its way
        harness_ask (self, "{do: 'apply', id: 1, ops: []}");
        tickets[i] = harness_take (self, MAIL_APPLY)->envelope.ticket;
        if (i == 1023)
            expect_hold (self, true);
    }
    cr_assert_null (harness_take (self, MAIL_EDGE_HOLD));
    for (size_t i = 0; i < 587; i++)
        settle (self, tickets[i * 3 % 1100]);
    cr_assert_null (harness_take (self, MAIL_EDGE_HOLD));
    settle (self, tickets[587 * 3 % 1100]);
    expect_hold (self, false);
    for (size_t i = 588; i < 1100; i++)
        settle (self, tickets[i * 3 % 1100]);
    size_t answers = 0;
    while (strcmp (harness_answer (self), "nothing") != 0)
        answers++;
    cr_assert_eq (answers, 1100);
    harness_destroy (&self);
}

Test (credit, sockets_are_held_while_oplog_has_too_many_bytes)
{
    harness_t *self = api_new ();
    size_t size = 4 << 20;
    uint8_t *bytes = harness_keep (self, calloc (1, size));
    slice_t head = packed (self, "{do: 'apply', ops: []}");
    buffer_t body = {NULL, 0, 0};
    pack_map (&body, 3);
    pack_raw (&body, slice_of (head.data + 1, head.size - 1));
    pack_string (&body, "padding");
    pack_bin (&body, slice_of (bytes, size));
    slice_t frame = buffer_slice (&body);
    uint64_t tickets[4];
    for (int i = 0; i < 4; i++) {
        cr_assert_null (harness_take (self, MAIL_EDGE_HOLD));
        harness_message (self, &frame, 1);
        tickets[i] = harness_take (self, MAIL_APPLY)->envelope.ticket;
    }
    buffer_release (&body);
    expect_hold (self, true);
    settle (self, tickets[2]);
    settle (self, tickets[0]);
    cr_assert_null (harness_take (self, MAIL_EDGE_HOLD));
    settle (self, tickets[1]);
    expect_hold (self, false);
    harness_destroy (&self);
}

//  ---- intake

static void intake (harness_t *self, const char *notation)
{
    slice_t frames[2] = {slice_text ("ignored"), packed (self, notation)};
    edge_in_t in = {.socket = API_INTAKE};
    harness_mail (self, ACTOR_EDGE, MAIL_EDGE_IN, 0, &edge_in_type, &in, frames, 2);
}

Test (intake, operations_go_to_oplog_and_nobody_is_answered)
{
    harness_t *self = api_new ();
    intake (self, "{ops: [{action: 'create'}], do: 7}");
    const mail_t *mail = harness_take (self, MAIL_APPLY);
    apply_t apply;
    cr_assert_eq (message_unpack (&apply_type, mail->body, &apply, NULL), 0);
    cr_assert (apply.intake);
    is (shown_as (self, mail_frame (mail, 0)), "[{action: 'create'}]");
    settle (self, mail->envelope.ticket);
    cr_assert_eq (harness_waiting (self), 0);
    cr_assert_eq (metric_get (&self->metrics, METRIC_INTAKE_REFUSED), 0);
    harness_destroy (&self);
}

Test (intake, refused_messages_are_counted_and_told_once_a_second)
{
    harness_t *self = api_new ();
    static const char *const garbage[] = {"7", "[]", "{}", "{ops: 7}", "{ops: {}}"};
    for (size_t i = 0; i < 5; i++)
        intake (self, garbage[i]);
    cr_assert_eq (metric_get (&self->metrics, METRIC_INTAKE_REFUSED), 5);
    cr_assert_eq (metric_get (&self->metrics, METRIC_GARBAGE), 5);
    cr_assert_eq (self->said_count, 1);
    self->step.now.mono_ns += 1000000000ull;
    intake (self, "{ops: []}");
    applied_t applied = {.error = -ERR_EXISTS, .message = slice_text ("it is there"), .op = 1};
    harness_mail (self, ACTOR_OPLOG, MAIL_APPLIED, harness_take (self, MAIL_APPLY)->envelope.ticket,
        &applied_type, &applied, NULL, 0);
    cr_assert_eq (self->said_count, 2);
    is (self->said, "intake: 5 refused, the last one with EXISTS: it is there");
    cr_assert_eq (harness_waiting (self), 0);
    harness_destroy (&self);
}

//  ---- what admin asks

Test (api, report_tells_where_its_sockets_listen)
{
    harness_t *self = api_new ();
    edge_bound_t bound = {.socket = API_FEED, .endpoints = packed (self, "['tcp://127.0.0.1:5']")};
    harness_mail (self, ACTOR_EDGE, MAIL_EDGE_BOUND, 0, &edge_bound_type, &bound, NULL, 0);
    command_t command = {.verb = slice_text ("report"), .request = packed (self, "{}")};
    harness_mail (self, ACTOR_ADMIN, MAIL_COMMAND, 5, &command_type, &command, NULL, 0);
    const mail_t *mail = harness_take (self, MAIL_COMMANDED);
    commanded_t commanded;
    cr_assert_eq (mail->envelope.ticket, 5);
    cr_assert_eq (message_unpack (&commanded_type, mail->body, &commanded, NULL), 0);
    is (shown_as (self, commanded.answer),
        "{endpoints: {api: 'ipc://api.sock', feed: 'tcp://127.0.0.1:5', intake: ''}}");
    harness_destroy (&self);
}

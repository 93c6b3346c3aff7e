#include <criterion/criterion.h>

#include "messages/limits.h"
#include "messages/request.h"

static slice_t bytes_of (const char *text, size_t size)
{
    return slice_of (text, size);
}
#define BYTES(literal) bytes_of (literal, sizeof (literal) - 1)

static int read_head (slice_t body, request_t *ret_request)
{
    const char *why = NULL;
    int rc = request_unpack (body, ret_request, &why);
    cr_assert_not_null (why);
    return rc;
}

Test (request, verb_and_id_are_found_whatever_else_is_there)
{
    request_t request;
    slice_t body = BYTES ("\x83\xa1x\x90\xa2"
                          "do\xa3get\xa2id\xc4\x01z");
    cr_assert_eq (read_head (body, &request), 0);
    cr_assert (slice_equal (request.verb, slice_text ("get")));
    cr_assert (slice_equal (request.id, BYTES ("\xc4\x01z")));
    cr_assert (slice_equal (request.body, body));
}

Test (request, id_is_nil_where_none_was_given)
{
    request_t request;
    cr_assert_eq (read_head (BYTES ("\x81\xa2"
                                    "do\xa3get"),
                      &request),
        0);
    cr_assert (slice_equal (request.id, BYTES ("\xc0")));
}

Test (request, garbage_is_refused_with_the_id_that_can_be_read)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t size;
        const char *id;
        size_t id_size;
    } cases[] = {
#define CASE(name, bytes, id) {name, bytes, sizeof (bytes) - 1, id, sizeof (id) - 1}
        CASE ("nothing", "", "\xc0"),
        CASE ("an array", "\x90", "\xc0"),
        CASE ("a reserved byte", "\xc1", "\xc0"),
        CASE ("an empty map", "\x80", "\xc0"),
        CASE ("a verb that is no text",
            "\x81\xa2"
            "do\x01",
            "\xc0"),
        CASE ("a verb twice",
            "\x82\xa2"
            "do\xa1x\xa2"
            "do\xa1x",
            "\xc0"),
        CASE ("an id twice",
            "\x83\xa2id\x01\xa2id\x02\xa2"
            "do\xa1x",
            "\x01"),
        CASE ("a name that is a number",
            "\x83\xa2id\x05\x07\x07\xa2"
            "do\xa1x",
            "\x05"),
        CASE ("something behind",
            "\x82\xa2id\x05\xa2"
            "do\xa1x\xc0",
            "\x05"),
        CASE ("a map that claims 2^32 - 1", "\xdf\xff\xff\xff\xff\xa2id\x05", "\xc0"),
        CASE ("a text that claims 2^32 - 1",
            "\x82\xa2id\x05\xa2"
            "do\xdb\xff\xff\xff\xff"
            "x",
            "\x05"),
        CASE ("cut off behind the id",
            "\x82\xa2id\x05\xa2"
            "d",
            "\x05"),
        CASE ("ext",
            "\x82\xa2id\x05\xa2"
            "do\xd4\x01\x01",
            "\x05"),
        CASE ("bad UTF-8",
            "\x82\xa2id\x05\xa2"
            "do\xa1\xff",
            "\x05"),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        request_t request;
        int rc = read_head (bytes_of (cases[i].bytes, cases[i].size), &request);
        cr_assert_eq (rc, ERR_BAD_REQUEST, "%s", cases[i].name);
        cr_assert (slice_equal (request.id, bytes_of (cases[i].id, cases[i].id_size)), "%s: id",
            cases[i].name);
    }
}

Test (request, nesting_past_the_limit_is_refused)
{
    for (size_t depth = 1; depth <= 40; depth++) {
        buffer_t body = {NULL, 0, 0};
        request_t request;
        pack_map (&body, 2);
        pack_string (&body, "do");
        pack_string (&body, "x");
        pack_string (&body, "deep");
        for (size_t i = 1; i < depth; i++)
            pack_array (&body, 1);
        pack_nil (&body);
        int rc = read_head (buffer_slice (&body), &request);
        cr_assert_eq (rc, depth <= LIMIT_DEPTH ? 0 : ERR_BAD_REQUEST, "depth %zu", depth);
        buffer_release (&body);
    }
}

Test (request, verbs_are_found_by_their_whole_name)
{
    cr_assert_eq (request_verb_find (api_verbs, API_VERB_COUNT, slice_text ("get")), API_GET);
    cr_assert_eq (request_verb_find (admin_verbs, ADMIN_VERB_COUNT, slice_text ("log")), ADMIN_LOG);
    cr_assert_eq (
        request_verb_find (api_verbs, API_VERB_COUNT, slice_text ("ge")), ERR_UNKNOWN_VERB);
    cr_assert_eq (
        request_verb_find (api_verbs, API_VERB_COUNT, slice_text ("status")), ERR_UNKNOWN_VERB);
}

Test (request, list_has_the_length_that_its_end_gave)
{
    buffer_t out = {NULL, 0, 0};
    size_t count;
    size_t at = list_begin (&out);
    for (size_t i = 0; i < 70000; i++)
        pack_nil (&out);
    list_end (&out, at, 70000);
    cursor_t cursor = cursor_over (buffer_slice (&out));
    cr_assert_eq (pack_check (buffer_slice (&out)), 0);
    cr_assert_eq (cursor_array (&cursor, &count), 0);
    cr_assert_eq (count, 70000);
    buffer_release (&out);
}

Test (request, document_names_every_verb_and_field)
{
    buffer_t out = {NULL, 0, 0};
    request_verbs_document (api_verbs, API_VERB_COUNT, &out);
    request_verbs_document (admin_verbs, ADMIN_VERB_COUNT, &out);
    buffer_append (&out, "", 1);
    cr_assert_not_null (strstr ((char *)out.data, "### `changes`: what changed since a cursor"));
    cr_assert_not_null (strstr ((char *)out.data, "| `since` | uint64 or nil |"));
    cr_assert_not_null (strstr ((char *)out.data, "### `verify`"));
    buffer_release (&out);
}

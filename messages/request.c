//  request - descriptions of the requests, and the head that they share

#include "messages/request.h"

#include <assert.h>

#include "messages/error.h"

MESSAGE_DESCRIBE (refusal, MESSAGE_MAP, REFUSAL_FIELDS, "the answer to what was refused")
MESSAGE_DESCRIBE (no_request, MESSAGE_MAP, NO_FIELDS, "no fields of its own")
MESSAGE_DESCRIBE (done_answer, MESSAGE_MAP, DONE_ANSWER_FIELDS, "it was done")
MESSAGE_DESCRIBE (hello_answer, MESSAGE_MAP, HELLO_ANSWER_FIELDS, "who this node is")
MESSAGE_DESCRIBE (declare_request, MESSAGE_MAP, DECLARE_REQUEST_FIELDS, "declarations")
MESSAGE_DESCRIBE (apply_request, MESSAGE_MAP, APPLY_REQUEST_FIELDS, "operations")
MESSAGE_DESCRIBE (apply_answer, MESSAGE_MAP, APPLY_ANSWER_FIELDS, "they are durable")
MESSAGE_DESCRIBE (get_request, MESSAGE_MAP, GET_REQUEST_FIELDS, "which record")
MESSAGE_DESCRIBE (get_answer, MESSAGE_MAP, GET_ANSWER_FIELDS, "the record")
MESSAGE_DESCRIBE (list_request, MESSAGE_MAP, LIST_REQUEST_FIELDS, "which records")
MESSAGE_DESCRIBE (list_answer, MESSAGE_MAP, LIST_ANSWER_FIELDS, "a page of records")
MESSAGE_DESCRIBE (count_request, MESSAGE_MAP, COUNT_REQUEST_FIELDS, "which resource")
MESSAGE_DESCRIBE (count_answer, MESSAGE_MAP, COUNT_ANSWER_FIELDS, "how many records")
MESSAGE_DESCRIBE (changes_request, MESSAGE_MAP, CHANGES_REQUEST_FIELDS, "since when, and of what")
MESSAGE_DESCRIBE (changes_answer, MESSAGE_MAP, CHANGES_ANSWER_FIELDS, "a page of changes")
MESSAGE_DESCRIBE (status_answer, MESSAGE_MAP, STATUS_ANSWER_FIELDS, "how this node is")
MESSAGE_DESCRIBE (metrics_answer, MESSAGE_MAP, METRICS_ANSWER_FIELDS, "what was counted")
MESSAGE_DESCRIBE (pool_answer, MESSAGE_MAP, POOL_ANSWER_FIELDS, "who is a member")
MESSAGE_DESCRIBE (pending_answer, MESSAGE_MAP, PENDING_ANSWER_FIELDS, "the batches that are kept")
MESSAGE_DESCRIBE (found_answer, MESSAGE_MAP, FOUND_ANSWER_FIELDS, "lost and found")
MESSAGE_DESCRIBE (verify_request, MESSAGE_MAP, VERIFY_REQUEST_FIELDS, "how")
MESSAGE_DESCRIBE (restamp_answer, MESSAGE_MAP, RESTAMP_ANSWER_FIELDS, "what was stamped anew")
MESSAGE_DESCRIBE (verify_answer, MESSAGE_MAP, VERIFY_ANSWER_FIELDS, "what was found")
MESSAGE_DESCRIBE (join_request, MESSAGE_MAP, JOIN_REQUEST_FIELDS, "whose pool")
MESSAGE_DESCRIBE (remove_request, MESSAGE_MAP, REMOVE_REQUEST_FIELDS, "whom")
MESSAGE_DESCRIBE (pause_request, MESSAGE_MAP, PAUSE_REQUEST_FIELDS, "whose links")

#define X(VERB, name, request, answer, text)                                                       \
    {#name, &request##_request_type, &answer##_answer_type, text},
const request_verb_t api_verbs[API_VERB_COUNT] = {API_VERB_LIST (X)};
const request_verb_t admin_verbs[ADMIN_VERB_COUNT] = {ADMIN_VERB_LIST (X)};
#undef X

static const uint8_t nil_bytes[] = {0xc0};
const slice_t request_nil = {nil_bytes, sizeof nil_bytes};

int request_verb_find (const request_verb_t *verbs, size_t count, slice_t name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal (slice_text (verbs[i].name), name))
            return (int)i;
    return ERR_UNKNOWN_VERB;
}

//  The id, if the bytes are sound as far as there. For answers to what is not.
static slice_t id_peek (slice_t body)
{
    cursor_t cursor = cursor_over (body);
    size_t count;
    if (cursor_map (&cursor, &count))
        return request_nil;
    for (size_t i = 0; i < count; i++) {
        slice_t name, value;
        if (cursor_text (&cursor, &name) || cursor_skip (&cursor, &value))
            return request_nil;
        if (slice_equal (name, slice_text ("id")))
            return value;
    }
    return request_nil;
}

static int head_unpack (slice_t body, request_t *self, const char **ret_why)
{
    bool has_verb = false, has_id = false;
    cursor_t cursor = cursor_over (body);
    size_t count;
    *ret_why = "a request is a msgpack map";
    if (pack_check (body) || cursor_map (&cursor, &count))
        return ERR_BAD_REQUEST;
    for (size_t i = 0; i < count; i++) {
        slice_t name, value;
        *ret_why = "the names in a request are texts";
        if (cursor_text (&cursor, &name))
            return ERR_BAD_REQUEST;
        *ret_why = "`do` must be there, once, and a text; `id` at most once";
        bool is_verb = slice_equal (name, slice_text ("do"));
        bool is_id = slice_equal (name, slice_text ("id"));
        if ((is_verb && has_verb) || (is_id && has_id))
            return ERR_BAD_REQUEST;
        has_verb |= is_verb;
        has_id |= is_id;
        if (is_verb ? cursor_text (&cursor, &self->verb) : cursor_skip (&cursor, &value))
            return ERR_BAD_REQUEST;
    }
    return has_verb ? 0 : ERR_BAD_REQUEST;
}

int request_unpack (slice_t body, request_t *ret_request, const char **ret_why)
{
    *ret_request = (request_t){.body = body, .id = id_peek (body)};
    return head_unpack (body, ret_request, ret_why);
}

size_t list_begin (buffer_t *out)
{
    size_t at = out->size;
    buffer_append (out, "\xdd\0\0\0", 5);
    return at;
}

void list_end (buffer_t *out, size_t at, size_t count)
{
    assert (count <= UINT32_MAX && at + 5 <= out->size && out->data[at] == 0xdd);
    for (size_t i = 0; i < 4; i++)
        out->data[at + 1 + i] = (uint8_t)(count >> (24 - 8 * i));
}

bool map_find (slice_t map, const char *key, slice_t *ret_value)
{
    cursor_t cursor = cursor_over (map);
    size_t count;
    if (cursor_map (&cursor, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        slice_t name, value;
        if (cursor_text (&cursor, &name) || cursor_skip (&cursor, &value))
            return false;
        if (slice_equal (name, slice_text (key))) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static void text_append (buffer_t *out, const char *text)
{
    buffer_append (out, text, strlen (text));
}

void request_verbs_document (const request_verb_t *verbs, size_t count, buffer_t *out)
{
    for (size_t i = 0; i < count; i++) {
        text_append (out, "### `");
        text_append (out, verbs[i].name);
        text_append (out, "`: ");
        text_append (out, verbs[i].text);
        text_append (out, "\n\nTakes ");
        message_document (verbs[i].request, out);
        text_append (out, "Gives ");
        message_document (verbs[i].answer, out);
    }
}

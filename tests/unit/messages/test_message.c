//  test_message - what follows from a message's table: packing, strict unpacking, printing

#include <criterion/criterion.h>
#include <stdio.h>

#include "messages/mail.h"
#include "messages/peer.h"

#define SAMPLE_FIELDS(F, S)                                                                        \
    F (S, UINT, number, MUST, "a number")                                                          \
    F (S, BOOL, flag, MUST, "a flag")                                                              \
    F (S, UUID, uuid, MAY, "an identifier")                                                        \
    F (S, TEXT, text, MAY, "a text")                                                               \
    F (S, RAW, raw, MAY, "anything")
MESSAGE_STRUCT (sample_array, SAMPLE_FIELDS)
MESSAGE_STRUCT (sample_map, SAMPLE_FIELDS)
MESSAGE_DESCRIBE (sample_array, MESSAGE_ARRAY, SAMPLE_FIELDS, "a sample")
MESSAGE_DESCRIBE (sample_map, MESSAGE_MAP, SAMPLE_FIELDS, "a sample")

static int unpack (const message_type_t *type, const char *bytes, size_t size, void *ret_message)
{
    const char *field;
    return message_unpack (type, slice_of (bytes, size), ret_message, &field);
}
#define UNPACK(type, bytes, ret) unpack (&type##_type, bytes, sizeof bytes - 1, ret)

Test (message, array_has_its_fields_in_the_order_of_the_table)
{
    buffer_t out = {NULL, 0, 0};
    sample_array_t sample = {.number = 300, .flag = true, .text = slice_text ("a")};
    message_pack (&sample_array_type, &sample, &out);
    static const char golden[] = "\x95\xcd\x01\x2c\xc3\xc0\xa1"
                                 "a\xc0";
    cr_assert (slice_equal (buffer_slice (&out), slice_of (golden, sizeof golden - 1)));
    buffer_release (&out);
}

Test (message, map_leaves_out_what_is_absent)
{
    buffer_t out = {NULL, 0, 0};
    sample_map_t sample = {.number = 1, .flag = false};
    message_pack (&sample_map_type, &sample, &out);
    static const char golden[] = "\x82\xa6number\x01\xa4"
                                 "flag\xc2";
    cr_assert (slice_equal (buffer_slice (&out), slice_of (golden, sizeof golden - 1)));
    buffer_release (&out);
}

Test (message, array_may_end_before_what_may_be_absent)
{
    sample_array_t sample;
    cr_assert_eq (UNPACK (sample_array, "\x92\x07\xc3", &sample), 0);
    cr_assert (sample.number == 7 && sample.flag && sample.text.data == NULL);
    cr_assert_eq (UNPACK (sample_array, "\x91\x07", &sample), ERR_MALFORMED);
}

Test (message, array_with_more_than_the_table_is_understood)
{
    sample_array_t sample;
    cr_assert_eq (UNPACK (sample_array, "\x97\x07\xc3\xc0\xc0\xc0\x92\x01\x02\xa1x", &sample), 0);
    cr_assert_eq (sample.number, 7);
}

Test (message, map_with_unknown_names_is_understood_and_one_twice_is_not)
{
    sample_map_t sample;
    cr_assert_eq (UNPACK (sample_map,
                      "\x83\xa4"
                      "flag\xc3\xa1z\x90\xa6number\x05",
                      &sample),
        0);
    cr_assert_eq (sample.number, 5);
    cr_assert_eq (UNPACK (sample_map,
                      "\x83\xa4"
                      "flag\xc3\xa4"
                      "flag\xc3\xa6number\x05",
                      &sample),
        ERR_MALFORMED);
    cr_assert_eq (UNPACK (sample_map,
                      "\x81\xa4"
                      "flag\xc3",
                      &sample),
        ERR_MALFORMED);
}

Test (message, wrong_kinds_and_what_stands_behind_are_refused)
{
    sample_array_t sample;
    static const char *const wrong[] = {
        "\x92\xa1x\xc3", "\x92\x07\x01", "\x92\xc0\xc3", "\x80", "\xc0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_neq (
            unpack (&sample_array_type, wrong[i], strlen (wrong[i]), &sample), 0, "%zu", i);
    cr_assert_neq (UNPACK (sample_array, "\x92\x07\xc3\xc0", &sample), 0);
}

Test (message, map_takes_an_identifier_as_text_and_an_array_does_not)
{
    sample_map_t map;
    sample_array_t array;
    cr_assert_eq (UNPACK (sample_map,
                      "\x83\xa6number\x01\xa4"
                      "flag\xc2\xa4uuid\xd9\x24"
                      "00000000-0000-0000-0000-0000000000ff",
                      &map),
        0);
    cr_assert_eq (map.uuid.bytes[15], 0xff);
    cr_assert_neq (UNPACK (sample_array,
                       "\x93\x01\xc2\xd9\x24"
                       "00000000-0000-0000-0000-0000000000ff",
                       &array),
        0);
}

//  Fills every field with something that is there, for a round trip of any message.
static void fill (const message_type_t *type, void *message)
{
    static const uint8_t raw[] = {0x92, 0x01, 0xa1, 'r'};
    memset (message, 0, type->size);
    for (size_t i = 0; i < type->field_count; i++) {
        void *at = (uint8_t *)message + type->fields[i].offset;
        switch (type->fields[i].kind) {
        case FIELD_BOOL: *(bool *)at = true; break;
        case FIELD_UINT: *(uint64_t *)at = 1000 + i; break;
        case FIELD_UUID: memset (at, 0x11, sizeof (uuid16_t)); break;
        case FIELD_KEY: memset (at, 0x22, sizeof (public_key_t)); break;
        case FIELD_STAMP: *(timestamp_t *)at = (timestamp_t){77, {{1}}}; break;
        case FIELD_TEXT: *(slice_t *)at = slice_text ("text"); break;
        case FIELD_BYTES: *(slice_t *)at = slice_text ("bytes"); break;
        case FIELD_RAW: *(slice_t *)at = slice_of (raw, sizeof raw); break;
        }
    }
}

static void round_trip (const message_type_t *type)
{
    uint8_t message[1024], back[1024];
    buffer_t first = {NULL, 0, 0}, second = {NULL, 0, 0}, line = {NULL, 0, 0};
    cr_assert_leq (type->size, sizeof message);
    fill (type, message);
    message_pack (type, message, &first);
    cr_assert_eq (message_unpack (type, buffer_slice (&first), back, NULL), 0, "%s", type->name);
    message_pack (type, back, &second);
    cr_assert (slice_equal (buffer_slice (&first), buffer_slice (&second)), "%s", type->name);
    message_print (type, back, &line);
    cr_assert (line.size > strlen (type->name));
    for (size_t size = 0; size < first.size; size++) {
        uint8_t *cut = malloc (size ? size : 1); // of exactly that size: reading on is seen
        memcpy (cut, first.data, size);
        cr_assert_neq (message_unpack (type, slice_of (cut, size), back, NULL), 0, "%s cut at %zu",
            type->name, size);
        free (cut);
    }
    buffer_release (&first);
    buffer_release (&second);
    buffer_release (&line);
}

Test (message, every_mail_and_every_word_of_a_peer_comes_back_as_it_was)
{
    for (int verb = 1; verb < MAIL_COUNT; verb++)
        round_trip (mail_type (verb));
    for (uint64_t verb = 1; verb < PEER_COUNT; verb++)
        round_trip (peer_type (verb));
    round_trip (&door_request_type);
    round_trip (&door_answer_type);
}

Test (message, acknowledgement_has_these_bytes)
{
    static const uint8_t empty[] = {0x90};
    static const char golden[] = "\x94\x06\xcd\x10\x00\x90\x90";
    buffer_t out = {NULL, 0, 0};
    peer_ack_t ack = {.verb = PEER_ACK,
        .credit = 4096,
        .shared = slice_of (empty, 1),
        .rows = slice_of (empty, 1)};
    message_pack (&peer_ack_type, &ack, &out);
    cr_assert (slice_equal (buffer_slice (&out), slice_of (golden, sizeof golden - 1)));
    buffer_release (&out);
}

Test (message, unknown_verbs_have_no_type)
{
    uint64_t verb;
    cr_assert_null (mail_type (0));
    cr_assert_null (mail_type (MAIL_COUNT));
    cr_assert_null (peer_type (0));
    cr_assert_null (peer_type (PEER_COUNT));
    cr_assert_eq (peer_verb_of (slice_of ("\x91\x63", 2), &verb), ERR_UNKNOWN_VERB);
    cr_assert_eq (peer_verb_of (slice_of ("\x90", 1), &verb), ERR_MALFORMED);
}

Test (message, envelope_is_strict)
{
    envelope_t envelope = {ACTOR_API, ACTOR_OPLOG, MAIL_APPLY, 9}, back;
    buffer_t out = {NULL, 0, 0};
    envelope_pack (&envelope, &out);
    cr_assert_eq (envelope_unpack (buffer_slice (&out), &back), 0);
    cr_assert (back.from == ACTOR_API && back.to == ACTOR_OPLOG && back.verb == MAIL_APPLY &&
               back.ticket == 9);
    cr_assert_eq (envelope_unpack (slice_of ("\x94\x01\x01\x7f\x01", 5), &back), ERR_UNKNOWN_VERB);
    cr_assert_eq (envelope_unpack (slice_of ("\x94\x7f\x01\x01\x01", 5), &back), ERR_MALFORMED);
    cr_assert_eq (envelope_unpack (slice_of ("\x93\x01\x01\x01", 4), &back), ERR_MALFORMED);
    buffer_release (&out);
}

//  Batches: sealed here, decoded from an enemy.

#include "tests/unit/messages/sample.h"

#include "messages/limits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static identity_t identity_of (uint8_t first)
{
    uint8_t seed[SEED_SIZE];
    identity_t identity;
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)(first + i);
    cr_assert_eq (keys_start (), 0);
    cr_assert_eq (identity_from_seed (seed, &identity), 0);
    return identity;
}

static hash_t hash_of (uint8_t byte)
{
    hash_t hash;
    memset (hash.bytes, byte, sizeof hash.bytes);
    return hash;
}

static uuid16_t record_uuid (uint8_t byte)
{
    uuid16_t uuid;
    memset (uuid.bytes, byte, sizeof uuid.bytes);
    return uuid;
}

//  Adds the operation of sample.h's text; client I is the identity itself.
static void add (batch_writer_t *writer, const char *resource, uint8_t uuid, const char *text)
{
    sample_t sample;
    sample_parse (text, &sample);
    uuid16_t self = sample_client ('I');
    if (uuid_equal (&sample.operation.stamp.client, &self))
        sample.operation.stamp.client = writer->origin;
    sample.operation.resource = slice_text (resource);
    sample.operation.uuid = record_uuid (uuid);
    batch_writer_add (writer, &sample.operation);
}

//  A batch with three operations on two resources, one watermark seen.
static slice_t sealed (const identity_t *identity, hash_t *ret_hash)
{
    static buffer_t out;
    batch_writer_t writer = {0};
    vector_t seen = {0};
    hash_t previous = hash_of (0xaa);
    uuid16_t other = sample_client ('B');
    hash_t hash = hash_of (0xbb);
    vector_set (&seen, &other, 99, &hash);
    batch_writer_begin (&writer, &identity->client, 256, &previous);
    add (&writer, "tags", 1, "I258 create overwrite a=1 b=nil ^B99");
    add (&writer, "albums", 2, "I260 update a=2");
    add (&writer, "tags", 1, "I261 delete");
    buffer_clear (&out);
    batch_writer_seal (&writer, 261, &seen, NULL, identity, &out, ret_hash);
    batch_writer_release (&writer);
    vector_release (&seen);
    return buffer_slice (&out);
}

//  Made with openssl and Python, which know nothing of this code.
#define GOLDEN_SIGNATURE                                                                           \
    "7f1c244151d1cecf9393824aa57f867c75bffef0f5290c8a588d5e7b04852283"                             \
    "0b2d2d868ab2e725f64f4735b019d40d9af688c8fd3b74dc0b911177025db409"
#define GOLDEN_HASH "a4e3ec194de73859bcf7c0162b027452c45c6057c914377b3edca91aefcffb60"

#define U1 "c41001010101010101010101010101010101"
#define U2 "c41002020202020202020202020202020202"
#define A  "c41041414141414141414141414141414141"
#define B  "c41042424242424242424242424242424242"
#define AA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BB "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

//  ---- what is sealed

Test (batch, golden_bytes)
{
    identity_t identity = identity_of (0);
    hash_t hash;
    slice_t bytes = sealed (&identity, &hash);
    cr_expect_str_eq (sample_hex (bytes),
        sample_hex (
            sample_bytes ("9b 01"
                          "c4109d24e2eeaf27c2a088a564a32fc03a88" // origin
                          "cd0100 c420" AA "cd0105"              // after, previous, upto
                          "91 93" B "63 c420" BB                 // seen
                          "c0 92 a474616773 a6616c62756d73"      // covers, resources
                          "90"                                   // records
                          "93"
                          "96 02 00" U1 "18 82 a16101 a162c0 92 63" B "95 02 01" U2 "01 81 a16102"
                          "95 01 00" U1 "02 c0"
                          "c440" GOLDEN_SIGNATURE)));
    cr_expect_str_eq (sample_hex (slice_of (hash.bytes, sizeof hash.bytes)), GOLDEN_HASH);
}

//  Made with Python's cryptography and hashlib, which know nothing of this code.
#define ANEW_SIGNATURE                                                                             \
    "27eb0dacad249b44ea70ecd26bb2fe8bff6e7f15ebe5b2d3781d0398bc4b83d0"                             \
    "ea3daa6f7ec8e0512a5533c127be12320f4ed3cee9f2f71afb4892597423ab06"
#define ANEW_HASH "ed4bd3fcec936f497eb52f7c40297904f1c4a55c6f69bb5df32ecaeea4b25acd"
#define I         "c4109d24e2eeaf27c2a088a564a32fc03a88"

//  A record of sample.h's text in which client I is the identity.
static record_t record_by (const identity_t *identity, const char *text)
{
    uuid16_t self = sample_client ('I');
    record_t record = sample_record (text);
    timestamp_t *stamps[] = {&record.created, &record.written, &record.floor, record.deleted};
    for (size_t i = 0; i < 4; i++)
        if (uuid_equal (&stamps[i]->client, &self))
            stamps[i]->client = identity->client;
    for (size_t i = 0; i < record.strong.count; i++)
        if (uuid_equal (&record.strong.entries[i].stamp.client, &self))
            record.strong.entries[i].stamp.client = identity->client;
    return record;
}

Test (batch, golden_bytes_of_one_that_issues_anew)
{
    identity_t identity = identity_of (0);
    batch_writer_t writer = {0};
    hash_t previous = hash_of (0xaa), hash = hash_of (0xbb);
    vector_t seen = sample_vector ("B99"), covers = sample_vector ("B96");
    buffer_t out = {0};
    uuid16_t one = record_uuid (1), two = record_uuid (2);
    record_t whole = record_by (&identity, "+B50 !I258 -B40 a=1@I258 ~b=2@B50");
    record_t deleted = record_by (&identity, "-I259");
    uuid16_t other = sample_client ('B');
    vector_set (&seen, &other, 99, &hash);
    vector_set (&covers, &identity.client, 260, &previous);
    batch_writer_begin (&writer, &identity.client, 256, &previous);
    batch_writer_add_record (&writer, slice_text ("tags"), &one, 1, &whole);
    batch_writer_add_record (&writer, slice_text ("tags"), &two, 0, &deleted);
    operation_t stale = {.stamp = {100, other},
        .resource = slice_text ("clients"),
        .uuid = two,
        .action = ACTION_UPDATE,
        .value = sample_bytes ("81 a57374616c65 c3")};
    operation_t back = {.stamp = {299, identity.client},
        .resource = slice_text ("clients"),
        .uuid = two,
        .action = ACTION_UPDATE,
        .value = sample_bytes ("81 a57374616c65 c2")};
    batch_writer_add (&writer, &stale);
    batch_writer_add (&writer, &back);
    batch_writer_seal (&writer, 300, &seen, &covers, &identity, &out, &hash);
    cr_expect_str_eq (sample_hex (buffer_slice (&out)),
        sample_hex (
            sample_bytes ("9b 01" I "cd0100 c420" AA "cd012c"     // origin, after, previous, upto
                          "91 93" B "63 c420" BB                  // seen
                          "92 93" B "60 c0 93" I "cd0104 c420" AA // covers
                          "92 a474616773 a7636c69656e7473"        // resources
                          "92 94 00" U1 "01 97 96 28" B "32" B "cd0102" I            // records
                          "01 02 c0 91 00 93 a161 02 01 93 a162 01 02"               //
                          "94 00" U2 "00 97 92 cd0103" I "c0 c0 c0 91 00 90 90"      //
                          "92 96 cfffffffffffffff64 01" U2 "21 81 a57374616c65 c3" B // operations
                          "95 ccc7 01" U2 "01 81 a57374616c65 c2"                    //
                          "c440" ANEW_SIGNATURE)));
    cr_expect_str_eq (sample_hex (slice_of (hash.bytes, sizeof hash.bytes)), ANEW_HASH);
    record_release (&whole);
    record_release (&deleted);
    batch_writer_release (&writer);
    buffer_release (&out);
}

Test (operation, golden_bytes)
{
    identity_t identity = identity_of (0);
    batch_t batch;
    cr_assert_eq (batch_decode (sealed (&identity, NULL), &batch), 0);
    cr_expect_str_eq (sample_hex (batch.operations),
        sample_hex (
            sample_bytes ("96 02 00" U1 "18 82 a16101 a162c0 92 63" B "95 02 01" U2 "01 81 a16102"
                          "95 01 00" U1 "02 c0")));
    batch_release (&batch);
}

Test (batch, decode_gives_what_was_sealed)
{
    identity_t identity = identity_of (0);
    hash_t hash;
    batch_t batch;
    slice_t bytes = sealed (&identity, &hash);
    uuid16_t other = sample_client ('B');
    hash_t previous = hash_of (0xaa);
    cr_assert_eq (batch_decode (bytes, &batch), 0);
    cr_expect (uuid_equal (&batch.origin, &identity.client));
    cr_expect_eq (batch.after, 256);
    cr_expect_eq (batch.upto, 261);
    cr_expect_arr_eq (batch.previous.bytes, previous.bytes, HASH_SIZE);
    cr_expect_arr_eq (batch.hash.bytes, hash.bytes, HASH_SIZE);
    cr_expect_eq (vector_upto (&batch.seen, &other), 99);
    cr_expect_not (batch.issues_anew);
    cr_expect_eq (batch.count, 3);
    cr_expect_eq (batch.resource_count, 2);
    cr_expect_eq (batch_verify (&batch, &identity.key), 0);

    batch_head_t head;
    cr_expect_eq (batch_peek (bytes, &head), 0);
    cr_expect (uuid_equal (&head.origin, &identity.client));
    cr_expect (head.after == 256 && head.upto == 261 && head.count == 3);
    batch_release (&batch);
}

Test (batch, walk_gives_the_operations_in_order)
{
    identity_t identity = identity_of (0);
    batch_t batch;
    batch_walk_t walk = {0};
    operation_t operation;
    timestamp_t expected_floor = sample_stamp ("B99");
    cr_assert_eq (batch_decode (sealed (&identity, NULL), &batch), 0);

    cr_assert (batch_next (&batch, &walk, &operation));
    cr_expect_eq (operation.stamp.time, 258);
    cr_expect (uuid_equal (&operation.stamp.client, &identity.client));
    cr_expect (slice_equal (operation.resource, slice_text ("tags")));
    cr_expect_eq (operation.uuid.bytes[0], 1);
    cr_expect_eq (operation.action, ACTION_CREATE);
    cr_expect_eq (operation.on_conflict, CONFLICT_OVERWRITE);
    cr_expect_str_eq (sample_value_text (operation.value), "a=1 b=nil");
    cr_expect_eq (timestamp_compare (&operation.floor, &expected_floor), 0);

    cr_assert (batch_next (&batch, &walk, &operation));
    cr_expect_eq (operation.stamp.time, 260);
    cr_expect (slice_equal (operation.resource, slice_text ("albums")));
    cr_expect_eq (operation.action, ACTION_UPDATE);
    cr_expect (timestamp_is_none (&operation.floor));

    cr_assert (batch_next (&batch, &walk, &operation));
    cr_expect_eq (operation.stamp.time, 261);
    cr_expect_eq (operation.action, ACTION_DELETE);
    cr_expect_eq (operation.value.size, 0);
    cr_expect_not (batch_next (&batch, &walk, &operation));
    cr_expect_not (batch_next (&batch, &walk, &operation));
    batch_release (&batch);
}

Test (batch, first_and_empty_one_is_sealed_with_a_time_of_its_own)
{
    identity_t identity = identity_of (0);
    batch_writer_t writer = {0};
    vector_t seen = {0};
    buffer_t out = {0};
    batch_t batch;
    batch_writer_begin (&writer, &identity.client, 0, NULL);
    buffer_append (&out, "before", 6);
    batch_writer_seal (&writer, 7, &seen, NULL, &identity, &out, NULL);
    cr_expect_eq (memcmp (out.data, "before", 6), 0, "sealing appends");
    cr_assert_eq (batch_decode (slice_of (out.data + 6, out.size - 6), &batch), 0);
    cr_expect (batch.after == 0 && batch.upto == 7 && batch.count == 0);
    cr_expect_eq (batch_verify (&batch, &identity.key), 0);
    batch_walk_t walk = {0};
    operation_t operation;
    cr_expect_not (batch_next (&batch, &walk, &operation));
    batch_release (&batch);
    batch_writer_release (&writer);
    buffer_release (&out);
}

Test (batch, one_that_issues_anew_keeps_clients_and_times)
{
    identity_t identity = identity_of (0);
    hash_t previous = hash_of (1);
    batch_writer_t writer = {0};
    vector_t seen = {0};
    vector_t covers = {0};
    buffer_t out = {0};
    batch_t batch;
    vector_set (&covers, &identity.client, 1000, &previous);
    batch_writer_begin (&writer, &identity.client, 1000, &previous);
    const char *texts[] = {"A5 create a=1", "B5 update a=2", "I900 update a=3", "A2000 delete"};
    for (size_t i = 0; i < 4; i++)
        add (&writer, "tags", 1, texts[i]);
    batch_writer_seal (&writer, 2001, &seen, &covers, &identity, &out, NULL);
    cr_assert_eq (batch_decode (buffer_slice (&out), &batch), 0);
    cr_expect (batch.issues_anew);
    cr_expect_eq (vector_upto (&batch.covers, &identity.client), 1000);

    batch_walk_t walk = {0};
    operation_t operation;
    for (size_t i = 0; i < 4; i++) {
        timestamp_t expected = sample_stamp (texts[i]);
        if (texts[i][0] == 'I')
            expected.client = identity.client;
        cr_assert (batch_next (&batch, &walk, &operation));
        cr_expect_eq (timestamp_compare (&operation.stamp, &expected), 0, "%s", texts[i]);
    }
    batch_release (&batch);
    batch_writer_release (&writer);
    vector_release (&covers);
    buffer_release (&out);
}

Test (batch, wants_to_be_acknowledged_unless_it_is_an_acknowledgement_itself)
{
    cr_expect (batch_wants_ack (&(batch_head_t){.count = 1}));
    cr_expect (batch_wants_ack (&(batch_head_t){.issues_anew = true}));
    cr_expect_not (batch_wants_ack (&(batch_head_t){.count = 0}));
}

Test (batch, writer_keeps_nothing_of_the_batch_before)
{
    identity_t identity = identity_of (0);
    batch_writer_t writer = {0};
    vector_t seen = {0};
    buffer_t out[2] = {0};
    for (int i = 0; i < 2; i++) {
        batch_writer_begin (&writer, &identity.client, 0, NULL);
        add (&writer, "tags", 1, "I5 create a=1");
        cr_expect_geq (batch_writer_size (&writer), 35);
        batch_writer_seal (&writer, 5, &seen, NULL, &identity, &out[i], NULL);
    }
    cr_expect (slice_equal (buffer_slice (&out[0]), buffer_slice (&out[1])));
    batch_writer_release (&writer);
    buffer_release (&out[0]);
    buffer_release (&out[1]);
}

//  ---- what is refused

//  Decodes from memory of exactly that size, and verifies if there is a key.
static int judge (slice_t bytes, const public_key_t *key)
{
    uint8_t *exact = malloc (bytes.size + !bytes.size);
    memcpy (exact, bytes.data, bytes.size);
    batch_t batch;
    int rc = batch_decode (slice_of (exact, bytes.size), &batch);
    if (rc)
        cr_expect (batch.bytes.size == 0 && !batch.resources && !batch.seen.entries);
    else if (key)
        rc = batch_verify (&batch, key);
    batch_release (&batch);
    free (exact);
    return rc;
}

//  Two requests of one group, each as rich as a request may be.
Test (batch, may_hold_more_elements_than_any_one_message)
{
    identity_t identity = identity_of (1);
    batch_writer_t writer = {0};
    buffer_t out = {0}, value = {0};
    batch_t batch;
    slice_t stepped, bytes;
    pack_map (&value, 1);
    pack_string (&value, "a");
    pack_array (&value, LIMIT_ELEMENTS * 3 / 4);
    for (size_t i = 0; i < LIMIT_ELEMENTS * 3 / 4; i++)
        pack_nil (&value);
    batch_writer_begin (&writer, &identity.client, 0, NULL);
    for (uint64_t i = 1; i <= 2; i++) {
        operation_t operation = {.stamp = {i, identity.client},
            .resource = slice_text ("tags"),
            .uuid = record_uuid ((uint8_t)i),
            .value = buffer_slice (&value)};
        batch_writer_add (&writer, &operation);
    }
    batch_writer_seal (&writer, 2, &(vector_t){0}, NULL, &identity, &out, &(hash_t){{0}});
    bytes = buffer_slice (&out);
    cursor_t cursor = cursor_over (bytes);
    cr_assert_eq (batch_skip (&cursor, &stepped), 0);
    cr_assert (slice_equal (stepped, bytes) && cursor_done (&cursor));
    cr_assert_eq (batch_decode (bytes, &batch), 0);
    cr_assert_eq (batch.count, 2);
    for (size_t size = 0; size < 200; size++) {
        cursor = cursor_over (slice_of (bytes.data, size));
        cr_assert_neq (batch_skip (&cursor, &stepped), 0);
    }
    batch_release (&batch);
    batch_writer_release (&writer);
    buffer_release (&out);
    buffer_release (&value);
}

Test (batch, every_truncation_is_refused)
{
    identity_t identity = identity_of (0);
    slice_t bytes = sealed (&identity, NULL);
    cr_assert_eq (judge (bytes, &identity.key), 0);
    for (size_t size = 0; size < bytes.size; size++) {
        int rc = judge (slice_of (bytes.data, size), &identity.key);
        cr_expect_eq (rc, ERR_TRUNCATED, "%zu bytes: %s", size, error_name (rc));
    }
}

//  All 255 other values of each byte are decoded. Of those that decode, each single bit's flip is verified
//  too, and that of all bits: a signature is dear, and no more is learnt from the rest.
Test (batch, every_flipped_byte_is_refused)
{
    identity_t identity = identity_of (0);
    slice_t bytes = sealed (&identity, NULL);
    uint8_t *changed = malloc (bytes.size);
    size_t by_signature = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        for (unsigned mask = 1; mask < 256; mask++) {
            bool verifies = (mask & (mask - 1)) == 0 || mask == 255;
            memcpy (changed, bytes.data, bytes.size);
            changed[i] ^= (uint8_t)mask;
            int rc = judge (slice_of (changed, bytes.size), verifies ? &identity.key : NULL);
            if (verifies && rc == 0)
                cr_assert (false, "byte %zu ^ %u is accepted", i, mask);
            by_signature += rc == ERR_BAD_SIGNATURE;
        }
    }
    cr_expect_gt (by_signature, bytes.size, "few flips reach the signature");
    free (changed);
}

Test (batch, only_its_origins_key_verifies_it)
{
    identity_t identity = identity_of (0);
    identity_t other = identity_of (1);
    batch_t batch;
    cr_assert_eq (batch_decode (sealed (&identity, NULL), &batch), 0);
    cr_expect_eq (batch_verify (&batch, &other.key), ERR_BAD_SIGNATURE);
    batch.origin = other.client;
    cr_expect_eq (batch_verify (&batch, &other.key), ERR_BAD_SIGNATURE);
    cr_expect_eq (batch_verify (&batch, &identity.key), ERR_BAD_SIGNATURE);
    batch_release (&batch);
}

Test (batch, signature_is_over_the_domain_and_all_bytes_before_it)
{
    identity_t identity = identity_of (0);
    slice_t bytes = sealed (&identity, NULL);
    buffer_t text = {0};
    uint8_t signature[SIGNATURE_SIZE];
    buffer_append (&text, "tidepool batch 1", 16);
    buffer_append (&text, bytes.data, bytes.size - 66);
    key_sign (&identity, buffer_slice (&text), signature);
    cr_expect_arr_eq (signature, bytes.data + bytes.size - 64, SIGNATURE_SIZE);
    buffer_release (&text);
}

//  A batch that decodes, of origin A, element by element in hex.
static const char *const sound[11] = {
    "01",                                                 // 0 version
    A,                                                    // 1 origin
    "05",                                                 // 2 after
    "c420" AA,                                            // 3 previous
    "09",                                                 // 4 upto
    "91 93" B "63 c420" BB,                               // 5 seen
    "c0",                                                 // 6 covers
    "92 a174 a175",                                       // 7 resources
    "90",                                                 // 8 records
    "92 95 02 00" U1 "00 81a16101   95 02 01" U2 "02 c0", // 9 operations
    "c440" AA BB,                                         // 10 signature
};

#define VERSION    0
#define ORIGIN     1
#define AFTER      2
#define PREVIOUS   3
#define UPTO       4
#define SEEN       5
#define COVERS     6
#define RESOURCES  7
#define RECORDS    8
#define OPERATIONS 9
#define SIGNATURE  10

typedef struct change {
    const char *why;
    int rc; // expected
    struct {
        int element;
        const char *hex;
    } to[5]; // ends with a NULL hex
} change_t;

static int decode_changed (const change_t *change)
{
    buffer_t bytes = {0};
    batch_t batch;
    pack_array (&bytes, 11);
    for (int element = 0; element < 11; element++) {
        const char *hex = sound[element];
        for (size_t i = 0; change->to[i].hex; i++)
            if (change->to[i].element == element)
                hex = change->to[i].hex;
        pack_raw (&bytes, sample_bytes (hex));
    }
    uint8_t *exact = malloc (bytes.size);
    memcpy (exact, bytes.data, bytes.size);
    int rc = batch_decode (slice_of (exact, bytes.size), &batch);
    batch_walk_t walk = {0};
    operation_t operation;
    while (rc == 0 && batch_next (&batch, &walk, &operation))
        cr_expect (operation.action <= ACTION_DELETE);
    batch_release (&batch);
    free (exact);
    buffer_release (&bytes);
    return rc;
}

static void check_changes (const change_t *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = decode_changed (&table[i]);
        cr_expect_eq (rc, table[i].rc, "%s: %s", table[i].why, error_name (rc));
    }
}

#define CHECK(table) check_changes (table, sizeof (table) / sizeof *(table))
#define BAD          ERR_MALFORMED

//  An operation: the difference of its time, its resource, its code, its value and what follows.
#define OP(elements, difference, resource, code, value)                                            \
    "9" elements " " difference " " resource " " U1 " " code " " value " "
#define V "81a16101"

Test (batch_decode, takes_every_sound_form)
{
    const change_t table[] = {
        {"as it is", 0, {{0}}},
        {"a first batch", 0,
            {{AFTER, "00"}, {PREVIOUS, "c0"},
                {OPERATIONS, "92" OP ("5", "07", "00", "00", V) OP ("5", "02", "01", "00", V)}}},
        {"an empty batch", 0, {{RESOURCES, "90"}, {OPERATIONS, "90"}}},
        {"nothing seen", 0, {{SEEN, "90"}}},
        {"an ignore", 0,
            {{RESOURCES, "91 a174"}, {OPERATIONS, "91" OP ("5", "04", "00", "05", V)}}},
        {"a floor", 0,
            {{RESOURCES, "91 a174"}, {OPERATIONS, "91" OP ("6", "04", "00", "10", V) "9208" B}}},
        {"a floor of the same time and a smaller client", 0,
            {{RESOURCES, "91 a174"}, {ORIGIN, B}, {SEEN, "90"},
                {OPERATIONS, "91" OP ("6", "04", "00", "10", V) "9209" A}}},
        {"an empty value", 0,
            {{RESOURCES, "91 a174"}, {OPERATIONS, "91" OP ("5", "04", "00", "01", "80")}}},
    };
    CHECK (table);
}

Test (batch_decode, refuses_a_broken_envelope)
{
    const change_t table[] = {
        {"another version", ERR_WRONG_VERSION, {{VERSION, "02"}}},
        {"version 0", ERR_WRONG_VERSION, {{VERSION, "00"}}},
        {"version is no number", BAD, {{VERSION, "a131"}}},
        {"a short origin", BAD, {{ORIGIN, "c40141"}}},
        {"origin is a text", BAD, {{ORIGIN, "b041414141414141414141414141414141"}}},
        {"no previous though after is not 0", BAD, {{PREVIOUS, "c0"}}},
        {"a short previous", BAD, {{PREVIOUS, "c401aa"}}},
        {"a previous though after is 0", BAD, {{AFTER, "00"}}},
        {"upto == after", BAD, {{UPTO, "05"}, {OPERATIONS, "90"}, {RESOURCES, "90"}}},
        {"upto < after", BAD, {{UPTO, "04"}, {OPERATIONS, "90"}, {RESOURCES, "90"}}},
        {"seen has the origin", BAD, {{SEEN, "91 93" A "63 c420" BB}}},
        {"seen has a client twice", BAD, {{SEEN, "92 93" B "63 c420" BB "93" B "63 c420" BB}}},
        {"seen at no time", BAD, {{SEEN, "91 93" B "00 c420" BB}}},
        {"seen is nil", BAD, {{SEEN, "c0"}}},
        {"covers is a number", BAD, {{COVERS, "00"}}},
        {"resources twice", BAD, {{RESOURCES, "92 a174 a174"}}},
        {"an empty resource", BAD, {{RESOURCES, "92 a174 a0"}}},
        {"resource is no text", BAD, {{RESOURCES, "92 a174 c40175"}}},
        {"resource is not UTF-8", BAD, {{RESOURCES, "92 a174 a1ff"}}},
        {"a resource that nothing uses", BAD, {{RESOURCES, "93 a174 a175 a176"}}},
        {"a resource of an empty batch", BAD, {{RESOURCES, "91 a174"}, {OPERATIONS, "90"}}},
        {"resources not in order of first use", BAD,
            {{OPERATIONS, "92" OP ("5", "02", "01", "00", V) OP ("5", "02", "00", "00", V)}}},
        {"more resources than a pool has", ERR_TRUNCATED, {{RESOURCES, "dcffff a174"}}},
        {"a short signature", BAD, {{SIGNATURE, "c403aabbcc"}}},
        {"a signature with a longer head", BAD, {{SIGNATURE, "c50040" AA BB}}},
        {"a signature that is cut", ERR_TRUNCATED, {{SIGNATURE, "c440" AA}}},
        {"something behind it", BAD, {{SIGNATURE, "c440" AA BB "00"}}},
    };
    CHECK (table);
}

Test (batch_decode, refuses_operations_out_of_order)
{
    const change_t table[] = {
        {"first at `after`", BAD,
            {{OPERATIONS, "92" OP ("5", "00", "00", "00", V) OP ("5", "04", "01", "00", V)}}},
        {"two at one time", BAD,
            {{OPERATIONS, "92" OP ("5", "04", "00", "00", V) OP ("5", "00", "01", "00", V)}}},
        {"back in time, around zero", BAD,
            {{OPERATIONS,
                "92" OP ("5", "06", "00", "00", V) OP ("5", "cffffffffffffffffe", "01", "00", V)}}},
        {"first before `after`, around zero", BAD,
            {{OPERATIONS,
                "92" OP ("5", "cfffffffffffffffff", "00", "00", V) OP ("5", "05", "01", "00", V)}}},
        {"the last before upto", BAD, {{UPTO, "0a"}}},
        {"the last past upto", BAD, {{UPTO, "08"}}},
    };
    CHECK (table);
}

//  One operation on one resource.
#define ONE(elements, resource, code, value)                                                       \
    {                                                                                              \
        {RESOURCES, "91 a174"},                                                                    \
        {                                                                                          \
            OPERATIONS, "91" OP (elements, "04", resource, code, value)                            \
        }                                                                                          \
    }

Test (batch_decode, refuses_a_broken_operation)
{
    const change_t table[] = {
        {"resource out of range", BAD, ONE ("5", "01", "00", V)},
        {"resource is negative", BAD, ONE ("5", "ff", "00", V)},
        {"too few elements", BAD, {{RESOURCES, "91 a174"}, {OPERATIONS, "91 94 04 00" U1 "00"}}},
        {"too many elements", BAD, ONE ("6", "00", "00", V "c0")},
        {"a short uuid", BAD, {{RESOURCES, "91 a174"}, {OPERATIONS, "91 95 04 00 c40101 00" V}}},
        {"time is negative", BAD, {{RESOURCES, "91 a174"}, {OPERATIONS, "91 95 ff 00" U1 "00" V}}},
        {"action 3", BAD, ONE ("5", "00", "03", V)},
        {"on_conflict 3", BAD, ONE ("5", "00", "0c", V)},
        {"a code that is not used", BAD, ONE ("5", "00", "40", V)},
        {"a code past 32 bits", BAD, ONE ("5", "00", "cf0000000100000000", V)},
        {"a delete with a value", BAD, ONE ("5", "00", "02", V)},
        {"a delete that ignores", BAD, ONE ("5", "00", "06", "c0")},
        {"a delete that overwrites", BAD, ONE ("5", "00", "0a", "c0")},
        {"a create with nil", BAD, ONE ("5", "00", "00", "c0")},
        {"a value that is no map", BAD, ONE ("5", "00", "00", "01")},
        {"names that fall", BAD, ONE ("5", "00", "00", "82a16201a16101")},
        {"a name twice", BAD, ONE ("5", "00", "00", "82a16101a16101")},
        {"a value with a longer head", BAD, ONE ("5", "00", "00", "de0001a16101")},
        {"a value that is not sound", BAD, ONE ("5", "00", "00", "81a161c1")},
        {"a floor that is not announced", BAD, ONE ("6", "00", "00", V "9208" B)},
        {"a floor that is missing", BAD, ONE ("5", "00", "10", V)},
        {"a floor that is nil", BAD, ONE ("6", "00", "10", V "c0")},
        {"a floor at no time", BAD, ONE ("6", "00", "10", V "9200" B)},
        {"a floor on an update", BAD, ONE ("6", "00", "11", V "9208" B)},
        {"a floor on a delete", BAD, ONE ("6", "00", "12", "c0 9208" B)},
        {"a floor at its operation", BAD, ONE ("6", "00", "10", V "9209" A)},
        {"a floor past its operation", BAD, ONE ("6", "00", "10", V "920a" B)},
        {"a client where nothing is issued anew", BAD, ONE ("6", "00", "20", V B)},
        {"more operations than bytes", ERR_TRUNCATED, {{OPERATIONS, "ddffffffff"}}},
    };
    CHECK (table);
}

//  One operation on one resource in a batch that issues anew.
#define ANEW(operations)                                                                           \
    {                                                                                              \
        {RESOURCES, "91 a174"}, {COVERS, "90"},                                                    \
        {                                                                                          \
            OPERATIONS, operations                                                                 \
        }                                                                                          \
    }
#define MINUS_4 "cffffffffffffffffc" // of after 5: at 1
#define MINUS_5 "cffffffffffffffffb" // at 0

Test (batch_decode, checks_one_that_issues_anew)
{
    const change_t table[] = {
        {"another client's", 0, ANEW ("91" OP ("6", "04", "00", "20", V) B)},
        {"an early one", 0, ANEW ("91" OP ("6", MINUS_4, "00", "20", V) B)},
        {"its own early one", 0, ANEW ("91" OP ("5", MINUS_4, "00", "00", V))},
        {"one time, two clients", 0,
            ANEW ("92" OP ("5", "01", "00", "00", V) OP ("6", "00", "00", "20", V) B)},
        {"a floor past its operation, before upto", 0,
            ANEW ("91" OP ("6", "01", "00", "10", V) "9209" B)},
        {"client and floor", 0, ANEW ("91" OP ("7", "01", "00", "30", V) "9203" B B)},
        {"empty", 0, {{RESOURCES, "90"}, {COVERS, "90"}, {OPERATIONS, "90"}}},
        {"covers up to its end", 0,
            {{RESOURCES, "90"}, {COVERS, "91 93" B "09 c0"}, {OPERATIONS, "90"}}},
        {"covers what is past its end", BAD,
            {{RESOURCES, "90"}, {COVERS, "91 93" B "0a c0"}, {OPERATIONS, "90"}}},
        {"a floor past upto", BAD, ANEW ("91" OP ("6", "01", "00", "10", V) "920a" B)},
        {"the origin as another client", BAD, ANEW ("91" OP ("6", "04", "00", "20", V) A)},
        {"at no time", BAD, ANEW ("91" OP ("6", MINUS_5, "00", "20", V) B)},
        {"past upto", BAD, ANEW ("91" OP ("6", "05", "00", "20", V) B)},
        {"one timestamp twice", BAD,
            ANEW ("92" OP ("6", "01", "00", "20", V) B OP ("6", "00", "00", "20", V) B)},
        {"one time, clients that fall", BAD,
            ANEW ("92" OP ("6", "01", "00", "20", V) B OP ("5", "00", "00", "00", V))},
        {"back in time", BAD,
            ANEW ("92" OP ("6", "02", "00", "20", V) B OP ("6", MINUS_4, "00", "20", V) B)},
        {"a client that is missing", BAD, ANEW ("91" OP ("5", "04", "00", "20", V))},
        {"a short client", BAD, ANEW ("91" OP ("6", "04", "00", "20", V) "c40142")},
    };
    CHECK (table);
}

Test (batch_decode, refuses_other_numbers_of_elements)
{
    batch_t batch;
    cr_expect_eq (batch_decode (sample_bytes ("c0"), &batch), BAD);
    cr_expect_eq (batch_decode (sample_bytes ("90"), &batch), ERR_TRUNCATED);
    cr_expect_eq (batch_decode (sample_bytes ("91 01"), &batch), BAD);
    cr_expect_eq (batch_decode (sample_bytes ("9c 01 000000000000000000000000"), &batch), BAD);
    cr_expect_eq (batch_decode (sample_bytes ("91 02"), &batch), ERR_WRONG_VERSION);
}

Test (batch_decode, refuses_a_batch_over_the_limit_unread)
{
    size_t size = LIMIT_RETURN_BYTES + 1;
    uint8_t *bytes = calloc (1, size);
    batch_t batch;
    cr_expect_eq (batch_decode (slice_of (bytes, size), &batch), ERR_TOO_LARGE);
    free (bytes);
}

//  Only what issues anew may be larger than a request.
Test (batch_decode, refuses_a_batch_over_its_own_limit_behind_its_vectors)
{
    identity_t identity = identity_of (0);
    slice_t sample = sealed (&identity, NULL);
    size_t size = LIMIT_BATCH_BYTES + 1;
    uint8_t *bytes = calloc (1, size);
    batch_t batch;
    memcpy (bytes, sample.data, sample.size);
    cr_expect_eq (batch_decode (slice_of (bytes, size), &batch), ERR_TOO_LARGE);
    free (bytes);
}

//  Records that are issued anew: flags, and a state of created and written at `time`.
#define RECORD(resource, flags, time) "94" resource U1 flags "97 92" time A "00 00 c0 90 90 90"
#define ANEW_OF(records)                                                                           \
    {                                                                                              \
        {COVERS, "90"}, {RESOURCES, "91 a174"}, {RECORDS, records},                                \
        {                                                                                          \
            OPERATIONS, "90"                                                                       \
        }                                                                                          \
    }

Test (batch_decode, checks_the_records_that_are_issued_anew)
{
    const change_t table[] = {
        {"one", 0, ANEW_OF ("91" RECORD ("00", "00", "05"))},
        {"a whole one", 0, ANEW_OF ("91" RECORD ("00", "01", "09"))},
        {"its resource used by an operation too", 0,
            {{COVERS, "90"}, {RECORDS, "91" RECORD ("00", "00", "05")}}},
        {"where nothing is issued anew", BAD,
            {{RESOURCES, "91 a174"}, {RECORDS, "91" RECORD ("00", "00", "05")},
                {OPERATIONS, "90"}}},
        {"a flag that nobody knows", BAD, ANEW_OF ("91" RECORD ("00", "02", "05"))},
        {"a time past upto", BAD, ANEW_OF ("91" RECORD ("00", "00", "0a"))},
        {"a resource that is not there", BAD, ANEW_OF ("91" RECORD ("01", "00", "05"))},
        {"of a client", BAD,
            {{COVERS, "90"}, {RESOURCES, "91 a7636c69656e7473"},
                {RECORDS, "91" RECORD ("00", "00", "05")}, {OPERATIONS, "90"}}},
        {"too few elements", BAD, ANEW_OF ("91 93 00" U1 "00")},
        {"no record", BAD, ANEW_OF ("91 94 00" U1 "00 c0")},
        {"more than bytes", ERR_TRUNCATED, ANEW_OF ("ddffffffff")},
        {"too many elements", BAD, ANEW_OF ("91 95 00" U1 "00 97 90 c0 c0 c0 90 90 90 c0")},
        {"a short uuid", BAD, ANEW_OF ("91 94 00 c40101 00 97 90 c0 c0 c0 90 90 90")},
        {"flags that are no number", BAD, ANEW_OF ("91 94 00" U1 "c3 97 90 c0 c0 c0 90 90 90")},
        {"a resource that is no number", BAD, ANEW_OF ("91 94 a0" U1 "00 97 90 c0 c0 c0 90 90 90")},
        {"a record that is not sound", BAD, ANEW_OF ("91 94 00" U1 "00 97 90 00 c0 c0 90 90 90")},
        {"a client as a number", BAD, ANEW_OF ("91 94 00" U1 "00 97 92 05 01 00 00 c0 90 90 90")},
        {"a deletion past upto", BAD,
            ANEW_OF ("91 94 00" U1 "00 97 92 0a" A "c0 c0 c0 91 00 90 90")},
        {"a floor past upto", BAD, ANEW_OF ("91 94 00" U1 "00 97 92 0a" A "c0 c0 00 90 90 90")},
        {"a value past upto", BAD,
            ANEW_OF ("91 94 00" U1 "00 97 92 0a" A "c0 c0 c0 90 93 a161 00 01 90")},
        {"a weak value past upto", BAD,
            ANEW_OF ("91 94 00" U1 "00 97 92 0a" A "c0 c0 c0 90 90 93 a161 00 01")},
        {"nothing said of it", 0, ANEW_OF ("91 94 00" U1 "00 97 90 c0 c0 c0 90 90 90")},
    };
    check_changes (table, sizeof table / sizeof table[0]);
}

Test (batch_decode, checks_what_one_that_issues_anew_covers)
{
    const change_t table[] = {
        {"nothing", 0, {{COVERS, "90"}}},
        {"its origin, though `seen` may not have it", 0, {{COVERS, "91 93" A "09 c420" BB}}},
        {"past upto", BAD, {{COVERS, "91 93" B "0a c0"}}},
        {"no vector", BAD, {{COVERS, "01"}}},
        {"a client twice", BAD, {{COVERS, "92 93" B "05 c0 93" B "06 c0"}}},
        {"clients that fall", BAD, {{COVERS, "92 93" B "05 c0 93" A "06 c0"}}},
        {"at no time", BAD, {{COVERS, "91 93" B "00 c0"}}},
        {"a short hash", BAD, {{COVERS, "91 93" B "05 c401aa"}}},
        {"more than bytes", ERR_TRUNCATED, {{COVERS, "ddffffffff"}}},
    };
    check_changes (table, sizeof table / sizeof table[0]);
}

Test (batch, gives_back_the_records_that_it_issues_anew)
{
    identity_t identity = identity_of (0);
    batch_writer_t writer = {0};
    buffer_t out = {0};
    vector_t seen = {0}, covers = {0};
    timestamp_t stamp = {7, identity.client};
    record_t record = {.created = stamp, .written = stamp};
    uuid16_t uuid = {{3}};
    batch_t batch;
    batch_walk_t walk = {0};
    batch_record_t read = {.flags = 0};
    vector_set (&covers, &identity.client, 9, NULL);
    batch_writer_begin (&writer, &identity.client, 0, NULL);
    batch_writer_add_record (&writer, slice_text ("tags"), &uuid, 1, &record);
    batch_writer_seal (&writer, 11, &seen, &covers, &identity, &out, NULL);
    cr_assert_eq (batch_decode (buffer_slice (&out), &batch), 0);
    cr_assert (batch.issues_anew && batch.record_count == 1 && batch.count == 0);
    cr_assert (batch_record_next (&batch, &walk, &read));
    cr_expect (slice_equal (read.resource, slice_text ("tags")));
    cr_expect (uuid_equal (&read.uuid, &uuid) && read.flags == 1);
    cr_expect (record_equal (&read.record, &record));
    cr_expect_not (batch_record_next (&batch, &walk, &read));
    vector_clear (&covers);
    cr_assert_eq (batch_covers (buffer_slice (&out), &covers), 0);
    cr_expect_eq (vector_upto (&covers, &identity.client), 9);
    record_release (&read.record);
    batch_release (&batch);
    batch_writer_release (&writer);
    vector_release (&covers);
    buffer_release (&out);
}

//  As many records as a return may bring: more elements in one list than any one message may have.
Test (batch, one_that_issues_anew_is_read_whole_however_many_records_it_brings)
{
    enum { RECORDS_MANY = 80000 };
    identity_t identity = identity_of (0);
    batch_writer_t writer = {0};
    buffer_t out = {0};
    vector_t seen = {0}, covers = {0};
    timestamp_t stamp = {7, identity.client};
    record_t record = {.created = stamp, .written = stamp};
    batch_head_t head = {.count = 0};
    batch_t batch;
    vector_set (&covers, &identity.client, 9, NULL);
    batch_writer_begin (&writer, &identity.client, 0, NULL);
    for (uint32_t i = 0; i < RECORDS_MANY; i++) {
        uuid16_t uuid = {{0}};
        memcpy (uuid.bytes, &i, sizeof i);
        batch_writer_add_record (&writer, slice_text ("tags"), &uuid, 0, &record);
    }
    batch_writer_seal (&writer, 11, &seen, &covers, &identity, &out, NULL);
    cr_assert_eq (batch_decode (buffer_slice (&out), &batch), 0);
    cr_expect_eq (batch.record_count, RECORDS_MANY);
    cr_expect_eq (batch_peek (buffer_slice (&out), &head), 0);
    cr_expect (head.issues_anew && head.upto == 11);
    vector_clear (&covers);
    cr_expect_eq (batch_covers (buffer_slice (&out), &covers), 0);
    cr_expect_eq (vector_upto (&covers, &identity.client), 9);
    batch_release (&batch);
    batch_writer_release (&writer);
    vector_release (&covers);
    buffer_release (&out);
}

Test (batch_decode, refuses_more_resources_than_a_pool_can_have)
{
    buffer_t names = {0};
    pack_array (&names, LIMIT_RESOURCES + 2);
    for (size_t i = 0; i < LIMIT_RESOURCES + 2; i++) {
        char name[32];
        snprintf (name, sizeof name, "r%zu", i);
        pack_string (&names, name);
    }
    const change_t change = {"", ERR_TOO_LARGE, {{RESOURCES, sample_hex (buffer_slice (&names))}}};
    cr_expect_eq (decode_changed (&change), ERR_TOO_LARGE);
    buffer_release (&names);
}

Test (batch_decode, survives_pseudo_random_damage)
{
    identity_t identity = identity_of (0);
    slice_t bytes = sealed (&identity, NULL);
    uint64_t random = 7;
    for (int i = 0; i < 100000; i++) {
        uint8_t *damaged = malloc (bytes.size);
        memcpy (damaged, bytes.data, bytes.size);
        size_t from = sample_random (&random) % bytes.size;
        size_t to = sample_random (&random) % bytes.size;
        size_t count = sample_random (&random) % (bytes.size - (from > to ? from : to));
        memmove (damaged + to, damaged + from, count);
        damaged[from] = (uint8_t)sample_random (&random);
        batch_t batch;
        batch_walk_t walk = {0};
        operation_t operation;
        batch_head_t head;
        batch_peek (slice_of (damaged, bytes.size), &head);
        if (batch_decode (slice_of (damaged, bytes.size), &batch) == 0)
            while (batch_next (&batch, &walk, &operation))
                cr_expect (operation.stamp.time > 0);
        batch_release (&batch);
        free (damaged);
    }
}

//  Members of the pool: what is said about them, in any order.

#include <criterion/criterion.h>
#include <stdio.h>

#include "messages/client.h"
#include "tests/unit/messages/bytes.h"

#define KEY  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define ID   "7849ac3049680be1ef762efe0d36e017"
#define A    "c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define B    "c410 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define ONES "c420 1111111111111111111111111111111111111111111111111111111111111111"

//  Values, as another implementation packs them.
#define ADMISSION                                                                                  \
    "84 a561646d6974 c420" KEY "a56166746572 c0 a46e616d65 a66c6170746f70 a4706f6f6c" A
#define ADMISSION_AFTER                                                                            \
    "84 a561646d6974 c420" KEY "a56166746572 9209" ONES "a46e616d65 a66c6170746f70 a4706f6f6c" A
#define RECORD                                                                                     \
    "83 a9656e64706f696e7473 91 a97463703a2f2f683a31 a46e616d65 a36c6170 a776657273696f6e "        \
    "a5302e312e30"
#define REMOVE_ROWS "81 a672656d6f7665 c3"
#define REMOVE_KEEP "81 a672656d6f7665 c2"
#define STALE       "81 a57374616c65 c3"
#define BACK        "81 a57374616c65 c2"
#define RETURNING   "81 a972657475726e696e67 c3"

static uuid16_t uuid_of (const char *hex)
{
    uuid16_t uuid;
    memcpy (uuid.bytes, bytes_hex (hex).data, sizeof uuid.bytes);
    return uuid;
}

//  writer 0 is the client itself, others are uuid_from (writer).
static operation_t said (uint64_t time, uint8_t writer, int action, const char *value)
{
    return (operation_t){.stamp = {time, writer ? uuid_from (writer) : uuid_of (ID)},
        .resource = slice_text (CLIENTS_RESOURCE),
        .uuid = uuid_of (ID),
        .action = action,
        .value = bytes_hex (value)};
}

static slice_t packed (const client_t *client)
{
    buffer_t out = {0};
    client_pack (client, &out);
    slice_t bytes = bytes_copy (buffer_slice (&out));
    buffer_release (&out);
    return bytes;
}

//  True if the state changed; what is said must agree with what is seen.
static bool join (client_t *client, operation_t operation)
{
    slice_t before = packed (client);
    bool changed = client_join (client, &operation);
    cr_assert (changed == !slice_equal (before, packed (client)));
    return changed;
}

//  ---- what is said

Test (client, an_admission_makes_a_member)
{
    client_t client = {0};
    cr_expect_not (client_is_member (&client));
    cr_expect (join (&client, said (5, 0xb0, ACTION_CREATE, ADMISSION)));
    cr_expect (client_is_member (&client));
    cr_expect (client.admitted.time == 5 && client.admitted.client.bytes[0] == 0xb0);
    cr_expect (client.start.upto == 0);
    cr_expect_str_eq (client.name, "laptop");
    bytes_expect (slice_of (client.uuid.bytes, 16), ID);
    bytes_expect (slice_of (client.key.bytes, 32), KEY);
    cr_expect_not (join (&client, said (5, 0xb0, ACTION_CREATE, ADMISSION)), "it comes again");
}

Test (client, the_smallest_admission_counts)
{
    client_t client = {0};
    cr_expect (join (&client, said (5, 0xb0, ACTION_CREATE, ADMISSION)));
    cr_expect_not (join (&client, said (6, 0xa0, ACTION_CREATE, ADMISSION_AFTER)));
    cr_expect (join (&client, said (4, 0xc0, ACTION_CREATE, ADMISSION_AFTER)));
    cr_expect (client.admitted.time == 4 && client.start.upto == 9);
    cr_expect (uuid_equal (&client.start.client, &client.uuid));
    cr_expect (client.start.hash.bytes[31] == 0x11);
}

Test (client, who_says_another_uuids_key_is_ignored)
{
    client_t client = {0};
    operation_t operation = said (5, 0xb0, ACTION_CREATE, ADMISSION);
    operation.uuid = uuid_from (1);
    cr_expect_not (client_join (&client, &operation));
    cr_expect (uuid_is_zero (&client.uuid) && timestamp_is_none (&client.admitted));
}

Test (client, its_record_is_its_own_to_state)
{
    client_t client = {0};
    join (&client, said (5, 0xb0, ACTION_CREATE, ADMISSION));
    cr_expect_not (join (&client, said (6, 0xb0, ACTION_UPDATE, RECORD)));
    cr_expect (join (&client, said (6, 0, ACTION_UPDATE, RECORD)));
    cr_expect_str_eq (client.name, "lap");
    cr_expect_str_eq (client.version, "0.1.0");
    cr_expect (client.endpoint_count == 1 && client.stated.time == 6);
    cr_expect_str_eq (client.endpoints[0], "tcp://h:1");
    cr_expect (join (&client, said (7, 0, ACTION_UPDATE,
                                  "83 a9656e64706f696e7473 90 a46e616d65 a0 a776657273696f6e a0")));
    cr_expect (client.endpoint_count == 0 && !client.name[0]);
    cr_expect_not (join (&client, said (6, 0, ACTION_UPDATE, RECORD)), "an older one");
    //  A smaller admission does not bring its name back.
    cr_expect (join (&client, said (4, 0xb0, ACTION_CREATE, ADMISSION)));
    cr_expect_str_eq (client.name, "");
}

Test (client, a_removal_is_final_and_the_smallest_counts)
{
    client_t client = {0};
    join (&client, said (5, 0xb0, ACTION_CREATE, ADMISSION));
    cr_expect (join (&client, said (9, 0xa0, ACTION_UPDATE, REMOVE_KEEP)));
    cr_expect_not (client_is_member (&client));
    cr_expect_not (client.drop_rows);
    cr_expect_not (join (&client, said (10, 0xa0, ACTION_UPDATE, REMOVE_ROWS)));
    cr_expect (join (&client, said (8, 0xb0, ACTION_UPDATE, REMOVE_ROWS)));
    cr_expect (client.drop_rows && client.removed.time == 8);
    cr_expect_not (join (&client, said (20, 0xb0, ACTION_CREATE, ADMISSION)));
    cr_expect_not (client_is_member (&client), "no admission lifts it");
    join (&client, said (3, 0xb0, ACTION_CREATE, ADMISSION));
    cr_expect_not (client_is_member (&client));
    client = (client_t){0};
    join (&client, said (8, 0xb0, ACTION_UPDATE, REMOVE_ROWS));
    cr_expect (join (&client, said (20, 0xb0, ACTION_CREATE, ADMISSION)));
    cr_expect_not (client_is_member (&client), "nor one that is later than it");
}

Test (client, stale_and_back_are_the_largest_of_each)
{
    client_t client = {0};
    cr_expect (join (&client, said (5, 0xb0, ACTION_UPDATE, STALE)));
    cr_expect (join (&client, said (7, 0xa0, ACTION_UPDATE, STALE)));
    cr_expect_not (join (&client, said (6, 0xc0, ACTION_UPDATE, STALE)));
    cr_expect (client.stale.time == 7 && timestamp_is_none (&client.back));
    cr_expect (join (&client, said (6, 0xb0, ACTION_UPDATE, BACK)));
    cr_expect (join (&client, said (8, 0xb0, ACTION_UPDATE, BACK)));
    cr_expect_not (join (&client, said (8, 0xa0, ACTION_UPDATE, BACK)), "a smaller client");
    cr_expect (client.stale.time == 7 && client.back.time == 8);
}

Test (client, returning_is_the_largest_and_only_true_says_it)
{
    client_t client = {0};
    cr_expect (join (&client, said (5, 0xb0, ACTION_UPDATE, RETURNING)));
    cr_expect (join (&client, said (7, 0xa0, ACTION_UPDATE, RETURNING)));
    cr_expect_not (join (&client, said (6, 0xc0, ACTION_UPDATE, RETURNING)));
    cr_expect_not (join (&client, said (9, 0xb0, ACTION_UPDATE, "81 a972657475726e696e67 c2")));
    cr_expect (client.returning.time == 7 && client.returning.client.bytes[0] == 0xa0);
    cr_expect (timestamp_is_none (&client.stale) && timestamp_is_none (&client.back));
}

Test (client, one_value_may_say_several_things_and_what_nobody_knows_yet)
{
    client_t client = {0};
    cr_expect (join (&client,
        said (5, 0xb0, ACTION_UPDATE, "83 a466757a7a 93010203 a672656d6f7665 c3 a57374616c65 c3")));
    cr_expect (client.removed.time == 5 && client.drop_rows && client.stale.time == 5);
}

Test (client, what_may_not_be_said_is_ignored)
{
    static const struct {
        const char *why;
        int action;
        const char *value;
    } rows[] = {
        {"a deletion", ACTION_DELETE, ""},
        {"an admission in an update", ACTION_UPDATE, ADMISSION},
        {"a removal in a create", ACTION_CREATE, REMOVE_ROWS},
        {"a stale in a create", ACTION_CREATE, STALE},
        {"a record in a create", ACTION_CREATE, RECORD},
        {"a returning in a create", ACTION_CREATE, RETURNING},
        {"a returning that is no bool", ACTION_UPDATE, "81 a972657475726e696e67 01"},
        {"nothing", ACTION_UPDATE, "80"},
        {"nothing created", ACTION_CREATE, "80"},
        {"no value", ACTION_UPDATE, ""},
        {"no map", ACTION_UPDATE, "90"},
        {"a map that ends early", ACTION_UPDATE, "82 a57374616c65 c3"},
        {"a removal that is no bool", ACTION_UPDATE, "81 a672656d6f7665 01"},
        {"a stale that is nil", ACTION_UPDATE, "81 a57374616c65 c0"},
        {"a good removal beside a bad stale", ACTION_UPDATE,
            "82 a672656d6f7665 c3 a57374616c65 c0"},
        {"a record without endpoints", ACTION_UPDATE,
            "82 a46e616d65 a36c6170 a776657273696f6e a5302e312e30"},
        {"a record without a name", ACTION_UPDATE,
            "82 a9656e64706f696e7473 90 a776657273696f6e a5302e312e30"},
        {"a record without a version", ACTION_UPDATE,
            "82 a9656e64706f696e7473 90 a46e616d65 a36c6170"},
        {"a zero in a name", ACTION_UPDATE,
            "83 a9656e64706f696e7473 90 a46e616d65 a3610070 a776657273696f6e a0"},
        {"a version of 32", ACTION_UPDATE,
            "83 a9656e64706f696e7473 90 a46e616d65 a0 a776657273696f6e d920 "
            "6161616161616161616161616161616161616161616161616161616161616161"},
        {"an empty endpoint", ACTION_UPDATE,
            "83 a9656e64706f696e7473 91a0 a46e616d65 a0 a776657273696f6e a0"},
        {"17 endpoints", ACTION_UPDATE,
            "83 a9656e64706f696e7473 dc0011 a161a161a161a161a161a161a161a161"
            "a161a161a161a161a161a161a161a161a161 a46e616d65 a0 a776657273696f6e a0"},
        {"an admission without a key", ACTION_CREATE,
            "83 a56166746572 c0 a46e616d65 a66c6170746f70 a4706f6f6c" A},
        {"an admission without a start", ACTION_CREATE,
            "83 a561646d6974 c420" KEY "a46e616d65 a66c6170746f70 a4706f6f6c" A},
        {"an admission without a name", ACTION_CREATE,
            "83 a561646d6974 c420" KEY "a56166746572 c0 a4706f6f6c" A},
        {"an admission without a pool", ACTION_CREATE,
            "83 a561646d6974 c420" KEY "a56166746572 c0 a46e616d65 a66c6170746f70"},
        {"a short key", ACTION_CREATE,
            "84 a561646d6974" A "a56166746572 c0 a46e616d65 a66c6170746f70 a4706f6f6c" A},
        {"a start at 0", ACTION_CREATE,
            "84 a561646d6974 c420" KEY "a56166746572 9200" ONES
            "a46e616d65 a66c6170746f70 a4706f6f6c" A},
        {"a start without a hash", ACTION_CREATE,
            "84 a561646d6974 c420" KEY "a56166746572 9109 a46e616d65 a66c6170746f70 a4706f6f6c" A},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        client_t client = {0};
        cr_expect_not (
            join (&client, said (5, 0, rows[i].action, rows[i].value)), "%s", rows[i].why);
        cr_expect (uuid_is_zero (&client.uuid), "%s: the state is untouched", rows[i].why);
    }
}

//  Each pair of these is concurrent, or says the same thing twice with one timestamp, as a faulty
//  client may.
Test (client, statements_commute_in_every_order_and_come_twice_for_nothing)
{
    const operation_t all[] = {
        said (5, 0xb0, ACTION_CREATE, ADMISSION),
        said (5, 0xb0, ACTION_CREATE, ADMISSION_AFTER), // the same timestamp
        said (4, 0xc0, ACTION_CREATE,
            "84 a561646d6974 c420" KEY "a56166746572 c0 a46e616d65 a178 a4706f6f6c" A),
        said (4, 0xc0, ACTION_CREATE,
            "84 a561646d6974 c420" KEY "a56166746572 c0 a46e616d65 a179 a4706f6f6c" A),
        said (6, 0, ACTION_UPDATE, RECORD),
        said (
            6, 0, ACTION_UPDATE, "83 a9656e64706f696e7473 90 a46e616d65 a17a a776657273696f6e a0"),
        said (7, 0xb0, ACTION_UPDATE, REMOVE_KEEP),
        said (7, 0xb0, ACTION_UPDATE, REMOVE_ROWS),
        said (8, 0xa0, ACTION_UPDATE, REMOVE_KEEP),
        said (5, 0xa0, ACTION_UPDATE, STALE),
        said (9, 0xa0, ACTION_UPDATE, STALE),
        said (6, 0xd0, ACTION_UPDATE, BACK),
        said (7, 0xd0, ACTION_UPDATE, RETURNING),
        said (8, 0xb0, ACTION_UPDATE, RETURNING),
    };
    enum { COUNT = sizeof all / sizeof all[0] };
    uint64_t state = 51;
    for (int round = 0; round < 3000; round++) {
        //  Some of them, in one order and in another, each perhaps twice.
        uint64_t chosen = number_next (&state);
        client_t clients[2] = {0};
        for (int which = 0; which < 2; which++) {
            int order[COUNT];
            for (int i = 0; i < COUNT; i++) {
                int j = (int)(number_next (&state) % (uint64_t)(i + 1));
                order[i] = order[j];
                order[j] = i;
            }
            for (int i = 0; i < COUNT; i++) {
                if (!(chosen >> order[i] & 1))
                    continue;
                join (&clients[which], all[order[i]]);
                cr_assert_not (join (&clients[which], all[order[i]]));
                if (number_next (&state) % 2)
                    join (&clients[which],
                        all[order[i / 2]].value.size && (chosen >> order[i / 2] & 1)
                            ? all[order[i / 2]]
                            : all[order[i]]);
            }
        }
        cr_assert (slice_equal (packed (&clients[0]), packed (&clients[1])), "%#lx",
            (unsigned long)(chosen & 0x3fff));
    }
}

//  ---- packed

Test (client, the_values_of_operations_are_canonical)
{
    client_t client = {0};
    uuid16_t pool = uuid_from (0xa0);
    buffer_t out = {0};
    join (&client, said (5, 0xb0, ACTION_CREATE, ADMISSION));
    client_pack_admission (&client, &pool, &out);
    bytes_expect (buffer_slice (&out), ADMISSION);
    cr_expect (value_check (buffer_slice (&out)) == 0);

    join (&client, said (4, 0xb0, ACTION_CREATE, ADMISSION_AFTER));
    buffer_clear (&out);
    client_pack_admission (&client, &pool, &out);
    bytes_expect (buffer_slice (&out), ADMISSION_AFTER);
    cr_expect (value_check (buffer_slice (&out)) == 0);

    join (&client, said (6, 0, ACTION_UPDATE, RECORD));
    buffer_clear (&out);
    client_pack_record (&client, &out);
    bytes_expect (buffer_slice (&out), RECORD);
    cr_expect (value_check (buffer_slice (&out)) == 0);

    static const struct {
        void (*pack) (bool, buffer_t *);
        bool flag;
        const char *hex;
    } rows[] = {{client_pack_removal, true, REMOVE_ROWS}, {client_pack_removal, false, REMOVE_KEEP},
        {client_pack_stale, true, STALE}, {client_pack_stale, false, BACK}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buffer_clear (&out);
        rows[i].pack (rows[i].flag, &out);
        bytes_expect (buffer_slice (&out), rows[i].hex);
        cr_expect (value_check (buffer_slice (&out)) == 0);
    }
    buffer_clear (&out);
    client_pack_returning (&out);
    bytes_expect (buffer_slice (&out), RETURNING);
    cr_expect (value_check (buffer_slice (&out)) == 0);
    buffer_release (&out);
}

#define NOBODY "9e c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 c0 a0 a0 90 c0"
#define WHOLE                                                                                      \
    "9e c410" ID "c420" KEY "9205" B "9209" ONES "9208" A "c3 9206" A "c0 9207" B "9204 c410" ID   \
    "a36c6170 a5302e312e30 91 a97463703a2f2f683a31 c0"
//  Declared by B at 6, counted out for that, on its way back by A's word of 9.
#define ON_ITS_WAY                                                                                 \
    "9e c410" ID "c420" KEY "9205" B "c0 c0 c2 9206" B "9209" A "c0 c0 a66c6170746f70 a0 90 "      \
    "9206" B

static int decode (slice_t bytes)
{
    client_t client, again;
    cursor_t cursor = cursor_over (bytes);
    int rc = client_unpack (&cursor, &client);
    cr_assert (rc == 0 || cursor.at == bytes.data);
    if (rc == 0) {
        slice_t first = packed (&client);
        cursor_t second = cursor_over (first);
        cr_assert (client_unpack (&second, &again) == 0 && cursor_done (&second));
        cr_assert (slice_equal (first, packed (&again)));
    }
    return rc;
}

Test (client, the_whole_state_is_packed_as_the_header_says)
{
    client_t client = {0};
    client.uuid = uuid_of (ID);
    bytes_expect (packed (&client), NOBODY);
    join (&client, said (5, 0xb0, ACTION_CREATE, ADMISSION_AFTER));
    join (&client, said (8, 0xa0, ACTION_UPDATE, REMOVE_ROWS));
    join (&client, said (6, 0xa0, ACTION_UPDATE, STALE));
    join (&client, said (7, 0xb0, ACTION_UPDATE, BACK));
    join (&client, said (4, 0, ACTION_UPDATE, RECORD));
    bytes_expect (packed (&client), WHOLE);
}

Test (client, that_it_returns_and_was_counted_out_is_packed_and_read)
{
    client_t client = {0}, read;
    join (&client, said (5, 0xb0, ACTION_CREATE, ADMISSION));
    join (&client, said (6, 0xb0, ACTION_UPDATE, STALE));
    client.counted_out = client.stale;
    join (&client, said (9, 0xa0, ACTION_UPDATE, RETURNING));
    bytes_expect (packed (&client), ON_ITS_WAY);
    cursor_t cursor = cursor_over (bytes_hex (ON_ITS_WAY));
    cr_assert (client_unpack (&cursor, &read) == 0 && cursor_done (&cursor));
    cr_expect (read.returning.time == 9 && read.returning.client.bytes[0] == 0xa0);
    cr_expect (timestamp_compare (&read.counted_out, &read.stale) == 0);
}

//  It is what a node has found, not what somebody said: no statement takes it back.
Test (client, that_it_was_counted_out_outlives_what_is_said_later)
{
    client_t client = {0};
    join (&client, said (5, 0xb0, ACTION_UPDATE, STALE));
    client.counted_out = client.stale;
    join (&client, said (6, 0xb0, ACTION_UPDATE, RETURNING));
    join (&client, said (7, 0, ACTION_UPDATE, BACK));
    join (&client, said (8, 0xb0, ACTION_UPDATE, STALE));
    cr_expect (client.counted_out.time == 5 && client.stale.time == 8);
}

Test (client, the_whole_state_is_read_as_it_was_packed)
{
    client_t client;
    cursor_t cursor = cursor_over (bytes_hex (WHOLE));
    cr_assert (client_unpack (&cursor, &client) == 0 && cursor_done (&cursor));
    cr_expect (client.admitted.time == 5 && client.removed.time == 8 && client.drop_rows);
    cr_expect (client.stale.time == 6 && client.back.time == 7 && client.stated.time == 4);
    cr_expect (client.start.upto == 9 && uuid_equal (&client.start.client, &client.uuid));
    cr_expect_str_eq (client.name, "lap");
    cr_expect_str_eq (client.endpoints[0], "tcp://h:1");
    bytes_expect (packed (&client), WHOLE);
    cr_expect (decode (bytes_hex (NOBODY)) == 0);
}

Test (client, the_longest_of_everything_fits)
{
    client_t client = {0};
    buffer_t value = {0};
    pack_map (&value, 3);
    pack_string (&value, "endpoints");
    pack_array (&value, LIMIT_ENDPOINTS);
    for (int i = 0; i < LIMIT_ENDPOINTS; i++)
        pack_text (&value, bytes_repeat ('e', LIMIT_ENDPOINT_BYTES));
    pack_string (&value, "name");
    pack_text (&value, bytes_repeat ('n', LIMIT_NAME_BYTES));
    pack_string (&value, "version");
    pack_text (&value, bytes_repeat ('v', CLIENT_VERSION_BYTES));
    operation_t operation = said (5, 0, ACTION_UPDATE, "80");
    operation.value = buffer_slice (&value);
    cr_expect (join (&client, operation));
    cr_expect (client.endpoint_count == LIMIT_ENDPOINTS);
    cr_expect (strlen (client.endpoints[LIMIT_ENDPOINTS - 1]) == LIMIT_ENDPOINT_BYTES);
    cr_expect (strlen (client.name) == LIMIT_NAME_BYTES);
    cr_expect (strlen (client.version) == CLIENT_VERSION_BYTES);
    cr_expect (decode (packed (&client)) == 0);
    buffer_release (&value);
}

Test (client, a_state_that_no_join_makes_is_refused)
{
    static const struct {
        const char *why, *hex;
    } rows[] = {
        {"no array", "c0"},
        {"11 elements", "9b c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 a0 a0"},
        {"13 elements", "9d c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 a0 a0 90 c0"},
        {"15 elements", "9f c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 c0 a0 a0 90 c0 c0"},
        {"a key before the admission",
            "9e c410" ID "c420" KEY "c0 c0 c0 c2 c0 c0 c0 c0 a0 a0 90 c0"},
        {"an admission without a key", "9e c410" ID "c0 9205" B "c0 c0 c2 c0 c0 c0 c0 a0 a0 90 c0"},
        {"another's key", "9e" A "c420" KEY "9205" B "c0 c0 c2 c0 c0 c0 c0 a0 a0 90 c0"},
        {"a start before the admission",
            "9e c410" ID "c0 c0 9209" ONES "c0 c2 c0 c0 c0 c0 a0 a0 90 c0"},
        {"rows dropped without a removal", "9e c410" ID "c0 c0 c0 c0 c3 c0 c0 c0 c0 a0 a0 90 c0"},
        {"a name from nowhere", "9e c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 c0 a161 a0 90 c0"},
        {"a version from nowhere", "9e c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 c0 a0 a131 90 c0"},
        {"an endpoint from nowhere", "9e c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 c0 a0 a0 91a161 c0"},
        {"stated by another", "9e c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 9204" A "a0 a0 90 c0"},
        {"a timestamp of none", "9e c410" ID "c0 c0 c0 c0 c2 9200" A "c0 c0 c0 a0 a0 90 c0"},
        {"a returning of none", "9e c410" ID "c0 c0 c0 c0 c2 c0 9200" A "c0 c0 a0 a0 90 c0"},
        {"counted out at no time", "9e c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 c0 a0 a0 90 9200" A},
        {"counted out as a bool", "9e c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 c0 a0 a0 90 c3"},
        {"a bool that is none", "9e c410" ID "c0 c0 c0 c0 c0 c0 c0 c0 c0 a0 a0 90 c0"},
        {"an empty endpoint", "9e c410" ID "c0 c0 c0 c0 c2 c0 c0 c0 9204 c410" ID "a0 a0 91a0 c0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect (decode (bytes_hex (rows[i].hex)) == ERR_MALFORMED, "%s", rows[i].why);
}

Test (client, an_enemy_gets_nowhere)
{
    expect_truncations_refused (bytes_hex (NOBODY), decode);
    expect_truncations_refused (bytes_hex (WHOLE), decode);
    expect_mutations_survived (bytes_hex (NOBODY), 20000, decode);
    expect_mutations_survived (bytes_hex (WHOLE), 20000, decode);
    expect_truncations_refused (bytes_hex (ON_ITS_WAY), decode);
    expect_mutations_survived (bytes_hex (ON_ITS_WAY), 20000, decode);
}

static int join_value (slice_t bytes)
{
    client_t client = {0};
    for (int action = ACTION_CREATE; action <= ACTION_DELETE; action++) {
        operation_t operation = said (5, 0, action, "");
        operation.value = bytes;
        if (client_join (&client, &operation))
            cr_assert (decode (packed (&client)) == 0, "what is joined can be packed and read");
    }
    return 0;
}

Test (client, an_enemys_statement_leaves_a_sound_state)
{
    static const char *const values[] = {
        ADMISSION, ADMISSION_AFTER, RECORD, REMOVE_ROWS, STALE, RETURNING};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        expect_mutations_survived (bytes_hex (values[i]), 10000, join_value);
}

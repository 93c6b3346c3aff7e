//  The bytes of every table. A change here is a change of a table's version (store/open.c) and of
//  store/README.md.

#include "tests/unit/store/kit.h"

#include "store/tallies.h"

#include <stdlib.h>

static void expect (kit_t *kit, enum table table, const char *wanted)
{
    char *text = dump (kit->txn, table);
    cr_assert_str_eq (text, wanted, "table %d holds:\n%s", table, text);
    free (text);
}

Test (formats, of_the_checksum)
{
    kit_t kit = kit_empty ();
    char name[] = "sname";
    MDB_val key = {5, name}, data;
    //  XXH3-64 ("value", seeded with XXH3-64 ("sname")), big endian, and what it is of.
    static const uint8_t wanted[] = {
        0x77, 0xCF, 0x11, 0x36, 0x42, 0x29, 0x4E, 0xDA, 'v', 'a', 'l', 'u', 'e'};
    kit_begin (&kit);
    is (node_put (kit.txn, NODE_SETTINGS, text ("name"), text ("value")), 0);
    cr_assert_eq (mdb_get (kit.txn->mdb, kit.store->tables[TABLE_NODE], &key, &data), 0);
    cr_assert_eq (data.mv_size, 13);
    cr_assert_arr_eq (data.mv_data, wanted, sizeof wanted);
    kit_destroy (&kit);
}

Test (formats, of_meta_origins_and_resources)
{
    kit_t kit = kit_empty ();
    resource_t tags = {.name = "tags"};
    const char *difference;
    kit_begin (&kit);
    is (resources_declare (kit.txn, &tags, &difference), 0);
    join (kit.txn, create ("tags", 1, stamp_n (0x64, 1), map_of ("a", "b", NULL)));
    kit_again (&kit);
    expect (&kit, TABLE_META,
        "636f756e74657273 00000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000100000000000000000000000100000001\n"
        "76657273696f6e2e6173696465 00000001\n"
        "76657273696f6e2e6368616e676573 00000001\n"
        "76657273696f6e2e636c69656e7473 00000001\n"
        "76657273696f6e2e64657269766564 00000001\n"
        "76657273696f6e2e646572697665645f736f7572636573 00000001\n"
        "76657273696f6e2e6c6f63616c 00000001\n"
        "76657273696f6e2e6d657461 00000001\n"
        "76657273696f6e2e6e6f6465 00000001\n"
        "76657273696f6e2e6f726967696e73 00000001\n"
        "76657273696f6e2e6f776e6564 00000001\n"
        "76657273696f6e2e6f776e65645f6d61726b657273 00000001\n"
        "76657273696f6e2e6f776e65645f75706461746564 00000001\n"
        "76657273696f6e2e70656e64696e675f696e646578 00000001\n"
        "76657273696f6e2e70656e64696e675f6f7065726174696f6e73 00000001\n"
        "76657273696f6e2e7075626c6973686564 00000001\n"
        "76657273696f6e2e7265736f7572636573 00000001\n"
        "76657273696f6e2e736861726564 00000001\n"
        "76657273696f6e2e74616c6c696573 00000001\n"
        "76657273696f6e2e746f6d6273746f6e6573 00000001\n"
        "76657273696f6e2e77617465726d61726b73 00000001\n");
    expect (&kit, TABLE_ORIGINS,
        "63c1000000000000000000000000000001 00000001\n"
        "6e00000001 c1000000000000000000000000000001\n");
    expect (&kit, TABLE_RESOURCES,
        "6e00000001 74616773\n"
        "7274616773 000000010000000000000001f370d24cf96142c88021f63fcee1e4d583a"
        "46b696e64a6736861726564a463726474a36c7777a664656c657465a477696e73\n");
    kit_destroy (&kit);
}

Test (formats, of_pending)
{
    kit_t kit = kit_empty ();
    batch_t batch = {.bytes = text ("batch"), .origin = client_n (1), .upto = 0x64, .count = 3};
    uint64_t sequence;
    kit_begin (&kit);
    is (pending_append (kit.txn, &batch, &sequence), 0);
    expect (&kit, TABLE_PENDING, "0000000000000001 6261746368\n");
    expect (&kit, TABLE_PENDING_INDEX, "000000010000000000000064 0000000000000001\n");
    kit_destroy (&kit);
}

Test (formats, of_watermarks_and_published)
{
    kit_t kit = kit_empty ();
    watermark_t watermark = {.client = client_n (1), .upto = 0x64, .hash = {{0xAB}}};
    vector_t seen = {0};
    kit_begin (&kit);
    is (watermarks_put (kit.txn, WATERMARK_SHARED, &watermark), 0);
    is (watermarks_put (kit.txn, WATERMARK_ROWS, &watermark), 0);
    is (watermarks_put (kit.txn, WATERMARK_BASE, &watermark), 0);
    vector_set (&seen, &watermark.client, 0x65, NULL);
    watermark.client = client_n (2);
    is (published_raise (kit.txn, &watermark.client, &seen), 0);
    expect (&kit, TABLE_WATERMARKS,
        "00c1000000000000000000000000000001 0000000000000064ab00000000000000000"
        "000000000000000000000000000000000000000000000\n"
        "01c1000000000000000000000000000001 0000000000000064ab00000000000000000"
        "000000000000000000000000000000000000000000000\n"
        "02c1000000000000000000000000000001 0000000000000064ab00000000000000000"
        "000000000000000000000000000000000000000000000\n");
    expect (&kit, TABLE_PUBLISHED,
        "c1000000000000000000000000000002c1000000000000000000000000000001 00000"
        "00000000065\n");
    vector_release (&seen);
    kit_destroy (&kit);
}

Test (formats, of_clients_and_node)
{
    kit_t kit = kit_empty ();
    client_t client = {.uuid = client_n (1), .name = "Ada"};
    kit_begin (&kit);
    is (clients_put (kit.txn, &client), 0);
    is (node_put_uint (kit.txn, "clock", 0x64), 0);
    expect (&kit, TABLE_CLIENTS,
        "c1000000000000000000000000000001 9ec410c100000000000000000000000000000"
        "1c0c0c0c0c2c0c0c0c0a3416461a090c0\n");
    expect (&kit, TABLE_NODE, "73636c6f636b 0000000000000064\n");
    kit_destroy (&kit);
}

Test (formats, of_shared_and_changes)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (0x64, 1), map_of ("a", "b", NULL)));
    join (kit.txn, create ("tags", 2, stamp_n (0x65, 1), map_of ("a", "b", NULL)));
    kit_again (&kit);
    join (kit.txn, update ("tags", 1, stamp_n (0x66, 2), map_of ("a", "c", NULL)));
    join (kit.txn, delete ("tags", 2, stamp_n (0x67, 2)));
    kit_again (&kit);
    expect (&kit, TABLE_SHARED,
        "0000000100000000000000000000000000000001 03029794640166020001c09093a16"
        "101a16390\n"
        "0000000100000000000000000000000000000002 040297926702c0c0c091009090\n");
    expect (&kit, TABLE_CHANGES,
        "0000000000000003 0001000000000000000000000000000000010201\n"
        "0000000000000004 01010000000000000000000000000000000202000000000000000"
        "06702\n");
    kit_destroy (&kit);
}

Test (formats, of_owned_derived_and_local)
{
    kit_t kit = kit_new ();
    resource_t drafts = {.name = "drafts", .kind = RESOURCE_LOCAL};
    const char *difference;
    uuid16_t uuid = uuid_n (5);
    kit_begin (&kit);
    is (resources_declare (kit.txn, &drafts, &difference), 0);
    put_row (kit.txn, 1, 1, 0x64, map_with ("content_id", 7, "mime", "m"));
    put_row (kit.txn, 1, 2, 0x65, slice_of (NULL, 0));
    is (local_put (kit.txn, text ("drafts"), &uuid, 0x66, map_of ("a", "b", NULL)), 0);
    kit_again (&kit);
    expect (&kit, TABLE_OWNED,
        "00000006c1000000000000000000000000000001000000000000000000000000000000"
        "01 0100000000000000006482aa636f6e74656e745f6964c4100000000000000000000"
        "0000000000007a46d696d65a16d\n"
        "00000006c1000000000000000000000000000001000000000000000000000000000000"
        "02 00000000000000000065\n");
    expect (&kit, TABLE_OWNED_UPDATED,
        "000000010000000000000064 0000000600000000000000000000000000000001\n"
        "000000010000000000000065 0000000600000000000000000000000000000002\n");
    expect (&kit, TABLE_OWNED_MARKERS, "000000010000000000000065 \n");
    expect (&kit, TABLE_TALLIES,
        "c1000000000000000000000000000001 0000000000000001"
        "dca6d95db7456baa94c7186983cf2270\n");
    tally_t tally = {.owner = client_n (1), .upto = 0x65, .count = 1, .digest = {2, 3}};
    memset (tally.signature, 0xEE, sizeof tally.signature);
    is (tallies_put (kit.txn, &tally), 0);
    expect (&kit, TABLE_TALLIES,
        "c1000000000000000000000000000001 0000000000000001"
        "dca6d95db7456baa94c7186983cf2270"
        "0000000000000065"
        "0000000000000001"
        "0000000000000003"
        "0000000000000002"
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\n");
    expect (&kit, TABLE_DERIVED,
        "0000000700000000000000000000000000000007 02000101c10000000000000000000"
        "000000000010000000000000000000000000000000183a7636c69656e747301a46b696"
        "e64a16da5706174687301\n");
    expect (&kit, TABLE_DERIVED_SOURCES,
        "0000000700000000000000000000000000000007c10000000000000000000000000000"
        "0100000000000000000000000000000001 \n");
    expect (&kit, TABLE_LOCAL,
        "0000000800000000000000000000000000000005 0300000000000000006681a161a16"
        "2\n");
    expect (&kit, TABLE_CHANGES,
        "0000000000000001 020601000000000000000000000000000000010002\n"
        "0000000000000002 0007000000000000000000000000000000070001\n"
        "0000000000000003 0008000000000000000000000000000000050000\n");
    kit_destroy (&kit);
}

Test (formats, of_tombstones_and_aside)
{
    static const position_t beginning, all = {.end = true};
    kit_t kit = kit_new ();
    watermark_t mark = {.client = client_n (2), .upto = 0x70};
    vector_t mine = {.entries = &mark, .count = 1}, theirs = {0};
    kit_begin (&kit);
    join (kit.txn, create ("tags", 1, stamp_n (0x64, 1), map_of ("a", "b", NULL)));
    join (kit.txn, delete ("tags", 1, stamp_n (0x67, 2)));
    expect (&kit, TABLE_TOMBSTONES,
        "0000000200000000000000670000000100000000000000000000000000000001 \n");
    is (shared_copy_in (
            kit.txn, &beginning, &all, 0, slice_of (NULL, 0), &mine, &theirs, &beginning),
        0);
    expect (&kit, TABLE_TOMBSTONES, "");
    expect (&kit, TABLE_ASIDE, "0000000100000000000000000000000000000001 97926702c0c0c091009090\n");
    kit_destroy (&kit);
}

#include "tests/unit/store/kit.h"

#include <stdio.h>
#include <stdlib.h>

static slice_t files_get (kit_t *kit, uint64_t n, uint64_t *ret_updated)
{
    uuid16_t uuid = uuid_n (n);
    slice_t value = {NULL, 0};
    timestamp_t updated;
    int rc = derived_get (kit->txn, text ("files"), &uuid, &updated, &value);
    if (rc == 0)
        *ret_updated = updated.time;
    cr_assert (rc == 0 || rc == ERR_NOT_FOUND);
    return value;
}

//  {clients, kind, paths, size} as `files` shows them; here only the counts and the kind.
static slice_t file_of (unsigned clients, const char *kind, unsigned paths)
{
    static buffer_t out;
    buffer_clear (&out);
    pack_map (&out, 3);
    pack_string (&out, "clients");
    pack_uint (&out, clients);
    pack_string (&out, "kind");
    pack_string (&out, kind);
    pack_string (&out, "paths");
    pack_uint (&out, paths);
    return buffer_slice (&out);
}

static slice_t path (uint64_t content, const char *mime)
{
    return map_with ("content_id", content, "mime", mime);
}

Test (derived, shows_the_first_row_and_counts_rows_and_owners)
{
    kit_t kit = kit_new ();
    uint64_t updated;
    kit_begin (&kit);
    put_row (kit.txn, 2, 5, 100, path (7, "two"));
    cr_assert (slice_equal (files_get (&kit, 7, &updated), file_of (1, "two", 1)));
    put_row (kit.txn, 2, 6, 101, path (7, "six"));
    cr_assert (slice_equal (files_get (&kit, 7, &updated), file_of (1, "two", 2)));
    cr_assert_eq (updated, 100);
    put_row (kit.txn, 1, 9, 102, path (7, "one"));
    cr_assert (slice_equal (files_get (&kit, 7, &updated), file_of (2, "one", 3)));
    cr_assert_eq (updated, 102);
    put_row (kit.txn, 1, 9, 103, slice_of (NULL, 0));
    cr_assert (slice_equal (files_get (&kit, 7, &updated), file_of (1, "two", 2)));
    put_row (kit.txn, 2, 5, 104, path (8, "two"));
    cr_assert (slice_equal (files_get (&kit, 7, &updated), file_of (1, "six", 1)));
    cr_assert (slice_equal (files_get (&kit, 8, &updated), file_of (1, "two", 1)));
    put_row (kit.txn, 2, 6, 105, map_of ("name", "no content any more", NULL));
    cr_assert_eq (files_get (&kit, 7, &updated).size, 0);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (derived, is_not_written_when_what_it_shows_did_not_change)
{
    kit_t kit = kit_new ();
    uint64_t updated;
    kit_begin (&kit);
    put_row (kit.txn, 1, 1, 100, path (7, "a"));
    put_row (kit.txn, 1, 2, 101, path (7, "b"));
    kit_again (&kit);
    char *before = dump (kit.txn, TABLE_DERIVED);
    put_row (kit.txn, 1, 2, 102, path (7, "c"));
    put_row (kit.txn, 1, 1, 103, path (7, "a"));
    kit_again (&kit);
    char *after = dump (kit.txn, TABLE_DERIVED);
    cr_assert_str_eq (before, after);
    files_get (&kit, 7, &updated);
    cr_assert_eq (updated, 103, "its time is that of its first row");
    free (before);
    free (after);
    kit_destroy (&kit);
}

//  How many accesses to tables a change of a row takes.
static uint64_t cost (kit_t *kit, uint64_t uuid, uint64_t updated, slice_t value)
{
    store_fail_after (kit->store, 1000, ERR_INTERNAL);
    put_row (kit->txn, 1, uuid, updated, value);
    uint64_t left = kit->store->fail_after;
    store_fail_after (kit->store, 0, 0);
    return 1000 - left;
}

Test (derived, costs_one_look_when_what_it_shows_did_not_change)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    put_row (kit.txn, 1, 1, 100, path (7, "a"));
    put_row (kit.txn, 1, 2, 101, path (7, "b"));
    put_row (kit.txn, 1, 3, 102, map_of ("mime", "of no file", NULL));
    uint64_t plain = cost (&kit, 3, 103, map_of ("mime", "still of no file", NULL));
    cr_assert_eq (cost (&kit, 2, 104, path (7, "c")), plain + 1);
    cr_assert_eq (cost (&kit, 1, 105, path (7, "a")), plain + 1);
    cr_assert_eq (cost (&kit, 1, 106, path (7, "z")), plain + 2);
    kit_destroy (&kit);
}

Test (derived, moves_as_one_change_when_its_only_row_is_made_anew)
{
    kit_t kit = kit_new ();
    uint64_t first, last;
    kit_begin (&kit);
    put_row (kit.txn, 1, 1, 100, path (7, "a"));
    kit_again (&kit);
    is (changes_last (kit.txn, &first), 0);
    put_row (kit.txn, 1, 1, 101, slice_of (NULL, 0));
    put_row (kit.txn, 1, 2, 102, path (7, "a"));
    kit_again (&kit);
    is (changes_last (kit.txn, &last), 0);
    char *text = changes_text (kit.txn, first);
    cr_assert_str_eq (text, "3 file_paths 1/c1 gone born 1 end 5 at 101/c1\n"
                            "4 files 7 born 2 end 5 at 102/c1\n"
                            "5 file_paths 2/c1 born 5 end 5 at 102/c1\n");
    free (text);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (derived, takes_its_uuid_from_a_hash_where_the_key_is_not_16_bytes)
{
    kit_t kit = kit_new ();
    resource_t by_name = {.name = "names",
        .kind = RESOURCE_DERIVED,
        .from = "file_paths",
        .key = "name",
        .keep_count = 1,
        .keep = {"n=#rows"}};
    const char *difference;
    slice_t value;
    timestamp_t updated;
    kit_begin (&kit);
    is (resources_declare (kit.txn, &by_name, &difference), 0);
    put_row (kit.txn, 1, 1, 100, map_of ("name", "sixteen letters!", NULL));
    buffer_t packed = {0};
    pack_string (&packed, "sixteen letters!");
    uuid16_t uuid = uuid_of_bytes (buffer_slice (&packed));
    is (derived_get (kit.txn, text ("names"), &uuid, &updated, &value), 0);
    buffer_release (&packed);
    kit_destroy (&kit);
}

Test (derived, is_not_declared_over_what_is_not_owned)
{
    kit_t kit = kit_new ();
    resource_t derived = {.name = "x", .kind = RESOURCE_DERIVED, .from = "tags", .key = "name"};
    const char *difference;
    kit_begin (&kit);
    is (resources_declare (kit.txn, &derived, &difference), ERR_BAD_REQUEST);
    memcpy (derived.from, "nowhere", 8);
    is (resources_declare (kit.txn, &derived, &difference), ERR_BAD_REQUEST);
    kit_destroy (&kit);
}

//  ---- against a computation from nothing

static void random_row (kit_t *kit, unsigned *seed, uint64_t time)
{
    static const char *const mimes[] = {"a", "b", "c"};
    uint64_t owner = 1 + (uint64_t)rand_r (seed) % 3;
    uint64_t uuid = 1 + (uint64_t)rand_r (seed) % 12;
    unsigned what = (unsigned)rand_r (seed) % 8;
    slice_t value = what == 0   ? slice_of (NULL, 0)
                    : what == 1 ? map_of ("mime", "none", NULL)
                                : path ((uint64_t)rand_r (seed) % 4, mimes[rand_r (seed) % 3]);
    put_row (kit->txn, owner, uuid, time, value);
}

static void same_as_fresh (kit_t *kit, const char *fresh)
{
    resource_t again = resource_defaults[0];
    resource_entry_t files, other;
    const char *difference;
    is (resources_find (kit->txn, text ("files"), &files), 0);
    again = files.resource;
    snprintf (again.name, sizeof again.name, "%s", fresh);
    is (resources_declare (kit->txn, &again, &difference), 0);
    is (resources_find (kit->txn, text (fresh), &other), 0);
    cr_assert_eq (files.count, other.count);
    cr_assert_eq (files.digest.low, other.digest.low);
    cr_assert_eq (files.digest.high, other.digest.high);
    uuid16_t uuid;
    timestamp_t updated, updated_fresh;
    slice_t value, value_fresh;
    int rc = derived_next (kit->txn, text ("files"), NULL, &uuid, &updated, &value);
    while (!rc) {
        is (derived_get (kit->txn, text (fresh), &uuid, &updated_fresh, &value_fresh), 0);
        cr_assert (slice_equal (value, value_fresh));
        cr_assert_eq (timestamp_compare (&updated, &updated_fresh), 0);
        rc = derived_next (kit->txn, text ("files"), &uuid, &uuid, &updated, &value);
    }
}

Test (derived, is_a_pure_function_of_its_rows_whatever_happened_on_the_way)
{
    for (unsigned seed = 1; seed <= 12; seed++) {
        kit_t kit = kit_new ();
        unsigned state = seed;
        char fresh[16];
        kit_begin (&kit);
        for (uint64_t i = 0; i < 300; i++) {
            random_row (&kit, &state, 1000 + i);
            if (rand_r (&state) % 5 == 0)
                changes_begin_group (kit.txn);
            if (rand_r (&state) % 9 == 0)
                kit_again (&kit);
            if (i % 60 == 59) {
                check_sums (kit.txn);
                snprintf (fresh, sizeof fresh, "fresh%u", (unsigned)i);
                same_as_fresh (&kit, fresh);
            }
        }
        cr_log_info ("seed %u", seed);
        kit_destroy (&kit);
    }
}

//  ---- rebuilding

static uint64_t rebuild (kit_t *kit, size_t most)
{
    rebuild_t place = {.phase = 0};
    for (bool done = false; !done;) {
        is (derived_rebuild (kit->txn, &place, most, &done), 0);
        kit_again (kit);
    }
    return place.mended;
}

//  40 rows of 3 owners: 7 contents, and some without.
static void rows_fill (kit_t *kit)
{
    char mime[16];
    for (unsigned i = 0; i < 40; i++) {
        snprintf (mime, sizeof mime, "m%u", i);
        put_row (kit->txn, 1 + i % 3, i, 100 + i,
            i % 8 ? path (i % 8, mime) : map_of ("mime", mime, NULL));
    }
    put_row (kit->txn, 1, 9, 200, slice_of (NULL, 0));
    kit_again (kit);
}

//  What all tables hold, the one that remembers watermarks and so on included.
static char *dump_all (kit_t *kit)
{
    static const enum table tables[] = {TABLE_RESOURCES, TABLE_OWNED, TABLE_OWNED_UPDATED,
        TABLE_DERIVED, TABLE_DERIVED_SOURCES, TABLE_CHANGES, TABLE_META};
    char *all;
    size_t size;
    FILE *out = open_memstream (&all, &size);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *one = dump (kit->txn, tables[i]);
        fprintf (out, "%zu\n%s", i, one);
        free (one);
    }
    fclose (out);
    return all;
}

Test (rebuild, of_what_is_right_writes_nothing)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    rows_fill (&kit);
    char *before = dump_all (&kit);
    for (size_t most = 1; most < 100; most *= 5)
        cr_assert_eq (rebuild (&kit, most), 0);
    char *after = dump_all (&kit);
    cr_assert_str_eq (before, after);
    free (before);
    free (after);
    kit_destroy (&kit);
}

//  All that is shown: each record, count and digest.
static char *shown (kit_t *kit)
{
    char *all;
    size_t size;
    uuid16_t uuid;
    timestamp_t updated;
    slice_t value;
    resource_entry_t entry;
    FILE *out = open_memstream (&all, &size);
    int rc = derived_next (kit->txn, text ("files"), NULL, &uuid, &updated, &value);
    while (!rc) {
        fwrite (uuid.bytes, 1, 16, out);
        fprintf (out, "%llu", (unsigned long long)updated.time);
        for (size_t i = 0; i < value.size; i++)
            fprintf (out, "%02x", value.data[i]);
        rc = derived_next (kit->txn, text ("files"), &uuid, &uuid, &updated, &value);
    }
    is (resources_find (kit->txn, text ("files"), &entry), 0);
    fprintf (out, "%llu %llx %llx", (unsigned long long)entry.count,
        (unsigned long long)entry.digest.low, (unsigned long long)entry.digest.high);
    fclose (out);
    return all;
}

//  Takes every entry of a table out, changes it, or damages it, one after the other.
static void harm (kit_t *kit, enum table table, int how, size_t which)
{
    slice_t key, value;
    uint8_t copy[64];
    size_t size;
    int rc = table_seek (kit->txn, table, slice_of (NULL, 0), &key, &value);
    for (size_t i = 0; !rc && i < which; i++)
        rc = table_next (kit->txn, table, key, &key, &value);
    if (rc)
        return;
    size = key.size;
    memcpy (copy, key.data, size);
    slice_t at = slice_of (copy, size);
    buffer_t changed = {NULL, 0, 0};
    buffer_append (&changed, value.data, value.size);
    if (how == 0)
        is (table_delete (kit->txn, table, at), 0);
    else if (how == 1 && changed.size) {
        changed.data[changed.size - 1] ^= 1; // its checksum is made anew
        is (table_put (kit->txn, table, at, buffer_slice (&changed)), 0);
    } else if (how == 2 || how == 4) {
        if (how == 2)
            copy[size - 1] ^= 0x40; // a record, or a row, that nobody has
        else
            copy[19] ^= 1; // under another record
        is (table_put (kit->txn, table, at, buffer_slice (&changed)), 0);
    } else {
        //  Without a checksum.
        char bad[] = "bad";
        MDB_val k = {size, copy}, data = {3, bad};
        is (mdb_put (kit->txn->mdb, kit->store->tables[table], &k, &data, 0), 0);
    }
    buffer_release (&changed);
}

Test (rebuild, puts_right_what_was_altered)
{
    static const enum table tables[] = {TABLE_DERIVED, TABLE_DERIVED_SOURCES};
    for (size_t most = 1; most <= 1000; most *= 1000)
        for (int how = 0; how < 5; how++)
            for (size_t i = 0; i < 2; i++)
                for (size_t which = 0; which < 8; which++) {
                    kit_t kit = kit_new ();
                    kit_begin (&kit);
                    rows_fill (&kit);
                    char *before = shown (&kit), *sources = dump (kit.txn, TABLE_DERIVED_SOURCES);
                    harm (&kit, tables[i], how, which);
                    kit_again (&kit);
                    rebuild (&kit, most);
                    char *after = shown (&kit), *again = dump (kit.txn, TABLE_DERIVED_SOURCES);
                    cr_assert_str_eq (before, after, "table %zu, how %d, %zu", i, how, which);
                    cr_assert_str_eq (sources, again);
                    cr_assert_eq (rebuild (&kit, most), 0);
                    check_sums (kit.txn);
                    free (before);
                    free (after);
                    free (sources);
                    free (again);
                    kit_destroy (&kit);
                }
}

Test (rebuild, goes_on_while_rows_change)
{
    kit_t kit = kit_new ();
    rebuild_t place = {.phase = 0};
    uint64_t updated = 1000;
    kit_begin (&kit);
    rows_fill (&kit);
    harm (&kit, TABLE_DERIVED, 1, 2);
    harm (&kit, TABLE_DERIVED_SOURCES, 0, 7);
    for (bool done = false; !done;) {
        is (derived_rebuild (kit.txn, &place, 1, &done), 0);
        kit_again (&kit);
        unsigned n = (unsigned)(updated % 41);
        put_row (kit.txn, 3, 100 + n, updated,
            updated % 3 ? path (1 + n % 9, "new") : slice_of (NULL, 0));
        updated++;
        kit_again (&kit);
    }
    cr_assert (place.mended > 0);
    check_sums (kit.txn);
    cr_assert_eq (rebuild (&kit, 1000), 0);
    kit_destroy (&kit);
}

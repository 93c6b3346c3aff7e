#include "tests/unit/store/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char *file_of (kit_t *kit, const char *name)
{
    static char path[256];
    snprintf (path, sizeof path, "%s/%s", kit->dir, name);
    return path;
}

static int open_again (kit_t *kit)
{
    store_options_t options = {.map_size = 1ull << 28, .no_sync = true};
    return store_open (kit->dir, &options, &kit->store);
}

static void put (kit_t *kit, const char *key, slice_t value)
{
    is (node_put (kit->txn, NODE_SETTINGS, text (key), value), 0);
}

Test (store, is_empty_when_fresh_but_for_its_versions)
{
    kit_t kit = kit_empty ();
    kit_read (&kit);
    for (int i = 1; i < TABLE_COUNT; i++) {
        char *text = dump (kit.txn, (enum table)i);
        cr_assert_str_eq (text, "", "table %d", i);
        free (text);
    }
    kit_destroy (&kit);
}

Test (store, keeps_its_files_to_their_owner)
{
    kit_t kit = kit_empty ();
    struct stat file;
    kit_close (&kit);
    chmod (file_of (&kit, "data.mdb"), 0644);
    chmod (file_of (&kit, "lock.mdb"), 0666);
    kit_open (&kit);
    stat (file_of (&kit, "data.mdb"), &file);
    cr_assert_eq (file.st_mode & 0777, 0600);
    stat (file_of (&kit, "lock.mdb"), &file);
    cr_assert_eq (file.st_mode & 0777, 0600);
    kit_destroy (&kit);
}

Test (store, opens_with_a_map_that_fits_when_told_no_size)
{
    kit_t kit = kit_empty ();
    uint64_t used, map;
    kit_close (&kit);
    is (store_open (kit.dir, NULL, &kit.store), 0);
    store_usage (kit.store, &used, &map);
    cr_assert_geq (map, 1ull << 26);
    cr_assert_lt (used, 1ull << 20);
    kit_destroy (&kit);
}

Test (store, does_not_open_where_there_is_no_directory)
{
    store_t *store = NULL;
    is (store_open ("/nowhere/at/all", NULL, &store), ERR_STORAGE_FAILED);
    cr_assert_null (store);
}

//  ---- versions

static void version_set (kit_t *kit, uint32_t version)
{
    uint32_t bytes = __builtin_bswap32 (version);
    kit_begin (kit);
    is (table_put (kit->txn, TABLE_META, text ("version.shared"), slice_of (&bytes, 4)), 0);
    kit_commit (kit);
    kit_close (kit);
}

Test (store, refuses_a_table_of_a_newer_version)
{
    kit_t kit = kit_empty ();
    version_set (&kit, 2);
    is (open_again (&kit), ERR_WRONG_VERSION);
    cr_assert_null (kit.store);
    kit_destroy (&kit);
}

Test (store, gives_a_table_that_it_does_not_have_yet_its_version)
{
    kit_t kit = kit_empty ();
    slice_t value;
    kit_begin (&kit);
    is (table_delete (kit.txn, TABLE_META, text ("version.local")), 0);
    kit_commit (&kit);
    kit_close (&kit);
    kit_open (&kit);
    kit_read (&kit);
    is (table_get (kit.txn, TABLE_META, text ("version.local"), &value), 0);
    kit_destroy (&kit);
}

//  ---- damage

static uint8_t block[3000];

static void fill (kit_t *kit)
{
    kit_begin (kit);
    for (int i = 0; i < 200; i++) {
        char key[32];
        memset (block, 'a' + i % 26, sizeof block);
        snprintf (key, sizeof key, "key %d", i);
        put (kit, key, slice_of (block, sizeof block));
    }
    kit_commit (kit);
}

Test (store, refuses_a_file_that_was_cut_short_and_leaves_it_as_it_is)
{
    kit_t kit = kit_empty ();
    struct stat file;
    fill (&kit);
    kit_close (&kit);
    stat (file_of (&kit, "data.mdb"), &file);
    static const off_t lost[] = {1, 4096, 40960, 400000};
    for (size_t i = 0; i < 4; i++) {
        off_t size = file.st_size - lost[i];
        cr_assert_eq (truncate (file_of (&kit, "data.mdb"), size), 0);
        is (open_again (&kit), ERR_CORRUPT);
        struct stat now;
        stat (file_of (&kit, "data.mdb"), &now);
        cr_assert_eq (now.st_size, size);
    }
    cr_assert_eq (truncate (file_of (&kit, "data.mdb"), 4096 + 100), 0);
    is (open_again (&kit), ERR_CORRUPT);
    kit_destroy (&kit);
}

//  LMDB does not write pages that a transaction took at the end of the file and gave back.
Test (store, opens_a_file_whose_last_pages_were_never_written)
{
    kit_t kit = kit_empty ();
    bool seen = false;
    for (unsigned seed = 1; seed <= 60 && !seen; seed++) {
        kit_begin (&kit);
        for (unsigned i = 0; i < 400; i++) {
            char key[32];
            snprintf (key, sizeof key, "%08x", i * seed * 2654435761u);
            put (&kit, key, slice_of (block, 40 + 37 * seed % 900));
        }
        for (unsigned i = 0; i < 400; i++) {
            char key[32];
            snprintf (key, sizeof key, "%08x", i * seed * 2654435761u);
            if (i % 50)
                is (node_delete (kit.txn, NODE_SETTINGS, text (key)), 0);
        }
        kit_commit (&kit);
        uint64_t used, map;
        struct stat file;
        store_usage (kit.store, &used, &map);
        stat (file_of (&kit, "data.mdb"), &file);
        seen = (uint64_t)file.st_size < used;
    }
    cr_assert (seen, "this LMDB writes all pages: the case is gone");
    kit_close (&kit);
    kit_open (&kit);
    kit_destroy (&kit);
}

Test (store, notices_every_byte_that_was_changed_in_a_value)
{
    kit_t kit = kit_empty ();
    slice_t value;
    kit_begin (&kit);
    put (&kit, "a", text ("MARKED VALUE OF THIS TEST"));
    kit_commit (&kit);
    kit_close (&kit);
    static uint8_t file[1 << 20];
    int fd = open (file_of (&kit, "data.mdb"), O_RDWR);
    ssize_t size = read (fd, file, sizeof file);
    const uint8_t *at = memmem (file, (size_t)size, "MARKED VALUE OF THIS TEST", 25);
    cr_assert_not_null (at);
    for (off_t i = -8; i < 25; i += 3) {
        off_t place = at - file + i;
        uint8_t flipped = file[place] ^ 0x10;
        cr_assert_eq (pwrite (fd, &flipped, 1, place), 1);
        kit_open (&kit);
        kit_read (&kit);
        is (node_get (kit.txn, NODE_SETTINGS, text ("a"), &value), ERR_CORRUPT);
        kit_close (&kit);
        cr_assert_eq (pwrite (fd, &file[place], 1, place), 1);
    }
    close (fd);
    kit_open (&kit);
    kit_read (&kit);
    is (node_get (kit.txn, NODE_SETTINGS, text ("a"), &value), 0);
    kit_destroy (&kit);
}

Test (store, notices_a_value_under_another_key_than_its_own)
{
    kit_t kit = kit_empty ();
    char keys[] = "sasb";
    MDB_val key = {2, keys}, other = {2, keys + 2}, data;
    slice_t value;
    kit_begin (&kit);
    put (&kit, "a", text ("one"));
    MDB_dbi dbi = kit.store->tables[TABLE_NODE];
    cr_assert_eq (mdb_get (kit.txn->mdb, dbi, &key, &data), 0);
    uint8_t copy[64];
    memcpy (copy, data.mv_data, data.mv_size);
    data.mv_data = copy;
    cr_assert_eq (mdb_put (kit.txn->mdb, dbi, &other, &data, 0), 0);
    is (node_get (kit.txn, NODE_SETTINGS, text ("a"), &value), 0);
    is (node_get (kit.txn, NODE_SETTINGS, text ("b"), &value), ERR_CORRUPT);
    kit_destroy (&kit);
}

//  ---- room

static int fill_until (kit_t *kit, int from, int *ret_to)
{
    int rc = 0;
    for (*ret_to = from; !rc && *ret_to < from + 10000; (*ret_to)++) {
        char key[32];
        snprintf (key, sizeof key, "key %d", *ret_to);
        rc = node_put (kit->txn, NODE_SETTINGS, text (key), slice_of (block, sizeof block));
    }
    return rc;
}

Test (store, grows_its_map_and_runs_the_transaction_again)
{
    kit_t kit = kit_empty ();
    store_options_t options = {.map_size = 1 << 20, .map_size_max = 3 << 20, .no_sync = true};
    uint64_t used, map;
    int to;
    kit_close (&kit);
    is (store_open (kit.dir, &options, &kit.store), 0);
    kit_begin (&kit);
    is (fill_until (&kit, 0, &to), ERR_MAP_FULL);
    is (node_put_uint (kit.txn, "after", 1), ERR_MAP_FULL);
    is (store_commit (&kit.txn), ERR_MAP_FULL);
    is (store_grow (kit.store), 0);
    store_usage (kit.store, &used, &map);
    cr_assert_eq (map, 2 << 20);
    is (store_grow (kit.store), 0);
    store_usage (kit.store, &used, &map);
    cr_assert_eq (map, 3 << 20);
    is (store_grow (kit.store), ERR_STORAGE_FULL);
    kit_begin (&kit);
    slice_t value;
    is (node_get (kit.txn, NODE_SETTINGS, text ("key 0"), &value), ERR_NOT_FOUND);
    is (node_put (kit.txn, NODE_SETTINGS, text ("key 0"), slice_of (block, sizeof block)), 0);
    kit_commit (&kit);
    kit_destroy (&kit);
}

Test (store, opens_a_file_that_is_larger_than_the_map_it_is_told)
{
    kit_t kit = kit_empty ();
    fill (&kit);
    kit_close (&kit);
    store_options_t options = {.map_size = 1 << 16, .no_sync = true};
    is (store_open (kit.dir, &options, &kit.store), 0);
    kit_read (&kit);
    slice_t value;
    is (node_get (kit.txn, NODE_SETTINGS, text ("key 199"), &value), 0);
    kit_destroy (&kit);
}

static void refuses_and_goes_on (kit_t *kit, int first, int error)
{
    int to;
    slice_t value;
    kit_begin (kit);
    is (fill_until (kit, 1000, &to), first);
    is (store_commit (&kit->txn), error);
    kit_read (kit);
    is (node_get (kit->txn, NODE_SETTINGS, text ("key 199"), &value), 0);
    is (node_get (kit->txn, NODE_SETTINGS, text ("key 1000"), &value), ERR_NOT_FOUND);
    store_abort (&kit->txn);
}

static void has_room_again (kit_t *kit)
{
    kit_begin (kit);
    put (kit, "room again", text ("yes"));
    kit_commit (kit);
    kit_close (kit);
    kit_open (kit);
}

Test (store, keeps_what_it_has_when_the_file_may_not_grow_and_goes_on)
{
    kit_t kit = kit_empty ();
    struct rlimit limit, before;
    signal (SIGXFSZ, SIG_IGN);
    fill (&kit);
    getrlimit (RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 1 << 20;
    cr_assert_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
    refuses_and_goes_on (&kit, 0, ERR_STORAGE_FULL);
    cr_assert_eq (setrlimit (RLIMIT_FSIZE, &before), 0);
    has_room_again (&kit);
    kit_destroy (&kit);
}

//  On a file system of its own, where the machine lets us make one.
Test (store, says_that_the_disk_is_full_and_goes_on_when_there_is_room)
{
    kit_t kit = kit_empty ();
    kit_close (&kit);
    if (unshare (CLONE_NEWNS) || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount ("none", kit.dir, "tmpfs", 0, "size=4m"))
        cr_skip_test ("no file system of our own here");
    kit_open (&kit);
    fill (&kit);
    refuses_and_goes_on (&kit, 0, ERR_STORAGE_FULL);
    cr_assert_eq (mount ("none", kit.dir, "tmpfs", MS_REMOUNT, "size=400m"), 0);
    has_room_again (&kit);
    kit_close (&kit);
    umount (kit.dir);
    kit_destroy (&kit);
}

Test (store, says_of_each_error_of_the_system_what_it_means_to_the_node)
{
    static const struct {
        int said;
        int means;
    } cases[] = {
        {0, 0},
        {MDB_NOTFOUND, ERR_NOT_FOUND},
        {MDB_MAP_FULL, ERR_MAP_FULL},
        {MDB_CORRUPTED, ERR_CORRUPT},
        {MDB_PAGE_NOTFOUND, ERR_CORRUPT},
        {MDB_INVALID, ERR_CORRUPT},
        {MDB_VERSION_MISMATCH, ERR_WRONG_VERSION},
        {ENOSPC, ERR_STORAGE_FULL},
        {EDQUOT, ERR_STORAGE_FULL},
        {EFBIG, ERR_STORAGE_FULL},
        {EIO, ERR_STORAGE_FAILED},
        {MDB_PANIC, ERR_STORAGE_FAILED},
        {ENOMEM, ERR_STORAGE_FAILED},
    };
    kit_t kit = kit_empty ();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_eq (store_error (kit.store, cases[i].said), cases[i].means, "case %zu", i);
    kit_destroy (&kit);
}

//  ---- failures on purpose

static int write_at (txn_t *txn, uint64_t time)
{
    vector_t seen = {0};
    operation_t op = create ("tags", time, stamp_n (time, 7), map_of ("name", "a", NULL));
    past_t past = {&seen, op.stamp};
    uuid16_t owner = client_n (2);
    row_t row = {text ("file_paths"), uuid_n (time), time, map_with ("content_id", 4, "n", "x")};
    int rc = shared_join (txn, &op, &past);
    return rc ? rc : owned_put (txn, &owner, &row);
}

static int write_more (txn_t *txn)
{
    return write_at (txn, 200);
}

Test (store, keeps_nothing_of_a_transaction_that_failed_anywhere)
{
    kit_t kit = kit_new ();
    kit_begin (&kit);
    is (write_at (kit.txn, 100), 0);
    kit_commit (&kit);
    cr_assert_gt (kit_whole_or_nothing (&kit, write_more), 20);
    kit_read (&kit);
    check_sums (kit.txn);
    kit_destroy (&kit);
}

Test (store, fails_once_and_only_after_so_many_calls)
{
    kit_t kit = kit_empty ();
    kit_begin (&kit);
    store_fail_after (kit.store, 2, ERR_STORAGE_FAILED);
    put (&kit, "a", text ("1"));
    put (&kit, "b", text ("2"));
    is (node_put_uint (kit.txn, "c", 3), ERR_STORAGE_FAILED);
    store_abort (&kit.txn);
    kit_begin (&kit);
    put (&kit, "a", text ("1"));
    store_fail_after (kit.store, 0, ERR_STORAGE_FULL);
    is (store_commit (&kit.txn), ERR_STORAGE_FULL);
    kit_begin (&kit);
    slice_t value;
    is (node_get (kit.txn, NODE_SETTINGS, text ("a"), &value), ERR_NOT_FOUND);
    kit_destroy (&kit);
}

Test (store, costs_nothing_to_commit_when_nothing_was_written)
{
    kit_t kit = kit_empty ();
    MDB_envinfo before, after;
    mdb_env_info (kit.store->env, &before);
    kit_begin (&kit);
    kit_commit (&kit);
    mdb_env_info (kit.store->env, &after);
    cr_assert_eq (before.me_last_txnid, after.me_last_txnid);
    kit_destroy (&kit);
}

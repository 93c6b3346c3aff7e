//  open - the environment: its files, its map, its tables and their versions

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/table.h"

#ifndef TIDEPOOL_MAP_SIZE_DEFAULT
#define TIDEPOOL_MAP_SIZE_DEFAULT (1ull << 40)
#endif
#define MAP_SIZE_MIN (1ull << 26)

#define READERS_MAX 512
#define PATH_BYTES  4096

//  Raise a table's version with any change of its keys or values, and the golden bytes in its test.
static const struct {
    const char *name;
    uint32_t version;
} tables[TABLE_COUNT] = {
    [TABLE_META] = {"meta", 1},
    [TABLE_ORIGINS] = {"origins", 1},
    [TABLE_RESOURCES] = {"resources", 1},
    [TABLE_PENDING] = {"pending_operations", 1},
    [TABLE_PENDING_INDEX] = {"pending_index", 1},
    [TABLE_WATERMARKS] = {"watermarks", 1},
    [TABLE_PUBLISHED] = {"published", 1},
    [TABLE_CLIENTS] = {"clients", 1},
    [TABLE_SHARED] = {"shared", 1},
    [TABLE_TOMBSTONES] = {"tombstones", 1},
    [TABLE_ASIDE] = {"aside", 1},
    [TABLE_OWNED] = {"owned", 1},
    [TABLE_OWNED_UPDATED] = {"owned_updated", 1},
    [TABLE_OWNED_MARKERS] = {"owned_markers", 1},
    [TABLE_TALLIES] = {"tallies", 1},
    [TABLE_DERIVED] = {"derived", 1},
    [TABLE_DERIVED_SOURCES] = {"derived_sources", 1},
    [TABLE_LOCAL] = {"local", 1},
    [TABLE_CHANGES] = {"changes", 1},
    [TABLE_NODE] = {"node", 1},
};

//  ---- the length of the file

//  How many of the pages [from, to) the newest snapshot does not use. LMDB keeps them in its
//  table 0: key: transaction, value: count, page, page, … in native words.
static uint64_t free_pages (MDB_env *env, uint64_t from, uint64_t to)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    if (mdb_txn_begin (env, NULL, MDB_RDONLY, &txn))
        return 0;
    if (mdb_cursor_open (txn, 0, &cursor)) {
        mdb_txn_abort (txn);
        return 0;
    }
    uint64_t count = 0;
    //  Always by a search: it answers MDB_CORRUPTED for a page of zeros, where a step would assert.
    size_t id = 0;
    MDB_val key = {sizeof id, &id}, data;
    while (mdb_cursor_get (cursor, &key, &data, MDB_SET_RANGE) == 0) {
        const size_t *list = data.mv_data;
        size_t most = data.mv_size / sizeof *list;
        for (size_t i = 1; i < most && i <= list[0]; i++)
            count += list[i] >= from && list[i] < to;
        memcpy (&id, key.mv_data, sizeof id);
        id++;
        key = (MDB_val){sizeof id, &id};
    }
    mdb_cursor_close (cursor);
    mdb_txn_abort (txn);
    return count;
}

//  A file cut short opens, and faults when the missing pages are read. But LMDB may itself leave
//  its last pages unwritten: those that a transaction took and gave back. So a file that is short
//  is lengthened with zeros, which is safe to read, and is sound if all that was missing is free.
static int length_check (store_t *self)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int fd;
    if (mdb_env_info (self->env, &info) || mdb_env_stat (self->env, &stat) ||
        mdb_env_get_fd (self->env, &fd) || fstat (fd, &file))
        return ERR_STORAGE_FAILED;
    uint64_t pages = (uint64_t)info.me_last_pgno + 1;
    uint64_t there = (uint64_t)file.st_size / stat.ms_psize;
    if (there >= pages)
        return 0;
    if (ftruncate (fd, (off_t)(pages * stat.ms_psize)))
        return store_error (self, errno);
    if (free_pages (self->env, there, pages) == pages - there)
        return 0;
    //  Leave it as it was found, for whoever repairs it.
    return ftruncate (fd, file.st_size) ? ERR_STORAGE_FAILED : ERR_CORRUPT;
}

//  ---- the environment

static int modes_tighten (store_t *self)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < 2; i++) {
        char *path;
        if (asprintf (&path, "%s/%s", self->dir, names[i]) < 0)
            return ERR_STORAGE_FAILED;
        struct stat file;
        bool ok =
            stat (path, &file) == 0 && ((file.st_mode & 07777) == 0600 || chmod (path, 0600) == 0);
        free (path);
        if (!ok)
            return ERR_STORAGE_FAILED;
    }
    return 0;
}

//  One attempt with the map at its size; what LMDB says.
static int attempt (store_t *self)
{
    int rc = mdb_env_create (&self->env);
    if (rc)
        return rc;
    mdb_env_set_maxdbs (self->env, TABLE_COUNT + 16);
    mdb_env_set_maxreaders (self->env, READERS_MAX);
    rc = mdb_env_set_mapsize (self->env, self->map_size);
    if (!rc)
        rc = mdb_env_open (self->env, self->dir, self->flags, 0600);
    if (rc)
        environment_close (self);
    return rc;
}

//  LMDB's first pages, on the disk.
static int fresh_make (const store_t *self, const char *dir)
{
    MDB_env *env;
    int rc = mdb_env_create (&env);
    if (rc)
        return rc;
    rc = mdb_env_open (env, dir, self->flags, 0600);
    if (!rc)
        rc = mdb_env_sync (env, 1);
    mdb_env_close (env);
    return rc;
}

static int dir_sync (const char *dir)
{
    int file = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = file < 0 || fsync (file) ? errno : 0;
    if (file >= 0)
        close (file);
    return rc;
}

//  LMDB writes the first pages of a new file without a sync: were the power to go then, the file would be there and be none. So
//  they are made beside it, and come to their place when they last.
static int environment_create (const store_t *self)
{
    char fresh[PATH_BYTES], made[PATH_BYTES], lock[PATH_BYTES], path[PATH_BYTES];
    snprintf (path, sizeof path, "%s/data.mdb", self->dir);
    snprintf (fresh, sizeof fresh, "%s/fresh", self->dir);
    snprintf (made, sizeof made, "%s/fresh/data.mdb", self->dir);
    if (snprintf (lock, sizeof lock, "%s/fresh/lock.mdb", self->dir) >= (int)sizeof lock)
        return ENAMETOOLONG;
    if (access (path, F_OK) == 0)
        return 0;
    if (mkdir (fresh, 0700) && errno != EEXIST)
        return errno;
    unlink (made); // left behind by a crash
    int rc = fresh_make (self, fresh);
    if (!rc && rename (made, path))
        rc = errno;
    unlink (made);
    unlink (lock);
    rmdir (fresh);
    return rc ? rc : dir_sync (self->dir);
}

int environment_open (store_t *self)
{
    bool fixed = self->map_size != 0;
    if (!fixed)
        self->map_size = TIDEPOOL_MAP_SIZE_DEFAULT;
    if (self->map_size_max && self->map_size > self->map_size_max)
        self->map_size = self->map_size_max;
    int rc = environment_create (self);
    if (!rc)
        rc = attempt (self);
    while (rc == ENOMEM && !fixed && self->map_size / 2 >= MAP_SIZE_MIN) {
        self->map_size /= 2;
        rc = attempt (self);
    }
    if (rc)
        return store_error (self, rc);
    MDB_envinfo info;
    mdb_env_info (self->env, &info); // a file larger than the map has widened it
    self->map_size = info.me_mapsize;
    int dead;
    mdb_reader_check (self->env, &dead);
    rc = modes_tighten (self);
    if (!rc)
        rc = length_check (self);
    if (rc)
        environment_close (self);
    return rc;
}

void environment_close (store_t *self)
{
    if (self->env)
        mdb_env_close (self->env);
    self->env = NULL;
}

//  LMDB unmaps before it maps, and is lost if that fails: so the new size is tried out first.
int environment_resize (store_t *self, uint64_t map_size)
{
    void *probe =
        mmap (NULL, map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED)
        return ERR_STORAGE_FULL;
    munmap (probe, map_size);
    int rc = mdb_env_set_mapsize (self->env, map_size);
    if (rc)
        return store_error (self, rc);
    self->map_size = map_size;
    return 0;
}

//  ---- the tables

static int version_check (txn_t *txn, enum table table)
{
    table_key_t key;
    key_clear (&key);
    key_add (&key, "version.", 8);
    key_add (&key, tables[table].name, strlen (tables[table].name));
    slice_t value;
    uint32_t version;
    int rc = table_get (txn, TABLE_META, key_slice (&key), &value);
    if (rc == ERR_NOT_FOUND) {
        version = __builtin_bswap32 (tables[table].version);
        return table_put (txn, TABLE_META, key_slice (&key), slice_of (&version, sizeof version));
    }
    if (rc)
        return rc;
    if (!take_u32 (&value, &version))
        return txn_corrupt (txn);
    return version == tables[table].version ? 0 : ERR_WRONG_VERSION;
}

int tables_open (store_t *self)
{
    txn_t *txn;
    int rc = store_begin (self, true, &txn);
    if (rc)
        return rc;
    for (int i = 0; i < TABLE_COUNT && !rc; i++)
        rc = mdb_dbi_open (txn->mdb, tables[i].name, MDB_CREATE, &self->tables[i]);
    if (rc)
        rc = store_error (self, rc);
    for (int i = 0; i < TABLE_COUNT && !rc; i++)
        rc = version_check (txn, (enum table)i);
    if (rc) {
        store_abort (&txn);
        return rc;
    }
    return store_commit (&txn);
}

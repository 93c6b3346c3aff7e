//  store - transactions, and the life of the environment under them

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store/visible.h"

#define ROOM_MIN (1ull << 20) // a disk with less than this is full

//  ---- errors

//  A full disk shows as EIO at a commit, and so does a file that has reached its limit (RLIMIT_FSIZE): so both are asked.
static bool disk_is_full (store_t *self)
{
    struct statvfs disk;
    struct stat file;
    struct rlimit limit;
    int fd;
    if (!self->env || mdb_env_get_fd (self->env, &fd))
        return false;
    if (fstatvfs (fd, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < ROOM_MIN)
        return true;
    return fstat (fd, &file) == 0 && getrlimit (RLIMIT_FSIZE, &limit) == 0 &&
           limit.rlim_cur != RLIM_INFINITY && (rlim_t)file.st_size + ROOM_MIN >= limit.rlim_cur;
}

int store_error (store_t *self, int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return 0;
    case MDB_NOTFOUND: return ERR_NOT_FOUND;
    case MDB_MAP_FULL: return ERR_MAP_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID: return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH: return ERR_WRONG_VERSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ERR_STORAGE_FULL;
    case EIO: return disk_is_full (self) ? ERR_STORAGE_FULL : ERR_STORAGE_FAILED;
    default: return ERR_STORAGE_FAILED;
    }
}

int store_fault (store_t *self)
{
    int error = atomic_load_explicit (&self->fail_error, memory_order_relaxed);
    if (!error || atomic_fetch_sub (&self->fail_after, 1) != 0)
        return 0;
    atomic_store (&self->fail_error, 0);
    return error;
}

void store_fail_after (store_t *self, uint64_t after, int error)
{
    atomic_store (&self->fail_after, after);
    atomic_store (&self->fail_error, error);
}

//  ---- the memory of a transaction

static void txn_free (txn_t *txn)
{
    for (size_t i = 0; i < txn->slot_allocated; i++)
        free (txn->slots[i]);
    free (txn->slots);
    free (txn->group);
    free (txn->tombstones);
    record_release (&txn->record);
    record_release (&txn->other);
    buffer_release (&txn->before);
    buffer_release (&txn->after);
    buffer_release (&txn->row);
    buffer_release (&txn->packed);
    buffer_release (&txn->loaded);
    free (txn);
}

//  What the writer knew may be of a transaction that was aborted.
static void txn_forget (txn_t *txn)
{
    txn->failed = 0;
    txn->counters_loaded = false;
    txn->counters_dirty = false;
    memset (txn->by_number, 0, sizeof txn->by_number);
    memset (txn->by_client, 0, sizeof txn->by_client);
    txn->slot_count = 0;
    txn->slot_last = NULL;
    txn->slots_linked = false;
    txn->group_count = 0;
    txn->damaged = 0;
}

//  ---- opening and closing

int store_open (const char *dir, const store_options_t *options, store_t **ret_store)
{
    store_t *self = calloc (1, sizeof *self);
    if (!self)
        return ERR_NO_MEMORY;
    self->dir = strdup (dir);
    self->writer = calloc (1, sizeof *self->writer);
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init (&attr);
    //  A growth must not wait for ever behind readers that follow each other.
    pthread_rwlockattr_setkind_np (&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init (&self->lock, &attr);
    pthread_rwlockattr_destroy (&attr);
    self->flags = MDB_NOTLS;
    if (options) {
        self->map_size = options->map_size;
        self->map_size_max = options->map_size_max;
        if (options->no_sync)
            self->flags |= MDB_NOSYNC;
    }
    int rc = self->dir && self->writer ? environment_open (self) : ERR_NO_MEMORY;
    if (!rc)
        rc = tables_open (self);
    if (rc)
        store_destroy (&self);
    else
        *ret_store = self;
    return rc;
}

void store_destroy (store_t **self_p)
{
    store_t *self = *self_p;
    if (!self)
        return;
    environment_close (self);
    if (self->writer)
        txn_free (self->writer);
    pthread_rwlock_destroy (&self->lock);
    free (self->dir);
    free (self);
    *self_p = NULL;
}

//  ---- transactions

//  What can be put right before a transaction begins; only then is it worth a second attempt.
static bool mend (store_t *self, int rc)
{
    int dead;
    if (rc == MDB_READERS_FULL)
        return mdb_reader_check (self->env, &dead) == 0 && dead > 0;
    if (rc != MDB_MAP_RESIZED && rc != MDB_PANIC)
        return false;
    pthread_rwlock_unlock (&self->lock);
    pthread_rwlock_wrlock (&self->lock);
    bool mended = false;
    if (rc == MDB_MAP_RESIZED) // by another process
        mended = self->env && mdb_env_set_mapsize (self->env, 0) == 0;
    else { // a meta page could not be written: LMDB wants to be opened anew
        environment_close (self);
        mended = environment_open (self) == 0;
    }
    pthread_rwlock_unlock (&self->lock);
    if (mended && rc == MDB_PANIC)
        mended = tables_open (self) == 0;
    pthread_rwlock_rdlock (&self->lock);
    return mended;
}

static int mdb_begin (store_t *self, bool write, MDB_txn **ret_mdb)
{
    unsigned int flags = write ? 0 : MDB_RDONLY;
    int rc = self->env ? mdb_txn_begin (self->env, NULL, flags, ret_mdb) : MDB_PANIC;
    if (rc && mend (self, rc) && self->env)
        rc = mdb_txn_begin (self->env, NULL, flags, ret_mdb);
    return rc ? store_error (self, rc) : 0;
}

int store_begin (store_t *self, bool write, txn_t **ret_txn)
{
    txn_t *txn = write ? NULL : calloc (1, sizeof *txn);
    if (!write && !txn)
        return ERR_NO_MEMORY;
    MDB_txn *mdb;
    pthread_rwlock_rdlock (&self->lock);
    int rc = mdb_begin (self, write, &mdb);
    if (rc) {
        pthread_rwlock_unlock (&self->lock);
        free (txn);
        return rc;
    }
    if (write) {
        txn = self->writer; // LMDB's own lock makes this thread the only one here
        txn_forget (txn);
        txn->scrub = self->scrub;
    }
    txn->store = self;
    txn->mdb = mdb;
    txn->write = write;
    *ret_txn = txn;
    return 0;
}

//  Ends the transaction, committing if rc is 0. The writer's memory is not touched once LMDB has
//  let go.
static int txn_end (txn_t **txn_p, int rc)
{
    txn_t *txn = *txn_p;
    store_t *store = txn->store;
    *txn_p = NULL;
    for (int i = 0; i < TABLE_COUNT; i++) {
        if (txn->cursors[i])
            mdb_cursor_close (txn->cursors[i]);
        if (txn->writers[i])
            mdb_cursor_close (txn->writers[i]);
        txn->cursors[i] = txn->writers[i] = NULL;
    }
    MDB_txn *mdb = txn->mdb;
    bool commit = txn->write && !rc;
    if (!txn->write)
        txn_free (txn);
    if (commit) {
        recount_t before = store->scrub;
        store->scrub = store->writer->scrub;
        rc = store_error (store, mdb_txn_commit (mdb));
        if (rc)
            store->scrub = before;
    } else
        mdb_txn_abort (mdb);
    pthread_rwlock_unlock (&store->lock);
    return rc;
}

int store_commit (txn_t **txn_p)
{
    txn_t *txn = *txn_p;
    int rc = txn->failed;
    if (!rc && txn->write) {
        rc = changes_flush (txn);
        if (!rc)
            rc = slots_flush (txn);
        if (!rc)
            rc = counters_flush (txn);
        if (!rc)
            rc = store_fault (txn->store);
    }
    return txn_end (txn_p, rc);
}

void store_abort (txn_t **txn_p)
{
    if (*txn_p)
        txn_end (txn_p, ERR_INTERNAL);
}

//  ---- the map

int store_grow (store_t *self)
{
    pthread_rwlock_wrlock (&self->lock);
    uint64_t size = self->map_size * 2;
    if (self->map_size_max && size > self->map_size_max)
        size = self->map_size_max;
    int rc = !self->env               ? ERR_STORAGE_FAILED
             : size <= self->map_size ? ERR_STORAGE_FULL
                                      : environment_resize (self, size);
    pthread_rwlock_unlock (&self->lock);
    return rc;
}

void store_usage (store_t *self, uint64_t *ret_used, uint64_t *ret_map)
{
    pthread_rwlock_rdlock (&self->lock);
    MDB_envinfo info = {0};
    MDB_stat stat = {0};
    if (self->env) {
        mdb_env_info (self->env, &info);
        mdb_env_stat (self->env, &stat);
    }
    *ret_used = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    *ret_map = self->map_size;
    pthread_rwlock_unlock (&self->lock);
}

void store_sweep_readers (store_t *self)
{
    int dead;
    pthread_rwlock_rdlock (&self->lock);
    if (self->env)
        mdb_reader_check (self->env, &dead);
    pthread_rwlock_unlock (&self->lock);
}

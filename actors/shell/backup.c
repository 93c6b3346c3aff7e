//  backup - a data directory as one file, and a data directory made of it

#include "actors/shell/backup.h"

#include "messages/message.h"
#include "messages/pack.h"
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKUP_VERSION 1
#define PATH_BYTES     4096
#define BLOCK_BYTES    (1u << 16)
#define HASH_BYTES     32
#define END_BYTES      (8 + HASH_BYTES + 8) // behind the map
#define MAP_BYTES_MOST (2u << 20)

static const char magic[8] = {'t', 'i', 'd', 'e', 'p', 'o', 'o', 'l'};

#define BACKUP_FIELDS(F, S)                                                                        \
    F (S, BYTES, identity, MUST, "identity.key")                                                   \
    F (S, BYTES, configuration, MUST, "node.zpl")                                                  \
    F (S, UINT, time, MUST, "NTP: when it was made")                                               \
    F (S, UINT, version, MUST, "of the file's form: 1")
MESSAGE_STRUCT (backup_map, BACKUP_FIELDS)
MESSAGE_DESCRIBE (backup_map, MESSAGE_MAP, BACKUP_FIELDS, "what a backup holds beside the store")

//  ---- files

static int system_fail (why_t *why, const char *path)
{
    int error =
        errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_STORAGE_FULL : ERR_SYSTEM;
    return why_fail (why, error, "%s: %s", path, strerror (errno));
}

static bool write_all (int file, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size) {
        ssize_t written = write (file, at, size);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
    return true;
}

static bool read_all (int file, void *data, size_t size, uint64_t offset)
{
    uint8_t *at = data;
    while (size) {
        ssize_t got = pread (file, at, size, (off_t)offset);
        if (got == 0)
            errno = EIO; // it was longer a moment ago
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0) {
            at += got;
            size -= (size_t)got;
            offset += (uint64_t)got;
        }
    }
    return true;
}

//  Hashes `size` bytes from the start of one file, and writes the first `copied` of them to another.
static bool run_over (
    int from, uint64_t size, int to, uint64_t copied, crypto_generichash_state *state)
{
    uint8_t block[BLOCK_BYTES];
    for (uint64_t at = 0; at < size;) {
        size_t count = size - at < sizeof block ? (size_t)(size - at) : sizeof block;
        size_t wanted = at >= copied ? 0 : copied - at < count ? (size_t)(copied - at) : count;
        if (!read_all (from, block, count, at) || !write_all (to, block, wanted))
            return false;
        crypto_generichash_update (state, block, count);
        at += count;
    }
    return true;
}

static int text_read (const home_t *home, const char *name, buffer_t *text, why_t *why)
{
    char path[PATH_BYTES];
    struct stat status;
    home_path (home, name, path, sizeof path);
    int file = open (path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return system_fail (why, path);
    int rc = fstat (file, &status) ? system_fail (why, path) : 0;
    size_t size = rc == 0 ? (size_t)status.st_size : 0;
    void *data = size && size < MAP_BYTES_MOST / 2 ? malloc (size) : NULL;
    if (rc == 0 && size && !data)
        rc = why_fail (why, ERR_SYSTEM, "%s is too large", path);
    if (data && !read_all (file, data, size, 0))
        rc = system_fail (why, path);
    if (rc == 0)
        buffer_append (text, data, size);
    if (data)
        sodium_memzero (data, size);
    free (data);
    close (file);
    return rc;
}

//  ---- making one

static int map_pack (const home_t *home, uint64_t now, buffer_t *out, why_t *why)
{
    buffer_t identity = {NULL, 0, 0}, configuration = {NULL, 0, 0};
    int rc = text_read (home, "identity.key", &identity, why);
    if (rc == 0)
        rc = text_read (home, "node.zpl", &configuration, why);
    if (rc == 0) {
        backup_map_t map = {.identity = buffer_slice (&identity),
            .configuration = buffer_slice (&configuration),
            .time = now,
            .version = BACKUP_VERSION};
        message_pack (&backup_map_type, &map, out);
    }
    if (identity.size)
        sodium_memzero (identity.data, identity.size);
    buffer_release (&identity);
    buffer_release (&configuration);
    return rc;
}

static int store_write (const home_t *home, int file, const char *path, why_t *why)
{
    store_options_t options = {.map_size = 0};
    store_t *store = NULL;
    int rc = store_open (home->dir, &options, &store);
    if (rc)
        return why_fail (why, rc, "%s: %s", home->dir, error_text (rc));
    rc = backup_copy (store, file);
    store_destroy (&store);
    return rc ? why_fail (why, rc, "%s: %s", path, error_text (rc)) : 0;
}

//  Behind the store's bytes, which are there already.
static int end_write (int file, const char *path, slice_t map, uint64_t *ret_size, why_t *why)
{
    crypto_generichash_state state;
    uint8_t hash[HASH_BYTES];
    uint64_t size = __builtin_bswap64 (map.size);
    struct stat status;
    if (!write_all (file, map.data, map.size) || !write_all (file, &size, sizeof size) ||
        fstat (file, &status))
        return system_fail (why, path);
    crypto_generichash_init (&state, NULL, 0, sizeof hash);
    if (!run_over (file, (uint64_t)status.st_size, -1, 0, &state))
        return system_fail (why, path);
    crypto_generichash_final (&state, hash, sizeof hash);
    if (!write_all (file, hash, sizeof hash) || !write_all (file, magic, sizeof magic) ||
        fsync (file))
        return system_fail (why, path);
    *ret_size = (uint64_t)status.st_size + sizeof hash + sizeof magic;
    return 0;
}

static void parent_sync (const char *path)
{
    char dir[PATH_BYTES];
    snprintf (dir, sizeof dir, "%s", path);
    char *slash = strrchr (dir, '/');
    if (slash)
        slash[slash == dir] = 0;
    int file = open (slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        fsync (file);
        close (file);
    }
}

//  Written under another name, which is left to nobody when it fails; renamed when all of it is on the disk.
int backup_make (const home_t *home, const char *file, uint64_t now, uint64_t *ret_size, why_t *why)
{
    char partial[PATH_BYTES];
    buffer_t map = {NULL, 0, 0};
    if (snprintf (partial, sizeof partial, "%s.partial", file) >= (int)sizeof partial)
        return why_fail (why, ERR_SYSTEM, "%s: the path is too long", file);
    if (access (file, F_OK) == 0)
        return why_fail (why, ERR_EXISTS, "%s is there already", file);
    int out = open (partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0 && errno == EEXIST)
        return why_fail (why, ERR_EXISTS,
            "%s is there: a backup is under way, or was interrupted: then remove it", partial);
    if (out < 0)
        return system_fail (why, partial);
    int rc = map_pack (home, now, &map, why);
    if (rc == 0)
        rc = store_write (home, out, partial, why);
    if (rc == 0)
        rc = end_write (out, partial, buffer_slice (&map), ret_size, why);
    if (close (out) && rc == 0)
        rc = system_fail (why, partial);
    if (rc == 0 && rename (partial, file))
        rc = system_fail (why, file);
    if (rc)
        unlink (partial);
    else
        parent_sync (file);
    if (map.size)
        sodium_memzero (map.data, map.size);
    buffer_release (&map);
    return rc;
}

//  ---- reading one

typedef struct opened {
    int file;
    const char *path;
    uint64_t hashed; // bytes before the hash
    uint64_t store;  // bytes of the store, from the start
    uint8_t hash[HASH_BYTES];
    buffer_t bytes;   // of the map
    backup_map_t map; // borrows from them
} opened_t;

static void opened_release (opened_t *self)
{
    if (self->file >= 0)
        close (self->file);
    if (self->bytes.size)
        sodium_memzero (self->bytes.data, self->bytes.size);
    buffer_release (&self->bytes);
}

static int map_read (opened_t *self, why_t *why)
{
    uint8_t end[END_BYTES], *bytes;
    uint64_t size;
    if (!read_all (self->file, end, sizeof end, self->hashed - sizeof size))
        return system_fail (why, self->path);
    memcpy (&size, end, sizeof size);
    size = __builtin_bswap64 (size);
    memcpy (self->hash, end + sizeof size, sizeof self->hash);
    if (memcmp (end + sizeof size + sizeof self->hash, magic, sizeof magic) != 0 ||
        size > MAP_BYTES_MOST || size > self->hashed - sizeof size)
        return why_fail (
            why, ERR_CORRUPT, "%s is no backup of a node, or was cut short", self->path);
    self->store = self->hashed - sizeof size - size;
    bytes = malloc (size ? size : 1);
    if (!bytes || !read_all (self->file, bytes, size, self->store)) {
        free (bytes);
        return system_fail (why, self->path);
    }
    buffer_append (&self->bytes, bytes, size);
    sodium_memzero (bytes, size);
    free (bytes);
    if (message_unpack (&backup_map_type, buffer_slice (&self->bytes), &self->map, NULL))
        return why_fail (why, ERR_CORRUPT, "%s: what it says of itself is spoilt", self->path);
    if (self->map.version != BACKUP_VERSION)
        return why_fail (why, ERR_WRONG_VERSION, "%s is of another version", self->path);
    return 0;
}

static int backup_open (const char *path, opened_t *ret_opened, why_t *why)
{
    struct stat status;
    *ret_opened = (opened_t){.file = open (path, O_RDONLY | O_CLOEXEC), .path = path};
    if (ret_opened->file < 0 || fstat (ret_opened->file, &status))
        return system_fail (why, path);
    if (!S_ISREG (status.st_mode) || status.st_size < END_BYTES)
        return why_fail (why, ERR_CORRUPT, "%s is no backup of a node, or was cut short", path);
    ret_opened->hashed = (uint64_t)status.st_size - HASH_BYTES - sizeof magic;
    return map_read (ret_opened, why);
}

static int store_read (const opened_t *self, const home_t *home, why_t *why)
{
    crypto_generichash_state state;
    uint8_t hash[HASH_BYTES];
    char path[PATH_BYTES];
    int rc = 0;
    home_path (home, "data.mdb", path, sizeof path);
    int out = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0)
        return system_fail (why, path);
    crypto_generichash_init (&state, NULL, 0, sizeof hash);
    if (!run_over (self->file, self->hashed, out, self->store, &state) || fsync (out))
        rc = system_fail (why, path);
    crypto_generichash_final (&state, hash, sizeof hash);
    if (close (out) && rc == 0)
        rc = system_fail (why, path);
    if (rc == 0 && memcmp (hash, self->hash, sizeof hash) != 0)
        rc = why_fail (
            why, ERR_CORRUPT, "%s is spoilt: its bytes do not match its hash", self->path);
    return rc;
}

static int asking_note (const home_t *home, bool asks, why_t *why)
{
    store_options_t options = {.map_size = 0};
    store_t *store = NULL;
    txn_t *txn = NULL;
    int rc = store_open (home->dir, &options, &store);
    if (rc == 0)
        rc = store_begin (store, true, &txn);
    if (rc == 0)
        rc = restored_put (txn, asks ? RESTORED_UNASKED : 0);
    if (rc == 0)
        rc = store_commit (&txn);
    else
        store_abort (&txn);
    store_destroy (&store);
    return rc ? why_fail (why, rc, "%s: %s", home->dir, error_text (rc)) : 0;
}

static void home_unmake (const home_t *home)
{
    static const char *const names[] = {"identity.key", "node.zpl", "data.mdb", "lock.mdb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        home_remove (home, names[i]);
    rmdir (home->dir);
}

int backup_restore (const char *file, const char *dir, bool asks, identity_t *ret_identity,
    uint64_t *ret_time, why_t *why)
{
    opened_t opened;
    home_t home;
    int rc = backup_open (file, &opened, why);
    if (rc == 0)
        rc = home_make (dir, &home, why);
    if (rc == 0) {
        rc = store_read (&opened, &home, why);
        if (rc == 0)
            rc = asking_note (&home, asks, why);
        if (rc == 0)
            rc = home_write (&home, "node.zpl", opened.map.configuration, why);
        if (rc == 0) // last: without it no node starts here
            rc = home_write (&home, "identity.key", opened.map.identity, why);
        if (rc == 0)
            rc = home_identity (&home, ret_identity, why);
        if (rc)
            home_unmake (&home);
    }
    *ret_time = opened.map.time;
    opened_release (&opened);
    return rc;
}

//  recorder - every write to a node's database and every sync of it, in their order; preloaded (LD_PRELOAD)
//
//  RECORD_FILE is where they go, each as entry_t (record.h) and its bytes, written when the call has returned: so what is
//  behind an acknowledgement in that file cannot have been waited for. RECORD_WITHOUT_SYNC says that the disk
//  forgets: syncs are not recorded as such.

#include "tests/power/record.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MOST 4096

//  Of each descriptor: is it the database, and does each write through it sync?
static unsigned char files[FILES_MOST];
enum { FILE_DATABASE = 1, FILE_SYNCS = 2 };

static int record = -1;
static bool forgets;
static bool begun;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *real (const char *name)
{
    void *found = dlsym (RTLD_NEXT, name);
    if (!found)
        abort ();
    return found;
}

#define REAL(name) ((__typeof__ (&name))real (#name))

static bool is_database (int file)
{
    return file >= 0 && file < FILES_MOST && files[file] & FILE_DATABASE;
}

static void put (const void *data, size_t size)
{
    static ssize_t (*write_real) (int, const void *, size_t);
    if (!write_real)
        write_real = REAL (write);
    const char *at = data;
    while (size) {
        ssize_t written = write_real (record, at, size);
        if (written < 0 && errno != EINTR)
            abort (); // a record with a hole proves nothing
        if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
}

static void note (
    enum entry_kind kind, int file, off_t offset, const struct iovec *parts, int count)
{
    bool syncs = kind == ENTRY_WRITE && files[file] & FILE_SYNCS;
    if (forgets && kind == ENTRY_SYNC)
        return;
    entry_t entry = {kind, syncs && !forgets, (uint64_t)offset, 0};
    for (int i = 0; i < count; i++)
        entry.size += parts[i].iov_len;
    int error = errno;
    pthread_mutex_lock (&lock);
    put (&entry, sizeof entry);
    for (int i = 0; i < count; i++)
        put (parts[i].iov_base, parts[i].iov_len);
    pthread_mutex_unlock (&lock);
    errno = error;
}

//  ---- opening

__attribute__ ((constructor)) static void begin (void)
{
    const char *path = getenv ("RECORD_FILE");
    forgets = getenv ("RECORD_WITHOUT_SYNC") != NULL;
    if (path)
        record = REAL (open) (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

//  What was there before; that it lasts is not this record's to show.
static void found (int file)
{
    off_t size = lseek (file, 0, SEEK_END);
    char *bytes = size > 0 ? malloc ((size_t)size) : NULL;
    if (bytes && pread (file, bytes, (size_t)size, 0) != size)
        abort ();
    entry_t entry = {ENTRY_WRITE, 1, 0, bytes ? (uint64_t)size : 0};
    put (&entry, sizeof entry);
    put (bytes, entry.size);
    free (bytes);
    lseek (file, 0, SEEK_SET);
}

static int opened (const char *path, int flags, int file)
{
    const char *name = strrchr (path, '/');
    if (file < 0 || file >= FILES_MOST)
        return file;
    files[file] = 0;
    if (record < 0 || !name || strcmp (name, "/data.mdb") != 0 || strstr (path, "/fresh/") ||
        (flags & O_ACCMODE) == O_RDONLY)
        return file;
    files[file] = (unsigned char)(FILE_DATABASE | (flags & O_DSYNC ? FILE_SYNCS : 0));
    if (!begun)
        found (file);
    begun = true;
    return file;
}

int open (const char *path, int flags, ...)
{
    va_list arguments;
    va_start (arguments, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg (arguments, int) : 0;
    va_end (arguments);
    return opened (path, flags, REAL (open) (path, flags, mode));
}

int open64 (const char *path, int flags, ...)
{
    va_list arguments;
    va_start (arguments, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg (arguments, int) : 0;
    va_end (arguments);
    return opened (path, flags, REAL (open64) (path, flags, mode));
}

int close (int file)
{
    if (file >= 0 && file < FILES_MOST)
        files[file] = 0;
    return REAL (close) (file);
}

//  ---- writing

static ssize_t wrote (int file, off_t offset, const struct iovec *parts, int count, ssize_t done)
{
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    if (done >= 0 && (size_t)done != size)
        abort (); // a short write is not recorded
    if (done >= 0)
        note (ENTRY_WRITE, file, offset, parts, count);
    return done;
}

ssize_t pwrite (int file, const void *data, size_t size, off_t offset)
{
    ssize_t done = REAL (pwrite) (file, data, size, offset);
    struct iovec part = {(void *)data, size};
    return is_database (file) ? wrote (file, offset, &part, 1, done) : done;
}

ssize_t pwrite64 (int file, const void *data, size_t size, off64_t offset)
{
    return pwrite (file, data, size, offset);
}

ssize_t pwritev (int file, const struct iovec *parts, int count, off_t offset)
{
    ssize_t done = REAL (pwritev) (file, parts, count, offset);
    return is_database (file) ? wrote (file, offset, parts, count, done) : done;
}

ssize_t pwritev64 (int file, const struct iovec *parts, int count, off64_t offset)
{
    return pwritev (file, parts, count, offset);
}

//  At the descriptor's own place: LMDB seeks there first.
ssize_t write (int file, const void *data, size_t size)
{
    if (!is_database (file))
        return REAL (write) (file, data, size);
    off_t offset = lseek (file, 0, SEEK_CUR);
    struct iovec part = {(void *)data, size};
    return wrote (file, offset, &part, 1, REAL (write) (file, data, size));
}

ssize_t writev (int file, const struct iovec *parts, int count)
{
    if (!is_database (file))
        return REAL (writev) (file, parts, count);
    off_t offset = lseek (file, 0, SEEK_CUR);
    return wrote (file, offset, parts, count, REAL (writev) (file, parts, count));
}

//  ---- what would escape the record: the tests must hear of it

int ftruncate (int file, off_t size)
{
    if (is_database (file))
        abort ();
    return REAL (ftruncate) (file, size);
}

int msync (void *start, size_t size, int flags)
{
    (void)start;
    (void)size;
    (void)flags;
    abort ();
}

//  ---- syncing

int fsync (int file)
{
    int rc = REAL (fsync) (file);
    if (rc == 0 && is_database (file))
        note (ENTRY_SYNC, file, 0, NULL, 0);
    return rc;
}

int fdatasync (int file)
{
    int rc = REAL (fdatasync) (file);
    if (rc == 0 && is_database (file))
        note (ENTRY_SYNC, file, 0, NULL, 0);
    return rc;
}

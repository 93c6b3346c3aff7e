//  disk_real - openat, getdents, statx, inotify, libmagic

#include "actors/shell/disk_real.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "actors/shell/workers.h"
#include "messages/timestamp.h"

#define NAMES_BYTES (32u << 10)
#define WATCH_MASK                                                                                 \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY |            \
        IN_ATTRIB | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

struct disk_dir {
    int descriptor;
    uint64_t device;
    char *names; // of getdents; NULL until it is listed
    size_t size;
    size_t at;
};

struct disk_file {
    int descriptor;
};

typedef struct real {
    disk_t disk;
    int inotify;
    magic_t magic[DISK_WORKERS_MAX]; // of each worker; NULL until it is needed: it takes megabytes
    workers_t *workers;
} real_t;

//  What getdents gives (getdents(2)).
typedef struct dents_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
} dents_entry_t;

static int error_of (int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM: return ERR_NOT_ALLOWED;
    case ENOSPC: return ERR_TOO_LARGE;
    default: return ERR_SYSTEM;
    }
}

//  ---- entries

static uint64_t time_of (struct statx_timestamp at)
{
    if (at.tv_sec < 0 || at.tv_sec > UINT32_MAX)
        return 0;
    return time_from_ns ((uint64_t)at.tv_sec * 1000000000u + at.tv_nsec);
}

static int entry_at (int directory, const char *name, int flags, uint64_t above, entry_t *ret_entry)
{
    struct statx stat;
    if (statx (directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | flags,
            STATX_BASIC_STATS | STATX_BTIME, &stat))
        return error_of (errno);
    entry_t entry = {.mode = stat.stx_mode,
        .size = stat.stx_size,
        .modified = time_of (stat.stx_mtime),
        .created = stat.stx_mask & STATX_BTIME ? time_of (stat.stx_btime) : 0,
        .device = makedev (stat.stx_dev_major, stat.stx_dev_minor),
        .inode = stat.stx_ino,
        .links = stat.stx_nlink};
    entry.mount = stat.stx_attributes & STATX_ATTR_MOUNT_ROOT ||
                  (S_ISDIR (entry.mode) && above && above != entry.device);
    *ret_entry = entry;
    return 0;
}

//  A name with its closing zero; false if it is no name.
static bool name_of (slice_t name, char ret_name[NAME_MAX + 1])
{
    if (name.size == 0 || name.size > NAME_MAX || memchr (name.data, 0, name.size) ||
        memchr (name.data, '/', name.size))
        return false;
    memcpy (ret_name, name.data, name.size);
    ret_name[name.size] = 0;
    return true;
}

//  ---- directories

static int dir_new (int descriptor, disk_dir_t **ret_dir, entry_t *ret_entry)
{
    int rc = entry_at (descriptor, "", AT_EMPTY_PATH, 0, ret_entry);
    disk_dir_t *dir = rc ? NULL : calloc (1, sizeof *dir);
    if (!dir) {
        close (descriptor);
        return rc ? rc : ERR_NO_MEMORY;
    }
    dir->descriptor = descriptor;
    dir->device = ret_entry->device;
    *ret_dir = dir;
    return 0;
}

static int real_open (
    void *self, disk_dir_t *parent, slice_t path, disk_dir_t **ret_dir, entry_t *ret_entry)
{
    (void)self;
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    if (parent == NULL) {
        char whole[PATH_MAX];
        if (path.size >= sizeof whole)
            return ERR_NOT_FOUND;
        memcpy (whole, path.data, path.size);
        whole[path.size] = 0;
        int descriptor = open (whole, flags);
        return descriptor < 0 ? error_of (errno) : dir_new (descriptor, ret_dir, ret_entry);
    }
    int descriptor = parent->descriptor;
    for (size_t at = 0; at < path.size;) {
        char name[NAME_MAX + 1];
        size_t end = at;
        while (end < path.size && path.data[end] != '/')
            end++;
        bool valid = name_of (slice_of (path.data + at, end - at), name);
        int below = valid ? openat (descriptor, name, flags | O_NOFOLLOW) : -1;
        int rc = !valid ? ERR_NOT_FOUND : below < 0 ? error_of (errno) : 0;
        if (descriptor != parent->descriptor)
            close (descriptor);
        if (rc)
            return rc;
        descriptor = below;
        at = end + 1;
    }
    if (descriptor == parent->descriptor)
        descriptor = fcntl (descriptor, F_DUPFD_CLOEXEC, 0);
    return descriptor < 0 ? error_of (errno) : dir_new (descriptor, ret_dir, ret_entry);
}

static void real_close (void *self, disk_dir_t *dir)
{
    (void)self;
    close (dir->descriptor);
    free (dir->names);
    free (dir);
}

static bool is_dots (const char *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static int real_list (void *self, disk_dir_t *dir, entry_t *entries, size_t most, size_t *ret_count,
    size_t *ret_unreadable)
{
    (void)self;
    size_t count = 0, unreadable = 0;
    if (!dir->names)
        dir->names = malloc (NAMES_BYTES);
    if (!dir->names)
        return ERR_NO_MEMORY;
    while (count == 0) {
        if (dir->at == dir->size) {
            long size = syscall (SYS_getdents64, dir->descriptor, dir->names, NAMES_BYTES);
            if (size < 0)
                return error_of (errno);
            if (size == 0)
                break;
            dir->size = (size_t)size;
            dir->at = 0;
        }
        while (dir->at < dir->size && count < most) {
            const dents_entry_t *found = (const void *)(dir->names + dir->at);
            dir->at += found->size;
            if (is_dots (found->name))
                continue;
            int rc = entry_at (dir->descriptor, found->name, 0, dir->device, &entries[count]);
            if (rc == 0)
                entries[count++].name = slice_text (found->name);
            else
                unreadable += rc != ERR_NOT_FOUND; // it went meanwhile
        }
    }
    *ret_count = count;
    *ret_unreadable = unreadable;
    return 0;
}

static int real_look (void *self, disk_dir_t *dir, slice_t name, entry_t *ret_entry)
{
    (void)self;
    char text[NAME_MAX + 1];
    if (!name_of (name, text))
        return ERR_NOT_FOUND;
    return entry_at (dir->descriptor, text, 0, dir->device, ret_entry);
}

//  ---- watches

static int real_watch (void *self_, disk_dir_t *dir, uint64_t *ret_watch)
{
    const real_t *self = self_;
    char path[64];
    snprintf (path, sizeof path, "/proc/self/fd/%d", dir->descriptor);
    int watch = inotify_add_watch (self->inotify, path, WATCH_MASK);
    if (watch < 0)
        return error_of (errno);
    *ret_watch = (uint64_t)watch;
    return 0;
}

static void real_unwatch (void *self_, uint64_t watch)
{
    const real_t *self = self_;
    inotify_rm_watch (self->inotify, (int)watch);
}

//  ---- files

static int real_file_open (
    void *self, disk_dir_t *dir, slice_t name, disk_file_t **ret_file, entry_t *ret_entry)
{
    (void)self;
    char text[NAME_MAX + 1];
    entry_t entry;
    if (!name_of (name, text))
        return ERR_NOT_FOUND;
    int descriptor = openat (dir->descriptor, text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0)
        return error_of (errno);
    int rc = entry_at (descriptor, "", AT_EMPTY_PATH, 0, &entry);
    if (rc == 0 && !entry_is_regular (&entry))
        rc = ERR_NOT_FOUND;
    disk_file_t *file = rc ? NULL : calloc (1, sizeof *file);
    if (!file) {
        close (descriptor);
        return rc ? rc : ERR_NO_MEMORY;
    }
    file->descriptor = descriptor;
    *ret_file = file;
    if (ret_entry)
        *ret_entry = entry;
    return 0;
}

static int real_file_read (
    void *self, disk_file_t *file, void *bytes, size_t most, size_t *ret_size)
{
    (void)self;
    ssize_t size;
    do
        size = read (file->descriptor, bytes, most);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return error_of (errno);
    *ret_size = (size_t)size;
    return 0;
}

static int real_file_seek (void *self, disk_file_t *file, uint64_t at)
{
    (void)self;
    return lseek (file->descriptor, (off_t)at, SEEK_SET) < 0 ? error_of (errno) : 0;
}

static int real_file_look (void *self, disk_file_t *file, entry_t *ret_entry)
{
    (void)self;
    return entry_at (file->descriptor, "", AT_EMPTY_PATH, 0, ret_entry);
}

static void real_file_close (void *self, disk_file_t *file)
{
    (void)self;
    close (file->descriptor);
    free (file);
}

static const char *real_mime (void *self_, size_t worker, slice_t head)
{
    real_t *self = self_;
    magic_t *magic = &self->magic[worker];
    if (!*magic) {
        *magic = magic_open (MAGIC_MIME_TYPE);
        if (*magic && magic_load (*magic, NULL)) {
            magic_close (*magic);
            *magic = NULL;
        }
    }
    const char *mime = *magic ? magic_buffer (*magic, head.data, head.size) : NULL;
    return mime ? mime : "application/octet-stream";
}

static void real_each (void *self_, void (*work) (void *context, size_t item, size_t worker),
    void *context, size_t count)
{
    const real_t *self = self_;
    workers_each (self->workers, work, context, count);
}

//  ---- the table

int disk_real_new (disk_t **ret_disk, why_t *why)
{
    real_t *self = calloc (1, sizeof *self);
    if (!self)
        return why_fail (why, ERR_NO_MEMORY, "%s", error_text (ERR_NO_MEMORY));
    self->workers = workers_new (DISK_WORKERS_MAX);
    if (!self->workers) {
        free (self);
        return why_fail (why, ERR_NO_MEMORY, "%s", error_text (ERR_NO_MEMORY));
    }
    self->inotify = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
    if (self->inotify < 0) {
        int number = errno;
        workers_destroy (&self->workers);
        free (self);
        return why_fail (why, ERR_SYSTEM,
            "no inotify instance (%s): raise fs.inotify.max_user_instances", strerror (number));
    }
    self->disk = (disk_t){.self = self,
        .open = real_open,
        .list = real_list,
        .look = real_look,
        .close = real_close,
        .watch = real_watch,
        .unwatch = real_unwatch,
        .file_open = real_file_open,
        .file_read = real_file_read,
        .file_seek = real_file_seek,
        .file_look = real_file_look,
        .file_close = real_file_close,
        .mime = real_mime,
        .each = real_each};
    *ret_disk = &self->disk;
    return 0;
}

void disk_real_destroy (disk_t **self_p)
{
    if (!*self_p)
        return;
    real_t *self = (*self_p)->self;
    close (self->inotify);
    workers_destroy (&self->workers);
    for (size_t i = 0; i < DISK_WORKERS_MAX; i++)
        if (self->magic[i])
            magic_close (self->magic[i]);
    free (self);
    *self_p = NULL;
}

int disk_real_descriptor (const disk_t *self)
{
    const real_t *real = self->self;
    return real->inotify;
}

//  home - the data directory

#include "actors/shell/home.h"
#include "actors/shell/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 320

void home_path (const home_t *self, const char *name, char *ret_path, size_t size)
{
    snprintf (ret_path, size, "%s/%s", self->dir, name);
}

//  ---- files

static int write_whole (int descriptor, slice_t content)
{
    while (content.size) {
        ssize_t size = write (descriptor, content.data, content.size);
        if (size < 0 && errno != EINTR)
            return -1;
        if (size > 0)
            content = slice_of (content.data + size, content.size - (size_t)size);
    }
    return fsync (descriptor);
}

static void sync_dir (const char *dir)
{
    int descriptor = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync (descriptor);
        close (descriptor);
    }
}

int home_write (const home_t *self, const char *name, slice_t content, why_t *why)
{
    char path[PATH_BYTES], beside[PATH_BYTES + 8];
    home_path (self, name, path, sizeof path);
    snprintf (beside, sizeof beside, "%s.new", path);
    unlink (beside); // left behind by a crash
    int descriptor = open (beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return why_fail (why, ERR_SYSTEM, "%s: %s", beside, strerror (errno));
    int rc = write_whole (descriptor, content);
    if (close (descriptor))
        rc = -1;
    if (rc == 0)
        rc = rename (beside, path);
    if (rc) {
        why_fail (why, ERR_SYSTEM, "%s: %s", path, strerror (errno));
        unlink (beside);
        return ERR_SYSTEM;
    }
    sync_dir (self->dir);
    return 0;
}

void home_remove (const home_t *self, const char *name)
{
    char path[PATH_BYTES];
    home_path (self, name, path, sizeof path);
    unlink (path);
}

static int refuse_loose (const char *path, const struct stat *status, why_t *why)
{
    if (status->st_mode & 077)
        return why_fail (why, ERR_NOT_ALLOWED,
            "%s is open to others (mode %03o): nobody but its owner may come near it", path,
            (unsigned)status->st_mode & 0777);
    return 0;
}

//  ---- the identity

int home_identity (const home_t *self, identity_t *ret_identity, why_t *why)
{
    char path[PATH_BYTES], text[2 * SEED_SIZE + 2] = "";
    struct stat status;
    home_path (self, "identity.key", path, sizeof path);
    int descriptor = open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0 || fstat (descriptor, &status)) {
        why_fail (
            why, ERR_NOT_FOUND, "%s: %s; tidepool init DIR makes a node", path, strerror (errno));
        if (descriptor >= 0)
            close (descriptor);
        return ERR_NOT_FOUND;
    }
    ssize_t size = read (descriptor, text, sizeof text - 1);
    close (descriptor);
    int rc = refuse_loose (path, &status, why);
    uint8_t seed[SEED_SIZE];
    size_t seed_size = 0;
    if (rc == 0 &&
        (size < 2 * SEED_SIZE ||
            sodium_hex2bin (seed, sizeof seed, text, 2 * SEED_SIZE, NULL, &seed_size, NULL) ||
            seed_size != SEED_SIZE))
        rc = why_fail (why, ERR_CORRUPT, "%s does not hold a key", path);
    if (rc == 0)
        rc = identity_from_seed (seed, ret_identity);
    sodium_memzero (seed, sizeof seed);
    sodium_memzero (text, sizeof text);
    return rc;
}

static int create_identity (const home_t *self, identity_t *ret_identity, why_t *why)
{
    uint8_t seed[SEED_SIZE];
    char text[2 * SEED_SIZE + 2];
    randombytes_buf (seed, sizeof seed);
    sodium_bin2hex (text, sizeof text, seed, sizeof seed);
    text[2 * SEED_SIZE] = '\n';
    int rc = home_write (self, "identity.key", slice_of (text, 2 * SEED_SIZE + 1), why);
    identity_t identity;
    if (rc == 0)
        rc = identity_from_seed (seed, ret_identity ? ret_identity : &identity);
    sodium_memzero (seed, sizeof seed);
    sodium_memzero (text, sizeof text);
    sodium_memzero (&identity, sizeof identity);
    return rc;
}

//  ---- the directory

int home_open (const char *dir, home_t *ret_home, why_t *why)
{
    struct stat status;
    *ret_home = (home_t){.lock = -1};
    char *real = realpath (dir, NULL);
    if (!real || stat (real, &status) || !S_ISDIR (status.st_mode)) {
        free (real);
        return why_fail (why, ERR_NOT_FOUND,
            "%s: there is no such directory; tidepool init DIR makes a node", dir);
    }
    int size = snprintf (ret_home->dir, sizeof ret_home->dir, "%s", real);
    free (real);
    if (size >= (int)sizeof ret_home->dir)
        return why_fail (why, ERR_NOT_ALLOWED, "%s: the path is too long", dir);
    return refuse_loose (ret_home->dir, &status, why);
}

int home_lock (home_t *self, why_t *why)
{
    char path[PATH_BYTES];
    home_path (self, "lock", path, sizeof path);
    self->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (self->lock < 0)
        return why_fail (why, ERR_SYSTEM, "%s: %s", path, strerror (errno));
    if (flock (self->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    int rc = errno == EWOULDBLOCK ? why_fail (why, ERR_IN_USE, "another node runs on %s", self->dir)
                                  : why_fail (why, ERR_SYSTEM, "%s: %s", path, strerror (errno));
    home_release (self);
    return rc;
}

void home_release (home_t *self)
{
    if (self->lock >= 0)
        close (self->lock);
    self->lock = -1;
}

static bool dir_empty (const char *dir)
{
    DIR *stream = opendir (dir);
    bool empty = stream != NULL;
    for (struct dirent *entry; empty && (entry = readdir (stream));)
        empty = strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0;
    if (stream)
        closedir (stream);
    return empty;
}

static int make_dir (const char *dir, why_t *why)
{
    if (mkdir (dir, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return why_fail (why, ERR_SYSTEM, "%s: %s", dir, strerror (errno));
    if (!dir_empty (dir))
        return why_fail (why, ERR_EXISTS, "%s is there and not empty", dir);
    if (chmod (dir, 0700))
        return why_fail (why, ERR_SYSTEM, "%s: %s", dir, strerror (errno));
    return 0;
}

int home_make (const char *dir, home_t *ret_home, why_t *why)
{
    int rc = make_dir (dir, why);
    return rc ? rc : home_open (dir, ret_home, why);
}

int home_create (const char *dir, const char *const *sets, size_t set_count,
    identity_t *ret_identity, why_t *why)
{
    home_t home;
    config_t config;
    buffer_t text = {NULL, 0, 0};
    //  Checked before anything is made; once more below, where the directory's absolute path is
    //  known.
    int rc = config_read ("/", NULL, sets, set_count, &config, why);
    if (rc == 0) {
        config_release (&config);
        rc = home_make (dir, &home, why);
    }
    if (rc)
        return rc;
    rc = config_read (home.dir, NULL, sets, set_count, &config, why);
    if (rc) {
        rmdir (home.dir);
        return rc;
    }
    config_release (&config);
    config_write (sets, set_count, &text);
    rc = home_write (&home, "node.zpl", buffer_slice (&text), why);
    if (rc == 0)
        rc = create_identity (&home, ret_identity, why);
    buffer_release (&text);
    return rc;
}

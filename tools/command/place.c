//  place - where a node's sockets are

#include "tools/command/place.h"

#include "actors/shell/listen.h"
#include "actors/shell/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 20000000

static const char *setting_of (const settings_t *settings, const char *section, const char *name)
{
    char path[64];
    snprintf (path, sizeof path, "%s/%s", section, name);
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp (settings->items[i].path, path) == 0)
            return settings->items[i].value;
    return NULL;
}

static int read_settings (
    const settings_t *settings, const char *file, const char *name, place_t *ret_place, why_t *why)
{
    const char *endpoint = setting_of (settings, "endpoints", name);
    const char *key = setting_of (settings, "node", "key");
    const char *pid = setting_of (settings, "node", "pid");
    if (endpoint)
        snprintf (ret_place->endpoint, sizeof ret_place->endpoint, "%s", endpoint);
    ret_place->pid = pid ? strtol (pid, NULL, 10) : 0;
    ret_place->curve = !endpoint_is_ipc (ret_place->endpoint);
    if (ret_place->curve && (!key || key_from_z85 (slice_text (key), &ret_place->key)))
        return why_fail (why, ERR_NO_ANSWER, "%s has no key for %s", file, ret_place->endpoint);
    return 0;
}

int place_find (const char *dir, const char *name, place_t *ret_place, why_t *why)
{
    char file[512];
    struct stat status;
    place_t place = {.pid = 0};
    settings_t settings = {NULL, 0, 0};
    if (stat (dir, &status) || !S_ISDIR (status.st_mode))
        return why_fail (why, ERR_NO_ANSWER, "%s: there is no such directory", dir);
    int size = snprintf (place.endpoint, sizeof place.endpoint, "ipc://%s/%s.sock", dir, name);
    if (size >= (int)sizeof place.endpoint)
        return why_fail (why, ERR_NO_ANSWER, "%s: the path is too long", dir);
    snprintf (file, sizeof file, "%s/endpoints.zpl", dir);
    int rc = 0;
    if (access (file, F_OK) == 0) {
        rc = settings_load (&settings, file, why) ? ERR_NO_ANSWER : 0;
        if (rc == 0)
            rc = read_settings (&settings, file, name, &place, why);
        settings_release (&settings);
    }
    if (rc == 0)
        *ret_place = place;
    return rc;
}

//  0, or an errno.
static int knock (const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen (path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    memcpy (address.sun_path, path, strlen (path) + 1);
    int descriptor = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return errno;
    int rc = connect (descriptor, (struct sockaddr *)&address, sizeof address) ? errno : 0;
    close (descriptor);
    return rc == EAGAIN ? 0 : rc; // its queue is full: somebody is there
}

bool place_wait (const place_t *self, int timeout_ms)
{
    const struct timespec pause = {0, LOOK_NS};
    for (int waited = 0; knock (self->endpoint + strlen ("ipc://")); waited += LOOK_NS / 1000000) {
        if (waited >= timeout_ms)
            return false;
        nanosleep (&pause, NULL);
    }
    return true;
}

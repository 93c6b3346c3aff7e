//  place - where the benchmark's files lie, and on what machine

#include "tools/bench/place.h"
#include "tools/bench/bench.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TMPFS_MAGIC_ 0x01021994 // statfs(2)
#define RAMFS_MAGIC_ 0x858458f6

static char made[PLACE_MAX + 1];
static pid_t maker;

static int remove_entry (const char *path, const struct stat *, int, struct FTW *);

static int remove_entry (const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    remove (path);
    return 0;
}

void place_remove (const char *dir)
{
    nftw (dir, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}

static void place_clear (void)
{
    if (made[0] && getpid () == maker)
        place_remove (made);
}

bool place_is_memory (const char *dir)
{
    struct statfs fs;
    return statfs (dir, &fs) == 0 &&
           ((unsigned long)fs.f_type == TMPFS_MAGIC_ || (unsigned long)fs.f_type == RAMFS_MAGIC_);
}

const char *place_make (const char *parent)
{
    const char *from = parent ? parent : getenv ("TMPDIR");
    if (!from || !from[0] || (!parent && place_is_memory (from)))
        from = ".";
    char *whole = realpath (from, NULL);
    if (!whole)
        die ("%s: %s", from, strerror (errno));
    int size = snprintf (made, sizeof made, "%s/tidepool-bench.XXXXXX", whole);
    free (whole);
    //  Below it: /NAME.N/intake.sock.
    if (size + 24 > PLACE_MAX)
        die ("%s: paths of sockets would be too long there; give another with --dir", from);
    maker = getpid ();
    if (!mkdtemp (made)) {
        made[0] = 0;
        die ("%s: no directory can be made there: %s", from, strerror (errno));
    }
    atexit (place_clear);
    return made;
}

//  ---- what it is

//  The kind of the mount with the longest path that the directory is below (proc(5), mounts).
void place_describe (const char *dir, char *ret_text, size_t size)
{
    char source[256], path[256], kind[64];
    size_t longest = 0;
    snprintf (ret_text, size, "an unknown file system");
    FILE *file = fopen ("/proc/mounts", "re");
    if (!file)
        return;
    while (fscanf (file, "%255s %255s %63s%*[^\n]", source, path, kind) == 3) {
        size_t length = strcmp (path, "/") == 0 ? 0 : strlen (path);
        bool below = strncmp (dir, path, length) == 0 && (dir[length] == '/' || dir[length] == 0);
        if (below && length >= longest) {
            longest = length;
            snprintf (ret_text, size, "%s (%s)", kind, source);
        }
    }
    fclose (file);
}

static void cpu_model (char *ret_text, size_t size)
{
    char line[256];
    snprintf (ret_text, size, "unknown CPU");
    FILE *file = fopen ("/proc/cpuinfo", "re");
    if (!file)
        return;
    while (fgets (line, sizeof line, file)) {
        const char *colon = strchr (line, ':');
        if (strncmp (line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn (line, "\n")] = 0;
        snprintf (ret_text, size, "%s", colon + 2);
        break;
    }
    fclose (file);
}

static void system_name (char *ret_text, size_t size)
{
    char line[256];
    snprintf (ret_text, size, "Linux");
    FILE *file = fopen ("/etc/os-release", "re");
    if (!file)
        return;
    while (fgets (line, sizeof line, file)) {
        if (strncmp (line, "PRETTY_NAME=\"", 13) != 0)
            continue;
        line[strcspn (line, "\n")] = 0;
        snprintf (ret_text, size, "%.*s", (int)strcspn (line + 13, "\""), line + 13);
    }
    fclose (file);
}

void machine_describe (char *ret_text, size_t size)
{
    char cpu[128], name[128];
    struct utsname kernel;
    cpu_model (cpu, sizeof cpu);
    system_name (name, sizeof name);
    if (uname (&kernel))
        snprintf (kernel.release, sizeof kernel.release, "unknown");
    double memory = (double)sysconf (_SC_PHYS_PAGES) * (double)sysconf (_SC_PAGESIZE) / (1u << 30);
    snprintf (ret_text, size, "%ld cores (%s), %.1f GiB, %s, kernel %s",
        sysconf (_SC_NPROCESSORS_ONLN), cpu, memory, name, kernel.release);
}

void machine_load (char *ret_text, size_t size)
{
    double load[3];
    if (getloadavg (load, 3) == 3)
        snprintf (ret_text, size, "%.2f %.2f %.2f", load[0], load[1], load[2]);
    else
        snprintf (ret_text, size, "unknown");
}

//  run_ingest - a tree of small files becomes rows, beside find(1) on the same tree

#include "tools/bench/node.h"
#include "messages/request.h"
#include "tools/bench/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_IN_FOLDER  100
#define IDENTIFY_SECONDS 5

static void file_make (const char *path, size_t number)
{
    char text[1024];
    //  No two alike; 40 to 1,000 bytes.
    int size = snprintf (text, sizeof text, "file %zu%*s\n", number, (int)(20 + number % 900), "");
    int file = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || write (file, text, (size_t)size) != size)
        die ("%s: %s", path, strerror (errno));
    close (file);
}

static void tree_make (const char *dir, size_t files)
{
    char path[256];
    if (mkdir (dir, 0700))
        die ("%s: %s", dir, strerror (errno));
    for (size_t i = 0; i < files; i++) {
        snprintf (path, sizeof path, "%s/folder %zu", dir, i / FILES_IN_FOLDER);
        if (i % FILES_IN_FOLDER == 0 && mkdir (path, 0700))
            die ("%s: %s", path, strerror (errno));
        snprintf (path, sizeof path, "%s/folder %zu/file %zu.txt", dir, i / FILES_IN_FOLDER, i);
        file_make (path, i);
        if (i % 1000 == 0)
            nodes_look ();
    }
}

//  Seconds of `find DIR -printf …`, its start included; the second time, warm like the node's walk.
static double find_run (const char *dir)
{
    double begin = clock_now ();
    pid_t child = fork ();
    if (child < 0)
        die ("no process: %s", strerror (errno));
    if (child == 0) {
        int null = open ("/dev/null", O_WRONLY);
        dup2 (null, STDOUT_FILENO);
        execlp ("find", "find", dir, "-printf", "%P %y %s %m %T@ %C@ %i\\n", (char *)NULL);
        _exit (127);
    }
    int status;
    while (waitpid (child, &status, 0) < 0)
        if (errno != EINTR)
            die ("find: %s", strerror (errno));
    if (!WIFEXITED (status) || WEXITSTATUS (status))
        die ("find failed");
    return clock_now () - begin;
}

//  Asks ingest for something that waits for its scan; false if there is no ingest in this node.
static bool ingest_ask (node_t *node, const char *action, const char *dir, double *ret_seconds)
{
    buffer_t request = {NULL, 0, 0};
    slice_t answer, value;
    char code[64] = "";
    request_begin (&request, "ingest", 3);
    pack_string (&request, "action");
    pack_string (&request, action);
    pack_string (&request, "path");
    pack_string (&request, dir);
    pack_string (&request, "wait");
    pack_bool (&request, true);
    double begin = clock_now ();
    ask_send (&node->admin, buffer_slice (&request));
    bool answered = ask_receive (&node->admin, ASK_SECONDS_MAX * 1000, &answer);
    *ret_seconds = clock_now () - begin;
    buffer_release (&request);
    if (!answered)
        return false;
    if (map_find (answer, "error", &value)) {
        cursor_t cursor = cursor_over (value);
        cursor_string (&cursor, code, sizeof code);
    }
    if (strcmp (code, "UNKNOWN_VERB") == 0)
        return false;
    answer_check (answer, node->name);
    return true;
}

//  Identification goes on in the background once the rows are there: how many files a second, for some seconds of it.
static double identify_rate (node_t *node, size_t files, double seconds_max)
{
    uint64_t first = node_metric (node, "tidepool_files_hashed_total"), count = first;
    double begin = clock_now (), seconds = 0;
    while (count < files && seconds < seconds_max) {
        clock_sleep (0.01);
        count = node_metric (node, "tidepool_files_hashed_total");
        seconds = clock_now () - begin;
    }
    return seconds > 0 ? (double)(count - first) / seconds : 0;
}

//  How fast, and how many times as long as find took over the same tree just before.
static void rows_add (bench_t *self, const char *row, size_t entries, double seconds, double find)
{
    const figure_id_t rate = {"ingest", row, "entries", "/s", "ingest/find -printf/entries"};
    const figure_id_t times = {"ingest", row, "time", "x find", NULL};
    figure_add (&self->figures, &rate, (double)entries / seconds);
    figure_add (&self->figures, &times, seconds / find);
}

void run_ingest (bench_t *self)
{
    char dir[160];
    double seconds;
    size_t files = self->files, entries = files + files / FILES_IN_FOLDER;
    snprintf (dir, sizeof dir, "%s/tree", self->place);
    if (access (dir, F_OK))
        tree_make (dir, files);
    find_run (dir);
    const figure_id_t find = {"ingest", "find -printf", "entries", "/s", NULL};
    double found = find_run (dir);
    figure_add (&self->figures, &find, (double)entries / found);
    node_t *node = node_start (self, "a");
    uint64_t disk = node_used (node);
    if (ingest_ask (node, "add", dir, &seconds)) {
        rows_add (self, "first scan: durable rows", entries, seconds, found);
        const figure_id_t on_disk = {"ingest", "first scan: durable rows", "disk", "B/row", NULL};
        figure_add (&self->figures, &on_disk, (double)(node_used (node) - disk) / (double)entries);
        const figure_id_t identified = {"ingest", "then: files identified", "entries", "/s", NULL};
        figure_add (&self->figures, &identified,
            identify_rate (node, files, self->quick ? 1 : IDENTIFY_SECONDS));
        if (ingest_ask (node, "rescan", dir, &seconds))
            rows_add (self, "rescan, nothing changed", entries, seconds, found);
        node_memory (node, self, "ingest");
    } else
        figure_note (&self->figures, "ingest was skipped: the node does not answer `ingest`");
    node_stop (&node);
}

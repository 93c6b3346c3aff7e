//  node - real nodes: starting, pairing, stopping

#include "tools/bench/node.h"
#include "actors/shell/home.h"
#include "tools/bench/place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NODES_MAX      8
#define LOG_TAIL       2000 // bytes
#define START_SECONDS  30
#define LINK_SECONDS   60
#define JOIN_POLL      0.005 // seconds: a status is not free for the node that copies
#define SAMPLE_SECONDS 0.05

static node_t *running[NODES_MAX];
static pid_t starter;

//  ---- the end, however it comes

static void show_log (const node_t *self)
{
    char path[160], text[LOG_TAIL];
    snprintf (path, sizeof path, "%s.log", self->dir);
    FILE *file = fopen (path, "re");
    if (!file)
        return;
    if (fseek (file, -LOG_TAIL, SEEK_END))
        rewind (file);
    size_t size = fread (text, 1, sizeof text, file);
    fclose (file);
    fprintf (stderr, "---- the end of the log of %s\n%.*s", self->name, (int)size, text);
}

static void kill_all (void)
{
    if (getpid () != starter)
        return;
    for (size_t i = 0; i < NODES_MAX; i++) {
        if (!running[i] || running[i]->pid <= 0)
            continue;
        kill (running[i]->pid, SIGKILL);
        waitpid (running[i]->pid, NULL, 0);
        running[i]->pid = 0;
    }
}

static double anon_mb (pid_t pid);

void nodes_look (void)
{
    static double looked;
    bench_check_interrupt ();
    double now = clock_now ();
    if (now - looked < SAMPLE_SECONDS)
        return;
    looked = now;
    for (size_t i = 0; i < NODES_MAX; i++) {
        node_t *node = running[i];
        if (!node || node->pid <= 0)
            continue;
        if (waitpid (node->pid, NULL, WNOHANG) == node->pid) {
            node->pid = 0;
            show_log (node);
            die ("the node %s has ended by itself", node->name);
        }
        double anon = anon_mb (node->pid);
        if (anon > node->anon_peak)
            node->anon_peak = anon;
    }
}

//  ---- starting and stopping

static void run_process (node_t *self, const char *bin)
{
    char program[512], log[160];
    snprintf (program, sizeof program, "%s/tidepoold", bin);
    snprintf (log, sizeof log, "%s.log", self->dir);
    if (access (program, X_OK))
        die ("%s: %s", program, strerror (errno));
    int output = open (log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (output < 0)
        die ("%s: %s", log, strerror (errno));
    pid_t parent = getpid ();
    self->pid = fork ();
    if (self->pid < 0)
        die ("no process: %s", strerror (errno));
    if (self->pid == 0) {
        //  What this program started does not outlive it.
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (getppid () != parent)
            _exit (1);
        dup2 (output, STDOUT_FILENO);
        dup2 (output, STDERR_FILENO);
        execl (program, program, self->dir, (char *)NULL);
        _exit (127);
    }
    close (output);
}

static void wait_answer (node_t *self)
{
    buffer_t request = {NULL, 0, 0};
    slice_t answer;
    char path[160];
    snprintf (path, sizeof path, "%s/api.sock", self->dir);
    double end = clock_now () + START_SECONDS;
    while (access (path, F_OK)) {
        nodes_look ();
        if (clock_now () > end)
            die ("the node %s does not begin", self->name);
        clock_sleep (0.01);
    }
    request_begin (&request, "hello", 0);
    ask_send (&self->api, buffer_slice (&request));
    if (!ask_receive (&self->api, START_SECONDS * 1000, &answer))
        die ("the node %s does not answer", self->name);
    answer_check (answer, self->name);
    buffer_release (&request);
}

node_t *node_start (bench_t *bench, const char *name)
{
    static unsigned number;
    node_t *self = calloc (1, sizeof *self);
    size_t slot = 0;
    while (slot < NODES_MAX && running[slot])
        slot++;
    if (!self || slot == NODES_MAX)
        die ("too many nodes");
    if (!starter) {
        starter = getpid ();
        atexit (kill_all);
    }
    snprintf (self->name, sizeof self->name, "%s", name);
    snprintf (self->dir, sizeof self->dir, "%s/%s%u", bench->place, name, number++);
    char set[48];
    snprintf (set, sizeof set, "node/name=%s", name);
    const char *sets[] = {set};
    why_t why = {""};
    if (home_create (self->dir, sets, 1, NULL, &why))
        die ("%s", why.text);
    run_process (self, bench->bin);
    running[slot] = self;
    char endpoint[160];
    snprintf (endpoint, sizeof endpoint, "ipc://%s/api.sock", self->dir);
    ask_open (&self->api, bench->context, endpoint);
    snprintf (endpoint, sizeof endpoint, "ipc://%s/admin.sock", self->dir);
    ask_open (&self->admin, bench->context, endpoint);
    wait_answer (self);
    return self;
}

void node_stop (node_t **self_p)
{
    node_t *self = *self_p;
    int status;
    for (size_t i = 0; i < NODES_MAX; i++)
        if (running[i] == self)
            running[i] = NULL;
    ask_close (&self->api);
    ask_close (&self->admin);
    kill (self->pid, SIGTERM);
    while (waitpid (self->pid, &status, 0) < 0)
        if (errno != EINTR)
            die ("waiting for the node %s: %s", self->name, strerror (errno));
    if (!WIFEXITED (status) || WEXITSTATUS (status)) {
        show_log (self);
        die ("the node %s did not stop cleanly", self->name);
    }
    place_remove (self->dir);
    free (self);
    *self_p = NULL;
}

//  ---- pairing

static bool sees_all (node_t *self, size_t count)
{
    return node_metric (self, "tidepool_peers_online") == count - 1;
}

void node_join (node_t *self, node_t *inviter)
{
    buffer_t request = {NULL, 0, 0};
    char ticket[4096];
    request_begin (&request, "invite", 0);
    answer_text (ask (&inviter->admin, buffer_slice (&request)), "ticket", ticket, sizeof ticket);
    request_begin (&request, "join", 1);
    pack_string (&request, "ticket");
    pack_string (&request, ticket);
    ask (&self->admin, buffer_slice (&request));
    buffer_release (&request);
    for (double end = clock_now () + ASK_SECONDS_MAX; !node_ready (self); clock_sleep (JOIN_POLL))
        if (clock_now () > end)
            die ("the node %s does not get ready", self->name);
}

void nodes_pair (node_t **nodes, size_t count)
{
    for (size_t i = 1; i < count; i++)
        node_join (nodes[i], nodes[0]);
    for (size_t i = 0; i < count; i++)
        for (double end = clock_now () + LINK_SECONDS; !sees_all (nodes[i], count);
             clock_sleep (0.01))
            if (clock_now () > end)
                die ("the node %s does not see all others", nodes[i]->name);
}

pair_t pair_start (bench_t *bench)
{
    node_t *nodes[2] = {node_start (bench, "a"), node_start (bench, "b")};
    nodes_pair (nodes, 2);
    return (pair_t){nodes[0], nodes[1]};
}

void pair_stop (pair_t *self)
{
    node_stop (&self->b);
    node_stop (&self->a);
}

//  ---- what it uses: in /proc (proc(5))

static double status_mb (pid_t pid, const char *field)
{
    char path[64], line[256];
    double kib = 0;
    snprintf (path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen (path, "re");
    if (!file)
        return 0;
    while (fgets (line, sizeof line, file))
        if (strncmp (line, field, strlen (field)) == 0)
            kib = strtod (line + strlen (field) + 1, NULL);
    fclose (file);
    return kib * 1024 / 1e6;
}

static double anon_mb (pid_t pid)
{
    return status_mb (pid, "RssAnon");
}

double node_cpu (const node_t *self)
{
    char path[64], text[1024];
    snprintf (path, sizeof path, "/proc/%d/stat", (int)self->pid);
    FILE *file = fopen (path, "re");
    if (!file)
        return 0;
    size_t size = fread (text, 1, sizeof text - 1, file);
    fclose (file);
    text[size] = 0;
    //  Behind the name in brackets: state, 10 numbers, then utime and stime in ticks.
    char *at = strrchr (text, ')');
    for (int i = 0; at && i < 12; i++)
        at = strchr (at + 1, ' ');
    if (!at)
        return 0;
    double user = strtod (at, &at);
    return (user + strtod (at, NULL)) / (double)sysconf (_SC_CLK_TCK);
}

void node_memory (node_t *self, bench_t *bench, const char *row)
{
    double anon = anon_mb (self->pid);
    if (anon > self->anon_peak)
        self->anon_peak = anon;
    const figure_id_t all = {"memory", row, "resident", "MB", NULL};
    const figure_id_t own = {"memory", row, "own", "MB", NULL};
    figure_add (&bench->figures, &all, status_mb (self->pid, "VmHWM"));
    figure_add (&bench->figures, &own, self->anon_peak);
}

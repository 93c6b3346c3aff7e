//  tidepool-bench - the node and the raw limits of this machine, side by side, in one run

#include "tools/bench/bench.h"
#include "tools/bench/place.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

const size_t bench_sizes[BENCH_SIZES] = {1, 10, 100, 1000};

//  ---- the benchmarks: a limit stands before what is compared with it

enum { COMMITS = 1, FRAMES = 2, PAIR = 4, TURN = 8, COPY = 16 };

typedef struct part {
    const char *name;
    unsigned limit; // which one it is; 0: none
    unsigned needs; // limits that are measured with it
    void (*run) (bench_t *self);
    const char *text;
} part_t;

static const part_t parts[] = {
    {"raw_commits", COMMITS, 0, raw_commits,
        "durable commits of the same operations into one sequential table of LMDB"},
    {"raw_frames", FRAMES, 0, raw_frames,
        "frames of so many operations one way through CURVE over TCP; round trips"},
    {"raw_pair", PAIR, 0, raw_pair,
        "the bare loop with a window: commit, send, commit, acknowledge; only a log"},
    {"raw_turn", TURN, 0, raw_turn, "the bare loop, one operation at a time"},
    {"raw_copy", COPY, 0, raw_copy, "one table in its order, over CURVE into another LMDB"},
    {"apply", 0, COMMITS | PAIR, run_apply,
        "creates into one node of a pair, so many in a request, several requests in flight"},
    {"apps", 0, PAIR, run_apps, "64 apps at once, each with one request of one operation"},
    {"latency", 0, COMMITS | TURN, run_latency,
        "one create at a time on A, 10 ms apart: until answered; until it is in B's feed"},
    {"conflict", 0, PAIR, run_conflict,
        "both nodes update the same records at once, until their digests are equal"},
    {"bootstrap", 0, COPY, run_bootstrap,
        "a third node joins: from the request to join until it is ready"},
    {"ingest", 0, 0, run_ingest, "a tree of small files, warm, becomes rows"},
    {"identify", 0, 0, run_identify, "the contents of small and of larger files are found"},
};
#define PARTS (sizeof parts / sizeof *parts)

const char *bench_text (const char *name)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp (parts[i].name, name) == 0)
            return parts[i].text;
    return strcmp (name, "memory") == 0
               ? "peaks: resident (VmHWM, with LMDB's pages), and its own (RssAnon, sampled)"
               : "";
}

//  ---- the end, and time

static volatile sig_atomic_t interrupted;

static void on_signal (int number)
{
    interrupted = number;
}

void bench_check_interrupt (void)
{
    if (interrupted)
        die ("interrupted");
}

void die (const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    fputs ("tidepool-bench: ", stderr);
    vfprintf (stderr, format, arguments);
    fputc ('\n', stderr);
    va_end (arguments);
    exit (1);
}

double clock_now (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void clock_sleep (double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep (&time, NULL);
    bench_check_interrupt ();
}

//  ---- being called

#define FILES_MAX 10000000

static const char usage_text[] =
    "usage: tidepool-bench [--quick] [--json] [OPTION]... [BENCHMARK]...\n"
    "\n"
    "Measures nodes and the raw limits of this machine, in turn. Starts real nodes in a\n"
    "fresh directory, and leaves nothing behind. Without names: all of --list, in two or\n"
    "three minutes.\n"
    "\n"
    "    --quick         a few seconds; wanders more\n"
    "    --json          one JSON document instead of tables\n"
    "    --repeat N      runs, of which the median is taken (3; quick: 1)\n"
    "    --in-flight N   requests under way at once (8)\n"
    "    --files N       in the tree of ingest (20000; quick: 2000)\n"
    "    --dir DIR       below which to work ($TMPDIR, else here): a real disk\n"
    "    --list          the benchmarks\n"
    "    --help          this text\n"
    "    --version       its version\n";

typedef struct call {
    bool quick;
    bool json;
    size_t repeat;
    size_t in_flight;
    size_t files;
    const char *dir;
    bool wanted[PARTS];
} call_t;

static int usage (const char *text, const char *what)
{
    fprintf (stderr, "tidepool-bench: %s%s\n%s", text, what, usage_text);
    exit (2);
}

static size_t number_of (const char *text, size_t max)
{
    char *end;
    unsigned long value = strtoul (text, &end, 10);
    if (*end || value < 1 || value > max)
        usage ("not a number that it takes: ", text);
    return value;
}

static void list_print (void)
{
    for (size_t i = 0; i < PARTS; i++)
        printf ("%-12s %s\n", parts[i].name, parts[i].text);
    exit (0);
}

static void want (call_t *call, char *const *names)
{
    unsigned needs = 0;
    bool all = !*names;
    for (; *names; names++) {
        size_t at = 0;
        while (at < PARTS && strcmp (parts[at].name, *names) != 0)
            at++;
        if (at == PARTS)
            usage ("no such benchmark: ", *names);
        call->wanted[at] = true;
        needs |= parts[at].needs;
    }
    for (size_t i = 0; i < PARTS; i++)
        call->wanted[i] = call->wanted[i] || all || (parts[i].limit & needs);
}

static call_t call_read (int argc, char *argv[])
{
    static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
        {"json", no_argument, NULL, 'j'}, {"repeat", required_argument, NULL, 'r'},
        {"in-flight", required_argument, NULL, 'f'}, {"files", required_argument, NULL, 'n'},
        {"dir", required_argument, NULL, 'd'}, {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    call_t call = {.in_flight = 8};
    for (int option; (option = getopt_long (argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 'q': call.quick = true; break;
        case 'j': call.json = true; break;
        case 'r': call.repeat = number_of (optarg, FIGURE_RUNS_MAX); break;
        case 'f': call.in_flight = number_of (optarg, 1000); break;
        case 'n': call.files = number_of (optarg, FILES_MAX); break;
        case 'd': call.dir = optarg; break;
        case 'l': list_print (); break;
        case 'h': fputs (usage_text, stdout); exit (0);
        case 'v': printf ("tidepool-bench %s\n", TIDEPOOL_VERSION); exit (0);
        default: fputs (usage_text, stderr); exit (2);
        }
    }
    if (!call.repeat)
        call.repeat = call.quick ? 1 : 3;
    if (!call.files)
        call.files = call.quick ? 2000 : 20000;
    want (&call, argv + optind);
    return call;
}

//  ---- all of it

//  The directory of this program, where tidepoold is too.
static const char *bin_dir (void)
{
    static char path[512];
    ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 1);
    if (size < 0)
        die ("/proc/self/exe: %s", strerror (errno));
    path[size] = 0;
    *strrchr (path, '/') = 0;
    return path;
}

static void run_all (bench_t *self, const call_t *call)
{
    for (size_t run = 0; run < self->repeat; run++)
        for (size_t i = 0; i < PARTS; i++) {
            if (!call->wanted[i])
                continue;
            fprintf (stderr, "run %zu of %zu: %s\n", run + 1, self->repeat, parts[i].name);
            parts[i].run (self);
        }
}

int main (int argc, char *argv[])
{
    call_t call = call_read (argc, argv);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction (SIGINT, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
    sigaction (SIGHUP, &action, NULL);
    bench_t bench = {.quick = call.quick,
        .repeat = call.repeat,
        .in_flight = call.in_flight,
        .files = call.files,
        .place = place_make (call.dir),
        .bin = bin_dir (),
        .context = zmq_ctx_new ()};
    head_t head = {.version = TIDEPOOL_VERSION,
        .repeat = call.repeat,
        .in_flight = call.in_flight,
        .quick = call.quick};
    machine_describe (head.machine, sizeof head.machine);
    machine_load (head.load, sizeof head.load);
    place_describe (bench.place, head.place, sizeof head.place);
    if (place_is_memory (bench.place))
        figure_note (
            &bench.figures, "the files lie in memory: commits cost nothing there; use --dir");
    double begin = clock_now ();
    run_all (&bench, &call);
    head.seconds = clock_now () - begin;
    (call.json ? report_json : report_table) (&bench.figures, &head, stdout);
    figures_release (&bench.figures);
    zmq_ctx_term (bench.context);
    return 0;
}

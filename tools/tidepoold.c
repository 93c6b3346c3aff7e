//  tidepoold - a node, in the foreground
//
//  Exit status: 0 it was told to stop, 1 it failed, 2 it was called wrongly.

#include "actors/shell/node.h"

#include <czmq.h>
#include <getopt.h>
#include <lmdb.h>
#include <stdio.h>

#define SETS_MAX 256

static const char usage_text[] =
    "usage: tidepoold DIR [--set SECTION/KEY=VALUE]...\n"
    "\n"
    "Runs the node of the data directory DIR (made by: tidepool init DIR) until SIGTERM\n"
    "or SIGINT. Logs go to standard error; readiness is told to systemd.\n"
    "\n"
    "    --set SECTION/KEY=VALUE   in place of what DIR/node.zpl says; of a key that may\n"
    "                              repeat, the first --set replaces all, further ones add\n"
    "    --help                    this text\n"
    "    --version                 its version, and that of its libraries\n";

static int print_version (void)
{
    int major, minor, patch;
    zmq_version (&major, &minor, &patch);
    printf ("tidepoold %s\nlibzmq %d.%d.%d\n", TIDEPOOL_VERSION, major, minor, patch);
    zsys_version (&major, &minor, &patch);
    printf ("czmq %d.%d.%d\n", major, minor, patch);
    mdb_version (&major, &minor, &patch);
    printf ("LMDB %d.%d.%d\n", major, minor, patch);
    return 0;
}

static int usage (const char *text)
{
    fprintf (stderr, "tidepoold: %s\n%s", text, usage_text);
    return 2;
}

int main (int argc, char *argv[])
{
    static const struct option options[] = {{"set", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    const char *sets[SETS_MAX];
    size_t set_count = 0;
    for (int option; (option = getopt_long (argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 's':
            if (set_count == SETS_MAX)
                return usage ("too many --set");
            sets[set_count++] = optarg;
            break;
        case 'h': fputs (usage_text, stdout); return 0;
        case 'v': return print_version ();
        default: fputs (usage_text, stderr); return 2;
        }
    }
    if (optind + 1 != argc)
        return usage ("it wants one data directory");
    const node_options_t node = {.dir = argv[optind],
        .sets = sets,
        .set_count = set_count,
        .version = TIDEPOOL_VERSION,
        .roster = roster_all,
        .roster_count = roster_count};
    why_t why = {""};
    return node_run (&node, &why) ? 1 : 0;
}

//  run_identify - contents are found, beside a bare loop over the same files
//
//  The bare loops are one thread: open, read to the end, BLAKE2b, close; the second asks libmagic for the type too, as the
//  node does for every file. Both trees are warm.

#include "messages/request.h"
#include "tools/bench/node.h"
#include "tools/bench/place.h"

#include <errno.h>
#include <fcntl.h>
#include <magic.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES      (256u << 10)
#define HEAD_BYTES      (16u << 10) // what libmagic is shown, as by the node
#define FILES_IN_FOLDER 100

typedef struct tree {
    const char *name; // of its rows in the table
    size_t files;
    size_t bytes; // of each, about
    char dir[160];
} tree_t;

static void path_of (const tree_t *tree, size_t number, char *ret_path, size_t size)
{
    snprintf (ret_path, size, "%s/folder %zu/%zu", tree->dir, number / FILES_IN_FOLDER, number);
}

//  No two alike. Small ones are text, large ones begin like a photograph.
static void file_make (const char *path, size_t number, size_t bytes)
{
    static uint8_t content[4u << 20];
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1};
    uint8_t seed[randombytes_SEEDBYTES] = {(uint8_t)number, (uint8_t)(number >> 8), 1};
    size_t size = bytes;
    if (bytes > HEAD_BYTES) {
        randombytes_buf_deterministic (content, size, seed);
        memcpy (content, jpeg, sizeof jpeg);
    } else
        size = (size_t)snprintf ((char *)content, sizeof content, "file %zu%*s\n", number,
            (int)(bytes / 2 + number % bytes), "");
    int file = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || write (file, content, size) != (ssize_t)size)
        die ("%s: %s", path, strerror (errno));
    close (file);
}

static void tree_make (const tree_t *tree)
{
    char path[256];
    if (mkdir (tree->dir, 0700))
        die ("%s: %s", tree->dir, strerror (errno));
    for (size_t i = 0; i < tree->files; i++) {
        snprintf (path, sizeof path, "%s/folder %zu", tree->dir, i / FILES_IN_FOLDER);
        if (i % FILES_IN_FOLDER == 0 && mkdir (path, 0700))
            die ("%s: %s", path, strerror (errno));
        path_of (tree, i, path, sizeof path);
        file_make (path, i, tree->bytes);
        nodes_look ();
    }
}

//  Reads and hashes one file; with magic asks for its type.
static void file_identify (const char *path, magic_t magic)
{
    static uint8_t bytes[READ_BYTES];
    uint8_t hash[32];
    crypto_generichash_state state;
    ssize_t size;
    int file = open (path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        die ("%s: %s", path, strerror (errno));
    crypto_generichash_init (&state, NULL, 0, sizeof hash);
    for (bool first = true; (size = read (file, bytes, sizeof bytes)) > 0; first = false) {
        if (first && magic)
            magic_buffer (magic, bytes, (size_t)size < HEAD_BYTES ? (size_t)size : HEAD_BYTES);
        crypto_generichash_update (&state, bytes, (unsigned long long)size);
    }
    crypto_generichash_final (&state, hash, sizeof hash);
    close (file);
}

//  Files a second.
static double bare_run (const tree_t *tree, magic_t magic)
{
    char path[256];
    double begin = clock_now ();
    for (size_t i = 0; i < tree->files; i++) {
        path_of (tree, i, path, sizeof path);
        file_identify (path, magic);
    }
    return (double)tree->files / (clock_now () - begin);
}

//  From the end of the scan until the last content is found. Files a second.
static double node_run (node_t *node, const tree_t *tree)
{
    buffer_t request = {NULL, 0, 0};
    slice_t answer;
    uint64_t before = node_metric (node, "tidepool_files_hashed_total"), count = 0;
    request_begin (&request, "ingest", 3);
    pack_string (&request, "action");
    pack_string (&request, "add");
    pack_string (&request, "path");
    pack_string (&request, tree->dir);
    pack_string (&request, "wait");
    pack_bool (&request, true);
    ask_send (&node->admin, buffer_slice (&request));
    buffer_release (&request);
    if (!ask_receive (&node->admin, ASK_SECONDS_MAX * 1000, &answer))
        die ("%s does not answer", node->name);
    answer_check (answer, node->name);
    double begin = clock_now ();
    while (count < tree->files) {
        clock_sleep (0.002);
        count = node_metric (node, "tidepool_files_hashed_total") - before;
        if (clock_now () - begin > ASK_SECONDS_MAX)
            die ("%s has identified %zu of %zu files", node->name, (size_t)count, tree->files);
    }
    return (double)tree->files / (clock_now () - begin);
}

static void tree_run (bench_t *self, node_t *node, const tree_t *tree, magic_t magic)
{
    char rows[3][FIGURE_PART_MAX], limit[3 * FIGURE_PART_MAX];
    static const char *const names[] = {
        "bare loop, hashed", "bare loop, libmagic too", "identified"};
    for (size_t i = 0; i < 3; i++)
        snprintf (rows[i], sizeof rows[i], "%s: %s", tree->name, names[i]);
    bare_run (tree, NULL);
    const figure_id_t hashed = {"identify", rows[0], "files", "/s", NULL};
    figure_add (&self->figures, &hashed, bare_run (tree, NULL));
    snprintf (limit, sizeof limit, "identify/%s/files", rows[0]);
    const figure_id_t judged = {"identify", rows[1], "files", "/s", limit};
    figure_add (&self->figures, &judged, bare_run (tree, magic));
    const figure_id_t identified = {"identify", rows[2], "files", "/s", limit};
    figure_add (&self->figures, &identified, node_run (node, tree));
}

void run_identify (bench_t *self)
{
    tree_t trees[] = {{"small", bench_scale (self, 3000, 300), 500, ""},
        {"1 MiB", bench_scale (self, 300, 30), 1u << 20, ""}};
    magic_t magic = magic_open (MAGIC_MIME_TYPE);
    if (!magic || magic_load (magic, NULL))
        die ("libmagic finds no database");
    node_t *node = node_start (self, "a");
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        snprintf (trees[i].dir, sizeof trees[i].dir, "%s/identify %zu", self->place, i);
        if (access (trees[i].dir, F_OK))
            tree_make (&trees[i]);
        tree_run (self, node, &trees[i], magic);
    }
    node_memory (node, self, "identify");
    node_stop (&node);
    magic_close (magic);
}

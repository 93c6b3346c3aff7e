//  run_identify - contents are found, beside a bare loop over the same files
//
//  The bare loops are one thread, in the order of a walk that is done before: open, read to the end, BLAKE2b, close; the
//  second asks libmagic for the type too. Both trees are warm. The node's time begins where its scan ends. It ends, for
//  identifying, when as many `files` are committed as there are contents, and no two are alike; for the types when the
//  location says that nothing is left to do.

#include "messages/request.h"
#include "tools/bench/node.h"
#include "tools/bench/place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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
    size_t bytes; // of each
    bool types;   // measured too: a millisecond a file
    char dir[160];
} tree_t;

static buffer_t paths; // of a tree, each with its closing zero, in the order of a walk

static void path_of (const tree_t *tree, size_t number, char *ret_path, size_t size)
{
    snprintf (ret_path, size, "%s/folder %zu/%zu", tree->dir, number / FILES_IN_FOLDER, number);
}

//  No two alike. Small ones are lines of text, large ones begin like a photograph.
static void file_make (const char *path, size_t number, size_t bytes)
{
    static uint8_t content[16u << 20];
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1};
    uint8_t seed[randombytes_SEEDBYTES] = {
        (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16)};
    randombytes_buf_deterministic (content, bytes, seed);
    if (bytes > HEAD_BYTES)
        memcpy (content, jpeg, sizeof jpeg);
    else
        for (size_t i = 0; i < bytes; i++)
            content[i] = i % 64 == 63 ? '\n' : i % 6 == 5 ? ' ' : (uint8_t)('a' + content[i] % 26);
    int file = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || write (file, content, bytes) != (ssize_t)bytes)
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

static int path_add (const char *path, const struct stat *stat, int kind, struct FTW *where)
{
    (void)stat;
    (void)where;
    if (kind == FTW_F)
        buffer_append (&paths, path, strlen (path) + 1);
    return 0;
}

//  Files a second.
static double bare_run (const tree_t *tree, magic_t magic)
{
    size_t count = 0;
    buffer_clear (&paths);
    if (nftw (tree->dir, path_add, 16, FTW_PHYS))
        die ("%s: %s", tree->dir, strerror (errno));
    double begin = clock_now ();
    for (size_t at = 0; at < paths.size; count++) {
        const char *path = (const char *)paths.data + at;
        file_identify (path, magic);
        at += strlen (path) + 1;
    }
    return (double)count / (clock_now () - begin);
}

//  ---- the node

static slice_t ingest_ask (node_t *node, const char *action, const char *dir)
{
    buffer_t request = {NULL, 0, 0};
    slice_t answer;
    request_begin (&request, "ingest", 3);
    pack_string (&request, "action");
    pack_string (&request, action);
    pack_string (&request, "path");
    pack_string (&request, dir);
    pack_string (&request, "wait");
    pack_bool (&request, true);
    ask_send (&node->admin, buffer_slice (&request));
    buffer_release (&request);
    if (!ask_receive (&node->admin, ASK_SECONDS_MAX * 1000, &answer))
        die ("%s does not answer", node->name);
    answer_check (answer, node->name);
    return answer;
}

//  Is every location done with all that it has to do?
static bool is_watching (node_t *node)
{
    slice_t list = {NULL, 0}, location, value, state;
    size_t count = 0;
    bool all = true;
    if (!map_find (ingest_ask (node, "list", ""), "locations", &list))
        die ("%s tells of no locations", node->name);
    cursor_t cursor = cursor_over (list);
    cursor_array (&cursor, &count);
    for (size_t i = 0; i < count; i++) {
        if (cursor_skip (&cursor, &location) || !map_find (location, "state", &value))
            die ("%s does not tell the state of its locations", node->name);
        cursor_t at = cursor_over (value);
        all &= cursor_text (&at, &state) == 0 && slice_equal (state, slice_text ("watching"));
    }
    return all;
}

static void wait_check (const node_t *node, const tree_t *tree, double begin)
{
    if (clock_now () - begin > ASK_SECONDS_MAX)
        die ("%s is not done with %zu files of %s", node->name, tree->files, tree->dir);
}

//  Files a second: until all ids, until all types.
static void node_run (node_t *node, const tree_t *tree, double *ret_ids, double *ret_types)
{
    size_t before = node_count (node, "files");
    ingest_ask (node, "add", tree->dir);
    double begin = clock_now ();
    for (; node_count (node, "files") < before + tree->files; clock_sleep (0.002))
        wait_check (node, tree, begin);
    *ret_ids = (double)tree->files / (clock_now () - begin);
    for (; tree->types && !is_watching (node); clock_sleep (0.01))
        wait_check (node, tree, begin);
    *ret_types = (double)tree->files / (clock_now () - begin);
}

static void bare_add (bench_t *self, const tree_t *tree, const char *what, magic_t magic)
{
    char row[FIGURE_PART_MAX];
    snprintf (row, sizeof row, "%s: %s", tree->name, what);
    const figure_id_t figure = {"identify", row, "files", "/s", NULL};
    figure_add (&self->figures, &figure, bare_run (tree, magic));
}

//  Beside which bare loop, and how many times as long.
static void node_add (
    bench_t *self, const tree_t *tree, const char *what, const char *bare, double rate)
{
    char row[FIGURE_PART_MAX], limit[3 * FIGURE_PART_MAX];
    snprintf (row, sizeof row, "%s: %s", tree->name, what);
    snprintf (limit, sizeof limit, "identify/%s: %s/files", tree->name, bare);
    const figure_id_t figure = {"identify", row, "files", "/s", limit};
    figure_add (&self->figures, &figure, rate);
}

static void tree_run (bench_t *self, const tree_t *tree, magic_t magic)
{
    static const char hashed[] = "bare loop, hashed", judged[] = "bare loop, libmagic too";
    double ids, types;
    node_t *node = node_start (self, "a");
    bare_run (tree, NULL);
    bare_add (self, tree, hashed, NULL);
    node_run (node, tree, &ids, &types);
    node_add (self, tree, "identified", hashed, ids);
    if (tree->types) {
        bare_add (self, tree, judged, magic);
        node_add (self, tree, "types known too", judged, types);
    }
    node_memory (node, self, "identify");
    node_stop (&node);
}

void run_identify (bench_t *self)
{
    const tree_t trees[] = {{"4 KiB", self->files, 4u << 10, false, ""},
        {"4 KiB, fewer", bench_scale (self, 2000, 200), 4u << 10, true, ""},
        {"64 KiB", self->files / 4, 64u << 10, false, ""},
        {"1 MiB", self->files / 40, 1u << 20, true, ""},
        {"16 MiB", bench_scale (self, 100, 10), 16u << 20, true, ""}};
    magic_t magic = magic_open (MAGIC_MIME_TYPE);
    if (!magic || magic_load (magic, NULL))
        die ("libmagic finds no database");
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        tree_t tree = trees[i];
        snprintf (tree.dir, sizeof tree.dir, "%s/identify %zu", self->place, i);
        if (access (tree.dir, F_OK))
            tree_make (&tree);
        tree_run (self, &tree, magic);
    }
    magic_close (magic);
    buffer_release (&paths);
}

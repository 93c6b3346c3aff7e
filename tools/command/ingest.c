//  ingest - the folders that the node looks after

#include "tools/command/connection.h"
#include "tools/command/field.h"
#include "tools/command/progress.h"
#include "tools/command/table.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define PROGRESS_MS 300

//  ---- paths

static void parts_append (const char *path, buffer_t *out)
{
    while (*path) {
        size_t size = strcspn (path, "/");
        if (size == 2 && memcmp (path, "..", 2) == 0)
            while (out->size && out->data[--out->size] != '/')
                continue;
        else if (size && !(size == 1 && *path == '.')) {
            buffer_append (out, "/", 1);
            buffer_append (out, path, size);
        }
        path += size + (path[size] == '/');
    }
}

//  Absolute, without links, . and ..; by its text alone where there is no such folder (any more).
static char *path_absolute (const char *path)
{
    char *real = realpath (path, NULL);
    buffer_t text = {NULL, 0, 0};
    char here[PATH_MAX];
    if (real)
        return real;
    if (*path != '/' && getcwd (here, sizeof here))
        parts_append (here, &text);
    parts_append (path, &text);
    buffer_append (&text, text.size ? "" : "/", text.size ? 1 : 2);
    return (char *)text.data;
}

//  ---- showing

static void location_show (
    const command_t *self, const char *done, slice_t answer, const char *path)
{
    char uuid[UUID_TEXT_SIZE], number[SHOW_SIZE];
    if (self->json) {
        document_print (self, answer);
        return;
    }
    field_uuid_text (answer, "location", uuid);
    fprintf (self->out.file, "%s ", done);
    show_text (&self->out, slice_text (path));
    fprintf (self->out.file, ": %s entries, location %s\n",
        show_number (field_uint (answer, "entries"), number), uuid);
}

//  What is being done, how fast, and how long it takes still, if that is known: "12,345 listed, 40,000/s, 3 s left".
static void progress_text (slice_t location, slice_t state, char *text, size_t size)
{
    char done[SHOW_SIZE] = "", per_s[SHOW_SIZE], left[SHOW_SIZE] = "", number[SHOW_SIZE];
    bool scans = slice_equal (state, slice_text ("scanning"));
    bool identifies = slice_equal (state, slice_text ("identifying"));
    uint64_t rate = field_uint (location, scans        ? "files_per_s"
                                          : identifies ? "identified_per_s"
                                                       : "typed_per_s");
    uint64_t seconds = field_uint (location, "seconds_left");
    text[0] = 0;
    if (!scans && !identifies && !slice_equal (state, slice_text ("typing")))
        return;
    if (scans)
        snprintf (done, sizeof done, "%s listed, ",
            show_number (field_uint (location, "listed"), number));
    if (seconds >= 120)
        snprintf (left, sizeof left, ", %s min left", show_number (seconds / 60, number));
    else if (seconds)
        snprintf (left, sizeof left, ", %s s left", show_number (seconds, number));
    snprintf (text, size, "%s%s/s%s", done, show_number (rate, per_s), left);
}

static void row_add (table_t *table, slice_t location)
{
    char text[UUID_TEXT_SIZE], number[SHOW_SIZE], progress[4 * SHOW_SIZE];
    static const char *const counts[] = {
        "entries", "unidentified", "untyped", "ignored", "skipped", "unreadable"};
    slice_t mode = field_text (location, "mode");
    slice_t state = field_text (location, "state");
    bool missing = slice_equal (state, slice_text ("missing"));
    field_uuid_text (location, "location", text);
    table_add_text (table, STYLE_PLAIN, text);
    table_add (table, STYLE_BOLD, field_text (location, "path"));
    table_add (table,
        missing                                        ? STYLE_BAD
        : slice_equal (state, slice_text ("watching")) ? STYLE_GOOD
                                                       : STYLE_WARNING,
        state);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        table_add_text (table, STYLE_PLAIN, show_number (field_uint (location, counts[i]), number));
    table_add (table, STYLE_PLAIN, mode);
    progress_text (location, state, progress, sizeof progress);
    table_add_text (table, STYLE_PLAIN, progress);
}

static void patterns_show (const command_t *self, slice_t location)
{
    static const char *const lists[] = {"exclude", "default_excludes"};
    bool any = false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        walk_t walk = walk_array (field_find (location, lists[i]));
        slice_t value, text;
        while (walk_next (&walk, NULL, &value)) {
            cursor_t cursor = cursor_over (value);
            if (cursor_text (&cursor, &text))
                continue;
            if (!any) {
                show_text (&self->out, field_text (location, "path"));
                fputs (" leaves out:", self->out.file);
            }
            any = true;
            fputs (" ", self->out.file);
            show_text (&self->out, text);
        }
    }
    if (any)
        fputs ("\n", self->out.file);
}

static void locations_show (const command_t *self, slice_t answer)
{
    static const char *const heads[] = {"LOCATION", "FOLDER", "STATE", "ENTRIES", "TO IDENTIFY",
        "TO TYPE", "IGNORED", "SPECIAL", "UNREADABLE", "MODE", "PROGRESS"};
    if (self->json) {
        document_print (self, answer);
        return;
    }
    table_t *table = table_new ("lflrrrrrrll", heads);
    walk_t walk = walk_array (field_find (answer, "locations"));
    slice_t location;
    while (walk_next (&walk, NULL, &location))
        row_add (table, location);
    if (table_rows (table))
        table_print (table, &self->out);
    else
        fputs ("no folders: tidepool ingest add FOLDER\n", self->out.file);
    walk = walk_array (field_find (answer, "locations"));
    while (walk_next (&walk, NULL, &location))
        patterns_show (self, location);
    table_destroy (&table);
}

//  ---- waiting

static void scan_show (progress_t *progress, slice_t answer, const char *path)
{
    walk_t walk = walk_array (field_find (answer, "locations"));
    slice_t location;
    char listed[SHOW_SIZE], per_s[SHOW_SIZE];
    while (walk_next (&walk, NULL, &location))
        if (slice_equal (field_text (location, "path"), slice_text (path)))
            progress_show (progress, "%s entries, %s/s",
                show_number (field_uint (location, "listed"), listed),
                show_number (field_uint (location, "files_per_s"), per_s));
}

//  The answer comes when the scan is done; meanwhile a second connection asks how far it is.
static int scan_wait (
    const command_t *self, connection_t *connection, const char *path, slice_t *ret_answer)
{
    connection_t *other = NULL;
    progress_t progress = progress_on (self);
    slice_t list;
    int status = connection_receive (connection, PROGRESS_MS, ret_answer);
    if (status == CONNECTION_WAITS && progress_wanted (self))
        connection_open (self, "admin", &other);
    while (status == CONNECTION_WAITS) {
        ask_t ask = {.verb = "ingest"};
        ask_text (&ask, "action", "list");
        if (other && connection_ask (other, &ask, ANSWER_MS, &list) == EXIT_DONE)
            scan_show (&progress, list, path);
        buffer_release (&ask.fields);
        status = connection_receive (connection, PROGRESS_MS, ret_answer);
    }
    progress_end (&progress);
    connection_destroy (&other);
    return status;
}

//  ---- asking

static void excludes_ask (const command_t *self, ask_t *ask)
{
    buffer_t items = {NULL, 0, 0}, list = {NULL, 0, 0};
    size_t at = 0, count = 0;
    for (const char *glob; (glob = option_next (self, OPTION_EXCLUDE, &at)); count++)
        pack_string (&items, glob);
    pack_array (&list, count);
    pack_raw (&list, buffer_slice (&items));
    if (count)
        ask_raw (ask, "exclude", buffer_slice (&list));
    buffer_release (&items);
    buffer_release (&list);
}

//  `path` is NULL where no folder is named; a uuid is a location.
static int ingest_ask (command_t *self, const char *action, const char *word, char *path)
{
    connection_t *connection = NULL;
    ask_t ask = {.verb = "ingest"};
    slice_t answer;
    uuid16_t location;
    bool wait = option_given (self, OPTION_WAIT), list = strcmp (action, "list") == 0;
    ask_text (&ask, "action", action);
    if (path && strcmp (action, "add") != 0 && uuid_from_text (slice_text (word), &location) == 0)
        ask_uuid (&ask, "location", &location);
    else if (path)
        ask_text (&ask, "path", path);
    excludes_ask (self, &ask);
    if (option_given (self, OPTION_NO_DEFAULTS))
        ask_bool (&ask, "no_default_excludes", true);
    if (option_given (self, OPTION_MODE))
        ask_text (&ask, "mode", option_value (self, OPTION_MODE));
    if (wait)
        ask_bool (&ask, "wait", true);
    int status = connection_open (self, "admin", &connection);
    if (status == EXIT_DONE)
        status = connection_send (connection, &ask);
    buffer_release (&ask.fields);
    if (status == EXIT_DONE)
        status = scan_wait (self, connection, path ? path : "", &answer);
    if (status == EXIT_DONE && (list || !path || !field_is_nil (answer, "locations")))
        locations_show (self, answer);
    else if (status == EXIT_DONE)
        location_show (self,
            strcmp (action, "add") == 0      ? "added"
            : strcmp (action, "remove") == 0 ? "removed"
                                             : "rescanned",
            answer, path);
    connection_destroy (&connection);
    return status;
}

int command_ingest (command_t *self)
{
    const char *action = self->words[0];
    bool add = strcmp (action, "add") == 0, list = strcmp (action, "list") == 0;
    bool remove = strcmp (action, "remove") == 0, rescan = strcmp (action, "rescan") == 0;
    if (!add && !list && !remove && !rescan)
        return usage_fail (self, "ingest add, list, remove or rescan, not %s", action);
    if ((add || remove) && self->word_count < 2)
        return usage_fail (self, "ingest %s which folder?", action);
    if (list && self->word_count > 1)
        return usage_fail (self, "ingest list: what is %s?", self->words[1]);
    static const int of_add[] = {OPTION_EXCLUDE, OPTION_NO_DEFAULTS, OPTION_MODE};
    static const char *const of_add_names[] = {"exclude", "no-default-excludes", "mode"};
    for (size_t i = 0; i < sizeof of_add / sizeof *of_add; i++)
        if (!add && option_given (self, of_add[i]))
            return usage_fail (self, "--%s is for ingest add", of_add_names[i]);
    if (!add && !rescan && option_given (self, OPTION_WAIT))
        return usage_fail (self, "--wait is for ingest add and ingest rescan");
    char *path = self->word_count > 1 ? path_absolute (self->words[1]) : NULL;
    int status = path && !utf8_valid (slice_text (path))
                     ? usage_fail (self, "%s: its name is not UTF-8", path)
                     : ingest_ask (self, action, self->words[1], path);
    free (path);
    return status;
}

//  help - usage, version, and what is said when something goes wrong

#include "tools/command/command.h"
#include "tools/command/json.h"

#include <czmq.h>
#include <lmdb.h>
#include <stdarg.h>

//  ---- help

static void entry_print (const show_t *show, const command_entry_t *entry)
{
    char left[160];
    snprintf (left, sizeof left, "%s %s", entry->name, entry->synopsis);
    if (strlen (left) <= 34)
        fprintf (show->file, "  %-34s  %s\n", left, entry->text);
    else
        fprintf (show->file, "  %s\n  %34s  %s\n", left, "", entry->text);
}

static void option_print (const show_t *show, int option)
{
    static const struct {
        char letter;
        const char *name, *value, *text;
    } options[] = {
#define X(NAME, letter, name, value, text) {letter, name, value, text},
        OPTION_LIST (X)
#undef X
    };
    char left[96];
    char letter[] = {'-', options[option].letter, ',', ' ', 0};
    const char *value = options[option].value;
    snprintf (left, sizeof left, "%s--%s%s%s", options[option].letter ? letter : "    ",
        options[option].name, value ? " " : "", value ? value : "");
    if (strlen (left) <= 34)
        fprintf (show->file, "  %-34s  %s\n", left, options[option].text);
    else
        fprintf (show->file, "  %s\n  %34s  %s\n", left, "", options[option].text);
}

static void help_of_all (const show_t *show)
{
    fputs ("usage: tidepool [-d DIR] [--json] COMMAND ...\n\n"
           "Speaks with the node of the data directory DIR.\n\n",
        show->file);
    for (size_t i = 0; i < command_entry_count; i++)
        entry_print (show, &command_entries[i]);
    fputc ('\n', show->file);
    for (int i = OPTION_DIR; i <= OPTION_VERSION; i++)
        option_print (show, i);
    fputs ("\ntidepool COMMAND --help says more about one of them.\n"
           "Exit status: 0 done, 1 the node refused, 2 called wrongly, 3 no node answers.\n",
        show->file);
}

static void help_of (const show_t *show, const command_entry_t *entry)
{
    fprintf (show->file, "usage: tidepool [-d DIR] [--json] %s%s%s\n\n%s\n", entry->name,
        *entry->synopsis ? " " : "", entry->synopsis, entry->text);
    if (entry->more)
        fprintf (show->file, "\n%s", entry->more);
    if (entry->options)
        fputc ('\n', show->file);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (entry->options >> i & 1)
            option_print (show, i);
}

int help_print (const command_t *self)
{
    if (self->entry)
        help_of (&self->out, self->entry);
    else
        help_of_all (&self->out);
    return EXIT_DONE;
}

int version_print (const command_t *self)
{
    static const char *const names[] = {"tidepool", "libzmq", "czmq", "LMDB"};
    int numbers[4][3] = {{0}};
    buffer_t map = {NULL, 0, 0};
    zmq_version (&numbers[1][0], &numbers[1][1], &numbers[1][2]);
    zsys_version (&numbers[2][0], &numbers[2][1], &numbers[2][2]);
    mdb_version (&numbers[3][0], &numbers[3][1], &numbers[3][2]);
    pack_map (&map, 4);
    for (size_t i = 0; i < 4; i++) {
        char text[48] = TIDEPOOL_VERSION;
        if (i)
            snprintf (text, sizeof text, "%d.%d.%d", numbers[i][0], numbers[i][1], numbers[i][2]);
        if (!self->json)
            fprintf (self->out.file, "%s %s\n", names[i], text);
        pack_string (&map, names[i]);
        pack_string (&map, text);
    }
    if (self->json)
        document_print (self, buffer_slice (&map));
    buffer_release (&map);
    return EXIT_DONE;
}

//  ---- when something goes wrong

int usage_fail (const command_t *self, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    FILE *file = self->err.file;
    fputs ("tidepool: ", file);
    show_text (&self->err, slice_text (text));
    if (self->entry)
        fprintf (file, "\nusage: tidepool [-d DIR] [--json] %s%s%s\n", self->entry->name,
            *self->entry->synopsis ? " " : "", self->entry->synopsis);
    else
        fputs ("\nusage: tidepool [-d DIR] [--json] COMMAND ...\n"
               "tidepool --help names the commands.\n",
            file);
    return EXIT_USAGE;
}

int command_fail (const command_t *self, const char *code, slice_t message)
{
    FILE *file = self->err.file;
    fputs (show_begin (&self->err, STYLE_BAD), file);
    show_text (&self->err, slice_text (code));
    fputs (show_end (&self->err, STYLE_BAD), file);
    fputs (": ", file);
    show_text (&self->err, message);
    fputc ('\n', file);
    return error_from_name (code) == ERR_NO_ANSWER ? EXIT_NO_ANSWER : EXIT_REFUSED;
}

int command_fail_error (const command_t *self, int error, const char *message)
{
    return command_fail (
        self, error_name (error), slice_text (message && *message ? message : error_text (error)));
}

//  ---- documents

//  The map without the envelope's entries.
static void answer_strip (slice_t map, buffer_t *out)
{
    cursor_t cursor = cursor_over (map);
    buffer_t entries = {NULL, 0, 0};
    size_t count, kept = 0;
    slice_t name, value;
    if (cursor_map (&cursor, &count))
        count = 0;
    while (count-- && cursor_text (&cursor, &name) == 0 && cursor_skip (&cursor, &value) == 0) {
        if (slice_equal (name, slice_text ("id")) || slice_equal (name, slice_text ("ok")))
            continue;
        pack_text (&entries, name);
        pack_raw (&entries, value);
        kept++;
    }
    pack_map (out, kept);
    pack_raw (out, buffer_slice (&entries));
    buffer_release (&entries);
}

void document_print (const command_t *self, slice_t map)
{
    buffer_t stripped = {NULL, 0, 0}, text = {NULL, 0, 0};
    answer_strip (map, &stripped);
    json_write (buffer_slice (&stripped), &text);
    fwrite (text.data, 1, text.size, self->out.file);
    fputc ('\n', self->out.file);
    buffer_release (&stripped);
    buffer_release (&text);
}

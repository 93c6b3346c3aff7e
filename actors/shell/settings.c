//  settings - the keys of node.zpl and of --set

#include "actors/shell/settings.h"

#include <czmq.h>
#include <stdlib.h>

#define PATH_BYTES 512
#define FILE_BYTES (1 << 20)

void settings_release (settings_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free (self->items[i].path);
        free (self->items[i].value);
    }
    free (self->items);
    *self = (settings_t){NULL, 0, 0};
}

static void settings_append (settings_t *self, const char *path, const char *value, int line)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 32;
        self->items = realloc (self->items, self->capacity * sizeof *self->items);
    }
    setting_t setting = {strdup (path), strdup (value), line};
    if (!self->items || !setting.path || !setting.value)
        abort ();
    self->items[self->count++] = setting;
}

static void settings_remove (settings_t *self, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++)
        if (streq (self->items[i].path, path)) {
            free (self->items[i].path);
            free (self->items[i].value);
        } else
            self->items[kept++] = self->items[i];
    self->count = kept;
}

const char *setting_place (const setting_t *self, char *text, size_t size)
{
    if (self->line)
        snprintf (text, size, "%s (line %d)", self->path, self->line);
    else
        snprintf (text, size, "--set %s", self->path);
    return text;
}

//  ---- the file: its significant lines are zconfig's items in preorder

typedef struct lines {
    int *numbers;
    size_t count;
    size_t next;
} lines_t;

//  The indentation of a line that says something; -1 for an empty one and a comment.
static int line_depth (const char *line, size_t size)
{
    size_t blank = 0;
    while (blank < size && isspace ((unsigned char)line[blank]))
        blank++;
    return blank == size || line[blank] == '#' ? -1 : (int)blank;
}

static int lines_of (const char *text, const char *file, lines_t *ret_lines, why_t *why)
{
    int number = 0, before = -4;
    for (const char *at = text; *at;) {
        const char *end = strchr (at, '\n');
        size_t size = end ? (size_t)(end - at) : strlen (at);
        int depth = line_depth (at, size);
        number++;
        if (depth >= 0 && (memchr (at, '\t', (size_t)depth) || depth % 4 || depth > before + 4))
            return why_fail (why, ERR_BAD_CONFIGURATION,
                "%s, line %d: a key stands exactly 4 spaces to the right of its section", file,
                number);
        if (depth >= 0) {
            ret_lines->numbers[ret_lines->count++] = number;
            before = depth;
        }
        at += end ? size + 1 : size;
    }
    return 0;
}

static void walk (settings_t *self, zconfig_t *item, const char *above, lines_t *lines)
{
    for (; item; item = zconfig_next (item)) {
        char path[PATH_BYTES];
        snprintf (path, sizeof path, "%s%s%s", above, *above ? "/" : "", zconfig_name (item));
        int line = lines->next < lines->count ? lines->numbers[lines->next] : 0;
        lines->next++;
        const char *value = zconfig_value (item);
        zconfig_t *child = zconfig_child (item);
        if (!child || (value && *value))
            settings_append (self, path, value ? value : "", line);
        walk (self, child, path, lines);
    }
}

static int parse (settings_t *self, const char *file, const char *text, why_t *why)
{
    lines_t lines = {calloc (strlen (text) + 1, sizeof (int)), 0, 0};
    if (!lines.numbers)
        abort ();
    int rc = lines_of (text, file, &lines, why);
    zconfig_t *root = rc ? NULL : zconfig_str_load (text);
    if (root)
        walk (self, zconfig_child (root), "", &lines);
    if (rc == 0 && (!root || lines.next != lines.count))
        rc = why_fail (why, ERR_BAD_CONFIGURATION,
            "%s is not in the form KEY = VALUE, with quotes closed where there are any", file);
    zconfig_destroy (&root);
    free (lines.numbers);
    return rc;
}

int settings_load (settings_t *self, const char *file, why_t *why)
{
    FILE *stream = fopen (file, "re");
    if (!stream)
        return why_fail (why, ERR_BAD_CONFIGURATION, "%s: %s", file, strerror (errno));
    char *text = calloc (1, FILE_BYTES + 1);
    if (!text)
        abort ();
    size_t size = fread (text, 1, FILE_BYTES, stream);
    int rc = ferror (stream) || !feof (stream) ? why_fail (why, ERR_BAD_CONFIGURATION,
                                                     "%s cannot be read, or is over 1 MiB", file)
             : strlen (text) != size
                 ? why_fail (why, ERR_BAD_CONFIGURATION, "%s is not a text file", file)
                 : parse (self, file, text, why);
    fclose (stream);
    free (text);
    return rc;
}

//  ---- --set

static bool seen_before (const char *const *texts, size_t index, const char *path)
{
    size_t size = strlen (path);
    for (size_t i = 0; i < index; i++)
        if (strncmp (texts[i], path, size) == 0 && texts[i][size] == '=')
            return true;
    return false;
}

int settings_override (settings_t *self, const char *const *texts, size_t count,
    bool (*repeats) (const char *path), why_t *why)
{
    for (size_t i = 0; i < count; i++) {
        const char *equal = strchr (texts[i], '=');
        char path[PATH_BYTES];
        if (!equal || equal == texts[i] || equal - texts[i] >= PATH_BYTES)
            return why_fail (
                why, ERR_BAD_CONFIGURATION, "--set %.100s: it wants SECTION/KEY=VALUE", texts[i]);
        for (const char *at = texts[i]; *at; at++)
            if ((unsigned char)*at < 0x20)
                return why_fail (
                    why, ERR_BAD_CONFIGURATION, "--set: control characters are not allowed");
        snprintf (path, sizeof path, "%.*s", (int)(equal - texts[i]), texts[i]);
        if (!repeats (path) || !seen_before (texts, i, path))
            settings_remove (self, path);
        settings_append (self, path, equal + 1, 0);
    }
    return 0;
}

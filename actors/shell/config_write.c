//  config_write - the text of a new node.zpl

#include "actors/shell/config.h"
#include "actors/shell/config_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__ ((format (printf, 2, 3))) static void write_text (
    buffer_t *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    buffer_append (out, text, size < (int)sizeof text ? (size_t)size : sizeof text - 1);
}

//  ZPL knows no escapes: the quote is the one that is not in the value.
static void write_value (buffer_t *out, const char *value)
{
    char quote = strchr (value, '"') ? '\'' : '"';
    write_text (out, "%c%.900s%c\n", quote, value, quote);
}

//  The value of a set for this path; NULL.
static const char *set_value (const char *set, const char *path)
{
    size_t size = strlen (path);
    return strncmp (set, path, size) == 0 && set[size] == '=' ? set + size + 1 : NULL;
}

static void write_key (
    const config_key_t *key, const char *const *sets, size_t set_count, buffer_t *out)
{
    const char *name = strchr (key->path, '/') + 1;
    const char *last = NULL;
    write_text (out, "#   %s\n", key->text);
    for (size_t i = 0; i < set_count; i++) {
        const char *value = set_value (sets[i], key->path);
        if (value && key->repeats) {
            write_text (out, "    %s = ", name);
            write_value (out, value);
        }
        last = value ? value : last;
    }
    if (!last) {
        write_text (out, "#    %s = ", name);
        if (strchr (key->initial, '%'))
            write_text (out, "\"ipc://DIR/%s.sock\"\n", name);
        else
            write_text (out, *key->initial == '(' ? "%s\n" : "\"%s\"\n", key->initial);
    } else if (!key->repeats) {
        write_text (out, "    %s = ", name);
        write_value (out, last);
    }
}

static void write_section (
    const char *section, const char *const *sets, size_t set_count, buffer_t *out)
{
    size_t size = strlen (section);
    write_text (out, "%s\n", section);
    for (size_t i = 0; i < config_key_count; i++)
        if (strncmp (config_keys[i].path, section, size) == 0 && config_keys[i].path[size] == '/')
            write_key (&config_keys[i], sets, set_count, out);
}

static bool part_equal (const char *a, const char *b, char end)
{
    while (*a && *a == *b && *a != end) {
        a++;
        b++;
    }
    return *a == end && *b == end;
}

//  resources/NAME/KEY=VALUE: all of one NAME below each other.
static void write_resources (const char *const *sets, size_t set_count, buffer_t *out)
{
    const size_t head = strlen ("resources/");
    for (size_t i = 0; i < set_count; i++) {
        if (strncmp (sets[i], "resources/", head) != 0)
            continue;
        const char *name = sets[i] + head;
        bool first = true;
        for (size_t j = 0; j < i; j++)
            if (strncmp (sets[j], "resources/", head) == 0 &&
                part_equal (sets[j] + head, name, '/'))
                first = false;
        if (!first)
            continue;
        write_text (out, "    %.*s\n", (int)strcspn (name, "/="), name);
        for (size_t j = i; j < set_count; j++) {
            const char *key = strchr (name, '/') ? strchr (sets[j] + head, '/') : NULL;
            const char *equal = key ? strchr (key, '=') : NULL;
            if (!equal || strncmp (sets[j], "resources/", head) != 0 ||
                !part_equal (sets[j] + head, name, '/'))
                continue;
            write_text (out, "        %.*s = ", (int)(equal - key - 1), key + 1);
            write_value (out, equal + 1);
        }
    }
}

void config_write (const char *const *sets, size_t set_count, buffer_t *out)
{
    write_text (out, "#   tidepool: the configuration of one node. What begins with # is a "
                     "comment; a key stands\n"
                     "#   exactly 4 spaces to the right of its section. --set SECTION/KEY=VALUE "
                     "overrides it.\n\n");
    write_section ("node", sets, set_count, out);
    write_text (out, "\n");
    write_section ("endpoints", sets, set_count, out);
    write_text (out, "\nresources\n"
                     "#   kinds of data beside those that a fresh node has; each key is optional\n"
                     "#   photos\n"
                     "#       kind = \"shared\"      shared, owned, derived or local\n"
                     "#       crdt = \"lww\"         lww or gset; shared only\n"
                     "#       delete = \"wins\"      wins or latest; shared lww only\n"
                     "#       from, key, keep      derived only: an owned resource, a property of "
                     "it, what is shown\n");
    write_resources (sets, set_count, out);
}

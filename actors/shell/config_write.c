//  config_write - the text of a new node.zpl

#include "actors/shell/config.h"
#include "actors/shell/config_keys.h"

#include <string.h>

//  Appends texts behind each other, up to a NULL.
static void put_all (buffer_t *out, const char *const *texts)
{
    for (; *texts; texts++)
        buffer_append (out, *texts, strlen (*texts));
}
#define PUT(out, ...) put_all (out, (const char *const[]){__VA_ARGS__, NULL})

//  ZPL knows no escapes: the quote is the one that is not in the value.
static void put_value (buffer_t *out, const char *value)
{
    const char *quote = strchr (value, '"') ? "'" : "\"";
    PUT (out, quote, value, quote, "\n");
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
    PUT (out, "#   ", key->text, "\n");
    for (size_t i = 0; i < set_count; i++) {
        const char *value = set_value (sets[i], key->path);
        if (value && key->repeats) {
            PUT (out, "    ", name, " = ");
            put_value (out, value);
        }
        last = value ? value : last;
    }
    if (!last) {
        PUT (out, "#    ", name, " = ");
        if (strchr (key->initial, '%'))
            PUT (out, "\"ipc://DIR/", name, ".sock\"\n");
        else if (*key->initial == '(')
            PUT (out, key->initial, "\n");
        else
            PUT (out, "\"", key->initial, "\"\n");
    } else if (!key->repeats) {
        PUT (out, "    ", name, " = ");
        put_value (out, last);
    }
}

static void write_section (
    const char *section, const char *const *sets, size_t set_count, buffer_t *out)
{
    size_t size = strlen (section);
    PUT (out, section, "\n");
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
        PUT (out, "    ");
        buffer_append (out, name, strcspn (name, "/="));
        PUT (out, "\n");
        for (size_t j = i; j < set_count; j++) {
            const char *key = strchr (name, '/') ? strchr (sets[j] + head, '/') : NULL;
            const char *equal = key ? strchr (key, '=') : NULL;
            if (!equal || strncmp (sets[j], "resources/", head) != 0 ||
                !part_equal (sets[j] + head, name, '/'))
                continue;
            PUT (out, "        ");
            buffer_append (out, key + 1, (size_t)(equal - key - 1));
            PUT (out, " = ");
            put_value (out, equal + 1);
        }
    }
}

static const char text_head[] =
    "#   tidepool: the configuration of one node. What begins with # is a comment; a key stands\n"
    "#   exactly 4 spaces to the right of its section. --set SECTION/KEY=VALUE overrides it.\n\n";

static const char text_resources[] =
    "\nresources\n"
    "#   kinds of data beside those that a fresh node has; each key is optional\n"
    "#    photos\n"
    "#        kind = \"shared\"\n"
    "#        crdt = \"lww\"\n"
    "#        delete = \"wins\"\n"
    "#   kind: shared, owned, derived or local; crdt (shared): lww or gset; delete (lww): wins or\n"
    "#   latest; from, key, keep (derived): an owned resource, a property of it, what is shown\n";

void config_write (const char *const *sets, size_t set_count, buffer_t *out)
{
    PUT (out, text_head);
    write_section ("node", sets, set_count, out);
    PUT (out, "\n");
    write_section ("endpoints", sets, set_count, out);
    PUT (out, text_resources);
    write_resources (sets, set_count, out);
}

//  value - a record's properties, as they are typed and as they are shown

#include "tools/command/value.h"

#include "tools/command/field.h"
#include "tools/command/json.h"

//  ---- reading

static bool has_name (const buffer_t *entries, slice_t name)
{
    cursor_t cursor = cursor_over (buffer_slice (entries));
    slice_t other;
    while (cursor_text (&cursor, &other) == 0 && cursor_skip (&cursor, NULL) == 0)
        if (slice_equal (name, other))
            return true;
    return false;
}

static int word_read (const command_t *command, const char *word, buffer_t *entries)
{
    const char *equals = strchr (word, '=');
    const char *why = NULL;
    if (!equals)
        return usage_fail (command, "%s is neither k=v nor k:=v", word);
    bool json = equals > word && equals[-1] == ':';
    slice_t name = slice_of (word, (size_t)(equals - word) - json);
    if (name.size == 0)
        return usage_fail (command, "%s has no name", word);
    if (has_name (entries, name))
        return usage_fail (command, "%.*s is there twice", (int)name.size, word);
    pack_text (entries, name);
    if (!json)
        pack_string (entries, equals + 1);
    else if (json_read (slice_text (equals + 1), entries, &why))
        return usage_fail (command, "%s: %s", word, why);
    return EXIT_DONE;
}

int value_read (const command_t *command, char **words, int count, buffer_t *out)
{
    buffer_t entries = {NULL, 0, 0};
    int status = EXIT_DONE;
    for (int i = 0; i < count && status == EXIT_DONE; i++)
        status = word_read (command, words[i], &entries);
    if (status == EXIT_DONE) {
        pack_map (out, (size_t)count);
        pack_raw (out, buffer_slice (&entries));
    }
    buffer_release (&entries);
    return status;
}

//  ---- showing

//  A name as json_write_value wants it: short enough to be one that it knows, or nobody's.
static const char *name_text (slice_t name, char text[32])
{
    text[0] = 0;
    if (name.size < 32) {
        memcpy (text, name.data, name.size);
        text[name.size] = 0;
    }
    return text;
}

//  What ingest writes is known: a time is NTP 32.32, a mode is st_mode.
static bool file_show (slice_t name, slice_t value, buffer_t *out)
{
    char text[TIMESTAMP_TEXT_SIZE];
    uint64_t number;
    cursor_t cursor = cursor_over (value);
    if (cursor_uint (&cursor, &number))
        return false;
    if (slice_equal (name, slice_text ("mode")))
        snprintf (text, sizeof text, "%06o", (unsigned)number);
    else if (slice_equal (name, slice_text ("modified")) ||
             slice_equal (name, slice_text ("created"))) {
        time_to_text (number, text);
        text[strlen ("2022-04-09T06:53:36")] = 0;
    } else
        return false;
    buffer_append (out, text, strlen (text));
    return true;
}

void value_show (slice_t resource, slice_t name, slice_t value, buffer_t *out)
{
    char key[32];
    slice_t text;
    buffer_t json = {NULL, 0, 0};
    cursor_t cursor = cursor_over (value);
    if (slice_equal (resource, slice_text ("file_paths")) && file_show (name, value, out))
        return;
    if (cursor_text (&cursor, &text) == 0) {
        buffer_append (out, text.data, text.size);
        return;
    }
    json_write_value (value, name_text (name, key), &json);
    size_t quote = json.data[0] == '"';
    buffer_append (out, json.data + quote, json.size - 2 * quote);
    buffer_release (&json);
}

void value_show_all (slice_t map, buffer_t *out)
{
    slice_t name, value, text;
    char key[32];
    walk_t walk = walk_map (map);
    for (bool first = true; walk_next (&walk, &name, &value); first = false) {
        cursor_t cursor = cursor_over (value);
        bool is_text = cursor_text (&cursor, &text) == 0;
        if (!first)
            buffer_append (out, " ", 1);
        show_escape (name, out);
        buffer_append (out, is_text ? "=" : ":=", is_text ? 1 : 2);
        if (!is_text)
            json_write_value (value, name_text (name, key), out);
        else if (text.size && !memchr (text.data, ' ', text.size))
            show_escape (text, out);
        else
            json_write_text (text, out); // so that its end is seen
    }
}

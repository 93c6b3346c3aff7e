//  spot - what a row of file_paths says, in its canonical order

#include "actors/ingest/spot.h"

bool text_repair (slice_t bytes, buffer_t *out)
{
    if (utf8_valid (bytes)) {
        buffer_append (out, bytes.data, bytes.size);
        return false;
    }
    for (size_t at = 0; at < bytes.size;) {
        size_t size = 1;
        while (
            size <= 4 && at + size <= bytes.size && !utf8_valid (slice_of (bytes.data + at, size)))
            size++;
        if (size <= 4 && at + size <= bytes.size) {
            buffer_append (out, bytes.data + at, size);
            at += size;
        } else {
            buffer_append (out, "\xef\xbf\xbd", 3);
            at++;
        }
    }
    return true;
}

static void pack_repaired (buffer_t *out, slice_t bytes)
{
    if (utf8_valid (bytes)) {
        pack_text (out, bytes);
        return;
    }
    buffer_t text = {NULL, 0, 0};
    text_repair (bytes, &text);
    pack_text (out, buffer_slice (&text));
    buffer_release (&text);
}

//  What follows the last dot; nothing for a directory, a name that begins with its only dot, or ends with it.
static slice_t name_extension (const entry_t *entry)
{
    slice_t name = entry->name;
    if (!entry_is_dir (entry))
        for (size_t i = name.size; i > 1; i--)
            if (name.data[i - 1] == '.')
                return slice_of (name.data + i, name.size - i);
    return slice_of ("", 0);
}

static void pack_key (buffer_t *out, const char *name)
{
    pack_text (out, slice_text (name));
}

static void pack_path (buffer_t *out, slice_t dir, slice_t name, bool exact)
{
    uint8_t small[512];
    buffer_t path = {NULL, 0, 0};
    slice_t whole = name;
    if (dir.size && dir.size + 1 + name.size <= sizeof small) {
        memcpy (small, dir.data, dir.size);
        small[dir.size] = '/';
        memcpy (small + dir.size + 1, name.data, name.size);
        whole = slice_of (small, dir.size + 1 + name.size);
    } else if (dir.size) {
        buffer_append (&path, dir.data, dir.size);
        buffer_append (&path, "/", 1);
        buffer_append (&path, name.data, name.size);
        whole = buffer_slice (&path);
    }
    if (exact)
        pack_bin (out, whole);
    else
        pack_repaired (out, whole);
    buffer_release (&path);
}

void row_value (const uuid16_t *location, slice_t dir, const entry_t *entry,
    const row_content_t *content, buffer_t *out)
{
    bool known = content && content->known;
    bool odd = !utf8_valid (dir) || !utf8_valid (entry->name);
    bool typed = known && content->mime.size, sampled = known && content->sampled;
    pack_map (out,
        9 + (size_t)known + (size_t)typed + (size_t)sampled + (size_t)odd + (entry->created != 0));
    if (known) {
        pack_key (out, "content_id");
        pack_bin (out, slice_of (content->id.bytes, sizeof content->id.bytes));
    }
    if (entry->created) {
        pack_key (out, "created");
        pack_uint (out, entry->created);
    }
    pack_key (out, "extension");
    pack_repaired (out, name_extension (entry));
    pack_key (out, "inode");
    pack_uint (out, entry->inode);
    pack_key (out, "is_dir");
    pack_bool (out, entry_is_dir (entry));
    pack_key (out, "location");
    pack_bin (out, slice_of (location->bytes, sizeof location->bytes));
    if (typed) {
        pack_key (out, "mime");
        pack_text (out, content->mime);
    }
    pack_key (out, "mode");
    pack_uint (out, entry->mode);
    pack_key (out, "modified");
    pack_uint (out, entry->modified);
    pack_key (out, "name");
    pack_repaired (out, entry->name);
    pack_key (out, "path");
    pack_path (out, dir, entry->name, false);
    if (odd) {
        pack_key (out, "path_bytes");
        pack_path (out, dir, entry->name, true);
    }
    if (sampled) {
        pack_key (out, "sampled");
        pack_bool (out, true);
    }
    pack_key (out, "size");
    pack_uint (out, entry->size);
}

static int view_field (cursor_t *cursor, slice_t name, row_view_t *view, bool *exact)
{
    if (slice_equal (name, slice_text ("content_id"))) {
        view->content.known = true;
        return cursor_bin_exact (cursor, view->content.id.bytes, sizeof view->content.id.bytes);
    }
    if (slice_equal (name, slice_text ("mime")))
        return cursor_text (cursor, &view->content.mime);
    if (slice_equal (name, slice_text ("sampled")))
        return cursor_bool (cursor, &view->content.sampled);
    if (slice_equal (name, slice_text ("inode")))
        return cursor_uint (cursor, &view->inode);
    if (slice_equal (name, slice_text ("mode")))
        return cursor_uint (cursor, &view->mode);
    if (slice_equal (name, slice_text ("created")))
        return cursor_uint (cursor, &view->created);
    if (slice_equal (name, slice_text ("location")))
        return cursor_bin_exact (cursor, view->location.bytes, sizeof view->location.bytes);
    if (slice_equal (name, slice_text ("modified")))
        return cursor_uint (cursor, &view->modified);
    if (slice_equal (name, slice_text ("size")))
        return cursor_uint (cursor, &view->size);
    if (slice_equal (name, slice_text ("path")) && !*exact)
        return cursor_text (cursor, &view->path);
    if (slice_equal (name, slice_text ("path_bytes"))) {
        *exact = true;
        return cursor_bin (cursor, &view->path);
    }
    return cursor_skip (cursor, NULL);
}

int row_view (slice_t value, row_view_t *ret_view)
{
    row_view_t view = {.size = 0};
    cursor_t cursor = cursor_over (value);
    size_t count;
    bool exact = false;
    int rc = cursor_map (&cursor, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        slice_t name;
        rc = cursor_text (&cursor, &name);
        if (rc == 0)
            rc = view_field (&cursor, name, &view, &exact);
    }
    if (rc || !cursor_done (&cursor))
        return ERR_CORRUPT;
    *ret_view = view;
    return 0;
}

//  What a row says of its content: the properties that come anew, in the order of their names.
enum { CONTENT_ID, CONTENT_MIME, CONTENT_SAMPLED, CONTENT_COUNT };
static const char *const content_names[] = {"content_id", "mime", "sampled"};

static void pack_content (const row_content_t *content, int which, buffer_t *out)
{
    pack_key (out, content_names[which]);
    switch (which) {
    case CONTENT_ID: pack_bin (out, slice_of (content->id.bytes, 16)); break;
    case CONTENT_MIME: pack_text (out, content->mime); break;
    default: pack_bool (out, true); break;
    }
}

static bool content_has (const row_content_t *content, int which)
{
    return which == CONTENT_MIME      ? content->mime.size > 0
           : which == CONTENT_SAMPLED ? content->sampled
                                      : true;
}

//  Those that stand before this name (NULL: all that are left); how many there were.
static size_t pack_contents (
    const row_content_t *content, int *next, const slice_t *name, buffer_t *out)
{
    size_t count = 0;
    for (; *next < CONTENT_COUNT; ++*next) {
        if (name && slice_compare (*name, slice_text (content_names[*next])) < 0)
            break;
        if (content_has (content, *next)) {
            pack_content (content, *next, out);
            count++;
        }
    }
    return count;
}

static bool is_content (slice_t name)
{
    for (int i = 0; i < CONTENT_COUNT; i++)
        if (slice_equal (name, slice_text (content_names[i])))
            return true;
    return false;
}

void row_value_identified (slice_t value, const row_content_t *content, buffer_t *out)
{
    cursor_t cursor = cursor_over (value);
    size_t count = 0, kept = 0;
    int next = CONTENT_ID;
    slice_t name, raw;
    buffer_t rest = {NULL, 0, 0};
    cursor_map (&cursor, &count);
    for (size_t i = 0; i < count; i++) {
        if (cursor_text (&cursor, &name) || cursor_skip (&cursor, &raw))
            break;
        if (is_content (name))
            continue;
        kept += pack_contents (content, &next, &name, &rest);
        pack_text (&rest, name);
        pack_raw (&rest, raw);
        kept++;
    }
    kept += pack_contents (content, &next, NULL, &rest);
    pack_map (out, kept);
    pack_raw (out, buffer_slice (&rest));
    buffer_release (&rest);
}

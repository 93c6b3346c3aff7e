//  ingest - locations: what is stored of them, and what people are told
//
//  Stored: [path bin, exclude [text, …], inode uint, entries uint, wanted uint, scanned bool, removing bool,
//           no_defaults bool, sampled bool, mount bool, untyped uint]
//  The last came later: a record of ten has none.

#include "actors/ingest/ingest.h"

#include <stdlib.h>

//  What is left out unless the location, or a pattern, says otherwise: what a program made, and makes again from what is
//  kept, under a name that people give to nothing of theirs (README.md).
static const char *const defaults[] = {
    ".git", ".hg/", ".svn/", ".cache/", "__pycache__/", "node_modules/"};

#define DEFAULT_COUNT (sizeof defaults / sizeof *defaults)

static void defaults_pack (const location_t *self, buffer_t *out)
{
    size_t count = self->no_defaults ? 0 : DEFAULT_COUNT;
    pack_array (out, count);
    for (size_t i = 0; i < count; i++)
        pack_string (out, defaults[i]);
}

location_t *ingest_location (ingest_t *self, const uuid16_t *uuid)
{
    for (location_t *location = self->locations; location; location = location->next)
        if (uuid_equal (&location->uuid, uuid))
            return location;
    return NULL;
}

location_t *ingest_location_new (
    ingest_t *self, const uuid16_t *uuid, slice_t path, slice_t exclude)
{
    location_t *location = calloc (1, sizeof *location);
    if (!location)
        abort ();
    location->uuid = *uuid;
    buffer_append (&location->path, path.data, path.size);
    if (exclude.size)
        buffer_append (&location->exclude, exclude.data, exclude.size);
    else
        pack_array (&location->exclude, 0);
    location->watched = true;
    ingest_want_restart (location);
    //  In the order in which they were added.
    location_t **at = &self->locations;
    while (*at && uuid_compare (&(*at)->uuid, uuid) < 0)
        at = &(*at)->next;
    location->next = *at;
    *at = location;
    return location;
}

void ingest_location_drop (ingest_t *self, location_t *location)
{
    for (location_t **at = &self->locations; *at; at = &(*at)->next)
        if (*at == location) {
            *at = location->next;
            break;
        }
    buffer_release (&location->path);
    buffer_release (&location->exclude);
    free (location);
}

void ingest_location_pack (const location_t *location, buffer_t *out)
{
    pack_array (out, 11);
    pack_bin (out, buffer_slice (&location->path));
    pack_raw (out, buffer_slice (&location->exclude));
    pack_uint (out, location->inode);
    pack_uint (out, location->entries);
    pack_uint (out, location->wants[WANT_CONTENT].left);
    pack_bool (out, location->scanned);
    pack_bool (out, location->removing);
    pack_bool (out, location->no_defaults);
    pack_bool (out, location->sampled);
    pack_bool (out, location->mount);
    pack_uint (out, location->wants[WANT_TYPE].left);
}

static int location_unpack (ingest_t *self, slice_t key, slice_t value)
{
    cursor_t cursor = cursor_over (value);
    location_t read = {.inode = 0};
    uuid16_t uuid;
    slice_t path, exclude;
    size_t count;
    if (key.size != 16 || cursor_array (&cursor, &count) || count < 10 || count > 11 ||
        cursor_bin (&cursor, &path) || cursor_skip (&cursor, &exclude) ||
        cursor_uint (&cursor, &read.inode) || cursor_uint (&cursor, &read.entries) ||
        cursor_uint (&cursor, &read.wants[WANT_CONTENT].left) ||
        cursor_bool (&cursor, &read.scanned) || cursor_bool (&cursor, &read.removing) ||
        cursor_bool (&cursor, &read.no_defaults) || cursor_bool (&cursor, &read.sampled) ||
        cursor_bool (&cursor, &read.mount) ||
        (count > 10 && cursor_uint (&cursor, &read.wants[WANT_TYPE].left)))
        return ERR_CORRUPT;
    memcpy (uuid.bytes, key.data, 16);
    location_t *location = ingest_location_new (self, &uuid, path, exclude);
    location->inode = read.inode;
    location->entries = read.entries;
    for (int i = 0; i < WANT_KINDS; i++)
        location->wants[i].left = read.wants[i].left;
    location->scanned = read.scanned;
    location->removing = read.removing;
    location->no_defaults = read.no_defaults;
    location->sampled = read.sampled;
    location->mount = read.mount;
    location->scanning = !read.removing;
    return 0;
}

int ingest_location_load (ingest_t *self, step_t *step)
{
    slice_t key, value;
    int rc = node_seek (step->txn, NODE_LOCATIONS, slice_of (NULL, 0), &key, &value);
    while (rc == 0) {
        rc = location_unpack (self, key, value);
        if (rc == 0)
            rc = node_next (step->txn, NODE_LOCATIONS, key, &key, &value);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

void ingest_location_start (step_t *step, const location_t *location)
{
    buffer_t patterns = {NULL, 0, 0};
    defaults_pack (location, &patterns);
    scan_start_t start = {.location = location->uuid,
        .path = buffer_slice (&location->path),
        .exclude = buffer_slice (&location->exclude),
        .defaults = buffer_slice (&patterns)};
    step_send (step, ACTOR_SCAN, MAIL_SCAN_START, 0, &scan_start_type, &start, NULL, 0);
    buffer_release (&patterns);
}

//  ---- for people

//  A location is watching, with nothing left to do, only once all that was found of it is durable.
static const char *location_state (const ingest_t *self, const location_t *location)
{
    if (location->removing)
        return "removing";
    if (location->missing)
        return "missing";
    if (location->scanning)
        return "scanning";
    if (location->wants[WANT_CONTENT].left)
        return "identifying";
    if (location->wants[WANT_TYPE].left)
        return "typing";
    return ingest_is_durable (self) ? "watching" : "identifying";
}

static void pack_count (buffer_t *out, const char *name, uint64_t value)
{
    pack_string (out, name);
    pack_uint (out, value);
}

//  How much a second since then; 0 where there is nothing yet.
static uint64_t rate_of (uint64_t count, uint64_t since_ns, const step_t *step)
{
    return count * 1000 / ((step->now.mono_ns - since_ns) / 1000000 + 1);
}

//  How long it takes still at this rate. Of a first scan nobody knows how many entries it will find.
static void pack_left (buffer_t *out, uint64_t count, uint64_t per_s)
{
    pack_string (out, "seconds_left");
    if (per_s && count)
        pack_uint (out, (count + per_s - 1) / per_s);
    else
        pack_nil (out);
}

static void location_report (
    const ingest_t *ingest, const location_t *self, const step_t *step, buffer_t *out)
{
    const want_list_t *ids = &self->wants[WANT_CONTENT], *types = &self->wants[WANT_TYPE];
    const want_list_t *now = ids->left ? ids : types; // what is being done
    bool scans = self->scanning && self->listed, finds = !self->scanning && now->found;
    uint64_t per_s = scans ? rate_of (self->listed, self->begun_ns, step) : self->per_s;
    uint64_t finds_per_s = rate_of (now->found, now->begun_ns, step);
    uint64_t unlisted =
        self->scanned && self->entries > self->listed ? self->entries - self->listed : 0;
    pack_map (out, 18);
    pack_string (out, "location");
    pack_bin (out, slice_of (self->uuid.bytes, 16));
    pack_string (out, "path");
    buffer_t text = {NULL, 0, 0};
    text_repair (buffer_slice (&self->path), &text);
    pack_text (out, buffer_slice (&text));
    buffer_release (&text);
    pack_string (out, "exclude");
    pack_raw (out, buffer_slice (&self->exclude));
    pack_string (out, "default_excludes");
    defaults_pack (self, out);
    pack_string (out, "mode");
    pack_string (out, self->sampled ? "sampled" : "full");
    pack_string (out, "state");
    pack_string (out, location_state (ingest, self));
    pack_string (out, "watched");
    pack_bool (out, self->watched && !self->missing);
    pack_count (out, "entries", self->entries);
    pack_count (out, "unidentified", ids->left);
    pack_count (out, "untyped", types->left);
    pack_count (out, "listed", self->listed);
    pack_count (out, "files_per_s", per_s);
    pack_count (out, "identified_per_s", rate_of (ids->found, ids->begun_ns, step));
    pack_count (out, "typed_per_s", rate_of (types->found, types->begun_ns, step));
    pack_left (out, scans ? unlisted : finds ? now->left : 0, scans ? per_s : finds_per_s);
    pack_count (out, "skipped", self->skipped);
    pack_count (out, "ignored", self->ignored);
    pack_count (out, "unreadable", self->unreadable);
}

void ingest_location_report (ingest_t *self, step_t *step, buffer_t *out)
{
    size_t count = 0;
    for (location_t *location = self->locations; location; location = location->next)
        count += !location->adding;
    pack_array (out, count);
    for (location_t *location = self->locations; location; location = location->next)
        if (!location->adding)
            location_report (self, location, step, out);
}

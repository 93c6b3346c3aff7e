#include "tests/unit/store/kit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int kit_last;

//  ---- the environment

static void maps_release (void);

void kit_open (kit_t *self)
{
    store_options_t options = {.map_size = 1ull << 28, .no_sync = true};
    is (store_open (self->dir, &options, &self->store), 0);
}

kit_t kit_empty (void)
{
    kit_t self = {.store = NULL};
    const char *base = getenv ("TMPDIR");
    if (!base)
        base = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf (self.dir, sizeof self.dir, "%s/tidepool-store-XXXXXX", base);
    cr_assert_not_null (mkdtemp (self.dir));
    kit_open (&self);
    return self;
}

kit_t kit_new (void)
{
    kit_t self = kit_empty ();
    const char *difference;
    kit_begin (&self);
    for (size_t i = 0; i < resource_default_count; i++)
        is (resources_declare (self.txn, &resource_defaults[i], &difference), 0);
    kit_commit (&self);
    return self;
}

void kit_close (kit_t *self)
{
    if (self->txn)
        store_abort (&self->txn);
    store_destroy (&self->store);
    cr_assert_null (self->store);
}

void kit_destroy (kit_t *self)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    char path[256];
    if (self->store)
        kit_close (self);
    for (size_t i = 0; i < 2; i++) {
        snprintf (path, sizeof path, "%s/%s", self->dir, names[i]);
        unlink (path);
    }
    rmdir (self->dir);
    maps_release ();
}

txn_t *kit_begin (kit_t *self)
{
    cr_assert_null (self->txn);
    is (store_begin (self->store, true, &self->txn), 0);
    return self->txn;
}

void kit_commit (kit_t *self)
{
    is (store_commit (&self->txn), 0);
    cr_assert_null (self->txn);
}

void kit_again (kit_t *self)
{
    kit_commit (self);
    kit_begin (self);
}

txn_t *kit_read (kit_t *self)
{
    cr_assert_null (self->txn);
    is (store_begin (self->store, false, &self->txn), 0);
    return self->txn;
}

//  ---- values

slice_t text (const char *from)
{
    return slice_text (from);
}

uuid16_t uuid_n (uint64_t n)
{
    uuid16_t uuid = {{0}};
    for (int i = 0; i < 8; i++)
        uuid.bytes[15 - i] = (uint8_t)(n >> (8 * i));
    return uuid;
}

uuid16_t client_n (uint64_t n)
{
    uuid16_t uuid = uuid_n (n);
    uuid.bytes[0] = 0xC1;
    return uuid;
}

timestamp_t stamp_n (uint64_t time, uint64_t client)
{
    return (timestamp_t){time, client_n (client)};
}

//  What map_of gave, until the test's environment goes.
static buffer_t *maps;
static size_t map_count;

static slice_t kept (buffer_t buffer)
{
    maps = realloc (maps, (map_count + 1) * sizeof *maps);
    maps[map_count++] = buffer;
    return buffer_slice (&buffer);
}

static void maps_release (void)
{
    for (size_t i = 0; i < map_count; i++)
        buffer_release (&maps[i]);
    free (maps);
    maps = NULL;
    map_count = 0;
}

slice_t map_of (const char *name, ...)
{
    buffer_t out = {0};
    const char *words[64] = {name};
    size_t count = name ? 1 : 0;
    va_list list;
    va_start (list, name);
    while (count && words[count - 1])
        words[count++] = va_arg (list, const char *);
    va_end (list);
    pack_map (&out, count / 2);
    for (size_t i = 0; i + 1 < count; i++)
        pack_string (&out, words[i]);
    return kept (out);
}

slice_t map_with (const char *key, uint64_t uuid, const char *name, const char *value)
{
    buffer_t out = {0};
    uuid16_t id = uuid_n (uuid);
    pack_map (&out, 2);
    pack_string (&out, key);
    pack_bin (&out, slice_of (id.bytes, sizeof id.bytes));
    pack_string (&out, name);
    pack_string (&out, value);
    return kept (out);
}

static operation_t operation (
    int action, const char *resource, uint64_t uuid, timestamp_t stamp, slice_t value)
{
    return (operation_t){.stamp = stamp,
        .resource = slice_text (resource),
        .uuid = uuid_n (uuid),
        .action = action,
        .value = value};
}

operation_t create (const char *resource, uint64_t uuid, timestamp_t stamp, slice_t value)
{
    return operation (ACTION_CREATE, resource, uuid, stamp, value);
}

operation_t update (const char *resource, uint64_t uuid, timestamp_t stamp, slice_t value)
{
    return operation (ACTION_UPDATE, resource, uuid, stamp, value);
}

operation_t delete (const char *resource, uint64_t uuid, timestamp_t stamp)
{
    return operation (ACTION_DELETE, resource, uuid, stamp, slice_of (NULL, 0));
}

void join (txn_t *txn, operation_t op)
{
    vector_t nothing = {0};
    past_t past = {&nothing, op.stamp};
    is (shared_join (txn, &op, &past), 0);
}

void put_row (txn_t *txn, uint64_t owner, uint64_t uuid, uint64_t updated, slice_t value)
{
    uuid16_t client = client_n (owner);
    row_t row = {text ("file_paths"), uuid_n (uuid), updated, value};
    is (owned_put (txn, &client, &row), 0);
}

//  ---- looking

static void hex (FILE *out, slice_t bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        fprintf (out, "%02x", bytes.data[i]);
}

char *dump (txn_t *txn, enum table table)
{
    char *result;
    size_t size;
    FILE *out = open_memstream (&result, &size);
    slice_t key, value;
    int rc = table_seek (txn, table, slice_of (NULL, 0), &key, &value);
    while (!rc) {
        hex (out, key);
        fputc (' ', out);
        hex (out, value);
        fputc ('\n', out);
        rc = table_next (txn, table, key, &key, &value);
    }
    fclose (out);
    is (rc, ERR_NOT_FOUND);
    return result;
}

static void uuid_short (FILE *out, const uuid16_t *uuid)
{
    if (uuid->bytes[0] == 0xC1)
        fputc ('c', out);
    fprintf (out, "%x", (unsigned)(uuid->bytes[14] << 8 | uuid->bytes[15]));
}

char *changes_text (txn_t *txn, uint64_t since)
{
    char *result;
    size_t size;
    FILE *out = open_memstream (&result, &size);
    buffer_t scratch = {0};
    change_t change;
    int rc;
    while ((rc = changes_next (txn, since, &scratch, &change)) == 0) {
        fprintf (out, "%d %s ", (int)change.cursor, change.resource);
        uuid_short (out, &change.uuid);
        if (change.has_owner) {
            fputc ('/', out);
            uuid_short (out, &change.owner);
        }
        fprintf (out, "%s born %d end %d at %d/", change.deleted ? " gone" : "", (int)change.born,
            (int)change.end, (int)change.updated);
        uuid_short (out, &change.updated_by);
        fputc ('\n', out);
        cr_assert_eq (change.value.size == 0, change.deleted);
        since = change.cursor;
    }
    is (rc, ERR_NOT_FOUND);
    buffer_release (&scratch);
    fclose (out);
    return result;
}

//  ---- failures on purpose

static int run (kit_t *self, int (*work) (txn_t *txn))
{
    txn_t *txn;
    int rc = store_begin (self->store, true, &txn);
    if (rc)
        return rc;
    rc = work (txn);
    int committed = store_commit (&txn);
    cr_assert (!rc || rc == committed, "a dead transaction does not commit");
    return committed;
}

//  True if the work is done: it has no such place.
static bool fails_at (kit_t *self, int (*work) (txn_t *txn), uint64_t place, int error,
    char *const before[TABLE_COUNT])
{
    store_fail_after (self->store, place, error);
    int rc = run (self, work);
    store_fail_after (self->store, 0, 0);
    if (!rc)
        return true;
    is (rc, error);
    kit_read (self);
    for (int i = 0; i < TABLE_COUNT; i++) {
        char *now = dump (self->txn, (enum table)i);
        cr_assert_str_eq (now, before[i], "table %d after %d calls", i, (int)place);
        free (now);
    }
    store_abort (&self->txn);
    return false;
}

uint64_t kit_whole_or_nothing (kit_t *self, int (*work) (txn_t *txn))
{
    static const int errors[] = {ERR_STORAGE_FAILED, ERR_STORAGE_FULL, ERR_MAP_FULL};
    char *before[TABLE_COUNT];
    kit_read (self);
    for (int i = 0; i < TABLE_COUNT; i++)
        before[i] = dump (self->txn, (enum table)i);
    store_abort (&self->txn);
    uint64_t place = 0;
    while (!fails_at (self, work, place, errors[place % 3], before))
        place++;
    for (int i = 0; i < TABLE_COUNT; i++)
        free (before[i]);
    return place;
}

//  ---- sums

typedef struct sum {
    uint64_t count;
    digest_t digest;
} sum_t;

static void sum_add (sum_t *self, const uuid16_t *owner, const uuid16_t *uuid, slice_t value)
{
    digest_t digest = digest_of_record (owner, uuid, value);
    digest_add (&self->digest, &digest);
    self->count++;
}

static sum_t sum_walked (txn_t *txn, const resource_entry_t *entry)
{
    slice_t name = slice_text (entry->resource.name);
    sum_t sum = {0};
    buffer_t out = {0};
    uuid16_t uuid = {{0}}, owner;
    timestamp_t written;
    uint64_t updated;
    slice_t value;
    row_t row;
    int rc = 0;
    for (bool begun = false; !rc; begun = true) {
        const uuid16_t *after = begun ? &uuid : NULL;
        const uuid16_t *by = NULL;
        if (entry->resource.kind == RESOURCE_SHARED) {
            buffer_clear (&out);
            rc = shared_next (txn, name, after, &uuid, &written, &out);
            value = buffer_slice (&out);
        } else if (entry->resource.kind == RESOURCE_OWNED) {
            rc = owned_next (txn, name, NULL, begun ? &owner : NULL, after, &owner, &row);
            uuid = row.uuid;
            value = row.value;
            by = &owner;
        } else if (entry->resource.kind == RESOURCE_DERIVED)
            rc = derived_next (txn, name, after, &uuid, &written, &value);
        else
            rc = local_next (txn, name, after, &uuid, &updated, &value);
        if (!rc)
            sum_add (&sum, by, &uuid, value);
    }
    is (rc, ERR_NOT_FOUND);
    buffer_release (&out);
    return sum;
}

static sum_t sum_of_changes (txn_t *txn, const char *resource)
{
    sum_t sum = {0};
    buffer_t scratch = {0};
    change_t change = {0};
    uint64_t end = 0;
    while (changes_next (txn, change.cursor, &scratch, &change) == 0) {
        cr_assert_leq (change.cursor, change.end);
        cr_assert_leq (change.born, change.cursor);
        cr_assert_leq (end, change.end, "groups do not overlap");
        end = change.end;
        if (!change.deleted && strcmp (change.resource, resource) == 0)
            sum_add (&sum, change.has_owner ? &change.owner : NULL, &change.uuid, change.value);
    }
    buffer_release (&scratch);
    return sum;
}

static void sums_equal (const char *what, const resource_entry_t *entry, const sum_t *sum)
{
    cr_assert_eq (entry->count, sum->count, "%s of %s: %d, not %d", what, entry->resource.name,
        (int)sum->count, (int)entry->count);
    cr_assert_eq (entry->digest.low, sum->digest.low, "%s of %s", what, entry->resource.name);
    cr_assert_eq (entry->digest.high, sum->digest.high, "%s of %s", what, entry->resource.name);
}

void check_sums (txn_t *txn)
{
    resource_entry_t entry;
    int rc = resources_next (txn, slice_of (NULL, 0), &entry);
    while (!rc) {
        sum_t walked = sum_walked (txn, &entry);
        sum_t changed = sum_of_changes (txn, entry.resource.name);
        sums_equal ("the walk", &entry, &walked);
        sums_equal ("the changes", &entry, &changed);
        rc = resources_next (txn, slice_text (entry.resource.name), &entry);
    }
    is (rc, ERR_NOT_FOUND);
}

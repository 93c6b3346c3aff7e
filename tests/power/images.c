//  images - what a disk may hold when its power goes: built from a record, and each opened
//
//      images RECORD ACKS DIR COUNT SEED
//
//  ACKS: lines `OFFSET create|update|delete UUID N`: when that was acknowledged the record had OFFSET bytes. A power cut is
//  a place in the record. What was written before the last sync in front of it is there; of each write since, all, nothing, or
//  some of its sectors. Then the store is opened, must be sound, must have each record at its acknowledged
//  N or a later one, and take a write. Prints a line for each image that is not so; exit status 1 if there was one.

#include "messages/keys.h"
#include "store/node.h"
#include "store/scrub.h"
#include "store/shared.h"
#include "store/store.h"
#include "tests/power/record.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR      512
#define IMAGE_MOST  (256u << 20)
#define WRITES_MOST 100000
#define RESOURCE    "tags"
#define SECONDS     60 // for one image; LMDB can go round for ever in a tree that is not one
#define WHY_BYTES   200

typedef struct ack {
    uint64_t offset; // of the record
    uint64_t until;  // the next of the same record
    bool deletes;
    bool ends; // a later one deletes it: then nothing is known before that
    uuid16_t uuid;
    uint64_t number;
} ack_t;

typedef struct write_at {
    const entry_t *entry;
    const uint8_t *bytes;
} write_at_t;

static const uint8_t *record;
static uint64_t record_size;
static ack_t *acks;
static size_t ack_count;
static uint64_t random_state;

static void die (const char *what)
{
    perror (what);
    exit (2);
}

//  SplitMix64.
static uint64_t random_below (uint64_t below)
{
    uint64_t mixed = random_state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return (mixed ^ mixed >> 31) % below;
}

//  ---- what was recorded

static void record_open (const char *path)
{
    struct stat status;
    int file = open (path, O_RDONLY);
    if (file < 0 || fstat (file, &status))
        die (path);
    record_size = (uint64_t)status.st_size;
    record = mmap (NULL, record_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (record == MAP_FAILED)
        die (path);
    close (file);
}

//  The entry at a place, and where the next one is; NULL behind the last whole one.
static const entry_t *entry_at (uint64_t place, uint64_t *ret_next)
{
    const entry_t *entry = (const entry_t *)(const void *)(record + place);
    if (record_size - place < sizeof *entry || record_size - place - sizeof *entry < entry->size)
        return NULL;
    *ret_next = place + sizeof *entry + entry->size;
    return entry;
}

static void acks_open (const char *path)
{
    FILE *file = fopen (path, "r");
    char action[16], uuid[64];
    unsigned long long offset, number;
    size_t capacity = 0;
    if (!file)
        die (path);
    while (fscanf (file, "%llu %15s %63s %llu", &offset, action, uuid, &number) == 4) {
        if (ack_count == capacity) {
            capacity = capacity ? 2 * capacity : 1024;
            acks = realloc (acks, capacity * sizeof *acks);
            if (!acks)
                die ("acks");
        }
        ack_t *ack = &acks[ack_count++];
        *ack = (ack_t){.offset = offset,
            .until = UINT64_MAX,
            .deletes = strcmp (action, "delete") == 0,
            .number = number};
        if (uuid_from_text (slice_text (uuid), &ack->uuid))
            die (uuid);
    }
    fclose (file);
    for (size_t i = 0; i < ack_count; i++)
        for (size_t j = i + 1; j < ack_count; j++)
            if (uuid_equal (&acks[i].uuid, &acks[j].uuid)) {
                acks[i].until = acks[i].until < acks[j].offset ? acks[i].until : acks[j].offset;
                acks[i].ends |= acks[j].deletes;
            }
}

//  ---- an image

typedef struct image {
    uint8_t *bytes; // what is durable at `place`, all that was written before being so too
    uint64_t size;
    uint64_t place;     // in the record: behind the last sync
    write_at_t *writes; // since
    size_t write_count;
} image_t;

static void image_put (image_t *self, uint64_t offset, const uint8_t *bytes, uint64_t size)
{
    if (offset + size > IMAGE_MOST)
        die ("the database is too large");
    memcpy (self->bytes + offset, bytes, size);
    if (offset + size > self->size)
        self->size = offset + size;
}

static void image_sync (image_t *self)
{
    for (size_t i = 0; i < self->write_count; i++)
        image_put (self, self->writes[i].entry->offset, self->writes[i].bytes,
            self->writes[i].entry->size);
    self->write_count = 0;
}

//  Up to a place in the record.
static void image_advance (image_t *self, uint64_t to)
{
    uint64_t next;
    const entry_t *entry;
    while (self->place < to && (entry = entry_at (self->place, &next)) && next <= to) {
        const uint8_t *bytes = record + self->place + sizeof *entry;
        if (entry->kind == ENTRY_SYNC)
            image_sync (self);
        else if (entry->synced)
            image_put (self, entry->offset, bytes, entry->size);
        else if (self->write_count < WRITES_MOST)
            self->writes[self->write_count++] = (write_at_t){entry, bytes};
        else
            die ("too many writes without a sync");
        self->place = next;
    }
}

//  A write that was not synced: `kept` of 4 are there, and one in 16 in part.
static void write_lose (image_t *image, const write_at_t *write, uint64_t kept)
{
    if (random_below (16) == 0) {
        for (uint64_t at = 0; at < write->entry->size; at += SECTOR) {
            uint64_t size = write->entry->size - at;
            if (random_below (2))
                image_put (image, write->entry->offset + at, write->bytes + at,
                    size < SECTOR ? size : SECTOR);
        }
    } else if (random_below (4) < kept)
        image_put (image, write->entry->offset, write->bytes, write->entry->size);
}

static void image_write (const image_t *durable, const char *dir, image_t *scratch)
{
    char path[512];
    uint64_t kept = random_below (5);
    scratch->size = durable->size;
    memcpy (scratch->bytes, durable->bytes, durable->size);
    for (size_t i = 0; i < durable->write_count; i++)
        write_lose (scratch, &durable->writes[i], kept);
    snprintf (path, sizeof path, "%s/lock.mdb", dir);
    unlink (path);
    snprintf (path, sizeof path, "%s/data.mdb", dir);
    int file = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write (file, scratch->bytes, scratch->size) != (ssize_t)scratch->size)
        die (path);
    close (file);
    //  What was never written in between is a hole, and must not hold what an earlier image left.
    memset (scratch->bytes, 0, scratch->size);
}

//  ---- what must hold

static bool number_in (slice_t value, uint64_t *ret_number)
{
    cursor_t cursor = cursor_over (value);
    size_t count;
    slice_t name;
    return cursor_map (&cursor, &count) == 0 && count >= 1 && cursor_text (&cursor, &name) == 0 &&
           cursor_uint (&cursor, ret_number) == 0;
}

static int ack_check (txn_t *txn, const ack_t *ack, char *why)
{
    buffer_t value = {NULL, 0, 0};
    timestamp_t written;
    uint64_t number = 0;
    char text[UUID_TEXT_SIZE];
    int rc = shared_show (txn, slice_text (RESOURCE), &ack->uuid, &written, &value);
    bool is_there = rc == 0;
    bool good = rc == ERR_NOT_FOUND ? ack->deletes : rc == 0;
    if (is_there && !ack->deletes)
        good = number_in (buffer_slice (&value), &number) && number >= ack->number;
    if (is_there && ack->deletes)
        good = false;
    buffer_release (&value);
    uuid_to_text (&ack->uuid, text);
    if (!good)
        snprintf (why, WHY_BYTES, "%s: acknowledged %s %llu, and there is %s %llu (%s)", text,
            ack->deletes ? "deletion" : "value", (unsigned long long)ack->number,
            is_there ? "value" : "none", (unsigned long long)number, error_name (rc));
    return good ? 0 : ERR_CORRUPT;
}

//  The newest acknowledgement of each record counts.
static int acks_check (txn_t *txn, uint64_t cut, char *why)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ack_count; i++)
        if (acks[i].offset <= cut && acks[i].until > cut && !acks[i].ends)
            rc = ack_check (txn, &acks[i], why);
    return rc;
}

static int scrub_all (txn_t *txn, char *why)
{
    scrub_found_t found = {.what = SCRUB_SOUND};
    int rc = 0;
    while (rc == 0 && found.what != SCRUB_PASSED) {
        uint64_t budget = 1u << 30;
        rc = scrub_step (txn, &budget, &found);
        if (rc == 0 && (found.what == SCRUB_MISCOUNTED || found.what == SCRUB_DAMAGED)) {
            snprintf (why, WHY_BYTES, "%s is %s", found.resource,
                found.what == SCRUB_DAMAGED ? "damaged" : "miscounted");
            return ERR_CORRUPT;
        }
    }
    return rc;
}

//  0, or an error and why.
static int image_check (const char *dir, uint64_t cut, char *why)
{
    store_options_t options = {.map_size = IMAGE_MOST, .no_sync = true};
    store_t *store = NULL;
    txn_t *txn = NULL;
    *why = 0;
    int rc = store_open (dir, &options, &store);
    if (rc == 0)
        rc = store_begin (store, true, &txn);
    if (rc == 0)
        rc = acks_check (txn, cut, why);
    if (rc == 0)
        rc = scrub_all (txn, why);
    if (rc == 0)
        rc = node_put_uint (txn, "cut", cut);
    if (rc == 0)
        rc = store_commit (&txn);
    else
        store_abort (&txn);
    store_destroy (&store);
    return rc;
}

//  ---- all of them

static int order (const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

//  Places between entries at which the power goes, ascending.
static uint64_t *cuts_choose (size_t count)
{
    uint64_t *places = NULL, *cuts = calloc (count, sizeof *cuts), next, place = 0;
    size_t place_count = 0, capacity = 0;
    while (entry_at (place, &next)) {
        if (place_count == capacity) {
            capacity = capacity ? 2 * capacity : 4096;
            places = realloc (places, capacity * sizeof *places);
        }
        if (!places || !cuts)
            die ("places");
        places[place_count++] = place = next;
    }
    for (size_t i = 0; i < count; i++)
        cuts[i] = places[random_below (place_count)];
    qsort (cuts, count, sizeof *cuts, order);
    free (places);
    return cuts;
}

static void too_long (int signal)
{
    static const char said[] = "an image that nobody gets through\n";
    (void)signal;
    _exit (write (STDOUT_FILENO, said, sizeof said - 1) > 0 ? 1 : 2);
}

int main (int argc, char **argv)
{
    char why[WHY_BYTES];
    if (argc != 6)
        return fputs ("usage: images RECORD ACKS DIR COUNT SEED\n", stderr), 2;
    record_open (argv[1]);
    acks_open (argv[2]);
    size_t count = strtoul (argv[4], NULL, 10), failed = 0;
    random_state = strtoull (argv[5], NULL, 10);
    image_t image = {calloc (1, IMAGE_MOST), 0, 0, calloc (WRITES_MOST, sizeof (write_at_t)), 0};
    image_t scratch = {calloc (1, IMAGE_MOST), 0, 0, NULL, 0};
    if (!image.bytes || !image.writes || !scratch.bytes || keys_start ())
        die ("memory");
    uint64_t *cuts = cuts_choose (count);
    signal (SIGALRM, too_long);
    for (size_t i = 0; i < count; i++) {
        image_advance (&image, cuts[i]);
        image_write (&image, argv[3], &scratch);
        alarm (SECONDS);
        int rc = image_check (argv[3], cuts[i], why);
        alarm (0);
        if (rc && failed++ < 10)
            printf ("cut at %llu of %llu, %zu writes not synced: %s %s\n",
                (unsigned long long)cuts[i], (unsigned long long)record_size, image.write_count,
                error_name (rc), why);
    }
    printf ("%zu images, %zu failed, %zu acknowledgements, a record of %llu bytes\n", count, failed,
        ack_count, (unsigned long long)record_size);
    return failed ? 1 : 0;
}

//  scan - content ids and MIME types, in slices between jobs
//
//  SCAN_LANES files are worked on side by side, each a bounded stretch a slice, by as many workers as the disk has
//  (disk.h, `each`). The actor waits for them: between slices nothing but the lanes' state remains, so all that is
//  said of a pure core holds here too, and in tests one worker does all.
//
//  A file whose size or modification time differs before and after it was read gets BUSY: what was read may be the
//  content of no version of it.
//
//  The id of all of a file is the first 16 bytes of BLAKE2b-256 of its bytes. That of samples is the same of
//      "tidepool sampled 1" ‖ size, 8 bytes big endian ‖ head ‖ SAMPLED_COUNT parts ‖ tail
//  Its beginning keeps the two apart: no file has the one id as well as the other.

#include "actors/scan/scan.h"

#include <stdio.h>
#include <stdlib.h>

static const char sampled_label[] = "tidepool sampled 1";

bool scan_hash_is_due (const scan_t *self)
{
    return self->hashing.mail || self->requests.count;
}

//  ---- a request

static void results_send (scan_t *self, step_t *step, bool last)
{
    hashing_t *hashing = &self->hashing;
    identified_t identified = {.location = hashing->location,
        .what = hashing->what,
        .count = hashing->result_count,
        .last = last};
    frame_t frame = frame_take (&hashing->results);
    hashing->result_count = 0;
    step_send_frames (
        step, ACTOR_INGEST, MAIL_IDENTIFIED, 0, &identified_type, &identified, &frame, 1);
}

static void hash_begin (scan_t *self, step_t *step, mail_t *mail)
{
    hashing_t *hashing = &self->hashing;
    identify_t identify;
    if (step_unpack (step, mail, &identify_type, &identify)) {
        mail_destroy (&mail);
        return;
    }
    entry_t entry;
    hashing->mail = mail;
    hashing->location = identify.location;
    hashing->what = identify.what;
    hashing->sampled = identify.sampled;
    hashing->rest = cursor_over (mail_frame (mail, 0));
    scan_location_t *location = scan_location_get (self, &identify.location);
    if (location && self->disk->open (self->disk->self, NULL, buffer_slice (&location->path),
                        &hashing->root, &entry))
        hashing->root = NULL;
}

static void dir_leave (scan_t *self, hash_dir_t **dir_p)
{
    hash_dir_t *dir = *dir_p;
    *dir_p = NULL;
    if (!dir || --dir->users)
        return;
    if (dir->dir)
        self->disk->close (self->disk->self, dir->dir);
    free (dir);
}

static void lane_close (scan_t *self, lane_t *lane)
{
    if (lane->file)
        self->disk->file_close (self->disk->self, lane->file);
    lane->file = NULL;
    dir_leave (self, &lane->dir);
    lane->state = LANE_FREE;
}

static void hash_end (scan_t *self)
{
    hashing_t *hashing = &self->hashing;
    for (size_t i = 0; i < SCAN_LANES; i++)
        lane_close (self, &hashing->lanes[i]);
    dir_leave (self, &hashing->dir);
    if (hashing->root)
        self->disk->close (self->disk->self, hashing->root);
    hashing->root = NULL;
    mail_destroy (&hashing->mail);
    buffer_clear (&hashing->results);
    hashing->result_count = 0;
}

void scan_hash_release (scan_t *self)
{
    hash_end (self);
    mail_list_clear (&self->requests);
    buffer_release (&self->hashing.results);
    for (size_t i = 0; i < DISK_WORKERS_MAX; i++)
        free (self->hashing.bytes[i]);
}

//  Drops what was asked for a location that is to be forgotten; nothing is answered.
void scan_hash_forget (scan_t *self, const uuid16_t *location)
{
    if (self->hashing.mail && uuid_equal (&self->hashing.location, location))
        hash_end (self);
    mail_list_t kept = {NULL, NULL, 0};
    for (mail_t *mail = mail_list_take (&self->requests); mail;
         mail = mail_list_take (&self->requests)) {
        identify_t identify;
        if (message_unpack (&identify_type, mail->body, &identify, NULL) ||
            uuid_equal (&identify.location, location))
            mail_destroy (&mail);
        else
            mail_list_append (&kept, mail);
    }
    self->requests = kept;
}

//  ---- reading one file, by its worker

static void hash_finish (lane_t *lane)
{
    uint8_t whole[32];
    crypto_generichash_final (&lane->hash, whole, sizeof whole);
    memcpy (lane->content.bytes, whole, sizeof lane->content.bytes);
}

static void head_judge (scan_t *self, lane_t *lane, size_t worker, size_t size)
{
    const uint8_t *bytes = self->hashing.bytes[worker];
    snprintf (lane->mime, sizeof lane->mime, "%s",
        self->disk->mime (self->disk->self, worker,
            slice_of (bytes, size < SCAN_HEAD_BYTES ? size : SCAN_HEAD_BYTES)));
}

//  All that is wanted of it has been read. BUSY if that is not what it is by now.
static int lane_end (scan_t *self, lane_t *lane)
{
    entry_t after;
    int rc = self->disk->file_look (self->disk->self, lane->file, &after);
    if (rc == 0 && (after.size != lane->before.size || after.modified != lane->before.modified))
        rc = ERR_BUSY;
    if (rc == 0 && self->hashing.what & IDENTIFY_CONTENT)
        hash_finish (lane);
    self->disk->file_close (self->disk->self, lane->file);
    lane->file = NULL;
    lane->state = LANE_DONE;
    return rc;
}

//  The next stretch of all of it.
static int lane_read (scan_t *self, lane_t *lane, size_t worker)
{
    uint64_t stop = lane->read + (lane->read ? SCAN_LANE_BYTES : SCAN_READ_BYTES);
    uint8_t *bytes = self->hashing.bytes[worker];
    while (lane->read < stop) {
        size_t size;
        int rc =
            self->disk->file_read (self->disk->self, lane->file, bytes, SCAN_READ_BYTES, &size);
        if (rc)
            return rc;
        if (lane->read == 0 && lane->typed)
            head_judge (self, lane, worker, size);
        crypto_generichash_update (&lane->hash, bytes, size);
        lane->read += size;
        if (lane->read > lane->before.size)
            return ERR_BUSY; // it grows: no end of it may ever come
        if (lane->read == lane->before.size)
            return lane_end (self, lane);
        if (size == 0)
            return ERR_BUSY; // it was cut short
    }
    return 0;
}

//  A stretch of a file that is sampled: all of it, or BUSY.
static int sample_read (scan_t *self, lane_t *lane, size_t worker, uint64_t at, size_t most)
{
    uint8_t *bytes = self->hashing.bytes[worker];
    size_t got = 0;
    int rc = self->disk->file_seek (self->disk->self, lane->file, at);
    while (rc == 0 && got < most) {
        size_t size;
        rc = self->disk->file_read (self->disk->self, lane->file, bytes + got, most - got, &size);
        if (rc == 0 && size == 0)
            rc = ERR_BUSY;
        got += rc ? 0 : size;
    }
    if (rc)
        return rc;
    crypto_generichash_update (&lane->hash, bytes, most);
    lane->read += most;
    return 0;
}

static int lane_sample (scan_t *self, lane_t *lane, size_t worker)
{
    uint64_t size = lane->before.size;
    uint64_t room = size - 2 * SAMPLED_EDGE_BYTES - SAMPLED_PART_BYTES;
    uint8_t number[8];
    for (size_t i = 0; i < sizeof number; i++)
        number[i] = (uint8_t)(size >> (56 - 8 * i));
    crypto_generichash_update (
        &lane->hash, (const uint8_t *)sampled_label, sizeof sampled_label - 1);
    crypto_generichash_update (&lane->hash, number, sizeof number);
    int rc = sample_read (self, lane, worker, 0, SAMPLED_EDGE_BYTES);
    if (rc == 0 && lane->typed)
        head_judge (self, lane, worker, SAMPLED_EDGE_BYTES);
    //  The first part follows on the head, the last ends where the tail begins. Divided first: no size overflows.
    for (uint64_t i = 0; rc == 0 && i < SAMPLED_COUNT; i++)
        rc = sample_read (self, lane, worker,
            SAMPLED_EDGE_BYTES + room / (SAMPLED_COUNT - 1) * i +
                room % (SAMPLED_COUNT - 1) * i / (SAMPLED_COUNT - 1),
            SAMPLED_PART_BYTES);
    if (rc == 0)
        rc = sample_read (self, lane, worker, size - SAMPLED_EDGE_BYTES, SAMPLED_EDGE_BYTES);
    return rc ? rc : lane_end (self, lane);
}

//  Only what its type is judged by.
static int lane_peek (scan_t *self, lane_t *lane, size_t worker)
{
    uint8_t *bytes = self->hashing.bytes[worker];
    size_t got = 0, size = 1;
    while (got < SCAN_HEAD_BYTES && got < lane->before.size && size) {
        int rc = self->disk->file_read (
            self->disk->self, lane->file, bytes + got, SCAN_HEAD_BYTES - got, &size);
        if (rc)
            return rc;
        got += size;
    }
    head_judge (self, lane, worker, got);
    return lane_end (self, lane);
}

static int lane_open (scan_t *self, lane_t *lane)
{
    if (lane->dir->error)
        return lane->dir->error;
    int rc = self->disk->file_open (
        self->disk->self, lane->dir->dir, lane->name, &lane->file, &lane->before);
    if (rc) {
        lane->file = NULL;
        return rc;
    }
    lane->sampled = self->hashing.sampled && lane->before.size > SAMPLED_BYTES;
    lane->typed = self->hashing.what & IDENTIFY_TYPE ||
                  (!lane->sampled && lane->before.size >= SCAN_TYPED_BYTES);
    if (self->hashing.what & IDENTIFY_CONTENT)
        crypto_generichash_init (&lane->hash, NULL, 0, 32);
    lane->state = LANE_READING;
    return 0;
}

static void lane_work (void *self_, size_t item, size_t worker)
{
    scan_t *self = self_;
    lane_t *lane = &self->hashing.lanes[item];
    if (lane->state != LANE_BEGUN && lane->state != LANE_READING)
        return;
    uint8_t **bytes = &self->hashing.bytes[worker];
    if (!*bytes && !(*bytes = malloc (SCAN_READ_BYTES)))
        abort ();
    lane->error = lane->state == LANE_BEGUN ? lane_open (self, lane) : 0;
    if (lane->error == 0)
        lane->error = !(self->hashing.what & IDENTIFY_CONTENT) ? lane_peek (self, lane, worker)
                      : lane->sampled                          ? lane_sample (self, lane, worker)
                                                               : lane_read (self, lane, worker);
    if (lane->error)
        lane->state = LANE_DONE;
}

//  ---- beginning and ending one file, in the actor

//  The directory `path` below the location: the last one's, or another.
static hash_dir_t *dir_enter (scan_t *self, slice_t path)
{
    hashing_t *hashing = &self->hashing;
    if (!hashing->dir || !slice_equal (path, hashing->dir->path)) {
        entry_t entry;
        dir_leave (self, &hashing->dir);
        hash_dir_t *dir = calloc (1, sizeof *dir);
        if (!dir)
            abort ();
        *dir = (hash_dir_t){.path = path, .users = 1};
        dir->error = hashing->root ? self->disk->open (
                                         self->disk->self, hashing->root, path, &dir->dir, &entry)
                                   : ERR_NOT_FOUND;
        if (dir->error)
            dir->dir = NULL;
        hashing->dir = dir;
    }
    hashing->dir->users++;
    return hashing->dir;
}

static void lane_begin (scan_t *self, step_t *step, lane_t *lane)
{
    hashing_t *hashing = &self->hashing;
    slice_t path;
    size_t fields;
    if (cursor_array (&hashing->rest, &fields) || fields != 2 ||
        cursor_bin_exact (&hashing->rest, lane->uuid.bytes, sizeof (uuid16_t)) ||
        cursor_bin (&hashing->rest, &path)) {
        metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
        hashing->rest = cursor_over (slice_of (NULL, 0));
        return;
    }
    size_t name_at = path.size;
    while (name_at && path.data[name_at - 1] != '/')
        name_at--;
    lane->dir = dir_enter (self, slice_of (path.data, name_at ? name_at - 1 : 0));
    lane->name = slice_of (path.data + name_at, path.size - name_at);
    lane->state = LANE_BEGUN;
    lane->file = NULL;
    lane->error = 0;
    lane->read = lane->counted = 0;
    lane->content = (uuid16_t){{0}};
    lane->mime[0] = 0;
    lane->sampled = lane->typed = false;
}

static void lane_found (scan_t *self, step_t *step, lane_t *lane)
{
    hashing_t *hashing = &self->hashing;
    finding_t finding = {.uuid = lane->uuid,
        .error = (uint64_t)-lane->error,
        .mime = slice_text (lane->error ? "" : lane->mime)};
    lane_close (self, lane);
    if (lane->error == 0) {
        finding.content = lane->content;
        finding.size = lane->before.size;
        finding.modified = lane->before.modified;
        finding.inode = lane->before.inode;
        finding.sampled = lane->sampled;
        if (hashing->what & IDENTIFY_CONTENT)
            metric_add (step->metrics, METRIC_FILES_HASHED, 1);
    }
    finding_pack (&finding, &hashing->results);
    if (++hashing->result_count == SCAN_RESULTS)
        results_send (self, step, false);
}

void scan_hash_slice (scan_t *self, step_t *step)
{
    hashing_t *hashing = &self->hashing;
    size_t busy = 0, most = SCAN_LANES;
    if (hashing->mail == NULL)
        hash_begin (self, step, mail_list_take (&self->requests));
    if (hashing->mail == NULL)
        return;
    for (size_t i = 0; i < SCAN_LANES; i++)
        busy += hashing->lanes[i].state != LANE_FREE;
    if (busy)
        most = SCAN_LANES_LONG;
    for (size_t i = 0; i < SCAN_LANES && busy < most && !cursor_done (&hashing->rest); i++) {
        lane_t *lane = &hashing->lanes[i];
        if (lane->state != LANE_FREE)
            continue;
        lane_begin (self, step, lane);
        busy += lane->state != LANE_FREE;
    }
    self->disk->each (self->disk->self, lane_work, self, SCAN_LANES);
    for (size_t i = 0; i < SCAN_LANES; i++) {
        lane_t *lane = &hashing->lanes[i];
        metric_add (step->metrics, METRIC_BYTES_HASHED, lane->read - lane->counted);
        lane->counted = lane->read;
        if (lane->state != LANE_DONE)
            continue;
        lane_found (self, step, lane);
        busy--;
    }
    if (busy == 0 && cursor_done (&hashing->rest)) {
        results_send (self, step, true);
        hash_end (self);
    }
}

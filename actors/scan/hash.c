//  scan - content ids and MIME types, in slices between jobs
//
//  A file whose size, modification time or inode differs before and after it was read gets BUSY: what was read
//  may be the content of no version of it.

#include "actors/scan/scan.h"

#include <stdio.h>
#include <stdlib.h>

bool scan_hash_is_due (const scan_t *self)
{
    return self->hashing.mail || self->requests.count;
}

static void file_close (scan_t *self)
{
    hashing_t *hashing = &self->hashing;
    if (hashing->file)
        self->disk->file_close (self->disk->self, hashing->file);
    hashing->file = NULL;
}

static void results_send (scan_t *self, step_t *step, bool last)
{
    hashing_t *hashing = &self->hashing;
    identified_t identified = {
        .location = hashing->location, .count = hashing->result_count, .last = last};
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
    hashing->rest = cursor_over (mail_frame (mail, 0));
    scan_location_t *location = scan_location_get (self, &identify.location);
    if (location && self->disk->open (self->disk->self, NULL, buffer_slice (&location->path),
                        &hashing->root, &entry))
        hashing->root = NULL;
}

static void hash_dir_close (scan_t *self)
{
    hashing_t *hashing = &self->hashing;
    if (hashing->dir)
        self->disk->close (self->disk->self, hashing->dir);
    hashing->dir = NULL;
    buffer_clear (&hashing->dir_path);
}

static void hash_end (scan_t *self)
{
    hashing_t *hashing = &self->hashing;
    file_close (self);
    hash_dir_close (self);
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
    buffer_release (&self->hashing.dir_path);
    buffer_release (&self->hashing.results);
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

//  ---- one file

static void file_found (scan_t *self, step_t *step, int error)
{
    hashing_t *hashing = &self->hashing;
    finding_t *finding = &hashing->finding;
    uint8_t whole[32];
    file_close (self);
    finding->error = (uint64_t)-error;
    finding->mime = slice_text (error ? "" : hashing->mime);
    if (error == 0) {
        crypto_generichash_final (&hashing->hash, whole, sizeof whole);
        memcpy (finding->content.bytes, whole, sizeof finding->content.bytes);
        finding->size = hashing->read;
        finding->modified = hashing->before.modified;
        finding->inode = hashing->before.inode;
        metric_add (step->metrics, METRIC_FILES_HASHED, 1);
    }
    finding_pack (finding, &hashing->results);
    if (++hashing->result_count == SCAN_RESULTS)
        results_send (self, step, false);
}

static int file_reach (scan_t *self, slice_t path)
{
    hashing_t *hashing = &self->hashing;
    size_t name_at = path.size;
    while (name_at && path.data[name_at - 1] != '/')
        name_at--;
    slice_t name = slice_of (path.data + name_at, path.size - name_at);
    slice_t above = slice_of (path.data, name_at ? name_at - 1 : 0);
    entry_t entry;
    if (hashing->root == NULL)
        return ERR_NOT_FOUND;
    if (above.size && !(hashing->dir && slice_equal (above, buffer_slice (&hashing->dir_path)))) {
        hash_dir_close (self);
        int rc = self->disk->open (self->disk->self, hashing->root, above, &hashing->dir, &entry);
        if (rc) {
            hashing->dir = NULL;
            return rc;
        }
        buffer_append (&hashing->dir_path, above.data, above.size);
    }
    int rc = self->disk->file_open (self->disk->self, above.size ? hashing->dir : hashing->root,
        name, &hashing->file, &hashing->before);
    if (rc)
        hashing->file = NULL;
    return rc;
}

static void file_begin (scan_t *self, step_t *step)
{
    hashing_t *hashing = &self->hashing;
    slice_t path;
    size_t fields;
    hashing->finding = (finding_t){.error = 0};
    if (cursor_array (&hashing->rest, &fields) || fields != 2 ||
        cursor_bin_exact (&hashing->rest, hashing->finding.uuid.bytes, sizeof (uuid16_t)) ||
        cursor_bin (&hashing->rest, &path)) {
        metric_add (step->metrics, METRIC_MAIL_REFUSED, 1);
        hashing->rest = cursor_over (slice_of (NULL, 0));
        return;
    }
    int rc = file_reach (self, path);
    if (rc) {
        file_found (self, step, rc);
        return;
    }
    hashing->read = 0;
    hashing->mime[0] = 0;
    crypto_generichash_init (&hashing->hash, NULL, 0, 32);
}

static void file_end (scan_t *self, step_t *step)
{
    hashing_t *hashing = &self->hashing;
    const entry_t *before = &hashing->before;
    entry_t after;
    int rc = self->disk->file_look (self->disk->self, hashing->file, &after);
    if (rc == 0 && (after.size != before->size || after.modified != before->modified ||
                       hashing->read != before->size))
        rc = ERR_BUSY;
    if (rc == 0 && hashing->read == 0)
        snprintf (hashing->mime, sizeof hashing->mime, "%s",
            self->disk->mime (self->disk->self, slice_of ("", 0)));
    file_found (self, step, rc);
}

//  Reads on. Answers how many bytes.
static size_t file_read (scan_t *self, step_t *step)
{
    hashing_t *hashing = &self->hashing;
    size_t size;
    int rc = self->disk->file_read (
        self->disk->self, hashing->file, self->bytes, SCAN_READ_BYTES, &size);
    if (rc) {
        file_found (self, step, rc);
        return 0;
    }
    if (size == 0) {
        file_end (self, step);
        return 0;
    }
    if (hashing->read == 0)
        snprintf (hashing->mime, sizeof hashing->mime, "%s",
            self->disk->mime (self->disk->self,
                slice_of (self->bytes, size < SCAN_HEAD_BYTES ? size : SCAN_HEAD_BYTES)));
    crypto_generichash_update (&hashing->hash, self->bytes, size);
    hashing->read += size;
    metric_add (step->metrics, METRIC_BYTES_HASHED, size);
    if (hashing->read > hashing->before.size)
        file_found (self, step, ERR_BUSY); // it grows: no end of it may ever come
    return size;
}

void scan_hash_slice (scan_t *self, step_t *step)
{
    hashing_t *hashing = &self->hashing;
    size_t files = 0, bytes = 0;
    if (hashing->mail == NULL)
        hash_begin (self, step, mail_list_take (&self->requests));
    while (hashing->mail && files < SCAN_SLICE_FILES && bytes < SCAN_SLICE_BYTES) {
        if (hashing->file)
            bytes += file_read (self, step);
        else if (!cursor_done (&hashing->rest)) {
            file_begin (self, step);
            files++;
        } else {
            results_send (self, step, true);
            hash_end (self);
        }
    }
}

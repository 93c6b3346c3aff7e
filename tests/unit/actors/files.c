#include "tests/unit/actors/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/resources.h"

#define SECOND_NS 1000000000ull

static char text_out[1 << 20];
static uint8_t field_out[4096];

static void files_random (void *context, void *bytes, size_t size)
{
    files_t *self = context;
    uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        self->random = self->random * 6364136223846793005ull + 1442695040888963407ull;
        at[i] = (uint8_t)(self->random >> 56);
    }
}

static void files_say (void *context, int level, const char *text)
{
    files_t *self = context;
    if (level >= SAY_WARNING)
        snprintf (self->said, sizeof self->said, "%s", text);
}

static void begin (files_t *self, bool write, txn_t **ret_txn)
{
    cr_assert_eq (store_begin (self->store, write, ret_txn), 0);
}

files_t *files_new (void)
{
    files_t *self = calloc (1, sizeof *self);
    const char *base = getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp";
    store_options_t options = {.map_size = 1ull << 28, .no_sync = true};
    snprintf (self->dir, sizeof self->dir, "%s/tidepool-files-XXXXXX", base);
    cr_assert_not_null (mkdtemp (self->dir));
    cr_assert_eq (store_open (self->dir, &options, &self->store), 0);
    txn_t *txn;
    const char *difference;
    begin (self, true, &txn);
    for (size_t i = 0; i < resource_default_count; i++)
        cr_assert_eq (resources_declare (txn, &resource_defaults[i], &difference), 0);
    cr_assert_eq (store_commit (&txn), 0);
    uint8_t seed[SEED_SIZE] = {7};
    cr_assert_eq (keys_start (), 0);
    cr_assert_eq (identity_from_seed (seed, &self->identity), 0);
    self->tree = tree_new ();
    self->mono_ns = 1000 * SECOND_NS;
    self->random = 1;
    snprintf (self->config.dir, sizeof self->config.dir, "/home/node");
    self->setup = (actor_setup_t){.config = &self->config,
        .identity = &self->identity,
        .version = "test",
        .disk = &self->tree->disk};
    tree_mkdir (self->tree, "/home");
    files_start (self);
    return self;
}

static step_t step_new (files_t *self, int actor)
{
    return (step_t){.now = {(1700000000ull << 32), self->mono_ns},
        .metrics = &self->metrics,
        .wake_ns = UINT64_MAX,
        .self = actor,
        .random = files_random,
        .say = files_say,
        .context = self};
}

void files_start (files_t *self)
{
    txn_t *txn;
    self->scan_step = step_new (self, ACTOR_SCAN);
    self->ingest_step = step_new (self, ACTOR_INGEST);
    begin (self, false, &txn);
    self->ingest_step.txn = txn;
    cr_assert_eq (scan_class.open (&self->setup, &self->scan_step, &self->scan), 0);
    cr_assert_eq (ingest_class.open (&self->setup, &self->ingest_step, &self->ingest), 0);
    store_abort (&txn);
}

void files_stop (files_t *self)
{
    ingest_class.close (&self->ingest);
    scan_class.close (&self->scan);
    mail_list_clear (&self->ingest_step.out);
    mail_list_clear (&self->scan_step.out);
    mail_list_clear (&self->to_ingest);
    mail_list_clear (&self->to_scan);
    mail_list_clear (&self->to_oplog);
    cr_assert_eq (self->tree->open_count, 0, "directories or files left open");
    for (size_t i = 0; i < self->tree->inode_count; i++)
        self->tree->inodes[i].watched = false;
    self->tree->watch_count = 0;
    buffer_clear (&self->tree->events);
    self->tree->event_count = 0;
}

void files_destroy (files_t **self_p)
{
    files_t *self = *self_p;
    char path[256];
    files_stop (self);
    tree_destroy (&self->tree);
    store_destroy (&self->store);
    snprintf (path, sizeof path, "%s/data.mdb", self->dir);
    unlink (path);
    snprintf (path, sizeof path, "%s/lock.mdb", self->dir);
    unlink (path);
    rmdir (self->dir);
    free (self);
    *self_p = NULL;
}

//  ---- the oplog

static int apply (files_t *self, const mail_t *mail)
{
    txn_t *txn;
    size_t fields, rows = 0;
    begin (self, true, &txn);
    cursor_t cursor = cursor_over (mail_frame (mail, 1));
    while (!cursor_done (&cursor)) {
        row_t row = {.updated = ++self->updated};
        cr_assert_eq (cursor_array (&cursor, &fields), 0);
        cr_assert_eq (cursor_text (&cursor, &row.resource), 0);
        cr_assert_eq (cursor_bin_exact (&cursor, &row.uuid, 16), 0);
        if (cursor_kind (&cursor) == PACK_NIL)
            cr_assert_eq (cursor_nil (&cursor), 0);
        else {
            cr_assert_eq (cursor_skip (&cursor, &row.value), 0);
            cr_assert_eq (value_check (row.value), 0, "a row's value is not canonical");
        }
        cr_assert_eq (owned_put (txn, &self->identity.client, &row), 0);
        rows++;
    }
    cursor = cursor_over (mail_frame (mail, 2));
    slice_t before = {NULL, 0};
    for (uint64_t space_before = 0; !cursor_done (&cursor);) {
        uint64_t space;
        slice_t key, value = {NULL, 0};
        cr_assert_eq (cursor_array (&cursor, &fields), 0);
        cr_assert_eq (cursor_uint (&cursor, &space), 0);
        cr_assert_eq (cursor_bin (&cursor, &key), 0);
        cr_assert (
            space > space_before || (space == space_before && slice_compare (key, before) >= 0),
            "keys do not come in their order");
        space_before = space;
        before = key;
        if (cursor_kind (&cursor) == PACK_NIL) {
            cr_assert_eq (cursor_nil (&cursor), 0);
            cr_assert_eq (node_delete (txn, (enum node_space)space, key), 0);
        } else {
            cr_assert_eq (cursor_bin (&cursor, &value), 0);
            cr_assert_eq (node_put (txn, (enum node_space)space, key, value), 0);
        }
    }
    self->writes++;
    self->rows += rows;
    return store_commit (&txn);
}

static bool oplog_round (files_t *self)
{
    if (self->to_oplog.count > self->held_max)
        self->held_max = self->to_oplog.count;
    if (self->hold || self->to_oplog.count == 0)
        return false;
    mail_t *mail = mail_list_take (&self->to_oplog);
    cr_assert_eq (mail->envelope.verb, MAIL_WRITE);
    written_t written = {.error = (uint64_t)-self->refuse};
    if (self->refuse == 0)
        cr_assert_eq (apply (self, mail), 0);
    step_t step = step_new (self, ACTOR_OPLOG);
    step_send (
        &step, ACTOR_INGEST, MAIL_WRITTEN, mail->envelope.ticket, &written_type, &written, NULL, 0);
    mail_list_append (&self->to_ingest, mail_list_take (&step.out));
    mail_destroy (&mail);
    return true;
}

//  ---- mail

static void to_admin (files_t *self, const mail_t *mail)
{
    alarm_t alarm;
    commanded_t commanded;
    if (mail->envelope.verb == MAIL_ALARM) {
        cr_assert_eq (message_unpack (&alarm_type, mail->body, &alarm, NULL), 0);
        self->alarms += alarm.text.size != 0;
        self->alarms_over += alarm.text.size == 0;
        return;
    }
    cr_assert_eq (mail->envelope.verb, MAIL_COMMANDED);
    cr_assert_eq (message_unpack (&commanded_type, mail->body, &commanded, NULL), 0);
    self->answers++;
    self->answer_error = -(int)commanded.error;
    size_t size = commanded.answer.size ? commanded.answer.size : commanded.message.size;
    const uint8_t *data = commanded.answer.size ? commanded.answer.data : commanded.message.data;
    for (size_t i = 0; i < size && i + 1 < sizeof self->answer; i++)
        self->answer[i] = data[i] >= ' ' && data[i] < 127 ? (char)data[i] : '.';
    self->answer_end = size ? data[size - 1] : 0;
    self->answer[size < sizeof self->answer ? size : sizeof self->answer - 1] = 0;
}

static void post (files_t *self, step_t *step)
{
    for (mail_t *mail = mail_list_take (&step->out); mail; mail = mail_list_take (&step->out))
        switch (mail->envelope.to) {
        case ACTOR_INGEST: mail_list_append (&self->to_ingest, mail); break;
        case ACTOR_SCAN: mail_list_append (&self->to_scan, mail); break;
        case ACTOR_OPLOG: mail_list_append (&self->to_oplog, mail); break;
        default:
            cr_assert_eq (mail->envelope.to, ACTOR_ADMIN);
            to_admin (self, mail);
            mail_destroy (&mail);
        }
}

static bool core_round (
    files_t *self, const actor_class_t *class, void *core, step_t *step, mail_list_t *in)
{
    step->now.mono_ns = self->mono_ns;
    step->now.wall = (1700000000ull << 32) + (uint64_t)((double)self->mono_ns * 4.294967296);
    if (in->count == 0 && step->wake_ns > self->mono_ns)
        return false;
    txn_t *txn = NULL;
    if (class->txn == TXN_READ)
        begin (self, false, &txn);
    step->txn = txn;
    for (mail_t *mail = mail_list_take (in); mail; mail = mail_list_take (in)) {
        class->receive (core, step, &mail);
        mail_destroy (&mail);
    }
    if (step->wake_ns <= self->mono_ns) {
        step->wake_ns = UINT64_MAX;
        class->tick (core, step);
    }
    if (txn)
        store_abort (&txn);
    post (self, step);
    return true;
}

static void take_events (files_t *self)
{
    if (self->tree->event_count == 0)
        return;
    scan_events_t events = {.count = self->tree->event_count};
    frame_t frame = frame_take (&self->tree->events);
    step_t step = step_new (self, ACTOR_EDGE);
    step_send_frames (
        &step, ACTOR_SCAN, MAIL_SCAN_EVENTS, 0, &scan_events_type, &events, &frame, 1);
    mail_list_append (&self->to_scan, mail_list_take (&step.out));
    self->tree->event_count = 0;
}

static bool all_round (files_t *self)
{
    take_events (self);
    bool busy = core_round (self, &scan_class, self->scan, &self->scan_step, &self->to_scan);
    busy |= core_round (self, &ingest_class, self->ingest, &self->ingest_step, &self->to_ingest);
    return busy | oplog_round (self);
}

void files_run_rounds (files_t *self, size_t rounds)
{
    for (size_t i = 0; i < rounds; i++)
        all_round (self);
}

void files_run_for (files_t *self, uint64_t ms)
{
    uint64_t end = self->mono_ns + ms * 1000000;
    for (;;) {
        if (all_round (self))
            continue;
        uint64_t wake = self->scan_step.wake_ns < self->ingest_step.wake_ns
                            ? self->scan_step.wake_ns
                            : self->ingest_step.wake_ns;
        if (wake > end) {
            self->mono_ns = end;
            return;
        }
        self->mono_ns = wake;
    }
}

void files_run (files_t *self)
{
    files_run_for (self, 30000);
}

void files_command (
    files_t *self, const char *action, const char *path, bool wait, const char *exclude)
{
    buffer_t request = {NULL, 0, 0};
    pack_map (&request, 3 + (path != NULL) + (exclude != NULL));
    pack_string (&request, "do");
    pack_string (&request, "ingest");
    pack_string (&request, "action");
    pack_string (&request, action);
    if (path) {
        pack_string (&request, "path");
        pack_string (&request, path);
    }
    if (exclude) {
        pack_string (&request, "exclude");
        pack_array (&request, 1);
        pack_string (&request, exclude);
    }
    pack_string (&request, "wait");
    pack_bool (&request, wait);
    command_t command = {.verb = slice_text ("ingest"), .request = buffer_slice (&request)};
    step_t step = step_new (self, ACTOR_ADMIN);
    step_send (&step, ACTOR_INGEST, MAIL_COMMAND, 1, &command_type, &command, NULL, 0);
    mail_list_append (&self->to_ingest, mail_list_take (&step.out));
    buffer_release (&request);
}

void files_add (files_t *self, const char *path)
{
    size_t answers = self->answers;
    files_command (self, "add", path, true, NULL);
    files_run (self);
    cr_assert_eq (self->answers, answers + 1);
    cr_assert_eq (self->answer_error, 0, "%s", self->answer);
}

//  ---- what is stored

typedef struct line {
    char text[512];
} line_t;

static int line_compare (const void *a, const void *b)
{
    return strcmp (a, b);
}

static size_t each_row (files_t *self, const char *path, row_t *ret_row, txn_t *txn, line_t *lines)
{
    uuid16_t owner, after;
    row_t row;
    row_view_t view;
    size_t count = 0;
    bool first = true;
    while (owned_next (txn, slice_text (FILE_PATHS), &self->identity.client, first ? NULL : &owner,
               first ? NULL : &after, &owner, &row) == 0) {
        first = false;
        after = row.uuid;
        cr_assert_eq (row_view (row.value, &view), 0);
        if (path && slice_equal (view.path, slice_text (path)))
            *ret_row = row;
        if (lines)
            snprintf (lines[count].text, sizeof lines->text, "%.*s %u%s%s\n", (int)view.path.size,
                (const char *)view.path.data, (unsigned)view.size, view.content.known ? " " : "",
                view.content.known ? "identified" : "");
        count++;
    }
    return count;
}

uuid16_t files_uuid (files_t *self, const char *path)
{
    txn_t *txn;
    row_t row = {.updated = 0};
    begin (self, false, &txn);
    each_row (self, path, &row, txn, NULL);
    store_abort (&txn);
    return row.uuid;
}

size_t files_count (files_t *self)
{
    txn_t *txn;
    begin (self, false, &txn);
    size_t count = each_row (self, NULL, NULL, txn, NULL);
    store_abort (&txn);
    return count;
}

const char *files_text (files_t *self)
{
    txn_t *txn;
    size_t count = files_count (self), at = 0;
    line_t *lines = calloc (count + 1, sizeof *lines);
    begin (self, false, &txn);
    each_row (self, NULL, NULL, txn, lines);
    store_abort (&txn);
    qsort (lines, count, sizeof *lines, line_compare);
    text_out[0] = 0;
    for (size_t i = 0; i < count && at + sizeof *lines < sizeof text_out; i++)
        at += (size_t)snprintf (text_out + at, sizeof text_out - at, "%s", lines[i].text);
    free (lines);
    return text_out;
}

slice_t files_field (files_t *self, const char *path, const char *field)
{
    txn_t *txn;
    row_t row = {.updated = 0};
    size_t count = 0;
    slice_t name, value, found = {NULL, 0};
    begin (self, false, &txn);
    each_row (self, path, &row, txn, NULL);
    cursor_t cursor = cursor_over (row.value);
    if (row.value.size)
        cr_assert_eq (cursor_map (&cursor, &count), 0);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq (cursor_text (&cursor, &name), 0);
        cr_assert_eq (cursor_skip (&cursor, &value), 0);
        if (slice_equal (name, slice_text (field))) {
            cr_assert (value.size <= sizeof field_out);
            memcpy (field_out, value.data, value.size);
            found = slice_of (field_out, value.size);
        }
    }
    store_abort (&txn);
    return found;
}

size_t files_stored (files_t *self, enum node_space space)
{
    txn_t *txn;
    slice_t key, value;
    uint8_t last[400];
    size_t count = 0;
    begin (self, false, &txn);
    int rc = node_seek (txn, space, slice_of ("", 0), &key, &value);
    for (; rc == 0; count++) {
        size_t size = key.size;
        memcpy (last, key.data, size);
        rc = node_next (txn, space, slice_of (last, size), &key, &value);
    }
    store_abort (&txn);
    return count;
}

//  ---- a copy that is put back

static void copy (files_t *self, const char *from, const char *to)
{
    char path[256], bytes[65536];
    size_t size;
    snprintf (path, sizeof path, "%s/%s", self->dir, from);
    FILE *in = fopen (path, "rb");
    snprintf (path, sizeof path, "%s/%s", self->dir, to);
    FILE *out = fopen (path, "wb");
    cr_assert (in && out);
    while ((size = fread (bytes, 1, sizeof bytes, in)) > 0)
        cr_assert_eq (fwrite (bytes, 1, size, out), size);
    fclose (in);
    cr_assert_eq (fclose (out), 0);
}

void files_backup (files_t *self)
{
    copy (self, "data.mdb", "backup");
}

void files_restore (files_t *self)
{
    store_options_t options = {.map_size = 1ull << 28, .no_sync = true};
    char path[256];
    store_destroy (&self->store);
    copy (self, "backup", "data.mdb");
    snprintf (path, sizeof path, "%s/backup", self->dir);
    unlink (path);
    cr_assert_eq (store_open (self->dir, &options, &self->store), 0);
}

void files_rows_keep (files_t *self, files_rows_t *rows)
{
    txn_t *txn;
    row_t row = {.updated = 0};
    begin (self, false, &txn);
    while (owned_stream (txn, &self->identity.client, row.updated, &row) == 0)
        row_pack (&row, &rows->packed);
    store_abort (&txn);
}

void files_rows_back (files_t *self, files_rows_t *rows, bool tell)
{
    txn_t *txn;
    row_t row;
    cursor_t cursor = cursor_over (buffer_slice (&rows->packed));
    begin (self, true, &txn);
    while (!cursor_done (&cursor)) {
        cr_assert_eq (row_unpack (&cursor, &row), 0);
        cr_assert_eq (owned_put (txn, &self->identity.client, &row), 0);
    }
    cr_assert_eq (node_put (txn, NODE_SETTINGS, slice_text ("regain"), slice_of ("\x01", 1)), 0);
    cr_assert_eq (store_commit (&txn), 0);
    buffer_release (&rows->packed);
    if (!tell)
        return;
    rows_back_t back = {.upto = self->updated};
    step_t step = step_new (self, ACTOR_OPLOG);
    step_send (&step, ACTOR_INGEST, MAIL_ROWS_BACK, 0, &rows_back_type, &back, NULL, 0);
    mail_list_append (&self->to_ingest, mail_list_take (&step.out));
}

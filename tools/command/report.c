//  report - metrics, pending, lost and found, verify

#include "tools/command/client.h"
#include "tools/command/field.h"
#include "tools/command/json.h"
#include "tools/command/progress.h"
#include "tools/command/table.h"
#include "tools/command/value.h"

#include <inttypes.h>
#include <time.h>

#define SPIN_MS 250

//  Asks and shows: as JSON the answer as it came.
static int report (command_t *self, const char *verb, void (*show) (const command_t *, slice_t))
{
    ask_t ask = {.verb = verb};
    buffer_t answer = {NULL, 0, 0};
    int status = connection_ask_once (self, "admin", &ask, ANSWER_MS, &answer);
    if (status == EXIT_DONE && self->json)
        document_print (self, buffer_slice (&answer));
    else if (status == EXIT_DONE)
        show (self, buffer_slice (&answer));
    buffer_release (&answer);
    return status;
}

//  ---- metrics

static void metrics_show (const command_t *self, slice_t map)
{
    table_t *table = table_new ("lr", NULL);
    walk_t walk = walk_map (field_find (map, "metrics"));
    slice_t name, value;
    while (walk_next (&walk, &name, &value)) {
        buffer_t text = {NULL, 0, 0};
        value_show (request_nil, name, value, &text);
        table_add (table, STYLE_PLAIN, name);
        table_add (table, STYLE_BOLD, buffer_slice (&text));
        buffer_release (&text);
    }
    table_print (table, &self->out);
    table_destroy (&table);
}

int command_metrics (command_t *self)
{
    return report (self, "metrics", metrics_show);
}

//  ---- pending

//  For whom, since when, how much.
static void kept_for_show (const command_t *self, slice_t map)
{
    static const char *const heads[] = {"KEPT FOR", "SINCE", "BATCHES", "SIZE"};
    char one[SHOW_SIZE];
    uint64_t now = time_from_ns ((uint64_t)time (NULL) * 1000000000u);
    table_t *table = table_new ("llrr", heads);
    walk_t walk = walk_array (field_find (map, "kept_for"));
    slice_t member;
    while (walk_next (&walk, NULL, &member)) {
        table_add (table, STYLE_PLAIN, field_text (member, "name"));
        table_add_text (table, STYLE_PLAIN, show_age (now, field_time (member, "since"), one));
        table_add_text (table, STYLE_PLAIN, show_number (field_uint (member, "batches"), one));
        table_add_text (table, STYLE_PLAIN, show_size (field_uint (member, "bytes"), one));
    }
    if (table_rows (table)) {
        table_print (table, &self->out);
        if (field_bool (map, "more"))
            fputs ("and more: the log is longer than was read\n", self->out.file);
        fputc ('\n', self->out.file);
    }
    table_destroy (&table);
}

static void pending_show (const command_t *self, slice_t map)
{
    static const char *const heads[] = {"SEQUENCE", "CLIENT", "SEALED", "OPERATIONS", "SIZE"};
    char one[SHOW_SIZE], two[SHOW_SIZE], three[SHOW_SIZE];
    uint64_t now = time_from_ns ((uint64_t)time (NULL) * 1000000000u);
    table_t *table = table_new ("rllrr", heads);
    walk_t walk = walk_array (field_find (map, "pending"));
    slice_t batch;
    while (walk_next (&walk, NULL, &batch)) {
        char uuid[UUID_TEXT_SIZE];
        field_uuid_text (batch, "client", uuid);
        table_add_format (table, STYLE_FAINT, "%" PRIu64, field_uint (batch, "sequence"));
        table_add_text (table, STYLE_PLAIN, uuid);
        table_add_text (table, STYLE_PLAIN, show_age (now, field_time (batch, "upto"), one));
        table_add_text (table, STYLE_PLAIN, show_number (field_uint (batch, "operations"), one));
        table_add_text (table, STYLE_PLAIN, show_size (field_uint (batch, "bytes"), one));
    }
    if (table_rows (table)) {
        table_print (table, &self->out);
        fputc ('\n', self->out.file);
    }
    kept_for_show (self, map);
    fprintf (self->out.file, "%s batches, %s operations, %s\n",
        show_number (field_uint (map, "batches"), one),
        show_number (field_uint (map, "operations"), two),
        show_size (field_uint (map, "bytes"), three));
    fprintf (self->out.file, "%s deletions are remembered\n",
        show_number (field_uint (map, "deletions"), one));
    table_destroy (&table);
}

int command_pending (command_t *self)
{
    return report (self, "pending", pending_show);
}

//  ---- lost and found

static void found_show (const command_t *self, slice_t map)
{
    static const char *const heads[] = {"WRITTEN", "RESOURCE", "RECORD", "VALUE"};
    char one[SHOW_SIZE];
    uint64_t now = time_from_ns ((uint64_t)time (NULL) * 1000000000u);
    table_t *table = table_new ("llll", heads);
    walk_t walk = walk_array (field_find (map, "found"));
    slice_t entry;
    while (walk_next (&walk, NULL, &entry)) {
        char uuid[UUID_TEXT_SIZE];
        buffer_t value = {NULL, 0, 0};
        field_uuid_text (entry, "uuid", uuid);
        json_write (field_find (entry, "value"), &value);
        table_add_text (table, STYLE_PLAIN, show_age (now, field_time (entry, "timestamp"), one));
        table_add (table, STYLE_BOLD, field_text (entry, "resource"));
        table_add_text (table, STYLE_PLAIN, uuid);
        table_add (table, STYLE_PLAIN, buffer_slice (&value));
        buffer_release (&value);
    }
    if (table_rows (table))
        table_print (table, &self->out);
    else
        fputs ("nothing: all that was written here shows, or was deleted by who had seen it\n",
            self->out.file);
    table_destroy (&table);
}

int command_found (command_t *self)
{
    return report (self, "found", found_show);
}

//  ---- verify

static void verify_show (const command_t *self, slice_t map)
{
    static const char *const heads[] = {"RESOURCE", "RECORDS", "RESULT"};
    char number[SHOW_SIZE];
    table_t *table = table_new ("lrl", heads);
    walk_t walk = walk_map (field_find (map, "resources"));
    slice_t name, resource;
    while (walk_next (&walk, &name, &resource)) {
        bool ok = field_bool (resource, "ok");
        table_add (table, STYLE_BOLD, name);
        table_add_text (table, STYLE_PLAIN, show_number (field_uint (resource, "count"), number));
        table_add (table, ok ? STYLE_GOOD : STYLE_BAD,
            ok ? slice_text ("ok") : field_text (resource, "error"));
    }
    table_print (table, &self->out);
    table_destroy (&table);
    if (!field_is_nil (map, "mended"))
        fprintf (self->out.file, "derived records were made anew: %s put right\n",
            show_number (field_uint (map, "mended"), number));
}

//  The worst that was found: records that are not as they were written come before those that would not hold still.
static int verify_judge (const command_t *self, slice_t map)
{
    bool corrupt = false;
    walk_t walk = walk_map (field_find (map, "resources"));
    slice_t name, resource;
    if (field_bool (map, "sound"))
        return EXIT_DONE;
    while (walk_next (&walk, &name, &resource))
        corrupt |= !field_bool (resource, "ok") &&
                   !slice_equal (field_text (resource, "error"), slice_text ("BUSY"));
    return corrupt ? command_fail_error (self, ERR_CORRUPT,
                         "what is stored is not what was counted: see the resources above")
                   : command_fail_error (self, ERR_BUSY,
                         "some resources kept changing: try again when less is written");
}

int command_verify (command_t *self)
{
    connection_t *connection = NULL;
    progress_t progress = progress_on (self);
    ask_t ask = {.verb = "verify"};
    slice_t answer;
    time_t begun = time (NULL);
    if (option_given (self, OPTION_REBUILD))
        ask_bool (&ask, "rebuild", true);
    int status = connection_open (self, "admin", &connection);
    if (status == EXIT_DONE)
        status = connection_send (connection, &ask);
    buffer_release (&ask.fields);
    if (status == EXIT_DONE)
        status = connection_receive (connection, SPIN_MS, &answer);
    while (status == CONNECTION_WAITS) {
        if (progress_wanted (self))
            progress_show (&progress, "reading every record, %ld s", (long)(time (NULL) - begun));
        status = connection_receive (connection, SPIN_MS, &answer);
    }
    progress_end (&progress);
    if (status == EXIT_DONE) {
        if (self->json)
            document_print (self, answer);
        else
            verify_show (self, answer);
        fflush (self->out.file);
        status = verify_judge (self, answer);
    }
    connection_destroy (&connection);
    return status;
}

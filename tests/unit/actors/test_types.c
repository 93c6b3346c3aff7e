//  MIME types come after content ids where many files are wanted, and with them where few are.

#include "tests/unit/actors/files.h"

#include <stdio.h>

#define MANY 40 // more than are given both at once

static void write_all (files_t *self, const char *content)
{
    char path[64], text[64];
    for (int i = 0; i < MANY; i++) {
        snprintf (path, sizeof path, "/home/%02d", i);
        snprintf (text, sizeof text, "%s %02d", content, i);
        tree_write (self->tree, path, text);
    }
}

static files_t *many (void)
{
    files_t *self = files_new ();
    write_all (self, "text");
    return self;
}

//  How many rows have this field.
static size_t count_with (files_t *self, const char *field)
{
    char path[16];
    size_t count = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf (path, sizeof path, "%02d", i);
        count += files_field (self, path, field).size > 0;
    }
    return count;
}

static void run_until_identified (files_t *self)
{
    for (int i = 0; i < 1000 && count_with (self, "content_id") < MANY; i++)
        files_run_rounds (self, 1);
    cr_assert_eq (count_with (self, "content_id"), MANY);
}

static void assert_done (files_t *self)
{
    cr_assert_eq (count_with (self, "content_id"), MANY);
    cr_assert_eq (count_with (self, "mime"), MANY);
    cr_assert_eq (files_stored (self, NODE_WANTED), 0);
    cr_assert_eq (files_stored (self, NODE_UNTYPED), 0);
    files_command (self, "list", NULL, false, NULL);
    files_run_rounds (self, 3);
    cr_assert (strstr (self->answer, "watching"), "%s", self->answer);
}

Test (types, of_many_files_come_after_all_ids_and_the_list_says_so)
{
    files_t *self = many ();
    files_command (self, "add", "/home", false, NULL);
    run_until_identified (self);
    cr_assert_eq (count_with (self, "mime"), 0);
    cr_assert_eq (files_stored (self, NODE_UNTYPED), MANY);
    files_command (self, "list", NULL, false, NULL);
    files_run_rounds (self, 1);
    cr_assert (strstr (self->answer, "typing"), "%s", self->answer);
    cr_assert (strstr (self->answer, "unidentified..untyped("), "%s", self->answer);
    files_run (self);
    assert_done (self);
    files_destroy (&self);
}

Test (types, of_few_files_come_with_the_ids_in_one_change)
{
    files_t *self = many ();
    files_add (self, "/home");
    size_t rows = self->rows, reads = self->tree->reads;
    tree_write (self->tree, "/home/07", "another text");
    files_run (self);
    cr_assert_eq (self->rows, rows + 2, "once as it is seen, once with both");
    cr_assert_eq (self->tree->reads, reads + 1);
    assert_done (self);
    files_destroy (&self);
}

Test (types, that_are_not_known_yet_are_found_after_a_kill_at_any_moment)
{
    for (size_t steps = 0; steps < 60; steps++) {
        files_t *self = many ();
        files_command (self, "add", "/home", false, NULL);
        files_run_rounds (self, steps);
        files_stop (self);
        files_start (self);
        files_run (self);
        if (files_stored (self, NODE_LOCATIONS))
            assert_done (self);
        files_destroy (&self);
    }
}

//  What was said of the old content is not said of the new.
Test (types, of_files_that_change_before_theirs_is_known_are_of_the_new_content)
{
    files_t *self = many ();
    files_command (self, "add", "/home", false, NULL);
    run_until_identified (self);
    write_all (self, "\x89PNG");
    tree_remove (self->tree, "/home/39");
    tree_write (self->tree, "/home/39", "\x89PNG, and another inode");
    files_run (self);
    assert_done (self);
    for (int i = 0; i < MANY; i++) {
        char path[16];
        slice_t text;
        snprintf (path, sizeof path, "%02d", i);
        cursor_t cursor = cursor_over (files_field (self, path, "mime"));
        cr_assert_eq (cursor_text (&cursor, &text), 0);
        cr_assert (slice_equal (text, slice_text ("image/png")), "%s is %.*s", path, (int)text.size,
            (const char *)text.data);
    }
    files_destroy (&self);
}

Test (types, that_are_wanted_go_with_their_rows)
{
    files_t *self = many ();
    files_command (self, "add", "/home", false, NULL);
    run_until_identified (self);
    for (int i = 0; i < MANY; i += 2) {
        char path[64];
        snprintf (path, sizeof path, "/home/%02d", i);
        tree_remove (self->tree, path);
    }
    self->hold = true; // the types that are under way are not written before the files are gone
    files_run_for (self, 1000);
    self->hold = false;
    files_run (self);
    cr_assert_eq (files_count (self), MANY / 2);
    cr_assert_eq (count_with (self, "mime"), MANY / 2);
    cr_assert_eq (files_stored (self, NODE_UNTYPED), 0);
    files_command (self, "remove", "/home", false, NULL);
    files_run (self);
    cr_assert_eq (files_stored (self, NODE_LOCATIONS), 0);
    files_destroy (&self);
}

//  Of rows that came back nothing here may remember that they lack something.
Test (types, and_ids_that_rows_lack_which_came_back_after_a_restore_are_found)
{
    for (int identified = 0; identified <= 1; identified++) {
        files_rows_t rows = {.packed = {NULL, 0, 0}};
        files_t *self = many ();
        files_add (self, "/home");
        files_stop (self);
        files_backup (self);
        files_start (self);
        write_all (self, "later");
        self->hold = true; // until all that changed is known, and with `identified` its ids too
        files_run_for (self, 1000);
        self->hold = false;
        for (int i = 0; i < 1000; i++) {
            size_t wanted = files_stored (self, NODE_WANTED);
            if (identified ? files_stored (self, NODE_UNTYPED) == MANY && !wanted : wanted == MANY)
                break;
            files_run_rounds (self, 1);
        }
        cr_assert_eq (files_stored (self, identified ? NODE_UNTYPED : NODE_WANTED), MANY);
        files_rows_keep (self, &rows);
        files_stop (self);
        files_restore (self);
        self->updated += 1000;
        files_rows_back (self, &rows, false);
        files_start (self);
        files_run (self);
        assert_done (self);
        files_destroy (&self);
    }
}

static void write_many (files_t *self, const char *folder, size_t count)
{
    char path[64];
    tree_mkdir (self->tree, folder);
    for (size_t i = 0; i < count; i++) {
        snprintf (path, sizeof path, "%s/%c%04zu", folder, folder[6], i);
        tree_write (self->tree, path, path);
    }
}

static bool is_typed (files_t *self, const char *path)
{
    return files_field (self, path, "mime").size > 0;
}

//  Of a folder that is added while the types of another are being found, more ids than are asked for at once.
Test (types, wait_while_an_id_is_wanted_of_any_file)
{
    files_t *self = files_new ();
    write_many (self, "/home/a", 1100);
    write_many (self, "/home/b", 6500);
    files_command (self, "add", "/home/a", false, NULL);
    for (int i = 0; i < 10000 && !is_typed (self, "a0000"); i++)
        files_run_rounds (self, 1);
    files_command (self, "add", "/home/b", false, NULL);
    for (int i = 0; i < 10000 && !files_stored (self, NODE_WANTED); i++)
        files_run_rounds (self, 1);
    for (int i = 0; i < 10000 && files_stored (self, NODE_WANTED); i++)
        files_run_rounds (self, 1);
    cr_assert_not (is_typed (self, "a0600")); // four requests were under way at most
    files_run (self);
    cr_assert_eq (files_stored (self, NODE_UNTYPED), 0);
    files_destroy (&self);
}

//  As long as it was, so that only its time tells.
Test (ids, of_a_file_that_changes_while_it_is_read_are_not_written)
{
    files_t *self = files_new ();
    tree_write (self->tree, "/home/log", "9 more");
    self->tree->restless = "/home/log";
    self->tree->restless_left = 1;
    files_command (self, "add", "/home", false, NULL);
    files_run_rounds (self, 200); // no time passes
    cr_assert_eq (self->tree->restless_left, 0);
    cr_assert_eq (files_field (self, "log", "content_id").size, 0);
    files_run (self);
    slice_t id = files_field (self, "log", "content_id");
    uuid16_t expected = uuid_of_bytes (slice_text ("0 more"));
    cr_assert (slice_equal (slice_of (id.data + 2, 16), slice_of (expected.bytes, 16)));
    files_destroy (&self);
}

//  What was read is of the file as it is, and the row still says what it was.
Test (ids, of_files_that_differ_from_their_rows_are_not_written)
{
    files_t *self = many ();
    files_command (self, "add", "/home", false, NULL);
    for (int i = 0; i < 1000 && files_stored (self, NODE_WANTED) < MANY; i++)
        files_run_rounds (self, 1);
    write_all (self, "another text");
    files_run_rounds (self, 200); // no time passes: nobody has looked again
    cr_assert_eq (count_with (self, "content_id"), 0);
    files_run (self);
    assert_done (self);
    files_destroy (&self);
}

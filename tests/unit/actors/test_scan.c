#include "tests/unit/actors/files.h"

Test (scan, symbolic_links_are_rows_and_are_not_followed)
{
    files_t *self = files_new ();
    tree_mkdir (self->tree, "/home/a");
    tree_symlink (self->tree, "/home/a/loop", "/home/a");
    files_add (self, "/home/a");
    cr_assert_str_eq (files_text (self), "loop 7\n");
    files_destroy (&self);
}

Test (scan, special_files_and_the_nodes_own_directory_are_left_out)
{
    files_t *self = files_new ();
    tree_special (self->tree, "/home/fifo");
    tree_mkdir (self->tree, "/home/node");
    tree_write (self->tree, "/home/node/data.mdb", "x");
    tree_write (self->tree, "/home/a", "x");
    files_add (self, "/home");
    cr_assert_str_eq (files_text (self), "a 1 identified\n");
    files_destroy (&self);
}

Test (scan, deep_tree_needs_few_open_directories)
{
    files_t *self = files_new ();
    char path[2048] = "/home";
    for (int i = 0; i < 200; i++) {
        strcat (path, "/d");
        tree_mkdir (self->tree, path);
    }
    strcat (path, "/file");
    tree_write (self->tree, path, "deep");
    files_add (self, "/home");
    cr_assert_eq (files_count (self), 201);
    files_destroy (&self);
}

Test (scan, too_few_watches_raise_an_alarm_and_the_location_is_walked_again)
{
    files_t *self = files_new ();
    tree_mkdir (self->tree, "/home/a");
    tree_mkdir (self->tree, "/home/b");
    self->tree->watch_max = 1;
    files_add (self, "/home");
    cr_assert_eq (self->alarms, 1);
    tree_write (self->tree, "/home/b/unseen", "x");
    files_run_for (self, 1000);
    self->tree->watch_max = 0;
    files_run_for (self, 600000);
    cr_assert_str_eq (files_text (self), "a 0\nb 0\nb/unseen 1 identified\n");
    cr_assert_eq (self->alarms_over, 1);
    files_destroy (&self);
}

Test (scan, unreadable_directory_is_tried_again)
{
    files_t *self = files_new ();
    tree_mkdir (self->tree, "/home/a");
    tree_write (self->tree, "/home/a/file", "x");
    tree_mkdir (self->tree, "/home/a/sub");
    tree_write (self->tree, "/home/a/sub/file", "x");
    tree_lock (self->tree, "/home/a", true);
    files_add (self, "/home");
    cr_assert_str_eq (files_text (self), "a 0\n");
    cr_assert (strstr (self->said, "/home: 1 of its places cannot be read") &&
                   strstr (self->said, "./a: this is not permitted here"),
        "%s", self->said);
    files_run_for (self, 600000);
    cr_assert_str_eq (files_text (self), "a 0\n");
    tree_lock (self->tree, "/home/a", false);
    files_run_for (self, 1000000);
    cr_assert_str_eq (
        files_text (self), "a 0\na/file 1 identified\na/sub 0\na/sub/file 1 identified\n");
    //  And what is there now is watched.
    tree_write (self->tree, "/home/a/sub/new", "xy");
    files_run_for (self, 3000);
    cr_assert_eq (files_count (self), 5);
    files_destroy (&self);
}

//  As `ingest list` says; it is the last that it says of a location.
static unsigned unreadable_of (files_t *self)
{
    size_t size = strlen ("unreadable") + 1;
    files_command (self, "list", NULL, false, NULL);
    files_run_rounds (self, 3);
    const char *end = self->answer + strlen (self->answer);
    cr_assert_eq (memcmp (end - size, "unreadable", size - 1), 0, "%s", self->answer);
    return self->answer_end;
}

Test (scan, unreadable_directory_is_read_as_soon_as_its_mode_says_so)
{
    files_t *self = files_new ();
    tree_mkdir (self->tree, "/home/a");
    tree_mkdir (self->tree, "/home/a/b");
    tree_write (self->tree, "/home/a/b/file", "x");
    tree_lock (self->tree, "/home/a/b", true);
    files_add (self, "/home");
    files_run_for (self, 10000000);
    size_t opens = self->tree->opens;
    files_run_for (self, 10000000);
    cr_assert (self->tree->opens - opens < 20, "%zu",
        self->tree->opens - opens); // each hour, the root, a, and b
    tree_chmod (self->tree, "/home/a/b", 0700);
    tree_lock (self->tree, "/home/a/b", false);
    files_run_for (self, 3000);
    cr_assert_str_eq (files_text (self), "a 0\na/b 0\na/b/file 1 identified\n");
    //  And so the list says, and when it is the other way round again.
    cr_assert_eq (unreadable_of (self), 0);
    tree_lock (self->tree, "/home/a/b", true);
    tree_chmod (self->tree, "/home/a/b", 0);
    tree_write (self->tree, "/home/a/b/file", "xx");
    files_run_for (self, 3000);
    cr_assert_eq (unreadable_of (self), 1);
    files_destroy (&self);
}

Test (scan, lost_events_are_made_good_by_a_walk)
{
    files_t *self = files_new ();
    tree_mkdir (self->tree, "/home/a");
    files_add (self, "/home");
    tree_write (self->tree, "/home/a/x", "x");
    buffer_clear (&self->tree->events);
    pack_array (&self->tree->events, 3);
    pack_uint (&self->tree->events, 0);
    pack_uint (&self->tree->events, WATCH_OVERFLOW);
    pack_bin (&self->tree->events, slice_of ("", 0));
    self->tree->event_count = 1;
    files_run (self);
    cr_assert_str_eq (files_text (self), "a 0\na/x 1 identified\n");
    files_destroy (&self);
}

Test (scan, storm_of_changes_is_looked_at_once)
{
    files_t *self = files_new ();
    tree_mkdir (self->tree, "/home/a");
    files_add (self, "/home");
    size_t rows = self->rows;
    for (int i = 0; i < 1000; i++)
        tree_write (self->tree, "/home/a/log", "line");
    files_run (self);
    cr_assert (self->rows - rows <= 4, "%zu rows", self->rows - rows);
    rows = self->rows;
    for (int i = 0; i < 15; i++) { // never quiet, and not for so long that patience ends
        tree_write (self->tree, "/home/a/log", "more");
        files_run_for (self, 100);
    }
    cr_assert_eq (self->rows, rows);
    files_run (self);
    cr_assert (self->rows - rows <= 4, "%zu rows", self->rows - rows);
    files_destroy (&self);
}

Test (scan, tree_made_at_once_is_found_in_full)
{
    files_t *self = files_new ();
    files_add (self, "/home");
    tree_mkdir (self->tree, "/home/a");
    tree_mkdir (self->tree, "/home/a/b");
    tree_mkdir (self->tree, "/home/a-b");
    tree_write (self->tree, "/home/a/b/c", "x");
    files_run (self);
    cr_assert_str_eq (files_text (self), "a 0\na-b 0\na/b 0\na/b/c 1 identified\n");
    tree_write (self->tree, "/home/a/b/d", "y");
    files_run (self);
    cr_assert_eq (files_count (self), 5);
    files_destroy (&self);
}

Test (scan, mounts_are_rows_and_are_not_crossed)
{
    files_t *self = files_new ();
    tree_mkdir (self->tree, "/home/usb");
    tree_write (self->tree, "/home/usb/file", "x");
    for (size_t i = 0; i < self->tree->inode_count; i++)
        self->tree->inodes[i].mount = self->tree->nodes[2].inode == &self->tree->inodes[i];
    files_add (self, "/home");
    cr_assert_str_eq (files_text (self), "usb 0\n");
    files_destroy (&self);
}

#include "tests/unit/actors/files.h"

#include <stdio.h>
#include <stdlib.h>

static files_t *photos (void)
{
    files_t *self = files_new ();
    tree_mkdir (self->tree, "/home/photos");
    tree_mkdir (self->tree, "/home/photos/2022");
    tree_write (self->tree, "/home/photos/2022/beach.jpg", "sand");
    tree_write (self->tree, "/home/photos/2022/sea.jpg", "water");
    tree_mkdir (self->tree, "/home/photos/2023");
    tree_write (self->tree, "/home/photos/readme.txt", "hello");
    return self;
}

static void assert_text (files_t *self, const char *field, const char *path, const char *expected)
{
    slice_t value = files_field (self, path, field), text = {NULL, 0};
    cursor_t cursor = cursor_over (value);
    cr_assert_eq (cursor_text (&cursor, &text), 0, "%s has no %s", path, field);
    cr_assert (slice_equal (text, slice_text (expected)), "%s of %s is %.*s", field, path,
        (int)text.size, (const char *)text.data);
}

static const char *const photos_text = "2022 0\n"
                                       "2022/beach.jpg 4 identified\n"
                                       "2022/sea.jpg 5 identified\n"
                                       "2023 0\n"
                                       "readme.txt 5 identified\n";

Test (ingest, first_scan_gives_every_entry_a_row_and_every_file_its_content)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    cr_assert_str_eq (files_text (self), photos_text);
    assert_text (self, "name", "2022/beach.jpg", "beach.jpg");
    assert_text (self, "extension", "2022/beach.jpg", "jpg");
    assert_text (self, "mime", "2022/beach.jpg", "text/plain");
    assert_text (self, "extension", "2022", "");
    slice_t id = files_field (self, "2022/beach.jpg", "content_id");
    uuid16_t expected = uuid_of_bytes (slice_text ("sand"));
    cr_assert (slice_equal (slice_of (id.data + 2, 16), slice_of (expected.bytes, 16)));
    cr_assert_eq (files_stored (self, NODE_PLACES), 5);
    cr_assert_eq (files_stored (self, NODE_WANTED), 0);
    files_destroy (&self);
}

Test (ingest, files_are_read_side_by_side_once_for_the_id_and_once_for_the_type)
{
    files_t *self = files_new ();
    char path[64];
    for (int i = 0; i < 300; i++) {
        snprintf (path, sizeof path, "/home/%d", i);
        tree_write (self->tree, path, path);
    }
    files_add (self, "/home");
    for (int i = 0; i < 300; i++) {
        snprintf (path, sizeof path, "/home/%d", i);
        slice_t id = files_field (self, path + 6, "content_id");
        uuid16_t expected = uuid_of_bytes (slice_text (path));
        cr_assert (slice_equal (slice_of (id.data + 2, 16), slice_of (expected.bytes, 16)));
    }
    cr_assert_eq (self->tree->reads, 2 * 300);
    cr_assert (self->tree->items_max > 1);
    cr_assert_eq (self->tree->open_count, 0);
    files_destroy (&self);
}

Test (ingest, unchanged_scan_writes_nothing_and_reads_no_file)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    size_t writes = self->writes, reads = self->tree->reads;
    files_command (self, "rescan", "/home/photos", true, NULL);
    files_run (self);
    cr_assert_eq (self->answer_error, 0);
    files_stop (self);
    files_start (self);
    files_run (self);
    cr_assert_eq (self->writes, writes);
    cr_assert_eq (self->tree->reads, reads);
    files_destroy (&self);
}

Test (ingest, change_is_seen_as_it_happens)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    uuid16_t sea = files_uuid (self, "2022/sea.jpg"), now;
    tree_write (self->tree, "/home/photos/2022/sea.jpg", "more water");
    tree_write (self->tree, "/home/photos/2023/new.jpg", "new");
    tree_remove (self->tree, "/home/photos/readme.txt");
    files_run (self);
    cr_assert_str_eq (files_text (self), "2022 0\n"
                                         "2022/beach.jpg 4 identified\n"
                                         "2022/sea.jpg 10 identified\n"
                                         "2023 0\n"
                                         "2023/new.jpg 3 identified\n");
    now = files_uuid (self, "2022/sea.jpg");
    cr_assert (uuid_equal (&sea, &now));
    cr_assert_eq (files_stored (self, NODE_PLACES), 5);
    cr_assert_eq (files_stored (self, NODE_INODES), 5);
    files_destroy (&self);
}

Test (ingest, change_while_the_node_was_down_is_found_at_its_start)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    files_stop (self);
    tree_write (self->tree, "/home/photos/2022/sea.jpg", "more water");
    tree_remove (self->tree, "/home/photos/2022/beach.jpg");
    files_start (self);
    files_run (self);
    cr_assert_str_eq (
        files_text (self), "2022 0\n2022/sea.jpg 10 identified\n2023 0\nreadme.txt 5 identified\n");
    files_destroy (&self);
}

static void assert_moved (files_t *self, const char *from, const char *to, bool down)
{
    char from_path[256], to_path[256];
    snprintf (from_path, sizeof from_path, "/home/photos/%s", from);
    snprintf (to_path, sizeof to_path, "/home/photos/%s", to);
    uuid16_t before = files_uuid (self, from), after, old;
    size_t reads = self->tree->reads;
    if (down)
        files_stop (self);
    tree_rename (self->tree, from_path, to_path);
    if (down)
        files_start (self);
    files_run (self);
    after = files_uuid (self, to);
    old = files_uuid (self, from);
    cr_assert (!uuid_is_zero (&before));
    cr_assert (uuid_equal (&before, &after), "%s is another row than %s", to, from);
    cr_assert (uuid_is_zero (&old));
    cr_assert_eq (self->tree->reads, reads, "its content was read again");
}

Test (ingest, renamed_file_keeps_its_uuid)
{
    for (int down = 0; down < 2; down++) {
        files_t *self = photos ();
        files_add (self, "/home/photos");
        assert_moved (self, "2022/sea.jpg", "2022/ocean.jpg", down);
        files_destroy (&self);
    }
}

Test (ingest, moved_file_keeps_its_uuid_whichever_directory_is_seen_first)
{
    for (int down = 0; down < 2; down++) {
        files_t *self = photos ();
        files_add (self, "/home/photos");
        assert_moved (self, "2022/sea.jpg", "2023/sea.jpg", down);
        assert_moved (self, "2023/sea.jpg", "2022/sea.jpg", down);
        cr_assert_str_eq (files_text (self), photos_text);
        files_destroy (&self);
    }
}

Test (ingest, moved_directory_and_all_below_keep_their_uuids)
{
    for (int down = 0; down < 2; down++) {
        files_t *self = photos ();
        files_add (self, "/home/photos");
        uuid16_t sea = files_uuid (self, "2022/sea.jpg"), after;
        assert_moved (self, "2022", "2023/summer", down);
        after = files_uuid (self, "2023/summer/sea.jpg");
        cr_assert (uuid_equal (&sea, &after));
        cr_assert_str_eq (files_text (self), "2023 0\n"
                                             "2023/summer 0\n"
                                             "2023/summer/beach.jpg 4 identified\n"
                                             "2023/summer/sea.jpg 5 identified\n"
                                             "readme.txt 5 identified\n");
        cr_assert_eq (files_stored (self, NODE_PLACES), 5);
        tree_write (self->tree, "/home/photos/2023/summer/later.jpg", "later");
        files_run (self);
        cr_assert_eq (files_count (self), 6);
        files_destroy (&self);
    }
}

Test (ingest, replaced_file_keeps_its_uuid_and_gets_a_new_content)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    uuid16_t before = files_uuid (self, "readme.txt"), after;
    tree_write (self->tree, "/home/photos/.readme.tmp", "written anew");
    tree_rename (self->tree, "/home/photos/.readme.tmp", "/home/photos/readme.txt");
    files_run (self);
    after = files_uuid (self, "readme.txt");
    cr_assert (uuid_equal (&before, &after));
    slice_t id = files_field (self, "readme.txt", "content_id");
    uuid16_t expected = uuid_of_bytes (slice_text ("written anew"));
    cr_assert (slice_equal (slice_of (id.data + 2, 16), slice_of (expected.bytes, 16)));
    cr_assert_eq (files_count (self), 5);
    files_destroy (&self);
}

Test (ingest, file_that_became_a_directory_is_another_row)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    uuid16_t before = files_uuid (self, "2022"), after;
    tree_remove (self->tree, "/home/photos/2022");
    tree_write (self->tree, "/home/photos/2022", "a file now");
    files_run (self);
    after = files_uuid (self, "2022");
    cr_assert (!uuid_equal (&before, &after));
    cr_assert_str_eq (files_text (self), "2022 10 identified\n2023 0\nreadme.txt 5 identified\n");
    cr_assert_eq (files_stored (self, NODE_PLACES), 3);
    files_destroy (&self);
}

Test (ingest, deleted_tree_goes_with_all_below)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    tree_remove (self->tree, "/home/photos/2022");
    files_run (self);
    cr_assert_str_eq (files_text (self), "2023 0\nreadme.txt 5 identified\n");
    cr_assert_eq (files_stored (self, NODE_PLACES), 2);
    cr_assert_eq (files_stored (self, NODE_INODES), 2);
    files_destroy (&self);
}

static void make_many (files_t *self, const char *dir, int count)
{
    char path[128];
    for (int i = 0; i < count; i++) {
        snprintf (path, sizeof path, "%s/%d", dir, i);
        tree_write (self->tree, path, "x");
    }
}

Test (ingest, deleted_tree_is_one_pass)
{
    files_t *self = photos ();
    make_many (self, "/home/photos/2022", 1500);
    make_many (self, "/home/photos/2023", 900);
    files_add (self, "/home/photos");
    cr_assert_eq (files_count (self), 2405);
    size_t writes = self->writes;
    tree_remove (self->tree, "/home/photos/2022");
    tree_remove (self->tree, "/home/photos/2023");
    files_run (self);
    cr_assert_str_eq (files_text (self), "readme.txt 5 identified\n");
    cr_assert (self->writes - writes <= 4, "%zu", self->writes - writes); // of 1,000 rows
    files_destroy (&self);
}

Test (ingest, storm_that_is_over_before_anybody_looks_leaves_no_trace)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    char path[128];
    size_t rows = self->rows;
    make_many (self, "/home/photos/2023", 3000);
    for (int i = 0; i < 3000; i++) {
        snprintf (path, sizeof path, "/home/photos/2023/%d", i);
        tree_remove (self->tree, path);
    }
    files_run (self);
    cr_assert_str_eq (files_text (self), photos_text);
    cr_assert (self->rows - rows <= 2, "%zu", self->rows - rows); // 2023 itself has changed
    files_destroy (&self);
}

Test (ingest, hard_links_are_rows_of_their_own_with_one_content)
{
    files_t *self = photos ();
    tree_link (self->tree, "/home/photos/readme.txt", "/home/photos/2023/readme.txt");
    files_add (self, "/home/photos");
    uuid16_t a = files_uuid (self, "readme.txt"), b = files_uuid (self, "2023/readme.txt");
    cr_assert (!uuid_equal (&a, &b));
    tree_link (self->tree, "/home/photos/readme.txt", "/home/photos/2022/third.txt");
    files_run (self);
    cr_assert_eq (files_count (self), 7);
    cr_assert_eq (files_stored (self, NODE_WANTED), 0);
    files_command (self, "remove", "/home/photos", false, NULL);
    files_run (self);
    cr_assert_eq (files_count (self), 0);
    cr_assert_eq (files_stored (self, NODE_INODES), 0);
    files_destroy (&self);
}

//  As of backups that share files: in each directory a link, under the same names; and one more, whose name changes.
static void names_of_one_inode_move (const char *odd, bool down)
{
    static const char *const before[] = {"daily.0/a", "daily.0/b", "daily.1/a", "daily.1/b", ""};
    static const char *const after[] = {
        "daily.1/a", "daily.1/b", "daily.2/a", "daily.2/b", "daily.2/z/new"};
    files_t *self = photos ();
    uuid16_t uuids[5], now;
    char path[64], to[64];
    tree_mkdir (self->tree, "/home/photos/2022/daily.0");
    tree_mkdir (self->tree, "/home/photos/2022/daily.1");
    tree_write (self->tree, "/home/photos/2022/daily.0/a", "shared");
    for (int i = 1; i < 5; i++) {
        snprintf (path, sizeof path, "/home/photos/2022/%s", before[i][0] ? before[i] : odd);
        tree_link (self->tree, "/home/photos/2022/daily.0/a", path);
    }
    files_add (self, "/home/photos");
    for (int i = 0; i < 5; i++) {
        snprintf (path, sizeof path, "2022/%s", before[i][0] ? before[i] : odd);
        uuids[i] = files_uuid (self, path);
    }
    if (down)
        files_stop (self);
    tree_rename (self->tree, "/home/photos/2022/daily.1", "/home/photos/2023/daily.2");
    tree_rename (self->tree, "/home/photos/2022/daily.0", "/home/photos/2023/daily.1");
    snprintf (path, sizeof path, "/home/photos/2022/%s", odd);
    tree_mkdir (self->tree, "/home/photos/2023/daily.2/z");
    tree_rename (self->tree, path, "/home/photos/2023/daily.2/z/new");
    if (down)
        files_start (self);
    files_run (self);
    for (int i = 0; i < 5; i++) {
        snprintf (to, sizeof to, "2023/%s", after[i]);
        now = files_uuid (self, to);
        cr_assert (uuid_equal (&uuids[i], &now), "%s has another row's uuid", to);
    }
    cr_assert_eq (files_count (self), 13);
    files_destroy (&self);
}

Test (ingest, names_of_one_inode_keep_their_uuids_when_their_directories_move)
{
    static const char *const odd[] = {"0", "k", "other", "zz", "beach", "x1", "x2", "x3"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        names_of_one_inode_move (odd[i], false);
        names_of_one_inode_move (odd[i], true);
    }
}

Test (ingest, name_that_is_left_of_several_keeps_its_uuid_when_it_moves)
{
    static const char *const first[] = {"readme.txt", "2023/readme.txt"};
    for (int later = 0; later <= 1; later++)
        for (int i = 0; i < 2; i++) {
            files_t *self = photos ();
            char path[64];
            if (later)
                files_add (self, "/home/photos");
            tree_link (self->tree, "/home/photos/readme.txt", "/home/photos/2023/readme.txt");
            if (later)
                files_run (self);
            else
                files_add (self, "/home/photos");
            uuid16_t before = files_uuid (self, first[1 - i]), after;
            snprintf (path, sizeof path, "/home/photos/%s", first[i]);
            tree_remove (self->tree, path);
            files_run (self);
            snprintf (path, sizeof path, "/home/photos/%s", first[1 - i]);
            tree_rename (self->tree, path, "/home/photos/2022/moved");
            files_run (self);
            after = files_uuid (self, "2022/moved");
            cr_assert (uuid_equal (&before, &after), "%d %d", later, i);
            files_destroy (&self);
        }
}

Test (ingest, file_that_was_moved_over_another_keeps_that_ones_uuid_when_it_moves_on)
{
    static const char *const names[][2] = {{"/home/a", "/home/b"}, {"/home/b", "/home/a"}};
    for (int i = 0; i < 2; i++) {
        files_t *self = files_new ();
        tree_write (self->tree, "/home/a", "a");
        tree_write (self->tree, "/home/b", "b");
        files_add (self, "/home");
        uuid16_t stays = files_uuid (self, names[i][1] + 6), now;
        files_stop (self);
        tree_rename (self->tree, names[i][0], names[i][1]);
        tree_write (self->tree, names[i][0], "made anew");
        files_start (self);
        files_run (self);
        cr_assert_eq (files_stored (self, NODE_INODES), 2);
        files_stop (self);
        tree_rename (self->tree, names[i][1], "/home/c");
        files_start (self);
        files_run (self);
        now = files_uuid (self, "c");
        cr_assert (uuid_equal (&stays, &now), "%d", i);
        cr_assert_eq (files_stored (self, NODE_INODES), 2);
        files_destroy (&self);
    }
}

Test (ingest, new_file_with_the_inode_of_one_that_is_gone_is_a_new_row)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    uuid16_t gone = files_uuid (self, "readme.txt"), made, moved;
    uint64_t inode = tree_inode (self->tree, "/home/photos/readme.txt")->number;
    tree_remove (self->tree, "/home/photos/readme.txt");
    tree_write (self->tree, "/home/photos/2022/new.txt", "another");
    tree_inode (self->tree, "/home/photos/2022/new.txt")->number = inode;
    files_run (self);
    made = files_uuid (self, "2022/new.txt");
    cr_assert (!uuid_equal (&gone, &made));
    tree_rename (self->tree, "/home/photos/2022/new.txt", "/home/photos/2023/new.txt");
    files_run (self);
    moved = files_uuid (self, "2023/new.txt");
    cr_assert (uuid_equal (&made, &moved));
    files_destroy (&self);
}

Test (ingest, rows_below_an_unreadable_directory_stay)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    tree_lock (self->tree, "/home/photos/2022", true);
    files_command (self, "rescan", "/home/photos", true, NULL);
    files_run (self);
    cr_assert_str_eq (files_text (self), photos_text);
    tree_lock (self->tree, "/home/photos/2022", false);
    files_stop (self);
    tree_remove (self->tree, "/home/photos/2022/sea.jpg");
    files_start (self);
    files_run (self);
    cr_assert_eq (files_count (self), 4);
    files_destroy (&self);
}

//  In a small directory, and at the beginning of one that comes in several sections.
Test (ingest, rows_of_entries_that_cannot_be_looked_at_stay)
{
    static const char *const paths[] = {"/home/photos/2022/sea.jpg", "/home/photos/2023/0000"};
    files_t *self = photos ();
    char path[64];
    for (int i = 0; i < 2500; i++) {
        snprintf (path, sizeof path, "/home/photos/2023/%04d", i);
        tree_write (self->tree, path, "");
    }
    files_add (self, "/home/photos");
    for (int seen = 0; seen <= 1; seen++) {
        for (int i = 0; i < 2; i++)
            if (seen)
                tree_remove (self->tree, paths[i]);
            else
                tree_inode (self->tree, paths[i])->unseen = true;
        files_command (self, "rescan", "/home/photos", true, NULL);
        files_run (self);
        cr_assert_eq (files_count (self), seen ? 2503 : 2505);
    }
    files_destroy (&self);
}

Test (ingest, unreadable_file_is_a_row_without_content_until_it_can_be_read)
{
    files_t *self = photos ();
    tree_lock (self->tree, "/home/photos/readme.txt", true);
    files_add (self, "/home/photos");
    cr_assert_eq (files_stored (self, NODE_WANTED), 1);
    tree_lock (self->tree, "/home/photos/readme.txt", false);
    files_run_for (self, 1000000);
    cr_assert_str_eq (files_text (self), photos_text);
    files_destroy (&self);
}

Test (ingest, file_that_changes_while_it_is_read_is_read_again)
{
    files_t *self = photos ();
    self->tree->restless = "/home/photos/readme.txt";
    self->tree->restless_left = 7;
    files_add (self, "/home/photos");
    files_run_for (self, 600000);
    cr_assert_eq (self->tree->restless_left, 0);
    cr_assert_eq (files_stored (self, NODE_WANTED), 0);
    slice_t id = files_field (self, "readme.txt", "content_id");
    uuid16_t expected = uuid_of_bytes (slice_text ("0 more"));
    cr_assert (slice_equal (slice_of (id.data + 2, 16), slice_of (expected.bytes, 16)));
    files_destroy (&self);
}

Test (ingest, vanished_location_is_missing_and_keeps_its_rows)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    tree_rename (self->tree, "/home/photos", "/home/away");
    files_command (self, "rescan", NULL, false, NULL);
    files_run (self);
    cr_assert_str_eq (files_text (self), photos_text);
    files_command (self, "list", NULL, false, NULL);
    files_run (self);
    cr_assert (strstr (self->answer, "missing"), "%s", self->answer);
    tree_rename (self->tree, "/home/away", "/home/photos");
    size_t writes = self->writes;
    files_run_for (self, 60000);
    cr_assert_str_eq (files_text (self), photos_text);
    cr_assert_eq (self->writes, writes);
    files_command (self, "list", NULL, false, NULL);
    files_run (self);
    cr_assert (strstr (self->answer, "watching"), "%s", self->answer);
    files_destroy (&self);
}

Test (ingest, empty_mount_point_is_not_a_mass_deletion)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    files_stop (self);
    tree_rename (self->tree, "/home/photos", "/home/disk");
    tree_mkdir (self->tree, "/home/photos");
    files_start (self);
    files_run (self);
    cr_assert_eq (files_count (self), 5);
    //  Nothing tells that the disk is back: it is looked for.
    tree_rename (self->tree, "/home/photos", "/home/hidden");
    tree_rename (self->tree, "/home/disk", "/home/photos");
    size_t writes = self->writes;
    files_run_for (self, 60000);
    cr_assert_eq (self->writes, writes);
    tree_write (self->tree, "/home/photos/2023/new.jpg", "new");
    files_run_for (self, 3000);
    cr_assert_eq (files_count (self), 6);
    files_destroy (&self);
}

Test (ingest, mount_point_without_its_disk_is_missing_whatever_lies_there)
{
    for (int watched = 0; watched <= 1; watched++) {
        files_t *self = photos ();
        tree_inode (self->tree, "/home/photos")->mount = true;
        files_add (self, "/home/photos");
        if (!watched)
            files_stop (self);
        tree_rename (self->tree, "/home/photos", "/home/disk");
        tree_mkdir (self->tree, "/home/photos");
        tree_write (self->tree, "/home/photos/stray.txt", "not on the disk");
        if (watched)
            files_command (self, "rescan", NULL, false, NULL);
        else
            files_start (self);
        files_run_for (self, 60000);
        cr_assert_str_eq (files_text (self), photos_text);
        files_command (self, "list", NULL, false, NULL);
        files_run_for (self, 1000);
        cr_assert (strstr (self->answer, "missing"), "%s", self->answer);
        tree_rename (self->tree, "/home/photos", "/home/hidden");
        tree_rename (self->tree, "/home/disk", "/home/photos");
        files_run_for (self, 60000);
        cr_assert_str_eq (files_text (self), photos_text);
        files_command (self, "list", NULL, false, NULL);
        files_run_for (self, 1000);
        cr_assert (strstr (self->answer, "watching"), "%s", self->answer);
        files_destroy (&self);
    }
}

Test (ingest, name_that_is_not_utf8_is_shown_and_kept_exactly)
{
    files_t *self = photos ();
    tree_write (self->tree, "/home/photos/2023/caf\xe9 \xf0\x9f\x8c\x8a.txt", "latin");
    files_add (self, "/home/photos");
    const char *exact = "2023/caf\xe9 \xf0\x9f\x8c\x8a.txt";
    assert_text (self, "path", exact, "2023/caf\xef\xbf\xbd \xf0\x9f\x8c\x8a.txt");
    assert_text (self, "name", exact, "caf\xef\xbf\xbd \xf0\x9f\x8c\x8a.txt");
    slice_t bytes = files_field (self, exact, "path_bytes");
    cursor_t cursor = cursor_over (bytes);
    cr_assert_eq (cursor_bin (&cursor, &bytes), 0);
    cr_assert (slice_equal (bytes, slice_text (exact)));
    cr_assert (files_field (self, "readme.txt", "path_bytes").size == 0);
    cr_assert (files_field (self, exact, "content_id").size);
    files_destroy (&self);
}

Test (ingest, ignored_entries_have_no_rows_and_a_changed_pattern_is_followed)
{
    files_t *self = photos ();
    tree_write (self->tree, "/home/photos/.tidepoolignore", "*.jpg\n");
    files_command (self, "add", "/home/photos", true, "read*");
    files_run (self);
    cr_assert_str_eq (files_text (self), ".tidepoolignore 6 identified\n2022 0\n2023 0\n");
    tree_write (self->tree, "/home/photos/.tidepoolignore", "sea*\n");
    files_run (self);
    cr_assert_str_eq (files_text (self), ".tidepoolignore 5 identified\n"
                                         "2022 0\n2022/beach.jpg 4 identified\n2023 0\n");
    files_destroy (&self);
}

Test (ingest, refused_write_is_sent_again_until_it_is_taken)
{
    files_t *self = photos ();
    files_command (self, "add", "/home/photos", false, NULL);
    while (self->answers == 0)
        files_run_rounds (self, 1);
    files_stop (self);
    files_start (self);
    self->refuse = ERR_BUSY;
    files_run (self);
    cr_assert_eq (files_count (self), 0);
    self->refuse = 0;
    files_run_for (self, 120000);
    cr_assert_str_eq (files_text (self), photos_text);
    files_destroy (&self);
}

Test (ingest, removed_location_leaves_nothing)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    files_command (self, "remove", "/home/photos", false, NULL);
    files_run (self);
    cr_assert_eq (self->answer_error, 0);
    cr_assert_eq (files_count (self), 0);
    cr_assert_eq (files_stored (self, NODE_PLACES), 0);
    cr_assert_eq (files_stored (self, NODE_INODES), 0);
    cr_assert_eq (files_stored (self, NODE_LOCATIONS), 0);
    cr_assert_eq (self->tree->watch_count, 0);
    files_destroy (&self);
}

Test (ingest, location_is_refused_where_it_cannot_be_one)
{
    static const struct {
        const char *path;
        int error;
    } cases[] = {{"photos", ERR_BAD_REQUEST}, {"/home/../home/photos", ERR_BAD_REQUEST},
        {"/home/nowhere", ERR_NOT_FOUND}, {"/home/photos/readme.txt", ERR_EXISTS},
        {"/home/photos/", ERR_EXISTS}, {"/home/photos/2022", ERR_EXISTS}, {"/home", ERR_EXISTS},
        {"", ERR_BAD_REQUEST}};
    files_t *self = photos ();
    files_add (self, "/home/photos");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        files_command (self, "add", cases[i].path, true, NULL);
        files_run (self);
        cr_assert_eq (self->answer_error, cases[i].error, "%s: %s", cases[i].path, self->answer);
    }
    files_destroy (&self);
}

//  What is mounted in a location is not crossed into, but may be a location of its own.
Test (ingest, mount_in_a_location_may_be_a_location)
{
    static const char *const orders[][2] = {{"/home", "/home/usb"}, {"/home/usb", "/home"}};
    for (int i = 0; i < 2; i++) {
        files_t *self = files_new ();
        tree_mkdir (self->tree, "/home/usb");
        tree_mkdir (self->tree, "/home/plain");
        tree_write (self->tree, "/home/usb/file", "x");
        tree_inode (self->tree, "/home/usb")->mount = true;
        files_add (self, orders[i][0]);
        files_add (self, orders[i][1]);
        const char *text = "file 1 identified\nplain 0\nusb 0\n";
        cr_assert_str_eq (files_text (self), text);
        files_command (self, "add", "/home/plain", true, NULL);
        files_run (self);
        cr_assert_eq (self->answer_error, ERR_EXISTS);
        //  Without its disk the place is still not the outer location's.
        tree_rename (self->tree, "/home/usb", "/home/.git");
        tree_mkdir (self->tree, "/home/usb");
        tree_write (self->tree, "/home/usb/stray", "y");
        files_command (self, "rescan", NULL, false, NULL);
        files_run_for (self, 60000);
        cr_assert_str_eq (files_text (self), text);
        files_destroy (&self);
    }
}

Test (ingest, large_directory_comes_in_parts_and_its_deletions_are_found)
{
    files_t *self = photos ();
    char path[128];
    for (int i = 0; i < 3000; i++) {
        snprintf (path, sizeof path, "/home/photos/2023/%04d", i);
        tree_write (self->tree, path, "");
    }
    files_add (self, "/home/photos");
    cr_assert_eq (files_count (self), 3005);
    cr_assert_eq (files_stored (self, NODE_WANTED), 0);
    cr_assert_eq (files_stored (self, NODE_UNTYPED), 0);
    cr_assert (self->held_max <= 4);
    files_stop (self);
    for (int i = 0; i < 3000; i += 2) {
        snprintf (path, sizeof path, "/home/photos/2023/%04d", i);
        tree_remove (self->tree, path);
    }
    files_start (self);
    files_run (self);
    cr_assert_eq (files_count (self), 1505);
    cr_assert_eq (files_stored (self, NODE_PLACES), 1505);
    files_destroy (&self);
}

Test (ingest, killed_at_any_moment_ends_with_the_same_rows)
{
    for (size_t steps = 0; steps < 60; steps++) {
        files_t *self = photos ();
        files_command (self, "add", "/home/photos", false, NULL);
        files_run_rounds (self, steps);
        files_stop (self);
        files_start (self);
        files_run (self);
        size_t locations = files_stored (self, NODE_LOCATIONS);
        cr_assert_str_eq (files_text (self), locations ? photos_text : "");
        files_destroy (&self);
    }
}

//  What is on the disk is changed while the node is down; it starts, and is killed after some rounds; it is changed once more.
static void expect_nothing_left (void (*first) (tree_t *), void (*second) (tree_t *))
{
    const char *text = NULL;
    char *wanted = NULL;
    for (size_t steps = 0; steps < 14; steps++) {
        files_t *self = photos ();
        for (int i = 0; i < 1100; i++) { // more than a WRITE takes
            char path[64];
            snprintf (path, sizeof path, "/home/photos/2022/%d", i);
            tree_write (self->tree, path, "x");
        }
        tree_mkdir (self->tree, "/home/photos/2022/deep");
        tree_write (self->tree, "/home/photos/2022/deep/deeper", "y");
        files_add (self, "/home/photos");
        files_stop (self);
        first (self->tree);
        files_start (self);
        if (steps) // without a kill first: what the others have to end like
            files_run_rounds (self, steps);
        else
            files_run (self);
        files_stop (self);
        second (self->tree);
        files_start (self);
        files_run (self);
        text = files_text (self);
        if (!wanted)
            wanted = strdup (text);
        cr_assert_str_eq (text, wanted, "killed after %zu rounds", steps);
        cr_assert_eq (files_stored (self, NODE_PLACES), files_count (self));
        cr_assert_eq (files_stored (self, NODE_UNDONE), 0);
        files_destroy (&self);
    }
    free (wanted);
}

static void nothing (tree_t *tree)
{
    (void)tree;
}

static void move_away (tree_t *tree)
{
    tree_rename (tree, "/home/photos/2022", "/home/photos/2024");
    tree_write (tree, "/home/photos/2024/new.jpg", "new");
}

static void move_on (tree_t *tree)
{
    tree_rename (tree, "/home/photos/2024", "/home/photos/2023/further");
}

static void delete_it (tree_t *tree)
{
    tree_remove (tree, "/home/photos/2022");
}

static void replace_it (tree_t *tree)
{
    delete_it (tree);
    tree_write (tree, "/home/photos/2022", "a file");
}

static void move_and_replace_it (tree_t *tree)
{
    move_away (tree);
    tree_write (tree, "/home/photos/2022", "a file");
}

static void put_another (tree_t *tree)
{
    tree_mkdir (tree, "/home/photos/2022");
    tree_write (tree, "/home/photos/2022/sea.jpg", "another sea");
}

static void delete_moved (tree_t *tree)
{
    tree_remove (tree, "/home/photos/2024");
}

Test (ingest, killed_at_any_moment_of_a_job_leaves_no_row_of_what_is_gone)
{
    expect_nothing_left (delete_it, nothing);
    expect_nothing_left (replace_it, nothing);
    expect_nothing_left (move_away, nothing);
    expect_nothing_left (move_and_replace_it, nothing);
    expect_nothing_left (delete_it, put_another);
    expect_nothing_left (move_away, move_on);
    expect_nothing_left (move_away, delete_moved);
}

//  ---- a data directory that is put back

//  Backed up with five entries; then three files are new, changed and deleted.
static files_t *changed_since_backup (files_rows_t *rows)
{
    files_t *self = photos ();
    files_add (self, "/home/photos");
    files_stop (self);
    files_backup (self);
    files_start (self);
    tree_write (self->tree, "/home/photos/2023/new.jpg", "new");
    tree_mkdir (self->tree, "/home/photos/2024");
    tree_write (self->tree, "/home/photos/2024/newer.jpg", "newer");
    tree_write (self->tree, "/home/photos/2022/sea.jpg", "more water");
    tree_remove (self->tree, "/home/photos/2022/beach.jpg");
    files_run (self);
    files_rows_keep (self, rows);
    files_stop (self);
    files_restore (self);
    self->updated += 1000;
    return self;
}

static const char *const changed_text = "2022 0\n"
                                        "2022/sea.jpg 10 identified\n"
                                        "2023 0\n"
                                        "2023/new.jpg 3 identified\n"
                                        "2024 0\n"
                                        "2024/newer.jpg 5 identified\n"
                                        "readme.txt 5 identified\n";

//  The uuids of all of these, behind each other.
static void uuids_of (files_t *self, uuid16_t ret_uuids[4])
{
    static const char *const paths[] = {"2022/sea.jpg", "2023/new.jpg", "2024", "2024/newer.jpg"};
    for (size_t i = 0; i < 4; i++) {
        ret_uuids[i] = files_uuid (self, paths[i]);
        cr_assert_not (uuid_is_zero (&ret_uuids[i]), "%s", paths[i]);
    }
}

static void expect_regained (files_t *self, const uuid16_t before[4])
{
    uuid16_t after[4];
    cr_assert_str_eq (files_text (self), changed_text);
    cr_assert_eq (files_stored (self, NODE_PLACES), 7);
    cr_assert_eq (files_stored (self, NODE_WANTED), 0);
    uuids_of (self, after);
    cr_assert_eq (memcmp (before, after, sizeof after), 0, "files keep the rows that they had");
    size_t writes = self->writes;
    files_stop (self);
    files_start (self);
    files_run (self);
    cr_assert_eq (self->writes, writes, "nothing is left to be done");
}

//  The uuids that the rows have when they are back.
static void uuids_kept (files_rows_t *rows, uuid16_t ret_uuids[4])
{
    static const char *const paths[] = {"2022/sea.jpg", "2023/new.jpg", "2024", "2024/newer.jpg"};
    cursor_t cursor = cursor_over (buffer_slice (&rows->packed));
    while (!cursor_done (&cursor)) {
        row_t row;
        row_view_t view;
        cr_assert_eq (row_unpack (&cursor, &row), 0);
        if (!row.value.size)
            continue;
        cr_assert_eq (row_view (row.value, &view), 0);
        for (size_t i = 0; i < 4; i++)
            if (slice_equal (view.path, slice_text (paths[i])))
                ret_uuids[i] = row.uuid;
    }
}

Test (ingest, rows_that_came_back_after_a_restore_keep_their_files)
{
    for (int scanned_before = 0; scanned_before <= 1; scanned_before++) {
        files_rows_t rows = {.packed = {NULL, 0, 0}};
        uuid16_t uuids[4];
        files_t *self = changed_since_backup (&rows);
        uuids_kept (&rows, uuids);
        if (scanned_before) { // nobody was there to say that there were rows already
            files_start (self);
            files_run (self);
            files_rows_back (self, &rows, true);
        } else {
            files_rows_back (self, &rows, false);
            files_start (self); // the setting says so
        }
        files_run (self);
        expect_regained (self, uuids);
        files_destroy (&self);
    }
}

//  The disk is the backup's too: what came back is newer than the files.
Test (ingest, rows_that_came_back_say_what_is_on_the_disk_after_the_next_scan)
{
    files_rows_t rows = {.packed = {NULL, 0, 0}};
    files_t *self = changed_since_backup (&rows);
    tree_remove (self->tree, "/home/photos/2023/new.jpg");
    tree_remove (self->tree, "/home/photos/2024/newer.jpg");
    tree_remove (self->tree, "/home/photos/2024");
    tree_write (self->tree, "/home/photos/2022/sea.jpg", "water");
    tree_write (self->tree, "/home/photos/2022/beach.jpg", "sand");
    files_start (self);
    files_run (self);
    cr_assert_str_eq (files_text (self), photos_text);
    files_rows_back (self, &rows, true);
    files_run (self);
    cr_assert_str_eq (files_text (self), photos_text);
    cr_assert_eq (files_stored (self, NODE_PLACES), 5);
    files_destroy (&self);
}

Test (ingest, rows_that_come_back_do_so_after_a_kill_at_any_moment)
{
    for (size_t steps = 0; steps < 40; steps++) {
        files_rows_t rows = {.packed = {NULL, 0, 0}};
        uuid16_t uuids[4];
        files_t *self = changed_since_backup (&rows);
        uuids_kept (&rows, uuids);
        files_start (self);
        files_run (self);
        files_rows_back (self, &rows, true);
        files_run_rounds (self, steps);
        files_stop (self);
        files_start (self);
        files_run (self);
        expect_regained (self, uuids);
        files_destroy (&self);
    }
}

#include "tests/unit/actors/api_kit.h"

#include <stdio.h>

#include "messages/request.h"
#include "store/changes.h"
#include "store/owned.h"

//  ---- feed

//  What the feed publishes after a word from oplog: "topic cursor [part]\n…".
static const char *fed_more (harness_t *self)
{
    buffer_t text = {NULL, 0, 0};
    const mail_t *mail;
    while ((mail = harness_take (self, MAIL_EDGE_OUT))) {
        edge_out_t out;
        slice_t topic = mail_frame (mail, 0), value;
        cr_assert_eq (message_unpack (&edge_out_type, mail->body, &out, NULL), 0);
        cr_assert_eq (out.socket, API_FEED);
        cr_assert_eq (out.line, 0);
        cr_assert_eq (mail->frame_count, 2);
        buffer_append (&text, topic.data, topic.size);
        cr_assert (map_find (mail_frame (mail, 1), "cursor", &value));
        const char *cursor = shown_as (self, value);
        cr_assert (map_find (mail_frame (mail, 1), "part", &value));
        buffer_append (&text, " ", 1);
        buffer_append (&text, cursor, strlen (cursor));
        buffer_append (&text, *value.data == 0xc3 ? " part\n" : "\n", *value.data == 0xc3 ? 6 : 1);
    }
    buffer_append (&text, "", 1);
    return harness_keep (self, text.data);
}

static const char *fed (harness_t *self)
{
    slice_t empty = packed (self, "[]");
    advanced_t advanced = {.shared = empty, .rows = empty};
    harness_mail (self, ACTOR_OPLOG, MAIL_ADVANCED, 0, &advanced_type, &advanced, NULL, 0);
    return fed_more (self);
}

Test (feed, begins_where_the_store_stands_when_the_node_opens)
{
    harness_t *self = harness_new (&api_class);
    harness_create (self, "tags", 1, 1, "x");
    harness_open (self);
    subscription (self, "\001", 1);
    is (fed (self), "");
    harness_create (self, "tags", 2, 2, "x");
    is (fed (self), "tags/create 2\n");
    is (fed (self), "");
    harness_destroy (&self);
}

Test (feed, packs_nothing_where_nobody_listens_and_begins_anew_with_the_next_who_does)
{
    harness_t *self = api_new ();
    subscription (self, "\001tags/", 6);
    subscription (self, "\000", 1);
    harness_create (self, "tags", 1, 1, "x");
    is (fed (self), "tags/create 1\n");
    subscription (self, "\000tags/", 6);
    subscription (self, "\000tags/", 6);
    subscription (self, "", 0);
    harness_create (self, "tags", 2, 2, "x");
    is (fed (self), "");
    subscription (self, "\001tags/", 6);
    is (fed (self), "");
    harness_create (self, "tags", 3, 3, "x");
    is (fed (self), "tags/create 3\n");
    harness_destroy (&self);
}

Test (feed, message_is_the_change_with_part)
{
    harness_t *self = api_new ();
    slice_t empty = packed (self, "[]");
    advanced_t advanced = {.shared = empty, .rows = empty};
    harness_row (self, 20, 3, 7, "{path: 'a'}");
    harness_mail (self, ACTOR_OPLOG, MAIL_ADVANCED, 0, &advanced_type, &advanced, NULL, 0);
    const mail_t *mail = harness_take (self, MAIL_EDGE_OUT);
    cr_assert (slice_equal (mail_frame (mail, 0), slice_text ("file_paths/create")));
    is (shown_as (self, mail_frame (mail, 1)),
        "{cursor: 1, resource: 'file_paths', uuid: #3, owner: #20, deleted: false, "
        "value: {path: 'a'}, updated: [7, #20], part: false}");
    harness_destroy (&self);
}

Test (feed, action_is_the_change_of_what_is_visible)
{
    harness_t *self = api_new ();
    harness_create (self, "tags", 1, 1, "x");
    is (fed (self), "tags/create 1\n");
    harness_update (self, "tags", 1, 2, "y");
    is (fed (self), "tags/update 2\n");
    harness_delete (self, "tags", 1, 3);
    is (fed (self), "tags/delete 3\n");
    harness_row (self, 20, 1, 4, "{path: 'a'}");
    is (fed (self), "file_paths/create 4\n");
    harness_row (self, 20, 1, 5, "{path: 'b'}");
    is (fed (self), "file_paths/update 5\n");
    harness_row (self, 20, 1, 6, NULL);
    is (fed (self), "file_paths/delete 6\n");
    harness_destroy (&self);
}

Test (feed, several_changes_of_one_record_between_two_looks_are_one)
{
    harness_t *self = api_new ();
    harness_create (self, "tags", 1, 1, "x");
    harness_update (self, "tags", 1, 2, "y");
    harness_create (self, "albums", 2, 3, "x");
    harness_delete (self, "albums", 2, 4);
    is (fed (self), "tags/create 2\n");
    harness_update (self, "tags", 1, 5, "z");
    harness_delete (self, "tags", 1, 6);
    is (fed (self), "tags/delete 6\n");
    harness_destroy (&self);
}

static txn_t *grouped_row (harness_t *self, uint64_t uuid, uint64_t time)
{
    //  Of another time it has another value: it is a change.
    const char *value = time == uuid ? "{path: 'p'}" : "{path: 'q'}";
    uuid16_t owner = uuid_n (20);
    row_t row = {.resource = slice_text ("file_paths"),
        .uuid = uuid_n (uuid),
        .updated = time,
        .value = packed (self, value)};
    cr_assert_eq (owned_put (self->writing, &owner, &row), 0);
    return self->writing;
}

Test (feed, part_is_true_but_for_the_last_of_a_transaction)
{
    harness_t *self = api_new ();
    harness_write (self);
    for (uint64_t i = 1; i <= 3; i++)
        grouped_row (self, i, i);
    harness_create (self, "tags", 9, 9, "x"); // a group of its own in the same commit
    harness_commit (self);
    is (fed (self), "file_paths/create 1 part\nfile_paths/create 2 part\nfile_paths/create 3\n"
                    "tags/create 4\n");
    harness_destroy (&self);
}

Test (feed, part_is_false_where_the_rest_of_the_transaction_is_gone)
{
    harness_t *self = api_new ();
    harness_write (self);
    grouped_row (self, 1, 1);
    grouped_row (self, 2, 2);
    harness_commit (self);
    harness_row (self, 20, 2, 3, NULL); // born and gone before the feed looked
    is (fed (self), "file_paths/create 1\n");
    harness_destroy (&self);
}

Test (feed, lagging_feed_goes_on_at_the_next_round)
{
    harness_t *self = api_new ();
    harness_write (self);
    for (uint64_t i = 1; i <= 5000; i++)
        harness_create (self, "tags", i, i, "x");
    harness_commit (self);
    size_t bytes = strlen (fed (self));
    cr_assert_eq (metric_get (&self->metrics, METRIC_MAIL_REFUSED), 0);
    size_t rounds = 1;
    for (; harness_tick (self); rounds++)
        bytes += strlen (fed_more (self));
    cr_assert_eq (rounds, 3);
    size_t wanted = 0;
    for (int i = 1; i <= 5000; i++)
        wanted += (size_t)snprintf (NULL, 0, "tags/create %d\n", i);
    cr_assert_eq (bytes, wanted);
    harness_destroy (&self);
}

Test (feed, record_that_moves_ahead_of_a_lagging_feed_is_still_created)
{
    harness_t *self = api_new ();
    harness_write (self);
    for (uint64_t i = 1; i <= 2100; i++)
        harness_create (self, "tags", i, i, "x");
    harness_update (self, "tags", 5, 3000, "y"); // born at 5, stands at 2101
    harness_commit (self);
    fed (self);                                  // up to 2001
    harness_update (self, "tags", 6, 3001, "y"); // told already
    harness_delete (self, "tags", 7, 3002);      // told already
    harness_delete (self, "tags", 2050, 3003);   // not told yet
    cr_assert (harness_tick (self));
    const char *rest = fed_more (self);
    cr_assert_not_null (
        strstr (rest, "tags/create 2101 part\ntags/update 2102 part\ntags/delete 2103\n"), "%s",
        rest);
    cr_assert_null (strstr (rest, "2104"));
    cr_assert_null (strstr (rest, "2050"));
    harness_destroy (&self);
}

//  ---- a lagging feed shows no transaction by half

Test (feed, transaction_whose_record_was_written_again_closes_with_the_later_one)
{
    harness_t *self = api_new ();
    harness_write (self);
    grouped_row (self, 1, 1);
    grouped_row (self, 2, 2);
    changes_begin_group (self->writing);
    grouped_row (self, 1, 3); // the first transaction has lost this one
    harness_commit (self);
    harness_create (self, "tags", 9, 9, "x");
    is (fed (self), "file_paths/create 2 part\nfile_paths/create 3 part\ntags/create 4\n");
    harness_create (self, "tags", 10, 10, "x");
    is (fed (self), "tags/create 5\n");
    harness_destroy (&self);
}

Test (feed, part_holds_where_the_rest_of_the_transaction_stands_in_a_later_one)
{
    harness_t *self = api_new ();
    harness_write (self);
    grouped_row (self, 1, 1);
    grouped_row (self, 2, 2);
    changes_begin_group (self->writing);
    grouped_row (self, 2, 3);
    harness_commit (self);
    is (fed (self), "file_paths/create 1 part\nfile_paths/create 3\n");
    harness_destroy (&self);
}

Test (feed, part_that_was_said_is_closed_whatever_becomes_of_the_rest)
{
    harness_t *self = api_new ();
    harness_write (self);
    for (uint64_t i = 1; i <= 2001; i++) // one more than a round tells
        grouped_row (self, i, i);
    harness_commit (self);
    const char *first = fed (self);
    cr_assert_not_null (strstr (first, "file_paths/create 2000 part\n"));
    harness_row (self, 20, 2001, 3000, NULL); // never told of, and gone
    cr_assert (harness_tick (self));
    is (fed_more (self), "file_paths/delete 2002\n");
    harness_destroy (&self);
}

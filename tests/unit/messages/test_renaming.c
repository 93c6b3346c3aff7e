//  A client's timestamps, stamped anew in their order.

#include "tests/unit/messages/sample.h"

#include "messages/renaming.h"

#include <criterion/criterion.h>

//  Of client A, past 20: what occurs in the record.
static renaming_t renaming_of (const record_t *record)
{
    renaming_t renaming = {.client = sample_client ('A'), .past = 20};
    renaming_add_record (&renaming, record);
    renaming_close (&renaming);
    return renaming;
}

static void expect_renamed (const char *before, const char *after)
{
    record_t record = sample_record (before), same = sample_record (after);
    renaming_t renaming = renaming_of (&record);
    renaming_record (&renaming, &record);
    cr_expect_str_eq (sample_record_text (&record), sample_record_text (&same));
    record_release (&record);
    record_release (&same);
    renaming_release (&renaming);
}

Test (renaming, gives_the_next_times_in_the_old_order_to_all_that_is_past)
{
    expect_renamed ("+A90 !A70 ^A50 -A80 a=1@A70 ~b=2@A60", "+A25 !A23 ^A21 -A24 a=1@A23 ~b=2@A22");
}

Test (renaming, leaves_others_and_what_is_not_past)
{
    expect_renamed ("+A20 !B90 -C90 a=1@A19 b=2@A99", "+A20 !B90 -C90 a=1@A19 b=2@A21");
    expect_renamed ("+B30 !B30 a=1@B30", "+B30 !B30 a=1@B30");
}

//  So a new one is free, once all earlier ones have moved.
Test (renaming, never_gives_a_later_time_than_the_old_one)
{
    renaming_t renaming = {.client = sample_client ('A'), .past = 20};
    for (uint64_t time = 19; time < 26; time++) {
        timestamp_t stamp = {time, renaming.client};
        renaming_add (&renaming, &stamp);
        renaming_add (&renaming, &stamp);
    }
    renaming_close (&renaming);
    cr_assert_eq (renaming.count, 5);
    cr_assert_eq (renaming_last (&renaming), 25);
    for (uint64_t time = 19; time < 26; time++)
        cr_assert_eq (renaming_time (&renaming, time), time);
    renaming_release (&renaming);
}

static identity_t identity_of_one (void)
{
    uint8_t seed[SEED_SIZE] = {1};
    identity_t identity;
    cr_assert_eq (keys_start (), 0);
    cr_assert_eq (identity_from_seed (seed, &identity), 0);
    return identity;
}

static void add (batch_writer_t *writer, uint64_t time, uint64_t floor)
{
    sample_t sample;
    sample_parse ("B7 create a=3", &sample);
    sample.operation.resource = slice_text ("tags");
    sample.operation.stamp = (timestamp_t){time, writer->origin};
    if (floor)
        sample.operation.floor = (timestamp_t){floor, writer->origin};
    batch_writer_add (writer, &sample.operation);
}

//  A batch of which one operation is past, sealed behind `previous`.
Test (renaming, seals_a_batch_anew_behind_the_one_before)
{
    identity_t identity = identity_of_one ();
    batch_writer_t writer = {.after = 0};
    vector_t seen = sample_vector ("B6");
    hash_t before = {{7}}, previous = {{9}}, hash;
    buffer_t old = {NULL, 0, 0}, fresh = {NULL, 0, 0};
    batch_t batch = {.bytes = {NULL, 0}};
    batch_walk_t walk = {.index = 0};
    operation_t operation;
    watermark_t accepted = {identity.client, 10, {{0}}};
    batch_writer_begin (&writer, &identity.client, 10, &before);
    add (&writer, 15, 0);
    add (&writer, 70, 60);
    batch_writer_seal (&writer, 70, &seen, NULL, &identity, &old, NULL);
    renaming_t renaming = {.client = identity.client, .past = 20};
    cr_assert_eq (batch_decode (buffer_slice (&old), &batch), 0);
    renaming_add_batch (&renaming, &batch);
    renaming_close (&renaming);
    batch_release (&batch);
    cr_assert_eq (renaming_batch (&renaming, buffer_slice (&old), &accepted, &previous, &identity,
                      &fresh, &hash),
        0);
    cr_assert_eq (batch_decode (buffer_slice (&fresh), &batch), 0);
    cr_assert_eq (batch_verify (&batch, &identity.key), 0);
    cr_assert_eq (batch.after, 10);
    cr_assert_eq (batch.upto, 22);
    cr_assert (hash_equal (&batch.previous, &previous) && hash_equal (&batch.hash, &hash));
    cr_assert (vector_equal (&batch.seen, &seen));
    cr_assert (batch_next (&batch, &walk, &operation) && operation.stamp.time == 15);
    cr_assert (batch_next (&batch, &walk, &operation) && operation.stamp.time == 22);
    cr_assert_eq (operation.floor.time, 21);
    batch_release (&batch);
    batch_writer_release (&writer);
    renaming_release (&renaming);
    buffer_release (&old);
    buffer_release (&fresh);
}

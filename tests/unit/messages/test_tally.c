//  test_tally - what an owner signs of its rows

#include <criterion/criterion.h>

#include "messages/tally.h"

static identity_t identity_n (uint8_t n)
{
    uint8_t seed[SEED_SIZE];
    identity_t identity;
    memset (seed, n, sizeof seed);
    cr_assert_eq (keys_start (), 0);
    cr_assert_eq (identity_from_seed (seed, &identity), 0);
    return identity;
}

static tally_t signed_by (const identity_t *identity)
{
    tally_t tally = {
        .owner = identity->client, .upto = 1000, .count = 3, .digest = {.low = 5, .high = 7}};
    tally_sign (&tally, identity);
    return tally;
}

Test (tally, golden_bytes)
{
    identity_t identity = identity_n (1);
    tally_t tally = signed_by (&identity), again;
    buffer_t out = {NULL, 0, 0};
    static const uint8_t middle[] = {0xcd, 0x03, 0xe8, 0x03, 0xc4, 0x10, 0, 0, 0, 0, 0, 0, 0, 7, 0,
        0, 0, 0, 0, 0, 0, 5, 0xc4, 0x40};
    tally_pack (&tally, &out);
    cr_assert_eq (out.size, 1 + 2 + 16 + sizeof middle + 64);
    cr_assert (out.data[0] == 0x95 && out.data[1] == 0xc4 && out.data[2] == 16);
    cr_assert_eq (memcmp (out.data + 3, &identity.client, 16), 0);
    cr_assert_eq (memcmp (out.data + 19, middle, sizeof middle), 0);
    //  The signature is over the domain and all before it.
    buffer_t text = {NULL, 0, 0};
    buffer_append (&text, "tidepool rows 1", 15);
    buffer_append (&text, out.data, 19 + sizeof middle - 2);
    cr_assert (key_verify (&identity.key, buffer_slice (&text), out.data + out.size - 64));
    cursor_t cursor = cursor_over (buffer_slice (&out));
    cr_assert_eq (tally_unpack (&cursor, &again), 0);
    cr_assert (cursor_done (&cursor));
    cr_assert_eq (memcmp (&again, &tally, sizeof tally), 0);
    buffer_release (&text);
    buffer_release (&out);
}

Test (tally, only_its_owners_key_verifies_it_and_nothing_of_it_may_change)
{
    identity_t identity = identity_n (1), other = identity_n (2);
    tally_t tally = signed_by (&identity), changed;
    cr_assert_eq (tally_verify (&tally, &identity.key), 0);
    cr_assert_eq (tally_verify (&tally, &other.key), ERR_BAD_SIGNATURE);
    changed = tally;
    changed.upto++;
    cr_assert_eq (tally_verify (&changed, &identity.key), ERR_BAD_SIGNATURE);
    changed = tally;
    changed.count++;
    cr_assert_eq (tally_verify (&changed, &identity.key), ERR_BAD_SIGNATURE);
    changed = tally;
    changed.digest.low++;
    cr_assert_eq (tally_verify (&changed, &identity.key), ERR_BAD_SIGNATURE);
    //  Another cannot sign in its name.
    changed = tally;
    tally_sign (&changed, &other);
    cr_assert_eq (tally_verify (&changed, &other.key), ERR_BAD_SIGNATURE);
    cr_assert_eq (tally_verify (&changed, &identity.key), ERR_BAD_SIGNATURE);
}

Test (tally, every_cut_and_every_other_form_is_refused)
{
    identity_t identity = identity_n (1);
    tally_t tally = signed_by (&identity), out_tally;
    buffer_t out = {NULL, 0, 0};
    tally_pack (&tally, &out);
    for (size_t size = 0; size < out.size; size++) {
        cursor_t cursor = cursor_over (slice_of (out.data, size));
        cr_assert_neq (tally_unpack (&cursor, &out_tally), 0);
    }
    out.data[0] = 0x94;
    cursor_t cursor = cursor_over (buffer_slice (&out));
    cr_assert_eq (tally_unpack (&cursor, &out_tally), ERR_MALFORMED);
    buffer_release (&out);
}

Test (tally, counts_whose_row_it_is_where_it_is_when_it_was_written_and_what_it_says)
{
    uuid16_t owner = {{1}}, other = {{2}};
    buffer_t value = {NULL, 0, 0}, scratch = {NULL, 0, 0};
    pack_map (&value, 1);
    pack_string (&value, "a");
    pack_uint (&value, 1);
    row_t row = {slice_text ("file_paths"), {{3}}, 100, buffer_slice (&value)}, changed = row;
    digest_t item = tally_item (&owner, &row, &scratch), now;
    now = tally_item (&owner, &changed, &scratch);
    cr_assert (now.low == item.low && now.high == item.high);
    now = tally_item (&other, &row, &scratch);
    cr_assert_neq (now.low, item.low);
    changed.updated = 101;
    now = tally_item (&owner, &changed, &scratch);
    cr_assert_neq (now.low, item.low);
    changed = row;
    changed.resource = slice_text ("other_paths");
    now = tally_item (&owner, &changed, &scratch);
    cr_assert_neq (now.low, item.low);
    changed = row;
    changed.uuid.bytes[15] = 1;
    now = tally_item (&owner, &changed, &scratch);
    cr_assert_neq (now.low, item.low);
    value.data[value.size - 1] = 2;
    now = tally_item (&owner, &row, &scratch);
    cr_assert_neq (now.low, item.low);
    tally_t tally = {.count = 1, .digest = item};
    cr_assert (tally_agrees (&tally, 1, &item));
    cr_assert_not (tally_agrees (&tally, 2, &item));
    cr_assert_not (tally_agrees (&tally, 1, &now));
    buffer_release (&value);
    buffer_release (&scratch);
}

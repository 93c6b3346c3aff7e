//  test_repair - records that are altered behind a node's back, and what becomes of them
//
//  The test writes into a node's store as a program would that knows its format, past all that keeps counters in step.
//  What must follow: the node finds its counters wrong, the next ping shows that two nodes differ, the difference is
//  found in few questions, merged on both sides, and told.

#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "messages/peer.h"
#include "messages/stretch.h"
#include "store/resources.h"
#include "store/shared.h"
#include "store/state.h"
#include "store/watermarks.h"

#define TAGS "tags"

//  ---- altering

//  The record's state under its key, with a sound checksum, and nothing else: no counters, no `changes`.
static void store_raw (sim_t *sim, int node, const uuid16_t *uuid, const char *name, uint64_t as)
{
    txn_t *txn;
    slot_t *slot;
    state_t state;
    table_key_t key;
    buffer_t packed = {NULL, 0, 0}, value = {NULL, 0, 0};
    uuid16_t other = sim_uuid (as);
    cr_assert_eq (store_begin (sim->nodes[node].store, true, &txn), 0);
    cr_assert_eq (slot_find (txn, slice_text (TAGS), &slot), 0);
    cr_assert_eq (state_load (txn, slot, uuid, &state, &txn->record), 0);
    cr_assert (state.present && txn->record.strong.count == 1);
    if (name) {
        pack_string (&value, name);
        txn->record.strong.entries[0].value = buffer_slice (&value);
    }
    origins_t origins = origins_of (txn);
    mark_add (&state.mark, &packed);
    cr_assert_eq (record_pack (&txn->record, &origins, &packed), 0);
    key_record (&key, slot->entry.number, as ? &other : uuid);
    cr_assert_eq (table_put (txn, TABLE_SHARED, key_slice (&key), buffer_slice (&packed)), 0);
    cr_assert_eq (store_commit (&txn), 0);
    buffer_release (&packed);
    buffer_release (&value);
}

static void alter (sim_t *sim, int node, uint64_t record, const char *name)
{
    uuid16_t uuid = sim_uuid (record);
    store_raw (sim, node, &uuid, name, 0);
}

static void insert_copy (sim_t *sim, int node, uint64_t record, uint64_t as)
{
    uuid16_t uuid = sim_uuid (record);
    store_raw (sim, node, &uuid, NULL, as);
}

static void take_away (sim_t *sim, int node, uint64_t record)
{
    txn_t *txn;
    slot_t *slot;
    table_key_t key;
    uuid16_t uuid = sim_uuid (record);
    cr_assert_eq (store_begin (sim->nodes[node].store, true, &txn), 0);
    cr_assert_eq (slot_find (txn, slice_text (TAGS), &slot), 0);
    key_record (&key, slot->entry.number, &uuid);
    cr_assert_eq (table_delete (txn, TABLE_SHARED, key_slice (&key)), 0);
    cr_assert_eq (store_commit (&txn), 0);
}

//  One bit of the stored value, which its checksum does not pass any more.
static void flip_bit (sim_t *sim, int node, uint64_t record)
{
    txn_t *txn;
    slot_t *slot;
    table_key_t key;
    slice_t bytes;
    uuid16_t uuid = sim_uuid (record);
    cr_assert_eq (store_begin (sim->nodes[node].store, true, &txn), 0);
    cr_assert_eq (slot_find (txn, slice_text (TAGS), &slot), 0);
    key_record (&key, slot->entry.number, &uuid);
    cr_assert_eq (table_get_raw (txn, TABLE_SHARED, key_slice (&key), &bytes), 0);
    uint8_t *copy = malloc (bytes.size);
    memcpy (copy, bytes.data, bytes.size);
    copy[bytes.size - 2] ^= 4;
    MDB_val k = {key.size, key.bytes}, data = {bytes.size, copy};
    cr_assert_eq (mdb_put (txn->mdb, txn->store->tables[TABLE_SHARED], &k, &data, 0), 0);
    cr_assert_eq (store_commit (&txn), 0);
    free (copy);
}

//  ---- looking

static uint64_t metric_of (sim_t *sim, enum metric metric)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sim->count; i++)
        sum += metric_get (&sim->nodes[i].metrics, metric);
    return sum;
}

static uint64_t repaired (sim_t *sim)
{
    return metric_of (sim, METRIC_RECORDS_REPAIRED);
}

//  What the tables hold, counted here: that all nodes' counters are equal is not enough.
static void expect_sound (sim_t *sim)
{
    for (size_t i = 0; i < sim->count; i++) {
        txn_t *txn;
        resource_entry_t entry;
        digest_t digest = {0, 0};
        uint64_t count = 0;
        uuid16_t uuid;
        timestamp_t written;
        buffer_t value = {NULL, 0, 0};
        if (!sim->nodes[i].running)
            continue;
        cr_assert_eq (store_begin (sim->nodes[i].store, false, &txn), 0);
        cr_assert_eq (resources_find (txn, slice_text (TAGS), &entry), 0);
        for (int rc = shared_next (txn, slice_text (TAGS), NULL, &uuid, &written, &value); rc == 0;
             rc = shared_next (txn, slice_text (TAGS), &uuid, &uuid, &written, &value)) {
            digest_t item = digest_of_record (NULL, &uuid, buffer_slice (&value));
            digest_add (&digest, &item);
            buffer_clear (&value);
            count++;
        }
        cr_assert (count == entry.count && digest.low == entry.digest.low &&
                       digest.high == entry.digest.high,
            "node %zu: %llu records, %llu counted", i, (unsigned long long)count,
            (unsigned long long)entry.count);
        buffer_release (&value);
        store_abort (&txn);
    }
}

static bool some_repair (sim_t *sim, void *before)
{
    return repaired (sim) > *(uint64_t *)before;
}

static bool any_diverged (sim_t *sim, void *unused)
{
    (void)unused;
    for (size_t i = 0; i < sim->count; i++)
        if (sim_alarm (sim, (int)i, "DIVERGED"))
            return true;
    return false;
}

static bool none_diverged (sim_t *sim, void *unused)
{
    return !any_diverged (sim, unused);
}

//  Detected, told, repaired, told to be over, and equal: within so many seconds.
static void expect_repair (sim_t *sim, uint64_t seconds)
{
    uint64_t before = repaired (sim);
    cr_assert (sim_until (sim, any_diverged, NULL, seconds), "nobody saw a difference");
    cr_assert (sim_until (sim, some_repair, &before, seconds), "nothing was repaired");
    sim_expect_converged (sim, seconds);
    cr_assert (sim_until (sim, none_diverged, NULL, seconds), "the alarm does not end");
    sim_expect_converged (sim, seconds);
    expect_sound (sim);
}

static void fill (sim_t *sim, int node, uint64_t first, uint64_t count)
{
    while (count) {
        uint64_t some = count < 1000 ? count : 1000;
        buffer_t ops = {NULL, 0, 0};
        pack_array (&ops, some);
        for (uint64_t i = 0; i < some; i++) {
            uuid16_t uuid = sim_uuid (first + i);
            char name[32];
            snprintf (name, sizeof name, "name %llu", (unsigned long long)(first + i));
            pack_map (&ops, 4);
            pack_string (&ops, "action");
            pack_string (&ops, "create");
            pack_string (&ops, "resource");
            pack_string (&ops, TAGS);
            pack_string (&ops, "uuid");
            pack_bin (&ops, slice_of (&uuid, sizeof uuid));
            pack_string (&ops, "value");
            pack_map (&ops, 1);
            pack_string (&ops, "name");
            pack_string (&ops, name);
        }
        cr_assert_eq (sim_apply_ops (sim, node, buffer_slice (&ops)), 0);
        buffer_release (&ops);
        first += some;
        count -= some;
    }
}

static sim_t *pool_of (uint64_t seed, size_t nodes, uint64_t records)
{
    sim_t *sim = sim_new (seed, nodes);
    for (size_t i = 1; i < nodes; i++)
        sim_pair (sim, 0, (int)i);
    fill (sim, 0, 1, records);
    sim_expect_converged (sim, 300);
    sim_pass (sim, 12);
    cr_assert_eq (repaired (sim), 0);
    return sim;
}

//  ---- stories

Test (repair, an_altered_record_is_found_and_becomes_equal_whoever_asks)
{
    for (int node = 0; node < 2; node++) {
        sim_t *sim = pool_of (200 + (uint64_t)node, 2, 100);
        uuid16_t uuid = sim_uuid (42);
        alter (sim, node, 42, "zzzzzzz");
        cr_assert_str_eq (sim_name (sim, node, TAGS, &uuid), "zzzzzzz");
        expect_repair (sim, 30);
        //  One timestamp, two values: the larger stays, wherever it stood.
        cr_assert_str_eq (sim_name (sim, 1 - node, TAGS, &uuid), "zzzzzzz");
        cr_assert_eq (repaired (sim), 1);
        alter (sim, node, 42, "aaaaaaa");
        expect_repair (sim, 30);
        cr_assert_str_eq (sim_name (sim, node, TAGS, &uuid), "zzzzzzz");
        sim_destroy (&sim);
    }
}

Test (repair, a_record_that_was_taken_away_comes_back)
{
    for (int node = 0; node < 2; node++) {
        sim_t *sim = pool_of (210 + (uint64_t)node, 2, 100);
        uuid16_t uuid = sim_uuid (77);
        take_away (sim, node, 77);
        expect_repair (sim, 30);
        cr_assert_str_eq (sim_name (sim, node, TAGS, &uuid), "name 77");
        cr_assert_eq (sim_apply (sim, node, "delete", TAGS, &uuid, NULL), 0);
        sim_expect_converged (sim, 60);
        expect_sound (sim);
        sim_destroy (&sim);
    }
}

Test (repair, a_record_that_nobody_wrote_is_everywhere_or_nowhere)
{
    sim_t *sim = pool_of (220, 2, 100);
    uuid16_t uuid = sim_uuid (1000);
    insert_copy (sim, 1, 5, 1000);
    expect_repair (sim, 30);
    cr_assert_str_eq (sim_name (sim, 0, TAGS, &uuid), "name 5");
    cr_assert_eq (sim_apply (sim, 0, "delete", TAGS, &uuid, NULL), 0);
    sim_expect_converged (sim, 60);
    expect_sound (sim);
    sim_destroy (&sim);
}

static bool damage_told (sim_t *sim, void *node)
{
    return sim_alarm (sim, *(int *)node, "DAMAGED");
}

Test (repair, a_record_that_cannot_be_read_is_taken_from_the_peer_as_it_is)
{
    for (int node = 0; node < 2; node++) {
        sim_t *sim = pool_of (230 + (uint64_t)node, 2, 100);
        uuid16_t uuid = sim_uuid (42);
        flip_bit (sim, node, 42);
        cr_assert (sim_until (sim, damage_told, &node, 30), "nobody saw that it cannot be read");
        expect_repair (sim, 30);
        cr_assert_not (sim_alarm (sim, node, "DAMAGED"));
        cr_assert_str_eq (sim_name (sim, node, TAGS, &uuid), "name 42");
        cr_assert_eq (repaired (sim), 1);
        sim_destroy (&sim);
    }
}

Test (repair, a_write_on_a_record_that_cannot_be_read_stops_nobody)
{
    sim_t *sim = pool_of (240, 2, 100);
    uuid16_t uuid = sim_uuid (42), mine = sim_uuid (500);
    flip_bit (sim, 1, 42);
    cr_assert_eq (sim_apply (sim, 0, "update", TAGS, &uuid, "later"), 0);
    cr_assert_eq (sim_apply (sim, 1, "create", TAGS, &mine, "mine"), 0);
    expect_repair (sim, 60);
    cr_assert_str_eq (sim_name (sim, 1, TAGS, &uuid), "later");
    cr_assert_str_eq (sim_name (sim, 0, TAGS, &mine), "mine");
    sim_destroy (&sim);
}

static bool returned (sim_t *sim, void *unused)
{
    (void)unused;
    return !sim_is_declared (sim, 0, 2) && !sim_alarm (sim, 2, "DAMAGED") &&
           sim_converged (sim, NULL);
}

//  Or the members would be told that it was deleted while it was away.
Test (repair, a_record_that_cannot_be_read_at_a_return_is_taken_from_the_member)
{
    for (int damaged_before = 0; damaged_before < 2; damaged_before++) {
        sim_t *sim = pool_of (245, 3, 100);
        uuid16_t spoilt = sim_uuid (42), gone = sim_uuid (7);
        int node = 2;
        sim_intervals (sim, 600, 20);
        sim_cut (sim, 2, 0, true);
        sim_cut (sim, 2, 1, true);
        cr_assert_eq (sim_apply (sim, 2, "delete", TAGS, &gone, NULL), 0);
        sim_pass (sim, 1500);
        cr_assert (sim_is_declared (sim, 0, 2));
        flip_bit (sim, 2, 42);
        if (damaged_before) {
            cr_assert_eq (sim_apply (sim, 2, "update", TAGS, &spoilt, "x"), ERR_NOT_FOUND);
            cr_assert (sim_until (sim, damage_told, &node, 30));
        }
        sim_cut (sim, 2, 0, false);
        sim_cut (sim, 2, 1, false);
        cr_assert (sim_until (sim, returned, NULL, 600), "it does not come back");
        for (int at = 0; at < 3; at++) {
            cr_assert_str_eq (sim_name (sim, at, TAGS, &spoilt), "name 42");
            cr_assert_str_eq (sim_name (sim, at, TAGS, &gone), "");
        }
        sim_destroy (&sim);
    }
}

Test (repair, of_many_records_in_a_pool_of_three_ends)
{
    sim_t *sim = pool_of (250, 3, 2000);
    for (uint64_t i = 0; i < 60; i++) {
        alter (sim, (int)(i % 3), 1 + 33 * i, i % 2 ? "zzzzzzzzz" : "aaa");
        take_away (sim, (int)((i + 1) % 3), 2 + 33 * i);
    }
    expect_repair (sim, 200);
    sim_pass (sim, 30);
    sim_expect_converged (sim, 1);
    uint64_t before = metric_of (sim, METRIC_REPAIRS);
    sim_pass (sim, 60);
    cr_assert_eq (metric_of (sim, METRIC_REPAIRS), before);
    expect_sound (sim);
    sim_destroy (&sim);
}

//  In one repair: what does not fit into a message follows, and nothing is offered faster than it is merged.
Test (repair, of_a_table_that_is_gone_brings_all_of_it_back)
{
    sim_t *sim = pool_of (255, 2, 6000);
    for (int node = 1; node >= 0; node--) {
        uint64_t repairs = metric_of (sim, METRIC_REPAIRS), before = repaired (sim);
        for (uint64_t i = 1; i <= 6000; i++)
            take_away (sim, node, i);
        sim_kill (sim,
            node); // or it goes on counting where it had come to, and is right only a pass later
        sim_start (sim, node);
        expect_repair (sim, 60);
        cr_assert_eq (repaired (sim), before + 6000);
        cr_assert_eq (metric_of (sim, METRIC_REPAIRS), repairs + 1);
    }
    sim_destroy (&sim);
}

//  ---- how much is said

static uint64_t messages_for (uint64_t records)
{
    sim_t *sim = pool_of (260, 2, records);
    sim_pass (sim, records / 100);
    uint64_t said = metric_of (sim, METRIC_REPAIR_MESSAGES);
    uint64_t nothing = 0, seconds = 10 + records / 100;
    alter (sim, 1, records * 2 / 3, "zzz");
    cr_assert (sim_until (sim, any_diverged, NULL, seconds), "nobody saw a difference");
    uint64_t bytes = metric_of (sim, METRIC_PEER_BYTES_OUT);
    cr_assert (sim_until (sim, some_repair, &nothing, seconds), "nothing was repaired");
    bytes = metric_of (sim, METRIC_PEER_BYTES_OUT) - bytes;
    sim_expect_converged (sim, seconds);
    sim_pass (sim, 20);
    cr_assert_not (any_diverged (sim, NULL));
    said = metric_of (sim, METRIC_REPAIR_MESSAGES) - said;
    cr_assert_eq (repaired (sim), 1);
    fprintf (stderr, "%llu records: found and merged with %llu messages, %llu bytes\n",
        (unsigned long long)records, (unsigned long long)said, (unsigned long long)bytes);
    cr_assert_lt (bytes, 16 << 10);
    sim_destroy (&sim);
    return said;
}

//  Each factor of 16 costs a question and its answer: 2 messages. At the end records are wanted, given and offered.
Test (repair, messages_grow_with_the_logarithm_of_the_table, .timeout = 300)
{
    uint64_t small = messages_for (100), middle = messages_for (10000);
    cr_assert_leq (small, 2 * 1 + 3);
    cr_assert_leq (middle, 2 * 3 + 3);
    cr_assert_leq (messages_for (100000), 2 * 3 + 3);
    if (getenv ("SIM_LARGE"))
        cr_assert_leq (messages_for (1000000), 2 * 4 + 3);
}

//  ---- while others write

Test (repair, goes_on_while_both_sides_write)
{
    for (uint64_t seed = 270; seed < 276; seed++) {
        sim_t *sim = pool_of (seed, 2, 3000);
        uint64_t before = repaired (sim);
        for (uint64_t i = 0; i < 20; i++)
            alter (sim, (int)(i % 2), 1 + 149 * i, "zzz");
        for (uint64_t i = 0; i < 400; i++) {
            int node = (int)(i % 2);
            uint64_t record = 1 + sim_random (sim, 3000);
            uuid16_t uuid = sim_uuid (record), fresh = sim_uuid (10000 + i);
            char name[32];
            snprintf (name, sizeof name, "written %llu", (unsigned long long)i);
            if (i % 5 == 4)
                sim_apply (sim, node, "delete", TAGS, &uuid, NULL);
            else
                sim_apply (
                    sim, node, i % 2 ? "update" : "create", TAGS, i % 2 ? &uuid : &fresh, name);
            sim_until (sim, NULL, NULL, sim_random (sim, 2));
        }
        cr_assert (some_repair (sim, &before), "seed %llu: nothing was repaired meanwhile",
            (unsigned long long)seed);
        sim_pass (sim, 60);
        sim_expect_converged (sim, 60);
        expect_sound (sim);
        sim_destroy (&sim);
    }
}

//  What was deleted while the two were compared stays deleted.
Test (repair, brings_back_nothing_that_is_deleted_meanwhile)
{
    for (uint64_t seed = 280; seed < 300; seed++) {
        sim_t *sim = pool_of (seed, 2, 400);
        for (uint64_t i = 1; i <= 400; i += 4)
            alter (sim, (int)(seed % 2), i, "zzz");
        sim_until (sim, any_diverged, NULL, 30);
        for (uint64_t i = 1; i <= 400; i += 8) {
            uuid16_t uuid = sim_uuid (i);
            cr_assert_eq (sim_apply (sim, (int)(i / 8 % 2), "delete", TAGS, &uuid, NULL), 0);
        }
        sim_pass (sim, 60);
        sim_expect_converged (sim, 60);
        expect_sound (sim);
        for (uint64_t i = 1; i <= 400; i += 8) {
            uuid16_t uuid = sim_uuid (i);
            cr_assert_str_empty (sim_name (sim, 0, TAGS, &uuid));
        }
        sim_destroy (&sim);
    }
}

//  ---- a hostile member

typedef struct foe {
    sim_t *sim;
    buffer_t header;
    buffer_t payload;
} foe_t;

//  Says it to node 0 as node 1. True if it was refused: counted, and the line ended.
static bool refused (foe_t *foe, const message_type_t *type, const void *message)
{
    sim_t *sim = foe->sim;
    uint64_t before = metric_get (&sim->nodes[0].metrics, METRIC_PEER_GARBAGE);
    buffer_clear (&foe->header);
    message_pack (type, message, &foe->header);
    slice_t frames[] = {buffer_slice (&foe->header), buffer_slice (&foe->payload)};
    sim_pass (sim, 30);
    cr_assert (sim_say (sim, 1, 0, frames, 2), "there is no line");
    sim_until (sim, NULL, NULL, 1);
    return metric_get (&sim->nodes[0].metrics, METRIC_PEER_GARBAGE) == before + 1;
}

static bool ranges_refused (foe_t *foe, size_t count, const int *ends)
{
    buffer_t packed = {NULL, 0, 0};
    pack_array (&packed, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t end[16] = {(uint8_t)(ends ? ends[i] : (int)i + 1)};
        if (ends && ends[i] < 0)
            pack_nil (&packed);
        else
            pack_bin (&packed, slice_of (end, sizeof end));
    }
    peer_ranges_t ranges = {.verb = PEER_RANGES,
        .number = 1,
        .resource = slice_text (TAGS),
        .ends = buffer_slice (&packed)};
    bool is = refused (foe, &peer_ranges_type, &ranges);
    buffer_release (&packed);
    return is;
}

Test (repair, unsound_questions_are_refused_and_counted)
{
    foe_t foe = {.sim = pool_of (300, 2, 50)};
    peer_want_t want = {.verb = PEER_WANT, .number = 1, .resource = slice_text ("nothing")};
    static const uint8_t nil[] = {0xc0}, number[] = {0x01}, zero[18] = {0xc4, 16};
    cr_expect_not (ranges_refused (&foe, 3, (int[]){1, 2, -1}), "a sound question");
    cr_expect (ranges_refused (&foe, 0, NULL), "no ranges");
    cr_expect (ranges_refused (&foe, 17, NULL), "more than 16");
    cr_expect (ranges_refused (&foe, 2, (int[]){2, 2}), "an empty range");
    cr_expect (ranges_refused (&foe, 2, (int[]){2, 1}), "a range that goes back");
    cr_expect (ranges_refused (&foe, 2, (int[]){-1, 1}), "something behind the end");
    want.to = slice_of (nil, sizeof nil);
    cr_expect (refused (&foe, &peer_want_type, &want), "a resource that is none");
    want.resource = slice_text ("file_paths");
    cr_expect (refused (&foe, &peer_want_type, &want), "one that is not shared");
    want.resource = slice_text (TAGS);
    cr_expect_not (refused (&foe, &peer_want_type, &want), "a sound wish");
    want.to = slice_of (number, sizeof number);
    cr_expect (refused (&foe, &peer_want_type, &want), "an end that is no uuid");
    want.to = slice_of (zero, sizeof zero);
    cr_expect (refused (&foe, &peer_want_type, &want), "an empty range");
    peer_digests_t digests = {.verb = PEER_DIGESTS, .number = 7, .digests = slice_of ("\x90", 1)};
    cr_expect (refused (&foe, &peer_digests_type, &digests), "an answer that nobody asked for");
    sim_expect_converged (foe.sim, 60);
    buffer_release (&foe.header);
    sim_destroy (&foe.sim);
}

static void vector_of (sim_t *sim, int node, buffer_t *out)
{
    txn_t *txn;
    vector_t vector = {NULL, 0, 0};
    cr_assert_eq (store_begin (sim->nodes[node].store, false, &txn), 0);
    cr_assert_eq (watermarks_load (txn, WATERMARK_SHARED, &vector), 0);
    vector_pack (&vector, out);
    vector_release (&vector);
    store_abort (&txn);
}

static bool at_once (sim_t *sim, void *calls)
{
    (void)sim;
    return (*(int *)calls)-- == 0;
}

//  One step of one actor.
static void step_some (sim_t *sim)
{
    int calls = 1;
    sim_until (sim, at_once, &calls, 10);
}

//  Says as the node that answers what stands for another vector than the asker's: true if that was compared, and ours
//  given.
static bool compared (sim_t *sim, int asker, bool equal)
{
    sim_node_t *other = &sim->nodes[1 - asker];
    buffer_t vector = {NULL, 0, 0}, header = {NULL, 0, 0};
    static const uint8_t none[] = {0x90};
    bool given = false;
    vector_of (sim, asker, &vector);
    peer_records_t records = {.verb = PEER_RECORDS,
        .number = 1,
        .resource = slice_text (TAGS),
        .to = slice_of ("\xc0", 1),
        .vector = equal ? buffer_slice (&vector) : slice_of (none, sizeof none)};
    message_pack (&peer_records_type, &records, &header);
    slice_t frames[] = {buffer_slice (&header), {NULL, 0}};
    cr_assert (sim_say (sim, 1 - asker, asker, frames, 2));
    sim_pass (sim, 1);
    for (const mail_t *mail = other->boxes[ACTOR_LINK].head; mail; mail = mail->next)
        given |= mail->frame_count == 2 && mail->frames[0].bytes.data[1] == PEER_RECORDS;
    buffer_release (&vector);
    buffer_release (&header);
    return given;
}

//  The one that answers is stopped where the other has asked for its records.
Test (repair, records_that_stand_for_another_vector_are_not_compared)
{
    for (int equal = 0; equal <= 1; equal++) {
        sim_t *sim = pool_of (320, 2, 20);
        int asker =
            uuid_compare (&sim->nodes[0].identity.client, &sim->nodes[1].identity.client) < 0 ? 0
                                                                                              : 1;
        alter (sim, 0, 5, "zzzzzzzzz");
        uint64_t before = metric_get (&sim->nodes[asker].metrics, METRIC_REPAIRS);
        for (int i = 0;
             i < 100000 && metric_get (&sim->nodes[asker].metrics, METRIC_REPAIRS) == before; i++)
            step_some (sim);
        sim->nodes[1 - asker].running = false;
        cr_assert_eq (compared (sim, asker, equal), equal);
        sim->nodes[1 - asker].running = true;
        sim_pass (sim, 60);
        sim_expect_converged (sim, 60);
        sim_destroy (&sim);
    }
}

Test (repair, one_question_is_answered_at_a_time)
{
    sim_t *sim = pool_of (305, 2, 50);
    buffer_t header = {NULL, 0, 0};
    peer_ranges_t ranges = {.verb = PEER_RANGES,
        .number = 1,
        .resource = slice_text (TAGS),
        .ends = slice_of ("\x91\xc0", 2)};
    message_pack (&peer_ranges_type, &ranges, &header);
    slice_t frame = buffer_slice (&header);
    uint64_t before = metric_get (&sim->nodes[0].metrics, METRIC_PEER_GARBAGE);
    for (int i = 0; i < 50; i++)
        sim_say (sim, 1, 0, &frame, 1);
    sim_pass (sim, 1);
    cr_assert_gt (metric_get (&sim->nodes[0].metrics, METRIC_PEER_GARBAGE), before);
    buffer_release (&header);
    sim_destroy (&sim);
}

//  A record that says another name, written by node 1 at this time.
static void forged_add (foe_t *foe, uint64_t record, uint64_t time, const char *value)
{
    static const char name[] = "name";
    property_t property = {
        slice_text (name), slice_text (value), {time, foe->sim->nodes[1].identity.client}};
    record_t forged = {.created = property.stamp, .written = property.stamp};
    forged.strong = (properties_t){&property, 1, 1};
    uuid16_t uuid = sim_uuid (record);
    stretch_add (&uuid, &forged, &foe->payload);
}

//  Node 1 offers to node 0 what is in the payload.
static bool offer_refused (foe_t *foe)
{
    static const uint8_t nil[] = {0xc0};
    buffer_t vector = {NULL, 0, 0};
    vector_of (foe->sim, 0, &vector);
    peer_records_t records = {.verb = PEER_RECORDS,
        .resource = slice_text (TAGS),
        .to = slice_of (nil, sizeof nil),
        .vector = buffer_slice (&vector)};
    bool is = refused (foe, &peer_records_type, &records);
    buffer_clear (&foe->payload);
    buffer_release (&vector);
    return is;
}

static uint64_t upto_of (sim_t *sim, int client)
{
    txn_t *txn;
    vector_t vector = {NULL, 0, 0};
    cr_assert_eq (store_begin (sim->nodes[0].store, false, &txn), 0);
    cr_assert_eq (watermarks_load (txn, WATERMARK_SHARED, &vector), 0);
    uint64_t upto = vector_upto (&vector, &sim->nodes[client].identity.client);
    vector_release (&vector);
    store_abort (&txn);
    return upto;
}

Test (repair, unsound_records_are_refused_and_sound_ones_taken_only_where_we_differ)
{
    foe_t foe = {.sim = pool_of (310, 2, 50)};
    uuid16_t uuid = sim_uuid (7), other = sim_uuid (99);
    cr_assert_eq (sim_apply (foe.sim, 1, "create", TAGS, &other, "other"), 0);
    sim_expect_converged (foe.sim, 60);
    sim_pass (foe.sim, 10);
    uint64_t past = upto_of (foe.sim, 1), future = UINT64_MAX - 7;
    forged_add (&foe, 7, past, "\xa4mine");
    cr_expect_not (offer_refused (&foe), "a sound offer");
    cr_expect_str_eq (sim_name (foe.sim, 0, TAGS, &uuid), "name 7", "we did not differ");
    forged_add (&foe, 7, future, "\xa4mine");
    cr_expect (offer_refused (&foe), "a time that no batch has brought");
    forged_add (&foe, 7, past, "\xa5mine");
    cr_expect (offer_refused (&foe), "a value that goes on");
    forged_add (&foe, 7, past, "\xc1");
    cr_expect (offer_refused (&foe), "no value at all");
    forged_add (&foe, 8, past, "\xa1x");
    forged_add (&foe, 7, past, "\xa1x");
    cr_expect (offer_refused (&foe), "records that do not ascend");
    forged_add (&foe, 7, past, "\xa1x");
    forged_add (&foe, 7, past, "\xa1x");
    cr_expect (offer_refused (&foe), "one record twice");
    buffer_append (&foe.payload, "\xff\xff", 2);
    cr_expect (offer_refused (&foe), "garbage");
    cr_expect_str_eq (sim_name (foe.sim, 0, TAGS, &uuid), "name 7");
    sim_expect_converged (foe.sim, 60);
    buffer_release (&foe.header);
    buffer_release (&foe.payload);
    sim_destroy (&foe.sim);
}

//  link_repair - where we differ from a peer: we ask, and have what differs merged on both sides
//
//  A part of the resource's uuids in which the two differ is split into up to 16 ranges with as many records of ours in
//  each, and the peer is asked for what it shows there. The ranges that differ are split again, depth first, until one
//  side has no more than REPAIR_LEAF records in it: these are fetched and compared one by one. So a record is found in
//  as many questions as the logarithm of the table's size, however its uuids lie. Each of the two reads the whole
//  resource once for the first question, a sixteenth for the second, …, in slices.
//
//  While this goes on both may write. That can mislead the search (into a range that was only written to, or past one),
//  which costs questions and is made good with a later ping. It must not mislead a merge: a state that is behind would
//  bring back what was deleted. So records are compared only where they stand for equal vectors, and oplog merges
//  only if its vector is still the same.

#include "actors/link/repair.h"

#include <stdio.h>
#include <stdlib.h>

#define SAY_MOST 20 // repaired records of one message that the log names

void link_repair_send (step_t *step, const line_t *line, const message_type_t *type,
    const void *message, buffer_t *payload)
{
    metric_add (step->metrics, METRIC_REPAIR_MESSAGES, 1);
    link_line_send (step, line, type, message, payload);
}

//  ---- parts

static void part_push (asking_t *ask, const part_t *part)
{
    if (ask->part_count == ask->part_capacity) {
        size_t capacity = ask->part_capacity ? 2 * ask->part_capacity : 64;
        part_t *grown = realloc (ask->parts, capacity * sizeof *grown);
        if (!grown)
            abort (); // as buffer_reserve
        ask->parts = grown;
        ask->part_capacity = capacity;
    }
    ask->parts[ask->part_count++] = *part;
}

void link_repair_end (step_t *step, line_t *line)
{
    asking_t *ask = &line->repair->ask;
    if (ask->state == ASK_IDLE)
        return;
    step_say (step, SAY_INFO, "%s was compared: %u questions, %llu records merged", ask->resource,
        ask->questions, (unsigned long long)ask->merged);
    ask->state = ASK_IDLE;
    ask->part_count = 0;
}

static void want_send (step_t *step, line_t *line)
{
    asking_t *ask = &line->repair->ask;
    buffer_t to = {NULL, 0, 0};
    range_end_pack (&ask->part.range, &to);
    peer_want_t want = {.verb = PEER_WANT,
        .number = ++ask->number,
        .resource = slice_text (ask->resource),
        .from = ask->part.range.from,
        .to = buffer_slice (&to)};
    link_repair_send (step, line, &peer_want_type, &want, NULL);
    ask->state = ASK_WANTED;
    ask->since_ns = step->now.mono_ns;
    ask->questions++;
    buffer_release (&to);
}

static void part_next (step_t *step, line_t *line)
{
    asking_t *ask = &line->repair->ask;
    if (ask->part_count == 0 || ask->questions >= REPAIR_QUESTIONS_MOST) {
        link_repair_end (step, line);
        return;
    }
    ask->part = ask->parts[--ask->part_count];
    if (ask->part.leaf) {
        want_send (step, line);
        return;
    }
    ask->rest = ask->part.range;
    ask->ranges[0] = ask->part.range;
    ask->ours[0] = (range_sum_t){.count = 0};
    ask->fan = 0;
    ask->state = ASK_SUMMING;
    step_wake_at (step, 0);
}

void link_repair_begin (step_t *step, line_t *line, const resource_entry_t *entry)
{
    asking_t *ask = &link_repair_of (line)->ask;
    if (ask->state != ASK_IDLE)
        return;
    memcpy (ask->resource, entry->resource.name, sizeof ask->resource);
    ask->rule = entry->resource.rule;
    ask->questions = ask->tries = 0;
    ask->merged = 0;
    part_t all = {
        .range = {.open = true}, .count = entry->count, .leaf = entry->count <= REPAIR_LEAF};
    part_push (ask, &all);
    metric_add (step->metrics, METRIC_REPAIRS, 1);
    part_next (step, line);
}

//  ---- our digests of a part, and the question

static void ranges_ask (step_t *step, line_t *line)
{
    asking_t *ask = &line->repair->ask;
    buffer_t ends = {NULL, 0, 0};
    pack_array (&ends, ask->fan);
    for (size_t i = 0; i < ask->fan; i++)
        range_end_pack (&ask->ranges[i], &ends);
    peer_ranges_t ranges = {.verb = PEER_RANGES,
        .number = ++ask->number,
        .resource = slice_text (ask->resource),
        .from = ask->part.range.from,
        .ends = buffer_slice (&ends)};
    link_repair_send (step, line, &peer_ranges_type, &ranges, NULL);
    ask->state = ASK_ASKED;
    ask->since_ns = step->now.mono_ns;
    ask->questions++;
    buffer_release (&ends);
}

//  The range that is being summed ends where we have come to, and the next one begins there.
static void range_cut (asking_t *ask)
{
    ask->ranges[ask->fan].to = ask->rest.from;
    ask->ranges[ask->fan].open = false;
    ask->fan++;
    ask->ranges[ask->fan] = ask->rest;
    ask->ours[ask->fan] = (range_sum_t){.count = 0};
}

static void ask_sum (link_t *self, step_t *step, line_t *line)
{
    asking_t *ask = &line->repair->ask;
    uint64_t each = (ask->part.count + REPAIR_FAN - 1) / REPAIR_FAN;
    int rc = 0;
    while (rc == 0 && self->repair_budget) {
        bool last = ask->fan + 1 == REPAIR_FAN;
        range_sum_t *sum = &ask->ours[ask->fan];
        rc = shared_range_sum (step->txn, slice_text (ask->resource), &ask->rest,
            last   ? UINT64_MAX
            : each ? each
                   : 1,
            &self->repair_budget, sum);
        if (rc == 0 && range_is_empty (&ask->rest))
            rc = ERR_NOT_FOUND;
        if (rc == 0 && !last && sum->count >= each)
            range_cut (ask);
    }
    if (rc == ERR_NOT_FOUND) {
        ask->fan++;
        ask->ranges[ask->fan - 1].to = ask->part.range.to;
        ask->ranges[ask->fan - 1].open = ask->part.range.open;
        ranges_ask (step, line);
    } else if (rc)
        link_repair_end (step, line);
    else
        step_wake_at (step, 0);
}

//  ---- the answers

//  0; ERR_MALFORMED; ERR_DUPLICATE of an answer to a question that was given up.
static int number_check (const asking_t *ask, uint64_t number, enum ask_state state)
{
    if (number > ask->number)
        return ERR_MALFORMED;
    if (number < ask->number || ask->state == ASK_IDLE)
        return ERR_DUPLICATE;
    return ask->state == state ? 0 : ERR_MALFORMED;
}

//  Parts are looked at in the order of their uuids: the first is pushed last.
static int digests_take (asking_t *ask, slice_t packed)
{
    cursor_t cursor = cursor_over (packed);
    range_sum_t theirs[REPAIR_FAN];
    size_t count;
    if (cursor_array (&cursor, &count) || count != 2 * ask->fan)
        return ERR_MALFORMED;
    for (size_t i = 0; i < ask->fan; i++) {
        uint8_t digest[16];
        if (cursor_uint (&cursor, &theirs[i].count) ||
            cursor_bin_exact (&cursor, digest, sizeof digest))
            return ERR_MALFORMED;
        digest_from_bytes (digest, &theirs[i].digest);
    }
    for (size_t i = ask->fan; i-- > 0;) {
        const range_sum_t *ours = &ask->ours[i];
        if (ours->count == theirs[i].count && ours->digest.low == theirs[i].digest.low &&
            ours->digest.high == theirs[i].digest.high)
            continue;
        part_t part = {.range = ask->ranges[i], .count = ours->count};
        part.leaf = ours->count <= REPAIR_LEAF || theirs[i].count <= REPAIR_LEAF;
        part_push (ask, &part);
    }
    return 0;
}

static void on_digests (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    asking_t *ask = &link_repair_of (line)->ask;
    peer_digests_t digests;
    static const uint8_t none[] = {0x90};
    int rc = message_unpack (&peer_digests_type, frame, &digests, NULL);
    if (rc == 0)
        rc = number_check (ask, digests.number, ASK_ASKED);
    if (rc == ERR_DUPLICATE)
        return;
    if (rc == 0 && slice_equal (digests.digests, slice_of (none, sizeof none))) {
        link_repair_end (step, line);
        return;
    }
    if (rc == 0)
        rc = digests_take (ask, digests.digests);
    if (rc)
        link_refuse (self, step, line, rc, "digests of ranges");
    else
        part_next (step, line);
}

//  ---- records

bool link_vector_is_ours (step_t *step, const vector_t *vector)
{
    vector_t ours = {NULL, 0, 0};
    bool equal =
        watermarks_load (step->txn, WATERMARK_SHARED, &ours) == 0 && vector_equal (&ours, vector);
    vector_release (&ours);
    return equal;
}

int link_repair_records (step_t *step, const peer_records_t *records, slice_t payload,
    range_t *ret_range, vector_t *ret_vector)
{
    cursor_t to = cursor_over (records->to), vector = cursor_over (records->vector);
    resource_entry_t entry;
    range_t range = {.from = records->from};
    if (range_end_unpack (&to, &range) || vector_unpack (&vector, ret_vector) ||
        resources_find (step->txn, records->resource, &entry) ||
        entry.resource.kind != RESOURCE_SHARED ||
        stretch_check (payload, &range, ret_vector, entry.resource.rule))
        return ERR_MALFORMED;
    *ret_range = range;
    return 0;
}

void link_repair_mail (step_t *step, const line_t *line, uint64_t ticket, slice_t resource,
    const vector_t *vector, slice_t records)
{
    buffer_t packed = {NULL, 0, 0};
    vector_pack (vector, &packed);
    repair_t repair = {.peer = line->client,
        .line = line->number,
        .resource = resource,
        .vector = buffer_slice (&packed)};
    step_send (step, ACTOR_OPLOG, MAIL_REPAIR, ticket, &repair_type, &repair, &records, 1);
    buffer_release (&packed);
}

//  The vectors are not equal just now: the same part again, a little later.
static void part_again (step_t *step, line_t *line)
{
    asking_t *ask = &line->repair->ask;
    if (++ask->tries > REPAIR_TRIES_MOST) {
        link_repair_end (step, line);
        return;
    }
    ask->state = ASK_WAITING;
    ask->since_ns = step->now.mono_ns;
    step_wake_at (step, step->now.mono_ns + REPAIR_AGAIN_NS);
}

//  Is what came of the range that was asked for, and does it bring us on?
static bool answers_part (const asking_t *ask, const peer_records_t *records, const range_t *range)
{
    const range_t *part = &ask->part.range;
    bool whole = range->open == part->open && (range->open || uuid_equal (&range->to, &part->to));
    bool within = !range->open && (part->open || uuid_compare (&range->to, &part->to) < 0);
    return slice_equal (records->resource, slice_text (ask->resource)) &&
           uuid_equal (&range->from, &part->from) && (whole || (within && !range_is_empty (range)));
}

//  Compares with our own records of the range as far as both go: *range ends there. What we give is sent, what we take
//  goes to oplog.
static void part_compare (
    step_t *step, line_t *line, range_t *range, const vector_t *vector, slice_t theirs)
{
    asking_t *ask = &line->repair->ask;
    buffer_t ours = {NULL, 0, 0}, take = {NULL, 0, 0}, give = {NULL, 0, 0};
    range_t rest = *range;
    int rc = shared_range_out (step->txn, slice_text (ask->resource), &rest, REPAIR_STRETCH_BYTES,
        REPAIR_RECORD_BYTES, &ours);
    if (rc == 0) {
        range->to = rest.from;
        range->open = false;
    }
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        stretch_compare (buffer_slice (&ours), theirs, range, ask->rule, &take, &give);
        if (give.size)
            link_records_send (step, line, 0, ask->resource, range, vector, &give);
        if (take.size)
            link_repair_mail (step, line, REPAIR_OF_ASKING, slice_text (ask->resource), vector,
                buffer_slice (&take));
        ask->state = take.size ? ASK_MERGING : ASK_IDLE;
    }
    buffer_release (&ours);
    buffer_release (&take);
    buffer_release (&give);
}

static void part_records (
    step_t *step, line_t *line, range_t *range, const vector_t *vector, slice_t payload)
{
    asking_t *ask = &line->repair->ask;
    part_t behind = ask->part;
    part_compare (step, line, range, vector, payload);
    bool whole = range->open == behind.range.open &&
                 (range->open || uuid_equal (&range->to, &behind.range.to));
    if (!whole) {
        behind.range.from = range->to;
        part_push (ask, &behind);
    }
    ask->part.range = *range;
    if (ask->state != ASK_MERGING)
        part_next (step, line);
}

static void on_records (
    link_t *self, step_t *step, line_t *line, const peer_records_t *records, slice_t payload)
{
    asking_t *ask = &link_repair_of (line)->ask;
    vector_t vector = {NULL, 0, 0};
    range_t range;
    int rc = number_check (ask, records->number, ASK_WANTED);
    if (rc == ERR_DUPLICATE)
        return;
    if (rc == 0)
        rc = link_repair_records (step, records, payload, &range, &vector);
    if (rc == 0 && !answers_part (ask, records, &range))
        rc = ERR_MALFORMED;
    if (rc)
        link_refuse (self, step, line, rc, "records of a range");
    else if (!link_vector_is_ours (step, &vector))
        part_again (step, line);
    else
        part_records (step, line, &range, &vector, payload);
    vector_release (&vector);
}

//  ---- what oplog made of it

static void uuids_say (step_t *step, const repaired_t *repaired, const char *peer)
{
    cursor_t cursor = cursor_over (repaired->uuids);
    size_t count;
    uuid16_t uuid;
    char name[UUID_TEXT_SIZE];
    if (cursor_array (&cursor, &count))
        return;
    metric_add (step->metrics, METRIC_RECORDS_REPAIRED, count);
    if (count > SAY_MOST)
        step_say (step, SAY_WARNING, "repaired %zu records of %.*s; the first of them:", count,
            (int)repaired->resource.size, (const char *)repaired->resource.data);
    for (size_t i = 0; i < count && i < SAY_MOST; i++) {
        if (cursor_bin_exact (&cursor, uuid.bytes, sizeof uuid.bytes))
            return;
        uuid_to_text (&uuid, name);
        step_say (step, SAY_WARNING,
            "repaired %.*s %s: it differed, and was merged with what %s has",
            (int)repaired->resource.size, (const char *)repaired->resource.data, name, peer);
    }
}

void link_on_repaired (link_t *self, step_t *step, const mail_t *mail)
{
    repaired_t repaired;
    if (step_unpack (step, mail, &repaired_type, &repaired))
        return;
    const peer_t *peer = link_peer (self, &repaired.peer);
    uuids_say (step, &repaired, peer ? peer->name : "a member");
    line_t *line = link_line (self, repaired.line);
    if (!line || !line->repair)
        return;
    if (mail->envelope.ticket == REPAIR_OF_OFFER) {
        link_on_merged (self, step, line);
        return;
    }
    asking_t *ask = &line->repair->ask;
    cursor_t cursor = cursor_over (repaired.uuids);
    size_t count = 0;
    if (ask->state != ASK_MERGING)
        return;
    if (cursor_array (&cursor, &count) == 0)
        ask->merged += count;
    if (repaired.error == 0)
        part_next (step, line);
    else if (-(int)repaired.error == ERR_BUSY)
        part_again (step, line);
    else
        link_repair_end (step, line);
}

//  ---- mail and time

void link_repair_hear (link_t *self, step_t *step, line_t *line, mail_t *mail, uint64_t verb)
{
    slice_t frame = mail_frame (mail, 0), payload = mail_frame (mail, 1);
    peer_records_t records;
    if (verb == PEER_RANGES)
        link_on_ranges (self, step, line, frame);
    else if (verb == PEER_DIGESTS)
        on_digests (self, step, line, frame);
    else if (verb == PEER_WANT)
        link_on_want (self, step, line, frame);
    else if (message_unpack (&peer_records_type, frame, &records, NULL) ||
             payload.size > LIMIT_PEER_FRAME_BYTES)
        link_refuse (self, step, line, ERR_MALFORMED, "records of a range");
    else if (records.number)
        on_records (self, step, line, &records, payload);
    else
        link_on_offer (self, step, line, &records, payload);
}

void link_repair_tick (link_t *self, step_t *step, line_t *line)
{
    if (!line->repair)
        return;
    asking_t *ask = &line->repair->ask;
    uint64_t past = step->now.mono_ns - ask->since_ns;
    if (line->repair->answer.active)
        link_answer_tick (self, step, line);
    if (ask->state == ASK_SUMMING)
        ask_sum (self, step, line);
    else if (ask->state == ASK_WAITING && past >= REPAIR_AGAIN_NS)
        want_send (step, line);
    else if (ask->state == ASK_WAITING)
        step_wake_at (step, ask->since_ns + REPAIR_AGAIN_NS);
    else if (ask->state != ASK_IDLE && past >= REPAIR_ANSWER_NS)
        link_repair_end (step, line);
}

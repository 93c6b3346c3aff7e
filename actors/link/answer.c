//  link_answer - a peer asks where we differ, or offers records to be merged
//
//  One question of a kind is answered at a time; who asks another one meanwhile does not keep to the protocol. A question
//  is read in slices. What is offered is merged only while the two are known to differ: a member that is believed to
//  hold the same is not let at our records this way.

#include "actors/link/repair.h"

//  ---- digests of ranges

static void digests_send (
    step_t *step, const line_t *line, uint64_t number, const answering_t *from)
{
    buffer_t packed = {NULL, 0, 0};
    uint8_t digest[16];
    pack_array (&packed, from ? 2 * from->fan : 0);
    for (size_t i = 0; from && i < from->fan; i++) {
        digest_to_bytes (&from->sums[i].digest, digest);
        pack_uint (&packed, from->sums[i].count);
        pack_bin (&packed, slice_of (digest, sizeof digest));
    }
    peer_digests_t digests = {
        .verb = PEER_DIGESTS, .number = number, .digests = buffer_slice (&packed)};
    link_repair_send (step, line, &peer_digests_type, &digests, NULL);
    buffer_release (&packed);
}

//  The ranges of a question, each beginning where the one before it ends; strictly ascending, only the last open.
static int ranges_unpack (const peer_ranges_t *question, answering_t *answer)
{
    cursor_t cursor = cursor_over (question->ends);
    uuid16_t from = question->from;
    size_t count;
    if (cursor_array (&cursor, &count) || count == 0 || count > REPAIR_FAN)
        return ERR_MALFORMED;
    for (size_t i = 0; i < count; i++) {
        range_t *range = &answer->ranges[i];
        range->from = from;
        if (range_end_unpack (&cursor, range) || range_is_empty (range) ||
            (range->open && i + 1 < count))
            return ERR_MALFORMED;
        from = range->to;
        answer->sums[i] = (range_sum_t){.count = 0};
    }
    answer->fan = count;
    return cursor_done (&cursor) ? 0 : ERR_MALFORMED;
}

static bool is_shared (step_t *step, slice_t resource)
{
    resource_entry_t entry;
    return resources_find (step->txn, resource, &entry) == 0 &&
           entry.resource.kind == RESOURCE_SHARED;
}

void link_on_ranges (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    answering_t *answer = &link_repair_of (line)->answer;
    peer_ranges_t question;
    int rc = message_unpack (&peer_ranges_type, frame, &question, NULL);
    if (rc == 0 && (answer->active || question.resource.size > LIMIT_NAME_BYTES))
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = ranges_unpack (&question, answer);
    if (rc) {
        link_refuse (self, step, line, rc, "a question for ranges");
        return;
    }
    if (!link_may_repair (self, line) || !is_shared (step, question.resource)) {
        digests_send (step, line, question.number, NULL);
        return;
    }
    memcpy (answer->resource, question.resource.data, question.resource.size);
    answer->resource[question.resource.size] = 0;
    answer->number = question.number;
    answer->at = 0;
    answer->rest = answer->ranges[0];
    answer->active = true;
    step_wake_at (step, 0);
}

void link_answer_tick (link_t *self, step_t *step, line_t *line)
{
    answering_t *answer = &line->repair->answer;
    int rc = 0;
    while (answer->at < answer->fan && self->repair_budget) {
        rc = shared_range_sum (step->txn, slice_text (answer->resource), &answer->rest, UINT64_MAX,
            &self->repair_budget, &answer->sums[answer->at]);
        if (rc && rc != ERR_NOT_FOUND)
            break;
        if (rc == ERR_NOT_FOUND && ++answer->at < answer->fan)
            answer->rest = answer->ranges[answer->at];
    }
    if (answer->at < answer->fan && (rc == 0 || rc == ERR_NOT_FOUND)) {
        step_wake_at (step, 0);
        return;
    }
    answer->active = false;
    digests_send (step, line, answer->number, answer->at == answer->fan ? answer : NULL);
}

//  ---- records

void link_records_send (step_t *step, const line_t *line, uint64_t number, const char *resource,
    const range_t *range, const vector_t *vector, buffer_t *payload)
{
    buffer_t to = {NULL, 0, 0}, packed = {NULL, 0, 0};
    range_end_pack (range, &to);
    vector_pack (vector, &packed);
    peer_records_t records = {.verb = PEER_RECORDS,
        .number = number,
        .resource = slice_text (resource),
        .from = range->from,
        .to = buffer_slice (&to),
        .vector = buffer_slice (&packed)};
    if (payload->size == 0)
        buffer_reserve (payload, 1);
    link_repair_send (step, line, &peer_records_type, &records, payload);
    buffer_release (&to);
    buffer_release (&packed);
}

//  Vector and records come from one reading transaction.
static void want_answer (step_t *step, line_t *line, const peer_want_t *want, range_t range)
{
    char resource[LIMIT_NAME_BYTES + 1] = "";
    buffer_t payload = {NULL, 0, 0};
    vector_t vector = {NULL, 0, 0};
    memcpy (resource, want->resource.data, want->resource.size);
    range_t rest = range;
    int rc = watermarks_load (step->txn, WATERMARK_SHARED, &vector);
    if (rc == 0)
        rc = shared_range_out (
            step->txn, want->resource, &rest, REPAIR_STRETCH_BYTES, REPAIR_RECORD_BYTES, &payload);
    if (rc == 0) { // not all of it fits
        range.to = rest.from;
        range.open = false;
    }
    if (rc == 0 || rc == ERR_NOT_FOUND)
        link_records_send (step, line, want->number, resource, &range, &vector, &payload);
    vector_release (&vector);
    buffer_release (&payload);
}

void link_on_want (link_t *self, step_t *step, line_t *line, slice_t frame)
{
    line_repair_t *repair = link_repair_of (line);
    peer_want_t want;
    range_t range;
    int rc = message_unpack (&peer_want_type, frame, &want, NULL);
    if (rc == 0) {
        cursor_t to = cursor_over (want.to);
        range.from = want.from;
        rc = range_end_unpack (&to, &range);
    }
    if (rc == 0 && (range_is_empty (&range) || !is_shared (step, want.resource) ||
                       (repair->merging && repair->want.size)))
        rc = ERR_MALFORMED;
    if (rc)
        link_refuse (self, step, line, rc, "a wish for records");
    else if (!link_may_repair (self, line))
        step_say (step, SAY_DEBUG, "records are wanted that do not pass this way");
    else if (repair->merging)
        buffer_append (&repair->want, frame.data, frame.size);
    else
        want_answer (step, line, &want, range);
}

//  What was offered is merged: now what was wanted meanwhile.
void link_on_merged (link_t *self, step_t *step, line_t *line)
{
    line_repair_t *repair = line->repair;
    buffer_t want = repair->want;
    repair->want = (buffer_t){NULL, 0, 0};
    repair->merging = false;
    if (want.size)
        link_on_want (self, step, line, buffer_slice (&want));
    buffer_release (&want);
}

//  ---- an offer

void link_on_offer (
    link_t *self, step_t *step, line_t *line, const peer_records_t *records, slice_t payload)
{
    line_repair_t *repair = link_repair_of (line);
    vector_t vector = {NULL, 0, 0};
    range_t range;
    int rc = link_repair_records (step, records, payload, &range, &vector);
    if (rc)
        link_refuse (self, step, line, rc, "records to be merged");
    else if (repair->differs && !repair->merging && link_may_repair (self, line) &&
             link_vector_is_ours (step, &vector)) {
        repair->merging = true;
        link_repair_mail (step, line, REPAIR_OF_OFFER, records->resource, &vector, payload);
    }
    vector_release (&vector);
}

//  link_repair - what link_diverge, link_repair and link_answer share (nobody else but link's own files includes this)
//
//  The state of a repair on one line. Of a pair the client with the smaller uuid asks, so one of the two sides of this
//  struct is at rest:
//
//      IDLE --digests differ--> SUMMING --ours are known--> ASKED --theirs came--> SUMMING or WANTED …
//                                  ^                                                   |
//                                  +------ the next part ------ MERGING <--records came+
//                                                                  |
//                                  WAITING <--- vectors differ ----+      … nothing left: IDLE

#ifndef TIDEPOOL_LINK_REPAIR_H
#define TIDEPOOL_LINK_REPAIR_H

#include "actors/link/link.h"
#include "messages/stretch.h"
#include "store/shared_range.h"

#define REPAIR_FAN            16   // ranges in a question
#define REPAIR_LEAF           32   // a range with no more records than this is fetched, not split
#define REPAIR_ROUND_RECORDS  4000 // are read for all repairs in one round
#define REPAIR_QUESTIONS_MOST 4096 // in one repair; what is left then is found with a later ping
#define REPAIR_TRIES_MOST     100 // that find the vectors unequal, before it waits for a later ping
#define REPAIR_AGAIN_NS       (SECOND_NS / 10)
#define REPAIR_ANSWER_NS      (600 * SECOND_NS) // an answer that does not come by then is given up
#define REPAIR_STRETCH_BYTES  (LIMIT_CHUNK_BYTES / 2) // of a message; its last record may go over it
#define REPAIR_RECORD_BYTES   LIMIT_CHUNK_BYTES       // a larger record does not travel this way

enum ask_state { ASK_IDLE, ASK_SUMMING, ASK_ASKED, ASK_WANTED, ASK_MERGING, ASK_WAITING };

//  A range in which the two nodes differ.
typedef struct part {
    range_t range;
    uint64_t count; // visible records of ours
    bool leaf;      // to be fetched
} part_t;

//  We ask.
typedef struct asking {
    enum ask_state state;
    char resource[LIMIT_NAME_BYTES + 1];
    record_rule_t rule;
    uint64_t number; // of the last question
    uint64_t since_ns;
    part_t *parts; // still to be looked at, the next one last
    size_t part_count;
    size_t part_capacity;
    part_t part; // being looked at
    //  Of the question: where its ranges end, and what we show there.
    range_t rest;
    range_t ranges[REPAIR_FAN];
    range_sum_t ours[REPAIR_FAN];
    size_t fan;
    unsigned questions;
    unsigned tries;
    uint64_t merged;
} asking_t;

//  The peer asks.
typedef struct answering {
    bool active;
    char resource[LIMIT_NAME_BYTES + 1];
    uint64_t number;
    range_t ranges[REPAIR_FAN];
    range_sum_t sums[REPAIR_FAN];
    size_t fan;
    size_t at;
    range_t rest; // of ranges[at]
} answering_t;

typedef struct line_repair {
    bool differs;  // by the last ping at equal vectors: what it offers to be merged is taken
    bool merging;  // oplog has something that it offered
    buffer_t want; // what it wants meanwhile, answered when that is merged: so it offers no faster
    asking_t ask;
    answering_t answer;
} line_repair_t;

//  May records pass between the two? Who copies, and who has to return, gets them in other ways.
static inline bool link_may_repair (const link_t *self, const line_t *line)
{
    return !self->joining && !line->peer_joins && !line->outside && !line->returns;
}

line_repair_t *link_repair_of (line_t *line); // made where there is none
void link_repair_free (line_t *line);

//  diverge.c
void link_digests_compare (link_t *self, step_t *step, line_t *line, slice_t theirs);

//  repair.c
void link_repair_begin (step_t *step, line_t *line, const resource_entry_t *entry);
void link_repair_end (step_t *step, line_t *line);
void link_repair_tick (link_t *self, step_t *step, line_t *line);
void link_repair_hear (link_t *self, step_t *step, line_t *line, mail_t *mail, uint64_t verb);
void link_on_repaired (link_t *self, step_t *step, const mail_t *mail);
int link_repair_records (step_t *step, const peer_records_t *records, slice_t payload,
    range_t *ret_range, vector_t *ret_vector); // checks what came; ERR_MALFORMED
void link_repair_mail (step_t *step, const line_t *line, uint64_t ticket, slice_t resource,
    const vector_t *vector, slice_t records);
bool link_vector_is_ours (step_t *step, const vector_t *vector);
void link_repair_send (step_t *step, const line_t *line, const message_type_t *type,
    const void *message, buffer_t *payload);
enum repair_ticket { REPAIR_OF_ASKING = 1, REPAIR_OF_OFFER };

//  answer.c
void link_on_ranges (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_on_want (link_t *self, step_t *step, line_t *line, slice_t frame);
void link_on_merged (link_t *self, step_t *step, line_t *line);
void link_on_offer (
    link_t *self, step_t *step, line_t *line, const peer_records_t *records, slice_t payload);
void link_answer_tick (link_t *self, step_t *step, line_t *line);
void link_records_send (step_t *step, const line_t *line, uint64_t number, const char *resource,
    const range_t *range, const vector_t *vector, buffer_t *payload);

#endif

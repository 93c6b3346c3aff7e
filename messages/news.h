//  news - what a client that returns brings of one record (semantics.md, "Joining, and returning";
//  README.md, "A return")
//
//  The returner compares its record with the member's, once; what comes out is a partial state, the
//  news, that travels in a batch that issues anew and that every receiver, the returner included,
//  joins in the same way. Two vectors take part:
//
//      mine      what the returner's own vector was when it began to return
//      theirs    what the member's was when it was compared; the news are taken to have seen that

#ifndef TIDEPOOL_NEWS_H
#define TIDEPOOL_NEWS_H

#include "messages/record.h"

enum news_flag {
    NEWS_WHOLE =
        1, // all that the returner has of the record, not only what the member had not seen
    NEWS_FLAGS_END = 2
};

typedef struct news {
    record_t record; // partial; empty where there are none. Borrows from what was compared
    uint64_t flags;  // enum news_flag
    bool lost;       // what the returner wrote here, and nobody has seen, goes to lost and found
} news_t;

//  Compares. `now` is a timestamp of the returner's that nobody has seen. The record in ret_news is the
//  caller's to release, and is cleared first.
void news_of (const record_t *mine_record, const vector_t *mine, const record_t *theirs_record,
    const vector_t *theirs, const timestamp_t *now, record_rule_t rule, news_t *ret_news);

//  Joins news into the receiver's record. True if the state changed. seen: `theirs`.
bool news_join (
    record_t *self, const record_t *news, uint64_t flags, const vector_t *seen, record_rule_t rule);

//  Under delete = wins: do news end the life that the receiver has, whether or not they bring another?
bool news_end (const record_t *self, const record_t *news, record_rule_t rule);

//  Would the comparison, now or after the member's vector has risen, find anything? If not the
//  returner's record need not be kept for it.
bool news_may_be (const record_t *mine_record, const vector_t *mine, const record_t *theirs_record,
    const vector_t *theirs);

#endif

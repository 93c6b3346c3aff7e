//  record_merge - two states of one record that ought to be equal, made one
//
//  Not the join of an operation (record.h): that knows what each write had seen. Here are only two states, of nodes
//  that have applied the same batches and yet differ, because a disk or a program was at fault. Which of them is right
//  nobody can tell; what matters is that both nodes come out equal, and that a state that holds more wins over one that
//  holds less (semantics.md, "Divergence").
//
//      deleted                   per client the larger
//      created                   the smaller
//      written, floor            the larger
//      strong                    per property the larger timestamp
//      weak                      per property the smaller
//      one timestamp, two values the larger encoded value, as in the join
//
//  and under `lww`, `wins`: the life of a state is over where the other remembers a deletion that this one does not,
//  and that is later than this life's `created`. A deletion from before `created` is one that this state has had and
//  forgotten (it was purged), and ends nothing.
//
//  It commutes, and merging the result with either side again changes nothing. It is associative but for lives of
//  different `created` with deletions between them, which only more than one defect at once can bring about.

#ifndef TIDEPOOL_RECORD_MERGE_H
#define TIDEPOOL_RECORD_MERGE_H

#include "messages/record.h"

//  Fills ret_record, which must be neither of the two; it borrows names and values from both.
void record_merge (const record_t *a, const record_t *b, record_rule_t rule, record_t *ret_record);

#endif

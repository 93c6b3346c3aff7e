//  declarations - all that a node knows of resources, as it is said to others, and what they say of it

#ifndef TIDEPOOL_DECLARATIONS_H
#define TIDEPOOL_DECLARATIONS_H

#include "store/resources.h"

#define DECLARATIONS_TEXT_SIZE 512

//  {name: declaration, …}, ascending by name. On failure nothing of it is appended.
int declarations_pack (txn_t *txn, buffer_t *out);

//  May somebody who declares this come together with what is declared here? ERR_CONFLICTING_DECLARATION names the
//  resource and the difference in `text`, ERR_MALFORMED is for what is no such map. What only one of both
//  declares is no conflict.
int declarations_compare (txn_t *txn, slice_t packed, char text[DECLARATIONS_TEXT_SIZE]);

#endif

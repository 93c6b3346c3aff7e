//  renaming - a client's timestamps, stamped anew in their order (semantics.md, "Time": re-stamping)
//
//  A client's clock ran ahead and was put right. Nobody took what it wrote meanwhile, so those timestamps
//  may have other names: past a time that is larger than all else that is here they become the next ones,
//  in their order. The join asks only which of two timestamps is the larger and which of them a batch has
//  seen, and neither changes among all that met here: so a state keeps its meaning, whatever it has
//  forgotten already.
//
//  First all that occur are added, wherever they are stored; then it is closed; then it renames.

#ifndef TIDEPOOL_RENAMING_H
#define TIDEPOOL_RENAMING_H

#include "messages/batch.h"
#include "messages/client.h"

typedef struct renaming {
    uuid16_t client; // whose
    uint64_t past;   // only those past this time; the new ones are past + 1, past + 2, …
    uint64_t *times; // owned; ascending, each once, when it is closed
    size_t count;
    size_t capacity;
} renaming_t;

//  Begins with { .client, .past } and the rest zero; others' timestamps and earlier ones are passed over.
void renaming_add (renaming_t *self, const timestamp_t *timestamp);
void renaming_add_record (renaming_t *self, const record_t *record);
void renaming_add_client (renaming_t *self, const client_t *client);
void renaming_add_batch (renaming_t *self, const batch_t *batch);
void renaming_close (renaming_t *self);
void renaming_release (renaming_t *self);

//  The newest of the new ones; `past` where there is none.
uint64_t renaming_last (const renaming_t *self);

//  The new name of a time of this client's: itself where it is not past `past`, and never later.
uint64_t renaming_time (const renaming_t *self, uint64_t time);

//  In place; true if anything changed.
bool renaming_stamp (const renaming_t *self, timestamp_t *timestamp);
bool renaming_record (const renaming_t *self, record_t *record);
bool renaming_client (const renaming_t *self, client_t *client);

//  The client's own batch, sealed anew behind `previous`; appends its bytes. What a return among them covers of its own chain
//  is cut to what was accepted of it (upto 0: nothing): nobody has the rest. ERR_MALFORMED, ERR_TRUNCATED.
int renaming_batch (const renaming_t *self, slice_t bytes, const watermark_t *accepted,
    const hash_t *previous, const identity_t *identity, buffer_t *out, hash_t *ret_hash);

#endif

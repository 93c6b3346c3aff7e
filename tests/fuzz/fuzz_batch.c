//  fuzz_batch - a peer's batch: what decodes is whole, peeks to the same, is stepped over as one, and its operations and records read

#include "tests/fuzz/fuzz.h"

#include "messages/batch.h"
#include "messages/keys.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    slice_t input = slice_of (data, size), whole;
    cursor_t cursor = cursor_over (input);
    batch_t batch;
    batch_head_t head;
    public_key_t key = {{0}};
    int skipped = batch_skip (&cursor, &whole);
    int rc = batch_decode (input, &batch);
    if (rc == 0) {
        MUST (batch_peek (input, &head) == 0);
        MUST (uuid_equal (&head.origin, &batch.origin) && head.after == batch.after);
        MUST (head.upto == batch.upto && head.count == batch.count);
        MUST (head.issues_anew == batch.issues_anew);
        MUST (skipped == 0 && whole.size == input.size);
        MUST (batch_verify (&batch, &key) != 0); // nobody has signed it
    }
    batch_release (&batch);
    return 0;
}

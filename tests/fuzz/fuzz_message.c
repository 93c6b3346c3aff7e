//  fuzz_message - each message between nodes, at the door and between actors: what decodes is encoded to what decodes to the same

#include "tests/fuzz/fuzz.h"

#include "messages/mail.h"
#include "messages/peer.h"

static const message_type_t *const types[] = {
#define X(NAME, type, number, text) &type##_type,
    PEER_LIST (X)
#undef X
#define X(NAME, type, text) &type##_type,
            MAIL_LIST (X)
#undef X
        & door_request_type,
    &door_answer_type};

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    slice_t input = slice_of (data, size);
    const message_type_t *type = types[fuzz_choose (&input, sizeof types / sizeof *types)];
    void *message = malloc (type->size);
    buffer_t once = {NULL, 0, 0}, twice = {NULL, 0, 0}, line = {NULL, 0, 0};
    uint64_t verb;
    const char *field = NULL;
    MUST (message);
    (void)peer_verb_of (input, &verb);
    if (message_unpack (type, input, message, &field) == 0) {
        message_pack (type, message, &once);
        MUST (message_unpack (type, buffer_slice (&once), message, NULL) == 0);
        message_pack (type, message, &twice);
        MUST (slice_equal (buffer_slice (&once), buffer_slice (&twice)));
        message_print (type, message, &line);
    }
    buffer_release (&once);
    buffer_release (&twice);
    buffer_release (&line);
    free (message);
    return 0;
}

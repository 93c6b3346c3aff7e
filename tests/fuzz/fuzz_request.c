//  fuzz_request - what apps and operators send

#include "tests/fuzz/fuzz.h"

#include "messages/request.h"

static const message_type_t *const types[] = {
#define X(NAME, name, request, answer, text) &request##_request_type,
    API_VERB_LIST (X) ADMIN_VERB_LIST (X)
#undef X
};

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    slice_t input = slice_of (data, size), found;
    const message_type_t *type = types[fuzz_choose (&input, sizeof types / sizeof *types)];
    void *message = malloc (type->size);
    request_t request;
    const char *why = NULL;
    buffer_t once = {NULL, 0, 0};
    MUST (message);
    if (request_unpack (input, &request, &why) == 0)
        (void)map_find (input, "ops", &found);
    if (message_unpack (type, input, message, NULL) == 0) {
        message_pack (type, message, &once);
        MUST (message_unpack (type, buffer_slice (&once), message, NULL) == 0);
    }
    buffer_release (&once);
    free (message);
    return 0;
}

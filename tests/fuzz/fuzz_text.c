//  fuzz_text - what people type or paste: tickets, timestamps, uuids, JSON

#include "tests/fuzz/fuzz.h"

#include "messages/ticket.h"
#include "messages/timestamp.h"
#include "tools/command/json.h"

static void ticket_try (slice_t input)
{
    ticket_t ticket, again;
    buffer_t text = {NULL, 0, 0};
    if (ticket_from_text (input, &ticket) == 0) {
        ticket_to_text (&ticket, &text);
        MUST (ticket_from_text (buffer_slice (&text), &again) == 0);
        MUST (memcmp (ticket.secret, again.secret, sizeof ticket.secret) == 0);
    }
    buffer_release (&text);
}

static void timestamp_try (slice_t input)
{
    timestamp_t timestamp, again;
    char text[TIMESTAMP_TEXT_SIZE];
    if (timestamp_from_text (input, &timestamp) == 0) {
        timestamp_to_text (&timestamp, text);
        MUST (timestamp_from_text (slice_text (text), &again) == 0);
        char once_more[TIMESTAMP_TEXT_SIZE];
        timestamp_to_text (&again, once_more);
        MUST (strcmp (text, once_more) == 0);
    }
}

static void uuid_try (slice_t input)
{
    uuid16_t uuid, again;
    char text[UUID_TEXT_SIZE];
    if (uuid_from_text (input, &uuid) == 0) {
        uuid_to_text (&uuid, text);
        MUST (uuid_from_text (slice_text (text), &again) == 0 && uuid_equal (&uuid, &again));
    }
}

static void json_try (slice_t input)
{
    buffer_t out = {NULL, 0, 0};
    const char *why = NULL;
    if (json_read (input, &out, &why) == 0)
        MUST (pack_check (buffer_slice (&out)) == 0);
    else
        MUST (why);
    buffer_release (&out);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static void (*const tries[]) (slice_t) = {ticket_try, timestamp_try, uuid_try, json_try};
    slice_t input = slice_of (data, size);
    tries[fuzz_choose (&input, sizeof tries / sizeof *tries)](input);
    return 0;
}

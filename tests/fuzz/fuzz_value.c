//  fuzz_value - what decodes is encoded to a form that decodes to the same, and is encoded to the very bytes

#include "tests/fuzz/fuzz.h"

#include "messages/client.h"
#include "messages/operation.h"
#include "messages/record.h"
#include "messages/resource.h"
#include "messages/row.h"
#include "messages/tally.h"
#include "messages/timestamp.h"
#include "messages/vector.h"

static void record_try (cursor_t *cursor, buffer_t *out)
{
    record_t record = {.deleted_count = 0};
    if (record_unpack (cursor, NULL, &record) == 0) {
        MUST (record_pack (&record, NULL, out) == 0);
        MUST (record_equal (&record, &record));
    }
    record_release (&record);
}

static void vector_try (cursor_t *cursor, buffer_t *out)
{
    vector_t vector = {NULL, 0, 0};
    if (vector_unpack (cursor, &vector) == 0) {
        vector_pack (&vector, out);
        MUST (vector_covers_all (&vector, &vector));
    }
    vector_release (&vector);
}

static void client_try (cursor_t *cursor, buffer_t *out)
{
    client_t client;
    if (client_unpack (cursor, &client) == 0) {
        client_pack (&client, out);
    }
}

static void row_try (cursor_t *cursor, buffer_t *out)
{
    row_t row;
    if (row_unpack (cursor, &row) == 0) {
        row_pack (&row, out);
    }
}

static void tally_try (cursor_t *cursor, buffer_t *out)
{
    tally_t tally;
    if (tally_unpack (cursor, &tally) == 0) {
        tally_pack (&tally, out);
    }
}

static void timestamp_try (cursor_t *cursor, buffer_t *out)
{
    timestamp_t timestamp;
    if (timestamp_unpack (cursor, &timestamp) == 0) {
        timestamp_pack (&timestamp, out);
    }
}

//  A declaration may be said in several ways, and is stored in one.
static void resource_try (cursor_t *cursor, buffer_t *out)
{
    resource_t resource, again;
    const char *why;
    if (resource_unpack (slice_text ("fuzzed"), cursor, &resource, &why) == 0) {
        resource_pack (&resource, out);
        cursor_t stored = cursor_over (buffer_slice (out));
        MUST (resource_unpack (slice_text ("fuzzed"), &stored, &again, &why) == 0);
        MUST (resource_equal (&resource, &again, &why) && cursor_done (&stored));
    }
}

static void value_try (cursor_t *cursor, buffer_t *out)
{
    slice_t value;
    if (value_unpack (cursor, &value) == 0)
        buffer_append (out, value.data, value.size);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static void (*const tries[]) (cursor_t *, buffer_t *) = {record_try, vector_try, client_try,
        row_try, tally_try, timestamp_try, resource_try, value_try};
    slice_t input = slice_of (data, size);
    unsigned chosen = fuzz_choose (&input, sizeof tries / sizeof *tries);
    cursor_t cursor = cursor_over (input);
    buffer_t once = {NULL, 0, 0}, twice = {NULL, 0, 0};
    tries[chosen](&cursor, &once);
    if (once.size) {
        cursor = cursor_over (buffer_slice (&once));
        tries[chosen](&cursor, &twice);
        MUST (cursor_done (&cursor));
        MUST (slice_equal (buffer_slice (&once), buffer_slice (&twice)));
    }
    buffer_release (&once);
    buffer_release (&twice);
    return 0;
}

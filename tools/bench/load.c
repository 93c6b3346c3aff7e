//  load - requests that are encoded before the clock runs

#include "tools/bench/load.h"
#include "messages/pack.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *const uuid_kind_names[2] = {"random", "ordered"};

static const char *const colours[] = {"red", "amber", "green", "blue", "violet", "grey"};
#define COLOURS (sizeof colours / sizeof *colours)

//  RFC 9562. Within a millisecond version 7 is kept ascending by a counter where its first random bits would be.
uuid16_t uuid_make (enum uuid_kind kind)
{
    static uint64_t last_ms;
    static uint32_t counter;
    uint8_t random[10];
    uint64_t ms = 0;
    randombytes_buf (random, sizeof random);
    if (kind == UUID_ORDERED) {
        struct timespec now;
        clock_gettime (CLOCK_REALTIME, &now);
        ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
        bool later = ms > last_ms;
        counter = later ? 0 : counter + 1;
        last_ms = ms = later ? ms : last_ms;
        if (counter == 4096) { // a millisecond borrowed from the future
            counter = 0;
            ms = ++last_ms;
        }
        random[0] = (uint8_t)(counter >> 8);
        random[1] = (uint8_t)counter;
        return uuid_v7 (ms, random);
    }
    uuid16_t uuid;
    randombytes_buf (uuid.bytes, sizeof uuid.bytes);
    uuid.bytes[6] = (uint8_t)(0x40 | (uuid.bytes[6] & 0x0f));
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
    return uuid;
}

uuid16_t *uuids_make (enum uuid_kind kind, size_t count)
{
    uuid16_t *uuids = calloc (count, sizeof *uuids);
    if (!uuids)
        abort ();
    for (size_t i = 0; i < count; i++)
        uuids[i] = uuid_make (kind);
    return uuids;
}

static void operation_pack (
    const char *action, const uuid16_t *uuid, const char *name, size_t index, buffer_t *out)
{
    char text[64];
    pack_map (out, 4);
    pack_string (out, "action");
    pack_string (out, action);
    pack_string (out, "resource");
    pack_string (out, LOAD_RESOURCE);
    pack_string (out, "uuid");
    pack_bin (out, slice_of (uuid->bytes, sizeof uuid->bytes));
    pack_string (out, "value");
    pack_map (out, 3);
    pack_string (out, "name");
    snprintf (text, sizeof text, "%s %07zu", name, index);
    pack_string (out, text);
    pack_string (out, "colour");
    pack_string (out, colours[index % COLOURS]);
    pack_string (out, "date");
    snprintf (text, sizeof text, "20%02zu-%02zu-%02zu", index % 25, 1 + index % 12, 1 + index % 28);
    pack_string (out, text);
}

size_t load_operation_bytes (void)
{
    buffer_t bytes = {NULL, 0, 0};
    uuid16_t uuid = uuid_make (UUID_RANDOM);
    operation_pack ("create", &uuid, "tag", 3, &bytes);
    size_t size = bytes.size;
    buffer_release (&bytes);
    return size;
}

load_t load_make (const load_options_t *options)
{
    load_t load = {.operations = options->operations};
    load.count = (options->operations + options->size - 1) / options->size;
    load.ends = calloc (load.count, sizeof *load.ends);
    if (!load.ends)
        abort ();
    size_t at = 0;
    for (size_t i = 0; i < load.count; i++) {
        size_t left = options->operations - at;
        size_t count = left < options->size ? left : options->size;
        pack_map (&load.bytes, 3);
        pack_string (&load.bytes, "do");
        pack_string (&load.bytes, "apply");
        pack_string (&load.bytes, "id");
        pack_uint (&load.bytes, i);
        pack_string (&load.bytes, "ops");
        pack_array (&load.bytes, count);
        for (size_t end = at + count; at < end; at++)
            operation_pack (options->action, &options->uuids[at], options->name, at, &load.bytes);
        load.ends[i] = load.bytes.size;
    }
    return load;
}

slice_t load_request (const load_t *self, size_t index)
{
    size_t begin = index ? self->ends[index - 1] : 0;
    return slice_of (self->bytes.data + begin, self->ends[index] - begin);
}

void load_release (load_t *self)
{
    buffer_release (&self->bytes);
    free (self->ends);
    *self = (load_t){.count = 0};
}

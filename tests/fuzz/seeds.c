//  seeds - what the targets begin with: one sound input of each kind, as the encoders make it
//
//      seeds DIR    writes DIR/value/…, DIR/batch/…, DIR/message/…

#include "messages/batch.h"
#include "messages/client.h"
#include "messages/keys.h"
#include "messages/mail.h"
#include "messages/peer.h"
#include "messages/resource.h"
#include "messages/row.h"
#include "messages/tally.h"
#include "tests/unit/messages/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *dir;

//  `kind` is the byte by which the target chooses; -1: it does not.
static void put (const char *target, const char *name, int kind, const buffer_t *bytes)
{
    char path[512];
    snprintf (path, sizeof path, "%s/%s", dir, target);
    mkdir (path, 0700);
    snprintf (path, sizeof path, "%s/%s/%s", dir, target, name);
    FILE *file = fopen (path, "wb");
    if (!file)
        abort ();
    if (kind >= 0)
        fputc (kind, file);
    fwrite (bytes->data, 1, bytes->size, file);
    fclose (file);
}

static void values_put (const identity_t *identity)
{
    buffer_t out = {NULL, 0, 0};
    record_t record = sample_record ("+A1 !B4 ^A3 -C2 a=1@A1 ~b=2@B4");
    vector_t vector = sample_vector ("A6 C2");
    client_t client = {.uuid = identity->client, .key = identity->key, .name = "a"};
    row_t row = {slice_text ("file_paths"), sample_client ('R'), 7, sample_value ("a=1 b=2")};
    tally_t tally = {.owner = identity->client, .upto = 7, .count = 1};
    timestamp_t stamp = sample_stamp ("B7");
    client.admitted = stamp;
    tally_sign (&tally, identity);
    record_pack (&record, NULL, &out);
    put ("value", "record", 0, &out);
    buffer_clear (&out);
    vector_pack (&vector, &out);
    put ("value", "vector", 1, &out);
    buffer_clear (&out);
    client_pack (&client, &out);
    put ("value", "client", 2, &out);
    buffer_clear (&out);
    row_pack (&row, &out);
    put ("value", "row", 3, &out);
    buffer_clear (&out);
    tally_pack (&tally, &out);
    put ("value", "tally", 4, &out);
    buffer_clear (&out);
    timestamp_pack (&stamp, &out);
    put ("value", "timestamp", 5, &out);
    buffer_clear (&out);
    resource_pack (&resource_defaults[0], &out);
    put ("value", "resource", 6, &out);
    buffer_clear (&out);
    pack_raw (&out, row.value);
    put ("value", "value", 7, &out);
    record_release (&record);
    buffer_release (&out);
}

static void batches_put (const identity_t *identity)
{
    batch_writer_t writer = {.count = 0};
    buffer_t out = {NULL, 0, 0};
    hash_t none = {{0}};
    sample_t sample;
    vector_t seen = sample_vector ("A6 C2");
    sample_parse ("B7 create a=3 b=4", &sample);
    sample.operation.stamp.client = identity->client;
    batch_writer_begin (&writer, &identity->client, 0, &none);
    batch_writer_add (&writer, &sample.operation);
    sample.operation.stamp.time = 9;
    batch_writer_add (&writer, &sample.operation);
    batch_writer_seal (&writer, 9, &seen, NULL, identity, &out, NULL);
    put ("batch", "two", -1, &out);
    buffer_clear (&out);
    batch_writer_begin (&writer, &identity->client, 0, &none);
    batch_writer_seal (&writer, 11, &seen, NULL, identity, &out, NULL);
    put ("batch", "empty", -1, &out);
    batch_writer_release (&writer);
    buffer_release (&out);
}

//  Each with nothing in it that may be left out; those that need more are refused, which is a seed too.
static void messages_put (void)
{
    static const message_type_t *const types[] = {
#define X(NAME, type, number, text) &type##_type,
        PEER_LIST (X)
#undef X
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *message = calloc (1, types[i]->size);
        buffer_t out = {NULL, 0, 0};
        char name[64];
        if (!message)
            abort ();
        message_pack (types[i], message, &out);
        snprintf (name, sizeof name, "%zu", i);
        put ("message", name, (int)i, &out);
        buffer_release (&out);
        free (message);
    }
}

int main (int argc, char **argv)
{
    static const uint8_t seed[SEED_SIZE] = {1, 2, 3};
    identity_t identity;
    if (argc != 2 || keys_start () || identity_from_seed (seed, &identity))
        return 2;
    dir = argv[1];
    mkdir (dir, 0700);
    values_put (&identity);
    batches_put (&identity);
    messages_put ();
    return 0;
}

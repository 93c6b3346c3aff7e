//  batch - reads what another client sealed: in one pass, trusting nothing
//
//  batch_decode checks everything that the bytes alone can tell; batch_next then walks what was checked.
//  What is left to its caller: the signature (batch_verify), the chain, the clock, what it has seen.

#include "messages/batch.h"

#include "messages/batch_form.h"
#include "messages/client.h"
#include "messages/limits.h"
#include "messages/news.h"

#include <assert.h>
#include <stdlib.h>

void batch_release (batch_t *self)
{
    vector_release (&self->seen);
    vector_release (&self->covers);
    free (self->resources);
    *self = (batch_t){0};
}

//  ---- what stands before the operations

static int decode_version (cursor_t *cursor)
{
    size_t elements;
    int rc = cursor_array (cursor, &elements);
    if (rc)
        return rc;
    uint64_t version;
    rc = cursor_uint (cursor, &version);
    if (rc)
        return rc;
    if (version != BATCH_VERSION)
        return ERR_WRONG_VERSION;
    return elements == BATCH_ELEMENTS ? 0 : ERR_MALFORMED;
}

//  Origin, after, previous, upto: its place in its origin's chain.
static int decode_place (cursor_t *cursor, batch_t *batch)
{
    int rc = cursor_bin_exact (cursor, batch->origin.bytes, sizeof batch->origin.bytes);
    if (rc == 0)
        rc = cursor_uint (cursor, &batch->after);
    if (rc == 0) {
        if (batch->after == 0)
            rc = cursor_nil (cursor);
        else
            rc = cursor_bin_exact (cursor, batch->previous.bytes, sizeof batch->previous.bytes);
    }
    if (rc == 0)
        rc = cursor_uint (cursor, &batch->upto);
    if (rc == 0 && batch->upto <= batch->after)
        rc = ERR_MALFORMED;
    return rc;
}

static int decode_vectors (cursor_t *cursor, batch_t *batch)
{
    int rc = vector_unpack (cursor, &batch->seen);
    if (rc)
        return rc;
    if (vector_find (&batch->seen, &batch->origin))
        return ERR_MALFORMED;
    batch->issues_anew = cursor_kind (cursor) != PACK_NIL;
    if (!batch->issues_anew)
        return cursor_nil (cursor);
    rc = vector_unpack (cursor, &batch->covers);
    //  Whoever takes it raises its watermarks to these, and asks its clock about upto only.
    for (size_t i = 0; rc == 0 && i < batch->covers.count; i++)
        if (batch->covers.entries[i].upto > batch->upto)
            rc = ERR_MALFORMED;
    return rc;
}

static int slice_order (const void *a, const void *b)
{
    return slice_compare (*(const slice_t *)a, *(const slice_t *)b);
}

//  Sorts a copy, so that an enemy's thousand names cost no million comparisons.
static bool all_different (const slice_t *names, size_t count, slice_t *scratch)
{
    if (count < 2)
        return true;
    memcpy (scratch, names, count * sizeof *names);
    qsort (scratch, count, sizeof *scratch, slice_order);
    for (size_t i = 1; i < count; i++)
        if (slice_equal (scratch[i - 1], scratch[i]))
            return false;
    return true;
}

static int decode_resources (cursor_t *cursor, batch_t *batch)
{
    size_t count;
    int rc = cursor_array (cursor, &count);
    if (rc)
        return rc;
    if (count > LIMIT_RESOURCES + 1) // the declared ones, and `clients`
        return ERR_TOO_LARGE;
    if (count == 0)
        return 0;
    batch->resources = calloc (2 * count, sizeof *batch->resources); // the second half is scratch
    if (!batch->resources)
        abort ();
    for (; batch->resource_count < count; batch->resource_count++) {
        slice_t *name = &batch->resources[batch->resource_count];
        rc = cursor_text (cursor, name);
        if (rc)
            return rc;
        if (name->size == 0 || name->size > LIMIT_NAME_BYTES)
            return ERR_MALFORMED;
    }
    return all_different (batch->resources, count, batch->resources + count) ? 0 : ERR_MALFORMED;
}

//  ---- records

static int read_record (
    cursor_t *cursor, const batch_t *batch, uint64_t *ret_resource, batch_record_t *ret_record)
{
    size_t elements;
    int rc = cursor_array (cursor, &elements);
    if (rc == 0)
        rc = elements == NEWS_ELEMENTS ? cursor_uint (cursor, ret_resource) : ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin_exact (cursor, ret_record->uuid.bytes, sizeof ret_record->uuid.bytes);
    if (rc == 0)
        rc = cursor_uint (cursor, &ret_record->flags);
    if (rc == 0)
        rc = record_unpack (cursor, NULL, &ret_record->record);
    if (rc)
        return rc;
    if (*ret_resource >= batch->resource_count)
        return ERR_MALFORMED;
    ret_record->resource = batch->resources[*ret_resource];
    //  What is said of clients is said in operations.
    bool of_client = slice_equal (ret_record->resource, slice_text (CLIENTS_RESOURCE));
    return of_client ? ERR_MALFORMED : 0;
}

static int decode_records (cursor_t *cursor, batch_t *batch, size_t *used)
{
    batch_record_t record = {.flags = 0};
    size_t count;
    int rc = cursor_array (cursor, &count);
    const uint8_t *start = cursor->at;
    if (rc == 0 && count && !batch->issues_anew)
        rc = ERR_MALFORMED;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint64_t resource;
        rc = read_record (cursor, batch, &resource, &record);
        if (rc == 0 && (resource > *used || record.flags >= NEWS_FLAGS_END ||
                           record_last_time (&record.record) > batch->upto))
            rc = ERR_MALFORMED;
        if (rc == 0)
            *used += resource == *used;
    }
    if (rc == 0) {
        batch->record_count = count;
        batch->records = slice_of (start, (size_t)(cursor->at - start));
    }
    record_release (&record.record);
    return rc;
}

bool batch_record_next (const batch_t *self, batch_walk_t *walk, batch_record_t *ret_record)
{
    uint64_t resource;
    if (walk->index == self->record_count)
        return false;
    if (walk->index == 0)
        walk->cursor = cursor_over (self->records);
    int rc = read_record (&walk->cursor, self, &resource, ret_record);
    assert (rc == 0); // batch_decode has seen it
    walk->index++;
    return true;
}

//  ---- operations

//  How an operation was written, as far as the operation itself does not tell.
typedef struct encoding {
    uint64_t difference; // of its time to the one before
    uint64_t resource;   // index
    uint64_t code;
} encoding_t;

//  Reads the elements of one operation up to its code.
static int read_head (cursor_t *cursor, operation_t *operation, encoding_t *ret_encoding)
{
    size_t elements;
    int rc = cursor_array (cursor, &elements);
    if (rc == 0)
        rc = cursor_uint (cursor, &ret_encoding->difference);
    if (rc == 0)
        rc = cursor_uint (cursor, &ret_encoding->resource);
    if (rc == 0)
        rc = cursor_bin_exact (cursor, operation->uuid.bytes, sizeof operation->uuid.bytes);
    if (rc == 0)
        rc = cursor_uint (cursor, &ret_encoding->code);
    if (rc)
        return rc;
    uint64_t code = ret_encoding->code;
    size_t expected = OPERATION_ELEMENTS + ((code & CODE_FLOOR) != 0) + ((code & CODE_CLIENT) != 0);
    return code < CODE_END && elements == expected ? 0 : ERR_MALFORMED;
}

//  Reads one operation. Its value is checked, unless it was before: then it is only stepped over.
static int read_operation (cursor_t *cursor, const batch_t *batch, uint64_t time_before,
    bool is_checked, operation_t *ret_operation, encoding_t *ret_encoding)
{
    operation_t *operation = ret_operation;
    int rc = read_head (cursor, operation, ret_encoding);
    if (rc)
        return rc;
    if (ret_encoding->resource >= batch->resource_count)
        return ERR_MALFORMED;
    uint64_t code = ret_encoding->code;
    operation->resource = batch->resources[ret_encoding->resource];
    operation->stamp = (timestamp_t){time_before + ret_encoding->difference, batch->origin};
    operation->action = CODE_ACTION (code);
    operation->on_conflict = CODE_CONFLICT (code);
    operation->value = slice_of (NULL, 0);
    operation->floor = (timestamp_t){0};

    if (operation->action == ACTION_DELETE)
        rc = cursor_nil (cursor);
    else if (is_checked)
        rc = cursor_skip (cursor, &operation->value);
    else
        rc = value_unpack (cursor, &operation->value);
    if (rc == 0 && code & CODE_FLOOR)
        rc = timestamp_unpack (cursor, &operation->floor);
    if (rc == 0 && code & CODE_CLIENT)
        rc = cursor_bin_exact (cursor, operation->stamp.client.bytes, sizeof (uuid16_t));
    return rc;
}

//  Whether its code's parts go together in this batch.
static bool code_is_valid (const batch_t *batch, const operation_t *operation, uint64_t code)
{
    if (operation->action > ACTION_DELETE || operation->on_conflict > CONFLICT_OVERWRITE)
        return false;
    if (operation->action == ACTION_DELETE && operation->on_conflict != CONFLICT_MERGE)
        return false;
    if (code & CODE_FLOOR && operation->action != ACTION_CREATE)
        return false;
    if (!(code & CODE_CLIENT))
        return true;
    return batch->issues_anew && !uuid_equal (&operation->stamp.client, &batch->origin);
}

//  A floor from the future would hide whatever is written until then.
static bool floor_is_valid (const batch_t *batch, const operation_t *operation, uint64_t code)
{
    if (!(code & CODE_FLOOR))
        return true;
    if (timestamp_is_none (&operation->floor))
        return false;
    return batch->issues_anew ? operation->floor.time <= batch->upto
                              : timestamp_compare (&operation->floor, &operation->stamp) < 0;
}

//  Only the first operation of a batch that issues anew may be earlier than the batch's `after`.
static bool order_is_valid (
    const batch_t *batch, const operation_t *operation, const timestamp_t *before, bool is_first)
{
    if (timestamp_is_none (&operation->stamp))
        return false;
    if (batch->issues_anew)
        return is_first || timestamp_compare (before, &operation->stamp) < 0;
    return before->time < operation->stamp.time;
}

static int decode_operations (cursor_t *cursor, batch_t *batch, size_t used)
{
    size_t count;
    int rc = cursor_array (cursor, &count);
    if (rc)
        return rc;
    const uint8_t *start = cursor->at;
    timestamp_t before = {.time = batch->after};
    for (size_t i = 0; i < count; i++) {
        operation_t operation;
        encoding_t encoding;
        rc = read_operation (cursor, batch, before.time, false, &operation, &encoding);
        if (rc)
            return rc;
        if (!code_is_valid (batch, &operation, encoding.code) ||
            !floor_is_valid (batch, &operation, encoding.code) ||
            !order_is_valid (batch, &operation, &before, i == 0) || encoding.resource > used)
            return ERR_MALFORMED;
        used += encoding.resource == used;
        before = operation.stamp;
    }
    if (used != batch->resource_count)
        return ERR_MALFORMED;
    bool ends_well = batch->issues_anew ? before.time <= batch->upto : before.time == batch->upto;
    if (count > 0 && !ends_well)
        return ERR_MALFORMED;
    batch->count = count;
    batch->operations = slice_of (start, (size_t)(cursor->at - start));
    return 0;
}

//  ---- the whole

static int decode_signature (cursor_t *cursor, batch_t *batch)
{
    const uint8_t *start = cursor->at;
    int rc = cursor_bin (cursor, &batch->signature);
    if (rc)
        return rc;
    bool is_form = batch->signature.size == SIGNATURE_SIZE &&
                   batch->signature.data - start == BATCH_SIGNATURE_HEAD;
    return is_form && cursor_done (cursor) ? 0 : ERR_MALFORMED;
}

int batch_decode (slice_t bytes, batch_t *ret_batch)
{
    *ret_batch = (batch_t){.bytes = bytes};
    cursor_t cursor = cursor_over (bytes);
    int rc = bytes.size > LIMIT_RETURN_BYTES ? ERR_TOO_LARGE : decode_version (&cursor);
    if (rc == 0)
        rc = decode_place (&cursor, ret_batch);
    if (rc == 0)
        rc = decode_vectors (&cursor, ret_batch);
    if (rc == 0 && !ret_batch->issues_anew && bytes.size > LIMIT_BATCH_BYTES)
        rc = ERR_TOO_LARGE;
    if (rc == 0)
        rc = decode_resources (&cursor, ret_batch);
    size_t used = 0; // resources so far: they stand in order of first use
    if (rc == 0)
        rc = decode_records (&cursor, ret_batch, &used);
    if (rc == 0)
        rc = decode_operations (&cursor, ret_batch, used);
    if (rc == 0)
        rc = decode_signature (&cursor, ret_batch);
    if (rc == 0)
        hash_bytes (bytes, &ret_batch->hash);
    else
        batch_release (ret_batch);
    return rc;
}

//  Steps over one element of a batch, item by item where it is a list: cursor_skip would count LIMIT_ELEMENTS over
//  all of them, which is one item's due.
static int element_skip (cursor_t *cursor)
{
    size_t items = 1;
    int rc = cursor_kind (cursor) == PACK_ARRAY ? cursor_array (cursor, &items) : 0;
    while (rc == 0 && items--)
        rc = cursor_skip (cursor, NULL);
    return rc;
}

int batch_peek (slice_t bytes, batch_head_t *ret_head)
{
    batch_t batch = {0};
    cursor_t cursor = cursor_over (bytes);
    size_t count;
    int rc = decode_version (&cursor);
    if (rc == 0)
        rc = decode_place (&cursor, &batch);
    if (rc == 0)
        rc = element_skip (&cursor); // seen
    bool anew = rc == 0 && cursor_kind (&cursor) != PACK_NIL;
    for (int i = 0; i < 3 && rc == 0; i++) // covers, resources, records
        rc = element_skip (&cursor);
    if (rc == 0)
        rc = cursor_array (&cursor, &count);
    if (rc == 0)
        *ret_head = (batch_head_t){batch.origin, batch.after, batch.upto, count, anew};
    return rc;
}

int batch_skip (cursor_t *self, slice_t *ret_bytes)
{
    cursor_t cursor = *self;
    size_t elements;
    int rc = cursor_array (&cursor, &elements);
    if (rc == 0 && elements != BATCH_ELEMENTS)
        rc = ERR_MALFORMED;
    while (rc == 0 && elements--)
        rc = element_skip (&cursor);
    if (rc)
        return rc;
    *ret_bytes = slice_of (self->at, (size_t)(cursor.at - self->at));
    *self = cursor;
    return 0;
}

int batch_seen (slice_t bytes, vector_t *ret_seen)
{
    batch_t batch = {0};
    cursor_t cursor = cursor_over (bytes);
    int rc = decode_version (&cursor);
    if (rc == 0)
        rc = decode_place (&cursor, &batch);
    return rc ? rc : vector_unpack (&cursor, ret_seen);
}

int batch_covers (slice_t bytes, vector_t *ret_covers)
{
    batch_t batch = {0};
    cursor_t cursor = cursor_over (bytes);
    int rc = decode_version (&cursor);
    if (rc == 0)
        rc = decode_place (&cursor, &batch);
    if (rc == 0)
        rc = cursor_skip (&cursor, NULL);
    if (rc)
        return rc;
    vector_clear (ret_covers);
    return cursor_kind (&cursor) == PACK_NIL ? 0 : vector_unpack (&cursor, ret_covers);
}

int batch_verify (const batch_t *self, const public_key_t *key)
{
    uuid16_t client = client_of_key (key);
    if (!uuid_equal (&client, &self->origin))
        return ERR_BAD_SIGNATURE;

    const uint8_t *end = self->signature.data - BATCH_SIGNATURE_HEAD;
    size_t size = (size_t)(end - self->bytes.data);
    buffer_t text = {0};
    buffer_reserve (&text, BATCH_DOMAIN_SIZE + size);
    buffer_append (&text, BATCH_DOMAIN, BATCH_DOMAIN_SIZE);
    buffer_append (&text, self->bytes.data, size);
    bool signed_so = key_verify (key, buffer_slice (&text), self->signature.data);
    buffer_release (&text);
    return signed_so ? 0 : ERR_BAD_SIGNATURE;
}

bool batch_next (const batch_t *self, batch_walk_t *walk, operation_t *ret_operation)
{
    if (walk->index == self->count)
        return false;
    if (walk->index == 0) {
        walk->cursor = cursor_over (self->operations);
        walk->time = self->after;
    }
    encoding_t encoding;
    int rc = read_operation (&walk->cursor, self, walk->time, true, ret_operation, &encoding);
    assert (rc == 0); // batch_decode has read it
    walk->time = ret_operation->stamp.time;
    walk->index++;
    return true;
}

//  record_pack - a record's state in bytes, and back from an enemy
//
//  The form is in record.h. The stamps stand in ascending order, names too: one state has one packed
//  form (given the same numbers for its clients), and a stamp's index is found by halving.

#include "messages/record.h"

#include "messages/limits.h"
#include "messages/record_arrays.h"

#include <assert.h>

#define RECORD_ELEMENTS 7
#define TABLE_ON_STACK  32 // stamps of a record that need no memory of their own

//  Each timestamp of a record, once, ascending.
typedef struct table {
    timestamp_t *stamps;
    size_t count;
    timestamp_t *heap; // NULL while `stack` is enough
    timestamp_t stack[TABLE_ON_STACK];
} table_t;

static void table_init (table_t *self, size_t count_max)
{
    self->count = 0;
    self->heap = NULL;
    self->stamps = self->stack;
    if (count_max <= TABLE_ON_STACK)
        return;
    self->heap = malloc (count_max * sizeof *self->heap);
    if (!self->heap)
        abort ();
    self->stamps = self->heap;
}

static void table_release (table_t *self)
{
    free (self->heap);
}

//  ---- packing

//  Takes one more, not yet sorted; most repeat the one before them.
static void table_take (table_t *self, const timestamp_t *stamp)
{
    if (timestamp_is_none (stamp))
        return;
    if (self->count && timestamp_compare (&self->stamps[self->count - 1], stamp) == 0)
        return;
    self->stamps[self->count++] = *stamp;
}

static void table_take_all (table_t *self, const properties_t *properties)
{
    for (size_t i = 0; i < properties->count; i++)
        table_take (self, &properties->entries[i].stamp);
}

static int stamp_order (const void *a, const void *b)
{
    return timestamp_compare (a, b);
}

static void table_sort (table_t *self)
{
    if (self->count < 2)
        return;
    qsort (self->stamps, self->count, sizeof *self->stamps, stamp_order);
    size_t kept = 1;
    for (size_t i = 1; i < self->count; i++)
        if (timestamp_compare (&self->stamps[kept - 1], &self->stamps[i]) != 0)
            self->stamps[kept++] = self->stamps[i];
    self->count = kept;
}

static void table_fill (table_t *self, const record_t *record)
{
    table_init (self, 3 + record->deleted_count + record->strong.count + record->weak.count);
    table_take (self, &record->created);
    table_take (self, &record->written);
    table_take (self, &record->floor);
    for (size_t i = 0; i < record->deleted_count; i++)
        table_take (self, &record->deleted[i]);
    table_take_all (self, &record->strong);
    table_take_all (self, &record->weak);
    table_sort (self);
}

static void pack_index (const table_t *table, const timestamp_t *stamp, buffer_t *out)
{
    if (timestamp_is_none (stamp)) {
        pack_nil (out);
        return;
    }
    size_t low = 0;
    size_t high = table->count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (timestamp_compare (&table->stamps[middle], stamp) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    assert (timestamp_compare (&table->stamps[low], stamp) == 0);
    pack_uint (out, low);
}

static int pack_stamps (const table_t *table, const origins_t *origins, buffer_t *out)
{
    pack_array (out, 2 * table->count);
    for (size_t i = 0; i < table->count; i++) {
        const uuid16_t *client = &table->stamps[i].client;
        pack_uint (out, table->stamps[i].time);
        if (!origins) {
            pack_bin (out, slice_of (client->bytes, sizeof client->bytes));
            continue;
        }
        uint32_t number;
        int rc = origins->number_of (origins->self, client, &number);
        if (rc)
            return rc;
        pack_uint (out, number);
    }
    return 0;
}

static void pack_properties (const table_t *table, const properties_t *properties, buffer_t *out)
{
    pack_array (out, 3 * properties->count);
    for (size_t i = 0; i < properties->count; i++) {
        const property_t *property = &properties->entries[i];
        pack_text (out, property->name);
        pack_index (table, &property->stamp, out);
        pack_raw (out, property->value);
    }
}

int record_pack (const record_t *self, const origins_t *origins, buffer_t *out)
{
    size_t start = out->size;
    table_t table;
    table_fill (&table, self);
    pack_array (out, RECORD_ELEMENTS);
    int rc = pack_stamps (&table, origins, out);
    if (rc == 0) {
        pack_index (&table, &self->created, out);
        pack_index (&table, &self->written, out);
        pack_index (&table, &self->floor, out);
        pack_array (out, self->deleted_count);
        for (size_t i = 0; i < self->deleted_count; i++)
            pack_index (&table, &self->deleted[i], out);
        pack_properties (&table, &self->strong, out);
        pack_properties (&table, &self->weak, out);
    } else
        out->size = start;
    table_release (&table);
    return rc;
}

//  ---- unpacking

static int unpack_client (cursor_t *cursor, const origins_t *origins, uuid16_t *ret_client)
{
    if (!origins)
        return cursor_bin_exact (cursor, ret_client->bytes, sizeof ret_client->bytes);
    uint64_t number;
    int rc = cursor_uint (cursor, &number);
    if (rc)
        return rc;
    if (number > UINT32_MAX)
        return ERR_MALFORMED;
    return origins->client_of (origins->self, (uint32_t)number, ret_client);
}

//  ret_table needs table_release after success only.
static int unpack_stamps (cursor_t *cursor, const origins_t *origins, table_t *ret_table)
{
    size_t elements;
    int rc = cursor_array (cursor, &elements);
    if (rc)
        return rc;
    if (elements % 2)
        return ERR_MALFORMED;

    table_init (ret_table, elements / 2);
    for (; ret_table->count < elements / 2; ret_table->count++) {
        timestamp_t *stamp = &ret_table->stamps[ret_table->count];
        rc = cursor_uint (cursor, &stamp->time);
        if (rc == 0)
            rc = unpack_client (cursor, origins, &stamp->client);
        if (rc)
            break;
        bool ascends = ret_table->count == 0 || timestamp_compare (stamp - 1, stamp) < 0;
        if (timestamp_is_none (stamp) || !ascends) {
            rc = ERR_MALFORMED;
            break;
        }
    }
    if (rc)
        table_release (ret_table);
    return rc;
}

static int unpack_index (cursor_t *cursor, const table_t *table, timestamp_t *ret_stamp)
{
    uint64_t index;
    int rc = cursor_uint (cursor, &index);
    if (rc)
        return rc;
    if (index >= table->count)
        return ERR_MALFORMED;
    *ret_stamp = table->stamps[index];
    return 0;
}

static int unpack_index_or_nil (cursor_t *cursor, const table_t *table, timestamp_t *ret_stamp)
{
    if (cursor_kind (cursor) != PACK_NIL)
        return unpack_index (cursor, table, ret_stamp);
    *ret_stamp = (timestamp_t){0};
    return cursor_nil (cursor);
}

static int unpack_deleted (cursor_t *cursor, const table_t *table, record_t *record)
{
    size_t count;
    int rc = cursor_array (cursor, &count);
    if (rc)
        return rc;
    deleted_reserve (record, count);
    for (; record->deleted_count < count; record->deleted_count++) {
        timestamp_t *stamp = &record->deleted[record->deleted_count];
        rc = unpack_index (cursor, table, stamp);
        if (rc)
            return rc;
        if (record->deleted_count && uuid_compare (&stamp[-1].client, &stamp->client) >= 0)
            return ERR_MALFORMED;
    }
    return 0;
}

static int unpack_property (cursor_t *cursor, const table_t *table, property_t *ret_property)
{
    int rc = cursor_text (cursor, &ret_property->name);
    if (rc)
        return rc;
    if (ret_property->name.size == 0 || ret_property->name.size > LIMIT_NAME_BYTES)
        return ERR_MALFORMED;
    rc = unpack_index (cursor, table, &ret_property->stamp);
    return rc ? rc : cursor_skip (cursor, &ret_property->value);
}

//  There may be more than LIMIT_PROPERTIES: that bounds one operation, and a record gathers from many.
static int unpack_properties (cursor_t *cursor, const table_t *table, properties_t *properties)
{
    size_t elements;
    int rc = cursor_array (cursor, &elements);
    if (rc)
        return rc;
    if (elements % 3)
        return ERR_MALFORMED;
    properties_reserve (properties, elements / 3);
    for (; properties->count < elements / 3; properties->count++) {
        property_t *property = &properties->entries[properties->count];
        rc = unpack_property (cursor, table, property);
        if (rc)
            return rc;
        if (properties->count && slice_compare (property[-1].name, property->name) >= 0)
            return ERR_MALFORMED;
    }
    return 0;
}

static int unpack_state (cursor_t *cursor, const table_t *table, record_t *record)
{
    int rc = unpack_index_or_nil (cursor, table, &record->created);
    if (rc == 0)
        rc = unpack_index_or_nil (cursor, table, &record->written);
    if (rc == 0)
        rc = unpack_index_or_nil (cursor, table, &record->floor);
    if (rc == 0)
        rc = unpack_deleted (cursor, table, record);
    if (rc == 0)
        rc = unpack_properties (cursor, table, &record->strong);
    if (rc == 0)
        rc = unpack_properties (cursor, table, &record->weak);
    return rc;
}

int record_unpack (cursor_t *cursor, const origins_t *origins, record_t *ret_record)
{
    record_clear (ret_record);
    cursor_t next = *cursor;
    size_t elements;
    int rc = cursor_array (&next, &elements);
    if (rc)
        return rc;
    if (elements != RECORD_ELEMENTS)
        return ERR_MALFORMED;
    table_t table;
    rc = unpack_stamps (&next, origins, &table);
    if (rc)
        return rc;
    rc = unpack_state (&next, &table, ret_record);
    table_release (&table);
    if (rc)
        record_clear (ret_record);
    else
        *cursor = next;
    return rc;
}

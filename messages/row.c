//  row - packing and strict unpacking of one owned record

#include "messages/row.h"

#include "messages/resource.h"

void row_pack (const row_t *self, buffer_t *out)
{
    pack_array (out, 4);
    pack_text (out, self->resource);
    pack_bin (out, slice_of (self->uuid.bytes, sizeof self->uuid.bytes));
    pack_uint (out, self->updated);
    if (self->value.size)
        pack_raw (out, self->value);
    else
        pack_nil (out);
}

//  nil, or a canonical map.
static int value_or_nil (cursor_t *cursor, slice_t *ret_value)
{
    *ret_value = slice_of (NULL, 0);
    if (cursor_kind (cursor) == PACK_NIL)
        return cursor_nil (cursor);
    return value_unpack (cursor, ret_value);
}

int row_unpack (cursor_t *cursor, row_t *ret_row)
{
    cursor_t next = *cursor;
    row_t row;
    size_t count;
    int rc = cursor_array (&next, &count);
    if (rc == 0 && count != 4)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_text (&next, &row.resource);
    if (rc == 0 && !resource_name_valid (row.resource))
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin_exact (&next, row.uuid.bytes, sizeof row.uuid.bytes);
    if (rc == 0)
        rc = cursor_uint (&next, &row.updated);
    if (rc == 0 && row.updated == 0)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = value_or_nil (&next, &row.value);
    if (rc)
        return rc;
    *cursor = next;
    *ret_row = row;
    return 0;
}

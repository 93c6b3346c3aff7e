//  node - space byte, key -> value

#include "store/node.h"
#include "store/table.h"

#define NODE_KEY_MAX 400

static int key_in_space (enum node_space space, slice_t key, table_key_t *ret_key)
{
    if (key.size > NODE_KEY_MAX)
        return ERR_TOO_LARGE;
    key_clear (ret_key);
    key_u8 (ret_key, (uint8_t)space);
    key_add (ret_key, key.data, key.size);
    return 0;
}

int node_get (txn_t *txn, enum node_space space, slice_t key, slice_t *ret_value)
{
    table_key_t place;
    int rc = key_in_space (space, key, &place);
    return rc ? rc : table_get (txn, TABLE_NODE, key_slice (&place), ret_value);
}

int node_put (txn_t *txn, enum node_space space, slice_t key, slice_t value)
{
    table_key_t place;
    int rc = key_in_space (space, key, &place);
    return rc ? rc : table_put (txn, TABLE_NODE, key_slice (&place), value);
}

int node_delete (txn_t *txn, enum node_space space, slice_t key)
{
    table_key_t place;
    int rc = key_in_space (space, key, &place);
    if (!rc)
        rc = table_delete (txn, TABLE_NODE, key_slice (&place));
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int within (
    enum node_space space, slice_t found, slice_t value, slice_t *ret_key, slice_t *ret_value)
{
    if (found.data[0] != (uint8_t)space)
        return ERR_NOT_FOUND;
    *ret_key = slice_of (found.data + 1, found.size - 1);
    *ret_value = value;
    return 0;
}

int node_seek (
    txn_t *txn, enum node_space space, slice_t from, slice_t *ret_key, slice_t *ret_value)
{
    table_key_t place;
    slice_t found, value;
    int rc = key_in_space (space, from, &place);
    if (!rc)
        rc = table_seek (txn, TABLE_NODE, key_slice (&place), &found, &value);
    return rc ? rc : within (space, found, value, ret_key, ret_value);
}

int node_next (
    txn_t *txn, enum node_space space, slice_t after, slice_t *ret_key, slice_t *ret_value)
{
    table_key_t place;
    slice_t found, value;
    int rc = key_in_space (space, after, &place);
    if (!rc)
        rc = table_next (txn, TABLE_NODE, key_slice (&place), &found, &value);
    return rc ? rc : within (space, found, value, ret_key, ret_value);
}

int node_get_uint (txn_t *txn, const char *name, uint64_t *ret_value)
{
    slice_t value;
    *ret_value = 0;
    int rc = node_get (txn, NODE_SETTINGS, slice_text (name), &value);
    if (rc)
        return rc;
    return value.size == sizeof *ret_value && take_u64 (&value, ret_value) ? 0 : txn_corrupt (txn);
}

int node_put_uint (txn_t *txn, const char *name, uint64_t value)
{
    uint64_t bytes = __builtin_bswap64 (value);
    return node_put (txn, NODE_SETTINGS, slice_text (name), slice_of (&bytes, sizeof bytes));
}

//  pack - msgpack out, through msgpack-c's packer into a buffer; reading is in cursor.c

#include "messages/pack.h"

#include <assert.h>
#include <msgpack/pack.h>

static int append (void *data, const char *bytes, size_t size)
{
    buffer_append (data, bytes, size);
    return 0;
}

//  The packer's state is two pointers; making one for each value costs nothing once it is inlined.
static inline msgpack_packer packer_of (buffer_t *out)
{
    return (msgpack_packer){out, append};
}

void pack_nil (buffer_t *out)
{
    msgpack_packer packer = packer_of (out);
    msgpack_pack_nil (&packer);
}

void pack_bool (buffer_t *out, bool value)
{
    msgpack_packer packer = packer_of (out);
    if (value)
        msgpack_pack_true (&packer);
    else
        msgpack_pack_false (&packer);
}

void pack_uint (buffer_t *out, uint64_t value)
{
    msgpack_packer packer = packer_of (out);
    msgpack_pack_uint64 (&packer, value);
}

void pack_int (buffer_t *out, int64_t value)
{
    msgpack_packer packer = packer_of (out);
    msgpack_pack_int64 (&packer, value);
}

void pack_double (buffer_t *out, double value)
{
    msgpack_packer packer = packer_of (out);
    msgpack_pack_double (&packer, value);
}

void pack_text (buffer_t *out, slice_t text)
{
    assert (text.size <= UINT32_MAX);
    msgpack_packer packer = packer_of (out);
    msgpack_pack_str (&packer, text.size);
    buffer_append (out, text.data, text.size);
}

void pack_string (buffer_t *out, const char *text)
{
    if (text)
        pack_text (out, slice_text (text));
    else
        pack_nil (out);
}

void pack_bin (buffer_t *out, slice_t bytes)
{
    assert (bytes.size <= UINT32_MAX);
    msgpack_packer packer = packer_of (out);
    msgpack_pack_bin (&packer, bytes.size);
    buffer_append (out, bytes.data, bytes.size);
}

void pack_array (buffer_t *out, size_t count)
{
    assert (count <= UINT32_MAX);
    msgpack_packer packer = packer_of (out);
    msgpack_pack_array (&packer, count);
}

void pack_map (buffer_t *out, size_t count)
{
    assert (count <= UINT32_MAX);
    msgpack_packer packer = packer_of (out);
    msgpack_pack_map (&packer, count);
}

void pack_raw (buffer_t *out, slice_t encoded)
{
    buffer_append (out, encoded.data, encoded.size);
}

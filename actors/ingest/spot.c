//  spot - keys and values of the node table

#include "actors/ingest/spot.h"

#include <assert.h>
#include <sodium.h>
#include <sys/stat.h>

#include "messages/digest.h"

static void put_uint (uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static uint64_t get_uint (const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

uuid16_t spot_dir (const uuid16_t *location, slice_t path)
{
    crypto_generichash_state state;
    uint8_t whole[32];
    uuid16_t dir;
    crypto_generichash_init (&state, NULL, 0, sizeof whole);
    crypto_generichash_update (&state, location->bytes, sizeof location->bytes);
    if (path.size)
        crypto_generichash_update (&state, path.data, path.size);
    crypto_generichash_final (&state, whole, sizeof whole);
    memcpy (dir.bytes, whole, sizeof dir.bytes);
    return dir;
}

void spot_key (const uuid16_t *dir, slice_t name, uint8_t ret_key[SPOT_KEY_SIZE])
{
    spot_key_of_hash (dir->bytes, checksum_of (name), ret_key);
}

void spot_key_of_hash (
    const uint8_t dir[SPOT_DIR_SIZE], uint64_t hash, uint8_t ret_key[SPOT_KEY_SIZE])
{
    memcpy (ret_key, dir, SPOT_DIR_SIZE);
    put_uint (ret_key + SPOT_DIR_SIZE, hash, 8);
}

uint64_t spot_hash_of_key (const uint8_t key[SPOT_KEY_SIZE])
{
    uint64_t hash = 0;
    for (size_t i = SPOT_DIR_SIZE; i < SPOT_KEY_SIZE; i++)
        hash = hash << 8 | key[i];
    return hash;
}

void spot_pack (const spot_t *self, uint8_t ret_value[SPOT_VALUE_SIZE])
{
    memcpy (ret_value, self->uuid.bytes, 16);
    put_uint (ret_value + 16, self->entry.mode, 4);
    put_uint (ret_value + 20, self->entry.size, 8);
    put_uint (ret_value + 28, self->entry.modified, 8);
    put_uint (ret_value + 36, self->entry.created, 8);
    put_uint (ret_value + 44, self->entry.device, 8);
    put_uint (ret_value + 52, self->entry.inode, 8);
}

int spot_unpack (slice_t value, spot_t *ret_spot)
{
    if (value.size != SPOT_VALUE_SIZE)
        return ERR_CORRUPT;
    spot_t place = {.entry = {.mode = (uint32_t)get_uint (value.data + 16, 4),
                        .size = get_uint (value.data + 20, 8),
                        .modified = get_uint (value.data + 28, 8),
                        .created = get_uint (value.data + 36, 8),
                        .device = get_uint (value.data + 44, 8),
                        .inode = get_uint (value.data + 52, 8)}};
    memcpy (place.uuid.bytes, value.data, 16);
    *ret_spot = place;
    return 0;
}

void inode_key (const uuid16_t *location, const entry_t *entry, uint8_t ret_key[INODE_KEY_SIZE])
{
    memcpy (ret_key, location->bytes, 16);
    put_uint (ret_key + 16, entry->device, 8);
    put_uint (ret_key + 24, entry->inode, 8);
}

void wanted_key (const uuid16_t *location, const uuid16_t *uuid, uint8_t ret_key[WANTED_KEY_SIZE])
{
    memcpy (ret_key, location->bytes, 16);
    memcpy (ret_key + 16, uuid->bytes, 16);
}

bool entry_same_content (const entry_t *a, const entry_t *b)
{
    return a->size == b->size && a->modified == b->modified && a->inode == b->inode &&
           a->device == b->device;
}

bool entry_same_thing (const entry_t *a, const entry_t *b)
{
    if ((a->mode & S_IFMT) != (b->mode & S_IFMT) || a->inode != b->inode || a->device != b->device)
        return false;
    if (a->created && b->created)
        return a->created == b->created;
    return entry_is_dir (a) || (a->size == b->size && a->modified == b->modified);
}

//  spot - where a row of file_paths stands on the disk, and what the row says
//
//  A spot (a place, in the node table) is what was seen at one name of one directory. It holds all that a scan compares, so that an unchanged file is
//  recognised without reading its row:
//      key    BLAKE2b-256 (location ‖ path of the directory), first 16 bytes ‖ XXH3-64 (name), big endian
//      value  uuid 16 ‖ mode 4 ‖ size 8 ‖ modified 8 ‖ created 8 ‖ device 8 ‖ inode 8, big endian

#ifndef TIDEPOOL_SPOT_H
#define TIDEPOOL_SPOT_H

#include "messages/listing.h"
#include "store/node.h"
#include "store/owned.h"

#define FILE_PATHS "file_paths"

#define SPOT_DIR_SIZE   16
#define SPOT_KEY_SIZE   24
#define SPOT_VALUE_SIZE 60
#define INODE_KEY_SIZE  32
#define WANTED_KEY_SIZE 32

typedef struct spot {
    uuid16_t uuid; // of the row
    entry_t entry; // without its name
} spot_t;

//  The first 16 bytes of the keys of all entries of this directory.
uuid16_t spot_dir (const uuid16_t *location, slice_t path);
void spot_key (const uuid16_t *dir, slice_t name, uint8_t ret_key[SPOT_KEY_SIZE]);
void spot_key_of_hash (
    const uint8_t dir[SPOT_DIR_SIZE], uint64_t hash, uint8_t ret_key[SPOT_KEY_SIZE]);
uint64_t spot_hash_of_key (const uint8_t key[SPOT_KEY_SIZE]);
void spot_pack (const spot_t *self, uint8_t ret_value[SPOT_VALUE_SIZE]);
int spot_unpack (slice_t value, spot_t *ret_spot); // ERR_CORRUPT

//  NODE_INODES; NODE_WANTED and NODE_UNTYPED. An inode's value is its row's uuid; of one with several names this, which goes only with a
//  row that has it alone, or with the location.
#define INODE_OF_SEVERAL "\x01"
void inode_key (const uuid16_t *location, const entry_t *entry, uint8_t ret_key[INODE_KEY_SIZE]);
void wanted_key (const uuid16_t *location, const uuid16_t *uuid, uint8_t ret_key[WANTED_KEY_SIZE]);

//  Of the same size, modification time and inode: its content is taken to be the same.
bool entry_same_content (const entry_t *a, const entry_t *b);
//  The same file or directory under another name: same kind and inode, and the same birth, or where births are not known
//  the same size and modification time (inodes are used again).
bool entry_same_thing (const entry_t *a, const entry_t *b);

//  ---- rows

typedef struct row_content {
    bool known;
    bool sampled; // id is of samples
    uuid16_t id;
    slice_t mime; // empty: not known yet
} row_content_t;

//  Appends the row's value, canonical (messages/operation.h).
void row_value (const uuid16_t *location, slice_t dir, const entry_t *entry,
    const row_content_t *content, buffer_t *out);

//  What a row says. Slices borrow from the value.
typedef struct row_view {
    slice_t path; // exact
    uint64_t size;
    uint64_t modified;
    uint64_t inode;
    uint64_t mode;
    uint64_t created;  // 0: not known
    uuid16_t location; // zero: it says none
    row_content_t content;
} row_view_t;
int row_view (slice_t value, row_view_t *ret_view); // ERR_CORRUPT

//  Appends a copy of the value with another content.
void row_value_identified (slice_t value, const row_content_t *content, buffer_t *out);

//  Appends the text, with U+FFFD for each byte that is not part of well-formed UTF-8. True if there was one.
bool text_repair (slice_t bytes, buffer_t *out);

#endif

//  listing - what scan finds in directories, and in files
//
//  A listing is sections behind each other, each of one directory:
//      [path bin, flags uint, count uint] and then `count` entries
//      [name bin, mode uint, size uint, modified uint, created uint, device uint, inode uint, links uint]
//  Paths are relative to the location, without a leading or closing slash; the root's is empty. Names
//  and paths are the file system's bytes, whatever they are. Large directories come in several
//  sections, with nothing of another directory between them.

#ifndef TIDEPOOL_LISTING_H
#define TIDEPOOL_LISTING_H

#include "messages/pack.h"
#include "messages/uuid.h"

typedef struct entry {
    slice_t name;
    uint32_t mode;     // st_mode, with its type; 0: there is no such entry (any more)
    uint64_t size;     // bytes; 0 for a directory
    uint64_t modified; // NTP 32.32; 0 where not known
    uint64_t created;  // the same
    uint64_t device;   // 0: the location's own
    uint64_t inode;
    uint64_t links; // names that this inode has
    bool mount;     // another file system is mounted here; not in the packed form
} entry_t;

bool entry_is_dir (const entry_t *self);
bool entry_is_regular (const entry_t *self);

enum section_flags {
    SECTION_FIRST = 1, // the directory's first
    SECTION_LAST = 2,  // the directory's last
    SECTION_WHOLE = 4, // what is in no section of this directory is not there
    SECTION_FAILED = 8 // the rest could not be read: what is stored of it stays
};

typedef struct section {
    slice_t path;
    uint64_t flags;
    size_t count;
} section_t;

void section_pack (const section_t *self, buffer_t *out);
int section_unpack (cursor_t *cursor, section_t *ret_section);
void entry_pack (const entry_t *self, buffer_t *out);
int entry_unpack (cursor_t *cursor, entry_t *ret_entry);

//  What became of a file that was to be identified:
//      [uuid bin 16, error uint, size uint, modified uint, inode uint, content bin 16, mime text, sampled bool]
typedef struct finding {
    uuid16_t uuid;
    uint64_t error;    // 0, or positive: BUSY where the file changed while it was read
    uint64_t size;     // what was read was the content of a file of this …
    uint64_t modified; // … and this …
    uint64_t inode;    // … and this
    uuid16_t content;  // zero where it was not asked for
    slice_t mime;      // empty where it was not asked for
    bool sampled;      // content is of samples, not of all
} finding_t;

void finding_pack (const finding_t *self, buffer_t *out);
int finding_unpack (cursor_t *cursor, finding_t *ret_finding);

#endif

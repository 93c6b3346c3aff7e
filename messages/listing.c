//  listing - sections, entries and findings in msgpack

#include "messages/listing.h"

#include <sys/stat.h>

bool entry_is_dir (const entry_t *self)
{
    return S_ISDIR (self->mode);
}

bool entry_is_regular (const entry_t *self)
{
    return S_ISREG (self->mode);
}

void section_pack (const section_t *self, buffer_t *out)
{
    pack_array (out, 3);
    pack_bin (out, self->path);
    pack_uint (out, self->flags);
    pack_uint (out, self->count);
}

int section_unpack (cursor_t *cursor, section_t *ret_section)
{
    section_t section;
    size_t fields;
    uint64_t count;
    int rc = cursor_array (cursor, &fields);
    if (rc == 0 && fields != 3)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin (cursor, &section.path);
    if (rc == 0)
        rc = cursor_uint (cursor, &section.flags);
    if (rc == 0)
        rc = cursor_uint (cursor, &count);
    if (rc)
        return rc;
    section.count = count;
    *ret_section = section;
    return 0;
}

void entry_pack (const entry_t *self, buffer_t *out)
{
    pack_array (out, 8);
    pack_bin (out, self->name);
    pack_uint (out, self->mode);
    pack_uint (out, self->size);
    pack_uint (out, self->modified);
    pack_uint (out, self->created);
    pack_uint (out, self->device);
    pack_uint (out, self->inode);
    pack_uint (out, self->links);
}

int entry_unpack (cursor_t *cursor, entry_t *ret_entry)
{
    entry_t entry = {0};
    uint64_t mode = 0;
    uint64_t *const numbers[] = {&mode, &entry.size, &entry.modified, &entry.created, &entry.device,
        &entry.inode, &entry.links};
    size_t fields;
    int rc = cursor_array (cursor, &fields);
    if (rc == 0 && fields != 8)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin (cursor, &entry.name);
    for (size_t i = 0; rc == 0 && i < sizeof numbers / sizeof *numbers; i++)
        rc = cursor_uint (cursor, numbers[i]);
    if (rc)
        return rc;
    entry.mode = (uint32_t)mode;
    *ret_entry = entry;
    return 0;
}

void finding_pack (const finding_t *self, buffer_t *out)
{
    pack_array (out, 8);
    pack_bin (out, slice_of (self->uuid.bytes, sizeof self->uuid.bytes));
    pack_uint (out, self->error);
    pack_uint (out, self->size);
    pack_uint (out, self->modified);
    pack_uint (out, self->inode);
    pack_bin (out, slice_of (self->content.bytes, sizeof self->content.bytes));
    pack_text (out, self->mime);
    pack_bool (out, self->sampled);
}

int finding_unpack (cursor_t *cursor, finding_t *ret_finding)
{
    finding_t finding = {0};
    uint64_t *const numbers[] = {&finding.error, &finding.size, &finding.modified, &finding.inode};
    size_t fields;
    int rc = cursor_array (cursor, &fields);
    if (rc == 0 && fields != 8)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin_exact (cursor, finding.uuid.bytes, sizeof finding.uuid.bytes);
    for (size_t i = 0; rc == 0 && i < sizeof numbers / sizeof *numbers; i++)
        rc = cursor_uint (cursor, numbers[i]);
    if (rc == 0)
        rc = cursor_bin_exact (cursor, finding.content.bytes, sizeof finding.content.bytes);
    if (rc == 0)
        rc = cursor_text (cursor, &finding.mime);
    if (rc == 0)
        rc = cursor_bool (cursor, &finding.sampled);
    if (rc)
        return rc;
    *ret_finding = finding;
    return 0;
}

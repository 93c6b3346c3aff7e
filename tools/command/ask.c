//  ask - a request under construction

#include "tools/command/connection.h"

static buffer_t *field (ask_t *self, const char *name)
{
    self->count++;
    pack_string (&self->fields, name);
    return &self->fields;
}

void ask_text (ask_t *self, const char *name, const char *text)
{
    if (text)
        pack_string (field (self, name), text);
}

void ask_uint (ask_t *self, const char *name, uint64_t value)
{
    pack_uint (field (self, name), value);
}

void ask_bool (ask_t *self, const char *name, bool value)
{
    pack_bool (field (self, name), value);
}

void ask_uuid (ask_t *self, const char *name, const uuid16_t *uuid)
{
    pack_bin (field (self, name), slice_of (uuid, sizeof *uuid));
}

void ask_raw (ask_t *self, const char *name, slice_t value)
{
    pack_raw (field (self, name), value);
}

//  resource_difference - what two declarations of one name say differently, for people

#include "messages/resource.h"

#include <stdio.h>

//  The value of a declaration's field as it is packed: "wins", or, of keep, its entries.
static void field_text (const resource_t *resource, const char *field, char *out, size_t size)
{
    buffer_t packed = {NULL, 0, 0};
    slice_t name, text;
    size_t count, at = 0;
    resource_pack (resource, &packed);
    cursor_t cursor = cursor_over (buffer_slice (&packed));
    snprintf (out, size, "nothing");
    for (cursor_map (&cursor, &count); count > 0; count--) {
        cursor_text (&cursor, &name);
        if (!slice_equal (name, slice_text (field)))
            cursor_skip (&cursor, NULL);
        else if (cursor_kind (&cursor) == PACK_TEXT && cursor_text (&cursor, &text) == 0)
            snprintf (out, size, "%.*s", (int)text.size, (const char *)text.data);
        else if (cursor_array (&cursor, &count) == 0) {
            while (count-- && cursor_text (&cursor, &text) == 0 && at < size)
                at += (size_t)snprintf (out + at, size - at, "%s%.*s", at ? "," : "",
                    (int)text.size, (const char *)text.data);
            break;
        }
    }
    buffer_release (&packed);
}

void resource_difference (const resource_t *here, const resource_t *other, char *out, size_t size)
{
    const char *field = "name";
    char mine[160], theirs[160];
    resource_equal (here, other, &field);
    field_text (here, field, mine, sizeof mine);
    field_text (other, field, theirs, sizeof theirs);
    snprintf (out, size, "%s = %s is declared here, not %s", field, mine, theirs);
}

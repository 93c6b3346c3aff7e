//  timestamp - a timestamp's two forms. Needs no node.

#include "tools/command/command.h"
#include "tools/command/json.h"

#include <inttypes.h>

int command_timestamp (command_t *self)
{
    timestamp_t timestamp;
    char text[TIMESTAMP_TEXT_SIZE];
    if (timestamp_from_text (slice_text (self->words[0]), &timestamp))
        return usage_fail (self,
            "%s is neither TEXT/ID (2022-04-09T06:53:36.397295996Z/89F9DD85...) nor NUMBER/ID, "
            "ID being 32 hex digits",
            self->words[0]);
    timestamp_to_text (&timestamp, text);
    if (!self->json) {
        fprintf (self->out.file, "text    %s\nnumber  %" PRIu64 "%s\n", text, timestamp.time,
            strchr (text, '/'));
        return EXIT_DONE;
    }
    buffer_t map = {NULL, 0, 0};
    pack_map (&map, 3);
    pack_string (&map, "time");
    pack_uint (&map, timestamp.time);
    pack_string (&map, "client");
    pack_bin (&map, slice_of (&timestamp.client, sizeof timestamp.client));
    pack_string (&map, "text");
    pack_string (&map, text);
    document_print (self, buffer_slice (&map));
    buffer_release (&map);
    return EXIT_DONE;
}

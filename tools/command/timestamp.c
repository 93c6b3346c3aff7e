//  timestamp - a timestamp's two forms. Needs no node.

#include "tools/command/command.h"
#include "tools/command/json.h"

#include <inttypes.h>
#include <time.h>

//  "now/ID": this machine's wall clock. What no timestamp can say (before 1970, from 2106 on) is refused.
static int timestamp_now (slice_t id, timestamp_t *ret_timestamp)
{
    struct timespec now;
    timestamp_t timestamp;
    if (uuid_from_text (id, &timestamp.client) || clock_gettime (CLOCK_REALTIME, &now) ||
        now.tv_sec < 0 || now.tv_sec > UINT32_MAX)
        return ERR_MALFORMED;
    timestamp.time = time_from_ns ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    *ret_timestamp = timestamp;
    return 0;
}

static int timestamp_read (const char *word, timestamp_t *ret_timestamp)
{
    static const char now[] = "now/";
    if (strncmp (word, now, sizeof now - 1) == 0)
        return timestamp_now (slice_text (word + sizeof now - 1), ret_timestamp);
    return timestamp_from_text (slice_text (word), ret_timestamp);
}

//  As people here read a clock: to the second, in the zone of TZ.
static void local_show (FILE *file, uint64_t time)
{
    time_t seconds = (time_t)(time >> 32);
    struct tm local;
    char text[64];
    if (localtime_r (&seconds, &local) &&
        strftime (text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &local))
        fprintf (file, "local   %s\n", text);
}

int command_timestamp (command_t *self)
{
    timestamp_t timestamp;
    char text[TIMESTAMP_TEXT_SIZE];
    if (timestamp_read (self->words[0], &timestamp))
        return usage_fail (self,
            "%s is neither TEXT/ID (2022-04-09T06:53:36.397295996Z/89F9DD85...) nor NUMBER/ID nor "
            "now/ID, ID being 32 hex digits",
            self->words[0]);
    timestamp_to_text (&timestamp, text);
    if (!self->json) {
        fprintf (self->out.file, "text    %s\nnumber  %" PRIu64 "%s\n", text, timestamp.time,
            strchr (text, '/'));
        local_show (self->out.file, timestamp.time);
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

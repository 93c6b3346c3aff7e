//  restamp - what was written while the clock ran ahead, stamped anew

#include "tools/command/client.h"
#include "tools/command/field.h"

#define RESTAMP_MS 120000 // it reads every record

static void restamp_show (const command_t *self, slice_t map)
{
    char number[SHOW_SIZE], before[TIMESTAMP_TEXT_SIZE], after[TIMESTAMP_TEXT_SIZE];
    uint64_t timestamps = field_uint (map, "timestamps");
    if (timestamps == 0) {
        fputs ("nothing here is ahead of time: there is nothing to stamp anew\n", self->out.file);
        return;
    }
    time_to_text (field_time (map, "before"), before);
    time_to_text (field_time (map, "after"), after);
    fprintf (self->out.file, "%s timestamps stamped anew\nthe newest was  %s\nand is now      %s\n",
        show_number (timestamps, number), before, after);
}

int command_restamp (command_t *self)
{
    ask_t ask = {.verb = "restamp"};
    buffer_t answer = {NULL, 0, 0};
    int status = connection_ask_once (self, "admin", &ask, RESTAMP_MS, &answer);
    if (status == EXIT_DONE && self->json)
        document_print (self, buffer_slice (&answer));
    else if (status == EXIT_DONE)
        restamp_show (self, buffer_slice (&answer));
    buffer_release (&answer);
    return status;
}

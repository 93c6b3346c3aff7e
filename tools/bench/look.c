//  look - what a node says of itself

#include "tools/bench/node.h"

#define POLL_SECONDS 0.001

static slice_t admin_ask (node_t *self, const char *verb)
{
    buffer_t request = {NULL, 0, 0};
    request_begin (&request, verb, 0);
    slice_t answer = ask (&self->admin, buffer_slice (&request));
    buffer_release (&request);
    return answer;
}

bool node_ready (node_t *self)
{
    slice_t joining;
    if (!answer_find (admin_ask (self, "status"), "joining", &joining))
        die ("status has no joining");
    cursor_t cursor = cursor_over (joining);
    return cursor_nil (&cursor) == 0;
}

size_t node_count (node_t *self, const char *resource)
{
    buffer_t request = {NULL, 0, 0};
    request_begin (&request, "count", 1);
    pack_string (&request, "resource");
    pack_string (&request, resource);
    slice_t answer = ask (&self->api, buffer_slice (&request));
    buffer_release (&request);
    return answer_uint (answer, "count");
}

//  Polled: a subscriber would have the node encode every change, which few apps of a bulk load want.
void node_wait_count (node_t *self, const char *resource, size_t count)
{
    size_t before = 0;
    double moved = clock_now ();
    for (;;) {
        size_t now = node_count (self, resource);
        if (now >= count)
            return;
        if (now != before)
            moved = clock_now ();
        before = now;
        if (clock_now () - moved > ASK_SECONDS_MAX)
            die ("%s stays at %zu of %zu records", self->name, now, count);
        clock_sleep (POLL_SECONDS);
    }
}

uint64_t node_metric (node_t *self, const char *name)
{
    char path[96];
    snprintf (path, sizeof path, "metrics.%s", name);
    return answer_uint (admin_ask (self, "metrics"), path);
}

uint64_t node_used (node_t *self)
{
    return answer_uint (admin_ask (self, "status"), "store.used");
}

void node_digest (node_t *self, const char *resource, uint8_t ret_digest[16])
{
    char path[96];
    slice_t value;
    snprintf (path, sizeof path, "resources.%s.digest", resource);
    if (!answer_find (admin_ask (self, "status"), path, &value))
        die ("status has no digest of %s", resource);
    cursor_t cursor = cursor_over (value);
    if (cursor_bin_exact (&cursor, ret_digest, 16))
        die ("a digest is not 16 bytes");
}

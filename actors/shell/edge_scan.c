//  edge_scan - waits for the watches of scan's disk, and tells the core what changed

#include "actors/shell/disk_real.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS_BYTES (64u << 10) // read at once

typedef struct edge {
    int descriptor;
    int owner;
    char bytes[EVENTS_BYTES] __attribute__ ((aligned (__alignof__(struct inotify_event))));
} edge_t;

static int edge_open (const edge_setup_t *setup, mail_list_t *in, void **ret_self, why_t *why)
{
    (void)in;
    edge_t *self = calloc (1, sizeof *self);
    if (!self)
        return why_fail (why, ERR_NO_MEMORY, "%s", error_text (ERR_NO_MEMORY));
    self->descriptor = disk_real_descriptor (setup->actor->disk);
    self->owner = setup->owner;
    *ret_self = self;
    return 0;
}

static void edge_poll (void *self_, poll_list_t *items)
{
    const edge_t *self = self_;
    poll_list_add (items, NULL, self->descriptor);
}

static uint64_t flags_of (uint32_t mask)
{
    bool is_dir = mask & IN_ISDIR;
    if (mask & IN_Q_OVERFLOW)
        return WATCH_OVERFLOW;
    if (mask & (IN_IGNORED | IN_MOVE_SELF))
        return WATCH_GONE;
    return WATCH_CHANGED | (is_dir && mask & (IN_CREATE | IN_MOVED_TO) ? WATCH_ARRIVED : 0) |
           (is_dir && mask & IN_MOVED_FROM ? WATCH_LEFT : 0);
}

//  Repeated writes to one file come as one.
static bool is_repeated (const struct inotify_event *a, const struct inotify_event *b)
{
    const uint32_t plain = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
    return a && a->wd == b->wd && !((a->mask | b->mask) & ~plain) && a->len == b->len &&
           memcmp (a->name, b->name, a->len) == 0;
}

static void tell (const edge_t *self, size_t size, mail_list_t *in)
{
    const struct inotify_event *last = NULL;
    scan_events_t events = {.count = 0};
    buffer_t packed = {NULL, 0, 0};
    for (size_t at = 0; at < size;) {
        const struct inotify_event *event = (const void *)(self->bytes + at);
        at += sizeof *event + event->len;
        uint64_t flags = flags_of (event->mask);
        slice_t name = event->len ? slice_text (event->name) : slice_of (NULL, 0);
        bool repeated = is_repeated (last, event);
        last = event;
        if (repeated || (flags & WATCH_CHANGED && name.size == 0))
            continue;
        pack_array (&packed, 3);
        pack_uint (&packed, (uint64_t)(uint32_t)event->wd);
        pack_uint (&packed, flags);
        pack_bin (&packed, name);
        events.count++;
    }
    if (events.count) {
        frame_t frame = frame_take (&packed);
        edge_tell (in, self->owner, MAIL_SCAN_EVENTS, &scan_events_type, &events, &frame, 1);
    }
    buffer_release (&packed);
}

static bool edge_read (void *self_, const zmq_pollitem_t *items, mail_list_t *in)
{
    edge_t *self = self_;
    if (!items[0].revents)
        return false;
    ssize_t size = read (self->descriptor, self->bytes, sizeof self->bytes);
    if (size <= 0)
        return false;
    tell (self, (size_t)size, in);
    return false; // what is left shows at the next wait
}

//  scan sends its edge nothing: it calls the disk.
static void edge_write (void *self_, mail_t **mail_p, mail_list_t *in)
{
    (void)self_;
    (void)in;
    mail_destroy (mail_p);
}

static void edge_close (void **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

const edge_class_t edge_scan = {
    .open = edge_open,
    .poll = edge_poll,
    .read = edge_read,
    .write = edge_write,
    .close = edge_close,
};

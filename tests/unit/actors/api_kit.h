//  api_kit - what the tests of api share

#ifndef TIDEPOOL_TEST_API_KIT_H
#define TIDEPOOL_TEST_API_KIT_H

#include "tests/unit/actors/harness.h"

#define ERROR(code) "{id: nil, ok: false, error: '" code "', message: '"
#define begins(text, with)                                                                         \
    cr_assert (strncmp ((text), (with), strlen (with)) == 0, "%s\n  does not begin with\n%s",      \
        (text), (with))
#define is(text, wanted) cr_assert_str_eq ((text), (wanted))

//  Somebody subscribes to the feed ("\001…"), or the last one leaves ("\000…").
static inline void subscription (harness_t *self, const char *message, size_t size)
{
    slice_t frame = slice_of (message, size);
    edge_in_t in = {.socket = API_FEED};
    harness_mail (self, ACTOR_EDGE, MAIL_EDGE_IN, 0, &edge_in_type, &in, &frame, 1);
}

//  Opened, with one that listens to all of the feed.
static inline harness_t *api_new (void)
{
    harness_t *self = harness_new (&api_class);
    harness_open (self);
    subscription (self, "\001", 1);
    return self;
}

#endif

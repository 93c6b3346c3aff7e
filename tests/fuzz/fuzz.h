//  fuzz - what all targets share
//
//  A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput. It aborts (through MUST) when a promise of a header is broken; the
//  sanitizers see to the rest.

#ifndef TIDEPOOL_FUZZ_H
#define TIDEPOOL_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/pack.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define MUST(promise)                                                                              \
    do {                                                                                           \
        if (!(promise)) {                                                                          \
            fprintf (stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #promise);                 \
            abort ();                                                                              \
        }                                                                                          \
    } while (0)

//  The first byte chooses among several decoders; the rest is what they get. 0 for an empty input.
static inline unsigned fuzz_choose (slice_t *input, unsigned count)
{
    unsigned chosen = input->size ? input->data[0] % count : 0;
    if (input->size)
        *input = slice_of (input->data + 1, input->size - 1);
    return chosen;
}

#endif

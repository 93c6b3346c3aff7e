//  batch_form - what batch.c and batch_writer.c must agree on; for the two of them only

#ifndef TIDEPOOL_BATCH_FORM_H
#define TIDEPOOL_BATCH_FORM_H

#define BATCH_ELEMENTS 11
#define NEWS_ELEMENTS  4

//  What a signature begins with, so that it fits nothing else.
#define BATCH_DOMAIN         "tidepool batch 1"
#define BATCH_DOMAIN_SIZE    (sizeof BATCH_DOMAIN - 1)
#define BATCH_SIGNATURE_HEAD 2 // the bytes in front of a packed bin of 64

//  An operation's code: its action, its on_conflict, and which elements follow its value.
#define OPERATION_ELEMENTS        5
#define CODE_OF(action, conflict) ((uint64_t)(action) | (uint64_t)(conflict) << 2)
#define CODE_ACTION(code)         ((int)((code)&3))
#define CODE_CONFLICT(code)       ((int)((code) >> 2 & 3))
#define CODE_FLOOR                16u
#define CODE_CLIENT               32u
#define CODE_END                  64u

#endif

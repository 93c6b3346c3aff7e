//  message - one table per message: struct, encoder, strict decoder, printer, row of the protocol
//
//  A message is declared once, as a list of fields:
//
//      #define CLOCK_ASK_FIELDS(F, S)
//          F (S, UINT, count, MUST, "how many timestamps are wanted")
//          F (S, RAW,  times, MAY,  "[uint64, …]: received times")
//
//  and everything follows from that list: the struct by MESSAGE_STRUCT, the description by
//  MESSAGE_DESCRIBE, and by one walk over the description the encoder, the decoder, the printer and
//  the table in README.md (tools/protocol prints it, a test compares). No code is generated.
//
//  Two forms. An ARRAY message (mail, peers) is [field, field, …] in the order of the table: fields are
//  only ever added at the end, a decoder skips elements it does not know. A MAP message (requests of
//  apps) is {name: field, …}: unknown names are skipped. In both, a field that MAY be absent is nil or
//  left out, and then zero, empty or false in the struct; one that MUST be there is refused otherwise.
//
//  Texts, bytes and raw values borrow from the bytes that were decoded.

#ifndef TIDEPOOL_MESSAGE_H
#define TIDEPOOL_MESSAGE_H

#include <stddef.h>

#include "messages/keys.h"
#include "messages/pack.h"
#include "messages/timestamp.h"
#include "messages/uuid.h"

enum field_kind {
    FIELD_BOOL,
    FIELD_UINT,
    FIELD_UUID,  // bin 16; where a table is a MAP also 36 characters of text (contracts.md)
    FIELD_KEY,   // bin 32
    FIELD_TEXT,  // UTF-8
    FIELD_BYTES, // bin
    FIELD_STAMP, // [uint64, bin 16]
    FIELD_RAW    // any one sound msgpack value
};

enum field_need { FIELD_MUST, FIELD_MAY };

typedef struct field {
    const char *name;
    enum field_kind kind;
    enum field_need need;
    size_t offset;
    const char *text;
} field_t;

enum message_form { MESSAGE_ARRAY, MESSAGE_MAP };

typedef struct message_type {
    const char *name;
    enum message_form form;
    const field_t *fields;
    size_t field_count;
    size_t size; // of the struct
    const char *text;
} message_type_t;

#define FIELD_C_BOOL  bool
#define FIELD_C_UINT  uint64_t
#define FIELD_C_UUID  uuid16_t
#define FIELD_C_KEY   public_key_t
#define FIELD_C_TEXT  slice_t
#define FIELD_C_BYTES slice_t
#define FIELD_C_STAMP timestamp_t
#define FIELD_C_RAW   slice_t

#define MESSAGE_MEMBER(S, kind, name, need, text) FIELD_C_##kind name;
#define MESSAGE_FIELD(S, kind, name, need, text)                                                   \
    {#name, FIELD_##kind, FIELD_##need, offsetof (S, name), text},

//  typedef struct clock_ask { uint64_t count; slice_t times; char unused_; } clock_ask_t, and the promise of
//  its description, clock_ask_type. (A message without fields would be an empty struct, which C does
//  not have: hence the last member.)
#define MESSAGE_STRUCT(name, FIELDS)                                                               \
    typedef struct name {                                                                          \
        FIELDS (MESSAGE_MEMBER, name##_t)                                                          \
        char unused_;                                                                              \
    } name##_t;                                                                                    \
    extern const message_type_t name##_type;

//  The description, in exactly one .c file.
#define MESSAGE_DESCRIBE(name_, form_, FIELDS, text_)                                              \
    static const field_t name_##_fields[] = {                                                      \
        FIELDS (MESSAGE_FIELD, name_##_t){NULL, FIELD_BOOL, FIELD_MAY, 0, NULL}};                  \
    const message_type_t name_##_type = {#name_, form_, name_##_fields,                            \
        sizeof name_##_fields / sizeof *name_##_fields - 1, sizeof (name_##_t), text_};

//  Appends the message.
void message_pack (const message_type_t *type, const void *message, buffer_t *out);

//  Strict: exactly one message and nothing behind it. ret_message is zeroed first. ERR_MALFORMED or ERR_TRUNCATED;
//  *ret_field (may be NULL) names the field at fault, or is NULL.
int message_unpack (
    const message_type_t *type, slice_t bytes, void *ret_message, const char **ret_field);

//  Appends one line for people and logs: name{field=value …}; bytes as their length.
void message_print (const message_type_t *type, const void *message, buffer_t *out);

//  Appends the message's section of the protocol document (Markdown).
void message_document (const message_type_t *type, buffer_t *out);

#endif

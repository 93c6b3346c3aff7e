//  uuid16 - the text of a 16-byte identifier and the making of version 7 (RFC 9562)

#include "messages/uuid.h"

#include "messages/error.h"

#define UUID_TEXT_LENGTH (UUID_TEXT_SIZE - 1)
#define UUID_HEX_LENGTH  32

bool uuid_is_zero (const uuid16_t *self)
{
    static const uuid16_t zero;
    return uuid_equal (self, &zero);
}

//  A dash stands before bytes 4, 6, 8 and 10.
static bool dash_before (size_t byte)
{
    return byte >= 4 && byte <= 10 && byte % 2 == 0;
}

void uuid_to_text (const uuid16_t *self, char ret_text[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = ret_text;
    for (size_t i = 0; i < sizeof self->bytes; i++) {
        if (dash_before (i))
            *at++ = '-';
        *at++ = digits[self->bytes[i] >> 4];
        *at++ = digits[self->bytes[i] & 15];
    }
    *at = 0;
}

static int hex_digit (uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

int uuid_from_text (slice_t text, uuid16_t *ret_uuid)
{
    if (text.size != UUID_TEXT_LENGTH && text.size != UUID_HEX_LENGTH)
        return ERR_MALFORMED;
    bool dashed = text.size == UUID_TEXT_LENGTH;
    uuid16_t uuid;
    const uint8_t *at = text.data;
    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        if (dashed && dash_before (i) && *at++ != '-')
            return ERR_MALFORMED;
        int high = hex_digit (at[0]);
        int low = hex_digit (at[1]);
        if (high < 0 || low < 0)
            return ERR_MALFORMED;
        uuid.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *ret_uuid = uuid;
    return 0;
}

//      48 bits unix_ms | 4 bits version 7 | 12 bits random | 2 bits variant 10 | 62 bits random
uuid16_t uuid_v7 (uint64_t unix_ms, const uint8_t random[10])
{
    uuid16_t uuid;
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
    memcpy (uuid.bytes + 6, random, 10);
    uuid.bytes[6] = (uuid.bytes[6] & 0x0f) | 0x70;
    uuid.bytes[8] = (uuid.bytes[8] & 0x3f) | 0x80;
    return uuid;
}

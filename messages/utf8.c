//  utf8 - is this text well-formed UTF-8? (RFC 3629, section 4)

#include "messages/pack.h"

#define HIGH_BITS 0x8080808080808080ull

//  How many bytes the character at `at` takes; 0 if it is not well formed. The second byte's range
//  excludes overlong forms, surrogates and what is over U+10FFFF:
//      c2-df 80-bf | e0 a0-bf 80-bf | e1-ec ee ef 80-bf 80-bf | ed 80-9f 80-bf
//      f0 90-bf 80-bf 80-bf | f1-f3 80-bf 80-bf 80-bf | f4 80-8f 80-bf 80-bf
static size_t character_size (const uint8_t *at, size_t left)
{
    uint8_t first = at[0];
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (left < size)
        return 0;
    uint8_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < lowest || at[1] > highest)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

bool utf8_valid (slice_t text)
{
    size_t i = 0;
    while (i < text.size) {
        uint64_t eight;
        if (text.size - i >= sizeof eight) {
            memcpy (&eight, text.data + i, sizeof eight);
            if ((eight & HIGH_BITS) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        size_t size = character_size (text.data + i, text.size - i);
        if (size == 0)
            return false;
        i += size;
    }
    return true;
}

//  16-byte identifiers.

#include <criterion/criterion.h>

#include "messages/error.h"
#include "tests/unit/messages/bytes.h"

Test (uuid, text_is_lower_case_with_dashes)
{
    slice_t bytes = bytes_hex ("89f9dd8514914648989315b2d30d7be5");
    uuid16_t uuid;
    char text[UUID_TEXT_SIZE];
    memcpy (uuid.bytes, bytes.data, 16);
    uuid_to_text (&uuid, text);
    cr_expect_str_eq (text, "89f9dd85-1491-4648-9893-15b2d30d7be5");
}

Test (uuid, text_is_read_in_either_case_with_dashes_or_without)
{
    static const char *const texts[] = {
        "89f9dd85-1491-4648-9893-15b2d30d7be5",
        "89F9DD85-1491-4648-9893-15B2D30D7BE5",
        "89f9DD85-1491-4648-9893-15b2D30d7bE5",
        "89f9dd8514914648989315b2d30d7be5",
        "89F9DD8514914648989315B2D30D7BE5",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uuid16_t uuid;
        cr_assert (uuid_from_text (bytes_copy (slice_text (texts[i])), &uuid) == 0, "%s", texts[i]);
        bytes_expect (slice_of (uuid.bytes, 16), "89f9dd8514914648989315b2d30d7be5");
    }
}

Test (uuid, other_texts_are_refused)
{
    static const char *const texts[] = {
        "",
        "89f9dd85",
        "89f9dd8514914648989315b2d30d7be",
        "89f9dd8514914648989315b2d30d7be50",
        "89f9dd8514914648989315b2d30d7beg",
        "89f9dd8514914648989315b2d30d7b e",
        "89f9dd85-1491-4648-9893-15b2d30d7be",
        "89f9dd85-1491-4648-9893-15b2d30d7be50",
        "89f9dd8-51491-4648-9893-15b2d30d7be5",
        "89f9dd85_1491_4648_9893_15b2d30d7be5",
        "{9f9dd85-1491-4648-9893-15b2d30d7be}",
        "89f9dd85-1491-4648-9893-15b2d30d7b\xc3\xa9",
        "/9f9dd85-1491-4648-9893-15b2d30d7be5",
        ":9f9dd85-1491-4648-9893-15b2d30d7be5",
        "@9f9dd85-1491-4648-9893-15b2d30d7be5",
        "`9f9dd85-1491-4648-9893-15b2d30d7be5",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uuid16_t uuid = uuid_from (1);
        int rc = uuid_from_text (bytes_copy (slice_text (texts[i])), &uuid);
        cr_expect (rc == ERR_MALFORMED, "%s", texts[i]);
        cr_expect (uuid.bytes[0] == 1, "the output is untouched");
    }
}

Test (uuid, text_leads_back_to_the_same)
{
    uint64_t state = 3;
    for (int i = 0; i < 1000; i++) {
        uuid16_t uuid, again;
        char text[UUID_TEXT_SIZE];
        for (int j = 0; j < 16; j++)
            uuid.bytes[j] = (uint8_t)number_next (&state);
        uuid_to_text (&uuid, text);
        cr_assert (uuid_from_text (slice_text (text), &again) == 0 && uuid_equal (&uuid, &again));
    }
}

Test (uuid, only_sixteen_zeros_are_zero)
{
    uuid16_t uuid = {{0}};
    cr_expect (uuid_is_zero (&uuid));
    for (int i = 0; i < 16; i++) {
        uuid = (uuid16_t){{0}};
        uuid.bytes[i] = 1;
        cr_expect_not (uuid_is_zero (&uuid));
    }
}

//  RFC 9562, appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F at 1645557742000 ms.
Test (uuid, version_seven_is_as_the_rfc_shows_it)
{
    slice_t random = bytes_hex ("0cc3 18c4dc0c0c07398f");
    uuid16_t uuid = uuid_v7 (1645557742000, random.data);
    bytes_expect (slice_of (uuid.bytes, 16), "017f22e279b07cc398c4dc0c0c07398f");
}

Test (uuid, version_seven_marks_itself_whatever_the_random_bytes)
{
    slice_t ones = bytes_repeat (0xff, 10);
    slice_t zeros = bytes_repeat (0x00, 10);
    uuid16_t uuid = uuid_v7 (0xffffffffffffffff, ones.data);
    bytes_expect (slice_of (uuid.bytes, 16), "ffffffffffff7fffbfffffffffffffff");
    uuid = uuid_v7 (0, zeros.data);
    bytes_expect (slice_of (uuid.bytes, 16), "00000000000070008000000000000000");
}

Test (uuid, version_seven_is_in_the_order_of_time)
{
    slice_t high = bytes_repeat (0xff, 10);
    slice_t low = bytes_repeat (0x00, 10);
    for (uint64_t ms = 1; ms < 1ull << 47; ms = ms * 3 + 1) {
        uuid16_t earlier = uuid_v7 (ms, high.data);
        uuid16_t later = uuid_v7 (ms + 1, low.data);
        cr_expect (uuid_compare (&earlier, &later) < 0);
    }
}

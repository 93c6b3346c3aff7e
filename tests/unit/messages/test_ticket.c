//  Invitations as text.

#include <criterion/criterion.h>
#include <stdio.h>

#include "messages/error.h"
#include "messages/ticket.h"
#include "tests/unit/messages/bytes.h"

#define TEXT                                                                                       \
    "tidepool1-lcQQoKGio6SlpqeoqaqrrK2ur8Qg11qYAYKxCrfVS_"                                         \
    "7TyWQHOg7hcvPapiMlrwIaaPcHURrEIAABAgMEBQYH"                                                   \
    "CAkKCwwNDg8QERITFBUWFxgZGhscHR4fzmVT8QCStHRjcDovLzE5Mi4wLjIuMTo3MDcwuHRjcDovL1syMDAxOmRiODo6" \
    "M"                                                                                            \
    "V06NzA3MA"

static ticket_t some_ticket (void)
{
    ticket_t ticket = {.pool = uuid_from (0xa0), .expires = 1700000000, .endpoint_count = 2};
    memcpy (ticket.key.bytes,
        bytes_hex ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").data, 32);
    for (uint8_t i = 0; i < 32; i++)
        ticket.secret[i] = i;
    snprintf (ticket.endpoints[0], sizeof ticket.endpoints[0], "tcp://192.0.2.1:7070");
    snprintf (ticket.endpoints[1], sizeof ticket.endpoints[1], "tcp://[2001:db8::1]:7070");
    return ticket;
}

static void expect_same (const ticket_t *a, const ticket_t *b)
{
    cr_assert (uuid_equal (&a->pool, &b->pool) && a->expires == b->expires);
    cr_assert (memcmp (a->key.bytes, b->key.bytes, 32) == 0);
    cr_assert (memcmp (a->secret, b->secret, 32) == 0);
    cr_assert (a->endpoint_count == b->endpoint_count);
    for (size_t i = 0; i < a->endpoint_count; i++)
        cr_assert_str_eq (a->endpoints[i], b->endpoints[i]);
}

static int decode (slice_t text)
{
    ticket_t ticket, again;
    int rc = ticket_from_text (text, &ticket);
    cr_assert (rc == 0 || rc == ERR_TICKET_INVALID);
    if (rc == 0) {
        buffer_t out = {0};
        ticket_to_text (&ticket, &out);
        cr_assert (ticket_from_text (buffer_slice (&out), &again) == 0);
        expect_same (&ticket, &again);
        buffer_release (&out);
    }
    return rc;
}

//  The text of packed bytes, whatever they are.
static slice_t text_of (slice_t packed)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    buffer_t out = {0};
    uint32_t bits = 0;
    int count = 0;
    buffer_append (&out, "tidepool1-", 10);
    for (size_t i = 0; i < packed.size; i++) {
        bits = bits << 8 | packed.data[i];
        for (count += 8; count >= 6; count -= 6)
            buffer_append (&out, &digits[bits >> (count - 6) & 63], 1);
    }
    if (count)
        buffer_append (&out, &digits[bits << (6 - count) & 63], 1);
    slice_t text = bytes_copy (buffer_slice (&out));
    buffer_release (&out);
    return text;
}

Test (ticket, is_one_line_of_text)
{
    ticket_t ticket = some_ticket ();
    buffer_t out = {0};
    buffer_append (&out, ">", 1);
    ticket_to_text (&ticket, &out);
    cr_expect (slice_equal (buffer_slice (&out), slice_text (">" TEXT)), "%.*s", (int)out.size,
        (char *)out.data);
    buffer_release (&out);
}

Test (ticket, text_leads_back_to_it)
{
    ticket_t ticket = some_ticket (), again;
    cr_assert (ticket_from_text (bytes_copy (slice_text (TEXT)), &again) == 0);
    expect_same (&ticket, &again);
}

Test (ticket, has_room_for_all_the_endpoints_there_may_be)
{
    ticket_t ticket = some_ticket (), again;
    ticket.expires = UINT64_MAX;
    ticket.endpoint_count = LIMIT_ENDPOINTS;
    for (int i = 0; i < LIMIT_ENDPOINTS; i++) {
        memset (ticket.endpoints[i], 'a' + i, LIMIT_ENDPOINT_BYTES);
        ticket.endpoints[i][LIMIT_ENDPOINT_BYTES] = 0;
    }
    buffer_t out = {0};
    ticket_to_text (&ticket, &out);
    cr_assert (ticket_from_text (buffer_slice (&out), &again) == 0);
    expect_same (&ticket, &again);
    buffer_release (&out);
}

Test (ticket, each_part_of_the_text_matters)
{
    slice_t text = slice_text (TEXT);
    for (size_t size = 0; size < text.size; size++)
        cr_expect (
            decode (bytes_copy (slice_of (text.data, size))) == ERR_TICKET_INVALID, "%zu", size);
    expect_mutations_survived (text, 30000, decode);
}

Test (ticket, what_is_not_that_text_is_refused)
{
    static const char *const texts[] = {
        "",
        "tidepool1-",
        "tidepool2-"
        "lcQQ",
        "Tidepool1-"
        "lcQQ",
        " " TEXT,
        TEXT " ",
        TEXT "\n",
        TEXT "=",
        TEXT "AA",
        TEXT "AAAA",
        "tidepool1-lcQQ+/==",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect (
            decode (bytes_copy (slice_text (texts[i]))) == ERR_TICKET_INVALID, "%s", texts[i]);
}

#define POOL     "c410 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define KEY      "c420 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define ENDPOINT "a3613a31"

Test (ticket, what_breaks_a_rule_is_refused)
{
    static const struct {
        const char *why, *hex;
        int rc;
    } rows[] = {
        {"sound", "95" POOL KEY KEY "05 91" ENDPOINT, 0},
        {"nothing", "", ERR_TICKET_INVALID},
        {"four elements", "94" POOL KEY KEY "05", ERR_TICKET_INVALID},
        {"six elements", "96" POOL KEY KEY "05 91" ENDPOINT "c0", ERR_TICKET_INVALID},
        {"something behind it", "95" POOL KEY KEY "05 91" ENDPOINT "c0", ERR_TICKET_INVALID},
        {"a short pool", "95 c401a0" KEY KEY "05 91" ENDPOINT, ERR_TICKET_INVALID},
        {"a short key", "95" POOL POOL KEY "05 91" ENDPOINT, ERR_TICKET_INVALID},
        {"a short secret", "95" POOL KEY POOL "05 91" ENDPOINT, ERR_TICKET_INVALID},
        {"it expires below 0", "95" POOL KEY KEY "ff 91" ENDPOINT, ERR_TICKET_INVALID},
        {"no endpoint", "95" POOL KEY KEY "05 90", ERR_TICKET_INVALID},
        {"an empty endpoint", "95" POOL KEY KEY "05 91a0", ERR_TICKET_INVALID},
        {"a zero in an endpoint", "95" POOL KEY KEY "05 91a3610031", ERR_TICKET_INVALID},
        {"too many endpoints",
            "95" POOL KEY KEY
            "05 dc0011 a161a161a161a161a161a161a161a161 a161a161a161a161a161a161a161"
            "a161 a161",
            ERR_TICKET_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect (decode (text_of (bytes_hex (rows[i].hex))) == rows[i].rc, "%s", rows[i].why);
    buffer_t out = {0};
    slice_t head = bytes_hex ("95" POOL KEY KEY "05 91");
    buffer_append (&out, head.data, head.size);
    pack_text (&out, bytes_repeat ('a', LIMIT_ENDPOINT_BYTES + 1));
    cr_expect (decode (text_of (buffer_slice (&out))) == ERR_TICKET_INVALID, "a long endpoint");
    buffer_release (&out);
}

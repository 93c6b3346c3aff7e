//  ticket - between an invitation and its one line of text

#include "messages/ticket.h"

#include "messages/endpoints.h"

#include <assert.h>
#include <sodium.h>

#define TICKET_PREFIX      "tidepool1-"
#define TICKET_PREFIX_SIZE (sizeof TICKET_PREFIX - 1)
#define TICKET_BASE64      sodium_base64_VARIANT_URLSAFE_NO_PADDING

//  The heads take less than 64 bytes, an endpoint's head at most 3.
#define TICKET_BYTES_MAX (64 + 16 + KEY_SIZE + 32 + LIMIT_ENDPOINTS * (3 + LIMIT_ENDPOINT_BYTES))

static void ticket_pack (const ticket_t *self, buffer_t *out)
{
    pack_array (out, 5);
    pack_bin (out, slice_of (self->pool.bytes, sizeof self->pool.bytes));
    pack_bin (out, slice_of (self->key.bytes, sizeof self->key.bytes));
    pack_bin (out, slice_of (self->secret, sizeof self->secret));
    pack_uint (out, self->expires);
    endpoints_pack (self->endpoints, self->endpoint_count, out);
}

static int ticket_unpack (slice_t bytes, ticket_t *ret_ticket)
{
    cursor_t cursor = cursor_over (bytes);
    size_t count;
    int rc = cursor_array (&cursor, &count);
    if (rc == 0 && count != 5)
        rc = ERR_MALFORMED;
    if (rc == 0)
        rc = cursor_bin_exact (&cursor, ret_ticket->pool.bytes, sizeof ret_ticket->pool.bytes);
    if (rc == 0)
        rc = cursor_bin_exact (&cursor, ret_ticket->key.bytes, sizeof ret_ticket->key.bytes);
    if (rc == 0)
        rc = cursor_bin_exact (&cursor, ret_ticket->secret, sizeof ret_ticket->secret);
    if (rc == 0)
        rc = cursor_uint (&cursor, &ret_ticket->expires);
    if (rc == 0)
        rc = endpoints_unpack (&cursor, ret_ticket->endpoints, &ret_ticket->endpoint_count);
    if (rc == 0 && (ret_ticket->endpoint_count == 0 || !cursor_done (&cursor)))
        rc = ERR_MALFORMED;
    return rc;
}

void ticket_to_text (const ticket_t *self, buffer_t *out)
{
    buffer_t packed = {0};
    ticket_pack (self, &packed);
    buffer_append (out, TICKET_PREFIX, TICKET_PREFIX_SIZE);
    size_t size = sodium_base64_ENCODED_LEN (packed.size, TICKET_BASE64); // with its zero
    buffer_reserve (out, size);
    sodium_bin2base64 (
        (char *)out->data + out->size, size, packed.data, packed.size, TICKET_BASE64);
    out->size += size - 1;
    sodium_memzero (packed.data, packed.size);
    buffer_release (&packed);
}

int ticket_from_text (slice_t text, ticket_t *ret_ticket)
{
    if (text.size < TICKET_PREFIX_SIZE ||
        memcmp (text.data, TICKET_PREFIX, TICKET_PREFIX_SIZE) != 0)
        return ERR_TICKET_INVALID;
    const char *encoded = (const char *)text.data + TICKET_PREFIX_SIZE;
    size_t encoded_size = text.size - TICKET_PREFIX_SIZE;
    uint8_t bytes[TICKET_BYTES_MAX];
    size_t size;
    const char *end;
    if (sodium_base642bin (
            bytes, sizeof bytes, encoded, encoded_size, NULL, &size, &end, TICKET_BASE64) ||
        end != encoded + encoded_size)
        return ERR_TICKET_INVALID;

    ticket_t ticket = {0};
    int rc = ticket_unpack (slice_of (bytes, size), &ticket);
    sodium_memzero (bytes, sizeof bytes);
    if (rc)
        return ERR_TICKET_INVALID;
    *ret_ticket = ticket;
    return 0;
}

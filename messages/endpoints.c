//  endpoints - the list that a client's record and a ticket have in common

#include "messages/endpoints.h"

void endpoints_pack (const endpoint_t *endpoints, size_t count, buffer_t *out)
{
    pack_array (out, count);
    for (size_t i = 0; i < count; i++)
        pack_string (out, endpoints[i]);
}

int endpoints_unpack (cursor_t *cursor, endpoint_t *ret_endpoints, size_t *ret_count)
{
    cursor_t next = *cursor;
    size_t count;
    int rc = cursor_array (&next, &count);
    if (rc == 0 && count > LIMIT_ENDPOINTS)
        rc = ERR_MALFORMED;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = cursor_string (&next, ret_endpoints[i], sizeof ret_endpoints[i]);
        if (rc == 0 && ret_endpoints[i][0] == 0)
            rc = ERR_MALFORMED;
    }
    if (rc)
        return rc;
    *cursor = next;
    *ret_count = count;
    return 0;
}

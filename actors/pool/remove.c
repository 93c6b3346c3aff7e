//  pool_remove - a removal is asked for

#include "actors/pool/pool.h"

static int remove_read (slice_t request, uuid16_t *ret_client, bool *ret_drop)
{
    cursor_t cursor = cursor_over (request);
    size_t count;
    bool named = false;
    *ret_drop = false;
    if (cursor_map (&cursor, &count))
        return ERR_BAD_REQUEST;
    while (count--) {
        slice_t name, text;
        int rc = cursor_text (&cursor, &name);
        if (rc == 0 && slice_equal (name, slice_text ("client"))) {
            rc = cursor_kind (&cursor) == PACK_TEXT
                     ? cursor_text (&cursor, &text) || uuid_from_text (text, ret_client)
                     : cursor_bin_exact (&cursor, ret_client, sizeof *ret_client);
            named = true;
        } else if (rc == 0 && slice_equal (name, slice_text ("drop_rows")) &&
                   cursor_kind (&cursor) == PACK_BOOL)
            rc = cursor_bool (&cursor, ret_drop);
        else if (rc == 0)
            rc = cursor_skip (&cursor, NULL);
        if (rc)
            return ERR_BAD_REQUEST;
    }
    return named ? 0 : ERR_BAD_REQUEST;
}

void pool_on_remove (pool_t *self, step_t *step, const mail_t *mail, slice_t request)
{
    uuid16_t uuid;
    client_t client;
    bool drop;
    buffer_t value = {NULL, 0, 0}, clients = {NULL, 0, 0};
    int rc = remove_read (request, &uuid, &drop);
    if (rc == 0 && uuid_equal (&uuid, &self->me))
        rc = ERR_NOT_ALLOWED;
    if (rc == 0)
        rc = clients_get (step->txn, &uuid, &client);
    if (rc == 0 && !client_is_member (&client))
        rc = ERR_NOT_MEMBER;
    if (rc) {
        pool_answer (step, mail->envelope.from, mail->envelope.ticket, rc,
            rc == ERR_NOT_ALLOWED ? "a client does not remove itself: another member does" : NULL,
            NULL);
        return;
    }
    client_pack_removal (drop, &value);
    pool_clients_put (&clients, ACTION_UPDATE, &uuid, &value);
    pool_write (self, step, pool_task (self, TASK_REMOVE, mail), "a removal", &clients, NULL);
    buffer_release (&value);
    buffer_release (&clients);
}

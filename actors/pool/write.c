//  pool_write - what pool has oplog write, and whom it answers then

#include "actors/pool/pool.h"

#include <stdlib.h>

pool_task_t *pool_task (pool_t *self, enum pool_task_kind kind, const mail_t *asked)
{
    pool_task_t *task = calloc (1, sizeof *task);
    if (!task)
        abort ();
    task->kind = kind;
    task->ticket = self->next_ticket++;
    if (asked) {
        task->asker = asked->envelope.from;
        task->asker_ticket = asked->envelope.ticket;
    }
    task->next = self->tasks;
    self->tasks = task;
    return task;
}

pool_task_t *pool_task_take (pool_t *self, uint64_t ticket)
{
    for (pool_task_t **at = &self->tasks; *at; at = &(*at)->next)
        if ((*at)->ticket == ticket) {
            pool_task_t *task = *at;
            *at = task->next;
            return task;
        }
    return NULL;
}

void pool_task_free (pool_task_t *task)
{
    buffer_release (&task->text);
    free (task);
}

void pool_write (pool_t *self, step_t *step, pool_task_t *task, const char *what, buffer_t *clients,
    buffer_t *node)
{
    slice_t frames[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    write_out_t write = {.what = slice_text (what)};
    (void)self;
    if (clients)
        frames[0] = buffer_slice (clients);
    if (node)
        frames[2] = buffer_slice (node);
    step_send (step, ACTOR_OPLOG, MAIL_WRITE, task->ticket, &write_out_type, &write, frames, 3);
}

void pool_answer (
    step_t *step, int asker, uint64_t ticket, int error, const char *message, buffer_t *map)
{
    commanded_t commanded = {.error = (uint64_t)-error};
    if (error)
        commanded.message = slice_text (message ? message : error_text (error));
    if (map)
        commanded.answer = buffer_slice (map);
    if (asker)
        step_send (step, asker, MAIL_COMMANDED, ticket, &commanded_type, &commanded, NULL, 0);
}

void pool_node_put (buffer_t *out, enum node_space space, slice_t key, slice_t value)
{
    pack_array (out, 3);
    pack_uint (out, space);
    pack_bin (out, key);
    pack_bin (out, value);
}

void pool_node_delete (buffer_t *out, enum node_space space, slice_t key)
{
    pack_array (out, 3);
    pack_uint (out, space);
    pack_bin (out, key);
    pack_nil (out);
}

void pool_clients_put (buffer_t *out, int action, const uuid16_t *client, const buffer_t *value)
{
    pack_array (out, 3);
    pack_uint (out, (uint64_t)action);
    pack_bin (out, slice_of (client, sizeof *client));
    pack_raw (out, buffer_slice (value));
}

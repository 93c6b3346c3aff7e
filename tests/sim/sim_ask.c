//  sim_ask - what an app, an operator or a peer asks of a node

#include "tests/sim/sim.h"

//  Or it never will be.
static bool answered (sim_t *self, void *context)
{
    (void)self;
    const sim_node_t *node = context;
    return node->wanted == 0 || !node->running;
}

//  node->answer is NULL if the node crashed before it did it.
static bool ask (sim_node_t *node, int actor, int from, int verb, const message_type_t *type,
    const void *body, const slice_t *frames, size_t count)
{
    step_t step = {.self = from};
    mail_destroy (&node->answer);
    node->wanted = (1ull << 40) + node->next_ticket++;
    step_send (&step, actor, verb, node->wanted, type, body, frames, count);
    mail_list_append (&node->boxes[actor], mail_list_take (&step.out));
    return sim_until (node->sim, answered, node, 120);
}

static int command (
    sim_node_t *node, int actor, const char *verb, slice_t request, buffer_t *ret_map)
{
    commanded_t commanded;
    command_t body = {.verb = slice_text (verb), .request = request};
    cr_assert (ask (node, actor, ACTOR_ADMIN, MAIL_COMMAND, &command_type, &body, NULL, 0),
        "%s is not answered", verb);
    if (!node->answer)
        return SIM_CRASHED;
    cr_assert_eq (message_unpack (&commanded_type, node->answer->body, &commanded, NULL), 0);
    if (ret_map) {
        buffer_clear (ret_map);
        buffer_append (ret_map, commanded.answer.data, commanded.answer.size);
    }
    return -(int)commanded.error;
}

int sim_request (sim_t *self, int index, int actor, const char *verb, slice_t request)
{
    return command (&self->nodes[index], actor, verb, request, NULL);
}

int sim_command (sim_t *self, int index, int actor, const char *verb, const char *key,
    slice_t value, buffer_t *ret_map)
{
    buffer_t request = {NULL, 0, 0};
    pack_map (&request, key ? 1 : 0);
    if (key) {
        pack_string (&request, key);
        pack_raw (&request, value);
    }
    int rc = command (&self->nodes[index], actor, verb, buffer_slice (&request), ret_map);
    buffer_release (&request);
    return rc;
}

int sim_apply (sim_t *self, int index, const char *action, const char *resource,
    const uuid16_t *uuid, const char *name)
{
    buffer_t ops = {NULL, 0, 0};
    pack_array (&ops, 1);
    pack_map (&ops, name ? 4 : 3);
    pack_string (&ops, "action");
    pack_string (&ops, action);
    pack_string (&ops, "resource");
    pack_string (&ops, resource);
    pack_string (&ops, "uuid");
    pack_bin (&ops, slice_of (uuid, sizeof *uuid));
    if (name) {
        pack_string (&ops, "value");
        pack_map (&ops, 1);
        pack_string (&ops, "name");
        pack_string (&ops, name);
    }
    int rc = sim_apply_ops (self, index, buffer_slice (&ops));
    buffer_release (&ops);
    return rc;
}

int sim_apply_ops (sim_t *self, int index, slice_t ops)
{
    sim_node_t *node = &self->nodes[index];
    apply_t apply = {.intake = false};
    applied_t applied;
    cr_assert (ask (node, ACTOR_OPLOG, ACTOR_API, MAIL_APPLY, &apply_type, &apply, &ops, 1),
        "seed %llu: an operation is not answered", (unsigned long long)self->seed);
    if (!node->answer)
        return SIM_CRASHED;
    cr_assert_eq (message_unpack (&applied_type, node->answer->body, &applied, NULL), 0);
    node->stamped = applied.timestamp;
    return -(int)applied.error;
}

static int declare (sim_t *self, int index, const char *const *names, size_t count,
    const char *property, const char *value)
{
    sim_node_t *node = &self->nodes[index];
    buffer_t resources = {NULL, 0, 0};
    written_t written;
    pack_map (&resources, count);
    for (size_t i = 0; i < count; i++) {
        pack_string (&resources, names[i]);
        pack_map (&resources, 1);
        pack_string (&resources, property);
        pack_string (&resources, value);
    }
    declare_t declare = {.resources = buffer_slice (&resources)};
    cr_assert (ask (node, ACTOR_OPLOG, ACTOR_API, MAIL_DECLARE, &declare_type, &declare, NULL, 0));
    buffer_release (&resources);
    cr_assert_eq (message_unpack (&written_type, node->answer->body, &written, NULL), 0);
    return -(int)written.error;
}

int sim_declare_two (
    sim_t *self, int index, const char *one, const char *other, const char *delete_rule)
{
    return declare (
        self, index, (const char *const[]){one, other}, other ? 2 : 1, "delete", delete_rule);
}

int sim_declare_gset (sim_t *self, int index, const char *name)
{
    return declare (self, index, &name, 1, "crdt", "gset");
}

int sim_declare (sim_t *self, int index, const char *name, const char *delete_rule)
{
    return sim_declare_two (self, index, name, NULL, delete_rule);
}

int sim_hand (sim_t *self, int index, int verb, const message_type_t *type, const void *body,
    const slice_t *frame)
{
    sim_node_t *node = &self->nodes[index];
    taken_t taken;
    written_t written;
    cr_assert (ask (node, ACTOR_OPLOG, ACTOR_API, verb, type, body, frame, frame != NULL));
    if (node->answer->envelope.verb == MAIL_WRITTEN) {
        cr_assert_eq (message_unpack (&written_type, node->answer->body, &written, NULL), 0);
        return -(int)written.error;
    }
    cr_assert_eq (message_unpack (&taken_type, node->answer->body, &taken, NULL), 0);
    return -(int)taken.error;
}

int sim_take_from (sim_t *self, int index, const uuid16_t *peer, slice_t batches)
{
    take_batches_t take = {.line = 1, .peer = *peer};
    return sim_hand (self, index, MAIL_TAKE_BATCHES, &take_batches_type, &take, &batches);
}

int sim_take (sim_t *self, int index, slice_t batches)
{
    static const uuid16_t nobody;
    return sim_take_from (self, index, &nobody, batches);
}

void sim_say_stale (sim_t *self, int index, unsigned others, bool stale)
{
    sim_node_t *node = &self->nodes[index];
    buffer_t clients = {NULL, 0, 0};
    write_out_t write = {.what = slice_text ("a word")};
    for (size_t other = 0; other < self->count; other++)
        if (others >> other & 1) {
            pack_array (&clients, 3);
            pack_uint (&clients, ACTION_UPDATE);
            pack_bin (&clients, slice_of (&self->nodes[other].identity.client, sizeof (uuid16_t)));
            client_pack_stale (stale, &clients);
        }
    slice_t body = buffer_slice (&clients);
    cr_assert (ask (node, ACTOR_OPLOG, ACTOR_API, MAIL_WRITE, &write_out_type, &write, &body, 1));
    buffer_release (&clients);
}

static bool ready (sim_t *self, void *index)
{
    return sim_is_ready (self, *(int *)index);
}

int sim_invite (sim_t *self, int inviter, int joiner)
{
    buffer_t map = {NULL, 0, 0};
    size_t count;
    slice_t name, ticket;
    int rc = sim_command (self, inviter, ACTOR_POOL, "invite", NULL, slice_of (NULL, 0), &map);
    cursor_t cursor = cursor_over (buffer_slice (&map));
    if (rc == 0) {
        cr_assert (cursor_map (&cursor, &count) == 0 && cursor_text (&cursor, &name) == 0 &&
                   cursor_skip (&cursor, &ticket) == 0);
        rc = sim_command (self, joiner, ACTOR_POOL, "join", "ticket", ticket, NULL);
    }
    buffer_release (&map);
    return rc;
}

void sim_pair (sim_t *self, int inviter, int joiner)
{
    int rc = sim_invite (self, inviter, joiner);
    cr_assert_eq (rc, 0, "join: %s", error_name (rc));
    cr_assert (sim_until (self, ready, &joiner, 120), "the join does not end");
}

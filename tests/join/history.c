//  history - see history.h

#include "tests/join/history.h"

#include "tests/join/reference.h"

uuid16_t client_of (int number)
{
    uuid16_t client;
    memset (client.bytes, 'A' + number, sizeof client.bytes);
    return client;
}

slice_t value_of (unsigned properties, size_t event)
{
    static buffer_t values[1 << PROPERTIES_MAX][EVENTS_MAX];
    buffer_t *value = &values[properties][event];
    if (value->size == 0) {
        pack_map (value, (size_t)__builtin_popcount (properties));
        for (unsigned i = 0; i < PROPERTIES_MAX; i++) {
            if (!(properties >> i & 1))
                continue;
            char name[2] = {(char)('a' + i), 0};
            pack_string (value, name);
            pack_uint (value, event);
        }
    }
    return buffer_slice (value);
}

operation_t operation_of (const history_t *self, size_t event)
{
    const event_t *from = &self->events[event];
    return (operation_t){
        .stamp = from->stamp,
        .action = from->action,
        .on_conflict = from->on_conflict,
        .value =
            from->action == ACTION_DELETE ? slice_of (NULL, 0) : value_of (from->properties, event),
    };
}

static void settle_seen (history_t *self, event_t *event)
{
    event->seen = (vector_t){.entries = event->entries, .capacity = CLIENTS_MAX};
    for (size_t i = 0; i < self->count; i++) {
        const event_t *before = &self->events[i];
        if (set_has (&event->past, i) && before->client != event->client)
            vector_raise (&event->seen, &before->stamp.client, before->stamp.time, NULL);
    }
}

void history_settle (history_t *self)
{
    event_t *event = &self->events[self->count - 1];
    event->stamp = (timestamp_t){self->count, client_of (event->client)};
    settle_seen (self, event);
    event->stands_on = reference_stands_on (self, self->count - 1);
}

void history_copy (history_t *self, const history_t *from)
{
    self->rule = from->rule;
    self->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        self->events[i] = from->events[i];
        self->events[i].seen.entries = self->events[i].entries;
    }
}

const char *rule_name (record_rule_t rule)
{
    if (rule.crdt == CRDT_GSET)
        return "gset";
    return rule.delete_rule == DELETE_WINS ? "wins" : "latest";
}

void history_print (const history_t *self, FILE *out)
{
    for (size_t i = 0; i < self->count; i++) {
        const event_t *event = &self->events[i];
        fprintf (out, "    %zu: %c %s", i, 'A' + event->client, action_name (event->action));
        if (event->action != ACTION_DELETE)
            fprintf (out, " %s", conflict_name (event->on_conflict));
        for (unsigned p = 0; p < PROPERTIES_MAX; p++)
            if (event->properties >> p & 1)
                fprintf (out, " %c=%zu", 'a' + p, i);
        fprintf (out, ", having seen");
        for (size_t j = 0; j < self->count; j++)
            if (set_has (&event->past, j))
                fprintf (out, " %zu", j);
        fprintf (out, "\n");
    }
}

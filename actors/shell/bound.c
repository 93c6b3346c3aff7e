//  bound - where the actors of a running node listen

#include "actors/shell/bound.h"
#include "actors/shell/listen.h"
#include "actors/sockets.h"

#include <stdio.h>
#include <unistd.h>

static const char *socket_name (int actor, uint64_t socket)
{
    static const char *const link[] = {"peers", "door"};
    static const char *const api[] = {"api", "feed", "intake"};
    switch (actor) {
    case ACTOR_LINK: return socket <= LINK_DOOR ? link[socket] : NULL;
    case ACTOR_API: return socket <= API_INTAKE ? api[socket] : NULL;
    case ACTOR_ADMIN: return "admin";
    default: return NULL;
    }
}

static void write_line (buffer_t *out, const char *name, slice_t value)
{
    buffer_append (out, "    ", 4);
    buffer_append (out, name, strlen (name));
    buffer_append (out, " = \"", 4);
    buffer_append (out, value.data, value.size);
    buffer_append (out, "\"\n", 2);
}

static void write_bound (buffer_t *out, const actor_t *actor)
{
    edge_bound_t bound;
    for (size_t i = 0; actor_bound (actor, i).size; i++) {
        if (message_unpack (&edge_bound_type, actor_bound (actor, i), &bound, NULL))
            continue;
        const char *name = socket_name (actor_number (actor), bound.socket);
        cursor_t cursor = cursor_over (bound.endpoints);
        size_t count;
        slice_t text;
        if (!name || cursor_array (&cursor, &count))
            continue;
        for (size_t j = 0; j < count && cursor_text (&cursor, &text) == 0; j++)
            write_line (out, name, text);
    }
}

int bound_write (const home_t *home, const identity_t *identity, actor_t *const *actors,
    size_t actor_count, why_t *why)
{
    char client[UUID_TEXT_SIZE], key[Z85_KEY_SIZE], pid[24];
    buffer_t out = {NULL, 0, 0};
    uuid_to_text (&identity->client, client);
    key_to_z85 (&identity->curve, key);
    snprintf (pid, sizeof pid, "%ld", (long)getpid ());
    buffer_append (&out, "node\n", 5);
    write_line (&out, "client", slice_text (client));
    write_line (&out, "key", slice_text (key));
    write_line (&out, "pid", slice_text (pid));
    buffer_append (&out, "endpoints\n", 10);
    for (size_t i = 0; i < actor_count; i++)
        write_bound (&out, actors[i]);
    int rc = home_write (home, "endpoints.zpl", buffer_slice (&out), why);
    buffer_release (&out);
    return rc;
}

void bound_unlink (const actor_t *actor)
{
    edge_bound_t bound;
    for (size_t i = 0; actor_bound (actor, i).size; i++) {
        slice_t text;
        size_t count = 0;
        if (message_unpack (&edge_bound_type, actor_bound (actor, i), &bound, NULL))
            continue;
        cursor_t cursor = cursor_over (bound.endpoints);
        cursor_array (&cursor, &count);
        for (size_t j = 0; j < count && cursor_text (&cursor, &text) == 0; j++) {
            char endpoint[LIMIT_ENDPOINT_BYTES + 1];
            snprintf (endpoint, sizeof endpoint, "%.*s", (int)text.size, (const char *)text.data);
            listen_unlink (endpoint);
        }
    }
}

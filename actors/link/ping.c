//  link_ping - pings and pongs: clock, vectors, digests, and who was seen

#include "actors/link/link.h"
#include "actors/link/repair.h"

static void digests_pack (step_t *step, buffer_t *out)
{
    buffer_t body = {NULL, 0, 0};
    resource_entry_t entry;
    uint8_t digest[16];
    size_t count = 0;
    int rc;
    for (rc = resources_next (step->txn, slice_text (""), &entry); rc == 0;
         rc = resources_next (step->txn, slice_text (entry.resource.name), &entry)) {
        if (entry.resource.kind == RESOURCE_LOCAL)
            continue;
        digest_to_bytes (&entry.digest, digest);
        pack_string (&body, entry.resource.name);
        pack_array (&body, 2);
        pack_uint (&body, entry.count);
        pack_bin (&body, slice_of (digest, sizeof digest));
        count++;
    }
    pack_map (out, count);
    pack_raw (out, buffer_slice (&body));
    buffer_release (&body);
}

//  Vectors and digests come from one reading transaction: what the digests show is what the vectors say.
void link_ping (link_t *self, step_t *step, line_t *line, uint64_t verb)
{
    buffer_t shared = {NULL, 0, 0}, rows = {NULL, 0, 0};
    buffer_t digests = {NULL, 0, 0}, linked = {NULL, 0, 0}, marks = {NULL, 0, 0};
    vector_t stored = {NULL, 0, 0};
    if (watermarks_load (step->txn, WATERMARK_SHARED, &stored) == 0)
        vector_pack (&stored, &shared);
    else
        pack_array (&shared, 0);
    if (watermarks_load (step->txn, WATERMARK_ROWS, &stored) == 0)
        vector_pack (&stored, &rows);
    else
        pack_array (&rows, 0);
    digests_pack (step, &digests);
    link_linked_pack (self, &linked);
    link_marks_pack (self, line, &marks);
    peer_ping_t ping = {.verb = verb,
        .time = step->now.wall,
        .shared = buffer_slice (&shared),
        .rows = buffer_slice (&rows),
        .digests = buffer_slice (&digests),
        .ages = buffer_slice (&self->ages),
        .linked = buffer_slice (&linked),
        .marks = buffer_slice (&marks)};
    link_line_send (step, line, &peer_ping_type, &ping, NULL);
    if (verb == PEER_PING)
        line->pinged_ns = step->now.mono_ns;
    vector_release (&stored);
    buffer_release (&shared);
    buffer_release (&rows);
    buffer_release (&digests);
    buffer_release (&linked);
    buffer_release (&marks);
}

//  Who is seen: the one that speaks, now; and whom it has seen, as long ago as it says. But who takes a copy has spoken
//  with whoever might give it, fenced off there or not.
static void seen_tell (step_t *step, const line_t *line, slice_t ages)
{
    static const uint8_t nobody[] = {0x90};
    cursor_t cursor = cursor_over (line->peer_joins ? slice_of (nobody, 1) : ages);
    buffer_t all = {NULL, 0, 0};
    size_t count;
    if (cursor_array (&cursor, &count) == 0 && count < LIMIT_MEMBERS) {
        pack_array (&all, count + 1);
        pack_array (&all, 2);
        pack_bin (&all, slice_of (&line->client, sizeof line->client));
        pack_uint (&all, 0);
        pack_raw (&all, slice_of (cursor.at, (size_t)(cursor.end - cursor.at)));
        seen_t seen = {.ages = buffer_slice (&all)};
        step_send (step, ACTOR_POOL, MAIL_SEEN, 0, &seen_type, &seen, NULL, 0);
    }
    buffer_release (&all);
}

void link_on_ping (link_t *self, step_t *step, line_t *line, slice_t frame, uint64_t verb)
{
    peer_ping_t ping;
    int rc = message_unpack (&peer_ping_type, frame, &ping, NULL);
    cursor_t shared = cursor_over (ping.shared), rows = cursor_over (ping.rows);
    peer_t *peer = link_peer (self, &line->client);
    if (rc == 0)
        rc = vector_unpack (&shared, &line->shared);
    if (rc == 0) {
        vector_copy (&line->rows_before, &line->rows);
        rc = vector_unpack (&rows, &line->rows);
    }
    if (rc == 0)
        rc = link_linked_unpack (line, ping.linked);
    if (rc) {
        link_refuse (self, step, line, rc, "a ping");
        return;
    }
    line->impatient = vector_equal (&line->rows, &line->rows_before) &&
                      !vector_covers_all (&line->rows, &self->rows);
    if (peer)
        vector_copy (&peer->shared, &line->shared);
    line->pinged = true;
    link_feed_heard (self, step, line);
    if (!line->outside && !line->returns) {
        link_marks_hear (self, step, line, ping.marks);
        link_sources_look (self, step, line);
        link_claims_look (self, step, line);
    }
    //  Who is fenced off, or is refused a copy, or asks after a restore, is not seen: it is declared in its turn.
    if (!line->outside && !line->returns && !line->holds_members &&
        (!line->peer_joins || line->copying))
        seen_tell (step, line, ping.ages);
    link_digests_compare (self, step, line, ping.digests);
    if (verb == PEER_PING)
        link_ping (self, step, line, PEER_PONG);
}

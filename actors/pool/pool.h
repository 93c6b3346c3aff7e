//  pool - the parts of the actor that knows who is a member, to each other (nobody else includes this)
//
//  pool.c       the actor: its mail, and what the log now says of the members
//  write.c      what oplog is asked to write, and who is answered then
//  record.c     what this client says of itself; the beginning of a pool
//  seen.c       when everybody was last seen
//  stale.c      whom nobody has seen for too long
//  remove.c     removals
//  door.c       invitations, who knocks at our door, knocking at another's

#ifndef TIDEPOOL_POOL_H
#define TIDEPOOL_POOL_H

#include "actors/actor.h"
#include "messages/peer.h"
#include "messages/ticket.h"
#include "store/clients.h"
#include "store/node.h"

#define POOL_SECOND_NS    1000000000ull
#define INVITATION_S      86400 // a ticket is good for a day
#define LAST_SEEN_SAVE_NS (60 * POOL_SECOND_NS)
#define WRITE_AGAIN_NS    POOL_SECOND_NS

//  What a ticket to oplog stands for, so that its answer finds the way on.
enum pool_task_kind {
    TASK_GENESIS,
    TASK_RECORD,
    TASK_INVITE,
    TASK_ADMIT,
    TASK_JOIN,
    TASK_REMOVE,
    TASK_DROP,
    TASK_STALE,
    TASK_SAVE
};

typedef struct pool_task {
    uint64_t ticket; // to oplog
    enum pool_task_kind kind;
    int asker; // actor that asked, and its ticket
    uint64_t asker_ticket;
    uint64_t line;   // TASK_ADMIT: who knocked
    uuid16_t client; // TASK_ADMIT, TASK_DROP
    buffer_t text;   // TASK_INVITE: the ticket
    struct pool_task *next;
} pool_task_t;

typedef struct last_seen {
    uuid16_t client;
    uint64_t time; // this node's, NTP
    bool saved;
} last_seen_t;

typedef struct pool {
    const actor_setup_t *setup;
    uuid16_t me;
    uuid16_t pool;
    pool_task_t *tasks;
    mail_list_t waiting; // invite and join, until the pool is founded and the door open
    uint64_t next_ticket;
    last_seen_t *seen;
    size_t seen_count;
    uint64_t wall_offset; // of the wall clock to the monotonic one, NTP, when it was looked at last
    uint64_t begun_ns;
    uint64_t told_ns; // link was told of it
    uint64_t saved_ns;
    endpoint_list_t endpoints; // where we listen, as link said
    endpoint_list_t door;
    //  A door that we knock at.
    ticket_t ticket;
    uint64_t join_ticket;
    int join_asker;
    bool knocking;
    bool has_pool;
    bool stating; // an own record is being written
    bool bound;
} pool_t;

//  write.c
pool_task_t *pool_task_take (pool_t *self, uint64_t ticket); // NULL where there is none
void pool_task_free (pool_task_t *task);
pool_task_t *pool_task (pool_t *self, enum pool_task_kind kind, const mail_t *asked);
void pool_write (pool_t *self, step_t *step, pool_task_t *task, const char *what, buffer_t *clients,
    buffer_t *node);
void pool_answer (
    step_t *step, int asker, uint64_t ticket, int error, const char *message, buffer_t *map);
void pool_node_put (buffer_t *out, enum node_space space, slice_t key, slice_t value);
void pool_node_delete (buffer_t *out, enum node_space space, slice_t key);
void pool_clients_put (buffer_t *out, int action, const uuid16_t *client, const buffer_t *value);

//  record.c
void pool_record_state (
    pool_t *self, step_t *step); // anew, where what the log says is no longer so
void pool_genesis (pool_t *self, step_t *step);

//  seen.c
void pool_on_seen (pool_t *self, step_t *step, const mail_t *mail);
void pool_seen_follow (pool_t *self, const step_t *step); // this node's clock was set
void pool_ages_tell (pool_t *self, step_t *step);
void pool_seen_save (pool_t *self, step_t *step);
int pool_seen_load (pool_t *self, step_t *step);

//  remove.c
void pool_on_remove (pool_t *self, step_t *step, const mail_t *mail, slice_t request);

//  stale.c
void pool_declare_stale (pool_t *self, step_t *step);

//  door.c
bool pool_is_removed (const pool_t *self, step_t *step);
void pool_invite (pool_t *self, step_t *step, const mail_t *mail);
void pool_join (pool_t *self, step_t *step, const mail_t *mail, slice_t request);
void pool_on_knock (pool_t *self, step_t *step, const mail_t *mail);
void pool_on_door_answer (pool_t *self, step_t *step, const mail_t *mail);
void pool_admitted (pool_t *self, step_t *step, const pool_task_t *task, int error);
void pool_door_keys (step_t *step);
void pool_invitations_pack (step_t *step, buffer_t *out); // [{expires: Unix seconds}, …]

#endif

//  mail - descriptions of the mail, and the envelope

#include "messages/mail.h"

#include "messages/error.h"

MESSAGE_DESCRIBE (clock_ask, MESSAGE_ARRAY, CLOCK_ASK_FIELDS, "asks for timestamps")
MESSAGE_DESCRIBE (clock_grant, MESSAGE_ARRAY, CLOCK_GRANT_FIELDS, "gives timestamps")
MESSAGE_DESCRIBE (apply, MESSAGE_ARRAY, APPLY_FIELDS, "an app's operations")
MESSAGE_DESCRIBE (applied, MESSAGE_ARRAY, APPLIED_FIELDS, "what became of them")
MESSAGE_DESCRIBE (declare, MESSAGE_ARRAY, DECLARE_FIELDS, "declares resources")
MESSAGE_DESCRIBE (write_out, MESSAGE_ARRAY, WRITE_FIELDS, "to be written in one transaction")
MESSAGE_DESCRIBE (drop_rows, MESSAGE_ARRAY, DROP_ROWS_FIELDS, "rows that go with a removed client")
MESSAGE_DESCRIBE (written, MESSAGE_ARRAY, WRITTEN_FIELDS, "what became of it")
MESSAGE_DESCRIBE (take_batches, MESSAGE_ARRAY, TAKE_BATCHES_FIELDS, "a peer's batches")
MESSAGE_DESCRIBE (take_rows, MESSAGE_ARRAY, TAKE_ROWS_FIELDS, "a peer's rows")
MESSAGE_DESCRIBE (take_tally, MESSAGE_ARRAY, TAKE_TALLY_FIELDS, "what an owner signed of its rows")
MESSAGE_DESCRIBE (sign_rows, MESSAGE_ARRAY, SIGN_ROWS_FIELDS, "our own rows are to be signed")
MESSAGE_DESCRIBE (rows_back, MESSAGE_ARRAY, ROWS_BACK_FIELDS, "own rows came back")
MESSAGE_DESCRIBE (marks, MESSAGE_ARRAY, MARKS_FIELDS, "how far a member has owned rows")
MESSAGE_DESCRIBE (taken, MESSAGE_ARRAY, TAKEN_FIELDS, "what became of them")
MESSAGE_DESCRIBE (copy_begin, MESSAGE_ARRAY, COPY_BEGIN_FIELDS, "a copy begins")
MESSAGE_DESCRIBE (copy_chunk, MESSAGE_ARRAY, COPY_CHUNK_FIELDS, "records of a copy")
MESSAGE_DESCRIBE (repair, MESSAGE_ARRAY, REPAIR_FIELDS, "a peer's records, to be merged")
MESSAGE_DESCRIBE (repaired, MESSAGE_ARRAY, REPAIRED_FIELDS, "what became of them")
MESSAGE_DESCRIBE (scrub, MESSAGE_ARRAY, SCRUB_FIELDS, "everything is to be counted anew")
MESSAGE_DESCRIBE (rebuild_mail, MESSAGE_ARRAY, REBUILD_FIELDS, "derived records, anew")
MESSAGE_DESCRIBE (rebuilt, MESSAGE_ARRAY, REBUILT_FIELDS, "how far that has come")
MESSAGE_DESCRIBE (clock_back, MESSAGE_ARRAY, CLOCK_BACK_FIELDS, "the clock goes back")
MESSAGE_DESCRIBE (restamp, MESSAGE_ARRAY, RESTAMP_FIELDS, "what is ahead is to be stamped anew")
MESSAGE_DESCRIBE (restamped, MESSAGE_ARRAY, RESTAMPED_FIELDS, "what came of it")
MESSAGE_DESCRIBE (
    told, MESSAGE_ARRAY, TOLD_FIELDS, "how far members have a chain that was restored")
MESSAGE_DESCRIBE (go_back, MESSAGE_ARRAY, GO_BACK_FIELDS, "a return to a member")
MESSAGE_DESCRIBE (advanced, MESSAGE_ARRAY, ADVANCED_FIELDS, "what is new")
MESSAGE_DESCRIBE (door_knock, MESSAGE_ARRAY, DOOR_KNOCK_FIELDS, "somebody invited is at the door")
MESSAGE_DESCRIBE (door_reply, MESSAGE_ARRAY, DOOR_REPLY_FIELDS, "an answer at a door")
MESSAGE_DESCRIBE (door_dial, MESSAGE_ARRAY, DOOR_DIAL_FIELDS, "a door to knock at")
MESSAGE_DESCRIBE (door_keys, MESSAGE_ARRAY, DOOR_KEYS_FIELDS, "the invitations that stand")
MESSAGE_DESCRIBE (seen, MESSAGE_ARRAY, SEEN_FIELDS, "who was seen")
MESSAGE_DESCRIBE (peers, MESSAGE_ARRAY, PEERS_FIELDS, "when all were last seen")
MESSAGE_DESCRIBE (command, MESSAGE_ARRAY, COMMAND_FIELDS, "an operator's command")
MESSAGE_DESCRIBE (commanded, MESSAGE_ARRAY, COMMANDED_FIELDS, "what came of it")
MESSAGE_DESCRIBE (alarm, MESSAGE_ARRAY, ALARM_FIELDS, "something needs a person, or no longer does")
MESSAGE_DESCRIBE (edge_in, MESSAGE_ARRAY, EDGE_IN_FIELDS, "a message from outside")
MESSAGE_DESCRIBE (edge_out, MESSAGE_ARRAY, EDGE_OUT_FIELDS, "a message to the outside")
MESSAGE_DESCRIBE (edge_dial, MESSAGE_ARRAY, EDGE_DIAL_FIELDS, "a connection to open")
MESSAGE_DESCRIBE (edge_hang_up, MESSAGE_ARRAY, EDGE_HANG_UP_FIELDS, "a connection to close")
MESSAGE_DESCRIBE (
    edge_event_mail, MESSAGE_ARRAY, EDGE_EVENT_FIELDS, "what happened to a connection")
MESSAGE_DESCRIBE (edge_admit, MESSAGE_ARRAY, EDGE_ADMIT_FIELDS, "who may come in")
MESSAGE_DESCRIBE (edge_hold, MESSAGE_ARRAY, EDGE_HOLD_FIELDS, "stop or go on reading")
MESSAGE_DESCRIBE (edge_bound, MESSAGE_ARRAY, EDGE_BOUND_FIELDS, "where a socket listens")

const char *actor_name (int actor)
{
    static const char *const names[] = {"none",
#define X(NAME, name) #name,
        ACTOR_LIST (X)
#undef X
    };
    return actor >= 0 && actor < ACTOR_COUNT ? names[actor] : "unknown";
}

const message_type_t *mail_type (int verb)
{
    static const message_type_t *const types[] = {NULL,
#define X(VERB, type, text) &type##_type,
        MAIL_LIST (X)
#undef X
    };
    return verb > MAIL_NONE && verb < MAIL_COUNT ? types[verb] : NULL;
}

const char *mail_verb_name (int verb)
{
    static const char *const names[] = {"none",
#define X(VERB, type, text) #VERB,
        MAIL_LIST (X)
#undef X
    };
    return verb >= 0 && verb < MAIL_COUNT ? names[verb] : "unknown";
}

void envelope_pack (const envelope_t *self, buffer_t *out)
{
    pack_array (out, 4);
    pack_uint (out, (uint64_t)self->from);
    pack_uint (out, (uint64_t)self->to);
    pack_uint (out, (uint64_t)self->verb);
    pack_uint (out, self->ticket);
}

int envelope_unpack (slice_t bytes, envelope_t *ret_envelope)
{
    cursor_t cursor = cursor_over (bytes);
    uint64_t from, to, verb, ticket;
    size_t count;
    if (cursor_array (&cursor, &count) || count != 4 || cursor_uint (&cursor, &from) ||
        cursor_uint (&cursor, &to) || cursor_uint (&cursor, &verb) ||
        cursor_uint (&cursor, &ticket) || !cursor_done (&cursor))
        return ERR_MALFORMED;
    if (from >= ACTOR_COUNT || to >= ACTOR_COUNT)
        return ERR_MALFORMED;
    if (verb == MAIL_NONE || verb >= MAIL_COUNT)
        return ERR_UNKNOWN_VERB;
    *ret_envelope = (envelope_t){(int)from, (int)to, (int)verb, ticket};
    return 0;
}

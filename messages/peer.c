//  peer - descriptions of what nodes say to each other

#include "messages/peer.h"

#include "messages/error.h"

MESSAGE_DESCRIBE (
    peer_hello, MESSAGE_ARRAY, PEER_HELLO_FIELDS, "the first word on a connection, from both sides")
MESSAGE_DESCRIBE (
    peer_ping, MESSAGE_ARRAY, PEER_PING_FIELDS, "every `ping_interval_s`, and its answer")
MESSAGE_DESCRIBE (
    peer_batches, MESSAGE_ARRAY, PEER_BATCHES_FIELDS, "a stretch of the sender's log, in its order")
MESSAGE_DESCRIBE (peer_rows, MESSAGE_ARRAY, PEER_ROWS_FIELDS, "a stretch of an owner's rows")
MESSAGE_DESCRIBE (peer_ack, MESSAGE_ARRAY, PEER_ACK_FIELDS, "what is durable at the sender now")
MESSAGE_DESCRIBE (
    peer_defer, MESSAGE_ARRAY, PEER_DEFER_FIELDS, "a batch was not taken yet: the clocks differ")
MESSAGE_DESCRIBE (peer_again, MESSAGE_ARRAY, PEER_AGAIN_FIELDS, "the stream is to begin again")
MESSAGE_DESCRIBE (
    peer_declare, MESSAGE_ARRAY, PEER_DECLARE_FIELDS, "declarations made since the hello")
MESSAGE_DESCRIBE (peer_copy, MESSAGE_ARRAY, PEER_COPY_FIELDS, "asks for the whole database")
MESSAGE_DESCRIBE (peer_copy_state, MESSAGE_ARRAY, PEER_COPY_STATE_FIELDS, "what a copy begins with")
MESSAGE_DESCRIBE (
    peer_copy_chunk, MESSAGE_ARRAY, PEER_COPY_CHUNK_FIELDS, "a stretch of the shared records")
MESSAGE_DESCRIBE (peer_bye, MESSAGE_ARRAY, PEER_BYE_FIELDS, "the last word, with its reason")
MESSAGE_DESCRIBE (peer_ranges, MESSAGE_ARRAY, PEER_RANGES_FIELDS,
    "where do we differ? one question at a time, while digests differ at equal vectors")
MESSAGE_DESCRIBE (peer_digests, MESSAGE_ARRAY, PEER_DIGESTS_FIELDS, "the answer to `ranges`")
MESSAGE_DESCRIBE (peer_want, MESSAGE_ARRAY, PEER_WANT_FIELDS, "asks for the records of a range")
MESSAGE_DESCRIBE (peer_tally, MESSAGE_ARRAY, PEER_TALLY_FIELDS,
    "what an owner signed of its rows: as many, with this digest, are here at that place")
MESSAGE_DESCRIBE (peer_mine, MESSAGE_ARRAY, PEER_MINE_FIELDS,
    "asks for the rows of who asks: it does not remember to have signed them")
MESSAGE_DESCRIBE (peer_records, MESSAGE_ARRAY, PEER_RECORDS_FIELDS,
    "the answer to `want`, or what is to be merged there")
MESSAGE_DESCRIBE (
    peer_outside, MESSAGE_ARRAY, PEER_OUTSIDE_FIELDS, "tells a peer that it has to return")
MESSAGE_DESCRIBE (peer_return, MESSAGE_ARRAY, PEER_RETURN_FIELDS, "asks to return")
MESSAGE_DESCRIBE (peer_welcome, MESSAGE_ARRAY, PEER_WELCOME_FIELDS, "lets a peer return")
MESSAGE_DESCRIBE (
    peer_lacks, MESSAGE_ARRAY, PEER_LACKS_FIELDS, "asks for one batch that was spoilt")
MESSAGE_DESCRIBE (peer_holds, MESSAGE_ARRAY, PEER_HOLDS_FIELDS, "asks how far the other has it")
MESSAGE_DESCRIBE (peer_held, MESSAGE_ARRAY, PEER_HELD_FIELDS, "the answer to `holds`")
MESSAGE_DESCRIBE (
    door_request, MESSAGE_ARRAY, DOOR_REQUEST_FIELDS, "what an invited client says at the door")
MESSAGE_DESCRIBE (door_answer, MESSAGE_ARRAY, DOOR_ANSWER_FIELDS, "what it is told there")

const message_type_t *peer_type (uint64_t verb)
{
    static const message_type_t *const types[] = {NULL,
#define X(VERB, type, number, text) &type##_type,
        PEER_LIST (X)
#undef X
    };
    return verb < PEER_COUNT ? types[verb] : NULL;
}

const char *peer_verb_name (uint64_t verb)
{
    static const char *const names[] = {"none",
#define X(VERB, type, number, text) #VERB,
        PEER_LIST (X)
#undef X
    };
    return verb < PEER_COUNT ? names[verb] : "unknown";
}

int peer_verb_of (slice_t frame, uint64_t *ret_verb)
{
    cursor_t cursor = cursor_over (frame);
    uint64_t verb;
    size_t count;
    if (cursor_array (&cursor, &count) || count == 0 || cursor_uint (&cursor, &verb))
        return ERR_MALFORMED;
    if (!peer_type (verb))
        return ERR_UNKNOWN_VERB;
    *ret_verb = verb;
    return 0;
}

void door_proof (const uuid16_t *pool, const public_key_t *invitation, buffer_t *out)
{
    static const char domain[] = "tidepool door 1";
    buffer_append (out, domain, sizeof domain - 1);
    buffer_append (out, pool->bytes, sizeof pool->bytes);
    buffer_append (out, invitation->bytes, sizeof invitation->bytes);
}

//  test_protocol - the tables of messages/README.md are those of the code
//
//  With TIDEPOOL_PROTOCOL=FILE in the environment the tables are written there instead, to be put into
//  the document behind its line "## The messages".

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "messages/mail.h"
#include "messages/peer.h"

static void tables (buffer_t *out)
{
    static const char peers[] = "## The messages\n\n### Between nodes\n\n";
    static const char door[] = "### At the door\n\n";
    buffer_append (out, peers, sizeof peers - 1);
    for (uint64_t verb = 1; verb < PEER_COUNT; verb++)
        if (verb != PEER_PONG)
            message_document (peer_type (verb), out);
    buffer_append (out, door, sizeof door - 1);
    message_document (&door_request_type, out);
    message_document (&door_answer_type, out);
}

static void document_read (buffer_t *out)
{
    char block[4096];
    size_t size;
    FILE *file = fopen (TIDEPOOL_SOURCE_DIR "/messages/README.md", "r");
    cr_assert_not_null (file);
    while ((size = fread (block, 1, sizeof block, file)) > 0)
        buffer_append (out, block, size);
    buffer_append (out, "", 1);
    fclose (file);
}

Test (protocol, document_has_the_tables_of_the_code)
{
    buffer_t expected = {NULL, 0, 0}, document = {NULL, 0, 0};
    tables (&expected);
    buffer_append (&expected, "", 1);
    const char *to = getenv ("TIDEPOOL_PROTOCOL");
    if (to) {
        FILE *file = fopen (to, "w");
        cr_assert_not_null (file);
        fputs ((const char *)expected.data, file);
        fclose (file);
    }
    document_read (&document);
    const char *found = strstr ((const char *)document.data, "## The messages");
    cr_assert_not_null (found, "messages/README.md has no section of messages");
    cr_assert_str_eq (found, (const char *)expected.data);
    buffer_release (&expected);
    buffer_release (&document);
}

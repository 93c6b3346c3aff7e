//  commands - the table of all of them

#include "tools/command/command.h"

static const char value_help[] =
    "k=v gives a property a text, k:=v a JSON value: name=sea stars:=5 seen:=true note:=null\n";
#define CLIENT_HELP "CLIENT is a uuid, a name that one client has, or the beginning of its uuid.\n"
static const char client_help[] = CLIENT_HELP;

// clang-format off
const command_entry_t command_entries[] = {
    {"init", "DIR [--name NAME] [--listen ENDPOINT] [--set SECTION/KEY=VALUE]...",
     "make a data directory",
     "Makes DIR with a new identity and DIR/node.zpl, which explains every setting.\n"
     "Start the node with: tidepoold DIR\n",
     0, 1, OPTION_BIT (NAME) | OPTION_BIT (LISTEN) | OPTION_BIT (SET), command_init},
    {"status", "", "how the node is", NULL, 0, 0, 0, command_status},
    {"pool", "", "who is in its pool", NULL, 0, 0, 0, command_pool},
    {"clients", "", "who is in its pool, each in a line: when seen, how far synchronized", NULL,
     0, 0, 0, command_clients},
    {"invite", "", "print a ticket for a new client",
     "One line, good once and for a day. Who has it can join: treat it as a password.\n",
     0, 0, 0, command_invite},
    {"join", "TICKET [--no-wait]", "join the pool of a ticket",
     "The node has to be alone in its pool; what it holds comes along. Returns when it has\n"
     "all that the pool has.\n",
     1, 1, OPTION_BIT (NO_WAIT), command_join},
    {"remove", "CLIENT [--drop-rows]", "remove a client from the pool, for good", client_help,
     1, 1, OPTION_BIT (DROP_ROWS), command_remove},
    {"pause", "[CLIENT]", "let its links rest, or all, until resumed or restarted", client_help,
     0, 1, 0, command_pause},
    {"resume", "[CLIENT]", "let them go on; alone it lifts every pause", client_help,
     0, 1, 0, command_resume},
    {"declare", "NAME --kind KIND [--crdt C] [--delete D] [--from R] [--key P] [--keep K]...",
     "declare a resource",
     "A declaration is final, and the same on every client. A derived resource shows what --keep\n"
     "says: NAME, NAME=PROPERTY, NAME=#rows or NAME=#owners.\n",
     1, 1, OPTION_BIT (KIND) | OPTION_BIT (CRDT) | OPTION_BIT (DELETE) | OPTION_BIT (FROM) |
     OPTION_BIT (KEY) | OPTION_BIT (KEEP), command_declare},
    {"create", "RESOURCE [k=v|k:=v]... [--uuid UUID] [--on-conflict C]",
     "create a record; prints its uuid", value_help,
     1, 100000, OPTION_BIT (UUID) | OPTION_BIT (ON_CONFLICT), command_create},
    {"update", "RESOURCE UUID k=v|k:=v... [--on-conflict C]", "change properties of a record",
     value_help, 3, 100000, OPTION_BIT (ON_CONFLICT), command_update},
    {"delete", "RESOURCE UUID", "delete a record", NULL, 2, 2, 0, command_delete},
    {"get", "RESOURCE UUID [--owner CLIENT] [--why]", "show a record",
     "With --why: of each property when it was written, by whom, which rule let it win and what it\n"
     "beat last, as far as that is still known; of a record that was deleted, which deletion.\n"
     CLIENT_HELP,
     2, 2, OPTION_BIT (OWNER) | OPTION_BIT (WHY), command_get},
    {"list", "RESOURCE [--owner CLIENT] [--limit N] [--all]", "show records",
     "The first 100, unless told otherwise.\n" CLIENT_HELP,
     1, 1, OPTION_BIT (OWNER) | OPTION_BIT (LIMIT) | OPTION_BIT (ALL), command_list},
    {"count", "RESOURCE", "how many records there are", NULL, 1, 1, 0, command_count},
    {"changes", "[--since CURSOR] [--follow]", "show what changed",
     "Every record once, at its latest change. With --follow it goes on as things happen.\n",
     0, 0, OPTION_BIT (SINCE) | OPTION_BIT (FOLLOW), command_changes},
    {"ingest", "add FOLDER [--exclude GLOB]... [--no-default-excludes] [--mode full|sampled] [--wait] | list | "
     "remove FOLDER | rescan [FOLDER]",
     "make a folder's files records, and keep them so",
     "Respects .tidepoolignore files, which are written like .gitignore; list shows what else is left\n"
     "out, and a !PATTERN in such a file takes it in again. With --mode sampled a file over 128 KiB is\n"
     "known by its size, head, tail and 16 samples. FOLDER may be a location's uuid, but to be added.\n",
     1, 2, OPTION_BIT (EXCLUDE) | OPTION_BIT (NO_DEFAULTS) | OPTION_BIT (MODE) | OPTION_BIT (WAIT),
     command_ingest},
    {"pending", "", "what is kept, for whom and since when",
     "First the batches, one by one, then for each member that counts what it has not acknowledged. A\n"
     "batch leaves when every member that counts has it; who is counted out is waited for no more.\n",
     0, 0, 0, command_pending},
    {"lost-and-found", "", "what was written here to records that were deleted elsewhere", NULL,
     0, 0, 0, command_found},
    {"metrics", "", "what the node has counted", NULL, 0, 0, 0, command_metrics},
    {"verify", "[--rebuild]", "count and digest all records anew",
     "Exit status 1 if anything is not as it was counted. With --rebuild all derived records are first\n"
     "compared with the rows that they come from, and put right.\n",
     0, 0, OPTION_BIT (REBUILD), command_verify},
    {"backup", "FILE", "write all that the node has into one file",
     "The node may run. FILE holds its secret key too: keep it as you keep the node.\n",
     1, 1, 0, command_backup},
    {"restore", "FILE DIR [--alone]", "make a data directory of a backup",
     "DIR is made, or empty. The node that is started on it is the one that was backed up: that one must\n"
     "not run any more. Before it writes anything it asks each member of its pool what that has of it that\n"
     "is newer, and takes it back. With --alone it asks nobody, for a pool whose other members are gone.\n",
     2, 2, OPTION_BIT (ALONE), command_restore},
    {"restamp", "", "stamp anew what was written while the clock ran ahead",
     "For a node whose clock was put right: what it wrote meanwhile, and nobody has taken yet, gets\n"
     "timestamps of now, in its old order. Each member that was not removed is asked first, so all of\n"
     "them must be linked.\n",
     0, 0, 0, command_restamp},
    {"timestamp", "VALUE", "a timestamp's two forms",
     "VALUE is TEXT/ID, NUMBER/ID or now/ID. Needs no node.\n", 1, 1, 0, command_timestamp},
    {"stop", "", "stop the node, and wait until it has stopped", NULL, 0, 0, 0, command_stop},
};
// clang-format on

const size_t command_entry_count = sizeof command_entries / sizeof *command_entries;

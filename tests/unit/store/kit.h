//  kit - what the tests of the store share: an environment in a fresh directory, and short ways to
//  make values

#ifndef TIDEPOOL_TEST_STORE_KIT_H
#define TIDEPOOL_TEST_STORE_KIT_H

#include <criterion/criterion.h>

#include "store/changes.h"
#include "store/clients.h"
#include "store/node.h"
#include "store/owned.h"
#include "store/pending.h"
#include "store/resources.h"
#include "store/shared.h"
#include "store/table.h"
#include "store/watermarks.h"

typedef struct kit {
    char dir[128];
    store_t *store;
    txn_t *txn; // the one that kit_begin opened
} kit_t;

extern int kit_last; // what the last `is` saw
#define is(call, error)                                                                            \
    do {                                                                                           \
        kit_last = (call);                                                                         \
        cr_assert_eq (kit_last, (error), "%s gave %s", #call, error_name (kit_last));              \
    } while (0)

kit_t kit_new (void); // with the default resources declared
kit_t kit_empty (void);
void kit_open (kit_t *self);
void kit_close (kit_t *self);
void kit_destroy (kit_t *self); // and its directory

txn_t *kit_begin (kit_t *self); // writing
void kit_commit (kit_t *self);
void kit_again (kit_t *self); // commit, and begin
txn_t *kit_read (kit_t *self);

slice_t text (const char *text);
uuid16_t uuid_n (uint64_t n);   // 15 bytes of zero, n at the end
uuid16_t client_n (uint64_t n); // begins with 0xC1
timestamp_t stamp_n (uint64_t time, uint64_t client);

//  A map of texts: "name", "value", …, NULL; names ascending. Lives as long as the test.
slice_t map_of (const char *name, ...);
//  The same map of texts with a bin 16 in front: {key: uuid, name: value, …}.
slice_t map_with (const char *key, uint64_t uuid, const char *name, const char *value);

operation_t create (const char *resource, uint64_t uuid, timestamp_t stamp, slice_t value);
operation_t update (const char *resource, uint64_t uuid, timestamp_t stamp, slice_t value);
operation_t delete (const char *resource, uint64_t uuid, timestamp_t stamp);
//  Joins with a past that has seen nothing of others.
void join (txn_t *txn, operation_t operation);

void put_row (txn_t *txn, uint64_t owner, uint64_t uuid, uint64_t updated, slice_t value);

//  All entries of a table as text: "key value\n", in hex, the value without its checksum.
char *dump (txn_t *txn, enum table table);

//  Every change since: "cursor resource uuid[/owner] [deleted] born end updated/by value\n".
char *changes_text (txn_t *txn, uint64_t since);

//  Runs the work in a transaction of its own with a failure at each place where the store can fail: it says so,
//  and nothing of it is there; at last it succeeds. Answers how many places there are.
uint64_t kit_whole_or_nothing (kit_t *self, int (*work) (txn_t *txn));

//  Counts and digests of all resources are those of what a walk shows, and `changes` from 0 tells of
//  exactly the visible records.
void check_sums (txn_t *txn);

#endif

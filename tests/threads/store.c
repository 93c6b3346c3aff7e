//  Readers in their own threads go on while the writer fills the store and grows its map.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/node.h"

#define READERS 3
#define ROUNDS  40
#define VALUES  60

static store_t *store;
static _Atomic int finished;
static _Atomic int wrong;

static void fail (const char *what, int rc)
{
    fprintf (stderr, "%s: %s\n", what, error_name (rc));
    wrong = 1;
}

//  Every snapshot holds whole rounds: `rounds` says how many, and the last value of each is there.
static void look (txn_t *txn)
{
    uint64_t rounds;
    slice_t value;
    char key[32];
    int rc = node_get_uint (txn, "rounds", &rounds);
    if (rc == ERR_NOT_FOUND)
        return;
    snprintf (key, sizeof key, "%03d.%03d", (int)rounds - 1, VALUES - 1);
    if (!rc)
        rc = node_get (txn, NODE_FOUND, slice_text (key), &value);
    for (size_t i = 0; !rc && i < value.size; i++)
        if (value.data[i] != (uint8_t)rounds)
            rc = ERR_CORRUPT;
    if (rc)
        fail ("a reader", rc);
}

static void *reader (void *unused)
{
    (void)unused;
    while (!finished) {
        txn_t *txn;
        uint64_t used, map;
        int rc = store_begin (store, false, &txn);
        if (rc) {
            fail ("begin", rc);
            break;
        }
        look (txn);
        store_abort (&txn);
        store_usage (store, &used, &map);
        store_sweep_readers (store);
    }
    return NULL;
}

static int write_round (int round)
{
    static uint8_t bytes[3000];
    txn_t *txn;
    char key[32];
    int rc = store_begin (store, true, &txn);
    if (rc)
        return rc;
    memset (bytes, round + 1, sizeof bytes);
    for (int i = 0; i < VALUES && !rc; i++) {
        snprintf (key, sizeof key, "%03d.%03d", round, i);
        rc = node_put (txn, NODE_FOUND, slice_text (key), slice_of (bytes, sizeof bytes));
    }
    if (!rc)
        rc = node_put_uint (txn, "rounds", (uint64_t)round + 1);
    int committed = store_commit (&txn);
    return rc ? rc : committed;
}

int main (void)
{
    char dir[] = "/tmp/threads-store-XXXXXX";
    store_options_t options = {.map_size = 1 << 18, .no_sync = true};
    pthread_t threads[READERS];
    int grown = 0;
    if (!mkdtemp (dir) || store_open (dir, &options, &store))
        return 1;
    for (int i = 0; i < READERS; i++)
        pthread_create (&threads[i], NULL, reader, NULL);
    for (int round = 0; round < ROUNDS && !wrong;) {
        int rc = write_round (round);
        if (rc == ERR_MAP_FULL) {
            rc = store_grow (store);
            grown++;
        } else
            round++;
        if (rc)
            fail ("the writer", rc);
    }
    finished = 1;
    for (int i = 0; i < READERS; i++)
        pthread_join (threads[i], NULL);
    store_destroy (&store);
    char path[64];
    snprintf (path, sizeof path, "%s/data.mdb", dir);
    unlink (path);
    snprintf (path, sizeof path, "%s/lock.mdb", dir);
    unlink (path);
    rmdir (dir);
    if (grown < 3)
        fprintf (stderr, "the map grew only %d times\n", grown);
    return wrong || grown < 3;
}

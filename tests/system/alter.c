//  alter - writes into a node's database behind the node's back
//
//      alter DIR RESOURCE UUID set OLD NEW    bytes of the record, as many as before, with a right checksum
//      alter DIR RESOURCE UUID flip           one bit, so that the checksum is wrong
//      alter DIR RESOURCE UUID remove
//      alter DIR RESOURCE UUID copy UUID      a record that nobody wrote
//
//  Of a shared resource, or of a derived one: RESOURCE is then derived/NAME. It shares no code with the node: what it knows is what store/README.md says of the tables.

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define KEY_SIZE 20 // resource u32, uuid 16
#define SUM_SIZE 8

static void check (int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf (stderr, "alter: %s: %s\n", what, mdb_strerror (rc));
    exit (1);
}

static void uuid_read (const char *text, unsigned char uuid[16])
{
    for (int i = 0; i < 16; i++, text += 2) {
        unsigned int byte;
        if (*text == '-')
            text++;
        check (sscanf (text, "%2x", &byte) == 1 ? 0 : MDB_BAD_VALSIZE, "the uuid");
        uuid[i] = (unsigned char)byte;
    }
}

//  XXH3-64 of the rest, seeded with XXH3-64 of the key's bytes, big endian.
static void seal (const unsigned char *key, unsigned char *value, size_t size)
{
    XXH64_hash_t seed = XXH3_64bits (key, KEY_SIZE);
    XXH64_hash_t sum = XXH3_64bits_withSeed (value + SUM_SIZE, size - SUM_SIZE, seed);
    for (int i = 0; i < SUM_SIZE; i++)
        value[i] = (unsigned char)(sum >> (56 - 8 * i));
}

//  The first 4 bytes behind the checksum of the resource's entry are its number.
static void key_make (MDB_txn *txn, const char *resource, const char *uuid, unsigned char *key)
{
    MDB_dbi resources;
    char name[200];
    int size = snprintf (name, sizeof name, "r%s", resource);
    MDB_val k = {(size_t)size, name}, data;
    check (mdb_dbi_open (txn, "resources", 0, &resources), "the table resources");
    check (mdb_get (txn, resources, &k, &data), resource);
    memcpy (key, (const unsigned char *)data.mv_data + SUM_SIZE, 4);
    uuid_read (uuid, key + 4);
}

static void set (unsigned char *value, size_t size, const char *old, const char *new)
{
    unsigned char *found = memmem (value, size, old, strlen (old));
    check (found && strlen (old) == strlen (new) ? 0 : MDB_NOTFOUND, old);
    memcpy (found, new, strlen (new));
}

static void alter (MDB_txn *txn, char **words)
{
    unsigned char key[KEY_SIZE], other[KEY_SIZE], value[4096];
    MDB_dbi shared;
    MDB_val k = {KEY_SIZE, key}, data;
    const char *what = words[4];
    const char *resource = words[2], *table = "shared";
    if (strncmp (resource, "derived/", 8) == 0) {
        resource += 8;
        table = "derived";
    }
    key_make (txn, resource, words[3], key);
    check (mdb_dbi_open (txn, table, 0, &shared), table);
    check (mdb_get (txn, shared, &k, &data), words[3]);
    check (data.mv_size <= sizeof value ? 0 : MDB_BAD_VALSIZE, "the record");
    memcpy (value, data.mv_data, data.mv_size);
    data.mv_data = value;
    if (strcmp (what, "remove") == 0) {
        check (mdb_del (txn, shared, &k, NULL), what);
        return;
    }
    if (strcmp (what, "flip") == 0)
        value[data.mv_size - 1] ^= 1;
    else if (strcmp (what, "set") == 0) {
        set (value + SUM_SIZE, data.mv_size - SUM_SIZE, words[5], words[6]);
        seal (key, value, data.mv_size);
    } else {
        key_make (txn, resource, words[5], other);
        seal (other, value, data.mv_size);
        k.mv_data = other;
    }
    check (mdb_put (txn, shared, &k, &data, 0), what);
}

int main (int argc, char **argv)
{
    MDB_env *env;
    MDB_txn *txn;
    if (argc < 5) {
        fputs ("usage: alter DIR RESOURCE UUID set OLD NEW|flip|remove|copy UUID\n", stderr);
        return 2;
    }
    check (mdb_env_create (&env), "lmdb");
    check (mdb_env_set_maxdbs (env, 32), "lmdb");
    check (mdb_env_set_maxreaders (env, 512), "lmdb");
    check (mdb_env_open (env, argv[1], 0, 0600), argv[1]);
    check (mdb_txn_begin (env, NULL, 0, &txn), "a transaction");
    alter (txn, argv);
    check (mdb_txn_commit (txn), "the commit");
    mdb_env_close (env);
    return 0;
}

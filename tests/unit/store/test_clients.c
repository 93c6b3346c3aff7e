#include "tests/unit/store/kit.h"

//  A client whose uuid is its key's, admitted by client 1.
static client_t client_of_seed (uint8_t byte, const char *name)
{
    uint8_t seed[SEED_SIZE] = {byte};
    identity_t identity;
    is (keys_start (), 0);
    is (identity_from_seed (seed, &identity), 0);
    client_t client = {.uuid = identity.client, .key = identity.key, .admitted = stamp_n (5, 1)};
    memcpy (client.name, name, strlen (name));
    return client;
}

Test (clients, are_kept_walked_and_cleared)
{
    kit_t kit = kit_empty ();
    client_t one = client_of_seed (1, "Ada"), two = client_of_seed (2, "Bob"), found;
    uuid16_t nobody = client_n (3);
    if (uuid_compare (&one.uuid, &two.uuid) > 0) {
        found = one;
        one = two;
        two = found;
    }
    kit_begin (&kit);
    is (clients_put (kit.txn, &two), 0);
    is (clients_put (kit.txn, &one), 0);
    memcpy (one.name, "Eve", 4);
    is (clients_put (kit.txn, &one), 0);
    kit_again (&kit);
    is (clients_get (kit.txn, &one.uuid, &found), 0);
    cr_assert_str_eq (found.name, "Eve");
    is (clients_get (kit.txn, &nobody, &found), ERR_NOT_FOUND);
    is (clients_next (kit.txn, NULL, &found), 0);
    cr_assert (uuid_equal (&found.uuid, &one.uuid));
    is (clients_next (kit.txn, &one.uuid, &found), 0);
    cr_assert (uuid_equal (&found.uuid, &two.uuid));
    is (clients_next (kit.txn, &two.uuid, &found), ERR_NOT_FOUND);
    is (clients_clear (kit.txn), 0);
    is (clients_next (kit.txn, NULL, &found), ERR_NOT_FOUND);
    kit_destroy (&kit);
}

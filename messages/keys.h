//  keys - who a client is, and how it signs
//
//  A client is one Ed25519 key pair (RFC 8032). Its uuid is the first 16 bytes of BLAKE2b-256 (RFC 7693)
//  of its public key. Its CURVE key (ZeroMQ RFC 26) is the same key on the Montgomery curve
//  (libsodium's crypto_sign_ed25519_*_to_curve25519), so a peer that knows the one knows the other.
//  All pure: random bytes come from the caller.

#ifndef TIDEPOOL_KEYS_H
#define TIDEPOOL_KEYS_H

#include "messages/vector.h"

#define KEY_SIZE       32
#define SEED_SIZE      32
#define SIGNATURE_SIZE 64
#define Z85_KEY_SIZE   41 // 40 characters and a zero

typedef struct public_key {
    uint8_t bytes[KEY_SIZE];
} public_key_t;

typedef struct identity {
    uint8_t seed[SEED_SIZE]; // the secret: what identity.key in the data directory holds
    uint8_t secret[64];      // libsodium's expanded secret key
    public_key_t key;        // public, Ed25519
    uuid16_t client;         // of the public key
    public_key_t curve;      // public, X25519
    uint8_t curve_secret[32];
} identity_t;

//  Call once before anything else here; ERR_INTERNAL if libsodium does not start.
int keys_start (void);

int identity_from_seed (const uint8_t seed[SEED_SIZE], identity_t *ret_identity);

uuid16_t client_of_key (const public_key_t *key);

//  The X25519 key that belongs to an Ed25519 key; ERR_MALFORMED if it is not a point of the curve.
int curve_of_key (const public_key_t *key, public_key_t *ret_curve);

//  An X25519 pair from a 32-byte secret (of an invitation): the door knows an invited client by it.
//  libsodium's crypto_box_seed_keypair: the secret key is the first half of the SHA-512 of the secret.
void curve_of_secret (const uint8_t secret[32], public_key_t *ret_public, uint8_t ret_secret[32]);

void key_sign (const identity_t *identity, slice_t bytes, uint8_t ret_signature[SIGNATURE_SIZE]);
bool key_verify (const public_key_t *key, slice_t bytes, const uint8_t signature[SIGNATURE_SIZE]);

//  BLAKE2b-256 of the bytes; and its first 16 bytes as an identifier.
void hash_bytes (slice_t bytes, hash_t *ret_hash);
uuid16_t uuid_of_bytes (slice_t bytes);

//  ZeroMQ RFC 32 of 32 bytes, and back (ERR_MALFORMED).
void key_to_z85 (const public_key_t *key, char ret_text[Z85_KEY_SIZE]);
int key_from_z85 (slice_t text, public_key_t *ret_key);

#endif

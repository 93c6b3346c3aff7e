//  keys - signing, hashing and the texts of keys, all by libsodium but Z85

#include "messages/keys.h"

#include <assert.h>
#include <sodium.h>

#define Z85_BASE  85
#define Z85_BYTES 4 // 4 bytes are 5 characters
#define Z85_CHARS 5

static_assert (KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "an Ed25519 key");
static_assert (KEY_SIZE == crypto_box_PUBLICKEYBYTES, "an X25519 key");
static_assert (SEED_SIZE == crypto_sign_SEEDBYTES, "an Ed25519 seed");
static_assert (SEED_SIZE == crypto_box_SEEDBYTES, "an X25519 seed");
static_assert (SIGNATURE_SIZE == crypto_sign_BYTES, "an Ed25519 signature");
static_assert (HASH_SIZE == crypto_generichash_BYTES, "BLAKE2b-256");

int keys_start (void)
{
    return sodium_init () < 0 ? ERR_INTERNAL : 0;
}

int identity_from_seed (const uint8_t seed[SEED_SIZE], identity_t *ret_identity)
{
    identity_t identity;
    memcpy (identity.seed, seed, SEED_SIZE);
    int rc = crypto_sign_seed_keypair (identity.key.bytes, identity.secret, seed);
    if (rc == 0)
        rc = crypto_sign_ed25519_sk_to_curve25519 (identity.curve_secret, identity.secret);
    if (rc == 0)
        rc = crypto_sign_ed25519_pk_to_curve25519 (identity.curve.bytes, identity.key.bytes);
    if (rc == 0) {
        identity.client = client_of_key (&identity.key);
        *ret_identity = identity;
    }
    sodium_memzero (&identity, sizeof identity);
    return rc ? ERR_INTERNAL : 0;
}

uuid16_t client_of_key (const public_key_t *key)
{
    return uuid_of_bytes (slice_of (key->bytes, KEY_SIZE));
}

int curve_of_key (const public_key_t *key, public_key_t *ret_curve)
{
    public_key_t curve;
    if (crypto_sign_ed25519_pk_to_curve25519 (curve.bytes, key->bytes))
        return ERR_MALFORMED;
    *ret_curve = curve;
    return 0;
}

void curve_of_secret (const uint8_t secret[32], public_key_t *ret_public, uint8_t ret_secret[32])
{
    crypto_box_seed_keypair (ret_public->bytes, ret_secret, secret);
}

void key_sign (const identity_t *identity, slice_t bytes, uint8_t ret_signature[SIGNATURE_SIZE])
{
    crypto_sign_detached (ret_signature, NULL, bytes.data, bytes.size, identity->secret);
}

//  libsodium refuses keys of small order and signatures that are not in their one form.
bool key_verify (const public_key_t *key, slice_t bytes, const uint8_t signature[SIGNATURE_SIZE])
{
    return crypto_sign_verify_detached (signature, bytes.data, bytes.size, key->bytes) == 0;
}

void hash_bytes (slice_t bytes, hash_t *ret_hash)
{
    crypto_generichash (ret_hash->bytes, HASH_SIZE, bytes.data, bytes.size, NULL, 0);
}

uuid16_t uuid_of_bytes (slice_t bytes)
{
    hash_t hash;
    uuid16_t uuid;
    hash_bytes (bytes, &hash);
    memcpy (uuid.bytes, hash.bytes, sizeof uuid.bytes);
    return uuid;
}

//  ---- Z85 (ZeroMQ RFC 32): 4 bytes, big endian, as 5 digits of base 85

static const char z85_digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 ".-:+=^!/*?&<>()[]{}@%$#";

void key_to_z85 (const public_key_t *key, char ret_text[Z85_KEY_SIZE])
{
    char *at = ret_text;
    for (size_t i = 0; i < KEY_SIZE; i += Z85_BYTES) {
        const uint8_t *bytes = key->bytes + i;
        uint32_t number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                          (uint32_t)bytes[2] << 8 | bytes[3];
        for (int digit = Z85_CHARS - 1; digit >= 0; digit--) {
            at[digit] = z85_digits[number % Z85_BASE];
            number /= Z85_BASE;
        }
        at += Z85_CHARS;
    }
    *at = 0;
}

//  What a character is worth; Z85_BASE for one that is no digit.
static unsigned z85_value (uint8_t character)
{
    unsigned value = 0;
    while (value < Z85_BASE && (uint8_t)z85_digits[value] != character)
        value++;
    return value;
}

//  Five digits can say more than four bytes can hold: that is refused.
static int z85_number (const uint8_t *characters, uint32_t *ret_number)
{
    uint64_t number = 0;
    for (int i = 0; i < Z85_CHARS; i++) {
        unsigned value = z85_value (characters[i]);
        if (value == Z85_BASE)
            return ERR_MALFORMED;
        number = number * Z85_BASE + value;
    }
    if (number > UINT32_MAX)
        return ERR_MALFORMED;
    *ret_number = (uint32_t)number;
    return 0;
}

int key_from_z85 (slice_t text, public_key_t *ret_key)
{
    if (text.size != Z85_KEY_SIZE - 1)
        return ERR_MALFORMED;
    public_key_t key;
    for (size_t i = 0; i < KEY_SIZE / Z85_BYTES; i++) {
        uint32_t number;
        int rc = z85_number (text.data + i * Z85_CHARS, &number);
        if (rc)
            return rc;
        for (int byte = 0; byte < Z85_BYTES; byte++)
            key.bytes[i * Z85_BYTES + byte] = (uint8_t)(number >> (24 - 8 * byte));
    }
    *ret_key = key;
    return 0;
}

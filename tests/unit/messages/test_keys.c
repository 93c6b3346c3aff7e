//  Who a client is, and how it signs. The golden values are from the RFCs and from another
//  implementation.

#include <criterion/criterion.h>

#include "messages/error.h"
#include "messages/keys.h"
#include "tests/unit/messages/bytes.h"

//  RFC 8032, 7.1, test 1.
#define SEED   "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define SIGNATURE                                                                                  \
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"                             \
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"

static void start (void)
{
    cr_assert (keys_start () == 0);
    cr_assert (keys_start () == 0, "twice does no harm");
}

TestSuite (keys, .init = start);

static identity_t identity_of (const char *seed)
{
    identity_t identity;
    cr_assert (identity_from_seed (bytes_hex (seed).data, &identity) == 0);
    return identity;
}

static public_key_t key_of (const char *hex)
{
    public_key_t key;
    memcpy (key.bytes, bytes_hex (hex).data, KEY_SIZE);
    return key;
}

Test (keys, an_identity_comes_from_its_seed_alone)
{
    identity_t identity = identity_of (SEED);
    bytes_expect (slice_of (identity.seed, SEED_SIZE), SEED);
    bytes_expect (slice_of (identity.secret, 64), SEED PUBLIC);
    bytes_expect (slice_of (identity.key.bytes, KEY_SIZE), PUBLIC);
    bytes_expect (slice_of (identity.client.bytes, 16), "7849ac3049680be1ef762efe0d36e017");
    bytes_expect (slice_of (identity.curve.bytes, KEY_SIZE),
        "d85e07ec22b0ad881537c2f44d662d1a143cf830c57aca4305d85c7a90f6b62e");
    bytes_expect (slice_of (identity.curve_secret, 32),
        "307c83864f2833cb427a2ef1c00a013cfdff2768d980c0a3a520f006904de94f");
}

Test (keys, who_knows_a_clients_key_knows_its_name_and_its_curve_key)
{
    identity_t identity = identity_of (SEED);
    public_key_t key = key_of (PUBLIC), curve;
    uuid16_t client = client_of_key (&key);
    cr_expect (uuid_equal (&client, &identity.client));
    cr_assert (curve_of_key (&key, &curve) == 0);
    cr_expect (memcmp (curve.bytes, identity.curve.bytes, KEY_SIZE) == 0);
}

Test (keys, what_is_no_point_of_the_curve_is_refused)
{
    static const char *const keys[] = {
        "0000000000000000000000000000000000000000000000000000000000000000", // of small order
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0200000000000000000000000000000000000000000000000000000000000000", // no point
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        public_key_t key = key_of (keys[i]), curve = {{7}};
        cr_expect (curve_of_key (&key, &curve) == ERR_MALFORMED, "%s", keys[i]);
        cr_expect (curve.bytes[0] == 7);
    }
}

Test (keys, an_invitation_is_a_pair_of_its_secret)
{
    public_key_t public;
    uint8_t secret[32];
    curve_of_secret (
        bytes_hex ("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").data,
        &public, secret);
    bytes_expect (slice_of (public.bytes, KEY_SIZE),
        "4701d08488451f545a409fb58ae3e58581ca40ac3f7f114698cd71deac73ca01");
    bytes_expect (
        slice_of (secret, 32), "3d94eea49c580aef816935762be049559d6d1440dede12e6a125f1841fff8e6f");
}

Test (keys, a_signature_is_as_the_rfc_has_it)
{
    identity_t identity = identity_of (SEED);
    uint8_t signature[SIGNATURE_SIZE];
    key_sign (&identity, slice_of (NULL, 0), signature);
    bytes_expect (slice_of (signature, SIGNATURE_SIZE), SIGNATURE);
    cr_expect (key_verify (&identity.key, slice_of (NULL, 0), signature));
}

Test (keys, a_signature_holds_for_these_bytes_and_this_key_only)
{
    identity_t identity = identity_of (SEED);
    identity_t other =
        identity_of ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    uint8_t bytes[] = "tidepool batch 1 and what is in it";
    slice_t signed_bytes = slice_of (bytes, sizeof bytes);
    uint8_t signature[SIGNATURE_SIZE];
    key_sign (&identity, signed_bytes, signature);
    cr_expect (key_verify (&identity.key, signed_bytes, signature));
    cr_expect_not (key_verify (&other.key, signed_bytes, signature));
    cr_expect_not (key_verify (&identity.key, slice_of (bytes, sizeof bytes - 1), signature));
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_not (key_verify (&identity.key, signed_bytes, signature));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < SIGNATURE_SIZE * 8; bit++) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_not (key_verify (&identity.key, signed_bytes, signature));
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_expect (key_verify (&identity.key, signed_bytes, signature));
}

//  A key of small order would verify one signature for every message.
Test (keys, a_key_of_small_order_signs_nothing)
{
    public_key_t key = key_of ("0100000000000000000000000000000000000000000000000000000000000000");
    slice_t signature =
        bytes_hex ("0100000000000000000000000000000000000000000000000000000000000000"
                   "0000000000000000000000000000000000000000000000000000000000000000");
    cr_expect_not (key_verify (&key, slice_text ("anything"), signature.data));
}

Test (keys, a_hash_is_blake2b_of_256_bits)
{
    hash_t hash;
    hash_bytes (slice_of (NULL, 0), &hash);
    bytes_expect (slice_of (hash.bytes, HASH_SIZE),
        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    hash_bytes (slice_text ("abc"), &hash);
    bytes_expect (slice_of (hash.bytes, HASH_SIZE),
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    uuid16_t uuid = uuid_of_bytes (slice_text ("abc"));
    bytes_expect (slice_of (uuid.bytes, 16), "bddd813c634239723171ef3fee98579b");
}

//  ---- Z85

Test (keys, z85_is_as_zmq_writes_it)
{
    //  The public key of zmq_curve (7).
    public_key_t key = key_of ("bb88471d65e2659b30c55a5321cebb5aab2b70a398645c26dca2b2fcb43fc518");
    char text[Z85_KEY_SIZE];
    key_to_z85 (&key, text);
    cr_expect_str_eq (text, "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
    //  RFC 32's own example, four times.
    key = key_of ("864fd26fb559f75b864fd26fb559f75b864fd26fb559f75b864fd26fb559f75b");
    key_to_z85 (&key, text);
    cr_expect_str_eq (text, "HelloWorldHelloWorldHelloWorldHelloWorld");
    key = key_of ("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
    key_to_z85 (&key, text);
    cr_expect_str_eq (text, "%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0");
}

Test (keys, z85_leads_back_to_the_key)
{
    uint64_t state = 41;
    for (int round = 0; round < 2000; round++) {
        public_key_t key, again;
        char text[Z85_KEY_SIZE];
        for (int i = 0; i < KEY_SIZE; i++)
            key.bytes[i] = (uint8_t)number_next (&state);
        key_to_z85 (&key, text);
        cr_assert (key_from_z85 (bytes_copy (slice_text (text)), &again) == 0);
        cr_assert (memcmp (key.bytes, again.bytes, KEY_SIZE) == 0);
    }
}

Test (keys, what_is_no_z85_of_a_key_is_refused)
{
    static const char *const texts[] = {
        "",
        "Hello",
        "HelloWorldHelloWorldHelloWorldHelloWorl",
        "HelloWorldHelloWorldHelloWorldHelloWorldH",
        "HelloWorldHelloWorldHelloWorldHelloWorldHello",
        "HelloWorldHello WorldHelloWorldHelloWorl",
        "HelloWorldHelloWorldHelloWorldHelloWor\\d",
        "HelloWorldHelloWorldHelloWorldHelloWor\"d",
        "HelloWorldHelloWorldHelloWorldHelloWor,d",
        "HelloWorldHelloWorldHelloWorldHelloWor\xc3\xa9",
        "%nSc1WorldHelloWorldHelloWorldHelloWorld", // 2^32
        "#####HelloHelloWorldHelloWorldHelloWorld",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        public_key_t key = {{7}};
        cr_expect (key_from_z85 (bytes_copy (slice_text (texts[i])), &key) == ERR_MALFORMED, "%s",
            texts[i]);
        cr_expect (key.bytes[0] == 7);
    }
    //  A zero byte is found at the end of the table of digits, if one looks too far.
    slice_t zero = bytes_copy (slice_text ("HelloWorldHelloWorldHelloWorldHelloWorld"));
    ((uint8_t *)zero.data)[7] = 0;
    public_key_t key;
    cr_expect (key_from_z85 (zero, &key) == ERR_MALFORMED);
}

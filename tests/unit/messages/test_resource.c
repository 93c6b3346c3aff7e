//  Declarations.

#include <criterion/criterion.h>

#include "messages/error.h"
#include "messages/resource.h"
#include "tests/unit/messages/bytes.h"

//  As another implementation packs them.
#define LWW_WINS   "83 a46b696e64 a6736861726564 a463726474 a36c7777 a664656c657465 a477696e73"
#define LWW_LATEST "83 a46b696e64 a6736861726564 a463726474 a36c7777 a664656c657465 a66c6174657374"
#define GSET       "82 a46b696e64 a6736861726564 a463726474 a467736574"
#define OWNED      "81 a46b696e64 a56f776e6564"
#define LOCAL      "81 a46b696e64 a56c6f63616c"
#define FILES                                                                                      \
    "84 a46b696e64 a764657269766564 a466726f6d aa66696c655f7061746873 a36b6579 "                   \
    "aa636f6e74656e745f6964"                                                                       \
    " a46b656570 94 a473697a65 a96b696e643d6d696d65 ab70617468733d23726f7773"                      \
    " af636c69656e74733d236f776e657273"

static const char *const samples[] = {LWW_WINS, LWW_LATEST, GSET, OWNED, LOCAL, FILES};
#define SAMPLES (sizeof samples / sizeof samples[0])

static resource_t unpacked (const char *name, const char *hex)
{
    resource_t resource;
    const char *why = NULL;
    cursor_t cursor = cursor_over (bytes_hex (hex));
    int rc = resource_unpack (slice_text (name), &cursor, &resource, &why);
    cr_assert (rc == 0 && cursor_done (&cursor), "%s: %s", hex, why);
    return resource;
}

static int decode (slice_t bytes)
{
    resource_t resource, again;
    const char *why = NULL;
    cursor_t cursor = cursor_over (bytes);
    int rc = resource_unpack (slice_text ("name"), &cursor, &resource, &why);
    cr_assert ((rc == ERR_BAD_REQUEST) == (why != NULL));
    cr_assert (rc == 0 || cursor.at == bytes.data);
    if (rc == 0) {
        buffer_t out = {0};
        resource_pack (&resource, &out);
        cursor_t second = cursor_over (buffer_slice (&out));
        cr_assert (resource_unpack (slice_text ("name"), &second, &again, NULL) == 0);
        cr_assert (cursor_done (&second) && resource_equal (&resource, &again, NULL));
        buffer_release (&out);
    }
    return rc;
}

//  ---- the set a fresh node starts with

static const resource_t *default_named (const char *name)
{
    for (size_t i = 0; i < resource_default_count; i++)
        if (strcmp (resource_defaults[i].name, name) == 0)
            return &resource_defaults[i];
    return NULL;
}

Test (resource, a_fresh_node_knows_the_design_documents_set)
{
    static const struct {
        const char *name, *hex;
    } rows[] = {{"tags", LWW_WINS}, {"comments", LWW_WINS}, {"albums", LWW_WINS},
        {"jobs", LWW_WINS}, {"tags_on_files", LWW_WINS}, {"file_paths", OWNED}, {"files", FILES}};
    cr_expect (resource_default_count == sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const resource_t *resource = default_named (rows[i].name);
        cr_assert (resource, "%s", rows[i].name);
        buffer_t out = {0};
        resource_pack (resource, &out);
        bytes_expect (buffer_slice (&out), rows[i].hex);
        buffer_release (&out);
        resource_t again = unpacked (rows[i].name, rows[i].hex);
        cr_expect (resource_equal (resource, &again, NULL));
    }
}

//  ---- names

Test (resource, a_name_is_of_few_characters_and_not_reserved)
{
    static const struct {
        const char *name;
        bool valid;
    } rows[] = {
        {"a", true},
        {"_", true},
        {"tags_on_files", true},
        {"a9", true},
        {"clients_", true},
        {"client", true},
        {"", false},
        {"9a", false},
        {"Tags", false},
        {"a-b", false},
        {"a b", false},
        {"a/b", false},
        {"a.b", false},
        {"\xc3\xa9", false},
        {"clients", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect (resource_name_valid (bytes_copy (slice_text (rows[i].name))) == rows[i].valid,
            "%s", rows[i].name);
    cr_expect (resource_name_valid (bytes_repeat ('a', LIMIT_NAME_BYTES)));
    cr_expect_not (resource_name_valid (bytes_repeat ('a', LIMIT_NAME_BYTES + 1)));
    cr_expect_not (resource_name_valid (slice_of ("a\0b", 3)));
}

Test (resource, the_longest_name_fits)
{
    resource_t resource;
    cursor_t cursor = cursor_over (bytes_hex (OWNED));
    cr_assert (
        resource_unpack (bytes_repeat ('a', LIMIT_NAME_BYTES), &cursor, &resource, NULL) == 0);
    cr_expect (strlen (resource.name) == LIMIT_NAME_BYTES);
    cursor = cursor_over (bytes_hex (OWNED));
    cr_expect (
        resource_unpack (slice_text ("clients"), &cursor, &resource, NULL) == ERR_BAD_REQUEST);
}

//  ---- declarations

Test (resource, is_read_as_it_is_declared)
{
    resource_t resource = unpacked ("notes", LWW_LATEST);
    cr_expect_str_eq (resource.name, "notes");
    cr_expect (resource.kind == RESOURCE_SHARED && resource.rule.crdt == CRDT_LWW);
    cr_expect (resource.rule.delete_rule == DELETE_LATEST);
    resource = unpacked ("notes", GSET);
    cr_expect (resource.kind == RESOURCE_SHARED && resource.rule.crdt == CRDT_GSET);
    resource = unpacked ("notes", OWNED);
    cr_expect (resource.kind == RESOURCE_OWNED);
    resource = unpacked ("notes", LOCAL);
    cr_expect (resource.kind == RESOURCE_LOCAL);
    resource = unpacked ("notes", FILES);
    cr_expect (resource.kind == RESOURCE_DERIVED && resource.keep_count == 4);
    cr_expect_str_eq (resource.from, "file_paths");
    cr_expect_str_eq (resource.key, "content_id");
    cr_expect_str_eq (resource.keep[3], "clients=#owners");
    cr_expect_str_eq (resource_kind_name (resource.kind), "derived");
}

//  A declaration, and one that says all of it.
Test (resource, what_is_left_out_or_nil_is_the_default)
{
    static const struct {
        const char *brief, *full;
    } rows[] = {
        {"80", LWW_WINS},
        {"81 a46b696e64 c0", LWW_WINS},
        {"81 a46b696e64 a6736861726564", LWW_WINS},
        {"81 a463726474 a36c7777", LWW_WINS},
        {"81 a664656c657465 a66c6174657374", LWW_LATEST},
        {"81 a463726474 a467736574", GSET},
        {"82 a463726474 a467736574 a664656c657465 c0", GSET},
        {"84 a46b696e64 a56f776e6564 a463726474 c0 a466726f6d c0 a46b656570 c0", OWNED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        resource_t resource = unpacked ("notes", rows[i].brief);
        buffer_t out = {0};
        resource_pack (&resource, &out);
        bytes_expect (buffer_slice (&out), rows[i].full);
        buffer_release (&out);
    }
}

#define KIND       "a46b696e64"
#define DERIVED    "a764657269766564"
#define FROM_PATHS "a466726f6d aa66696c655f7061746873"
#define KEY_ID     "a36b6579 a26964"
#define KEEP       "a46b656570"

Test (resource, what_breaks_a_rule_is_refused_with_the_reason)
{
    static const struct {
        const char *why, *hex;
    } rows[] = {
        {"is a map", "c0"},
        {"is a map", "90"},
        {"is a map", "a6736861726564"},
        {"named by texts", "81 01 a6736861726564"},
        {"fields are", "81 a4636f6c72 a3726564"},     // colr
        {"fields are", "81 a44b696e64 a56f776e6564"}, // Kind
        {"twice", "82" KIND "a56f776e6564" KIND "a56f776e6564"},
        {"twice", "82" KIND "c0" KIND "a56f776e6564"},
        {"kind is", "81" KIND "a46d696e65"},
        {"kind is", "81" KIND "00"},
        {"kind is", "81" KIND "a0"},
        {"crdt is lww", "81 a463726474 a36d6178"},
        {"delete is wins", "81 a664656c657465 a56e65766572"},
        {"crdt is for shared", "82" KIND "a56f776e6564 a463726474 a36c7777"},
        {"delete is for shared lww", "82" KIND "a56f776e6564 a664656c657465 a477696e73"},
        {"delete is for shared lww", "82 a463726474 a467736574 a664656c657465 a477696e73"},
        {"for derived", "81" FROM_PATHS},
        {"for derived", "82" KIND "a56f776e6564" KEY_ID},
        {"for derived", "82" KIND "a56c6f63616c" KEEP "90"},
        {"crdt is for shared", "84" KIND DERIVED FROM_PATHS KEY_ID "a463726474 a36c7777"},
        {"from is", "82" KIND DERIVED KEY_ID},
        {"from is", "83" KIND DERIVED KEY_ID "a466726f6d a0"},
        {"from is", "83" KIND DERIVED KEY_ID "a466726f6d a142"},
        {"from is", "83" KIND DERIVED KEY_ID "a466726f6d 05"},
        {"from is", "83" KIND DERIVED KEY_ID "a466726f6d a7636c69656e7473"},
        {"from itself", "83" KIND DERIVED KEY_ID "a466726f6d a46e616d65"},
        {"key is", "82" KIND DERIVED FROM_PATHS},
        {"key is", "83" KIND DERIVED FROM_PATHS "a36b6579 a0"},
        {"key is", "83" KIND DERIVED FROM_PATHS "a36b6579 a3610062"},
        {"keep is a list", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "a161"},
        {"keep is a list", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "9101"},
        {"keep is a list", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "91a3610062"},
        {"an entry of keep", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "91a0"},
        {"an entry of keep", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "91a13d"},
        {"an entry of keep", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "91a2613d"},
        {"an entry of keep", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "91a23d61"},
        {"#rows or #owners", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "91a6613d23726f77"},
        {"an entry of keep", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "91a523726f7773"},
        {"one name twice", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "92a161a161"},
        {"one name twice", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "92a161a3613d62"},
        {"too many", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP
                     "dc0011 a161a162a163a164a165a166a167a168a169a16aa16ba16ca16da16ea16fa170a171"},
        {"not sound", "81" KIND "d40100"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        resource_t resource = {.kind = 77};
        const char *why = "nothing";
        cursor_t cursor = cursor_over (bytes_hex (rows[i].hex));
        int rc = resource_unpack (slice_text ("name"), &cursor, &resource, &why);
        cr_expect (rc == ERR_BAD_REQUEST && strstr (why, rows[i].why), "%s: %s", rows[i].hex, why);
        cr_expect (resource.kind == 77, "the output is untouched");
    }
}

Test (resource, an_enemy_gets_nowhere)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        slice_t bytes = bytes_hex (samples[i]);
        for (size_t size = 0; size < bytes.size; size++)
            cr_expect (decode (bytes_copy (slice_of (bytes.data, size))) == ERR_BAD_REQUEST);
        expect_mutations_survived (bytes, 20000, decode);
    }
    cr_expect (decode (bytes_hex ("dfffffffff a161")) == ERR_BAD_REQUEST);
}

//  ---- comparing

Test (resource, equal_means_equal_in_all_that_nodes_must_agree_on)
{
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t j = 0; j < SAMPLES; j++) {
            resource_t a = unpacked ("notes", samples[i]), b = unpacked ("notes", samples[j]);
            cr_expect (resource_equal (&a, &b, NULL) == (i == j), "%zu %zu", i, j);
        }
}

Test (resource, the_first_difference_is_named)
{
    resource_t wins = unpacked ("notes", LWW_WINS), latest = unpacked ("notes", LWW_LATEST);
    resource_t gset = unpacked ("notes", GSET), owned = unpacked ("notes", OWNED);
    resource_t files = unpacked ("notes", FILES), other = files;
    const char *difference = "none";
    cr_expect (resource_equal (&wins, &wins, &difference));
    cr_expect_str_eq (difference, "none");
    resource_equal (&wins, &owned, &difference);
    cr_expect_str_eq (difference, "kind");
    resource_equal (&latest, &gset, &difference);
    cr_expect_str_eq (difference, "crdt");
    resource_equal (&wins, &latest, &difference);
    cr_expect_str_eq (difference, "delete");
    other.from[0] = 'x';
    cr_expect_not (resource_equal (&files, &other, &difference));
    cr_expect_str_eq (difference, "from");
    other = files;
    other.key[0] = 'x';
    cr_expect_not (resource_equal (&files, &other, &difference));
    cr_expect_str_eq (difference, "key");
    other = files;
    other.keep[2][0] = 'x';
    cr_expect_not (resource_equal (&files, &other, &difference));
    cr_expect_str_eq (difference, "keep");
    other = files;
    other.keep_count = 3;
    cr_expect_not (resource_equal (&files, &other, &difference));
    cr_expect_not (resource_equal (&other, &files, &difference));
    other = files;
    other.name[0] = 'x';
    cr_expect_not (resource_equal (&files, &other, &difference));
    cr_expect_str_eq (difference, "name");
}

Test (resource, the_order_of_keep_is_no_difference)
{
    resource_t a = unpacked ("notes", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "92a161a3623d63");
    resource_t b = unpacked ("notes", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "92a3623d63a161");
    resource_t c = unpacked ("notes", "84" KIND DERIVED FROM_PATHS KEY_ID KEEP "92a3623d64a161");
    cr_expect (resource_equal (&a, &b, NULL));
    cr_expect_not (resource_equal (&a, &c, NULL));
}

//  How a node's configuration is read: strictly, with the key and the line of what is wrong

#include "actors/shell/config.h"
#include "actors/shell/home.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETS_MAX 8

static char dir[128];

static void make_dir (void)
{
    const char *temporary = getenv ("TMPDIR");
    snprintf (dir, sizeof dir, "%s/config-XXXXXX", temporary ? temporary : "/tmp");
    cr_assert (mkdtemp (dir));
    cr_assert (keys_start () == 0);
}

static void remove_dir (void)
{
    char command[160];
    snprintf (command, sizeof command, "rm -rf '%s'", dir);
    cr_assert (system (command) == 0);
}

static const char *write_file (const char *text)
{
    static char path[160];
    snprintf (path, sizeof path, "%s/node.zpl", dir);
    FILE *file = fopen (path, "w");
    cr_assert (file);
    fputs (text, file);
    fclose (file);
    return path;
}

static size_t count_sets (const char *const *sets)
{
    size_t count = 0;
    while (sets && sets[count])
        count++;
    return count;
}

static config_t accepted (const char *text, const char *const *sets)
{
    config_t config;
    why_t why = {""};
    int rc =
        config_read (dir, text ? write_file (text) : NULL, sets, count_sets (sets), &config, &why);
    cr_assert (rc == 0, "%s", why.text);
    return config;
}

//  What is said of it must hold `words`.
static void refused (const char *text, const char *const *sets, const char *words)
{
    config_t config;
    why_t why = {""};
    int rc =
        config_read (dir, text ? write_file (text) : NULL, sets, count_sets (sets), &config, &why);
    cr_assert (rc == ERR_BAD_CONFIGURATION, "%s was taken", text ? text : sets[0]);
    cr_assert (strstr (why.text, words), "\"%s\" does not say \"%s\"", why.text, words);
}

TestSuite (config, .init = make_dir, .fini = remove_dir);

Test (config, defaults_are_those_of_the_contract)
{
    config_t config = accepted (NULL, NULL);
    char api[160];
    snprintf (api, sizeof api, "ipc://%s/api.sock", dir);
    cr_expect_str_eq (config.api, api);
    cr_expect_str_eq (config.listen.items[0], "tcp://127.0.0.1:*");
    cr_expect (config.listen.count == 1 && config.advertise.count == 0 && !config.door[0]);
    cr_expect (config.max_drift_ms == 100 && config.stale_after_s == 2592000);
    cr_expect (config.ack_interval_s == 60 && config.ping_interval_s == 5);
    cr_expect (config.scrub_interval_s == 86400);
    cr_expect (config.max_value_bytes == 1048576 && config.changes_keep_s == 2592000);
    cr_expect (config.map_size_max == 0 && config.connect_count == 0 && config.allow_count == 0);
    cr_expect (config.name[0] != 0);
    config_release (&config);
}

Test (config, a_file_is_read)
{
    config_t config = accepted ("#   a comment\n"
                                "node\n"
                                "    name = \"anna # here\"\n"
                                "    listen = tcp://127.0.0.1:4000\n"
                                "    listen = \"ipc:///tmp/x\"\n"
                                "\n"
                                "    connect = \"00112233-4455-6677-8899-aabbccddeeff@tcp://h:1\"\n"
                                "    map_size_max = 2G\n"
                                "endpoints\n"
                                "resources\n"
                                "    photos\n"
                                "    tops\n"
                                "        kind = derived\n"
                                "        from = file_paths\n"
                                "        key = name\n"
                                "        keep = size\n"
                                "        keep = \"copies=#rows\"\n",
        NULL);
    cr_expect_str_eq (config.name, "anna # here");
    cr_expect (config.listen.count == 2);
    cr_expect_str_eq (config.listen.items[1], "ipc:///tmp/x");
    cr_expect (config.connect_count == 1 && config.connect[0].client.bytes[1] == 0x11);
    cr_expect_str_eq (config.connect[0].endpoint, "tcp://h:1");
    cr_expect (config.map_size_max == 2ull << 30);
    cr_assert (config.resource_count == 2);
    cr_expect (config.resources[0].kind == RESOURCE_SHARED);
    cr_expect (config.resources[1].kind == RESOURCE_DERIVED);
    cr_expect (config.resources[1].keep_count == 2);
    cr_expect_str_eq (config.resources[1].keep[1], "copies=#rows");
    config_release (&config);
}

Test (config, a_set_replaces_what_the_file_says)
{
    const char *const sets[] = {"node/name=bert=b", "node/listen=tcp://a:1", "node/name=carl",
        "node/listen=tcp://b:2", "resources/notes/delete=latest", NULL};
    config_t config = accepted ("node\n"
                                "    name = anna\n"
                                "    listen = tcp://c:3\n"
                                "    ping_interval_s = 9\n",
        sets);
    cr_expect_str_eq (config.name, "carl");
    cr_assert (config.listen.count == 2); // the first replaces all, the second adds
    cr_expect_str_eq (config.listen.items[0], "tcp://a:1");
    cr_expect_str_eq (config.listen.items[1], "tcp://b:2");
    cr_expect (config.ping_interval_s == 9);
    cr_assert (config.resource_count == 1);
    cr_expect (config.resources[0].rule.delete_rule == DELETE_LATEST);
    config_release (&config);
}

Test (config, what_is_wrong_is_named_with_its_line)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"node\n    lisen = x\n", "node/lisen (line 2)"},
        {"#\n\nnode\n    # remark\n    pin = 1\n", "node/pin (line 5)"},
        {"nodes\n", "nodes (line 1)"},
        {"other\n    name = x\n", "other/name (line 2)"},
        {"node\n    name = a\n    name = b\n", "node/name (line 3)"},
        {"node\n    ping_interval_s = 0\n", "a number from 1 to 3600"},
        {"node\n    ping_interval_s = 5s\n", "node/ping_interval_s (line 2)"},
        {"node\n    ping_interval_s = -1\n", "line 2"},
        {"node\n    max_value_bytes = 2M\n", "line 2"},
        {"node\n    map_size_max = 99999999T\n", "line 2"},
        {"node\n    name = \"\"\n", "line 2"},
        {"node\n    listen = udp://x:1\n", "tcp://HOST:PORT"},
        {"node\n    listen = tcp://x\n", "line 2"},
        {"node\n    listen = tcp://:1\n", "line 2"},
        {"node\n    listen = tcp://x:70000\n", "line 2"},
        {"node\n    listen = ipc://\n", "line 2"},
        {"node\n    advertise = tcp://x:*\n", "line 2"},
        {"node\n    connect = tcp://x:1\n", "CLIENT@ENDPOINT"},
        {"node\n    connect = 0011@tcp://x:1\n", "line 2"},
        {"endpoints\n    allow = abc\n", "Z85"},
        {"endpoints\n    api = tcp://127.0.0.1:1\n", "endpoints/allow"},
        {"node\n   name = a\n", "line 2"},
        {"node\n        name = a\n", "line 2"},
        {"node\n\tname = a\n", "line 2"},
        {"node\n    name = \"a\n", "quotes"},
        {"resources\n    Photos\n", "resources/Photos (line 2)"},
        {"resources\n    photos\n        color = red\n", "resources/photos/color (line 3)"},
        {"resources\n    photos\n        kind = round\n", "resources/photos/kind (line 3)"},
        {"resources\n    clients\n", "line 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused (cases[i].text, NULL, cases[i].words);
}

Test (config, wrong_sets_are_named)
{
    static const char *const cases[][2] = {{"node/nam=x", "--set node/nam"},
        {"node/name", "SECTION/KEY=VALUE"}, {"=x", "SECTION/KEY=VALUE"},
        {"node/door=x", "--set node/door"}, {"node/name=a\nb", "control"},
        {"resources/a/b/c=1", "resources/a/b/c"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const sets[] = {cases[i][0], NULL};
        refused (NULL, sets, cases[i][1]);
    }
}

Test (config, too_long_a_directory_wants_endpoints)
{
    char long_dir[100] = "/";
    config_t config;
    why_t why;
    memset (long_dir + 1, 'd', 95); // 96 bytes
    cr_expect (config_read (long_dir, NULL, NULL, 0, &config, &why) == ERR_BAD_CONFIGURATION);
    cr_expect (strstr (why.text, "endpoints/intake"), "%s", why.text);
    long_dir[95] = 0;
    cr_expect (config_read (long_dir, NULL, NULL, 0, &config, &why) == 0);
    config_release (&config);
}

Test (config, a_new_file_is_read_as_it_was_meant)
{
    static const char *const sets[] = {"node/name=a \"quoted\" name", "node/listen=tcp://x:1",
        "node/listen=tcp://y:2", "resources/photos/kind=shared", "resources/notes/kind=local",
        "resources/photos/delete=latest", "node/max_drift_ms=7"};
    const size_t count = sizeof sets / sizeof *sets;
    buffer_t text = {NULL, 0, 0};
    config_write (sets, count, &text);
    buffer_append (&text, "", 1);
    config_t config = accepted ((const char *)text.data, NULL);
    cr_expect_str_eq (config.name, "a \"quoted\" name");
    cr_expect (config.listen.count == 2 && config.max_drift_ms == 7);
    cr_assert (config.resource_count == 2);
    cr_expect_str_eq (config.resources[0].name, "photos");
    cr_expect (config.resources[0].rule.delete_rule == DELETE_LATEST);
    config_release (&config);
    text.size = 0;
    config_write (NULL, 0, &text); // every key is there, as a comment
    buffer_append (&text, "", 1);
    cr_expect (strstr ((const char *)text.data, "#    changes_keep_s = \"2592000\""));
    config = accepted ((const char *)text.data, NULL);
    config_release (&config);
    buffer_release (&text);
}

//  ---- the data directory

Test (config, a_home_is_made_once_and_kept_to_its_owner)
{
    char path[160], file[200];
    snprintf (path, sizeof path, "%s/home", dir);
    why_t why = {""};
    identity_t made, found;
    home_t home, second;
    struct stat status;
    cr_assert (home_create (path, NULL, 0, &made, &why) == 0, "%s", why.text);
    cr_expect (home_create (path, NULL, 0, NULL, &why) == ERR_EXISTS);
    cr_assert (home_open (path, &home, &why) == 0);
    cr_assert (home_identity (&home, &found, &why) == 0);
    cr_expect (memcmp (&made, &found, sizeof made) == 0);
    home_path (&home, "identity.key", file, sizeof file);
    cr_assert (stat (file, &status) == 0 && (status.st_mode & 0777) == 0600);
    cr_assert (stat (path, &status) == 0 && (status.st_mode & 0777) == 0700);

    cr_assert (home_lock (&home, &why) == 0);
    cr_assert (home_open (path, &second, &why) == 0);
    cr_expect (home_lock (&second, &why) == ERR_IN_USE);
    home_release (&home);
    cr_expect (home_lock (&second, &why) == 0);
    home_release (&second);

    cr_assert (chmod (file, 0640) == 0);
    cr_expect (home_identity (&home, &found, &why) == ERR_NOT_ALLOWED);
    cr_assert (chmod (path, 0750) == 0);
    cr_expect (home_open (path, &home, &why) == ERR_NOT_ALLOWED);
}

Test (config, nothing_is_made_of_a_wrong_configuration)
{
    char path[160];
    snprintf (path, sizeof path, "%s/home", dir);
    const char *const sets[] = {"node/nam=x"};
    why_t why;
    cr_expect (home_create (path, sets, 1, NULL, &why) == ERR_BAD_CONFIGURATION);
    cr_expect (access (path, F_OK) != 0);
    cr_expect (home_create ("/no/such/place", NULL, 0, NULL, &why) == ERR_SYSTEM);
}

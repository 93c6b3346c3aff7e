#include <criterion/criterion.h>

#include "tools/command/command.h"
#include "tools/command/json.h"
#include "tools/command/value.h"

#include <stdlib.h>

//  Reads a command line; what is said on standard error goes nowhere.
static int read_line (command_t *command, int count, const char *const *words)
{
    static char texts[16][64];
    static char *argv[17];
    for (int i = 0; i < count; i++) {
        snprintf (texts[i], sizeof texts[i], "%s", words[i]);
        argv[i] = texts[i];
    }
    argv[count] = NULL;
    cr_assert_not_null (freopen ("/dev/null", "w", stderr));
    unsetenv ("TIDEPOOL_DIR");
    return options_read (count, argv, command);
}

#define READ(command, ...)                                                                         \
    read_line (command, (int)(sizeof (const char *[]){__VA_ARGS__} / sizeof (char *)),             \
        (const char *const[]){__VA_ARGS__})

Test (options, stand_before_or_behind_the_command)
{
    command_t command;
    cr_assert_eq (
        READ (&command, "tidepool", "--json", "list", "tags", "-d", "/x", "--limit=5"), 0);
    cr_assert_str_eq (command.entry->name, "list");
    cr_assert_str_eq (command.dir, "/x");
    cr_assert (command.json);
    cr_assert_eq (command.word_count, 1);
    cr_assert_str_eq (command.words[0], "tags");
    cr_assert_str_eq (option_value (&command, OPTION_LIMIT), "5");
    options_release (&command);
}

Test (options, of_another_command_are_refused)
{
    command_t command;
    cr_assert_eq (READ (&command, "tidepool", "list", "tags", "--drop-rows"), EXIT_USAGE);
    options_release (&command);
}

Test (options, a_choice_is_checked)
{
    command_t command;
    cr_assert_eq (
        READ (&command, "tidepool", "create", "tags", "--on-conflict", "mer"), EXIT_USAGE);
    options_release (&command);
}

Test (options, that_repeat_keep_their_order)
{
    command_t command;
    size_t at = 0;
    cr_assert_eq (
        READ (&command, "tidepool", "ingest", "add", "--exclude", "a", "/f", "--exclude", "b"), 0);
    cr_assert_str_eq (option_next (&command, OPTION_EXCLUDE, &at), "a");
    cr_assert_str_eq (option_next (&command, OPTION_EXCLUDE, &at), "b");
    cr_assert_null (option_next (&command, OPTION_EXCLUDE, &at));
    options_release (&command);
}

Test (options, numbers_are_whole_and_fit)
{
    command_t command = {.err = show_of (stderr)};
    uint64_t number = 0;
    cr_assert_not_null (freopen ("/dev/null", "w", stderr));
    cr_assert_eq (word_number (&command, "18446744073709551615", &number), 0);
    cr_assert_eq (number, UINT64_MAX);
    static const char *const bad[] = {"", "-1", "1x", "18446744073709551616", "0x1", " 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq (word_number (&command, bad[i], &number), EXIT_USAGE, "%s", bad[i]);
}

//  The map that words make, as JSON; NULL where they are refused.
static void check_value (const char *word, const char *expected)
{
    command_t command = {.err = show_of (stderr)};
    char *words[] = {strdup (word)};
    buffer_t map = {NULL, 0, 0}, text = {NULL, 0, 0};
    cr_assert_not_null (freopen ("/dev/null", "w", stderr));
    int status = value_read (&command, words, 1, &map);
    cr_assert_eq (status, expected ? 0 : EXIT_USAGE, "%s", word);
    if (expected) {
        json_write_value (buffer_slice (&map), "", &text);
        cr_assert (slice_equal (buffer_slice (&text), slice_text (expected)), "%.*s",
            (int)text.size, (const char *)text.data);
    }
    buffer_release (&map);
    buffer_release (&text);
    free (words[0]);
}

Test (value, words_are_texts_or_json)
{
    check_value ("k=v", "{\"k\": \"v\"}");
    check_value ("k=", "{\"k\": \"\"}");
    check_value ("k=a=b", "{\"k\": \"a=b\"}");
    check_value ("k=5", "{\"k\": \"5\"}");
    check_value ("k:=5", "{\"k\": 5}");
    check_value ("k:=[1, {}]", "{\"k\": [1, {}]}");
    check_value ("a:b=c", "{\"a:b\": \"c\"}");
    check_value ("k:=v", NULL);
    check_value ("k:=", NULL);
    check_value ("kv", NULL);
    check_value ("=v", NULL);
    check_value (":=1", NULL);
}

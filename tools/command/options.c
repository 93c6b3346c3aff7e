//  options - reading the command line
//
//  All options of all commands are one table, so that each may stand before or behind the command; which of them a
//  command takes is checked when it is known.

#include "tools/command/command.h"

#include <getopt.h>
#include <stdlib.h>

#define ALWAYS (OPTION_BIT (DIR) | OPTION_BIT (JSON) | OPTION_BIT (HELP) | OPTION_BIT (VERSION))

typedef struct option_entry {
    char letter;
    const char *name;
    const char *value;
} option_entry_t;

static const option_entry_t entries[OPTION_COUNT] = {
#define X(NAME, letter, name, value, text) {letter, name, value},
    OPTION_LIST (X)
#undef X
};

//  ---- what was given

bool option_given (const command_t *self, int option)
{
    for (size_t i = 0; i < self->given_count; i++)
        if (self->given[i].option == option)
            return true;
    return false;
}

const char *option_next (const command_t *self, int option, size_t *at)
{
    while (*at < self->given_count) {
        const given_t *given = &self->given[(*at)++];
        if (given->option == option)
            return given->value;
    }
    return NULL;
}

const char *option_value (const command_t *self, int option)
{
    size_t at = 0;
    const char *value = NULL, *next;
    while ((next = option_next (self, option, &at)))
        value = next;
    return value;
}

//  ---- reading

//  Fills getopt's table; a long option's number is its place in ours, behind all letters.
static void table_fill (struct option *table, char *letters)
{
    *letters++ = ':';
    for (int i = 0; i < OPTION_COUNT; i++) {
        const option_entry_t *entry = &entries[i];
        table[i] = (struct option){
            entry->name, entry->value ? required_argument : no_argument, NULL, 256 + i};
        if (!entry->letter)
            continue;
        *letters++ = entry->letter;
        if (entry->value)
            *letters++ = ':';
    }
    *letters = 0;
}

static int option_of (int found)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (found == 256 + i || (found < 256 && entries[i].letter == found))
            return i;
    return -1;
}

static bool is_choice (const char *choices, const char *value)
{
    size_t size = strlen (value);
    for (const char *at = choices; at && size; at = strchr (at, '|'), at = at ? at + 1 : NULL)
        if (strncmp (at, value, size) == 0 && (at[size] == 0 || at[size] == '|'))
            return true;
    return false;
}

static int options_take (int argc, char **argv, command_t *self)
{
    struct option table[OPTION_COUNT + 1] = {{NULL, 0, NULL, 0}};
    char letters[2 * OPTION_COUNT + 2];
    table_fill (table, letters);
    opterr = 0;
    for (int found; (found = getopt_long (argc, argv, letters, table, NULL)) != -1;) {
        if (found == ':')
            return usage_fail (self, "%s wants a value", argv[optind - 1]);
        int option = found == '?' ? -1 : option_of (found);
        if (option < 0)
            return usage_fail (
                self, "%s: there is no such option, or more than one begins so", argv[optind - 1]);
        const char *choices = entries[option].value;
        if (choices && strchr (choices, '|') && !is_choice (choices, optarg))
            return usage_fail (self, "--%s is one of %s", entries[option].name, choices);
        self->given[self->given_count++] = (given_t){option, optarg};
    }
    return EXIT_DONE;
}

static int command_find (const char *name, command_t *self)
{
    for (size_t i = 0; i < command_entry_count; i++)
        if (strcmp (command_entries[i].name, name) == 0)
            self->entry = &command_entries[i];
    return self->entry ? EXIT_DONE : usage_fail (self, "there is no command %s", name);
}

static int command_check (const command_t *self)
{
    const command_entry_t *entry = self->entry;
    for (size_t i = 0; i < self->given_count; i++) {
        int option = self->given[i].option;
        if (!((entry->options | ALWAYS) >> option & 1))
            return usage_fail (self, "%s takes no --%s", entry->name, entries[option].name);
    }
    for (int i = 0; i < self->word_count; i++)
        if (!utf8_valid (slice_text (self->words[i])) && self->entry->run != command_init)
            return usage_fail (self, "what is written there is not UTF-8");
    if (self->word_count < entry->words_min)
        return usage_fail (self, "%s wants more", entry->name);
    if (self->word_count > entry->words_max)
        return usage_fail (self, "%s: what is %s?", entry->name, self->words[entry->words_max]);
    return EXIT_DONE;
}

int options_read (int argc, char **argv, command_t *self)
{
    *self = (command_t){.out = show_of (stdout), .err = show_of (stderr)};
    self->given = calloc ((size_t)argc + 1, sizeof *self->given);
    if (!self->given)
        abort ();
    int status = options_take (argc, argv, self);
    if (status)
        return status;
    const char *dir = option_value (self, OPTION_DIR);
    self->dir = dir ? dir : getenv ("TIDEPOOL_DIR");
    if (self->dir && !*self->dir)
        self->dir = NULL;
    self->json = option_given (self, OPTION_JSON);
    bool told = option_given (self, OPTION_HELP) || option_given (self, OPTION_VERSION);
    if (optind == argc)
        return told ? EXIT_DONE : usage_fail (self, "which command?");
    status = command_find (argv[optind], self);
    self->words = argv + optind + 1;
    self->word_count = argc - optind - 1;
    return status || told ? status : command_check (self);
}

void options_release (command_t *self)
{
    free (self->given);
    self->given = NULL;
}

//  ---- forms

int word_uuid (const command_t *self, const char *text, uuid16_t *ret_uuid)
{
    if (uuid_from_text (slice_text (text), ret_uuid) == 0)
        return EXIT_DONE;
    return usage_fail (self, "%s is not a uuid", text);
}

int word_number (const command_t *self, const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (number > (UINT64_MAX - digit) / 10)
            break;
        number = number * 10 + digit;
    }
    if (*at || at == text)
        return usage_fail (self, "%s is not a number", text);
    *ret_number = number;
    return EXIT_DONE;
}

//  The one list of errors.

#include <criterion/criterion.h>

#include "messages/error.h"

static const int codes[] = {
#define X(number, name, text) ERR_##name,
    ERROR_LIST (X)
#undef X
};
#define CODES (sizeof codes / sizeof codes[0])

Test (error, every_name_leads_back_to_its_code)
{
    for (size_t i = 0; i < CODES; i++)
        cr_expect (
            error_from_name (error_name (codes[i])) == codes[i], "%s", error_name (codes[i]));
    cr_expect (error_from_name ("OK") == 0);
    cr_expect_str_eq (error_name (0), "OK");
}

Test (error, codes_are_negative_and_each_is_there_once)
{
    for (size_t i = 0; i < CODES; i++) {
        cr_expect (codes[i] < 0);
        for (size_t j = 0; j < i; j++)
            cr_expect (
                codes[i] != codes[j], "%s and %s", error_name (codes[i]), error_name (codes[j]));
    }
}

Test (error, texts_are_sentences_without_their_full_stop)
{
    for (size_t i = 0; i < CODES; i++) {
        const char *text = error_text (codes[i]);
        cr_expect (strlen (text) > 5, "%s", error_name (codes[i]));
        cr_expect (text[strlen (text) - 1] != '.', "%s", error_name (codes[i]));
    }
    cr_expect_not_null (error_text (0));
}

Test (error, what_is_not_in_the_list_is_internal)
{
    cr_expect_str_eq (error_name (-12345), "INTERNAL");
    cr_expect_str_eq (error_name (1), "INTERNAL");
    cr_expect_str_eq (error_text (-12345), error_text (ERR_INTERNAL));
    cr_expect (error_from_name ("NO_SUCH_NAME") == ERR_INTERNAL);
    cr_expect (error_from_name ("") == ERR_INTERNAL);
    cr_expect (error_from_name (NULL) == ERR_INTERNAL);
}

//  What apps test for (contracts.md, "Requests").
Test (error, the_names_that_apps_rely_on_are_there)
{
    static const char *const names[] = {"BAD_REQUEST", "UNKNOWN_VERB", "UNKNOWN_RESOURCE",
        "NOT_FOUND", "EXISTS", "NOT_OWNER", "DERIVED", "GROW_ONLY", "CONFLICTING_DECLARATION",
        "TOO_LARGE", "BUSY", "CLOCK", "STORAGE_FULL", "INTERNAL"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_expect_str_eq (error_name (error_from_name (names[i])), names[i]);
}

//  error - names and texts of the one list in error.h

#include "messages/error.h"

#include <string.h>

static const struct {
    int code;
    const char *name;
    const char *text;
} errors[] = {
#define X(number, name, text) {ERR_##name, #name, text},
    ERROR_LIST (X)
#undef X
};

#define ERROR_COUNT (sizeof errors / sizeof errors[0])

const char *error_name (int error)
{
    if (error == 0)
        return "OK";
    for (size_t i = 0; i < ERROR_COUNT; i++)
        if (errors[i].code == error)
            return errors[i].name;
    return "INTERNAL";
}

const char *error_text (int error)
{
    if (error == 0)
        return "done";
    for (size_t i = 0; i < ERROR_COUNT; i++)
        if (errors[i].code == error)
            return errors[i].text;
    return error_text (ERR_INTERNAL);
}

int error_from_name (const char *name)
{
    if (name && strcmp (name, "OK") == 0)
        return 0;
    for (size_t i = 0; name && i < ERROR_COUNT; i++)
        if (strcmp (errors[i].name, name) == 0)
            return errors[i].code;
    return ERR_INTERNAL;
}

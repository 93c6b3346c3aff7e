#include <criterion/criterion.h>

#include "actors/scan/ignore.h"

typedef struct judged {
    const char *patterns;
    const char *path; // with a closing slash: a directory
    enum ignore_verdict verdict;
} judged_t;

#define SILENT IGNORE_SILENT
#define OUT    IGNORE_OUT
#define IN     IGNORE_IN

static const judged_t rules[] = {
    {"", "a", SILENT},
    {"# comment", "# comment", SILENT},
    {"\\# not", "# not", OUT},
    {"a", "a", OUT},
    {"a", "b/a", OUT},
    {"a", "ab", SILENT},
    {"/a", "a", OUT},
    {"/a", "b/a", SILENT},
    {"a/b", "a/b", OUT},
    {"a/b", "c/a/b", SILENT},
    {"a/", "a", SILENT},
    {"a/", "a/", OUT},
    {"a/", "b/a/", OUT},
    {"*.o", "src/x.o", OUT},
    {"*.o\n!keep.o", "keep.o", IN},
    {"!keep.o\n*.o", "keep.o", OUT},
    {"\\!x", "!x", OUT},
    {"src/*.c", "src/a.c", OUT},
    {"src/*.c", "src/b/a.c", SILENT},
    {"**/a", "a", OUT},
    {"**/a", "x/y/a", OUT},
    {"a/**", "a", SILENT},
    {"a/**", "a/b/c", OUT},
    {"a/**/b", "a/b", OUT},
    {"a/**/b", "a/x/y/b", OUT},
    {"a/**/b", "a/x/y/c", SILENT},
    {"a/**/b/**/c", "a/b/b/x/c", OUT},
    {"a**b", "axxb", OUT},
    {"a**b/c", "a/b/c", SILENT},
    {"a**/c", "ab/x/c", OUT}, // as git does, whatever its manual says
    {"a\\/b", "a/b", OUT},
    {"x[/a]b", "xab", OUT},
    {"x[/a]b", "x/b", SILENT},
    {"**/", "a/", OUT},
    {"/**", "a/b", OUT},
    {"?", "x", OUT},
    {"a?c/d", "a/c/d", SILENT},
    {"[a-c]", "b", OUT},
    {"[!a-c]", "b", SILENT},
    {"[^a-c]", "d", OUT},
    {"[]]", "]", OUT},
    {"[a-]", "-", OUT},
    {"[[:digit:]]x", "7x", OUT},
    {"[[:nonsense:]]x", "7x", SILENT},
    {"[a", "[a", SILENT},
    {"a\\*", "a*", OUT},
    {"a\\*", "ab", SILENT},
    {"trailing  ", "trailing", OUT},
    {"trailing\\ ", "trailing ", OUT},
    {"dos\r\nunix", "dos", OUT},
    {"/", "a/", SILENT},
    {"*", "a/b", OUT},
    {"a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", SILENT},
};

Test (ignore, patterns_judge_as_gitignore_does)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        ignore_t set = {.count = 0};
        ignore_parse (&set, slice_text (rules[i].patterns));
        slice_t path = slice_text (rules[i].path);
        bool is_dir = path.data[path.size - 1] == '/';
        path.size -= is_dir;
        cr_expect_eq (ignore_judge (&set, path, is_dir), rules[i].verdict, "'%s' on '%s'",
            rules[i].patterns, rules[i].path);
        ignore_release (&set);
    }
}

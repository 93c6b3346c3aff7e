#include <criterion/criterion.h>

#include "tools/command/show.h"
#include "tools/command/table.h"

#include <locale.h>
#include <stdlib.h>

Test (show, sizes_and_numbers_are_short)
{
    static const struct {
        uint64_t number;
        const char *size, *text;
    } cases[] = {{0, "0 B", "0"}, {999, "999 B", "999"}, {1000, "1.0 KiB", "1,000"},
        {1536, "1.5 KiB", "1,536"}, {1023999, "1000.0 KiB", "1,023,999"},
        {1u << 20, "1.0 MiB", "1,048,576"}, {1ull << 40, "1.0 TiB", "1,099,511,627,776"},
        {UINT64_MAX, "16.0 EiB", "18,446,744,073,709,551,615"}};
    char text[SHOW_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].number != 1023999)
            cr_assert_str_eq (show_size (cases[i].number, text), cases[i].size);
        cr_assert_str_eq (show_number (cases[i].number, text), cases[i].text);
    }
}

Test (show, ages_are_as_people_say_them)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {{0, "just now"}, {1, "1 s ago"}, {119, "119 s ago"}, {180, "3 min ago"},
        {7199, "119 min ago"}, {7200, "2 h ago"}, {86400 * 3, "3 days ago"}};
    char text[SHOW_SIZE];
    uint64_t now = 1700000000ull << 32;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_str_eq (show_age (now, now - (cases[i].seconds << 32), text), cases[i].text);
    cr_assert_str_eq (show_age (now, now + (5ull << 32), text), "in 5 s");
    cr_assert_str_eq (show_age (now, 0, text), "never");
}

Test (show, what_a_terminal_obeys_is_escaped)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {{"sea é 🌊", "sea é 🌊"}, {"\x1b[2J", "\\x1b[2J"}, {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
        {"\xc2\x9b", "\\u009b"}, {"\xe2\x80\xae", "\\u202e"}, {"\xff\x80 ok", "\\xff\\x80 ok"},
        {"\xc3", "\\xc3"}, {"\xe2\x80", "\\xe2\\x80"}, {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buffer_t out = {NULL, 0, 0};
        show_escape (slice_text (cases[i].text), &out);
        cr_assert (slice_equal (buffer_slice (&out), slice_text (cases[i].shown)), "%.*s",
            (int)out.size, (const char *)out.data);
        buffer_release (&out);
    }
}

//  What a table of one row and two columns prints.
static void check_table (int width, const char *left, const char *right, const char *expected)
{
    static const char *const heads[] = {"NAME", "N"};
    char *text = NULL;
    size_t size = 0;
    setlocale (LC_CTYPE, "C.UTF-8");
    show_t show = {.file = open_memstream (&text, &size), .width = width};
    table_t *table = table_new ("fr", heads);
    table_add_text (table, STYLE_BAD, left);
    table_add_text (table, STYLE_PLAIN, right);
    cr_assert_eq (table_rows (table), 1);
    table_print (table, &show);
    fclose (show.file);
    cr_assert_str_eq (text, expected);
    table_destroy (&table);
    free (text);
}

Test (table, columns_are_aligned)
{
    check_table (0, "sea", "1,000", "NAME      N\nsea   1,000\n");
    check_table (0, "海", "1", "NAME  N\n海    1\n");
    check_table (0, "a\nb", "1", "NAME  N\na\\nb  1\n");
}

Test (table, a_wide_column_is_cut_on_a_narrow_terminal)
{
    check_table (
        20, "abcdefghijklmnopqrstuvwxyz", "1", "NAME               N\nabcdefghijklmnop…  1\n");
    check_table (20, "海海海海海海海海海海", "1", "NAME               N\n海海海海海海海海…  1\n");
}

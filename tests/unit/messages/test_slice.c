//  Borrowed and owned bytes.

#include <criterion/criterion.h>
#include <signal.h>

#include "messages/slice.h"

Test (slice, order_is_that_of_bytes_and_a_prefix_comes_first)
{
    static const char *const ascending[] = {"", "A", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"};
    size_t count = sizeof ascending / sizeof ascending[0];
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int order = slice_compare (slice_text (ascending[i]), slice_text (ascending[j]));
            cr_expect ((order > 0) - (order < 0) == (i > j) - (i < j), "%zu %zu", i, j);
            cr_expect (
                slice_equal (slice_text (ascending[i]), slice_text (ascending[j])) == (i == j));
        }
}

Test (slice, of_nothing_is_empty)
{
    cr_expect (slice_text (NULL).size == 0);
    cr_expect (slice_equal (slice_of (NULL, 0), slice_text ("")));
    cr_expect (slice_compare (slice_of (NULL, 0), slice_text ("")) == 0);
}

Test (buffer, keeps_what_was_appended_while_it_grows)
{
    buffer_t buffer = {0};
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t byte = (uint8_t)(i * 7);
        buffer_append (&buffer, &byte, 1);
    }
    cr_assert (buffer.size == 100000 && buffer.capacity >= buffer.size);
    for (unsigned i = 0; i < 100000; i++)
        cr_assert (buffer.data[i] == (uint8_t)(i * 7));
    buffer_release (&buffer);
}

Test (buffer, appending_nothing_allocates_nothing)
{
    buffer_t buffer = {0};
    buffer_append (&buffer, NULL, 0);
    buffer_reserve (&buffer, 0);
    cr_expect (buffer.data == NULL && buffer.size == 0 && buffer.capacity == 0);
    buffer_release (&buffer);
}

Test (buffer, clear_keeps_the_memory_and_release_gives_it_back)
{
    buffer_t buffer = {0};
    buffer_append (&buffer, "abc", 3);
    uint8_t *data = buffer.data;
    buffer_clear (&buffer);
    cr_expect (buffer.size == 0 && buffer.data == data && buffer.capacity >= 3);
    buffer_append (&buffer, "xy", 2);
    cr_expect (slice_equal (buffer_slice (&buffer), slice_text ("xy")));
    buffer_release (&buffer);
    cr_expect (buffer.data == NULL && buffer.size == 0 && buffer.capacity == 0);
    buffer_release (&buffer);
}

Test (buffer, reserve_makes_room_once)
{
    buffer_t buffer = {0};
    buffer_reserve (&buffer, 5000);
    uint8_t *data = buffer.data;
    for (int i = 0; i < 5000; i++)
        buffer_append (&buffer, "x", 1);
    cr_expect (buffer.data == data);
    buffer_release (&buffer);
}

Test (buffer, a_size_that_cannot_be_aborts, .signal = SIGABRT)
{
    buffer_t buffer = {0};
    buffer_append (&buffer, "x", 1);
    buffer_reserve (&buffer, SIZE_MAX - 10);
}

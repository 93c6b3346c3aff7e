//  log - lines on standard error

#include "actors/shell/log.h"
#include "actors/shell/why.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_BYTES 1024

static bool log_journal;
static _Atomic int log_level = SAY_INFO;

static const struct {
    const char *name;
    const char *label;
    int syslog;
} levels[] = {
    [SAY_DEBUG] = {"debug", "DEBUG", 7},
    [SAY_INFO] = {"info", "INFO", 6},
    [SAY_WARNING] = {"warning", "WARNING", 4},
    [SAY_ERROR] = {"error", "ERROR", 3},
};

void log_start (void)
{
    log_journal = getenv ("JOURNAL_STREAM") != NULL;
}

void log_set_level (int level)
{
    atomic_store_explicit (&log_level, level, memory_order_relaxed);
}

int log_level_from_name (slice_t name)
{
    for (int level = SAY_DEBUG; level <= SAY_ERROR; level++)
        if (slice_equal (name, slice_text (levels[level].name)))
            return level;
    return -1;
}

//  C0 and DEL, and C1 as UTF-8 writes it (C2 80 to C2 9F).
static bool is_control (const uint8_t *at)
{
    return *at < 0x20 || *at == 0x7F || (*at == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F);
}

static size_t line_escape (char *line, size_t size, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (const uint8_t *at = (const uint8_t *)text; *at && size + 5 < LINE_BYTES; at++) {
        if (is_control (at)) {
            line[size++] = '\\';
            line[size++] = 'x';
            line[size++] = digits[*at >> 4];
            line[size++] = digits[*at & 15];
        } else
            line[size++] = (char)*at;
    }
    return size;
}

void log_line (int actor, int level, const char *text)
{
    if (level < atomic_load_explicit (&log_level, memory_order_relaxed))
        return;
    char line[LINE_BYTES];
    int head =
        log_journal
            ? snprintf (line, sizeof line, "<%d>%s: ", levels[level].syslog, actor_name (actor))
            : snprintf (line, sizeof line, "%s %s: ", levels[level].label, actor_name (actor));
    size_t size = line_escape (line, (size_t)head, text);
    line[size++] = '\n';
    //  There is nobody to tell that standard error takes nothing.
    ssize_t written = write (STDERR_FILENO, line, size);
    (void)written;
}

void log_printf (int actor, int level, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    log_line (actor, level, text);
}

int why_fail (why_t *self, int error, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (self->text, sizeof self->text, format, arguments);
    va_end (arguments);
    return error;
}

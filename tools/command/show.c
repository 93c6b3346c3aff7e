//  show - how what a node says looks to a person

#include "tools/command/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define MINUTE_S 60u
#define HOUR_S   3600u
#define DAY_S    86400u

//  ---- the terminal

show_t show_of (FILE *file)
{
    show_t self = {.file = file};
    struct winsize size;
    if (!isatty (fileno (file)))
        return self;
    const char *no_colour = getenv ("NO_COLOR");
    const char *term = getenv ("TERM");
    self.colour = !(no_colour && *no_colour) && term && strcmp (term, "dumb") != 0;
    if (ioctl (fileno (file), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        self.width = size.ws_col;
    return self;
}

const char *show_begin (const show_t *self, int style)
{
    static const char *const codes[] = {
        "", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
    return self->colour ? codes[style] : "";
}

const char *show_end (const show_t *self, int style)
{
    return self->colour && style != STYLE_PLAIN ? "\x1b[0m" : "";
}

//  ---- text

int32_t show_code_point (slice_t *text)
{
    size_t size = text->data[0] < 0x80   ? 1
                  : text->data[0] < 0xe0 ? 2
                  : text->data[0] < 0xf0 ? 3
                                         : 4;
    slice_t character = slice_of (text->data, size);
    if (size > text->size || !utf8_valid (character)) {
        *text = slice_of (text->data + 1, text->size - 1);
        return -1;
    }
    static const uint8_t first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    int32_t code_point = text->data[0] & first_bits[size];
    for (size_t i = 1; i < size; i++)
        code_point = code_point << 6 | (text->data[i] & 0x3f);
    *text = slice_of (text->data + size, text->size - size);
    return code_point;
}

bool show_is_unsafe (int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void show_escape (slice_t text, buffer_t *out)
{
    while (text.size) {
        slice_t before = text;
        char escape[16];
        int32_t c = show_code_point (&text);
        if (c >= 0 && !show_is_unsafe (c)) {
            buffer_append (out, before.data, before.size - text.size);
            continue;
        }
        if (c == '\n' || c == '\t' || c == '\r')
            snprintf (escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < 0x80)
            snprintf (escape, sizeof escape, "\\x%02x", before.data[0]);
        else
            snprintf (escape, sizeof escape, "\\u%04x", (unsigned)c);
        buffer_append (out, escape, strlen (escape));
    }
}

void show_text (const show_t *self, slice_t text)
{
    buffer_t safe = {NULL, 0, 0};
    show_escape (text, &safe);
    if (safe.size)
        fwrite (safe.data, 1, safe.size, self->file);
    buffer_release (&safe);
}

size_t show_columns (slice_t text)
{
    size_t columns = 0;
    while (text.size) {
        int32_t c = show_code_point (&text);
        int width = c < 0x80 ? 1 : wcwidth ((wchar_t)c);
        columns += width < 0 ? 1 : (size_t)width;
    }
    return columns;
}

//  ---- numbers

char *show_size (uint64_t bytes, char *ret_text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double amount = (double)bytes;
    size_t unit = 0;
    for (; amount >= 999.95 && unit + 1 < sizeof units / sizeof *units; unit++)
        amount /= 1024;
    snprintf (ret_text, SHOW_SIZE, unit ? "%.1f %s" : "%.0f %s", amount, units[unit]);
    return ret_text;
}

char *show_number (uint64_t number, char *ret_text)
{
    char digits[24];
    char *at = ret_text;
    int count = snprintf (digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = 0;
    return ret_text;
}

char *show_duration (uint64_t seconds, char *ret_text)
{
    if (seconds < 2 * MINUTE_S)
        snprintf (ret_text, SHOW_SIZE, "%" PRIu64 " s", seconds);
    else if (seconds < 2 * HOUR_S)
        snprintf (ret_text, SHOW_SIZE, "%" PRIu64 " min", seconds / MINUTE_S);
    else if (seconds < 2 * DAY_S)
        snprintf (ret_text, SHOW_SIZE, "%" PRIu64 " h", seconds / HOUR_S);
    else
        snprintf (ret_text, SHOW_SIZE, "%" PRIu64 " days", seconds / DAY_S);
    return ret_text;
}

char *show_age (uint64_t now, uint64_t time, char *ret_text)
{
    char duration[SHOW_SIZE];
    bool ahead = time > now;
    uint64_t seconds = (ahead ? time - now : now - time) >> 32;
    if (time == 0)
        snprintf (ret_text, SHOW_SIZE, "never");
    else if (seconds == 0)
        snprintf (ret_text, SHOW_SIZE, "just now");
    else
        snprintf (ret_text, SHOW_SIZE, ahead ? "in %.60s" : "%.60s ago",
            show_duration (seconds, duration));
    return ret_text;
}

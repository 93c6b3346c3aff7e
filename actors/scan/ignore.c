//  ignore - gitignore's patterns
//
//  A star remembers only its last place to go on from, and so do two stars, which is enough: an earlier one can always give
//  back what a later one takes, and no star reaches past a slash. git's own matcher (wildmatch) recurses at each
//  star, and takes exponential time for a*a*a*a*b. What it does where its manual is silent is done here too, since
//  tests/system/test_ignore.py asks git itself.

#include "actors/scan/ignore.h"

#include <stdlib.h>

static slice_t slice_cut (slice_t whole, size_t from, size_t to)
{
    return slice_of (whole.data + from, to - from);
}

//  ---- reading patterns

//  Without trailing spaces that no backslash protects, and without the carriage return of a DOS line.
static slice_t line_trim (slice_t line)
{
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    while (line.size && line.data[line.size - 1] == ' ') {
        size_t slashes = 0;
        while (slashes + 1 < line.size && line.data[line.size - 2 - slashes] == '\\')
            slashes++;
        if (slashes % 2)
            break;
        line.size--;
    }
    return line;
}

void ignore_add (ignore_t *self, slice_t line)
{
    ignore_rule_t rule = {0};
    slice_t pattern = line_trim (line);
    if (pattern.size == 0 || pattern.data[0] == '#')
        return;
    if (pattern.data[0] == '!') {
        rule.negated = true;
        pattern = slice_cut (pattern, 1, pattern.size);
    }
    if (pattern.size && pattern.data[pattern.size - 1] == '/') {
        rule.directories = true;
        pattern.size--;
    }
    if (pattern.size && memchr (pattern.data, '/', pattern.size))
        rule.anchored = true;
    if (pattern.size && pattern.data[0] == '/')
        pattern = slice_cut (pattern, 1, pattern.size);
    if (pattern.size == 0)
        return;

    rule.at = self->text.size;
    rule.size = pattern.size;
    buffer_append (&self->text, pattern.data, pattern.size);
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? 2 * self->capacity : 8;
        self->rules = realloc (self->rules, self->capacity * sizeof *self->rules);
        if (!self->rules)
            abort ();
    }
    self->rules[self->count++] = rule;
}

void ignore_parse (ignore_t *self, slice_t text)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    size_t at = text.size >= 3 && memcmp (text.data, mark, 3) == 0 ? 3 : 0;
    while (at < text.size) {
        const uint8_t *end = memchr (text.data + at, '\n', text.size - at);
        size_t stop = end ? (size_t)(end - text.data) : text.size;
        ignore_add (self, slice_cut (text, at, stop));
        at = stop + 1;
    }
}

void ignore_release (ignore_t *self)
{
    buffer_release (&self->text);
    free (self->rules);
    *self = (ignore_t){0};
}

//  ---- a character

//  ASCII only, whatever the locale; and git's idea of space, which is not that of C.
static bool is_in (const char *set, uint8_t c)
{
    return c && strchr (set, c);
}

static bool is_upper (uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower (uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alpha (uint8_t c)
{
    return is_upper (c) || is_lower (c);
}

static bool is_digit (uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum (uint8_t c)
{
    return is_alpha (c) || is_digit (c);
}

static bool is_blank (uint8_t c)
{
    return is_in (" \t", c);
}

static bool is_space (uint8_t c)
{
    return is_in (" \t\n\r", c);
}

static bool is_cntrl (uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

static bool is_print (uint8_t c)
{
    return c >= 0x20 && c <= 0x7e;
}

static bool is_graph (uint8_t c)
{
    return c > 0x20 && c <= 0x7e;
}

static bool is_punct (uint8_t c)
{
    return is_graph (c) && !is_alnum (c);
}

static bool is_xdigit (uint8_t c)
{
    return is_digit (c) || is_in ("abcdefABCDEF", c);
}

typedef struct named_class {
    const char *name;
    bool (*holds) (uint8_t c);
} named_class_t;

static const named_class_t named_classes[] = {{"alnum", is_alnum}, {"alpha", is_alpha},
    {"blank", is_blank}, {"cntrl", is_cntrl}, {"digit", is_digit}, {"graph", is_graph},
    {"lower", is_lower}, {"print", is_print}, {"punct", is_punct}, {"space", is_space},
    {"upper", is_upper}, {"xdigit", is_xdigit}};

//  [:name:] at pattern[at]; its size, or 0 where there is none. 1 for a name that nobody knows.
static size_t named_class (slice_t pattern, size_t at, uint8_t c, bool *holds)
{
    if (at + 1 >= pattern.size || pattern.data[at] != '[' || pattern.data[at + 1] != ':')
        return 0;
    size_t end = at + 2;
    while (end < pattern.size && pattern.data[end] != ']')
        end++;
    if (end == pattern.size || end < at + 3 || pattern.data[end - 1] != ':')
        return 0;
    slice_t name = slice_cut (pattern, at + 2, end - 1);
    for (size_t i = 0; i < sizeof named_classes / sizeof *named_classes; i++)
        if (slice_equal (name, slice_text (named_classes[i].name))) {
            *holds |= named_classes[i].holds (c);
            return end + 1 - at;
        }
    return 1;
}

//  The class that begins at pattern[0] == '['. Its size, or 0 where it never ends (and so matches nothing).
static size_t class_match (slice_t pattern, uint8_t c, bool *ret_match)
{
    size_t at = 1;
    bool match = false;
    bool inverted = at < pattern.size && (pattern.data[at] == '!' || pattern.data[at] == '^');
    at += inverted;
    for (size_t first = at; at < pattern.size && (pattern.data[at] != ']' || at == first);) {
        size_t named = named_class (pattern, at, c, &match);
        if (named == 1)
            return 0;
        if (named) {
            at += named;
            continue;
        }
        if (pattern.data[at] == '\\' && ++at == pattern.size)
            return 0;
        uint8_t low = pattern.data[at++];
        uint8_t high = low;
        if (at + 1 < pattern.size && pattern.data[at] == '-' && pattern.data[at + 1] != ']') {
            at++;
            if (pattern.data[at] == '\\' && ++at == pattern.size)
                return 0;
            high = pattern.data[at++];
        }
        match |= low <= c && c <= high;
    }
    if (at >= pattern.size)
        return 0;
    *ret_match = match != inverted;
    return at + 1;
}

//  Whether the pattern's next item, which is no star, takes this character; its size in the pattern, 0 if not. A
//  slash is taken by itself alone.
static size_t item_match (slice_t pattern, uint8_t c)
{
    bool match = false;
    size_t size = 1;
    switch (pattern.data[0]) {
    case '?': return c != '/';
    case '[': size = class_match (pattern, c, &match); return match && c != '/' ? size : 0;
    case '\\':
        if (pattern.size < 2)
            return 0;
        return pattern.data[1] == c ? 2 : 0;
    default: return pattern.data[0] == c;
    }
}

//  ---- a pattern

//  A place to go on from: the pattern there, and how much of the path it has still to match.
typedef struct retry {
    slice_t pattern;
    slice_t path; // data NULL: there is none
} retry_t;

typedef struct match {
    slice_t pattern; // what is left of both
    slice_t path;
    const uint8_t *first; // of the pattern
    retry_t star;
    retry_t stars;
} match_t;

static slice_t slice_past (slice_t whole, size_t size)
{
    return slice_cut (whole, size, whole.size);
}

//  Goes on behind the path's next slash. False where there is none.
static bool retry_behind_slash (retry_t *self)
{
    const uint8_t *slash = self->path.size ? memchr (self->path.data, '/', self->path.size) : NULL;
    if (slash == NULL)
        return false;
    self->path = slice_past (self->path, (size_t)(slash - self->path.data) + 1);
    return true;
}

//  Back to the last star, which takes one character more, or else to the last two, which take another part.
static bool match_retry (match_t *self)
{
    retry_t *from = NULL;
    if (self->star.path.data && self->star.path.size && self->star.path.data[0] != '/') {
        self->star.path = slice_past (self->star.path, 1);
        from = &self->star;
    } else if (self->stars.path.data && retry_behind_slash (&self->stars)) {
        self->star.path.data = NULL;
        from = &self->stars;
    }
    if (from == NULL)
        return false;
    self->pattern = from->pattern;
    self->path = from->path;
    return true;
}

//  The pattern is at its stars. False if that cannot match; *ret_all: whatever is left does.
static bool match_stars (match_t *self, bool *ret_all)
{
    slice_t rest = self->pattern;
    bool begins = rest.data == self->first || rest.data[-1] == '/';
    while (rest.size && rest.data[0] == '*')
        rest = slice_past (rest, 1);
    bool two = rest.data - self->pattern.data > 1;
    bool slash = rest.size && rest.data[0] == '/';
    bool escaped = rest.size > 1 && rest.data[0] == '\\' && rest.data[1] == '/';
    *ret_all = two && begins && rest.size == 0;
    if (!two || !begins || !(slash || escaped)) {
        self->star = (retry_t){rest, self->path};
        self->pattern = rest;
        return true;
    }
    //  The parts that they stand for may be none; git grants that to a plain slash only.
    self->star.path.data = NULL;
    self->stars = (retry_t){slice_past (rest, slash ? 1 : 2), self->path};
    if (escaped && !retry_behind_slash (&self->stars))
        return false;
    self->pattern = self->stars.pattern;
    self->path = self->stars.path;
    return true;
}

static bool glob_match (slice_t pattern, slice_t path)
{
    match_t self = {.pattern = pattern, .path = path, .first = pattern.data};
    for (;;) {
        bool all = false, fits;
        if (self.pattern.size && self.pattern.data[0] == '*')
            fits = match_stars (&self, &all);
        else if (self.pattern.size && self.path.size) {
            size_t size = item_match (self.pattern, self.path.data[0]);
            fits = size > 0;
            if (fits) {
                self.pattern = slice_past (self.pattern, size);
                self.path = slice_past (self.path, 1);
            }
        } else {
            fits = self.pattern.size == self.path.size;
            all = fits;
        }
        if (all)
            return true;
        if (!fits && !match_retry (&self))
            return false;
    }
}

//  As git does, what stands before the first special character is compared for itself. It can be seen: the stars of a**/b
//  are then at the beginning, and stand for parts.
static bool path_match (slice_t pattern, slice_t path)
{
    size_t plain = 0;
    while (plain < pattern.size && !is_in ("*?[\\", pattern.data[plain]))
        plain++;
    if (path.size < plain || memcmp (path.data, pattern.data, plain) != 0)
        return false;
    return glob_match (slice_past (pattern, plain), slice_past (path, plain));
}

enum ignore_verdict ignore_judge (const ignore_t *self, slice_t path, bool is_dir)
{
    size_t name_at = path.size;
    while (name_at && path.data[name_at - 1] != '/')
        name_at--;
    slice_t name = slice_cut (path, name_at, path.size);
    for (size_t i = self->count; i > 0; i--) {
        const ignore_rule_t *rule = &self->rules[i - 1];
        slice_t pattern = slice_of (self->text.data + rule->at, rule->size);
        if (rule->directories && !is_dir)
            continue;
        if (rule->anchored ? path_match (pattern, path) : glob_match (pattern, name))
            return rule->negated ? IGNORE_IN : IGNORE_OUT;
    }
    return IGNORE_SILENT;
}

//  ignore - gitignore's patterns
//
//  Pattern and path are compared part by part (between slashes), and within a part character by
//  character. At both levels a star remembers only its last place to go on from, which is enough, since an
//  earlier star can always give back what a later one takes. git's own matcher (wildmatch) recurses
//  at each star, and takes exponential time for a*a*a*a*b.

#include "actors/scan/ignore.h"

#include <ctype.h>
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

//  ---- one part against one name

typedef struct named_class {
    const char *name;
    int (*holds) (int c);
} named_class_t;

static const named_class_t named_classes[] = {{"alnum", isalnum}, {"alpha", isalpha},
    {"blank", isblank}, {"cntrl", iscntrl}, {"digit", isdigit}, {"graph", isgraph},
    {"lower", islower}, {"print", isprint}, {"punct", ispunct}, {"space", isspace},
    {"upper", isupper}, {"xdigit", isxdigit}};

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
            *holds |= named_classes[i].holds (c) != 0;
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

//  Whether the pattern's next item takes this character; its size in the pattern, 0 if not.
static size_t item_match (slice_t pattern, uint8_t c)
{
    bool match = false;
    size_t size = 1;
    switch (pattern.data[0]) {
    case '?': return 1;
    case '[': size = class_match (pattern, c, &match); return match ? size : 0;
    case '\\':
        if (pattern.size < 2)
            return 0;
        return pattern.data[1] == c ? 2 : 0;
    default: return pattern.data[0] == c ? 1 : 0;
    }
}

static bool part_match (slice_t pattern, slice_t name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, star_n = 0;
    while (n < name.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = ++p;
            star_n = n;
            continue;
        }
        size_t size =
            p < pattern.size ? item_match (slice_cut (pattern, p, pattern.size), name.data[n]) : 0;
        if (size) {
            p += size;
            n++;
        } else if (star != SIZE_MAX) {
            p = star;
            n = ++star_n;
        } else
            return false;
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

//  ---- parts against parts

//  Takes the part before the next slash. False at the end.
static bool part_next (slice_t *rest, slice_t *ret_part)
{
    if (rest->data == NULL)
        return false;
    const uint8_t *slash = rest->size ? memchr (rest->data, '/', rest->size) : NULL;
    size_t size = slash ? (size_t)(slash - rest->data) : rest->size;
    *ret_part = slice_of (rest->data, size);
    *rest = slash ? slice_cut (*rest, size + 1, rest->size) : slice_of (NULL, 0);
    return true;
}

static bool path_match (slice_t pattern, slice_t path)
{
    slice_t stars = {NULL, 0}, stars_path = {NULL, 0};
    bool starred = false;
    while (path.data) {
        slice_t part, name, path_rest = path, pattern_rest = pattern;
        bool more = part_next (&pattern_rest, &part);
        if (more && slice_equal (part, slice_text ("**"))) {
            if (pattern_rest.data == NULL)
                return true; // a/**: everything below, and there is something below
            starred = true;
            stars = pattern = pattern_rest;
            stars_path = path;
            continue;
        }
        part_next (&path_rest, &name);
        if (more && part_match (part, name)) {
            pattern = pattern_rest;
            path = path_rest;
        } else if (starred) {
            part_next (&stars_path, &name);
            pattern = stars;
            path = stars_path;
        } else
            return false;
        //  All of the pattern is used up and something of the path is left: go back, if there is a way.
        if (pattern.data == NULL && path.data && !starred)
            return false;
    }
    return pattern.data == NULL;
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
        if (rule->anchored ? path_match (pattern, path) : part_match (pattern, name))
            return rule->negated ? IGNORE_IN : IGNORE_OUT;
    }
    return IGNORE_SILENT;
}

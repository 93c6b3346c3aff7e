//  show - how what a node says looks to a person
//
//  What comes from a node was written by anybody in its pool: names, values, paths. A terminal obeys what it is
//  sent, so no control character and nothing that turns the direction of text is ever passed on as it is.

#ifndef TIDEPOOL_SHOW_H
#define TIDEPOOL_SHOW_H

#include "messages/timestamp.h"

#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_FAINT, STYLE_GOOD, STYLE_WARNING, STYLE_BAD };

typedef struct show {
    FILE *file;
    bool colour;
    int width; // columns of the terminal; 0: there is none, and nothing is cut
} show_t;

//  Colour only on a terminal, and neither with NO_COLOR (https://no-color.org) nor with TERM=dumb.
show_t show_of (FILE *file);

//  What begins and ends a style; empty texts without colour.
const char *show_begin (const show_t *self, int style);
const char *show_end (const show_t *self, int style);

//  Appends the text with all that a terminal could obey escaped: \n \t \r, \xNN (also for what is not UTF-8), \uNNNN.
void show_escape (slice_t text, buffer_t *out);

//  Prints it escaped.
void show_text (const show_t *self, slice_t text);

//  One code point from the text, stepped over; -1 for a byte that is not UTF-8 (then one byte is).
int32_t show_code_point (slice_t *text);

//  True for what show_escape and JSON escape.
bool show_is_unsafe (int32_t code_point);

//  Columns that a text takes on a terminal.
size_t show_columns (slice_t text);

//  ---- each writes into a text of at least SHOW_SIZE bytes and answers it

#define SHOW_SIZE 80

char *show_size (uint64_t bytes, char *ret_text);       // 999 B, 1.5 KiB
char *show_number (uint64_t number, char *ret_text);    // 1,234,567
char *show_duration (uint64_t seconds, char *ret_text); // 42 s, 3 min, 5 h, 2 days
char *show_age (uint64_t now, uint64_t time,
    char *ret_text); // NTP 32.32: just now, 3 min ago, in 5 s; 0: never

#endif

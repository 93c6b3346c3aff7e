//  table - rows and aligned columns

#include "tools/command/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#define GAP      2 // between columns
#define FLEX_MIN 8 // a column that is cut keeps this

typedef struct cell {
    int style;
    buffer_t text; // escaped
    size_t width;
} cell_t;

struct table {
    char *columns;
    size_t column_count;
    cell_t *heads; // NULL: no line of them
    cell_t *cells; // row by row
    size_t count;
    size_t capacity;
    size_t *widths;
};

static void *checked (void *memory)
{
    if (!memory)
        abort (); // as buffer_reserve
    return memory;
}

static void cell_set (cell_t *cell, int style, slice_t text)
{
    *cell = (cell_t){.style = style};
    show_escape (text, &cell->text);
    cell->width = show_columns (buffer_slice (&cell->text));
}

table_t *table_new (const char *columns, const char *const *heads)
{
    table_t *self = checked (calloc (1, sizeof *self));
    self->columns = checked (strdup (columns));
    self->column_count = strlen (columns);
    self->widths = checked (calloc (self->column_count, sizeof *self->widths));
    if (heads)
        self->heads = checked (calloc (self->column_count, sizeof *self->heads));
    for (size_t i = 0; heads && i < self->column_count; i++)
        cell_set (&self->heads[i], STYLE_FAINT, slice_text (heads[i]));
    return self;
}

void table_destroy (table_t **self_p)
{
    table_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        buffer_release (&self->cells[i].text);
    for (size_t i = 0; self->heads && i < self->column_count; i++)
        buffer_release (&self->heads[i].text);
    free (self->heads);
    free (self->cells);
    free (self->widths);
    free (self->columns);
    free (self);
    *self_p = NULL;
}

void table_add (table_t *self, int style, slice_t text)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? 2 * self->capacity : 64;
        self->cells = checked (realloc (self->cells, self->capacity * sizeof *self->cells));
    }
    cell_set (&self->cells[self->count++], style, text);
}

void table_add_text (table_t *self, int style, const char *text)
{
    table_add (self, style, slice_text (text));
}

void table_add_format (table_t *self, int style, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    table_add_text (self, style, text);
}

size_t table_rows (const table_t *self)
{
    return self->count / self->column_count;
}

//  ---- printing

static void measure (table_t *self)
{
    assert (self->column_count > 0);
    for (size_t i = 0; i < self->column_count; i++)
        self->widths[i] = self->heads ? self->heads[i].width : 0;
    for (size_t i = 0; i < self->count; i++) {
        size_t *width = &self->widths[i % self->column_count];
        if (self->cells[i].width > *width)
            *width = self->cells[i].width;
    }
}

//  Takes from the widest column that may be cut until all fit, or none is left.
static void fit (table_t *self, size_t terminal)
{
    size_t total = GAP * (self->column_count - 1);
    for (size_t i = 0; i < self->column_count; i++)
        total += self->widths[i];
    for (; total > terminal; total--) {
        size_t *widest = NULL;
        for (size_t i = 0; i < self->column_count; i++)
            if (self->columns[i] == 'f' && self->widths[i] > FLEX_MIN &&
                (!widest || self->widths[i] > *widest))
                widest = &self->widths[i];
        if (!widest)
            return;
        --*widest;
    }
}

static void pad (const show_t *show, size_t columns)
{
    fprintf (show->file, "%*s", (int)columns, "");
}

static void print_text (const show_t *show, slice_t text, size_t width, size_t room)
{
    if (width <= room) {
        fwrite (text.data, 1, text.size, show->file);
        return;
    }
    slice_t rest = text;
    size_t taken = 0, used = 0;
    while (rest.size) {
        slice_t before = rest;
        show_code_point (&rest);
        size_t columns = show_columns (slice_of (before.data, before.size - rest.size));
        if (used + columns + 1 > room)
            break;
        used += columns;
        taken = text.size - rest.size;
    }
    fwrite (text.data, 1, taken, show->file);
    fputs ("…", show->file);
    pad (show, room - used - 1);
}

static void print_cell (const table_t *self, const show_t *show, size_t column, const cell_t *cell)
{
    size_t room = self->widths[column];
    size_t width = cell->width < room ? cell->width : room;
    bool last = column + 1 == self->column_count;
    if (self->columns[column] == 'r')
        pad (show, room - width);
    fputs (show_begin (show, cell->style), show->file);
    if (cell->text.size)
        print_text (show, buffer_slice (&cell->text), cell->width, room);
    fputs (show_end (show, cell->style), show->file);
    if (last)
        fputc ('\n', show->file);
    else
        pad (show, (self->columns[column] == 'r' ? 0 : room - width) + GAP);
}

void table_print (table_t *self, const show_t *show)
{
    measure (self);
    if (show->width)
        fit (self, (size_t)show->width);
    for (size_t i = 0; self->heads && i < self->column_count; i++)
        print_cell (self, show, i, &self->heads[i]);
    size_t column = 0;
    for (size_t i = 0; i < self->count; i++) {
        print_cell (self, show, column, &self->cells[i]);
        column = column + 1 == self->column_count ? 0 : column + 1;
    }
}

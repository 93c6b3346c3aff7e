//  table - rows and aligned columns

#ifndef TIDEPOOL_TABLE_H
#define TIDEPOOL_TABLE_H

#include "tools/command/show.h"

typedef struct table table_t;

//  One letter in `columns` for each: l left, r right, f left and cut where the terminal is too narrow. `heads` may be NULL:
//  then there is no line of them.
table_t *table_new (const char *columns, const char *const *heads);
void table_destroy (table_t **self_p);

//  Adds the next cell. Texts are escaped here.
void table_add (table_t *self, int style, slice_t text);
void table_add_text (table_t *self, int style, const char *text);
void table_add_format (table_t *self, int style, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

size_t table_rows (const table_t *self);

void table_print (table_t *self, const show_t *show);

#endif

//  figure - what was measured: one value per run, by benchmark, row and column

#include "tools/bench/figure.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static figure_t *figure_of (figures_t *self, const figure_id_t *id)
{
    for (size_t i = 0; i < self->count; i++) {
        figure_t *figure = &self->items[i];
        if (strcmp (figure->bench, id->bench) == 0 && strcmp (figure->row, id->row) == 0 &&
            strcmp (figure->column, id->column) == 0)
            return figure;
    }
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 64;
        self->items = realloc (self->items, self->capacity * sizeof *self->items);
        if (!self->items)
            abort ();
    }
    figure_t *figure = &self->items[self->count++];
    *figure = (figure_t){.run_count = 0};
    snprintf (figure->bench, sizeof figure->bench, "%s", id->bench);
    snprintf (figure->row, sizeof figure->row, "%s", id->row);
    snprintf (figure->column, sizeof figure->column, "%s", id->column);
    snprintf (figure->unit, sizeof figure->unit, "%s", id->unit);
    snprintf (figure->limit, sizeof figure->limit, "%s", id->limit ? id->limit : "");
    return figure;
}

void figure_add (figures_t *self, const figure_id_t *id, double value)
{
    figure_t *figure = figure_of (self, id);
    assert (figure->run_count < FIGURE_RUNS_MAX);
    figure->runs[figure->run_count++] = value;
}

void figure_note (figures_t *self, const char *text)
{
    for (size_t i = 0; i < self->note_count; i++)
        if (strcmp (self->notes[i], text) == 0)
            return;
    self->notes = realloc (self->notes, (self->note_count + 1) * sizeof *self->notes);
    char *copy = strdup (text);
    if (!self->notes || !copy)
        abort ();
    self->notes[self->note_count++] = copy;
}

void figures_release (figures_t *self)
{
    for (size_t i = 0; i < self->note_count; i++)
        free (self->notes[i]);
    free (self->notes);
    free (self->items);
    *self = (figures_t){.count = 0};
}

//  ---- statistics

static int compare_doubles (const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double percentile (double *values, size_t count, double fraction)
{
    assert (count);
    qsort (values, count, sizeof *values, compare_doubles);
    size_t rank = (size_t)(fraction * (double)count);
    return values[rank < count ? rank : count - 1];
}

double figure_median (const figure_t *self)
{
    double runs[FIGURE_RUNS_MAX];
    size_t count = self->run_count;
    memcpy (runs, self->runs, sizeof runs);
    double upper = percentile (runs, count, 0.5);
    return count % 2 ? upper : (runs[count / 2 - 1] + upper) / 2;
}

bool figure_ratio (const figures_t *self, const figure_t *figure, double *ret_ratio)
{
    char name[sizeof figure->limit];
    for (size_t i = 0; figure->limit[0] && i < self->count; i++) {
        const figure_t *limit = &self->items[i];
        snprintf (name, sizeof name, "%s/%s/%s", limit->bench, limit->row, limit->column);
        if (strcmp (name, figure->limit) == 0 && figure_median (limit) > 0) {
            *ret_ratio = figure_median (figure) / figure_median (limit);
            return true;
        }
    }
    return false;
}

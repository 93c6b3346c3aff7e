//  figure - what was measured: one value per run, by benchmark, row and column
//
//  A figure's name is "benchmark/row/column". It may name the raw limit that it is to be compared with; the ratio is of the
//  medians, when all is measured.

#ifndef TIDEPOOL_FIGURE_H
#define TIDEPOOL_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define FIGURE_RUNS_MAX 32
#define FIGURE_PART_MAX 48

typedef struct figure {
    char bench[FIGURE_PART_MAX];
    char row[FIGURE_PART_MAX];
    char column[FIGURE_PART_MAX];
    char unit[16];
    char limit[3 * FIGURE_PART_MAX]; // another's name; empty: none
    double runs[FIGURE_RUNS_MAX];
    size_t run_count;
} figure_t;

typedef struct figures {
    figure_t *items;
    size_t count;
    size_t capacity;
    char **notes;
    size_t note_count;
} figures_t;

typedef struct figure_id {
    const char *bench;
    const char *row;
    const char *column;
    const char *unit;
    const char *limit; // NULL: none
} figure_id_t;

//  Adds one run's value.
void figure_add (figures_t *self, const figure_id_t *id, double value);

//  Adds a sentence to the report, once.
void figure_note (figures_t *self, const char *text);

double figure_median (const figure_t *self);

//  Of the median, to that of its limit; false if there is none.
bool figure_ratio (const figures_t *self, const figure_t *figure, double *ret_ratio);

void figures_release (figures_t *self);

//  ---- statistics

//  Sorts the values; fraction from 0 to 1, nearest rank.
double percentile (double *values, size_t count, double fraction);

//  ---- showing

typedef struct head { // what stands above the figures
    const char *version;
    char machine[512];
    char place[256]; // kind of file system
    char load[64];   // average at the start
    size_t repeat;
    size_t in_flight;
    bool quick;
    double seconds;
} head_t;

void report_table (const figures_t *self, const head_t *head, FILE *out);
void report_json (const figures_t *self, const head_t *head, FILE *out);

//  What a benchmark measures, for both; defined beside the table of them.
const char *bench_text (const char *name);

#endif

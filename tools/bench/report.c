//  report - the figures as tables, and as one JSON document

#include "tools/bench/figure.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16
#define CELL_MAX    64
#define ROW_WIDTH   26

//  ---- tables: one per benchmark, its rows and columns in the order in which they were first measured

static void number_text (double value, char *ret_text, size_t size)
{
    char digits[32];
    if (value < 100) {
        snprintf (ret_text, size, value < 1 ? "%.3f" : value < 10 ? "%.2f" : "%.1f", value);
        return;
    }
    int count = snprintf (digits, sizeof digits, "%.0f", value);
    size_t at = 0;
    for (int i = 0; i < count && at + 2 < size; i++) {
        if (i && (count - i) % 3 == 0)
            ret_text[at++] = ',';
        ret_text[at++] = digits[i];
    }
    ret_text[at] = 0;
}

//  "12,345 (0.62)": the median, and its share of the limit.
static void cell_text (
    const figures_t *self, const figure_t *figure, char ret_text[CELL_MAX], bool *ret_ratio)
{
    char number[32];
    double ratio;
    number_text (figure_median (figure), number, sizeof number);
    *ret_ratio = figure_ratio (self, figure, &ratio);
    if (*ret_ratio)
        snprintf (ret_text, CELL_MAX, "%s (%.2f)", number, ratio);
    else
        snprintf (ret_text, CELL_MAX, "%s", number);
}

typedef struct column {
    const char *name;
    const char *unit;
    size_t width;
} column_t;

static const figure_t *figure_at (
    const figures_t *self, const char *bench, const char *row, const char *column)
{
    for (size_t i = 0; i < self->count; i++) {
        const figure_t *figure = &self->items[i];
        if (strcmp (figure->bench, bench) == 0 && strcmp (figure->row, row) == 0 &&
            strcmp (figure->column, column) == 0)
            return figure;
    }
    return NULL;
}

static size_t columns_of (const figures_t *self, const char *bench, column_t *ret_columns)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++) {
        const figure_t *figure = &self->items[i];
        if (strcmp (figure->bench, bench) != 0)
            continue;
        size_t at = 0;
        while (at < count && strcmp (ret_columns[at].name, figure->column) != 0)
            at++;
        column_t *column = &ret_columns[at];
        if (at == count) {
            assert (count < COLUMNS_MAX);
            *column = (column_t){.name = figure->column, .unit = figure->unit};
            column->width = strlen (figure->column);
            if (strlen (figure->unit) > column->width)
                column->width = strlen (figure->unit);
            count++;
        }
        char text[CELL_MAX];
        bool ratio;
        cell_text (self, figure, text, &ratio);
        if (strlen (text) > column->width)
            column->width = strlen (text);
    }
    return count;
}

static void print_heads (const column_t *columns, size_t count, FILE *out)
{
    fprintf (out, "  %-*s", ROW_WIDTH, "");
    for (size_t i = 0; i < count; i++)
        fprintf (out, "  %*s", (int)columns[i].width, columns[i].name);
    fprintf (out, "\n  %-*s", ROW_WIDTH, "");
    for (size_t i = 0; i < count; i++)
        fprintf (out, "  %*s", (int)columns[i].width, columns[i].unit);
    fputc ('\n', out);
}

//  What the numbers in brackets are of. Of a limit's name ("raw_commits/100 a commit/operations") the row is left out: it is the
//  one that goes with the figure's.
static void limit_text (const figure_t *figure, char *ret_text, size_t size)
{
    const char *first = strchr (figure->limit, '/'), *last = strrchr (figure->limit, '/');
    assert (first && last);
    snprintf (ret_text, size, "n times the %s of %.*s", last + 1, (int)(first - figure->limit),
        figure->limit);
}

static void print_limits (const figures_t *self, const char *bench, FILE *out)
{
    char said[2 * COLUMNS_MAX][2 * FIGURE_PART_MAX];
    size_t count = 0;
    for (size_t i = 0; i < self->count && count < 2 * COLUMNS_MAX; i++) {
        const figure_t *figure = &self->items[i];
        double ratio;
        if (strcmp (figure->bench, bench) != 0 || !figure_ratio (self, figure, &ratio))
            continue;
        limit_text (figure, said[count], sizeof *said);
        size_t at = 0;
        while (strcmp (said[at], said[count]) != 0)
            at++;
        if (at == count) {
            fprintf (out, "  %s (n): %s\n", figure->column, said[count]);
            count++;
        }
    }
}

static void print_bench (const figures_t *self, const char *bench, FILE *out)
{
    column_t columns[COLUMNS_MAX];
    size_t count = columns_of (self, bench, columns);
    fprintf (out, "\n%s: %s\n", bench, bench_text (bench));
    print_heads (columns, count, out);
    const char *last = "";
    for (size_t i = 0; i < self->count; i++) {
        const char *row = self->items[i].row;
        if (strcmp (self->items[i].bench, bench) != 0 || strcmp (row, last) == 0)
            continue;
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen =
                strcmp (self->items[k].bench, bench) == 0 && strcmp (self->items[k].row, row) == 0;
        if (seen)
            continue;
        last = row;
        fprintf (out, "  %-*s", ROW_WIDTH, row);
        for (size_t k = 0; k < count; k++) {
            const figure_t *figure = figure_at (self, bench, row, columns[k].name);
            char text[CELL_MAX] = "";
            bool ratio;
            if (figure)
                cell_text (self, figure, text, &ratio);
            fprintf (out, "  %*s", (int)columns[k].width, text);
        }
        fputc ('\n', out);
    }
    print_limits (self, bench, out);
}

void report_table (const figures_t *self, const head_t *head, FILE *out)
{
    fprintf (out, "tidepool-bench %s%s\n", head->version, head->quick ? ", --quick" : "");
    fprintf (out, "  machine   %s\n  files on  %s\n  load      %s when it began\n", head->machine,
        head->place, head->load);
    fprintf (out,
        "  medians of %zu, in %.0f s; %zu requests in flight; everything durable (LMDB syncs each"
        " commit), peers over CURVE\n",
        head->repeat, head->seconds, head->in_flight);
    for (int memory = 0; memory < 2; memory++) // last
        for (size_t i = 0; i < self->count; i++) {
            const char *bench = self->items[i].bench;
            bool seen = (strcmp (bench, "memory") == 0) != memory;
            for (size_t k = 0; k < i && !seen; k++)
                seen = strcmp (self->items[k].bench, bench) == 0;
            if (!seen)
                print_bench (self, bench, out);
        }
    if (self->note_count)
        fputc ('\n', out);
    for (size_t i = 0; i < self->note_count; i++)
        fprintf (out, "Note: %s\n", self->notes[i]);
}

//  ---- JSON (RFC 8259)

static void json_text (const char *text, FILE *out)
{
    fputc ('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf (out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf (out, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fputc (*text, out);
    }
    fputc ('"', out);
}

static void json_member (const char *name, const char *text, FILE *out)
{
    json_text (name, out);
    fputs (": ", out);
    json_text (text, out);
    fputs (", ", out);
}

static void json_figure (const figures_t *self, const figure_t *figure, FILE *out)
{
    double ratio;
    fputs ("\n    {", out);
    json_member ("bench", figure->bench, out);
    json_member ("row", figure->row, out);
    json_member ("column", figure->column, out);
    json_member ("unit", figure->unit, out);
    fprintf (out, "\"median\": %.6g, \"runs\": [", figure_median (figure));
    for (size_t i = 0; i < figure->run_count; i++)
        fprintf (out, "%s%.6g", i ? ", " : "", figure->runs[i]);
    fputs ("], ", out);
    if (figure_ratio (self, figure, &ratio)) {
        json_member ("limit", figure->limit, out);
        fprintf (out, "\"ratio\": %.4g}", ratio);
    } else
        fputs ("\"limit\": null, \"ratio\": null}", out);
}

void report_json (const figures_t *self, const head_t *head, FILE *out)
{
    fputs ("{\n  ", out);
    json_member ("version", head->version, out);
    json_member ("machine", head->machine, out);
    json_member ("file_system", head->place, out);
    json_member ("load", head->load, out);
    fprintf (out, "\"quick\": %s, \"repeat\": %zu, \"in_flight\": %zu, \"seconds\": %.3f,\n",
        head->quick ? "true" : "false", head->repeat, head->in_flight, head->seconds);
    fputs ("  \"figures\": [", out);
    for (size_t i = 0; i < self->count; i++) {
        json_figure (self, &self->items[i], out);
        fputs (i + 1 < self->count ? "," : "\n  ", out);
    }
    fputs ("],\n  \"notes\": [", out);
    for (size_t i = 0; i < self->note_count; i++) {
        fputs (i ? ", " : "", out);
        json_text (self->notes[i], out);
    }
    fputs ("]\n}\n", out);
}

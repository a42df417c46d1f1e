#include "report/document.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/visible.h"
#include "report/phrases.h"

#define LINE_BYTES ((size_t)1 << 20)
#define NO_BREAK   "\xc2\xa0"

void document_init(struct document *d, struct arena *a)
{
    *d = (struct document){.arena = a};
    buf_init(&d->line, LINE_BYTES);
}

void document_fini(struct document *d)
{
    buf_fini(&d->line);
}

/* NULL: no memory. */
static struct document_block *append(struct document *d, enum document_kind kind)
{
    struct document_block *b = arena_alloc(d->arena, 1, sizeof *b);
    if (b == NULL)
        return NULL;
    *b = (struct document_block){.kind = kind};
    if (d->last != NULL)
        d->last->next = b;
    else
        d->blocks = b;
    d->last = b;
    return b;
}

static struct document_block *append_behind_gap(struct document *d,
                                                enum document_kind kind)
{
    struct document_block *b = append(d, kind);
    if (b != NULL)
        b->has_gap = d->has_gap;
    d->has_gap = false;
    return b;
}

static bool is_of_page(enum document_kind kind)
{
    return kind >= DOCUMENT_CHART;
}

bool document_is_of_page(const struct document_block *b)
{
    return is_of_page(b->kind);
}

/* A block, behind the heading that waits for one; those of the page have titles of their
 * own, and the heading goes on waiting. */
static struct document_block *add_block(struct document *d, enum document_kind kind)
{
    const char *heading = d->heading;
    struct document_block *b;
    if (is_of_page(kind))
        return append(d, kind);
    d->heading = NULL;
    if (heading != NULL) {
        if ((b = append_behind_gap(d, DOCUMENT_HEADING)) == NULL)
            return NULL;
        b->text = heading;
    }
    return append_behind_gap(d, kind);
}

void document_heading(struct document *d, const char *text)
{
    d->heading = arena_strdup(d->arena, phrases_in(d->lang, text));
}

void document_add(struct document *d, enum document_kind kind, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct document_block *b = add_block(d, kind);
    if (b != NULL)
        b->text = arena_text_args(d->arena, phrases_in(d->lang, fmt), args);
    va_end(args);
}

void document_end(struct document *d, enum document_kind kind)
{
    if (d->line.len == 0) /* also where it has failed, and stays so */
        return;
    struct document_block *b = add_block(d, kind);
    if (b != NULL)
        b->text = arena_strdup(d->arena, buf_cstr(&d->line));
    buf_clear(&d->line);
}

void document_keep(struct document *d, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == ' ')
            buf_text(&d->line, NO_BREAK);
        else
            buf_char(&d->line, *text);
}

void document_gap(struct document *d)
{
    d->has_gap = true;
}

void document_plot(struct document *d, const char *title, const char *path)
{
    struct document_block *b = add_block(d, DOCUMENT_PLOT);
    if (b == NULL)
        return;
    b->text = arena_strdup(d->arena, title);
    b->path = arena_strdup(d->arena, path);
}

void document_chart(struct document *d, const struct plot *plot)
{
    struct document_block *b = add_block(d, DOCUMENT_CHART);
    if (b == NULL)
        return;
    b->text = arena_strdup(d->arena, phrases_in(d->lang, plot->title));
    b->plot = plot;
}

void document_rows(struct document *d, const char *title,
                   const struct analysis_rows *rows)
{
    struct document_block *b = add_block(d, DOCUMENT_ROWS);
    if (b == NULL)
        return;
    b->text = arena_strdup(d->arena, phrases_in(d->lang, title));
    b->rows = rows;
}

/* --- tables --- */

static struct document_table *add_table(struct document *d, enum document_kind kind,
                                        const struct document_column *columns,
                                        size_t count)
{
    struct document_block *b = add_block(d, kind);
    if (b == NULL || (b->table = arena_alloc(d->arena, 1, sizeof *b->table)) == NULL)
        return NULL;
    *b->table = (struct document_table){.columns = columns, .column_count = count};
    return b->table;
}

struct document_table *document_table(struct document *d,
                                      const struct document_column *columns, size_t count)
{
    return add_table(d, DOCUMENT_TABLE, columns, count);
}

struct document_table *document_page_table(struct document *d, const char *title,
                                           const struct document_column *columns,
                                           size_t count)
{
    struct document_table *t = add_table(d, DOCUMENT_PAGE_TABLE, columns, count);
    if (t != NULL)
        d->last->text = arena_strdup(d->arena, phrases_in(d->lang, title));
    return t;
}

struct document_cell *document_row(struct document *d, struct document_table *t,
                                   const char *group)
{
    struct document_row *row = t != NULL ? arena_alloc(d->arena, 1, sizeof *row) : NULL;
    struct document_cell *cells =
        row != NULL ? arena_alloc(d->arena, t->column_count, sizeof *cells) : NULL;
    if (cells == NULL)
        return d->spare;
    *row = (struct document_row){.group = arena_strdup(d->arena, group), .cells = cells};
    for (size_t i = 0; i < t->column_count; i++)
        cells[i] = document_of_text("");
    if (t->last != NULL)
        t->last->next = row;
    else
        t->rows = row;
    t->last = row;
    return cells;
}

void document_note(struct document *d, struct document_table *t, const char *note)
{
    if (t != NULL && t->last != NULL)
        t->last->note = arena_strdup(d->arena, note);
}

struct document_cell document_of_text(const char *text)
{
    return (struct document_cell){.text = text, .value = NAN, .low = NAN, .high = NAN};
}

struct document_cell document_of_value(double value)
{
    return (struct document_cell){.value = value, .low = NAN, .high = NAN};
}

struct document_cell document_of_spread(const struct spread *s)
{
    return (struct document_cell){
        .value = s->mean, .low = s->ci95_low, .high = s->ci95_high};
}

struct document_cell document_of_ratio(const struct match_ratio *r)
{
    return (struct document_cell){.value = r->ratio, .low = r->low, .high = r->high};
}

/* "0.69..0.73"; "" where it is not known. */
static void interval_text(const struct document_cell *cell, char out[FIGURE_BYTES])
{
    char low[FIGURE_BYTES], high[FIGURE_BYTES];
    int digits = cell->high < 0.1 ? 2 : 3; /* as many columns */
    figure_digits(cell->low, digits, low);
    figure_digits(cell->high, digits, high);
    snprintf(out, FIGURE_BYTES, "%.20s..%.20s", low, high);
    if (isnan(cell->low) || isnan(cell->high))
        out[0] = '\0';
}

const char *document_cell_text(const struct document_column *c,
                               const struct document_cell *cell, char out[FIGURE_BYTES])
{
    if (cell->text != NULL)
        return cell->text;
    switch (c->type) {
    case DOCUMENT_PERCENT: figure_percent(cell->value, out); break;
    case DOCUMENT_RATIO: figure_ratio(cell->value, out); break;
    case DOCUMENT_SPREAD:
        figure_spread(&(struct spread){.mean = cell->value,
                                       .ci95_low = cell->low,
                                       .ci95_high = cell->high},
                      out);
        break;
    case DOCUMENT_INTERVAL: interval_text(cell, out); break;
    default: figure_number(cell->value, out);
    }
    return out;
}

static void make_table_visible(struct arena *a, const struct document_table *t)
{
    for (struct document_row *row = t->rows; row != NULL; row = row->next) {
        row->group = visible_text(row->group, false, a);
        row->note = visible_text(row->note, false, a);
        for (size_t i = 0; i < t->column_count; i++)
            row->cells[i].text = visible_text(row->cells[i].text, false, a);
    }
}

void document_make_visible(const struct document *d)
{
    for (struct document_block *b = d->blocks; b != NULL; b = b->next) {
        b->text = visible_text(b->text, false, d->arena);
        b->path = visible_text(b->path, false, d->arena);
        if (b->table != NULL)
            make_table_visible(d->arena, b->table);
    }
}

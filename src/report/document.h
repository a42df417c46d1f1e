/* What a report says, before anything decides how it looks: built once from rows and
 * summary, then given to the renderers (render.h).
 *
 * Everything lives in the arena; texts that are passed in are copied. A failure sticks in
 * the arena or in the line under way: the renderers ask both. */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "report/figure.h"
#include "report/plot_data.h"
#include "stats/analysis_row.h"
#include "stats/match.h"

#define DOCUMENT_COLUMNS 16 /* of a table, at most */

/* What several pages say, without the end of the sentence. */
#define DOCUMENT_SIMULATED "SIMULATED: these numbers do not come from real hardware"
#define DOCUMENT_ARMS                                                           \
    "Both arms in one engine: what hits are worth in it, not what the feature " \
    "costs"

enum document_kind {
    DOCUMENT_HEADING,
    DOCUMENT_SUBHEADING,
    DOCUMENT_CLAIM, /* of the answer; begins a line of its own */
    DOCUMENT_PARAGRAPH,
    DOCUMENT_ITEM, /* of a list */
    DOCUMENT_TABLE,
    DOCUMENT_PLOT, /* text: its title; path: the picture */
    /* of the page alone (render_html.c); text: the title */
    DOCUMENT_CHART,
    DOCUMENT_PAGE_TABLE, /* notes mark rows */
    DOCUMENT_ROWS,
};

/* What the cells of a column are, and so how their values are written. */
enum document_type {
    DOCUMENT_TEXT,
    DOCUMENT_NUMBER,
    DOCUMENT_PERCENT, /* of a share, 0..1 */
    DOCUMENT_RATIO,
    DOCUMENT_SPREAD,   /* a mean and its 95 % interval */
    DOCUMENT_INTERVAL, /* low, high */
};

struct document_column {
    const char *head; /* where room is scarce */
    const char *name; /* where it is not; NULL: as the head */
    const char *unit; /* NULL: none, or in the name */
    enum document_type type;
    int width; /* columns of text: > 0 to the left, < 0 to the right, 0 as it comes */
};

struct document_cell {
    const char *text; /* in place of the values, for people; NULL: the values say it */
    double value, low, high; /* NAN: unknown */
};

struct document_row {
    const char *group; /* rows of one group stand together under its name; NULL: none */
    const char *note;  /* what is to be said of the row; NULL: nothing */
    struct document_cell *cells; /* [column_count] */
    struct document_row *next;
};

struct document_table {
    const struct document_column *columns; /* [column_count] */
    size_t column_count;
    struct document_row *rows, *last;
};

struct document_block {
    enum document_kind kind;
    bool has_gap;     /* an empty line stands before it, where lines are not set
                         apart anyway */
    const char *text; /* tables: NULL */
    const char *path; /* plots: the picture */
    struct document_table *table;
    const struct plot *plot;
    const struct analysis_rows *rows;
    struct document_block *next;
};

struct document {
    struct arena *arena;
    const char *title, *lead; /* of the page, and what stands below it; NULL: none */
    const char *lang;         /* of headings and fixed sentences: phrases.h; NULL: en */
    struct document_block *blocks, *last;
    struct buf line;     /* of the text under way: document_end takes it */
    const char *heading; /* under which nothing stands yet; NULL: none */
    bool has_gap;        /* before what comes next */
    struct document_cell spare[DOCUMENT_COLUMNS]; /* of rows for which is no memory */
};

void document_init(struct document *d, struct arena *a);
void document_fini(struct document *d); /* the blocks stay with the arena */

/* A heading under which nothing follows is left out. */
void document_heading(struct document *d, const char *text);
PRINTF_LIKE(3, 4)
void document_add(struct document *d, enum document_kind kind, const char *fmt, ...);
/* The block that d->line holds; nothing where it is empty. */
void document_end(struct document *d, enum document_kind kind);
/* Appends to d->line a text that is not broken at its blanks. */
void document_keep(struct document *d, const char *text);
/* An empty line before what comes next. */
void document_gap(struct document *d);
void document_plot(struct document *d, const char *title, const char *path);
/* Both must live as long as the arena. */
void document_chart(struct document *d, const struct plot *plot);
void document_rows(struct document *d, const char *title,
                   const struct analysis_rows *rows);

/* The columns must live as long as the arena. */
struct document_table *document_table(struct document *d,
                                      const struct document_column *columns,
                                      size_t count);
/* The same for the page alone. */
struct document_table *document_page_table(struct document *d, const char *title,
                                           const struct document_column *columns,
                                           size_t count);
/* A new row's cells, empty until they are set; never NULL. */
struct document_cell *document_row(struct document *d, struct document_table *t,
                                   const char *group);
/* What is to be said of the last row. */
void document_note(struct document *d, struct document_table *t, const char *note);

struct document_cell document_of_text(const char *text);
struct document_cell document_of_value(double value);
struct document_cell document_of_spread(const struct spread *s);
struct document_cell document_of_ratio(const struct match_ratio *r);
/* Is it shown by the page alone? */
bool document_is_of_page(const struct document_block *b);
/* Writes out what would steer a terminal (base/visible.h), and line feeds: the renderers
 * get texts of one line. */
void document_make_visible(const struct document *d);
/* A cell as people read it: its text, or its values, written into out. */
const char *document_cell_text(const struct document_column *c,
                               const struct document_cell *cell, char out[FIGURE_BYTES]);

#endif

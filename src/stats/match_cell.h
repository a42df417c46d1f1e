/* Cells of matching: rows of any number of files, grouped by the fields in which repeats
 * agree. Everything lives in the arena or in the rows. */
#ifndef STATS_MATCH_CELL_H
#define STATS_MATCH_CELL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/field.h"
#include "stats/metric.h"

#define MATCH_UNKNOWN "unknown"
/* In place of a field under comparison: sides that the user chose, whatever they differ
 * in. The caller has made their names the labels of the rows. */
#define MATCH_BY_CHOICE FIELD_COUNT

struct match_row {
    const struct row *row; /* borrowed, must outlive the result */
    bool is_published;     /* of offline_benchmark.py: input_length in characters */
};

/* Rows of any number of files. */
struct match_input {
    const struct match_row *rows; /* [count] */
    size_t count;
};

struct match_cell {
    const struct row *row; /* first measured row, else first row: identity and settings */
    const char *side;      /* "ON"/"OFF", label, instance type...; "unknown" if null */
    const char *scenario;  /* "unknown" if null */
    const char *name;      /* the cell without its side, e.g. "short bs=4", for labels */
    bool is_published, is_simulated, has_dummy_weights;
    bool is_valid;       /* of the cell: of its rows, what its worst one is */
    const char *verdict; /* NULL: nothing was measured */
    const struct findings *warnings, *checks; /* of the cell's rules too */
    const struct row *doubtful_row;           /* the first of that verdict, if it is not
                                                 VALID; NULL */
    size_t doubtful;                          /* measured rows of it */
    const struct row *failed_row; /* the first with an error, warm-ups too; NULL */
    bool shares_nothing; /* caching ON and the prompts allow no hit: no ON/OFF claim */
    size_t measured, failed, warmups; /* rows */
    const struct row *const *rows;    /* [measured] by time */
    size_t launches, days;            /* that the measured rows come from; 0: unknown */
    struct spread spread[METRIC_COUNT];
};

struct match_cells {
    struct match_cell *cells; /* [count] */
    size_t count;
};

/* by: the field under comparison, which makes the sides. */
MUST_CHECK enum status match_cell_collect(const struct match_input *inputs,
                                          enum field_id by, struct arena *a,
                                          struct match_cells *out);

/* --- for match_cell.c alone */

/* Which cell each row belongs to (match_place.c): sets cell_of[count of the rows] and
 * *cell_count; cells are numbered in order of their first row. A row that does not know
 * its machine, client or driver joins the one cell that it fits; where it fits several it
 * is a cell of its own. */
MUST_CHECK enum status match_place_rows(const struct match_input *in, struct arena *a,
                                        size_t *cell_of, size_t *cell_count);
/* The verdict of a cell (match_verdict.c): its measured rows' codes, and the rules that
 * need all its repeats, which no row can bear. Sets is_valid, verdict, warnings, checks,
 * doubtful_row and doubtful. */
MUST_CHECK enum status match_verdict_judge(const struct row *const *rows, size_t count,
                                           struct arena *a, struct match_cell *c);

#endif

/* Matched cells (FORMAT.md 4): like with like. Rows of any number of files become cells,
 * and cells that differ only in the one thing under comparison become pairs. Pure;
 * everything returned lives in the arena or in the rows.
 *
 * A cell is all measured repeats with the same settings on the same machine; in what rows
 * must agree, agree.h says. Warm-ups and failed rows are counted, never averaged in. Rows
 * of offline_benchmark.py (no run_id) lack most settings: what they do not say does not
 * hinder a match, scenario and warm-up are read from their notes, and their input_length
 * (characters) is never compared. */
#ifndef STATS_MATCH_H
#define STATS_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/field.h"
#include "stats/metric.h"

/* The one thing under comparison. */
enum match_by {
    MATCH_BY_CACHING,
    MATCH_BY_LABEL,
    MATCH_BY_INSTANCE,
    MATCH_BY_MODEL,
    MATCH_BY_VERSION
};

struct match_options {
    enum match_by by;
    const char *baseline; /* side that ratios are relative to; NULL: OFF, or the first */
};

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
    const struct row *doubtful_row; /* the first of that verdict, if it is not VALID; NULL
                                     */
    size_t doubtful;                /* measured rows of it */
    const struct row *failed_row;   /* the first with an error, warm-ups too; NULL */
    bool shares_nothing; /* caching ON and the prompts allow no hit: no ON/OFF claim */
    size_t measured, failed, warmups; /* rows */
    size_t launches, days;            /* that the measured rows come from; 0: unknown */
    struct spread spread[METRIC_COUNT];
};

/* other / baseline, of the means of logarithms, so that a cost and the rate that it comes
 * from are each other's inverse; NAN where a value is unknown or not positive. low, high:
 * 95 % interval, NAN unless both have 3 repeats or more (docs/statistics.md). */
struct match_ratio {
    double ratio, low, high;
    bool is_one_launch; /* of each cell: how launches differ is not in the interval */
    size_t pairs;       /* 1, or pairs behind a geometric mean */
};

struct match_pair {
    const struct match_cell *baseline, *other;
    bool is_counted;  /* goes into the geometric mean */
    const char *note; /* why not, in words; NULL: it does */
    struct match_ratio ratios[METRIC_COUNT];
};

/* All pairs of two sides, in order of the cells. */
struct match_group {
    const char *baseline, *other; /* sides */
    struct match_pair *pairs;     /* [pair_count] */
    size_t pair_count, counted;
    struct match_ratio geomean[METRIC_COUNT]; /* over the counted pairs */
    const char *differs; /* what else differs in the counted pairs, what matters most
                            first, e.g. "engine_version 0.32.0 / 0.13.0"; NULL: nothing */
};

struct match_lone {
    const struct match_cell *cell;
    const char *why; /* in words: the nearest cell and in what it differs */
};

struct match_result {
    struct match_cell *cells; /* [cell_count] in order of first appearance; also cells
                                 with nothing measured */
    size_t cell_count;
    const char **sides; /* [side_count], baseline first */
    size_t side_count;
    struct match_group *groups; /* [group_count]: the baseline with each other side that
                                   has at least one pair */
    size_t group_count;
    struct match_lone *lone; /* [lone_count] cells in no pair; empty with fewer than two
                                sides */
    size_t lone_count;
};

MUST_CHECK enum status match_build(const struct match_input *inputs,
                                   const struct match_options *options, struct arena *a,
                                   struct match_result *out, struct err *e);

/* Names of --by: "label", "instance_type", "model_name", "engine_version",
 * "enable_prefix_caching". */
const char *match_by_name(enum match_by by);
MUST_CHECK enum status match_by_find(const char *name, enum match_by *out, struct err *e);

#endif

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

#include "stats/match_sides.h"

struct match_options {
    enum field_id by;     /* the one thing under comparison */
    const char *baseline; /* side that ratios are relative to; NULL: OFF, or the first */
    bool has_no_ratios;   /* they stay zeroed: compare_build makes its own */
};

/* other / baseline, of the means of logarithms, so that a cost and the rate that it comes
 * from are each other's inverse; NAN where a value is unknown or not positive. low, high:
 * 95 % interval, over launches from 2 a side on, else over 3 repeats a side or more; else
 * NAN (match_sides.h). */
struct match_ratio {
    double ratio, low, high;
    bool is_one_launch; /* of each cell: how launches differ is not in the interval */
    bool is_assumed;    /* judged all the same (compare.h) */
    const char *call;   /* "same", "better"...: set by compare_judge; NULL: not judged */
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

/* The pairs of a group over launches (match_sides.h). NULL: no memory. */
struct match_sides *match_group_sides(const struct match_group *g,
                                      struct match_figures figures, struct arena *a);

MUST_CHECK enum status match_build(const struct match_input *inputs,
                                   const struct match_options *options, struct arena *a,
                                   struct match_result *out, struct err *e);

#endif

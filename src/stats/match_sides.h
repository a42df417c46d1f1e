/* Two matched sides over launches of the engine: the one place where ratios of cells and
 * their geometric means come from (contrast.h), for compare, analyze and the table of a
 * run. Everything lives in the arena; the pairs and their cells must outlive it.
 *
 * y of a launch is the mean of ln x over its measured repeats of a cell. Values that are
 * not known are left out; one that is known and not positive has no logarithm, and its
 * cell no figure. */
#ifndef STATS_MATCH_SIDES_H
#define STATS_MATCH_SIDES_H

#include "stats/contrast.h"
#include "stats/match_cell.h"

struct match_sides;

struct match_sides_pair {
    const struct match_cell *cells[2]; /* the baseline first */
    bool is_counted;                   /* in means, and judged */
};

/* Of a figure (0, 1, ...) in a row; NAN: unknown. */
typedef double match_value(const struct row *row, int figure);
struct match_figures {
    match_value *value;
    match_value *s0; /* standard deviation of ln x that --target-ci went by (stein.h);
                        NAN: it did not go by this figure */
};

struct match_contrast {
    struct contrast of; /* of logarithms; variance NAN: nobody knows how sure */
    double means[2];    /* of logarithms, baseline first; NAN: unknown */
    struct contrast_sample launches[2]; /* what it is over, until the next call; of a
                                           mean, or within launches: none */
    bool is_within;       /* over the repeats (3 or more) of too few launches: how
                             launches differ is not in it */
    bool is_not_positive; /* some known value is 0 or less */
    size_t cells;         /* behind a mean: 0 where nothing is known */
};

/* Of pairs of shape [count]; launches are numbered by the time of their first rows. NULL:
 * no memory. */
struct match_sides *match_sides_new(const struct match_sides_pair *pairs, size_t count,
                                    struct match_figures figures, struct arena *a);
/* How many a side (0, 1) has, and the first row of each: shape [that many]. */
size_t match_sides_launches(const struct match_sides *s, int side);
const struct row *const *match_sides_first(const struct match_sides *s, int side);
/* Launch k of one and launch k of the other come from one run, for every k: the run took
 * them in turn, and they are compared in pairs. */
bool match_sides_are_paired(const struct match_sides *s);

/* Of pairs[pair]; one that is not counted has a difference alone. */
struct match_contrast match_sides_cell(struct match_sides *s, size_t pair, int figure);
/* The mean over cells. Launches that share cells are a part, and cells count that each
 * launch of their part has, on both sides: they are averaged inside each launch, since
 * cells share what their launch drew. Parts are independent of each other. Where no part
 * has two launches: the mean of all cells within their launches. */
struct match_contrast match_sides_mean(struct match_sides *s, int figure);

#endif

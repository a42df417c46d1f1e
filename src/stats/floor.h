/* The floor: by how much launches of one and the same settings differ on a machine,
 * measured once, and what a comparison of one launch a side can say with it. Pure.
 *
 * y is the mean of ln x over the measured repeats of a launch, S the standard deviation
 * of y over the R launches of the floor, s that of ln x inside a launch, pooled. A launch
 * of m repeats differs from its expectation with the variance S^2 + s^2 (1 / m - 1 / r)
 * where the floor's launches have r >= m; docs/compare.md has the derivation, and
 * tests/unit/test_floor.c what its intervals hold. */
#ifndef STATS_FLOOR_H
#define STATS_FLOOR_H

#include "base/arena.h"
#include "core/field.h"
#include "stats/contrast.h"

enum { FLOOR_LAUNCHES_MIN = 3, FLOOR_LAUNCHES_MAX = 1000, FLOOR_REPEATS_MAX = 100000 };

/* What is known of a metric in a cell. */
struct floor_figure {
    enum field_id field;
    const double *y;  /* [launches of the cell] in order of their time */
    double launch_sd; /* S */
    double repeat_sd; /* s; NAN: of one repeat a launch */
};

struct floor_cell {
    const struct floor *of;
    const struct row *row; /* the fields in which a floor agrees with what it is used for;
                              others absent */
    const char *name;      /* "short bs=4" */
    size_t launches;       /* R */
    size_t repeats;        /* r, of the launch that has fewest */
    const struct floor_figure *figures; /* [count] */
    size_t count;
};

/* Of one run. */
struct floor {
    const char *file;               /* NULL: not read from one */
    const char *run_id;             /* of it */
    const char *created;            /* its start, UTC */
    const struct floor_cell *cells; /* [count] */
    size_t count;
};

struct floor_list {
    const struct floor *items; /* [count] */
    size_t count;
};

/* --- what it says */

/* Two launches, one a side: the ratio less 1 below which no difference can be seen,
 * exp(t(.975, R - 1) S sqrt 2) - 1. */
double floor_single(double launch_sd, size_t launches);
/* The ratio less 1 that `each` launches a side see in 80 % of all comparisons, each >= 2:
 * exp((t(.975, 2 L - 2) + t(.80, 2 L - 2)) S sqrt(2 / L)) - 1. */
double floor_seen(double launch_sd, int each);

/* --- what it is used for */

enum floor_fit {
    FLOOR_UNFIT,
    FLOOR_OTHER_SETTINGS, /* all agrees but settings of the engine */
    FLOOR_FITS
};

/* What agrees between a floor and a row, whose machine must be known. Where all agrees
 * but machine, client, driver, engine or its version, *why names the first of these; else
 * it is FIELD_COUNT. */
enum floor_fit floor_fit(const struct floor_cell *c, const struct row *row,
                         enum field_id *why);
/* NULL: the floor does not know it. */
const struct floor_figure *floor_figure(const struct floor_cell *c, enum field_id id);

/* One launch that stands for a side. */
struct floor_side {
    double launch_sd, launches; /* S, R */
    double repeat_sd, within;   /* s, and the degrees of freedom of s */
    double floor_repeats;       /* r */
    double repeats;             /* m <= r: measured, that the side has */
};
/* Difference of two launches, other - baseline. is_shared: one floor stands for both, so
 * that what is not known of S is not known twice. Degrees of freedom after
 * Satterthwaite. */
struct contrast floor_contrast(double difference, const struct floor_side sides[2],
                               bool is_shared);

#endif

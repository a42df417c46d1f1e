/* Percentiles of samples that depend on each other, with their intervals.
 *
 * Latencies of one load share its queue, so n of them tell less than n independent ones:
 * n / V, where V is how much the share above the percentile varies between batches,
 * stretches of time, against what independent samples would make (batch means: Law,
 * Simulation Modeling and Analysis, 9.5.3; the interval is that of order statistics).
 * docs/statistics.md has the formulas and what they hold in simulations. */
#ifndef STATS_PERCENTILE_H
#define STATS_PERCENTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define PERCENTILE_BATCHES 20   /* of all repeats together, or one of each repeat */
#define PERCENTILE_LEAST   60   /* independent samples: a batch lasts 3 V */
#define PERCENTILE_NARROW  0.25 /* of the value, from the lowest batch to the highest */

/* value is NAN where the sample does not support it, low and high where nobody knows
 * them. */
struct percentile {
    double p; /* 0..100 */
    double value;
    double low, high;       /* 95 % interval; a value of INFINITY is NAN */
    size_t samples, needed; /* independent ones, and how many support the value; samples
                               0: nothing of the kind exists */
};

/* How the samples of a repeat hang together. */
enum percentile_order {
    PERCENTILE_ANY,     /* nobody knows: values with their floor, no interval */
    PERCENTILE_CLUSTER, /* a batch: all of it is one cluster */
    PERCENTILE_TIMED    /* a load that went on: in order of time */
};

struct percentile_sample {
    int64_t at_ns; /* in order of these, then of values */
    double value;  /* INFINITY: longer than all that are known */
};

struct percentile_part { /* a repeat */
    size_t count, unit;
};

/* Samples of repeats, one after the other. Zero-initialise; percentile_series_fini
 * frees. */
struct percentile_series {
    enum percentile_order order; /* of the last repeat */
    double *values;              /* [count] */
    size_t count, room;
    struct percentile_part *parts; /* [part_count], none empty */
    size_t part_count, part_room;
    bool is_sorted; /* within its batches */
};

/* Appends a repeat. Puts samples, shape [count], into the order of their time.
 *   unit  what varies of itself, as a launch does: of several, intervals are over units;
 *         repeats of one unit follow each other
 * NO_MEMORY is the only failure, and leaves s as it was. */
MUST_CHECK enum status percentile_series_add(struct percentile_series *s,
                                             struct percentile_sample *samples,
                                             size_t count, size_t unit,
                                             enum percentile_order order);
void percentile_series_fini(struct percentile_series *s);

/* All samples together. */
struct percentile_pool {
    const double *sorted; /* [count] ascending */
    size_t count, lost;   /* lost: longer than all of these */
    size_t distinct;      /* at most so many are independent */
};

/* The fewest samples that may show percentile p, as independent as can be. */
size_t percentile_needs(double p, enum percentile_order order);

/* Percentile p, 0 < p < 100, of the pool, whose samples are those of the series.
 *
 * TIMED: shown where min(distinct, n / V) independent samples reach quantile_floor(p) and
 * PERCENTILE_LEAST; the interval is of order statistics. Else shown where in each batch
 * the percentile has its samples, and all of these lie within PERCENTILE_NARROW of the
 * value: what varies slowly, and by little; the interval is from the lowest to the
 * highest. A median is shown from quantile_floor(50) distinct samples on: without its
 * interval where these conditions do not hold.
 * CLUSTER, ANY: shown from quantile_floor(p) distinct samples on.
 * Of a CLUSTER, and where there are several units: the interval is Student's t over the
 * percentiles of the repeats (units), from 3 on that each have quantile_floor(p).
 * The first call sorts the batches of s. */
struct percentile percentile_of(struct percentile_series *s,
                                const struct percentile_pool *pool, double p);

#endif

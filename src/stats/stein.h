/* As many repeats as an interval of a wanted width takes, in two stages (C. Stein, Ann.
 * Math. Statist. 16 (1945) 243-258): the standard deviation of the first n0 alone decides
 * how many there will be, and the width of the interval, so that stopping does not depend
 * on how the mean came out. docs/statistics.md has the formula. Pure.
 *
 * A unit is a measured repeat or, with --across-launches, a launch of the engine, whose
 * value is the geometric mean of its measured repeats. */
#ifndef STATS_STEIN_H
#define STATS_STEIN_H

#include "core/run_data.h"
#include "stats/metric.h"

enum {
    STEIN_FIRST = 10,        /* n0: units of the first stage */
    STEIN_MOST = 1000000000, /* more is as good as never */
};

/* What FIELD_target_unit says. */
#define STEIN_REPEAT "repeat"
#define STEIN_LAUNCH "launch"

struct stein {
    double s0; /* standard deviation of ln x of the first n0; NAN: not all are known */
    int64_t n; /* units that the target takes: max(n0, ceil((t(.975, n0 - 1) s0 /
                  ln(1 + share))^2)); 0: unknown */
};

/* x: [count] of a cell's units in their order; the first n0 are used, and must be
 * positive. share: 0.02 for +-2 %. */
struct stein stein_of(const double *x, size_t count, double share);
/* ln x; NAN where x is unknown or not positive. */
double stein_log(double x);
/* Half of the 95 % interval of the mean of ln x over so many units: t(.975, n0 - 1) s0
 * / sqrt(measured). Of those that the target takes it is ln(1 + share) at most. */
double stein_half(double s0, size_t measured);

/* The metric that names itself so; METRIC_COUNT: none. */
enum metric stein_metric(const char *name);
/* Sets stein_n0, stein_s0 and stein_n of all rows of cells whose run had a target. rows:
 * [run->repeat_count]. NO_MEMORY is the only failure. */
MUST_CHECK enum status stein_fill(const struct run_data *run, struct row *rows,
                                  struct arena *a);
/* stein_s0 of a row whose target was of that metric; NAN: it was not, or is unknown. */
double stein_s0(const struct row *row, enum metric m);
/* Is a mean over the launches (else: the repeats) of these measured rows one of the units
 * whose s0 they bear? rows: [count] of a cell; of launches they must be of one run. */
bool stein_is_of_units(const struct row *const *rows, size_t count, bool of_launches);
/* Gives the spread of the target's metric that interval in place of one over the s of all
 * units; of other cells nothing changes. */
void stein_put_interval(const struct metric_rows *in,
                        struct spread spreads[METRIC_COUNT]);

#endif

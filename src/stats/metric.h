/* The metrics that are summarised (core/field.h): their value in a row, and their spread
 * over the repeats of a cell. Pure; no allocation. */
#ifndef STATS_METRIC_H
#define STATS_METRIC_H

#include <stdbool.h>
#include <stddef.h>

#include "core/field.h"
#include "stats/interval.h"
#include "stats/launches.h"

/* Over repeats; all NAN where count is 0. Of several launches of the engine, mean and
 * intervals are over the means of each: repeats of one launch tell nothing of the
 * next. */
struct spread {
    size_t count; /* repeats that know the value */
    size_t units; /* what the intervals are over: those repeats, or their launches */
    bool is_over_launches; /* also where each has one repeat */
    double mean, min, max;
    double std;                 /* NAN below 2 values */
    double ci95_low, ci95_high; /* 95 % interval (Student t), NAN below 3 units */
    struct interval_logs logs;
};

/* The field that has it in such a row: of a load that of the window, which is behind
 * the metric's own name offline. */
enum field_id metric_field(enum metric m, const struct row *row);
/* Its value in a row; NAN: unknown. */
double metric_value(const struct row *row, enum metric m);
/* Known values over rows of shape [count], into out of the same shape; how many. Of a
 * load of ours only the rates of the window count: those of the whole run, with its start
 * and end, are other quantities. */
size_t metric_values(const struct row *const *rows, size_t count, enum metric m,
                     double *out);
/* Spread of values of shape [count], none NAN. What is a rate's inverse, a cost, has its
 * mean and interval by way of logarithms, so that they are the inverse of the rate's; but
 * not in definitions 1. */
struct spread metric_spread(enum metric m, int definitions, const double *values,
                            size_t count);
/* Repeats of a cell. */
struct metric_rows {
    const struct row *const *items; /* [count] */
    size_t count;
    struct launches launches; /* of them */
    int definitions;
};

/* Of each metric; scratch: [3 * count]. */
void metric_spreads(const struct metric_rows *in, double *scratch,
                    struct spread out[METRIC_COUNT]);
/* What tokens of a row cost; NAN where it is unknown. */
struct metric_costs {
    double output_usd; /* a million output tokens, by the row's price and its rate of
                          them: that of the window, online */
    double all_usd;    /* a million input and output tokens, in the shares of the whole
                          repeat */
    double joules;     /* an output token, of the energy of the repeat */
};
void metric_costs(const struct row *row, struct metric_costs *out);

#endif

/* Exact quantiles of samples that are kept whole. */
#ifndef STATS_QUANTILE_H
#define STATS_QUANTILE_H

#include <stddef.h>

/* Ascending, in place. No value may be NAN. */
void quantile_sort(double *values, size_t count);

/* The median, of an even number the mean of the two in the middle; NAN of none. Its time
 * grows with the count alone; the values are left in another order. None may be NAN. */
double quantile_median(double *values, size_t count);

/* Rank of percentile p among `count` values, from 1: the smallest with at least
 * ceil(p / 100 * count) values at or below it.
 *   p        0 < p <= 100; 100 is the maximum
 *   returns  0 when count is 0 or p out of range
 * p / 100 * count is taken as the decimal number that was meant: 7 % of 100 is rank 7
 * though the product of the doubles is a little more. */
size_t quantile_rank(double p, size_t count);
/* The value of that rank of ascending values, shape [count]; NAN where it is 0. */
double quantile_of_sorted(const double *sorted, size_t count, double p);

/* As quantile_of_sorted, but NAN where `samples` is below quantile_floor(p). */
double quantile_with_floor(const double *sorted, size_t count, size_t samples, double p);

/* Least number of samples for a percentile: the smallest n with
 *     q^n + n (1 - q) q^(n-1) <= 0.01,   q = p / 100,
 * that is 99 % confidence that two samples lie above the true percentile, so that the
 * second largest bounds it. p50 11, p90 64, p95 130, p99 662, p99.9 6636. 1 for p <= 0 (a
 * minimum); SIZE_MAX for p >= 100 (no sample bounds a maximum). */
size_t quantile_floor(double p);

/* Distinct values of a sorted array. */
size_t quantile_distinct(const double *sorted, size_t count);

#endif

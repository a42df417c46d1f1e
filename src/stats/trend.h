/* Does a series rise or fall? Pure. Of more than TREND_MAX values means of equal blocks
 * stand for them, so that time and memory do not grow with the square. */
#ifndef STATS_TREND_H
#define STATS_TREND_H

#include <stddef.h>

#include "base/status.h"

#define TREND_EXACT_MAX 10
#define TREND_MAX       1000

/* Two-sided p of the Mann-Kendall test (Mann, Econometrica 13 (1945) 245; Kendall, Rank
 * Correlation Methods, 1970) of values in order of time. Up to TREND_EXACT_MAX values
 * without ties: the exact distribution of S; else the normal approximation with
 * continuity correction and the variance corrected for ties. NAN below 3 values; 1 if all
 * are equal. */
double trend_p(const double *values, size_t count);

/* Drift over the whole series relative to its median: Theil-Sen slope (median of all
 * pairwise slopes; Sen, JASA 63 (1968) 1379) x (count - 1) / |median|. Medians of an
 * even number are the mean of the two in the middle. *out NAN below 2 values or with
 * median 0. */
MUST_CHECK enum status trend_drift(const double *values, size_t count, double *out);

#endif

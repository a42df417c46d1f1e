#include "stats/quantile.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void quantile_sort(double *values, size_t count)
{
    if (count > 1)
        qsort(values, count, sizeof *values, ascending);
}

static double middle_of(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* Puts the value of rank k (from 0) of ascending order at values[k], no larger one before
 * it and no smaller one behind it (C. A. R. Hoare, Comm. ACM 4 (1961) 321). */
static void select_rank(double *values, size_t count, size_t k)
{
    size_t low = 0, high = count; /* it is in [low, high) */
    while (high - low > 1) {
        double pivot = middle_of(values[low], values[low + (high - low) / 2],
                                 values[high - 1]);
        size_t below = low, at = low, above = high;
        while (at < above) {
            double x = values[at];
            if (x < pivot) {
                values[at++] = values[below];
                values[below++] = x;
            } else if (x > pivot) {
                values[at] = values[--above];
                values[above] = x;
            } else {
                at++;
            }
        }
        if (k >= below && k < above)
            return;
        low = k < below ? low : above;
        high = k < below ? below : high;
    }
}

double quantile_median(double *values, size_t count)
{
    size_t half = count / 2;
    if (count == 0)
        return NAN;
    select_rank(values, count, half);
    if (count % 2 == 1)
        return values[half];
    double below = values[0];
    for (size_t i = 1; i < half; i++)
        below = fmax(below, values[i]);
    return (below + values[half]) / 2;
}

size_t quantile_rank(double p, size_t count)
{
    if (count == 0 || !(p > 0 && p <= 100))
        return 0;
    /* 1e-12: far above the rounding of the product, far below 1 / count. */
    double exact = p * (double)count / 100;
    double rank = ceil(exact - exact * 1e-12);
    size_t whole = rank < 1 ? 1 : (size_t)rank;
    return whole < count ? whole : count;
}

double quantile_of_sorted(const double *sorted, size_t count, double p)
{
    size_t rank = quantile_rank(p, count);
    return rank > 0 ? sorted[rank - 1] : NAN;
}

double quantile_with_floor(const double *sorted, size_t count, size_t samples, double p)
{
    return samples < quantile_floor(p) ? NAN : quantile_of_sorted(sorted, count, p);
}

/* P(at most one of n samples lies above the percentile). */
static double chance_of_too_few(double q, double n)
{
    return exp(n * log(q)) + n * (1 - q) * exp((n - 1) * log(q));
}

size_t quantile_floor(double p)
{
    if (p <= 0)
        return 1;
    if (p >= 100)
        return SIZE_MAX;
    double q = p / 100;
    size_t high = 2;
    while (chance_of_too_few(q, (double)high) > 0.01 && high < SIZE_MAX / 4)
        high *= 2;
    size_t low = high / 2; /* the chance falls with n from n = 1 on */
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        if (chance_of_too_few(q, (double)middle) <= 0.01)
            high = middle;
        else
            low = middle;
    }
    return high;
}

size_t quantile_distinct(const double *sorted, size_t count)
{
    size_t distinct = count > 0;
    for (size_t i = 1; i < count; i++)
        distinct += sorted[i] != sorted[i - 1];
    return distinct;
}

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
